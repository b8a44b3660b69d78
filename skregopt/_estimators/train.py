"""Fifth stage of a fit: training. Nothing below this file knows an estimator."""

from .._training.first_order import train_first_order
from .._training.lbfgs import train_lbfgs
from .._training.outcome import Ending
from .._training.problem import Observers, Options, Problem
from .diagnosis import (
    is_complete,
    is_sound,
    learnt_little_of_small_targets,
    passed_horizons,
    scale_of_losses,
    unlike_losses,
)
from .fitted import weight_attributes, with_attributes
from .messages import check_finite, check_scores, warn_user
from .resolve import watches_loss
from .scoring import EpochScorer
from .verbose import EpochLines


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


def train(resolved, inputs, split, beginning, observers):
    """Return the :class:`Outcome` of training.

    Parameters
    ----------
    resolved : Resolved
    inputs : Inputs
    split : Split
    beginning : Beginning
        Its ``theta`` and ``memory`` are overwritten.
    observers : Observers

    Raises
    ------
    ValueError
        For batches that contradict the solver or batch normalisation, and for training that diverged or had no finite
        score.
    KeyboardInterrupt
        If the user interrupts ``partial_fit``, which does not keep half an epoch.
    """
    given, network, memory = resolved.given, beginning.network, beginning.memory
    problem = Problem(network, beginning.theta, split.train, split.validation)
    scale = scale_of_losses(resolved, inputs, split.train)
    relative = min(1.0, scale) if scale and given["early_stopping"] else 1.0
    options = Options(
        batch_size=_batch_size(given, network, split.train.indices.size),
        seed=inputs.seed,
        least_improvement=given["tol"] * relative,
        first_epoch=len(inputs.previous.get("loss_curve_") or ()),
        **resolved.options,
    )
    if resolved.optimizer is None:
        outcome = train_lbfgs(problem, options, int(given["max_fun"]), observers)
    else:
        outcome = train_first_order(problem, options, resolved.optimizer, resolved.schedule, memory, observers)
    outcome.is_complete = is_complete(outcome, resolved)
    if options.incremental:
        outcome.passed_horizons = passed_horizons(outcome, resolved, memory)
        memory.told_of_horizon = (*memory.told_of_horizon, *outcome.passed_horizons)
    sound = is_sound(outcome, network, split)
    if options.incremental and outcome.ending is Ending.INTERRUPTED:
        raise KeyboardInterrupt
    if observers.tasks is not None:
        observers.tasks.close()
    check_finite(outcome, sound, given, resolved.to_standardise)
    if options.early_stopping:
        rows = split.described if observers.score is None else observers.score.rows
        check_scores(outcome, given["scoring"], rows, inputs.validation is not None)
    outcome.targets_are_small = learnt_little_of_small_targets(outcome, network, split.train, scale, given)
    if inputs.validation is not None:
        outcome.unlike_losses = unlike_losses(outcome, network, split.train)
    return outcome


def _batch_size(given, network, n_rows):
    """Return the rows per update; ValueError for a batch that contradicts the solver or a normalisation over rows."""
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
    if network.needs_whole_batch and size < 2:
        parameter = network.normalisation.name
        raise ValueError(
            f"{parameter}=True needs batches of at least two rows, whose variance it takes, but "
            f"batch_size={given['batch_size']!r} with solver={solver!r} and n_samples={n_rows} gives batches of one. "
            f"Use a larger batch_size, or {parameter}=False."
        )
    return size
