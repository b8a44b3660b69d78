"""The family of schedules; its conventions are in the docstring of the package."""

from __future__ import annotations

from typing import ClassVar

from numba import types

from .._kernels.component import Component
from .._kernels.jit import vector
from .._kernels.typing import Array, Signatures


class Schedule(Component):
    """Family of learning-rate schedules.

    Attributes
    ----------
    warmup_epochs : int
        Epochs of linear warm-up in front, see :class:`Warmup`; ``rate`` and ``end_epoch`` count from its end.
    warmup_start : float
        Share of the peak at the first update.
    has_horizon : bool
        Whether the rate ends at its lowest value after ``max_iter`` epochs, as planned: a fit that gets there is done.
        With ``max_time`` it gets there when the time is over.
    falls_when_exhausted : bool
        Whether the rate falls where training would stop, which stops only when the rate can fall no further.
    """

    family = "learning_rate"
    warmup_epochs: int = 0
    warmup_start: float = 0.0
    has_horizon: bool = False
    falls_when_exhausted: bool = False
    rate: staticmethod[[float, int, int, int, int, Array, Array], float]
    end_epoch: staticmethod[[int, float, Array, Array], int]
    signatures: ClassVar[Signatures] = {
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


def stop_when_exhausted(exhausted, score, hyper, memory):
    """Let training stop when it stalls."""
    return 0
