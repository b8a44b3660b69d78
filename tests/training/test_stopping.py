"""When training stops, which weights it keeps, and how it continues."""

import copy
import itertools
import math
import os
import pickle
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, get_scorer, log_loss, make_scorer
from sklearn.model_selection import GroupKFold, PredefinedSplit, ShuffleSplit
from support.interrupts import interrupt_after
from support.states import plain, state, weights

from skregopt import MLPClassifier, MLPRegressor

BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
FIRST_ORDER = ["gd", "sgd", "minibatch", "adam"]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def make_data(kind, n_samples=80, n_features=4, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_samples, n_features))
    signal_ = X[:, 0] - X[:, 1] * X[:, 2] + 0.5 * rng.normal(size=n_samples)
    if kind is MLPRegressor:
        return X, signal_
    return X, np.array(["ash", "birch", "cedar"])[np.digitize(signal_, [-0.5, 0.5])]


def small(kind, **params):
    params = {"hidden_layer_sizes": 6, "random_state": 0, "learning_rate_init": 0.01, **params}
    return kind(**params)


# --- the counter ----------------------------------------------------------------------------------------------------


def epochs_until_stop(scores, tol, n_iter_no_change):
    """Return after which epoch scikit-learn's counter stops: more than n_iter_no_change without improving by tol."""
    best, count = -math.inf, 0
    for epoch, score in enumerate(scores, start=1):
        count = 0 if score >= best + tol else count + 1
        best = max(best, score)
        if count > n_iter_no_change:
            return epoch
    return None


@BOTH
@pytest.mark.parametrize("solver", FIRST_ORDER)
@pytest.mark.parametrize(("tol", "n_iter_no_change"), [(0.01, 1), (0.02, 4), (0.005, 2)])
def test_stops_on_the_training_objective(kind, solver, tol, n_iter_no_change):
    X, y = make_data(kind)
    model = small(kind, solver=solver, tol=tol, n_iter_no_change=n_iter_no_change, max_iter=500)
    model.fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) < 500
    stop = epochs_until_stop([-loss for loss in model.loss_curve_], tol, n_iter_no_change)
    assert stop == model.n_iter_


@pytest.mark.nojit
@BOTH
@pytest.mark.parametrize("n_iter_no_change", [1, 3])
def test_counter_starts_in_the_second_epoch(kind, n_iter_no_change):
    # no epoch but the first improves by a tol this large
    X, y = make_data(kind)
    model = small(kind, tol=1e9, n_iter_no_change=n_iter_no_change).fit(X, y)
    assert model.n_iter_ == n_iter_no_change + 2


@BOTH
@pytest.mark.parametrize("early_stopping", [False, True])
def test_n_iter_no_change_inf_trains_to_max_iter(kind, early_stopping):
    X, y = make_data(kind)
    model = small(kind, tol=1e9, n_iter_no_change=np.inf, max_iter=300, early_stopping=early_stopping)
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(300\) reached"):
        model.fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == len(model.learning_rate_curve_) == 300


@BOTH
def test_stopping_in_the_last_epoch_is_not_reported_as_max_iter(kind):
    X, y = make_data(kind)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = small(kind, tol=1e9, n_iter_no_change=2, max_iter=4).fit(X, y)
    assert model.n_iter_ == 4


@BOTH
@pytest.mark.parametrize("solver", FIRST_ORDER)
def test_adaptive_acts_before_stopping_does(kind, solver):
    X, y = make_data(kind)
    model = small(
        kind, solver=solver, learning_rate="adaptive", tol=1e9, n_iter_no_change=1, max_iter=100
    )  # fmt: skip
    model.fit(X, y)
    rates = model.learning_rate_curve_
    # each round without improvement ends in a division by 5; at 1e-6 or below, in a stop
    expected = [0.01 / 5**k for k in range(10)]
    used = [rate for rate, _ in itertools.groupby(rates)]
    assert_allclose(used, expected[: len(used)], rtol=1e-12)
    assert used[-1] <= 1e-6 < used[-2]
    assert rates.count(used[0]) == 3 and all(rates.count(rate) == 2 for rate in used[1:])
    assert model.n_iter_ == len(rates) < 100


