"""Batch normalisation of pre-activations, in training by batches, in prediction by running averages.

S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate shift",
ICML 2015, algorithms 1 and 2, with PyTorch's conventions (``torch.nn.BatchNorm1d``)::

    training:    z_hat = (z - m) / sqrt(v + eps),  out = scale z_hat + shift
                 running mean     <- 0.9 running mean + 0.1 m
                 running variance <- 0.9 running variance + 0.1 v / (1 - sum_i w_i^2 / (sum_i w_i)^2)
    prediction:  the running statistics in place of the batch's

with m and v the mean and the (biased) variance of the batch, weighted by the weights w_i of its rows. For equal weights
the last line is the unbiased variance, v n / (n - 1).

A tile has to hold the whole batch. Sums are float64, because sums of a large batch would lose digits in float32.
"""

import numpy as np

from ..._kernels.views import array_at, flat_view
from ..declaration import compiled_pass
from ..records import filled, record_type
from .block import Block, Vector, of_parameters, on_strip

EPSILON = 1e-5
MOMENTUM = 0.1

OWN = record_type(
    "scale", "shift", "running_mean", "running_variance",  # where they begin in theta
    "normalised",  # -> T, (rows of a tile, units), for the gradient
    "inverse_deviations",  # -> T
    "scale_gradient", "shift_gradient",  # -> T
    "sums",  # -> float64, (2, units)
)  # fmt: skip


@compiled_pass(on_strip)
def batch_norm_forward(theta, job, layer, block, strip):
    """Replace the pre-activations of a layer by scaled and shifted normalised ones.

    In training the normalised ones and the reciprocal standard deviations are kept for the gradient, and the running
    statistics in ``theta`` move.
    """
    own = array_at(block.own, 1, OWN)[0]
    n_units, n_rows = layer.fan_out, strip.n_rows
    scale, shift = flat_view(theta, own.scale, n_units), flat_view(theta, own.shift, n_units)
    running_mean, running_variance = (
        flat_view(theta, own.running_mean, n_units),
        flat_view(theta, own.running_variance, n_units),
    )
    start = strip.first * n_units
    values = flat_view(array_at(layer.activations, start + n_rows * n_units, theta), start, n_rows * n_units)
    inverse = array_at(own.inverse_deviations, n_units, theta)
    epsilon = theta.dtype.type(EPSILON)
    if not strip.is_training:
        for j in range(n_units):
            inverse[j] = scale[j] / np.sqrt(running_variance[j] + epsilon)
        for i in range(n_rows):
            row = flat_view(values, i * n_units, n_units)
            for j in range(n_units):
                row[j] = (row[j] - running_mean[j]) * inverse[j] + shift[j]
        return
    n_weights = job.buffers.n_weights
    weights = array_at(job.buffers.weights, n_rows * n_weights, theta)
    normalised = array_at(own.normalised, n_rows * n_units, theta)
    sums = array_at(own.sums, 2 * n_units, np.float64)
    means, squares = flat_view(sums, 0, n_units), flat_view(sums, n_units, n_units)
    for j in range(n_units):
        means[j] = 0.0
        squares[j] = 0.0
    total, total_squares = 0.0, 0.0
    for i in range(n_rows):
        weight = np.float64(weights[i * n_weights])
        for k in range(1, n_weights):  # weights of outputs: their mean, up to a factor that cancels
            weight += np.float64(weights[i * n_weights + k])
        total += weight
        total_squares += weight * weight
        row = flat_view(values, i * n_units, n_units)
        for j in range(n_units):
            means[j] += weight * np.float64(row[j])
    for j in range(n_units):
        means[j] /= total
    for i in range(n_rows):
        weight = np.float64(weights[i * n_weights])
        for k in range(1, n_weights):
            weight += np.float64(weights[i * n_weights + k])
        row, target = flat_view(values, i * n_units, n_units), flat_view(normalised, i * n_units, n_units)
        for j in range(n_units):
            centred = np.float64(row[j]) - means[j]
            squares[j] += weight * (centred * centred)
            target[j] = theta.dtype.type(centred)
    rest = 1.0 - total_squares / (total * total)
    unbiased = 1.0 / rest if rest > 0.0 else 1.0
    for j in range(n_units):
        variance = squares[j] / total
        inverse[j] = theta.dtype.type(1.0 / np.sqrt(variance + EPSILON))
        running_mean[j] += theta.dtype.type(MOMENTUM * (means[j] - np.float64(running_mean[j])))
        running_variance[j] += theta.dtype.type(MOMENTUM * (variance * unbiased - np.float64(running_variance[j])))
    for i in range(n_rows):
        row, source = flat_view(values, i * n_units, n_units), flat_view(normalised, i * n_units, n_units)
        for j in range(n_units):
            source[j] *= inverse[j]
            row[j] = scale[j] * source[j] + shift[j]


