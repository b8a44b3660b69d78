"""``max_time``: when training ends, and where schedules are then. Most tests have a clock of their own."""

import itertools
import time
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from support.estimators import BOTH, make_data
from support.processes import DATA, run
from support.states import bits, weights

from skregopt import MLPClassifier, MLPRegressor
from skregopt._engine import job
from skregopt._kernels import jit
from skregopt._training import first_order, time_limit
from skregopt.model_selection import regularization_path
from skregopt.schedules import SCHEDULES, Cosine, Schedule, Warmup

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_ROWS = 64


class Linear(Schedule):
    """A rule of a user: falls to zero, with every update."""

    has_horizon = True

    @staticmethod
    def rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
        return peak * (1.0 - (t - 1.0) / (max_iter * updates_per_epoch))

    @staticmethod
    def end_epoch(exhausted, score, hyper, memory):
        return 0


WITH_END = [
    *(name for name, rule in SCHEDULES.items() if rule().has_horizon),
    Cosine(floor=1e-3), Linear(), Warmup("cosine", 20), Warmup("coslog", 35), Warmup(Linear(), 1),
]  # fmt: skip


class Machine:
    """A machine with a clock of its own, on which an epoch takes exactly one second, or more.

    Attributes
    ----------
    seconds : callable
        From the number of complete epochs to the seconds of the next one.
    n_tiles : int
        Of each slice.
    now : float
        The time.
    rates : list
        Learning rate, factor of dropout and decay of the last update of each slice.
    """

    def __init__(self, monkeypatch, seconds=lambda epoch: 1.0, n_tiles=1):
        self.seconds, self.n_tiles, self.now, self.rates = seconds, n_tiles, 0.0, []
        self._train = first_order.loop.run_epochs
        monkeypatch.setattr(first_order.loop, "run_epochs", self._run)
        monkeypatch.setattr(time_limit, "clock", lambda: self.now)

    def _run(self, theta, jobs, curves, n_tiles):
        progress, update = jobs[0].progress, jobs[0].update
        for _ in range(self.n_tiles):
            epoch, row = progress.epoch, progress.row
            self._train(theta, jobs, curves[:1], 1)
            rows = progress.row - row if progress.epoch == epoch else N_ROWS - row
            self.now += self.seconds(epoch) * rows / N_ROWS
            if progress.n_curve:  # an epoch a slice, which is enough here
                break
        self.rates.append((progress.learning_rate, update.dropout_factor, update.weight_decay))


def data(kind):
    return make_data(kind, n_samples=N_ROWS)


def small(kind, **params):
    params = {"hidden_layer_sizes": 5, "batch_size": 16, "max_iter": 100, "random_state": 0, **params}
    return kind(**{"tol": 0, "n_iter_no_change": np.inf} | params)


def following(schedule):
    return {
        "learning_rate": schedule, "dropout": 0.5, "dropout_schedule": schedule, "weight_decay": 0.1,
        "weight_decay_schedule": schedule,
    }  # fmt: skip


# --- the end ----------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.nojit
@pytest.mark.parametrize("learning_rate", ["constant", "one_cycle"])
@pytest.mark.parametrize(
    ("max_time", "n_epochs"), [(1e-9, 1), (0.4, 1), (1, 1), (1.4, 1), (1.6, 2), (2.4, 2), (5.1, 5), (7, 7), (1e9, 9)]
)
def test_the_last_epoch_ends_as_near_to_max_time_as_an_epoch_can(kind, learning_rate, max_time, n_epochs, monkeypatch):
    for n_tiles in (1, 3):
        machine = Machine(monkeypatch, n_tiles=n_tiles)
        model = small(kind, learning_rate=learning_rate, max_iter=9, max_time=max_time).fit(*data(kind))
        assert model.n_iter_ == len(model.loss_curve_) == machine.now == n_epochs
        monkeypatch.undo()


@pytest.mark.nojit
@pytest.mark.parametrize(("max_time", "n_epochs"), [(0.4, 1), (1, 1), (1.4, 2), (1.6, 2), (2.4, 2), (2.6, 3)])
def test_an_epoch_that_is_a_single_slice(max_time, n_epochs, monkeypatch):
    """After the first one it is too late to end a schedule with it: if there is time left, another follows."""
    Machine(monkeypatch, n_tiles=4)
    model = small(MLPRegressor, learning_rate="cosine", max_time=max_time).fit(*data(MLPRegressor))
    assert model.n_iter_ == n_epochs
    assert (model.learning_rate_curve_[-1] < 1e-6) == (n_epochs > 1)


