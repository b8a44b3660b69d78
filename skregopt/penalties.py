"""Penalties on the weights, one class and three kernels each.

The objective is the data term plus ``alpha`` times the penalty of all weights, never of intercepts. Non-smooth terms
are not differentiated: after each optimizer step their proximal operator sets weights to exactly 0.0.

Conventions, on which the training loop relies:

* a kernel sees a run of whole rows of one weight matrix, flattened: ``weights`` of ``n_rows * row_length`` elements;
* ``value(weights, row_length, layer, alpha, hyper)`` returns ``alpha`` times the penalty of these weights as a float64;
* ``add_gradient(weights, alpha, hyper, grad)`` adds the gradient of its smooth part to ``grad``; there the weights may
  be those of several layers at once;
* ``prox(weights, step_size, row_length, layer, alpha, hyper)`` applies the proximal operator of the non-smooth part in
  the metric of the optimizer: coordinate j moves with step size ``step_size[j]`` (Yun, Lozano, Yang, "Adaptive
  proximal gradient methods for structured neural networks", NeurIPS 2021).
"""

from numbers import Real

import numpy as np
from numba import types
from sklearn.utils._param_validation import Interval

from ._component import Component
from ._jit import vector


class Penalty(Component):
    """Family of penalties.

    Attributes
    ----------
    is_smooth : bool
        Whether there is no proximal step.
    """

    family = "penalty"
    signatures = {
        "value": lambda T: types.float64(vector(T), types.int64, types.int64, T, vector(T)),
        "add_gradient": lambda T: types.void(vector(T), T, vector(T), vector(T)),
        "prox": lambda T: types.void(vector(T), vector(T), types.int64, types.int64, T, vector(T)),
    }
    is_smooth = True


def _zero_value(weights, row_length, layer, alpha, hyper):
    return 0.0


def _no_gradient(weights, alpha, hyper, grad):
    pass


def _no_prox(weights, step_size, row_length, layer, alpha, hyper):
    pass


class NoPenalty(Penalty):
    """No penalty at all (``penalty=None``), whatever ``alpha``.

    Examples
    --------
    >>> from skregopt.penalties import NoPenalty
    >>> NoPenalty()
    NoPenalty()
    """

    value = staticmethod(_zero_value)
    add_gradient = staticmethod(_no_gradient)
    prox = staticmethod(_no_prox)


def _l2_value(weights, row_length, layer, alpha, hyper):
    total = 0.0
    for i in range(weights.size):
        total += np.float64(weights[i]) * np.float64(weights[i])
    return 0.5 * alpha * total


def _l2_add_gradient(weights, alpha, hyper, grad):
    for i in range(weights.size):
        grad[i] += alpha * weights[i]


class L2(Penalty):
    """Ridge penalty, alpha/2 ||W||_2^2: shrinks weights, seldom to zero.

    Examples
    --------
    >>> from skregopt.penalties import L2
    >>> L2().is_smooth
    True
    """

    value = staticmethod(_l2_value)
    add_gradient = staticmethod(_l2_add_gradient)
    prox = staticmethod(_no_prox)


def _l1_value(weights, row_length, layer, alpha, hyper):
    total = 0.0
    for i in range(weights.size):
        total += abs(np.float64(weights[i]))
    return alpha * total


def _l1_prox(weights, step_size, row_length, layer, alpha, hyper):
    zero = weights.dtype.type(0)
    for i in range(weights.size):
        magnitude = abs(weights[i]) - step_size[i] * alpha
        shrunk = magnitude if weights[i] > zero else -magnitude
        weights[i] = zero if magnitude <= zero else shrunk


class L1(Penalty):
    """Lasso penalty, alpha ||W||_1: sets weights to exactly 0.0.

    By soft thresholding, ``prox(w) = sign(w) max(|w| - s alpha, 0)`` with the step size s of the coordinate.

    Examples
    --------
    >>> from skregopt.penalties import L1
    >>> L1().is_smooth
    False
    """

    is_smooth = False
    value = staticmethod(_l1_value)
    add_gradient = staticmethod(_no_gradient)
    prox = staticmethod(_l1_prox)


def _elastic_net_value(weights, row_length, layer, alpha, hyper):
    l1_ratio = np.float64(hyper[0])
    absolute, squares = 0.0, 0.0
    for i in range(weights.size):
        w = np.float64(weights[i])
        absolute += abs(w)
        squares += w * w
    return alpha * (l1_ratio * absolute + 0.5 * (1.0 - l1_ratio) * squares)


def _elastic_net_add_gradient(weights, alpha, hyper, grad):
    strength = alpha * hyper[1]
    for i in range(weights.size):
        grad[i] += strength * weights[i]


def _elastic_net_prox(weights, step_size, row_length, layer, alpha, hyper):
    zero = weights.dtype.type(0)
    strength = alpha * hyper[0]
    for i in range(weights.size):
        magnitude = abs(weights[i]) - step_size[i] * strength
        shrunk = magnitude if weights[i] > zero else -magnitude
        weights[i] = zero if magnitude <= zero else shrunk


class ElasticNet(Penalty):
    """Elastic net, alpha (l1_ratio ||W||_1 + (1 - l1_ratio)/2 ||W||_2^2), with exact zeros for l1_ratio > 0.

    Parameters
    ----------
    l1_ratio : float in [0, 1], default=0.5
        Share of the L1 term: 0 is :class:`L2`, 1 is :class:`L1`.

    Examples
    --------
    >>> from skregopt.penalties import ElasticNet
    >>> ElasticNet(l1_ratio=0.9)
    ElasticNet(l1_ratio=0.9)
    """

    flat_parameters = ("l1_ratio",)
    _parameter_constraints = {"l1_ratio": [Interval(Real, 0, 1, closed="both")]}
    value = staticmethod(_elastic_net_value)
    add_gradient = staticmethod(_elastic_net_add_gradient)
    prox = staticmethod(_elastic_net_prox)

    def __init__(self, l1_ratio=0.5):
        self.l1_ratio = l1_ratio

    @property
    def is_smooth(self):
        """Whether there is no L1 term."""
        return self.l1_ratio == 0

    def hyper_parameters(self):
        """Return the shares of the two terms."""
        return self.l1_ratio, 1.0 - self.l1_ratio


PENALTIES = {
    None: NoPenalty,
    "l2": L2,
    "l1": L1,
    "elasticnet": ElasticNet,
}
