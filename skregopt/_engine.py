"""The compiled training loop, prediction, and the objective for L-BFGS.

Design, in short:

* One loop serves any depth and any combination of rules. The rules' kernels arrive as first-class functions of fixed
  signatures in the ``...Rules`` tuples, so the loop is compiled once per working precision T and cached; a new rule
  compiles only its own kernels. A call through the pointer costs nanoseconds, so kernels work on whole arrays.
* Parameters, gradients and optimizer state are flat vectors (see ``_layout.py``); matrices are reshaped views of them.
* The rows of a batch are processed in *tiles* of at most ``settings.tile_size`` rows whose gradients are summed. That
  bounds memory for full-batch training and lets a block end within a batch.
* After the last tile of a batch the parameters are updated in chunks of whole rows that fit into the first cache
  level, so that gradient of the penalty, step of the optimizer and proximal operator touch memory once.
* Python calls ``run_epochs`` for a *block* of tiles of about half a second, because a signal (Ctrl-C) waits until
  compiled code returns. All state lives in the arrays passed in; where blocks end changes no bit of the result.
* Random numbers are counter-based: a permutation is keyed by the epoch, a dropout mask by epoch, row, layer and unit.
"""

from typing import NamedTuple

import numpy as np

from . import _math
from ._jit import jit
from ._passes import (
    ACTIVATIONS,
    COEF_STARTS,
    INTERCEPT_STARTS,
    LOSS_HYPER,
    PENALTY_HYPER,
    UNIT_STARTS,
    rank_one_gradient,
)
from ._views import flat_view, matrix_view

CHUNK = 2048

# how a block ended (progress.status)
RUNNING, EPOCH_TO_SCORE, CURVES_FULL, CONVERGED, MAX_ITER, DIVERGED = range(6)

# what decides about stopping (settings.watch)
OBJECTIVE, VALIDATION_LOSS, SCORER = range(3)

# columns of the curves that a block records, one row per epoch
LOSS_COLUMN, VALIDATION_COLUMN, RATE_COLUMN = range(3)

SETTINGS = np.dtype(
    [
        ("seed", np.uint64),
        (
            "first_epoch",
            np.int64,
        ),  # number of epochs before this fit, for the keys of random numbers
        ("max_iter", np.int64),
        ("batch_size", np.int64),
        ("tile_size", np.int64),
        ("shuffle", np.int64),
        ("alpha", np.float64),
        ("rank_one", np.int64),  # whether the gradient of coefficients is computed where the update uses it
        ("proximal", np.int64),  # whether a proximal operator follows each step
        ("saves", np.int64),  # whether the activation saves values for its derivative
        ("input_dropout", np.float64),
        ("learning_rate_init", np.float64),
        ("watch", np.int64),
        ("validates", np.int64),
        ("stops", np.int64),  # whether lack of improvement ends training
        ("keeps_best", np.int64),
        ("tol", np.float64),
        ("n_iter_no_change", np.float64),
    ]
)

PROGRESS = np.dtype(
    [
        ("epoch", np.int64),  # completed in this fit
        ("row", np.int64),  # rows of the current epoch that are done
        ("t", np.int64),  # updates since the optimizer's state was new
        ("loss_sum", np.float64),
        ("learning_rate", np.float64),
        ("n_curve", np.int64),  # epochs recorded in the curves of this block
        ("best_score", np.float64),
        ("best_epoch", np.int64),
        ("no_improvement", np.int64),
        ("status", np.int64),
    ]
)


class PenaltyRules(NamedTuple):
    """Kernels of the penalty."""

    value: object
    add_gradient: object
    prox: object


class UpdateRules(NamedTuple):
    """Kernels of the optimizer and of the schedule."""

    prepare: object
    step: object
    rate: object
    end_epoch: object


class OptimizerState(NamedTuple):
    """Parameters, gradient and what the optimizer and the schedule keep between updates."""

    theta: object  # T
    grad: object  # T
    best_theta: object  # T
    slots: object  # T, (at least 1, n_parameters)
    numbers: object  # float64, (4, size of the longest): see the rows below
    scalars: object  # T
    step_size: object  # T, one chunk


# rows of OptimizerState.numbers
MEMORY, SCHEDULE_MEMORY, HYPER, SCHEDULE_HYPER = range(4)


# --- losses of many rows --------------------------------------------------------------------------------------------


