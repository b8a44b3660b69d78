"""The compiled training loop, prediction, and the objective for L-BFGS.

Design, in short:

* One loop serves any depth and any combination of rules. The rules' kernels are called through their addresses, which
  stand in the records (see ``records.py``), so the loop is compiled once per working precision T and cached; a new
  rule compiles only its own kernels. A call through an address costs nanoseconds, so kernels work on whole arrays.
* Parameters, gradients and optimizer state are flat vectors (see ``layout.py``); matrices are reshaped views of them.
* The rows of a batch are processed in *tiles* of at most ``work.tile_size`` rows whose gradients are summed. That
  bounds memory for full-batch training and lets a block end within a batch.
* After the last tile of a batch the parameters are updated piece by piece, see ``update.py``.
* Several threads may share the rows and the parameters of a batch, see ``sharing.py``; it changes no bit of the result.
* Python calls ``run_epochs`` for a *block* of tiles of about half a second, because a signal (Ctrl-C) waits until
  compiled code returns. All state lives in the arrays passed in; where blocks end changes no bit of the result.
* Random numbers are counter-based: a permutation is keyed by the epoch, a dropout mask by epoch, row, layer and unit.
"""

import numpy as np
from numba import types

from .._kernels import maths
from .._kernels.denormals import denormals_as, denormals_off
from .._kernels.jit import caller, jit, vector
from .._kernels.views import array_at, flat_view
from ..losses import Loss
from ..optimizers import Optimizer
from ..penalties import Penalty
from ..schedules import Schedule
from .clipping import SIGNATURES as CONSTRAINTS
from .passes import SIGNATURES, data_type, loss_of_tile, model_type, work_type
from .records import DESCRIPTOR_SIZE, N_SCALARS
from .sharing import SIGNATURES as TEAM
from .source import loader_signature
from .update import SIGNATURES as UPDATE

# how a block ended (progress.status)
RUNNING, EPOCH_TO_SCORE, CURVES_FULL, CONVERGED, MAX_ITER, DIVERGED = range(6)

# what decides about stopping (settings.watch)
OBJECTIVE, VALIDATION_LOSS, SCORER = range(3)

# columns of the curves that a block records, one row per epoch
LOSS_COLUMN, VALIDATION_COLUMN, RATE_COLUMN = range(3)

# validation is compiled on its own, for those who validate
DATA_LOSS = lambda T: types.float64(vector(T), model_type, data_type, work_type)  # noqa: E731
_load_tile, _forward, _evaluate_rows, _train_rows = (
    caller(name, SIGNATURES[name]) for name in ("load_tile", "forward", "evaluate_rows", "train_rows")
)
_share_rows, _share_gradients, _share_pieces = (caller(name, TEAM[name]) for name in TEAM)
_gradient_of_piece, _update_pieces = (caller(name, UPDATE[name]) for name in ("gradient_of_piece", "update_pieces"))
_data_loss = caller("data_loss", DATA_LOSS)
_load = caller("load", loader_signature)
_invert_link = caller("invert_link", Loss.signatures["invert_link"])
_penalty_value, _add_penalty_gradient = (
    caller(f"penalty {name}", Penalty.signatures[name]) for name in ("value", "add_gradient")
)
_clip_gradient, _limit_norms, _average_weights = (
    caller(name, CONSTRAINTS[name]) for name in ("clip_gradient", "limit_norms", "average_weights")
)
_prepare = caller("prepare", Optimizer.signatures["prepare"])
_rate, _end_epoch = (caller(name, Schedule.signatures[name]) for name in ("rate", "end_epoch"))


# --- losses of many rows --------------------------------------------------------------------------------------------


def data_loss(theta, model, data, work):
    """Weighted mean loss, dropout off, over all rows of validation data."""
    total = 0.0
    positions = array_at(work.positions, work.tile_size, np.int64)
    for start in range(0, data.n_rows, work.tile_size):
        n_rows = min(work.tile_size, data.n_rows - start)
        for i in range(n_rows):
            positions[i] = start + i
        _load_tile(model.load_tile, data, theta, flat_view(positions, 0, n_rows), 0, work)
        nothing = flat_view(positions, 0, 0)
        _forward(model.forward, model, theta, data.is_sparse != 0, 0, n_rows, work, np.uint64(0), nothing)
        _evaluate_rows(model.evaluate_rows, model, data, work, 0, n_rows, theta.dtype.type(1), theta)
        total += loss_of_tile(work, n_rows)
    return total / data.total_weight


