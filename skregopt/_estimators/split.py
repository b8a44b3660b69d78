"""Third stage of a fit: which rows are trained on, and which are validated on, by index: X is not copied."""

import math
from collections import deque
from collections.abc import Iterable, Sized
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import indexable

from .._engine.network import Rows, in_precision, relative_weights
from .._kernels.shown import shortened
from .._kernels.sklearn_internals import safe_indexing
from .messages import warn_user
from .resolve import watches_loss
from .validation import asking_for_groups, naming


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of both kinds.

    Attributes
    ----------
    train : Rows
    validation : Rows or None
        None where there is nothing to validate on.
    scored : tuple or None
        X, y and weights of the validation rows as the user's scorer reads them: a part of what the user passed. None
        where only losses are watched.
    origin : str or None
        Where the validation rows come from, for messages.
    """

    train: Rows
    validation: Rows | None
    scored: tuple | None
    origin: str | None

    @property
    def described(self):
        """What the validation rows are, for messages."""
        return f"the {self.validation.indices.size} validation row(s) ({self.origin})"


def split(resolved, inputs, data):
    """Return the :class:`Split` of a fit.

    Parameters
    ----------
    resolved : Resolved
    inputs : Inputs
    data : FitData

    Raises
    ------
    ValueError
        If there are too few rows of either kind.
    """
    given, examples, dtype = resolved.given, inputs.examples, inputs.dtype
    has_weight = examples.has_weight
    rows = np.flatnonzero(has_weight)
    held_out, validation, scored, origin = None, None, None, None
    if inputs.validation is not None:
        held_out, origin, passed = inputs.validation, "X_val", (data.X_val, data.y_val)
        val_rows = np.flatnonzero(held_out.has_weight)
    elif given["early_stopping"]:
        held_out, origin, passed = examples, "held out by validation_fraction", (data.X, data.y)
        rows, val_rows = _rows_of_both_kinds(given["validation_fraction"], inputs, data, has_weight)
    if held_out is not None:
        validation = _validation_rows(held_out, val_rows, dtype)
        if given["early_stopping"] and not watches_loss(given["scoring"]):
            weights = held_out.sample_weight
            scored = *rows_of(val_rows, *passed), None if weights is None else weights[val_rows]
    normalisation = resolved.normalisation
    if normalisation is not None and normalisation.needs_whole_batch and rows.size == 1:
        raise ValueError(_too_few_for_a_variance(normalisation.name, has_weight.size))
    # partial_fit takes weights as given: the rows of a call are a part of all
    train = (_given_rows if resolved.incremental else _relative_rows)(examples, rows, dtype)
    return Split(train, validation, scored, origin)


def rows_of(rows, X, y):
    """Return some rows of X and y in the form that the user passed; all rows, in order, are X and y themselves."""
    if rows.size == np.shape(X)[0]:
        return X, y
    return tuple(safe_indexing(part, rows) for part in indexable(X, y))


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


def _rows_of_both_kinds(fraction, inputs, data, has_weight):
    """Return the numbers of the rows to train on and to validate on, sorted.

    Parameters
    ----------
    fraction : float or CV splitter
        ``validation_fraction``.
    inputs : Inputs
    data : FitData
    has_weight : ndarray of bool of shape (n_samples,)
        Rows without weight are in neither part.

    Raises
    ------
    ValueError
        If the validation set would have fewer than two rows, or a class has too few members to be stratified.
    """
    if hasattr(fraction, "split"):
        train, held_out = _split_by(fraction, data, has_weight)
    elif fraction == 0:
        raise ValueError("early_stopping=True needs rows to watch: validation_fraction must be above 0, or pass X_val.")
    else:
        train, held_out = _split_at_random(fraction, np.flatnonzero(has_weight), inputs)
    check_size_of_held_out(held_out.size, np.count_nonzero(has_weight), fraction)
    if train.size == 0:
        raise ValueError(f"validation_fraction={fraction!r} leaves no rows to train on. Hold out fewer rows.")
    # sorted, so that an epoch without shuffling walks through X in order
    return np.sort(train), np.sort(held_out)


def _split_by(splitter, data, has_weight):
    """Return both parts of the last split of the user's splitter, without the rows of weight zero."""
    [parts] = deque(splits_of(splitter, data), maxlen=1)
    return parts_that_count(parts, has_weight, f"validation_fraction={splitter!r}")


