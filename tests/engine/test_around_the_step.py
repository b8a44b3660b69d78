"""What happens around the optimizer's step, against the naive twin and by hand.

The comparisons with PyTorch stand in ``test_torch.py``.
"""

import copy

import numpy as np
import pytest
from sklearn.base import clone
from support.against_twin import check_fit
from support.pairwise import covering
from support.problems import FORMATS, make_problem, row_weights
from support.states import weights
from twin.around_the_step import averaged

from skregopt import MLPClassifier, MLPRegressor
from skregopt._engine import declaration
from skregopt._engine.records import JOB
from skregopt._kernels.jit import entry_point, scalar_type
from skregopt.optimizers import OPTIMIZERS

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
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
N_SAMPLES = 13  # three updates per epoch
EVERYTHING = {"clip_norm": 0.4, "weight_decay": 0.5, "max_norm": 0.8, "ema_decay": 0.7}
COMBINATIONS = [
    {"weight_decay": 0.5},
    {"clip_norm": 0.4},
    {"max_norm": 0.8},
    {"ema_decay": 0.7},
    {"clip_norm": 0.4, "ema_decay": 0.7},
    {"weight_decay": 0.5, "max_norm": 0.8},
    EVERYTHING,
]


def make_data(kind, n_samples=60, seed=0):
    problem = make_problem("multiclass" if kind is MLPClassifier else "regression", n_samples, seed=seed)
    return problem.X, problem.y


def small(kind, **params):
    return kind(**SMALL | params)


def norms(model):
    """Return the norms of the incoming weights of each unit, layer by layer."""
    return [np.sqrt((coef.astype(float) ** 2).sum(axis=0)) for coef in model.coefs_]


# --- the order of everything ------------------------------------------------------------------------------------------


@pytest.mark.nojit
@covering(around=COMBINATIONS, penalty=["l1", "l2", "elasticnet", "group_l1", None], solver=["minibatch", "adam"])
def test_updates_are_those_of_the_naive_twin(solver, penalty, around):
    """Clip, decoupled decay, step, proximal operator, maximum norm, average: in that order."""
    params = {"solver": solver, "penalty": penalty, "alpha": 0.3 if penalty == "group_l1" else 0.05}
    params["learning_rate_init"] = 0.1 if solver == "minibatch" else 0.05
    problem = make_problem("multiclass")
    model = check_fit(problem, weights=row_weights(13), tolerance=1e-12, **params, **around)
    assert (model.sparsity_ > 0) == (penalty not in ("l2", None))
    without = clone(model).set_params(**dict.fromkeys(around))
    assert weights(without.fit(problem.X, problem.y, row_weights(13))) != weights(model)


@covering(solver=["gd", "sgd", "rmsprop", "lion"], around=COMBINATIONS, convert=FORMATS)
def test_other_batches_rules_and_containers(solver, around, convert):
    """Among them one example at a time, whose gradient is not stored unless it has to be clipped."""
    rate = {"sgd": 0.01, "lion": 0.01}.get(solver, 0.05)
    check_fit(
        make_problem("regression"), convert, tolerance=1e-11, solver=solver, batch_size="auto", penalty="elasticnet",
        alpha=0.02, learning_rate_init=rate, dropout=0.3, **around,
    )  # fmt: skip


@pytest.mark.parametrize("around", COMBINATIONS, ids=str)
@pytest.mark.parametrize("solver", ["minibatch", "sgd", "adam"])
def test_single_precision(solver, around):
    problem = make_problem("regression", 40)
    params = {**SMALL, "solver": solver, "learning_rate_init": 0.01, "penalty": "l1", "alpha": 1e-3, **around}
    single, double = (problem.make(**params, dtype=d).fit(problem.X, problem.y) for d in ("float32", "float64"))
    for a, b in zip(single.coefs_, double.coefs_, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-5)


# --- clip_norm --------------------------------------------------------------------------------------------------------


def plain_step(X, y, start, **params):
    """Return the change of the weights in one update of gradient descent, as one vector."""
    model = MLPRegressor(
        hidden_layer_sizes=(3,), activation="identity", solver="gd", momentum=0.0, learning_rate_init=1.0,
        max_iter=1, penalty=None, **params,
    )  # fmt: skip
    model.fit(X, y, coef_init=start[0], intercept_init=start[1])
    after, before = ([*coefs, *intercepts] for coefs, intercepts in ((model.coefs_, model.intercepts_), start))
    return np.concatenate([(a - b).ravel() for a, b in zip(after, before, strict=True)])


