"""Learning-rate schedules against PyTorch's, update by update; stopping, continuing, searching with them."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils._param_validation import InvalidParameterError
from support.problems import make_problem
from support.schedules import PEAK, Driven

from skregopt import MLPClassifier, MLPRegressor
from skregopt.optimizers import OPTIMIZERS
from skregopt.schedules import SCHEDULES, Cosine, CosLog, Exponential, OneCycle, Plateau, Step

pytestmark = [
    pytest.mark.numerics,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*before.*optimizer.step:UserWarning"),
]

N_SAMPLES, BATCH_SIZE = 13, 5  # three updates per epoch
SMALL = {
    "hidden_layer_sizes": (3,),
    "activation": "tanh",
    "batch_size": BATCH_SIZE,
    "learning_rate_init": 0.05,
    "n_iter_no_change": np.inf,
    "tol": 0,
    "random_state": 0,
}
NEW = [name for name in SCHEDULES if name not in ("constant", "invscaling", "adaptive")]


def torch_rates(make, n_steps, peak=PEAK):
    """Return the rate before each step of a PyTorch scheduler; ``make`` takes torch's module and an optimizer."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=peak)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    rates = []
    for step in range(n_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        if step < n_steps - 1:
            scheduler.step()
    return np.array(rates)


def per_epoch(name, **params):
    """Return PyTorch's rates of ``n_epochs``, each for all updates of its epoch."""

    def rates(n_epochs, updates_per_epoch, max_iter, peak=PEAK):
        filled = {key: max_iter if value == "max_iter" else value for key, value in params.items()}
        found = torch_rates(lambda lr, optimizer: getattr(lr, name)(optimizer, **filled), n_epochs, peak)
        return np.repeat(found, updates_per_epoch)

    return rates


def one_cycle(**params):
    def rates(n_epochs, updates_per_epoch, max_iter, peak=PEAK):
        horizon = {"max_lr": peak, "epochs": max_iter, "steps_per_epoch": updates_per_epoch}
        return torch_rates(
            lambda lr, optimizer: lr.OneCycleLR(optimizer, **horizon, **params, cycle_momentum=False),
            n_epochs * updates_per_epoch,
        )

    return rates


REFERENCES = {
    "step": (Step(step_size=3), per_epoch("StepLR", step_size=3)),
    "step, other factor": (Step(step_size=1, gamma=0.7), per_epoch("StepLR", step_size=1, gamma=0.7)),
    "exponential": (Exponential(gamma=0.9), per_epoch("ExponentialLR", gamma=0.9)),
    "cosine": (Cosine(), per_epoch("CosineAnnealingLR", T_max="max_iter")),
    "cosine, floor": (Cosine(floor=0.05), per_epoch("CosineAnnealingLR", T_max="max_iter", eta_min=0.05)),
    "restarts": (Cosine(restart_every=3), per_epoch("CosineAnnealingWarmRestarts", T_0=3)),
    "restarts, longer each time": (
        Cosine(restart_every=2, restart_factor=3, floor=0.01),
        per_epoch("CosineAnnealingWarmRestarts", T_0=2, T_mult=3, eta_min=0.01),
    ),
    "one cycle": (OneCycle(), one_cycle()),
    "one cycle, other shape": (
        OneCycle(pct_start=0.55, div_factor=3, final_div_factor=20.0),
        one_cycle(pct_start=0.55, div_factor=3, final_div_factor=20.0),
    ),
    "one cycle, falling only": (OneCycle(pct_start=0), one_cycle(pct_start=0.0)),
    "one cycle, rising only": (OneCycle(pct_start=1), one_cycle(pct_start=1.0)),
}


# --- PyTorch ------------------------------------------------------------------------------------------------------


@pytest.mark.torch
@pytest.mark.parametrize("n_epochs, updates_per_epoch", [(30, 1), (1, 7), (2, 3), (27, 4), (1, 2)])
@pytest.mark.parametrize("name", REFERENCES)
def test_every_update_has_the_rate_of_pytorch(name, n_epochs, updates_per_epoch):
    schedule, reference = REFERENCES[name]
    actual = Driven(schedule).rates(n_epochs, updates_per_epoch, max_iter=n_epochs)
    expected = reference(n_epochs, updates_per_epoch, n_epochs)
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)
    assert n_epochs < 3 or len(set(actual)) >= 3
    assert np.all(actual >= 0) and actual.max() <= PEAK


