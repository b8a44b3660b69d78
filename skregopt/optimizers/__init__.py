"""First-order update rules, one class and two kernels each.

Conventions, on which the training loop relies:

* ``prepare(lr, t, hyper, memory, scalars)`` runs once per update: from the learning rate, the number t of this update
  (1-based), the rule's hyper-parameters and the float64 ``memory`` it keeps between updates it computes, in float64,
  the ``scalars`` that ``step`` reads in the working precision;
* ``step(weights, grad, slot_1, slot_2, slot_3, slot_4, scalars, step_size)`` updates a run of parameters in place, and
  the rule's state in as many of the slots as ``n_slots`` says (it must not look at the others);
* a rule for whole matrices (``signatures = Optimizer.signatures | Optimizer.matrix_signatures``) also has
  ``step_matrix(weights, grad, slot_1, slot_2, slot_3, slot_4, scratch, hyper, step_size, lr, t)``, which replaces
  ``step`` for all weight matrices but the output layer's. The arguments before ``scratch``, a vector of 4 times as
  many elements, are matrices (fan_in, fan_out); it may overwrite ``grad``;
* if ``step_size`` is not empty, a proximal step follows, and ``step`` writes the step size of each coordinate in that
  step, ``s_j = |u_j| / |c_j|``, where u is the update and c the average of past gradients (weights that sum to one)
  from which u was made. With it the fixed points of the rule followed by the proximal step are the stationary points of
  the objective.
"""

from ._adadelta import Adadelta
from ._adagrad import Adagrad
from ._adam import Adam, AdamW
from ._adamax import Adamax
from ._family import Optimizer
from ._lion import Lion
from ._muon import Muon
from ._nadam import Nadam
from ._rmsprop import RMSprop
from ._sgd import SGD

__all__ = [
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Muon",
    "Nadam",
    "OPTIMIZERS",
    "Optimizer",
    "RMSprop",
    "SGD",
]

for _class in [value for value in vars().values() if isinstance(value, type)]:
    _class.__module__ = __name__  # pickles name the public path, so that no later move breaks them

OPTIMIZERS = {
    "gd": SGD,
    "sgd": SGD,
    "minibatch": SGD,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "adam": Adam,
    "adamw": AdamW,
    "adamax": Adamax,
    "nadam": Nadam,
    "lion": Lion,
    "muon": Muon,
}
