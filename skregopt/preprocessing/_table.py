"""X of a fit or of new rows, whose columns stand in the order of the fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike
from sklearn.utils.validation import validate_data

from .._kernels.columns import check_collected, is_frame
from ._columns import Unusable


class Table(NamedTuple):
    """A frame or an array by columns."""

    X: Any
    names: list[Any] | None  # in the order of the fit; None for an array
    positions: list[int]  # in X, of each column of the fit

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.positions)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.X.shape[0]

    def column(self, index: int) -> Any:
        """Return a column, by its position in the fit: a series of the frame's library, or an array."""
        position = self.positions[index]
        return self.X.iloc[:, position] if hasattr(self.X, "iloc") else self.X[:, position]

    def part(self, rows: slice) -> Table:
        """Return some rows, which are not copied."""
        return self._replace(X=self.X.iloc[rows] if hasattr(self.X, "iloc") else self.X[rows])

    @contextmanager
    def naming(self, index: int) -> Iterator[None]:
        """Name a column in errors about what it holds."""
        try:
            yield
        except Unusable as error:
            name = int(index) if self.names is None else self.names[index]
            raise error.kind(f"Input X cannot be encoded: column {name!r} {error}") from None


def checked_table(estimator: Any, X: Any, reset: bool) -> Table:
    """Return X as a table.

    Parameters
    ----------
    estimator : Encoder
        With ``reset`` its ``n_features_in_`` and ``feature_names_in_`` are set, otherwise X must agree with them.
    X : data frame or array-like of shape (n_samples, n_features)
    reset : bool

    Raises
    ------
    TypeError
        For sparse X and lazy frames.
    ValueError
        For X without rows or columns, and for columns that do not agree with those of ``fit``.
    """
    if sp.issparse(X):
        raise TypeError(
            "Input X is sparse, which TabularEncoder does not take: its output is dense. Pass X.toarray(), or leave "
            "the sparse columns to a ColumnTransformer."
        )
    check_collected(X, "X")
    if not is_frame(X):
        X = _checked_array(estimator, X, reset)
        names = getattr(estimator, "feature_names_in_", None)
        return Table(X, None if names is None else names.tolist(), list(range(X.shape[1])))
    names = list(X.columns)
    for count, what in zip(X.shape, ("sample", "feature"), strict=True):
        if count == 0:
            raise ValueError(f"Found array with 0 {what}(s) (shape={X.shape}) while a minimum of 1 is required.")
    names_are_known = all(isinstance(name, str) for name in names)
    if names_are_known and len(set(names)) < len(names):
        repeated = [name for name, count in Counter(names).items() if count > 1]
        raise ValueError(f"Input X has more than one column named {repeated[0]!r}. Names of columns must differ.")
    if reset:
        _set_names(estimator, names)
    elif names_are_known and hasattr(estimator, "feature_names_in_"):
        wanted = estimator.feature_names_in_.tolist()
        return Table(X, wanted, _positions(names, wanted))
    else:
        validate_data(estimator, X, reset=False, skip_check_array=True)
    return Table(X, names, list(range(len(names))))


def _checked_array(estimator, X, reset):
    as_it_is = {"dtype": None, "ensure_all_finite": False}
    checked = validate_data(estimator, X, reset=reset, **as_it_is)
    if checked.dtype.kind in "US" and not hasattr(X, "dtype"):  # of lists with numbers among strings
        checked = validate_data(estimator, X, reset=reset, **(as_it_is | {"dtype": object}))
    return checked


def _set_names(estimator, names):
    are_strings = {isinstance(name, str) for name in names}
    if len(are_strings) > 1:
        raise TypeError(
            "Names of the columns of X must be all strings, or none of them, but some are and some are not. Rename "
            "them, by X.columns = X.columns.astype(str) for instance."
        )
    vars(estimator).pop("feature_names_in_", None)
    if are_strings == {True}:
        estimator.feature_names_in_ = np.array(names, dtype=object)
    estimator.n_features_in_ = len(names)


def _positions(names, wanted):
    """Return where columns of ``fit`` stand among those of new rows."""
    places = {name: position for position, name in enumerate(names)}
    missing = [name for name in wanted if name not in places]
    others = [name for name in names if name not in set(wanted)]
    if missing or others:
        problems = [f"Feature names unseen at fit time:\n{_listed(others)}"] if others else []
        problems += [f"Feature names seen at fit time, yet now missing:\n{_listed(missing)}"] if missing else []
        cure = "Rename the columns like those of fit." if missing else "Leave the other ones out."
        raise ValueError(
            "The feature names should match those that were passed during fit.\n" + "\n".join(problems) + f"\n{cure}"
        )
    return [places[name] for name in wanted]


def _listed(names, n_shown=5):
    return "\n".join(f"- {name}" for name in sorted(names)[:n_shown]) + ("\n- ..." if len(names) > n_shown else "")


def categorical_mask(categorical_features: ArrayLike | None, table: Table) -> list[bool]:
    """Return for each column whether ``categorical_features``, which is not 'from_dtype', names it.

    Raises
    ------
    ValueError
        For anything but None, or a list of indices, of names or of booleans that fits the table.
    """
    if categorical_features is None:
        return [False] * table.n_columns
    given = np.asarray(categorical_features, dtype=object)
    kinds = {_kind_of_choice(value) for value in given.flat}
    if given.ndim != 1 or None in kinds or len(kinds) > 1:
        raise _refused(
            given, "must be 'from_dtype', None, or a list of indices, of names or of booleans, one for each feature"
        )
    chosen = given.tolist()
    if kinds == {bool}:
        if len(chosen) != table.n_columns:
            raise _refused(given, f"is a mask of {len(chosen)} columns, but X has {table.n_columns} features")
        return [bool(value) for value in chosen]
    if kinds == {str}:
        if table.names is None or not isinstance(table.names[0], str):
            raise _refused(given, "holds names, but X has none. Pass X as a data frame, or give indices of features")
        unknown = [name for name in chosen if name not in table.names]
        if unknown:
            raise _refused(given, f"must hold names of features, but X has none named {unknown[0]!r}")
        chosen = [table.names.index(name) for name in chosen]
    outside = [index for index in chosen if not 0 <= index < table.n_columns]
    if outside:
        raise _refused(
            given,
            f"must hold indices from 0 to {table.n_columns - 1} because X has {table.n_columns} features, but "
            f"{outside[0]} is among them",
        )
    return np.isin(np.arange(table.n_columns), np.array(chosen, np.intp)).tolist()


def _kind_of_choice(value):
    if isinstance(value, bool | np.bool_):
        return bool
    if isinstance(value, Integral):
        return int
    return str if isinstance(value, str) else None


def _refused(given, problem):
    return ValueError(f"categorical_features={given.tolist()!r} {problem}.")
