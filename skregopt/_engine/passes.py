"""Forward and backward pass over one tile of rows, in compiled code.

A *tile* is a run of rows that is processed at once. This file loads it from X into its buffers (``workspace.py``),
drops inputs and units, computes the outputs of all layers, and the gradient of all parameters. What goes on around it
(batches, updates, epochs) is in ``loop.py``.

The functions with a signature in ``SIGNATURES`` are compiled on their own and called through their addresses, like the
rules: each is optimised once, although training, validation and prediction share them, and those that a network does
not need are never compiled.
"""

import numpy as np
from numba import from_dtype, types

from .._kernels import blas, maths
from .._kernels.blas import gemm, gemm_of_columns
from .._kernels.jit import caller, jit, matrix, vector
from .._kernels.views import array_at, flat_view, matrix_at, matrix_view
from ..activations import Activation
from ..losses import Loss
from .batch_norm import SIGNATURES as BATCH_NORM
from .records import DATA, DESCRIPTOR_SIZE, MODEL, WORK
from .source import loader_signature

LOSS_ROWS = 64  # rows of a block whose losses are summed first

_flag, _key, _count = types.boolean, types.uint64, types.int64
_integers = vector(types.int64)
model_type, data_type, work_type = from_dtype(MODEL), from_dtype(DATA), from_dtype(WORK)
SIGNATURES = {
    "load_tile": lambda T: types.void(data_type, vector(T), _integers, _count, work_type),
    "drop_inputs": lambda T: types.void(_flag, _count, _key, vector(T), _integers, _count, types.float64, work_type),
    "drop_units": lambda T: types.void(_count, _count, _key, _integers, types.float64, *[vector(T)] * 3),
    "sparse_product": lambda T: types.void(work_type, matrix(T), matrix(T)),
    "transposed_sparse_product": lambda T: types.void(work_type, matrix(T), _flag, matrix(T)),
    "gradient_rows": lambda T: types.void(model_type, work_type, _flag, _count, _count, _count, _flag, vector(T)),
    "forward": lambda T: types.void(model_type, vector(T), _flag, _count, _count, work_type, _key, _integers),
    "evaluate_rows": lambda T: types.void(model_type, data_type, work_type, _count, _count, T, vector(T)),
    "scale_labels": lambda T: types.void(model_type, data_type, work_type, _count, _count, vector(T)),
    "backward": lambda T: types.void(model_type, vector(T), _count, _count, work_type),
}
SIGNATURES["train_rows"] = lambda T: types.void(
    vector(T), model_type, data_type, _integers, _count, _count, T, _key, work_type
)
_load = caller("load", loader_signature)
_load_tile, _drop_inputs, _forward, _evaluate_rows, _scale_labels, _backward = (
    caller(name, SIGNATURES[name])
    for name in ("load_tile", "drop_inputs", "forward", "evaluate_rows", "scale_labels", "backward")
)
_evaluate = caller("evaluate", Loss.signatures["evaluate"])
_activate = caller("activate", Activation.signatures["activate"])
_differentiate = caller("differentiate", Activation.signatures["differentiate"])
_normalise = caller("normalise", BATCH_NORM["normalise"])
_normalise_backward = caller("normalise_backward", BATCH_NORM["normalise_backward"])
_drop_units, _sparse_product, _transposed_sparse_product = (
    caller(name, SIGNATURES[name]) for name in ("drop_units", "sparse_product", "transposed_sparse_product")
)


def load_tile(data, like, positions, first, work):
    """Gather the rows at ``positions`` of the data with their targets and weights, in the precision of ``like``.

    They become the rows of the tile from ``first`` on; a sparse tile is loaded at once.
    """
    n_rows = positions.size
    n_targets, n_weights = data.n_targets, data.n_weights
    indices = array_at(data.rows, data.n_rows, np.int64)
    rows = flat_view(array_at(work.rows, first + n_rows, np.int64), first, n_rows)
    for i in range(n_rows):
        rows[i] = indices[positions[i]]
    y = flat_view(array_at(work.y, (first + n_rows) * n_targets, like), first * n_targets, n_rows * n_targets)
    weights = array_at(work.weights, (first + n_rows) * n_weights, like)
    weights = flat_view(weights, first * n_weights, n_rows * n_weights)
    for i in range(n_rows):
        all_y = array_at(data.y, (rows[i] + 1) * n_targets, like)
        for k in range(n_targets):
            y[i * n_targets + k] = all_y[rows[i] * n_targets + k]
        all_weights = array_at(data.weights, (rows[i] + 1) * n_weights, like)
        for k in range(n_weights):
            weights[i * n_weights + k] = all_weights[rows[i] * n_weights + k]
    descriptor = array_at(data.descriptor, DESCRIPTOR_SIZE, np.int64)
    start = first * descriptor[1]  # features
    inputs = flat_view(array_at(work.inputs, work.n_inputs, like), start, work.n_inputs - start)
    stored_indices = array_at(work.indices, work.n_stored, np.int64)
    indptr = array_at(work.indptr, work.tile_size + 1, np.int64)
    _load(data.load, descriptor, rows, inputs, inputs, stored_indices, indptr)


