"""Softplus."""

from __future__ import annotations

from .._kernels import maths
from .._kernels.typing import Kernel, OnnxGraph
from ._family import Activation, saved_differentiate


def _softplus_activate(z, saved, hyper):
    zero, one = z.dtype.type(0), z.dtype.type(1)
    for i in range(z.size):
        x = z[i]
        e = maths.exp(-abs(x))
        saved[i] = (e if x < zero else one) / (one + e)
        z[i] = (x if x > zero else zero) + maths.log1p(e)


def softplus_to_onnx(op: OnnxGraph, z: str) -> str:
    """Return log(1 + exp(z)) without overflow."""
    return op.Add(op.Max(z, 0.0), op.Log(op.Add(op.Exp(op.Neg(op.Abs(z))), 1.0)))


class Softplus(Activation):
    """Softplus, f(z) = log(1 + exp(z)), a smooth rectifier; f' = 1 / (1 + exp(-z)).

    PyTorch's with beta 1, without its threshold of 20, above which PyTorch returns z (wrong by 2e-9 there).

    Notes
    -----
    C. Dugas, Y. Bengio, F. Belisle, C. Nadeau, R. Garcia, "Incorporating second-order functional knowledge for better
    option pricing", NeurIPS 2000.

    Examples
    --------
    >>> from skregopt.activations import Softplus
    >>> Softplus()
    Softplus()
    """

    saves = True
    default_initializer = "he_uniform"
    linear_bound: tuple[float, float] | None = (1.0, 1.0)
    activate: Kernel = staticmethod(_softplus_activate)
    differentiate: Kernel = staticmethod(saved_differentiate)

    def to_onnx(self, op: OnnxGraph, z: str) -> str:
        """Return the softplus without overflow."""
        return softplus_to_onnx(op, z)
