"""Scoring epochs with the user's scorer, for early stopping."""

import copy
import inspect
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


def takes_sample_weight(scorer):
    """Tell whether a scorer has a ``sample_weight``."""
    function = getattr(scorer, "_score_func", scorer)
    try:
        return "sample_weight" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
