"""Warnings, errors and advice about the end of training, in the names and values of the estimators' parameters."""

import os
import sys
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning

from .._training.outcome import Ending
from .resolve import watches_loss

MOST_TIMES_THE_TRAINING_LOSS = 1e4  # a validation loss after one epoch that no honest rows have

_NOT_THE_USER = tuple(str(folder) + os.sep for folder in (Path(__file__).parents[1], Path(sklearn.__file__).parent))

# each part of it alone changes nothing
TRANSFORMED_IN_A_PIPELINE = (
    "sklearn.set_config(enable_metadata_routing=True), .set_fit_request(X_val=True, y_val=True) of this estimator, "
    "Pipeline(..., transform_input=['X_val']) and pipeline.fit(X, y, X_val=X_val, y_val=y_val)"
)
# parameter that takes a schedule -> what the schedule gives, what an end at 0 or above amounts to, and what has no end
_ENDS_OF_SCHEDULES = {
    "learning_rate": (
        "the rate",
        ("the network does not change", "the network hardly changes"),
        "use a schedule without an end, such as learning_rate='constant' or 'invscaling'",
    ),
    "dropout_schedule": (
        "the factor",
        ("nothing is dropped", "hardly anything is dropped"),
        "leave dropout_schedule at its default, None",
    ),
    "weight_decay_schedule": (
        "the factor",
        ("weights do not decay", "weights hardly decay"),
        "leave weight_decay_schedule at its default, None",
    ),
}


