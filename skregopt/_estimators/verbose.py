"""What a fit prints with ``verbose``: what it compiles, one line an epoch, and at last why it ended."""

import os
import time

from .._kernels.sklearn_internals import is_negated, metric_of
from .._training.outcome import Ending
from .messages import limit_reached
from .resolve import watches_loss


def say_what_compiles(folder):
    """Print that the training loop is compiled, and where its machine code is kept; None: nowhere."""
    if folder is None:
        chosen = os.environ.get("NUMBA_CACHE_DIR")
        reason = "there is no folder for caches that is yours alone. Set NUMBA_CACHE_DIR to one."
        if chosen:
            reason = (
                f"NUMBA_CACHE_DIR={chosen} keeps no machine code. Set it to a folder that is yours and that nobody "
                "else may write to."
            )
        print(f"Compiling the training loop, as every process has to: {reason}")
    else:
        print(f"Compiling the training loop; later processes load its machine code from {folder}.")


class EpochLines:
    """Prints a line for each epoch; seconds count from when it is created.

    Parameters
    ----------
    scoring : str or callable
        The parameter, where early stopping watches a scorer; else 'loss'.
    """

    def __init__(self, scoring):
        self._score = "val_loss" if watches_loss(scoring) else _name(scoring)
        self._started = time.perf_counter()

    def __call__(self, epoch, loss, score=None, learning_rate=None):
        """Print the line of an epoch.

        Parameters
        ----------
        epoch : int
            Counted from 1.
        loss : float
            Objective.
        score : float, default=None
            Validation loss, or the value of the scorer; None without validation rows.
        learning_rate : float, default=None
            None for L-BFGS.
        """
        words = [f"Iteration {epoch}, loss = {loss:.8f}"]  # scikit-learn's, which people parse
        if score is not None:
            words.append(f"{self._score} = {score:.8f}")
        if learning_rate is not None:
            words.append(f"learning rate = {learning_rate:.3g}")
        words.append(f"{time.perf_counter() - self._started:.2f} s")
        print(", ".join(words))


def _name(scorer):
    """Return the name of a scorer: a string, a function, or what scikit-learn's ``make_scorer`` returns.

    'score' stands for one without a name, such as a lambda. The name of a metric of which less is better begins with
    'neg_', as in scikit-learn, because a scorer returns minus its value.
    """
    if isinstance(scorer, str):
        return scorer
    name = getattr(metric_of(scorer) or scorer, "__name__", "")
    if not name.isidentifier():
        return "score"
    return f"neg_{name}" if is_negated(scorer) else name


def _rate_cannot_fall(outcome, resolved):
    """Tell whether training that has converged would have gone on with a lower rate, had there been one."""
    if resolved.optimizer is None or not resolved.schedule.falls_when_exhausted:
        return False
    return outcome.n_iter > resolved.schedule.warmup_epochs  # until then it does not fall


def say_how_training_ended(outcome, resolved):
    """Print why training ended, and the weights of which epoch are kept.

    Parameters
    ----------
    outcome : Outcome
    resolved : Resolved
    """
    given = resolved.given
    early_stopping = given["early_stopping"]
    if outcome.ending in (Ending.CONVERGED, Ending.MAX_ITER) and outcome.message:
        why = f"L-BFGS has ended: {outcome.message}."
    elif outcome.ending is Ending.CONVERGED:
        what = "Validation score" if early_stopping else "Training loss"
        patience = f"{given['n_iter_no_change']} consecutive epochs"
        at_floor = "Learning rate too small. " if _rate_cannot_fall(outcome, resolved) else ""
        why = f"{what} did not improve more than tol={given['tol']:g} for {patience}. {at_floor}Stopping."
    elif outcome.ending in (Ending.MAX_ITER, Ending.MAX_TIME):
        why = f"{limit_reached(outcome, given)}."
    elif outcome.ending is Ending.STOPPED:
        why = "A callback asked to stop. Stopping."
    else:
        why = "Training interrupted by user."
    if not early_stopping:
        kept = "The last weights"
        if outcome.n_iter and outcome.ending is not Ending.INTERRUPTED:
            kept = f"The weights of epoch {outcome.n_iter}, the last,"
    elif outcome.best_epoch:
        kept = f"The weights of epoch {outcome.best_epoch}, the best,"
    else:
        kept = "The weights that training started from"
    print(f"{why} {kept} are kept.")
