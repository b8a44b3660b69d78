"""The training loop against the naive twin where a table says little: batches, stopping, continuing, precision."""

import numpy as np
import pytest
from scipy.optimize import minimize
from support.against_twin import SMALL, assert_same, check_fit
from support.pairwise import exhaustive
from support.problems import FORMATS, TASKS, make_problem, row_weights
from twin.initializers import initial_weights
from twin.network import data_loss, gradients
from twin.penalties import penalty_value

from skregopt import MLPRegressor
from skregopt.optimizers import OPTIMIZERS

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

# every loss with one rule, and every rule with one loss
TASKS_AND_SOLVERS = [
    *((task, "adam") for task in TASKS),
    *(("multiclass", solver) for solver in OPTIMIZERS if solver != "adam"),
]


# --- rates -----------------------------------------------------------------------------------------------------------


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


# --- batches, penalties, precision -----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_automatic_batch_size(solver):
    problem = make_problem("regression", n_samples=230)
    check_fit(problem, solver=solver, batch_size="auto", learning_rate_init=1e-3, max_iter=2)


@pytest.mark.parametrize("batch_size", [1, 13])
@pytest.mark.parametrize("n_features", [1, 2])
def test_few_features(n_features, batch_size):
    problem = make_problem("binary", n_features=n_features)
    check_fit(problem, batch_size=batch_size, solver="minibatch", penalty="l1", alpha=0.01)


@pytest.mark.parametrize("solver", OPTIMIZERS)
@pytest.mark.parametrize("l1_ratio", [0.2, *exhaustive(0.0, 1.0)])
def test_elastic_net(solver, l1_ratio):
    # Adadelta's steps start at a thousandth of the rate
    params = {"solver": solver, "batch_size": "auto", "learning_rate_init": 10.0 if solver == "adadelta" else 0.1}
    fitted = check_fit(make_problem("binary"), penalty="elasticnet", alpha=0.3, l1_ratio=l1_ratio, **params)
    assert (fitted.sparsity_ > 0) == (l1_ratio > 0)


@pytest.mark.parametrize("clip_norm", [None, 0.1])
@pytest.mark.parametrize("solver", ["muon", "adam"])
def test_wide_layers_in_the_neural_tangent_parametrisation(solver, clip_norm):
    """Muon steps whole matrices, of more elements than a chunk; Adam steps them in several chunks."""
    params = {"hidden_layer_sizes": (90, 70), "solver": solver, "clip_norm": clip_norm, "parametrization": "ntp"}
    params |= {"learning_rate_factors": {"coefs": 0.5, "intercepts": 0.1}, "penalty": "l1", "alpha": 0.01}
    problem = make_problem("regression", n_samples=60)
    fitted = check_fit(problem, **params, learning_rate_init=0.003, batch_size=20, tolerance=1e-8)
    assert fitted.sparsity_ > 0


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


# --- stopping, continuing --------------------------------------------------------------------------------------------


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
        by_coefs, by_intercepts, *_ = gradients(problem.X, problem.Y, *network, weights / weights.sum())
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


# --- without the compiler --------------------------------------------------------------------------------------------


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
