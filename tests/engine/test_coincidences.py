"""Where a network is something else: a Lasso, a logistic regression, the same data in another form.

Without hidden layers the objective is that of scikit-learn's linear models, whose solvers share nothing with the
training loop. What a penalty and a weight mean has to survive any way of cutting the data into batches.
"""

import inspect
from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_digits
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, PoissonRegressor, Ridge
from sklearn.metrics import log_loss, mean_absolute_error, mean_poisson_deviance, mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from support.linear_models import ALPHA, N_SAMPLES, RULES, UNTIL_CONVERGED, assert_same_line, regression_data
from support.problems import TASKS, make_problem, row_weights
from twin.network import gradients
from twin.penalties import penalty_shares, penalty_value

from skregopt import MLPClassifier, MLPRegressor
from skregopt._kernels.jit import entry_point, scalar_type
from skregopt.optimizers import OPTIMIZERS
from skregopt.penalties import PENALTIES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = {
    "hidden_layer_sizes": (4, 3),
    "activation": "tanh",
    "batch_size": 5,
    "learning_rate_init": 0.02,
    "max_iter": 4,
    "n_iter_no_change": np.inf,
    "random_state": 1,
}


def sklearn_logistic_regression(l1_ratio, alpha, n_samples):
    """Return scikit-learn's estimator of the same objective; saga leaves the intercept alone."""
    params = {"l1_ratio": l1_ratio, "C": 1 / (alpha * n_samples)}
    if inspect.signature(LogisticRegression).parameters["penalty"].default != "deprecated":
        params["penalty"] = "elasticnet"
    return LogisticRegression(**params, solver="saga", tol=1e-13, max_iter=200_000, random_state=0)


# --- linear models --------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, row_weights(N_SAMPLES)], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("rule", RULES)
def test_l1_is_lasso(rule, weights):
    """For every rule: a proximal step with plain lr would give momentum the Lasso of alpha/10."""
    X, y, _ = regression_data()
    network = MLPRegressor((), penalty="l1", alpha=ALPHA, **RULES[rule], **UNTIL_CONVERGED)
    lasso = Lasso(alpha=ALPHA, tol=1e-14, max_iter=100_000)
    assert_same_line(network.fit(X, y, weights), lasso.fit(X, y, weights), n_zeros=3)


@pytest.mark.parametrize("learning_rate", ["invscaling", "adaptive"])
@pytest.mark.parametrize("rule", ["plain", "nesterov", "adam"])
def test_l1_is_lasso_with_every_schedule(rule, learning_rate):
    X, y, _ = regression_data()
    params = RULES[rule] | UNTIL_CONVERGED | {"learning_rate": learning_rate, "power_t": 0.2}
    if learning_rate == "adaptive":
        # with tol=0 an objective that repeats to the last bit counts as progress, and the rate would stay
        params |= {"n_iter_no_change": 1000, "max_iter": 8000, "tol": 1e-14}
    network = MLPRegressor((), penalty="l1", alpha=ALPHA, **params).fit(X, y)
    lasso = Lasso(alpha=ALPHA, tol=1e-14, max_iter=100_000).fit(X, y)
    assert_same_line(network, lasso, n_zeros=3)
    assert len(set(network.learning_rate_curve_)) > 1


@pytest.mark.parametrize("l1_ratio", [0.1, 0.8])
@pytest.mark.parametrize("rule", RULES)
def test_elasticnet_is_elastic_net(rule, l1_ratio):
    X, y, _ = regression_data()
    params = {"penalty": "elasticnet", "alpha": 0.2, "l1_ratio": l1_ratio}
    network = MLPRegressor((), **params, **RULES[rule], **UNTIL_CONVERGED).fit(X, y)
    linear = ElasticNet(alpha=0.2, l1_ratio=l1_ratio, tol=1e-14, max_iter=100_000).fit(X, y)
    assert_same_line(network, linear, n_zeros={0.1: 1, 0.8: 3}[l1_ratio])


