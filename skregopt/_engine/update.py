"""One update of the parameters, piece by piece, in compiled code.

A *piece* is a run of whole rows of one layer's weights. Its gradient is computed just before it is used, and it is
updated in *chunks* that fit into the first cache level, so that gradient of the penalty, step of the optimizer and
proximal operator touch memory once. Pieces do not depend on each other.
"""

from itertools import pairwise

import numpy as np
from numba import from_dtype, types

from .._kernels.blas import ENOUGH_ROWS, SMALL_PRODUCT
from .._kernels.jit import caller, vector
from .._kernels.views import array_at, flat_view, matrix_view
from ..optimizers import Optimizer
from ..penalties import Penalty
from .passes import SIGNATURES as PASSES
from .passes import model_type, work_type
from .records import N_SCALARS, SETTINGS, STATE

CHUNK = 2048  # elements of a chunk
PIECE = 32  # chunks of a piece: with fewer, BLAS would take longer by more than the caches save

_count, _float = types.int64, types.float64
SIGNATURES = {
    "update_pieces": lambda T: types.void(
        vector(T), model_type, from_dtype(STATE), from_dtype(SETTINGS), work_type, *[_count] * 3, _float, _count,
        vector(T), vector(T),
    ),
}  # fmt: skip
SIGNATURES["gradient_of_piece"] = lambda T: types.void(
    model_type, from_dtype(STATE), work_type, types.boolean, _count, _count, types.boolean, vector(T)
)
_gradient_rows = caller("gradient_rows", PASSES["gradient_rows"])
_add_penalty_gradient, _prox = (
    caller(f"penalty {name}", Penalty.signatures[name]) for name in ("add_gradient", "prox")
)
_step = caller("step", Optimizer.signatures["step"])
_step_matrix = caller("step_matrix", Optimizer.matrix_signatures["step_matrix"])


def gradient_of_piece(model, state, work, is_sparse, piece, n_rows, accumulate, grad):
    """Write the gradient of a piece by a tile to its place in the gradient of all parameters, or add it."""
    units = array_at(model.units, model.n_layers + 1, np.int64)
    numbers = array_at(state.pieces, 5 * state.n_pieces, np.int64)
    layer, first, stop, start = (
        numbers[5 * piece], numbers[5 * piece + 1], numbers[5 * piece + 2], numbers[5 * piece + 3],
    )  # fmt: skip
    row_length = units[layer + 1] if layer < model.n_layers else 1
    if layer == 0 and is_sparse:
        stop = units[0]
    out = flat_view(grad, start + first * row_length, (stop - first) * row_length)
    _gradient_rows(model.gradient_rows, model, work, is_sparse, layer, n_rows, first, accumulate, out)


