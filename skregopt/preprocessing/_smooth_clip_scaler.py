"""Scaling by the median and the quartiles, with outliers drawn in."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils.validation import check_is_fitted

from .._kernels.sklearn_internals import fit_context
from .._kernels.typing import Array, Float64s
from ._base import NumericEncoder, portions, present, unchanged_on_failure

_LARGEST = np.finfo(np.float64).max
BOUND = 3.0  # of what the scaler returns
FAR = 1e100  # from there on the bound is reached, and squares are still finite


def center_and_scale(column: Array) -> tuple[float, float]:
    """Return the median of a column and what to divide by; 0 for a constant, and both 0 where no value is present."""
    values = present(column)
    if not values.size:
        return 0.0, 0.0
    lowest, highest = values.min(), values.max()
    unit = 2.0 if max(-lowest, highest) > FAR else 1.0  # differences of halves do not overflow
    lower, median, upper = np.quantile(values / unit, (0.25, 0.5, 0.75), overwrite_input=True)
    spread = upper - lower if upper > lower else (highest / unit - lowest / unit) / 2
    return float(unit * median), float(min(spread, _LARGEST / unit) * unit)


class SmoothClipScaler(OneToOneFeatureMixin, NumericEncoder):
    """Scale columns by median and quartiles, and draw outliers in.

    A column x becomes::

        z / sqrt(1 + (z / 3)^2),   z = (x - median) / (q75 - q25)

    which is close to z near 0, and always between -3 and 3. Where the quartiles q25 and q75 coincide, z is divided by
    half of the range instead, (max - min) / 2. A constant column becomes 0, also for other values in new rows.

    Order is kept, as far as float32 resolves it. No value of a new row is too large for a network behind the scaler.

    Missing values, NaN, are no part of the statistics, and stay NaN.

    Attributes
    ----------
    center_ : ndarray of shape (n_features,), dtype float64
        Median of each column; 0 for a column without a value.
    scale_ : ndarray of shape (n_features,), dtype float64
        What is divided by: q75 - q25, or half of the range. 0 for a constant column and for one without a value, which
        become 0.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X in ``fit`` had names that are all strings.

    See Also
    --------
    PiecewiseLinearEncoder : Shares of quantile bins.
    TabularEncoder : Numbers and categories of a table.

    Notes
    -----
    Differences from the median are computed in float64, so that values with a large offset in common keep their digits.
    The output is float32.

    D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular
    data", NeurIPS 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from skregopt.preprocessing import SmoothClipScaler
    >>> X = np.array([[1.0], [2.0], [3.0], [4.0], [1e6]])
    >>> SmoothClipScaler().fit_transform(X).ravel().round(2)
    array([-0.95, -0.49,  0.  ,  0.49,  3.  ], dtype=float32)
    """

    center_: Float64s
    scale_: Float64s
    n_features_in_: int
    feature_names_in_: Array
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Compute median and scale of each column.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Real numbers and NaN.
        y : None
            Ignored.

        Returns
        -------
        self : SmoothClipScaler
            The fitted scaler.

        Raises
        ------
        ValueError
            For X with infinity, or without rows.
        """
        with unchanged_on_failure(self):
            X = self._numbers(X, reset=True)
            self._set([center_and_scale(column) for column in X.T])
        return self

    def transform(self, X: ArrayLike) -> Array:
        """Scale columns.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Real numbers and NaN.

        Returns
        -------
        ndarray of shape (n_samples, n_features), dtype float32
            Numbers between -3 and 3, and NaN; a data frame after ``set_output``.

        Raises
        ------
        ValueError
            For X with infinity, or with other columns than in ``fit``.
        """
        check_is_fitted(self)
        return self._transformed(X, self.n_features_in_)

    def _set(self, statistics):
        self.n_features_in_ = len(statistics)
        self.center_, self.scale_ = map(np.array, zip(*statistics, strict=True))

    def _write(self, X, outputs):
        varies = self.scale_ > 0
        divisors = np.where(varies, self.scale_, 1.0)
        with np.errstate(over="ignore"):
            for rows in portions(*X.shape):
                z = X[rows] - self.center_
                z /= divisors
                z *= varies
                np.clip(z, -FAR, FAR, out=z)
                outputs[rows] = z / np.sqrt(1 + (z / BOUND) ** 2)
