"""The regularisation path: scikit-learn's without hidden layers, upwards with them; what it returns; interruption."""

import pickle
import time
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, enet_path, lasso_path
from sklearn.preprocessing import scale
from support.paths import ENDLESS, LINEAR, NETWORK, Interrupting

from skregopt import MLPClassifier, MLPRegressor
from skregopt.model_selection import regularization_path

# --- without hidden layers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("penalty, l1_ratio", [("l1", 1.0), ("elasticnet", 0.7)])
def test_linear_path_is_that_of_coordinate_descent(diabetes, penalty, l1_ratio, sparse):
    X, y = diabetes
    ratio = {} if penalty == "l1" else {"l1_ratio": l1_ratio}
    linear = MLPRegressor(penalty=penalty, **ratio, **LINEAR)
    path = regularization_path(linear, sp.csr_array(X) if sparse else X, y, n_alphas=12, tol=1e-13)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a duality gap of rounding errors
        _, coefs, _ = enet_path(X, y, l1_ratio=l1_ratio, alphas=path.alphas_, tol=1e-12, max_iter=100_000)
    assert_allclose(path.alpha_max_, np.abs(X.T @ y).max() / len(y) / l1_ratio, rtol=2e-6)
    assert_allclose(path.alphas_, np.geomspace(path.alpha_max_, 1e-3 * path.alpha_max_, 12))
    assert_allclose(np.column_stack([coef[0].ravel() for coef in path.coefs_]), coefs, atol=2e-5)
    assert_array_equal(path.n_nonzero_, np.count_nonzero(coefs, axis=0))
    assert path.sparsity_[0] == 1.0 and path.converged_.all()


def test_adam_follows_the_same_path(diabetes):
    X, y = diabetes
    adam = MLPRegressor((), penalty="l1", learning_rate_init=0.01, batch_size=len(y), max_iter=20_000)
    path = regularization_path(adam, X, y, n_alphas=8)
    _, coefs, _ = lasso_path(X, y, alphas=path.alphas_, tol=1e-8, max_iter=100_000)
    assert_allclose(np.column_stack([coef[0].ravel() for coef in path.coefs_]), coefs, atol=5e-4)


def test_linear_defaults_converge(diabetes):
    """The estimator's own tol and patience, 1e-4 and 10, would stop far from the minimum."""
    X, y = diabetes
    linear = MLPRegressor((), penalty="l1", solver="gd", learning_rate_init=0.2, max_iter=5000)
    path = regularization_path(linear, X, y, n_alphas=12)
    _, coefs, _ = lasso_path(X, y, alphas=path.alphas_, tol=1e-8, max_iter=100_000)
    assert_allclose(np.column_stack([coef[0].ravel() for coef in path.coefs_]), coefs, atol=5e-4)


def test_logistic_path_is_that_of_saga():
    X, y = load_breast_cancer(return_X_y=True)
    X, y = scale(X[:, [1, 4, 5, 8, 9, 10]]), np.where(y, "benign", "malignant")
    path = regularization_path(
        MLPClassifier(penalty="l1", **(LINEAR | {"learning_rate_init": 1.0})), X, y, n_alphas=4, eps=0.05
    )
    assert path.n_nonzero_[0] == 0 < path.n_nonzero_[1]
    for alpha, coefs, intercepts in zip(path.alphas_[1:], path.coefs_[1:], path.intercepts_[1:], strict=True):
        l1 = {"l1_ratio": 1} if LogisticRegression().l1_ratio is not None else {"penalty": "l1"}  # scikit-learn < 1.8
        saga = LogisticRegression(**l1, solver="saga", C=1 / (alpha * len(y)), tol=1e-8, max_iter=100_000).fit(X, y)
        assert_allclose(coefs[0].T, saga.coef_, atol=1e-4)
        assert_allclose(intercepts[0], saga.intercept_, atol=1e-4)


def test_fits_that_do_not_converge_are_counted(diabetes):
    linear = MLPRegressor((), penalty="l1", solver="gd", max_iter=3)
    with pytest.warns(ConvergenceWarning, match="4 of 4 fits of the path ended at max_iter=3"):
        path = regularization_path(linear, *diabetes, n_alphas=4)
    assert not path.converged_.any()
    assert_array_equal(path.n_iter_, 3)


# --- with hidden layers ----------------------------------------------------------------------------------------------


def test_noise_is_dropped_first(cancer):
    X, y = cancer
    network = MLPClassifier(20, penalty="group_l1", batch_size=64, learning_rate_init=0.005, random_state=0)
    path = regularization_path(network, X, y, n_alphas=20, X_val=X[::2], y_val=y[::2])
    assert np.all(np.diff(path.alphas_) > 0)
    ratios = path.alphas_[1:] / path.alphas_[:-1]
    assert_allclose(ratios, 1e3 ** (1 / 19), rtol=1e-9)
    kept = path.feature_importances_ > 0
    real, noise = kept[:, :30].sum(axis=1), kept[:, 30:].sum(axis=1)
    assert noise[0] > 25 and real[0] > 25, "dense at first"
    without_noise = np.flatnonzero(noise == 0)[0]
    assert real[without_noise] >= 8, "measurements outlast all noise"
    assert not noise[without_noise:].any()
    assert path.val_scores_[without_noise] > 0.95
    assert path.n_features_[-1] == 0 and not path.coefs_[-1][0].any()
    assert path.alpha_max_ == path.alphas_[-1]


@pytest.mark.parametrize("penalty", ["l1", "elasticnet"])
def test_the_increasing_path_ends_with_all_weights_zero(penalty, diabetes):
    network = MLPRegressor((8, 8), penalty=penalty, learning_rate_init=0.01, max_iter=100, random_state=0)
    path = regularization_path(network, *diabetes, n_alphas=10)
    assert path.sparsity_[-1] == 1.0 and path.n_nonzero_[-1] == 0
    assert np.all(path.n_nonzero_[:-1] > 0)
    assert path.n_iter_[0] <= 100 and np.all(path.n_iter_[1:] <= 25)
    same = regularization_path(network, *diabetes, n_alphas=10)
    for first, second in zip(path.coefs_, same.coefs_, strict=True):
        for left, right in zip(first, second, strict=True):
            assert_array_equal(left, right)


