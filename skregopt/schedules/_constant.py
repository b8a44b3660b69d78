"""A constant learning rate."""

from __future__ import annotations

from .._kernels.typing import Kernel
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

    rate: Kernel = staticmethod(_constant_rate)
    end_epoch: Kernel = staticmethod(stop_when_exhausted)
