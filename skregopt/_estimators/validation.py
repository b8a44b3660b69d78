"""Validation of the arrays that users pass, in the names that they have there."""

from contextlib import contextmanager, suppress
from datetime import date, time, timedelta
from decimal import Decimal
from numbers import Number

import numpy as np
import scipy.sparse as sp
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_X_y, validate_data

from .._engine.source import SUPPORTED_DTYPES
from .._kernels.sklearn_internals import check_sample_weight
from .messages import shortened


def checked_X(estimator, X, reset, says_how_to_encode=True, **with_y):
    """Validate X (and y) without converting or copying an X that compiled code can read.

    Parameters
    ----------
    estimator : BaseMLP
        With ``reset`` its ``n_features_in_`` and ``feature_names_in_`` are set, otherwise X must agree with them.
    X : array-like or sparse matrix of shape (n_samples, n_features)
    reset : bool
    says_how_to_encode : bool, default=True
        Whether errors about columns do; rows to validate on are to be transformed like X.
    **with_y
        ``y``, and how to validate it, for scikit-learn's ``validate_data``.

    Returns
    -------
    X, or X and y

    Raises
    ------
    TypeError, ValueError
        For X that cannot be used; columns that do not hold numbers are named.
    """
    needs_a_look = not (isinstance(X, np.ndarray) and X.dtype.kind in "biufc")  # predictions of one row are quick
    if needs_a_look:
        check_collected(X, "X")
    if with_y:
        check_collected(with_y["y"], "y")
    try:
        checked = validate_data(estimator, X, reset=reset, accept_sparse="csr", dtype=SUPPORTED_DTYPES, **with_y)
    except (TypeError, ValueError) as error:
        examples = _columns_of_no_numbers(X)
        if not examples:
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError  # others want more arguments
        raise kind(f"{error}\n{_advice_on_columns(examples, says_how_to_encode)}") from error
    if needs_a_look:
        check_no_times_in_X(X, says_how_to_encode)
    if with_y.get("y_numeric"):
        _check_no_times(with_y["y"], "y")
    return checked


def check_no_times_in_X(X, says_how_to_encode=True):
    """Raise TypeError for columns of dates and the like, of which NumPy makes numbers in some containers."""
    if examples := _columns_of_times(X):
        raise TypeError(_advice_on_columns(examples, says_how_to_encode))


def check_collected(values, name):
    """Raise TypeError for a lazy frame, which is a plan and has no rows yet."""
    if hasattr(values, "collect") and not hasattr(values, "__array__"):
        raise TypeError(f"{name} is a {type(values).__name__}, which has no rows yet. Pass {name}.collect().")


def _columns_of_no_numbers(X):
    """Return columns of a frame or an array that do not hold numbers: name or position -> one of the values."""
    if _is_frame(X):
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


def _is_frame(values):
    return hasattr(values, "columns") and hasattr(values, "dtypes")


def _columns_of_times(values):
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
    if _is_frame(values):
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
            if not (_is_missing(value) or isinstance(value, Number)):
                return value
    return None


def _kind_of(value):
    """Return a key of ``_CURES`` for a value that is no number; None for one that nothing is known about."""
    if isinstance(value, str | bytes) or type(value).__name__ == "Interval":
        return "category"
    if isinstance(value, timedelta | np.timedelta64):
        return "duration"
    if isinstance(value, time):
        return "time"
    if hasattr(value, "isoformat") or isinstance(value, np.datetime64) or type(value).__name__ == "Period":
        return "date"
    return "collection" if hasattr(value, "__len__") else None


_CURES = {
    "category": "Encode categories in a Pipeline in front of this estimator: make_column_transformer((OneHotEncoder("
    "handle_unknown='ignore'), {names}), remainder='passthrough').",
    "date": "Make numbers of dates, such as days since the first one.",
    "duration": "Make numbers of durations, such as seconds.",
    "time": "Make numbers of times of day, such as seconds since midnight.",
    "collection": "Give each element of a collection a column of its own.",
}


