"""An activation with a scale of its own for each unit, which is trained (:class:`skregopt.activations.Trainable`).

With a rule f, a pre-activation z and the scale s of the unit, and delta the gradient with respect to the output::

    a = z + s (f(z) - z),    d/ds = delta (f(z) - z),    d/dz = delta (1 - s) + delta s f'(z)
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
    "z",  # -> T, pre-activations; after the backward pass the gradients with respect to the scales, by row
    "activated",  # -> T, f(z)
    "direct",  # -> T, the part of the gradient that does not pass the rule
)  # fmt: skip
_activate, _differentiate = (caller(name, Activation.signatures[name]) for name in ("activate", "differentiate"))


@compiled_pass(on_strip)
def trainable_activation_forward(theta, job, layer, block, strip):
    """Replace pre-activations by activations, and keep both for the gradient."""
    own = array_at(block.own, 1, OWN)[0]
    n_units = layer.fan_out
    start, size = strip.first * n_units, strip.n_rows * n_units
    values = flat_view(array_at(layer.activations, start + size, theta), start, size)
    saved = flat_view(array_at(own.saved, own.saves * (start + size), theta), own.saves * start, own.saves * size)
    z = flat_view(array_at(own.z, start + size, theta), start, size)
    for i in range(size):
        z[i] = values[i]
    _activate(own.activate, values, saved, array_at(own.hyper, own.n_hyper, theta))
    if strip.is_training:
        activated = flat_view(array_at(own.activated, start + size, theta), start, size)
        for i in range(size):
            activated[i] = values[i]
    scale = flat_view(theta, own.scale, n_units)
    for i in range(strip.n_rows):
        row, z_row = flat_view(values, i * n_units, n_units), flat_view(z, i * n_units, n_units)
        for j in range(n_units):
            row[j] = z_row[j] + scale[j] * (row[j] - z_row[j])


@compiled_pass(on_strip)
def trainable_activation_backward(theta, job, layer, block, strip):
    """Replace the gradient with respect to the outputs by the gradient with respect to the pre-activations."""
    own = array_at(block.own, 1, OWN)[0]
    n_units = layer.fan_out
    start, size = strip.first * n_units, strip.n_rows * n_units
    deltas = flat_view(array_at(layer.deltas, start + size, theta), start, size)
    saved = flat_view(array_at(own.saved, own.saves * (start + size), theta), own.saves * start, own.saves * size)
    z = flat_view(array_at(own.z, start + size, theta), start, size)
    activated = flat_view(array_at(own.activated, start + size, theta), start, size)
    direct = flat_view(array_at(own.direct, start + size, theta), start, size)
    scale = flat_view(theta, own.scale, n_units)
    for i in range(strip.n_rows):
        delta, z_row = flat_view(deltas, i * n_units, n_units), flat_view(z, i * n_units, n_units)
        a, rest = flat_view(activated, i * n_units, n_units), flat_view(direct, i * n_units, n_units)
        for j in range(n_units):
            z_row[j] = delta[j] * (a[j] - z_row[j])
            scaled = scale[j] * delta[j]
            rest[j] = delta[j] - scaled
            delta[j] = scaled
    _differentiate(own.differentiate, activated, saved, deltas, array_at(own.hyper, own.n_hyper, theta))
    for i in range(size):
        deltas[i] += direct[i]


@compiled_pass(of_parameters)
def trainable_activation_gradient(job, layer, block, n_tile_rows, accumulate, grad):
    """Write, or add, the gradient with respect to the scales."""
    own = array_at(block.own, 1, OWN)[0]
    n_units = layer.fan_out
    out = flat_view(grad, own.scale - job.network.n_weights, n_units)
    by_row = array_at(own.z, n_tile_rows * n_units, grad)
    if not accumulate:
        for j in range(n_units):
            out[j] = 0
    for i in range(n_tile_rows):
        row = flat_view(by_row, i * n_units, n_units)
        for j in range(n_units):
            out[j] += row[j]


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
                "direct": place.per_row(),
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
