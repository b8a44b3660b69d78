"""Columns of frames and arrays that hold no numbers, and what to do about them.

Frames of pandas and polars are known by what they can do. Neither library is imported.
"""

from contextlib import suppress
from datetime import date, time, timedelta
from decimal import Decimal
from numbers import Number

import numpy as np
import scipy.sparse as sp
from sklearn.utils import get_tags
from sklearn.utils.validation import validate_data

from .shown import shortened


def checked_numbers(estimator, X, says_how_to_encode=True, **options):
    """Validate X with ``validate_data``, and name columns that do not hold numbers.

    Parameters
    ----------
    estimator : estimator
    X : array-like or sparse matrix of shape (n_samples, n_features)
    says_how_to_encode : bool, default=True
        Whether errors about columns do.
    **options
        Of scikit-learn's ``validate_data``.

    Returns
    -------
    X, or X and y

    Raises
    ------
    TypeError, ValueError
        For X that cannot be used.
    """
    needs_a_look = not (isinstance(X, np.ndarray) and X.dtype.kind in "biufc")  # predictions of one row are quick
    if needs_a_look:
        check_collected(X, "X")
    try:
        checked = validate_data(estimator, X, **options)
    except (TypeError, ValueError) as error:
        examples = _columns_of_no_numbers(X)
        if not examples:
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError  # others want more arguments
        takes_sparse = get_tags(estimator).input_tags.sparse
        raise kind(f"{error}\n{_advice_on_columns(examples, says_how_to_encode, takes_sparse)}") from error
    if needs_a_look:
        check_no_times_in_X(X, says_how_to_encode)
    return checked


def check_no_times_in_X(X, says_how_to_encode=True):
    """Raise TypeError for columns of dates and the like, of which NumPy makes numbers in some containers."""
    if examples := columns_of_times(X):
        raise TypeError(_advice_on_columns(examples, says_how_to_encode))


def check_collected(values, name):
    """Raise TypeError for a lazy frame, which is a plan and has no rows yet."""
    if hasattr(values, "collect") and not hasattr(values, "__array__"):
        raise TypeError(f"{name} is a {type(values).__name__}, which has no rows yet. Pass {name}.collect().")


def _columns_of_no_numbers(X):
    """Return columns of a frame or an array that do not hold numbers: name or position -> one of the values."""
    if is_frame(X):
        columns = {name: np.asarray(X[name]) for name in X.columns}
    else:
        rows = X if isinstance(X, np.ndarray) else np.empty((0, 0))
        if isinstance(X, list | tuple):
            with suppress(ValueError):  # rows of different lengths
                rows = np.asarray(X, dtype=object)
        if rows.ndim != 2 or rows.dtype.kind in "biufc":
            return {}
        columns = dict(enumerate(rows.T))
    found = {name: _not_a_number(values) for name, values in columns.items()}
    return {name: value for name, value in found.items() if value is not None}


def is_frame(values):
    """Tell whether values are a data frame, of whatever library."""
    return hasattr(values, "columns") and hasattr(values, "dtypes")


def columns_of_times(values):
    """Return columns of dates, durations and times of day, of which conversions make numbers without an error.

    Parameters
    ----------
    values : array-like
        Rows, or one column.

    Returns
    -------
    dict
        Name or position of a column -> one of its values.
    """
    if is_frame(values):
        dtypes = zip(values.columns, values.dtypes, strict=True)
        columns = {name: np.asarray(values[name]) for name, dtype in dtypes if not _is_of_numbers(dtype)}
    else:
        may_hold_times = isinstance(values, list | tuple) or getattr(values, "dtype", None) is not None
        rows = np.empty(0)
        if may_hold_times and not sp.issparse(values):
            with suppress(ValueError):  # rows of different lengths, which are refused elsewhere
                rows = np.asarray(values)
        if rows.dtype.kind not in "mMO":
            return {}
        columns = dict(enumerate(rows.reshape(len(rows), -1).T))
    found = {name: _first_time(column.ravel()) for name, column in columns.items()}
    return {name: value for name, value in found.items() if value is not None}


