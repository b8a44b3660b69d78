"""First-order update rules, one class and two kernels each.

Conventions, on which the training loop relies:

* ``prepare(lr, t, hyper, memory, scalars)`` runs once per update: from the learning rate, the number t of this update
  (1-based), the rule's hyper-parameters and the float64 ``memory`` it keeps between updates it computes, in float64,
  the ``scalars`` that ``step`` reads in the working precision;
* ``step(weights, grad, slot_1, slot_2, slot_3, slot_4, scalars, step_size)`` updates a run of parameters in place, and
  the rule's state in as many of the slots as ``n_slots`` says (it must not look at the others);
* a rule for whole matrices (``signatures = Optimizer.signatures | Optimizer.matrix_signatures``) also has
  ``step_matrix(weights, grad, slot_1, slot_2, slot_3, slot_4, scratch, hyper, step_size, lr, t)``, which replaces
  ``step`` for all weight matrices but the output layer's. The arguments before ``scratch``, a vector of 4 times as
  many elements, are matrices (fan_in, fan_out); it may overwrite ``grad``;
* if ``step_size`` is not empty, a proximal step follows, and ``step`` writes the step size of each coordinate in that
  step, ``s_j = |u_j| / |c_j|``, where u is the update and c the average of past gradients (weights that sum to one)
  from which u was made. With it the fixed points of the rule followed by the proximal step are the stationary points of
  the objective.
"""

from numbers import Integral, Real

import numpy as np
from numba import types

from ._kernels.component import Component
from ._kernels.interval import Interval
from ._kernels.jit import matrix, vector
from ._update_kernels import muon_step_matrix, rmsprop_step

_DECAY = [Interval(Real, 0, 1, closed="left")]
_POSITIVE = [Interval(Real, 0, None, closed="neither")]
_NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]


class Optimizer(Component):
    """Family of first-order optimizers.

    Attributes
    ----------
    n_slots : int
        Number of state vectors, each as long as the parameters; may depend on the rule's parameters.
    default_learning_rate : float
        What ``learning_rate_init='auto'`` means, the default of the rule's reference.
    default_weight_decay : float
        What ``weight_decay=None`` means: the decoupled decay of the weights, likewise.
    """

    family = "solver"
    signatures = {
        "prepare": lambda T: types.void(types.float64, types.int64, *[vector(types.float64)] * 2, vector(T)),
        "step": lambda T: types.void(*[vector(T)] * 8),
    }
    matrix_signatures = {"step_matrix": lambda T: types.void(*[matrix(T)] * 6, *[vector(T)] * 3, T, types.int64)}
    n_slots = 0
    default_learning_rate = 0.001
    default_weight_decay = 0.0

    def hyper_parameters(self):
        """Return the numbers that the kernels read: all parameters in the order of ``_parameter_constraints``."""
        return tuple(float(getattr(self, name)) for name in self._parameter_constraints)


def _sgd_prepare(lr, t, hyper, memory, scalars):
    momentum, nesterov = hyper[0], hyper[1] > 0.0
    scalars[0] = lr
    scalars[1] = momentum
    scalars[2] = hyper[1]
    # total weight of past gradients in the velocity, (1 - momentum^t) / (1 - momentum)
    weight = memory[0] = 1.0 + momentum * memory[0]
    scalars[3] = lr * (1.0 + momentum * weight) if nesterov else lr * weight


def _sgd_step(weights, grad, velocity, slot_2, slot_3, slot_4, scalars, step_size):
    lr, momentum, nesterov, proximal = scalars[0], scalars[1], scalars[2] > 0, scalars[3]
    if momentum == 0:
        for i in range(weights.size):
            weights[i] -= lr * grad[i]
    elif nesterov:
        for i in range(weights.size):
            velocity[i] = momentum * velocity[i] + grad[i]
            weights[i] -= lr * (grad[i] + momentum * velocity[i])
    else:
        for i in range(weights.size):
            velocity[i] = momentum * velocity[i] + grad[i]
            weights[i] -= lr * velocity[i]
    for i in range(step_size.size):
        step_size[i] = proximal