@BOTH
def test_without_early_stopping_the_last_weights_are_kept(kind):
    X, y = make_data(kind)
    long = small(kind, max_iter=7).fit(X, y)
    again = small(kind, max_iter=7).fit(X, y)
    assert weights(long) == weights(again)
    assert long.best_iter_ is None
    assert long.validation_scores_ is None
    assert long.best_validation_score_ is None
    assert long.best_loss_ == min(long.loss_curve_)
    assert long.loss_ == long.loss_curve_[-1]
    assert long.t_ == 7 * len(X)


def rising():
    """Return a scorer that likes each epoch better than the one before."""
    epochs = itertools.count(1)
    return lambda estimator, X, y: float(next(epochs))


# --- early stopping -------------------------------------------------------------------------------------------------


def regression_data_that_overfits():
    """Return noisy data, 30 rows to train on, 200 to validate on."""
    rng = np.random.RandomState(3)
    X = rng.normal(size=(230, 10))
    y = X[:, 0] + 2.0 * rng.normal(size=230)
    return X[:30], y[:30], X[30:], y[30:]


OVERFITTING = {"hidden_layer_sizes": 30, "learning_rate_init": 0.03, "random_state": 0, "alpha": 0}


@pytest.mark.parametrize("solver", [*FIRST_ORDER, "lbfgs"])
@pytest.mark.parametrize("to_max_iter", [False, True])
def test_best_weights_are_restored(solver, to_max_iter):
    """The bold sentence of the contract: the weights of the best epoch, also when training runs to max_iter."""
    X, y, X_val, y_val = regression_data_that_overfits()
    params = {**OVERFITTING, "solver": solver, "max_iter": 60}
    if solver in ("gd", "sgd"):
        params["learning_rate_init"] = 0.01
    if to_max_iter:
        params["n_iter_no_change"] = np.inf
    model = MLPRegressor(early_stopping=True, **params).fit(X, y, X_val=X_val, y_val=y_val)
    scores = model.validation_scores_
    best = int(np.argmax(scores)) + 1
    assert 1 < best < len(scores), "the test needs a best epoch in between"
    assert model.best_iter_ == best
    assert model.best_validation_score_ == max(scores)
    # the loss of the restored weights is the best one, to the rounding of another order of sums
    loss = 0.5 * np.mean((model.predict(X_val) - y_val) ** 2)
    assert_allclose(loss, -max(scores), rtol=1e-12)
    assert not np.isclose(loss, model.validation_loss_curve_[-1], rtol=1e-6)
    # and they are those of a fit that ends there
    params.update(max_iter=best, n_iter_no_change=np.inf, tol=0)
    short = MLPRegressor(**params).fit(X, y)
    if solver != "lbfgs":
        assert weights(short) == weights(model)
    if to_max_iter and solver != "lbfgs":
        assert model.n_iter_ == 60


@BOTH
def test_best_is_the_first_strict_maximum_and_tol_only_counts(kind):
    X, y = make_data(kind)
    sequence = iter([0.1, 0.5, 0.50001, 0.50001, 0.3, 0.50001, 0.2, 0.1])

    def scorer(estimator, X, y):
        return next(sequence)

    model = small(
        kind, early_stopping=True, scoring=scorer, tol=0.3, n_iter_no_change=5, max_iter=50
    )  # fmt: skip
    model.fit(X, y)
    assert model.best_iter_ == 3
    assert model.best_validation_score_ == 0.50001
    # epochs 1 and 2 improve by tol, 3 to 8 do not
    assert model.n_iter_ == 8 == len(model.validation_scores_)
    model.set_params(scoring=rising(), max_iter=3)
    assert weights(copy.deepcopy(model).fit(X, y)) == weights(model)


