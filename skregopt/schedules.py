"""Learning-rate schedules, one class and two kernels each; every one works with every first-order solver.

Conventions, on which the training loop relies:

* ``rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory)`` returns the learning rate of update t (1-based,
  counted since training started, across ``partial_fit`` calls), ``peak`` being ``learning_rate_init`` and ``epoch``
  0-based;
* ``end_epoch(exhausted, score, hyper, memory)`` runs after each epoch with the watched score (higher is better;
  the negative objective without early stopping). ``exhausted`` is 1 when ``n_iter_no_change`` epochs in a row brought
  no improvement; then a result of 1 means that training goes on nevertheless, because the rate was lowered, and 0
  that it stops. The result is ignored otherwise;
* ``memory`` are the float64 numbers a schedule keeps between updates, zero at the start. Each rule has elements of its
  own (see below), so that ``partial_fit`` may go on with another schedule: none takes another's number for a rate.

``learning_rate_init`` is the highest rate of every schedule. Those with a horizon reach its end after ``max_iter``
epochs, counted across ``partial_fit`` calls, and stay there.
"""

from numbers import Integral, Real

import numpy as np
from numba import types

from ._kernels.component import Component
from ._kernels.interval import Interval
from ._kernels.jit import jit, vector

# elements of a schedule's memory: the rate (adaptive, plateau), one_cycle's, plateau's
RATE, EPOCH, UPDATES, BEST, HAS_BEST, N_BAD, COOLDOWN, TRIAL = range(8)


class Schedule(Component):
    """Family of learning-rate schedules.

    Attributes
    ----------
    warmup_epochs : int
        Epochs of linear warm-up in front, see :class:`Warmup`; ``rate`` and ``end_epoch`` count from their end.
    warmup_start : float
        Share of the peak at the first update.
    """

    family = "learning_rate"
    warmup_epochs = 0
    warmup_start = 0.0
    signatures = {
        "rate": lambda T: types.float64(
            types.float64,
            types.int64,
            types.int64,
            types.int64,
            types.int64,
            vector(types.float64),
            vector(types.float64),
        ),
        "end_epoch": lambda T: types.int64(types.int64, types.float64, vector(types.float64), vector(types.float64)),
    }


def _constant_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    return peak


def _stop_when_exhausted(exhausted, score, hyper, memory):
    return 0


class Constant(Schedule):
    """The same rate throughout: lr_t = learning_rate_init.

    Examples
    --------
    >>> from skregopt.schedules import Constant
    >>> Constant()
    Constant()
    """

    rate = staticmethod(_constant_rate)
    end_epoch = staticmethod(_stop_when_exhausted)


def _inv_scaling_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    return peak / t ** hyper[0]


class InvScaling(Schedule):
    """Inverse scaling: lr_t = learning_rate_init / t^power_t at update t.

    scikit-learn documents this formula, but counts samples in place of updates; here t counts updates.

    Parameters
    ----------
    power_t : float >= 0, default=0.5
        Exponent.

    Examples
    --------
    >>> from skregopt.schedules import InvScaling
    >>> InvScaling(power_t=0.25)
    InvScaling(power_t=0.25)
    """

    flat_parameters = ("power_t",)
    _parameter_constraints = {"power_t": [Interval(Real, 0, None, closed="left")]}
    rate = staticmethod(_inv_scaling_rate)
    end_epoch = staticmethod(_stop_when_exhausted)

    def __init__(self, power_t=0.5):
        self.power_t = power_t

    def hyper_parameters(self):
        """Return the exponent."""
        return (self.power_t,)


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

    rate = staticmethod(_remembered_rate)
    end_epoch = staticmethod(_adaptive_end_epoch)


def _step_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    return peak * hyper[1] ** np.floor(epoch / hyper[0])


class Step(Schedule):
    """Falls by a factor every few epochs: lr = learning_rate_init gamma^floor(epoch / step_size).

    The epoch counts from 0; per epoch. PyTorch's ``StepLR``; Keras's ``PiecewiseConstantDecay`` with equal pieces.

    Parameters
    ----------
    step_size : int >= 1, default=50
        Number of epochs at one rate.
    gamma : float in (0, 1], default=0.1
        Factor from one rate to the next.

    Examples
    --------
    >>> from skregopt.schedules import Step
    >>> Step(step_size=10)
    Step(step_size=10)
    """

    _parameter_constraints = {
        "step_size": [Interval(Integral, 1, None, closed="left")],
        "gamma": [Interval(Real, 0, 1, closed="right")],
    }
    rate = staticmethod(_step_rate)
    end_epoch = staticmethod(_stop_when_exhausted)

    def __init__(self, step_size=50, gamma=0.1):
        self.step_size = step_size
        self.gamma = gamma

    def hyper_parameters(self):
        """Return the number of epochs and the factor."""
        return self.step_size, self.gamma


