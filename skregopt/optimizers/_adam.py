"""Adam, and AdamW with its decoupled weight decay."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .._kernels.typing import Kernel
from ._family import DECAY, POSITIVE, Optimizer

# places in `scalars`, the first ones also in `hyper`
BETA_1, BETA_2, EPSILON, AMSGRAD, REST_1, REST_2, RATE, LR = range(8)


def _adam_prepare(lr, t, hyper, memory, scalars):
    beta_1, beta_2 = hyper[BETA_1], hyper[BETA_2]
    # Numerator and denominator of the step are multiplied by the root of the second moment's correction.
    correction = np.sqrt(1.0 - beta_2**t)
    scalars[BETA_1], scalars[REST_1] = beta_1, 1.0 - beta_1
    scalars[BETA_2], scalars[REST_2] = beta_2, 1.0 - beta_2
    # Keep the denominator positive where every gradient so far was zero.
    scalars[EPSILON] = max(hyper[EPSILON] * correction, np.finfo(scalars.dtype).tiny)
    scalars[AMSGRAD] = hyper[AMSGRAD]
    scalars[RATE] = lr * correction / (1.0 - beta_1**t)
    scalars[LR] = lr * correction


def _adam_step(weights, grad, first_moment, second_moment, largest, slot_4, scalars, step_size):
    beta_1, rest_1, beta_2, rest_2 = scalars[BETA_1], scalars[REST_1], scalars[BETA_2], scalars[REST_2]
    rate, epsilon, lr, amsgrad = scalars[RATE], scalars[EPSILON], scalars[LR], scalars[AMSGRAD] > 0
    if amsgrad:
        for i in range(weights.size):
            first_moment[i] = beta_1 * first_moment[i] + rest_1 * grad[i]
            second_moment[i] = beta_2 * second_moment[i] + rest_2 * (grad[i] * grad[i])
            # NaN in the second moment wins the comparison
            largest[i] = largest[i] if largest[i] > second_moment[i] else second_moment[i]
            weights[i] -= rate * (first_moment[i] / (np.sqrt(largest[i]) + epsilon))
        for i in range(step_size.size):
            step_size[i] = lr / (np.sqrt(largest[i]) + epsilon)
    elif step_size.size > 0:  # in one loop, because roots and quotients are most of the work
        one = weights.dtype.type(1)
        for i in range(weights.size):
            first_moment[i] = beta_1 * first_moment[i] + rest_1 * grad[i]
            second_moment[i] = beta_2 * second_moment[i] + rest_2 * (grad[i] * grad[i])
            factor = one / (np.sqrt(second_moment[i]) + epsilon)
            weights[i] -= rate * (first_moment[i] * factor)
            step_size[i] = lr * factor
    else:
        for i in range(weights.size):
            first_moment[i] = beta_1 * first_moment[i] + rest_1 * grad[i]
            second_moment[i] = beta_2 * second_moment[i] + rest_2 * (grad[i] * grad[i])
            weights[i] -= rate * (first_moment[i] / (np.sqrt(second_moment[i]) + epsilon))


class Adam(Optimizer):
    r"""Adaptive moments (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1).

    With gradient g_t and m_0 = v_0 = 0::

        m_t = beta_1 m_{t-1} + (1 - beta_1) g_t            first moment
        v_t = beta_2 v_{t-1} + (1 - beta_2) g_t^2          second moment
        w_t = w_{t-1} - lr m_hat_t / (sqrt(v_hat_t) + epsilon)
        m_hat_t = m_t / (1 - beta_1^t),  v_hat_t = v_t / (1 - beta_2^t)

    as in ``torch.optim.Adam``. Step size of the proximal operator: lr / (sqrt(v_hat_t) + epsilon).

    Parameters
    ----------
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        Decay rates of the moments, per update.
    epsilon : float > 0, default=1e-8
        Added to the root of the second moment.
    amsgrad : bool, default=False
        Whether the largest v so far takes the place of v_t, so that step sizes never grow (Reddi, Kale, Kumar, "On the
        convergence of Adam and beyond", ICLR 2018).

    Examples
    --------
    >>> from skregopt.optimizers import Adam
    >>> Adam(beta_1=0.95)
    Adam(beta_1=0.95)
    """

    flat_parameters: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2", "epsilon")
    _parameter_constraints = {"beta_1": DECAY, "beta_2": DECAY, "epsilon": POSITIVE, "amsgrad": ["boolean"]}
    prepare: Kernel = staticmethod(_adam_prepare)
    step: Kernel = staticmethod(_adam_step)

    def __init__(
        self,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
    ) -> None:
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad

    @property
    def n_slots(self) -> int:
        """Number of state vectors: the moments, and with ``amsgrad`` the largest second one."""
        return 3 if self.amsgrad else 2


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019).

    The rule of :class:`Adam`. Its decay, ``weights *= 1 - lr weight_decay`` before each step, is the parameter
    ``weight_decay`` of the estimators, with a default of 0.01 as in ``torch.optim.AdamW``.

    Parameters
    ----------
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        Decay rates of the moments, per update.
    epsilon : float > 0, default=1e-8
        Added to the root of the second moment.
    amsgrad : bool, default=False
        See :class:`Adam`.

    Examples
    --------
    >>> from skregopt.optimizers import AdamW
    >>> AdamW().default_weight_decay
    0.01
    """

    default_weight_decay: float = 0.01
