"""From what the user passes to a :class:`Table`: encoded by an encoder that is fitted to the training rows alone."""

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from sklearn import config_context
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_X_y

from .._estimators.validation import check_collected, check_columns_of_y, checked_weights, explaining, naming
from .._kernels.sklearn_internals import safe_indexing
from ..preprocessing import TabularEncoder

FEWEST_ROWS_TO_HOLD_OUT = 50  # of fewer rows, none are held out
_LARGEST_COUNT = 1e9


@dataclass(frozen=True, eq=False)
class TableData:
    """The arguments of ``fit``, as the user gave them."""

    X: object
    y: object
    sample_weight: object = None
    X_val: object = None
    y_val: object = None
    sample_weight_val: object = None
    groups: object = None


def read(estimator, data):
    """Return the encoder and the :class:`Table` of a fit.

    Parameters
    ----------
    estimator : BaseTabularMLP
        Not changed.
    data : TableData

    Raises
    ------
    TypeError, ValueError
        For data that cannot be used.
    """
    _check_arguments(estimator.validation_fraction, data)
    X = data.X
    encoder = TabularEncoder(categorical_features=estimator.categorical_features, n_bins=None)
    encoded = encoded_by(encoder.fit(X), X)
    y = _checked_y(estimator, encoded, data.y, "y")
    weights = None
    if data.sample_weight is not None:
        weights = checked_weights(data.sample_weight, encoded, has_classes=hasattr(estimator, "class_weight"))
    with explaining(data.y, not hasattr(estimator, "class_weight")):
        if not hasattr(estimator.validation_fraction, "split"):  # which knows rows by their numbers
            rows = _rows_of_small_table(encoded, y, weights)
            if rows is not None:
                X = _rows_of(X, rows)
                encoded, y, weights = encoded_by(encoder.fit(X), X), y[rows], None
        table = estimator._table_type.of(estimator, encoded, y, weights)
    if data.X_val is not None:
        table = replace(table, validation=_validation(estimator, data, encoder, table))
    return encoder, table


def encoded_by(encoder, X):
    """Return encoded rows as an array, whatever output scikit-learn is configured to give users."""
    with config_context(transform_output="default"):
        return encoder.transform(X)


def _rows_of_small_table(encoded, y, weights):
    """Return the rows of a small table in an order of their own, as often as their weights say; None for other tables.

    Nothing of the training with a small table is random but the initial weights. So a weight means exactly what a
    repetition does, also to the encoder, which takes no weights, and the order of rows means nothing.
    """
    counts = np.ones(len(encoded), dtype=np.intp) if weights is None else _as_counts(weights)
    if counts is None or counts.sum() >= FEWEST_ROWS_TO_HOLD_OUT:
        return None
    columns = np.atleast_2d((y.toarray() if sp.issparse(y) else y).T)
    targets = [np.unique(column, return_inverse=True)[1] for column in columns]
    order = np.lexsort([*encoded.T, *targets])
    return np.repeat(order, counts[order])


def _as_counts(weights):
    """Return the smallest whole numbers with the ratios of weights; None if the smallest weight is no unit of them."""
    if np.all(weights == np.rint(weights)) and weights.max() <= _LARGEST_COUNT:
        counts = weights.astype(np.intp)
        return counts // np.gcd.reduce(counts)
    counts = weights / weights[weights > 0].min()
    return counts.astype(np.intp) if counts.max() <= _LARGEST_COUNT and np.all(counts == np.rint(counts)) else None


def _rows_of(X, rows):
    # a list keeps its values: as an array, numbers beside strings would be strings
    return safe_indexing(X if hasattr(X, "shape") or isinstance(X, list | tuple) else np.asarray(X), rows)


def _checked_y(estimator, X, y, name):
    check_collected(y, name)
    with explaining(y, not hasattr(estimator, "class_weight"), name):
        _, y = check_X_y(X, y, estimator=type(estimator).__name__, **estimator._y_options)
    return y


def _validation(estimator, data, encoder, table):
    """Return the :class:`Table` of ``X_val``; errors name the arguments of these rows."""
    check_collected(data.X_val, "X_val")
    with naming("X_val"):
        X = encoded_by(encoder, data.X_val)
    with naming("y_val"):
        check_consistent_length(X, data.y_val)
        check_columns_of_y(data.y, data.y_val)
        y = _checked_y(estimator, X, data.y_val, "y_val")
    weights = None
    if data.sample_weight_val is not None:
        weights = checked_weights(data.sample_weight_val, X, "sample_weight_val")
    with naming("y_val"), explaining(data.y_val, not hasattr(estimator, "class_weight"), "y_val"):
        return estimator._table_type.of(estimator, X, y, weights, trained=table)


def _check_arguments(validation_fraction, data):
    """Raise ValueError for arguments that contradict each other or the parameters."""
    if (data.X_val is None) != (data.y_val is None):
        present, missing = ("X_val", "y_val") if data.y_val is None else ("y_val", "X_val")
        raise ValueError(f"{present} was given without {missing}. Pass both, or neither.")
    if data.sample_weight_val is not None and data.X_val is None:
        raise ValueError("sample_weight_val was given without X_val and y_val. Pass all three.")
    splits = hasattr(validation_fraction, "split")
    if data.groups is not None and (not splits or data.X_val is not None):
        raise ValueError(
            "groups has no effect: it is used with a CV splitter as validation_fraction (got validation_fraction="
            f"{validation_fraction!r}), without X_val."
        )
    if splits and data.X_val is not None:
        raise ValueError(
            f"validation_fraction={validation_fraction!r} has no effect with X_val and y_val, which are watched. Leave "
            "them out, or leave validation_fraction at its default, 0.2."
        )