@pytest.mark.parametrize("factor", [0.01, 0.3, 0.9, 1.3, 3, 10])
def test_no_more_than_an_epoch_is_too_much_when_training_becomes_slower_or_faster(factor, monkeypatch):
    for changes_after, n_tiles in itertools.product(range(12), (1, 4)):
        machine = Machine(monkeypatch, lambda epoch, last=changes_after: factor if epoch > last else 1.0, n_tiles)
        small(MLPRegressor, max_iter=10_000, max_time=10.4, learning_rate="cosine").fit(*data(MLPRegressor))
        assert 10.4 - max(1, factor) <= machine.now < 10.4 + max(1, factor)
        monkeypatch.undo()


@BOTH
def test_the_best_weights_are_kept(kind, monkeypatch):
    X, y = data(kind)
    sequence = [0.3, 0.5, 0.2, 0.4, 0.1]
    scores = iter(sequence)
    Machine(monkeypatch)
    model = small(kind, early_stopping=True, scoring=lambda *_: next(scores), max_time=5)
    model.fit(X, y, X_val=X[:20], y_val=y[:20])
    assert model.n_iter_ == 5 and model.best_iter_ == 2 and model.validation_scores_ == sequence
    monkeypatch.undo()
    scores = iter(sequence)
    shorter = small(kind, early_stopping=True, scoring=lambda *_: next(scores), max_iter=2)
    assert weights(model) == weights(shorter.fit(X, y, X_val=X[:20], y_val=y[:20]))


@BOTH
@pytest.mark.nojit
@pytest.mark.parametrize("max_time", [1e-9, 1, 4])
def test_iterations_of_lbfgs(kind, max_time, monkeypatch):
    X, y = data(kind)
    model = small(kind, solver="lbfgs", tol=1e-12, max_time=max_time)
    seconds = iter(range(10**6))  # between two looks at the clock, which is looked at after each iteration
    monkeypatch.setattr(time_limit, "clock", lambda: next(seconds))
    with pytest.warns(
        ConvergenceWarning, match=rf"after {max(1, max_time)} iteration\(s\) \(Maximum time .*Increase max_time,"
    ):
        model.fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == max(1, max_time)
    monkeypatch.undo()
    model.set_params(max_time=None, max_iter=model.n_iter_)
    assert bits(model, X) == bits(model.fit(X, y), X)


@BOTH
@pytest.mark.nojit
def test_partial_fit_says_no(kind):
    X, y = data(kind)
    more = {"classes": np.unique(y)} if kind is MLPClassifier else {}
    with pytest.raises(ValueError, match=r"max_time=2 has no effect in partial_fit.*Leave max_time at .* None"):
        small(kind, max_time=2).partial_fit(X, y, **more)


@BOTH
def test_warm_start_has_the_whole_time_again(kind, monkeypatch):
    Machine(monkeypatch)
    model = small(kind, warm_start=True, max_time=3).fit(*data(kind))
    assert len(model.fit(*data(kind)).loss_curve_) == 6 and model.n_iter_ == 3


# --- schedules --------------------------------------------------------------------------------------------------------


def rates_of(monkeypatch, n_tiles=1, seconds=lambda epoch: 1.0, **params):
    """Return the model, the time when training ended, and the rates after each slice."""
    machine = Machine(monkeypatch, seconds, n_tiles)
    X, y = data(MLPRegressor)
    model = small(MLPRegressor, **params).fit(X, y)
    monkeypatch.undo()
    return model, machine.now, np.array(machine.rates)


@pytest.mark.nojit
@pytest.mark.parametrize("batch_size", [16, 64])
@pytest.mark.parametrize("schedule", WITH_END, ids=str)
def test_schedules_of_all_kinds_end_with_the_time(schedule, batch_size, monkeypatch):
    """They are those of max_iter epochs, of which the updates that fit in the time see a selection, evenly spaced."""
    params = following(schedule) | {"batch_size": batch_size, "max_iter": 100}
    *_, planned = rates_of(monkeypatch, **params)
    model, _, found = rates_of(monkeypatch, max_time=12.4, **params)
    n, n_planned = 12 * N_ROWS // batch_size, len(planned)
    positions = np.floor(np.arange(n) * (n_planned - 1) / (n - 1) + 0.5).astype(int)
    assert model.n_iter_ == 12 and positions[-1] == n_planned - 1
    assert_array_equal(found, planned[positions])


@pytest.mark.nojit
@pytest.mark.parametrize("schedule", WITH_END, ids=str)
@pytest.mark.parametrize("n_tiles", [3, 7])
def test_schedules_between_looks_at_the_clock(schedule, n_tiles, monkeypatch):
    *_, planned = rates_of(monkeypatch, **following(schedule))
    *_, found = rates_of(monkeypatch, n_tiles, max_time=12, **following(schedule))
    # the first slice knows of no end
    assert_array_equal(found[0], planned[min(n_tiles, 4) - 1])
    assert_array_equal(found[-1], planned[-1])
    assert len(np.unique(found, axis=0)) > 4