def _is_of_numbers(dtype):
    """Tell whether a column with a dtype of NumPy, pandas or polars holds numbers."""
    if hasattr(dtype, "kind"):
        return dtype.kind in "biufc"
    return hasattr(dtype, "is_numeric") and dtype.is_numeric()


_TIMES = (np.datetime64, np.timedelta64, date, time, timedelta)


def _first_time(values):
    """Return the first date, duration or time of day among some values; None if there is none."""
    if values.dtype.kind in "mM" and values.size:
        return next((value for value in values if not np.isnat(value)), values[0])
    if values.dtype.kind == "O" and any(issubclass(kind, _TIMES) for kind in {*map(type, values)}):  # a quick look
        return next(value for value in values if isinstance(value, _TIMES))
    return None


def _not_a_number(values):
    """Return the first of some values that no float can be made of and that is not missing; None if there is none."""
    if values.ndim != 1 or values.dtype.kind in "biufc":
        return None
    if (value := _first_time(values)) is not None:  # floats can be made of some
        return value
    for value in values:
        try:
            float(value)
        except (TypeError, ValueError):
            if not (is_missing(value) or isinstance(value, Number)):
                return value
    return None


def kind_of(value):
    """Return a key of ``CURES`` for a value that is no number; None for one that nothing is known about."""
    if isinstance(value, str | bytes) or type(value).__name__ == "Interval":
        return "category"
    if isinstance(value, timedelta | np.timedelta64):
        return "duration"
    if isinstance(value, time):
        return "time"
    if hasattr(value, "isoformat") or isinstance(value, np.datetime64) or type(value).__name__ == "Period":
        return "date"
    return "collection" if hasattr(value, "__len__") else None


CURES = {
    "category": "Encode categories in a Pipeline in front of this estimator: make_column_transformer((OneHotEncoder("
    "handle_unknown='ignore'{dense}), {names}), remainder='passthrough'). TabularMLPClassifier and TabularMLPRegressor "
    "encode them by themselves.",
    "date": "Make numbers of dates, such as days since the first one.",
    "duration": "Make numbers of durations, such as seconds.",
    "time": "Make numbers of times of day, such as seconds since midnight.",
    "collection": "Give each element of a collection a column of its own.",
}


_LONGEST_EXAMPLE = 60


def shown(value):
    """Return how a message shows a value of a column."""
    # items of times in nanoseconds are numbers
    text = str(value) if isinstance(value, np.datetime64 | np.timedelta64) else shortened([value])
    return text if len(text) <= _LONGEST_EXAMPLE else f"{text[:_LONGEST_EXAMPLE]}..."


def _advice_on_columns(examples, says_how_to_encode, takes_sparse=True):
    examples_shown = [f"{shortened([name])} (such as {shown(value)})" for name, value in examples.items()]
    n_more = len(examples_shown) - 3
    few = ", ".join(examples_shown[:3]) + (f" and {n_more} more" if n_more > 0 else "")
    kinds = {name: kind_of(value) for name, value in examples.items()}
    words = [name for name, kind in kinds.items() if kind == "category"]
    names = f"[{', '.join(shortened([name]) for name in words[:3])}{', ...' if len(words) > 3 else ''}]"
    dense = "" if takes_sparse else ", sparse_output=False"
    asked = CURES.items() if says_how_to_encode else ()
    cures = [cure.format(names=names, dense=dense) for kind, cure in asked if kind in kinds.values()]
    return " ".join([f"X must hold numbers, but column(s) {few} do not.", *cures])


_WITHOUT_EQUALS = (float, np.floating, np.datetime64, np.timedelta64, Decimal)


def is_missing(value):
    """Tell whether a value of any library stands for a missing one."""
    # pandas, whose NA compares to nothing, need not be installed
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, _WITHOUT_EQUALS) and value != value