def parts_that_count(parts, has_weight, split):
    """Return the numbers of the rows in both parts of a user's split, without the rows of weight zero.

    Parameters
    ----------
    parts : tuple of two array-likes
        Numbers or masks of rows: to train on, and to validate on.
    has_weight : ndarray of bool of shape (n_samples,)
    split : str
        What made the split, for messages.

    Raises
    ------
    ValueError
        For a part with rows that X does not have, without rows, or without a row of positive weight.
    """
    rows, kept = np.arange(has_weight.size), []
    for part, purpose in zip(parts, ("train", "validate"), strict=True):
        try:
            chosen = rows[part] if np.size(part) else rows[:0]  # which may be a mask
            if chosen.ndim != 1:
                raise IndexError(f"they must be positions or a mask, got {type(part).__name__}")
        except IndexError as error:
            raise ValueError(
                f"{split} gave rows to {purpose} on that X, with {rows.size} rows, does not have: {error}. Split the "
                "rows of this X."
            ) from error
        if not chosen.size:
            raise ValueError(
                f"{split} leaves no rows to {purpose} on: that part of the {rows.size} rows is empty. Give it at least "
                "one row, or split otherwise."
            )
        chosen = chosen[has_weight[chosen]]
        if not chosen.size:
            raise ValueError(
                f"All rows that {split} gives to {purpose} on have the weight zero, by sample_weight or class_weight. "
                "Leave out all rows of weight zero before they are split, or split otherwise, such as in random order."
            )
        kept.append(chosen)
    return kept


def splits_of(splitter, data):
    """Yield the pairs of the user's splitter.

    The splitter sees all rows, as the user passed them: it may know rows by their position or by what a frame says.

    Parameters
    ----------
    splitter : CV splitter
        ``validation_fraction``.
    data : object
        With the arguments ``X``, ``y`` and ``groups`` of the user.

    Raises
    ------
    ValueError
        If there is no split, or one that is no pair.
    """
    if isinstance(splitter, type):
        raise ValueError(f"validation_fraction={splitter.__name__} is a class. Pass {splitter.__name__}(...).")
    X, y = indexable(data.X, data.y)
    with naming("groups"):
        _, groups = indexable(X, data.groups)
    n_splits = 0
    with asking_for_groups(groups, splitter):
        found = splitter.split(X, y, groups=groups)
        for parts in found if isinstance(found, Iterable) else [found]:
            n_splits += 1
            yield _pair(parts, splitter)
    if not n_splits:
        raise ValueError(f"validation_fraction={splitter!r} made no split of the {np.shape(y)[0]} rows.")


def _pair(parts, splitter):
    """Return what a splitter yields; ValueError if it is no pair."""
    n_parts = len(parts) if isinstance(parts, Sized) and not isinstance(parts, str) else None
    if n_parts != 2:
        got = f"{type(parts).__name__}{'' if n_parts is None else f' of {n_parts}'}"
        raise ValueError(
            f"The method split of validation_fraction={splitter!r} must yield pairs, the rows to train on and the rows "
            f"to validate on, got {got}."
        )
    return parts


def _split_at_random(fraction, rows, inputs):
    """Return a random part of ``rows`` to train on and one to validate on, stratified where classes are to be."""
    strata = inputs.targets.strata(inputs.examples.encoded)
    if strata is not None:
        return _split_classes(fraction, rows, strata[rows], inputs.targets.classes, inputs.seed)
    try:
        return train_test_split(rows, test_size=fraction, random_state=inputs.seed)
    except ValueError as error:
        raise ValueError(_too_few(fraction, rows.size)) from error


