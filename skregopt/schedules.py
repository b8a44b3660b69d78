"""Learning-rate schedules, one class and two kernels each; every one works with every first-order solver.

Conventions, on which the training loop relies:

* ``rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory)`` returns the learning rate of update t (1-based,
  counted since training started, across ``partial_fit`` calls), ``peak`` being ``learning_rate_init`` and ``epoch``
  0-based;
* ``end_epoch(exhausted, score, hyper, memory)`` runs after each epoch with the watched score (higher is better;
  the negative objective without early stopping). ``exhausted`` is 1 when ``n_iter_no_change`` epochs in a row brought
  no improvement; then a result of 1 means that training goes on nevertheless, because the rate was lowered, and 0
  that it stops. The result is ignored otherwise;
* ``memory`` are the float64 numbers a schedule keeps between updates, zero at the start.
"""

from numbers import Real

from numba import types
from sklearn.utils._param_validation import Interval

from ._component import Component
from ._jit import vector


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


def _adaptive_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    if memory[0] == 0.0:
        memory[0] = peak
    return memory[0]


def _adaptive_end_epoch(exhausted, score, hyper, memory):
    if exhausted == 0 or memory[0] <= 1e-6:
        return 0
    memory[0] /= 5.0
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

    rate = staticmethod(_adaptive_rate)
    end_epoch = staticmethod(_adaptive_end_epoch)


SCHEDULES = {
    "constant": Constant,
    "invscaling": InvScaling,
    "adaptive": Adaptive,
}