@pytest.mark.nojit
@pytest.mark.parametrize("factor", [0.5, 1.5, 4])
def test_the_end_is_the_same_when_training_becomes_slower_or_faster(factor, monkeypatch):
    params = following(Linear()) | {"weight_decay_schedule": Cosine()}
    *_, planned = rates_of(monkeypatch, **params)
    _, now, found = rates_of(monkeypatch, seconds=lambda epoch: 1.0 if epoch < 6 else factor, max_time=12.3, **params)
    assert abs(now - 12.3) < factor
    assert_array_equal(found[-1], planned[-1])
    assert np.all(np.diff(found[:, 0]) < 0)
    # slower or faster updates bring rates down faster or more slowly
    early, late = -np.diff(found[:, 0])[10], -np.diff(found[:, 0])[-8]
    assert (late > early) == (factor > 1)


@pytest.mark.nojit
def test_epochs_are_followed_where_they_are_further_along(monkeypatch):
    """The clock has asked for haste, and then all epochs fit after all."""
    seconds = [1.0] * 5 + [0.001] * 95
    *_, planned = rates_of(monkeypatch, **following(Linear()))
    model, _, found = rates_of(monkeypatch, seconds=seconds.__getitem__, max_time=50, **following(Linear()))
    assert model.n_iter_ == 100
    assert np.all(found <= planned) and np.all(found[5:80] < planned[5:80])
    assert_array_equal(found[-1], planned[-1])


@pytest.mark.nojit
@pytest.mark.parametrize("schedule", [*SCHEDULES, Cosine(restart_every=4), Warmup("plateau", 3)], ids=str)
def test_schedules_without_an_end_do_not_follow(schedule, monkeypatch):
    ends = isinstance(schedule, str) and SCHEDULES[schedule]().has_horizon
    *_, planned = rates_of(monkeypatch, learning_rate=schedule)
    model, _, found = rates_of(monkeypatch, learning_rate=schedule, max_time=9)
    assert model.n_iter_ == 9 and np.array_equal(found[:, 0], planned[:36, 0]) == (not ends)


@BOTH
@pytest.mark.parametrize("max_time", [1e6, np.inf, 10**6])
@pytest.mark.parametrize("schedule", WITH_END, ids=str)
def test_time_enough_changes_no_bit(kind, schedule, max_time):
    X, y = data(kind)
    model = small(kind, max_iter=40, **following(schedule))
    expected = bits(model.fit(X, y), X)
    assert bits(model.set_params(max_time=max_time).fit(X, y), X) == expected


class GoingOn(Linear):
    """Does not let training stop where it stalls."""

    @staticmethod
    def end_epoch(exhausted, score, hyper, memory):
        return 1


@pytest.mark.nojit
def test_a_rule_is_asked_about_stopping_once_its_warmup_is_over(monkeypatch):
    params = {"learning_rate": Warmup(GoingOn(), 10), "tol": 1e9, "n_iter_no_change": 1}
    assert rates_of(monkeypatch, max_time=10, **params)[0].n_iter_ == 10
    assert rates_of(monkeypatch, max_time=150, **params)[0].n_iter_ == 3


@pytest.mark.nojit
def test_no_schedule_goes_back_when_training_becomes_faster_within_a_batch(monkeypatch):
    """A batch of several tiles has a factor of dropout before them; what comes later is planned anew after each."""
    monkeypatch.setattr(job, "MAX_TILE_ROWS", 8)
    params = following(Linear()) | {"seconds": lambda epoch: 1.0 if epoch < 1 else 1e-6, "batch_size": N_ROWS}
    *_, found = rates_of(monkeypatch, max_time=4, **params)
    first_update = N_ROWS // 8
    assert len(found) == 100 * first_update and found[first_update, 1] < 0.7
    assert np.all(np.diff(found[first_update - 1 :], axis=0) <= 0)


@pytest.mark.nojit
def test_more_epochs_than_there_will_ever_be(monkeypatch):
    share = np.arange(40) / 39
    for schedule, shape in ((Linear(), 1 - share), ("cosine", (1 + np.cos(np.pi * share)) / 2)):
        params = {"learning_rate": schedule, "learning_rate_init": 0.5, "max_iter": np.iinfo(np.int64).max}
        *_, found = rates_of(monkeypatch, max_time=10, **params)
        assert_allclose(found[:, 0], 0.5 * shape, atol=1e-6)


