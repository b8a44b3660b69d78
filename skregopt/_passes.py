"""Forward and backward pass over one tile of rows, in compiled code.

A *tile* is a run of rows that is processed at once. This file has the buffers a tile needs, loads it from X, drops
inputs and units, computes the outputs of all layers, and the gradient of all parameters. What goes on around it
(batches, updates, epochs) is in ``_engine.py``.

The four functions of :class:`Passes` are compiled on their own and reach the loops of ``_engine.py`` as first-class
functions, like the rules: each is optimised once, although training, validation and prediction share them.
"""

from typing import NamedTuple

import numpy as np

from . import _math
from ._blas import gemm
from ._jit import jit
from ._memory import aligned_size, aligned_zeros
from ._views import flat_view, matrix_view

MAX_TILE_ROWS = 512
MAX_TILE_ELEMENTS = 1 << 22


class Passes(NamedTuple):
    """The compiled functions of this file, see there."""

    load_tile: object
    drop_inputs: object
    forward: object
    backward: object


class ModelRules(NamedTuple):
    """Kernels of the network and its loss."""

    load: object
    load_validation: object
    activate: object
    differentiate: object
    evaluate: object


class Network(NamedTuple):
    """Shape of the network and hyper-parameters of its rules.

    Few members, and matrices with named rows instead of many vectors: every array in a tuple lengthens the compilation.
    """

    units: object  # int64, layer widths
    starts: object  # int64, (3, n_layers): see the rows below
    dropout: object  # float64, rate of each hidden layer
    hyper: object  # T, (3, size of the longest): hyper-parameters of activation, loss, penalty


# rows of Network.starts: where a layer's coefficients and intercepts begin in theta, and how many units are before it
COEF_STARTS, INTERCEPT_STARTS, UNIT_STARTS = range(3)
# rows of Network.hyper
ACTIVATION_HYPER, LOSS_HYPER, PENALTY_HYPER = range(3)


class Data(NamedTuple):
    """Rows to train or validate on, in the order of ``rows``."""

    descriptor: object  # int64, see _source
    rows: object  # int64, indices into X, y and weights
    y: object  # T, (n_samples, n_targets)
    weights: object  # T, (n_samples, 1) or (n_samples, n_outputs)
    total_weight: object  # float64, (1,)


class Workspace(NamedTuple):
    """Buffers for tiles; nothing is allocated in the loop."""

    order: object  # int64, permutation of positions for the current epoch
    positions: object  # int64, one tile
    rows: object  # int64, one tile
    inputs: object  # T, a dense tile, or the stored elements of a sparse one
    indices: object  # int64, of a sparse tile
    indptr: object  # int64, of a sparse tile
    layers: object  # T, (5, tile rows x units of all layers): see the rows below
    y: object  # T
    weights: object  # T


# rows of Workspace.layers: outputs of the layers, what activations save, dropout's multipliers (0 or 1 / (1 - rate)),
# outputs times multipliers, gradients with respect to pre-activations
ACTIVATIONS, SAVED, MULTIPLIERS, DROPPED, DELTAS = range(5)


def load_tile(load, data, positions, work):
    """Gather the rows at ``positions`` of the data with their targets and weights."""
    n_rows = positions.size
    n_targets, n_weights = data.y.shape[1], data.weights.shape[1]
    for i in range(n_rows):
        row = data.rows[positions[i]]
        work.rows[i] = row
        for k in range(n_targets):
            work.y[i * n_targets + k] = data.y[row, k]
        for k in range(n_weights):
            work.weights[i * n_weights + k] = data.weights[row, k]
    rows = flat_view(work.rows, 0, n_rows)
    load(data.descriptor, rows, work.inputs, work.inputs, work.indices, work.indptr)


# --- dropout --------------------------------------------------------------------------------------------------------
# A unit is dropped if its 32 random bits are below the rate. The bits are keyed by epoch, row, layer and unit, so
# that sparse and dense inputs, tiles and threads draw the same numbers.


