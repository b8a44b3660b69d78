"""Adagrad."""

from __future__ import annotations

import numpy as np

from .._kernels.typing import Kernel
from ._family import NOT_NEGATIVE, POSITIVE, Optimizer

# places in `scalars`, the first ones also in `hyper`
LR_DECAY, INITIAL_VALUE, EPSILON, LR = range(4)


def _adagrad_prepare(lr, t, hyper, memory, scalars):
    scalars[LR] = lr / (1.0 + (t - 1) * hyper[LR_DECAY])
    scalars[INITIAL_VALUE] = hyper[INITIAL_VALUE] if t == 1 else 0.0
    scalars[EPSILON] = hyper[EPSILON]


def _adagrad_step(weights, grad, total, slot_2, slot_3, slot_4, scalars, step_size):
    lr, start, epsilon = scalars[LR], scalars[INITIAL_VALUE], scalars[EPSILON]
    for i in range(weights.size):
        total[i] = total[i] + start + grad[i] * grad[i]
        weights[i] -= lr * (grad[i] / (np.sqrt(total[i]) + epsilon))
    for i in range(step_size.size):
        step_size[i] = lr / (np.sqrt(total[i]) + epsilon)


class Adagrad(Optimizer):
    """Gradient divided by the root of the sum of its squares (Duchi, Hazan, Singer, JMLR 12, 2011, section 1).

    With gradient g_t and G_0 = initial_accumulator_value, as in ``torch.optim.Adagrad``::

        G_t = G_{t-1} + g_t^2
        w_t = w_{t-1} - lr / (1 + (t - 1) lr_decay) g_t / (sqrt(G_t) + epsilon)

    Step size of the proximal operator: the factor of g_t.

    Parameters
    ----------
    lr_decay : float >= 0, default=0.0
        Decay of the learning rate, per update.
    initial_accumulator_value : float >= 0, default=0.0
        Start of the sum of squares.
    epsilon : float > 0, default=1e-10
        Added to the root.

    Examples
    --------
    >>> from skregopt.optimizers import Adagrad
    >>> Adagrad(initial_accumulator_value=0.1)
    Adagrad(initial_accumulator_value=0.1)
    """

    _parameter_constraints = {
        "lr_decay": NOT_NEGATIVE,
        "initial_accumulator_value": NOT_NEGATIVE,
        "epsilon": POSITIVE,
    }
    n_slots = 1
    default_learning_rate: float = 0.01
    prepare: Kernel = staticmethod(_adagrad_prepare)
    step: Kernel = staticmethod(_adagrad_step)

    def __init__(self, lr_decay: float = 0.0, initial_accumulator_value: float = 0.0, epsilon: float = 1e-10) -> None:
        self.lr_decay = lr_decay
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon
