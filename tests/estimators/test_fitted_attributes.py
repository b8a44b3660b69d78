"""What a fit leaves behind: scikit-learn's attributes, importances, zeros."""

from numbers import Real

import numpy as np
import pytest
import sklearn
import sklearn.neural_network
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.feature_selection import SelectFromModel
from support.estimators import BOTH, make_data, small
from support.states import state

import skregopt
from skregopt import MLPClassifier
from skregopt._estimators.fitted import CURVES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_every_fitted_attribute_of_scikit_learn_exists(name):
    theirs, ours = getattr(sklearn.neural_network, name), getattr(skregopt, name)
    X, y = make_data(ours)
    for params in ({}, {"early_stopping": True}, {"solver": "lbfgs"}):
        params = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0, **params}
        expected, model = theirs(**params).fit(X, y), ours(**params).fit(X, y)
        for attribute, value in vars(expected).items():
            if attribute.endswith("_") and not attribute.startswith("_"):
                assert hasattr(model, attribute), attribute
                expected_type = Real if isinstance(value, Real) else type(value)
                assert isinstance(getattr(model, attribute), expected_type), attribute
        for attribute in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_", "n_iter_"):
            assert getattr(model, attribute) == getattr(expected, attribute), attribute
        if params.get("solver") != "lbfgs":  # where scikit-learn's counts nothing
            assert model.t_ == expected.t_


@BOTH
def test_feature_importances(kind):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 8))
    y = (X[:, 2] > 0).astype(int) if kind is MLPClassifier else X[:, 2]
    model = small(kind, penalty="l1", alpha=0.03, max_iter=300, learning_rate_init=0.01).fit(X, y)
    importances = model.feature_importances_
    norms = np.linalg.norm(model.coefs_[0], axis=1)
    assert_allclose(importances, norms / norms.sum())
    assert importances.argmax() == 2 and importances.sum() == pytest.approx(1)
    dropped = ~model.coefs_[0].any(axis=1)
    assert dropped.any()
    assert_array_equal(importances[dropped], 0.0)
    selector = SelectFromModel(model, prefit=True, threshold=1e-12)
    assert_array_equal(selector.get_support(), ~dropped)
    fitted = SelectFromModel(clone(model), threshold="mean").fit(X, y)
    assert fitted.get_support()[2] and fitted.transform(X).shape[1] < 8
    n_nonzero = sum(np.count_nonzero(coef) for coef in model.coefs_)
    n_weights = sum(coef.size for coef in model.coefs_)
    assert model.n_nonzero_ == n_nonzero < n_weights
    assert model.sparsity_ == pytest.approx(1 - n_nonzero / n_weights)
    assert isinstance(model.n_nonzero_, int) and isinstance(model.sparsity_, float)


@BOTH
@pytest.mark.parametrize("name", ["feature_importances_", "n_nonzero_", "sparsity_", "coefs_"])
def test_attributes_appear_with_fit(kind, name):
    assert not hasattr(kind(), name)
    assert hasattr(small(kind).fit(*make_data(kind)), name)


@BOTH
def test_all_weights_zero(kind):
    X, y = make_data(kind)
    model = small(kind, penalty="l1", alpha=100.0, max_iter=30, learning_rate_init=0.1).fit(X, y)
    assert model.n_nonzero_ == 0 and model.sparsity_ == 1.0
    assert_array_equal(model.feature_importances_, np.zeros(5))


@BOTH
@pytest.mark.nojit
@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("as_sequence", [np.array, tuple, lambda curve: np.array([])])
def test_curves_that_were_assigned_go_on_as_lists(kind, name, as_sequence):
    """Whatever sequence the user has made of them, to plot for instance."""
    X, y = make_data(kind)
    for train in ("partial_fit", "fit"):
        model = small(kind, warm_start=True, max_iter=2).fit(X, y, X_val=X, y_val=y)
        model.set_params(early_stopping=train == "fit")
        setattr(model, name, as_sequence(model.loss_curve_))
        before = list(getattr(model, name))
        after = getattr(getattr(model, train)(X, y), name)
        assert after is None or type(after) is list and after[: len(before)] == before


@BOTH
def test_a_refit_forgets_the_fit_before(kind):
    X, y = make_data(kind)
    other = make_data(kind, n_features=3, seed=4)
    model = small(kind, early_stopping=True).fit(*other).set_params(early_stopping=False).fit(X, y)
    model.partial_fit(X, y).fit(X, y)
    expected = small(kind).fit(X, y)
    assert state(model) == state(expected)
