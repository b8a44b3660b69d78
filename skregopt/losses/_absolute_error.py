"""Absolute error: the pinball loss of the median, doubled."""

from __future__ import annotations

from .._kernels.typing import Array, Kernel, OnnxGraph
from ._family import Growth, Loss, TargetKind, identity_invert_link
from ._quantile import pinball_evaluate, pinball_of_best_constant


class AbsoluteError(Loss):
    """Absolute error, ``|z - y|``, averaged over outputs; prediction z, which estimates the median.

    Examples
    --------
    >>> from skregopt.losses import AbsoluteError
    >>> AbsoluteError().out_activation
    'identity'
    """

    targets: tuple[TargetKind, ...] = ("continuous",)
    growth: Growth | None = "polynomial"
    evaluate: Kernel = staticmethod(pinball_evaluate)
    invert_link: Kernel = staticmethod(identity_invert_link)

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return the numbers of :class:`Quantile`'s kernel: one level, with a loss of 1 per unit below and above y."""
        return (1.0, 1.0, 1.0)

    def of_best_constant(self, y: Array, weights: Array) -> float | None:
        """Return the mean absolute deviation of y from its median, averaged over outputs."""
        return 2 * pinball_of_best_constant(y, weights, 0.5)

    def to_onnx(self, op: OnnxGraph, raw_prediction: str) -> str:
        """Return ``raw_prediction``."""
        return raw_prediction
