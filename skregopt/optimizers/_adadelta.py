"""Adadelta."""

import numpy as np

from ._family import DECAY, POSITIVE, Optimizer


def _adadelta_prepare(lr, t, hyper, memory, scalars):
    scalars[0] = lr
    scalars[1] = hyper[0]
    scalars[2] = 1.0 - hyper[0]
    scalars[3] = hyper[1]


def _adadelta_step(weights, grad, of_gradient, of_update, slot_3, slot_4, scalars, step_size):
    lr, rho, rest, epsilon = scalars[0], scalars[1], scalars[2], scalars[3]
    # first, because the update changes the average that it is made from
    for i in range(step_size.size):
        square = rho * of_gradient[i] + rest * (grad[i] * grad[i])
        step_size[i] = lr * np.sqrt((of_update[i] + epsilon) / (square + epsilon))
    for i in range(weights.size):
        of_gradient[i] = rho * of_gradient[i] + rest * (grad[i] * grad[i])
        update = grad[i] * np.sqrt((of_update[i] + epsilon) / (of_gradient[i] + epsilon))
        of_update[i] = rho * of_update[i] + rest * (update * update)
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
    default_learning_rate = 1.0
    prepare = staticmethod(_adadelta_prepare)
    step = staticmethod(_adadelta_step)

    def __init__(self, rho=0.9, epsilon=1e-6):
        self.rho = rho
        self.epsilon = epsilon
