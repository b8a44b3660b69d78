"""Training with SciPy's L-BFGS-B on the compiled objective, all rows at once."""

import numpy as np
from scipy.optimize import minimize

from .._engine import loop, workspace
from .._engine.declarations import compiled
from .._engine.loop import CONVERGED, SCORER, VALIDATION_LOSS
from .._engine.records import PROGRESS, SETTINGS, Record
from ..schedules import Constant
from .blocks import Crew
from .first_order import new_state
from .memory import OptimizerMemory
from .outcome import Ending, Outcome


def train_lbfgs(problem, options, max_fun, observers):
    """Train with L-BFGS, all rows at once.

    SciPy's vector and the sums of losses are float64; products are in the working precision.

    Parameters
    ----------
    problem : Problem
        Without dropout, with a smooth penalty.
    options : Options
        ``max_iter``, ``tol`` (on the largest gradient component), ``n_iter_no_change`` and ``early_stopping`` count.
    max_fun : int
        Most evaluations of the objective.
    observers : Observers
        To whom an iteration is an epoch.

    Returns
    -------
    Outcome
    """
    return _LBFGSTraining(problem, options, max_fun, observers).run()


class _LBFGSTraining:
    """One fit with L-BFGS; parameters as in :func:`train_lbfgs`."""

    def __init__(self, problem, options, max_fun, observers):
        self.model, self.options, self.max_fun, self.observers = problem.network, options, max_fun, observers
        model, theta, train, validation = problem.network, problem.theta, problem.train, problem.validation
        self.validates = validation is not None
        held_out = validation if self.validates else train
        dtype = model.dtype
        self.theta = theta
        self.n_rows, self.total_weight = train.indices.size, train.total_weight
        is_sparse = train.source.is_sparse or held_out.source.is_sparse
        self.network = model.record(is_sparse, "backward", *["validation"] * self.validates)
        self.train, self.held_out = train.record(dtype), held_out.record(dtype)
        sources = [(rows.source, rows.indices) for rows in (train, held_out)]
        units = model.layout.units.tolist()
        self.tile_size = workspace.tile_rows(units, self.n_rows, all(source.is_sparse for source, _ in sources))
        self.settings = Record(
            SETTINGS,
            max_iter=np.iinfo(np.int64).max,  # SciPy counts iterations
            stops=options.early_stopping,
            keeps_best=options.early_stopping,
            watch=VALIDATION_LOSS if observers.score is None else SCORER,
            tol=options.tol,
            n_iter_no_change=options.n_iter_no_change,
        )
        self.progress = np.zeros(1, dtype=PROGRESS)
        self.progress[0].best_score = -np.inf
        # of the state, the gradient, the best weights and the (constant) schedule's end of an epoch are used
        nothing = OptimizerMemory(None, np.zeros((0, 0), dtype=dtype), np.zeros(1), np.zeros(1))
        self.state = new_state(theta, theta, model.layout, nothing, None, Constant(), options, self.tile_size)
        self.grad = self.state["grad"]
        self.work = workspace.new_workspace(
            units, dtype, self.tile_size, sources,
            n_targets=train.y.shape[1],
            n_weights=max(train.weights.shape[1], held_out.weights.shape[1]),
        )  # fmt: skip
        self.crew = Crew(
            options.n_threads, model, self.theta, self.network, self.train, self.state, self.settings, self.work
        )
        self.outcome = Outcome(theta)

    def run(self):
        """Minimise the objective; returns the :class:`Outcome`."""
        options, outcome = self.options, self.outcome
        accepted = self.theta.copy()
        # SciPy's default for the decrease of the objective at the default tol, tighter for a tighter tol
        decrease = max(2.2e-5 * options.tol, np.finfo(self.model.dtype).eps)

        def after_iteration(intermediate_result):
            accepted[:] = intermediate_result.x
            outcome.loss_curve.append(float(intermediate_result.fun))
            score = self._validate(accepted)
            if self.observers.report is not None:
                self.observers.report(len(outcome.loss_curve), outcome.loss_curve[-1], score)
            n_iter = len(outcome.loss_curve)
            if self.observers.tasks is not None and self.observers.tasks.end_epoch(
                lambda: self._outcome_so_far(accepted, n_iter)
            ):
                outcome.ending = Ending.STOPPED
            if outcome.ending is Ending.STOPPED or self.progress[0].status == CONVERGED:
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
            outcome.message = str(result.message)
            stopped_early = self.progress[0].status == CONVERGED
            if outcome.ending is not Ending.STOPPED:
                converged = result.status == 0 or stopped_early
                outcome.ending = Ending.CONVERGED if converged else Ending.MAX_ITER
            if not outcome.loss_curve:
                outcome.loss_curve.append(float(result.fun))
            n_iter = int(result.nit)
        return self._outcome_so_far(accepted, n_iter)

    def _outcome_so_far(self, accepted, n_iter):
        return self.outcome.so_far(
            self.state["best"] if self.options.early_stopping else accepted, n_iter, self.progress[0]
        )

    def _objective(self, vector):
        if self.observers.tasks is not None:
            self.observers.tasks.begin_epoch()
        self.theta[:] = vector
        total, start = 0.0, 0

        def add_gradient(team, n_tiles):
            nonlocal total, start
            before, stop = start, min(self.n_rows, start + n_tiles * self.tile_size)
            total += compiled(loop.add_gradient, self.model.dtype)(
                self.theta, self.network.array, self.train.array, self.state.array, self.settings.array,
                self.work.array, team, start, stop,
            )  # fmt: skip
            start = stop
            return stop - before

        while start < self.n_rows:  # in blocks, so that Ctrl-C is heard
            self.crew.run_block(add_gradient)
        penalty = compiled(loop.add_penalty, self.model.dtype)(self.theta, self.grad, self.network.array)
        return total / self.total_weight + penalty, self.grad.astype(np.float64)

    def _validate(self, theta):
        """Record the validation loss after an iteration and count iterations without improvement."""
        if not self.validates:
            return None
        self.theta[:] = theta
        loss = compiled(loop.validation_loss, self.model.dtype)(
            self.theta, self.network.array, self.held_out.array, self.work.array
        )
        self.outcome.validation_loss_curve.append(loss)
        if not self.options.early_stopping:
            return None
        score = -loss if self.observers.score is None else float(self.observers.score(theta, loss))
        self.outcome.validation_scores.append(score)
        self.progress[0].epoch += 1
        compiled(loop.finish_epoch, self.model.dtype)(
            self.theta, self.state.array, self.settings.array, self.progress, score
        )
        return score


def _n_corrections(n_parameters):
    """Return how many past steps approximate the curvature.

    Thirty need fewer iterations than SciPy's ten on networks, and end closer together for problems that differ by
    rounding; ten where their memory, 16 bytes per step and parameter, would exceed 64 MiB.
    """
    return int(np.clip((1 << 22) // n_parameters, 10, 30))
