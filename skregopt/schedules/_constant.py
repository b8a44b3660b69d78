"""A constant learning rate."""

from ._family import Schedule, stop_when_exhausted


def _constant_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    return peak


class Constant(Schedule):
    """The same rate throughout: lr_t = learning_rate_init.

    Examples
    --------
    >>> from skregopt.schedules import Constant
    >>> Constant()
    Constant()
    """

    rate = staticmethod(_constant_rate)
    end_epoch = staticmethod(stop_when_exhausted)
