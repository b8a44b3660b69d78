"""The compiled training loop, prediction, and the objective for L-BFGS.

Design, in short:

* One loop serves any depth and any combination of rules. The rules' kernels arrive as first-class functions of fixed
  signatures in the ``...Rules`` tuples, so the loop is compiled once per working precision T and cached; a new rule compiles only
  its own kernels. A call through the pointer costs nanoseconds, so kernels work on whole arrays.
* Parameters, gradients and optimizer state are flat vectors (see ``_layout.py``); matrices are reshaped views of them.
* The rows of a batch are processed in *tiles* of at most ``settings.tile_size`` rows whose gradients are summed. That bounds
  memory for full-batch training, keeps inner dimensions short enough for BLAS to give the same bits for any number of
  threads, and lets a block end within a batch.
* After the last tile of a batch the parameters are updated in chunks of whole rows that fit into the first cache
  level, so that gradient of the penalty, step of the optimizer and proximal operator touch memory once.
* Python calls ``run_epochs`` for a *block* of tiles of about half a second, because a signal (Ctrl-C) waits until compiled
  code returns. All state lives in the arrays passed in; where blocks end changes no bit of the result.
* Random numbers are counter-based: a permutation is keyed by the epoch, a dropout mask by epoch, row, layer and unit.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import from_dtype, types

from . import _math
from ._blas import gemm
from ._jit import entry_point, jit, matrix, scalar_type, vector
from ._source import loader_signature
from .activations import Activation
from .losses import Loss
from .optimizers import N_SCALARS, Optimizer
from .penalties import Penalty
from .schedules import Schedule

CHUNK = 4096

# how a block ended (progress.status)
RUNNING, EPOCH_TO_SCORE, CURVES_FULL, CONVERGED, MAX_ITER, DIVERGED = range(6)

# what decides about stopping (settings.watch)
OBJECTIVE, VALIDATION_LOSS, SCORER = range(3)

# columns of the curves that a block records, one row per epoch
LOSS_COLUMN, VALIDATION_COLUMN, RATE_COLUMN = range(3)

SETTINGS = np.dtype(
    [
        ("seed", np.uint64),
        ("first_epoch", np.int64),  # number of epochs before this fit, for the keys of random numbers
        ("max_iter", np.int64),
        ("batch_size", np.int64),
        ("tile_size", np.int64),
        ("shuffle", np.int64),
        ("alpha", np.float64),
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


class ModelRules(NamedTuple):
    """Kernels of the network and its loss."""

    load: object
    load_validation: object
    activate: object
    differentiate: object
    evaluate: object


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


class Network(NamedTuple):
    """Shape of the network and hyper-parameters of its rules."""

    units: object  # int64, layer widths
    coef_starts: object  # int64, see _layout
    intercept_starts: object
    unit_starts: object  # int64, per layer: number of hidden and output units before it
    dropout: object  # float64, rate of each hidden layer
    activation_hyper: object  # T
    loss_hyper: object  # T
    penalty_hyper: object  # T


class Data(NamedTuple):
    """Rows to train or validate on, in the order of ``rows``."""

    descriptor: object  # int64, see _source
    rows: object  # int64, indices into X, y and weights
    y: object  # T, (n_samples, n_targets)
    weights: object  # T, (n_samples, 1) or (n_samples, n_outputs)
    total_weight: object  # float64, (1,)


class Workspace(NamedTuple):
    """Buffers of one fit; nothing is allocated in the loop."""

    order: object  # int64, permutation of positions for the current epoch
    positions: object  # int64, one tile
    tile_rows: object  # int64
    dense: object  # T, tile of a dense X
    data: object  # T, tile of a sparse X
    indices: object  # int64
    indptr: object  # int64
    activations: object  # T, outputs of all layers, layer by layer
    saved: object  # T
    multipliers: object  # T, dropout: 0 or 1 / (1 - rate)
    dropped: object  # T, activations times multipliers
    deltas: object  # T
    y: object  # T
    weights: object  # T
    step_size: object  # T, one chunk
    scalars: object  # T


class OptimizerState(NamedTuple):
    """Parameters, gradient and what the optimizer and the schedule keep between updates."""

    theta: object  # T
    grad: object  # T
    slot_1: object  # T, state of the optimizer, empty if it has none
    slot_2: object
    slot_3: object
    memory: object  # float64
    schedule_memory: object  # float64
    hyper: object  # float64
    schedule_hyper: object  # float64
    best_theta: object  # T


# --- one tile -------------------------------------------------------------------------------------------------------


@jit
def _layer(buffer, network, layer, n_rows):
    """View of the part of a per-layer buffer that belongs to the outputs of ``layer``, (n_rows, units)."""
    units = network.units[layer + 1]
    capacity = buffer.size // network.unit_starts[-1]
    start = network.unit_starts[layer] * capacity
    return buffer[start : start + n_rows * units].reshape(n_rows, units)


@jit
def _flat(array):
    return array.reshape(array.size)


@jit
def _coef(vector, network, layer):
    start = network.coef_starts[layer]
    fan_in, fan_out = network.units[layer], network.units[layer + 1]
    return vector[start : start + fan_in * fan_out].reshape(fan_in, fan_out)


@jit
def _intercept(vector, network, layer):
    start = network.intercept_starts[layer]
    return vector[start : start + network.units[layer + 1]]


@jit
def _load_tile(load, data, positions, work):
    """Gather rows, targets and weights of a tile."""
    n_rows = positions.size
    n_targets, n_weights = data.y.shape[1], data.weights.shape[1]
    for i in range(n_rows):
        row = data.rows[positions[i]]
        work.tile_rows[i] = row
        for k in range(n_targets):
            work.y[i * n_targets + k] = data.y[row, k]
        for k in range(n_weights):
            work.weights[i * n_weights + k] = data.weights[row, k]
    load(data.descriptor, work.tile_rows[:n_rows], work.dense, work.data, work.indices, work.indptr)


@jit
def _threshold(rate):
    """A unit is dropped if its 32 random bits are below this."""
    return np.uint32(min(rate * 4294967296.0, 4294967295.0))


@jit
def _drop_inputs(is_sparse, n_features, epoch_key, positions, rate, work):
    keep = work.dense.dtype.type(1.0 / (1.0 - rate))
    zero = work.dense.dtype.type(0)
    threshold = _threshold(rate)
    for i in range(positions.size):
        key = _math.mix(_math.mix(epoch_key, positions[i]), 0)
        if is_sparse:
            for j in range(work.indptr[i], work.indptr[i + 1]):
                dropped = _math.random_bits(key, work.indices[j]) < threshold
                work.data[j] *= zero if dropped else keep
        else:
            row = work.dense[i * n_features : (i + 1) * n_features]
            for j in range(n_features):
                row[j] *= zero if _math.random_bits(key, j) < threshold else keep


@jit
def _drop_units(layer, epoch_key, positions, rate, activations, multipliers, dropped):
    keep = activations.dtype.type(1.0 / (1.0 - rate))
    zero = activations.dtype.type(0)
    threshold = _threshold(rate)
    for i in range(positions.size):
        key = _math.mix(_math.mix(epoch_key, positions[i]), layer + 1)
        for j in range(activations.shape[1]):
            multipliers[i, j] = zero if _math.random_bits(key, j) < threshold else keep
        for j in range(activations.shape[1]):
            dropped[i, j] = activations[i, j] * multipliers[i, j]


@jit
def _product(left, right, out):
    """out += left @ right; a single row is faster without BLAS."""
    if left.shape[0] > 1:
        gemm(False, False, left, right, True, out)
        return
    for k in range(left.shape[1]):
        factor = left[0, k]
        if factor != 0:
            for j in range(out.shape[1]):
                out[0, j] += factor * right[k, j]


@jit
def _sparse_product(work, n_rows, right, out):
    """out += tile @ right for a sparse tile."""
    for i in range(n_rows):
        for position in range(work.indptr[i], work.indptr[i + 1]):
            factor = work.data[position]
            k = work.indices[position]
            for j in range(out.shape[1]):
                out[i, j] += factor * right[k, j]


@jit
def _forward(activate, network, theta, is_sparse, n_rows, work, saves, epoch_key, positions):
    """Compute the outputs of all layers for a loaded tile and return the raw predictions.

    Units are dropped if ``positions`` (of the rows, for the keys of random numbers) is not empty.
    """
    last = network.units.size - 2
    inputs = work.dense[: n_rows * network.units[0] * (not is_sparse)].reshape(
        n_rows, network.units[0] * (not is_sparse)
    )
    for layer in range(last + 1):
        out = _layer(work.activations, network, layer, n_rows)
        intercept = _intercept(theta, network, layer)
        for i in range(n_rows):
            for j in range(out.shape[1]):
                out[i, j] = intercept[j]
        if layer == 0 and is_sparse:
            _sparse_product(work, n_rows, _coef(theta, network, layer), out)
        else:
            _product(inputs, _coef(theta, network, layer), out)
        inputs = out
        if layer < last:
            saved = work.saved[:0]
            if saves:
                saved = _flat(_layer(work.saved, network, layer, n_rows))
            activate(_flat(out), saved, network.activation_hyper)
            if positions.size > 0 and network.dropout[layer] > 0.0:
                inputs = _layer(work.dropped, network, layer, n_rows)
                multipliers = _layer(work.multipliers, network, layer, n_rows)
                _drop_units(
                    layer, epoch_key, positions, network.dropout[layer], out, multipliers, inputs
                )
    return inputs


@jit
def _coef_gradient(inputs, delta, accumulate, out):
    """out (+)= inputs.T @ delta."""
    if inputs.shape[0] > 1:
        gemm(True, False, inputs, delta, accumulate, out)
        return
    for k in range(out.shape[0]):
        factor = inputs[0, k]
        if accumulate:
            for j in range(out.shape[1]):
                out[k, j] += factor * delta[0, j]
        else:
            for j in range(out.shape[1]):
                out[k, j] = factor * delta[0, j]


@jit
def _sparse_coef_gradient(work, n_rows, delta, accumulate, out):
    if not accumulate:
        out[:] = 0
    for i in range(n_rows):
        for position in range(work.indptr[i], work.indptr[i + 1]):
            factor = work.data[position]
            k = work.indices[position]
            for j in range(out.shape[1]):
                out[k, j] += factor * delta[i, j]


@jit
def _intercept_gradient(delta, accumulate, out):
    if not accumulate:
        out[:] = 0
    for i in range(delta.shape[0]):
        for j in range(out.size):
            out[j] += delta[i, j]


@jit
def _delta_below(delta, coef, out):
    """out = delta @ coef.T."""
    if delta.shape[0] > 1:
        gemm(False, True, delta, coef, False, out)
        return
    for k in range(coef.shape[0]):
        total = delta[0, 0] * coef[k, 0]
        for j in range(1, coef.shape[1]):
            total += delta[0, j] * coef[k, j]
        out[0, k] = total


@jit
def _backward(differentiate, network, theta, grad, is_sparse, n_rows, work, saves, accumulate, delta):
    """Write, or add, the gradient of a tile, given the gradient ``delta`` with respect to its raw predictions."""
    for layer in range(network.units.size - 2, -1, -1):
        _intercept_gradient(delta, accumulate, _intercept(grad, network, layer))
        coef_gradient = _coef(grad, network, layer)
        if layer == 0:
            if is_sparse:
                _sparse_coef_gradient(work, n_rows, delta, accumulate, coef_gradient)
            else:
                inputs = work.dense[: n_rows * network.units[0]].reshape(n_rows, network.units[0])
                _coef_gradient(inputs, delta, accumulate, coef_gradient)
            return
        below = layer - 1
        activations = _layer(work.activations, network, below, n_rows)
        dropping = network.dropout[below] > 0.0
        inputs = activations
        if dropping:
            inputs = _layer(work.dropped, network, below, n_rows)
        _coef_gradient(inputs, delta, accumulate, coef_gradient)
        delta_below = _layer(work.deltas, network, below, n_rows)
        _delta_below(delta, _coef(theta, network, layer), delta_below)
        if dropping:
            multipliers = _layer(work.multipliers, network, below, n_rows)
            for i in range(n_rows):
                for j in range(multipliers.shape[1]):
                    delta_below[i, j] *= multipliers[i, j]
        saved = work.saved[:0]
        if saves:
            saved = _flat(_layer(work.saved, network, below, n_rows))
        differentiate(_flat(activations), saved, _flat(delta_below), network.activation_hyper)
        delta = delta_below


@jit
def _evaluate_tile(evaluate, network, data, work, raw_prediction, scale):
    """Loss of a tile; replaces its raw predictions by the gradient."""
    n_rows = raw_prediction.shape[0]
    n_targets, n_weights = data.y.shape[1], data.weights.shape[1]
    y = work.y[: n_rows * n_targets].reshape(n_rows, n_targets)
    weights = work.weights[: n_rows * n_weights].reshape(n_rows, n_weights)
    return evaluate(raw_prediction, y, weights, scale, network.loss_hyper)


@jit
def _train_tile(rules, network, data, theta, grad, positions, scale, accumulate, epoch_key, settings, work):
    """Forward and backward pass over the rows at ``positions``; returns their weighted loss."""
    n_rows = positions.size
    is_sparse = data.descriptor[0] != 0
    saves = settings.saves != 0
    _load_tile(rules.load, data, positions, work)
    if settings.input_dropout > 0.0:
        _drop_inputs(is_sparse, network.units[0], epoch_key, positions, settings.input_dropout, work)
    raw_prediction = _forward(
        rules.activate, network, theta, is_sparse, n_rows, work, saves, epoch_key, positions
    )
    loss = _evaluate_tile(rules.evaluate, network, data, work, raw_prediction, scale)
    _backward(
        rules.differentiate, network, theta, grad, is_sparse, n_rows, work, saves, accumulate, raw_prediction
    )
    return loss


@jit
def _data_loss(rules, network, data, theta, settings, work):
    """Weighted mean loss, dropout off, over all rows of validation data."""
    total = 0.0
    n_rows = data.rows.size
    scale = theta.dtype.type(1)
    is_sparse = data.descriptor[0] != 0
    for start in range(0, n_rows, settings.tile_size):
        stop = min(n_rows, start + settings.tile_size)
        positions = work.positions[: stop - start]
        for i in range(stop - start):
            positions[i] = start + i
        _load_tile(rules.load_validation, data, positions, work)
        raw_prediction = _forward(
            rules.activate, network, theta, is_sparse, stop - start, work,
            settings.saves != 0, np.uint64(0), positions[:0],
        )  # fmt: skip
        total += _evaluate_tile(rules.evaluate, network, data, work, raw_prediction, scale)
    return total / data.total_weight[0]


# --- one update -----------------------------------------------------------------------------------------------------


@jit
def _rows_per_chunk(row_length):
    return max(1, CHUNK // row_length)


@jit
def _update(penalty, update, network, state, alpha, proximal, lr, t, work):
    """Penalty gradient, optimizer step and proximal operator for all parameters."""
    theta, grad = state.theta, state.grad
    update.prepare(lr, t, state.hyper, state.memory, work.scalars)
    no_step_size = work.step_size[:0]
    for layer in range(network.units.size - 1):
        row_length = network.units[layer + 1]
        start = network.coef_starts[layer]
        end = start + network.units[layer] * row_length
        chunk = _rows_per_chunk(row_length) * row_length
        for a in range(start, end, chunk):
            b = min(a + chunk, end)
            weights, gradient = theta[a:b], grad[a:b]
            penalty.add_gradient(weights, alpha, network.penalty_hyper, gradient)
            step_size = no_step_size
            if proximal:
                step_size = work.step_size[: b - a]
            update.step(
                weights, gradient,
                state.slot_1[a:b], state.slot_2[a:b], state.slot_3[a:b],
                work.scalars, step_size,
            )  # fmt: skip
            if proximal:
                penalty.prox(weights, step_size, row_length, layer, alpha, network.penalty_hyper)
    for a in range(network.intercept_starts[0], theta.size, CHUNK):
        b = min(a + CHUNK, theta.size)
        update.step(
            theta[a:b], grad[a:b],
            state.slot_1[a:b], state.slot_2[a:b], state.slot_3[a:b],
            work.scalars, no_step_size,
        )  # fmt: skip


@jit
def _penalty_value(penalty, network, theta, alpha):
    total = 0.0
    for layer in range(network.units.size - 1):
        weights = _flat(_coef(theta, network, layer))
        total += penalty.value(weights, alpha, network.penalty_hyper)
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
    if score >= progress.best_score + settings.tol:
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
    go_on = end_epoch(np.int64(exhausted), score, state.schedule_hyper, state.schedule_memory)
    if exhausted and go_on:
        progress.no_improvement = 0
    elif exhausted and settings.stops:
        return CONVERGED
    if settings.stops and progress.epoch >= settings.max_iter:
        return MAX_ITER
    return RUNNING


@jit
def _is_finite(theta):
    total = theta[0] - theta[0]
    for i in range(theta.size):
        total += theta[i] - theta[i]  # 0 for finite values, NaN otherwise
    return total == total


def finish_epoch(end_epoch, state, settings_array, progress_array, score):
    """Do for an externally computed score what ``run_epochs`` does for losses; sets ``progress.status``."""
    progress = progress_array[0]
    progress.status = _finish_epoch(end_epoch, state, settings_array[0], progress, score)


def run_epochs(
    model, penalty, update, network, data, validation, state, settings_array, progress_array, curves, work, max_tiles
):
    """Train until the block's budget of tiles is spent or Python is needed; ``progress.status`` says why it ended.

    Parameters
    ----------
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
    n_rows = data.rows.size
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
                model, network, data, state.theta, state.grad, work.order[progress.row : tile_stop],
                scale, progress.row > batch_start, epoch_key, settings, work,
            )  # fmt: skip
            progress.row = tile_stop
            n_tiles += 1
            if tile_stop == batch_stop:
                progress.t += 1
                progress.learning_rate = update.rate(
                    settings.learning_rate_init, progress.t, progress.epoch, updates_per_epoch,
                    settings.max_iter, state.schedule_hyper, state.schedule_memory,
                )  # fmt: skip
                _update(
                    penalty, update, network, state, alpha, settings.proximal != 0,
                    progress.learning_rate, progress.t, work,
                )  # fmt: skip
        progress.row = 0
        progress.epoch += 1
        objective = progress.loss_sum / data.total_weight[0]
        objective += _penalty_value(penalty, network, state.theta, alpha)
        validation_loss = np.nan
        if settings.validates:
            validation_loss = _data_loss(model, network, validation, state.theta, settings, work)
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


