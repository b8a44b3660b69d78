"""Rates along cosine waves: annealing, one cycle up and down, a constant rate that then falls, ever longer cycles."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np

from .._kernels.jit import jit
from .._kernels.sklearn_internals import Interval
from .._kernels.typing import Kernel
from ._family import Schedule, stop_when_exhausted

# places in `hyper`, of Cosine, of OneCycle and of CosLog; places in `memory`, which no other schedule uses
FLOOR, LENGTH, GROWTH = range(3)
PCT_START, DIV_FACTOR, FINAL_DIV_FACTOR = range(3)
LENGTHS = 0
EPOCH, UPDATES_BEFORE = 1, 2


@jit
def _between(start, end, share):
    """Return a point of half a cosine wave from ``start`` (share 0) to ``end`` (share 1)."""
    c = np.cos(0.5 * np.pi * share)  # c^2 = (1 + cos(pi share)) / 2, without its cancellation near share = 1
    return end + (start - end) * (c * c)


@jit
def _updates_done(t, epoch, updates_per_epoch, memory):
    """Return how many updates came before update ``t``, if all epochs have as many as this one."""
    # The position within an epoch is counted anew, because calls of partial_fit may differ in their number of updates.
    if memory[EPOCH] != epoch + 1.0:
        memory[EPOCH] = epoch + 1.0
        memory[UPDATES_BEFORE] = t - 1.0
    return np.float64(epoch) * updates_per_epoch + (t - 1.0 - memory[UPDATES_BEFORE])


def _cosine_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    floor, length, growth = min(hyper[FLOOR], peak), hyper[LENGTH], hyper[GROWTH]
    position = np.float64(epoch)
    if length == 0.0:
        length = np.float64(max_iter)
        if position >= length:
            return floor
    elif growth == 1.0:
        position %= length
    else:
        while position >= length:
            position -= length
            length *= growth
    return _between(peak, floor, position / length)


class Cosine(Schedule):
    """Falls along half a cosine wave, once or again and again.

    In epoch e, counted from 0 (per epoch, like PyTorch's ``CosineAnnealingLR`` with T_max = max_iter)::

        lr = floor + (learning_rate_init - floor) (1 + cos(pi e / max_iter)) / 2
        lr = floor    (from e = max_iter on)

    With ``restart_every`` the wave starts again at ``learning_rate_init`` after that many epochs. Each wave is
    ``restart_factor`` times as long as the one before, and ``max_iter`` plays no part. This is PyTorch's
    ``CosineAnnealingWarmRestarts`` with T_0 and T_mult, and Keras's ``CosineDecayRestarts`` with first_decay_steps and
    t_mul (Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017).

    Parameters
    ----------
    floor : float >= 0, default=0.0
        Lowest rate, PyTorch's ``eta_min``; at most ``learning_rate_init``.
    restart_every : int >= 1 or None, default=None
        Number of epochs to the first restart; None: no restarts.
    restart_factor : int >= 1, default=1
        How much longer each wave is than the one before.

    Examples
    --------
    >>> from skregopt.schedules import Cosine
    >>> Cosine(restart_every=10, restart_factor=2)
    Cosine(restart_every=10, restart_factor=2)
    """

    _parameter_constraints = {
        "floor": [Interval(Real, 0, None, closed="left")],
        "restart_every": [Interval(Integral, 1, None, closed="left"), None],
        "restart_factor": [Interval(Integral, 1, None, closed="left")],
    }
    rate: Kernel = staticmethod(_cosine_rate)
    end_epoch: Kernel = staticmethod(stop_when_exhausted)

    def __init__(self, floor: float = 0.0, restart_every: int | None = None, restart_factor: int = 1) -> None:
        self.floor = floor
        self.restart_every = restart_every
        self.restart_factor = restart_factor

    @property
    def has_horizon(self) -> bool:
        """Whether there are no restarts."""
        return self.restart_every is None

    def _validate_params(self):
        super()._validate_params()
        if self.restart_every is None and self.restart_factor != 1:
            raise ValueError(
                f"restart_factor={self.restart_factor!r} has no effect with restart_every=None. Set restart_every to "
                "the number of epochs before the first restart, or leave restart_factor at its default, 1."
            )

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return the lowest rate, the length of the first wave (0: max_iter) and the growth of the waves."""
        return self.floor, self.restart_every or 0, self.restart_factor


def _one_cycle_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    n_updates = np.float64(max_iter) * updates_per_epoch
    position = _updates_done(t, epoch, updates_per_epoch, memory)
    turn, end = hyper[PCT_START] * n_updates - 1.0, n_updates - 1.0
    first = peak / hyper[DIV_FACTOR]
    floor = first / hyper[FINAL_DIV_FACTOR]
    if position > end:
        return floor
    if position <= turn:
        return _between(first, peak, position / turn if turn > 0.0 else 0.0)
    return _between(peak, floor, (position - turn) / (end - turn))


class OneCycle(Schedule):
    """Rises to the peak and falls far below its start, along half cosine waves, within ``max_iter`` epochs.

    From learning_rate_init / div_factor to learning_rate_init during the first ``pct_start`` of all updates, then to
    learning_rate_init / (div_factor final_div_factor) with the last one, where it stays. Per update. PyTorch's
    ``OneCycleLR`` with max_lr = learning_rate_init and cycle_momentum=False (Smith and Topin, "Super-convergence: very
    fast training of neural networks using large learning rates", 2019).

    Training that stops early never reaches the low rates. Set ``max_iter`` to the number of epochs that you mean, and
    ``n_iter_no_change`` high.

    Parameters
    ----------
    pct_start : float in [0, 1], default=0.3
        Share of the updates that rise.
    div_factor : float >= 1, default=25.0
        Peak divided by the first rate.
    final_div_factor : float >= 1, default=1e4
        First rate divided by the last one.

    Examples
    --------
    >>> from skregopt.schedules import OneCycle
    >>> OneCycle(pct_start=0.1)
    OneCycle(pct_start=0.1)
    """

    _parameter_constraints = {
        "pct_start": [Interval(Real, 0, 1, closed="both")],
        "div_factor": [Interval(Real, 1, None, closed="left")],
        "final_div_factor": [Interval(Real, 1, None, closed="left")],
    }
    has_horizon = True
    rate: Kernel = staticmethod(_one_cycle_rate)
    end_epoch: Kernel = staticmethod(stop_when_exhausted)

    def __init__(self, pct_start: float = 0.3, div_factor: float = 25.0, final_div_factor: float = 1e4) -> None:
        self.pct_start = pct_start
        self.div_factor = div_factor
        self.final_div_factor = final_div_factor

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return the share of updates that rise and the two ratios."""
        return self.pct_start, self.div_factor, self.final_div_factor


def _flat_cosine_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    n_updates = np.float64(max_iter) * updates_per_epoch
    share = _updates_done(t, epoch, updates_per_epoch, memory) / n_updates
    if share >= 1.0:
        return 0.0
    return peak if share < 0.5 else _between(peak, 0.0, 2.0 * share - 1.0)


class FlatCosine(Schedule):
    """Constant for half of all updates, then falls to zero along half a cosine wave.

    With s, the share of the updates of ``max_iter`` epochs that are done before this one (0 at the first update)::

        lr = learning_rate_init                                   for s < 1/2
        lr = learning_rate_init (1 + cos(pi (2 s - 1))) / 2       for 1/2 <= s < 1,    0 from s = 1 on

    Per update. The schedule 'flat_cos' of pytabkit, for dropout and weight decay there (Holzmueller et al., "Better by
    default: strong pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024).

    Examples
    --------
    >>> from skregopt.schedules import FlatCosine
    >>> FlatCosine()
    FlatCosine()
    """

    has_horizon = True
    rate: Kernel = staticmethod(_flat_cosine_rate)
    end_epoch: Kernel = staticmethod(stop_when_exhausted)


def _cos_log_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    n_updates = np.float64(max_iter) * updates_per_epoch
    share = _updates_done(t, epoch, updates_per_epoch, memory) / n_updates
    if share >= 1.0:
        return 0.0
    cycles = np.log2(1.0 + hyper[LENGTHS] * share)
    s = np.sin(np.pi * (cycles - np.floor(cycles)))  # s^2 = (1 - cos(2 pi cycles)) / 2, without its cancellation near 0
    return peak * (s * s)


class CosLog(Schedule):
    """Rises from zero and falls back to it along cosine waves, each twice as long as the one before.

    With s, the share of the updates of ``max_iter`` epochs that are done before this one (0 at the first update)::

        lr = learning_rate_init / 2 (1 - cos(2 pi log2(1 + (2^n_cycles - 1) s)))    for s < 1,    0 from s = 1 on

    Per update; the very first one has a rate of zero. The schedule 'coslog4' of pytabkit's RealMLP (Holzmueller et al.,
    "Better by default: strong pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024). Its peaks may be
    several times as high as a good constant rate.

    Parameters
    ----------
    n_cycles : int in [1, 50], default=4
        Number of waves. The first one takes the share 1 / (2^n_cycles - 1) of all updates.

    Examples
    --------
    >>> from skregopt.schedules import CosLog
    >>> CosLog(n_cycles=3)
    CosLog(n_cycles=3)
    """

    _parameter_constraints = {"n_cycles": [Interval(Integral, 1, 50, closed="both")]}
    has_horizon = True
    rate: Kernel = staticmethod(_cos_log_rate)
    end_epoch: Kernel = staticmethod(stop_when_exhausted)

    def __init__(self, n_cycles: int = 4) -> None:
        self.n_cycles = n_cycles

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return the length of all waves in lengths of the first one."""
        return (2.0**self.n_cycles - 1.0,)
