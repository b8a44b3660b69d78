"""The family of schedules; its conventions are in the docstring of the package."""

from numba import types

from .._kernels.component import Component
from .._kernels.jit import vector


class Schedule(Component):
    """Family of learning-rate schedules.

    Attributes
    ----------
    warmup_epochs : int
        Epochs of linear warm-up in front, see :class:`Warmup`; ``rate`` and ``end_epoch`` count from its end.
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


def stop_when_exhausted(exhausted, score, hyper, memory):
    """Let training stop when it stalls."""
    return 0
