"""A fit of an estimator and the same fit of the naive twin, which have to agree to rounding."""

import numpy as np

from skregopt.optimizers import OPTIMIZERS

from .states import trained_embedding

# a fit that lasts max_iter epochs, with a smaller batch at the end of each
SMALL = {
    "hidden_layer_sizes": (4, 3),
    "activation": "tanh",
    "batch_size": 5,
    "learning_rate_init": 0.05,
    "max_iter": 4,
    "n_iter_no_change": np.inf,
    "random_state": 1,
}
SOLVERS = {
    **{name: {"solver": name} for name in OPTIMIZERS},
    "no momentum": {"solver": "minibatch", "momentum": 0.0},
    "momentum": {"solver": "minibatch", "nesterovs_momentum": False},
    "momentum 1": {"solver": "minibatch", "momentum": 1.0, "learning_rate_init": 1e-4},
    "adam, other betas": {"solver": "adam", "beta_1": 0.5, "beta_2": 0.7, "epsilon": 0.1},
    "adam without memory": {"solver": "adam", "beta_1": 0.0, "beta_2": 0.0, "epsilon": 1e-4},
}
# the proximal step divides by a gradient in the last two; that magnifies the rounding of small ones, by the rate
RATES = {"gd": 0.005, "sgd": 0.005, "minibatch": 0.005, "adadelta": 1.0, "lion": 0.002, "muon": 0.0005}
AROUND = {
    "step": {},
    "clip_norm": {"clip_norm": 0.4},
    "weight_decay": {"weight_decay": 0.5},
    "scheduled decay": {"weight_decay": 0.5, "weight_decay_schedule": "one_cycle"},
    "max_norm": {"max_norm": 0.8},
    "ema_decay": {"ema_decay": 0.7},
}
VALIDATION = ("no validation", "recorded", "early stopping")
CURVES = ("loss_curve_", "validation_loss_curve_", "learning_rate_curve_")


def assert_same(estimator, twin, tolerance=1e-10):
    """Compare weights, exact zeros and curves of an estimator and its twin."""
    assert estimator.n_iter_ == twin.n_iter_
    assert estimator.best_iter_ == twin.best_iter_
    no_scales = [np.empty(0) for _ in twin.activation_scales_]
    for name, default in (("coefs_", None), ("intercepts_", None), ("activation_scales_", no_scales)):
        for actual, expected in zip(getattr(estimator, name, default), getattr(twin, name), strict=True):
            np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance, err_msg=name)
    for actual, expected in zip(trained_embedding(estimator), twin.embedding, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance, err_msg="embedding")
    for actual, expected in zip(estimator.coefs_, twin.coefs_, strict=True):
        np.testing.assert_array_equal(actual == 0, expected == 0)
    for name in CURVES:
        actual, expected = getattr(estimator, name) or [], getattr(twin, name)
        np.testing.assert_allclose(actual, expected, rtol=tolerance, err_msg=name)


def check_fit(problem, convert=np.asarray, weights=None, tolerance=1e-10, **params):
    """Train both and compare; returns the estimator."""
    params = SMALL | params
    estimator = problem.make(**params).fit(convert(problem.X), problem.y, weights)
    twin = problem.fit_twin(weights, **params)
    assert_same(estimator, twin, tolerance)
    return estimator
