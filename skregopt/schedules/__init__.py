"""Learning-rate schedules, one class and two kernels each; every one works with every first-order solver.

Conventions, on which the training loop relies:

* ``rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory)`` returns the learning rate of update ``t``.
  Updates count from 1 and epochs from 0, across ``partial_fit`` calls; ``peak`` is ``learning_rate_init``;
* ``end_epoch(exhausted, score, hyper, memory)`` runs after each epoch. ``score`` is the watched score, where higher is
  better; without early stopping it is the negative objective. ``exhausted`` is 1 when ``n_iter_no_change`` epochs in a
  row brought no improvement. Then a result of 0 stops training, and 1 lets it go on because the rate was lowered. The
  result is ignored otherwise;
* ``memory`` holds 8 float64 numbers, zero at the start, which a schedule keeps between updates. Adaptive and Plateau
  use place 0, OneCycle, FlatCosine and CosLog 1 and 2, Plateau 3 to 7. No two schedules give one place different
  meanings, so ``partial_fit`` may go on with another schedule.

``learning_rate_init`` is the highest rate of every schedule. A schedule with a horizon reaches its last rate after
``max_iter`` epochs, counted across ``partial_fit`` calls, and keeps it. It says so by ``has_horizon``: a fit that gets
there is done and does not warn. Where ``max_time`` ends training before, such a schedule is asked for some of the
updates of ``max_iter`` epochs, the last one included, and for the first one of each epoch that it enters. A schedule
whose ``end_epoch`` lowers the rate where training would stop says so by ``falls_when_exhausted``, for the last line of
``verbose``.

Schedules with a horizon also multiply rates of dropout and the decay of the weights (``dropout_schedule``,
``weight_decay_schedule``). Then ``peak`` is 1, ``rate`` is called once before each batch, for the update of that batch,
and ``end_epoch`` is not called.
"""

from ._constant import Constant
from ._cosine import Cosine, CosLog, FlatCosine, OneCycle
from ._decays import Exponential, InvScaling, Step
from ._family import Schedule
from ._plateau import Adaptive, Plateau
from ._warmup import Warmup

__all__ = [
    "Adaptive",
    "Constant",
    "CosLog",
    "Cosine",
    "Exponential",
    "FlatCosine",
    "InvScaling",
    "OneCycle",
    "Plateau",
    "SCHEDULES",
    "Schedule",
    "Step",
    "Warmup",
]

for _class in [value for value in vars().values() if isinstance(value, type)]:
    _class.__module__ = __name__  # pickles name the public path, so that no later move breaks them

SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "invscaling": InvScaling,
    "adaptive": Adaptive,
    "step": Step,
    "exponential": Exponential,
    "cosine": Cosine,
    "one_cycle": OneCycle,
    "flat_cosine": FlatCosine,
    "coslog": CosLog,
    "plateau": Plateau,
}
