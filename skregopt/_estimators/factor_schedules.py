"""Schedules that multiply other rates than the learning rate: those of dropout, and the decay of the weights."""

from .._training.memory import FACTOR_SCHEDULES
from ..schedules import SCHEDULES, Schedule
from .constraints import with_horizon


def factor_schedules(estimator, dropout, weight_decay):
    """Return the schedules of dropout and of weight decay by the names of their parameters, None where there is none.

    Parameters
    ----------
    estimator : BaseMLP
        L-BFGS has refused them.
    dropout : tuple of float
        Rate of each hidden layer.
    weight_decay : float
        What None for it amounts to.

    Returns
    -------
    dict of str to Schedule or None

    Raises
    ------
    InvalidParameterError
        If a parameter of an instance is outside its domain.
    ValueError
        For a schedule without an end or with a floor above its peak of 1, and for one that has nothing to multiply.
    """
    found = {name: _built(name, getattr(estimator, name)) for name in FACTOR_SCHEDULES}
    if found["dropout_schedule"] is not None and not any(dropout) and not estimator.input_dropout:
        raise ValueError(
            f"dropout_schedule={estimator.dropout_schedule!r} has no effect with dropout={estimator.dropout!r} and "
            f"input_dropout={estimator.input_dropout!r}. Set one of them above 0, or leave dropout_schedule at its "
            "default, None."
        )
    if found["weight_decay_schedule"] is not None and not weight_decay:
        meaning = f", which is 0 for solver={estimator.solver!r}" if estimator.weight_decay is None else ""
        raise ValueError(
            f"weight_decay_schedule={estimator.weight_decay_schedule!r} has no effect with weight_decay="
            f"{estimator.weight_decay!r}{meaning}. Set weight_decay above 0, or leave weight_decay_schedule at its "
            "default, None."
        )
    return found


def _built(name, given):
    """Return the schedule that a parameter stands for, with a peak of 1; None for None."""
    if given is None:
        return None
    names = ", ".join(map(repr, with_horizon()))
    schedule = SCHEDULES[given]() if isinstance(given, str) and given in SCHEDULES else given
    if not isinstance(schedule, Schedule):  # where scikit-learn is told not to validate parameters
        raise ValueError(f"{name} must be None, one of {names}, or an instance of Schedule, got {given!r}.")
    schedule._validate_params()
    if not schedule.has_horizon:
        raise ValueError(
            f"{name}={given!r} has no end, but it has to span max_iter epochs. Use {names}, an instance of one of them "
            f"or a Warmup in front of one, or leave {name} at its default, None."
        )
    if getattr(schedule, "floor", 0.0) > 1:
        raise ValueError(
            f"{name}={given!r} has a floor above 1, the peak of a factor. Lower floor, or leave {name} at its default, "
            "None."
        )
    return schedule