def some_start(n_features=4, seed=0):
    rng = np.random.RandomState(seed)
    return [rng.normal(size=(n_features, 3)), rng.normal(size=(3, 1))], [rng.normal(size=3), rng.normal(size=1)]


@pytest.mark.parametrize("dtype, size", [("float64", 1e140), ("float64", 1.0), ("float32", 1e12), ("float64", 1e-3)])
def test_clipped_gradient_has_the_norm_asked_for(dtype, size):
    X, y = make_data(MLPRegressor)
    start = some_start()
    steps = plain_step(X, size * y, start, dtype=dtype, clip_norm=0.125)
    assert np.linalg.norm(steps) == pytest.approx(0.125, rel=1e-5)  # the 1e-6 of PyTorch's formula


@pytest.mark.nojit
@pytest.mark.parametrize("n_features", [1, 4])
def test_gradient_whose_squares_overflow(n_features):
    """Its norm is finite although its square is not: scaled like any other. Huber's loss is linear far away."""
    X, y = make_data(MLPRegressor)
    X = X[:, :n_features]
    model = MLPRegressor((), loss="huber", solver="gd", momentum=0.0, learning_rate_init=1.0, penalty=None)
    model.set_params(clip_norm=0.125, max_iter=1)
    model.fit(1e200 * X, 1e290 * np.sign(y), coef_init=[np.zeros((n_features, 1))], intercept_init=[np.zeros(1)])
    expected = X.T @ np.sign(y)  # beside which the intercept's gradient is nothing
    step = model.coefs_[0].ravel()
    np.testing.assert_allclose(step, 0.125 * expected / np.linalg.norm(expected), rtol=1e-9)


@pytest.mark.nojit
@DTYPES
def test_gradient_that_is_not_a_number_stays_visible(dtype):
    X, y = make_data(MLPRegressor)
    start = some_start()
    start[0][0][0] = 1e30 if dtype == "float32" else 1e300
    with pytest.raises(ValueError, match="^Solver produced non-finite parameter weights"):
        plain_step(X * (1e10 if dtype == "float32" else 1e100), y, start, dtype=dtype, clip_norm=0.125)


def test_clip_norm_far_above_the_gradient_changes_nothing():
    X, y = make_data(MLPRegressor)
    for solver in ("sgd", "adam"):
        models = [small(MLPRegressor, solver=solver, learning_rate_init=0.01, clip_norm=c) for c in (None, 1e6)]
        expected, actual = (model.fit(X, y).coefs_ for model in models)
        for a, b in zip(actual, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-13)


# --- max_norm ---------------------------------------------------------------------------------------------------------


@DTYPES
@pytest.mark.parametrize("solver", ["sgd", "minibatch", "adam", "lion"])
@pytest.mark.parametrize("width", [3, 300])
def test_no_unit_has_longer_weights_than_max_norm(solver, dtype, width):
    X, y = make_data(MLPClassifier)
    params = {"solver": solver, "dtype": dtype, "hidden_layer_sizes": (width, 4), "learning_rate_init": 0.03}
    free, limited = (small(MLPClassifier, **params, max_norm=m).fit(X, y) for m in (None, 0.25))
    accuracy = width * np.finfo(dtype).eps
    for of_free, of_limited in zip(norms(free), norms(limited), strict=True):
        assert of_free.max() > 0.3
        assert of_limited.max() <= 0.25 * (1 + accuracy)
    assert max(map(np.max, norms(limited))) > 0.25 * (1 - accuracy)


@DTYPES
@pytest.mark.nojit
def test_max_norm_touches_nothing_but_what_is_too_long(dtype):
    """One update with a rate that moves nothing: shorter columns bit for bit, longer ones in their direction."""
    X, y = make_data(MLPRegressor)
    rng = np.random.RandomState(0)
    coefs = [rng.normal(size=(4, 6)).astype(dtype), rng.normal(size=(6, 1)).astype(dtype) / 100]
    intercepts = [np.full(6, 9.0, dtype), np.full(1, 9.0, dtype)]
    limit = np.median(np.linalg.norm(coefs[0].astype(float), axis=0))
    model = MLPRegressor(6, dtype=dtype, solver="gd", learning_rate_init=1e-300, max_iter=1, max_norm=limit)
    if dtype == "float32":
        model.set_params(learning_rate_init=1e-44, momentum=0.0)
    model.fit(X, y, coef_init=coefs, intercept_init=intercepts)
    long = np.linalg.norm(coefs[0].astype(float), axis=0) > limit
    assert 0 < long.sum() < 6
    np.testing.assert_array_equal(model.coefs_[0][:, ~long], coefs[0][:, ~long])
    np.testing.assert_array_equal(model.coefs_[1], coefs[1])
    np.testing.assert_array_equal(model.intercepts_[0], intercepts[0])
    expected = coefs[0] * (limit / np.linalg.norm(coefs[0].astype(float), axis=0))
    np.testing.assert_allclose(model.coefs_[0][:, long], expected[:, long], rtol=8 * np.finfo(dtype).eps)


