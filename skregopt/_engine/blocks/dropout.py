"""Dropout of units, of inputs, and the thinned networks that it makes of one.

Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 2014, in the inverted form:
what is kept is multiplied by 1 / (1 - rate) in training, so that predictions need no factor. A unit is dropped if its
32 random bits are below the rate. The bits are keyed by epoch, row, layer and unit (for inputs: feature), so that
sparse and dense inputs, tiles and threads draw the same numbers. With a schedule of dropout all rates are multiplied by
a factor that changes with every update.

To drop a unit for all rows is to multiply its row of the weight matrix behind it by 0, to keep it is to multiply that
row by 1 / (1 - rate). A thinned network therefore is an ordinary network with other weights, and predicts as such.
"""

import numpy as np
from numba import types

from ..._kernels import maths
from ..._kernels.jit import vector
from ..._kernels.views import array_at, flat_view
from ..declaration import compiled_pass, entry
from ..records import filled, job_type, record_type, strip_type
from .block import Block, on_strip

OWN = record_type(
    ("rate", np.float64),
    "multipliers",  # -> T, 0 or 1 / (1 - rate) for each row of a tile and unit
    "dropped",  # -> T, activations times that
)  # fmt: skip
_integers = vector(types.int64)


@compiled_pass(on_strip)
def dropout_forward(theta, job, layer, block, strip):
    """Write 0 or 1 / (1 - rate) to the multipliers, and the activations times that to the outputs, in training."""
    if not strip.is_training:
        return
    own = array_at(block.own, 1, OWN)[0]
    n_units = layer.fan_out
    first, size = strip.first * n_units, strip.n_rows * n_units
    activations = flat_view(array_at(layer.activations, first + size, theta), first, size)
    multipliers = flat_view(array_at(own.multipliers, first + size, theta), first, size)
    dropped = flat_view(array_at(own.dropped, first + size, theta), first, size)
    positions = array_at(strip.positions, strip.n_rows, np.int64)
    rate = own.rate * job.update.dropout_factor
    keep = theta.dtype.type(1.0 / (1.0 - rate))
    zero = theta.dtype.type(0)
    threshold = np.uint32(min(rate * 4294967296.0, 4294967295.0))
    for i in range(strip.n_rows):
        key = maths.mix(maths.mix(strip.epoch_key, positions[i]), layer.index + 1)
        start = i * n_units
        multiplier = flat_view(multipliers, start, n_units)
        source, target = flat_view(activations, start, n_units), flat_view(dropped, start, n_units)
        for j in range(n_units):
            multiplier[j] = zero if maths.random_bits(key, j) < threshold else keep
        for j in range(n_units):
            target[j] = source[j] * multiplier[j]


@compiled_pass(on_strip)
def dropout_backward(theta, job, layer, block, strip):
    """Multiply the gradient by the multipliers."""
    own = array_at(block.own, 1, OWN)[0]
    start, size = strip.first * layer.fan_out, strip.n_rows * layer.fan_out
    deltas = flat_view(array_at(layer.deltas, start + size, theta), start, size)
    multipliers = flat_view(array_at(own.multipliers, start + size, theta), start, size)
    for i in range(size):
        deltas[i] *= multipliers[i]


class DropoutBlock(Block):
    """Dropout of the units of a hidden layer.

    Parameters
    ----------
    rate : float in (0, 1)
    """

    passes = {"forward": "dropout_forward", "backward": "dropout_backward"}

    def __init__(self, rate):
        self.rate = rate

    @classmethod
    def of(cls, network, layer):
        return cls(network.dropout[layer]) if network.dropout and network.dropout[layer] > 0 else None

    def own(self, place):
        return filled(OWN, rate=self.rate, multipliers=place.per_row(), dropped=place.per_row())

    def bound(self, norm, n_units, trained, running):
        return norm  # in prediction nothing is dropped

    def outputs(self, own):
        return int(own[0].dropped)


@compiled_pass(lambda T: types.void(vector(T), job_type, strip_type))
def drop_inputs(theta, job, strip):
    """Multiply the loaded inputs of a strip by 0 or 1 / (1 - rate)."""
    buffers, n_features = job.buffers, job.network.n_features
    rate = job.network.input_dropout * job.update.dropout_factor
    inputs = array_at(buffers.inputs, buffers.n_inputs, theta)
    indices = array_at(buffers.indices, buffers.n_stored, np.int64)
    indptr = array_at(buffers.indptr, buffers.tile_size + 1, np.int64)
    positions = array_at(strip.positions, strip.n_rows, np.int64)
    keep = theta.dtype.type(1.0 / (1.0 - rate))
    zero = theta.dtype.type(0)
    threshold = np.uint32(min(rate * 4294967296.0, 4294967295.0))
    for i in range(strip.n_rows):
        key = maths.mix(maths.mix(strip.epoch_key, positions[i]), 0)
        if strip.is_sparse:
            for j in range(indptr[i], indptr[i + 1]):
                dropped = maths.random_bits(key, indices[j]) < threshold
                inputs[j] *= zero if dropped else keep
        else:
            row = flat_view(inputs, (strip.first + i) * n_features, n_features)
            for j in range(n_features):
                row[j] *= zero if maths.random_bits(key, j) < threshold else keep


@entry(lambda T, v: types.void(v, *[_integers] * 3, vector(types.float64), types.uint64, types.int64, v))
def thin(theta, units, coef_starts, features, rates, seed, draw, thinned):
    """Fill ``thinned`` with the parameters of the network of a draw.

    Masks are keyed by seed, draw, layer and unit. The keys are those that a row numbered ``draw`` would have in epoch
    -1, which there is not, so that no mask of the training is met again.

    Parameters
    ----------
    theta, thinned : vector of T
    units, coef_starts : int64 vector
        As in ``Layout``.
    features : int64 vector
        Which feature each input of the first product is of.
    rates : float64 vector, one element for each weight matrix
        Rates of dropout of what enters it: the features, the units of each hidden layer.
    seed : uint64
    draw : int64
    """
    key = maths.mix(maths.mix(seed, -1), draw)
    zero = theta.dtype.type(0)
    for i in range(theta.size):
        thinned[i] = theta[i]
    for layer in range(rates.size):
        if rates[layer] > 0.0:
            fan_in, fan_out = units[layer], units[layer + 1]
            layer_key = maths.mix(key, layer)
            keep = theta.dtype.type(1.0 / (1.0 - rates[layer]))
            threshold = np.uint32(min(rates[layer] * 4294967296.0, 4294967295.0))
            for j in range(fan_in):
                unit = features[j] if layer == 0 else j
                factor = zero if maths.random_bits(layer_key, unit) < threshold else keep
                row = flat_view(thinned, coef_starts[layer] + j * fan_out, fan_out)
                for k in range(fan_out):
                    row[k] *= factor