# --- one update -----------------------------------------------------------------------------------------------------


@jit
def _update(theta, grad, model, data, state, settings, work, team, n_batch_rows, lr, t):
    """Penalty gradient, optimizer step and proximal operator for all parameters."""
    if state.clip_gradient != 0:
        _clip_gradient(state.clip_gradient, model, theta, grad, settings.clip_norm)
    hyper, memory = (
        array_at(state.hyper, state.n_numbers, np.float64),
        array_at(state.memory, state.n_numbers, np.float64),
    )
    _prepare(state.prepare, lr, t, hyper, memory, array_at(state.scalars, N_SCALARS, theta))
    step_sizes = array_at(state.step_size, state.n_step_sizes, theta)
    if team.share_pieces != 0:
        team.n_batch_rows, team.lr, team.t = n_batch_rows, lr, t
        _share_pieces(team.share_pieces, theta, model, data, state, settings, work, team)
    else:
        _update_pieces(
            state.update_pieces, theta, model, state, settings, work, 0, state.n_pieces, n_batch_rows, lr, t, grad,
            step_sizes,
        )  # fmt: skip
    if state.limit_norms != 0:
        _limit_norms(state.limit_norms, model, theta, step_sizes, settings.max_norm)
    if state.average_weights != 0:
        kept = array_at(state.kept, theta.size, theta)
        n_parameters = model.n_parameters
        current, average = flat_view(theta, 0, n_parameters), flat_view(kept, 0, n_parameters)
        _average_weights(state.average_weights, current, average, settings.ema_decay, t)
        for i in range(n_parameters, theta.size):  # running statistics are averages already
            kept[i] = theta[i]


@jit
def _train_tile(theta, model, data, state, settings, work, team, positions, scale, accumulate, epoch_key):
    """Forward and backward pass over the rows at ``positions``; returns their weighted loss.

    Writes, or adds, the gradient of all parameters, unless it is computed where the update uses it.
    """
    n_rows = positions.size
    if team.share_rows != 0 and n_rows == team.n_rows:
        team.scale, team.epoch_key, team.positions = scale, epoch_key, positions.ctypes.data
        _share_rows(team.share_rows, theta, model, data, state, settings, work, team)
    else:
        _train_rows(model.train_rows, theta, model, data, positions, 0, n_rows, scale, epoch_key, work)
    if state.computes_gradient == 0 and team.share_gradients != 0:
        team.n_tile_rows, team.accumulate = n_rows, accumulate
        _share_gradients(team.share_gradients, theta, model, data, state, settings, work, team)
    elif state.computes_gradient == 0:
        grad, is_sparse = array_at(state.grad, theta.size, theta), data.is_sparse != 0
        for piece in range(state.n_pieces):
            _gradient_of_piece(state.gradient_of_piece, model, state, work, is_sparse, piece, n_rows, accumulate, grad)
    return loss_of_tile(work, n_rows)


@jit
def _penalty(theta, model):
    """Return the value of the penalty."""
    units = array_at(model.units, model.n_layers + 1, np.int64)
    coef_starts = array_at(model.coef_starts, model.n_layers, np.int64)
    hyper = array_at(model.penalty_hyper, model.n_hyper, theta)
    total = 0.0
    alpha = theta.dtype.type(model.alpha)
    if model.penalty_value != 0:
        for layer in range(model.n_layers):
            row_length = units[layer + 1]
            weights = flat_view(theta, coef_starts[layer], units[layer] * row_length)
            total += _penalty_value(model.penalty_value, weights, row_length, layer, alpha, hyper)
    return total


# --- epochs ---------------------------------------------------------------------------------------------------------


@jit
def _order_rows(order, shuffle, epoch_key):
    """Fill ``order`` with the positions in the order of the epoch (Fisher-Yates)."""
    for i in range(order.size):
        order[i] = i
    if shuffle:
        key = maths.mix(epoch_key, -1)
        for i in range(order.size - 1, 0, -1):
            bits = np.uint64(maths.random_bits(key, i))
            j = np.int64((bits * np.uint64(i + 1)) >> np.uint64(32))
            order[i], order[j] = order[j], order[i]


