"""Rules of the user's own, annotated and not, and the registries; see also ``doc/extending``."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import ACTIVATIONS, ELU, Activation
from skregopt.embeddings import EMBEDDINGS, Embedding, EmbeddingVector
from skregopt.initializers import INITIALIZERS, Initializer
from skregopt.losses import LOSSES, REGRESSION_LOSSES, Loss, SquaredError
from skregopt.optimizers import OPTIMIZERS, Adam, Optimizer
from skregopt.penalties import L1, PENALTIES, Penalty
from skregopt.schedules import SCHEDULES, Schedule, Warmup


def bend(z: NDArray[Any], saved: NDArray[Any], hyper: NDArray[Any]) -> None:
    """Replace z by z / (1 + |z|)."""
    for i in range(z.size):
        z[i] = z[i] / (1 + abs(z[i]))


def unbend(a, saved, delta, hyper):
    """Multiply by the derivative."""
    for i in range(a.size):
        delta[i] *= (1 - abs(a[i])) ** 2


class Softsign(Activation):
    """z / (width + |z|)."""

    saves = False
    default_initializer = "lecun_normal"
    activate = staticmethod(bend)
    differentiate = staticmethod(unbend)

    def __init__(self, width: float = 1.0) -> None:
        self.width = width

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return the width."""
        return (self.width,)

    def to_onnx(self, op, z):
        """Return the same in operators of ONNX."""
        return op.Div(z, op.Add(op.Abs(z), self.width))


def rays(x, parameters, constants, outputs, saved, hyper):
    """Write a multiple of x."""
    for i in range(x.size):
        outputs[i] = parameters[0] * x[i]


def unrays(x, parameters, constants, saved, deltas, gradient, hyper):
    """Add the gradient with respect to the factor."""
    total = gradient[0]
    for i in range(x.size):
        total += deltas[i] * x[i]
    gradient[0] = total


class Ray(Embedding):
    """A multiple of each column."""

    n_outputs = 1
    vectors = (EmbeddingVector("embedding_factors_", trained=True),)
    embed = staticmethod(rays)
    differentiate = staticmethod(unrays)

    def start(
        self, rng: np.random.RandomState, values: NDArray[np.float64], weights: NDArray[np.float64]
    ) -> dict[str, NDArray[np.float64]]:
        """Return the factor 1."""
        return {"embedding_factors_": np.ones(1)}


class Halved(SquaredError):
    """A rule made from another one."""

    targets = ("continuous",)
    out_activation = "identity"

    def check_y(self, y: NDArray[Any]) -> None:
        """Raise ValueError for negative targets."""
        if y.min() < 0:
            raise ValueError("negative")


def value(weights, row_length, layer, alpha, hyper):
    """Return the penalty."""
    return 0.0


def add_gradient(weights, alpha, hyper, grad):
    """Add nothing."""


def prox(weights, step_size, row_length, layer, alpha, hyper):
    """Change nothing."""


class Nothing(Penalty):
    """No penalty, whose smoothness depends on a parameter."""

    is_smooth = False
    value = staticmethod(value)
    add_gradient = staticmethod(add_gradient)
    prox = staticmethod(prox)


class Eager(Adam):
    """Adam with another default."""

    default_learning_rate = 0.01


class Constant(Initializer):
    """The same number everywhere."""

    def draw(
        self, rng: np.random.RandomState, fan_in: int, fan_out: int, activation: Activation
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return weights and intercepts."""
        return np.full((fan_in, fan_out), activation.glorot_gain / fan_in), np.zeros(fan_out)


ACTIVATIONS["softsign"] = Softsign
EMBEDDINGS["ray"] = Ray
INITIALIZERS["constant"] = Constant
REGRESSION_LOSSES["halved"] = LOSSES["halved"] = Halved
OPTIMIZERS["eager"] = Eager
PENALTIES["nothing"] = Nothing

RULES: list[Activation | Loss | Optimizer | Penalty | Schedule] = [
    Softsign(),
    Halved(),
    Eager(beta_1=0.8),
    Nothing(),
    SCHEDULES["cosine"](),
    Warmup(SCHEDULES["step"]()),
]
ESTIMATORS = [
    MLPRegressor(8, "softsign", weight_init="constant", loss="halved", solver="eager", penalty="nothing"),
    MLPRegressor(activation=[Softsign(2.0)], weight_init=Constant(), loss=Halved(), solver=Eager(), penalty=Nothing()),
    MLPRegressor(feature_embedding=Ray()),
    MLPClassifier((8, 8), [ELU(), Softsign()], penalty=L1(), solver=OPTIMIZERS["adam"]()),
]

for rule in RULES:
    assert rule.hyper_vector(np.float32).dtype == np.float32
