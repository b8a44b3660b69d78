"""The job of a fit, made in one place for first-order rules and for L-BFGS alike."""

from itertools import pairwise

import numpy as np

from .._engine.job import Job, tile_rows
from .._engine.loop import OBJECTIVE, SCORER, VALIDATION_LOSS
from .._engine.records import N_SCALARS
from .._engine.update import CHUNK, pieces
from .._kernels.memory import aligned_copy, aligned_zeros
from .memory import FACTOR_SCHEDULES, N_SLOTS
from .trial import try_out_rules

_MOST_EPOCHS = np.iinfo(np.int64).max
_LARGEST = {np.dtype(dtype): float(np.finfo(dtype).max) for dtype in (np.float32, np.float64)}


def training_job(problem, options, watches_scorer, optimizer=None, schedule=None, memory=None):
    """Return the job of a fit.

    Parameters
    ----------
    problem : Problem
        Training overwrites its ``theta``; with ``ema_decay`` it holds the averages.
    options : Options
    watches_scorer : bool
        Whether early stopping watches a scorer that the user has given.
    optimizer, schedule : components, default=None
        None for L-BFGS, which only asks for objective and gradient.
    memory : OptimizerMemory, default=None
        Memory of the optimizer. Its numbers are copied, its slots shared.

    Returns
    -------
    Job
    """
    factors = [getattr(options, name) for name in FACTOR_SCHEDULES]
    try_out_rules(problem, optimizer, [rule for rule in (schedule, *factors) if rule is not None])
    network, train = problem.network, problem.train
    held_out = train if problem.validation is None else problem.validation
    theta, kept = problem.theta, problem.theta
    if memory is not None:
        theta = memory.current_weights(theta)
        if options.ema_decay is None:
            kept = theta
        elif kept is theta:
            kept = aligned_copy(theta)
    if network.needs_whole_batch:
        tile_size = options.batch_size + 1  # a row that is left over in an epoch joins the last batch
    else:
        only_sparse = train.source.is_sparse and problem.validation is None
        tile_size = tile_rows(network.layout, options.batch_size, only_sparse)
    job = Job(network, theta, tile_size, trains=True)
    network.describe(job, is_sparse=train.source.is_sparse or held_out.source.is_sparse)
    train.describe(job, "train")
    held_out.describe(job, "held_out")
    if problem.validation is not None:
        job.use("data_loss")
    job.add_buffers(
        [(rows.source, rows.indices) for rows in (train, held_out)],
        n_rows=train.indices.size,
        n_targets=train.y.shape[1],
        n_weights=max(train.weights.shape[1], held_out.weights.shape[1]),
    )
    # the norm of a gradient is known when all of it is; L-BFGS wants all of it, too
    one_tile = options.batch_size <= tile_size and not train.source.is_sparse
    computes_gradient = optimizer is not None and one_tile and options.clip_norm is None
    if not computes_gradient:
        job.use("gradient_of_piece")
    _set_settings(job, problem, options, watches_scorer, memory)
    _set_update(job, options, kept, computes_gradient, _rules(job, options, optimizer, memory))
    if optimizer is not None:
        _set_schedule(job, "learning_rate", schedule, options.max_time, memory.schedule_memory, memory.t_warmup)
        _set_factor_schedules(job, options, memory)
    return job


def _set_settings(job, problem, options, watches_scorer, memory):
    watch = OBJECTIVE
    if options.early_stopping:
        watch = SCORER if watches_scorer else VALIDATION_LOSS
    limits = {
        name: 0.0 if value is None else value
        for name, value in (
            ("clip_norm", options.clip_norm), ("max_norm", options.max_norm), ("ema_decay", options.ema_decay),
        )
    }  # fmt: skip
    around = {
        "clips_gradient": ("clip_gradient", options.clip_norm),
        "limits_norms": ("limit_norms", options.max_norm),
        "averages_weights": ("average_weights", options.ema_decay),
    }
    job.use(*(name for name, value in around.values() if value is not None))
    progress = job.progress
    if memory is not None:
        for name in ("epoch", "t", "no_improvement"):
            progress[name] = getattr(memory, name)
    progress["best_score"] = -np.inf if memory is None else memory.best_score
    job.set(
        "settings",
        seed=options.seed,
        first_epoch=options.first_epoch - int(progress["epoch"]),
        max_iter=options.max_iter,
        batch_size=options.batch_size,
        updates_per_epoch=_updates_per_epoch(job.network, options.batch_size, problem.train.indices.size),
        shuffle=options.shuffle,
        proximal=job.network.is_proximal,
        watch=watch,
        validates=problem.validation is not None,
        stops=not options.incremental,
        keeps_best=options.early_stopping,
        learning_rate_init=options.learning_rate_init,
        tol=options.least_improvement,
        n_iter_no_change=options.n_iter_no_change,
        weight_decay=options.weight_decay,
        largest=_LARGEST[job.dtype],
        **limits,
        **{name: value is not None for name, (_, value) in around.items()},
    )


