"""What the weight of a row means: absence, repetition, a share of the mean; and that losses are weighted means."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import log_loss, mean_absolute_error, mean_poisson_deviance, mean_squared_error
from support import against_twin
from support.pairwise import covering
from support.problems import TASKS, make_problem, row_weights
from twin.penalties import penalty_value

from skregopt import MLPClassifier, MLPRegressor
from skregopt.optimizers import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = against_twin.SMALL | {"learning_rate_init": 0.02}


# --- what a weight means ---------------------------------------------------------------------------------------------


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


def lbfgs_knows(solver=None, variant="plain", **_):
    return solver != "lbfgs" or variant in ("plain", "early stopping")


@covering(
    lbfgs_knows,
    solver=[*OPTIMIZERS, "lbfgs"],
    variant=VARIANTS.keys(),
    weights=["ones", "numbers"],
    convert={"dense": np.asarray, "csr": sp.csr_array},
)
def test_weight_zero_is_absence(solver, variant, weights, convert):
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


@covering(solver=[*OPTIMIZERS, "lbfgs"], scale=[1e-200, 1e-3, 1e6, 1e200], dtype=["float32", "float64"])
def test_only_ratios_of_weights_count(solver, scale, dtype):
    """Also of weights that the working precision cannot hold."""
    problem, weights = make_problem("multiclass"), row_weights(13)
    params = SMALL | {"solver": solver, "batch_size": "auto"}
    first = problem.make(**params).fit(problem.X.astype(dtype), problem.y, weights)
    second = problem.make(**params).fit(problem.X.astype(dtype), problem.y, scale * weights)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(first.loss_curve_, second.loss_curve_, rtol=tolerance)
    np.testing.assert_allclose(first.coefs_[0], second.coefs_[0], rtol=0, atol=tolerance)


@covering(solver=["adam", "lbfgs"], given=[False, True], scale=[1e-60, 1e60], dtype=["float32", "float64"])
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
    np.testing.assert_allclose(*curves, rtol=1e-5 if dtype == "float32" else 1e-12)


# --- values of losses ------------------------------------------------------------------------------------------------

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


@covering(task=MEASURED, weighted=[False, True], batch_size=[1, 5, 13])
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


# --- the ends of the precision ----------------------------------------------------------------------------------------


def test_batch_norm_with_weights_that_underflow():
    X = np.random.RandomState(0).normal(size=(60, 5)).astype(np.float32)
    weights = np.r_[np.full(8, 1e-60), np.ones(52)]
    model = MLPClassifier(4, batch_norm=True, batch_size=4, shuffle=False, max_iter=2, random_state=0)
    model.fit(X, X[:, 0] > 0, sample_weight=weights)
    assert np.all(np.isfinite(model.loss_curve_))


def test_weights_that_overflow():
    X = np.random.RandomState(0).normal(size=(60, 5)).astype(np.float32)
    with pytest.raises(ValueError, match="sample_weight contains values too large for float32"):
        MLPClassifier(4).partial_fit(X, X[:, 0] > 0, np.full(60, 1e50), classes=[0, 1])