@pytest.mark.nojit
def test_a_last_row_that_joins_the_batch_before(monkeypatch):
    params = following("one_cycle") | {"batch_norm": True, "batch_size": 21}  # 64 rows: three batches
    *_, planned = rates_of(monkeypatch, **params)
    assert len(planned) == 300
    *_, found = rates_of(monkeypatch, max_time=10, **params)
    assert_array_equal(found[-1], planned[-1])


# --- what is said -----------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("params", "words"),
    [
        (
            {},
            r"^Stochastic Optimizer: Maximum time \(max_time=3 seconds\) reached and .* Increase max_time, or use",
        ),
        ({"learning_rate": "cosine"}, None),
        ({"learning_rate": Warmup("constant")}, "Maximum time"),
        ({"learning_rate": "cosine", "early_stopping": True}, None),
        ({"early_stopping": True}, "Maximum time"),
        ({"early_stopping": True, "n_iter_no_change": 1, "tol": 10}, "did not improve"),
    ],
    ids=str,
)
def test_warning_and_last_line(kind, params, words, monkeypatch, capsys):
    Machine(monkeypatch)
    model = small(kind, max_time=3, verbose=True, **params)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(*data(kind))
    last = capsys.readouterr().out.splitlines()[-1]
    if words == "did not improve":
        assert words in last and not caught
        return
    kept = "the last" if not model.early_stopping else "the best"
    assert last.startswith("Maximum time (max_time=3 seconds) reached. The weights of epoch ") and kept in last
    assert len(caught) == (words is not None)
    if words:
        assert issubclass(caught[0].category, ConvergenceWarning)
        with pytest.warns(ConvergenceWarning, match=words):
            warnings.warn_explicit(str(caught[0].message), ConvergenceWarning, "file", 1)


def test_a_path(monkeypatch):
    X, y = data(MLPRegressor)
    Machine(monkeypatch)
    network = small(MLPRegressor, hidden_layer_sizes=(), penalty="l1", max_time=4)
    with pytest.warns(ConvergenceWarning, match=r"3 of 3 .* max_iter=100 or max_time=4 .*Increase max_iter, max_time"):
        path = regularization_path(network, X, y, alphas=[0.1, 0.05, 0.01])
    assert not path.converged_.any() and [each.n_iter_ for each in path.estimators_] == [4, 4, 4]


# --- real clocks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [{}, {"n_jobs": 2}, {"early_stopping": True}, {"solver": "lbfgs", "learning_rate": "constant"}, {"batch_size": 1}],
    ids=str,
)
def test_half_a_second(params, monkeypatch):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(5000, 30)).astype(np.float32)
    y = X[:, 0] - X[:, 1] * X[:, 2] + rng.normal(size=5000)
    params = {"learning_rate": "one_cycle", "tol": 1e-30, "n_iter_no_change": np.inf, "random_state": 0} | params
    model = MLPRegressor((64, 32), max_iter=10**6, **params)
    started = time.perf_counter()
    model.set_params(max_iter=1).fit(X, y)  # compiled before
    an_epoch = time.perf_counter() - started
    started = time.perf_counter()
    looks, elapsed = [], time_limit.TimeLimit.elapsed
    monkeypatch.setattr(time_limit.TimeLimit, "elapsed", lambda limit: looks.append(0) or elapsed(limit))
    model.set_params(max_iter=10**6, max_fun=10**6, max_time=0.5).fit(X, y)
    assert 0.25 < time.perf_counter() - started < 1.5 + 2 * an_epoch
    assert model.n_iter_ > 1
    if model.solver != "lbfgs":
        assert len(looks) > 15
        assert max(model.learning_rate_curve_) > 1e-4 > 1e-5 > model.learning_rate_curve_[-1]


@pytest.mark.exhaustive  # compiles everything
def test_a_fit_that_compiles_has_all_its_time(tmp_path):
    found = run(
        DATA
        + """
started = time.perf_counter()
model = MLPClassifier(5, max_iter=10**6, max_time=0.5, tol=0, n_iter_no_change=np.inf, early_stopping=True,
                      scoring="neg_log_loss", learning_rate="cosine", n_jobs=2).fit(X, classes)
result |= {"n_iter": model.n_iter_, "seconds": time.perf_counter() - started}
""",
        cache=tmp_path,
    )
    assert found["seconds"] > 1 and found["n_iter"] > 20


def test_the_clock_stands_still_during_compilation(monkeypatch):
    def compute(x):
        return x + 1.0

    before, started = time_limit.clock(), time.perf_counter()
    jit.kernel(compute, jit.types.float64(jit.types.float64))
    real = time.perf_counter() - started
    assert 0 <= time_limit.clock() - before < 0.01 + 0.5 * real
    monkeypatch.setattr(time_limit, "seconds_waited", lambda: 1e6)
    assert time_limit.clock() < before - 1e5