class SGD(Optimizer):
    r"""Gradient descent with momentum, the rule of the solvers 'gd', 'sgd' and 'minibatch'.

    With gradient g_t, velocity v_0 = 0, momentum mu and learning rate lr (PyTorch's ``torch.optim.SGD``, dampening 0)::

        v_t = mu v_{t-1} + g_t
        w_t = w_{t-1} - lr v_t                     (momentum, Polyak 1964)
        w_t = w_{t-1} - lr (g_t + mu v_t)          (Nesterov, Sutskever et al. 2013)

    Step size of the proximal operator: lr (1 - mu^t)/(1 - mu), with Nesterov lr (1 + mu (1 - mu^t)/(1 - mu)); for
    mu = 1 the fraction is t.

    Parameters
    ----------
    momentum : float in [0, 1], default=0.9
        0 is plain gradient descent. With 1, allowed as in scikit-learn, no gradient is ever forgotten.
    nesterovs_momentum : bool, default=True
        Whether to look ahead; without effect for momentum=0.

    Examples
    --------
    >>> from skregopt.optimizers import SGD
    >>> SGD(momentum=0.5)
    SGD(momentum=0.5)
    """

    flat_parameters = ("momentum", "nesterovs_momentum")
    _parameter_constraints = {"momentum": [Interval(Real, 0, 1, closed="both")], "nesterovs_momentum": ["boolean"]}
    n_slots = 1
    prepare = staticmethod(_sgd_prepare)
    step = staticmethod(_sgd_step)

    def __init__(self, momentum=0.9, nesterovs_momentum=True):
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum


def _adam_prepare(lr, t, hyper, memory, scalars):
    beta_1, beta_2, epsilon = hyper[0], hyper[1], hyper[2]
    # both sides of the fraction are multiplied by the root of the second moment's correction
    correction = np.sqrt(1.0 - beta_2**t)
    scalars[0] = lr * correction / (1.0 - beta_1**t)
    scalars[1] = beta_1
    scalars[2] = 1.0 - beta_1
    scalars[3] = beta_2
    scalars[4] = 1.0 - beta_2
    # not zero, which it is to divide by where all gradients have been
    scalars[5] = max(epsilon * correction, np.finfo(scalars.dtype).tiny)
    scalars[6] = lr * correction
    scalars[7] = hyper[3]


