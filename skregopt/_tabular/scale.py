"""The unit in which networks see the targets of a regression, and back."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class TargetScale:
    """Targets y as ``(y - center) / scale``, and predictions within the range of the targets.

    Attributes
    ----------
    center, scale : ndarray of shape (n_targets,)
        The centre is 0 where the loss has a positive domain.
    low, high : ndarray of shape (n_targets,)
        Range of the targets.
    """

    center: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, y, weights, is_positive):
        """Return the scale of targets.

        Parameters
        ----------
        y : ndarray of shape (n_rows, n_targets)
            float64.
        weights : ndarray of shape (n_rows,)
        is_positive : bool
            Whether the loss is for positive targets, whose ratios count: they are divided by their mean.
        """
        rows = weights > 0
        y, weights = y[rows], weights[rows, np.newaxis] / weights[rows].sum()
        low, high = y.min(axis=0), y.max(axis=0)
        # sums without BLAS, whose bits depend on its threads
        mean = np.clip((weights * y).sum(axis=0), low, high)  # rounding would make a constant vary
        if is_positive:
            center, scale = np.zeros_like(mean), mean
        else:
            unit = np.maximum(high - mean, mean - low)  # so that no square is too small or too large for a float
            unit[unit == 0] = 1.0
            center, scale = mean, unit * np.sqrt((weights * ((y - mean) / unit) ** 2).sum(axis=0))
        return cls(center, np.where(scale > 0, scale, 1.0), low, high)

    def to_network(self, y):
        """Return targets of shape (n_rows, n_targets) as networks see them."""
        return (y - self.center) / self.scale

    def from_network(self, predictions):
        """Return predictions of shape (n_rows, n_outputs) in the unit of y, in float64, and within its range."""
        return self.within_range(predictions.astype(np.float64) * self.scale + self.center)

    def within_range(self, values):
        """Return predictions in the unit of y, in place: the nearest ones within its range."""
        return np.clip(values, self.low, self.high, out=values)
