"""What a fit is about: the problem, the settings of its training, and who watches it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .._engine.network import Network, Rows
from ..schedules import Schedule


@dataclass
class Problem:
    """What is to be trained, from where, and on which rows.

    Attributes
    ----------
    network : Network
    theta : ndarray
        Starting weights; overwritten.
    train : Rows
    validation : Rows or None
    """

    network: Network
    theta: np.ndarray
    train: Rows
    validation: Rows | None = None


@dataclass(frozen=True)
class Options:
    """Settings of a fit, see the estimators' parameters of the same names.

    Attributes
    ----------
    least_improvement : float
        Smallest improvement of the watched score that counts: ``tol``, or less where losses are small.
    max_time : float or None
        Seconds that training may take.
    first_epoch : int
        Epochs of earlier fits that this one continues, for the keys of random numbers.
    learning_rate_factors : sequence of float or None
        One for each of ``GROUPS``; None is 1 for all.
    incremental : bool
        Whether to train for a single epoch and to leave the decision about stopping to the caller (``partial_fit``).
    """

    batch_size: int
    max_iter: int
    max_time: float | None
    tol: float
    n_iter_no_change: float
    least_improvement: float
    learning_rate_init: float = 0.0
    learning_rate_factors: tuple | None = None
    parametrization: str = "standard"
    shuffle: bool = True
    seed: int = 0
    first_epoch: int = 0
    early_stopping: bool = False
    incremental: bool = False
    weight_decay: float = 0.0
    weight_decay_schedule: Schedule | None = None
    dropout_schedule: Schedule | None = None
    clip_norm: float | None = None
    max_norm: float | None = None
    ema_decay: float | None = None
    n_threads: int = 1


@dataclass(frozen=True)
class Observers:
    """Who watches a fit.

    Attributes
    ----------
    score : callable or None
        ``score(theta, validation_loss) -> float``, higher is better, where Python scores epochs; None watches the loss.
    report : callable or None
        ``report(epoch, loss, score, learning_rate)``, for ``verbose``. Score is the scorer's value where there is one,
        else the validation loss, None without validation rows; L-BFGS has no learning rate.
    tasks : FitTasks or None
        For callbacks; with them compiled code returns after each epoch.
    """

    score: Callable | None = None
    report: Callable | None = None
    tasks: object = None
