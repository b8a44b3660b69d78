"""The compiled training loop, prediction, and the objective for L-BFGS.

Design, in short:

* One loop serves any depth and any combination of rules. The rules' kernels are called through their addresses, which
  stand in the job (see ``records.py``), so the loop is compiled once per working precision T and cached; a new rule
  compiles only its own kernels. A call through an address costs nanoseconds, so kernels work on whole arrays.
* Parameters, gradients and optimizer state are flat vectors (see ``layout.py``); matrices are reshaped views of them.
* The rows of a batch are processed in *tiles* of at most ``tile_size`` rows whose gradients are summed. That bounds
  memory for full-batch training and lets a slice of time end within a batch.
* After the last tile of a batch the parameters are updated piece by piece, see ``update.py``.
* Several threads may share the rows and the parameters of a batch, see ``sharing.py``; it changes no bit of the result.
* Python calls ``run_epochs`` for a *slice* of about half a second, because a signal (Ctrl-C) waits until compiled code
  returns. All state lives in the job; where slices end changes no bit of the result.
* Random numbers are counter-based: a permutation is keyed by the epoch, a dropout mask by epoch, row, layer and unit.
"""

import numpy as np
from numba import types

from .._kernels import maths
from .._kernels.calls import caller
from .._kernels.denormals import denormals_as, denormals_off
from .._kernels.jit import jit, matrix, vector
from .._kernels.views import array_at, flat_view
from ..losses import Loss
from ..optimizers import Optimizer
from ..penalties import Penalty
from ..schedules import Schedule
from .averaging import average_weights
from .clipping import clip_gradient, limit_norms
from .declaration import compiled_pass, entry
from .passes import backward, forward, train_rows
from .records import GRADIENT_TASK, LAYER, N_SCALARS, STRIP, STRIP_TASK, UPDATE_TASK, job_array, job_type
from .sharing import share
from .source import loader_signature
from .tiles import evaluate_rows, load_tile, loss_of_tile
from .update import gradient_of_piece, update_pieces

# how a slice ended (progress.status)
RUNNING, EPOCH_TO_SCORE, CURVES_FULL, CONVERGED, MAX_ITER, DIVERGED = range(6)

# what decides about stopping (settings.watch)
OBJECTIVE, VALIDATION_LOSS, SCORER = range(3)

# columns of the curves that a slice records, one row per epoch
LOSS_COLUMN, VALIDATION_COLUMN, RATE_COLUMN = range(3)

_count, _float = types.int64, types.float64
_load = caller("load", loader_signature)
_invert_link = caller("invert_link", Loss.signatures["invert_link"])
_penalty_value, _add_penalty_gradient = (
    caller(f"penalty {name}", Penalty.signatures[name]) for name in ("value", "add_gradient")
)
_prepare = caller("prepare", Optimizer.signatures["prepare"])
_rate, _end_epoch = (caller(name, Schedule.signatures[name]) for name in ("rate", "end_epoch"))


# --- losses of many rows --------------------------------------------------------------------------------------------


@jit
def _whole_tile(job, n_rows):
    """Return the strip that is the whole tile, outside of training."""
    strip = array_at(job.buffers.strips, 1, STRIP)[0]
    strip.first, strip.n_rows, strip.positions = 0, n_rows, job.buffers.positions
    strip.is_training, strip.is_sparse, strip.scale = False, job.held_out.source.is_sparse, 1.0
    return strip


@compiled_pass(lambda T: types.float64(vector(T), job_type))
def data_loss(theta, job):
    """Weighted mean loss, dropout off, over all rows of validation data."""
    data, tile_size = job.held_out, job.buffers.tile_size
    total = 0.0
    positions = array_at(job.buffers.positions, tile_size, np.int64)
    for start in range(0, data.n_rows, tile_size):
        n_rows = data.n_rows - start if data.n_rows - start < tile_size else tile_size
        for i in range(n_rows):
            positions[i] = start + i
        strip = _whole_tile(job, n_rows)
        load_tile(theta, job, data, strip)
        forward(theta, job, strip)
        evaluate_rows(theta, job, data, strip)
        total += loss_of_tile(theta, job, n_rows)
    return total / data.total_weight


# --- one update -----------------------------------------------------------------------------------------------------


