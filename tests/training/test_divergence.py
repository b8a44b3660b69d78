"""Weights, losses and scores that are not numbers: what is kept, what is raised, and what the message blames."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning, UndefinedMetricWarning
from support import training_data
from support.refusals import BOTH, METHODS, assert_refused, make_data, train
from support.states import plain
from support.training_data import FIRST_ORDER, held_out_rows, small

from skregopt import MLPClassifier, MLPRegressor
from skregopt.optimizers import SGD

pytestmark = pytest.mark.nojit

DIVERGING = {"activation": "identity", "solver": "minibatch", "learning_rate_init": 1e3, "max_iter": 100}
NON_FINITE = "Solver produced non-finite parameter weights. The input data may contain large values"


# --- without early stopping ------------------------------------------------------------------------------------------


@METHODS
@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("solver", ["gd", "sgd", "minibatch", SGD()])
def test_divergence(method, warm_start, solver):
    X, y = make_data(MLPRegressor)
    call = train(MLPRegressor, method, X=1e200 * X)
    message = assert_refused(
        MLPRegressor, call, ValueError,
        solver=solver, learning_rate_init=10.0, activation="identity", warm_start=warm_start, max_iter=20,
    )  # fmt: skip
    assert message.startswith(NON_FINITE)
    assert "learning_rate_init" in message and "10.0" in message
    assert ("one example at a time" in message) == (solver == "sgd")


@pytest.mark.parametrize("solver", FIRST_ORDER)
def test_an_estimator_that_was_not_fitted_stays_so(solver):
    X, y = training_data.make_data(MLPRegressor)
    params = {**DIVERGING, "solver": solver, "learning_rate_init": 1e300}
    model = small(MLPRegressor, **params)
    with pytest.raises(ValueError, match="^Solver produced non-finite parameter weights") as caught:
        model.fit(1e200 * X, y)
    assert "learning_rate_init" in str(caught.value)
    assert not hasattr(model, "coefs_")


def test_divergence_with_lbfgs_does_not_blame_the_learning_rate():
    X, _ = make_data(MLPRegressor)
    message = assert_refused(
        MLPRegressor,
        train(MLPRegressor, "fit", X=1e300 * X, y=1e300 * X[:, 0]),
        ValueError,
        solver="lbfgs",
        activation="identity",
    )
    assert message.startswith(NON_FINITE)
    assert "learning_rate_init" not in message


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("solver", ["adam", "minibatch", "lion", "lbfgs"])
def test_targets_whose_loss_overflows(solver, method):
    """Weights may well stay finite: Adam's second moment is infinite, too, and its step zero."""
    X, y = make_data(MLPRegressor)
    names = ("Standardise", "and y (TransformedTargetRegressor)")
    if (solver, method) == ("lbfgs", "partial_fit"):
        return
    message = assert_refused(MLPRegressor, train(MLPRegressor, method, y=1e200 * y), ValueError, names, solver=solver)
    assert message.startswith(NON_FINITE)
    if method == "fit":
        model = MLPRegressor(3, solver=solver, early_stopping=True, max_iter=3, random_state=0)
        with pytest.warns(ConvergenceWarning, match=r"diverged.* and y \(TransformedTargetRegressor\)"):
            model.fit(X, 1e200 * y)
        assert np.isfinite(model.coefs_[0]).all()


def test_features_of_a_classifier_are_to_blame():
    X, _ = make_data(MLPClassifier)
    params = {"solver": "minibatch", "learning_rate_init": 10.0, "activation": "identity", "max_iter": 20}
    message = assert_refused(MLPClassifier, train(MLPClassifier, "fit", X=1e200 * X), ValueError, **params)
    assert message.startswith(NON_FINITE) and "TransformedTargetRegressor" not in message


@BOTH
@pytest.mark.parametrize(
    "params", [{"alpha": 1e308}, {"alpha": 1e308, "solver": "lbfgs"}, {"weight_decay": 1e308}], ids=str
)
def test_strength_of_a_penalty_is_to_blame(kind, params):
    name = next(iter(params))
    other = "weight_decay" if name == "alpha" else "alpha"
    message = assert_refused(kind, train(kind, "fit"), ValueError, (f"{name} (it is 1e+308)", "lower"), **params)
    assert message.startswith(NON_FINITE) and other not in message
    X, y = make_data(kind)
    with pytest.warns(ConvergenceWarning, match=rf"diverged.*{name} \(it is 1e\+308\)"):
        kind(3, early_stopping=True, max_iter=3, random_state=0, **params).fit(X, y)
    message = assert_refused(
        kind, train(kind, "fit", X=1e200 * X), ValueError, solver="minibatch", learning_rate_init=9.0
    )
    assert "learning_rate_init (it is 9.0)" in message and "alpha" not in message


