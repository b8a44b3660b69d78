"""Penalties on the weights, one class and three kernels each.

The objective is the data term plus ``alpha`` times the penalty of all weights, never of intercepts. Non-smooth terms
are not differentiated: after each optimizer step their proximal operator sets weights to exactly 0.0.

Conventions, on which the training loop relies:

* a kernel sees a run of whole rows of one weight matrix, flattened: ``weights`` of ``n_rows * row_length`` elements;
* ``value(weights, row_length, layer, alpha, hyper)`` returns ``alpha`` times the penalty of these weights as a float64;
* ``add_gradient(weights, alpha, hyper, grad)`` adds the gradient of its smooth part to ``grad``; its weights may come
  from several layers at once;
* ``prox(weights, step_size, row_length, layer, alpha, hyper)`` applies the proximal operator of the non-smooth part in
  the metric of the optimizer: coordinate j moves with step size ``step_size[j]`` (Yun, Lozano, Yang, "Adaptive
  proximal gradient methods for structured neural networks", NeurIPS 2021).
"""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

import numpy as np
from numba import types

from ._kernels import maths
from ._kernels.component import Component
from ._kernels.jit import jit, vector
from ._kernels.sklearn_internals import Interval
from ._kernels.typing import Array, Kernel, Signatures

L1_SHARE, L2_SHARE = range(2)  # places in `hyper`


class Penalty(Component):
    """Family of penalties.

    Attributes
    ----------
    is_smooth : bool
        Whether there is no proximal step.
    """

    family = "penalty"
    signatures: ClassVar[Signatures] = {
        "value": lambda T: types.float64(vector(T), types.int64, types.int64, T, vector(T)),
        "add_gradient": lambda T: types.void(vector(T), T, vector(T), vector(T)),
        "prox": lambda T: types.void(vector(T), vector(T), types.int64, types.int64, T, vector(T)),
    }
    is_smooth: bool = True
    value: staticmethod[[Array, int, int, float, Array], float]
    add_gradient: staticmethod[[Array, float, Array, Array], None]
    prox: staticmethod[[Array, Array, int, int, float, Array], None]


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

    value: Kernel = staticmethod(_zero_value)
    add_gradient: Kernel = staticmethod(_no_gradient)
    prox: Kernel = staticmethod(_no_prox)


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

    value: Kernel = staticmethod(_l2_value)
    add_gradient: Kernel = staticmethod(_l2_add_gradient)
    prox: Kernel = staticmethod(_no_prox)


def _l1_value(weights, row_length, layer, alpha, hyper):
    total = 0.0
    for i in range(weights.size):
        total += abs(np.float64(weights[i]))
    return alpha * total


def _l1_prox(weights, step_size, row_length, layer, alpha, hyper):
    zero = weights.dtype.type(0)
    strength = alpha * hyper[L1_SHARE]
    for i in range(weights.size):
        magnitude = abs(weights[i]) - step_size[i] * strength
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
    value: Kernel = staticmethod(_l1_value)
    add_gradient: Kernel = staticmethod(_no_gradient)
    prox: Kernel = staticmethod(_l1_prox)

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return the share of the L1 term."""
        return (1.0,)


def _elastic_net_value(weights, row_length, layer, alpha, hyper):
    l1_ratio = np.float64(hyper[L1_SHARE])
    absolute, squares = 0.0, 0.0
    for i in range(weights.size):
        w = np.float64(weights[i])
        absolute += abs(w)
        squares += w * w
    return alpha * (l1_ratio * absolute + 0.5 * (1.0 - l1_ratio) * squares)


def _shared_l2_add_gradient(weights, alpha, hyper, grad):
    strength = alpha * hyper[L2_SHARE]
    for i in range(weights.size):
        grad[i] += strength * weights[i]


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

    flat_parameters: ClassVar[tuple[str, ...]] = ("l1_ratio",)
    _parameter_constraints = {"l1_ratio": [Interval(Real, 0, 1, closed="both")]}
    value: Kernel = staticmethod(_elastic_net_value)
    add_gradient: Kernel = staticmethod(_shared_l2_add_gradient)
    prox: Kernel = staticmethod(_l1_prox)

    def __init__(self, l1_ratio: float = 0.5) -> None:
        self.l1_ratio = l1_ratio

    @property
    def is_smooth(self) -> bool:
        """Whether there is no L1 term."""
        return self.l1_ratio == 0

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return the shares of the two terms."""
        return self.l1_ratio, 1.0 - self.l1_ratio


def _group_l1_value(weights, row_length, layer, alpha, hyper):
    l1_ratio = np.float64(hyper[L1_SHARE])
    norms, squares = 0.0, 0.0
    for start in range(0, weights.size, row_length):
        row = 0.0
        for i in range(start, start + row_length):
            row += np.float64(weights[i]) * np.float64(weights[i])
        norms += np.sqrt(row)
        squares += row
    groups = np.sqrt(np.float64(row_length)) * norms if layer == 0 else 0.0
    return alpha * (l1_ratio * groups + 0.5 * (1.0 - l1_ratio) * squares)


