"""RMSprop."""

from __future__ import annotations

import numpy as np

from .._kernels.typing import Kernel
from ._family import DECAY, POSITIVE, Optimizer

# places in `scalars`, the first ones also in `hyper`
RHO, MOMENTUM, CENTERED, EPSILON, REST, LR = range(6)


def _rmsprop_prepare(lr, t, hyper, memory, scalars):
    scalars[RHO], scalars[REST] = hyper[RHO], 1.0 - hyper[RHO]
    scalars[MOMENTUM], scalars[CENTERED] = hyper[MOMENTUM], hyper[CENTERED]
    scalars[EPSILON], scalars[LR] = hyper[EPSILON], lr


def _rmsprop_step(weights, grad, square, velocity_or_mean, factors, mean_beside_velocity, scalars, step_size):
    lr, rho, rest, momentum = scalars[LR], scalars[RHO], scalars[REST], scalars[MOMENTUM]
    centered, epsilon = scalars[CENTERED] > 0, scalars[EPSILON]
    one = weights.dtype.type(1)
    if centered:
        mean = mean_beside_velocity if momentum > 0 else velocity_or_mean
        for i in range(weights.size):
            # A running variance, because the difference of two averages may come out negative.
            deviation = grad[i] - mean[i]
            mean[i] = mean[i] + rest * deviation
            square[i] = rho * (square[i] + rest * (deviation * deviation))
    else:
        for i in range(weights.size):
            square[i] = rho * square[i] + rest * (grad[i] * grad[i])
    if momentum == 0:
        for i in range(weights.size):
            weights[i] -= lr * (grad[i] / (np.sqrt(square[i]) + epsilon))
        for i in range(step_size.size):
            step_size[i] = lr / (np.sqrt(square[i]) + epsilon)
    else:
        velocity = velocity_or_mean
        for i in range(weights.size):
            factor = one / (np.sqrt(square[i]) + epsilon)
            factors[i] = momentum * factors[i] + factor  # the sum of the factors of past gradients in the velocity
            velocity[i] = momentum * velocity[i] + factor * grad[i]
            weights[i] -= lr * velocity[i]
        for i in range(step_size.size):
            step_size[i] = lr * factors[i]


class RMSprop(Optimizer):
    r"""Gradient divided by a running root mean square (Tieleman and Hinton, "Lecture 6.5 - rmsprop", 2012).

    With gradient g_t and v_0 = m_0 = b_0 = 0, as in ``torch.optim.RMSprop``::

        v_t = rho v_{t-1} + (1 - rho) g_t^2,  m_t = rho m_{t-1} + (1 - rho) g_t
        r_t = sqrt(v_t) + epsilon, if centered sqrt(v_t - m_t^2) + epsilon
        b_t = momentum b_{t-1} + g_t / r_t
        w_t = w_{t-1} - lr b_t

    Step size of the proximal operator: lr S_t with S_t = momentum S_{t-1} + 1 / r_t.

    Parameters
    ----------
    rho : float in [0, 1), default=0.99
        Decay rate of the averages, per update.
    momentum : float in [0, 1), default=0.0
        Decay rate of the velocity b_t, per update.
    centered : bool, default=False
        Whether to divide by the standard deviation (Graves, "Generating sequences with recurrent neural
        networks", 2013).
    epsilon : float > 0, default=1e-8
        Added to the root.

    Examples
    --------
    >>> from skregopt.optimizers import RMSprop
    >>> RMSprop(centered=True)
    RMSprop(centered=True)
    """

    _parameter_constraints = {"rho": DECAY, "momentum": DECAY, "centered": ["boolean"], "epsilon": POSITIVE}
    default_learning_rate: float = 0.01
    prepare: Kernel = staticmethod(_rmsprop_prepare)
    step: Kernel = staticmethod(_rmsprop_step)

    def __init__(self, rho: float = 0.99, momentum: float = 0.0, centered: bool = False, epsilon: float = 1e-8) -> None:
        self.rho = rho
        self.momentum = momentum
        self.centered = centered
        self.epsilon = epsilon

    @property
    def n_slots(self) -> int:
        """Number of state vectors."""
        return 1 + 2 * (self.momentum > 0) + self.centered