@jit
def _finish_epoch(kept, state, settings, progress, score):
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
            best = array_at(state.best, kept.size, kept)
            for i in range(kept.size):
                best[i] = kept[i]
    exhausted = progress.no_improvement > settings.n_iter_no_change
    go_on = np.int64(0)
    if progress.epoch > settings.warmup_epochs:
        go_on = _end_epoch(
            state.end_epoch,
            np.int64(exhausted),
            score,
            array_at(state.schedule_hyper, state.n_numbers, np.float64),
            array_at(state.schedule_memory, state.n_numbers, np.float64),
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


def finish_epoch(kept, state_array, settings_array, progress_array, score):
    """Do for an externally computed score what ``run_epochs`` does for losses; sets ``progress.status``."""
    progress = progress_array[0]
    progress.status = _finish_epoch(kept, state_array[0], settings_array[0], progress, score)


@jit
def _run_epochs(
    theta, model_array, train_array, validation_array, state_array, settings_array, progress_array, work_array,
    team_array, curves, max_tiles,
):  # fmt: skip
    model, data, validation, state = model_array[0], train_array[0], validation_array[0], state_array[0]
    settings, progress, work, team = settings_array[0], progress_array[0], work_array[0], team_array[0]
    n_rows = data.n_rows
    grad = array_at(state.grad, theta.size, theta)
    kept = array_at(state.kept, theta.size, theta)
    order = array_at(work.order, n_rows, np.int64)
    schedule_hyper = array_at(state.schedule_hyper, state.n_numbers, np.float64)
    schedule_memory = array_at(state.schedule_memory, state.n_numbers, np.float64)
    updates_per_epoch = (n_rows + settings.batch_size - 1) // settings.batch_size
    # a batch of one row has no variance: it joins the one before
    joins = model.normalise != 0 and n_rows > settings.batch_size and n_rows % settings.batch_size == 1
    if joins:
        updates_per_epoch -= 1
    progress.n_curve = 0
    n_tiles = 0
    while True:
        epoch_key = maths.mix(settings.seed, settings.first_epoch + progress.epoch)
        if progress.row == 0:
            _order_rows(order, settings.shuffle != 0, epoch_key)
            progress.loss_sum = 0.0
        while progress.row < n_rows:
            if n_tiles >= max_tiles:
                progress.status = RUNNING
                return
            batch_start = progress.row // settings.batch_size * settings.batch_size
            batch_stop = min(batch_start + settings.batch_size, n_rows)
            if joins and batch_stop == n_rows - 1:
                batch_stop = n_rows
            tile_stop = min(progress.row + work.tile_size, batch_stop)
            scale = theta.dtype.type(1.0 / (batch_stop - batch_start))
            positions = flat_view(order, progress.row, tile_stop - progress.row)
            progress.loss_sum += _train_tile(
                theta, model, data, state, settings, work, team, positions, scale, progress.row > batch_start, epoch_key
            )
            progress.row = tile_stop
            n_tiles += 1
            if tile_stop == batch_stop:
                progress.t += 1
                if progress.epoch < settings.warmup_epochs:
                    # by epochs, because calls of partial_fit may differ in their number of updates
                    progress.t_warmup = progress.t
                    done = progress.epoch + batch_start // settings.batch_size / updates_per_epoch
                    share = settings.warmup_start + (1.0 - settings.warmup_start) * (done / settings.warmup_epochs)
                    progress.learning_rate = settings.learning_rate_init * share
                else:
                    progress.learning_rate = _rate(
                        state.rate, settings.learning_rate_init, progress.t - progress.t_warmup,
                        progress.epoch - settings.warmup_epochs, updates_per_epoch,
                        max(1, settings.max_iter - settings.warmup_epochs), schedule_hyper, schedule_memory,
                    )  # fmt: skip
                _update(
                    theta, grad, model, data, state, settings, work, team, batch_stop - batch_start,
                    progress.learning_rate, progress.t,
                )  # fmt: skip
        progress.row = 0
        progress.epoch += 1
        objective = progress.loss_sum / data.total_weight
        objective += _penalty(theta, model)
        validation_loss = np.nan
        if settings.validates:
            validation_loss = _data_loss(model.data_loss, kept, model, validation, work)
        curves[progress.n_curve, LOSS_COLUMN] = objective
        curves[progress.n_curve, VALIDATION_COLUMN] = validation_loss
        curves[progress.n_curve, RATE_COLUMN] = progress.learning_rate
        progress.n_curve += 1
        if settings.watch == OBJECTIVE and not _is_finite(theta):
            progress.status = DIVERGED
            return
        if settings.watch == SCORER:
            progress.status = EPOCH_TO_SCORE
            return
        score = -objective if settings.watch == OBJECTIVE else -validation_loss
        progress.status = _finish_epoch(kept, state, settings, progress, score)
        if progress.status != RUNNING:
            return
        if progress.n_curve == curves.shape[0]:
            progress.status = CURVES_FULL
            return


def run_epochs(
    theta, model_array, train_array, validation_array, state_array, settings_array, progress_array, work_array,
    team_array, curves, max_tiles,
):  # fmt: skip
    """Train until the block's budget of tiles is spent or Python is needed; ``progress.status`` says why it ended.

    Parameters
    ----------
    theta : vector of T
    model_array, train_array, validation_array, state_array, settings_array, progress_array, work_array, team_array
        Records of one element each: MODEL, DATA, DATA, STATE, SETTINGS, PROGRESS, WORK, TEAM.
    curves : float64 array of shape (capacity, 3)
    max_tiles : int
        Budget; the block ends after that many tiles, also within an epoch or a batch.
    """
    before = denormals_off()
    _run_epochs(
        theta, model_array, train_array, validation_array, state_array, settings_array, progress_array, work_array,
        team_array, curves, max_tiles,
    )  # fmt: skip
    denormals_as(before)


# --- objective and prediction ---------------------------------------------------------------------------------------


def add_gradient(
    theta, model_array, data_array, state_array, settings_array, work_array, team_array, start, stop
):  # fmt: skip
    """Write (start == 0) or add the gradient of the mean loss of rows ``start`` to ``stop``; return their loss sum."""
    model, data, state, settings = model_array[0], data_array[0], state_array[0], settings_array[0]
    work, team = work_array[0], team_array[0]
    scale = theta.dtype.type(1.0 / data.total_weight)
    before = denormals_off()
    positions = array_at(work.positions, work.tile_size, np.int64)
    total = 0.0
    for a in range(start, stop, work.tile_size):
        b = min(a + work.tile_size, stop)
        for i in range(b - a):
            positions[i] = a + i
        rows = flat_view(positions, 0, b - a)
        total += _train_tile(theta, model, data, state, settings, work, team, rows, scale, a > 0, np.uint64(0))
    denormals_as(before)
    return total


def add_penalty(theta, grad, model_array):
    """Add the gradient of the smooth penalty to ``grad`` and return the value of the penalty."""
    model = model_array[0]
    if model.penalty_gradient != 0:
        _add_penalty_gradient(
            model.penalty_gradient,
            flat_view(theta, 0, model.n_weights),
            theta.dtype.type(model.alpha),
            array_at(model.penalty_hyper, model.n_hyper, theta),
            flat_view(grad, 0, model.n_weights),
        )
    return _penalty(theta, model)


def validation_loss(theta, model_array, data_array, work_array):
    """Return the weighted mean loss of validation data, dropout off."""
    model = model_array[0]
    return _data_loss(model.data_loss, theta, model, data_array[0], work_array[0])


def predict(theta, model_array, data_array, work_array, first_row, out):
    """Fill ``out`` with the predictions for the rows of X from ``first_row`` on.

    Parameters
    ----------
    out : array of shape (n_rows, n_outputs)
    """
    model, data, work = model_array[0], data_array[0], work_array[0]
    n_outputs = out.shape[1]
    raw_start = array_at(model.unit_starts, model.n_layers, np.int64)[model.n_layers - 1] * work.tile_size
    all_rows = array_at(work.rows, work.tile_size, np.int64)
    inputs = array_at(work.inputs, work.n_inputs, theta)
    descriptor = array_at(data.descriptor, DESCRIPTOR_SIZE, np.int64)
    indices = array_at(work.indices, work.n_stored, np.int64)
    indptr = array_at(work.indptr, work.tile_size + 1, np.int64)
    for start in range(0, out.shape[0], work.tile_size):
        n_rows = min(work.tile_size, out.shape[0] - start)
        rows = flat_view(all_rows, 0, n_rows)
        for i in range(n_rows):
            rows[i] = first_row + start + i
        _load(data.load, descriptor, rows, inputs, inputs, indices, indptr)
        nothing = flat_view(all_rows, 0, 0)
        _forward(model.forward, model, theta, data.is_sparse != 0, 0, n_rows, work, np.uint64(0), nothing)
        raw = array_at(work.activations, raw_start + n_rows * n_outputs, theta)
        target = flat_view(out, start * n_outputs, n_rows * n_outputs)
        for i in range(target.size):
            target[i] = raw[raw_start + i]
    _invert_link(model.invert_link, out, array_at(model.loss_hyper, model.n_hyper, theta))
