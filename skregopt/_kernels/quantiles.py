"""Quantiles that are values of the data, each once: the edges of bins."""

import numpy as np

from .typing import Float64s


def distinct_quantiles(values: Float64s, n_intervals: int, weights: Float64s | None = None) -> Float64s:
    """Return the distinct quantiles at 0, 1/n, ..., 1 of the (weighted) distribution function, all of them values.

    A weight of 2 counts like a second row of the same value. The quantile at p is the smallest value up to which the
    weights add up to at least p times their sum. Equal weights of any size count as rows, without rounding. Other
    weights have sums that round, by how much depends on their scale: a sum that reaches p times the sum of all but for
    rounding has reached it.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        At least one, without NaN.
    n_intervals : int
        The n, at least 1. There may be far more quantiles than values.
    weights : ndarray of shape (n_values,), dtype float64, default=None
        At least 0, not all of them 0. None counts each value once.

    Returns
    -------
    ndarray of shape (n_quantiles,), 1 <= n_quantiles <= n_intervals + 1
        In increasing order.
    """
    if weights is None or np.all(weights == weights[0]):
        ordered, n_quantiles = np.sort(values), min(n_intervals, values.size)
        # the place of the value up to which there are at least k / n of all, k = 1, ..., n; whole numbers do not round
        places = -(-np.arange(1, n_quantiles + 1) * values.size // n_quantiles) - 1
        return np.unique(ordered[np.append(0, places)])
    distinct, places = np.unique(values, return_inverse=True)
    cumulated = np.cumsum(np.bincount(places, weights / np.max(weights)))  # no overflow
    rounding = 1 + 4 * values.size * np.finfo(np.float64).eps  # above that of two sums of so many, and of a quotient
    last = np.floor(cumulated * (n_intervals / cumulated[-1] * rounding))  # the last k for which k / n is reached
    return distinct[np.diff(last, prepend=-1.0) > 0]
