"""Schedules of dropout and of weight decay: equations, bits, continuing, combinations that make no sense."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from support.against_twin import check_fit
from support.problems import make_problem
from support.refusals import METHODS, assert_refused, train
from support.states import bits, plain, weights
from support.training_data import BOTH, make_data, small

from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import Trainable
from skregopt.embeddings import PiecewiseLinear
from skregopt.optimizers import OPTIMIZERS, AdamW
from skregopt.schedules import (
    SCHEDULES,
    Cosine,
    CosLog,
    Exponential,
    FlatCosine,
    OneCycle,
    Plateau,
    Schedule,
    Step,
    Warmup,
)

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

WITH_END = [name for name, rule in SCHEDULES.items() if rule().has_horizon]
FACTORS = [*WITH_END, Cosine(floor=0.2), OneCycle(0.6), CosLog(2), Warmup("one_cycle", 2), Warmup(FlatCosine(), 1, 0.1)]
SOME = {
    "decay": {"weight_decay": 0.5, "weight_decay_schedule": "coslog"},
    "dropout": {"dropout": 0.4, "dropout_schedule": "flat_cosine"},
    "input dropout": {"input_dropout": 0.4, "dropout_schedule": Warmup("one_cycle", 2)},
    "both": {
        "dropout": 0.4, "input_dropout": 0.2, "dropout_schedule": "one_cycle",
        "solver": "adamw", "weight_decay_schedule": Warmup("flat_cosine", 1),
    },
}  # fmt: skip


def partially(model, X, y):
    return model.partial_fit(X, y, **({"classes": np.unique(y)} if isinstance(model, MLPClassifier) else {}))


def parameters_of(both):
    """Return parameters with both schedules at a peak that never falls, which is as without."""
    return {"dropout": 0.4, "input_dropout": 0.2, "weight_decay": 0.3} | dict.fromkeys(
        ("dropout_schedule", "weight_decay_schedule"), both
    )


# --- equations --------------------------------------------------------------------------------------------------------


@pytest.mark.nojit
@pytest.mark.parametrize("rate", ["constant", "coslog"])
@pytest.mark.parametrize("schedule", FACTORS, ids=str)
def test_decay_of_every_update(schedule, rate):
    """A weight without a gradient only decays: its size is a product of 1 - rate decay factor over all updates."""
    X, y = np.zeros((13, 1)), np.zeros(13)
    start = {"coef_init": [np.ones((1, 1))], "intercept_init": [np.zeros(1)]}
    common = {"penalty": None, "batch_size": 1, "max_iter": 5, "n_iter_no_change": np.inf, "random_state": 0}
    common |= {"hidden_layer_sizes": (), "solver": "minibatch", "momentum": 0.0, "learning_rate_init": 0.05}

    def size(**params):
        return MLPRegressor(**common | params).fit(X, y, **start).coefs_[0].item()

    found = size(weight_decay=2.0, weight_decay_schedule=schedule, learning_rate=rate)
    factors, rates = (updates_of(each, 13, 5) for each in (schedule, rate))
    assert found == pytest.approx(np.prod(1 - 0.05 * rates * 2.0 * factors), rel=1e-12)
    assert len(set(factors)) > 3


def updates_of(schedule, updates_per_epoch, max_iter):
    """Return the rate of each update, with a peak of 1, by the equations of the classes' docstrings."""
    if isinstance(schedule, Warmup):
        n = schedule.n_epochs
        rising = np.arange(n * updates_per_epoch) / (n * updates_per_epoch)
        following = updates_of(schedule.schedule, updates_per_epoch, max_iter - n)
        return np.r_[schedule.start_factor + (1 - schedule.start_factor) * rising, following]
    schedule = SCHEDULES[schedule]() if isinstance(schedule, str) else schedule
    n = updates_per_epoch * max_iter
    k = np.arange(n)
    if isinstance(schedule, CosLog):
        return (1 - np.cos(2 * np.pi * np.log2(1 + (2**schedule.n_cycles - 1) * k / n))) / 2
    if isinstance(schedule, FlatCosine):
        return np.where(k < n / 2, 1, (1 + np.cos(np.pi * (2 * k / n - 1))) / 2)
    if isinstance(schedule, Cosine):
        return schedule.floor + (1 - schedule.floor) * (1 + np.cos(np.pi * (k // updates_per_epoch) / max_iter)) / 2
    if isinstance(schedule, OneCycle):
        first, last, turn = 1 / 25, 1 / 25e4, schedule.pct_start * n - 1
        up = 1 + (first - 1) * (1 + np.cos(np.pi * k / turn)) / 2
        down = last + (1 - last) * (1 + np.cos(np.pi * (k - turn) / (n - 1 - turn))) / 2
        return np.where(k <= turn, up, down)
    return np.ones(n)


@pytest.mark.nojit
@pytest.mark.parametrize("batch_size", [1, 5, 13])
@pytest.mark.parametrize("task", ["multiclass", "regression"])
@pytest.mark.parametrize("name", WITH_END)
def test_fits_are_those_of_the_naive_twin(name, task, batch_size):
    other = WITH_END[(WITH_END.index(name) + 1) % len(WITH_END)]
    params = {"dropout": (0.5, 0.2), "input_dropout": 0.3, "dropout_schedule": name, "learning_rate_init": 0.02}
    params |= {"weight_decay": 0.5, "weight_decay_schedule": other, "penalty": "l1", "alpha": 0.01}
    for convert in (np.asarray, sp.csr_array):
        check_fit(make_problem(task), convert, batch_size=batch_size, **params)


# --- bits -------------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.nojit
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_factor_of_one_changes_no_bit(kind, dtype):
    X, y = make_data(kind)
    model = small(kind, max_iter=4, dtype=dtype, batch_size=16, **parameters_of(None))
    expected = bits(model.fit(X, y), X)
    assert bits(model.set_params(**parameters_of(Cosine(floor=1.0))).fit(X, y), X) == expected
    assert bits(model.set_params(dropout_schedule="cosine").fit(X, y), X) != expected


@BOTH
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("schedule", FACTORS, ids=str)
def test_k_calls_of_partial_fit_equal_one_fit(schedule, kind, dtype):
    X, y = make_data(kind)
    params = parameters_of(schedule) | {"learning_rate": "one_cycle", "batch_size": 11, "dtype": dtype}
    model = small(kind, max_iter=7, tol=0, n_iter_no_change=np.inf, **params)
    fitted = copy.deepcopy(model).fit(X, y)
    for _ in range(7):
        model = pickle.loads(pickle.dumps(partially(model, X, y)))
    assert bits(model, X) == bits(fitted, X)
    assert plain(model.learning_rate_curve_) == plain(fitted.learning_rate_curve_)


class Half(Schedule):
    """Half of the peak throughout."""

    has_horizon = True

    @staticmethod
    def rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
        return peak / 2

    @staticmethod
    def end_epoch(exhausted, score, hyper, memory):
        return 0


NETWORKS = {
    "plain": {},
    "three layers": {"hidden_layer_sizes": (6, 5, 4), "dropout": (0.6, 0.0, 0.4)},
    "batch_norm": {"batch_norm": True},
    "embedding": {"feature_embedding": "periodic"},
    "embedding of some": {"feature_embedding": PiecewiseLinear(columns=[0, 2])},
    "trainable": {"activation": Trainable("silu"), "parametrization": "ntp", "solver": "adamw"},
    "muon": {"solver": "muon"},
    "clip and average": {"clip_norm": 0.3, "ema_decay": 0.5, "penalty": "group_l1"},
}


@BOTH
@pytest.mark.nojit
@pytest.mark.parametrize("name", NETWORKS)
def test_half_of_all_rates(name, kind):
    """Bit for bit what rates half as high give, in every kind of network."""
    X, y = make_data(kind, 40)
    params = {"dropout": 0.6, "input_dropout": 0.4, "weight_decay": 0.3} | NETWORKS[name]
    scheduled = dict.fromkeys(("dropout_schedule", "weight_decay_schedule"), Half())
    halved = {rate: (np.array(params[rate]) / 2).tolist() for rate in ("dropout", "input_dropout", "weight_decay")}
    for convert in (np.asarray, sp.csr_array):
        if convert is sp.csr_array and "embedding" in name:
            continue
        found = small(kind, max_iter=2, batch_size=16, **params | scheduled).fit(convert(X), y)
        expected = small(kind, max_iter=2, batch_size=16, **params | halved).fit(convert(X), y)
        assert bits(found, X) == bits(expected, X)


class ByUpdate(Schedule):
    """One over the update, counted from the end of a warm-up: a rule whose equation has the update itself."""

    has_horizon = True

    @staticmethod
    def rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
        memory[6] += 1.0  # and one that keeps something
        return peak / t / memory[6]

    @staticmethod
    def end_epoch(exhausted, score, hyper, memory):
        return 0


@pytest.mark.nojit
@pytest.mark.parametrize("warm_up", [0, 2])
def test_what_a_schedule_keeps_travels_in_pickles(warm_up):
    """A schedule of a user's that counts updates, and its own calls: once for each update, behind a warm-up."""
    X, y = np.zeros((6, 1)), np.zeros(6)
    schedule = Warmup(ByUpdate(), warm_up) if warm_up else ByUpdate()
    model = MLPRegressor(
        (), solver="minibatch", momentum=0.0, penalty=None, batch_size=2, max_iter=4, weight_decay=2.0,
        weight_decay_schedule=schedule, learning_rate_init=0.05, learning_rate="cosine", random_state=0,
    )  # fmt: skip
    first = copy.deepcopy(model).set_params(weight_decay=None, weight_decay_schedule=None)
    start = first.partial_fit(X, y).coefs_[0].item()
    for _ in range(4):
        model = pickle.loads(pickle.dumps(model.partial_fit(X, y)))
    rising = 1 / 3 + 2 / 3 * np.arange(3 * warm_up) / max(1, 3 * warm_up)
    factors = np.r_[rising, 1.0 / np.arange(1, 13 - 3 * warm_up) ** 2]
    rates = np.repeat((1 + np.cos(np.pi * np.arange(4) / 4)) / 2, 3)
    assert model.coefs_[0].item() == pytest.approx(start * np.prod(1 - 0.05 * rates * 2.0 * factors), rel=1e-12)


@BOTH
def test_a_call_that_fails_changes_nothing(kind):
    """Training has diverged when that is noticed; a shallow copy, too, keeps what it has."""
    X, y = make_data(kind)
    model = small(kind, max_iter=6, batch_size=16, learning_rate="cosine", **parameters_of("coslog"))
    partially(model, X, y)
    sibling, before = copy.copy(model), plain(vars(model))
    with pytest.raises(ValueError, match="non-finite"):
        model.set_params(learning_rate_init=1e300).partial_fit(X, y)
    assert plain(vars(model.set_params(learning_rate_init=0.01))) == before
    model.partial_fit(X, y)
    assert plain(vars(sibling)["_optimizer_memory_"]) == dict(before[1])["_optimizer_memory_"]


# --- continuing -------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.filterwarnings("ignore:partial_fit has been called more")
@pytest.mark.parametrize("schedule", ["flat_cosine", "cosine", "coslog", Warmup("coslog", 1)], ids=str)
def test_beyond_the_end_nothing_is_dropped_or_decays(kind, schedule):
    X, y = make_data(kind)
    model = small(kind, max_iter=3, batch_size=16, **parameters_of(schedule))
    for _ in range(3):
        partially(model, X, y)
    without = copy.deepcopy(model).set_params(
        dropout=0.0, input_dropout=0.0, dropout_schedule=None, weight_decay=None, weight_decay_schedule=None
    )
    assert bits(partially(model, X, y), X) == bits(partially(without, X, y), X)


@BOTH
@pytest.mark.parametrize("name", SOME)
def test_memories_of_older_versions_go_on(name, kind):
    """They have nothing of the schedules; those of this package need nothing but the epoch."""
    X, y = make_data(kind)
    model = small(kind, max_iter=6, batch_size=16)
    partially(partially(model, X, y), X, y)
    old = copy.deepcopy(model)
    del old._optimizer_memory_["factor_schedules"]
    for each in (model, old):
        each.set_params(**{"learning_rate_init": 0.01, "solver": "adam"} | SOME[name] | {"solver": "adam"})
        if "weight_decay_schedule" in SOME[name]:
            each.set_params(weight_decay=0.1)
        for _ in range(2):
            partially(each, X, y)
    assert bits(old, X) == bits(model, X)
    assert {"dropout_schedule", "weight_decay_schedule"} & old._optimizer_memory_["factor_schedules"].keys()


@BOTH
@pytest.mark.parametrize("name", SOME)
def test_warm_start_starts_the_schedules_anew(name, kind):
    """As a fit that is given the weights does."""
    X, y = make_data(kind)
    model = small(kind, max_iter=4, batch_size=16, warm_start=True, shuffle=False, **SOME[name]).fit(X, y)
    first = copy.deepcopy(model)
    model.fit(X, y)
    again = copy.deepcopy(first).set_params(max_iter=2).fit(X, y)
    assert weights(model) != weights(first) != weights(again)
    if "decay" in name:  # no masks, which the number of all epochs keys
        anew = clone(model).fit(X, y, coef_init=first.coefs_, intercept_init=first.intercepts_)
        assert weights(anew) == weights(model)


@BOTH
@pytest.mark.parametrize("name", SOME)
def test_early_stopping_restores_the_best_weights(name, kind):
    X, y = make_data(kind)
    params = SOME[name] | {"early_stopping": True, "learning_rate_init": 0.05, "n_iter_no_change": 12}
    model = small(kind, max_iter=12, batch_size=16, **params).fit(X, y)
    scores = np.array(model.validation_scores_)
    assert model.best_iter_ == scores.argmax() + 1 and len(scores) == 12
    shorter = clone(model).set_params(n_iter_no_change=3, max_iter=12).fit(X, y)
    assert shorter.validation_scores_ == model.validation_scores_[: shorter.n_iter_], (
        "the span is max_iter, not n_iter_"
    )


@pytest.mark.filterwarnings("ignore:partial_fit has been called more")
def test_chunks_of_rows_of_any_number():
    """Each call is an epoch, however many updates it makes."""
    sizes, at_rest = [6, 1, 4, 6, 2], []
    model = MLPRegressor(
        (), solver="minibatch", momentum=0.0, penalty=None, batch_size=1, max_iter=5, weight_decay=2.0,
        weight_decay_schedule="coslog", learning_rate_init=0.05, random_state=0,
    )  # fmt: skip
    for size in sizes:
        before = model.coefs_[0].item() if at_rest else None
        at_rest.append((before, model.partial_fit(np.zeros((size, 1)), np.zeros(size)).coefs_[0].item()))
    for epoch, (before, after) in list(enumerate(at_rest))[1:]:
        share = (epoch + np.arange(sizes[epoch]) / sizes[epoch]) / 5
        factors = (1 - np.cos(2 * np.pi * np.log2(1 + 15 * share))) / 2
        assert after / before == pytest.approx(np.prod(1 - 0.1 * factors), rel=1e-12)


# --- as parameters ----------------------------------------------------------------------------------------------------


@BOTH
def test_search_clone_pickle(kind):
    X, y = make_data(kind)
    model = small(kind, max_iter=4, batch_size=16, **parameters_of(Cosine()))
    grid = {"dropout_schedule__floor": [0.0, 0.5], "weight_decay_schedule": ["coslog", OneCycle(0.5)]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    best = search.best_estimator_
    assert best.dropout_schedule.floor == search.best_params_["dropout_schedule__floor"]
    for twin in (clone(best), pickle.loads(pickle.dumps(best)), copy.deepcopy(best)):
        assert twin.dropout_schedule is not best.dropout_schedule and repr(twin) == repr(best)
        assert bits(twin.fit(X, y), X) == bits(best, X)


@BOTH
@pytest.mark.parametrize("solver", OPTIMIZERS)
@pytest.mark.parametrize("name", WITH_END)
def test_a_name_is_the_instance_with_its_defaults(name, solver, kind):
    X, y = make_data(kind, 30)
    by_name, by_instance = (
        small(kind, solver=solver, max_iter=3, **parameters_of(given)).fit(X, y) for given in (name, SCHEDULES[name]())
    )
    assert bits(by_name, X) == bits(by_instance, X)
    assert all(np.isfinite(coef).all() for coef in by_name.coefs_)


@BOTH
def test_default_decay_of_a_rule(kind):
    X, y = make_data(kind)
    params = {"solver": AdamW(), "weight_decay_schedule": "cosine", "max_iter": 4, "batch_size": 16}
    model = small(kind, learning_rate_init=0.1, **params).fit(X, y)
    given = clone(model).set_params(weight_decay=0.01).fit(X, y)
    constant = clone(model).set_params(weight_decay_schedule=None).fit(X, y)
    assert weights(model) == weights(given) != weights(constant)


@BOTH
def test_draws_of_predictions_drop_with_the_rates_themselves(kind):
    X, y = make_data(kind)
    model = small(kind, dropout=0.5, dropout_schedule="flat_cosine", max_iter=4).fit(X, y)
    without = clone(model).set_params(dropout_schedule=None).fit(X, y)
    without.coefs_, without.intercepts_ = model.coefs_, model.intercepts_
    method = "predict_proba" if kind is MLPClassifier else "predict"
    given = {"n_draws": 20} if kind is MLPClassifier else {"n_draws": 20, "return_std": True}
    np.testing.assert_array_equal(getattr(model, method)(X, **given), getattr(without, method)(X, **given))


# --- what makes no sense ----------------------------------------------------------------------------------------------

DROPOUT, DECAY = "dropout_schedule", "weight_decay_schedule"
REFUSED = {
    "no dropout": ({DROPOUT: "cosine"}, ["dropout=0.0", "input_dropout=0.0", "Set one of them above 0"]),
    "no dropout in layers": ({DROPOUT: OneCycle(), "dropout": [0.0]}, ["dropout=[0.0]", "input_dropout=0.0"]),
    "no decay": ({DECAY: "coslog"}, ["weight_decay=None", "0 for solver='adam'", "Set weight_decay above 0"]),
    "a decay of 0": ({DECAY: "coslog", "solver": "adamw", "weight_decay": 0.0}, ["weight_decay=0.0"]),
    "frozen": ({DECAY: "cosine", "solver": "adamw", "learning_rate_factors": {"coefs": 0}}, ["{'coefs': 0} freezes"]),
    "step": ({DROPOUT: Step(), "dropout": 0.3}, ["no end", "'cosine', 'coslog', 'flat_cosine', 'one_cycle'"]),
    "exponential": ({DECAY: Exponential(), "weight_decay": 0.3}, ["no end", "max_iter", "'one_cycle'"]),
    "restarts": ({DECAY: Cosine(restart_every=3), "weight_decay": 0.3}, ["no end", "restart_every=3", "'cosine'"]),
    "plateau": ({DROPOUT: Plateau(), "dropout": 0.3}, ["no end", "'one_cycle'"]),
    "warm-up": ({DROPOUT: Warmup("step"), "dropout": 0.3}, ["no end", "Warmup(schedule='step')", "'one_cycle'"]),
    "floor": ({DROPOUT: Cosine(floor=1.5), "dropout": 0.3}, ["floor above 1", "Lower floor"]),
    "unknown": ({DECAY: Warmup("falling"), "weight_decay": 0.3}, ["'falling'", "'cosine'"]),
    "bad instance": ({DECAY: CosLog(0), "weight_decay": 0.3}, ["'n_cycles' parameter of CosLog"]),
    "constant": ({DROPOUT: "constant", "dropout": 0.3}, ["'one_cycle'", "'constant' has no end at max_iter epochs"]),
    "StepLR": ({DECAY: "StepLR", "weight_decay": 0.3}, ["'one_cycle'", "'step' has no end at max_iter epochs"]),
    "word": ({DECAY: "flat_cos", "weight_decay": 0.3}, ["Did you mean 'flat_cosine'?"]),
    "number": ({DROPOUT: 0.3}, ["dropout_schedule is the name of a schedule, which multiplies dropout"]),
}


@BOTH
@METHODS
@pytest.mark.nojit
@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_sense_is_refused(case, kind, method):
    params, names = REFUSED[case]
    schedule = DECAY if DECAY in params else DROPOUT
    names = names if case in ("unknown", "bad instance") else [schedule, *names]
    assert_refused(kind, train(kind, method), names=names, **params)


@BOTH
@pytest.mark.nojit
@pytest.mark.parametrize("given", ["cosine", FlatCosine(), "warm-up"], ids=str)
@pytest.mark.parametrize("name", [DROPOUT, DECAY])
def test_lbfgs_makes_no_single_updates(name, given, kind):
    params = {name: Warmup("cosine") if given == "warm-up" else given, "solver": "lbfgs"}
    names = [name, "solver='lbfgs'", "Leave", "default, None", "'adam'"]
    assert_refused(kind, train(kind, "fit"), names=names, **params)


@BOTH
def test_without_validation_of_parameters(kind):
    X, y = make_data(kind)
    with sklearn.config_context(skip_parameter_validation=True):
        for given in ("falling", 3, Cosine):
            with pytest.raises(ValueError, match=r"weight_decay_schedule must be None, one of 'cosine', .*, got"):
                small(kind, weight_decay=0.1, weight_decay_schedule=given).fit(X, y)