@BOTH
def test_stops_on_the_validation_loss(kind):
    X, y = make_data(kind)
    model = small(
        kind, early_stopping=True, tol=0.01, n_iter_no_change=3, max_iter=500, learning_rate_init=0.05
    )  # fmt: skip
    model.fit(X, y)
    assert model.n_iter_ < 500
    assert epochs_until_stop(model.validation_scores_, 0.01, 3) == model.n_iter_
    assert_array_equal(model.validation_scores_, -np.array(model.validation_loss_curve_))
    assert model.best_loss_ is None
    assert isinstance(model.validation_scores_, list)
    assert model.best_iter_ == int(np.argmax(model.validation_scores_)) + 1


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss", "roc_auc_ovr", "balanced_accuracy"])
def test_scorer_by_name(solver, scoring):
    X, y = make_data(MLPClassifier)
    X_val, y_val = make_data(MLPClassifier, seed=1)
    model = small(MLPClassifier, solver=solver, early_stopping=True, scoring=scoring, max_iter=15, tol=0)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    assert_allclose(get_scorer(scoring)(model, X_val, y_val), model.best_validation_score_, rtol=1e-9)
    assert len(model.validation_scores_) == model.n_iter_
    assert all(isinstance(score, float) for score in model.validation_scores_)


def test_scorer_sees_a_fitted_view_with_original_labels():
    X, y = make_data(MLPClassifier)
    X_val, y_val = make_data(MLPClassifier, n_samples=30, seed=1)
    weights_val = np.linspace(0.5, 1.5, 30)
    seen = []

    def scorer(estimator, X, y, sample_weight=None):
        seen.append((estimator.predict(X), y, sample_weight, estimator.classes_))
        assert estimator.predict_proba(X).shape == (30, 3)
        assert isinstance(estimator, MLPClassifier)
        estimator.predict_log_proba(X)
        return estimator.score(X, y, sample_weight)

    model = small(MLPClassifier, early_stopping=True, scoring=scorer, max_iter=6, tol=0)
    model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weights_val)
    assert len(seen) == model.n_iter_
    for y_pred, y_true, sample_weight, classes in seen:
        assert set(y_pred) <= {"ash", "birch", "cedar"}
        assert_array_equal(y_true, y_val)
        assert_array_equal(sample_weight, weights_val)
        assert list(classes) == ["ash", "birch", "cedar"]
    expected = [accuracy_score(t, p, sample_weight=w) for p, t, w, _ in seen]
    assert_allclose(model.validation_scores_, expected)


def test_scorers_of_make_scorer_get_the_weights_of_held_out_rows():
    X, y = make_data(MLPClassifier)
    sample_weight = np.arange(1.0, 81.0)
    seen = []

    def metric(y_true, y_pred, sample_weight=None):
        seen.append((len(y_true), sample_weight))
        return accuracy_score(y_true, y_pred, sample_weight=sample_weight)

    params = {"early_stopping": True, "scoring": make_scorer(metric), "max_iter": 2}
    small(MLPClassifier, **params).fit(X, y, sample_weight)
    assert all(n == 8 and set(w) <= set(sample_weight) and len(set(w)) == 8 for n, w in seen)
    seen.clear()
    small(MLPClassifier, **params).fit(X, y)
    assert seen == [(8, None)] * 2


def test_scorer_without_sample_weight_is_called_without():
    X, y = make_data(MLPRegressor)
    model = small(MLPRegressor, early_stopping=True, scoring=lambda e, X, y: e.score(X, y), max_iter=3)
    model.fit(X, y, sample_weight=np.arange(1.0, 81.0))
    assert len(model.validation_scores_) == 3


@pytest.mark.parametrize("scoring", ["loss", "accuracy"])
def test_boolean_and_integer_labels(scoring):
    X, y = make_data(MLPClassifier)
    for labels in (y == "ash", np.where(y == "ash", 7, -2)):
        model = small(MLPClassifier, early_stopping=True, scoring=scoring, max_iter=20).fit(X, labels)
        assert set(model.predict(X)) <= set(labels)
        assert model.predict(X).dtype == labels.dtype
        if scoring == "accuracy":
            assert set(np.round(np.array(model.validation_scores_) * 8, 9)) <= set(range(9))


def test_validation_loss_is_weighted_and_without_penalty_and_dropout():
    X, y = make_data(MLPClassifier)
    X_val, y_val = make_data(MLPClassifier, n_samples=30, seed=1)
    sample_weight_val = np.linspace(0, 2, 30)
    model = small(MLPClassifier, alpha=1.0, dropout=0.5, max_iter=1, early_stopping=True)
    model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=sample_weight_val)
    expected = log_loss(y_val, model.predict_proba(X_val), sample_weight=sample_weight_val)
    assert_allclose(model.validation_loss_curve_, [expected], rtol=1e-12)


