"""Columns of frames and arrays as numbers or as labels, whatever container and dtype they come in.

Frames of pandas and polars are known by what they can do. Neither library is imported.
"""

from __future__ import annotations

from numbers import Number
from typing import Any, NamedTuple

import numpy as np

from .._kernels.columns import CURES, is_missing, kind_of, shown
from .._kernels.typing import Array, Float64s, Ints

_EXACT = {"i": np.int64, "u": np.uint64, "b": np.bool_}


class Unusable(Exception):
    """A column that cannot be encoded. The message goes on after the name of the column."""

    def __init__(self, problem: str, kind: type[Exception] = TypeError) -> None:
        super().__init__(problem)
        self.kind = kind  # of the error that users see


class Labels(NamedTuple):
    """A column as distinct labels, and the label of each row."""

    labels: list[Any]  # all of them strings, or all of them numbers
    codes: Ints  # positions in ``labels``; -1 for a missing value
    is_category: bool  # by its dtype, whatever the labels are

    def are_numbers(self) -> bool:
        """Tell whether the labels are numbers; False where there are none."""
        return bool(self.labels) and not isinstance(self.labels[0], str)


def content_of(column: Any) -> Array | Labels:
    """Return what a column holds.

    Parameters
    ----------
    column : ndarray of shape (n_rows,), or a series of pandas or polars

    Returns
    -------
    ndarray of shape (n_rows,) or Labels
        Real numbers, in a dtype of NumPy, with NaN where they are missing; or labels.

    Raises
    ------
    Unusable
        For dates and the like, and for strings beside numbers.
    """
    dtype = column.dtype
    kind = getattr(dtype, "kind", "")
    if hasattr(column, "cat") and hasattr(dtype, "ordered"):  # categories of pandas
        used, positions = np.unique(column.cat.codes.to_numpy(), return_inverse=True)
        used_categories = np.append(np.asarray(dtype.categories, dtype=object), None)[used]  # None for -1, missing
        labels = _labels(used_categories, True)
        return labels._replace(codes=labels.codes[positions])
    if not isinstance(dtype, np.dtype) and kind in _EXACT and not column.isna().any():
        return column.to_numpy(_EXACT[kind])
    if not isinstance(dtype, np.dtype) and kind and kind in "biuf":  # nullable numbers of pandas
        return column.to_numpy(np.float64, na_value=np.nan)
    values = _as_array(column)
    if values.dtype.kind in "biuf":
        return values
    if values.dtype.kind in "mMc":
        raise Unusable(_refusal(values[0]))
    content = _labels(values, type(dtype).__name__ in ("Categorical", "Enum") or "dictionary" in str(dtype))
    return as_numbers(content) if content.are_numbers() and not content.is_category else content


def _as_array(column):
    if not hasattr(column, "to_numpy"):
        return column
    try:
        values = column.to_numpy()
    except Exception as error:  # of the frame's library, which need not be installed
        raise Unusable(
            f"has the dtype {column.dtype}, which has no counterpart in NumPy ({error}). Convert the column to numbers "
            "or strings."
        ) from error
    if values.ndim > 1:
        raise Unusable(f"has the dtype {column.dtype}, with several values in each row. Make a column of each of them.")
    return values


def as_numbers(content: Array | Labels) -> Float64s:
    """Return a column as float64 with NaN where a value is missing.

    Raises
    ------
    Unusable
        If it holds strings or infinity.
    """
    if not isinstance(content, Labels):
        return _without_infinity(content.astype(np.float64))
    if content.labels and not content.are_numbers():
        raise Unusable(f"holds strings (such as {content.labels[0]!r})", ValueError)
    return _without_infinity(np.array([*content.labels, np.nan], np.float64))[content.codes]


def as_labels(content: Array | Labels) -> Labels:
    """Return a column as labels; whole numbers among them are of type int."""
    if isinstance(content, Labels):
        return content
    is_present = ~np.isnan(content)
    values, positions = np.unique(content[is_present], return_inverse=True)
    codes = np.full(content.size, -1, np.intp)
    codes[is_present] = positions
    _without_infinity(values)
    return Labels(list(map(_plain, values.tolist())), codes, False)


def _without_infinity(numbers):
    if np.isinf(numbers).any():
        raise Unusable(
            "contains infinity or a value too large for dtype('float64'). Replace it, by NaN for instance, which "
            "stands for a missing value.",
            ValueError,
        )
    return numbers


def _labels(values, is_category):
    """Return objects as labels."""
    found: dict[Any, int] = {}
    try:
        codes = [found.setdefault(value, len(found)) for value in values.tolist()]
    except TypeError:  # not hashable
        example = next(value for value in values if type(value).__hash__ is None)
        raise Unusable(_refusal(example)) from None
    labels: dict[Any, int] = {}
    positions = [-1 if is_missing(value) else labels.setdefault(_label(value), len(labels)) for value in found]
    kinds = {isinstance(label, str): label for label in labels}
    if len(kinds) > 1:
        raise Unusable(
            f"holds both strings and numbers (such as {kinds[True]!r} and {kinds[False]!r}). Make them one kind: "
            "pandas.to_numeric(column, errors='coerce') for numbers, column.astype(str) for categories."
        )
    return Labels(list(labels), np.array([*positions, -1], np.intp)[codes], is_category)


def _label(value):
    """Return a string or a number that equals the labels of the same category in other containers."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    kind = kind_of(value)
    if kind not in ("category", None) or isinstance(value, complex):
        raise Unusable(_refusal(value))
    return _plain(value) if isinstance(value, Number | np.bool_) else str(value)  # strings, intervals, members of enums


def _plain(number):
    """Return an int for a whole number, otherwise a float."""
    whole = int(number) if isinstance(number, int | np.integer | np.bool_) else float(number)
    return int(whole) if isinstance(whole, float) and whole.is_integer() else whole


def _refusal(value):
    kind = kind_of(value)
    if kind is None:
        return f"holds complex numbers (such as {shown(value)}). Make two columns of them, real and imaginary parts."
    return f"holds {kind}s (such as {shown(value)}). {CURES[kind]}"