@pytest.mark.nojit
@DTYPES
def test_max_norm_of_weights_whose_squares_overflow(dtype):
    X, y = make_data(MLPRegressor)
    size = {"float32": 1e25, "float64": 1e200}[dtype]
    coefs = [size * np.random.RandomState(0).normal(size=(4, 1)).astype(dtype)]
    model = MLPRegressor((), loss="absolute_error", dtype=dtype, solver="gd", momentum=0.0, max_iter=1, max_norm=2.0)
    model.set_params(penalty=None, learning_rate_init=1e-3)
    model.fit(X, y, coef_init=coefs)
    assert np.linalg.norm(model.coefs_[0]) == pytest.approx(2.0, rel=1e-6)
    np.testing.assert_allclose(model.coefs_[0] / 2, coefs[0] / size / np.linalg.norm(coefs[0] / size), rtol=1e-5)


# --- ema_decay --------------------------------------------------------------------------------------------------------


def path_of_weights(kind, X, y, n_epochs, **params):
    """Return the weights after each epoch of full batches without averaging: an update each."""
    return [small(kind, **params, batch_size=len(X), max_iter=k + 1).fit(X, y) for k in range(n_epochs)]


@BOTH
@pytest.mark.parametrize("penalty", ["l2", "l1", "group_l1"])
def test_kept_weights_are_the_average_of_the_current_ones(kind, penalty):
    X, y = make_data(kind)
    params = {"penalty": penalty, "alpha": {"l1": 0.03, "group_l1": 0.15, "l2": 1e-4}[penalty]}
    path = path_of_weights(kind, X, y, 8, **params)
    averages = [None] * 3
    for model in path:
        averages = [averaged(a, W, 0.6) for a, W in zip(averages, model.coefs_, strict=True)]
    kept = small(kind, **params, batch_size=len(X), max_iter=8, ema_decay=0.6).fit(X, y)
    n_zeros = 0
    for average, coef, current in zip(averages, kept.coefs_, path[-1].coefs_, strict=True):
        np.testing.assert_allclose(coef, average, rtol=1e-12, atol=1e-15)
        np.testing.assert_array_equal(coef == 0, current == 0)
        n_zeros += np.sum(current == 0)
        assert np.abs(coef - current).max() > 1e-3
    assert (n_zeros > 0) == (penalty != "l2")


@BOTH
@pytest.mark.parametrize("batch_norm", [False, True])
def test_validated_weights_are_the_average(kind, batch_norm):
    X, y = make_data(kind)
    X_val, y_val = make_data(kind, 40, seed=1)
    params = {"ema_decay": 0.8, "batch_norm": batch_norm, "learning_rate_init": 0.1}
    model = small(kind, **params).fit(X, y, X_val=X_val, y_val=y_val)
    for epoch, expected in enumerate(model.validation_loss_curve_, 1):
        shorter = small(kind, **params, max_iter=epoch).fit(X, y)
        if kind is MLPRegressor:
            loss = np.mean((shorter.predict(X_val) - y_val) ** 2) / 2
        else:
            picked = shorter.predict_proba(X_val)[np.arange(40), np.searchsorted(shorter.classes_, y_val)]
            loss = -np.log(picked).mean()
        assert loss == pytest.approx(expected, rel=1e-12)