@BOTH
@pytest.mark.nojit
def test_given_validation_data_without_early_stopping_is_only_recorded(kind):
    X, y = make_data(kind)
    X_val, y_val = make_data(kind, n_samples=30, seed=1)
    model = small(kind, max_iter=12).fit(X, y, X_val=X_val, y_val=y_val)
    plain_model = small(kind, max_iter=12).fit(X, y)
    assert weights(model) == weights(plain_model)
    assert model.loss_curve_ == plain_model.loss_curve_
    assert len(model.validation_loss_curve_) == model.n_iter_ == 12
    assert plain_model.validation_loss_curve_ is None
    assert model.best_iter_ is None and model.validation_scores_ is None
    assert model.best_loss_ == min(model.loss_curve_)
    early = small(kind, max_iter=12, early_stopping=True, n_iter_no_change=np.inf)
    early.fit(X, y, X_val=X_val, y_val=y_val)
    assert early.validation_loss_curve_ == model.validation_loss_curve_


@BOTH
def test_given_validation_data_replace_the_split(kind):
    """All rows are trained on, and the hold-out fraction is not used."""
    X, y = make_data(kind)
    model = small(kind, max_iter=3, early_stopping=True, validation_fraction=0.9)
    model.fit(X, y, X_val=X, y_val=y)
    assert model.t_ == 3 * len(X)


def held_out_rows(model, X, y, **fit_params):
    """Return the indices of the rows that the estimator holds out, found by a scorer that looks at X."""
    found = []

    def scorer(estimator, X_val, y_val):
        found.append([int(np.flatnonzero((X == row).all(axis=1))[0]) for row in np.asarray(X_val)])
        return 0.0

    copy.deepcopy(model).set_params(early_stopping=True, scoring=scorer, max_iter=2).fit(X, y, **fit_params)
    assert found[0] == found[1]
    return sorted(found[0])


def test_hold_out_is_stratified_for_a_classifier():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(100, 3))
    y = np.repeat(["many", "few", "some"], [70, 10, 20])
    for seed in range(3):
        rows = held_out_rows(small(MLPClassifier, random_state=seed, validation_fraction=0.2), X, y)
        labels, counts = np.unique(y[rows], return_counts=True)
        assert dict(zip(labels, counts, strict=True)) == {"many": 14, "few": 2, "some": 4}


@BOTH
def test_hold_out_depends_on_the_seed_and_has_the_size_asked_for(kind):
    X, y = make_data(kind)
    rows = [held_out_rows(small(kind, random_state=seed), X, y) for seed in (0, 0, 1)]
    assert rows[0] == rows[1] != rows[2]
    assert len(rows[0]) == 8
    assert small(kind, early_stopping=True, max_iter=3).fit(X, y).t_ == 3 * 72


@BOTH
def test_held_out_rows_are_not_trained_on(kind):
    """The validation set does not leak: other targets in held-out rows change no weight."""
    X, y = make_data(kind)
    model = small(kind, early_stopping=True, max_iter=5, validation_fraction=PredefinedSplit([0] * 10 + [-1] * 70))
    changed = y.copy()
    changed[:10] = y[:10][::-1]
    first = copy.deepcopy(model).set_params(scoring=rising()).fit(X, y)
    second = copy.deepcopy(model).set_params(scoring=rising()).fit(X, changed)
    assert first.best_iter_ == second.best_iter_ == 5
    assert first.loss_curve_ == second.loss_curve_
    assert weights(first) == weights(second)
    plain_model = small(kind, max_iter=5).fit(X[10:], y[10:])
    assert first.loss_curve_ == plain_model.loss_curve_


@BOTH
def test_of_a_splitter_the_last_split_is_used(kind):
    X, y = make_data(kind)
    splitter = ShuffleSplit(3, test_size=0.3, random_state=5)
    splits = list(splitter.split(X, y))
    rows = held_out_rows(small(kind, validation_fraction=splitter), X, y)
    assert rows == sorted(splits[-1][1]) != sorted(splits[0][1])


