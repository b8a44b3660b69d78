"""Which rows are held out for early stopping, by index: X is not copied."""

import numpy as np
from sklearn.model_selection import train_test_split


def split_rows(validation_fraction, rows, X, y, strata, groups, seed):
    """Split the rows of a training set into rows to train on and rows to validate on.

    Parameters
    ----------
    validation_fraction : float or CV splitter
        A splitter's last split is used.
    rows : ndarray of int64
        The rows of X that may be used.
    X, y : array-like
        Only given to a splitter.
    strata : ndarray or None
        Labels to stratify by, one per row of X.
    groups : array-like or None
        Only given to a splitter.
    seed : int
        Of a random split.

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
        train, held_out = train_test_split(
            rows,
            test_size=validation_fraction,
            random_state=seed,
            stratify=None if strata is None else strata[rows],
        )
    if held_out.size < 2:
        raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
    if train.size == 0:
        raise ValueError(
            f"validation_fraction={validation_fraction!r} leaves no rows to train on. Hold out fewer rows."
        )
    # sorted, so that an epoch without shuffling walks through X in order
    return np.sort(train), np.sort(held_out)
