"""What happens around the step of the optimizer: clipping the gradient, limiting norms, averaging weights.

Each is a compiled function of its own, called through its address once per update, and compiled only if it is used. The
order of an update is: clip, decoupled decay, step, proximal operator, maximum norm, average.
"""

import numpy as np
from numba import from_dtype, types

from .._kernels.jit import caller, jit, vector
from .._kernels.views import array_at, flat_view
from ..penalties import Penalty
from .records import MODEL

_model = from_dtype(MODEL)
SIGNATURES = {
    "clip_gradient": lambda T: types.void(_model, vector(T), vector(T), types.float64),
    "limit_norms": lambda T: types.void(_model, vector(T), vector(T), types.float64),
    "average_weights": lambda T: types.void(vector(T), vector(T), types.float64, types.int64),
}
_add_penalty_gradient = caller("penalty add_gradient", Penalty.signatures["add_gradient"])


@jit
def _largest(values):
    largest = 0.0
    for i in range(values.size):
        largest = max(largest, abs(np.float64(values[i])))
    return largest


def clip_gradient(model, theta, grad, clip_norm):
    """Add the gradient of the smooth penalty to ``grad``, and scale it if its norm is above ``clip_norm``.

    The norm is that of all parameters together, the factor ``min(1, clip_norm / (norm + 1e-6))``, as in PyTorch's
    ``clip_grad_norm_`` (Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", 2013).
    """
    if model.penalty_gradient != 0:
        _add_penalty_gradient(
            model.penalty_gradient,
            flat_view(theta, 0, model.n_weights),
            theta.dtype.type(model.alpha),
            array_at(model.penalty_hyper, model.n_hyper, theta),
            flat_view(grad, 0, model.n_weights),
        )
    total, largest = 0.0, 1.0
    for i in range(grad.size):
        total += np.float64(grad[i]) * np.float64(grad[i])
    if total == np.inf:  # squares beyond float64; elements that are infinite themselves make all NaN below
        largest = _largest(grad)
        total = 0.0
        for i in range(grad.size):
            ratio = np.float64(grad[i]) / largest
            total += ratio * ratio
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


def limit_norms(model, theta, squares, max_norm):
    """Scale the incoming weights of each unit whose Euclidean norm is above ``max_norm`` down to it.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 2014, section 5.1; for
    every layer. ``squares`` is a buffer of at least as many elements as the widest layer has units.
    """
    units = array_at(model.units, model.n_layers + 1, np.int64)
    starts = array_at(model.coef_starts, model.n_layers, np.int64)
    one, limit = theta.dtype.type(1), theta.dtype.type(max_norm)
    for layer in range(model.n_layers):
        fan_in, fan_out = units[layer], units[layer + 1]
        factors = flat_view(squares, 0, fan_out)
        for j in range(fan_out):
            factors[j] = 0
        for k in range(fan_in):
            row = flat_view(theta, starts[layer] + k * fan_out, fan_out)
            for j in range(fan_out):
                factors[j] += row[j] * row[j]
        any_above = False
        for j in range(fan_out):
            if factors[j] == np.inf:
                factors[j] = _factor_of_long(theta, starts[layer] + j, fan_out, fan_in, limit)
                any_above = True
                continue
            norm = np.sqrt(factors[j])
            any_above |= not norm <= limit
            factors[j] = one if norm <= limit else limit / norm
        if any_above:
            for k in range(fan_in):
                row = flat_view(theta, starts[layer] + k * fan_out, fan_out)
                for j in range(fan_out):
                    row[j] *= factors[j]


def average_weights(theta, average, decay, t):
    """Move the exponential moving average towards the weights after update ``t`` (1-based).

    ``average_t = decay average_{t-1} + (1 - decay) theta_t`` with ``average_1 = theta_1``, as in PyTorch's
    ``AveragedModel`` with ``get_ema_multi_avg_fn``; 0.0 wherever the weight is 0.0, so that zeros stay exact.
    """
    keep = theta.dtype.type(decay if t > 1 else 0.0)
    rest = theta.dtype.type(1.0 - decay if t > 1 else 1.0)
    zero = theta.dtype.type(0)
    for i in range(theta.size):
        moved = keep * average[i] + rest * theta[i]
        average[i] = zero if theta[i] == zero else moved