_LONGEST_EXAMPLE = 60


def _shown(value):
    # items of times in nanoseconds are numbers
    text = str(value) if isinstance(value, np.datetime64 | np.timedelta64) else shortened([value])
    return text if len(text) <= _LONGEST_EXAMPLE else f"{text[:_LONGEST_EXAMPLE]}..."


def _advice_on_columns(examples, says_how_to_encode):
    shown = [f"{shortened([name])} (such as {_shown(value)})" for name, value in examples.items()]
    few = ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
    kinds = {name: _kind_of(value) for name, value in examples.items()}
    words = [name for name, kind in kinds.items() if kind == "category"]
    names = f"[{', '.join(shortened([name]) for name in words[:3])}{', ...' if len(words) > 3 else ''}]"
    cures = [cure.format(names=names) for kind, cure in _CURES.items() if says_how_to_encode and kind in kinds.values()]
    return " ".join([f"X must hold numbers, but column(s) {few} do not.", *cures])


def checked_y(y_val, X_val, **options):
    """Validate ``y_val`` and its length."""
    _, checked = check_X_y(np.zeros((X_val.shape[0], 1)), y_val, estimator="y_val", **options)
    if options.get("y_numeric"):
        _check_no_times(y_val, "y_val")
    return checked


def check_columns_of_y(y, y_val):
    """Raise ValueError if two frames have columns of other names, or in another order: targets go by position."""
    of_y, of_y_val = map(_column_names, (y, y_val))
    if of_y is None or of_y_val is None or of_y == of_y_val:
        return
    cure = "Pass y_val[list(y.columns)]." if set(of_y) <= set(of_y_val) else "Rename them, or pass arrays."
    wanted, found = shortened(of_y), shortened(of_y_val)
    raise ValueError(f"its columns must be the columns of y in the same order, [{wanted}], got [{found}]. {cure}")


def _column_names(values):
    """Return the names of columns as a list; None where there are none that scikit-learn would compare."""
    if not _is_frame(values) or not all(isinstance(name, str) for name in values.columns):
        return None
    return list(values.columns)


def checked_weights(sample_weight, X, name="sample_weight", has_classes=False):
    """Return float64 weights, one for each row of X; ones for None.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,) or None
    X : array or sparse matrix
    name : str, default="sample_weight"
        The argument, for messages.
    has_classes : bool, default=False
        Whether users may have meant the parameter ``class_weight``.

    Raises
    ------
    ValueError
        For weights that are not finite numbers >= 0, one for each row, or all zero.
    """
    if sample_weight is not None:
        check_collected(sample_weight, name)
        _check_no_times(sample_weight, name)
        try:
            weights = np.asarray(sample_weight)
            if not np.iscomplexobj(weights):
                weights = weights.astype(np.float64)
        except (TypeError, ValueError) as error:
            hint = " Weights of classes are the parameter class_weight." if has_classes else ""
            raise ValueError(
                f"`{name}` must be None or one number for each row: {str(error).rstrip('.')}.{hint}"
            ) from error
        if np.iscomplexobj(weights):
            raise ValueError(f"Complex data not supported in `{name}`: weights must be real.")
        assert_all_finite(weights, input_name=name)
        if np.any(weights < 0):
            raise ValueError(f"Negative values in data passed to `{name}`: weights must be >= 0.")
        if not np.any(weights):
            raise ValueError(f"All values of `{name}` are zero: at least one row needs a positive weight.")
    try:
        return check_sample_weight(sample_weight, X, dtype=np.float64)
    except ValueError as error:  # about the shape, in the name of scikit-learn's argument
        problem = str(error).replace("sample_weight.shape", f"{name}.shape")
        cure = f"Give `{name}` one number for each of the {X.shape[0]} rows"
        raise ValueError(f"{problem} {cure}: np.ravel({name}) makes one dimension of a column.") from error


