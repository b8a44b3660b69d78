"""Training with a first-order optimizer: runs the compiled loop in slices, scores, reports, decides what is kept."""

import numpy as np

from .._engine import loop
from .._engine.loop import (
    CONVERGED,
    DIVERGED,
    EPOCH_TO_SCORE,
    LOSS_COLUMN,
    MAX_ITER,
    RATE_COLUMN,
    VALIDATION_COLUMN,
)
from .interruption import check_interruption
from .job import training_job
from .memory import FACTOR_SCHEDULES, N_MEMORY
from .outcome import Ending, Outcome
from .slices import Slices
from .time_limit import EpochsInTime

CURVE_CAPACITY = 256
_ENDINGS = {CONVERGED: Ending.CONVERGED, MAX_ITER: Ending.MAX_ITER, DIVERGED: Ending.DIVERGED}


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
        self.options, self.memory, self.observers = options, memory, observers
        self.validates = problem.validation is not None
        self.job = training_job(problem, options, observers.score is not None, optimizer, schedule, memory)
        self.slices = Slices(options.n_threads, self.job, options.max_time)
        self.outcome = Outcome(self.job["update", "kept"])
        self.curves = np.empty((CURVE_CAPACITY, 3))

    def run(self):
        """Train; returns the :class:`Outcome`."""
        job, memory, progress = self.job, self.memory, self.job.progress
        outcome, tasks = self.outcome, self.observers.tasks
        epoch_by_epoch = self.options.incremental or tasks is not None
        capacity = 1 if epoch_by_epoch else CURVE_CAPACITY
        last_epoch = memory.epoch + 1 if self.options.incremental else None
        epochs_in_time = None if self.options.max_time is None else EpochsInTime(self.options.max_time, job)

        def run_epochs(n_tiles):
            check_interruption()
            before = int(progress["t"])
            n_epochs = capacity if epochs_in_time is None else min(capacity, epochs_in_time.plan())
            loop.run_epochs(job.theta, job.array, self.curves[:n_epochs], n_tiles)
            return int(progress["t"]) - before

        try:
            while outcome.ending is None:
                if progress["epoch"] == last_epoch:
                    outcome.ending = Ending.INCREMENT
                    break
                if tasks is not None:
                    tasks.begin_epoch()
                self.slices.run(run_epochs)
                n_new = self._record()
                outcome.ending = _ENDINGS.get(int(progress["status"]))
                if outcome.ending is None and epochs_in_time is not None and epochs_in_time.are_over():
                    outcome.ending = Ending.MAX_TIME
                if n_new and tasks is not None:
                    diverged = outcome.ending is Ending.DIVERGED
                    if tasks.end_epoch(None if diverged else self.outcome_so_far) and not diverged:
                        outcome.ending = Ending.STOPPED
        except KeyboardInterrupt:
            self._record()
            outcome.ending = Ending.INTERRUPTED
        outcome = self.outcome_so_far()
        memory.epoch, memory.t = int(progress["epoch"]), int(progress["t"])
        memory.no_improvement, memory.best_score = int(progress["no_improvement"]), float(progress["best_score"])
        if self.options.ema_decay is not None:
            memory.weights, memory.average = job.theta, outcome.theta.copy()
        memory.memory = job["update", "memory"][:, :N_MEMORY].copy()
        memory.schedule_memory[:] = job["learning_rate", "memory"][:N_MEMORY]
        memory.t_warmup = int(job.array["learning_rate"]["t_warmup"][0])
        update = job.array["update"][0]
        last = float(update["dropout_factor"]), float(update["weight_decay"]) / (self.options.weight_decay or 1.0)
        for name, factor in zip(FACTOR_SCHEDULES, last, strict=True):
            if getattr(self.options, name) is not None:
                numbers = np.append(job[name, "memory"][:N_MEMORY], job.array[name]["t_warmup"])
                memory.factor_schedules[name] = numbers
                outcome.factors[name] = factor
        return outcome

    def outcome_so_far(self):
        """Return the outcome if training ended after the last epoch."""
        theta = self.job["update", "best"] if self.options.early_stopping else self.outcome.theta
        return self.outcome.so_far(theta, len(self.outcome.loss_curve), self.job.progress)

    def _record(self):
        """Move the curves of the last slice to the outcome, score the epoch if Python has to, and report.

        Returns the number of epochs. Raises ValueError for a factor of a schedule outside [0, 1].
        """
        self._check_factors()
        progress, outcome = self.job.progress, self.outcome
        n_new, progress["n_curve"] = int(progress["n_curve"]), 0
        for values in self.curves[:n_new].tolist():
            score = None
            if self.options.early_stopping:
                score = -values[VALIDATION_COLUMN]
                if progress["status"] == EPOCH_TO_SCORE:
                    score = float(self.observers.score(outcome.theta, values[VALIDATION_COLUMN]))
                    loop.finish_epoch(outcome.theta, self.job.array, score)
                outcome.validation_scores.append(score)
            if self.validates:
                outcome.validation_loss_curve.append(values[VALIDATION_COLUMN])
            outcome.loss_curve.append(values[LOSS_COLUMN])
            outcome.learning_rate_curve.append(values[RATE_COLUMN])
            if self.observers.report is not None:
                shown = score
                if self.observers.score is None:
                    shown = values[VALIDATION_COLUMN] if self.validates else None
                self.observers.report(len(outcome.loss_curve), values[LOSS_COLUMN], shown, values[RATE_COLUMN])
        return n_new

    def _check_factors(self):
        """Raise ValueError if a schedule of dropout or of weight decay has given a factor outside [0, 1]."""
        for name in FACTOR_SCHEDULES:
            schedule = getattr(self.options, name)
            refused = 0.0 if schedule is None else float(self.job.array[name]["refused"][0])
            if refused != 0.0:
                raise ValueError(
                    f"{name}={schedule!r} gave the factor {refused:.6g}, but a factor must be in [0, 1]. Let rate of "
                    f"{type(schedule).__name__} return at least 0 and at most the peak that it is given, or leave "
                    f"{name} at its default, None."
                )