@jit
def _update(theta, job):
    """Penalty gradient, optimizer step and proximal operator for all parameters."""
    update, settings, sharing = job.update, job.settings, job.sharing
    grad = array_at(update.grad, theta.size, theta)
    if settings.clips_gradient:
        clip_gradient(theta, job, grad)
    n_rates, n_numbers = update.n_rates, update.n_numbers
    hyper, factors = array_at(update.hyper, n_numbers, np.float64), array_at(update.factors, n_rates, np.float64)
    memories = array_at(update.memory, n_rates * n_numbers, np.float64)
    scalars = array_at(update.scalars, n_rates * N_SCALARS, theta)
    for k in range(n_rates):
        memory = flat_view(memories, k * n_numbers, n_numbers)
        prepared = flat_view(scalars, k * N_SCALARS, N_SCALARS)
        _prepare(update.prepare, update.lr * factors[k], update.t, hyper, memory, prepared)
    workspace = array_at(update.workspace, update.n_workspace, theta)
    if sharing.is_on and sharing.shares_pieces:
        share(theta, job, UPDATE_TASK, update.n_pieces)
    else:
        update_pieces(theta, job, 0, update.n_pieces, grad, workspace)
    if settings.limits_norms:
        limit_norms(theta, job, workspace)
    if settings.averages_weights:
        average_weights(theta, job)


@jit
def _train_tile(theta, job, positions, scale, accumulate, epoch_key):
    """Forward and backward pass over the rows at ``positions``; returns their weighted loss.

    Writes, or adds, the gradient of all parameters, unless it is computed where the update uses it.
    """
    n_rows, sharing, update = positions.size, job.sharing, job.update
    if sharing.is_on and sharing.shares_rows and n_rows == sharing.n_rows:
        sharing.scale, sharing.epoch_key, sharing.positions = scale, epoch_key, positions.ctypes.data
        share(theta, job, STRIP_TASK, sharing.n_strips)
    else:
        train_rows(theta, job, positions, 0, epoch_key, scale)
    if not update.computes_gradient:
        if sharing.is_on and sharing.shares_gradients:
            sharing.n_tile_rows, sharing.accumulate = n_rows, accumulate
            share(theta, job, GRADIENT_TASK, update.n_pieces)
        else:
            grad = array_at(update.grad, theta.size, theta)
            for piece in range(update.n_pieces):
                gradient_of_piece(job, piece, n_rows, accumulate, grad)
    return loss_of_tile(theta, job, n_rows)


@jit
def _penalty(theta, job):
    """Return the value of the penalty."""
    network = job.network
    layers = array_at(network.layers, network.n_layers, LAYER)
    hyper = array_at(network.penalty_hyper, network.n_penalty_hyper, theta)
    alpha = theta.dtype.type(network.alpha)
    total = 0.0
    for index in range(network.n_layers):
        layer = layers[index]
        start, size = layer.coefs, layer.fan_in * layer.fan_out
        if index == 0 and network.embeds:  # an embedded feature is one row to the penalty
            row_length = layer.fan_out * network.n_embedded_outputs
            n_passed = network.n_passed * layer.fan_out
            embedded = flat_view(theta, start + n_passed, size - n_passed)
            total += _penalty_value(network.penalty_value, embedded, row_length, index, alpha, hyper)
            size = n_passed
        if size > 0:
            weights = flat_view(theta, start, size)
            total += _penalty_value(network.penalty_value, weights, layer.fan_out, index, alpha, hyper)
    return total


# --- epochs ---------------------------------------------------------------------------------------------------------


@jit
def _order_rows(order, shuffle, epoch_key):
    """Fill ``order`` with the positions in the order of the epoch (Fisher-Yates)."""
    for i in range(order.size):
        order[i] = i
    if shuffle:
        key = maths.mix(epoch_key, np.int64(-1))
        for i in range(order.size - 1, 0, -1):
            bits = np.uint64(maths.random_bits(key, i))
            j = np.int64((bits * np.uint64(i + 1)) >> np.uint64(32))
            order[i], order[j] = order[j], order[i]


