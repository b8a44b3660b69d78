"""Activation functions of the hidden layers, one class and two kernels each.

Shapes and conventions, on which the training loop relies:

* a kernel sees the values of one layer for one tile of rows as one flat vector ``z`` of ``n_rows * n_units`` elements;
* ``activate(z, saved, hyper)`` replaces the pre-activations in ``z`` by the activations. If the derivative needs more
  than the activation, the rule sets ``saves = True`` and writes the rest to ``saved``, which is as large as ``z`` then
  and empty otherwise;
* ``differentiate(a, saved, delta, hyper)`` multiplies ``delta``, the gradient with respect to the activations ``a``, by
  the derivative at the pre-activations.

Rules whose derivative shares an exponential with the activation save the derivative itself.

``linear_bound`` says how fast a rule grows. With it a fit knows, without a look at its rows, that no prediction
overflows; without it a fit, and each ``partial_fit``, evaluates the loss of its rows once more.

``to_onnx(op, z)`` says the same as ``activate`` in operators of ONNX, see :class:`skregopt._onnx.Graph`. The forms keep
to operators that onnxruntime computes in float64 as well.
"""

from ._elu import ELU, SELU
from ._family import Activation
from ._gated import GELU, Mish, SiLU
from ._identity import Identity
from ._relu import LeakyReLU, ReLU
from ._sigmoids import Logistic, Tanh
from ._softplus import Softplus
from ._trainable import Trainable

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "ELU",
    "GELU",
    "Identity",
    "LeakyReLU",
    "Logistic",
    "Mish",
    "ReLU",
    "SELU",
    "SiLU",
    "Softplus",
    "Tanh",
    "Trainable",
]

for _class in [value for value in vars().values() if isinstance(value, type)]:
    _class.__module__ = __name__  # pickles name the public path, so that no later move breaks them

ACTIVATIONS: dict[str, type[Activation]] = {
    "identity": Identity,
    "logistic": Logistic,
    "tanh": Tanh,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SiLU,
    "mish": Mish,
    "softplus": Softplus,
}
