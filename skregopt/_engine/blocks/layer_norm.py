"""Layer normalisation of pre-activations, in training and in prediction alike.

J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer normalization", 2016, with PyTorch's conventions (``torch.nn.LayerNorm``).
For each row, with the mean m and the (biased) variance v of its pre-activations over the H units of the layer::

    z_hat = (z - m) / sqrt(v + eps),  out = scale z_hat + shift

A row is normalised on its own, so that batches of one row, tiles and threads make no difference.
"""

import math

import numpy as np

from ..._kernels.views import array_at, flat_view
from ..declaration import compiled_pass
from ..records import filled, record_type
from .block import Block, Vector, of_parameters, on_strip

EPSILON = 1e-5

OWN = record_type(
    "scale", "shift",  # where they begin in theta
    "keeps",  # whether there is a gradient to keep something for
    "normalised",  # -> T, (rows of a tile, units)
    "inverse_deviations",  # -> T, of the rows of a tile
    "output_deltas",  # -> T, gradients with respect to the outputs, (rows of a tile, units)
)  # fmt: skip


@compiled_pass(on_strip)
def layer_norm_forward(theta, job, layer, block, strip):
    """Replace the pre-activations of each row by scaled and shifted normalised ones."""
    own = array_at(block.own, 1, OWN)[0]
    n_units, keeps = layer.fan_out, own.keeps
    scale, shift = flat_view(theta, own.scale, n_units), flat_view(theta, own.shift, n_units)
    end = strip.first + strip.n_rows
    values = array_at(layer.activations, end * n_units, theta)
    normalised = array_at(own.normalised, keeps * end * n_units, theta)
    inverse_deviations = array_at(own.inverse_deviations, keeps * end, theta)
    for i in range(strip.first, end):
        row = flat_view(values, i * n_units, n_units)
        mean = 0.0
        for j in range(n_units):
            mean += np.float64(row[j])
        mean /= n_units
        squares = 0.0
        for j in range(n_units):
            centred = np.float64(row[j]) - mean
            squares += centred * centred
        inverse = 1.0 / np.sqrt(squares / n_units + EPSILON)
        if keeps:
            kept = flat_view(normalised, i * n_units, n_units)
            for j in range(n_units):
                kept[j] = theta.dtype.type((np.float64(row[j]) - mean) * inverse)
            inverse_deviations[i] = theta.dtype.type(inverse)
        for j in range(n_units):
            row[j] = scale[j] * theta.dtype.type((np.float64(row[j]) - mean) * inverse) + shift[j]


@compiled_pass(on_strip)
def layer_norm_backward(theta, job, layer, block, strip):
    """Replace the gradient with respect to the outputs by the gradient with respect to the inputs.

    The former is kept for the gradients of scale and shift. With delta_j the gradient with respect to output j of a
    row, g_j = scale_j delta_j, and averages over the units::

        d/dz_j = (g_j - mean(g) - z_hat_j mean(g z_hat)) / sqrt(v + eps)
    """
    own = array_at(block.own, 1, OWN)[0]
    n_units = layer.fan_out
    scale = flat_view(theta, own.scale, n_units)
    end = strip.first + strip.n_rows
    deltas = array_at(layer.deltas, end * n_units, theta)
    output_deltas = array_at(own.output_deltas, end * n_units, theta)
    normalised = array_at(own.normalised, end * n_units, theta)
    inverse_deviations = array_at(own.inverse_deviations, end, theta)
    for i in range(strip.first, end):
        delta, z_hat = flat_view(deltas, i * n_units, n_units), flat_view(normalised, i * n_units, n_units)
        kept = flat_view(output_deltas, i * n_units, n_units)
        for j in range(n_units):
            kept[j] = delta[j]
        total, total_by_value = 0.0, 0.0
        for j in range(n_units):  # a loop that sums must not write, see block.py
            scaled = np.float64(scale[j]) * np.float64(delta[j])
            total += scaled
            total_by_value += scaled * np.float64(z_hat[j])
        mean, mean_by_value = theta.dtype.type(total / n_units), theta.dtype.type(total_by_value / n_units)
        for j in range(n_units):
            delta[j] = (scale[j] * delta[j] - mean - z_hat[j] * mean_by_value) * inverse_deviations[i]


@compiled_pass(of_parameters)
def layer_norm_gradient(job, layer, block, n_tile_rows, accumulate, grad):
    """Write, or add, the gradients of scale and shift: sums over the rows of delta z_hat and of delta."""
    own = array_at(block.own, 1, OWN)[0]
    n_units, n_weights = layer.fan_out, job.network.n_weights
    of_scale = flat_view(grad, own.scale - n_weights, n_units)
    of_shift = flat_view(grad, own.shift - n_weights, n_units)
    output_deltas = array_at(own.output_deltas, n_tile_rows * n_units, grad)
    normalised = array_at(own.normalised, n_tile_rows * n_units, grad)
    if not accumulate:
        for j in range(n_units):
            of_scale[j] = 0
            of_shift[j] = 0
    for i in range(n_tile_rows):
        delta, z_hat = flat_view(output_deltas, i * n_units, n_units), flat_view(normalised, i * n_units, n_units)
        for j in range(n_units):
            of_scale[j] += delta[j] * z_hat[j]
            of_shift[j] += delta[j]


class LayerNorm(Block):
    """Layer normalisation of the pre-activations of a hidden layer."""

    name = "layer_norm"
    group = "norm"
    vectors = (Vector("layer_norm_scales_", 1.0, trained=True), Vector("layer_norm_shifts_", 0.0, trained=True))
    scales = "layer_norm_scales_"
    least_units = 2
    passes = {
        "forward": "layer_norm_forward",
        "backward": "layer_norm_backward",
        "gradient": "layer_norm_gradient",
    }

    @classmethod
    def of(cls, network, layer):
        return cls() if network.normalisation is cls else None

    def own(self, place):
        scale, shift = (place.start(vector.attribute) for vector in self.vectors)
        keeps = {}
        if place.job.trains:
            keeps = {
                "keeps": True,
                "normalised": place.per_row(),
                "inverse_deviations": place.once_per_row(),
                "output_deltas": place.per_row(),
            }
        return filled(OWN, scale=scale, shift=shift, **keeps)

    def bound(self, norm, n_units, trained, running):
        return math.sqrt(n_units) * trained + trained

    def to_onnx(self, op, z, vectors):
        return op.LayerNormalization(z, *(vectors[vector.attribute] for vector in self.vectors), epsilon=EPSILON)