# --- dropout --------------------------------------------------------------------------------------------------------
# A unit is dropped if its 32 random bits are below the rate. The bits are keyed by epoch, row, layer and unit, so
# that sparse and dense inputs, tiles and threads draw the same numbers.


def drop_inputs(is_sparse, n_features, epoch_key, like, positions, first, rate, work):
    """Multiply the loaded inputs, the rows of the tile from ``first`` on, by 0 or 1 / (1 - rate)."""
    inputs = array_at(work.inputs, work.n_inputs, like)
    indices = array_at(work.indices, work.n_stored, np.int64)
    indptr = array_at(work.indptr, work.tile_size + 1, np.int64)
    keep = like.dtype.type(1.0 / (1.0 - rate))
    zero = like.dtype.type(0)
    threshold = np.uint32(min(rate * 4294967296.0, 4294967295.0))
    for i in range(positions.size):
        key = maths.mix(maths.mix(epoch_key, positions[i]), 0)
        if is_sparse:
            for j in range(indptr[i], indptr[i + 1]):
                dropped = maths.random_bits(key, indices[j]) < threshold
                inputs[j] *= zero if dropped else keep
        else:
            row = flat_view(inputs, (first + i) * n_features, n_features)
            for j in range(n_features):
                row[j] *= zero if maths.random_bits(key, j) < threshold else keep


def drop_units(layer, n_units, epoch_key, positions, rate, activations, multipliers, dropped):
    """Write 0 or 1 / (1 - rate) to ``multipliers``, and the activations times that to ``dropped``."""
    keep = activations.dtype.type(1.0 / (1.0 - rate))
    zero = activations.dtype.type(0)
    threshold = np.uint32(min(rate * 4294967296.0, 4294967295.0))
    for i in range(positions.size):
        key = maths.mix(maths.mix(epoch_key, positions[i]), layer + 1)
        start = i * n_units
        multiplier = flat_view(multipliers, start, n_units)
        source, target = flat_view(activations, start, n_units), flat_view(dropped, start, n_units)
        for j in range(n_units):
            multiplier[j] = zero if maths.random_bits(key, j) < threshold else keep
        for j in range(n_units):
            target[j] = source[j] * multiplier[j]


# --- sparse products ------------------------------------------------------------------------------------------------


@jit
def _add_scaled(factor, source, target):
    for j in range(target.size):
        target[j] += factor * source[j]


@jit
def _sparse_tile(work, n_rows, like):
    """Return stored elements, their columns, and where rows start."""
    indptr = array_at(work.indptr, n_rows + 1, np.int64)
    n_stored = indptr[n_rows]
    return array_at(work.inputs, n_stored, like), array_at(work.indices, n_stored, np.int64), indptr


def sparse_product(work, right, out):
    """Compute out += inputs @ right for a sparse tile."""
    n_rows, n_units = out.shape
    values, indices, indptr = _sparse_tile(work, n_rows, out)
    for i in range(n_rows):
        target = flat_view(out, i * n_units, n_units)
        for p in range(indptr[i], indptr[i + 1]):
            _add_scaled(values[p], flat_view(right, indices[p] * n_units, n_units), target)


def transposed_sparse_product(work, right, accumulate, out):
    """Compute out = inputs.T @ right for a sparse tile, or add it."""
    n_rows, n_units = right.shape
    values, indices, indptr = _sparse_tile(work, n_rows, out)
    if not accumulate:
        elements = flat_view(out, 0, out.size)
        for i in range(elements.size):
            elements[i] = 0
    for i in range(n_rows):
        source = flat_view(right, i * n_units, n_units)
        for p in range(indptr[i], indptr[i + 1]):
            _add_scaled(values[p], source, flat_view(out, indices[p] * n_units, n_units))


