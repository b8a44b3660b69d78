"""Rates that fall when progress stalls."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np

from .._kernels.sklearn_internals import Interval
from .._kernels.typing import Kernel
from ._family import Schedule

# places in `hyper` of Plateau; places in `memory`, which no other schedule uses
FACTOR, PATIENCE, COOLDOWN, FLOOR, THRESHOLD = range(5)
RATE, BEST, HAS_BEST, N_BAD, COOLDOWN_LEFT, TRIAL_LEFT = 0, 3, 4, 5, 6, 7


def _remembered_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    if memory[RATE] == 0.0:
        memory[RATE] = peak
    return memory[RATE]


def _adaptive_end_epoch(exhausted, score, hyper, memory):
    if exhausted == 0 or memory[RATE] <= 1e-6:
        return 0
    memory[RATE] /= 5.0
    return 1


class Adaptive(Schedule):
    """Constant until progress stalls, then a fifth.

    Whenever training would stop because ``n_iter_no_change`` epochs in a row brought no improvement by ``tol``, the
    rate is divided by 5 instead, until it is at most 1e-6 (scikit-learn's rule and constants).

    Examples
    --------
    >>> from skregopt.schedules import Adaptive
    >>> Adaptive()
    Adaptive()
    """

    falls_when_exhausted = True
    rate: Kernel = staticmethod(_remembered_rate)
    end_epoch: Kernel = staticmethod(_adaptive_end_epoch)


def _plateau_end_epoch(exhausted, score, hyper, memory):
    patience, cooldown = hyper[PATIENCE], hyper[COOLDOWN]
    # NaN and -inf are no improvement: NaN fails both comparisons.
    if score > -np.inf and (memory[HAS_BEST] == 0.0 or score > memory[BEST] + hyper[THRESHOLD] * abs(memory[BEST])):
        memory[BEST], memory[HAS_BEST], memory[N_BAD] = score, 1.0, 0.0
    else:
        memory[N_BAD] += 1.0
    if memory[COOLDOWN_LEFT] > 0.0:
        memory[COOLDOWN_LEFT] -= 1.0
        memory[N_BAD] = 0.0
    on_trial = memory[TRIAL_LEFT] > 0.0
    if on_trial:
        memory[TRIAL_LEFT] -= 1.0
    if memory[N_BAD] > patience or (exhausted != 0 and not on_trial):
        memory[COOLDOWN_LEFT], memory[N_BAD] = cooldown, 0.0
        lowered = max(memory[RATE] * hyper[FACTOR], hyper[FLOOR])
        if memory[RATE] - lowered > 1e-8:
            memory[RATE], memory[TRIAL_LEFT] = lowered, patience + cooldown
            return 1
        return 0
    return 1 if on_trial else 0


class Plateau(Schedule):
    """Falls by a factor whenever the watched score has not improved for some epochs.

    The score that decides about stopping is watched: the objective or, with early stopping, the validation score. Per
    epoch. PyTorch's ``ReduceLROnPlateau`` with its eps, by which the rate changes by more than 1e-8 or not at all; a
    loss is watched as in mode 'min', a positive score as in mode 'max'. Keras's ``ReduceLROnPlateau(min_lr=floor)``,
    but there min_delta is absolute.

    The schedule acts before stopping does. When ``n_iter_no_change`` epochs in a row brought no improvement by ``tol``,
    the rate falls at once. If it fell within the last patience + cooldown epochs, it stays for another
    ``n_iter_no_change`` epochs instead. Training stops when the rate can fall no further.

    Parameters
    ----------
    factor : float in (0, 1), default=0.1
        Factor from one rate to the next.
    patience : int >= 0, default=10
        Number of epochs without improvement that are accepted; the rate falls after one more.
    cooldown : int >= 0, default=0
        Number of epochs after a fall that are not counted.
    floor : float >= 0, default=0.0
        Lowest rate, ``min_lr`` in PyTorch and Keras; at most ``learning_rate_init``.
    threshold : float >= 0, default=1e-4
        Improvement that counts, relative to the absolute value of the best score.

    Examples
    --------
    >>> from skregopt.schedules import Plateau
    >>> Plateau(factor=0.5, patience=5)
    Plateau(factor=0.5, patience=5)
    """

    _parameter_constraints = {
        "factor": [Interval(Real, 0, 1, closed="neither")],
        "patience": [Interval(Integral, 0, None, closed="left")],
        "cooldown": [Interval(Integral, 0, None, closed="left")],
        "floor": [Interval(Real, 0, None, closed="left")],
        "threshold": [Interval(Real, 0, None, closed="left")],
    }
    falls_when_exhausted = True
    rate: Kernel = staticmethod(_remembered_rate)
    end_epoch: Kernel = staticmethod(_plateau_end_epoch)

    def __init__(
        self,
        factor: float = 0.1,
        patience: int = 10,
        cooldown: int = 0,
        floor: float = 0.0,
        threshold: float = 1e-4,
    ) -> None:
        self.factor = factor
        self.patience = patience
        self.cooldown = cooldown
        self.floor = floor
        self.threshold = threshold

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return the parameters in the order of the constructor."""
        return self.factor, self.patience, self.cooldown, self.floor, self.threshold
