"""Gradient descent."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

from .._kernels.sklearn_internals import Interval
from .._kernels.typing import Kernel
from ._family import Optimizer

# places in `scalars`, the first ones also in `hyper`; place in `memory`
MOMENTUM, NESTEROV, LR, PROXIMAL = range(4)
WEIGHT_OF_PAST = 0


def _sgd_prepare(lr, t, hyper, memory, scalars):
    momentum, nesterov = hyper[MOMENTUM], hyper[NESTEROV]
    scalars[MOMENTUM], scalars[NESTEROV], scalars[LR] = momentum, nesterov, lr
    # The velocity weighs past gradients by (1 - momentum^t) / (1 - momentum) in total.
    weight = memory[WEIGHT_OF_PAST] = 1.0 + momentum * memory[WEIGHT_OF_PAST]
    scalars[PROXIMAL] = lr * (1.0 + momentum * weight) if nesterov > 0.0 else lr * weight


def _sgd_step(weights, grad, velocity, slot_2, slot_3, slot_4, scalars, step_size):
    lr, momentum, nesterov, proximal = scalars[LR], scalars[MOMENTUM], scalars[NESTEROV] > 0, scalars[PROXIMAL]
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

    flat_parameters: ClassVar[tuple[str, ...]] = ("momentum", "nesterovs_momentum")
    _parameter_constraints = {"momentum": [Interval(Real, 0, 1, closed="both")], "nesterovs_momentum": ["boolean"]}
    n_slots = 1
    prepare: Kernel = staticmethod(_sgd_prepare)
    step: Kernel = staticmethod(_sgd_step)

    def __init__(self, momentum: float = 0.9, nesterovs_momentum: bool = True) -> None:
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