@jit
def _finish_epoch(kept, job, score):
    """Count epochs without improvement, keep the best weights, decide whether to go on (scikit-learn's rules).

    Comparisons are written so that a NaN score is no improvement.
    """
    update, settings, progress = job.update, job.settings, job.progress
    if score >= progress.best_score + settings.tol and score > -np.inf:
        progress.no_improvement = 0
    else:
        progress.no_improvement += 1
    if score > progress.best_score:
        progress.best_score = score
        progress.best_epoch = progress.epoch
        if settings.keeps_best:
            best = array_at(update.best, kept.size, kept)
            for i in range(kept.size):
                best[i] = kept[i]
    exhausted = progress.no_improvement > settings.n_iter_no_change
    go_on = np.int64(0)
    schedule = job.learning_rate
    n_begun = schedule.position // settings.updates_per_epoch + 1 if schedule.follows_time else progress.epoch
    if schedule.is_on and n_begun > schedule.warmup_epochs:
        go_on = _end_epoch(
            schedule.end_epoch,
            np.int64(exhausted),
            score,
            array_at(schedule.hyper, schedule.n_numbers, np.float64),
            array_at(schedule.memory, schedule.n_numbers, np.float64),
        )
    if exhausted and go_on:
        progress.no_improvement = 0
    elif exhausted and settings.stops:
        return CONVERGED
    if settings.stops and progress.epoch >= settings.max_iter:
        return MAX_ITER
    return RUNNING


@jit
def _is_finite(theta, largest):
    # a comparison, because `reassoc` may cancel the terms of a sum that would only be NaN for non-finite ones
    finite = True
    for i in range(theta.size):
        finite &= abs(theta[i]) <= largest
    return finite


@jit
def _rate_at(job, schedule, peak, t, epoch, batch):
    """Return the rate of a schedule for update ``t``, of a batch of an epoch, both counted from 0."""
    settings = job.settings
    if epoch < schedule.warmup_epochs:
        # by epochs, because calls of partial_fit may differ in their number of updates
        schedule.t_warmup = t
        done = epoch + batch / settings.updates_per_epoch
        fraction = schedule.warmup_start + (1.0 - schedule.warmup_start) * (done / schedule.warmup_epochs)
        return peak * fraction
    n_epochs = settings.max_iter - schedule.warmup_epochs
    return _rate(
        schedule.rate, peak, t - schedule.t_warmup,
        epoch - schedule.warmup_epochs, settings.updates_per_epoch, n_epochs if n_epochs > 1 else 1,
        array_at(schedule.hyper, schedule.n_numbers, np.float64),
        array_at(schedule.memory, schedule.n_numbers, np.float64),
    )  # fmt: skip


@jit
def _rate_in_time(job, schedule, peak, t):
    """Return the rate of a schedule for update ``t`` that ends with ``max_time``, should that come before ``max_iter``.

    The schedule is asked for an update of ``max_iter`` epochs, later than this one by as much as time is ahead.
    """
    pace, n = job.pace, job.settings.updates_per_epoch
    position = max(np.int64(pace.position + (t - pace.t) * pace.per_update + 0.5), schedule.position)
    epoch = position // n
    if epoch >= schedule.warmup_epochs:
        schedule.t_warmup = schedule.warmup_epochs * n
    if schedule.position < epoch * n < position:  # rules may remember with which update an epoch has begun
        _rate_at(job, schedule, peak, epoch * n + 1, epoch, 0)
    schedule.position = position
    return _rate_at(job, schedule, peak, position + 1, epoch, position % n)


