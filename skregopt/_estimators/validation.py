"""Validation of the arrays that users pass, in the names that they have there."""

from contextlib import contextmanager, suppress
from datetime import date, time, timedelta

import numpy as np
import scipy.sparse as sp
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_X_y

from .._engine.source import SUPPORTED_DTYPES
from .._kernels.columns import check_collected, checked_numbers, columns_of_times, is_frame, is_missing
from .._kernels.shown import shortened
from .._kernels.sklearn_internals import check_sample_weight


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
    if with_y:
        check_collected(with_y["y"], "y")
    options = {"reset": reset, "accept_sparse": "csr", "dtype": SUPPORTED_DTYPES, **with_y}
    checked = checked_numbers(estimator, X, says_how_to_encode, **options)
    if with_y.get("y_numeric"):
        _check_no_times(with_y["y"], "y")
    return checked


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
    if not is_frame(values) or not all(isinstance(name, str) for name in values.columns):
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
    missing = np.flatnonzero([any(map(is_missing, row)) for row in values])
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
    for column, value in columns_of_times(values).items():
        raise ValueError(_no_number(value, f"{name}[{column!r}]" if is_frame(values) else name))


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
