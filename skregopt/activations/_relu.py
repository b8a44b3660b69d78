"""Rectified linear units."""

from __future__ import annotations

from numbers import Real

from .._kernels.sklearn_internals import Interval
from .._kernels.typing import Kernel, OnnxGraph
from ._family import Activation

NEGATIVE_SLOPE = 0  # place in `hyper`


def _relu_activate(z, saved, hyper):
    zero = z.dtype.type(0)
    for i in range(z.size):
        # written so that NaN stays NaN
        z[i] = zero if z[i] < zero else z[i]


def _relu_differentiate(a, saved, delta, hyper):
    zero = a.dtype.type(0)
    for i in range(a.size):
        delta[i] = zero if a[i] <= zero else delta[i]


class ReLU(Activation):
    """Rectified linear unit, f(z) = max(0, z), f' = 1 for z > 0 and 0 otherwise.

    ``weight_init='auto'`` draws scikit-learn's weights for it, 'glorot_uniform': with 'he_uniform', shallow networks
    on small data end worse.

    Examples
    --------
    >>> from skregopt.activations import ReLU
    >>> ReLU()
    ReLU()
    """

    linear_bound: tuple[float, float] | None = (1.0, 0.0)
    activate: Kernel = staticmethod(_relu_activate)
    differentiate: Kernel = staticmethod(_relu_differentiate)

    def to_onnx(self, op: OnnxGraph, z: str) -> str:
        """Return ONNX's Relu."""
        return op.Relu(z)


def _leaky_relu_activate(z, saved, hyper):
    zero, slope = z.dtype.type(0), hyper[NEGATIVE_SLOPE]
    for i in range(z.size):
        z[i] = z[i] if z[i] > zero else slope * z[i]


def _leaky_relu_differentiate(a, saved, delta, hyper):
    zero, one, slope = a.dtype.type(0), a.dtype.type(1), hyper[NEGATIVE_SLOPE]
    for i in range(a.size):
        delta[i] *= slope if a[i] <= zero else one


class LeakyReLU(Activation):
    """Leaky rectified linear unit, f(z) = z for z > 0 and negative_slope z otherwise; f' = 1 or negative_slope.

    Parameters
    ----------
    negative_slope : float >= 0, default=0.01
        Slope below 0, with which a unit that is off still learns. The default is PyTorch's.

    Notes
    -----
    A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.

    Examples
    --------
    >>> from skregopt.activations import LeakyReLU
    >>> LeakyReLU(negative_slope=0.2)
    LeakyReLU(negative_slope=0.2)
    """

    _parameter_constraints = {"negative_slope": [Interval(Real, 0, None, closed="left")]}
    default_initializer = "he_uniform"
    activate: Kernel = staticmethod(_leaky_relu_activate)
    differentiate: Kernel = staticmethod(_leaky_relu_differentiate)

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    @property
    def linear_bound(self) -> tuple[float, float]:
        """The larger slope."""
        return max(1.0, self.negative_slope), 0.0

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return the slope below 0."""
        return (self.negative_slope,)

    def to_onnx(self, op: OnnxGraph, z: str) -> str:
        """Return ``z`` above 0, a multiple below."""
        return op.Where(op.Greater(z, 0.0), z, op.Mul(z, self.negative_slope))
