"""Learning-rate schedules, one class and two kernels each; every one works with every first-order solver.

Conventions, on which the training loop relies:

* ``rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory)`` returns the learning rate of update t (1-based,
  counted since training started, across ``partial_fit`` calls), ``peak`` being ``learning_rate_init`` and ``epoch``
  0-based;
* ``end_epoch(exhausted, score, hyper, memory)`` runs after each epoch with the watched score (higher is better;
  the negative objective without early stopping). ``exhausted`` is 1 when ``n_iter_no_change`` epochs in a row brought
  no improvement; then a result of 1 means that training goes on nevertheless, because the rate was lowered, and 0
  that it stops. The result is ignored otherwise;
* ``memory`` are the float64 numbers a schedule keeps between updates, zero at the start. Each rule has elements of its
  own (see below), so that ``partial_fit`` may go on with another schedule: none takes another's number for a rate.

``learning_rate_init`` is the highest rate of every schedule. Those with a horizon reach its end after ``max_iter``
epochs, counted across ``partial_fit`` calls, and stay there.
"""

from ._constant import Constant
from ._cosine import Cosine, OneCycle
from ._decays import Exponential, InvScaling, Step
from ._family import Schedule
from ._plateau import Adaptive, Plateau
from ._warmup import Warmup

__all__ = [
    "Adaptive",
    "Constant",
    "Cosine",
    "Exponential",
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

SCHEDULES = {
    "constant": Constant,
    "invscaling": InvScaling,
    "adaptive": Adaptive,
    "step": Step,
    "exponential": Exponential,
    "cosine": Cosine,
    "one_cycle": OneCycle,
    "plateau": Plateau,
}
