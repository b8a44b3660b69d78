"""What the losses and the weights tell about training that has ended: questions behind errors and warnings."""

import numpy as np

from .._training import evaluation
from .._training.outcome import Ending
from .messages import MOST_TIMES_THE_TRAINING_LOSS
from .resolve import watches_loss

# L-BFGS has converged, not only ended, where so many iterations have lowered the loss by less than this share of it
_LAST_ITERATIONS, _HARDLY = 10, 0.01
_ENDED = 1e-3  # of its peak: below it, a schedule has ended


def is_complete(outcome, resolved):
    """Tell whether a limit, ``max_iter`` or ``max_time``, ended a fit as planned, or after an epoch of long before."""
    if outcome.ending not in (Ending.MAX_ITER, Ending.MAX_TIME):
        return False
    if resolved.given["early_stopping"] and outcome.best_epoch < outcome.n_iter - resolved.given["n_iter_no_change"]:
        return True
    return resolved.optimizer is not None and resolved.schedule.has_horizon


def passed_horizons(outcome, resolved, memory):
    """Return the parameters whose schedules ended before a call of ``partial_fit``, of which the user was not told yet.

    A floor of the user's own, at which training goes on, is no end.
    """
    if memory.epoch <= resolved.given["max_iter"]:
        return []
    ended = [name for name, factor in outcome.factors.items() if factor < _ENDED]
    rates = outcome.learning_rate_curve
    if resolved.schedule.has_horizon and rates and rates[-1] < _ENDED * resolved.options["learning_rate_init"]:
        ended.insert(0, "learning_rate")
    return [name for name in ended if name not in memory.told_of_horizon]


def is_sound(outcome, network, split):
    """Tell whether the weights to keep are finite and give the rows of X finite losses and predictions.

    The weights that training started from, kept where early stopping has found no better ones, need only be finite.
    """
    if outcome.validation_scores and not outcome.best_epoch:
        return bool(np.all(np.isfinite(outcome.theta)))
    rows = [split.train]
    if split.validation is not None and split.validation.source is split.train.source:
        rows.append(split.validation)
    try:
        return evaluation.is_sound(network, outcome.theta, rows, quickly=outcome.ending is Ending.INTERRUPTED)
    except KeyboardInterrupt:  # which costs no more than the look at the loss
        outcome.ending = Ending.INTERRUPTED
        return True


def unlike_losses(outcome, network, rows):
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
    loss = max(losses[:2]) if len(losses) > 1 else evaluation.mean_loss(network, outcome.theta, rows)
    return (validation_losses[0], loss) if most > loss else None


def scale_of_losses(resolved, inputs, rows):
    """Return the loss of the best constant prediction; None where ``tol`` is no amount of loss, or there is no such."""
    given = resolved.given
    if resolved.incremental or given["tol"] == 0 or not watches_loss(given["scoring"]):
        return None
    if inputs.targets.kind != "continuous":
        return None
    return evaluation.loss_of_best_constant(inputs.loss, rows)


def learnt_little_of_small_targets(outcome, network, rows, scale, given):
    """Tell whether ``tol`` is large beside the losses, and those of the weights to keep are near a constant's.

    Targets may be mostly noise. So where ``tol`` has not ended training, only a loss above a constant's tells. A
    constant target, of scale 0, is not learnt. Targets near 1 are not small, however large ``tol`` is.
    """
    if not scale or not scale < min(100 * given["tol"], 0.1) or outcome.ending in (Ending.INTERRUPTED, Ending.STOPPED):
        return False
    return evaluation.mean_loss(network, outcome.theta, rows) > (scale / 2 if _tol_has_ended(outcome, given) else scale)


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
