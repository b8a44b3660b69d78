"""One update of the parameters, piece by piece, in compiled code.

A *piece* is a run of whole rows of one layer's weights. Its gradient is computed just before it is used, and it is
updated in *chunks* that fit into the first cache level, so that gradient of the penalty, step of the optimizer and
proximal operator touch memory once. Pieces do not depend on each other.
"""

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numba import types

from .._kernels.blas import ENOUGH_ROWS, SMALL_PRODUCT
from .._kernels.calls import caller
from .._kernels.jit import jit, vector
from .._kernels.views import array_at, flat_view, matrix_view
from ..optimizers import Optimizer
from ..penalties import Penalty
from .blocks.product import gradient_of_coefs
from .coordinates import from_coordinates, to_coordinates
from .declaration import compiled_pass
from .passes import gradient_of_vectors
from .records import GROUPS, N_SCALARS, PIECE, job_type

CHUNK = 2048  # elements of a chunk
CHUNKS = 32  # of a piece: with fewer, BLAS would take longer by more than the caches save

_count = types.int64
_add_penalty_gradient, _prox = (
    caller(f"penalty {name}", Penalty.signatures[name]) for name in ("add_gradient", "prox")
)
_step = caller("step", Optimizer.signatures["step"])
_step_matrix = caller("step_matrix", Optimizer.matrix_signatures["step_matrix"])


@compiled_pass(lambda T: types.void(job_type, _count, _count, types.boolean, vector(T)))
def gradient_of_piece(job, position, n_tile_rows, accumulate, grad):
    """Write the gradient of a piece by a tile to its place in the gradient of all parameters, or add it."""
    piece = array_at(job.update.pieces, job.update.n_pieces, PIECE)[position]
    first, stop, network = piece.first, piece.stop, job.network
    if piece.layer == network.n_layers:
        behind_coefs = flat_view(grad, network.n_weights, network.n_parameters - network.n_weights)
        gradient_of_vectors(job, piece.group, n_tile_rows, accumulate, behind_coefs)
        return
    if piece.layer == 0 and job.train.source.is_sparse:
        stop = network.n_features
    out = flat_view(grad, piece.start + first * piece.row_length, (stop - first) * piece.row_length)
    gradient_of_coefs(job, piece.layer, n_tile_rows, first, accumulate, out)


@jit
def _take_proximal_step(job, layer, first, row_length, weights, step_size):
    """Apply the proximal operator to some rows of a layer's weights, the number of the first of which is given.

    An embedded feature is one row to the penalty, which spans the rows that the embedding feeds.
    """
    network = job.network
    alpha, hyper = weights.dtype.type(network.alpha), array_at(network.penalty_hyper, network.n_penalty_hyper, weights)
    if layer > 0 or not network.embeds:
        _prox(network.prox, weights, step_size, row_length, layer, alpha, hyper)
        return
    size = max(0, min(weights.size, (network.n_passed - first) * row_length))
    if size > 0:
        passed, steps = flat_view(weights, 0, size), flat_view(step_size, 0, size)
        _prox(network.prox, passed, steps, row_length, layer, alpha, hyper)
    if size < weights.size:
        embedded, steps = flat_view(weights, size, weights.size - size), flat_view(step_size, size, weights.size - size)
        _prox(network.prox, embedded, steps, row_length * network.n_embedded_outputs, layer, alpha, hyper)


