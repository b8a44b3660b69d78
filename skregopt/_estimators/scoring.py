"""Scoring epochs with the user's scorer, for early stopping."""

import copy
import inspect
from contextlib import contextmanager
from numbers import Real

import numpy as np
from sklearn.metrics import check_scoring


def epoch_scorer(estimator, structure, set_theta, X, y, sample_weight):
    """Return ``score(theta, validation_loss)``, which calls the scorer with a fitted view of the estimator.

    Parameters
    ----------
    estimator : BaseMLP
        Its ``scoring`` is used; not changed.
    structure : dict
        Fitted attributes that do not change from epoch to epoch.
    set_theta : callable
        ``set_theta(view, theta)`` gives the view its weights.
    X, y : held-out rows with their original labels
    sample_weight : ndarray or None
        Passed on if the scorer takes it.

    Returns
    -------
    callable
        Its result is NaN, without a call of the scorer, when the validation loss is not finite.
    """
    view = copy.copy(estimator)
    view.__dict__.update(structure)
    if not hasattr(X, "columns"):
        view.__dict__.pop("feature_names_in_", None)  # rows of a validated X have lost their names
    scorer = check_scoring(view, scoring=estimator.scoring)
    extra = {}
    if sample_weight is not None and takes_sample_weight(scorer):
        extra["sample_weight"] = sample_weight

    def score(theta, validation_loss):
        if not np.isfinite(validation_loss):
            return np.nan
        set_theta(view, theta.copy())
        value = scorer(view, X, y, **extra)
        if not isinstance(value, Real):
            raise ValueError(f"scoring={estimator.scoring!r} must return a number, got {value!r}.")
        return value

    return score


def check_scores(estimator, outcome, n_rows, given):
    """Raise ValueError if early stopping has no epoch to keep, because no score of the validation rows was finite.

    Only at the end: a single score may well be NaN, such as a correlation with predictions that are still constant.
    Divergence, which leaves no finite score either, is not told here.

    Parameters
    ----------
    estimator : BaseMLP
    outcome : Outcome
    n_rows : int
        Number of validation rows.
    given : bool
        Whether they are the user's, ``X_val``.
    """
    scores = outcome.validation_scores
    if not scores or outcome.best_epoch or not np.all(np.isfinite(outcome.loss_curve)):
        return
    rows = f"{n_rows} validation row(s) ({'X_val' if given else 'held out by validation_fraction'})"
    no_score = f"no epoch to keep: scoring={estimator.scoring!r} was {scores[-1]} on the {rows} after each of"
    if estimator.scoring == "loss":
        advice = "Look for extreme values in these rows, and standardise them like those trained on."
    else:
        more = "more rows as X_val, y_val" if given else "a larger validation_fraction, or rows of your own as X_val"
        advice = f"Give {more}, or another scoring, such as scoring='loss'."
    raise ValueError(f"Early stopping has {no_score} {len(scores)} epoch(s). {advice}")


@contextmanager
def naming(argument):
    """Put the name of the argument in front of errors, which scikit-learn words for X and y."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError  # others want more arguments
        raise kind(f"{argument} cannot be used: {error}") from error


def takes_sample_weight(scorer):
    """Tell whether a scorer has a ``sample_weight``."""
    function = getattr(scorer, "_score_func", scorer)
    try:
        return "sample_weight" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