def warn_user(message, category=UserWarning):
    """Warn at the line that called this package, or scikit-learn around it."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_NOT_THE_USER):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def check_finite(outcome, sound, given, to_standardise):
    """Raise ValueError if training has diverged; with early stopping the weights of the best epoch are kept instead.

    Parameters
    ----------
    outcome : Outcome
    sound : bool
        Whether the weights to keep are finite and give finite predictions.
    given : dict
        The parameters of the estimator.
    to_standardise : str
        What there is to standardise.
    """
    # L-BFGS stops where it is when the objective is not finite; other rules may stand still
    losses = [] if given["early_stopping"] else outcome.loss_curve[-1:]
    if sound and np.all(np.isfinite(losses)):
        return
    advice = _advice_on_divergence(given, to_standardise)
    if given["solver"] == "sgd" and given["batch_size"] == "auto":
        advice += ". solver='sgd' updates on one example at a time; solver='minibatch' averages over a batch"
    raise ValueError(
        "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
        f"preprocessed. {advice}."
    )


def check_scores(outcome, scoring, rows, are_given):
    """Raise ValueError if early stopping has no epoch to keep, because no score of the validation rows was finite.

    Only at the end: a single score may well be NaN, such as a correlation with predictions that are still constant.
    Divergence, which leaves no finite score either, is not told here.

    Parameters
    ----------
    outcome : Outcome
    scoring : str or callable
        The parameter.
    rows : str
        What the validation rows are.
    are_given : bool
        Whether they are the user's, ``X_val``.
    """
    scores = outcome.validation_scores
    if not scores or outcome.best_epoch or not np.all(np.isfinite(outcome.loss_curve)):
        return
    no_score = f"no epoch to keep: scoring={scoring!r} was {scores[-1]} on {rows} after each of"
    if watches_loss(scoring):
        advice = "Look for extreme values in these rows, and standardise them like the rows trained on."
    else:
        more = "a larger validation_fraction, or rows of your own as X_val"
        more = "more rows as X_val, y_val" if are_given else more
        advice = f"Give {more}, or another scoring, such as scoring='loss'."
    raise ValueError(f"Early stopping has {no_score} {len(scores)} epoch(s). {advice}")


def warn_about(outcome, given, to_standardise):
    """Warn if training has not ended as it was meant to. Parameters as in :func:`check_finite`."""
    if outcome.ending is Ending.INTERRUPTED:
        warn_user("Training interrupted by user.")
        return
    losses = np.array(outcome.loss_curve)
    if given["early_stopping"] and not np.all(np.isfinite(losses)):
        epoch = int(np.argmax(~np.isfinite(losses))) + 1
        kept = f"epoch {outcome.best_epoch}" if outcome.best_epoch else "the starting point"
        advice = _advice_on_divergence(given, to_standardise)
        warn_user(f"Training diverged in epoch {epoch}; {kept} is kept. {advice}.", ConvergenceWarning)
    elif outcome.targets_are_small:
        reached = f" {limit_reached(outcome, given)}." if outcome.is_cut_short else ""
        warn_user(
            "The targets are small, and training ended with a loss above half that of the best constant prediction. "
            f"tol={given['tol']!r} and learning rates are meant for losses near 1: standardise y, by "
            f"TransformedTargetRegressor(..., transformer=StandardScaler()).{reached}",
            ConvergenceWarning,
        )
    elif outcome.is_cut_short:
        warn_user(_cut_short(outcome, given), ConvergenceWarning)


def _cut_short(outcome, given):
    """Return what to say about training that a limit has ended before it had converged."""
    in_time = outcome.ending is Ending.MAX_TIME
    if given["solver"] == "lbfgs":
        why, cure = outcome.message, f"max_iter ({given['max_iter']}) or max_fun ({given['max_fun']})"
        if in_time:
            why, cure = limit_reached(outcome, given), "max_time"
        return (
            f"lbfgs failed to converge after {outcome.n_iter} iteration(s) ({why}). Increase {cure}, or standardise "
            "the features."
        )
    cure = ""
    if in_time:
        cure = " Increase max_time, or use a schedule that ends with it, such as learning_rate='one_cycle'."
    why = limit_reached(outcome, given)
    return f"Stochastic Optimizer: {why} and the optimization hasn't converged yet.{cure}"


def limit_reached(outcome, given):
    """Return the words for the limit that has ended training."""
    if outcome.ending is Ending.MAX_TIME:
        return f"Maximum time (max_time={given['max_time']!r} seconds) reached"
    return f"Maximum iterations ({given['max_iter']}) reached"


def warn_about_validation_rows(outcome):
    """Warn if the first losses show that ``X_val`` or ``y_val`` have another scale than the rows trained on."""
    if outcome.unlike_losses is None:
        return
    validation_loss, training_loss = outcome.unlike_losses
    warn_user(
        f"The validation loss after the first epoch, {validation_loss:.3g}, is more than "
        f"{MOST_TIMES_THE_TRAINING_LOSS:.0e} times the training loss, {training_loss:.3g}. X_val, y_val are "
        "unlike X, y. Known causes: TransformedTargetRegressor transforms y but not y_val, so transform y_val "
        "yourself; a search or cross-validation cuts an X_val with exactly as many rows as X by fold, like X, so give"
        f" it another number of rows; a Pipeline transforms X_val only with {TRANSFORMED_IN_A_PIPELINE}."
    )


def warn_about_horizon(outcome, given):
    """Warn that ``partial_fit`` goes on behind the end of schedules. Parameters as in :func:`check_finite`."""
    ended, cures = [], []
    for name in outcome.passed_horizons:
        last = outcome.factors.get(name, outcome.learning_rate_curve[-1])
        rate, effects, cure = _ENDS_OF_SCHEDULES[name]
        ended.append(f"{name}={given[name]!r} has ended: {rate} is {last:.3g} from now on, and {effects[last > 0]}")
        cures.append(cure)
    warn_user(
        f"partial_fit has been called more than max_iter={given['max_iter']} times, after which {'; '.join(ended)}. "
        f"Set max_iter to the number of calls that you mean, or {', and '.join(cures)}."
    )


def _advice_on_divergence(given, to_standardise):
    """Return what to do about training that diverged, as the end of a message."""
    lower = []
    if given["solver"] != "lbfgs":
        lower.append(f"learning_rate_init (it is {given['learning_rate_init']!r})")
    # sensible values are below 1: each update multiplies weights by about 1 - learning rate * alpha (or weight_decay)
    if given["penalty"] is not None and given["alpha"] >= 1:
        lower.append(f"alpha (it is {given['alpha']!r})")
    if (given["weight_decay"] or 0) >= 1:
        lower.append(f"weight_decay (it is {given['weight_decay']!r})")
    return f"Standardise {to_standardise}" + (f", or lower {' or '.join(lower)}" if lower else "")