@BOTH
def test_splitter_with_groups(kind):
    X, y = make_data(kind)
    groups = np.arange(80) % 5
    splitter = GroupKFold(5)
    rows = held_out_rows(small(kind, validation_fraction=splitter), X, y, groups=groups)
    assert rows == sorted(list(splitter.split(X, y, groups))[-1][1])
    assert len(set(groups[rows])) == 1


@BOTH
def test_rows_of_weight_zero_are_not_held_out(kind):
    X, y = make_data(kind)
    sample_weight = np.ones(80)
    sample_weight[::2] = 0
    rows = held_out_rows(small(kind, validation_fraction=0.5), X, y, sample_weight=sample_weight)
    assert len(rows) == 20 and all(row % 2 == 1 for row in rows)


# --- divergence -----------------------------------------------------------------------------------------------------

DIVERGING = {"activation": "identity", "solver": "minibatch", "learning_rate_init": 1e3, "max_iter": 100}


@pytest.mark.parametrize("scoring", ["loss", "r2"])
def test_diverging_epochs_are_no_improvement(scoring):
    X, y = make_data(MLPRegressor)
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
    X, y = make_data(MLPRegressor)
    X *= 1e100
    start = [np.full((4, 6), 0.25), np.full((6, 1), -0.5)], [np.full(6, 0.1), np.full(1, 0.2)]
    model = small(MLPRegressor, **DIVERGING, early_stopping=True, scoring=scoring)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y, coef_init=start[0], intercept_init=start[1])
    assert plain(model.coefs_) == plain(start[0])
    assert plain(model.intercepts_) == plain(start[1])
    assert not np.isfinite(model.validation_scores_).any()


def test_patience_counts_diverged_epochs():
    X, y = make_data(MLPRegressor)
    model = small(MLPRegressor, **DIVERGING, early_stopping=True, n_iter_no_change=4)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(1e100 * X, y)
    assert model.n_iter_ == 5


@pytest.mark.parametrize("solver", FIRST_ORDER)
def test_divergence_without_early_stopping_raises(solver):
    X, y = make_data(MLPRegressor)
    params = {**DIVERGING, "solver": solver, "learning_rate_init": 1e300}
    model = small(MLPRegressor, **params)
    with pytest.raises(ValueError, match="^Solver produced non-finite parameter weights") as caught:
        model.fit(1e200 * X, y)
    assert "learning_rate_init" in str(caught.value)
    assert not hasattr(model, "coefs_")


# --- continuing: partial_fit ----------------------------------------------------------------------------------------

