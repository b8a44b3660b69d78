"""What a fit produced, and why it ended."""

from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np


class Ending(Enum):
    """Why training ended."""

    CONVERGED = "no improvement any more"
    MAX_ITER = "the last epoch"
    MAX_TIME = "the last epoch that the time allowed"
    DIVERGED = "weights or losses that are not finite"
    INTERRUPTED = "an interruption by the user"
    STOPPED = "a callback"
    INCREMENT = "the epoch of partial_fit is complete"


@dataclass
class Outcome:
    """What a fit produced.

    Attributes
    ----------
    theta : ndarray
        Weights to keep.
    ending : Ending or None
        None while training goes on.
    is_complete : bool
        Whether a limit, of epochs or of time, ended training as planned.
    n_iter : int
        Epochs; iterations of L-BFGS.
    loss_curve, validation_loss_curve, learning_rate_curve, validation_scores : list of float
        One element per epoch.
    best_epoch : int
        1-based epoch of the best score; 0 if no epoch had a finite score.
    best_score : float
    targets_are_small : bool
        Whether ``tol`` is large beside the losses of a regression problem, and training has not learnt much.
    unlike_losses : tuple of two floats, or None
        The validation loss after the first epoch and the training loss to compare it with, where the rows that the
        user has given to validate on must have another scale.
    factors : dict of str to float
        Last factors of the schedules of dropout and of weight decay by the names of their parameters.
    passed_horizons : list of str
        Parameters whose schedules have ended, if this call of ``partial_fit`` is the first one after it.
    message : str
        SciPy's words about the end of L-BFGS.
    """

    theta: np.ndarray
    ending: Ending | None = None
    is_complete: bool = False
    n_iter: int = 0
    loss_curve: list = field(default_factory=list)
    validation_loss_curve: list = field(default_factory=list)
    learning_rate_curve: list = field(default_factory=list)
    validation_scores: list = field(default_factory=list)
    best_epoch: int = 0
    best_score: float = -np.inf
    targets_are_small: bool = False
    unlike_losses: tuple | None = None
    factors: dict = field(default_factory=dict)
    passed_horizons: list = field(default_factory=list)
    message: str = ""

    @property
    def is_cut_short(self):
        """Whether a limit, of epochs or of time, ended training that was to go on."""
        return self.ending in (Ending.MAX_ITER, Ending.MAX_TIME) and not self.is_complete

    def so_far(self, theta, n_iter, progress):
        """Return a copy as if training had ended with these weights after ``n_iter`` epochs."""
        best_epoch, best_score = int(progress["best_epoch"]), float(progress["best_score"])
        return replace(self, theta=theta, n_iter=n_iter, best_epoch=best_epoch, best_score=best_score)
