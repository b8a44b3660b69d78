"""An activation with a scale of its own for each unit, which is trained (:class:`skregopt.activations.Trainable`).

With a rule f, a pre-activation z and the scale s of the unit, and delta the gradient with respect to the output::

    a = z + s (f(z) - z),    d/ds = delta (f(z) - z),    d/dz = delta + s (delta f'(z) - delta)
"""

import math

from ..._kernels.calls import caller
from ..._kernels.views import array_at, flat_view
from ...activations import Activation, Trainable
from ..declaration import compiled_pass
from ..records import filled, record_type
from .block import Block, Vector, of_parameters, on_strip

OWN = record_type(
    "scale",  # where the scales begin in theta
    "activate", "differentiate",  # -> kernels of the rule
    "n_hyper", "hyper",  # -> T
    "saves", "saved",  # whether the rule saves values for its derivative; -> T, (rows of a tile, units)
    "z",  # -> T, pre-activations, (rows of a tile, units)
    "activated",  # -> T, f(z), (rows of a tile, units)
    "output_deltas",  # -> T, gradients with respect to the outputs, (rows of a tile, units)
)  # fmt: skip
CHUNK = 2048  # elements that a rule gets at once
_activate, _differentiate = (caller(name, Activation.signatures[name]) for name in ("activate", "differentiate"))


@compiled_pass(on_strip)
def trainable_activation_forward(theta, job, layer, block, strip):
    """Replace pre-activations by activations, and keep both for the gradient."""
    own = array_at(block.own, 1, OWN)[0]
    n_units, end = layer.fan_out, (strip.first + strip.n_rows) * layer.fan_out
    values, z = array_at(layer.activations, end, theta), array_at(own.z, end, theta)
    activated, saved = array_at(own.activated, end, theta), array_at(own.saved, own.saves * end, theta)
    scale, hyper = flat_view(theta, own.scale, n_units), array_at(own.hyper, own.n_hyper, theta)
    chunk = max(1, CHUNK // n_units) * n_units  # whole rows, which stay in the first cache level
    for start in range(strip.first * n_units, end, chunk):
        size = end - start if end - start < chunk else chunk
        value, kept_z = flat_view(values, start, size), flat_view(z, start, size)
        for i in range(size):
            kept_z[i] = value[i]
        _activate(own.activate, value, flat_view(saved, own.saves * start, own.saves * size), hyper)
        if strip.is_training:
            kept = flat_view(activated, start, size)
            for i in range(size):
                kept[i] = value[i]
        for first in range(0, size, n_units):
            row, z_row = flat_view(value, first, n_units), flat_view(kept_z, first, n_units)
            for j in range(n_units):
                row[j] = z_row[j] + scale[j] * (row[j] - z_row[j])


@compiled_pass(on_strip)
def trainable_activation_backward(theta, job, layer, block, strip):
    """Replace the gradient with respect to the outputs, which is kept, by the one with respect to pre-activations."""
    own = array_at(block.own, 1, OWN)[0]
    n_units, end = layer.fan_out, (strip.first + strip.n_rows) * layer.fan_out
    deltas, output_deltas = array_at(layer.deltas, end, theta), array_at(own.output_deltas, end, theta)
    activated, saved = array_at(own.activated, end, theta), array_at(own.saved, own.saves * end, theta)
    scale, hyper = flat_view(theta, own.scale, n_units), array_at(own.hyper, own.n_hyper, theta)
    chunk = max(1, CHUNK // n_units) * n_units
    for start in range(strip.first * n_units, end, chunk):
        size = end - start if end - start < chunk else chunk
        delta, kept = flat_view(deltas, start, size), flat_view(output_deltas, start, size)
        for i in range(size):
            kept[i] = delta[i]
        saved_values = flat_view(saved, own.saves * start, own.saves * size)
        _differentiate(own.differentiate, flat_view(activated, start, size), saved_values, delta, hyper)
        for first in range(0, size, n_units):
            row, kept_row = flat_view(delta, first, n_units), flat_view(kept, first, n_units)
            for j in range(n_units):
                row[j] = kept_row[j] + scale[j] * (row[j] - kept_row[j])


@compiled_pass(of_parameters)
def trainable_activation_gradient(job, layer, block, n_tile_rows, accumulate, grad):
    """Write, or add, the gradient with respect to the scales."""
    own = array_at(block.own, 1, OWN)[0]
    n_units, size = layer.fan_out, n_tile_rows * layer.fan_out
    out = flat_view(grad, own.scale - job.network.n_weights, n_units)
    z, activated = array_at(own.z, size, grad), array_at(own.activated, size, grad)
    output_deltas = array_at(own.output_deltas, size, grad)
    if not accumulate:
        for j in range(n_units):
            out[j] = 0
    for first in range(0, size, n_units):
        z_row, a_row = flat_view(z, first, n_units), flat_view(activated, first, n_units)
        delta = flat_view(output_deltas, first, n_units)
        for j in range(n_units):
            out[j] += delta[j] * (a_row[j] - z_row[j])


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
        rule, job = self.rule, place.job
        hyper = rule.hyper_vector(place.dtype)
        training = {}
        if job.trains:
            training = {
                "differentiate": rule.compiled("differentiate", place.dtype),
                "activated": place.per_row(),
                "output_deltas": place.per_row(),
            }
        return filled(
            OWN,
            scale=place.start("activation_scales_"),
            activate=rule.compiled("activate", place.dtype),
            n_hyper=hyper.size,
            hyper=job.kept(hyper),
            saves=rule.saves,
            saved=place.per_row() if rule.saves else 0,  # in prediction, too: kernels write to it
            z=place.per_row(),
            **training,
        )

    def to_onnx(self, op, z, vectors):
        return op.Add(z, op.Mul(vectors["activation_scales_"], op.Sub(self.rule.to_onnx(op, z), z)))