@jit
def _column_sums(delta, accumulate, out):
    n_rows, n_units = delta.shape
    if n_units == 1:
        column = flat_view(delta, 0, n_rows)
        total = out[0] if accumulate else out.dtype.type(0)
        for i in range(n_rows):
            total += column[i]
        out[0] = total
        return
    if not accumulate:
        row = flat_view(delta, 0, n_units)
        for j in range(n_units):
            out[j] = row[j]
    one = out.dtype.type(1)
    for i in range(0 if accumulate else 1, n_rows):
        _add_scaled(one, flat_view(delta, i * n_units, n_units), out)


@jit
def _add_product(left, right, out):
    """Add left @ right to out, in blocks of rows if those are small products; strips of a team hold whole blocks."""
    n_rows, fan_in = left.shape
    fan_out = right.shape[1]
    block = n_rows
    if n_rows * fan_in * fan_out > blas.SMALL_PRODUCT:
        block = blas.SMALL_PRODUCT // (fan_in * fan_out) // LOSS_ROWS * LOSS_ROWS
        if block < blas.ENOUGH_ROWS:
            block = n_rows
    for a in range(0, n_rows, block):
        n = min(block, n_rows - a)
        part = matrix_view(left, a * fan_in, n, fan_in)
        gemm(False, False, part, right, True, matrix_view(out, a * fan_out, n, fan_out))


@jit
def _transpose(matrix, out):
    """Write the transpose of a matrix, some rows at a time, whose cache lines stay in the cache meanwhile."""
    n_rows, n_columns = matrix.shape
    whole = n_rows - n_rows % 16
    for start in range(0, whole, 16):
        for j in range(n_columns):
            for i in range(16):
                out[j, start + i] = matrix[start + i, j]
    for j in range(n_columns):
        for i in range(whole, n_rows):
            out[j, i] = matrix[i, j]


@jit
def _product_transposed(left, right, memory, out):
    """Compute out = left @ right.T, with a small ``right`` transposed into ``memory`` first.

    OpenBLAS has kernels for small matrices, but few of them for a transposed one.
    """
    n_rows, n_units = left.shape
    if n_rows >= blas.ENOUGH_TO_TRANSPOSE and right.size <= blas.SMALL_MATRIX:
        transposed = matrix_view(memory, 0, n_units, right.shape[0])
        _transpose(right, transposed)
        elements = flat_view(out, 0, out.size)
        for i in range(elements.size):
            elements[i] = 0
        _add_product(left, transposed, out)
        return
    if n_rows > 1 or n_units > 32:
        gemm(False, True, left, right, False, out)
        return
    # for a single row and few columns that is faster without BLAS
    factors = flat_view(left, 0, n_units)
    for k in range(right.shape[0]):
        row = flat_view(right, k * n_units, n_units)
        total = factors[0] * row[0]
        for j in range(1, n_units):
            total += factors[j] * row[j]
        out[0, k] = total


# --- passes ---------------------------------------------------------------------------------------------------------


@jit
def _intercept_gradient(model, layer, delta, accumulate, out):
    if model.normalise != 0 and layer < model.n_layers - 1:
        # batch normalisation takes out any constant; rounding errors in place of zeros would make Adam wander
        for j in range(out.size):
            out[j] = 0
    else:
        _column_sums(delta, accumulate, out)


def forward(model, theta, is_sparse, first, n_rows, work, epoch_key, positions):
    """Compute the outputs of all layers for loaded rows of a tile; those of the last are the raw predictions.

    Units are dropped if ``positions`` (of the rows, for the keys of random numbers) is not empty.
    """
    last = model.n_layers - 1
    units = array_at(model.units, last + 2, np.int64)
    coef_starts = array_at(model.coef_starts, last + 1, np.int64)
    intercept_starts = array_at(model.intercept_starts, last + 1, np.int64)
    unit_starts = array_at(model.unit_starts, last + 1, np.int64)
    saves = array_at(model.saves, last, np.int64)
    kernels = array_at(model.activate, last, np.int64)
    hyper = array_at(model.activation_hyper, last * model.n_hyper, theta)
    dropout = array_at(model.dropout, last, np.float64)
    # a sparse tile has no matrix of inputs
    inputs = matrix_at(work.inputs, first * units[0], 0 if is_sparse else n_rows, units[0], theta)
    for layer in range(last + 1):
        fan_in, fan_out = units[layer], units[layer + 1]
        start = unit_starts[layer] * work.tile_size + first * fan_out
        out = matrix_at(work.activations, start, n_rows, fan_out, theta)
        intercept = flat_view(theta, intercept_starts[layer], fan_out)
        for i in range(n_rows):
            row = flat_view(out, i * fan_out, fan_out)
            for j in range(fan_out):
                row[j] = intercept[j]
        coef = matrix_view(theta, coef_starts[layer], fan_in, fan_out)
        if layer == 0 and is_sparse:
            _sparse_product(model.sparse_product, work, coef, out)
        else:
            _add_product(inputs, coef, out)
        inputs = out
        if layer < last:
            size = n_rows * fan_out
            values = flat_view(out, 0, size)
            if model.normalise != 0:
                _normalise(model.normalise, model, theta, layer, n_rows, work, positions.size > 0)
            saved = flat_view(array_at(work.saved, start + size, theta), start, size if saves[layer] else 0)
            _activate(kernels[layer], values, saved, flat_view(hyper, layer * model.n_hyper, model.n_hyper))
            if positions.size > 0 and dropout[layer] > 0.0:
                inputs = matrix_at(work.dropped, start, n_rows, fan_out, theta)
                multipliers = flat_view(array_at(work.multipliers, start + size, theta), start, size)
                _drop_units(
                    model.drop_units, layer, fan_out, epoch_key, positions, dropout[layer],
                    values, multipliers, flat_view(inputs, 0, size),
                )  # fmt: skip