@contextmanager
def explaining(y, are_numbers, name="y"):
    """Say what is wrong with the values of ``y``, where an error within the block does not tell.

    Parameters
    ----------
    y : array-like
        As the user passed it.
    are_numbers : bool
        Whether it is the target of a regression.
    name : str, default="y"
        The argument.

    Raises
    ------
    ValueError
        For targets that are missing, and those of a regression that are texts, dates or too large.
    """
    try:
        yield
    except (TypeError, ValueError, OverflowError) as error:
        cause = _cause(_values(y), are_numbers, name)
        if cause is None and isinstance(error, OverflowError):
            cause = f"{name} contains values too large for float64 ({error}). Scale {name}."
        if cause is None and "inhomogeneous" in str(error):
            cause = f"{name} must have rows of one length: {error}"
        if cause is None:
            raise
        raise ValueError(cause) from error


def _cause(values, are_numbers, name):
    """Return what is wrong with values of y, by rows, and what to do about it; None if nothing is seen."""
    missing = np.flatnonzero([any(map(_is_missing, row)) for row in values])
    if missing.size:
        return (
            f"Input {name} contains NaN: {missing.size} of {len(values)} row(s) have no "
            f"{'number' if are_numbers else 'label'}, at the position(s) {shortened(missing)}. Leave them out."
        )
    if not are_numbers:
        return None
    for kinds, _ in _NO_NUMBERS:
        strange = next((value for value in values.flat if isinstance(value, kinds)), None)
        if strange is not None:
            return _no_number(strange, name)
    return None


def _no_number(value, name):
    advice = next(advice for kinds, advice in _NO_NUMBERS if isinstance(value, kinds))
    return f"{name} must hold real numbers. {advice.format(name)} Got values such as {value!r}."


def _check_no_times(values, name):
    """Raise ValueError for dates, durations and times of day where numbers are wanted."""
    for column, value in _columns_of_times(values).items():
        raise ValueError(_no_number(value, f"{name}[{column!r}]" if _is_frame(values) else name))


_NO_NUMBERS = (  # types of values, and what to do about them
    (
        (str, bytes),
        "For class labels use MLPClassifier. Convert numbers that are written as strings by np.asarray({0}, "
        "dtype=float).",
    ),
    (
        (timedelta, np.timedelta64),
        "Convert durations, to seconds for instance, by np.asarray({0}, dtype='timedelta64[s]').astype(float).",
    ),
    (
        (date, np.datetime64),
        "Convert dates, to days since 1970 for instance, by np.asarray({0}, dtype='datetime64[D]').astype(float).",
    ),
    ((time,), "Convert times of day in {0}, to seconds since midnight for instance."),
)


def _values(y):
    """Return the values of y as they are, by rows; nothing if they have no regular shape."""
    if not sp.issparse(y):
        with suppress(TypeError, ValueError):
            values = np.asarray(y)
            if values.dtype.kind not in "mM":  # as objects, dates of some units are integers
                values = np.asarray(y, dtype=object)
            return values.reshape(len(values), -1)
    return np.empty((0, 1), dtype=object)


_WITHOUT_EQUALS = (float, np.floating, np.datetime64, np.timedelta64, Decimal)


def _is_missing(value):
    # pandas, whose NA compares to nothing, need not be installed
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, _WITHOUT_EQUALS) and value != value


@contextmanager
def naming(argument, advice=""):
    """Put the name of the argument in front of errors, which scikit-learn words for X and y, and advice behind them."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError  # others want more arguments
        raise kind(f"{argument} cannot be used: {error}{advice}") from error


@contextmanager
def asking_for_groups(groups, splitter):
    """Say in errors of a splitter about missing groups where they are to be passed."""
    try:
        yield
    except ValueError as error:
        if groups is not None or "groups" not in str(error):
            raise
        raise ValueError(f"{str(error).rstrip('.')}. Pass groups to fit, for {splitter!r}.") from error