@jit
def _prox_of_row(weights, step_size, start, stop, strength):
    """Replace the row u by argmin_w sum_j (w_j - u_j)^2 / (2 s_j) + strength ||w||_2.

    With a_j = strength s_j and tau = ||w|| the minimiser is w_j = u_j tau / (tau + a_j), where phi(tau) =
    sum_j (u_j / (tau + a_j))^2 = 1, or 0 if phi(0) <= 1. phi^(-1/2) is increasing and concave (a power mean of linear
    functions), so Newton's method on phi^(-1/2) = 1 climbs to the root from every starting point below it and needs no
    other safeguard; for equal step sizes it arrives in one step. At the start, max_j(|u_j| - a_j), no term is above 1:
    nothing overflows. Written with s and not with 1 / s, all holds for step sizes 0 (the weight stays) and inf (it gets
    zero); NaN fails the comparisons that set zeros and ends the iteration.
    """
    number = weights.dtype.type
    zero, one = number(0), number(1)
    tiny = number(np.finfo(weights.dtype).tiny)
    accuracy = number(4) * number(np.finfo(weights.dtype).eps)
    tau = zero
    for i in range(start, stop):
        excess = abs(weights[i]) - strength * step_size[i]
        tau = excess if excess > tau else tau
    was_zero = tau == zero
    for iteration in range(50):
        phi, slope = zero, zero
        for i in range(start, stop):
            denominator = tau + strength * step_size[i]
            denominator = tiny if denominator < tiny else denominator
            inverse = one / denominator
            ratio = maths.product(weights[i], inverse)  # at most 1, unlike powers of the inverse
            square = maths.product(ratio, ratio)
            phi += square
            slope += maths.product(square, inverse)
        error = np.sqrt(phi) - one
        if iteration == 0 and was_zero and error <= accuracy:
            for i in range(start, stop):
                weights[i] = zero
            return
        if not error > accuracy:
            break
        tau += phi * error / slope
    for i in range(start, stop):
        denominator = tau + strength * step_size[i]
        denominator = tiny if denominator < tiny else denominator
        weights[i] = maths.product(weights[i], tau / denominator)


def _group_l1_prox(weights, step_size, row_length, layer, alpha, hyper):
    if layer > 0:
        return
    strength = alpha * hyper[L1_SHARE] * np.sqrt(weights.dtype.type(row_length))
    for start in range(0, weights.size, row_length):
        _prox_of_row(weights, step_size, start, start + row_length, strength)


class GroupL1(Penalty):
    """Group lasso on input features: a feature keeps its weights, or all of them are exactly 0.0.

    With W1 the first weight matrix, whose row j holds the weights of input feature j to ``n_units`` units::

        alpha (l1_ratio sqrt(n_units) sum_j ||W1[j, :]||_2 + (1 - l1_ratio)/2 ||W||_2^2)

    With a ``feature_embedding``, W1[j, :] stands for all weights from the ``n_outputs`` numbers that the embedding
    makes of feature j, ``n_outputs * n_units`` of them, and the factor is sqrt(n_outputs n_units). It is the root of
    the size of the group (Yuan and Lin). Features that are not embedded keep sqrt(n_units).

    The second term acts on all layers (Yuan and Lin, "Model selection and estimation in regression with grouped
    variables", 2006; Scardapane et al., "Group sparse regularization for deep neural networks", 2017). Do not leave it
    out where there are hidden layers with relu: ``l1_ratio=1`` is allowed, but ill-posed there. The first layer can
    shrink while the next one grows, with the same predictions and a smaller penalty.

    The proximal operator, in the metric of the optimizer's step sizes s, has no closed form: the group u of a
    feature gets zero if ||u / s||_2 <= lam = alpha l1_ratio sqrt(size of u), otherwise u_j tau / (tau + lam s_j), with
    tau the root of sum_j (u_j / (tau + lam s_j))^2 = 1 by Newton's method.

    To select features, give scikit-learn's ``SelectFromModel`` a ``threshold=1e-12``. It knows penalty='l1' only, and
    its default would be the mean importance. ``RegularizationPath.select`` needs no threshold.

    Parameters
    ----------
    l1_ratio : float in [0, 1], default=0.5
        Share of the group term: 0 is :class:`L2`.

    Examples
    --------
    >>> from skregopt.penalties import GroupL1
    >>> GroupL1(l1_ratio=0.9)
    GroupL1(l1_ratio=0.9)
    """

    flat_parameters: ClassVar[tuple[str, ...]] = ("l1_ratio",)
    _parameter_constraints = {"l1_ratio": [Interval(Real, 0, 1, closed="both")]}
    value: Kernel = staticmethod(_group_l1_value)
    add_gradient: Kernel = staticmethod(_shared_l2_add_gradient)
    prox: Kernel = staticmethod(_group_l1_prox)

    def __init__(self, l1_ratio: float = 0.5) -> None:
        self.l1_ratio = l1_ratio

    @property
    def is_smooth(self) -> bool:
        """Whether there is no group term."""
        return self.l1_ratio == 0

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return the shares of the two terms."""
        return self.l1_ratio, 1.0 - self.l1_ratio


PENALTIES: dict[str | None, type[Penalty]] = {
    None: NoPenalty,
    "l2": L2,
    "l1": L1,
    "elasticnet": ElasticNet,
    "group_l1": GroupL1,
}
