"""The activation of a hidden layer: applies a rule of :mod:`skregopt.activations` in place."""

import math

from ..._kernels.calls import caller
from ..._kernels.views import array_at, flat_view
from ...activations import Activation, Trainable
from ..declaration import compiled_pass
from ..records import filled, record_type
from .block import Block, on_strip

OWN = record_type(
    "activate", "differentiate",  # -> kernels of the rule
    "n_hyper", "hyper",  # -> T
    "saves", "saved",  # whether the rule saves values for its derivative; -> T, (rows of a tile, units)
)  # fmt: skip
_activate, _differentiate = (caller(name, Activation.signatures[name]) for name in ("activate", "differentiate"))


@compiled_pass(on_strip)
def activation_forward(theta, job, layer, block, strip):
    """Replace pre-activations by activations."""
    own = array_at(block.own, 1, OWN)[0]
    start, size = strip.first * layer.fan_out, strip.n_rows * layer.fan_out
    values = flat_view(array_at(layer.activations, start + size, theta), start, size)
    saved = flat_view(array_at(own.saved, own.saves * (start + size), theta), own.saves * start, own.saves * size)
    _activate(own.activate, values, saved, array_at(own.hyper, own.n_hyper, theta))


@compiled_pass(on_strip)
def activation_backward(theta, job, layer, block, strip):
    """Multiply the gradient by the derivative."""
    own = array_at(block.own, 1, OWN)[0]
    start, size = strip.first * layer.fan_out, strip.n_rows * layer.fan_out
    activations = flat_view(array_at(layer.activations, start + size, theta), start, size)
    deltas = flat_view(array_at(layer.deltas, start + size, theta), start, size)
    saved = flat_view(array_at(own.saved, own.saves * (start + size), theta), own.saves * start, own.saves * size)
    _differentiate(own.differentiate, activations, saved, deltas, array_at(own.hyper, own.n_hyper, theta))


class ActivationBlock(Block):
    """The activation of a hidden layer.

    Parameters
    ----------
    rule : Activation
    """

    passes = {"forward": "activation_forward", "backward": "activation_backward"}

    def __init__(self, rule):
        self.rule = rule

    @classmethod
    def of(cls, network, layer):
        activation = network.activations[layer]
        return None if isinstance(activation, Trainable) else cls(activation)

    def bound(self, norm, n_units, trained, running):
        if self.rule.linear_bound is None:
            return math.inf
        slope, offset = self.rule.linear_bound
        return slope * norm + offset * math.sqrt(n_units)

    def own(self, place):
        rule, job = self.rule, place.job
        hyper = rule.hyper_vector(place.dtype)
        return filled(
            OWN,
            activate=rule.compiled("activate", place.dtype),
            differentiate=rule.compiled("differentiate", place.dtype) if job.trains else 0,
            n_hyper=hyper.size,
            hyper=job.kept(hyper),
            saves=rule.saves,
            saved=place.per_row() if rule.saves else 0,  # in prediction, too: kernels write to it
        )