def add_gradient(model, network, data, theta, grad, settings_array, start, stop, work):
    """Write (start == 0) or add the gradient of the mean data loss of rows ``start`` to ``stop``; return their loss sum."""
    settings = settings_array[0]
    scale = theta.dtype.type(1.0 / data.rows.size)
    total = 0.0
    for a in range(start, stop, settings.tile_size):
        b = min(a + settings.tile_size, stop)
        positions = work.positions[: b - a]
        for i in range(b - a):
            positions[i] = a + i
        total += _train_tile(
            model, network, data, theta, grad, positions, scale, a > 0, np.uint64(0), settings, work
        )
    return total


def add_penalty(penalty, network, theta, grad, alpha):
    """Add the gradient of the smooth penalty to ``grad`` and return the value of the penalty."""
    n_weights = network.intercept_starts[0]
    penalty.add_gradient(theta[:n_weights], alpha, network.penalty_hyper, grad[:n_weights])
    return _penalty_value(penalty, network, theta, alpha)


def validation_loss(model, network, data, theta, settings_array, work):
    """Return the weighted mean loss of validation data, dropout off."""
    return _data_loss(model, network, data, theta, settings_array[0], work)


def predict(load, activate, invert_link, network, descriptor, theta, first_row, work, saves, out):
    """Fill ``out`` with the predictions for the rows of X from ``first_row`` on.

    Parameters
    ----------
    out : array of shape (n_rows, n_outputs)
    """
    is_sparse = descriptor[0] != 0
    tile_size = work.tile_rows.size
    for start in range(0, out.shape[0], tile_size):
        stop = min(start + tile_size, out.shape[0])
        rows = work.tile_rows[: stop - start]
        for i in range(stop - start):
            rows[i] = first_row + start + i
        load(descriptor, rows, work.dense, work.data, work.indices, work.indptr)
        raw_prediction = _forward(
            activate, network, theta, is_sparse, stop - start, work, saves, np.uint64(0), rows[:0]
        )
        for i in range(stop - start):
            for j in range(out.shape[1]):
                out[start + i, j] = raw_prediction[i, j]
    invert_link(out, network.loss_hyper)


