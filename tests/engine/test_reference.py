"""The compiled training loop against the naive twins of ``twin``, to rounding.

Start weights, order of samples, dropout masks, batches, updates, proximal steps, curves and stopping all have to agree:
one difference anywhere moves every weight.
"""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from support.against_twin import SMALL, assert_same, check_fit
from support.problems import FORMATS, TASKS, make_problem, row_weights
from twin.draws import dropout_mask, permutation
from twin.initializers import initial_weights
from twin.losses import LOSSES
from twin.network import data_loss, forward, gradients
from twin.penalties import penalty_value

from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import ACTIVATIONS
from skregopt.optimizers import OPTIMIZERS, SGD
from skregopt.penalties import PENALTIES
from skregopt.schedules import SCHEDULES

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

# --- rules ----------------------------------------------------------------------------------------


# every loss with every activation, and every loss in every format
EACH_WITH_EACH = [
    *((task, activation, np.asarray) for task in TASKS for activation in ACTIVATIONS),
    *((task, "tanh", convert) for task in TASKS for name, convert in FORMATS.items() if name != "dense"),
]
# every loss with one rule, and every rule with one loss
TASKS_AND_SOLVERS = [
    *((task, "adam") for task in TASKS),
    *(("multiclass", solver) for solver in OPTIMIZERS if solver != "adam"),
]


@pytest.mark.parametrize(("task", "activation", "convert"), EACH_WITH_EACH)
def test_activations_and_losses(task, activation, convert):
    check_fit(make_problem(task), convert, activation=activation)


@pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("momentum", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("nesterovs_momentum", [False, True])
@pytest.mark.parametrize("solver", [name for name, rule in OPTIMIZERS.items() if rule is SGD])
def test_gradient_descent(solver, nesterovs_momentum, momentum, penalty, learning_rate):
    check_fit(
        make_problem("multiclass"),
        solver=solver,
        momentum=momentum,
        nesterovs_momentum=nesterovs_momentum,
        penalty=penalty,
        alpha=0.02,
        learning_rate=learning_rate,
        learning_rate_init=0.03,
        batch_size="auto" if solver == "gd" else 5,
    )


@pytest.mark.parametrize("learning_rate", SCHEDULES)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("beta_1, beta_2, epsilon", [(0.9, 0.999, 1e-8), (0.5, 0.7, 0.1), (0, 0, 1e-4)])
def test_adam(beta_1, beta_2, epsilon, penalty, learning_rate):
    check_fit(
        make_problem("multiclass"),
        beta_1=beta_1,
        beta_2=beta_2,
        epsilon=epsilon,
        penalty=penalty,
        alpha=0.02,
        learning_rate=learning_rate,
    )


@pytest.mark.parametrize("solver", OPTIMIZERS)
@pytest.mark.parametrize("l1_ratio", [0.0, 0.2, 1.0])
def test_elastic_net(solver, l1_ratio):
    # Adadelta's steps start at a thousandth of the rate
    params = {"solver": solver, "batch_size": "auto", "learning_rate_init": 10.0 if solver == "adadelta" else 0.1}
    fitted = check_fit(make_problem("binary"), penalty="elasticnet", alpha=0.3, l1_ratio=l1_ratio, **params)
    assert (fitted.sparsity_ > 0) == (l1_ratio > 0)


@pytest.mark.parametrize("power_t", [0.0, 0.5, 1.3])
def test_inverse_scaling_counts_updates(power_t):
    fitted = check_fit(make_problem("binary"), learning_rate="invscaling", power_t=power_t, learning_rate_init=0.1)
    updates = 3 * np.arange(1, 5)  # 13 samples in batches of 5
    np.testing.assert_allclose(fitted.learning_rate_curve_, 0.1 / updates**power_t, rtol=1e-12)


@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_adaptive_rate_falls_where_training_would_stop(solver):
    """The counter, the fifths and the end at 1e-6 agree epoch by epoch."""
    params = {"solver": solver, "batch_size": "auto", "learning_rate_init": 1e-4, "max_iter": 60}
    fitted = check_fit(
        make_problem("regression"),
        learning_rate="adaptive",
        n_iter_no_change=2,
        tol=0.1,
        **params,
    )
    assert fitted.n_iter_ < 60
    rates = np.unique(fitted.learning_rate_curve_)[::-1]
    np.testing.assert_allclose(rates, 1e-4 / 5.0 ** np.arange(4), rtol=1e-12)


# --- dropout, weights, batches --------------------------------------------------------------------


@pytest.mark.parametrize("convert", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    "rates",
    [
        {"dropout": 0.4},
        {"dropout": (0.0, 0.6)},
        {"dropout": (0.6, 0.0)},
        {"input_dropout": 0.3},
        {"dropout": (0.2, 0.7), "input_dropout": 0.5},
    ],
    ids=str,
)
def test_dropout(rates, activation, convert):
    problem = make_problem("multilabel")
    check_fit(problem, convert, row_weights(13), activation=activation, **rates)


@pytest.mark.parametrize("convert", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("batch_size", [1, 6, 13])
def test_sample_weights(batch_size, task, convert):
    """Weights are divided by their mean over all rows, not by that of a batch."""
    check_fit(make_problem(task), convert, row_weights(13), batch_size=batch_size, penalty="elasticnet")


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [1, 2, 7, 12, 13])
@pytest.mark.parametrize("solver", ["minibatch", "adam"])
def test_batches(solver, batch_size, shuffle):
    check_fit(make_problem("binary"), solver=solver, batch_size=batch_size, shuffle=shuffle)


@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_automatic_batch_size(solver):
    problem = make_problem("regression", n_samples=230)
    check_fit(problem, solver=solver, batch_size="auto", learning_rate_init=1e-3, max_iter=2)


@pytest.mark.parametrize("random_state", [0, 11, 12345])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_start_weights_and_order(activation, random_state):
    check_fit(make_problem("binary"), random_state=random_state, activation=activation, max_iter=1)


# --- sizes ----------------------------------------------------------------------------------------
# Tiles have at most 512 rows, inner dimensions of products are cut into blocks of 512.


@pytest.mark.parametrize("convert", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("batch_size", [512, 513, 700, 1300])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_several_tiles_in_a_batch(dropout, batch_size, convert):
    check_fit(
        make_problem("multiclass", n_samples=1300),
        convert,
        row_weights(1300),
        batch_size=batch_size,
        dropout=dropout,
        input_dropout=dropout,
        penalty="l1",
        alpha=0.01,
        max_iter=2,
    )


@pytest.mark.parametrize("convert", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("batch_size", [1, 20])
@pytest.mark.parametrize("n_features, hidden", [(3, (600,)), (3, (513, 520)), (1100, (4,)), (530, (540,))])
def test_wide_layers(n_features, hidden, batch_size, convert):
    problem = make_problem("multilabel", n_samples=30, n_features=n_features)
    check_fit(
        problem,
        convert,
        hidden_layer_sizes=hidden,
        batch_size=batch_size,
        learning_rate_init=1e-3,
        penalty="elasticnet",
        alpha=1e-2,
        max_iter=2,
    )


@pytest.mark.parametrize("hidden", [(), (1,), (1, 1), (5, 4, 3, 2)])
@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression", "multi-output poisson", "quantiles"])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_depth(penalty, task, hidden):
    check_fit(make_problem(task), hidden_layer_sizes=hidden, penalty=penalty, alpha=0.05)


@pytest.mark.parametrize("batch_size", [1, 13])
@pytest.mark.parametrize("n_features", [1, 2])
def test_few_features(n_features, batch_size):
    problem = make_problem("binary", n_features=n_features)
    check_fit(problem, batch_size=batch_size, solver="minibatch", penalty="l1", alpha=0.01)


# --- float32 --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("task", "solver"), TASKS_AND_SOLVERS)
def test_single_precision(task, solver):
    """float32 data give float32 weights that are those of float64 to the precision of float32."""
    problem = make_problem(task)
    estimator = check_fit(
        problem,
        lambda X: X.astype(np.float32),
        row_weights(13),
        tolerance=1e-5,
        solver=solver,
        batch_size="auto",
        # the proximal step divides by a gradient in these two; that magnifies the rounding of small ones, by the rate
        learning_rate_init={"lion": 0.002, "muon": 0.00005}.get(solver, 0.02),
        dropout=0.2,
        input_dropout=0.1,
        penalty="elasticnet",
        alpha=0.02,
    )
    assert {array.dtype for array in (*estimator.coefs_, *estimator.intercepts_)} == {np.dtype("f4")}
    assert all(type(value) is float for value in estimator.loss_curve_)


# --- validation, stopping, continuing -------------------------------------------------------------


@pytest.mark.parametrize("convert_val", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("convert", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("task", ["multiclass", "multi-output regression"])
def test_validation_rows(task, early_stopping, weighted, convert, convert_val):
    """Their loss is that of the whole network without dropout and penalty, weighted as given."""
    problem = make_problem(task, n_samples=43)
    train, held_out = problem.part(slice(0, 31)), problem.part(slice(31, None))
    weights_val = 5 * row_weights(12) if weighted else None
    params = SMALL | {"dropout": 0.2, "input_dropout": 0.1, "penalty": "l1", "alpha": 0.01}
    params["early_stopping"] = early_stopping
    estimator = problem.make(**params).fit(
        convert(train.X),
        train.y,
        X_val=convert_val(held_out.X),
        y_val=held_out.y,
        sample_weight_val=weights_val,
    )
    assert len(estimator.validation_loss_curve_) == SMALL["max_iter"]
    assert_same(estimator, train.fit_twin(validation=(held_out.X, held_out.Y, weights_val), **params))


@pytest.mark.parametrize("convert", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("batch_size", [1, 50, 600])
def test_more_validation_rows_than_a_tile(batch_size, convert):
    problem = make_problem("multiclass", n_samples=1900)
    train, held_out = problem.part(slice(0, 600)), problem.part(slice(600, None))
    params = SMALL | {"batch_size": batch_size, "max_iter": 2, "learning_rate_init": 0.002}
    validation = {"X_val": convert(held_out.X), "y_val": held_out.y}
    estimator = problem.make(**params).fit(convert(train.X), train.y, **validation)
    assert_same(estimator, train.fit_twin(validation=(held_out.X, held_out.Y, None), **params))


@pytest.mark.parametrize("solver, learning_rate_init", [("adam", 0.1), ("sgd", 0.02), ("gd", 0.3)])
@pytest.mark.parametrize("n_iter_no_change, max_iter", [(3, 100), (np.inf, 30)])
def test_best_weights_are_kept(solver, learning_rate_init, n_iter_no_change, max_iter):
    """Both when training stops by itself and when it runs to max_iter."""
    problem = make_problem("binary", n_samples=60, seed=3)
    train, held_out = problem.part(slice(0, 20)), problem.part(slice(20, None))
    params = SMALL | {
        "hidden_layer_sizes": (8,),
        "solver": solver,
        "batch_size": "auto",
        "learning_rate_init": learning_rate_init,
        "early_stopping": True,
        "n_iter_no_change": n_iter_no_change,
        "max_iter": max_iter,
    }
    estimator = problem.make(**params).fit(train.X, train.y, X_val=held_out.X, y_val=held_out.y)
    twin = train.fit_twin(validation=(held_out.X, held_out.Y, None), **params)
    assert_same(estimator, twin, tolerance=1e-8)
    curve = estimator.validation_loss_curve_
    assert estimator.best_iter_ == np.argmin(curve) + 1 < estimator.n_iter_
    assert (estimator.n_iter_ < max_iter) == (n_iter_no_change == 3)
    kept = (estimator.coefs_, estimator.intercepts_, "sigmoid", "tanh")
    np.testing.assert_allclose(data_loss(held_out.X, held_out.Y, *kept), min(curve), rtol=1e-12)


@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_training_stops_when_the_objective_stalls(solver):
    params = {"solver": solver, "batch_size": "auto", "learning_rate_init": 0.02, "max_iter": 300}
    problem = make_problem("regression")
    fitted = check_fit(problem, tolerance=1e-8, n_iter_no_change=4, tol=5e-3, **params)
    assert 5 < fitted.n_iter_ < 300


@pytest.mark.parametrize(("task", "solver"), TASKS_AND_SOLVERS)
def test_partial_fit_takes_weights_as_given(task, solver):
    """Each call is one more epoch; weights of mean three triple the gradient, not the curve."""
    problem, weights = make_problem(task), 3 * row_weights(13)
    params = SMALL | {"solver": solver, "dropout": 0.3, "learning_rate_init": 0.01}
    params |= {"penalty": "elasticnet", "alpha": 0.01, "learning_rate": "invscaling"}
    params |= {"batch_size": "auto"} if solver == "gd" else {}
    estimator = problem.make(**params)
    classes = {"classes": np.arange(3) if "multilabel" in task else np.unique(problem.y)}
    if problem.estimator is MLPRegressor:
        classes = {}
    for _ in range(SMALL["max_iter"]):
        estimator.partial_fit(problem.X, problem.y, weights, **classes)
    twin = problem.fit_twin(weights, normalises_weights=False, **params)
    estimator.n_iter_ = SMALL["max_iter"]  # of the last call
    assert_same(estimator, twin)


@pytest.mark.parametrize("penalty", [None, "l2"])
@pytest.mark.parametrize("task", TASKS)
def test_lbfgs_follows_scipy_on_the_naive_objective(task, penalty):
    problem, weights = make_problem(task), row_weights(13)
    units = [4, 3, problem.Y.shape[1]]
    coefs, intercepts, _ = initial_weights(units, "tanh", 1)
    arrays = [*coefs, *intercepts]
    ends = np.cumsum([array.size for array in arrays])[:-1]

    def objective(theta):
        parts = np.split(theta, ends)
        parts = [part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True)]
        network = parts[:2], parts[2:], problem.twin_loss, "tanh"
        by_coefs, by_intercepts = gradients(problem.X, problem.Y, *network, weights / weights.sum())
        if penalty == "l2":
            by_coefs = [g + 0.1 * W for g, W in zip(by_coefs, parts[:2], strict=True)]
        value = data_loss(problem.X, problem.Y, *network, weights)
        value += penalty_value(parts[:2], penalty, 0.1)
        return value, np.concatenate([g.ravel() for g in (*by_coefs, *by_intercepts)])

    start = np.concatenate([array.ravel() for array in arrays])
    options = {"maxiter": 6, "gtol": 1e-12, "ftol": 0}
    expected = minimize(objective, start, method="L-BFGS-B", jac=True, options=options)
    estimator = problem.make(
        hidden_layer_sizes=(3,),
        activation="tanh",
        solver="lbfgs",
        penalty=penalty,
        alpha=0.1,
        max_iter=6,
        tol=1e-12,
        random_state=1,
    ).fit(problem.X, problem.y, weights)
    theta = np.concatenate([a.ravel() for a in (*estimator.coefs_, *estimator.intercepts_)])
    assert estimator.n_iter_ == expected.nit == 6
    np.testing.assert_allclose(theta, expected.x, rtol=0, atol=1e-8)
    np.testing.assert_allclose(estimator.loss_, expected.fun, rtol=1e-10)


# --- prediction and the precision of exponentials -------------------------------------------------


def set_weights(estimator, coefs, intercepts, dtype=np.float64):
    """Give a fitted estimator weights of a user."""
    estimator.coefs_ = [np.asarray(W, dtype=dtype) for W in coefs]
    estimator.intercepts_ = [np.asarray(b, dtype=dtype) for b in intercepts]
    return estimator


@pytest.mark.parametrize(("task", "activation", "convert"), EACH_WITH_EACH)
def test_predictions(task, activation, convert):
    """Also of more rows than a tile; dropout is off."""
    problem = make_problem(task, n_samples=1100)
    params = SMALL | {"activation": activation, "max_iter": 1, "dropout": 0.5, "input_dropout": 0.5}
    estimator = problem.make(**params).fit(problem.X, problem.y)
    network = estimator.coefs_, estimator.intercepts_, activation
    raw = forward(problem.X, *network)[0][-1]
    expected = LOSSES[problem.twin_loss][0](raw)
    if problem.estimator is MLPRegressor:
        actual = estimator.predict(convert(problem.X)).reshape(expected.shape)
    else:
        actual = estimator.predict_proba(convert(problem.X))
        expected = np.hstack([1 - expected, expected]) if task.startswith("binary") else expected
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-14)


@pytest.fixture(scope="module")
def line():
    """Numbers from tiny to huge, of both signs."""
    magnitudes = np.concatenate([10.0 ** np.arange(-30, -3), np.geomspace(1e-3, 800, 10_001)])
    return np.concatenate([-magnitudes[::-1], [0.0], magnitudes])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation, function", [("tanh", np.tanh), ("logistic", expit), ("identity", lambda z: z)])
def test_precision_of_activations(activation, function, dtype, line):
    """A few units in the last place over the whole line, saturating without NaN."""
    z = line.astype(dtype)
    estimator = MLPRegressor((1,), activation, max_iter=1).fit([[0.0], [1.0]], [0.0, 1.0])
    set_weights(estimator, [[[1]], [[1]]], [[0], [0]], dtype)
    actual = estimator.predict(z.reshape(-1, 1))
    expected = function(z.astype(np.float64))
    limits = np.finfo(dtype)
    assert actual.dtype == dtype
    np.testing.assert_allclose(actual, expected, rtol=4 * limits.eps, atol=limits.tiny)
    assert np.all(np.diff(actual) >= -limits.eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_precision_of_the_exponential(dtype, line):
    z = line.astype(dtype)
    estimator = MLPRegressor((), loss="poisson", max_iter=1).fit([[0.0], [1.0]], [0.0, 1.0])
    set_weights(estimator, [[[1]]], [[0]], dtype)
    with np.errstate(over="ignore"):
        expected = np.exp(z.astype(np.float64)).astype(dtype)
    limits = np.finfo(dtype)
    actual = estimator.predict(z.reshape(-1, 1))
    np.testing.assert_allclose(actual, expected, rtol=3 * limits.eps, atol=limits.smallest_subnormal)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probabilities_of_extreme_inputs(dtype, line):
    """Rows sum to one, sigmoids stay inside [eps, 1 - eps], logarithms are finite."""
    z, eps = line.astype(dtype), np.finfo(dtype).eps
    binary = MLPClassifier((), max_iter=1).fit([[0.0], [1.0]], [0, 1])
    set_weights(binary, [[[1]]], [[0]], dtype)
    proba = binary.predict_proba(z.reshape(-1, 1))
    assert proba.dtype == dtype
    assert proba.min() >= eps and proba.max() <= 1 - eps
    np.testing.assert_allclose(proba[:, 1], expit(z.astype(float)), rtol=4 * eps, atol=eps)
    assert np.all(np.isfinite(binary.predict_log_proba(z.reshape(-1, 1))))
    multiclass = MLPClassifier((), max_iter=1).fit([[0.0], [1.0], [2.0]], [0, 1, 2])
    set_weights(multiclass, [[[1, 0, -2]]], [[0, 0.5, 0]], dtype)
    proba = multiclass.predict_proba(z.reshape(-1, 1))
    assert proba.dtype == dtype
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=4 * eps)


# --- random numbers -------------------------------------------------------------------------------


def test_orders_are_uniform():
    """All 24 orders of four rows are equally likely, over seeds and over epochs."""
    for keys in ([(seed, 0) for seed in range(4800)], [(7, epoch) for epoch in range(4800)]):
        orders = [tuple(permutation(*key, 4)) for key in keys]
        counts = np.unique(orders, axis=0, return_counts=True)[1]
        assert counts.size == 24
        assert ((counts - 200) ** 2 / 200).sum() < 49.7  # chi-square, 23 degrees, p = 0.001


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_masks_are_independent(rate):
    """Neighbouring units, rows, layers and epochs are dropped independently, at the given rate."""
    n_rows, n_units = 200, 100
    masks = {
        (epoch, layer): dropout_mask(3, epoch, range(n_rows), layer, n_units, rate) > 0
        for epoch, layer in [(0, -1), (0, 0), (1, 0)]
    }
    first = masks[0, 0]
    four_sigma = 4 / np.sqrt(first.size)
    for mask in masks.values():
        assert abs(mask.mean() - (1 - rate)) < four_sigma * np.sqrt(rate * (1 - rate))
    pairs = {
        "units": (first[:, 1:], first[:, :-1]),
        "rows": (first[1:], first[:-1]),
        "layers": (first, masks[0, -1]),
        "epochs": (first, masks[1, 0]),
    }
    for name, (a, b) in pairs.items():
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < four_sigma, name


# --- without the compiler -------------------------------------------------------------------------


@pytest.mark.nojit
@pytest.mark.parametrize("convert", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_plain_python_does_the_same(solver, convert):
    check_fit(
        make_problem("multiclass"),
        convert,
        row_weights(13),
        solver=solver,
        batch_size="auto",
        activation="logistic",
        penalty="l1",
        alpha=0.01,
        learning_rate="invscaling",
        dropout=0.3,
        input_dropout=0.2,
        max_iter=2,
    )


@pytest.mark.nojit
@pytest.mark.parametrize("task", TASKS)
def test_plain_python_knows_all_losses(task):
    check_fit(make_problem(task), learning_rate="adaptive", activation="relu", max_iter=2)
