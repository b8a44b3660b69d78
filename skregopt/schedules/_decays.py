"""Rates that fall by a formula: a power of the update, a factor every few epochs."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import numpy as np

from .._kernels.sklearn_internals import Interval
from .._kernels.typing import Kernel
from ._family import Schedule, stop_when_exhausted

# places in `hyper`, first of the power, then of the factors
POWER_T = 0
GAMMA, STEP_SIZE = range(2)


def _inv_scaling_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    return peak / t ** hyper[POWER_T]


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

    flat_parameters: ClassVar[tuple[str, ...]] = ("power_t",)
    _parameter_constraints = {"power_t": [Interval(Real, 0, None, closed="left")]}
    rate: Kernel = staticmethod(_inv_scaling_rate)
    end_epoch: Kernel = staticmethod(stop_when_exhausted)

    def __init__(self, power_t: float = 0.5) -> None:
        self.power_t = power_t

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return the exponent."""
        return (self.power_t,)


def _step_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    return peak * hyper[GAMMA] ** np.floor(epoch / hyper[STEP_SIZE])


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
    rate: Kernel = staticmethod(_step_rate)
    end_epoch: Kernel = staticmethod(stop_when_exhausted)

    def __init__(self, step_size: int = 50, gamma: float = 0.1) -> None:
        self.step_size = step_size
        self.gamma = gamma

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return the factor and the number of epochs."""
        return self.gamma, self.step_size


def _exponential_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    return peak * hyper[GAMMA] ** np.float64(epoch)


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
    rate: Kernel = staticmethod(_exponential_rate)
    end_epoch: Kernel = staticmethod(stop_when_exhausted)

    def __init__(self, gamma: float = 0.98) -> None:
        self.gamma = gamma

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return the factor."""
        return (self.gamma,)
