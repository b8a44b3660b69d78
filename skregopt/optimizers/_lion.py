"""Lion."""

from __future__ import annotations

import numpy as np

from .._kernels.typing import Kernel
from ._family import DECAY, Optimizer

# places in `scalars`, the first ones also in `hyper`
BETA_1, BETA_2, REST_1, REST_2, LR, PROXIMAL = range(6)


def _lion_prepare(lr, t, hyper, memory, scalars):
    beta_1, beta_2 = hyper[BETA_1], hyper[BETA_2]
    scalars[BETA_1], scalars[REST_1] = beta_1, 1.0 - beta_1
    scalars[BETA_2], scalars[REST_2] = beta_2, 1.0 - beta_2
    scalars[LR] = lr
    scalars[PROXIMAL] = lr * (1.0 - beta_1 * beta_2 ** (t - 1))  # c_t weighs past gradients by the second factor


def _lion_step(weights, grad, moment, slot_2, slot_3, slot_4, scalars, step_size):
    lr, beta_1, rest_1 = scalars[LR], scalars[BETA_1], scalars[REST_1]
    beta_2, rest_2, proximal = scalars[BETA_2], scalars[REST_2], scalars[PROXIMAL]
    limits = np.finfo(weights.dtype)
    tiny, huge, zero, one = limits.tiny, limits.max, weights.dtype.type(0), weights.dtype.type(1)
    for i in range(step_size.size):
        magnitude = abs(beta_1 * moment[i] + rest_1 * grad[i])
        # Where the gradient is zero only the penalty acts, and it wants the weight at zero. The floor has to stay far
        # below the penalty's strength: otherwise the step outruns the proximal operator, and no weight stays zero.
        step_size[i] = proximal / (tiny if magnitude < tiny else magnitude)
    for i in range(weights.size):
        c = beta_1 * moment[i] + rest_1 * grad[i]
        sign = one if c > zero else -one if c < zero else c
        weights[i] -= lr * (sign if abs(c) <= huge else c)  # infinity has no sign here: divergence has to be seen
        moment[i] = beta_2 * moment[i] + rest_2 * grad[i]


class Lion(Optimizer):
    """Sign of a moment (Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, algorithm 2).

    With gradient g_t and m_0 = 0::

        c_t = beta_1 m_{t-1} + (1 - beta_1) g_t
        w_t = w_{t-1} - lr sign(c_t)
        m_t = beta_2 m_{t-1} + (1 - beta_2) g_t

    Step size of the proximal operator: ``lr (1 - beta_1 beta_2^(t-1)) / |c_t|``. Each update moves all weights by lr,
    so they come no closer to a minimum than that; use a rate that falls (``learning_rate='invscaling'``). The default
    rate is the one of ``keras.optimizers.Lion``.

    Parameters
    ----------
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.99
        Decay rates, per update.

    Examples
    --------
    >>> from skregopt.optimizers import Lion
    >>> Lion(beta_1=0.95, beta_2=0.98)
    Lion(beta_1=0.95, beta_2=0.98)
    """

    _parameter_constraints = {"beta_1": DECAY, "beta_2": DECAY}
    n_slots = 1
    default_learning_rate: float = 0.001
    prepare: Kernel = staticmethod(_lion_prepare)
    step: Kernel = staticmethod(_lion_step)

    def __init__(self, beta_1: float = 0.9, beta_2: float = 0.99) -> None:
        self.beta_1 = beta_1
        self.beta_2 = beta_2