# --- with early stopping ---------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("scoring", ["loss", "r2"])
def test_diverging_epochs_are_no_improvement(scoring):
    X, y = training_data.make_data(MLPRegressor)
    rate = {**DIVERGING, "learning_rate_init": 3.0, "tol": 0, "n_iter_no_change": 300, "max_iter": 300}
    model = small(MLPRegressor, **{**rate, "early_stopping": True, "scoring": scoring})
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y)
    scores = np.array(model.validation_scores_)
    assert np.isnan(scores[-1])
    assert np.isfinite(scores[0])
    assert all(isinstance(score, float) for score in model.validation_scores_)
    assert model.best_iter_ == int(np.nanargmax(scores)) + 1
    assert all(np.isfinite(coef).all() for coef in model.coefs_)
    rate.update(max_iter=model.best_iter_)
    split = held_out_rows(small(MLPRegressor, **{**rate, "max_iter": 2}), X, y)
    train = np.setdiff1d(np.arange(80), split)
    expected = small(MLPRegressor, **rate).fit(X[train], y[train])
    assert_allclose(model.coefs_[0], expected.coefs_[0])


@pytest.mark.parametrize("scoring", ["loss", "r2"])
def test_starting_weights_are_kept_if_there_is_no_finite_epoch(scoring):
    X, y = training_data.make_data(MLPRegressor)
    X *= 1e100
    start = [np.full((4, 6), 0.25), np.full((6, 1), -0.5)], [np.full(6, 0.1), np.full(1, 0.2)]
    model = small(MLPRegressor, **DIVERGING, early_stopping=True, scoring=scoring)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y, coef_init=start[0], intercept_init=start[1])
    assert plain(model.coefs_) == plain(start[0])
    assert plain(model.intercepts_) == plain(start[1])
    assert not np.isfinite(model.validation_scores_).any()


def test_patience_counts_diverged_epochs():
    X, y = training_data.make_data(MLPRegressor)
    model = small(MLPRegressor, **DIVERGING, early_stopping=True, n_iter_no_change=4)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(1e100 * X, y)
    assert model.n_iter_ == 5


# --- scores ----------------------------------------------------------------------------------------------------------


@BOTH
def test_scorer_that_fails_in_the_third_epoch(kind):
    n_calls = 0

    def scorer(estimator, X, y):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 3:
            raise ZeroDivisionError("third epoch")
        return 0.5

    params = {"early_stopping": True, "scoring": scorer, "max_iter": 5, "warm_start": True}
    assert_refused(kind, train(kind, "fit"), ZeroDivisionError, ("third epoch",), **params)
    assert n_calls == 3


@BOTH
@pytest.mark.filterwarnings("error")
def test_warning_turned_into_an_error(kind):
    assert_refused(kind, train(kind, "fit"), ConvergenceWarning, ("Maximum iterations (2) reached",))


def nan_scorer(model, X, y):
    return float("nan")


@BOTH
def test_scorer_that_never_gives_a_number(kind):
    X, y = make_data(kind)
    params = {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 9}
    names = (
        "nan_scorer",
        "was nan on the 6 validation row(s)",
        "after each of 3 epoch(s)",
        "larger validation_fraction",
    )
    assert_refused(kind, train(kind, "fit"), ValueError, names, scoring=nan_scorer, **params)
    names = ("nan_scorer", "5 validation row(s) (X_val)", "more rows as X_val, y_val")
    call = train(kind, "fit", X_val=X[:5], y_val=y[:5])
    assert_refused(kind, call, ValueError, names, scoring=nan_scorer, **params)


def test_a_score_that_needs_more_rows_than_there_are():
    """R^2 of one row is NaN, with scikit-learn's warning."""
    X, y = make_data(MLPRegressor)
    names = ("scoring='r2'", "1 validation row(s) (X_val)", "scoring='loss'")
    with pytest.warns(UndefinedMetricWarning):
        assert_refused(
            MLPRegressor, train(MLPRegressor, "fit", X_val=X[:1], y_val=y[:1]), ValueError, names,
            early_stopping=True, scoring="r2", max_iter=3,
        )  # fmt: skip


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_validation_loss_beyond_all_numbers(solver):
    X, y = make_data(MLPRegressor)
    # none of which is an improvement
    names = ("scoring='loss' was -inf", "after each of 2 epoch(s)", "extreme values", "X_val")
    call = train(MLPRegressor, "fit", X_val=1e200 * X, y_val=y)
    assert_refused(MLPRegressor, call, ValueError, names, early_stopping=True, solver=solver, n_iter_no_change=1)


def test_a_score_that_is_not_a_number_at_first():
    X, y = make_data(MLPClassifier)
    scores = iter([np.nan, np.nan, 0.5, np.nan])
    model = MLPClassifier(3, early_stopping=True, scoring=lambda *_: next(scores), max_iter=4, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        model.fit(X, y)
    assert model.best_iter_ == 3 and model.best_validation_score_ == 0.5