def drop_inputs(is_sparse, n_features, epoch_key, positions, rate, work):
    """Multiply the loaded inputs by 0 or 1 / (1 - rate)."""
    keep = work.inputs.dtype.type(1.0 / (1.0 - rate))
    zero = work.inputs.dtype.type(0)
    threshold = np.uint32(min(rate * 4294967296.0, 4294967295.0))
    for i in range(positions.size):
        key = _math.mix(_math.mix(epoch_key, positions[i]), 0)
        if is_sparse:
            for j in range(work.indptr[i], work.indptr[i + 1]):
                dropped = _math.random_bits(key, work.indices[j]) < threshold
                work.inputs[j] *= zero if dropped else keep
        else:
            row = flat_view(work.inputs, i * n_features, n_features)
            for j in range(n_features):
                row[j] *= zero if _math.random_bits(key, j) < threshold else keep


@jit
def _drop_units(layer, epoch_key, positions, rate, activations, multipliers, dropped):
    keep = activations.dtype.type(1.0 / (1.0 - rate))
    zero = activations.dtype.type(0)
    threshold = np.uint32(min(rate * 4294967296.0, 4294967295.0))
    n_units = activations.shape[1]
    for i in range(positions.size):
        key = _math.mix(_math.mix(epoch_key, positions[i]), layer + 1)
        start = i * n_units
        multiplier = flat_view(multipliers, start, n_units)
        source, target = flat_view(activations, start, n_units), flat_view(dropped, start, n_units)
        for j in range(n_units):
            multiplier[j] = zero if _math.random_bits(key, j) < threshold else keep
        for j in range(n_units):
            target[j] = source[j] * multiplier[j]


# --- sparse products ------------------------------------------------------------------------------------------------


@jit
def _add_scaled(factor, source, target):
    for j in range(target.size):
        target[j] += factor * source[j]


@jit
def _sparse_product(work, right, out):
    """Compute out += inputs @ right for a sparse tile."""
    n_units = out.shape[1]
    for i in range(out.shape[0]):
        target = flat_view(out, i * n_units, n_units)
        for p in range(work.indptr[i], work.indptr[i + 1]):
            _add_scaled(work.inputs[p], flat_view(right, work.indices[p] * n_units, n_units), target)


@jit
def _transposed_sparse_product(work, right, accumulate, out):
    """Compute out = inputs.T @ right for a sparse tile, or add it."""
    n_units = out.shape[1]
    if not accumulate:
        values = flat_view(out, 0, out.size)
        for i in range(values.size):
            values[i] = 0
    for i in range(right.shape[0]):
        source = flat_view(right, i * n_units, n_units)
        for p in range(work.indptr[i], work.indptr[i + 1]):
            _add_scaled(work.inputs[p], source, flat_view(out, work.indices[p] * n_units, n_units))


@jit
def _column_sums(delta, accumulate, out):
    n_units = out.size
    if not accumulate:
        for j in range(n_units):
            out[j] = 0
    one = out.dtype.type(1)
    for i in range(delta.shape[0]):
        _add_scaled(one, flat_view(delta, i * n_units, n_units), out)


@jit
def _product_transposed(left, right, out):
    """Compute out = left @ right.T; for a single row and few columns that is faster without BLAS."""
    n_units = left.shape[1]
    if left.shape[0] > 1 or n_units > 32:
        gemm(False, True, left, right, False, out)
        return
    factors = flat_view(left, 0, n_units)
    for k in range(right.shape[0]):
        row = flat_view(right, k * n_units, n_units)
        total = factors[0] * row[0]
        for j in range(1, n_units):
            total += factors[j] * row[j]
        out[0, k] = total


# --- passes ---------------------------------------------------------------------------------------------------------


