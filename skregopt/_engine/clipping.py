"""Limits around the step of the optimizer: the norm of the gradient, the norms of weights.

Each is compiled only if it is used. The order of an update is: clip, decoupled decay, step, proximal operator, maximum
norm, average.
"""

import numpy as np
from numba import types

from .._kernels.calls import caller
from .._kernels.jit import jit, vector
from .._kernels.views import array_at, flat_view
from ..penalties import Penalty
from .declaration import compiled_pass
from .records import LAYER, PIECE, job_type

_add_penalty_gradient = caller("penalty add_gradient", Penalty.signatures["add_gradient"])


@jit
def _largest(values):
    largest = 0.0
    for i in range(values.size):
        largest = max(largest, abs(np.float64(values[i])))
    return largest


@compiled_pass(lambda T: types.void(vector(T), job_type, vector(T)))
def clip_gradient(theta, job, grad):
    """Add the gradient of the smooth penalty to ``grad``, and scale it if its norm is above ``clip_norm``.

    One norm is taken over all parameters, in the coordinates in which they are trained (see ``coordinates.py``); the
    factor is ``min(1, clip_norm / (norm + 1e-6))``, as in PyTorch's ``clip_grad_norm_`` (Pascanu, Mikolov, Bengio, "On
    the difficulty of training recurrent neural networks", 2013).
    """
    network = job.network
    _add_penalty_gradient(
        network.penalty_gradient,
        flat_view(theta, 0, network.n_weights),
        theta.dtype.type(network.alpha),
        array_at(network.penalty_hyper, network.n_penalty_hyper, theta),
        flat_view(grad, 0, network.n_weights),
    )
    pieces = array_at(job.update.pieces, job.update.n_pieces, PIECE)
    for position in range(job.update.n_pieces):
        piece = pieces[position]
        if piece.scale != 1.0:
            n_rows, row_length = piece.stop - piece.first, piece.row_length
            part, scale = flat_view(grad, piece.start + piece.first * row_length, n_rows * row_length), piece.scale
            for i in range(part.size):
                part[i] *= theta.dtype.type(scale)
    total, largest = 0.0, 1.0
    for i in range(grad.size):
        total += np.float64(grad[i]) * np.float64(grad[i])
    if total == np.inf:  # squares beyond float64; elements that are infinite themselves make all NaN below
        largest = _largest(grad)
        total = 0.0
        for i in range(grad.size):
            ratio = np.float64(grad[i]) / largest
            total += ratio * ratio
    clip_norm = job.settings.clip_norm
    factor = clip_norm / largest / (np.sqrt(total) + 1e-6 / largest)
    # a norm that is NaN passes on to the weights
    if not factor >= 1.0:
        for i in range(grad.size):
            grad[i] = theta.dtype.type(np.float64(grad[i]) * factor)


@jit
def _factor_of_long(theta, first, stride, n, limit):
    """Return ``limit`` over the norm of weights whose squares are beyond T; NaN if one of them is infinite itself."""
    zero = theta.dtype.type(0)
    largest, total = zero, zero
    for k in range(n):
        largest = max(largest, abs(theta[first + k * stride]))
    for k in range(n):
        ratio = theta[first + k * stride] / largest
        total += ratio * ratio
    return limit / largest / np.sqrt(total)


@compiled_pass(lambda T: types.void(vector(T), job_type, vector(T)))
def limit_norms(theta, job, squares):
    """Scale the incoming weights of each unit whose Euclidean norm is above ``max_norm`` down to it.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 2014, section 5.1; for
    every layer. ``squares`` is a buffer of at least as many elements as the widest layer has units.
    """
    layers = array_at(job.network.layers, job.network.n_layers, LAYER)
    one, limit = theta.dtype.type(1), theta.dtype.type(job.settings.max_norm)
    for index in range(job.network.n_layers):
        layer = layers[index]
        fan_in, fan_out, start = layer.fan_in, layer.fan_out, layer.coefs
        factors = flat_view(squares, 0, fan_out)
        for j in range(fan_out):
            factors[j] = 0
        for k in range(fan_in):
            row = flat_view(theta, start + k * fan_out, fan_out)
            for j in range(fan_out):
                factors[j] += row[j] * row[j]
        any_above = False
        for j in range(fan_out):
            if factors[j] == np.inf:
                factors[j] = _factor_of_long(theta, start + j, fan_out, fan_in, limit)
                any_above = True
                continue
            norm = np.sqrt(factors[j])
            any_above |= not norm <= limit
            factors[j] = one if norm <= limit else limit / norm
        if any_above:
            for k in range(fan_in):
                row = flat_view(theta, start + k * fan_out, fan_out)
                for j in range(fan_out):
                    row[j] *= factors[j]