# --- buffers --------------------------------------------------------------------------------------------------------

MAX_TILE_ROWS = 512  # also keeps the inner dimension of gradient products short, see _blas
MAX_TILE_ELEMENTS = 1 << 22


def tile_rows(units, batch_size, is_sparse):
    """Return how many rows are processed at once: fewer if the widest layer would make buffers large."""
    widest = max(units[1:]) if is_sparse else max(units)
    return int(max(1, min(batch_size, MAX_TILE_ROWS, MAX_TILE_ELEMENTS // widest)))


def new_workspace(units, dtype, tile_size, sources, n_rows=0, n_targets=0, n_weights=0, saves=False, trains=False,
                  drops=False):  # fmt: skip
    """Allocate the buffers of one fit or prediction.

    Parameters
    ----------
    units : sequence of int
        Layer widths.
    dtype : numpy.dtype
    tile_size : int
        Most rows of a tile.
    sources : list of Source
        Where tiles will be loaded from.
    n_rows : int
        Rows of an epoch.
    n_targets, n_weights : int
        Columns of y and of the weights.
    saves, trains, drops : bool
        Whether the activation saves values, gradients are computed, and units are dropped.

    Returns
    -------
    Workspace
    """
    n_units = int(sum(units[1:]))
    n_features = int(units[0]) if any(not source.is_sparse for source in sources) else 0
    n_stored = max(source.tile_elements(tile_size) for source in sources)

    def floats(size):
        return np.empty(int(size), dtype=dtype)

    def integers(size):
        return np.empty(int(size), dtype=np.int64)

    return Workspace(
        order=integers(n_rows),
        positions=integers(tile_size),
        tile_rows=integers(tile_size),
        dense=floats(tile_size * n_features),
        data=floats(n_stored),
        indices=integers(n_stored),
        indptr=integers(tile_size + 1),
        activations=floats(tile_size * n_units),
        saved=floats(tile_size * n_units * saves),
        multipliers=floats(tile_size * n_units * drops),
        dropped=floats(tile_size * n_units * drops),
        deltas=floats(tile_size * n_units * trains),
        y=floats(tile_size * n_targets),
        weights=floats(tile_size * n_weights),
        step_size=floats(max(CHUNK, max(units[1:])) * trains),
        scalars=floats(N_SCALARS),
    )


# --- compilation ----------------------------------------------------------------------------------------------------


class _Types:
    """Numba types of the arguments above for one working precision."""

    def __init__(self, dtype):
        T = scalar_type(dtype)
        v, m = vector(T), matrix(T)
        i, f = vector(types.int64), vector(types.float64)
        self.T, self.vector, self.matrix, self.integers = T, v, m, i

        def functions(cls, *members):
            return types.NamedTuple([types.FunctionType(signature) for signature in members], cls)

        self.load = types.FunctionType(loader_signature(T))
        self.activate = types.FunctionType(Activation.signatures["activate"](T))
        self.invert_link = types.FunctionType(Loss.signatures["invert_link"](T))
        self.end_epoch = types.FunctionType(Schedule.signatures["end_epoch"](T))
        self.model = functions(
            ModelRules,
            loader_signature(T),
            loader_signature(T),
            Activation.signatures["activate"](T),
            Activation.signatures["differentiate"](T),
            Loss.signatures["evaluate"](T),
        )
        self.penalty = functions(
            PenaltyRules, *(Penalty.signatures[name](T) for name in PenaltyRules._fields)
        )
        self.update = functions(
            UpdateRules,
            *(Optimizer.signatures[name](T) for name in ("prepare", "step")),
            *(Schedule.signatures[name](T) for name in ("rate", "end_epoch")),
        )
        self.network = types.NamedTuple([i, i, i, i, f, v, v, v], Network)
        self.data = types.NamedTuple([i, i, m, m, f], Data)
        self.state = types.NamedTuple([v, v, v, v, v, f, f, f, f, v], OptimizerState)
        self.work = types.NamedTuple([i, i, i, v, v, i, i, v, v, v, v, v, v, v, v, v], Workspace)
        self.settings = types.Array(from_dtype(SETTINGS), 1, "C")
        self.progress = types.Array(from_dtype(PROGRESS), 1, "C")


@lru_cache(maxsize=None)
def compiled(function, dtype):
    """Return the compiled form of one of the functions of this file that Python calls.

    Parameters
    ----------
    function : callable
        ``run_epochs``, ``finish_epoch``, ``add_gradient``, ``add_penalty``, ``validation_loss`` or ``predict``.
    dtype : numpy.dtype
        Working precision, float32 or float64.
    """
    t = _Types(np.dtype(dtype))
    signatures = {
        run_epochs: types.void(
            t.model, t.penalty, t.update, t.network, t.data, t.data, t.state, t.settings, t.progress,
            matrix(types.float64), t.work, types.int64,
        ),
        finish_epoch: types.void(t.end_epoch, t.state, t.settings, t.progress, types.float64),
        add_gradient: types.float64(
            t.model, t.network, t.data, t.vector, t.vector, t.settings, types.int64, types.int64, t.work
        ),
        add_penalty: types.float64(t.penalty, t.network, t.vector, t.vector, t.T),
        validation_loss: types.float64(t.model, t.network, t.data, t.vector, t.settings, t.work),
        predict: types.void(
            t.load, t.activate, t.invert_link, t.network, t.integers, t.vector, types.int64, t.work,
            types.boolean, t.matrix,
        ),
    }  # fmt: skip
    return entry_point(function, signatures[function])
