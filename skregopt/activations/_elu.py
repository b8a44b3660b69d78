"""Exponential linear units."""

from __future__ import annotations

from numbers import Real

from .._kernels import maths
from .._kernels.jit import jit
from .._kernels.sklearn_internals import Interval
from .._kernels.typing import Kernel, OnnxGraph
from ._family import Activation, saved_differentiate

NEGATIVE_SCALE = 0  # place in `hyper`
# Klambauer et al. 2017: the scale, and its product with alpha
SELU_SCALE, SELU_SCALE_ALPHA = 1.0507009873554804934, 1.7580993408473768599


@jit
def _scaled_elu(z, derivatives, upper, lower):
    """Replace z by upper z above 0 and by lower (exp(z) - 1) below."""
    zero = z.dtype.type(0)
    for i in range(z.size):
        x = z[i]
        is_positive = x > zero
        below = zero if is_positive else x
        derivatives[i] = upper if is_positive else lower * maths.exp(below)
        z[i] = upper * x if is_positive else lower * maths.expm1(below)


def _scaled_elu_to_onnx(op, z, upper, lower):
    below = op.Mul(op.Sub(op.Exp(op.Min(z, 0.0)), 1.0), lower)
    return op.Where(op.Greater(z, 0.0), op.Mul(z, upper), below)


def _elu_activate(z, saved, hyper):
    _scaled_elu(z, saved, z.dtype.type(1), hyper[NEGATIVE_SCALE])


class ELU(Activation):
    """Exponential linear unit, f(z) = z for z > 0 and negative_scale (exp(z) - 1) otherwise.

    f' = 1 for z > 0 and negative_scale exp(z) otherwise.

    Parameters
    ----------
    negative_scale : float >= 0, default=1.0
        f approaches minus this value at minus infinity; with 1 there is no kink at 0. PyTorch and Keras call it alpha,
        a name that here belongs to the strength of the penalty.

    Notes
    -----
    D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by exponential linear units
    (ELUs)", ICLR 2016.

    Examples
    --------
    >>> from skregopt.activations import ELU
    >>> ELU(negative_scale=0.5)
    ELU(negative_scale=0.5)
    """

    _parameter_constraints = {"negative_scale": [Interval(Real, 0, None, closed="left")]}
    saves = True
    default_initializer = "he_uniform"
    activate: Kernel = staticmethod(_elu_activate)
    differentiate: Kernel = staticmethod(saved_differentiate)

    def __init__(self, negative_scale: float = 1.0) -> None:
        self.negative_scale = negative_scale

    @property
    def linear_bound(self) -> tuple[float, float]:
        """The slope above 0, the limit below."""
        return 1.0, self.negative_scale

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return ``negative_scale``."""
        return (self.negative_scale,)

    def to_onnx(self, op: OnnxGraph, z: str) -> str:
        """Return ``z`` above 0, an exponential below."""
        return _scaled_elu_to_onnx(op, z, 1.0, self.negative_scale)


def _selu_activate(z, saved, hyper):
    _scaled_elu(z, saved, z.dtype.type(SELU_SCALE), z.dtype.type(SELU_SCALE_ALPHA))


class SELU(Activation):
    """Scaled exponential linear unit, f(z) = scale z for z > 0 and scale alpha (exp(z) - 1) otherwise.

    With scale = 1.0507009873554805, alpha = 1.6732632423543772 and initial weights of variance 1 / fan_in, activations
    keep mean 0 and variance 1 at any depth. ``weight_init='auto'`` draws such weights.

    Notes
    -----
    G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, "Self-normalizing neural networks", NeurIPS 2017.

    Examples
    --------
    >>> from skregopt.activations import SELU
    >>> SELU().default_initializer
    'lecun_normal'
    """

    saves = True
    default_initializer = "lecun_normal"
    linear_bound: tuple[float, float] | None = (SELU_SCALE, SELU_SCALE_ALPHA)
    activate: Kernel = staticmethod(_selu_activate)
    differentiate: Kernel = staticmethod(saved_differentiate)

    def to_onnx(self, op: OnnxGraph, z: str) -> str:
        """Return a multiple of ``z`` above 0, an exponential below."""
        return _scaled_elu_to_onnx(op, z, SELU_SCALE, SELU_SCALE_ALPHA)
