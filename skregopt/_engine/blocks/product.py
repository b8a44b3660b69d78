"""The product of a layer's inputs with its weights, plus the intercepts, and its gradients."""

import numpy as np
from numba import types

from ..._kernels import blas
from ..._kernels.blas import gemm, gemm_of_columns
from ..._kernels.jit import jit, matrix, vector
from ..._kernels.views import array_at, flat_view, matrix_at, matrix_view
from ..declaration import compiled_pass
from ..records import LAYER, LOSS_ROWS, job_type
from .block import Block, of_parameters, on_strip

_count, _flag = types.int64, types.boolean


# --- sparse products ------------------------------------------------------------------------------------------------


@jit
def _add_scaled(factor, source, target):
    for j in range(target.size):
        target[j] += factor * source[j]


@jit
def _sparse_tile(buffers, n_rows, like):
    """Return stored elements, their columns, and where rows start."""
    indptr = array_at(buffers.indptr, n_rows + 1, np.int64)
    n_stored = indptr[n_rows]
    return array_at(buffers.inputs, n_stored, like), array_at(buffers.indices, n_stored, np.int64), indptr


@compiled_pass(lambda T: types.void(job_type, matrix(T), matrix(T)))
def sparse_product(job, right, out):
    """Compute out += inputs @ right for a sparse tile."""
    n_rows, n_units = out.shape
    values, indices, indptr = _sparse_tile(job.buffers, n_rows, out)
    for i in range(n_rows):
        target = flat_view(out, i * n_units, n_units)
        for p in range(indptr[i], indptr[i + 1]):
            _add_scaled(values[p], flat_view(right, indices[p] * n_units, n_units), target)


@compiled_pass(lambda T: types.void(job_type, matrix(T), _flag, matrix(T)))
def transposed_sparse_product(job, right, accumulate, out):
    """Compute out = inputs.T @ right for a sparse tile, or add it."""
    n_rows, n_units = right.shape
    values, indices, indptr = _sparse_tile(job.buffers, n_rows, out)
    if not accumulate:
        elements = flat_view(out, 0, out.size)
        for i in range(elements.size):
            elements[i] = 0
    for i in range(n_rows):
        source = flat_view(right, i * n_units, n_units)
        for p in range(indptr[i], indptr[i + 1]):
            _add_scaled(values[p], source, flat_view(out, indices[p] * n_units, n_units))


# --- dense products -------------------------------------------------------------------------------------------------


@jit
def _add_product(left, right, out):
    """Add left @ right to out, in blocks of rows if those are small products; strips of rows hold whole blocks."""
    n_rows, fan_in = left.shape
    fan_out = right.shape[1]
    block = n_rows
    if n_rows * fan_in * fan_out > blas.SMALL_PRODUCT:
        block = blas.SMALL_PRODUCT // (fan_in * fan_out) // LOSS_ROWS * LOSS_ROWS
        if block < blas.ENOUGH_ROWS:
            block = n_rows
    for a in range(0, n_rows, block):
        n = n_rows - a if n_rows - a < block else block
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


@jit
def _column_sums(deltas, accumulate, out):
    n_rows, n_units = deltas.shape
    if n_units == 1:
        column = flat_view(deltas, 0, n_rows)
        total = out[0] if accumulate else out.dtype.type(0)
        for i in range(n_rows):
            total += column[i]
        out[0] = total
        return
    if not accumulate:
        row = flat_view(deltas, 0, n_units)
        for j in range(n_units):
            out[j] = row[j]
    one = out.dtype.type(1)
    for i in range(0 if accumulate else 1, n_rows):
        _add_scaled(one, flat_view(deltas, i * n_units, n_units), out)


# --- passes ---------------------------------------------------------------------------------------------------------


@compiled_pass(on_strip)
def product_forward(theta, job, layer, block, strip):
    """Compute pre-activations from the outputs of the layer below, or from the loaded inputs."""
    n_rows, fan_in, fan_out = strip.n_rows, layer.fan_in, layer.fan_out
    out = matrix_at(layer.activations, strip.first * fan_out, n_rows, fan_out, theta)
    intercepts = flat_view(theta, layer.intercepts, fan_out)
    for i in range(n_rows):
        row = flat_view(out, i * fan_out, fan_out)
        for j in range(fan_out):
            row[j] = intercepts[j]
    coefs = matrix_view(theta, layer.coefs, fan_in, fan_out)
    if layer.index == 0 and strip.is_sparse:
        sparse_product(job, coefs, out)
        return
    inputs = job.network.embedded if job.network.embeds else job.buffers.inputs
    if layer.index > 0:
        below = array_at(job.network.layers, layer.index, LAYER)[layer.index - 1]
        inputs = below.outputs if strip.is_training else below.activations
    _add_product(matrix_at(inputs, strip.first * fan_in, n_rows, fan_in, theta), coefs, out)