def forward(activate, network, theta, is_sparse, n_rows, work, saves, epoch_key, positions):
    """Compute the outputs of all layers for a loaded tile; those of the last are the raw predictions.

    Units are dropped if ``positions`` (of the rows, for the keys of random numbers) is not empty.
    """
    last = network.units.size - 2
    kind_size = work.layers.shape[1]
    hyper = flat_view(network.hyper, ACTIVATION_HYPER, network.hyper.shape[1])
    # a sparse tile has no matrix of inputs
    inputs = matrix_view(work.inputs, 0, 0 if is_sparse else n_rows, network.units[0])
    for layer in range(last + 1):
        fan_in, fan_out = network.units[layer], network.units[layer + 1]
        start = network.starts[UNIT_STARTS, layer] * work.rows.size
        out = matrix_view(work.layers, ACTIVATIONS * kind_size + start, n_rows, fan_out)
        intercept = flat_view(theta, network.starts[INTERCEPT_STARTS, layer], fan_out)
        for i in range(n_rows):
            row = flat_view(out, i * fan_out, fan_out)
            for j in range(fan_out):
                row[j] = intercept[j]
        coef = matrix_view(theta, network.starts[COEF_STARTS, layer], fan_in, fan_out)
        if layer == 0 and is_sparse:
            _sparse_product(work, coef, out)
        else:
            gemm(False, False, inputs, coef, True, out)
        inputs = out
        if layer < last:
            size = n_rows * fan_out
            saved = flat_view(work.layers, SAVED * kind_size + start, size if saves else 0)
            activate(flat_view(out, 0, size), saved, hyper)
            if positions.size > 0 and network.dropout[layer] > 0.0:
                inputs = matrix_view(work.layers, DROPPED * kind_size + start, n_rows, fan_out)
                multipliers = matrix_view(work.layers, MULTIPLIERS * kind_size + start, n_rows, fan_out)
                _drop_units(layer, epoch_key, positions, network.dropout[layer], out, multipliers, inputs)


def backward(differentiate, network, theta, grad, is_sparse, n_rows, work, saves, accumulate, rank_one):
    """Write, or add, the gradient of a tile; the outputs of the last layer hold the gradient of the loss by them.

    With ``rank_one`` that of the coefficients is left out: :func:`rank_one_gradient` computes it where it is used.
    """
    last = network.units.size - 2
    kind_size = work.layers.shape[1]
    hyper = flat_view(network.hyper, ACTIVATION_HYPER, network.hyper.shape[1])
    start = network.starts[UNIT_STARTS, last] * work.rows.size
    delta = matrix_view(work.layers, ACTIVATIONS * kind_size + start, n_rows, network.units[last + 1])
    for layer in range(last, -1, -1):
        fan_in, fan_out = network.units[layer], network.units[layer + 1]
        coef_start = network.starts[COEF_STARTS, layer]
        intercept_gradient = flat_view(grad, network.starts[INTERCEPT_STARTS, layer], fan_out)
        _column_sums(delta, accumulate, intercept_gradient)
        coef_gradient = matrix_view(grad, coef_start, fan_in, fan_out)
        if layer == 0:
            if is_sparse:
                _transposed_sparse_product(work, delta, accumulate, coef_gradient)
            elif not rank_one:
                gemm(True, False, matrix_view(work.inputs, 0, n_rows, fan_in), delta, accumulate, coef_gradient)
            return
        below = layer - 1
        size = n_rows * fan_in
        start = network.starts[UNIT_STARTS, below] * work.rows.size
        dropping = network.dropout[below] > 0.0
        kind = DROPPED if dropping else ACTIVATIONS
        if not rank_one:
            inputs = matrix_view(work.layers, kind * kind_size + start, n_rows, fan_in)
            gemm(True, False, inputs, delta, accumulate, coef_gradient)
        delta_below = matrix_view(work.layers, DELTAS * kind_size + start, n_rows, fan_in)
        _product_transposed(delta, matrix_view(theta, coef_start, fan_in, fan_out), delta_below)
        flat_delta = flat_view(delta_below, 0, size)
        if dropping:
            multipliers = flat_view(work.layers, MULTIPLIERS * kind_size + start, size)
            for i in range(size):
                flat_delta[i] *= multipliers[i]
        activations = flat_view(work.layers, ACTIVATIONS * kind_size + start, size)
        saved = flat_view(work.layers, SAVED * kind_size + start, size if saves else 0)
        differentiate(activations, saved, flat_delta, hyper)
        delta = delta_below


