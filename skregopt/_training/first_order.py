"""The Python side of a fit: runs the compiled loop in blocks, scores, reports, and decides what is kept."""

import warnings
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from sklearn.exceptions import ConvergenceWarning

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
    RUNNING,
    SCORER,
    VALIDATION_COLUMN,
    VALIDATION_LOSS,
)
from .._engine.records import N_SCALARS, PROGRESS, SETTINGS, STATE, Record
from .._kernels.memory import aligned_copy, aligned_size, aligned_zeros
from .blocks import Crew

CURVE_CAPACITY = 256
N_MEMORY = 8  # float64 numbers that an optimizer and a schedule each may keep between updates
INTERRUPTED, STOPPED = "interrupted", "stopped by a callback"


@dataclass
class OptimizerMemory:
    """What ``partial_fit`` carries from call to call besides the weights."""

    rule: type
    slots: np.ndarray
    memory: np.ndarray
    schedule_memory: np.ndarray
    epoch: int = 0
    t: int = 0
    t_warmup: int = 0
    no_improvement: int = 0
    best_score: float = -np.inf
    # with averaged weights: the current weights, and the average that goes with them
    weights: np.ndarray = None
    average: np.ndarray = None

    @classmethod
    def new(cls, optimizer, n_parameters, dtype):
        """Return the memory of an optimizer that has not made a step."""
        slots = aligned_zeros((optimizer.n_slots, aligned_size(n_parameters, dtype)), dtype)
        return cls(type(optimizer), slots, np.zeros(N_MEMORY), np.zeros(N_MEMORY))

    def copy(self):
        """Return an independent copy, so that a call that fails leaves the original as it was."""
        return OptimizerMemory(
            self.rule,
            aligned_copy(self.slots),
            self.memory.copy(),
            self.schedule_memory.copy(),
            self.epoch,
            self.t,
            self.t_warmup,
            self.no_improvement,
            self.best_score,
            self.weights,
            self.average,
        )

    def fits(self, other):
        """Tell whether the state is of the same rule, size and precision."""
        same_slots = self.slots.shape == other.slots.shape and self.slots.dtype == other.slots.dtype
        return self.rule is other.rule and same_slots

    def current_weights(self, kept):
        """Return the weights to go on from: ``kept``, unless those are the average of others that are known."""
        if self.weights is None or not np.array_equal(self.average, kept):
            return kept
        return aligned_copy(self.weights)


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


@dataclass
class Outcome:
    """What a fit produced.

    Attributes
    ----------
    theta : ndarray
        Weights to keep.
    status : int or str
        CONVERGED, MAX_ITER, DIVERGED, INTERRUPTED, STOPPED or RUNNING (``partial_fit``).
    loss_curve, validation_loss_curve, learning_rate_curve, validation_scores : list of float
        One element per epoch.
    best_epoch : int
        1-based epoch of the best score; 0 if no epoch had a score better than none.
    """

    theta: np.ndarray
    status: object = RUNNING
    n_iter: int = 0
    loss_curve: list = field(default_factory=list)
    validation_loss_curve: list = field(default_factory=list)
    learning_rate_curve: list = field(default_factory=list)
    validation_scores: list = field(default_factory=list)
    best_epoch: int = 0
    best_score: float = -np.inf
    message: str = ""

    def so_far(self, theta, n_iter, progress):
        """Return a copy as if training had ended with these weights after ``n_iter`` epochs."""
        best_epoch, best_score = int(progress.best_epoch), float(progress.best_score)
        return replace(self, theta=theta, n_iter=n_iter, best_epoch=best_epoch, best_score=best_score)


@dataclass
class Options:
    """Settings of a first-order fit, see the estimators' parameters of the same names."""

    batch_size: int
    max_iter: int
    learning_rate_init: float
    tol: float
    n_iter_no_change: float
    shuffle: bool = True
    seed: int = 0
    first_epoch: int = 0
    early_stopping: bool = False
    stops: bool = True
    weight_decay: float = 0.0
    clip_norm: float = None
    max_norm: float = None
    ema_decay: float = None
    n_threads: int = 1


