"""Forward and backward pass of a strip of rows through the blocks of all layers, in compiled code.

What goes on around it (batches, updates, epochs) is in ``loop.py``.
"""

from numba import types

from .._kernels.calls import caller
from .._kernels.jit import vector
from .._kernels.views import array_at
from .blocks.block import of_parameters, on_strip
from .blocks.dropout import drop_inputs
from .declaration import compiled_pass
from .records import BLOCK, LAYER, LOSS_ROWS, STRIP, job_type, strip_type
from .tiles import evaluate_rows, load_tile, scale_labels

_count, _integers = types.int64, vector(types.int64)
_block_forward, _block_backward = (caller(f"block {name}", on_strip) for name in ("forward", "backward"))
_block_gradient = caller("block gradient", of_parameters)


def _on_strip(T):
    return types.void(vector(T), job_type, strip_type)


@compiled_pass(_on_strip)
def forward(theta, job, strip):
    """Compute the outputs of all layers for the loaded rows of a strip; those of the last are the raw predictions."""
    layers = array_at(job.network.layers, job.network.n_layers, LAYER)
    blocks = array_at(job.network.blocks, job.network.n_blocks, BLOCK)
    for index in range(job.network.n_layers):
        layer = layers[index]
        for position in range(layer.first_block, layer.end_block):
            block = blocks[position]
            _block_forward(block.forward, theta, job, layer, block, strip)


@compiled_pass(_on_strip)
def backward(theta, job, strip):
    """Compute the gradient with respect to the pre-activations of all layers for the rows of a strip.

    The outputs of the last layer hold that already.
    """
    layers = array_at(job.network.layers, job.network.n_layers, LAYER)
    blocks = array_at(job.network.blocks, job.network.n_blocks, BLOCK)
    for index in range(job.network.n_layers - 1, -1, -1):
        layer = layers[index]
        for position in range(layer.end_block - 1, layer.first_block - 1, -1):
            block = blocks[position]
            _block_backward(block.backward, theta, job, layer, block, strip)


@compiled_pass(lambda T: types.void(job_type, _count, _count, types.boolean, vector(T)))
def gradient_of_vectors(job, group, n_tile_rows, accumulate, grad):
    """Write, or add, the gradient of one group of the parameters behind the coefficients by a tile.

    ``grad`` is the place of the gradient of all parameters behind the coefficients.
    """
    layers = array_at(job.network.layers, job.network.n_layers, LAYER)
    blocks = array_at(job.network.blocks, job.network.n_blocks, BLOCK)
    for index in range(job.network.n_layers):
        layer = layers[index]
        for position in range(layer.first_block, layer.end_block):
            block = blocks[position]
            if block.has_gradient and block.group == group:
                _block_gradient(block.gradient, job, layer, block, n_tile_rows, accumulate, grad)


@compiled_pass(lambda T: types.void(vector(T), job_type, _integers, _count, types.uint64, types.float64))
def train_rows(theta, job, positions, first, epoch_key, scale):
    """Forward and backward pass over rows of a tile, from ``first`` on: those at ``positions`` of the epoch."""
    data = job.train
    strip = array_at(job.buffers.strips, first // LOSS_ROWS + 1, STRIP)[first // LOSS_ROWS]
    strip.first, strip.n_rows, strip.positions = first, positions.size, positions.ctypes.data
    strip.is_training, strip.is_sparse = True, data.source.is_sparse
    strip.epoch_key, strip.scale = epoch_key, scale
    load_tile(theta, job, data, strip)
    if job.network.drops_inputs:
        drop_inputs(theta, job, strip)
    forward(theta, job, strip)
    evaluate_rows(theta, job, data, strip)
    if data.scales_labels:
        scale_labels(theta, job, data, strip)
    backward(theta, job, strip)