@jit
def _evaluate_tile(evaluate, network, data, work, n_rows, scale):
    """Return the weighted loss of a tile; replaces its raw predictions by the gradient of ``scale`` times it."""
    last = network.units.size - 2
    start = ACTIVATIONS * work.layers.shape[1] + network.starts[UNIT_STARTS, last] * work.rows.size
    n_hyper = network.hyper.shape[1]
    return evaluate(
        matrix_view(work.layers, start, n_rows, network.units[last + 1]),
        matrix_view(work.y, 0, n_rows, data.y.shape[1]),
        matrix_view(work.weights, 0, n_rows, data.weights.shape[1]),
        scale,
        flat_view(network.hyper, LOSS_HYPER * n_hyper, n_hyper),
    )


@jit
def _train_tile(
    passes,
    rules,
    network,
    data,
    theta,
    grad,
    positions,
    scale,
    accumulate,
    epoch_key,
    settings,
    work,
):
    """Forward and backward pass over the rows at ``positions``; returns their weighted loss."""
    n_rows = positions.size
    is_sparse = data.descriptor[0] != 0
    saves = settings.saves != 0
    passes.load_tile(rules.load, data, positions, work)
    if settings.input_dropout > 0.0:
        passes.drop_inputs(is_sparse, network.units[0], epoch_key, positions, settings.input_dropout, work)
    passes.forward(rules.activate, network, theta, is_sparse, n_rows, work, saves, epoch_key, positions)
    loss = _evaluate_tile(rules.evaluate, network, data, work, n_rows, scale)
    passes.backward(
        rules.differentiate, network, theta, grad, is_sparse, n_rows, work, saves, accumulate, settings.rank_one != 0
    )
    return loss


@jit
def _data_loss(passes, rules, network, data, theta, settings, work):
    """Weighted mean loss, dropout off, over all rows of validation data."""
    total = 0.0
    scale = theta.dtype.type(1)
    is_sparse = data.descriptor[0] != 0
    for start in range(0, data.rows.size, settings.tile_size):
        n_rows = min(settings.tile_size, data.rows.size - start)
        for i in range(n_rows):
            work.positions[i] = start + i
        passes.load_tile(rules.load_validation, data, flat_view(work.positions, 0, n_rows), work)
        nothing = flat_view(work.positions, 0, 0)
        passes.forward(
            rules.activate,
            network,
            theta,
            is_sparse,
            n_rows,
            work,
            settings.saves != 0,
            np.uint64(0),
            nothing,
        )
        total += _evaluate_tile(rules.evaluate, network, data, work, n_rows, scale)
    return total / data.total_weight[0]


# --- one update -----------------------------------------------------------------------------------------------------


