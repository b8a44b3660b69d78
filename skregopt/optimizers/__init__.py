"""First-order update rules, one class and two kernels each.

Conventions, on which the training loop relies:

* ``prepare(lr, t, hyper, memory, scalars)`` runs once per update, in float64. From the learning rate ``lr``, the
  1-based number ``t`` of the update, the rule's parameters in ``hyper`` and the 8 numbers in ``memory`` that it keeps
  between updates it computes up to 16 ``scalars``, which ``step`` reads in the working precision. With the estimators'
  ``learning_rate_factors`` it runs once for each group of parameters, each with a rate and a ``memory`` of its own;
* ``step(weights, grad, slot_1, slot_2, slot_3, slot_4, scalars, step_size)`` updates a run of parameters in place. The
  slots hold the rule's state, a number per parameter. ``step`` uses the first ``n_slots`` of them and must not look at
  the others. Arguments are passed by position, so a rule names its slots as it likes. With ``parametrization='ntp'``
  the weights are those that are trained, sqrt(fan_in) times ``coefs_``;
* a rule for whole matrices (``signatures = Optimizer.signatures | Optimizer.matrix_signatures``) also has
  ``step_matrix(weights, grad, slot_1, slot_2, slot_3, slot_4, scratch, hyper, step_size, lr, t)``, which replaces
  ``step`` for all weight matrices but the output layer's. The first six arguments are matrices of shape
  (fan_in, fan_out), and ``scratch`` is a vector with 4 times as many elements. It may overwrite ``grad``;
* if ``step_size`` is not empty, a proximal step follows. Then ``step`` writes the step size of each coordinate,
  ``s_j = |u_j| / |c_j|``. Here u is the update, and c is the weighted average of past gradients (its coefficients sum
  to one) that produced u. With these step sizes, the fixed points of rule and proximal step together are the stationary
  points of the objective.

The rules of this package name the places in these vectors, and keep a parameter at one place in ``hyper`` and
``scalars``.
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

OPTIMIZERS: dict[str, type[Optimizer]] = {
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
