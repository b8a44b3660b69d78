"""The identity."""

from __future__ import annotations

from .._kernels.typing import Kernel, OnnxGraph
from ._family import Activation


def _identity_activate(z, saved, hyper):
    pass


def _identity_differentiate(a, saved, delta, hyper):
    pass


class Identity(Activation):
    """Identity, f(z) = z: a network without a non-linearity.

    Examples
    --------
    >>> from skregopt import MLPRegressor
    >>> MLPRegressor(activation="identity").get_params()["activation"]
    'identity'
    """

    linear_bound: tuple[float, float] | None = (1.0, 0.0)
    activate: Kernel = staticmethod(_identity_activate)
    differentiate: Kernel = staticmethod(_identity_differentiate)

    def to_onnx(self, op: OnnxGraph, z: str) -> str:
        """Return ``z``."""
        return z
