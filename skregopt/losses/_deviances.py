"""Deviances of the Poisson and the gamma distribution."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from .._kernels import maths
from .._kernels.typing import Array, Kernel, OnnxGraph
from ._family import Growth, Loss, TargetKind


def _poisson_evaluate(raw_prediction, y, weights, scale, hyper):
    n_outputs = raw_prediction.shape[1]
    share = scale / raw_prediction.dtype.type(n_outputs)
    total = 0.0
    for i in range(raw_prediction.shape[0]):
        weight = weights[i, 0]
        deviance = 0.0
        for k in range(n_outputs):
            z, target = np.float64(raw_prediction[i, k]), np.float64(y[i, k])
            y_pred = maths.exp(raw_prediction[i, k])
            deviance += np.float64(y_pred) - target * z - target
            if target > 0.0:
                deviance += target * np.log(target)
            raw_prediction[i, k] = (share * weight) * (y_pred - y[i, k])
        total += weight * deviance
    return total / n_outputs


def _exp_invert_link(raw_prediction, hyper):
    for i in range(raw_prediction.shape[0]):
        for k in range(raw_prediction.shape[1]):
            raw_prediction[i, k] = maths.exp(raw_prediction[i, k])


class Poisson(Loss):
    """Half the Poisson deviance with log link, exp(z) - y z + y log(y) - y, averaged over outputs; prediction exp(z).

    Examples
    --------
    >>> from skregopt.losses import Poisson
    >>> Poisson().out_activation
    'exp'
    """

    targets: tuple[TargetKind, ...] = ("continuous",)
    growth: Growth | None = "exponential"
    out_activation = "exp"
    evaluate: Kernel = staticmethod(_poisson_evaluate)
    invert_link: Kernel = staticmethod(_exp_invert_link)

    def check_y(self, y: Array) -> None:
        """Raise ValueError for negative targets."""
        if y.size and y.min() < 0:
            raise ValueError(
                f"loss='poisson' requires non-negative y, got y with a minimum of {y.min()}. Use "
                "loss='squared_error' for targets of both signs."
            )

    def of_best_constant(self, y: Array, weights: Array) -> float | None:
        """Return half the deviance of y from its mean, averaged over outputs."""
        mean = weights @ y
        return float(np.mean(weights @ xlogy(y, y) - xlogy(mean, mean)))

    def to_onnx(self, op: OnnxGraph, raw_prediction: str) -> str:
        """Return the exponential of each element."""
        return op.Exp(raw_prediction)


def _gamma_evaluate(raw_prediction, y, weights, scale, hyper):
    n_outputs = raw_prediction.shape[1]
    one = raw_prediction.dtype.type(1)
    share = scale / raw_prediction.dtype.type(n_outputs)
    total = 0.0
    for i in range(raw_prediction.shape[0]):
        weight = weights[i, 0]
        deviance = 0.0
        for k in range(n_outputs):
            z = raw_prediction[i, k]
            ratio = y[i, k] * maths.exp(-z)
            deviance += np.float64(z) - np.log(np.float64(y[i, k])) + np.float64(ratio) - 1.0
            raw_prediction[i, k] = (share * weight) * (one - ratio)
        total += weight * deviance
    return total / n_outputs


class Gamma(Loss):
    """Half the gamma deviance with log link, y exp(-z) - log(y exp(-z)) - 1, averaged over outputs; prediction exp(z).

    Targets have to be above 0.

    Examples
    --------
    >>> from skregopt.losses import Gamma
    >>> Gamma().out_activation
    'exp'
    """

    targets: tuple[TargetKind, ...] = ("continuous",)
    growth: Growth | None = "exponential"
    out_activation = "exp"
    evaluate: Kernel = staticmethod(_gamma_evaluate)
    invert_link: Kernel = staticmethod(_exp_invert_link)

    def check_y(self, y: Array) -> None:
        """Raise ValueError for targets that are not positive."""
        if y.size and y.min() <= 0:
            raise ValueError(
                f"loss='gamma' requires positive y, got y with a minimum of {y.min()}. Use loss='poisson' for targets "
                "that may be zero, loss='squared_error' for targets of both signs."
            )

    def of_best_constant(self, y: Array, weights: Array) -> float | None:
        """Return half the deviance of y from its mean, averaged over outputs."""
        return float(np.mean(np.log(weights @ y) - weights @ np.log(y)))

    def to_onnx(self, op: OnnxGraph, raw_prediction: str) -> str:
        """Return the exponential of each element."""
        return op.Exp(raw_prediction)
