"""What the transformers of this package share: float32 out, fits that fail without a trace, rows in portions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags

from .._kernels.columns import checked_numbers
from .._kernels.typing import Array

_PORTION = 2**15  # numbers that stay in the cache of a core


def portions(n_rows: int, n_columns: int, size: int = _PORTION) -> Iterator[slice]:
    """Yield slices of rows that hold about ``size`` numbers each, so that temporary arrays are small."""
    step = max(1, size // max(1, n_columns))
    return (slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step))


@contextmanager
def unchanged_on_failure(estimator: object) -> Iterator[None]:
    """Leave an estimator as it was, fitted or not, if the block raises."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


class Encoder(TransformerMixin, BaseEstimator):
    """A transformer whose output is float32, and to which missing values are no error."""

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class NumericEncoder(Encoder):
    """A transformer of numbers, column by column."""

    def _numbers(self, X, reset):
        """Return X as an array of real numbers, in the dtype that it has, and not copied where it is an array."""
        # arrays keep their dtype; of frames scikit-learn would leave some columns as objects
        dtype = "numeric" if isinstance(X, np.ndarray) else [np.float64, np.float32]
        return checked_numbers(self, X, reset=reset, dtype=dtype, ensure_all_finite="allow-nan")

    def _transformed(self, X, n_outputs):
        X = self._numbers(X, reset=False)
        outputs = np.empty((X.shape[0], n_outputs), np.float32)
        self._write(X, outputs)
        return outputs


def present(column: Array) -> Array:
    """Return the values of a column that are not missing, as a new array of float64."""
    column = column.astype(np.float64)
    missing = np.isnan(column)
    return column[~missing] if missing.any() else column
