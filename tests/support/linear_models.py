"""Networks without hidden layers that have to reach scikit-learn's linear models, and the settings that lead there."""

import numpy as np

from skregopt.optimizers import Adadelta, Adagrad, Adam, Adamax, AdamW, Lion, Muon, Nadam, RMSprop

N_SAMPLES, N_FEATURES = 60, 6
ALPHA = 0.1
UNTIL_CONVERGED = {"max_iter": 4000, "tol": 0, "n_iter_no_change": np.inf, "random_state": 0}
RULES = {
    "plain": {"solver": "gd", "momentum": 0.0, "learning_rate_init": 0.2},
    "momentum": {"solver": "gd", "nesterovs_momentum": False, "learning_rate_init": 0.03},
    "nesterov": {"solver": "gd", "learning_rate_init": 0.03},
    "sgd": {"solver": "sgd", "batch_size": N_SAMPLES, "learning_rate_init": 0.03},
    "minibatch": {"solver": "minibatch", "learning_rate_init": 0.03},
    # a larger epsilon has the same fixed points; with 1e-8 Adam's steps never settle near them
    "adam": {"solver": "adam", "learning_rate_init": 0.01, "epsilon": 1e-3},
}
# With epsilon = 1e-8 a rule whose denominator forgets has steps that never settle near a minimum; a larger one has the
# same fixed points. Adagrad, amsgrad and Adadelta settle as they are. Lion's unpenalised intercept moves by the rate
# in each update, which therefore has to fall below 1e-6.
BY_INVERSE_SCALING = {"learning_rate": "invscaling", "learning_rate_init": 0.1}
LASSO = {
    "rmsprop": (RMSprop(epsilon=1e-3), BY_INVERSE_SCALING),
    "rmsprop with momentum": (RMSprop(momentum=0.9, epsilon=1e-3), BY_INVERSE_SCALING),
    "centered": (RMSprop(centered=True, epsilon=1e-3), BY_INVERSE_SCALING | {"learning_rate_init": 0.01}),
    "centered with momentum": (
        RMSprop(centered=True, momentum=0.9, epsilon=1e-3),
        BY_INVERSE_SCALING | {"learning_rate_init": 0.01},
    ),
    "adagrad": (Adagrad(), {"learning_rate_init": 0.1}),
    "adagrad with decay": (Adagrad(lr_decay=1e-4, initial_accumulator_value=0.1), {"learning_rate_init": 0.3}),
    "adadelta": (Adadelta(), {"learning_rate_init": 1.0}),
    "amsgrad": (Adam(amsgrad=True), {"learning_rate_init": 0.1}),
    "adamw": (AdamW(epsilon=1e-3), BY_INVERSE_SCALING | {"weight_decay": 0.0}),  # a decay has other fixed points
    "adamax": (Adamax(epsilon=1e-3), BY_INVERSE_SCALING),
    "nadam": (Nadam(epsilon=1e-3), BY_INVERSE_SCALING),
    "lion": (
        Lion(),
        {
            "learning_rate": "adaptive",
            "learning_rate_init": 0.01,
            "n_iter_no_change": 1000,
            "tol": 1e-14,
            "max_iter": 20_000,
        },
    ),
    "muon": (Muon(epsilon=1e-3), BY_INVERSE_SCALING | {"weight_decay": 0.0}),
}


def regression_data():
    """Draw X, y and what y is without its noise."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(N_SAMPLES, N_FEATURES)) + 0.1
    signal = X @ np.array([1.0, -0.8, 0.5, 0.05, 0.0, 0.0]) + 0.7
    return X, signal + 0.3 * rng.normal(size=N_SAMPLES), signal


def assert_same_line(network, linear, n_zeros, atol=1e-6):
    """Compare weights, intercepts and the set of exact zeros with a linear model's."""
    coef = network.coefs_[0].T.reshape(np.shape(linear.coef_))
    np.testing.assert_allclose(coef, linear.coef_, rtol=0, atol=atol)
    np.testing.assert_array_equal(coef == 0, linear.coef_ == 0)
    assert np.count_nonzero(coef == 0) == n_zeros
    np.testing.assert_allclose(network.intercepts_[0], linear.intercept_, rtol=0, atol=atol)