def _exponential_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    return peak * hyper[0] ** np.float64(epoch)


class Exponential(Schedule):
    """Falls by the same factor after each epoch: lr = learning_rate_init gamma^epoch.

    The epoch counts from 0; per epoch. PyTorch's ``ExponentialLR``; Keras's ``ExponentialDecay`` with staircase=True
    and the number of updates per epoch as ``decay_steps``.

    Parameters
    ----------
    gamma : float in (0, 1], default=0.98
        Factor per epoch; the default leaves 2 % of the rate after 200 epochs. PyTorch and Keras have no default.

    Examples
    --------
    >>> from skregopt.schedules import Exponential
    >>> Exponential(gamma=0.9)
    Exponential(gamma=0.9)
    """

    _parameter_constraints = {"gamma": [Interval(Real, 0, 1, closed="right")]}
    rate = staticmethod(_exponential_rate)
    end_epoch = staticmethod(_stop_when_exhausted)

    def __init__(self, gamma=0.98):
        self.gamma = gamma

    def hyper_parameters(self):
        """Return the factor."""
        return (self.gamma,)


@jit
def _between(start, end, share):
    """Half a cosine wave from ``start`` (share 0) to ``end`` (share 1)."""
    c = np.cos(0.5 * np.pi * share)  # the square is (1 + cos(pi share)) / 2, which would cancel near share = 1
    return end + (start - end) * (c * c)


def _cosine_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    floor, length, factor = min(hyper[0], peak), hyper[1], hyper[2]
    position = np.float64(epoch)
    if length == 0.0:
        length = np.float64(max_iter)
        if position >= length:
            return floor
    elif factor == 1.0:
        position %= length
    else:
        while position >= length:
            position -= length
            length *= factor
    return _between(peak, floor, position / length)


class Cosine(Schedule):
    """Falls along half a cosine wave, once or again and again.

    In epoch e, counted from 0 (per epoch, like PyTorch's ``CosineAnnealingLR`` with T_max = max_iter)::

        lr = floor + (learning_rate_init - floor) (1 + cos(pi e / max_iter)) / 2,    floor from e = max_iter on

    With ``restart_every`` the wave starts again at ``learning_rate_init`` after so many epochs, each time
    ``restart_factor`` times as long, and ``max_iter`` plays no part: PyTorch's ``CosineAnnealingWarmRestarts`` with
    T_0 and T_mult, Keras's ``CosineDecayRestarts`` with first_decay_steps and t_mul (Loshchilov and Hutter, "SGDR:
    stochastic gradient descent with warm restarts", ICLR 2017).

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
    rate = staticmethod(_cosine_rate)
    end_epoch = staticmethod(_stop_when_exhausted)

    def __init__(self, floor=0.0, restart_every=None, restart_factor=1):
        self.floor = floor
        self.restart_every = restart_every
        self.restart_factor = restart_factor

    def _validate_params(self):
        super()._validate_params()
        if self.restart_every is None and self.restart_factor != 1:
            raise ValueError(
                f"restart_factor={self.restart_factor!r} has no effect with restart_every=None. Set restart_every to "
                "the number of epochs before the first restart, or leave restart_factor at its default, 1."
            )

    def hyper_parameters(self):
        """Return the lowest rate, the length of the first wave (0: max_iter) and the growth of the waves."""
        return self.floor, self.restart_every or 0, self.restart_factor


def _one_cycle_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    # updates of this epoch are counted here, because epochs of partial_fit may differ in their number of updates
    if memory[EPOCH] != epoch + 1.0:
        memory[EPOCH] = epoch + 1.0
        memory[UPDATES] = t - 1.0
    n_updates = np.float64(max_iter) * updates_per_epoch
    position = np.float64(epoch) * updates_per_epoch + (t - 1.0 - memory[UPDATES])
    turn, end = hyper[0] * n_updates - 1.0, n_updates - 1.0
    first = peak / hyper[1]
    floor = first / hyper[2]
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

    Training that stops early has not seen the low rates: set ``max_iter`` to what is meant, and ``n_iter_no_change``
    high.

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
    rate = staticmethod(_one_cycle_rate)
    end_epoch = staticmethod(_stop_when_exhausted)

    def __init__(self, pct_start=0.3, div_factor=25.0, final_div_factor=1e4):
        self.pct_start = pct_start
        self.div_factor = div_factor
        self.final_div_factor = final_div_factor

    def hyper_parameters(self):
        """Return the share of updates that rise and the two ratios."""
        return self.pct_start, self.div_factor, self.final_div_factor


def _plateau_end_epoch(exhausted, score, hyper, memory):
    factor, patience, cooldown, floor, threshold = hyper[0], hyper[1], hyper[2], hyper[3], hyper[4]
    # comparisons are written so that NaN and -inf are no improvement
    if score > -np.inf and (memory[HAS_BEST] == 0.0 or score > memory[BEST] + threshold * abs(memory[BEST])):
        memory[BEST], memory[HAS_BEST], memory[N_BAD] = score, 1.0, 0.0
    else:
        memory[N_BAD] += 1.0
    if memory[COOLDOWN] > 0.0:
        memory[COOLDOWN] -= 1.0
        memory[N_BAD] = 0.0
    on_trial = memory[TRIAL] > 0.0
    if on_trial:
        memory[TRIAL] -= 1.0
    if memory[N_BAD] > patience or (exhausted != 0 and not on_trial):
        memory[COOLDOWN], memory[N_BAD] = cooldown, 0.0
        lowered = max(memory[RATE] * factor, floor)
        if memory[RATE] - lowered > 1e-8:
            memory[RATE], memory[TRIAL] = lowered, patience + cooldown
            return 1
        return 0
    return 1 if on_trial else 0


class Plateau(Schedule):
    """Falls by a factor whenever the watched score has not improved for some epochs.

    What is watched is what decides about stopping: the objective or, with early stopping, the validation score. Per
    epoch. PyTorch's ``ReduceLROnPlateau`` (with its eps: the rate changes by more than 1e-8), of the loss in its mode
    'min', of positive scores in its mode 'max'. In Keras ``ReduceLROnPlateau(min_lr=floor)``, whose min_delta is
    absolute.

    It acts before stopping does. When ``n_iter_no_change`` epochs in a row brought no improvement by ``tol``, the rate
    is lowered at once, unless it has been within the last patience + cooldown epochs; then it is left for another
    ``n_iter_no_change`` epochs. Training stops when the rate can fall no further.

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
    rate = staticmethod(_remembered_rate)
    end_epoch = staticmethod(_plateau_end_epoch)

    def __init__(self, factor=0.1, patience=10, cooldown=0, floor=0.0, threshold=1e-4):
        self.factor = factor
        self.patience = patience
        self.cooldown = cooldown
        self.floor = floor
        self.threshold = threshold

    def hyper_parameters(self):
        """Return the parameters in the order of the constructor."""
        return self.factor, self.patience, self.cooldown, self.floor, self.threshold