@compiled_pass(on_strip)
def product_backward(theta, job, layer, block, strip):
    """Compute the gradient with respect to the outputs of the layer below."""
    if layer.index == 0 and not job.network.embeds:
        return
    n_rows, fan_in, fan_out = strip.n_rows, layer.fan_in, layer.fan_out
    all_deltas_below = job.network.embedded_deltas
    if layer.index > 0:
        all_deltas_below = array_at(job.network.layers, layer.index, LAYER)[layer.index - 1].deltas
    deltas = matrix_at(layer.deltas, strip.first * fan_out, n_rows, fan_out, theta)
    deltas_below = matrix_at(all_deltas_below, strip.first * fan_in, n_rows, fan_in, theta)
    coefs = matrix_view(theta, layer.coefs, fan_in, fan_out)
    start = strip.first // LOSS_ROWS * blas.SMALL_MATRIX
    memory = matrix_at(job.buffers.transposed, start, 1, blas.SMALL_MATRIX, theta)
    _product_transposed(deltas, coefs, memory, deltas_below)


@compiled_pass(lambda T: types.void(job_type, _count, _count, _count, _flag, vector(T)))
def gradient_of_coefs(job, index, n_tile_rows, first_row, accumulate, out):
    """Write, or add, some rows of the gradient of a layer's coefficients by a tile.

    Where the update computes a piece of the gradient just before it uses it, the piece is still in the cache. The first
    layer's by a sparse tile is computed at once, with its first row.
    """
    layers = array_at(job.network.layers, job.network.n_layers, LAYER)
    layer = layers[index]
    fan_in, fan_out = layer.fan_in, layer.fan_out
    deltas = matrix_at(layer.deltas, 0, n_tile_rows, fan_out, out)
    if index == 0 and job.train.source.is_sparse:
        if first_row == 0:
            transposed_sparse_product(job, deltas, accumulate, matrix_view(out, 0, fan_in, fan_out))
        return
    all_inputs = job.network.embedded if job.network.embeds else job.buffers.inputs
    if index > 0:
        all_inputs = layers[index - 1].outputs
    inputs = matrix_at(all_inputs, 0, n_tile_rows, fan_in, out)
    n_rows = out.size // fan_out
    result = matrix_view(out, 0, n_rows, fan_out)
    if n_tile_rows > 1 or accumulate:
        gemm_of_columns(inputs, first_row, deltas, accumulate, result)
        return
    if fan_out < 32:  # too narrow a row for vector instructions
        gemm(False, False, matrix_view(inputs, first_row, n_rows, 1), deltas, False, result)
        return
    factors, row = flat_view(inputs, first_row, n_rows), flat_view(deltas, 0, fan_out)
    for k in range(n_rows):
        target = flat_view(out, k * fan_out, fan_out)
        for j in range(fan_out):
            target[j] = factors[k] * row[j]


@compiled_pass(of_parameters)
def gradient_of_intercepts(job, layer, block, n_tile_rows, accumulate, grad):
    """Write, or add, the gradient of a layer's intercepts by a tile."""
    out = flat_view(grad, layer.intercepts - job.network.n_weights, layer.fan_out)
    if layer.trains_intercepts:
        _column_sums(matrix_at(layer.deltas, 0, n_tile_rows, layer.fan_out, grad), accumulate, out)
    else:  # rounding errors in place of zeros would make Adam wander
        for j in range(out.size):
            out[j] = 0


class Product(Block):
    """The product of a layer's inputs with its weights, plus the intercepts."""

    group = "intercepts"
    passes = {"forward": "product_forward", "backward": "product_backward", "gradient": "gradient_of_intercepts"}

    @classmethod
    def of(cls, network, layer):
        return cls()

    def bound(self, norm, n_units, trained, running):
        return trained * norm + trained
