"""The compiled forms of the training loop and its passes: signatures for each working precision, and look-up."""

from functools import cache, lru_cache

import numpy as np
from numba import from_dtype, types

from ._engine import (
    PROGRESS,
    SETTINGS,
    OptimizerState,
    PenaltyRules,
    UpdateRules,
    add_gradient,
    add_penalty,
    finish_epoch,
    predict,
    run_epochs,
    validation_loss,
)
from ._jit import entry_point, kernel, matrix, scalar_type, vector
from ._passes import Data, ModelRules, Network, Passes, Workspace, backward, drop_inputs, forward, load_tile
from ._source import loader_signature
from .activations import Activation
from .losses import Loss
from .optimizers import Optimizer
from .penalties import Penalty
from .schedules import Schedule


class _Types:
    """Numba types of the arguments above for one working precision."""

    def __init__(self, dtype):
        T = scalar_type(dtype)
        v, m = vector(T), matrix(T)
        i, f = vector(types.int64), vector(types.float64)
        self.T, self.vector, self.matrix, self.integers = T, v, m, i

        def functions(cls, *members):
            return types.NamedTuple([types.FunctionType(signature) for signature in members], cls)

        self.load = types.FunctionType(loader_signature(T))
        self.activate = types.FunctionType(Activation.signatures["activate"](T))
        self.invert_link = types.FunctionType(Loss.signatures["invert_link"](T))
        self.end_epoch = types.FunctionType(Schedule.signatures["end_epoch"](T))
        self.model = functions(
            ModelRules,
            loader_signature(T),
            loader_signature(T),
            Activation.signatures["activate"](T),
            Activation.signatures["differentiate"](T),
            Loss.signatures["evaluate"](T),
        )
        self.penalty = functions(PenaltyRules, *(Penalty.signatures[name](T) for name in PenaltyRules._fields))
        self.update = functions(
            UpdateRules,
            *(Optimizer.signatures[name](T) for name in ("prepare", "step")),
            *(Schedule.signatures[name](T) for name in ("rate", "end_epoch")),
        )
        self.network = types.NamedTuple([i, matrix(types.int64), f, m], Network)
        self.data = types.NamedTuple([i, i, m, m, f], Data)
        self.state = types.NamedTuple([v, v, v, m, matrix(types.float64), v, v], OptimizerState)
        self.work = types.NamedTuple([i, i, i, v, i, i, m, v, v], Workspace)
        self.settings = types.Array(from_dtype(SETTINGS), 1, "C")
        self.progress = types.Array(from_dtype(PROGRESS), 1, "C")
        flag, key, count = types.boolean, types.uint64, types.int64
        rule = Activation.signatures
        self.pass_signatures = {
            load_tile: types.void(self.load, self.data, i, self.work),
            drop_inputs: types.void(flag, count, key, i, types.float64, self.work),
            forward: types.void(self.activate, self.network, v, flag, count, self.work, flag, key, i),
            backward: types.void(
                types.FunctionType(rule["differentiate"](T)), self.network, v, v, flag, count, self.work,
                flag, flag, flag,
            ),
        }  # fmt: skip
        self.passes = functions(Passes, *self.pass_signatures.values())


_types = lru_cache(maxsize=None)(_Types)


@cache
def compiled_passes(dtype):
    """Return the compiled :class:`Passes` for a working precision."""
    signatures = _types(np.dtype(dtype)).pass_signatures
    return Passes(*(kernel(function, signature) for function, signature in signatures.items()))


@cache
def compiled(function, dtype):
    """Return the compiled form of one of the functions of this file that Python calls.

    Parameters
    ----------
    function : callable
        ``run_epochs``, ``finish_epoch``, ``add_gradient``, ``add_penalty``, ``validation_loss`` or ``predict``.
    dtype : numpy.dtype
        Working precision, float32 or float64.
    """
    t = _types(np.dtype(dtype))
    signatures = {
        run_epochs: types.void(
            t.passes, t.model, t.penalty, t.update, t.network, t.data, t.data, t.state, t.settings, t.progress,
            matrix(types.float64), t.work, types.int64,
        ),
        finish_epoch: types.void(t.end_epoch, t.state, t.settings, t.progress, types.float64),
        add_gradient: types.float64(
            t.passes, t.model, t.network, t.data, t.vector, t.vector, t.settings, types.int64, types.int64, t.work
        ),
        add_penalty: types.float64(t.penalty, t.network, t.vector, t.vector, t.T),
        validation_loss: types.float64(
            t.passes, t.model, t.network, t.data, t.vector, t.settings, t.work
        ),
        predict: types.void(
            types.FunctionType(t.pass_signatures[forward]), t.load, t.activate, t.invert_link, t.network,
            t.integers, t.vector, types.int64, t.work, types.boolean, t.matrix,
        ),
    }  # fmt: skip
    return entry_point(function, signatures[function])
