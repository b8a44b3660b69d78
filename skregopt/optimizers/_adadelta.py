"""Adadelta."""

from __future__ import annotations

import numpy as np

from .._kernels.typing import Kernel
from ._family import DECAY, POSITIVE, Optimizer

# places in `scalars`, the first ones also in `hyper`
RHO, EPSILON, REST, LR = range(4)


def _adadelta_prepare(lr, t, hyper, memory, scalars):
    scalars[RHO], scalars[REST] = hyper[RHO], 1.0 - hyper[RHO]
    scalars[EPSILON], scalars[LR] = hyper[EPSILON], lr


def _adadelta_step(weights, grad, square, update_square, slot_3, slot_4, scalars, step_size):
    lr, rho, rest, epsilon = scalars[LR], scalars[RHO], scalars[REST], scalars[EPSILON]
    # Step sizes first: the update changes the average that they are made from.
    for i in range(step_size.size):
        decayed = rho * square[i] + rest * (grad[i] * grad[i])
        step_size[i] = lr * np.sqrt((update_square[i] + epsilon) / (decayed + epsilon))
    for i in range(weights.size):
        square[i] = rho * square[i] + rest * (grad[i] * grad[i])
        update = grad[i] * np.sqrt((update_square[i] + epsilon) / (square[i] + epsilon))
        update_square[i] = rho * update_square[i] + rest * (update * update)
        weights[i] -= lr * update


class Adadelta(Optimizer):
    """Updates as large as those before them (Zeiler, "ADADELTA: an adaptive learning rate method", 2012).

    With gradient g_t and v_0 = d_0 = 0, as in ``torch.optim.Adadelta``::

        v_t = rho v_{t-1} + (1 - rho) g_t^2
        x_t = g_t sqrt(d_{t-1} + epsilon) / sqrt(v_t + epsilon)
        d_t = rho d_{t-1} + (1 - rho) x_t^2
        w_t = w_{t-1} - lr x_t

    Step size of the proximal operator: lr sqrt(d_{t-1} + epsilon) / sqrt(v_t + epsilon).

    Parameters
    ----------
    rho : float in [0, 1), default=0.9
        Decay rate of both averages, per update.
    epsilon : float > 0, default=1e-6
        Added below the roots; the first updates are about as large as its root.

    Examples
    --------
    >>> from skregopt.optimizers import Adadelta
    >>> Adadelta().default_learning_rate
    1.0
    """

    _parameter_constraints = {"rho": DECAY, "epsilon": POSITIVE}
    n_slots = 2
    default_learning_rate: float = 1.0
    prepare: Kernel = staticmethod(_adadelta_prepare)
    step: Kernel = staticmethod(_adadelta_step)

    def __init__(self, rho: float = 0.9, epsilon: float = 1e-6) -> None:
        self.rho = rho
        self.epsilon = epsilon
