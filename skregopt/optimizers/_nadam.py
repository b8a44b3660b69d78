"""Nadam."""

from __future__ import annotations

import numpy as np

from .._kernels.typing import Kernel
from ._family import DECAY, NOT_NEGATIVE, POSITIVE, Optimizer

# places in `scalars`, the first ones also in `hyper`; place in `memory`
BETA_1, BETA_2, EPSILON, MOMENTUM_DECAY, REST_1, REST_2, CORRECTION, OF_GRADIENT, OF_MOMENT, PROXIMAL = range(10)
PRODUCT = 0


def _nadam_prepare(lr, t, hyper, memory, scalars):
    beta_1, beta_2, decay = hyper[BETA_1], hyper[BETA_2], hyper[MOMENTUM_DECAY]
    mu = beta_1 * (1.0 - 0.5 * 0.96 ** (t * decay))
    following = beta_1 * (1.0 - 0.5 * 0.96 ** ((t + 1) * decay))
    product = mu if t == 1 else memory[PRODUCT] * mu  # of all mu so far
    memory[PRODUCT] = product
    of_gradient = (1.0 - mu) / (1.0 - product)
    of_moment = following / (1.0 - product * following)
    scalars[REST_1], scalars[EPSILON] = 1.0 - beta_1, hyper[EPSILON]
    scalars[BETA_2], scalars[REST_2] = beta_2, 1.0 - beta_2
    scalars[CORRECTION] = 1.0 / np.sqrt(1.0 - beta_2**t)
    scalars[OF_GRADIENT], scalars[OF_MOMENT] = lr * of_gradient, lr * of_moment
    # The moment weighs past gradients by 1 - beta_1^t in total.
    scalars[PROXIMAL] = lr * (of_gradient + of_moment * (1.0 - beta_1**t))


def _nadam_step(weights, grad, first_moment, second_moment, slot_3, slot_4, scalars, step_size):
    rest_1, beta_2, rest_2, epsilon = scalars[REST_1], scalars[BETA_2], scalars[REST_2], scalars[EPSILON]
    correction, of_gradient, of_moment = scalars[CORRECTION], scalars[OF_GRADIENT], scalars[OF_MOMENT]
    proximal = scalars[PROXIMAL]
    for i in range(weights.size):
        first_moment[i] = first_moment[i] + rest_1 * (grad[i] - first_moment[i])
        second_moment[i] = beta_2 * second_moment[i] + rest_2 * (grad[i] * grad[i])
        ahead = of_gradient * grad[i] + of_moment * first_moment[i]
        weights[i] -= ahead / (np.sqrt(second_moment[i]) * correction + epsilon)
    for i in range(step_size.size):
        step_size[i] = proximal / (np.sqrt(second_moment[i]) * correction + epsilon)


class Nadam(Optimizer):
    r"""Adam with Nesterov's momentum (Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop).

    With the moments m_t and v_hat_t of :class:`Adam`, as in ``torch.optim.NAdam``::

        mu_t = beta_1 (1 - 0.96^(t momentum_decay) / 2),  P_t = mu_1 ... mu_t
        w_t  = w_{t-1} - lr (a_t g_t + b_t m_t) / (sqrt(v_hat_t) + epsilon)
        a_t  = (1 - mu_t) / (1 - P_t),  b_t = mu_{t+1} / (1 - P_{t+1})

    Step size of the proximal operator: lr (a_t + b_t (1 - beta_1^t)) / (sqrt(v_hat_t) + epsilon).

    Parameters
    ----------
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        Decay rates of the moments, per update.
    epsilon : float > 0, default=1e-8
        Added to the root of the second moment.
    momentum_decay : float >= 0, default=4e-3
        How fast mu_t rises from beta_1 / 2 to beta_1.

    Examples
    --------
    >>> from skregopt.optimizers import Nadam
    >>> Nadam(momentum_decay=0.01)
    Nadam(momentum_decay=0.01)
    """

    _parameter_constraints = {"beta_1": DECAY, "beta_2": DECAY, "epsilon": POSITIVE, "momentum_decay": NOT_NEGATIVE}
    n_slots = 2
    default_learning_rate: float = 0.002
    prepare: Kernel = staticmethod(_nadam_prepare)
    step: Kernel = staticmethod(_nadam_step)

    def __init__(
        self,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        momentum_decay: float = 4e-3,
    ) -> None:
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.momentum_decay = momentum_decay
