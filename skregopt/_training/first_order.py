"""The Python side of a fit: runs the compiled loop in blocks, scores, reports, and decides what is kept."""

from itertools import pairwise

import numpy as np

from .._engine import loop, update, workspace
from .._engine.declarations import compiled, compiled_pass
from .._engine.loop import (
    CONVERGED,
    DIVERGED,
    EPOCH_TO_SCORE,
    LOSS_COLUMN,
    MAX_ITER,
    OBJECTIVE,
    RATE_COLUMN,
    SCORER,
    VALIDATION_COLUMN,
    VALIDATION_LOSS,
)
from .._engine.records import N_SCALARS, PROGRESS, SETTINGS, STATE, Record
from .._kernels.memory import aligned_copy, aligned_zeros
from .blocks import Crew
from .memory import N_MEMORY
from .outcome import Ending, Outcome

CURVE_CAPACITY = 256
_ENDINGS = {CONVERGED: Ending.CONVERGED, MAX_ITER: Ending.MAX_ITER, DIVERGED: Ending.DIVERGED}


def new_state(theta, kept, layout, memory, optimizer, schedule, options, tile_size, computes_gradient=False):
    """Return the record of what an update changes.

    The numbers of ``memory`` are copied, its slots shared. Without an optimizer (None) no update can be made. With
    ``computes_gradient`` an update computes the gradient where it uses it: then a tile has to be the whole batch.
    """
    dtype = theta.dtype
    kernels = {}
    units = layout.units.tolist()
    n_step_sizes, n_scratch = max(update.CHUNK, *units[1:]), 0
    if optimizer is not None and "step_matrix" in optimizer.signatures and len(units) > 2:
        kernels["step_matrix"] = optimizer.compiled("step_matrix", dtype)
        largest = max(fan_in * fan_out for fan_in, fan_out in pairwise(units[:-1]))
        n_step_sizes, n_scratch = max(n_step_sizes, largest), 4 * largest
    if optimizer is not None:
        kernels["prepare"], kernels["step"] = (optimizer.compiled(name, dtype) for name in ("prepare", "step"))
        kernels["rate"] = schedule.compiled("rate", dtype)
        kernels["update_pieces"] = compiled_pass("update_pieces", dtype)
    if not computes_gradient:
        kernels["gradient_of_piece"] = compiled_pass("gradient_of_piece", dtype)
    around = {
        "clip_gradient": options.clip_norm,
        "limit_norms": options.max_norm,
        "average_weights": options.ema_decay,
    }
    for name, value in around.items():
        if value is not None:
            kernels[name] = compiled_pass(name, dtype)
    numbers = workspace.stacked(
        (
            memory.memory,
            memory.schedule_memory,
            optimizer.hyper_vector(np.float64) if optimizer is not None else (),
            schedule.hyper_vector(np.float64),
        ),
        np.float64,
    )
    pieces = update.pieces(layout, tile_size, by_matrix="step_matrix" in kernels)
    return Record(
        STATE,
        computes_gradient=computes_gradient,
        n_pieces=len(pieces),
        pieces=pieces,
        grad=aligned_zeros(theta.size, dtype),
        kept=kept,
        best=aligned_copy(kept) if options.early_stopping else theta[:0],
        n_slots=memory.slots.shape[0],
        slot_stride=memory.slots.shape[1],
        slots=memory.slots,
        end_epoch=schedule.compiled("end_epoch", dtype),
        n_numbers=numbers.shape[1],
        memory=numbers[0],
        schedule_memory=numbers[1],
        hyper=numbers[2],
        schedule_hyper=numbers[3],
        scalars=aligned_zeros(N_SCALARS, dtype),
        n_step_sizes=n_step_sizes,
        step_size=aligned_zeros(n_step_sizes, dtype),
        n_scratch=n_scratch,
        scratch=aligned_zeros(n_scratch, dtype),
        matrix_hyper=numbers[2].astype(dtype),
        **kernels,
    )


def train_first_order(problem, options, optimizer, schedule, memory, observers):
    """Train with a first-order optimizer.

    Parameters
    ----------
    problem : Problem
    options : Options
    optimizer, schedule : components
    memory : OptimizerMemory
        State to start from; overwritten.
    observers : Observers

    Returns
    -------
    Outcome
    """
    return _FirstOrderTraining(problem, options, optimizer, schedule, memory, observers).run()


