"""Batch normalisation of pre-activations, in compiled code.

S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate shift",
ICML 2015, algorithms 1 and 2, with PyTorch's conventions (``torch.nn.BatchNorm1d``)::

    training:    z_hat = (z - m) / sqrt(v + eps),  out = scale z_hat + shift
                 running mean     <- 0.9 running mean + 0.1 m
                 running variance <- 0.9 running variance + 0.1 v / (1 - sum_i w_i^2 / (sum_i w_i)^2)
    prediction:  the running statistics in place of those of the batch

with m and v the mean and the (biased) variance of the batch, weighted by the weights w_i of its rows. For equal weights
the last line is the unbiased variance, v n / (n - 1).

The functions work on the buffers of one hidden layer for one tile, which has to hold the whole batch. Sums are
float64, because those of a large batch would lose digits in float32.
"""

import numpy as np
from numba import from_dtype, types

from .._kernels.jit import vector
from .._kernels.views import array_at, flat_view
from .records import MODEL, WORK

EPSILON = 1e-5
MOMENTUM = 0.1

_model, _work = from_dtype(MODEL), from_dtype(WORK)
_count, _flag = types.int64, types.boolean
SIGNATURES = {
    "normalise": lambda T: types.void(_model, vector(T), _count, _count, _work, _flag),
    "normalise_backward": lambda T: types.void(_model, vector(T), _count, _count, _work),
}


def normalise(model, theta, layer, n_rows, work, is_training):
    """Replace the pre-activations of a layer by scaled and shifted normalised ones.

    In training the normalised ones and the reciprocal standard deviations are kept for the gradient, and the running
    statistics in ``theta`` move.
    """
    n_units = array_at(model.units, layer + 2, np.int64)[layer + 1]
    unit_start = array_at(model.unit_starts, layer + 1, np.int64)[layer]
    starts = array_at(model.norm_starts, 4 * (model.n_layers - 1), np.int64)
    n_hidden = model.n_layers - 1
    scale = flat_view(theta, starts[layer], n_units)
    shift = flat_view(theta, starts[n_hidden + layer], n_units)
    running_mean = flat_view(theta, starts[2 * n_hidden + layer], n_units)
    running_variance = flat_view(theta, starts[3 * n_hidden + layer], n_units)
    start = unit_start * work.tile_size
    values = flat_view(array_at(work.activations, start + n_rows * n_units, theta), start, n_rows * n_units)
    inverse = flat_view(array_at(work.inverse_deviations, unit_start + n_units, theta), unit_start, n_units)
    epsilon = theta.dtype.type(EPSILON)
    if not is_training:
        for j in range(n_units):
            inverse[j] = scale[j] / np.sqrt(running_variance[j] + epsilon)
        for i in range(n_rows):
            row = flat_view(values, i * n_units, n_units)
            for j in range(n_units):
                row[j] = (row[j] - running_mean[j]) * inverse[j] + shift[j]
        return
    weights = array_at(work.weights, n_rows * work.n_weights, theta)
    normalised = flat_view(array_at(work.normalised, start + n_rows * n_units, theta), start, n_rows * n_units)
    sums = array_at(work.sums, 2 * n_units, np.float64)
    means, squares = flat_view(sums, 0, n_units), flat_view(sums, n_units, n_units)
    for j in range(n_units):
        means[j] = 0.0
        squares[j] = 0.0
    total, total_squares = 0.0, 0.0
    for i in range(n_rows):
        weight = np.float64(weights[i * work.n_weights])
        for k in range(1, work.n_weights):  # weights of outputs: their mean, up to a factor that cancels
            weight += np.float64(weights[i * work.n_weights + k])
        total += weight
        total_squares += weight * weight
        row = flat_view(values, i * n_units, n_units)
        for j in range(n_units):
            means[j] += weight * np.float64(row[j])
    for j in range(n_units):
        means[j] /= total
    for i in range(n_rows):
        weight = np.float64(weights[i * work.n_weights])
        for k in range(1, work.n_weights):
            weight += np.float64(weights[i * work.n_weights + k])
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


def normalise_backward(model, theta, layer, n_rows, work):
    """Replace the gradient with respect to the outputs of :func:`normalise` by that with respect to its inputs.

    Keeps the gradients of scale and shift in ``work``. With delta the gradient with respect to the outputs and
    share_i = w_i / sum_k w_k::

        d/dz_i = scale / sqrt(v + eps) (delta_i - share_i (sum_k delta_k + z_hat_i sum_k delta_k z_hat_k))
    """
    n_units = array_at(model.units, layer + 2, np.int64)[layer + 1]
    unit_start = array_at(model.unit_starts, layer + 1, np.int64)[layer]
    n_hidden = model.n_layers - 1
    starts = array_at(model.norm_starts, 4 * n_hidden, np.int64)
    scale = flat_view(theta, starts[layer], n_units)
    kept = array_at(work.norm_gradients, starts[n_hidden + layer] - starts[0] + n_units, theta)
    scale_gradient = flat_view(kept, starts[layer] - starts[0], n_units)
    shift_gradient = flat_view(kept, starts[n_hidden + layer] - starts[0], n_units)
    start = unit_start * work.tile_size
    deltas = flat_view(array_at(work.deltas, start + n_rows * n_units, theta), start, n_rows * n_units)
    normalised = flat_view(array_at(work.normalised, start + n_rows * n_units, theta), start, n_rows * n_units)
    inverse = flat_view(array_at(work.inverse_deviations, unit_start + n_units, theta), unit_start, n_units)
    weights = array_at(work.weights, n_rows * work.n_weights, theta)
    sums = array_at(work.sums, 2 * n_units, np.float64)
    by_scale, by_shift = flat_view(sums, 0, n_units), flat_view(sums, n_units, n_units)
    for j in range(n_units):
        by_scale[j] = 0.0
        by_shift[j] = 0.0
    total = 0.0
    for i in range(n_rows):
        for k in range(work.n_weights):
            total += np.float64(weights[i * work.n_weights + k])
        delta, source = flat_view(deltas, i * n_units, n_units), flat_view(normalised, i * n_units, n_units)
        for j in range(n_units):
            by_shift[j] += np.float64(delta[j])
            by_scale[j] += np.float64(delta[j]) * np.float64(source[j])
    for j in range(n_units):
        scale_gradient[j] = theta.dtype.type(by_scale[j])
        shift_gradient[j] = theta.dtype.type(by_shift[j])
    for i in range(n_rows):
        weight = 0.0
        for k in range(work.n_weights):
            weight += np.float64(weights[i * work.n_weights + k])
        share = theta.dtype.type(weight / total)
        delta, source = flat_view(deltas, i * n_units, n_units), flat_view(normalised, i * n_units, n_units)
        for j in range(n_units):
            through_statistics = share * (shift_gradient[j] + source[j] * scale_gradient[j])
            delta[j] = (delta[j] - through_statistics) * (scale[j] * inverse[j])
