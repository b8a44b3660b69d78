"""Which rows each network holds out: by index, so that the encoded table is not copied."""

from math import floor

import numpy as np

from .._estimators.split import check_size_of_held_out, parts_that_count, splits_of

LEAST_SHARE = 0.5  # of the rows of the largest training part that a split of the user's must have


class Fixed:
    """A splitter with one split, which is known.

    Parameters
    ----------
    train, held_out : ndarray of int
        Numbers of rows.
    """

    def __init__(self, train, held_out):
        self.train, self.held_out = train, held_out

    def split(self, X, y=None, groups=None):
        """Yield the split."""
        yield self.train, self.held_out

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return 1."""
        return 1


def random_folds(fraction, has_weight, strata, random_state):
    """Return disjoint folds, each of about a fraction of the rows, with as many rows of each stratum as possible.

    Parameters
    ----------
    fraction : float in (0, 1)
        At most the half of the rows is held out at once: two folds. At least two rows are.
    has_weight : ndarray of bool of shape (n_rows,)
        Rows without weight are in no part.
    strata : ndarray of shape (n_rows,) or None
        The only row of a stratum is always trained on.
    random_state : RandomState

    Returns
    -------
    list of (ndarray of int, ndarray of int or None)
        Rows to train on and rows to hold out, sorted. A single pair with None for the latter where too few rows can be
        held out.
    """
    rows = random_state.permutation(np.flatnonzero(has_weight))
    dealt = rows
    if strata is not None:
        dealt = rows[np.argsort(strata[rows], kind="stable")]
        _, codes, counts = np.unique(strata[dealt], return_inverse=True, return_counts=True)
        dealt = dealt[counts[codes] > 1]
    n_folds = min(max(2, floor(1 / fraction + 1e-9)), dealt.size // 2)
    if n_folds < 2:
        return [(np.sort(rows), None)]
    folds = []
    for fold in range(n_folds):
        held_out = np.sort(dealt[fold::n_folds])
        folds.append((np.setdiff1d(rows, held_out), held_out))
    return folds


def folds_of_splitter(splitter, data, has_weight):
    """Return the splits of the user's splitter, the last one first, without those that train on few rows.

    The last one first, because that is the one that :class:`skregopt.MLPClassifier` takes: of a splitter in the order
    of time it has the most recent rows. Splits that train on less than half of the rows of the largest one are left
    out, as the first ones of a ``TimeSeriesSplit`` do.

    Parameters
    ----------
    splitter : CV splitter
    data : TableData
    has_weight : ndarray of bool of shape (n_rows,)

    Raises
    ------
    ValueError
        If there is no split, or one that leaves no rows to train on, or fewer than two to hold out.
    """
    name, folds = f"validation_fraction={splitter!r}", []
    for parts in splits_of(splitter, data):
        train, held_out = map(np.sort, parts_that_count(parts, has_weight, name))
        check_size_of_held_out(held_out.size, np.count_nonzero(has_weight), splitter)
        folds.append((train, held_out))
    most = max(train.size for train, _ in folds)
    return [(train, held_out) for train, held_out in reversed(folds) if train.size >= LEAST_SHARE * most]
