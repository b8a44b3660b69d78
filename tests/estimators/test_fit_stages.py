"""A fit in stages: none but the last one changes the estimator, and warnings point at the user's line."""

import inspect
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skregopt import MLPClassifier, MLPRegressor
from skregopt._estimators import fit
from skregopt._estimators.read import FitData
from skregopt._training.outcome import Ending
from skregopt.activations import LeakyReLU
from skregopt.losses import Quantile
from skregopt.model_selection import MLPRegressorCV, regularization_path

pytestmark = pytest.mark.nojit

X = np.random.RandomState(0).normal(size=(60, 4))
numbers, labels = X[:, 0], np.array(["left", "right"])[(X[:, 0] > 0).astype(int)]
SMALL = {"hidden_layer_sizes": 3, "max_iter": 2, "random_state": 0}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("stage", ["resolve", "read", "split", "start", "train", "commit"])
@pytest.mark.parametrize("fits", [0, 1], ids=["first fit", "refit"])
@pytest.mark.parametrize("incremental", [False, True], ids=["fit", "partial_fit"])
def test_no_stage_before_the_last_changes_the_estimator(monkeypatch, stage, fits, incremental):
    model = MLPClassifier(**SMALL, batch_norm=True)
    for _ in range(fits):
        model.fit(X[:, :3], labels).partial_fit(X[:, :3], labels)
    before = dict(vars(model))
    seen = []

    def fail(*arguments):
        seen.append(dict(vars(model)))
        raise RuntimeError

    monkeypatch.setattr(fit, stage, fail)
    columns = 3 if incremental else 4
    with pytest.raises(RuntimeError):
        fit.run_fit(model, FitData(X[:, :columns], labels, classes=["left", "right"]), incremental)
    for found in (*seen, vars(model)):
        assert found.keys() == before.keys() and all(found[name] is before[name] for name in before)


def test_run_fit_returns_the_outcome_and_warns_of_nothing():
    model = MLPRegressor(**SMALL)
    outcome = fit.run_fit(model, FitData(X, numbers))
    assert outcome.ending is Ending.MAX_ITER and outcome.n_iter == model.n_iter_ == 2
    np.testing.assert_array_equal(outcome.theta[:12], model.coefs_[0].ravel())


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
def test_a_warning_that_is_an_error_leaves_the_estimator_as_it_was():
    model = MLPRegressor(**SMALL | {"max_iter": 500, "tol": 1.0}).fit(X, numbers)
    before = dict(vars(model))
    model.set_params(max_iter=1)
    with pytest.raises(ConvergenceWarning):
        model.fit(X, numbers)
    assert vars(model) == before | {"max_iter": 1}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("several", [False, True], ids=["one activation", "a list"])
def test_components_that_the_user_changes_after_the_fit_change_no_prediction(several):
    activation, loss = LeakyReLU(0.3), Quantile(0.9)
    model = MLPRegressor(**SMALL, activation=[activation] if several else activation, loss=loss).fit(X, numbers)
    expected, score = clone(model).fit(X, numbers).predict(X), model.score(X, numbers)
    activation.negative_slope, loss.quantile = 0.9, 0.1
    model.coefs_ = [coef.copy() for coef in model.coefs_]  # makes the prediction look at the components again
    np.testing.assert_array_equal(model.predict(X), expected)
    assert model.score(X, numbers) == score


# --- where a warning points -----------------------------------------------------------------------------------------


class Wrapped(MLPRegressor):
    """A class of the user's, whose ``fit`` calls ours."""

    def fit(self, X, y):
        self.line_ = inspect.currentframe().f_lineno + 1
        return super().fit(X, y)


linear = MLPRegressor((), penalty="l1", solver="gd", max_iter=2, random_state=0)
CALLS = {
    "fit": lambda: MLPRegressor(**SMALL).fit(X, numbers),
    "lbfgs": lambda: MLPClassifier(**SMALL, solver="lbfgs").fit(X, labels),
    "batch_size": lambda: MLPRegressor(**SMALL | {"max_iter": 500, "tol": 1.0}, batch_size=61).fit(X, numbers),
    "partial_fit": lambda: MLPClassifier(**SMALL, batch_size=61).partial_fit(X, labels, classes=["left", "right"]),
    "pipeline": lambda: make_pipeline(StandardScaler(), MLPRegressor(**SMALL)).fit(X, numbers),
    "path": lambda: regularization_path(linear, X, numbers, n_alphas=3),
    "cross-validation": lambda: MLPRegressorCV(linear, n_alphas=3, cv=2).fit(X, numbers),
}


def caught_in(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call()
    assert caught
    return result, {(warning.filename, warning.lineno) for warning in caught}


@pytest.mark.parametrize("name", CALLS)
def test_warnings_point_at_the_line_that_calls(name):
    _, places = caught_in(CALLS[name])
    assert places == {(__file__, CALLS[name].__code__.co_firstlineno)}


def test_warnings_point_into_a_class_of_the_user():
    model, places = caught_in(lambda: Wrapped(2, max_iter=1).fit(X, numbers))
    assert places == {(__file__, model.line_)}


def test_a_search_on_this_thread_still_shows_its_warnings():
    search, places = caught_in(lambda: GridSearchCV(clone(linear), {"alpha": [0.1]}, cv=2).fit(X, numbers))
    assert search.best_params_ == {"alpha": 0.1} and all("skregopt" not in filename for filename, _ in places)
