"""Fourth stage of a fit: training. Nothing below this file knows an estimator."""

import numpy as np

from .._training.evaluation import is_sound, loss_of_best_constant, mean_loss
from .._training.first_order import train_first_order
from .._training.lbfgs import train_lbfgs
from .._training.outcome import Ending
from .._training.problem import Observers, Options, Problem
from .fitted import weight_attributes, with_attributes
from .messages import MOST_TIMES_THE_TRAINING_LOSS, check_finite, check_scores, warn_user
from .resolve import watches_loss
from .scoring import EpochScorer
from .verbose import EpochLines

# L-BFGS has converged, not only ended, where so many iterations have lowered the loss by less than this share of it
_LAST_ITERATIONS, _HARDLY = 10, 0.01


def observe(estimator, split, attributes, task):
    """Return the :class:`Observers` of a fit.

    Parameters
    ----------
    estimator : BaseMLP
        Not changed.
    split : Split
    attributes : FittedAttributes
    task : FitTask or None
    """
    score = None
    if estimator.early_stopping and not watches_loss(estimator.scoring):
        view = with_attributes(estimator, **attributes.structure)

        def set_weights(view, theta):
            vars(view).update(weight_attributes(theta, attributes.layout))

        score = EpochScorer(view, set_weights, *split.scored, split.described)
    report = EpochLines(estimator.scoring) if estimator.verbose else None
    return Observers(score, report, None if task is None else task.epochs(attributes.of))


def train(resolved, inputs, split, observers):
    """Return the :class:`Outcome` of training.

    Parameters
    ----------
    resolved : Resolved
    inputs : Inputs
        Its ``theta`` and ``memory`` are overwritten.
    split : Split
    observers : Observers

    Raises
    ------
    ValueError
        For batches that contradict the solver or batch normalisation, and for training that diverged or had no finite
        score.
    KeyboardInterrupt
        If the user interrupts ``partial_fit``, which does not keep half an epoch.
    """
    given = resolved.given
    problem = Problem(inputs.network, inputs.theta, split.train, split.validation)
    scale = _scale_of_losses(resolved, inputs, split.train)
    relative = min(1.0, scale) if scale and given["early_stopping"] else 1.0
    options = Options(
        batch_size=_batch_size(given, split.train.indices.size),
        seed=inputs.seed,
        least_improvement=given["tol"] * relative,
        first_epoch=len(inputs.previous.get("loss_curve_") or ()),
        **resolved.options,
    )
    if resolved.optimizer is None:
        outcome = train_lbfgs(problem, options, int(given["max_fun"]), observers)
    else:
        outcome = train_first_order(problem, options, resolved.optimizer, resolved.schedule, inputs.memory, observers)
    if outcome.ending is Ending.MAX_ITER and _is_complete(outcome, resolved):
        outcome.ending = Ending.COMPLETED
    if options.incremental and _passes_horizon(outcome, resolved, inputs.memory):
        outcome.passes_horizon = inputs.memory.told_of_horizon = True
    sound = _is_sound(outcome, inputs.network, split)
    if options.incremental and outcome.ending is Ending.INTERRUPTED:
        raise KeyboardInterrupt
    if observers.tasks is not None:
        observers.tasks.close()
    check_finite(outcome, sound, given, resolved.to_standardise)
    if options.early_stopping:
        rows = split.described if observers.score is None else observers.score.rows
        check_scores(outcome, given["scoring"], rows, inputs.validation is not None)
    outcome.targets_are_small = _learnt_little_of_small_targets(outcome, inputs.network, split.train, scale, given)
    if inputs.validation is not None:
        outcome.unlike_losses = _unlike_losses(outcome, inputs.network, split.train)
    return outcome


def _unlike_losses(outcome, network, rows):
    """Return ``unlike_losses`` of :class:`Outcome`.

    The loss of an epoch is met before its updates, and the validation loss after them, when training may have exploded.
    So the loss of the second epoch has to be small, too, or the loss of the weights of an only epoch.
    """
    losses, validation_losses = outcome.loss_curve, outcome.validation_loss_curve
    if not validation_losses or outcome.ending is Ending.INTERRUPTED or not np.all(np.isfinite(losses)):
        return None
    most = validation_losses[0] / MOST_TIMES_THE_TRAINING_LOSS
    if not most > losses[0]:
        return None
    loss = max(losses[:2]) if len(losses) > 1 else mean_loss(network, outcome.theta, rows)
    return (validation_losses[0], loss) if most > loss else None


