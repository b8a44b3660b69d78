"""Initial weights, by the rule or by what suits the activation."""

from itertools import pairwise

import numpy as np

from .network import per_layer


def _orthogonal(rng, n, m):
    if n < m:
        return _orthogonal(rng, m, n).T
    q, r = np.linalg.qr(rng.normal(size=(n, m)))
    return q * np.sign(np.diag(r))


def _uniform(rng, variance, n, m):
    return rng.uniform(-np.sqrt(3 * variance), np.sqrt(3 * variance), (n, m))


# weights from a generator, the number of units below and above
INITIALIZERS = {
    "glorot_normal": lambda rng, n, m: rng.normal(size=(n, m)) * np.sqrt(2 / (n + m)),
    "he_uniform": lambda rng, n, m: _uniform(rng, 2 / n, n, m),
    "he_normal": lambda rng, n, m: rng.normal(size=(n, m)) * np.sqrt(2 / n),
    "lecun_uniform": lambda rng, n, m: _uniform(rng, 1 / n, n, m),
    "lecun_normal": lambda rng, n, m: rng.normal(size=(n, m)) * np.sqrt(1 / n),
    "normal": lambda rng, n, m: rng.normal(size=(n, m)) * np.sqrt(1 / n),
    "orthogonal": _orthogonal,
}
OF_SCIKIT_LEARN = ("identity", "logistic", "tanh", "relu")


def initial_weights(units, activation, random_state, weight_init="auto"):
    """Return the initial weights and intercepts, and the next draw, the seed of all else."""
    rng = np.random.RandomState(random_state)
    return *drawn_weights(rng, units, activation, weight_init), int(rng.randint(2**31 - 1))


def drawn_weights(rng, units, activation, weight_init):
    """Return weights and intercepts."""
    coefs, intercepts = [], []
    activations = per_layer(activation, len(units) - 2)
    # the output layer goes by the last hidden one
    last = activation if isinstance(activation, str) else activations[-1]
    for (fan_in, fan_out), name in zip(pairwise(units), [*activations, last], strict=True):
        rule = weight_init
        if weight_init == "auto":
            of_others = "lecun_normal" if name == "selu" else "he_uniform"
            rule = "glorot_uniform" if name in OF_SCIKIT_LEARN else of_others
        if rule == "glorot_uniform":  # scikit-learn's
            bound = np.sqrt((2 if name == "logistic" else 6) / (fan_in + fan_out))
            coefs.append(rng.uniform(-bound, bound, (fan_in, fan_out)))
            intercepts.append(rng.uniform(-bound, bound, fan_out))
        else:
            coefs.append(INITIALIZERS[rule](rng, fan_in, fan_out))
            intercepts.append(rng.normal(size=fan_out) if rule == "normal" else np.zeros(fan_out))
    return coefs, intercepts