@jit
def rank_one_gradient(network, work, layer, first_row, out):
    """Write some rows of the gradient of a layer's coefficients, for a tile of a single row of X, which is dense.

    That gradient is the product of two vectors, so computing a piece costs less than reading it from memory.
    """
    last = network.units.size - 2
    kind_size = work.layers.shape[1]
    fan_in, fan_out = network.units[layer], network.units[layer + 1]
    delta_kind = ACTIVATIONS if layer == last else DELTAS
    delta = flat_view(
        work.layers, delta_kind * kind_size + network.starts[UNIT_STARTS, layer] * work.rows.size, fan_out
    )
    inputs = flat_view(work.inputs, 0, fan_in)
    if layer > 0:
        kind = DROPPED if network.dropout[layer - 1] > 0.0 else ACTIVATIONS
        start = kind * kind_size + network.starts[UNIT_STARTS, layer - 1] * work.rows.size
        inputs = flat_view(work.layers, start, fan_in)
    n_rows = out.size // fan_out
    if fan_out < 32:  # too narrow a row for vector instructions
        column = matrix_view(inputs, first_row, n_rows, 1)
        gemm(False, False, column, matrix_view(delta, 0, 1, fan_out), False, matrix_view(out, 0, n_rows, fan_out))
        return
    for k in range(n_rows):
        factor = inputs[first_row + k]
        target = flat_view(out, k * fan_out, fan_out)
        for j in range(fan_out):
            target[j] = factor * delta[j]


# --- buffers --------------------------------------------------------------------------------------------------------


def tile_rows(units, batch_size, is_sparse):
    """Return how many rows are processed at once: fewer if the widest layer would make buffers large."""
    widest = max(units[1:]) if is_sparse else max(units)
    return int(max(1, min(batch_size, MAX_TILE_ROWS, MAX_TILE_ELEMENTS // widest)))


def new_workspace(units, dtype, tile_size, sources, n_rows=0, n_targets=0, n_weights=0):
    """Allocate the buffers of one fit or prediction.

    Parameters
    ----------
    units : sequence of int
        Layer widths.
    dtype : numpy.dtype
    tile_size : int
        Most rows of a tile.
    sources : list of (Source, rows)
        Where tiles will be loaded from, and of which rows (None for each once).
    n_rows : int
        Rows of an epoch.
    n_targets, n_weights : int
        Columns of y and of the weights.

    Returns
    -------
    Workspace
    """
    n_units = int(sum(units[1:]))
    n_features = int(units[0]) if any(not source.is_sparse for source, _ in sources) else 0
    n_stored = max(source.tile_elements(tile_size, rows) for source, rows in sources)

    def floats(size):
        return aligned_zeros(int(size), dtype)

    def integers(size):
        return np.empty(int(size), dtype=np.int64)

    return Workspace(
        order=integers(n_rows),
        positions=integers(tile_size),
        rows=integers(tile_size),
        inputs=floats(max(tile_size * n_features, n_stored)),
        indices=integers(n_stored),
        indptr=integers(tile_size + 1),
        # rows that are not used are never touched, so they cost address space only
        layers=aligned_zeros((5, aligned_size(tile_size * n_units, dtype)), dtype),
        y=floats(tile_size * n_targets),
        weights=floats(tile_size * n_weights),
    )


def stacked(vectors, dtype):
    """Return vectors of different lengths as the rows of a matrix, padded with zeros."""
    matrix = np.zeros((len(vectors), max(len(vector) for vector in vectors)), dtype=dtype)
    for row, values in zip(matrix, vectors, strict=True):
        row[: len(values)] = values
    return matrix