@pytest.mark.torch
@pytest.mark.parametrize("name", REFERENCES)
def test_learning_rate_curve_has_the_rates_of_pytorch(name):
    """The rate of the last update of each epoch."""
    schedule, reference = REFERENCES[name]
    problem = make_problem("regression", N_SAMPLES)
    network = problem.make(**SMALL | {"learning_rate_init": PEAK}, learning_rate=schedule, max_iter=9)
    network.fit(problem.X, problem.y)
    expected = reference(9, 3, 9)[2::3]
    np.testing.assert_allclose(network.learning_rate_curve_, expected, rtol=1e-12, atol=1e-15)


def torch_plateau(scores, mode, **params):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode, **params)
    rates = []
    for score in scores:
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step(score)
    return np.array(rates)


@pytest.mark.torch
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("sign", ["positive scores", "losses"])
def test_plateau_is_that_of_pytorch(seed, sign):
    """In mode 'max' of positive scores, in mode 'min' of losses, NaN and infinities among them."""
    rng = np.random.RandomState(seed)
    params = {
        "factor": rng.choice([0.1, 0.5, 0.9]),
        "patience": rng.choice([0, 1, 3, 10]),
        "cooldown": rng.choice([0, 1, 4]),
        "threshold": rng.choice([0.0, 1e-4, 0.1]),
    }
    floor = rng.choice([0.0, 0.02])
    values = np.cumsum(rng.normal(size=300)) + 50
    values[rng.randint(300, size=9)] = np.nan
    bad = values if sign == "losses" else -values
    bad[rng.randint(300, size=5)] = np.inf
    bad[0] = rng.choice([bad[0], np.nan, np.inf])
    scores = -bad
    schedule = Plateau(**{name: value.item() for name, value in params.items()}, floor=floor)
    if sign == "losses":
        expected = torch_plateau(-scores, "min", **params, min_lr=floor)
    else:
        expected = torch_plateau(scores, "max", **params, min_lr=floor)
    actual = Driven(schedule).rates(300, 1, 300, scores)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)
    assert len(set(actual)) > 1


@pytest.mark.torch
@pytest.mark.parametrize("early_stopping", [False, True])
def test_plateau_watches_what_decides_about_stopping(early_stopping):
    problem = make_problem("multiclass", 40)
    schedule = Plateau(factor=0.3, patience=2, cooldown=1)
    network = problem.make(**SMALL | {"learning_rate_init": PEAK}, learning_rate=schedule, max_iter=60)
    network.set_params(early_stopping=early_stopping, validation_fraction=0.3).fit(problem.X, problem.y)
    losses = network.validation_loss_curve_ if early_stopping else network.loss_curve_
    expected = torch_plateau(losses, "min", factor=0.3, patience=2, cooldown=1)
    np.testing.assert_allclose(network.learning_rate_curve_, expected, rtol=1e-12)
    assert len(set(network.learning_rate_curve_)) > 3


@pytest.mark.torch
def test_plateau_watches_a_scorer():
    problem = make_problem("multiclass", 40)
    network = problem.make(
        **SMALL, learning_rate=Plateau(factor=0.5, patience=1), max_iter=30, early_stopping=True, scoring="accuracy"
    ).fit(problem.X, problem.y)
    expected = torch_plateau(network.validation_scores_, "max", factor=0.5, patience=1)
    np.testing.assert_allclose(network.learning_rate_curve_, expected / PEAK * 0.05, rtol=1e-12)
    assert len(set(network.learning_rate_curve_)) > 3


# --- formulas -----------------------------------------------------------------------------------------------------


def half_cosine(start, end, share):
    return end + (start - end) * (1 + np.cos(np.pi * share)) / 2


