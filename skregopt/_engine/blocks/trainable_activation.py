"""An activation with a scale of its own for each unit, which is trained (:class:`skregopt.activations.Trainable`).

With a rule f, a pre-activation z and the scale s of the unit, and delta the gradient with respect to the output::

    a = z + s (f(z) - z),    d/ds = delta (f(z) - z),    d/dz = delta + s (delta f'(z) - delta)
"""

import math

from ..._kernels.calls import caller
from ..._kernels.jit import jit
from ..._kernels.views import array_at, flat_view
from ...activations import Activation, Trainable
from ...activations._family import saved_differentiate
from ..declaration import compiled_pass
from ..records import LOSS_ROWS, filled, record_type
from .block import Block, Vector, of_parameters, on_strip

OWN = record_type(
    "scale",  # where the scales begin in theta
    "activate", "differentiate",  # -> kernels of the rule
    "n_hyper", "hyper",  # -> T
    "chunk",  # elements of the whole rows that are processed at once; a block of LOSS_ROWS rows is made of chunks
    "chunks",  # -> T, for each block: f(z), the scales of the elements, their sums, what the rule saves
    "differences",  # -> T, f(z) - z, (rows of a tile, units)
    "slopes",  # -> T, f'(z), (rows of a tile, units)
    "saves", "saves_slopes",  # whether the rule saves values for its derivative, and whether they are the derivative
    "by_scale",  # -> T, gradients with respect to the scales, (blocks of a tile, units)
)  # fmt: skip
CHUNK = 1024  # elements, at most, unless a row is longer: those of five arrays stay in the first cache level
ACTIVATED, SCALES, SUMS, SAVED = range(4)  # places in chunks
_activate, _differentiate = (caller(name, Activation.signatures[name]) for name in ("activate", "differentiate"))


@jit
def _copy(source, target):
    for i in range(target.size):
        target[i] = source[i]


@jit
def _add(source, target):
    for i in range(target.size):
        target[i] += source[i]


@compiled_pass(on_strip)
def trainable_activation_forward(theta, job, layer, block, strip):
    """Replace pre-activations by activations; in training, keep the differences and slopes for the gradient."""
    own = array_at(block.own, 1, OWN)[0]
    n_units, chunk, position = layer.fan_out, own.chunk, strip.first // LOSS_ROWS
    first, end = strip.first * n_units, (strip.first + strip.n_rows) * n_units
    values, hyper = array_at(layer.activations, end, theta), array_at(own.hyper, own.n_hyper, theta)
    differences, slopes = array_at(own.differences, end, theta), array_at(own.slopes, end, theta)
    chunks = flat_view(array_at(own.chunks, (position + 1) * 4 * chunk, theta), position * 4 * chunk, 4 * chunk)
    scales, one = flat_view(chunks, SCALES * chunk, chunk), theta.dtype.type(1)
    # one scale for each element: loops over single rows would take longer to begin than to run
    for start in range(0, min(chunk, end - first), n_units):
        _copy(flat_view(theta, own.scale, n_units), flat_view(scales, start, n_units))
    for start in range(first, end, chunk):
        size = min(chunk, end - start)
        value, activated = flat_view(values, start, size), flat_view(chunks, ACTIVATED * chunk, size)
        # other threads may be at other strips, so that what is not kept lies in the chunks of this block
        difference, saved = flat_view(chunks, SUMS * chunk, size), flat_view(chunks, SAVED * chunk, own.saves * size)
        if strip.is_training:
            difference = flat_view(differences, start, size)
            if own.saves_slopes:
                saved = flat_view(slopes, start, size)
        _copy(value, activated)
        _activate(own.activate, activated, saved, hyper)
        if strip.is_training and not own.saves_slopes:
            slope = flat_view(slopes, start, size)
            for i in range(size):
                slope[i] = one
            _differentiate(own.differentiate, activated, saved, slope, hyper)
        for i in range(size):
            difference[i] = activated[i] - value[i]
            value[i] += scales[i] * difference[i]


