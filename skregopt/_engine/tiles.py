"""A tile of rows: loaded from X into the buffers, and the loss of its raw predictions.

A *tile* is a run of rows that is processed at once, a *strip* some of its rows that one thread passes through the
network, see ``passes.py``.
"""

import numpy as np
from numba import types

from .._kernels.calls import caller
from .._kernels.jit import vector
from .._kernels.views import array_at, flat_view, matrix_at
from ..losses import Loss
from .declaration import compiled_pass
from .records import LAYER, LOSS_ROWS, job_type, rows_type, strip_type
from .source import loader_signature

_count = types.int64
_load = caller("load", loader_signature)
_evaluate = caller("evaluate", Loss.signatures["evaluate"])


def _on_rows(T):
    return types.void(vector(T), job_type, rows_type, strip_type)


@compiled_pass(_on_rows)
def load_tile(theta, job, data, strip):
    """Gather the rows of a strip with their targets and weights, in the precision of theta.

    They become the rows of the tile from ``strip.first`` on; a sparse tile is loaded at once.
    """
    buffers, first, n_rows = job.buffers, strip.first, strip.n_rows
    n_targets, n_weights = data.n_targets, data.n_weights
    indices = array_at(data.rows, data.n_rows, np.int64)
    positions = array_at(strip.positions, n_rows, np.int64)
    rows = flat_view(array_at(buffers.rows, first + n_rows, np.int64), first, n_rows)
    for i in range(n_rows):
        rows[i] = indices[positions[i]]
    y = flat_view(array_at(buffers.y, (first + n_rows) * n_targets, theta), first * n_targets, n_rows * n_targets)
    weights = array_at(buffers.weights, (first + n_rows) * n_weights, theta)
    weights = flat_view(weights, first * n_weights, n_rows * n_weights)
    for i in range(n_rows):
        all_y = array_at(data.y, (rows[i] + 1) * n_targets, theta)
        for k in range(n_targets):
            y[i * n_targets + k] = all_y[rows[i] * n_targets + k]
        all_weights = array_at(data.weights, (rows[i] + 1) * n_weights, theta)
        for k in range(n_weights):
            weights[i * n_weights + k] = all_weights[rows[i] * n_weights + k]
    start = first * data.source.n_features
    inputs = flat_view(array_at(buffers.inputs, buffers.n_inputs, theta), start, buffers.n_inputs - start)
    stored_indices = array_at(buffers.indices, buffers.n_stored, np.int64)
    indptr = array_at(buffers.indptr, buffers.tile_size + 1, np.int64)
    _load(data.load, data.source, rows, inputs, inputs, stored_indices, indptr)


@compiled_pass(_on_rows)
def evaluate_rows(theta, job, data, strip):
    """Write the weighted losses of blocks of rows; replace raw predictions by the gradient of ``scale`` times them."""
    network, buffers = job.network, job.buffers
    last = array_at(network.layers, network.n_layers, LAYER)[network.n_layers - 1]
    losses = array_at(buffers.losses, buffers.tile_size, np.float64)
    scale = theta.dtype.type(strip.scale)
    end = strip.first + strip.n_rows
    for a in range(strip.first, end, LOSS_ROWS):
        n = end - a if end - a < LOSS_ROWS else LOSS_ROWS
        losses[a // LOSS_ROWS] = _evaluate(
            network.evaluate,
            matrix_at(last.activations, a * last.fan_out, n, last.fan_out, theta),
            matrix_at(buffers.y, a * data.n_targets, n, data.n_targets, theta),
            matrix_at(buffers.weights, a * data.n_weights, n, data.n_weights, theta),
            scale,
            array_at(network.loss_hyper, network.n_loss_hyper, theta),
        )


@compiled_pass(_on_rows)
def scale_labels(theta, job, data, strip):
    """Multiply the gradient of the loss by what the weights of the labels have been divided by."""
    last = array_at(job.network.layers, job.network.n_layers, LAYER)[job.network.n_layers - 1]
    gradient = matrix_at(last.activations, strip.first * last.fan_out, strip.n_rows, last.fan_out, theta)
    label_means = array_at(data.label_means, last.fan_out, theta)
    for i in range(strip.n_rows):
        for k in range(last.fan_out):
            gradient[i, k] *= label_means[k]


@compiled_pass(lambda T: types.float64(vector(T), job_type, _count))
def loss_of_tile(theta, job, n_rows):
    """Return the sum of the losses of a tile, in the order of its blocks: it does not depend on the threads."""
    losses = array_at(job.buffers.losses, job.buffers.tile_size, np.float64)
    total = 0.0
    for block in range((n_rows + LOSS_ROWS - 1) // LOSS_ROWS):
        total += losses[block]
    return total
