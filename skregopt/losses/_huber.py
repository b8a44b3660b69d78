"""Huber's loss."""

from __future__ import annotations

from numbers import Real

import numpy as np

from .._kernels.sklearn_internals import Interval
from .._kernels.typing import Array, Kernel, OnnxGraph
from ._family import Growth, Loss, TargetKind, identity_invert_link

DELTA = 0  # place in `hyper`


def _huber_evaluate(raw_prediction, y, weights, scale, hyper):
    n_outputs = raw_prediction.shape[1]
    share = scale / raw_prediction.dtype.type(n_outputs)
    delta, half = hyper[DELTA], raw_prediction.dtype.type(0.5)
    total = 0.0
    for i in range(raw_prediction.shape[0]):
        weight = weights[i, 0]
        losses = 0.0
        for k in range(n_outputs):
            residual = raw_prediction[i, k] - y[i, k]
            magnitude = abs(residual)
            clipped = min(magnitude, delta)
            losses += np.float64(clipped * (magnitude - half * clipped))
            slope = clipped if residual > 0 else -clipped
            raw_prediction[i, k] = (share * weight) * (slope if residual == residual else residual)
        total += weight * losses
    return total / n_outputs


class Huber(Loss):
    """Huber's loss of the residual r = z - y, averaged over outputs; prediction z.

    ``r^2 / 2`` where ``|r| <= delta``, else ``delta (|r| - delta / 2)``, as PyTorch's ``HuberLoss``.

    Parameters
    ----------
    delta : float > 0, default=1.0
        Residual beyond which the loss grows linearly, in units of y.

    Examples
    --------
    >>> from skregopt.losses import Huber
    >>> Huber(delta=2.0)
    Huber(delta=2.0)
    """

    targets: tuple[TargetKind, ...] = ("continuous",)
    growth: Growth | None = "polynomial"
    _parameter_constraints = {"delta": [Interval(Real, 0, None, closed="neither")]}
    evaluate: Kernel = staticmethod(_huber_evaluate)
    invert_link: Kernel = staticmethod(identity_invert_link)

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = delta

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return ``delta``."""
        return (self.delta,)

    def of_best_constant(self, y: Array, weights: Array) -> float | None:
        """Return the loss of the constants at which the weighted sums of the clipped residuals vanish."""
        low, high = y.min(axis=0), y.max(axis=0)
        for _ in range(40):  # halves of the interval
            middle = (low + high) / 2
            is_low = weights @ np.clip(middle - y, -self.delta, self.delta) < 0
            low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
        magnitude = np.abs(y - (low + high) / 2)
        clipped = np.minimum(magnitude, self.delta)
        return float(weights @ (clipped * (magnitude - clipped / 2)).mean(axis=1))

    def to_onnx(self, op: OnnxGraph, raw_prediction: str) -> str:
        """Return ``raw_prediction``."""
        return raw_prediction
