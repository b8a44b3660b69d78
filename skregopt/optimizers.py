"""First-order update rules, one class and two kernels each.

Conventions, on which the training loop relies:

* ``prepare(lr, t, hyper, memory, scalars)`` runs once per update: from the learning rate, the number t of this update
  (1-based), the rule's hyper-parameters and the float64 ``memory`` it keeps between updates it computes, in float64,
  the ``scalars`` that ``step`` reads in the working precision;
* ``step(weights, grad, slot_1, slot_2, slot_3, scalars, step_size)`` updates a run of parameters in place, and the
  rule's state in as many of the slots as ``n_slots`` says (the others are empty);
* if ``step_size`` is not empty, a proximal step follows, and ``step`` writes the step size of each coordinate in that
  step, ``s_j = |u_j| / |c_j|``, where u is the update and c the average of past gradients (weights that sum to one)
  from which u was made. With it the fixed points of the rule followed by the proximal step are the stationary points of
  the objective.
"""

from numbers import Real

import numpy as np
from numba import types
from sklearn.utils._param_validation import Interval

from . import _math
from ._component import Component
from ._jit import vector


class Optimizer(Component):
    """Family of first-order optimizers.

    Attributes
    ----------
    n_slots : int
        Number of state vectors, each as long as the parameters.
    default_learning_rate : float
        What ``learning_rate_init='auto'`` means, the default of the rule's reference.
    """

    family = "solver"
    signatures = {
        "prepare": lambda T: types.void(
            types.float64,
            types.int64,
            vector(types.float64),
            vector(types.float64),
            vector(T),
        ),
        "step": lambda T: types.void(*[vector(T)] * 7),
    }
    n_slots = 0
    default_learning_rate = 0.001


def _sgd_prepare(lr, t, hyper, memory, scalars):
    momentum, nesterov = hyper[0], hyper[1] > 0.0
    scalars[0] = lr
    scalars[1] = momentum
    scalars[2] = hyper[1]
    # total weight of past gradients in the velocity
    weight = np.float64(t) if momentum == 1.0 else (1.0 - momentum**t) / (1.0 - momentum)
    scalars[3] = lr * (1.0 + momentum * weight) if nesterov else lr * weight


def _sgd_step(weights, grad, velocity, slot_2, slot_3, scalars, step_size):
    lr, momentum, nesterov, proximal = scalars[0], scalars[1], scalars[2] > 0, scalars[3]
    tiny = np.finfo(weights.dtype).tiny
    if momentum == 0:
        for i in range(weights.size):
            weights[i] -= lr * grad[i]
    elif nesterov:
        for i in range(weights.size):
            velocity[i] = _math.flush(momentum * velocity[i] + grad[i], tiny)
            weights[i] -= lr * (grad[i] + momentum * velocity[i])
    else:
        for i in range(weights.size):
            velocity[i] = _math.flush(momentum * velocity[i] + grad[i], tiny)
            weights[i] -= lr * velocity[i]
    for i in range(step_size.size):
        step_size[i] = proximal


class SGD(Optimizer):
    r"""Gradient descent with momentum, the rule of the solvers 'gd', 'sgd' and 'minibatch'.

    With gradient g_t, velocity v_0 = 0, momentum mu and learning rate lr (PyTorch's ``torch.optim.SGD``, dampening 0)::

        v_t = mu v_{t-1} + g_t
        w_t = w_{t-1} - lr v_t                     (momentum, Polyak 1964)
        w_t = w_{t-1} - lr (g_t + mu v_t)          (Nesterov, Sutskever et al. 2013)

    Step size of the proximal operator: lr (1 - mu^t)/(1 - mu), with Nesterov lr (1 + mu (1 - mu^t)/(1 - mu)).

    Parameters
    ----------
    momentum : float in [0, 1], default=0.9
        0 is plain gradient descent.
    nesterovs_momentum : bool, default=True
        Whether to look ahead; without effect for momentum=0.

    Examples
    --------
    >>> from skregopt.optimizers import SGD
    >>> SGD(momentum=0.5)
    SGD(momentum=0.5)
    """

    flat_parameters = ("momentum", "nesterovs_momentum")
    _parameter_constraints = {
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
    }
    n_slots = 1
    prepare = staticmethod(_sgd_prepare)
    step = staticmethod(_sgd_step)

    def __init__(self, momentum=0.9, nesterovs_momentum=True):
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum

    def hyper_parameters(self):
        """Return the momentum and whether it is Nesterov's."""
        return self.momentum, float(self.nesterovs_momentum)


def _adam_prepare(lr, t, hyper, memory, scalars):
    beta_1, beta_2, epsilon = hyper[0], hyper[1], hyper[2]
    scalars[0] = lr / (1.0 - beta_1**t)
    scalars[1] = beta_1
    scalars[2] = 1.0 - beta_1
    scalars[3] = beta_2
    scalars[4] = 1.0 - beta_2
    scalars[5] = 1.0 / np.sqrt(1.0 - beta_2**t)
    scalars[6] = epsilon
    scalars[7] = lr


def _adam_step(weights, grad, first_moment, second_moment, slot_3, scalars, step_size):
    rate, beta_1, rest_1, beta_2, rest_2 = (
        scalars[0],
        scalars[1],
        scalars[2],
        scalars[3],
        scalars[4],
    )
    correction, epsilon, lr = scalars[5], scalars[6], scalars[7]
    tiny = np.finfo(weights.dtype).tiny
    for i in range(weights.size):
        first_moment[i] = _math.flush(beta_1 * first_moment[i] + rest_1 * grad[i], tiny)
        second_moment[i] = _math.flush(beta_2 * second_moment[i] + rest_2 * (grad[i] * grad[i]), tiny)
        denominator = np.sqrt(second_moment[i]) * correction + epsilon
        weights[i] -= rate * (first_moment[i] / denominator)
    for i in range(step_size.size):
        step_size[i] = lr / (np.sqrt(second_moment[i]) * correction + epsilon)


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

    Examples
    --------
    >>> from skregopt.optimizers import Adam
    >>> Adam(beta_1=0.95)
    Adam(beta_1=0.95)
    """

    flat_parameters = ("beta_1", "beta_2", "epsilon")
    _parameter_constraints = {
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
    }
    n_slots = 2
    prepare = staticmethod(_adam_prepare)
    step = staticmethod(_adam_step)

    def __init__(self, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def hyper_parameters(self):
        """Return the decay rates and epsilon."""
        return self.beta_1, self.beta_2, self.epsilon


OPTIMIZERS = {
    "gd": SGD,
    "sgd": SGD,
    "minibatch": SGD,
    "adam": Adam,
}
