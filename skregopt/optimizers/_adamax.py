"""Adamax."""

from __future__ import annotations

from .._kernels.typing import Kernel
from ._family import DECAY, POSITIVE, Optimizer

# places in `scalars`, the first ones also in `hyper`
BETA_1, BETA_2, EPSILON, REST_1, RATE, LR = range(6)


def _adamax_prepare(lr, t, hyper, memory, scalars):
    beta_1 = hyper[BETA_1]
    scalars[BETA_1], scalars[REST_1] = beta_1, 1.0 - beta_1
    scalars[BETA_2], scalars[EPSILON] = hyper[BETA_2], hyper[EPSILON]
    scalars[RATE], scalars[LR] = lr / (1.0 - beta_1**t), lr


def _adamax_step(weights, grad, first_moment, norm, slot_3, slot_4, scalars, step_size):
    beta_1, rest_1, beta_2 = scalars[BETA_1], scalars[REST_1], scalars[BETA_2]
    epsilon, rate, lr = scalars[EPSILON], scalars[RATE], scalars[LR]
    for i in range(weights.size):
        first_moment[i] = beta_1 * first_moment[i] + rest_1 * grad[i]
        decayed, fresh = beta_2 * norm[i], abs(grad[i]) + epsilon
        norm[i] = decayed if decayed > fresh else fresh
        weights[i] -= rate * (first_moment[i] / norm[i])
    for i in range(step_size.size):
        step_size[i] = lr / norm[i]


class Adamax(Optimizer):
    """Adam with the infinity norm (Kingma and Ba 2015, algorithm 2).

    With gradient g_t and m_0 = n_0 = 0, as in ``torch.optim.Adamax``::

        m_t = beta_1 m_{t-1} + (1 - beta_1) g_t
        n_t = max(beta_2 n_{t-1}, |g_t| + epsilon)
        w_t = w_{t-1} - lr m_t / ((1 - beta_1^t) n_t)

    Step size of the proximal operator: lr / n_t.

    Parameters
    ----------
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        Decay rates of the moment and of the norm, per update.
    epsilon : float > 0, default=1e-8
        Added to the magnitude of the gradient.

    Examples
    --------
    >>> from skregopt.optimizers import Adamax
    >>> Adamax().default_learning_rate
    0.002
    """

    _parameter_constraints = {"beta_1": DECAY, "beta_2": DECAY, "epsilon": POSITIVE}
    n_slots = 2
    default_learning_rate: float = 0.002
    prepare: Kernel = staticmethod(_adamax_prepare)
    step: Kernel = staticmethod(_adamax_step)

    def __init__(self, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8) -> None:
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