@compiled_pass(on_strip)
def batch_norm_backward(theta, job, layer, block, strip):
    """Replace the gradient with respect to the outputs by the gradient with respect to the inputs.

    Keeps the gradients of scale and shift. With delta the gradient with respect to the outputs and
    share_i = w_i / sum_k w_k::

        d/dz_i = scale / sqrt(v + eps) (delta_i - share_i (sum_k delta_k + z_hat_i sum_k delta_k z_hat_k))
    """
    own = array_at(block.own, 1, OWN)[0]
    n_units, n_rows, n_weights = layer.fan_out, strip.n_rows, job.buffers.n_weights
    scale = flat_view(theta, own.scale, n_units)
    scale_gradient = array_at(own.scale_gradient, n_units, theta)
    shift_gradient = array_at(own.shift_gradient, n_units, theta)
    deltas = array_at(layer.deltas, n_rows * n_units, theta)
    normalised = array_at(own.normalised, n_rows * n_units, theta)
    inverse = array_at(own.inverse_deviations, n_units, theta)
    weights = array_at(job.buffers.weights, n_rows * n_weights, theta)
    sums = array_at(own.sums, 2 * n_units, np.float64)
    by_scale, by_shift = flat_view(sums, 0, n_units), flat_view(sums, n_units, n_units)
    for j in range(n_units):
        by_scale[j] = 0.0
        by_shift[j] = 0.0
    total = 0.0
    for i in range(n_rows):
        for k in range(n_weights):
            total += np.float64(weights[i * n_weights + k])
        delta, source = flat_view(deltas, i * n_units, n_units), flat_view(normalised, i * n_units, n_units)
        for j in range(n_units):
            by_shift[j] += np.float64(delta[j])
            by_scale[j] += np.float64(delta[j]) * np.float64(source[j])
    for j in range(n_units):
        scale_gradient[j] = theta.dtype.type(by_scale[j])
        shift_gradient[j] = theta.dtype.type(by_shift[j])
    for i in range(n_rows):
        weight = 0.0
        for k in range(n_weights):
            weight += np.float64(weights[i * n_weights + k])
        share = theta.dtype.type(weight / total)
        delta, source = flat_view(deltas, i * n_units, n_units), flat_view(normalised, i * n_units, n_units)
        for j in range(n_units):
            through_statistics = share * (shift_gradient[j] + source[j] * scale_gradient[j])
            delta[j] = (delta[j] - through_statistics) * (scale[j] * inverse[j])


@compiled_pass(of_parameters)
def batch_norm_gradient(job, layer, block, n_tile_rows, accumulate, grad):
    """Write the gradients of scale and shift that the backward pass has kept."""
    own = array_at(block.own, 1, OWN)[0]
    n_units, n_weights = layer.fan_out, job.network.n_weights
    kept = array_at(own.scale_gradient, n_units, grad)
    target = flat_view(grad, own.scale - n_weights, n_units)
    for j in range(n_units):
        target[j] = kept[j]
    kept = array_at(own.shift_gradient, n_units, grad)
    target = flat_view(grad, own.shift - n_weights, n_units)
    for j in range(n_units):
        target[j] = kept[j]


class BatchNorm(Block):
    """Batch normalisation of the pre-activations of a hidden layer."""

    name = "batch_norm"
    group = "norm"
    vectors = (
        Vector("batch_norm_scales_", 1.0, trained=True),
        Vector("batch_norm_shifts_", 0.0, trained=True),
        Vector("batch_norm_means_", 0.0, trained=False),
        Vector("batch_norm_variances_", 1.0, trained=False),
    )
    scales = "batch_norm_scales_"
    passes = {
        "forward": "batch_norm_forward",
        "backward": "batch_norm_backward",
        "gradient": "batch_norm_gradient",
    }
    needs_whole_batch = True
    absorbs_intercepts = True

    @classmethod
    def of(cls, network, layer):
        return cls() if network.normalisation is cls else None

    def own(self, place):
        scale, shift, mean, variance = (place.start(vector.attribute) for vector in self.vectors)
        training = {}
        if place.job.trains:
            training = {
                "normalised": place.per_row(),
                "scale_gradient": place.per_unit(),
                "shift_gradient": place.per_unit(),
                "sums": place.per_unit(2, np.float64),
            }
        return filled(
            OWN,
            scale=scale,
            shift=shift,
            running_mean=mean,
            running_variance=variance,
            inverse_deviations=place.per_unit(),
            **training,
        )

    def bound(self, norm, n_units, trained, running):
        return trained / np.sqrt(EPSILON) * (norm + running) + trained

    def affine(self, vectors):
        scale, shift, mean, variance = (vectors[vector.attribute].astype(np.float64) for vector in self.vectors)
        factor = scale / np.sqrt(variance + EPSILON)
        return factor, shift - mean * factor
