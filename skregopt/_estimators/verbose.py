"""What a fit prints with ``verbose``: what it compiles, one line an epoch, and at last why it ended."""

import os
import time

from .._training.outcome import Ending
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
    """Return the name of a scorer: a string, a function, or what scikit-learn's ``make_scorer`` returns."""
    if isinstance(scorer, str):
        return scorer
    return getattr(getattr(scorer, "_score_func", scorer), "__name__", "score")


def say_how_training_ended(outcome, given):
    """Print why training ended, and the weights of which epoch are kept.

    Parameters
    ----------
    outcome : Outcome
    given : dict
        The parameters of the estimator.
    """
    early_stopping = given["early_stopping"]
    if outcome.ending in (Ending.CONVERGED, Ending.MAX_ITER, Ending.COMPLETED) and outcome.message:
        why = f"L-BFGS has ended: {outcome.message}."
    elif outcome.ending is Ending.CONVERGED:
        what = "Validation score" if early_stopping else "Training loss"
        patience = f"{given['n_iter_no_change']} consecutive epochs"
        why = f"{what} did not improve more than tol={given['tol']:g} for {patience}. Stopping."
    elif outcome.ending in (Ending.MAX_ITER, Ending.COMPLETED):
        why = f"Maximum iterations ({given['max_iter']}) reached."
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