class _FirstOrderTraining:
    """One fit with a first-order optimizer; parameters as in :func:`train_first_order`."""

    def __init__(self, problem, options, optimizer, schedule, memory, observers):
        model, theta, train, validation = problem.network, problem.theta, problem.train, problem.validation
        self.model = model
        self.options = options
        self.memory = memory
        self.observers = observers
        self.validates = validation is not None
        self.theta = memory.current_weights(theta)
        kept = theta if options.ema_decay is not None else self.theta
        if kept is self.theta and options.ema_decay is not None:
            kept = aligned_copy(theta)
        self.outcome = Outcome(kept)
        dtype = model.dtype
        held_out = validation if self.validates else train
        units = model.layout.units.tolist()
        all_sparse = train.source.is_sparse and not self.validates
        tile_size = workspace.tile_rows(units, options.batch_size, all_sparse, model.layout.batch_norm)
        proximal = not model.penalty.is_smooth and model.alpha > 0
        # the norm of a gradient is known when all of it is
        one_tile = options.batch_size <= tile_size and not train.source.is_sparse
        computes_gradient = one_tile and options.clip_norm is None
        self.settings = Record(SETTINGS, **self._settings(options, schedule, proximal))
        self.progress = np.zeros(1, dtype=PROGRESS)
        progress = self.progress[0]
        progress.epoch, progress.t, progress.t_warmup = memory.epoch, memory.t, memory.t_warmup
        progress.no_improvement, progress.best_score = memory.no_improvement, memory.best_score
        uses = {"backward": True, "prox": proximal, "validation": self.validates}
        is_sparse = train.source.is_sparse or held_out.source.is_sparse
        self.network = model.record(is_sparse, *(name for name, used in uses.items() if used))
        self.train, self.held_out = train.record(dtype), held_out.record(dtype)
        self.state = new_state(
            self.theta, kept, model.layout, memory, optimizer, schedule, options, tile_size, computes_gradient
        )
        self.work = workspace.new_workspace(
            units,
            dtype,
            tile_size,
            [(rows.source, rows.indices) for rows in (train, held_out)],
            n_rows=train.indices.size,
            n_targets=train.y.shape[1],
            n_weights=max(train.weights.shape[1], held_out.weights.shape[1]),
        )
        self.crew = Crew(
            options.n_threads, model, self.theta, self.network, self.train, self.state, self.settings, self.work
        )
        self.curves = np.empty((CURVE_CAPACITY, 3))

    def _settings(self, options, schedule, proximal):
        watch = OBJECTIVE
        if options.early_stopping:
            watch = VALIDATION_LOSS if self.observers.score is None else SCORER
        return {
            "seed": options.seed,
            "first_epoch": options.first_epoch - self.memory.epoch,
            "max_iter": options.max_iter,
            "batch_size": options.batch_size,
            "shuffle": options.shuffle,
            "proximal": proximal,
            "learning_rate_init": options.learning_rate_init,
            "warmup_epochs": min(schedule.warmup_epochs, np.iinfo(np.int64).max),
            "warmup_start": schedule.warmup_start,
            "weight_decay": options.weight_decay,
            "clip_norm": options.clip_norm or 0.0,
            "max_norm": options.max_norm or 0.0,
            "ema_decay": options.ema_decay or 0.0,
            "validates": self.validates,
            "watch": watch,
            "stops": not options.incremental,
            "keeps_best": options.early_stopping,
            "tol": options.tol,
            "n_iter_no_change": options.n_iter_no_change,
        }

    def run(self):
        """Train; returns the :class:`Outcome`."""
        progress = self.progress[0]
        outcome, tasks = self.outcome, self.observers.tasks
        epoch_by_epoch = self.options.incremental or tasks is not None
        curves = self.curves[:1] if epoch_by_epoch else self.curves
        last_epoch = self.memory.epoch + 1 if self.options.incremental else None

        def run_epochs(team, n_tiles):
            before = int(progress.t)
            compiled(loop.run_epochs, self.model.dtype)(
                self.theta, self.network.array, self.train.array, self.held_out.array, self.state.array,
                self.settings.array, self.progress, self.work.array, team, curves, n_tiles,
            )  # fmt: skip
            return int(progress.t) - before

        try:
            while outcome.ending is None:
                if progress.epoch == last_epoch:
                    outcome.ending = Ending.INCREMENT
                    break
                if tasks is not None:
                    tasks.begin_epoch()
                self.crew.run_block(run_epochs)
                n_new = self._record()
                outcome.ending = _ENDINGS.get(int(progress.status))
                if n_new and tasks is not None:
                    diverged = outcome.ending is Ending.DIVERGED
                    if tasks.end_epoch(None if diverged else self.outcome_so_far) and not diverged:
                        outcome.ending = Ending.STOPPED
        except KeyboardInterrupt:
            self._record()
            outcome.ending = Ending.INTERRUPTED
        outcome = self.outcome_so_far()
        self.memory.epoch, self.memory.t = int(progress.epoch), int(progress.t)
        self.memory.t_warmup = int(progress.t_warmup)
        self.memory.no_improvement = int(progress.no_improvement)
        self.memory.best_score = float(progress.best_score)
        if self.options.ema_decay is not None:
            self.memory.weights, self.memory.average = self.theta, outcome.theta.copy()
        self.memory.memory[:] = self.state["memory"][:N_MEMORY]
        self.memory.schedule_memory[:] = self.state["schedule_memory"][:N_MEMORY]
        return outcome

    def outcome_so_far(self):
        """Return the outcome if training ended after the last epoch."""
        theta = self.state["best"] if self.options.early_stopping else self.outcome.theta
        return self.outcome.so_far(theta, len(self.outcome.loss_curve), self.progress[0])

    def _record(self):
        """Move the curves of the last block to the outcome, score the epoch if Python has to, and report.

        Returns the number of epochs.
        """
        progress, outcome = self.progress[0], self.outcome
        n_new, progress.n_curve = int(progress.n_curve), 0
        for values in self.curves[:n_new].tolist():
            score = None
            if self.options.early_stopping:
                score = -values[VALIDATION_COLUMN]
                if progress.status == EPOCH_TO_SCORE:
                    score = float(self.observers.score(outcome.theta, values[VALIDATION_COLUMN]))
                    compiled(loop.finish_epoch, self.model.dtype)(
                        outcome.theta, self.state.array, self.settings.array, self.progress, score
                    )
                outcome.validation_scores.append(score)
            if self.validates:
                outcome.validation_loss_curve.append(values[VALIDATION_COLUMN])
            outcome.loss_curve.append(values[LOSS_COLUMN])
            outcome.learning_rate_curve.append(values[RATE_COLUMN])
            if self.observers.report is not None:
                self.observers.report(len(outcome.loss_curve), values[LOSS_COLUMN], score)
        return n_new
