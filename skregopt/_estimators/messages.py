"""Warnings and advice about the end of training, in the names of the estimators' parameters."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._training.outcome import Ending


def advice_on_divergence(estimator):
    """Return what to do about training that diverged, as the end of a message."""
    lower = []
    if estimator.solver != "lbfgs":
        lower.append(f"learning_rate_init (it is {estimator.learning_rate_init!r})")
    # a sensible one is below 1; each update multiplies weights by about 1 - learning rate * alpha, or * weight_decay
    if estimator.penalty is not None and estimator.alpha >= 1:
        lower.append(f"alpha (it is {estimator.alpha!r})")
    if (estimator.weight_decay or 0) >= 1:
        lower.append(f"weight_decay (it is {estimator.weight_decay!r})")
    return f"Standardise {estimator._to_standardise}" + (f", or lower {' or '.join(lower)}" if lower else "")


def warn_about(estimator, outcome):
    """Warn, or print, why the training of an estimator ended, unless it simply converged."""
    if outcome.ending is Ending.INTERRUPTED:
        warnings.warn("Training interrupted by user.", stacklevel=6)
        return
    losses = np.array(outcome.loss_curve)
    if estimator.early_stopping and not np.all(np.isfinite(losses)):
        epoch = int(np.argmax(~np.isfinite(losses))) + 1
        kept = f"epoch {outcome.best_epoch}" if outcome.best_epoch else "the starting point"
        warnings.warn(
            f"Training diverged in epoch {epoch}; {kept} is kept. {advice_on_divergence(estimator)}.",
            ConvergenceWarning,
            stacklevel=6,
        )
    elif outcome.ending is Ending.MAX_ITER and estimator.solver == "lbfgs":
        warnings.warn(
            f"lbfgs failed to converge after {outcome.n_iter} iteration(s) ({outcome.message}). Increase max_iter "
            f"({estimator.max_iter}) or max_fun ({estimator.max_fun}), or standardise the features.",
            ConvergenceWarning,
            stacklevel=6,
        )
    elif outcome.ending is Ending.MAX_ITER:
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the optimization hasn't "
            "converged yet.",
            ConvergenceWarning,
            stacklevel=6,
        )
    elif estimator.verbose and outcome.ending is Ending.STOPPED:
        print("A callback asked to stop. Stopping.")
    elif estimator.verbose and estimator.solver != "lbfgs":
        watched = "Validation score" if estimator.early_stopping else "Training loss"
        print(
            f"{watched} did not improve more than tol={estimator.tol:f} for {estimator.n_iter_no_change} "
            "consecutive epochs. Stopping."
        )