def update_pieces(theta, model, state, settings, work, first_piece, end, n_batch_rows, lr, t, grad, step_sizes):
    """Update some pieces, see :func:`pieces`; ``grad`` and ``step_sizes`` are memory that nobody else uses meanwhile.

    If the update computes gradients where it uses them, ``grad`` is overwritten, else it holds all of them.
    """
    units = array_at(model.units, model.n_layers + 1, np.int64)
    numbers = array_at(state.pieces, 5 * state.n_pieces, np.int64)
    alpha = theta.dtype.type(model.alpha)
    penalty_hyper = array_at(model.penalty_hyper, model.n_hyper, theta)
    keep = theta.dtype.type(1.0 - lr * settings.weight_decay)
    adds_penalty = model.penalty_gradient != 0 and state.clip_gradient == 0
    scalars = array_at(state.scalars, N_SCALARS, theta)
    slots = array_at(state.slots, state.n_slots * state.slot_stride, theta)
    last_slot = max(state.n_slots - 1, 0)  # a rule with fewer slots does not look at those it has not
    has_slots = state.n_slots > 0
    computes_gradient = state.computes_gradient != 0
    for piece in range(first_piece, end):
        layer, piece_start, stop = numbers[5 * piece], numbers[5 * piece + 1], numbers[5 * piece + 2]
        start, chunk = numbers[5 * piece + 3], numbers[5 * piece + 4]
        is_coef = layer < model.n_layers
        row_length = units[layer + 1] if is_coef else 1
        proximal = is_coef and settings.proximal != 0
        by_matrix = state.step_matrix != 0 and layer < model.n_layers - 1
        grad_start = start  # where in `grad` the gradient of row `grad_row` lies
        grad_row = stop if computes_gradient else 0
        if computes_gradient and is_coef:
            grad_start = 0  # always in the same place, which stays in the cache
        while stop > piece_start:
            first = max(piece_start, stop - chunk)
            if first < grad_row and computes_gradient:
                # of a single row, the gradient is no work for BLAS
                grad_row = first if n_batch_rows == 1 and is_coef else piece_start
                gradient = flat_view(grad, grad_start, (stop - grad_row) * row_length)
                _gradient_rows(model.gradient_rows, model, work, False, layer, n_batch_rows, grad_row, False, gradient)
            a, size = start + first * row_length, (stop - first) * row_length
            stop = first
            weights = flat_view(theta, a, size)
            gradient = flat_view(grad, grad_start + (first - grad_row) * row_length, size)
            if is_coef and adds_penalty:
                _add_penalty_gradient(model.penalty_gradient, weights, alpha, penalty_hyper, gradient)
            if is_coef and settings.weight_decay > 0.0:
                for i in range(size):
                    weights[i] *= keep
            step_size = flat_view(step_sizes, 0, size if proximal else 0)
            n_state = size if has_slots else 0
            slot_1 = flat_view(slots, a, n_state)
            slot_2 = flat_view(slots, min(1, last_slot) * state.slot_stride + a, n_state)
            slot_3 = flat_view(slots, min(2, last_slot) * state.slot_stride + a, n_state)
            slot_4 = flat_view(slots, min(3, last_slot) * state.slot_stride + a, n_state)
            if by_matrix:
                n_rows, n_state_rows = units[layer], units[layer] if has_slots else 0
                _step_matrix(
                    state.step_matrix,
                    matrix_view(weights, 0, n_rows, row_length),
                    matrix_view(gradient, 0, n_rows, row_length),
                    matrix_view(slot_1, 0, n_state_rows, row_length),
                    matrix_view(slot_2, 0, n_state_rows, row_length),
                    matrix_view(slot_3, 0, n_state_rows, row_length),
                    matrix_view(slot_4, 0, n_state_rows, row_length),
                    array_at(state.scratch, state.n_scratch, theta),
                    array_at(state.matrix_hyper, state.n_numbers, theta),
                    step_size, theta.dtype.type(lr), t,
                )  # fmt: skip
            else:
                _step(state.step, weights, gradient, slot_1, slot_2, slot_3, slot_4, scalars, step_size)
            if proximal:
                _prox(model.prox, weights, step_size, row_length, layer, alpha, penalty_hyper)


def pieces(layout, n_rows, by_matrix):
    """Return the pieces in the order in which they are updated.

    The first layer first, because its gradient is made of what the backward pass has just computed. Within a layer
    backwards, so that what was updated last is what the next forward pass reads first, and still in the cache.

    Parameters
    ----------
    layout : Layout
    n_rows : int
        Of a tile: a small product for the gradient of a piece is faster, see ``_kernels/blas.py``.
    by_matrix : bool
        Whether the optimizer updates each weight matrix but the last one as a whole.

    Returns
    -------
    ndarray of int64 of shape (n_pieces, 5)
        Layer, first row and end of the piece, where the layer starts in theta, and rows of a chunk. The layer after the
        last stands for what is not penalised: the intercepts, and scales and shifts of batch normalisation.
    """
    found = []
    runs = [(layout.n_weights, layout.n_parameters - layout.n_weights, 1)]
    shapes = list(pairwise(layout.units.tolist()))
    runs[:0] = [(int(start), *shape) for start, shape in zip(layout.coef_starts, shapes, strict=True)]
    for layer, (start, fan_in, row_length) in [(len(shapes), runs[-1]), *enumerate(runs[:-1])]:
        chunk = max(1, CHUNK // row_length)
        rows = PIECE * chunk
        small = SMALL_PRODUCT // (n_rows * row_length)
        if small >= ENOUGH_ROWS:
            rows = min(rows, small)
        if by_matrix and layer < len(shapes) - 1:
            rows = chunk = fan_in
        if layer == len(shapes):
            rows = fan_in
        for stop in range(fan_in, 0, -rows):
            found.append((layer, max(0, stop - rows), stop, start, chunk))
    return np.array(found, dtype=np.int64)