@jit
def _update(penalty, update, network, state, work, alpha, rank_one, proximal, lr, t):
    """Penalty gradient, optimizer step and proximal operator for all parameters."""
    slots, step_size = state.slots, flat_view(state.step_size, 0, 0)
    n_parameters, n_numbers, n_hyper = (
        slots.shape[1],
        state.numbers.shape[1],
        network.hyper.shape[1],
    )
    last_slot = slots.shape[0] - 1  # a rule with fewer slots does not look at those it has not
    hyper = flat_view(network.hyper, PENALTY_HYPER * n_hyper, n_hyper)
    update.prepare(
        lr, t,
        flat_view(state.numbers, HYPER * n_numbers, n_numbers),
        flat_view(state.numbers, MEMORY * n_numbers, n_numbers),
        state.scalars,
    )  # fmt: skip
    # the last round is for the intercepts, which are not penalised
    for layer in range(network.units.size):
        is_coef = layer < network.units.size - 1
        if is_coef:
            row_length = network.units[layer + 1]
            start = network.starts[COEF_STARTS, layer]
            end = start + network.units[layer] * row_length
        else:
            row_length = 1
            start, end = network.starts[INTERCEPT_STARTS, 0], state.theta.size
        chunk = max(1, CHUNK // row_length) * row_length
        for a in range(start, end, chunk):
            size = min(chunk, end - a)
            weights, gradient = flat_view(state.theta, a, size), flat_view(state.grad, a, size)
            if is_coef:
                if rank_one:
                    gradient = flat_view(state.grad, 0, size)  # always the same chunk, which stays in the cache
                    rank_one_gradient(network, work, layer, (a - start) // row_length, gradient)
                penalty.add_gradient(weights, alpha, hyper, gradient)
                step_size = flat_view(state.step_size, 0, size if proximal else 0)
            else:
                step_size = flat_view(state.step_size, 0, 0)
            update.step(
                weights, gradient,
                flat_view(slots, a, min(size, n_parameters)),
                flat_view(slots, min(1, last_slot) * n_parameters + a, min(size, n_parameters)),
                flat_view(slots, last_slot * n_parameters + a, min(size, n_parameters)),
                state.scalars, step_size,
            )  # fmt: skip
            if proximal and is_coef:
                penalty.prox(weights, step_size, row_length, layer, alpha, hyper)


@jit
def _penalty_value(penalty, network, theta, alpha):
    n_hyper = network.hyper.shape[1]
    hyper = flat_view(network.hyper, PENALTY_HYPER * n_hyper, n_hyper)
    total = 0.0
    for layer in range(network.units.size - 1):
        row_length = network.units[layer + 1]
        weights = flat_view(theta, network.starts[COEF_STARTS, layer], network.units[layer] * row_length)
        total += penalty.value(weights, row_length, layer, alpha, hyper)
    return total


# --- epochs ---------------------------------------------------------------------------------------------------------


@jit
def _order_rows(order, shuffle, epoch_key):
    """Fill ``order`` with the positions in the order of the epoch (Fisher-Yates)."""
    for i in range(order.size):
        order[i] = i
    if shuffle:
        key = _math.mix(epoch_key, -1)
        for i in range(order.size - 1, 0, -1):
            bits = np.uint64(_math.random_bits(key, i))
            j = np.int64((bits * np.uint64(i + 1)) >> np.uint64(32))
            order[i], order[j] = order[j], order[i]


@jit
def _finish_epoch(end_epoch, state, settings, progress, score):
    """Count epochs without improvement, keep the best weights, decide whether to go on (scikit-learn's rules).

    Comparisons are written so that a NaN score is no improvement.
    """
    if score >= progress.best_score + settings.tol and score > -np.inf:
        progress.no_improvement = 0
    else:
        progress.no_improvement += 1
    if score > progress.best_score:
        progress.best_score = score
        progress.best_epoch = progress.epoch
        if settings.keeps_best:
            for i in range(state.theta.size):
                state.best_theta[i] = state.theta[i]
    exhausted = progress.no_improvement > settings.n_iter_no_change
    n_numbers = state.numbers.shape[1]
    go_on = end_epoch(
        np.int64(exhausted),
        score,
        flat_view(state.numbers, SCHEDULE_HYPER * n_numbers, n_numbers),
        flat_view(state.numbers, SCHEDULE_MEMORY * n_numbers, n_numbers),
    )
    if exhausted and go_on:
        progress.no_improvement = 0
    elif exhausted and settings.stops:
        return CONVERGED
    if settings.stops and progress.epoch >= settings.max_iter:
        return MAX_ITER
    return RUNNING


@jit
def _is_finite(theta):
    # a comparison, because `reassoc` may cancel the terms of a sum that would only be NaN for non-finite ones
    largest = np.finfo(theta.dtype).max
    finite = True
    for i in range(theta.size):
        finite &= abs(theta[i]) <= largest
    return finite


def finish_epoch(end_epoch, state, settings_array, progress_array, score):
    """Do for an externally computed score what ``run_epochs`` does for losses; sets ``progress.status``."""
    progress = progress_array[0]
    progress.status = _finish_epoch(end_epoch, state, settings_array[0], progress, score)


def run_epochs(
    passes,
    model,
    penalty,
    update,
    network,
    data,
    validation,
    state,
    settings_array,
    progress_array,
    curves,
    work,
    max_tiles,
):
    """Train until the block's budget of tiles is spent or Python is needed; ``progress.status`` says why it ended.

    Parameters
    ----------
    passes : Passes
    model, penalty, update : ModelRules, PenaltyRules, UpdateRules
    network : Network
    data, validation : Data
    state : OptimizerState
    settings_array, progress_array : structured arrays of one element, see SETTINGS and PROGRESS
    curves : float64 array of shape (capacity, 3)
    work : Workspace
    max_tiles : int
        Budget; the block ends after that many tiles, also within an epoch or a batch.
    """
    settings, progress = settings_array[0], progress_array[0]
    n_rows, n_numbers = data.rows.size, state.numbers.shape[1]
    alpha = state.theta.dtype.type(settings.alpha)
    updates_per_epoch = (n_rows + settings.batch_size - 1) // settings.batch_size
    progress.n_curve = 0
    n_tiles = 0
    while True:
        epoch_key = _math.mix(settings.seed, settings.first_epoch + progress.epoch)
        if progress.row == 0:
            _order_rows(work.order, settings.shuffle != 0, epoch_key)
            progress.loss_sum = 0.0
        while progress.row < n_rows:
            if n_tiles >= max_tiles:
                progress.status = RUNNING
                return
            batch_start = progress.row // settings.batch_size * settings.batch_size
            batch_stop = min(batch_start + settings.batch_size, n_rows)
            tile_stop = min(progress.row + settings.tile_size, batch_stop)
            scale = state.theta.dtype.type(1.0 / (batch_stop - batch_start))
            progress.loss_sum += _train_tile(
                passes, model, network, data, state.theta, state.grad,
                flat_view(work.order, progress.row, tile_stop - progress.row),
                scale, progress.row > batch_start, epoch_key, settings, work,
            )  # fmt: skip
            progress.row = tile_stop
            n_tiles += 1
            if tile_stop == batch_stop:
                progress.t += 1
                progress.learning_rate = update.rate(
                    settings.learning_rate_init, progress.t, progress.epoch, updates_per_epoch,
                    settings.max_iter,
                    flat_view(state.numbers, SCHEDULE_HYPER * n_numbers, n_numbers),
                    flat_view(state.numbers, SCHEDULE_MEMORY * n_numbers, n_numbers),
                )  # fmt: skip
                _update(
                    penalty, update, network, state, work, alpha, settings.rank_one != 0, settings.proximal != 0,
                    progress.learning_rate, progress.t,
                )  # fmt: skip
        progress.row = 0
        progress.epoch += 1
        objective = progress.loss_sum / data.total_weight[0]
        objective += _penalty_value(penalty, network, state.theta, alpha)
        validation_loss = np.nan
        if settings.validates:
            validation_loss = _data_loss(passes, model, network, validation, state.theta, settings, work)
        curves[progress.n_curve, LOSS_COLUMN] = objective
        curves[progress.n_curve, VALIDATION_COLUMN] = validation_loss
        curves[progress.n_curve, RATE_COLUMN] = progress.learning_rate
        progress.n_curve += 1
        if settings.watch == OBJECTIVE and not _is_finite(state.theta):
            progress.status = DIVERGED
            return
        if settings.watch == SCORER:
            progress.status = EPOCH_TO_SCORE
            return
        score = -objective if settings.watch == OBJECTIVE else -validation_loss
        progress.status = _finish_epoch(update.end_epoch, state, settings, progress, score)
        if progress.status != RUNNING:
            return
        if progress.n_curve == curves.shape[0]:
            progress.status = CURVES_FULL
            return


# --- objective and prediction ---------------------------------------------------------------------------------------


def add_gradient(passes, model, network, data, theta, grad, settings_array, start, stop, work):
    """Write (start == 0) or add the gradient of the mean loss of rows ``start`` to ``stop``; return their loss sum."""
    settings = settings_array[0]
    scale = theta.dtype.type(1.0 / data.total_weight[0])
    total = 0.0
    for a in range(start, stop, settings.tile_size):
        b = min(a + settings.tile_size, stop)
        for i in range(b - a):
            work.positions[i] = a + i
        positions = flat_view(work.positions, 0, b - a)
        total += _train_tile(
            passes,
            model,
            network,
            data,
            theta,
            grad,
            positions,
            scale,
            a > 0,
            np.uint64(0),
            settings,
            work,
        )
    return total


def add_penalty(penalty, network, theta, grad, alpha):
    """Add the gradient of the smooth penalty to ``grad`` and return the value of the penalty."""
    n_weights = network.starts[INTERCEPT_STARTS, 0]
    n_hyper = network.hyper.shape[1]
    hyper = flat_view(network.hyper, PENALTY_HYPER * n_hyper, n_hyper)
    penalty.add_gradient(flat_view(theta, 0, n_weights), alpha, hyper, flat_view(grad, 0, n_weights))
    return _penalty_value(penalty, network, theta, alpha)


def validation_loss(passes, model, network, data, theta, settings_array, work):
    """Return the weighted mean loss of validation data, dropout off."""
    return _data_loss(passes, model, network, data, theta, settings_array[0], work)


def predict(forward, load, activate, invert_link, network, descriptor, theta, first_row, work, saves, out):
    """Fill ``out`` with the predictions for the rows of X from ``first_row`` on.

    Parameters
    ----------
    out : array of shape (n_rows, n_outputs)
    """
    is_sparse = descriptor[0] != 0
    n_outputs = out.shape[1]
    unit_start = network.starts[UNIT_STARTS, network.units.size - 2]
    raw_start = ACTIVATIONS * work.layers.shape[1] + unit_start * work.rows.size
    for start in range(0, out.shape[0], work.rows.size):
        n_rows = min(work.rows.size, out.shape[0] - start)
        for i in range(n_rows):
            work.rows[i] = first_row + start + i
        rows = flat_view(work.rows, 0, n_rows)
        load(descriptor, rows, work.inputs, work.inputs, work.indices, work.indptr)
        nothing = flat_view(work.rows, 0, 0)
        forward(activate, network, theta, is_sparse, n_rows, work, saves, np.uint64(0), nothing)
        source = flat_view(work.layers, raw_start, n_rows * n_outputs)
        target = flat_view(out, start * n_outputs, n_rows * n_outputs)
        for i in range(target.size):
            target[i] = source[i]
    width = network.hyper.shape[1]
    invert_link(out, flat_view(network.hyper, LOSS_HYPER * width, width))
