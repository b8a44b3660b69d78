"""Functions of the shape of an S: the logistic sigmoid and the hyperbolic tangent."""

from __future__ import annotations

from .._kernels import maths
from .._kernels.typing import Kernel, OnnxGraph
from ._family import Activation


def _logistic_activate(z, saved, hyper):
    for i in range(z.size):
        z[i] = maths.logistic(z[i])


def _logistic_differentiate(a, saved, delta, hyper):
    one = a.dtype.type(1)
    for i in range(a.size):
        delta[i] *= a[i] * (one - a[i])


class Logistic(Activation):
    """Logistic sigmoid, f(z) = 1 / (1 + exp(-z)), f' = f (1 - f).

    Its derivative is at most 1/4, so gradients shrink with every layer below it.

    Examples
    --------
    >>> from skregopt.activations import Logistic
    >>> Logistic()
    Logistic()
    """

    glorot_gain: float = 1.0 / 3.0  # as in scikit-learn
    linear_bound: tuple[float, float] | None = (0.0, 1.0)
    activate: Kernel = staticmethod(_logistic_activate)
    differentiate: Kernel = staticmethod(_logistic_differentiate)

    def to_onnx(self, op: OnnxGraph, z: str) -> str:
        """Return ONNX's Sigmoid."""
        return op.Sigmoid(z)


def _tanh_activate(z, saved, hyper):
    for i in range(z.size):
        z[i] = maths.tanh(z[i])


def _tanh_differentiate(a, saved, delta, hyper):
    one = a.dtype.type(1)
    for i in range(a.size):
        delta[i] *= one - a[i] * a[i]


class Tanh(Activation):
    """Hyperbolic tangent, f(z) = tanh(z), f' = 1 - f^2.

    Examples
    --------
    >>> from skregopt.activations import Tanh
    >>> Tanh()
    Tanh()
    """

    linear_bound: tuple[float, float] | None = (0.0, 1.0)
    activate: Kernel = staticmethod(_tanh_activate)
    differentiate: Kernel = staticmethod(_tanh_differentiate)

    def to_onnx(self, op: OnnxGraph, z: str) -> str:
        """Return ONNX's Tanh."""
        return op.Tanh(z)