@BOTH
@pytest.mark.parametrize("scoring", ["loss", "own"])
def test_early_stopping_keeps_the_best_average(kind, scoring):
    X, y = make_data(kind)
    X_val, y_val = make_data(kind, 40, seed=5)
    seen = []

    def scorer(model, X, y):
        seen.append(weights(model))
        return -abs(len(seen) - 4.0)  # the best epoch is the fourth

    params = {"ema_decay": 0.8, "learning_rate_init": 0.3, "max_iter": 12}
    model = small(kind, **params, early_stopping=True, scoring=scorer if scoring == "own" else "loss")
    model.fit(X, y, X_val=X_val, y_val=y_val)
    if scoring == "own":
        assert model.best_iter_ == 4
        assert seen[3] == weights(model)
    else:
        assert model.best_iter_ == int(np.argmin(model.validation_loss_curve_)) + 1 < 12
    assert weights(small(kind, **{**params, "max_iter": model.best_iter_}).fit(X, y)) == weights(model)


@BOTH
def test_partial_fit_from_assigned_weights_averages_from_there(kind):
    """Weights that the user assigns replace both: the current ones, and the average so far."""
    X, y = make_data(kind)
    classes = {"classes": np.unique(y)} if kind is MLPClassifier else {}
    params = {"solver": "minibatch", "momentum": 0.0, "batch_size": len(X), "shuffle": False}
    model = small(kind, **params, ema_decay=0.75).partial_fit(X, y, **classes).partial_fit(X, y)
    assigned = [coef + 0.1 for coef in model.coefs_]
    intercepts = [b.copy() for b in model.intercepts_]
    model.coefs_ = [coef.copy() for coef in assigned]
    model.partial_fit(X, y)
    free = small(kind, **params).partial_fit(X, y, **classes)
    free.coefs_, free.intercepts_ = [coef.copy() for coef in assigned], intercepts
    free.partial_fit(X, y)  # plain gradient descent: one update from the assigned weights
    for coef, start, current in zip(model.coefs_, assigned, free.coefs_, strict=True):
        np.testing.assert_allclose(coef, 0.75 * start + 0.25 * current, rtol=1e-12)


@BOTH
def test_warm_start_averages_anew_from_the_average(kind):
    X, y = make_data(kind)
    params = {"solver": "minibatch", "ema_decay": 0.75}
    first = small(kind, **params, warm_start=True).fit(X, y)
    start = {"coef_init": copy.deepcopy(first.coefs_), "intercept_init": copy.deepcopy(first.intercepts_)}
    first.set_params(shuffle=False).fit(X, y)
    assert weights(first) == weights(small(kind, **params, shuffle=False).fit(X, y, **start))


def test_average_can_be_switched_on_and_off_between_calls():
    X, y = make_data(MLPRegressor)
    model = small(MLPRegressor).partial_fit(X, y)
    model.set_params(ema_decay=0.9).partial_fit(X, y)
    averaged = weights(model)
    model.set_params(ema_decay=None).partial_fit(X, y)
    # goes on from the current weights as if nothing had been averaged
    expected = small(MLPRegressor).partial_fit(X, y).partial_fit(X, y)
    assert averaged != weights(expected)
    assert weights(model) == weights(expected.partial_fit(X, y))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.nojit
def test_average_of_a_zero_is_zero(dtype):
    function, for_scalar = declaration.PASSES["average_weights"]
    average_weights = entry_point(function, for_scalar(scalar_type(np.dtype(dtype))))
    kept, (job,) = np.array([1.0, 2.0, -0.5], dtype), np.zeros(1, JOB)
    job.settings.ema_decay, job.network.n_parameters, job.update.kept = 0.75, 3, kept.ctypes.data
    for t, current, expected in (1, [0.0, 4.0, -0.0], [0.0, 4.0, 0.0]), (2, [8.0, 0.0, 1.0], [2.0, 0.0, 0.25]):
        job.update.t = t
        average_weights(np.array(current, dtype), job)
        np.testing.assert_array_equal(kept, expected)


# --- continuing with another rule -------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("second", [s for s in OPTIMIZERS if s not in ("gd", "sgd", "minibatch")])
@pytest.mark.parametrize("first", ["adam", "minibatch"])
def test_another_solver_starts_with_no_memory(kind, first, second):
    X, y = make_data(kind)
    classes = {"classes": np.unique(y)} if kind is MLPClassifier else {}
    model = small(kind, solver=first, shuffle=False).partial_fit(X, y, **classes).partial_fit(X, y)
    if first == second:
        return
    fresh = small(kind, solver=second, shuffle=False, max_iter=1)
    fresh.fit(X, y, coef_init=copy.deepcopy(model.coefs_), intercept_init=copy.deepcopy(model.intercepts_))
    model.set_params(solver=second).partial_fit(X, y)
    assert weights(model) == weights(fresh)