def test_zero_weights_would_stay(diabetes):
    """Why the path with hidden layers goes up: below alpha_max_ nothing grows again from zero."""
    X, y = diabetes
    network = MLPRegressor(8, penalty="l1", solver="gd", learning_rate_init=0.1, max_iter=400, random_state=0)
    path = regularization_path(network, X, y, n_alphas=8, tol=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        again = path.estimators_[-1].set_params(alpha=path.alphas_[0], warm_start=True).fit(X, y)
    assert again.n_nonzero_ == 0


# --- what both have in common ----------------------------------------------------------------------------------------


def test_the_path_has_fitted_estimators_and_the_given_one_is_unchanged(diabetes):
    X, y = diabetes
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    given = MLPRegressor(5, penalty="l1", learning_rate_init=0.01, max_iter=40, random_state=np.random.RandomState(3))
    before = pickle.dumps(given)
    path = regularization_path(given, frame, y, alphas=[0.1, 0.001, 0.01])
    assert pickle.dumps(given) == before and not hasattr(given, "coefs_")
    assert_array_equal(path.alphas_, [0.001, 0.01, 0.1])
    assert_array_equal(path.feature_names_in_, frame.columns)
    for k, (alpha, network) in enumerate(zip(path.alphas_, path.estimators_, strict=True)):
        parameters = network.get_params()
        assert parameters.pop("alpha") == alpha
        assert parameters.pop("random_state") is not given.random_state
        assert parameters.items() <= given.get_params().items()
        assert network.score(frame, y) == path.train_scores_[k]
        assert len(network.loss_curve_) == network.n_iter_ == path.n_iter_[k]
        assert network.loss_ == path.loss_[k]
        assert_array_equal(pickle.loads(pickle.dumps(network)).predict(frame), network.predict(frame))
    assert "RegularizationPath(3 alphas from 0.001 to 0.1)" == repr(path)


def test_scores_take_a_scorer_and_weights(diabetes):
    X, y = diabetes
    weights = np.random.RandomState(0).uniform(size=len(y))
    linear = MLPRegressor(penalty="l1", **LINEAR)
    options = {"scoring": "neg_mean_squared_error", "n_alphas": 3, "tol": 1e-8}
    path = regularization_path(linear, X, y, X_val=X, y_val=y, sample_weight_val=weights, **options)
    for network, train_score, val_score in zip(path.estimators_, path.train_scores_, path.val_scores_, strict=True):
        squares = (network.predict(X) - y) ** 2
        assert_allclose([train_score, val_score], [-squares.mean(), -np.average(squares, weights=weights)])
    path = regularization_path(linear, X, y, sample_weight=weights, **options)
    for network, train_score in zip(path.estimators_, path.train_scores_, strict=True):
        assert_allclose(train_score, -np.average((network.predict(X) - y) ** 2, weights=weights))


def test_float32_has_no_weight_at_alpha_max(diabetes):
    X, y = (part.astype(np.float32) for part in diabetes)
    path = regularization_path(MLPRegressor(penalty="l1", **LINEAR), X, y, n_alphas=3, tol=1e-6)
    assert path.coefs_[0][0].dtype == np.float32
    assert path.n_nonzero_[0] == 0


def test_given_bounds(diabetes):
    X, y = diabetes
    linear = MLPRegressor(penalty="l1", **(LINEAR | {"max_iter": 2000}))
    path = regularization_path(linear, X, y, n_alphas=3, alpha_min=0.1, alpha_max=0.4, tol=1e-8)
    assert_allclose(path.alphas_, [0.4, 0.2, 0.1])
    assert_allclose(path.alpha_max_, 0.58645, rtol=1e-4)
    network = MLPRegressor(4, penalty="l1", max_iter=5, random_state=0)
    path = regularization_path(network, X, y, n_alphas=3, eps=0.25, alpha_min=0.1, alpha_max=0.4)
    assert_allclose(path.alphas_, [0.1, 0.2, 0.4])
    assert np.isnan(path.alpha_max_), "not reached"


# --- interruption ----------------------------------------------------------------------------------------------------


def test_ctrl_c_in_a_fit_ends_the_path_with_what_is_complete(diabetes):
    network = MLPRegressor(8, **NETWORK)
    started = time.perf_counter()
    with pytest.warns(UserWarning, match=r"Path interrupted by user. .* 1 alpha\(s\) from 0.001 to 0.001") as caught:
        path = regularization_path(network, *diabetes, alphas=[0.001, 0.1], scoring=Interrupting(), **ENDLESS)
    assert time.perf_counter() - started < 20
    assert len(caught) == 1
    assert_array_equal(path.alphas_, [0.001])
    assert path.train_scores_.shape == (1,) and path.val_scores_ is None


def test_ctrl_c_between_fits_ends_the_path_too(diabetes):
    X, y = diabetes
    network = MLPRegressor(8, **NETWORK)
    with pytest.warns(UserWarning, match=r"2 alpha\(s\) from 0.001 to 0.01"):
        path = regularization_path(
            network, X, y, alphas=[0.001, 0.01, 0.1], scoring=Interrupting(at_call=6), X_val=X, y_val=y
        )
    assert path.train_scores_.shape == path.val_scores_.shape == path.alphas_.shape == (2,)
    with pytest.raises(KeyboardInterrupt):
        regularization_path(network, X, y, alphas=[0.001, 0.01], scoring=Interrupting(at_call=1))


def test_a_schedule_that_ends_at_max_iter_has_converged():
    X = np.random.RandomState(0).randn(60, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        regularization_path(
            MLPRegressor((), penalty="l1", learning_rate="one_cycle", max_iter=3), X, X[:, 0], alphas=[0.1, 0.01]
        )