STEPWISE = [
    *({"solver": s, "learning_rate": r} for s in FIRST_ORDER for r in ("constant", "invscaling")),
    # a tol so large that the schedule has to act
    *({"solver": s, "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 1e9} for s in FIRST_ORDER),
    {"solver": "adam", "penalty": "l1", "alpha": 1e-3},
    {"solver": "sgd", "penalty": "elasticnet", "alpha": 1e-3},
    {"solver": "minibatch", "penalty": "l1", "alpha": 1e-3, "nesterovs_momentum": False},
    {"solver": "adam", "penalty": None, "dropout": 0.5, "input_dropout": 0.2},
    {"solver": "sgd", "dropout": [0.3]},
    {"solver": "adam", "batch_size": 7, "dtype": "float32"},
    {"solver": "minibatch", "shuffle": False, "batch_size": 11},
    {"solver": "adam", "hidden_layer_sizes": (5, 4), "activation": "tanh"},
]


@BOTH
@pytest.mark.parametrize("params", STEPWISE, ids=str)
@pytest.mark.parametrize("pickled", [False, pytest.param(True, marks=pytest.mark.nojit)])
def test_k_calls_of_partial_fit_equal_one_fit(kind, params, pickled):
    """The bold sentence of the contract, bit for bit."""
    k = 7
    X, y = make_data(kind)
    model = small(kind, **{"max_iter": k, "tol": 0, "n_iter_no_change": np.inf, **params})
    fitted = copy.deepcopy(model).fit(X, y)
    for call in range(k):
        classes = {"classes": np.unique(y)} if kind is MLPClassifier and call == 0 else {}
        model.partial_fit(X, y, **classes)
        assert model.n_iter_ == 1
        if pickled:
            model = pickle.loads(pickle.dumps(model))
    assert weights(model) == weights(fitted)
    assert plain(model.loss_curve_) == plain(fitted.loss_curve_)
    assert plain(model.learning_rate_curve_) == plain(fitted.learning_rate_curve_)
    if model.learning_rate == "adaptive":
        assert len(set(model.learning_rate_curve_)) > 2
    assert model.t_ == fitted.t_ == k * len(X)
    assert plain(model.predict(X)) == plain(fitted.predict(X))


@BOTH
def test_deepcopy_continues_on_its_own(kind):
    X, y = make_data(kind)
    model = small(kind).fit(X, y).partial_fit(X, y)
    twin = copy.deepcopy(model)
    before = plain(vars(model))
    twin.partial_fit(X, y)
    assert plain(vars(model)) == before
    model.partial_fit(X, y)
    assert weights(model) == weights(twin)


@BOTH
@pytest.mark.parametrize("solver", FIRST_ORDER)
def test_fit_drops_the_state_of_the_optimizer(kind, solver):
    X, y = make_data(kind)
    fitted = small(kind, solver=solver, max_iter=5).fit(X, y)
    continued = copy.deepcopy(fitted).partial_fit(X, y)
    # warm_start starts the optimizer anew
    fresh = copy.deepcopy(fitted).set_params(warm_start=True, max_iter=1).fit(X, y)
    assert weights(continued) == weights(fresh)
    assert len(pickle.dumps(fitted)) < len(pickle.dumps(continued))


@BOTH
@pytest.mark.parametrize("solver", FIRST_ORDER)
def test_partial_fit_starts_from_assigned_weights(kind, solver):
    X, y = make_data(kind)
    model = small(kind, solver=solver).fit(X, y)
    other = small(kind, solver=solver, random_state=9).fit(X, y)
    init = {"coef_init": other.coefs_, "intercept_init": other.intercepts_}
    expected = small(kind, solver=solver, max_iter=1).fit(X, y, **init)
    model.coefs_, model.intercepts_ = other.coefs_, other.intercepts_
    assert plain(model.predict(X)) == plain(other.predict(X))
    kept = weights(other)
    model.partial_fit(X, y)
    assert weights(other) == kept, "the arrays that were assigned are the user's"
    if solver == "gd":  # no order of rows to differ
        assert_allclose(model.coefs_[0], expected.coefs_[0])
    moved = max(np.abs(a - b).max() for a, b in zip(model.coefs_, other.coefs_, strict=True))
    assert 0 < moved < 0.5


@BOTH
def test_weights_assigned_in_place_count(kind):
    X, y = make_data(kind)
    model = small(kind).fit(X, y)
    for array in (*model.coefs_, *model.intercepts_):
        array[...] = 0
    raw = model.predict_proba(X) if kind is MLPClassifier else model.predict(X)
    assert len(np.unique(raw)) == 1
    model.coefs_[0] = np.ones_like(model.coefs_[0])
    model.partial_fit(X, y)
    assert_allclose(model.coefs_[0], 1, atol=0.2)


@BOTH
def test_partial_fit_takes_weights_as_given(kind):
    X, y = make_data(kind)

    start = small(kind, solver="minibatch", momentum=0, alpha=0, shuffle=False).fit(X, y)
    moved = []
    for weight in (1.0, 2.0):
        model = copy.deepcopy(start).partial_fit(X, y, sample_weight=np.full(80, weight))
        moved.append(model.coefs_[0] - start.coefs_[0])
    assert_allclose(moved[1], 2 * moved[0], rtol=1e-6, atol=1e-12)
    first, second = (
        copy.deepcopy(start).set_params(max_iter=1).fit(X, y, sample_weight=np.full(80, weight))
        for weight in (1.0, 2.0)
    )
    assert weights(first) == weights(second)


# --- continuing: warm_start -----------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("solver", [*FIRST_ORDER, "lbfgs"])
def test_warm_start_accumulates_curves(kind, solver):
    X, y = make_data(kind)
    model = small(kind, solver=solver, warm_start=True, max_iter=4, tol=0, n_iter_no_change=np.inf)
    model.fit(X, y)
    first_curve, first_weights = list(model.loss_curve_), weights(model)
    model.set_params(max_iter=6).fit(X, y)
    assert model.loss_curve_[:4] == first_curve
    assert len(model.loss_curve_) == 10
    assert model.n_iter_ == 6
    assert model.t_ == 10 * len(X)
    assert weights(model) != first_weights
    assert model.loss_curve_[4] < first_curve[0]
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ <= min(model.loss_curve_)
    cold = model.set_params(warm_start=False).fit(X, y)
    assert len(cold.loss_curve_) == 6 and cold.t_ == 6 * len(X)


@BOTH
def test_warm_start_reuses_seed_and_split_of_the_first_fit(kind):
    X, y = make_data(kind)
    found = []

    def scorer(estimator, X_val, y_val):
        found.append(plain(np.asarray(X_val)))
        return 0.0

    model = small(kind, random_state=None, early_stopping=True, scoring=scorer, warm_start=True, max_iter=2)
    for _ in range(3):
        model.fit(X, y)
    assert len(found) == 6 and len(set(found)) == 1
    model.set_params(warm_start=False).fit(X, y)
    assert found[-1] != found[0]


@BOTH
def test_warm_start_with_early_stopping_starts_best_anew(kind):
    X, y = make_data(kind)
    scores = iter([0.9, 0.1, 0.2, 0.3, 0.1])
    model = small(
        kind, early_stopping=True, scoring=lambda e, X, y: next(scores), warm_start=True, max_iter=2
    )  # fmt: skip
    model.fit(X, y)
    assert (model.best_iter_, model.best_validation_score_) == (1, 0.9)
    model.set_params(max_iter=3).fit(X, y)
    assert model.validation_scores_ == [0.9, 0.1, 0.2, 0.3, 0.1]
    assert (model.best_iter_, model.best_validation_score_) == (2, 0.3)
    assert len(model.validation_loss_curve_) == len(model.learning_rate_curve_) == 5


@BOTH
def test_warm_start_starts_optimizer_and_schedule_anew(kind):
    X, y = make_data(kind)
    model = small(kind, learning_rate="invscaling", warm_start=True, max_iter=3, solver="sgd")
    model.fit(X, y)
    model.fit(X, y)
    rates = model.learning_rate_curve_
    assert rates[:3] == rates[3:]
    updates = 80 * np.arange(1, 4)
    assert_allclose(rates[:3], 0.01 / np.sqrt(updates))


@BOTH
@pytest.mark.parametrize("incremental", [False, True])
def test_fits_that_continue_each_other_draw_new_dropout_masks(kind, incremental):
    X, y = make_data(kind)
    model = small(kind, dropout=0.5, warm_start=True, max_iter=1, learning_rate_init=1e-300).fit(X, y)
    for _ in range(4):
        model.partial_fit(X, y) if incremental else model.fit(X, y)
    # the weights do not move: the losses differ by the masks alone
    assert len(set(np.round(model.loss_curve_, 12))) == 5


# --- L-BFGS ---------------------------------------------------------------------------------------------------------


@BOTH
def test_lbfgs_with_early_stopping_counts_iterations(kind):
    X, y = make_data(kind)
    X_val, y_val = make_data(kind, seed=1)
    model = small(kind, solver="lbfgs", early_stopping=True, n_iter_no_change=3, tol=1e-4, max_iter=300)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    scores = model.validation_scores_
    assert model.n_iter_ == len(scores) == len(model.loss_curve_) < 300
    assert epochs_until_stop(scores, 1e-4, 3) in (model.n_iter_, None)
    assert model.best_iter_ == int(np.argmax(scores)) + 1
    assert model.best_loss_ is None


@BOTH
def test_lbfgs_recorded_validation_changes_nothing(kind):
    X, y = make_data(kind)
    model = small(kind, solver="lbfgs", max_iter=20).fit(X, y, X_val=X, y_val=y)
    assert len(model.validation_loss_curve_) == model.n_iter_
    assert weights(model) == weights(small(kind, solver="lbfgs", max_iter=20).fit(X, y))


# --- Ctrl-C ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_epoch():
    """Return data of which one epoch of the network below takes many seconds."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(200_000, 100)).astype(np.float32)
    return X, X[:, 0] - X[:, 1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "params",
    [
        {"solver": "adam"},
        {"solver": "sgd", "learning_rate_init": 1e-5},
        {"solver": "gd"},
        {"solver": "lbfgs"},
        {"solver": "adam", "early_stopping": True},
    ],
    ids=str,
)
def test_ctrl_c_in_a_long_epoch(long_epoch, params):
    X, y = long_epoch
    model = MLPRegressor(hidden_layer_sizes=(512, 512), random_state=0, **params)
    model.set_params(max_iter=1).fit(X[:200], y[:200])  # compiled before
    sent = interrupt_after(3.0)
    with pytest.warns(UserWarning, match="interrupted"):
        model.set_params(max_iter=200).fit(X, y)
    assert time.perf_counter() - sent[0] < 1.0
    assert all(np.isfinite(coef).all() for coef in model.coefs_)
    assert model.predict(X[:5]).shape == (5,)


@BOTH
def test_ctrl_c_keeps_the_best_weights_so_far(kind):
    X, y = make_data(kind)
    n_calls = 0
    sequence = [0.1, 0.9, 0.2]

    def scorer(estimator, X, y):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 4:
            raise KeyboardInterrupt
        return sequence[n_calls - 1]

    model = small(kind, early_stopping=True, scoring=scorer, max_iter=10)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, y)
    assert model.best_iter_ == 2
    assert model.best_validation_score_ == 0.9
    assert model.validation_scores_[:3] == sequence
    n_calls = 0
    two = small(kind, early_stopping=True, scoring=scorer, max_iter=2).fit(X, y)
    assert weights(two) == weights(model)


@pytest.mark.parametrize("first", [True, False], ids=["new", "fitted"])
def test_ctrl_c_in_partial_fit_changes_nothing(first):
    """fit has whole epochs to keep; half an epoch of partial_fit would be in no curve and no t_."""
    X = np.random.RandomState(0).normal(size=(100_000, 100)).astype(np.float32)
    y = X[:, 0] - X[:, 1]
    model = MLPRegressor((512, 256), ema_decay=0.9, random_state=0)
    if not first:
        model.partial_fit(X[:400], y[:400])
    before = state(model)
    sent = interrupt_after(0.7)
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, y)
    assert sent and time.perf_counter() - sent[0] < 1.0
    assert state(model) == before
    assert model.partial_fit(X[:400], y[:400]).t_ == (400 if first else 800)


@pytest.mark.slow
def test_ctrl_c_in_a_program_of_its_own(tmp_path):
    """A user's terminal: the process gets SIGINT during fit, goes on after it, and exits well."""
    program = tmp_path / "train.py"
    program.write_text(
        "import time, warnings\n"
        "import numpy as np\n"
        "from skregopt import MLPRegressor\n"
        "X = np.random.RandomState(0).normal(size=(100_000, 100))\n"
        "model = MLPRegressor((300, 300), random_state=0, max_iter=10_000)\n"
        "model.set_params(max_iter=1).fit(X[:200], X[:200, 0])\n"
        "model.set_params(max_iter=10_000)\n"
        "print('training', flush=True)\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    model.fit(X, X[:, 0])\n"
        "print(time.time(), [str(w.message) for w in caught], np.isfinite(model.predict(X[:9])).all())\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", str(program)], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout.readline() == "training\n"
        time.sleep(2)
        sent = time.time()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    finished, rest = output.split(" ", 1)
    assert "interrupted" in rest and "True" in rest
    assert float(finished) - sent < 1.0


# --- real data ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_early_stopping_on_digits():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    model = MLPClassifier(64, early_stopping=True, random_state=0, batch_size=64, max_iter=300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X[:1400], y[:1400])
    assert model.best_iter_ <= model.n_iter_ < 300
    assert model.score(X[1400:], y[1400:]) > 0.9
