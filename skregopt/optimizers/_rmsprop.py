"""RMSprop."""

import numpy as np

from ._family import DECAY, POSITIVE, Optimizer


def _rmsprop_prepare(lr, t, hyper, memory, scalars):
    rho, momentum = hyper[0], hyper[1]
    scalars[0] = lr
    scalars[1] = rho
    scalars[2] = 1.0 - rho
    scalars[3] = momentum
    scalars[4] = hyper[2]  # centered
    scalars[5] = hyper[3]  # epsilon


def _rmsprop_step(weights, grad, square, slot_2, slot_3, slot_4, scalars, step_size):
    """Update by :class:`skregopt.optimizers.RMSprop`; the last slot in use holds the mean of a centered one."""
    lr, rho, rest, momentum = scalars[0], scalars[1], scalars[2], scalars[3]
    centered, epsilon = scalars[4] > 0, scalars[5]
    one = weights.dtype.type(1)
    if centered:
        mean = slot_4 if momentum > 0 else slot_2
        for i in range(weights.size):
            # the variance itself: as a difference of two averages it may come out negative
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
        velocity, factors = slot_2, slot_3  # and the sum of the factors of past gradients in the velocity
        for i in range(weights.size):
            factor = one / (np.sqrt(square[i]) + epsilon)
            factors[i] = momentum * factors[i] + factor
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
    default_learning_rate = 0.01
    prepare = staticmethod(_rmsprop_prepare)
    step = staticmethod(_rmsprop_step)

    def __init__(self, rho=0.99, momentum=0.0, centered=False, epsilon=1e-8):
        self.rho = rho
        self.momentum = momentum
        self.centered = centered
        self.epsilon = epsilon

    @property
    def n_slots(self):
        """Number of state vectors."""
        return 1 + 2 * (self.momentum > 0) + self.centered
