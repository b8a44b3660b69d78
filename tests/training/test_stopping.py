"""When training stops, and which weights it keeps."""

import copy
import itertools
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from support.states import weights
from support.training_data import BOTH, FIRST_ORDER, epochs_until_stop, make_data, rising, small

from skregopt import MLPClassifier, MLPRegressor
from skregopt._training import lbfgs
from skregopt.schedules import Cosine, OneCycle, Step, Warmup

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# --- the counter -----------------------------------------------------------------------------------------------------


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


class Falling(Step):
    """A rule of a user, planned to end."""

    has_horizon = True


@BOTH
@pytest.mark.parametrize(
    ("schedule", "warns"),
    [
        ("constant", True), ("step", True), ("plateau", True), (Cosine(restart_every=3), True),
        (Warmup("step", 2), True), ("cosine", False), ("one_cycle", False), (Cosine(floor=1e-4), False),
        (Warmup("cosine", 2), False), (Warmup(OneCycle(), 2), False), (Falling(), False),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_schedule_that_ends_at_max_iter_is_done(kind, schedule, warns, early_stopping):
    X, y = make_data(kind)
    model = small(kind, learning_rate=schedule, max_iter=5, early_stopping=early_stopping)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    assert [warning.category for warning in caught] == [ConvergenceWarning] * warns
    with pytest.warns(ConvergenceWarning):  # which has no learning rate
        model.set_params(solver="lbfgs", learning_rate=schedule, max_iter=1).fit(X, y)


@BOTH
@pytest.mark.parametrize("patience", [2, np.inf])
@pytest.mark.parametrize(("best", "n_epochs"), [(3, 6), (4, 6), (1, 3), (1, 4)])
def test_a_best_epoch_of_long_before_is_no_news(kind, patience, best, n_epochs):
    X, y = make_data(kind)
    scores = iter([0.1 * epoch for epoch in range(1, best + 1)] + [0.1 * best] * n_epochs)  # as good is good enough
    model = small(kind, early_stopping=True, scoring=lambda *_: next(scores), tol=0.0, n_iter_no_change=patience)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.set_params(max_iter=n_epochs).fit(X, y)
    assert model.best_iter_ == best and model.n_iter_ == n_epochs
    assert len(caught) == (best >= n_epochs - patience)


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


# --- early stopping --------------------------------------------------------------------------------------------------


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
def test_an_equal_score_is_progress_with_a_tol_of_zero(kind):
    """As in scikit-learn, but not a better epoch; without a tol above 0 a plateau is no reason to stop."""
    X, y = make_data(kind)
    model = small(
        kind, early_stopping=True, scoring=lambda *_: 0.5, tol=0, n_iter_no_change=1, max_iter=6
    )  # fmt: skip
    model.fit(X, y)
    assert model.n_iter_ == 6
    assert model.best_iter_ == 1


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


# --- L-BFGS ----------------------------------------------------------------------------------------------------------


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


@BOTH
@pytest.mark.parametrize(("tol", "dtype", "ftol"), [(1e-3, "float64", 2.2e-8), (1e-9, "float32", 2.0**-23)])
def test_what_ends_lbfgs(kind, tol, dtype, ftol, monkeypatch):
    """SciPy's conditions: its default decrease at the default tol, no decrease below the working precision."""
    given = {}

    def record(*args, options, **named):
        given.update(options)
        return minimize(*args, options=options, **named)

    monkeypatch.setattr(lbfgs, "minimize", record)
    X, y = make_data(kind)
    small(kind, solver="lbfgs", tol=tol, dtype=dtype, max_iter=9, max_fun=50).fit(X, y)
    assert given == {"maxiter": 9, "maxfun": 50, "gtol": tol, "ftol": pytest.approx(ftol, rel=1e-12), "maxcor": 30}


# --- real data -------------------------------------------------------------------------------------------------------


def test_early_stopping_on_digits():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    model = MLPClassifier(64, early_stopping=True, random_state=0, batch_size=64, max_iter=300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X[:1400], y[:1400])
    assert model.best_iter_ <= model.n_iter_ < 300
    assert model.score(X[1400:], y[1400:]) > 0.9
