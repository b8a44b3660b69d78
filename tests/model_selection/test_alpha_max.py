"""The smallest alpha at which all weights are zero: from the gradient at the best constant, for every loss."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.linear_model import QuantileRegressor
from sklearn.preprocessing import scale
from support.paths import LINEAR

from skregopt import MLPClassifier, MLPRegressor
from skregopt.losses import Quantile
from skregopt.model_selection import regularization_path
from skregopt.penalties import L1, ElasticNet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def alpha_max_of(estimator, X, y, **weights):
    """Return the strength at which a path begins; no fit converges for that."""
    return regularization_path(estimator.set_params(max_iter=1), X, y, n_alphas=1, **weights).alpha_max_


def test_alpha_max_is_the_smallest_one_for_every_loss(diabetes):
    """A little below it some weight moves, at it none does: stationarity, checked with gradients of the formula."""
    X, y = diabetes
    y = y + 3.0
    shares = {"squared_error": y - y.mean(), "poisson": y - y.mean(), "gamma": y / y.mean() - 1}
    for loss, residuals in shares.items():
        path = regularization_path(MLPRegressor(loss=loss, penalty="l1", **LINEAR), X, y, n_alphas=2, eps=0.97)
        assert_allclose(path.alpha_max_, np.abs(X.T @ residuals).max() / len(y), rtol=2e-6, err_msg=loss)
        assert_array_equal(path.n_nonzero_ > 0, [False, True], err_msg=loss)


@pytest.mark.parametrize("quantile", [0.5, 0.3])
def test_alpha_max_of_a_loss_with_kinks(diabetes, quantile):
    """With ties and with an even number of rows: scikit-learn's linear programme has no weight at it, and one below."""
    X, y = diabetes[0], np.round(diabetes[1], 1)
    alpha_max = alpha_max_of(MLPRegressor((), loss=Quantile(quantile), penalty="l1"), X, y)
    n_nonzero = [
        np.count_nonzero(np.abs(QuantileRegressor(quantile=quantile, alpha=alpha_max * share).fit(X, y).coef_) > 1e-9)
        for share in (1.001, 0.9)
    ]
    assert n_nonzero[0] == 0 < n_nonzero[1]


def test_alpha_max_of_groups_and_of_softmax():
    X, y = load_iris(return_X_y=True)
    X = scale(X)
    weights = np.random.RandomState(0).uniform(0.5, 2.0, size=len(y))
    shares = np.bincount(y, weights) / weights.sum()
    gradient = X.T @ ((shares - np.eye(3)[y]) * weights[:, None]) / weights.sum()
    largest = np.linalg.norm(gradient, axis=1).max() / (np.sqrt(3) * 0.8)
    classifier = MLPClassifier(penalty="group_l1", l1_ratio=0.8, **(LINEAR | {"max_iter": 500}))
    path = regularization_path(classifier, X, y, sample_weight=weights, n_alphas=3, eps=0.5)
    assert_allclose(path.alpha_max_, largest, rtol=2e-6)
    assert_array_equal(path.n_features_ > 0, [False, True, True])
    assert path.feature_importances_.shape == (3, 4)
    for penalty, share in ((L1(), 1), (ElasticNet(0.25), 0.25)):
        alpha_max = alpha_max_of(MLPClassifier((), penalty=penalty), X, y, sample_weight=weights)
        assert_allclose(alpha_max, np.abs(gradient).max() / share, rtol=2e-6)