class FirstOrderTraining:
    """One fit with a first-order optimizer.

    Parameters
    ----------
    model : Model
    optimizer, schedule : components
    options : Options
    train : Rows
    validation : Rows or None
    theta : ndarray
        Starting weights; overwritten.
    memory : OptimizerMemory
        State to start from; overwritten.
    score : callable or None
        ``score(theta, validation_loss) -> float``, higher is better, where Python scores epochs.
    report : callable or None
        ``report(epoch, loss, score)`` for ``verbose``.
    tasks : FitTasks or None
        For callbacks; with them compiled code returns after each epoch.
    """

    def __init__(
        self,
        model,
        optimizer,
        schedule,
        options,
        train,
        validation,
        theta,
        memory,
        score=None,
        report=None,
        tasks=None,
    ):
        self.model = model
        self.options = options
        self.memory = memory
        self.score = score
        self.report = report
        self.tasks = tasks
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
            watch = VALIDATION_LOSS if self.score is None else SCORER
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
            "stops": options.stops,
            "keeps_best": options.early_stopping,
            "tol": options.tol,
            "n_iter_no_change": options.n_iter_no_change,
        }

    def run(self, until_epoch=None):
        """Train; returns the :class:`Outcome`.

        Parameters
        ----------
        until_epoch : int, optional
            Return when that many epochs, counted in the memory, are complete (``partial_fit``).
        """
        progress = self.progress[0]
        outcome = self.outcome
        curves = self.curves if until_epoch is None and self.tasks is None else self.curves[:1]

        def run_epochs(team, n_tiles):
            before = int(progress.t)
            compiled(loop.run_epochs, self.model.dtype)(
                self.theta, self.network.array, self.train.array, self.held_out.array, self.state.array,
                self.settings.array, self.progress, self.work.array, team, curves, n_tiles,
            )  # fmt: skip
            return int(progress.t) - before

        outcome.status = RUNNING
        try:
            while outcome.status not in (CONVERGED, MAX_ITER, DIVERGED, STOPPED):
                if until_epoch is not None and progress.epoch >= until_epoch:
                    break
                if self.tasks is not None:
                    self.tasks.begin_epoch()
                self.crew.run_block(run_epochs)
                n_new = self._record()
                outcome.status = int(progress.status)
                if n_new and self.tasks is not None:
                    diverged = outcome.status == DIVERGED
                    if self.tasks.end_epoch(None if diverged else self.outcome_so_far) and not diverged:
                        outcome.status = STOPPED
        except KeyboardInterrupt:
            self._record()
            outcome.status = INTERRUPTED
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
                    score = float(self.score(outcome.theta, values[VALIDATION_COLUMN]))
                    compiled(loop.finish_epoch, self.model.dtype)(
                        outcome.theta, self.state.array, self.settings.array, self.progress, score
                    )
                outcome.validation_scores.append(score)
            if self.validates:
                outcome.validation_loss_curve.append(values[VALIDATION_COLUMN])
            outcome.loss_curve.append(values[LOSS_COLUMN])
            outcome.learning_rate_curve.append(values[RATE_COLUMN])
            if self.report is not None:
                self.report(len(outcome.loss_curve), values[LOSS_COLUMN], score)
        return n_new


def advice_on_divergence(estimator):
    """Return what to do about training that diverged, as the end of a message."""
    lower = []
    if estimator.solver != "lbfgs":
        lower.append(f"learning_rate_init (it is {estimator.learning_rate_init!r})")
    # a sensible one is below 1; each update multiplies weights by about 1 - learning rate * alpha, or * weight_decay
    if estimator.penalty is not None and estimator.alpha >= 1:
        lower.append(f"alpha (it is {estimator.alpha!r})")
    if (estimator.weight_decay or 0) >= 1:
        lower.append(f"weight_decay (it is {estimator.weight_decay!r})")
    return f"Standardise {estimator._to_standardise}" + (f", or lower {' or '.join(lower)}" if lower else "")


def warn_about(estimator, outcome):
    """Warn, or print, why the training of an estimator ended, unless it simply converged."""
    if outcome.status == INTERRUPTED:
        warnings.warn("Training interrupted by user.", stacklevel=6)
        return
    losses = np.array(outcome.loss_curve)
    if estimator.early_stopping and not np.all(np.isfinite(losses)):
        epoch = int(np.argmax(~np.isfinite(losses))) + 1
        kept = f"epoch {outcome.best_epoch}" if outcome.best_epoch else "the starting point"
        warnings.warn(
            f"Training diverged in epoch {epoch}; {kept} is kept. {advice_on_divergence(estimator)}.",
            ConvergenceWarning,
            stacklevel=6,
        )
    elif outcome.status == MAX_ITER and estimator.solver == "lbfgs":
        warnings.warn(
            f"lbfgs failed to converge after {outcome.n_iter} iteration(s) ({outcome.message}). Increase max_iter "
            f"({estimator.max_iter}) or max_fun ({estimator.max_fun}), or standardise the features.",
            ConvergenceWarning,
            stacklevel=6,
        )
    elif outcome.status == MAX_ITER:
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the optimization hasn't "
            "converged yet.",
            ConvergenceWarning,
            stacklevel=6,
        )
    elif estimator.verbose and outcome.status == STOPPED:
        print("A callback asked to stop. Stopping.")
    elif estimator.verbose and estimator.solver != "lbfgs":
        watched = "Validation score" if estimator.early_stopping else "Training loss"
        print(
            f"{watched} did not improve more than tol={estimator.tol:f} for {estimator.n_iter_no_change} "
            "consecutive epochs. Stopping."
        )
