"""Squared error."""

from __future__ import annotations

import numpy as np

from .._kernels.typing import Array, Kernel, OnnxGraph
from ._family import Growth, Loss, TargetKind, identity_invert_link


def _squared_error_evaluate(raw_prediction, y, weights, scale, hyper):
    n_outputs = raw_prediction.shape[1]
    share = scale / raw_prediction.dtype.type(n_outputs)
    total = 0.0
    for i in range(raw_prediction.shape[0]):
        weight = weights[i, 0]
        squares = 0.0
        for k in range(n_outputs):
            residual = raw_prediction[i, k] - y[i, k]
            squares += np.float64(residual) * np.float64(residual)
            raw_prediction[i, k] = (share * weight) * residual
        total += weight * squares
    return 0.5 * total / n_outputs


class SquaredError(Loss):
    """Half the squared error, (z - y)^2 / 2, averaged over outputs; prediction z.

    Examples
    --------
    >>> from skregopt.losses import SquaredError
    >>> SquaredError().out_activation
    'identity'
    """

    targets: tuple[TargetKind, ...] = ("continuous",)
    growth: Growth | None = "polynomial"
    evaluate: Kernel = staticmethod(_squared_error_evaluate)
    invert_link: Kernel = staticmethod(identity_invert_link)

    def of_best_constant(self, y: Array, weights: Array) -> float | None:
        """Return half the variance of y, averaged over outputs."""
        residual = y - weights @ y
        return float(weights @ np.einsum("ij,ij->i", residual, residual)) / (2 * y.shape[1])

    def to_onnx(self, op: OnnxGraph, raw_prediction: str) -> str:
        """Return ``raw_prediction``."""
        return raw_prediction
