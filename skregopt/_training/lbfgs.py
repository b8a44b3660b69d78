"""Training with SciPy's L-BFGS-B on the compiled objective, all rows at once."""

import numpy as np
from scipy.optimize import minimize

from .._engine import loop
from .._engine.loop import CONVERGED
from .job import training_job
from .outcome import Ending, Outcome
from .slices import Slices
from .time_limit import TimeLimit


def train_lbfgs(problem, options, max_fun, observers):
    """Train with L-BFGS, all rows at once.

    SciPy's vector and the sums of losses are float64; products are in the working precision.

    Parameters
    ----------
    problem : Problem
        Without dropout, with a smooth penalty.
    options : Options
        It uses ``max_iter``, ``max_time``, ``tol`` (for the largest gradient component), ``n_iter_no_change`` and
        ``early_stopping``.
    max_fun : int
        Most evaluations of the objective.
    observers : Observers
        For them, each iteration counts as an epoch.

    Returns
    -------
    Outcome
    """
    return _LBFGSTraining(problem, options, max_fun, observers).run()


class _LBFGSTraining:
    """One fit with L-BFGS; parameters as in :func:`train_lbfgs`."""

    def __init__(self, problem, options, max_fun, observers):
        self.options, self.max_fun, self.observers = options, max_fun, observers
        self.validates = problem.validation is not None
        self.n_rows, self.total_weight = problem.train.indices.size, problem.train.total_weight
        self.job = training_job(problem, options, observers.score is not None)
        self.theta, self.grad = self.job.theta, self.job["update", "grad"]
        self.slices = Slices(options.n_threads, self.job)
        self.outcome = Outcome(self.theta)

    def run(self):
        """Minimise the objective; returns the :class:`Outcome`."""
        options, outcome = self.options, self.outcome
        accepted = self.theta.copy()
        # SciPy's default for the decrease of the objective at the default tol, tighter for a tighter tol
        decrease = max(2.2e-5 * options.tol, np.finfo(self.job.dtype).eps)
        limit = TimeLimit(options.max_time)

        def after_iteration(intermediate_result):
            accepted[:] = intermediate_result.x
            outcome.loss_curve.append(float(intermediate_result.fun))
            score = self._validate(accepted)
            if self.observers.report is not None:
                if self.observers.score is None:
                    score = outcome.validation_loss_curve[-1] if self.validates else None
                self.observers.report(len(outcome.loss_curve), outcome.loss_curve[-1], score)
            n_iter = len(outcome.loss_curve)
            if self.observers.tasks is not None and self.observers.tasks.end_epoch(
                lambda: self._outcome_so_far(accepted, n_iter)
            ):
                outcome.ending = Ending.STOPPED
            has_converged = self.job.progress["status"] == CONVERGED
            if outcome.ending is None and not has_converged and limit.is_over():
                outcome.ending = Ending.MAX_TIME
            if outcome.ending is not None or has_converged:
                raise StopIteration

        try:
            result = minimize(
                self._objective,
                self.theta.astype(np.float64),
                method="L-BFGS-B",
                jac=True,
                callback=after_iteration,
                options={
                    "maxiter": options.max_iter,
                    "maxfun": self.max_fun,
                    "gtol": options.tol,
                    "ftol": decrease,
                    "maxcor": _n_corrections(self.theta.size),
                },
            )
        except KeyboardInterrupt:
            outcome.ending = Ending.INTERRUPTED
            n_iter = len(outcome.loss_curve)
        else:
            accepted[:] = result.x
            stopped_early = self.job.progress["status"] == CONVERGED
            if outcome.ending is None:
                outcome.message = "" if stopped_early else str(result.message)
                converged = result.status == 0 or stopped_early
                outcome.ending = Ending.CONVERGED if converged else Ending.MAX_ITER
            if not outcome.loss_curve:
                outcome.loss_curve.append(float(result.fun))
            n_iter = int(result.nit)
        return self._outcome_so_far(accepted, n_iter)

    def _outcome_so_far(self, accepted, n_iter):
        theta = self.job["update", "best"] if self.options.early_stopping else accepted
        return self.outcome.so_far(theta, n_iter, self.job.progress)

    def _objective(self, vector):
        if self.observers.tasks is not None:
            self.observers.tasks.begin_epoch()
        self.theta[:] = vector
        total, start = 0.0, 0

        def add_gradient(n_tiles):
            nonlocal total, start
            before, stop = start, min(self.n_rows, start + n_tiles * self.job.tile_size)
            total += loop.add_gradient(self.theta, self.job.array, start, stop)
            start = stop
            return stop - before

        while start < self.n_rows:  # in slices, so that Ctrl-C is heard
            self.slices.run(add_gradient)
        penalty = loop.add_penalty(self.theta, self.grad, self.job.array)
        return total / self.total_weight + penalty, self.grad.astype(np.float64)

    def _validate(self, theta):
        """Record the validation loss after an iteration and count iterations without improvement."""
        if not self.validates:
            return None
        self.theta[:] = theta
        loss = loop.validation_loss(self.theta, self.job.array)
        self.outcome.validation_loss_curve.append(loss)
        if not self.options.early_stopping:
            return None
        score = -loss if self.observers.score is None else float(self.observers.score(theta, loss))
        self.outcome.validation_scores.append(score)
        self.job.progress["epoch"] += 1
        loop.finish_epoch(self.theta, self.job.array, score)
        return score


def _n_corrections(n_parameters):
    """Return how many past steps approximate the curvature.

    Thirty need fewer iterations than SciPy's ten on networks, and end closer together for problems that differ by
    rounding; ten where their memory, 16 bytes per step and parameter, would exceed 64 MiB.
    """
    return int(np.clip((1 << 22) // n_parameters, 10, 30))