def _updates_per_epoch(network, batch_size, n_rows):
    """Return the number of batches; a last one of a single row may join the one before."""
    joins = network.needs_whole_batch and n_rows > batch_size and n_rows % batch_size == 1
    return -(-n_rows // batch_size) - joins


def _rules(job, options, optimizer, memory):
    """Return the fields of an update that the optimizer decides about."""
    if optimizer is None:
        return {}
    dtype, units = job.dtype, job.network.layout.widths
    factors = np.array(options.learning_rate_factors or [1.0], dtype=np.float64)
    numbers = _stacked((optimizer.hyper_vector(np.float64), *memory.of_rates(len(factors))))
    fields = {
        "prepare": optimizer.compiled("prepare", dtype),
        "step": optimizer.compiled("step", dtype),
        "has_slots": len(memory.slots) > 0,
        **{f"slot_{k + 1}": memory.slots[min(k, len(memory.slots) - 1)] for k in range(N_SLOTS) if len(memory.slots)},
        "has_rules": True,
        "n_numbers": numbers.shape[1],
        "hyper": numbers[0],
        "n_rates": len(factors),
        "factors": factors,
        "memory": numbers[1:],
        "scalars": aligned_zeros(len(factors) * N_SCALARS, dtype),
    }
    job.use("update_pieces")
    largest = 0
    if "step_matrix" in optimizer.signatures and len(units) > 2:
        largest = max(fan_in * fan_out for fan_in, fan_out in pairwise(units[:-1]))
        fields |= {
            "by_matrix": True,
            "step_matrix": optimizer.compiled("step_matrix", dtype),
            "n_scratch": 4 * largest,
            "scratch": aligned_zeros(4 * largest, dtype),
            "matrix_hyper": numbers[0].astype(dtype),
        }
    n_workspace = max(CHUNK, *units[1:], units[1] * job.network.layout.rows_per_feature, largest)
    if options.parametrization == "ntp" or 0.0 in factors:  # steps are made on copies
        n_workspace *= 3
        job.use("to_coordinates", "from_coordinates")
    return fields | {"n_workspace": n_workspace, "workspace": aligned_zeros(n_workspace, dtype)}


def _set_update(job, options, kept, computes_gradient, rules):
    theta = job.theta
    found = pieces(
        job.network.layout,
        job.tile_size,
        by_matrix=rules.get("by_matrix", False),
        factors=options.learning_rate_factors,
        is_ntp=options.parametrization == "ntp",
    )
    best = {"best": aligned_copy(kept)} if options.early_stopping else {}
    job.set(
        "update",
        computes_gradient=computes_gradient,
        grad=aligned_zeros(theta.size, job.dtype),
        kept=kept,
        dropout_factor=1.0,
        weight_decay=options.weight_decay,
        n_pieces=len(found),
        pieces=found,
        **best,
        **rules,
    )


def _set_schedule(job, record, schedule, max_time, kept, t_warmup):
    """Fill a job's record of a schedule, given the time for training and what the schedule has kept so far."""
    memory, hyper = numbers = _stacked((kept, schedule.hyper_vector(np.float64)))
    job.set(
        record,
        is_on=True,
        rate=schedule.compiled("rate", job.dtype),
        end_epoch=schedule.compiled("end_epoch", job.dtype),
        n_numbers=numbers.shape[1],
        memory=memory,
        hyper=hyper,
        warmup_epochs=min(schedule.warmup_epochs, _MOST_EPOCHS),
        warmup_start=schedule.warmup_start,
        t_warmup=t_warmup,
        follows_time=max_time is not None and schedule.has_horizon,
    )


def _set_factor_schedules(job, options, memory):
    """Fill a job's records of the schedules of dropout and of the decay of the weights, where there are some."""
    for name in FACTOR_SCHEDULES:
        schedule = getattr(options, name)
        if schedule is not None:
            *kept, t_warmup = memory.of_factor_schedule(name)
            _set_schedule(job, name, schedule, options.max_time, kept, int(t_warmup))
            job.array[0].update.follows_schedules = True
            job.use("follow_schedules")


def _stacked(vectors):
    """Return vectors of different lengths as the rows of a matrix, padded with zeros."""
    matrix = np.zeros((len(vectors), max(len(vector) for vector in vectors)))
    for row, values in zip(matrix, vectors, strict=True):
        row[: len(values)] = values
    return matrix