@pytest.mark.nojit
def test_every_epoch_has_the_rate_of_the_formula():
    """What is compared with PyTorch above, for those without it: parameters other than the twin's."""
    epochs = np.arange(26)
    waves = np.concatenate([np.arange(length) / length for length in (2, 6, 18)])
    for schedule, expected in (
        (Step(step_size=3, gamma=0.7), PEAK * 0.7 ** (epochs // 3)),
        (Exponential(gamma=0.9), PEAK * 0.9**epochs),
        (Cosine(floor=0.05), half_cosine(PEAK, 0.05, epochs / 26)),
        (Cosine(restart_every=2, restart_factor=3, floor=0.01), half_cosine(PEAK, 0.01, waves)),
    ):
        actual = Driven(schedule).rates(26, 2, max_iter=26)
        np.testing.assert_allclose(actual, np.repeat(expected, 2), rtol=1e-12, err_msg=str(schedule))
    # the tenth of 20 updates has the peak
    actual = Driven(OneCycle(pct_start=0.5, div_factor=3, final_div_factor=20.0)).rates(5, 4, max_iter=5)
    rising = half_cosine(PEAK / 3, PEAK, np.arange(10) / 9)
    falling = half_cosine(PEAK, PEAK / 60, np.arange(1, 11) / 10)
    np.testing.assert_allclose(actual, [*rising, *falling], rtol=1e-12)


@pytest.mark.nojit
def test_plateau_by_hand():
    scores = [-10, -9.5, np.nan, -9.5, -9.5, -8, -7.3, -7.1, -7.1, -7.1, -7.1]  # bad, bad: lowered. Cooldown, bad,
    rates = Driven(Plateau(factor=0.5, patience=1, cooldown=1, threshold=0.1)).rates(11, 1, 11, scores)
    np.testing.assert_array_equal(rates / PEAK, [1] * 3 + [0.5] * 7 + [0.25])  # good, bad, good, bad, bad: lowered
    for peak, last in ((3e-8, 1.5e-8), (1.5e-8, 1.5e-8)):  # by more than 1e-8 or not at all
        np.testing.assert_allclose(Driven(Plateau(factor=0.5, patience=0), peak).rates(9, 1, 9)[-1], last, rtol=1e-12)
    # training that is exhausted in each epoch: lowered at once, then on trial for patience + cooldown epochs
    driven = Driven(Plateau(factor=0.5, patience=1, cooldown=2))
    found = [(driven.rate(1, 0, 1, 99) / PEAK, driven.end_epoch(-1.0, exhausted=1)) for _ in range(6)]
    assert found == [(1, 1), (0.5, 1), (0.5, 1), (0.5, 1), (0.5, 1), (0.25, 1)]


# --- ends ---------------------------------------------------------------------------------------------------------


@pytest.mark.nojit
@pytest.mark.parametrize("updates_per_epoch", [1, 4])
@pytest.mark.parametrize(
    "schedule, floor", [(Cosine(), 0.0), (Cosine(floor=0.02), 0.02), (OneCycle(), PEAK / 25e4)], ids=str
)
def test_rate_stays_at_the_floor_after_the_horizon(schedule, floor, updates_per_epoch):
    rates = Driven(schedule).rates(12, updates_per_epoch, max_iter=5)
    np.testing.assert_allclose(rates[5 * updates_per_epoch :], floor, rtol=1e-14)
    assert np.all(rates[: 5 * updates_per_epoch - 1] > floor * 1.01 + 1e-9)


@pytest.mark.nojit
@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("n_samples", [1, N_SAMPLES])
def test_one_epoch(name, n_samples):
    """Also of a single update; rates are finite, not above the peak, and positive, but for the first of coslog."""
    problem = make_problem("regression", n_samples)
    params = SMALL | {"max_iter": 1, "batch_size": 1 if n_samples == 1 else BATCH_SIZE}
    network = problem.make(**params, learning_rate=name).fit(problem.X, problem.y)
    (rate,) = network.learning_rate_curve_
    assert 0 < rate <= 0.05 or (rate == 0 and name == "coslog" and n_samples == 1)


@pytest.mark.parametrize("schedule", [Cosine(floor=1.0), Plateau(floor=1.0, patience=0)], ids=str)
def test_a_floor_above_the_peak_is_a_constant_rate(schedule):
    np.testing.assert_array_equal(Driven(schedule).rates(20, 2, 10), PEAK)


def test_huge_numbers():
    """Horizons and lengths that no int64 holds as a number of updates."""
    most = np.iinfo(np.int64).max
    for schedule in (Cosine(), Step(step_size=10**300), Cosine(restart_every=2**62), Plateau(patience=10**30)):
        np.testing.assert_array_equal(Driven(schedule).rates(3, 2, most), PEAK)
    rates = Driven(Cosine(restart_every=1, restart_factor=10**18)).rates(4, 1, 4)
    np.testing.assert_allclose(rates, PEAK, rtol=1e-15)
    assert Driven(OneCycle()).rate(1, 0, most, most) == pytest.approx(PEAK / 25)
    assert Driven(Exponential(gamma=1e-300)).rate(3, 2, 1, 9) == 0.0


# --- stopping -----------------------------------------------------------------------------------------------------


@pytest.mark.nojit
def test_plateau_is_exhausted_before_training_is():
    """The epochs by hand: patience 2, cooldown 1, score constant, improvement wanted in 4 epochs."""
    driven = Driven(Plateau(factor=0.5, patience=2, cooldown=1, floor=0.1))

    def epoch(exhausted):
        return driven.rate(1, 0, 1, 99), driven.end_epoch(-1.0, exhausted)

    assert epoch(0) == (PEAK, 0)  # the first score is the best one
    assert epoch(1) == (PEAK, 1)  # never lowered so far: lowered at once
    assert epoch(1) == (PEAK / 2, 1)  # on trial for patience + cooldown epochs
    assert [epoch(0)[0] for _ in range(3)] == [PEAK / 2] * 3  # one in cooldown (above), then three bad ones
    assert epoch(1) == (0.1, 1)  # at the floor, on trial
    assert [epoch(0)[0] for _ in range(2)] == [0.1] * 2
    assert epoch(1) == (0.1, 0)  # it can fall no further


@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_training_ends_when_the_rate_can_fall_no_further(solver):
    problem = make_problem("regression", N_SAMPLES)
    params = SMALL | {"n_iter_no_change": 3, "tol": 0.1, "batch_size": "auto", "learning_rate_init": 0.01}
    network = problem.make(**params, solver=solver, max_iter=500)
    network.set_params(learning_rate=Plateau(patience=5, floor=1e-4)).fit(problem.X, problem.y)
    assert network.n_iter_ < 500
    rates = network.learning_rate_curve_
    np.testing.assert_allclose(np.unique(rates)[::-1], [1e-2, 1e-3, 1e-4], rtol=1e-12)
    # a rate that has been tried for less than the patience is kept
    assert min(np.bincount(np.unique(rates, return_inverse=True)[1])) >= 4
    constant = network.set_params(learning_rate="constant").fit(problem.X, problem.y)
    assert constant.n_iter_ < len(rates)


def test_no_two_schedules_give_a_place_in_memory_different_meanings():
    """``partial_fit`` may go on with another schedule; the rate is common to the two that lower it."""
    used = {}
    for name, rule in SCHEDULES.items():
        driven, places = Driven(Plateau(cooldown=2) if name == "plateau" else rule()), set()
        for epoch in range(9):
            driven.rate(2 * epoch + 1, epoch, 2, 9)
            driven.rate(2 * epoch + 2, epoch, 2, 9)
            driven.end_epoch(-1.0, exhausted=epoch % 3 == 2)
            places |= set(np.flatnonzero(driven.memory).tolist())
        used |= {name: places} if places else {}
    by_updates = dict.fromkeys(("one_cycle", "flat_cosine", "coslog"), {1, 2})  # the position in the epoch
    assert used == {"adaptive": {0}, "plateau": {0, 3, 4, 5, 6, 7}} | by_updates


# --- in the estimators --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_every_solver_trains_with_every_schedule(solver, name):
    problem = make_problem("multiclass", 60)
    network = problem.make(**SMALL | {"batch_size": "auto"}, solver=solver, learning_rate=name, max_iter=60)
    network.set_params(learning_rate_init=min(1.0, 10 * OPTIMIZERS[solver].default_learning_rate))
    network.fit(problem.X, problem.y)
    start = problem.make(**SMALL, max_iter=1).set_params(learning_rate_init=1e-300).fit(problem.X, problem.y).loss_
    assert network.loss_ < 0.97 * start
    rates = np.array(network.learning_rate_curve_)
    assert len(rates) == 60 and np.all(rates >= 0) and (name == "coslog" or np.all(rates > 0))
    if name in ("step", "exponential", "cosine", "one_cycle", "flat_cosine", "coslog", "invscaling"):
        assert rates[-1] < rates.max()


@pytest.mark.filterwarnings("ignore:partial_fit has been called more than max_iter=4 times")
@pytest.mark.parametrize(
    "name, floor", [("cosine", 0.0), ("one_cycle", 0.05 / 25e4), ("flat_cosine", 0.0), ("coslog", 0.0)]
)
def test_partial_fit_beyond_the_horizon(name, floor):
    problem = make_problem("regression", N_SAMPLES)
    network = problem.make(**SMALL, learning_rate=name, max_iter=4)
    for _ in range(7):
        network.partial_fit(problem.X, problem.y)
    rates = network.learning_rate_curve_
    np.testing.assert_allclose(rates[4:], floor, rtol=1e-14)
    assert min(rates[:3]) > floor


def test_one_cycle_with_batches_of_rows_of_any_number():
    """Each call is an epoch, however many updates it makes: the position in it is what counts."""
    problem = make_problem("regression", 40)
    network = problem.make(**SMALL, learning_rate="one_cycle", max_iter=8)
    for n_rows in (40, 5, 23, 40, 6, 40, 40, 5):
        part = problem.part(slice(0, n_rows))
        network.partial_fit(part.X, part.y)
    rates = np.array(network.learning_rate_curve_)
    assert rates.argmax() in (1, 2)
    assert np.all(np.diff(rates[2:]) < 0)
    np.testing.assert_allclose(rates[-1], 0.05 / 25e4, rtol=1e-10)


@pytest.mark.parametrize("second", SCHEDULES)
@pytest.mark.parametrize("first", SCHEDULES)
def test_partial_fit_goes_on_with_another_schedule(first, second):
    """None takes what another one keeps for a rate of its own."""
    problem = make_problem("regression", N_SAMPLES)
    network = problem.make(**SMALL, max_iter=10)
    for name in (first, second):
        network.set_params(learning_rate=name)
        for _ in range(3):
            network.partial_fit(problem.X, problem.y)
    rates = np.array(network.learning_rate_curve_)
    # between two waves of coslog, the rate is 0
    assert np.all((rates >= 0) & (rates <= 0.05)) and ("coslog" in (first, second) or np.all(rates > 0))


@pytest.mark.parametrize("name", NEW)
def test_warm_start_starts_the_schedule_anew(name):
    problem = make_problem("regression", N_SAMPLES)
    network = problem.make(**SMALL, learning_rate=name, max_iter=5, warm_start=True).fit(problem.X, problem.y)
    first = network.learning_rate_curve_
    assert network.fit(problem.X, problem.y).learning_rate_curve_ == [*first, *first]


@pytest.mark.parametrize("name", NEW)
def test_a_name_is_the_instance_with_its_defaults(name):
    problem = make_problem("regression", N_SAMPLES)
    by_name, by_instance = (
        problem.make(**SMALL, learning_rate=given, max_iter=55).fit(problem.X, problem.y)
        for given in (name, SCHEDULES[name]())
    )
    assert by_name.learning_rate_curve_ == by_instance.learning_rate_curve_
    # power_t belongs to invscaling
    ignored = problem.make(**SMALL, learning_rate=name, max_iter=55, power_t=2.0).fit(problem.X, problem.y)
    assert ignored.learning_rate_curve_ == by_name.learning_rate_curve_
    assert not SCHEDULES[name].flat_parameters


GRIDS = {
    "step": {"step_size": [1, 5], "gamma": [0.5, 0.9]},
    "exponential": {"gamma": [0.5, 0.9]},
    "cosine": {"floor": [0.0, 1e-3], "restart_every": [None, 2]},
    "one_cycle": {"pct_start": [0.1, 0.5], "div_factor": [2, 10.0], "final_div_factor": [1, 100]},
    "flat_cosine": {},
    "coslog": {"n_cycles": [1, 3]},
    "plateau": {"factor": [0.5], "patience": [0, 2], "cooldown": [0, 1], "floor": [0, 1e-3], "threshold": [0, 1e-2]},
}


@pytest.mark.parametrize("name", NEW)
def test_search_clone_pickle(name):
    problem = make_problem("multiclass", 30)
    network = problem.make(**SMALL, learning_rate=SCHEDULES[name](), max_iter=5)
    grid = {f"learning_rate__{key}": values for key, values in GRIDS[name].items()}
    assert set(GRIDS[name]) | {"restart_factor"} >= set(SCHEDULES[name]().get_params())
    search = GridSearchCV(network, grid, cv=2, error_score="raise").fit(problem.X, problem.y)
    best = search.best_estimator_
    assert (
        best.learning_rate.get_params().items()
        >= {key.removeprefix("learning_rate__"): value for key, value in search.best_params_.items()}.items()
    )
    for twin in (clone(best), pickle.loads(pickle.dumps(best))):
        assert twin.learning_rate is not best.learning_rate
        assert twin.learning_rate.get_params() == best.learning_rate.get_params()
        assert twin.fit(problem.X, problem.y).learning_rate_curve_ == best.learning_rate_curve_


@pytest.mark.nojit
@pytest.mark.parametrize("name", NEW)
def test_without_compiler(name):
    problem = make_problem("regression", N_SAMPLES)
    network = problem.make(**SMALL, learning_rate=name, max_iter=2).fit(problem.X, problem.y)
    twin = problem.fit_twin(**SMALL, learning_rate=name, max_iter=2)
    np.testing.assert_allclose(network.learning_rate_curve_, twin.learning_rate_curve_, rtol=1e-12)
    np.testing.assert_allclose(network.coefs_[0], twin.coefs_[0], rtol=0, atol=1e-10)


# --- bad input ----------------------------------------------------------------------------------------------------

BAD = [
    (Step, "step_size", [0, -1, 1.5, None, "3"]),
    (Step, "gamma", [0, -0.1, 1.1, np.nan, None]),
    (Exponential, "gamma", [0.0, 2, np.nan, "0.9"]),
    (Cosine, "floor", [-1e-9, np.nan, np.inf, None]),
    (Cosine, "restart_every", [0, 2.5, "max_iter"]),
    (Cosine, "restart_factor", [0, 1.5, None]),
    (OneCycle, "pct_start", [-0.1, 1.1, np.nan]),
    (OneCycle, "div_factor", [0.5, 0, np.nan, np.inf, None]),
    (OneCycle, "final_div_factor", [0.5, np.nan, np.inf]),
    (CosLog, "n_cycles", [0, -1, 51, 2.5, np.nan, None, "4"]),
    (Plateau, "factor", [0, 1, -1, np.nan]),
    (Plateau, "patience", [-1, 2.5, None]),
    (Plateau, "cooldown", [-1, 0.5]),
    (Plateau, "floor", [-1, np.nan, np.inf]),
    (Plateau, "threshold", [-1e-4, np.nan, np.inf]),
]


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("rule, name, values", BAD)
def test_bad_parameters(rule, name, values, kind):
    X, y = np.eye(4), [0, 1, 0, 1]
    for value in values:
        network = kind(learning_rate=rule(**{name: value}))
        with pytest.raises(InvalidParameterError, match=f"'{name}' parameter of {rule.__name__}"):
            network.fit(X, y)
        assert not hasattr(network, "coefs_")


def test_restart_factor_without_restarts():
    with pytest.raises(ValueError, match=r"restart_factor=2 has no effect with restart_every=None"):
        MLPRegressor(learning_rate=Cosine(restart_factor=2)).fit(np.eye(4), [0, 1, 0, 1])