@compiled_pass(on_strip)
def trainable_activation_backward(theta, job, layer, block, strip):
    """Turn the gradient into that with respect to pre-activations, and sum up the one with respect to the scales.

    The sums are those of a block of rows, whatever strips threads make. A chunk is added to a chunk, and the rows of
    the last sum to one another.
    """
    own = array_at(block.own, 1, OWN)[0]
    n_units, chunk, position = layer.fan_out, own.chunk, strip.first // LOSS_ROWS
    end_row = strip.first + strip.n_rows
    end = end_row * n_units
    deltas, slopes = array_at(layer.deltas, end, theta), array_at(own.slopes, end, theta)
    differences = array_at(own.differences, end, theta)
    all_by_scale = array_at(own.by_scale, -(-end_row // LOSS_ROWS) * n_units, theta)
    chunks = flat_view(array_at(own.chunks, (position + 1) * 4 * chunk, theta), position * 4 * chunk, 4 * chunk)
    scales = flat_view(chunks, SCALES * chunk, chunk)  # which the forward pass has written
    zero, one = theta.dtype.type(0), theta.dtype.type(1)
    for row in range(strip.first, end_row, LOSS_ROWS):
        first, stop = row * n_units, min(row + LOSS_ROWS, end_row) * n_units
        sums = flat_view(chunks, SUMS * chunk, min(chunk, stop - first))
        for i in range(sums.size):
            sums[i] = zero
        for start in range(first, stop, chunk):
            size = min(chunk, stop - start)
            delta, slope = flat_view(deltas, start, size), flat_view(slopes, start, size)
            difference = flat_view(differences, start, size)
            for i in range(size):
                sums[i] += delta[i] * difference[i]
                delta[i] *= (one - scales[i]) + scales[i] * slope[i]
        by_scale = flat_view(all_by_scale, row // LOSS_ROWS * n_units, n_units)
        _copy(flat_view(sums, 0, n_units), by_scale)
        for start in range(n_units, sums.size, n_units):
            _add(flat_view(sums, start, n_units), by_scale)


@compiled_pass(of_parameters)
def trainable_activation_gradient(job, layer, block, n_tile_rows, accumulate, grad):
    """Write, or add, the gradient with respect to the scales."""
    own = array_at(block.own, 1, OWN)[0]
    n_units = layer.fan_out
    out = flat_view(grad, own.scale - job.network.n_weights, n_units)
    size = -(-n_tile_rows // LOSS_ROWS) * n_units
    by_scale = array_at(own.by_scale, size, grad)
    if not accumulate:
        for j in range(n_units):
            out[j] = 0
    for start in range(0, size, n_units):
        _add(flat_view(by_scale, start, n_units), out)


class TrainableActivationBlock(Block):
    """The activation of a hidden layer, with trained scales.

    Parameters
    ----------
    rule : Activation
        What :class:`Trainable` wraps.
    """

    group = "activation"
    vectors = (Vector("activation_scales_", 1.0, trained=True),)
    passes = {
        "forward": "trainable_activation_forward",
        "backward": "trainable_activation_backward",
        "gradient": "trainable_activation_gradient",
    }

    def __init__(self, rule):
        self.rule = rule

    @classmethod
    def of(cls, network, layer):
        activation = network.activations[layer]
        return cls(activation.wrapped()) if isinstance(activation, Trainable) else None

    def bound(self, norm, n_units, trained, running):
        if self.rule.linear_bound is None:
            return math.inf
        slope, offset = self.rule.linear_bound
        return norm + trained * (norm + slope * norm + offset * math.sqrt(n_units))

    def own(self, place):
        rule, job, n_units = self.rule, place.job, place.n_units
        hyper = rule.hyper_vector(place.dtype)
        n_blocks, chunks_of_block = -(-job.tile_size // LOSS_ROWS), -(-LOSS_ROWS * n_units // CHUNK)
        chunk = -(-LOSS_ROWS // chunks_of_block) * n_units
        training = {}
        if job.trains:
            training = {
                "differentiate": rule.compiled("differentiate", place.dtype),
                "saves_slopes": rule.differentiate is saved_differentiate,
                "differences": place.per_row(),
                "slopes": place.per_row(),
                "by_scale": place.memory(n_blocks * n_units),
            }
        return filled(
            OWN,
            scale=place.start("activation_scales_"),
            activate=rule.compiled("activate", place.dtype),
            n_hyper=hyper.size,
            hyper=job.kept(hyper),
            chunk=chunk,
            chunks=place.memory(n_blocks * 4 * chunk),
            saves=rule.saves,
            **training,
        )

    def to_onnx(self, op, z, vectors):
        return op.Add(z, op.Mul(vectors["activation_scales_"], op.Sub(self.rule.to_onnx(op, z), z)))
