"""Linear warm-up in front of another schedule."""

from __future__ import annotations

from numbers import Integral, Real

from .. import schedules  # for the registry, which is complete only after this file has been imported
from .._kernels.component import Component, inner_component
from .._kernels.sklearn_internals import Interval
from ._family import Schedule


class Warmup(Schedule):
    """Linear warm-up in front of another schedule.

    During ``n_epochs`` epochs the rate rises from ``start_factor`` times ``learning_rate_init`` to
    ``learning_rate_init``, by the same amount with every update. Then the other schedule begins as if training did,
    with ``max_iter - n_epochs`` epochs to go. PyTorch's ``SequentialLR`` of ``LinearLR``, stepped with every update,
    and the other schedule.

    Parameters
    ----------
    schedule : str or Schedule, default='constant'
        Name or instance of the schedule that follows.
    n_epochs : int >= 1, default=5
        Length of the warm-up.
    start_factor : float in (0, 1], default=1/3
        Share of the peak at the first update, PyTorch's default.

    Examples
    --------
    >>> from skregopt.schedules import Warmup
    >>> Warmup("cosine", n_epochs=3).schedule
    'cosine'
    """

    _parameter_constraints = {
        "schedule": [str, Schedule],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "start_factor": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(
        self,
        schedule: str | Schedule = "constant",
        n_epochs: int = 5,
        start_factor: float = 1.0 / 3.0,
    ) -> None:
        self.schedule = schedule
        self.n_epochs = n_epochs
        self.start_factor = start_factor

    @property
    def flat_parameters(self) -> tuple[str, ...]:
        """Flat parameters of the schedule that follows."""
        rule = schedules.SCHEDULES.get(self.schedule) if isinstance(self.schedule, str) else self.schedule
        return getattr(rule, "flat_parameters", ())

    @property
    def floor(self) -> float:
        """Lowest rate of the schedule that follows."""
        return getattr(self._following(), "floor", 0.0)

    @property
    def has_horizon(self) -> bool:
        """Whether the schedule that follows ends after ``max_iter`` epochs."""
        return self._following().has_horizon

    @property
    def falls_when_exhausted(self) -> bool:
        """Whether the schedule that follows falls where training would stop."""
        return self._following().falls_when_exhausted

    @property
    def warmup_epochs(self) -> int:
        """Length of the warm-up."""
        return self.n_epochs

    @property
    def warmup_start(self) -> float:
        """Share of the peak at the first update."""
        return self.start_factor

    def _following(self):
        return inner_component(self, Warmup, "schedule", schedules.SCHEDULES)

    def _validate_params(self):
        super()._validate_params()
        self._following()._validate_params()

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return the hyper-parameters of the schedule that follows."""
        return self._following().hyper_parameters()

    def _registries(self):
        return {"schedule": schedules.SCHEDULES}

    def kernel_owner(self) -> Component:
        """Return the schedule that follows."""
        return self._following()
