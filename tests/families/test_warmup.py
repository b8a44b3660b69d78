"""Linear warm-up in front of every schedule: PyTorch's rates, update by update; continuing, searching, bad input."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils._param_validation import InvalidParameterError
from support.problems import make_problem

from skregopt import MLPClassifier, MLPRegressor
from skregopt.optimizers import Adam
from skregopt.schedules import SCHEDULES, Cosine, InvScaling, Plateau, Step, Warmup

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
SMALL = {
    "hidden_layer_sizes": (5, 4),
    "activation": "tanh",
    "batch_size": 5,
    "learning_rate_init": 0.05,
    "max_iter": 5,
    "tol": 0,
    "n_iter_no_change": np.inf,
    "random_state": 1,
}
N_SAMPLES = 13


def make_data(kind, n_samples=60, seed=0):
    problem = make_problem("multiclass" if kind is MLPClassifier else "regression", n_samples, seed=seed)
    return problem.X, problem.y


def small(kind, **params):
    return kind(**SMALL | params)


INNER = {
    "constant": (lambda s, o, epochs, steps: s.ConstantLR(o, factor=1.0), "update"),
    "step": (lambda s, o, epochs, steps: s.StepLR(o, 3, 0.5), "epoch"),
    "exponential": (lambda s, o, epochs, steps: s.ExponentialLR(o, 0.98), "epoch"),
    "cosine": (lambda s, o, epochs, steps: s.CosineAnnealingLR(o, epochs), "epoch"),
    "one_cycle": (lambda s, o, epochs, steps: s.OneCycleLR(o, 0.05, total_steps=steps, cycle_momentum=False), "update"),
}


def torch_rates(make, n, peak):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=peak)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    rates = []
    for _ in range(n):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*before.*optimizer.step:UserWarning")
@pytest.mark.parametrize("start_factor", [1 / 3, 0.01, 1.0])
@pytest.mark.parametrize("n_epochs, max_iter", [(1, 9), (4, 11)])
@pytest.mark.parametrize("batch_size", [5, 13])
@pytest.mark.parametrize("name", INNER)
def test_rates_are_those_of_pytorch(name, batch_size, n_epochs, max_iter, start_factor):
    make, unit = INNER[name]
    updates = -(-N_SAMPLES // batch_size)
    following = max_iter - n_epochs
    rising = torch_rates(lambda s, o: s.LinearLR(o, start_factor, 1.0, n_epochs * updates), n_epochs * updates, 0.05)
    falling = torch_rates(
        lambda s, o: make(s, o, following, following * updates),
        following * (updates if unit == "update" else 1), 0.05,
    )  # fmt: skip
    falling = falling if unit == "update" else np.repeat(falling, updates).tolist()
    expected = np.array([*rising, *falling]).reshape(max_iter, updates)
    schedule = Warmup(Step(3, 0.5) if name == "step" else name, n_epochs, start_factor)
    problem = make_problem("regression", N_SAMPLES)
    params = {"max_iter": max_iter, "batch_size": batch_size, "learning_rate": schedule}
    model = problem.make(**SMALL | params).fit(problem.X, problem.y)
    np.testing.assert_allclose(model.learning_rate_curve_, expected[:, -1], rtol=1e-12)
    # one weight without a gradient, which only decays: its size after each epoch is a product of the epoch's rates
    model = MLPRegressor(**{**SMALL, **params, "hidden_layer_sizes": (), "weight_decay": 2.0, "penalty": None})
    model.set_params(solver="minibatch", momentum=0.0)
    X = np.zeros((N_SAMPLES, 1))
    start = {"coef_init": [np.ones((1, 1))], "intercept_init": [np.zeros(1)]}
    size = model.fit(X, problem.y, **start).coefs_[0].item()
    assert size == pytest.approx(np.prod(1 - 2.0 * expected), rel=1e-11)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*before.*optimizer.step:UserWarning")
def test_sequence_of_pytorch_schedules():
    """PyTorch's own SequentialLR, with one update per epoch, where all its schedulers count the same."""
    pytest.importorskip("torch")
    expected = torch_rates(
        lambda s, o: s.SequentialLR(
            o, [s.LinearLR(o, 1 / 3, 1.0, 4), s.CosineAnnealingLR(o, 7)], milestones=[4]
        ), 11, 0.05,
    )  # fmt: skip
    problem = make_problem("regression", N_SAMPLES)
    params = {"max_iter": 11, "batch_size": 13, "learning_rate": Warmup("cosine", 4)}
    model = problem.make(**SMALL | params).fit(problem.X, problem.y)
    np.testing.assert_allclose(model.learning_rate_curve_, expected, rtol=1e-12)


@pytest.mark.nojit
@pytest.mark.parametrize("name", ["adaptive", "plateau"])
def test_epochs_of_the_warm_up_do_not_count(name):
    """What follows a warm-up of three epochs lowers the rate three epochs later than without one."""
    X, y = make_data(MLPRegressor)
    following = Plateau(patience=2) if name == "plateau" else name
    params = {"learning_rate_init": 1e-5, "tol": 1e9, "n_iter_no_change": 20 if name == "plateau" else 2}

    def curve(schedule):
        model = small(MLPRegressor, **{**params, "max_iter": 12}, learning_rate=schedule)
        # a loss that never improves: no plateau of it is above the threshold
        return np.array(model.fit(X, y).learning_rate_curve_)

    if name == "plateau":
        following = Plateau(patience=2, threshold=10.0)
    direct, behind = curve(following), curve(Warmup(following, n_epochs=3))
    np.testing.assert_allclose(behind[:3], 1e-5 * (1 / 3 + 2 / 3 * np.array([11, 23, 35]) / 36), rtol=1e-12)
    if name == "plateau":
        assert direct.tolist().count(1e-5) == 4  # patience 2: the first epoch is the best
        np.testing.assert_array_equal(behind[3:], direct[:-3])
    else:
        # the counter of epochs without improvement is that of stopping, which goes on counting
        assert direct.tolist().count(1e-5) == 4 and direct[4] == 1e-5 / 5
        assert behind[3] == 1e-5 and behind[-1] < 1e-5


