"""Targets whose losses are small beside ``tol``: early stopping goes on, and a fit that has learnt little says so."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar
from sklearn.exceptions import ConvergenceWarning

from skregopt import MLPClassifier, MLPRegressor
from skregopt._engine.network import Rows
from skregopt._kernels import jit as _jit
from skregopt._training.evaluation import loss_of_best_constant
from skregopt.losses import REGRESSION_LOSSES, Huber, Loss, Quantile, SquaredError

EARLY = {"early_stopping": True, "max_iter": 200}


def problem(deviation):
    X = np.random.RandomState(1).randn(400, 5)
    return X, deviation * (np.sin(X[:, 0]) + X[:, 1] * X[:, 2])


def fitted(deviation, **params):
    """Return an estimator, and whether its fit warned of small targets."""
    X, y = problem(deviation)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = MLPRegressor(**{"random_state": 0} | params).fit(X, y)
    messages = [str(warning.message) for warning in caught if warning.category is ConvergenceWarning]
    return model, any("standardise y" in message and "tol=" in message for message in messages)


@pytest.mark.parametrize("seed", range(10))
def test_early_stopping_learns_small_targets(seed):
    model, _ = fitted(0.02, random_state=seed, **EARLY)
    assert model.score(*problem(0.02)) > 0


@pytest.mark.parametrize("params", [{}, EARLY, {"solver": "lbfgs"}, {"loss": "huber", **EARLY}], ids=str)
@pytest.mark.parametrize("deviation", [0.02, 0.005, 1e-4])
def test_warning_of_a_fit_that_has_learnt_little(params, deviation):
    model, warned = fitted(deviation, **params)
    X, y = problem(deviation)
    held_in = model.score(X, y)
    assert warned == (held_in < 0.5) or 0.4 < held_in < 0.6  # the score has the held-out rows in it
    assert warned or deviation == 0.02


@pytest.mark.parametrize("params", [{"solver": "lbfgs"}, {"max_iter": 2}, {"max_iter": 500, **EARLY}], ids=str)
def test_no_warning_of_small_targets(params):
    model, warned = fitted(0.02 if params.get("solver") == "lbfgs" else 1.0, **params)
    assert not warned
    X, y = problem(1e-4)
    params = {"max_iter": 2, "random_state": 0}
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*standardise y")
        warnings.filterwarnings("ignore", message="Stochastic Optimizer")
        MLPRegressor(**params).fit(X, np.zeros(400))  # nothing to learn
        MLPRegressor(**params).partial_fit(X, y)  # which does not stop
        MLPRegressor(tol=0.0, **params).fit(X, y)
        MLPRegressor(tol=1.0, **params).fit(X, 1e4 * y)  # tol is large, targets are not small
        MLPRegressor(early_stopping=True, scoring="r2", **params).fit(X, y)  # tol is no amount of loss
        MLPClassifier(tol=1e9, n_iter_no_change=1, **params).fit(X, y > 0)


def fitted_to_noise(deviation, seed=0, **params):
    """Return the score of an estimator on targets that are mostly noise, and the words its fit warned with."""
    rng = np.random.RandomState(seed)
    X = rng.randn(400, 5)
    y = deviation * (0.5 * X[:, 0] + 0.85 * rng.randn(400))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = MLPRegressor(**{"random_state": 0} | params).fit(X, y)
    return model.score(X, y), " ".join(str(warning.message) for warning in caught)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("deviation", [0.13, 0.1])
def test_no_warning_of_a_fit_that_has_learnt_what_there_is(deviation, seed):
    params = {"solver": "lbfgs", "hidden_layer_sizes": (5,), "max_iter": 1000, "seed": seed}
    score, words = fitted_to_noise(deviation, **params)
    best, _ = fitted_to_noise(1.0, **params)
    assert score > 0.9 * best and words == ""
    score, words = fitted_to_noise(0.02, **params)
    assert (score > 0.9 * best) == ("targets are small" not in words)


@pytest.mark.parametrize(
    ("params", "n_epochs", "words"),
    [
        ({"solver": "lbfgs", "hidden_layer_sizes": (5,)}, 30, "lbfgs failed to converge"),
        ({"solver": "adam"}, 30, "Stochastic Optimizer"),
        ({"learning_rate": "one_cycle", "n_iter_no_change": np.inf}, 60, ""),
        # worse than a constant
        ({"solver": "lbfgs"}, 2, "The targets are small"),
        ({"solver": "adam"}, 5, "The targets are small"),
        ({"learning_rate": "one_cycle"}, 5, "The targets are small"),
    ],
)
def test_fits_that_tol_has_not_ended(params, n_epochs, words):
    score, found = fitted_to_noise(0.13, max_iter=n_epochs, **params)
    assert score < 0.5 and (score < 0) == (n_epochs < 10)
    assert found.startswith(words) and bool(found) == bool(words)


@pytest.mark.filterwarnings("ignore:The targets are small")
def test_what_counts_is_relative_to_the_loss_of_a_constant():
    """Plain gradient descent on a linear model without intercepts that matter: all losses scale with y squared."""
    X, y = problem(1.0)
    n_epochs = []
    for factor in (1.0, 2.0**-6):  # the loss of the best constant is below 1 for both
        params = {"solver": "gd", "learning_rate_init": 0.02, "momentum": 0.0, "alpha": 0.0, "max_iter": 2000}
        model = MLPRegressor((), early_stopping=True, random_state=0, **params)
        model.fit(X, factor * y, coef_init=[np.full((5, 1), factor)], intercept_init=[np.zeros(1)])
        n_epochs.append(model.n_iter_)
    assert n_epochs[0] == n_epochs[1] < 2000


# --- the loss of the best constant ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loss",
    [
        *(rule() for rule in REGRESSION_LOSSES.values() if rule.__module__.startswith("skregopt")),
        Huber(0.1),
        Quantile([0.1, 0.8]),
    ],
    ids=repr,
)
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_loss_of_the_best_constant(loss, n_outputs):
    rng = np.random.RandomState(0)
    y, weights = np.exp(rng.randn(50, n_outputs)), rng.uniform(0, 2, (50, 1))
    if isinstance(loss, Quantile) and loss.keeps_columns and n_outputs > 1:
        return
    evaluate = _jit.entry_point(type(loss).evaluate, loss.signatures["evaluate"](_jit.scalar_type(np.dtype(float))))
    n_columns, hyper = loss.n_outputs(n_outputs), loss.hyper_vector(np.float64)

    def mean_loss(column, constant):
        """Return the part of one output in the mean loss."""
        raw = np.zeros((50, n_columns))
        values = []
        for z in (constant, 0.0):
            raw[:], raw[:, column] = 0.0, z
            values.append(evaluate(raw, y, weights, 1.0, hyper) / weights.sum())
        return values[0] - values[1]

    at_zero = evaluate(np.zeros((50, n_columns)), y, weights, 1.0, hyper) / weights.sum()
    gains = [
        minimize_scalar(lambda z, k=k: mean_loss(k, z), bounds=(-3, 20), method="bounded", options={"xatol": 1e-10}).fun
        for k in range(n_columns)
    ]
    expected = at_zero + sum(gains)
    actual = loss.of_best_constant(y, weights[:, 0] / weights.sum())
    assert_allclose(actual, expected, rtol=1e-6)


def test_a_loss_without_a_best_constant_keeps_plain_tol():
    class Half(SquaredError):
        of_best_constant = Loss.of_best_constant

    X, y = problem(0.02)
    plain, relative = (
        MLPRegressor(loss=loss, early_stopping=True, max_iter=200, random_state=0) for loss in (Half(), SquaredError())
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert plain.fit(X, y).n_iter_ < 60 < relative.fit(X, y).n_iter_


def test_only_the_rows_trained_on_count():
    y = np.array([[0.0], [2.0], [100.0]])
    rows = Rows(None, np.array([0, 1]), y, np.array([[1.0], [1.0], [1.0]]), 2.0)
    assert loss_of_best_constant(SquaredError(), rows) == 0.5
    rows.weights[0] = 0.0
    assert loss_of_best_constant(SquaredError(), rows) == 0.0
