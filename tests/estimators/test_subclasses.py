"""Subclasses of estimators and of components with constructors of their own, which hide parameters of their bases."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils._param_validation import InvalidParameterError
from support.estimators import make_data

from skregopt import MLPClassifier, MLPRegressor
from skregopt.losses import Quantile
from skregopt.model_selection import MLPClassifierCV, MLPRegressorCV, param_distributions, regularization_path
from skregopt.optimizers import OPTIMIZERS, Adam
from skregopt.penalties import ElasticNet
from skregopt.schedules import Exponential

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


class TwoLayers(MLPClassifier):
    """The constructor drops most parameters by not passing them on."""

    def __init__(self, width=5, alpha=1.0, max_iter=3):
        super().__init__((width, width), alpha=alpha, max_iter=max_iter, random_state=0)
        self.width = width


class TwoSparseLayers(MLPRegressor):
    """Takes everything else as keywords."""

    def __init__(self, width=5, **kwargs):
        super().__init__((width, width), **{"penalty": "group_l1", **kwargs})
        self.width = width


class Deep(MLPRegressor):
    """The widths are a property."""

    def __init__(self, width=5, depth=2):
        super().__init__(penalty="l1", max_iter=3, random_state=0)
        self.width = width
        self.depth = depth

    @property
    def hidden_layer_sizes(self):
        return [self.width] * self.depth

    @hidden_layer_sizes.setter
    def hidden_layer_sizes(self, sizes):
        pass


class Slow(Adam):
    """One parameter under another name, the others hidden."""

    def __init__(self, decay=0.99):
        super().__init__(beta_1=decay)
        self.decay = decay


class Slower(Adam):
    def __init__(self, decay=0.99, **kwargs):
        super().__init__(beta_1=decay, **kwargs)
        self.decay = decay


class Median(Quantile):
    def __init__(self):
        super().__init__(0.5)


class Halving(Exponential):
    def __init__(self, every=10):
        super().__init__(0.5 ** (1 / every))
        self.every = every


def shapes(fitted):
    return [coef.shape for coef in fitted.coefs_]


X, CLASSES = make_data(MLPClassifier)
NUMBERS = make_data(MLPRegressor)[1]


def test_fit_and_partial_fit():
    model = TwoLayers(3).fit(X, CLASSES).partial_fit(X, CLASSES)
    assert shapes(model) == [(5, 3), (3, 3), (3, 3)]
    twin = MLPClassifier((3, 3), alpha=1.0, max_iter=3, random_state=0).fit(X, CLASSES).partial_fit(X, CLASSES)
    np.testing.assert_array_equal(model.predict_proba(X), twin.predict_proba(X))
    assert shapes(TwoSparseLayers(3, max_iter=2).fit(X, NUMBERS)) == [(5, 3), (3, 3), (3, 1)]


def test_defaults_are_those_of_the_public_class():
    """A subclass with another default for a parameter gives it, like any value."""

    class Mixed(MLPClassifier):
        def __init__(self, penalty="l2", l1_ratio=0.9):
            super().__init__(penalty=penalty, l1_ratio=l1_ratio, max_iter=1)

    with pytest.raises(ValueError, match=r"l1_ratio=0.9 has no effect .* at its default, 0.5"):
        Mixed(ElasticNet(0.3)).fit(X, CLASSES)


def test_hidden_parameters_are_validated():
    with pytest.raises(InvalidParameterError, match="'solver' parameter of TwoSparseLayers"):
        TwoSparseLayers(solver="newton").fit(X, NUMBERS)
    with pytest.raises(InvalidParameterError, match="'beta_1' parameter of Slow must"):
        MLPClassifier(4, solver=Slow(1.5)).fit(X, CLASSES)


def test_a_constructor_that_calls_no_other_is_named():
    class Bare(MLPClassifier):
        def __init__(self, width=5):
            self.width = width

    with pytest.raises(AttributeError, match=r"Bare has no activation, alpha, .*super\(\).__init__"):
        Bare().fit(X, CLASSES)


def test_clones_keep_what_any_keyword_took():
    model = TwoSparseLayers(3, alpha=0.5, solver=Adam(beta_1=0.8))
    twin = clone(model)
    assert (twin.alpha, twin.solver.beta_1, twin.penalty) == (0.5, 0.8, "group_l1")
    assert twin.solver is not model.solver
    assert clone(model.set_params(width=7)).hidden_layer_sizes == (7, 7)
    assert clone(Slower(0.7, amsgrad=True)).amsgrad and clone(Slower(0.7, amsgrad=True)).beta_1 == 0.7


def test_searches_of_widths():
    search = GridSearchCV(Deep(), {"width": [2], "depth": [3]}, cv=2, error_score="raise").fit(X, NUMBERS)
    assert shapes(search.best_estimator_) == [(5, 2), (2, 2), (2, 2), (2, 1)]


def test_spaces_hold_parameters_that_can_be_set():
    assert set(param_distributions(TwoLayers())) == {"alpha"}
    assert param_distributions(TwoLayers(alpha=1.0))["alpha"].support() == pytest.approx((0.01, 100.0))
    assert param_distributions(Deep()) == {}


@pytest.mark.parametrize("model", [TwoSparseLayers(3, max_iter=3, random_state=0), Deep(3)])
def test_paths(model):
    path = regularization_path(model, X, NUMBERS, alphas=[0.01, 0.1])
    assert [shapes(fitted) for fitted in path.estimators_] == [[(5, 3), (3, 3), (3, 1)]] * 2
    assert path.alphas_.tolist() == [0.01, 0.1]
    assert all(type(fitted) is type(model) and fitted.max_iter == 3 for fitted in path.estimators_)
    assert not any(fitted.warm_start for fitted in path.estimators_)


def test_paths_of_linear_models():
    """They change more parameters for the time of the fits, and compute the largest alpha with another estimator."""

    class Lasso(MLPRegressor):
        def __init__(self, rate=0.1):
            super().__init__((), penalty="l1", solver="gd", learning_rate_init=rate, random_state=0)
            self.rate = rate

    public = MLPRegressor((), penalty="l1", solver="gd", learning_rate_init=0.1, random_state=0)
    path, same = (regularization_path(model, X, NUMBERS, n_alphas=4) for model in (Lasso(), public))
    assert path.alpha_max_ == same.alpha_max_
    np.testing.assert_array_equal(path.coefs_, same.coefs_)
    cv, same = (MLPRegressorCV(model, n_alphas=4, cv=2).fit(X, NUMBERS) for model in (Lasso(), public))
    np.testing.assert_array_equal(cv.cv_scores_, same.cv_scores_)


def test_cross_validation_along_the_path():
    """The seed that all folds share is not a parameter of the subclass."""

    class Sparse(MLPClassifier):
        def __init__(self, width=5):
            super().__init__(width, penalty="l1", max_iter=2)
            self.width = width

    model = MLPClassifierCV(Sparse(3), alphas=[0.01, 0.1], cv=2).fit(X, CLASSES)
    seeds = {fitted.random_state for fitted in model.path_.estimators_}
    assert len(seeds) == 1 and None not in seeds
    assert shapes(model.best_estimator_) == [(5, 3), (3, 3)]

    class Few(MLPClassifierCV):
        def __init__(self, estimator=None):
            super().__init__(estimator, alphas=[0.01, 0.1], cv=2)

    assert Few(Sparse(3)).fit(X, CLASSES).alphas_.tolist() == [0.01, 0.1]


def test_components():
    model = MLPRegressor(4, solver=Slow(0.9), learning_rate=Halving(), loss=Median(), max_iter=2, random_state=0)
    model.fit(X, NUMBERS)
    twin = clone(model).set_params(solver=Adam(), learning_rate=Exponential(0.5**0.1), loss=Quantile(0.5))
    np.testing.assert_array_equal(model.predict(X), twin.fit(X, NUMBERS).predict(X))
    with pytest.raises(ValueError, match=r"beta_1=0.5 .* carries its own beta_1. Leave the estimator's beta_1"):
        clone(model).set_params(beta_1=0.5).fit(X, NUMBERS)


def test_a_component_that_is_registered_under_a_name(monkeypatch):
    """It takes those of the flat parameters that its constructor has."""
    monkeypatch.setitem(OPTIMIZERS, "slow", Slow)
    model = MLPRegressor(4, solver="slow", max_iter=2, random_state=0).fit(X, NUMBERS)
    twin = MLPRegressor(4, solver=Slow(), max_iter=2, random_state=0).fit(X, NUMBERS)
    np.testing.assert_array_equal(model.predict(X), twin.predict(X))


def test_a_number_that_counts_as_zero_in_a_subclass():
    class Tiny(Adam):
        def __init__(self):
            super().__init__(epsilon=1e-60)

    with pytest.raises(ValueError, match="epsilon=1e-60 of Tiny .* default is 1e-08"):
        MLPRegressor(4, solver=Tiny(), dtype="float32").fit(X, NUMBERS)


def test_pickles_of_earlier_versions():
    model = TwoLayers(3).fit(X, CLASSES)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    state = model.__getstate__()
    del state["ema_decay"]
    old = TwoLayers.__new__(TwoLayers)
    old.__setstate__(state)
    assert old.ema_decay is None and np.array_equal(old.fit(X, CLASSES).predict(X), model.predict(X))


@pytest.mark.parametrize("model", [TwoLayers(3), TwoSparseLayers(3, alpha=0.5), Deep(3)])
def test_representations(model):
    assert repr(model) == f"{type(model).__name__}(width=3)"
    assert "width" in model._repr_html_()
