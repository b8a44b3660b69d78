"""The family of optimizers; its conventions are in the docstring of the package."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

from numba import types

from .._kernels.component import Component
from .._kernels.jit import matrix, vector
from .._kernels.sklearn_internals import Interval
from .._kernels.typing import Array, Signatures

DECAY = [Interval(Real, 0, 1, closed="left")]
POSITIVE = [Interval(Real, 0, None, closed="neither")]
NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]


class Optimizer(Component):
    """Family of first-order optimizers.

    Attributes
    ----------
    n_slots : int
        Number of state vectors, each as long as the trained parameters. It may depend on the rule's own parameters.
    default_learning_rate : float
        Learning rate for ``learning_rate_init='auto'``: the default of the rule's reference.
    default_weight_decay : float
        Decoupled decay of the weights for ``weight_decay=None``: the default of the rule's reference.
    """

    family = "solver"
    signatures: ClassVar[Signatures] = {
        "prepare": lambda T: types.void(types.float64, types.int64, *[vector(types.float64)] * 2, vector(T)),
        "step": lambda T: types.void(*[vector(T)] * 8),
    }
    matrix_signatures: ClassVar[Signatures] = {
        "step_matrix": lambda T: types.void(*[matrix(T)] * 6, *[vector(T)] * 3, T, types.int64)
    }
    n_slots: int = 0
    default_learning_rate: float = 0.001
    default_weight_decay: float = 0.0
    prepare: staticmethod[[float, int, Array, Array, Array], None]
    step: staticmethod[[Array, Array, Array, Array, Array, Array, Array, Array], None]