@compiled_pass(lambda T: types.void(vector(T), job_type, _count, _count, vector(T), vector(T)))
def update_pieces(theta, job, first_piece, end, grad, workspace):
    """Update some pieces, see :func:`pieces`; ``grad`` and ``workspace`` are memory that nobody else uses meanwhile.

    If the update computes gradients where it uses them, ``grad`` is overwritten, else it holds all of them. The
    workspace holds the step sizes of a chunk and, where the rule steps copies of weights, the copies.
    """
    network, settings, update = job.network, job.settings, job.update
    pieces = array_at(update.pieces, update.n_pieces, PIECE)
    n_batch_rows = update.n_batch_rows
    alpha = theta.dtype.type(network.alpha)
    penalty_hyper = array_at(network.penalty_hyper, network.n_penalty_hyper, theta)
    adds_penalty = not settings.clips_gradient  # which has added it
    all_scalars = array_at(update.scalars, update.n_rates * N_SCALARS, theta)
    computes_gradient = update.computes_gradient != 0
    for position in range(first_piece, end):
        piece = pieces[position]
        layer, stop, start, row_length = piece.layer, piece.stop, piece.start, piece.row_length
        is_coef = layer < network.n_layers
        lr = update.lr * piece.factor
        keep = theta.dtype.type(1.0 - lr * update.weight_decay)
        scalars = flat_view(all_scalars, piece.rate * N_SCALARS, N_SCALARS)
        is_frozen = piece.factor == 0.0
        steps_copy = is_frozen or piece.scale != 1.0
        proximal = is_coef and settings.proximal != 0 and not is_frozen
        by_matrix = update.by_matrix != 0 and layer < network.n_layers - 1
        grad_start = start  # where in `grad` the gradient of row `grad_row` lies
        grad_row = stop if computes_gradient else 0
        if computes_gradient and is_coef:
            grad_start = 0  # always in the same place, which stays in the cache
        while stop > piece.first:
            first = stop - piece.chunk if stop - piece.chunk > piece.first else piece.first
            if first < grad_row and computes_gradient:
                # of a single row, the gradient is no work for BLAS
                grad_row = first if n_batch_rows == 1 and is_coef else piece.first
                gradient = flat_view(grad, grad_start, (stop - grad_row) * row_length)
                if is_coef:
                    gradient_of_coefs(job, layer, n_batch_rows, grad_row, False, gradient)
                else:
                    behind_coefs = flat_view(grad, network.n_weights, network.n_parameters - network.n_weights)
                    gradient_of_vectors(job, piece.group, n_batch_rows, False, behind_coefs)
            a, size = start + first * row_length, (stop - first) * row_length
            stop = first
            weights = flat_view(theta, a, size)
            gradient = flat_view(grad, grad_start + (first - grad_row) * row_length, size)
            if is_coef and adds_penalty:
                _add_penalty_gradient(network.penalty_gradient, weights, alpha, penalty_hyper, gradient)
            if is_coef and settings.weight_decay > 0.0:
                for i in range(size):
                    weights[i] *= keep
            step_size = flat_view(workspace, 0, size if proximal else 0)
            copies = flat_view(workspace, size, 2 * size if steps_copy else 0)
            moved = weights
            if steps_copy:
                to_coordinates(job, piece.scale, weights, gradient, copies)
                moved = flat_view(copies, 0, size)
            n_state = size if update.has_slots else 0
            slot_1 = flat_view(array_at(update.slot_1, a + size, theta), a, n_state)
            slot_2 = flat_view(array_at(update.slot_2, a + size, theta), a, n_state)
            slot_3 = flat_view(array_at(update.slot_3, a + size, theta), a, n_state)
            slot_4 = flat_view(array_at(update.slot_4, a + size, theta), a, n_state)
            if by_matrix:
                n_rows = size // row_length
                n_state_rows = n_rows if update.has_slots else 0
                _step_matrix(
                    update.step_matrix,
                    matrix_view(moved, 0, n_rows, row_length),
                    matrix_view(gradient, 0, n_rows, row_length),
                    matrix_view(slot_1, 0, n_state_rows, row_length),
                    matrix_view(slot_2, 0, n_state_rows, row_length),
                    matrix_view(slot_3, 0, n_state_rows, row_length),
                    matrix_view(slot_4, 0, n_state_rows, row_length),
                    array_at(update.scratch, update.n_scratch, theta),
                    array_at(update.matrix_hyper, update.n_numbers, theta),
                    step_size, theta.dtype.type(lr), update.t,
                )  # fmt: skip
            else:
                _step(update.step, moved, gradient, slot_1, slot_2, slot_3, slot_4, scalars, step_size)
            if steps_copy and not is_frozen:
                from_coordinates(job, piece.scale, copies, step_size, weights)
            if proximal:
                _take_proximal_step(job, layer, first, row_length, weights, step_size)


@lru_cache(maxsize=64)  # searches, and calls of partial_fit, ask for the same ones
def pieces(layout, n_rows, by_matrix, factors, is_ntp):
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
    factors : tuple of float, or None
        On the learning rate, one for each of ``GROUPS``; None is 1 for all.
    is_ntp : bool
        Whether weights are trained times the root of the units below, see ``coordinates.py``.

    Returns
    -------
    ndarray of PIECE, read-only
        The layer after the last stands for what is not penalised: intercepts and the vectors of blocks, a piece for
        each group of them.
    """
    found = []
    shapes = list(pairwise(layout.widths))
    vectors = [(name, len(shapes), start, stop - start, 1) for name, (start, stop) in layout.spans.items()]
    coefs = [
        ("coefs", layer, int(start), *shape)
        for layer, (start, shape) in enumerate(zip(layout.coef_starts, shapes, strict=True))
    ]
    for name, layer, start, n_rows_of_layer, row_length in [*vectors, *coefs]:
        group = GROUPS.index(name)
        rate, factor = (0, 1.0) if factors is None else (group, factors[group])
        scale = n_rows_of_layer**-0.5 if is_ntp and layer < len(shapes) else 1.0
        together = layout.rows_per_feature if layer == 0 else 1  # a penalty of features wants all rows of one at once
        chunk = max(1, CHUNK // (row_length * together)) * together
        rows = CHUNKS * chunk
        small = SMALL_PRODUCT // (n_rows * row_length)
        if small >= ENOUGH_ROWS:
            rows = min(rows, max(1, small // together) * together)
        if by_matrix and layer < len(shapes) - 1:
            rows = chunk = n_rows_of_layer
        if layer == len(shapes):
            rows = n_rows_of_layer
        for stop in range(n_rows_of_layer, 0, -rows):
            place = max(0, stop - rows), stop, row_length, start, chunk
            found.append((layer, group, *place, rate, factor, scale))
    found = np.array(found, dtype=PIECE)
    found.flags.writeable = False
    return found
