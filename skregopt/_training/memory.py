"""What an optimizer keeps between updates, and ``partial_fit`` from call to call."""

from dataclasses import dataclass, field
from numbers import Integral

import numpy as np

from .._kernels.memory import aligned_copy, aligned_size, aligned_zeros

N_SLOTS = 4  # vectors as long as the trained parameters that an optimizer may keep
N_MEMORY = 8  # float64 numbers that an optimizer and a schedule each may keep between updates
FACTOR_SCHEDULES = ("dropout_schedule", "weight_decay_schedule")  # which multiply other rates than the learning rate


def check_slots(optimizer):
    """Raise ValueError for an ``n_slots`` outside of its domain."""
    if not isinstance(optimizer.n_slots, Integral) or not 0 <= optimizer.n_slots <= N_SLOTS:
        raise ValueError(
            f"n_slots of the optimizer {type(optimizer).__name__} must be an int from 0 to {N_SLOTS}, the number of "
            f"state vectors that step uses, got {optimizer.n_slots!r}."
        )


@dataclass
class OptimizerMemory:
    """What ``partial_fit`` carries from call to call besides the weights.

    Attributes
    ----------
    rule : type
    slots : ndarray of shape (n_slots, number of trained parameters rounded up)
    memory : ndarray of shape (n_rates, N_MEMORY), float64
        Numbers of the optimizer for each learning rate; of shape (N_MEMORY,) in pickles of version 0.1.0.
    schedule_memory : ndarray of shape (N_MEMORY,), float64
    t_warmup : int
        See ``SCHEDULE`` in ``records.py``.
    epoch, t, no_improvement, best_score
        See ``PROGRESS`` there.
    told_of_horizon : tuple of str
        Parameters of whose schedules the user has been told that they have ended; a bool, for the learning rate, in
        older pickles.
    weights, average : ndarray or None
        With averaged weights: the current weights, and the average that goes with them.
    factor_schedules : dict of str to ndarray of shape (N_MEMORY + 1,), float64
        Numbers of the schedules named in ``FACTOR_SCHEDULES``, as far as there were some; the last one is t_warmup.
    """

    rule: type
    slots: np.ndarray
    memory: np.ndarray
    schedule_memory: np.ndarray
    epoch: int = 0
    t: int = 0
    t_warmup: int = 0
    no_improvement: int = 0
    best_score: float = -np.inf
    told_of_horizon: tuple = ()
    weights: np.ndarray = None
    average: np.ndarray = None
    factor_schedules: dict = field(default_factory=dict)

    def __post_init__(self):
        if isinstance(self.told_of_horizon, bool):
            self.told_of_horizon = ("learning_rate",) * self.told_of_horizon

    @classmethod
    def new(cls, optimizer, n_parameters, dtype):
        """Return the memory of an optimizer that has not made a step."""
        slots = aligned_zeros((optimizer.n_slots, aligned_size(n_parameters, dtype)), dtype)
        return cls(type(optimizer), slots, np.zeros((1, N_MEMORY)), np.zeros(N_MEMORY))

    def fits(self, optimizer, n_parameters):
        """Tell whether the state is of this rule and of a network of this size."""
        shape = (optimizer.n_slots, aligned_size(n_parameters, self.slots.dtype))
        return self.rule is type(optimizer) and self.slots.shape == shape

    def copy(self, n_parameters, dtype):
        """Return an independent copy in a precision, so that a call that fails leaves the original as it was."""
        slots, weights, average = self.slots, self.weights, self.average
        if slots.dtype == dtype:
            slots = aligned_copy(slots)
        else:  # the user has changed the parameter dtype
            slots = aligned_zeros((len(slots), aligned_size(n_parameters, dtype)), dtype)
            slots[:, :n_parameters] = self.slots[:, :n_parameters]
            weights, average = (None if vector is None else vector.astype(dtype) for vector in (weights, average))
        copied = object.__new__(OptimizerMemory)  # quicker than dataclasses.replace
        vars(copied).update(vars(self), slots=slots, weights=weights, average=average)
        copied.memory, copied.schedule_memory = self.memory.copy(), self.schedule_memory.copy()
        copied.factor_schedules = dict(self.factor_schedules)  # whose arrays are replaced, never changed
        return copied

    def of_rates(self, n_rates):
        """Return the optimizer's numbers for so many learning rates, of shape (n_rates, N_MEMORY).

        If there were fewer or more of them before, all start with the numbers of the first.
        """
        memory = np.atleast_2d(self.memory)
        return memory if len(memory) == n_rates else np.repeat(memory[:1], n_rates, axis=0)

    def of_factor_schedule(self, name):
        """Return the numbers of ``factor_schedules``, zeros for a schedule that is new."""
        return self.factor_schedules.get(name, np.zeros(N_MEMORY + 1))

    def current_weights(self, kept):
        """Return the weights to go on from: ``kept``, unless those are the average of others that are known."""
        if self.weights is None or not np.array_equal(self.average, kept):
            return kept
        return aligned_copy(self.weights)