class Warmup(Schedule):
    """Linear warm-up in front of another schedule.

    The rate rises from ``start_factor`` times ``learning_rate_init`` at the first update to all of it after
    ``n_epochs`` epochs, by the same amount with every update; then the other schedule begins, as if training did, with
    ``max_iter - n_epochs`` epochs to go. PyTorch's ``LinearLR``, stepped with every update, before the other in
    ``SequentialLR``.

    Parameters
    ----------
    schedule : str or Schedule, default='constant'
        Name or instance of what follows.
    n_epochs : int >= 1, default=5
        Length of the warm-up.
    start_factor : float in (0, 1], default=1/3
        Share of the peak at the first update, PyTorch's default.

    Examples
    --------
    >>> from skregopt.schedules import Warmup
    >>> Warmup("cosine", n_epochs=3).schedule
    'cosine'
    """

    _parameter_constraints = {
        "schedule": [str, Schedule],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "start_factor": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(self, schedule="constant", n_epochs=5, start_factor=1.0 / 3.0):
        self.schedule = schedule
        self.n_epochs = n_epochs
        self.start_factor = start_factor

    @property
    def flat_parameters(self):
        """Those of the schedule that follows, which carries its own."""
        rule = SCHEDULES.get(self.schedule) if isinstance(self.schedule, str) else self.schedule
        return getattr(rule, "flat_parameters", ())

    @property
    def floor(self):
        """Lowest rate of the schedule that follows."""
        return getattr(self._following(), "floor", 0.0)

    @property
    def warmup_epochs(self):
        """Length of the warm-up."""
        return self.n_epochs

    @property
    def warmup_start(self):
        """Share of the peak at the first update."""
        return self.start_factor

    def _following(self):
        following = self.schedule
        is_name = isinstance(following, str) and following in SCHEDULES
        if isinstance(following, Warmup) or not (is_name or isinstance(following, Schedule)):
            names = ", ".join(repr(name) for name in SCHEDULES)
            raise ValueError(f"schedule of Warmup must be one of {names}, or another Schedule, got {following!r}.")
        return SCHEDULES[following]() if isinstance(following, str) else following

    def _validate_params(self):
        super()._validate_params()
        self._following()._validate_params()

    def hyper_parameters(self):
        """Return those of the schedule that follows."""
        return self._following().hyper_parameters()

    def compiled(self, name, dtype):
        """Return a kernel of the schedule that follows."""
        return self._following().compiled(name, dtype)


SCHEDULES = {
    "constant": Constant,
    "invscaling": InvScaling,
    "adaptive": Adaptive,
    "step": Step,
    "exponential": Exponential,
    "cosine": Cosine,
    "one_cycle": OneCycle,
    "plateau": Plateau,
}
