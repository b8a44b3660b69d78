"""Shares of quantile bins."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from .._kernels.quantiles import quantile_edges
from .._kernels.sklearn_internals import Interval, StrOptions, fit_context, input_feature_names
from .._kernels.typing import Array, Float64s
from ._base import NumericEncoder, portions, present, unchanged_on_failure


def bin_edges(column: Array, n_bins: int) -> Float64s:
    """Return the edges of the bins of a column; a single one for a constant, none where no value is present."""
    values = present(column)
    return quantile_edges(values, n_bins) if values.size else values


class PiecewiseLinearEncoder(NumericEncoder):
    """Encode each column by its shares of quantile bins.

    A column x becomes one number for each of its bins::

        e_b(x) = (x - t_b) / (t_b+1 - t_b), at least 0 and at most 1

    They are 1 for the bins below x, a share for the bin that holds x, and 0 for the bins above. A linear function of
    them is a continuous function of x, linear within each bin. So a linear model becomes a piecewise linear one, and a
    network need not learn where a column has its steps.

    The edges t_0 < t_1 < ... are values of the column: the quantiles at 0, 1/n, ..., 1 (n is ``n_bins``). So each bin
    has the same share of the rows. A value that fills a share by itself counts for no more than that, and the other
    bins are dealt out among the other values. A column with at most n + 1 distinct values has an edge at each of them.
    A constant column has no bin, so it is left out, as is a column without a value.

    Missing values, NaN, are no part of the edges, and make all bins of their column NaN, for an imputer before or
    behind this encoder, or an estimator that knows them.

    Parameters
    ----------
    n_bins : int in [1, 1000000000], default=16
        Largest number of bins of a column.
    extrapolation : {'constant', 'linear'}, default='constant'
        What happens to values outside the edges. 'constant': they are encoded like the outermost edges. 'linear': the
        first bin is open below, where it becomes negative, and the last one above, where it exceeds 1.

    Attributes
    ----------
    bin_edges_ : list of ndarray of shape (bins of the column + 1,), dtype float64
        Edges of each column; a single one for a constant, none for a column without a value.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X in ``fit`` had names that are all strings.

    See Also
    --------
    SmoothClipScaler : One number for each column.
    skregopt.embeddings.PiecewiseLinear : The same bins within a network, whose first layer stays narrow.
    sklearn.preprocessing.KBinsDiscretizer : Bins without shares.

    Notes
    -----
    Differences from edges are computed in float64, so that values with a large offset in common keep their digits. The
    output is float32. With ``extrapolation='linear'`` it is cut off at the largest number of float32.

    Y. Gorishniy, I. Rubachev, A. Babenko, "On embeddings for numerical features in tabular deep learning", NeurIPS
    2022. There the outer bins are open, as with ``extrapolation='linear'``.

    Examples
    --------
    >>> import numpy as np
    >>> from skregopt.preprocessing import PiecewiseLinearEncoder
    >>> encoder = PiecewiseLinearEncoder(n_bins=2).fit([[0.0], [10.0], [20.0], [100.0]])
    >>> encoder.bin_edges_
    [array([  0.,  10., 100.])]
    >>> encoder.transform([[5.0], [55.0], [1000.0]])
    array([[0.5, 0. ],
           [1. , 0.5],
           [1. , 1. ]], dtype=float32)
    >>> encoder.get_feature_names_out()
    array(['x0_bin_0', 'x0_bin_1'], dtype=object)
    """

    bin_edges_: list[Float64s]
    n_features_in_: int
    feature_names_in_: Array
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_bins": [Interval(Integral, 1, 10**9, closed="both")],
        "extrapolation": [StrOptions({"constant", "linear"})],
    }

    def __init__(self, n_bins: int = 16, *, extrapolation: Literal["constant", "linear"] = "constant") -> None:
        self.n_bins = n_bins
        self.extrapolation = extrapolation

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Find the edges of the bins.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Real numbers and NaN.
        y : None
            Ignored.

        Returns
        -------
        self : PiecewiseLinearEncoder
            The fitted encoder.

        Raises
        ------
        ValueError
            For X with infinity, or without rows.
        """
        with unchanged_on_failure(self):
            X = self._numbers(X, reset=True)
            self._set([bin_edges(column, self.n_bins) for column in X.T])
        return self

    def transform(self, X: ArrayLike) -> Array:
        """Encode columns by their shares of bins.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Real numbers and NaN.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs), dtype float32
            All bins of the first column, then those of the second one, and so on; a data frame after ``set_output``.

        Raises
        ------
        ValueError
            For X with infinity, or with other columns than in ``fit``.
        """
        check_is_fitted(self)
        return self._transformed(X, sum(self._n_bins()))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Return the names of the outputs.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of the features; those of ``fit`` by default, or ``x0``, ``x1``, ...

        Returns
        -------
        ndarray of str of shape (n_outputs,), dtype object
            The name of the feature and the number of the bin, such as ``age_bin_0``.
        """
        check_is_fitted(self)
        names = input_feature_names(self, input_features)
        pairs = zip(names, self._n_bins(), strict=True)
        return np.array([f"{name}_bin_{b}" for name, n_bins in pairs for b in range(n_bins)], dtype=object)

    def _set(self, edges):
        self.n_features_in_, self.bin_edges_ = len(edges), edges

    def _n_bins(self):
        return [max(0, edges.size - 1) for edges in self.bin_edges_]

    def _write(self, X, outputs):
        n_bins = self._n_bins()
        columns = np.repeat(np.arange(len(n_bins)), n_bins)
        lower = np.concatenate([edges[:-1] for edges in self.bin_edges_])
        upper = np.concatenate([edges[1:] for edges in self.bin_edges_])
        least, most = np.zeros(columns.size), np.ones(columns.size)
        if self.extrapolation == "linear":
            last = np.cumsum(n_bins)[np.array(n_bins) > 0] - 1
            first = np.append(0, last[:-1] + 1)[: last.size]
            least[first], most[last] = np.finfo(np.float32).min, np.finfo(np.float32).max
        if not columns.size:
            return
        with np.errstate(over="ignore"):
            widths = np.minimum(upper - lower, np.finfo(np.float64).max)
            for rows in portions(len(X), columns.size):
                shares = X[rows].astype(np.float64).take(columns, axis=1)
                shares -= lower
                shares /= widths
                np.clip(shares, least, most, out=outputs[rows], casting="same_kind")
