"""The compiled forms of the training loop and of its passes: signatures for each working precision, and look-up."""

from functools import cache

import numpy as np
from numba import from_dtype, types

from .._kernels.jit import entry_point, kernel, matrix, scalar_type, vector
from . import batch_norm, clipping, passes, sharing, update
from .draws import thin
from .loop import DATA_LOSS, add_gradient, add_penalty, data_loss, finish_epoch, predict, run_epochs, validation_loss
from .records import DATA, MODEL, PROGRESS, SETTINGS, STATE, TEAM, WORK
from .sharing import help_leader, pass_rows

_model, _data, _state, _settings, _progress, _work, _team_array = (
    types.Array(from_dtype(record), 1, "C") for record in (MODEL, DATA, STATE, SETTINGS, PROGRESS, WORK, TEAM)
)
_count, _float, _integers = types.int64, types.float64, vector(types.int64)

# function -> signature for the working precision T, v being a vector of T
_SIGNATURES = {
    run_epochs: lambda T, v: types.void(
        v, _model, _data, _data, _state, _settings, _progress, _work, _team_array, matrix(_float), _count
    ),
    help_leader: lambda T, v: types.void(v, _model, _data, _state, _settings, _work, _team_array, _count),
    pass_rows: lambda T, v: types.void(v, _model, _work, _count, _count),
    finish_epoch: lambda T, v: types.void(v, _state, _settings, _progress, _float),
    add_gradient: lambda T, v: _float(v, _model, _data, _state, _settings, _work, _team_array, _count, _count),
    add_penalty: lambda T, v: _float(v, v, _model),
    validation_loss: lambda T, v: _float(v, _model, _data, _work),
    predict: lambda T, v: types.void(v, _model, _data, _work, _count, matrix(T)),
    thin: lambda T, v: types.void(v, _integers, _integers, vector(_float), types.uint64, _count, v),
}


# functions that compiled code calls through their addresses: name -> (function, signature for T)
_PASSES = {
    name: (getattr(module, name), for_scalar)
    for module in (passes, batch_norm, clipping, update, sharing)
    for name, for_scalar in module.SIGNATURES.items()
} | {"data_loss": (data_loss, DATA_LOSS)}


@cache
def compiled_pass(name, dtype):
    """Return the address of a function that compiled code calls: of the modules above, or ``data_loss``."""
    function, for_scalar = _PASSES[name]
    return kernel(function, for_scalar(scalar_type(np.dtype(dtype))))


@cache
def compiled(function, dtype):
    """Return the compiled form of a function that Python calls.

    Parameters
    ----------
    function : callable
        A key of ``_SIGNATURES``.
    dtype : numpy.dtype
        Working precision, float32 or float64.
    """
    T = scalar_type(np.dtype(dtype))
    return entry_point(function, _SIGNATURES[function](T, vector(T)))