def backward(model, theta, first, n_rows, work):
    """Compute the gradient with respect to the pre-activations of all layers, for some rows of a tile.

    The outputs of the last layer hold that already. What follows for the parameters, see :func:`gradient_rows`.
    """
    last = model.n_layers - 1
    units = array_at(model.units, last + 2, np.int64)
    coef_starts = array_at(model.coef_starts, last + 1, np.int64)
    unit_starts = array_at(model.unit_starts, last + 1, np.int64)
    saves = array_at(model.saves, last, np.int64)
    kernels = array_at(model.differentiate, last, np.int64)
    hyper = array_at(model.activation_hyper, last * model.n_hyper, theta)
    dropout = array_at(model.dropout, last, np.float64)
    start = unit_starts[last] * work.tile_size + first * units[last + 1]
    delta = matrix_at(work.activations, start, n_rows, units[last + 1], theta)
    for layer in range(last, 0, -1):
        fan_in, fan_out = units[layer], units[layer + 1]
        below = layer - 1
        size = n_rows * fan_in
        start = unit_starts[below] * work.tile_size + first * fan_in
        delta_below = matrix_at(work.deltas, start, n_rows, fan_in, theta)
        coef = matrix_view(theta, coef_starts[layer], fan_in, fan_out)
        memory = matrix_at(work.transposed, first // LOSS_ROWS * blas.SMALL_MATRIX, 1, blas.SMALL_MATRIX, theta)
        _product_transposed(delta, coef, memory, delta_below)
        flat_delta = flat_view(delta_below, 0, size)
        if dropout[below] > 0.0:
            multipliers = flat_view(array_at(work.multipliers, start + size, theta), start, size)
            for i in range(size):
                flat_delta[i] *= multipliers[i]
        activations = flat_view(array_at(work.activations, start + size, theta), start, size)
        saved = flat_view(array_at(work.saved, start + size, theta), start, size if saves[below] else 0)
        _differentiate(
            kernels[below], activations, saved, flat_delta, flat_view(hyper, below * model.n_hyper, model.n_hyper)
        )
        if model.normalise_backward != 0:
            _normalise_backward(model.normalise_backward, model, theta, below, n_rows, work)
        delta = delta_below


def gradient_rows(model, work, is_sparse, layer, n_tile_rows, first_row, accumulate, out):
    """Write, or add, some rows of the gradient of a layer's coefficients by a tile.

    Where the update computes a piece of the gradient just before it uses it, the piece is still in the cache. For the
    layer after the last, ``out`` is the gradient of all that follows the coefficients. The first layer's by a sparse
    tile is computed at once, with its first row.
    """
    units = array_at(model.units, model.n_layers + 1, np.int64)
    unit_starts = array_at(model.unit_starts, model.n_layers, np.int64)
    if layer == model.n_layers:
        for k in range(layer):
            kind = work.activations if k == layer - 1 else work.deltas
            delta = matrix_at(kind, unit_starts[k] * work.tile_size, n_tile_rows, units[k + 1], out)
            _intercept_gradient(model, k, delta, accumulate, flat_view(out, unit_starts[k], units[k + 1]))
        n_intercepts = unit_starts[layer - 1] + units[layer]
        norm_gradients = array_at(work.norm_gradients, out.size - n_intercepts, out)
        for i in range(norm_gradients.size):
            out[n_intercepts + i] = norm_gradients[i]
        return
    fan_in, fan_out = units[layer], units[layer + 1]
    kind = work.activations if layer == model.n_layers - 1 else work.deltas
    delta = matrix_at(kind, unit_starts[layer] * work.tile_size, n_tile_rows, fan_out, out)
    if layer == 0 and is_sparse:
        if first_row == 0:
            coef_gradient = matrix_view(out, 0, fan_in, fan_out)
            _transposed_sparse_product(model.transposed_sparse_product, work, delta, accumulate, coef_gradient)
        return
    kind, start = work.inputs, 0
    if layer > 0:
        dropped = array_at(model.dropout, layer, np.float64)[layer - 1] > 0.0
        kind = work.dropped if dropped else work.activations
        start = unit_starts[layer - 1] * work.tile_size
    inputs = matrix_at(kind, start, n_tile_rows, fan_in, out)
    n_rows = out.size // fan_out
    result = matrix_view(out, 0, n_rows, fan_out)
    if n_tile_rows > 1 or accumulate:
        gemm_of_columns(inputs, first_row, delta, accumulate, result)
        return
    if fan_out < 32:  # too narrow a row for vector instructions
        gemm(False, False, matrix_view(inputs, first_row, n_rows, 1), delta, False, result)
        return
    factors, row = flat_view(inputs, first_row, n_rows), flat_view(delta, 0, fan_out)
    for k in range(n_rows):
        target = flat_view(out, k * fan_out, fan_out)
        for j in range(fan_out):
            target[j] = factors[k] * row[j]


def evaluate_rows(model, data, work, first, n_rows, scale, like):
    """Write the weighted losses of blocks of rows; replaces raw predictions by the gradient of ``scale`` times them."""
    last = model.n_layers - 1
    n_outputs = array_at(model.units, last + 2, np.int64)[last + 1]
    start = array_at(model.unit_starts, last + 1, np.int64)[last] * work.tile_size
    losses = array_at(work.losses, work.tile_size, np.float64)
    for a in range(first, first + n_rows, LOSS_ROWS):
        n = min(LOSS_ROWS, first + n_rows - a)
        losses[a // LOSS_ROWS] = _evaluate(
            model.evaluate,
            matrix_at(work.activations, start + a * n_outputs, n, n_outputs, like),
            matrix_at(work.y, a * data.n_targets, n, data.n_targets, like),
            matrix_at(work.weights, a * data.n_weights, n, data.n_weights, like),
            scale,
            array_at(model.loss_hyper, model.n_hyper, like),
        )


def scale_labels(model, data, work, first, n_rows, like):
    """Multiply the gradient of the loss by what the weights of the labels have been divided by."""
    last = model.n_layers - 1
    n_outputs = array_at(model.units, last + 2, np.int64)[last + 1]
    start = array_at(model.unit_starts, last + 1, np.int64)[last] * work.tile_size
    gradient = matrix_at(work.activations, start + first * n_outputs, n_rows, n_outputs, like)
    label_means = array_at(data.label_means, n_outputs, like)
    for i in range(n_rows):
        for k in range(n_outputs):
            gradient[i, k] *= label_means[k]


@jit
def loss_of_tile(work, n_rows):
    """Return the sum of the blocks' losses, in their order: whoever computed them, its bits are the same."""
    losses = array_at(work.losses, work.tile_size, np.float64)
    total = 0.0
    for block in range((n_rows + LOSS_ROWS - 1) // LOSS_ROWS):
        total += losses[block]
    return total


def train_rows(theta, model, data, positions, first, n_rows, scale, epoch_key, work):
    """Forward and backward pass over some rows of a tile, which has those at ``positions``."""
    is_sparse = data.is_sparse != 0
    rows = flat_view(positions, first, n_rows)
    _load_tile(model.load_tile, data, theta, rows, first, work)
    if model.input_dropout > 0.0:
        n_features = array_at(model.units, 1, np.int64)[0]
        _drop_inputs(model.drop_inputs, is_sparse, n_features, epoch_key, theta, rows, first, model.input_dropout, work)
    _forward(model.forward, model, theta, is_sparse, first, n_rows, work, epoch_key, rows)
    _evaluate_rows(model.evaluate_rows, model, data, work, first, n_rows, scale, theta)
    if data.scale_labels != 0:
        _scale_labels(data.scale_labels, model, data, work, first, n_rows, theta)
    _backward(model.backward, model, theta, first, n_rows, work)
