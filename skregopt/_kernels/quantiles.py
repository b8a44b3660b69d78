"""Edges of bins that hold equal shares of the data, as far as repeated values allow."""

import numpy as np

from .typing import Array, Float64s


def quantile_edges(values: Float64s, n_bins: int, weights: Float64s | None = None) -> Float64s:
    """Return the edges of ``n_bins`` bins with equal shares of the (weighted) values, all of them values.

    Edges are the quantiles at 0, 1/n, ..., 1 where no value counts for more than a share, the n-th part of what counts.
    So the quantiles that a frequent value would take are dealt out among the others. A minimum with a share of its own
    does not count: it is an edge anyway. With at most n + 1 distinct values all of them are edges.

    A weight of 2 counts like a second row of the same value. Equal weights of any size count as rows, without rounding.
    Other weights have sums that round, by how much depends on their scale: a sum that reaches a number of shares but
    for rounding has reached it.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        At least one, without NaN.
    n_bins : int
        At least 1. There may be far more bins than values.
    weights : ndarray of shape (n_values,), dtype float64, default=None
        Above 0. None counts each value once.

    Returns
    -------
    ndarray of shape (min(n_bins + 1, number of distinct values),)
        In increasing order.
    """
    if weights is None or np.all(weights == weights[0]):
        distinct, counts = np.unique(values, return_counts=True)
        rounding = 0.0
    else:
        distinct, places = np.unique(values, return_inverse=True)
        counts = np.bincount(places, weights / np.max(weights))  # no overflow
        rounding = 4 * values.size * np.finfo(np.float64).eps  # above that of two sums of so many, and of a quotient
    if distinct.size <= n_bins + 1:
        return distinct
    is_edge = _completes_share(counts, n_bins, rounding)
    if is_edge[0]:
        is_edge[1:] = _completes_share(counts[1:], n_bins, rounding)
    is_edge[0] = True
    return distinct[is_edge]


def _completes_share(counts: Array, n_shares: int, rounding: float) -> Array:
    """Return up to which of many values counts complete a share; there are ``n_shares`` of them.

    Counts are cut to one share, the ``n_shares``-th part of their sum. If k values are cut, a share is the sum of the
    others by ``n_shares - k``, and in units of ``1 / (n_shares - k)`` whole counts stay whole.
    """
    ascending = np.sort(counts)
    n_others = n_shares - np.arange(n_shares)  # shares for all but the largest k, k = 0, 1, ...
    others = np.cumsum(ascending)[: -n_shares - 1 : -1]
    k = np.argmax(ascending[: -n_shares - 1 : -1] * n_others <= others)  # the last k is large enough
    share = others[k]
    cumulated = np.cumsum(np.minimum(counts * n_others[k], share))
    return np.diff((cumulated + rounding * cumulated) // share, prepend=0) > 0