@pytest.mark.parametrize("weights", [None, row_weights(N_SAMPLES)], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("rule", [*RULES, "lbfgs"])
def test_l2_is_ridge(rule, weights):
    X, y, _ = regression_data()
    params = RULES.get(rule, {"solver": "lbfgs"}) | UNTIL_CONVERGED | {"tol": 1e-10}
    network = MLPRegressor((), penalty="l2", alpha=ALPHA, **params)
    # Ridge adds to the sum of squares, not to half their mean
    total = N_SAMPLES if weights is None else weights.sum()
    ridge = Ridge(alpha=ALPHA * total, solver="cholesky")
    assert_same_line(network.fit(X, y, weights), ridge.fit(X, y, weights), n_zeros=0)


@pytest.mark.parametrize("rule", RULES)
def test_outputs_are_averaged(rule):
    """The loss of a row is the mean over its outputs: k outputs are k Lassos of k times alpha."""
    X, y, signal = regression_data()
    Y = np.column_stack([y, -2 * signal, 0.5 * y + X[:, 5]])
    params = RULES[rule] | UNTIL_CONVERGED | {"max_iter": 10_000}
    network = MLPRegressor((), penalty="l1", alpha=ALPHA / 3, **params).fit(X, Y)
    lasso = Lasso(alpha=ALPHA, tol=1e-14, max_iter=100_000).fit(X, Y)
    assert_same_line(network, lasso, n_zeros=np.count_nonzero(lasso.coef_ == 0))
    assert 0 < np.count_nonzero(lasso.coef_ == 0) < lasso.coef_.size


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("rule", ["plain", "momentum", "nesterov", "adam"])
@pytest.mark.parametrize("labels", ["binary", "multiclass"])
def test_classifier_is_logistic_regression(labels, rule, l1_ratio):
    X, y, signal = regression_data()
    target = (y > 0.7).astype(int)
    if labels == "multiclass":
        target = target + (X[:, 1] - 0.3 * X[:, 4] > 0.8)
    params = RULES[rule] | {"learning_rate_init": {"plain": 0.5, "adam": 0.01}.get(rule, 0.1)}
    params |= {"penalty": "elasticnet", "alpha": 0.05, "l1_ratio": l1_ratio}
    network = MLPClassifier((), **UNTIL_CONVERGED | params | {"max_iter": 8000}).fit(X, target)
    linear = sklearn_logistic_regression(l1_ratio, 0.05, N_SAMPLES).fit(X, target)
    coef = network.coefs_[0].T
    np.testing.assert_allclose(coef, linear.coef_, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(coef == 0, linear.coef_ == 0)
    assert np.any(coef == 0) == (l1_ratio > 0)
    # softmax does not see a shift of all intercepts
    intercepts = network.intercepts_[0]
    if labels == "multiclass":
        intercepts = intercepts - intercepts.mean() + linear.intercept_.mean()
    np.testing.assert_allclose(intercepts, linear.intercept_, rtol=0, atol=1e-6)


@pytest.mark.parametrize("rule", ["plain", "momentum", "nesterov", "adam", "lbfgs"])
@pytest.mark.parametrize("weights", [None, row_weights(N_SAMPLES)], ids=["unweighted", "weighted"])
def test_poisson_is_poisson_regression(weights, rule):
    X, _, signal = regression_data()
    y = np.random.RandomState(1).poisson(np.exp(0.5 * signal))
    params = RULES.get(rule, {"solver": "lbfgs"}) | UNTIL_CONVERGED | {"tol": 1e-10}
    if rule == "plain":
        params["learning_rate_init"] = 0.1
    network = MLPRegressor((), loss="poisson", penalty="l2", alpha=ALPHA, **params)
    linear = PoissonRegressor(alpha=ALPHA, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    assert_same_line(network.fit(X, y, weights), linear.fit(X, y, weights), n_zeros=0)


def test_labels_are_summed():
    """Without hidden layers a multilabel network is one binary network per label."""
    X, y, signal = regression_data()
    Y = np.column_stack([y > 0.7, signal > 0, X[:, 4] > 0.2]).astype(int)
    params = RULES["nesterov"] | UNTIL_CONVERGED | {"penalty": "l1", "alpha": 0.05}
    together = MLPClassifier((), **params).fit(X, Y)
    apart = [MLPClassifier((), **params).fit(X, label) for label in Y.T]
    coef = np.hstack([network.coefs_[0] for network in apart])
    np.testing.assert_allclose(together.coefs_[0], coef, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(together.coefs_[0] == 0, coef == 0)
    assert 0 < together.n_nonzero_ < coef.size
    np.testing.assert_allclose(together.loss_, sum(network.loss_ for network in apart), rtol=1e-9)


# --- exact zeros ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_fixed_points_are_stationary_points_with_hidden_layers(rule):
    """Where a weight is zero the data gradient is within alpha, elsewhere it is alpha exactly."""
    alpha = 0.01
    problem = make_problem("regression", n_samples=N_SAMPLES)
    params = {"penalty": "l1", "alpha": alpha} | RULES[rule] | UNTIL_CONVERGED
    network = problem.make(hidden_layer_sizes=(5,), activation="tanh", **params)
    network.set_params(max_iter=40_000).fit(problem.X, problem.y)
    by_coefs, by_intercepts = gradients(
        *(problem.X, problem.Y, network.coefs_, network.intercepts_),
        *("squared_error", "tanh", np.full(N_SAMPLES, 1 / N_SAMPLES)),
    )
    for W, gradient in zip(network.coefs_, by_coefs, strict=True):
        active = W != 0
        np.testing.assert_allclose(gradient[active], -alpha * np.sign(W[active]), atol=1e-6)
        assert np.all(np.abs(gradient[~active]) <= alpha + 1e-6)
    for gradient in by_intercepts:
        np.testing.assert_allclose(gradient, 0, atol=1e-6)
    assert 0.1 < network.sparsity_ < 0.9


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    parts = train_test_split(StandardScaler().fit_transform(X), y, random_state=0, stratify=y)
    return [part.astype(np.float32) if part.ndim == 2 else part for part in parts]


@pytest.mark.slow
@pytest.mark.parametrize(
    "solver, learning_rate_init, max_iter, zeros",
    [("adam", 0.002, 100, 0.4), ("minibatch", 0.05, 100, 0.4), ("sgd", 0.001, 20, 0.1)],
)
def test_l1_on_digits(digits, solver, learning_rate_init, max_iter, zeros):
    """Many exact zeros for at most one point of test accuracy."""
    X_train, X_test, y_train, y_test = digits
    accuracy = {}
    for penalty in PENALTIES:
        network = MLPClassifier(
            (64,),
            penalty=penalty,
            alpha=1e-3,
            solver=solver,
            learning_rate_init=learning_rate_init,
            max_iter=max_iter,
            n_iter_no_change=np.inf,
            random_state=0,
        ).fit(X_train, y_train)
        accuracy[penalty] = network.score(X_test, y_test)
        if penalty == "l1":
            share = np.mean(np.concatenate([W.ravel() for W in network.coefs_]) == 0)
            assert network.sparsity_ == pytest.approx(share)
            assert share >= zeros
    assert accuracy["l1"] >= max(accuracy[None], accuracy["l2"]) - 0.01
    assert accuracy["l1"] > 0.95


@pytest.mark.nojit
@pytest.mark.parametrize("step_size", [0.03125, 1.0, 7.0])
@pytest.mark.parametrize("name", PENALTIES)
def test_prox_is_the_minimiser(name, step_size):
    """On a grid: of the distance in the metric of the step sizes plus the non-smooth part."""
    alpha, penalty = 0.375, PENALTIES[name]()  # whose products with step sizes and shares are exact
    l1_share = penalty_shares(name)[0]
    grid = np.linspace(-4, 4, 16_001)  # in steps of 0.0005, 0 among them
    weights = np.concatenate([np.linspace(-3, 3, 25), [step_size * alpha * l1_share, 1e-300]])
    moved = weights.copy()
    step_sizes = np.full_like(weights, step_size)
    # rows of one weight each, for which a norm of rows is the absolute value too
    prox = entry_point(penalty.prox, penalty.signatures["prox"](scalar_type(np.dtype(float))))
    prox(moved, step_sizes, 1, 0, alpha, penalty.hyper_vector(np.float64))
    for w, x in zip(weights, moved, strict=True):
        values = (grid - w) ** 2 / (2 * step_size) + alpha * l1_share * np.abs(grid)
        assert abs(x - grid[values.argmin()]) <= 0.00051
        if l1_share and abs(w) <= step_size * alpha * l1_share:
            assert x == 0 and not np.signbit(x)


# --- the meaning of alpha -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "solver, penalty",
    [*product(["gd", "adam"], PENALTIES), ("lbfgs", None), ("lbfgs", "l2")],
)
@pytest.mark.parametrize("task", TASKS)
def test_doubling_all_rows_changes_nothing(task, solver, penalty):
    problem = make_problem(task)
    twice = problem.part(np.tile(np.arange(len(problem.X)), 2))
    params = SMALL | {"solver": solver, "penalty": penalty, "alpha": 0.1, "max_iter": 15}
    params["batch_size"] = "auto"
    once, doubled = (problem.make(**params).fit(p.X, p.y) for p in (problem, twice))
    weighted = problem.make(**params).fit(problem.X, problem.y, np.full(len(problem.X), 2.0))
    for other in (doubled, weighted):
        for a, b in zip(once.coefs_, other.coefs_, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-8)
        np.testing.assert_allclose(once.loss_curve_, other.loss_curve_, rtol=1e-8)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("solver", ["minibatch", "adam"])
@pytest.mark.parametrize("n_rows", [1, 6, 13])
def test_number_of_samples_does_not_change_alpha(n_rows, solver, penalty):
    """Eight batches of the same rows make the updates of eight epochs over those rows."""
    problem = make_problem("multi-output regression").part(slice(0, n_rows))
    eightfold = problem.part(np.tile(np.arange(n_rows), 8))
    params = SMALL | {"solver": solver, "penalty": penalty, "alpha": 0.1, "shuffle": False}
    params["batch_size"] = n_rows
    epochs = problem.make(**params | {"max_iter": 8}).fit(problem.X, problem.y)
    batches = problem.make(**params | {"max_iter": 1}).fit(eightfold.X, eightfold.y)
    for a, b in zip(epochs.coefs_, batches.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(a == 0, b == 0)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("solver", ["minibatch", "adam"])
def test_batch_size_does_not_change_alpha(solver, penalty):
    """A batch of copies of one row makes the update of that row, penalty and all."""
    row = make_problem("multi-output regression").part(slice(3, 4))
    params = SMALL | {"solver": solver, "penalty": penalty, "alpha": 0.1, "max_iter": 1}
    coefs = []
    for batch_size in (1, 3, 64):
        copies = row.part(np.zeros(12 * batch_size, dtype=int))
        network = row.make(**params | {"batch_size": batch_size}).fit(copies.X, copies.y)
        coefs.append(network.coefs_)
    for a, b, c in zip(*coefs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)
        np.testing.assert_allclose(a, c, rtol=0, atol=1e-10)


# --- what a weight means --------------------------------------------------------------------------


def assert_same_bits(first, second):
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(first, name), getattr(second, name), strict=True):
            np.testing.assert_array_equal(a, b)
    for name in ("loss_curve_", "validation_loss_curve_", "t_", "n_iter_", "best_iter_"):
        assert getattr(first, name) == getattr(second, name), name


VARIANTS = {
    "plain": {},
    "one by one": {"batch_size": 1},
    "dropout": {"dropout": 0.3, "input_dropout": 0.2},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "dropout one by one": {"batch_size": 1, "dropout": 0.3, "penalty": "l1", "alpha": 0.01},
}


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize(
    "solver, variant",
    [*product(OPTIMIZERS, VARIANTS), ("lbfgs", "plain"), ("lbfgs", "early stopping")],
)
@pytest.mark.parametrize("weights", ["ones", "numbers"])
def test_weight_zero_is_absence(weights, solver, variant, convert):
    """To the last bit: the order of the others, their masks, the split and the mean weight too."""
    problem = make_problem("multiclass", n_samples=40)
    absent = np.arange(40) % 5 == 3
    given = (np.ones(40) if weights == "ones" else row_weights(40)) * ~absent
    params = SMALL | {"solver": solver} | VARIANTS[variant]
    if solver == "gd":
        params["batch_size"] = "auto"
    weighted = problem.make(**params).fit(convert(problem.X), problem.y, given)
    rest = problem.part(~absent)
    shorter = problem.make(**params)
    if weights == "ones":
        shorter.fit(convert(rest.X), rest.y)
    else:
        shorter.fit(convert(rest.X), rest.y, given[~absent])
    assert_same_bits(weighted, shorter)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_validation_weight_zero_is_absence(early_stopping):
    problem = make_problem("multiclass", n_samples=40)
    train, held_out, short = (problem.part(rows) for rows in (range(25), range(25, 40), range(25, 33)))
    weights_val = np.where(np.arange(15) < 8, row_weights(15), 0)
    params = SMALL | {"early_stopping": early_stopping}
    first, second = problem.make(**params), problem.make(**params)
    first.fit(train.X, train.y, X_val=held_out.X, y_val=held_out.y, sample_weight_val=weights_val)
    second.fit(train.X, train.y, X_val=short.X, y_val=short.y, sample_weight_val=weights_val[:8])
    np.testing.assert_allclose(first.validation_loss_curve_, second.validation_loss_curve_, rtol=1e-13)
    np.testing.assert_array_equal(first.coefs_[0], second.coefs_[0])


@pytest.mark.parametrize("task", TASKS)
def test_partial_fit_feels_weight_two_twice(task):
    """The gradient of the one row of a batch doubles, that of the penalty does not."""
    problem = make_problem(task)
    row = problem.part(slice(5, 6))
    params = SMALL | {"solver": "sgd", "momentum": 0.0, "batch_size": 1, "alpha": 0.3}
    classes = {}
    if problem.estimator is MLPClassifier:
        classes["classes"] = np.arange(3) if "multilabel" in task else np.unique(problem.y)
    after = {}
    for weight in (1.0, 2.0, 3.0, 5.0):
        network = problem.make(**params).partial_fit(row.X, row.y, [weight], **classes)
        after[weight] = network.coefs_
    for layer in range(3):
        by_one = after[2.0][layer] - after[1.0][layer]
        assert np.abs(by_one).max() > 1e-6
        for weight in (3.0, 5.0):
            change = after[weight][layer] - after[1.0][layer]
            np.testing.assert_allclose(change, (weight - 1) * by_one, rtol=0, atol=1e-12)


@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_fit_feels_weight_two_twice(batch_size):
    """A row of a batch moves weights in proportion to its weight, whatever the batch's own sum."""
    y = np.array([1.0, -2.0, 3.0, 5.0])
    weights = np.array([2.0, 1.0, 1.0, 0.5])
    params = {"penalty": None, "solver": "minibatch", "momentum": 0.0, "batch_size": batch_size}
    params |= {"max_iter": 1, "shuffle": False, "learning_rate_init": 1e-3}
    start = {"coef_init": [np.zeros((4, 1))], "intercept_init": [np.zeros(1)]}
    # each row has a feature of its own, which only that row moves
    network = MLPRegressor((), **params).fit(np.eye(4), y, weights, **start)
    unweighted = MLPRegressor((), **params).fit(np.eye(4), y, **start)
    ratio = network.coefs_[0] / unweighted.coefs_[0]
    # the intercept that rows share moves between batches, by a thousandth
    np.testing.assert_allclose(ratio.ravel(), weights / weights.mean(), rtol=1e-2)
    np.testing.assert_allclose(network.coefs_[0][0], 1e-3 * y[0] * 2 / 1.125 / batch_size)


@pytest.mark.parametrize("solver", ["gd", "adam", "lbfgs"])
@pytest.mark.parametrize("task", TASKS)
def test_weights_are_repetitions(task, solver):
    problem = make_problem(task)
    counts = np.random.RandomState(2).randint(1, 4, len(problem.X))
    repeated = problem.part(np.repeat(np.arange(len(problem.X)), counts))
    params = SMALL | {"solver": solver, "batch_size": "auto", "max_iter": 10}
    weighted = problem.make(**params).fit(problem.X, problem.y, counts)
    longer = problem.make(**params).fit(repeated.X, repeated.y)
    np.testing.assert_allclose(weighted.loss_curve_, longer.loss_curve_, rtol=1e-9)
    for a, b in zip(weighted.coefs_, longer.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-200, 1e-3, 1e6, 1e200])
@pytest.mark.parametrize("solver", [*OPTIMIZERS, "lbfgs"])
def test_only_ratios_of_weights_count(solver, scale, dtype):
    """Also of weights that the working precision cannot hold."""
    problem, weights = make_problem("multiclass"), row_weights(13)
    params = SMALL | {"solver": solver, "batch_size": "auto"}
    first = problem.make(**params).fit(problem.X.astype(dtype), problem.y, weights)
    second = problem.make(**params).fit(problem.X.astype(dtype), problem.y, scale * weights)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(first.loss_curve_, second.loss_curve_, rtol=tolerance)
    np.testing.assert_allclose(first.coefs_[0], second.coefs_[0], rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-60, 1e60])
@pytest.mark.parametrize("given", [False, True], ids=["held out", "given"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_only_ratios_of_validation_weights_count(solver, given, scale, dtype):
    problem, weights = make_problem("multiclass", n_samples=40), row_weights(40)
    params = SMALL | {"solver": solver, "early_stopping": True, "validation_fraction": 0.3}
    networks = []
    for factor in (1.0, scale):
        validation = {}
        if given:
            validation = {"X_val": problem.X, "y_val": problem.y, "sample_weight_val": factor * weights}
        network = problem.make(**params)
        network.fit(problem.X.astype(dtype), problem.y, factor * weights, **validation)
        networks.append(network)
    curves = [network.validation_loss_curve_ for network in networks]
    np.testing.assert_allclose(*curves, rtol=1e-5 if dtype == np.float32 else 1e-12)


# --- values of losses -----------------------------------------------------------------------------


# tasks whose loss is one of scikit-learn's metrics
MEASURED = (
    "multiclass",
    "binary",
    "multilabel",
    "regression",
    "multi-output regression",
    "poisson",
    "absolute_error",
)


def sklearn_loss(problem, network, part, weights):
    """Return the data term as scikit-learn's metrics have it."""
    if problem.estimator is MLPRegressor:
        metric, factor = {
            "poisson": (mean_poisson_deviance, 0.5),
            "squared_error": (mean_squared_error, 0.5),
            "absolute_error": (mean_absolute_error, 1.0),
        }[problem.loss]
        return factor * metric(part.y, network.predict(part.X), sample_weight=weights)
    proba = network.predict_proba(part.X)
    if part.y.ndim == 1:
        return log_loss(part.y, proba, sample_weight=weights, labels=network.classes_)
    columns = zip(part.y.T, proba.T, strict=True)
    return sum(log_loss(y, p, sample_weight=weights, labels=[0, 1]) for y, p in columns)


@pytest.mark.parametrize("batch_size", [1, 5, 13])
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("task", MEASURED)
def test_loss_curves_hold_weighted_means(task, weighted, batch_size):
    """At a learning rate too small to move a weight, both losses are those of scikit-learn."""
    problem = make_problem(task, n_samples=24)
    train, held_out = problem.part(slice(0, 13)), problem.part(slice(13, None))
    weights = row_weights(13) if weighted else None
    weights_val = 7 * row_weights(11) if weighted else None
    params = SMALL | {"batch_size": batch_size, "solver": "minibatch", "learning_rate_init": 1e-300}
    params |= {"penalty": "elasticnet", "alpha": 0.2, "l1_ratio": 0.3}
    network = problem.make(**params)
    validation = {"X_val": held_out.X, "y_val": held_out.y, "sample_weight_val": weights_val}
    network.fit(train.X, train.y, weights, **validation)
    penalty = penalty_value(network.coefs_, "elasticnet", 0.2, 0.3)
    expected = sklearn_loss(problem, network, train, weights) + penalty
    np.testing.assert_allclose(network.loss_curve_, [expected] * 4, rtol=1e-10)
    expected = sklearn_loss(problem, network, held_out, weights_val)
    np.testing.assert_allclose(network.validation_loss_curve_, [expected] * 4, rtol=1e-10)