def _adam_step(weights, grad, first_moment, second_moment, largest, slot_4, scalars, step_size):
    rate, beta_1, rest_1, beta_2, rest_2 = scalars[0], scalars[1], scalars[2], scalars[3], scalars[4]
    epsilon, lr, amsgrad = scalars[5], scalars[6], scalars[7] > 0
    if amsgrad:
        for i in range(weights.size):
            first_moment[i] = beta_1 * first_moment[i] + rest_1 * grad[i]
            second_moment[i] = beta_2 * second_moment[i] + rest_2 * (grad[i] * grad[i])
            # of a number and NaN it is NaN
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
        Whether the largest v so far takes the place of v_t (Reddi, Kale, Kumar, "On the convergence of Adam and
        beyond", ICLR 2018), so that step sizes never grow.

    Examples
    --------
    >>> from skregopt.optimizers import Adam
    >>> Adam(beta_1=0.95)
    Adam(beta_1=0.95)
    """

    flat_parameters = ("beta_1", "beta_2", "epsilon")
    _parameter_constraints = {"beta_1": _DECAY, "beta_2": _DECAY, "epsilon": _POSITIVE, "amsgrad": ["boolean"]}
    prepare = staticmethod(_adam_prepare)
    step = staticmethod(_adam_step)

    def __init__(self, beta_1=0.9, beta_2=0.999, epsilon=1e-8, amsgrad=False):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad

    @property
    def n_slots(self):
        """Number of state vectors: the moments, and with ``amsgrad`` the largest second one."""
        return 3 if self.amsgrad else 2


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019).

    The rule of :class:`Adam`; the decay, ``weights *= 1 - lr weight_decay`` before each step, is the estimators'
    ``weight_decay``, whose default is 0.01 here, as in ``torch.optim.AdamW``.

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

    default_weight_decay = 0.01


def _adamax_prepare(lr, t, hyper, memory, scalars):
    scalars[0] = lr / (1.0 - hyper[0] ** t)
    scalars[1] = hyper[0]
    scalars[2] = 1.0 - hyper[0]
    scalars[3] = hyper[1]
    scalars[4] = hyper[2]
    scalars[5] = lr


def _adamax_step(weights, grad, first_moment, norm, slot_3, slot_4, scalars, step_size):
    rate, beta_1, rest_1, beta_2, epsilon, lr = scalars[0], scalars[1], scalars[2], scalars[3], scalars[4], scalars[5]
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

    _parameter_constraints = {"beta_1": _DECAY, "beta_2": _DECAY, "epsilon": _POSITIVE}
    n_slots = 2
    default_learning_rate = 0.002
    prepare = staticmethod(_adamax_prepare)
    step = staticmethod(_adamax_step)

    def __init__(self, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon


def _nadam_prepare(lr, t, hyper, memory, scalars):
    beta_1, beta_2, epsilon, decay = hyper[0], hyper[1], hyper[2], hyper[3]
    mu = beta_1 * (1.0 - 0.5 * 0.96 ** (t * decay))
    following = beta_1 * (1.0 - 0.5 * 0.96 ** ((t + 1) * decay))
    product = mu if t == 1 else memory[0] * mu  # of all mu so far
    memory[0] = product
    of_gradient = (1.0 - mu) / (1.0 - product)
    of_moment = following / (1.0 - product * following)
    scalars[0] = lr * of_gradient
    scalars[1] = lr * of_moment
    scalars[2] = 1.0 - beta_1
    scalars[3] = beta_2
    scalars[4] = 1.0 - beta_2
    scalars[5] = 1.0 / np.sqrt(1.0 - beta_2**t)
    scalars[6] = epsilon
    # the past gradients' factors in the moment sum to 1 - beta_1^t
    scalars[7] = lr * (of_gradient + of_moment * (1.0 - beta_1**t))


def _nadam_step(weights, grad, first_moment, second_moment, slot_3, slot_4, scalars, step_size):
    of_gradient, of_moment, rest_1, beta_2 = scalars[0], scalars[1], scalars[2], scalars[3]
    rest_2, correction, epsilon, proximal = scalars[4], scalars[5], scalars[6], scalars[7]
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

    _parameter_constraints = Adamax._parameter_constraints | {"momentum_decay": _NOT_NEGATIVE}
    n_slots = 2
    default_learning_rate = 0.002
    prepare = staticmethod(_nadam_prepare)
    step = staticmethod(_nadam_step)

    def __init__(self, beta_1=0.9, beta_2=0.999, epsilon=1e-8, momentum_decay=4e-3):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.momentum_decay = momentum_decay


def _rmsprop_prepare(lr, t, hyper, memory, scalars):
    rho, momentum = hyper[0], hyper[1]
    scalars[0] = lr
    scalars[1] = rho
    scalars[2] = 1.0 - rho
    scalars[3] = momentum
    scalars[4] = hyper[2]  # centered
    scalars[5] = hyper[3]  # epsilon


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

    _parameter_constraints = {"rho": _DECAY, "momentum": _DECAY, "centered": ["boolean"], "epsilon": _POSITIVE}
    default_learning_rate = 0.01
    prepare = staticmethod(_rmsprop_prepare)
    step = staticmethod(rmsprop_step)

    def __init__(self, rho=0.99, momentum=0.0, centered=False, epsilon=1e-8):
        self.rho = rho
        self.momentum = momentum
        self.centered = centered
        self.epsilon = epsilon

    @property
    def n_slots(self):
        """Number of state vectors."""
        return 1 + 2 * (self.momentum > 0) + self.centered


def _adagrad_prepare(lr, t, hyper, memory, scalars):
    scalars[0] = lr / (1.0 + (t - 1) * hyper[0])
    scalars[1] = hyper[1] if t == 1 else 0.0
    scalars[2] = hyper[2]


def _adagrad_step(weights, grad, total, slot_2, slot_3, slot_4, scalars, step_size):
    lr, start, epsilon = scalars[0], scalars[1], scalars[2]
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
        "lr_decay": _NOT_NEGATIVE,
        "initial_accumulator_value": _NOT_NEGATIVE,
        "epsilon": _POSITIVE,
    }
    n_slots = 1
    default_learning_rate = 0.01
    prepare = staticmethod(_adagrad_prepare)
    step = staticmethod(_adagrad_step)

    def __init__(self, lr_decay=0.0, initial_accumulator_value=0.0, epsilon=1e-10):
        self.lr_decay = lr_decay
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon


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

    _parameter_constraints = {"rho": _DECAY, "epsilon": _POSITIVE}
    n_slots = 2
    default_learning_rate = 1.0
    prepare = staticmethod(_adadelta_prepare)
    step = staticmethod(_adadelta_step)

    def __init__(self, rho=0.9, epsilon=1e-6):
        self.rho = rho
        self.epsilon = epsilon


def _lion_prepare(lr, t, hyper, memory, scalars):
    beta_1, beta_2 = hyper[0], hyper[1]
    scalars[0] = lr
    scalars[1] = beta_1
    scalars[2] = 1.0 - beta_1
    scalars[3] = beta_2
    scalars[4] = 1.0 - beta_2
    scalars[5] = lr * (1.0 - beta_1 * beta_2 ** (t - 1))  # the past gradients' factors in c_t sum to lr times that


def _lion_step(weights, grad, moment, slot_2, slot_3, slot_4, scalars, step_size):
    lr, beta_1, rest_1 = scalars[0], scalars[1], scalars[2]
    beta_2, rest_2, proximal = scalars[3], scalars[4], scalars[5]
    limits = np.finfo(weights.dtype)
    tiny, huge, zero, one = limits.tiny, limits.max, weights.dtype.type(0), weights.dtype.type(1)
    for i in range(step_size.size):
        magnitude = abs(beta_1 * moment[i] + rest_1 * grad[i])
        # Without a gradient only the penalty acts, whose minimum is zero. A floor that grows beyond the penalty's
        # strength would let the step outrun the proximal operator, and no weight would stay zero.
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

    Step size of the proximal operator: ``lr (1 - beta_1 beta_2^(t-1)) / |c_t|``. All weights move by lr in each update,
    so that a rate that falls (``learning_rate='invscaling'``) is needed to come closer than that. The default rate is
    that of ``keras.optimizers.Lion``.

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

    _parameter_constraints = {"beta_1": _DECAY, "beta_2": _DECAY}
    n_slots = 1
    default_learning_rate = 0.001
    prepare = staticmethod(_lion_prepare)
    step = staticmethod(_lion_step)

    def __init__(self, beta_1=0.9, beta_2=0.99):
        self.beta_1 = beta_1
        self.beta_2 = beta_2


class Muon(Adam):
    r"""Orthogonalised momentum (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024).

    For every weight matrix but the output layer's; output layer and intercepts follow :class:`Adam`, at the same
    learning rate. With gradient G_t, M_0 = 0, momentum mu and q(s) = 3.4445 s - 4.7750 s^3 + 2.0315 s^5, as in
    ``torch.optim.Muon``, whose bfloat16 is the working precision here::

        M_t = mu M_{t-1} + (1 - mu) G_t
        C_t = (1 - mu) G_t + mu M_t                  (Nesterov; otherwise C_t = M_t)
        C_t / max(||C_t||_F, 1e-7) = U S V^T,  O_t = U q(...q(S)) V^T    (n_steps times, by matrix products)
        W_t = W_{t-1} - lr sqrt(max(1, fan_out / fan_in)) O_t

    The decoupled decay of ``torch.optim.Muon``, 0.1, is the estimators' ``weight_decay`` and that of all ``coefs_``.
    Step size of the proximal operator: ``|update_ij| / |c_ij|``, c being C_t over 1 - mu^(t+1) (Nesterov) or 1 - mu^t.
    With a non-smooth penalty, ``max(|O_ij|, 0.1 |C_ij| ||O||_F / ||C||_F) sign(C_ij)`` takes the place of O_ij: where
    O_ij has another sign than C_ij, a stationary point of the objective would not be a fixed point.

    Parameters
    ----------
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        Decay rates of Adam's moments, per update.
    epsilon : float > 0, default=1e-8
        Added to the root of Adam's second moment.
    amsgrad : bool, default=False
        See :class:`Adam`.
    momentum : float in [0, 1), default=0.95
        Decay rate mu of the average gradient, per update.
    nesterovs_momentum : bool, default=True
        Whether to look ahead.
    n_steps : int in [1, 99], default=5
        Newton-Schulz steps.
    match_rms_adamw : bool, default=False
        Whether the learning rate is scaled by 0.2 sqrt(max(fan_in, fan_out)) instead, so that updates are as large as
        those of AdamW (Liu et al., "Muon is scalable for LLM training", 2025).

    Examples
    --------
    >>> from skregopt.optimizers import Muon
    >>> Muon(match_rms_adamw=True)
    Muon(match_rms_adamw=True)
    """

    flat_parameters = ()
    signatures = Optimizer.signatures | Optimizer.matrix_signatures
    _parameter_constraints = Adam._parameter_constraints | {
        "momentum": _DECAY,
        "nesterovs_momentum": ["boolean"],
        "n_steps": [Interval(Integral, 1, 99, closed="both")],
        "match_rms_adamw": ["boolean"],
    }
    default_weight_decay = 0.1
    step_matrix = staticmethod(muon_step_matrix)

    def __init__(
        self, beta_1=0.9, beta_2=0.999, epsilon=1e-8, amsgrad=False, momentum=0.95, nesterovs_momentum=True, n_steps=5,
        match_rms_adamw=False,
    ):  # fmt: skip
        super().__init__(beta_1, beta_2, epsilon, amsgrad)
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.n_steps = n_steps
        self.match_rms_adamw = match_rms_adamw


OPTIMIZERS = {
    "gd": SGD,
    "sgd": SGD,
    "minibatch": SGD,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "adam": Adam,
    "adamw": AdamW,
    "adamax": Adamax,
    "nadam": Nadam,
    "lion": Lion,
    "muon": Muon,
}