@pytest.mark.nojit
def test_training_that_ends_within_the_warm_up():
    X, y = make_data(MLPRegressor)
    for n_epochs in (5, 8):  # SMALL's max_iter, and more
        model = small(MLPRegressor, learning_rate=Warmup("one_cycle", n_epochs, 0.1)).fit(X, y)
        done = (np.arange(1, 6) * 12 - 1) / (12 * n_epochs)
        np.testing.assert_allclose(model.learning_rate_curve_, 0.05 * (0.1 + 0.9 * done), rtol=1e-12)


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name not in ("adaptive", "plateau")])
def test_chunks_of_different_sizes(name):
    """The warm-up is counted in epochs, so that no chunk brings it back, or ends it early."""
    X, y = make_data(MLPRegressor)
    sizes = [60, 5, 60, 5, 60, 5]
    model = small(MLPRegressor, learning_rate=Warmup(name, n_epochs=3), max_iter=9)
    for size in sizes:
        model.partial_fit(X[:size], y[:size])
    rates = np.array(model.learning_rate_curve_)
    updates = np.array(sizes[:3]) // 5
    expected = 0.05 * (1 / 3 + 2 / 3 * (np.arange(3) + (updates - 1) / updates) / 3)
    np.testing.assert_allclose(rates[:3], expected, rtol=1e-12)
    assert np.all(rates <= 0.05) and np.all(rates >= 0) and (name == "coslog" or np.all(rates > 0))
    direct = small(MLPRegressor, learning_rate=name, max_iter=6)
    for size in sizes[3:]:
        direct.partial_fit(X[:size], y[:size])
    np.testing.assert_allclose(rates[3:], direct.learning_rate_curve_, rtol=1e-12)


@BOTH
def test_search_over_a_warm_up(kind):
    X, y = make_data(kind)
    search = GridSearchCV(
        small(kind, learning_rate=Warmup(Cosine())),
        {"learning_rate__n_epochs": [1, 3], "learning_rate__schedule__floor": [0.0, 0.01]},
        cv=2,
        error_score="raise",
    ).fit(X, y)
    chosen = search.best_estimator_.learning_rate
    assert search.best_params_ == {
        "learning_rate__n_epochs": chosen.n_epochs, "learning_rate__schedule__floor": chosen.schedule.floor
    }  # fmt: skip
    assert len(set(search.cv_results_["mean_test_score"])) > 1 or kind is MLPClassifier
    for copied in (clone(chosen), pickle.loads(pickle.dumps(chosen)), copy.deepcopy(chosen)):
        assert copied.get_params()["schedule__floor"] == chosen.schedule.floor
        assert repr(copied) == repr(chosen)


@BOTH
@pytest.mark.parametrize(
    ("schedule", "error", "names"),
    [
        (Warmup(Warmup()), ValueError, ("schedule", "Warmup", "'cosine'")),
        (Warmup("falling"), ValueError, ("schedule", "'falling'", "'cosine'")),
        (Warmup(Adam()), InvalidParameterError, ("schedule", "Warmup", "Adam()")),
        (Warmup(None), InvalidParameterError, ("schedule", "Warmup", "None")),
        (Warmup(["cosine"]), InvalidParameterError, ("schedule", "Warmup")),
        (Warmup(n_epochs=0), InvalidParameterError, ("n_epochs", "Warmup", "0")),
        (Warmup(n_epochs=1.5), InvalidParameterError, ("n_epochs", "Warmup", "1.5")),
        (Warmup(start_factor=0.0), InvalidParameterError, ("start_factor", "Warmup")),
        (Warmup(start_factor=1.5), InvalidParameterError, ("start_factor", "Warmup", "1.5")),
        (Warmup(Step(step_size=0)), InvalidParameterError, ("step_size", "Step")),
        (Warmup(Cosine(floor=0.1)), ValueError, ("floor=0.1", "learning_rate_init=0.05")),
    ],
    ids=str,
)  # fmt: skip
def test_bad_warm_ups(kind, schedule, error, names):
    X, y = make_data(kind)
    with pytest.raises(error) as caught:
        small(kind, learning_rate=schedule).fit(X, y)
    assert all(name in str(caught.value) for name in names), caught.value


@pytest.mark.parametrize("following", ["invscaling", InvScaling(0.3)])
def test_power_t_does_not_reach_through_a_warm_up(following):
    X, y = make_data(MLPRegressor)
    with pytest.raises(ValueError, match=r"power_t=0\.7.*Warmup"):
        small(MLPRegressor, learning_rate=Warmup(following), power_t=0.7).fit(X, y)
    small(MLPRegressor, learning_rate=Warmup("cosine"), power_t=0.7).fit(X, y)  # scikit-learn's, does not apply