@jit
def _scheduled(job, schedule, peak, t, batch_start):
    """Return the rate of a schedule for update ``t``, of the batch that begins with row ``batch_start``."""
    if schedule.follows_time:
        return _rate_in_time(job, schedule, peak, t)
    return _rate_at(job, schedule, peak, t, job.progress.epoch, batch_start // job.settings.batch_size)


@jit
def _factor(job, schedule, t, batch_start):
    """Return the factor of a schedule for update ``t``; 0 in place of one outside [0, 1], which Python refuses."""
    factor = _scheduled(job, schedule, 1.0, t, batch_start)
    if -1e-9 < factor and factor < 1.0 + 1e-9:  # which NaN is not; formulas may round
        return min(max(factor, 0.0), 1.0)
    if schedule.refused == 0.0:
        schedule.refused = factor
    return 0.0


@compiled_pass(lambda T: types.void(vector(T), job_type, _count))
def follow_schedules(theta, job, batch_start):
    """Set the rates of dropout and of decay for the batch that begins with row ``batch_start``, and for its update."""
    update, t = job.update, job.progress.t + 1
    if job.dropout_schedule.is_on:
        update.dropout_factor = _factor(job, job.dropout_schedule, t, batch_start)
    if job.weight_decay_schedule.is_on:
        factor = _factor(job, job.weight_decay_schedule, t, batch_start)
        update.weight_decay = job.settings.weight_decay * factor


@jit
def _run_epoch(theta, job, epoch_key, max_tiles):
    """Train with the rest of an epoch's batches, at most so many tiles; returns how many tiles are left over."""
    settings, progress, update = job.settings, job.progress, job.update
    n_rows, batch_size = job.train.n_rows, settings.batch_size
    order = array_at(job.buffers.order, n_rows, np.int64)
    # a batch of one row that joins the one before
    joins = settings.updates_per_epoch * batch_size < n_rows
    while progress.row < n_rows and max_tiles > 0:
        batch_start = progress.row // batch_size * batch_size
        batch_stop = batch_start + batch_size if batch_start + batch_size < n_rows else n_rows
        if joins and batch_stop == n_rows - 1:
            batch_stop = n_rows
        if update.follows_schedules and progress.row == batch_start:
            follow_schedules(theta, job, batch_start)
        tile_stop = progress.row + job.buffers.tile_size
        tile_stop = tile_stop if tile_stop < batch_stop else batch_stop
        positions = flat_view(order, progress.row, tile_stop - progress.row)
        progress.loss_sum += _train_tile(
            theta, job, positions, 1.0 / (batch_stop - batch_start), progress.row > batch_start, epoch_key
        )
        progress.row = tile_stop
        max_tiles -= 1
        if tile_stop == batch_stop:
            progress.t += 1
            progress.learning_rate = _scheduled(
                job, job.learning_rate, settings.learning_rate_init, progress.t, batch_start
            )
            update.n_batch_rows = batch_stop - batch_start
            update.lr, update.t = progress.learning_rate, progress.t
            _update(theta, job)
    return max_tiles


@entry(lambda T, v: types.void(v, job_array, matrix(_float), _count))
def run_epochs(theta, jobs, curves, max_tiles):
    """Train until a slice's budget of tiles is spent or Python is needed; ``progress.status`` says why it ended.

    Parameters
    ----------
    theta : vector of T
    jobs : array of one JOB
    curves : float64 array of shape (capacity, 3)
    max_tiles : int
        Budget; the slice ends after that many tiles, also within an epoch or a batch.
    """
    before = denormals_off()
    job = jobs[0]
    settings, progress = job.settings, job.progress
    kept = array_at(job.update.kept, theta.size, theta)
    progress.n_curve = 0
    progress.status = RUNNING
    while progress.status == RUNNING:
        epoch_key = maths.mix(settings.seed, settings.first_epoch + progress.epoch)
        if progress.row == 0:
            _order_rows(array_at(job.buffers.order, job.train.n_rows, np.int64), settings.shuffle != 0, epoch_key)
            progress.loss_sum = 0.0
        max_tiles = _run_epoch(theta, job, epoch_key, max_tiles)
        if progress.row < job.train.n_rows:
            break
        progress.row = 0
        progress.epoch += 1
        objective = progress.loss_sum / job.train.total_weight
        objective += _penalty(theta, job)
        validation_loss = np.nan
        if settings.validates:
            validation_loss = data_loss(kept, job)
        curves[progress.n_curve, LOSS_COLUMN] = objective
        curves[progress.n_curve, VALIDATION_COLUMN] = validation_loss
        curves[progress.n_curve, RATE_COLUMN] = progress.learning_rate
        progress.n_curve += 1
        if settings.watch == OBJECTIVE and not _is_finite(theta, theta.dtype.type(settings.largest)):
            progress.status = DIVERGED
        elif settings.watch == SCORER:
            progress.status = EPOCH_TO_SCORE
        else:
            score = -objective if settings.watch == OBJECTIVE else -validation_loss
            progress.status = _finish_epoch(kept, job, score)
            if progress.status == RUNNING and progress.n_curve == curves.shape[0]:
                progress.status = CURVES_FULL
    denormals_as(before)


@entry(lambda T, v: types.void(v, job_array, _float))
def finish_epoch(kept, jobs, score):
    """Do for an externally computed score what ``run_epochs`` does for losses; sets ``progress.status``."""
    job = jobs[0]
    job.progress.status = _finish_epoch(kept, job, score)


# --- objective and prediction ---------------------------------------------------------------------------------------


@entry(lambda T, v: _float(v, job_array, _count, _count))
def add_gradient(theta, jobs, start, stop):
    """Write (start == 0) or add the gradient of the mean loss of rows ``start`` to ``stop``; return their loss sum."""
    job = jobs[0]
    tile_size, scale = job.buffers.tile_size, 1.0 / job.train.total_weight
    before = denormals_off()
    positions = array_at(job.buffers.positions, tile_size, np.int64)
    total = 0.0
    for a in range(start, stop, tile_size):
        b = a + tile_size if a + tile_size < stop else stop
        for i in range(b - a):
            positions[i] = a + i
        total += _train_tile(theta, job, flat_view(positions, 0, b - a), scale, a > 0, np.uint64(0))
    denormals_as(before)
    return total


@entry(lambda T, v: _float(v, v, job_array))
def add_penalty(theta, grad, jobs):
    """Add the gradient of the smooth penalty to ``grad`` and return the value of the penalty."""
    job = jobs[0]
    network = job.network
    _add_penalty_gradient(
        network.penalty_gradient,
        flat_view(theta, 0, network.n_weights),
        theta.dtype.type(network.alpha),
        array_at(network.penalty_hyper, network.n_penalty_hyper, theta),
        flat_view(grad, 0, network.n_weights),
    )
    return _penalty(theta, job)


@entry(lambda T, v: _float(v, job_array))
def validation_loss(theta, jobs):
    """Return the weighted mean loss of validation data, dropout off."""
    return data_loss(theta, jobs[0])


@entry(lambda T, v: types.void(v, job_array, _count, matrix(T)))
def predict(theta, jobs, first_row, out):
    """Fill ``out`` with the predictions for the rows of X from ``first_row`` on.

    Parameters
    ----------
    theta : vector of T
    jobs : array of one JOB
        Its held-out rows have X.
    first_row : int
    out : array of shape (n_rows, n_outputs)
    """
    job = jobs[0]
    network, data, buffers = job.network, job.held_out, job.buffers
    raw = array_at(network.layers, network.n_layers, LAYER)[network.n_layers - 1].activations
    all_rows = array_at(buffers.rows, buffers.tile_size, np.int64)
    inputs = array_at(buffers.inputs, buffers.n_inputs, theta)
    indices = array_at(buffers.indices, buffers.n_stored, np.int64)
    indptr = array_at(buffers.indptr, buffers.tile_size + 1, np.int64)
    for start in range(0, out.shape[0], buffers.tile_size):
        n_left = out.shape[0] - start
        n_rows = n_left if n_left < buffers.tile_size else buffers.tile_size
        rows = flat_view(all_rows, 0, n_rows)
        for i in range(n_rows):
            rows[i] = first_row + start + i
        _load(data.load, data.source, rows, inputs, inputs, indices, indptr)
        forward(theta, job, _whole_tile(job, n_rows))
        target = flat_view(out, start * out.shape[1], n_rows * out.shape[1])
        outputs = array_at(raw, n_rows * network.n_outputs, theta)
        if target.size == outputs.size:
            for i in range(target.size):
                target[i] = outputs[i]
        else:
            for i in range(outputs.size):
                target[2 * i], target[2 * i + 1] = -outputs[i], outputs[i]
    _invert_link(network.invert_link, out, array_at(network.loss_hyper, network.n_loss_hyper, theta))


@entry(lambda T, v: types.void(v, job_array, _count, _count))
def pass_rows(theta, jobs, first, n_rows):
    """Forward and backward pass of loaded rows; raw predictions stand for the gradient of a loss."""
    job = jobs[0]
    strip = _whole_tile(job, n_rows)
    strip.first, strip.is_training = first, True  # in training only, blocks keep what the backward pass needs
    forward(theta, job, strip)
    backward(theta, job, strip)