def _split_classes(fraction, rows, codes, classes, seed):
    """Split rows of classes, like :func:`_split_at_random`: small classes are no error.

    The fraction is of all rows. The only row of a class is trained on; the others are stratified. Where they are too
    few, or there are fewer rows to validate on, or to train on, than classes, rows are drawn at random, but one of each
    class stays to train on as long as that leaves enough of them.

    Raises
    ------
    ValueError
        If there would be fewer than two rows to validate on.
    """
    found, codes, counts = np.unique(codes, return_inverse=True, return_counts=True)
    is_single = counts[codes] == 1
    n_others = np.count_nonzero(~is_single)
    n_held_out = math.ceil(fraction * rows.size)
    if n_held_out < 2:
        has_single = is_single.any() and len(found) > 1
        problem = _single_members(rows, codes, classes[found.astype(np.intp)]) if has_single else ""
        raise ValueError(f"{problem}{_too_small(n_held_out, rows.size, fraction)}")
    if n_others and np.count_nonzero(counts > 1) <= min(n_held_out, n_others - n_held_out):
        others, strata = rows[~is_single], codes[~is_single]
        train, held_out = train_test_split(others, test_size=n_held_out, random_state=seed, stratify=strata)
        if len(found) > 1 and np.all(strata == strata[0]):
            only = classes[found[strata[:1]].astype(np.intp)]
            warn_user(
                f"All {n_held_out} rows to validate on are of the class {shortened(only)}, because the only row of "
                "another class is trained on. Give more rows, or pass X_val and y_val."
            )
        return np.concatenate([train, rows[is_single]]), held_out
    order = np.random.RandomState(seed).permutation(rows.size)
    _, first = np.unique(codes[order], return_index=True)
    order = np.concatenate([np.delete(order, first), order[first]])
    held_out, train = order[:n_held_out], order[n_held_out:]
    missing = np.delete(found, codes[held_out]).astype(np.intp)
    if missing.size:
        warn_user(
            f"validation_fraction={fraction!r} makes {n_held_out} row(s) to validate on out of n_samples={rows.size} "
            f"of {found.size} classes: no split has a row of each class in both parts, so that the rows are drawn at "
            f"random. Not validated are the classes {shortened(classes[missing])}. Change validation_fraction, give "
            "more rows, or pass X_val and y_val."
        )
    return rows[train], rows[held_out]


def _too_few_for_a_variance(parameter, n_given):
    """Return the message for a single row to train on with a normalisation over rows."""
    problem = "X has 1 sample"
    if n_given > 1:
        problem = f"1 sample of {n_given} is left to train on: the others have weight zero, or are held out"
    return (
        f"{parameter}=True divides by the standard deviation over at least two samples, but {problem}. Give more "
        f"samples, or set {parameter}=False."
    )


def check_size_of_held_out(n_held_out, n_rows, fraction):
    """Raise ValueError for fewer than two rows to validate on; ``fraction`` is the user's ``validation_fraction``."""
    if n_held_out < 2:
        raise ValueError(_too_small(n_held_out, n_rows, fraction))


def _too_small(n_held_out, n_rows, fraction):
    """Return the message for fewer than two rows to validate on; its beginning is scikit-learn's."""
    return (
        "The validation set is too small. Increase 'validation_fraction' or the size of your dataset. It has "
        f"{n_held_out} row(s) of n_samples={n_rows}, by validation_fraction={fraction!r}. Rows of your own can be "
        "passed as X_val and y_val."
    )


def _single_members(rows, codes, classes):
    """Return scikit-learn's message about classes of one row, with the user's labels."""
    # scikit-learn's tests of its classifier know 0 and 1 as False and True
    labels = codes.astype(bool).astype(str) if classes.tolist() == [0, 1] else classes[codes]
    single, message = classes[np.bincount(codes) == 1], ""
    try:
        train_test_split(rows, stratify=labels)
    except ValueError as error:
        message = f"{str(error).rstrip('.')}. "
    return message if f"'{single[0]}'" in message else f"{message}Of one row: {shortened(single)}. "


def _too_few(fraction, n_rows):
    """Return the message for scikit-learn's error about a random split, in the words of these parameters."""
    n_held_out = math.ceil(fraction * n_rows)
    return (
        f"validation_fraction={fraction!r} makes {n_held_out} row(s) to validate on and {n_rows - n_held_out} to train "
        f"on out of n_samples={n_rows}. Change validation_fraction, give more rows, or pass X_val and y_val."
    )
