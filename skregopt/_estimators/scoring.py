"""Scoring epochs with the user's scorer, for early stopping."""

import inspect
from numbers import Real

import numpy as np
from sklearn.metrics import check_scoring


def epoch_scorer(view, set_weights, X, y, sample_weight):
    """Return ``score(theta, validation_loss)``, which calls the user's scorer.

    Parameters
    ----------
    view : BaseMLP
        A copy of the estimator with all fitted attributes but weights; the scorer is its ``scoring``.
    set_weights : callable
        ``set_weights(view, theta)`` gives the copy its weights.
    X, y : array-like
        Held-out rows with their original labels.
    sample_weight : ndarray or None
        Passed on if the scorer takes it.

    Returns
    -------
    callable
        Its result is NaN, without a call of the scorer, when the validation loss is not finite.
    """
    if not hasattr(X, "columns"):
        vars(view).pop("feature_names_in_", None)  # rows of a validated X have lost their names
    scorer = check_scoring(view, scoring=view.scoring)
    extra = {}
    if sample_weight is not None and takes_sample_weight(scorer):
        extra["sample_weight"] = sample_weight

    def score(theta, validation_loss):
        if not np.isfinite(validation_loss):
            return np.nan
        set_weights(view, theta.copy())
        value = scorer(view, X, y, **extra)
        if not isinstance(value, Real):
            raise ValueError(f"scoring={view.scoring!r} must return a number, got {value!r}.")
        return value

    return score


def takes_sample_weight(scorer):
    """Tell whether a scorer has a ``sample_weight``."""
    function = getattr(scorer, "_score_func", scorer)
    try:
        return "sample_weight" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
