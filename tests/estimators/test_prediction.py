"""Predictions: from what was fitted, whatever happened to parameters and arrays since."""

import copy

import numpy as np
import pytest
from support.refusals import BOTH, assert_refused, fitted_once, make_data, with_value
from support.states import plain

from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import LeakyReLU
from skregopt.losses import Quantile

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


@BOTH
def test_prediction_on_bad_data(kind):
    X, _ = make_data(kind)
    other = "X has 3 features"
    assert_refused(kind, lambda estimator: estimator.predict(X[:, :3]), ValueError, (other,))
    bad = with_value(X, np.nan)
    assert_refused(kind, lambda estimator: estimator.predict(bad), ValueError, ("Input X contains NaN",))


@BOTH
@pytest.mark.parametrize("name", ["activation", "loss"])
def test_prediction_after_a_parameter_was_spoilt(kind, name):
    """What a fit used stays with it; the next fit refuses."""
    X, y = make_data(kind)
    model = copy.deepcopy(fitted_once(kind))
    before = plain(model.predict(X))
    model.set_params(**{name: "zzz"})
    assert plain(model.predict(X)) == before
    with pytest.raises(ValueError, match=name):
        model.fit(X, y)


# --- weights and components that were changed -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data():
    X = np.random.RandomState(0).normal(size=(60, 5))
    return X, (X[:, 0] > 0).astype(int)


def test_replaced_weights_of_fewer_features(data):
    X, y = data
    clf = MLPClassifier(4, max_iter=2).fit(X, y)
    clf.coefs_[0] = clf.coefs_[0][:3].copy()
    with pytest.raises(ValueError, match=r"coefs_\[0\] must have one row for each of the 5 features"):
        clf.predict(X)


def test_replaced_by_weights_of_fewer_outputs(data):
    X, _ = data
    reg = MLPRegressor(4, max_iter=2, loss=Quantile([0.1, 0.9])).fit(X, X[:, 0])
    reg.coefs_[1], reg.intercepts_[1] = reg.coefs_[1][:, [0, 0, 0]], reg.intercepts_[1][[0, 0, 0]]
    with pytest.raises(ValueError, match=r"coefs_\[-1\] must have 2 columns"):
        reg.predict(X)


@pytest.mark.parametrize("coefs", [[], [np.ones(5)], [np.ones((5, 1))]], ids=["none", "vector", "fewer"])
def test_replaced_by_no_list_of_matrices(data, coefs):
    X, _ = data
    reg = MLPRegressor(4, max_iter=2).fit(X, X[:, 0])
    reg.coefs_ = coefs
    reg.intercepts_ = [np.zeros(1)] * len(coefs)
    with pytest.raises(ValueError, match="coefs_ must be a list of"):
        reg.predict(X)


def test_intercepts_that_were_deleted(data):
    X, y = data
    clf = MLPClassifier(4, max_iter=2).fit(X, y)
    del clf.intercepts_
    with pytest.raises(ValueError, match="intercepts_ is missing"):
        clf.predict(X)


def test_parameters_set_after_fit_change_no_prediction(data):
    X, _ = data
    reg = MLPRegressor(4, max_iter=2, loss=Quantile([0.1, 0.9]), activation=LeakyReLU(0.1)).fit(X, X[:, 0])
    before, score = reg.predict(X), reg.score(X, X[:, 0])
    reg.set_params(loss__quantile=[0.1, 0.2, 0.5, 0.9], activation__negative_slope=0.5)
    np.testing.assert_array_equal(reg.predict(X), before)
    reg.set_params(loss="poisson", activation=["tanh", "relu"])
    np.testing.assert_array_equal(reg.predict(X), before)
    assert reg.score(X, X[:, 0]) == score


def test_component_changed_in_place_after_fit(data):
    X, _ = data
    loss = Quantile([0.1, 0.9])
    reg = MLPRegressor(4, max_iter=2, loss=loss).fit(X, X[:, 0])
    before = reg.predict(X)
    loss.quantile.append(0.95)
    np.testing.assert_array_equal(reg.predict(X), before)
