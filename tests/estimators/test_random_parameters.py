"""Fits with random valid parameters: each is sound, or refused by an error that names two of them."""

import inspect
import pickle
import re

import numpy as np
import pytest
import scipy.sparse as sp
from support.states import plain

from skregopt import MLPClassifier, MLPRegressor
from skregopt._estimators.constraints import with_horizon
from skregopt.activations import ACTIVATIONS
from skregopt.initializers import INITIALIZERS
from skregopt.losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES
from skregopt.optimizers import OPTIMIZERS
from skregopt.penalties import PENALTIES
from skregopt.schedules import SCHEDULES

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore")]

FITS_OF_A_TEST = 50


def names(registry):
    return [name for name, rule in registry.items() if rule.__module__.startswith("skregopt")]


def uniform(low, high):
    return lambda rng: float(rng.uniform(low, high))


def log_uniform(low, high):
    return lambda rng: float(np.exp(rng.uniform(np.log(low), np.log(high))))


# a list to choose from, or a function of a generator
DOMAINS = {
    "hidden_layer_sizes": [3, 20, (4, 3), (5, 4, 3), (), (2,)],
    "n_hidden_layers": [None, 0, 1, 3],
    "activation": names(ACTIVATIONS),
    "batch_norm": [False, True],
    "layer_norm": [False, True],
    "weight_init": ["auto", *names(INITIALIZERS)],
    "class_weight": [None, "balanced"],
    "label_smoothing": uniform(0, 0.4),
    "penalty": names(PENALTIES),
    "alpha": log_uniform(1e-6, 1),
    "l1_ratio": uniform(0, 1),
    "weight_decay": [None, 0.0, 0.01, 0.5],
    "weight_decay_schedule": with_horizon(),
    "dropout": uniform(0, 0.9),
    "input_dropout": uniform(0, 0.6),
    "dropout_schedule": with_horizon(),
    "max_norm": log_uniform(0.1, 10),
    "clip_norm": log_uniform(1e-3, 10),
    "ema_decay": uniform(0, 0.99),
    "solver": [*names(OPTIMIZERS), "lbfgs"],
    "batch_size": ["auto", 1, 7, 30, 1000],
    "learning_rate": names(SCHEDULES),
    "learning_rate_init": log_uniform(1e-5, 300),
    "learning_rate_factors": [{"coefs": 0.5}, {"coefs": 0, "intercepts": 10}, {"norm": 0.1}, {"bias": 1}],
    "parametrization": ["standard", "ntp"],
    "power_t": uniform(0, 2),
    "momentum": uniform(0, 1),
    "nesterovs_momentum": [False, True],
    "beta_1": uniform(0, 0.999),
    "beta_2": uniform(0, 0.9999),
    "epsilon": log_uniform(1e-10, 1),
    "max_fun": [1, 5, 100],
    "shuffle": [False, True],
    "early_stopping": [False, True],
    "validation_fraction": uniform(0.15, 0.5),
    "n_iter_no_change": [1, 3, np.inf],
    "tol": log_uniform(1e-8, 1),
    "scoring": ["loss", "own"],
    "warm_start": [False, True],
    "dtype": ["auto", "float32", "float64"],
    "n_jobs": [None, 2],
}


def drawn(rng):
    """Return an estimator with random parameters, X and y."""
    kind = [MLPClassifier, MLPRegressor][rng.randint(2)]
    possible = [name for name in DOMAINS if name in inspect.signature(kind).parameters]
    parameters = {"max_iter": int(rng.choice([1, 2, 5, 20])), "random_state": 0}
    for name in rng.choice(possible, rng.randint(1, 9), replace=False):
        domain = DOMAINS[name]
        parameters[name] = domain(rng) if callable(domain) else domain[rng.randint(len(domain))]
    losses = CLASSIFICATION_LOSSES if kind is MLPClassifier else REGRESSION_LOSSES
    if rng.rand() < 0.5:
        parameters["loss"] = names(losses)[rng.randint(len(names(losses)))]
    if parameters.get("scoring") == "own":
        parameters["scoring"] = "accuracy" if kind is MLPClassifier else "r2"
    X = rng.normal(size=(40, 5)) * rng.choice([1, 1, 50, 1e4])
    if rng.rand() < 0.25:
        X = sp.csr_matrix(np.where(rng.rand(40, 5) < 0.5, 0.0, X))
    X = X.astype(rng.choice([np.float32, np.float64]))
    if kind is MLPRegressor:
        y = np.exp(rng.normal(size=(40, 2)[: rng.randint(1, 3)]))
    else:
        y = [np.arange(40) % 2, np.arange(40) % 3, np.array(["a", "b"])[np.arange(40) % 2], rng.randint(0, 2, (40, 3))]
        y = y[rng.randint(len(y))]
    return kind(**parameters), X, y


def assert_good_refusal(error, model):
    message = str(error)
    named = [name for name in DOMAINS | {"loss": None} if re.search(rf"\b{name}\b", message)]
    advice = "Standardise" if model.solver == "lbfgs" else "learning_rate_init"  # L-BFGS has none
    diverged = "Solver produced non-finite parameter weights" in message and advice in message
    assert type(error) is ValueError and (len(named) >= 2 or diverged), message


def assert_sound(model, X, y):
    assert all(np.all(np.isfinite(array)) for array in (*model.coefs_, *model.intercepts_))
    try:
        predicted = model.predict(X)
    except ValueError as error:  # no epoch was better than the weights that training started from, which are random
        assert "predictions overflow. Scale X" in str(error) and model.out_activation_ == "exp"
        assert model.early_stopping and model.best_iter_ == 0
        return
    if isinstance(model, MLPRegressor):
        assert predicted.shape == y.shape and np.all(np.isfinite(predicted))
    else:
        assert predicted.shape == y.shape and np.isin(predicted, y).all()
        y_prob, logarithms = model.predict_proba(X), model.predict_log_proba(X)
        assert np.all(y_prob >= 0) and np.all(y_prob <= 1) and not np.isnan(logarithms).any()
        if y.ndim == 1:
            np.testing.assert_allclose(y_prob.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), predicted)


@pytest.mark.parametrize(
    "block", [pytest.param(block, marks=[pytest.mark.exhaustive] if block >= 4 else []) for block in range(40)]
)
def test_each_fit_is_sound_or_refused(block):
    n_fits = 0
    for seed in range(block * FITS_OF_A_TEST, (block + 1) * FITS_OF_A_TEST):
        model, X, y = drawn(np.random.RandomState(seed))
        try:
            model.fit(X, y)
        except ValueError as error:
            assert_good_refusal(error, model)
            assert not hasattr(model, "coefs_"), f"{model} is half fitted"
            continue
        n_fits += 1
        assert_sound(model, X, y)
        before = plain(model.coefs_)
        try:
            model.fit(X, y)
        except ValueError as error:  # the rate may be too large for a network that is already trained
            assert model.warm_start, error
            assert_good_refusal(error, model)
            assert plain(model.coefs_) == before
        else:
            assert model.warm_start or plain(model.coefs_) == before
            assert_sound(model, X, y)
    assert n_fits > FITS_OF_A_TEST / 2
