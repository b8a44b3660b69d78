"""Units that gate themselves, f(z) = z gate(z): GELU, SiLU, Mish."""

from __future__ import annotations

from typing import Literal

from .._kernels import maths
from .._kernels.jit import jit
from .._kernels.sklearn_internals import StrOptions
from .._kernels.typing import Kernel, OnnxGraph
from ._family import Activation, saved_differentiate
from ._softplus import softplus_to_onnx

USES_TANH = 0  # place in `hyper` of GELU
# Beyond this bound every gate is exactly 0 or 1. In products with 0 the bound stands for z, which may be infinite.
BOUND = 1000


@jit
def _above(x, lower):
    """Return max(x, lower); NaN stays NaN."""
    return lower if x < lower else x


@jit
def _within(x, bound):
    """Return x within [-bound, bound]; NaN stays NaN."""
    return -bound if x < -bound else (bound if x > bound else x)


@jit
def _two_sided_logistic(x, zero, one):
    """Return 1 / (1 + exp(-x)) and 1 / (1 + exp(x)); the smaller one is no difference, so nothing cancels."""
    e = maths.exp(-abs(x))
    larger = one / (one + e)
    smaller = e * larger
    is_negative = x < zero
    return smaller if is_negative else larger, larger if is_negative else smaller


def _gelu_activate(z, saved, hyper):
    dtype = z.dtype.type
    zero, one, three, bound = dtype(0), dtype(1), dtype(3), dtype(BOUND)
    linear, cubic = dtype(1.5957691216057308), dtype(0.071354816272600243)  # 2 sqrt(2 / pi) (1, 0.044715)
    density_at_0 = dtype(0.39894228040143268)
    if hyper[USES_TANH] > zero:
        for i in range(z.size):
            x = _within(z[i], bound)
            square = x * x
            gate, rest = _two_sided_logistic(x * (linear + cubic * square), zero, one)
            saved[i] = gate * (one + x * rest * (linear + three * cubic * square))
            z[i] = _above(z[i], -bound) * gate
    else:
        for i in range(z.size):
            bell = maths.gaussian(z[i])
            gate = maths.normal_cdf(z[i], bell)
            saved[i] = gate + _within(z[i], bound) * (density_at_0 * bell)
            z[i] = _above(z[i], -bound) * gate


class GELU(Activation):
    """Gaussian error linear unit, f(z) = z P(z) with P the distribution function of the standard normal.

    f' = P(z) + z exp(-z^2 / 2) / sqrt(2 pi).

    Parameters
    ----------
    approximate : {'none', 'tanh'}, default='none'
        'tanh' replaces P(z) by (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2, as PyTorch's parameter does.

    Notes
    -----
    D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415, 2016.

    Examples
    --------
    >>> from skregopt.activations import GELU
    >>> GELU(approximate="tanh")
    GELU(approximate='tanh')
    """

    _parameter_constraints = {"approximate": [StrOptions({"none", "tanh"})]}
    saves = True
    default_initializer = "he_uniform"
    linear_bound: tuple[float, float] | None = (1.0, 0.0)
    activate: Kernel = staticmethod(_gelu_activate)
    differentiate: Kernel = staticmethod(saved_differentiate)

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        self.approximate = approximate

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return 1 for the approximation by tanh, else 0."""
        return (float(self.approximate == "tanh"),)

    def to_onnx(self, op: OnnxGraph, z: str) -> str:
        """Return ``z`` times a gate; its Erf is in float32, the only one that onnxruntime has."""
        if self.approximate == "tanh":
            cube = op.Mul(z, op.Mul(z, z))
            gate = op.Sigmoid(op.Mul(op.Add(z, op.Mul(cube, 0.044715)), 1.5957691216057308))
        else:
            error = op.Erf(op.Cast(op.Mul(z, 0.70710678118654752), to=op.FLOAT))
            gate = op.Mul(op.Add(op.Cast(error, to=op.element_type), 1.0), 0.5)
        return op.Mul(z, gate)


def _silu_activate(z, saved, hyper):
    zero, one, bound = z.dtype.type(0), z.dtype.type(1), z.dtype.type(BOUND)
    for i in range(z.size):
        gate, rest = _two_sided_logistic(z[i], zero, one)
        saved[i] = gate * (one + _within(z[i], bound) * rest)
        z[i] = _above(z[i], -bound) * gate


class SiLU(Activation):
    """Sigmoid linear unit or swish, f(z) = z s(z) with s(z) = 1 / (1 + exp(-z)), f' = s (1 + z (1 - s)).

    Notes
    -----
    S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning", Neural Networks 107, 2018.

    Examples
    --------
    >>> from skregopt.activations import SiLU
    >>> SiLU()
    SiLU()
    """

    saves = True
    default_initializer = "he_uniform"
    linear_bound: tuple[float, float] | None = (1.0, 0.0)
    activate: Kernel = staticmethod(_silu_activate)
    differentiate: Kernel = staticmethod(saved_differentiate)

    def to_onnx(self, op: OnnxGraph, z: str) -> str:
        """Return ``z`` times its Sigmoid."""
        return op.Mul(z, op.Sigmoid(z))


def _mish_activate(z, saved, hyper):
    # tanh(log(1 + exp(z))) as a ratio of polynomials in e = exp(-|z|), and its derivative
    dtype = z.dtype.type
    zero, one, two, four, bound = dtype(0), dtype(1), dtype(2), dtype(4), dtype(BOUND)
    for i in range(z.size):
        x = z[i]
        is_negative = x < zero
        e = maths.exp(-abs(x))
        numerator = e * (e + two) if is_negative else one + two * e
        ratio = one / (numerator + (two if is_negative else two * e * e))
        gate = numerator * ratio
        slope = four * e * (one + e) * (one if is_negative else e) * ratio * ratio
        saved[i] = gate + _within(x, bound) * slope
        z[i] = _above(x, -bound) * gate


class Mish(Activation):
    """Mish, f(z) = z t(z) with t(z) = tanh(log(1 + exp(z))), f' = t + z (1 - t^2) / (1 + exp(-z)).

    Notes
    -----
    D. Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020.

    Examples
    --------
    >>> from skregopt.activations import Mish
    >>> Mish()
    Mish()
    """

    saves = True
    default_initializer = "he_uniform"
    linear_bound: tuple[float, float] | None = (1.0, 0.0)
    activate: Kernel = staticmethod(_mish_activate)
    differentiate: Kernel = staticmethod(saved_differentiate)

    def to_onnx(self, op: OnnxGraph, z: str) -> str:
        """Return ``z`` times the Tanh of its softplus."""
        return op.Mul(z, op.Tanh(softplus_to_onnx(op, z)))
