"""Third stage of a fit: which rows are trained on, and which are validated on, by index: X is not copied."""

import math
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

from .._engine.network import Rows, in_precision, relative_weights
from .resolve import watches_loss


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of both kinds.

    Attributes
    ----------
    train : Rows
    validation : Rows or None
        None where there is nothing to validate on.
    scored : tuple or None
        X, y and weights of the validation rows as the user's scorer reads them; None where only losses are watched.
    """

    train: Rows
    validation: Rows | None
    scored: tuple | None


def split(resolved, inputs, groups):
    """Return the :class:`Split` of a fit.

    Parameters
    ----------
    resolved : Resolved
    inputs : Inputs
    groups : array-like or None
        As given to ``fit``.

    Raises
    ------
    ValueError
        If there are too few rows of either kind.
    """
    given, examples, dtype = resolved.given, inputs.examples, inputs.network.dtype
    # a row of weight zero is as good as absent
    rows = np.flatnonzero(examples.weights.any(axis=1))
    validation, scored = None, None
    if inputs.validation is not None:
        held_out = inputs.validation
        validation = _validation_rows(held_out, np.arange(held_out.source.n_rows), dtype)
        scored = held_out.X, held_out.y, held_out.sample_weight
    elif given["early_stopping"]:
        strata = inputs.targets.strata(examples.y)
        rows, val_rows = split_rows(
            given["validation_fraction"], rows, examples.X, examples.y, strata, groups, inputs.seed
        )
        validation = _validation_rows(examples, val_rows, dtype)
        if not watches_loss(given["scoring"]):
            weights = examples.sample_weight
            scored = examples.X[val_rows], examples.y[val_rows], None if weights is None else weights[val_rows]
    # partial_fit takes weights as given: the rows of a call are a part of all
    train = (_given_rows if resolved.incremental else _relative_rows)(examples, rows, dtype)
    return Split(train, validation, scored)


def _validation_rows(examples, rows, dtype):
    if not np.any(examples.weights[rows] > 0):
        raise ValueError("All sample weights of the validation rows are zero.")
    return _relative_rows(examples, rows, dtype)


def _relative_rows(examples, rows, dtype):
    """Return rows whose weights are divided by their mean."""
    weights = in_precision(relative_weights(examples.weights, rows), dtype)
    return Rows(examples.source, rows, examples.encoded, weights, float(rows.size))


def _given_rows(examples, rows, dtype):
    """Return rows whose weights are taken as given."""
    weights = examples.weights
    if weights.shape[1] > 1:
        # the loss is the sum of the labels' weighted means, in which only ratios count
        means = weights[rows].mean(axis=0)
        means[means == 0] = 1.0  # a label that no row of these has a weight for
        relative, means = in_precision(weights / means, dtype), in_precision(means, dtype)
        return Rows(examples.source, rows, examples.encoded, relative, float(rows.size), means)
    weights = in_precision(weights, dtype)
    total = float(weights[rows].sum(dtype=np.float64) / weights.shape[1])
    return Rows(examples.source, rows, examples.encoded, weights, total)


def split_rows(validation_fraction, rows, X, y, strata, groups, seed):
    """Return row numbers to train on and to validate on.

    Parameters
    ----------
    validation_fraction : float or CV splitter
        A splitter's last split is used.
    rows : ndarray of int64
        The rows of X that may be used.
    X, y, groups : array-like or None
        Read by a splitter only.
    strata : ndarray or None
        Labels to stratify by, one per row of X.
    seed : int
        Seed of a random split.

    Returns
    -------
    train_rows, validation_rows : ndarray of int64

    Raises
    ------
    ValueError
        If the validation set would have fewer than two rows, or a class has too few members to be stratified.
    """
    if validation_fraction == 0:
        raise ValueError("early_stopping=True needs rows to watch: validation_fraction must be above 0, or pass X_val.")
    if hasattr(validation_fraction, "split"):
        groups = None if groups is None else np.asarray(groups)
        everything = rows.size == X.shape[0]
        given = (values if everything or values is None else values[rows] for values in (X, y, groups))
        splits = list(validation_fraction.split(*given))
        train, held_out = splits[-1]
        train, held_out = rows[train], rows[held_out]
    else:
        strata = None if strata is None else strata[rows]
        try:
            train, held_out = train_test_split(rows, test_size=validation_fraction, random_state=seed, stratify=strata)
        except ValueError as error:
            raise ValueError(_too_few(error, validation_fraction, rows.size, strata)) from error
    if held_out.size < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset. It has "
            f"{held_out.size} of {rows.size} row(s), by validation_fraction={validation_fraction!r}. Rows of your own "
            "can be passed as X_val and y_val."
        )
    if train.size == 0:
        raise ValueError(
            f"validation_fraction={validation_fraction!r} leaves no rows to train on. Hold out fewer rows."
        )
    # sorted, so that an epoch without shuffling walks through X in order
    return np.sort(train), np.sort(held_out)


def _too_few(error, fraction, n_rows, strata):
    """Return the message for scikit-learn's error about a random split, in the words of these parameters."""
    if str(error).startswith("The least populated class"):
        return (
            f"{error}. early_stopping=True holds out validation_fraction={fraction!r} of the rows of each class. Give "
            "at least two rows of each, or pass X_val and y_val."
        )
    n_held_out = math.ceil(fraction * n_rows)
    classes = "" if strata is None else f" of {len(np.unique(strata))} class(es), each of which needs a row in both"
    return (
        f"validation_fraction={fraction!r} makes {n_held_out} row(s) to validate on and {n_rows - n_held_out} to train "
        f"on out of n_samples={n_rows}{classes}. Change validation_fraction, give more rows, or pass X_val and y_val."
    )