def _scale_of_losses(resolved, inputs, rows):
    """Return the loss of the best constant prediction; None where ``tol`` is no amount of loss, or there is no such."""
    given = resolved.given
    if resolved.incremental or given["tol"] == 0 or not watches_loss(given["scoring"]):
        return None
    if inputs.targets.kind != "continuous":
        return None
    return loss_of_best_constant(inputs.network.loss, rows)


def _learnt_little_of_small_targets(outcome, network, rows, scale, given):
    """Tell whether ``tol`` is large beside the losses, and those of the weights to keep are near a constant's.

    Targets may be mostly noise. So where ``tol`` has not ended training, only a loss above a constant's tells. A
    constant target, of scale 0, is not learnt. Targets near 1 are not small, however large ``tol`` is.
    """
    if not scale or not scale < min(100 * given["tol"], 0.1) or outcome.ending in (Ending.INTERRUPTED, Ending.STOPPED):
        return False
    return mean_loss(network, outcome.theta, rows) > (scale / 2 if _tol_has_ended(outcome, given) else scale)


def _tol_has_ended(outcome, given):
    """Tell whether ``tol`` has ended training, or early stopping has.

    It is the largest gradient component for L-BFGS, of which only the losses tell whether it is large here.
    """
    if given["early_stopping"]:
        return True
    if given["solver"] == "lbfgs" and len(outcome.loss_curve) > _LAST_ITERATIONS:
        before, last = outcome.loss_curve[-_LAST_ITERATIONS - 1], outcome.loss_curve[-1]
        if before - last < _HARDLY * last:
            return False
    return outcome.ending is Ending.CONVERGED


def _is_complete(outcome, resolved):
    """Tell whether a fit that ended with ``max_iter`` was meant to, or has kept an epoch of long before."""
    if resolved.given["early_stopping"] and outcome.best_epoch < outcome.n_iter - resolved.given["n_iter_no_change"]:
        return True
    return resolved.optimizer is not None and resolved.schedule.has_horizon


def _passes_horizon(outcome, resolved, memory):
    """Tell whether a call of ``partial_fit`` comes after the end of the schedule, of which the user was not told yet.

    A floor of the user's own, at which training goes on, is no end.
    """
    if not resolved.schedule.has_horizon or memory.told_of_horizon or memory.epoch <= resolved.given["max_iter"]:
        return False
    rates = outcome.learning_rate_curve
    return bool(rates) and rates[-1] < 1e-3 * resolved.options["learning_rate_init"]


def _is_sound(outcome, network, split):
    """Tell whether the weights to keep are finite and give the rows of X finite losses and predictions.

    The weights that training started from, kept where early stopping has found no better ones, need only be finite.
    """
    if outcome.validation_scores and not outcome.best_epoch:
        return bool(np.all(np.isfinite(outcome.theta)))
    rows = [split.train]
    if split.validation is not None and split.validation.source is split.train.source:
        rows.append(split.validation)
    try:
        return is_sound(network, outcome.theta, rows, quickly=outcome.ending is Ending.INTERRUPTED)
    except KeyboardInterrupt:  # which costs no more than the look at the loss
        outcome.ending = Ending.INTERRUPTED
        return True


def _batch_size(given, n_rows):
    """Return the rows per update; ValueError for a batch that contradicts the solver or batch normalisation."""
    size, solver = given["batch_size"], given["solver"]
    if solver == "lbfgs":
        return n_rows
    if size == "auto":
        size = {"gd": n_rows, "sgd": 1}.get(solver, 200) if isinstance(solver, str) else 200
    elif solver == "gd" and size < n_rows:
        raise ValueError(
            f"batch_size={size} contradicts solver='gd', which uses all {n_rows} samples for each update. Use "
            "solver='minibatch', or batch_size='auto'."
        )
    elif size > n_rows and solver != "gd":
        warn_user(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped: "
            f"batch_size={size} becomes {n_rows}, the number of rows to train on."
        )
    size = min(int(size), n_rows)
    if given["batch_norm"] and size < 2:
        raise ValueError(
            f"batch_norm=True needs batches of at least two rows, whose variance it takes, but "
            f"batch_size={given['batch_size']!r} with solver={solver!r} and n_samples={n_rows} gives batches of one. "
            "Use a larger batch_size, or batch_norm=False."
        )
    return size
