"""Thirty steps of each optimizer against PyTorch, in float64, from the same weights over the same batches."""

import numpy as np
import pytest
from problems import make_problem

from skregopt.optimizers import Adadelta, Adagrad, Adam, Adamax, Nadam, RMSprop

torch = pytest.importorskip("torch")

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

N_STEPS = 30
N_SAMPLES, BATCH_SIZE = 50, 9  # six batches, the last one smaller: five epochs
ALPHA = 0.03
RATE = 0.01

SOLVERS = {
    "sgd": ({"solver": "minibatch", "momentum": 0.0}, torch.optim.SGD, {}),
    "momentum": (
        {"solver": "minibatch", "momentum": 0.8, "nesterovs_momentum": False},
        torch.optim.SGD,
        {"momentum": 0.8},
    ),
    "nesterov": (
        {"solver": "minibatch", "momentum": 0.9},
        torch.optim.SGD,
        {"momentum": 0.9, "nesterov": True},
    ),
    "adam": ({"solver": "adam"}, torch.optim.Adam, {}),
    "adam with other shapes": (
        {"solver": "adam", "beta_1": 0.6, "beta_2": 0.95, "epsilon": 1e-3},
        torch.optim.Adam,
        {"betas": (0.6, 0.95), "eps": 1e-3},
    ),
    "adam with amsgrad": (
        {"solver": Adam(beta_2=0.7, amsgrad=True)},
        torch.optim.Adam,
        {"betas": (0.9, 0.7), "amsgrad": True},
    ),
    "rmsprop": ({"solver": "rmsprop"}, torch.optim.RMSprop, {}),
    "rmsprop with other shapes": (
        {"solver": RMSprop(rho=0.8, epsilon=1e-3)},
        torch.optim.RMSprop,
        {"alpha": 0.8, "eps": 1e-3},
    ),
    "rmsprop with momentum": (
        {"solver": RMSprop(momentum=0.8)},
        torch.optim.RMSprop,
        {"momentum": 0.8},
    ),
    "rmsprop, centered": ({"solver": RMSprop(centered=True)}, torch.optim.RMSprop, {"centered": True}),
    "rmsprop, centered, with momentum": (
        {"solver": RMSprop(rho=0.9, momentum=0.5, centered=True)},
        torch.optim.RMSprop,
        {"alpha": 0.9, "momentum": 0.5, "centered": True},
    ),
    "adagrad": ({"solver": "adagrad"}, torch.optim.Adagrad, {}),
    "adagrad with other shapes": (
        {"solver": Adagrad(lr_decay=0.1, initial_accumulator_value=0.3, epsilon=1e-3)},
        torch.optim.Adagrad,
        {"lr_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-3},
    ),
    "adadelta": ({"solver": "adadelta", "learning_rate_init": 1.0}, torch.optim.Adadelta, {}),
    "adadelta with other shapes": (
        {"solver": Adadelta(rho=0.7, epsilon=1e-3), "learning_rate_init": 0.5},
        torch.optim.Adadelta,
        {"rho": 0.7, "eps": 1e-3},
    ),
    "adamax": ({"solver": "adamax"}, torch.optim.Adamax, {}),
    "adamax with other shapes": (
        {"solver": Adamax(beta_1=0.6, beta_2=0.8, epsilon=1e-3)},
        torch.optim.Adamax,
        {"betas": (0.6, 0.8), "eps": 1e-3},
    ),
    "nadam": ({"solver": "nadam"}, torch.optim.NAdam, {}),
    "nadam with other shapes": (
        {"solver": Nadam(beta_1=0.7, beta_2=0.95, epsilon=1e-3, momentum_decay=0.3)},
        torch.optim.NAdam,
        {"betas": (0.7, 0.95), "eps": 1e-3, "momentum_decay": 0.3},
    ),
}


def cross_entropy(raw, y):
    return torch.nn.functional.cross_entropy(raw, y, reduction="none")


def binary_cross_entropy(raw, y):
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    return bce(raw, y, reduction="none").sum(dim=1)


def half_squared_error(raw, y):
    return torch.nn.functional.mse_loss(raw, y, reduction="none").mean(dim=1) / 2


def poisson(raw, y):
    nll = torch.nn.functional.poisson_nll_loss
    return nll(raw, y, log_input=True, reduction="none").mean(dim=1)


def absolute_error(raw, y):
    return torch.nn.functional.l1_loss(raw, y, reduction="none").mean(dim=1)


def huber(raw, y):
    return torch.nn.functional.huber_loss(raw, y, reduction="none").mean(dim=1)


def gamma(raw, y):
    return (raw - torch.log(y) + y * torch.exp(-raw) - 1).mean(dim=1)


LOSSES = {
    "absolute_error": absolute_error,
    "multi-output huber": huber,
    "multi-output gamma": gamma,
    "multiclass": cross_entropy,
    "binary": binary_cross_entropy,
    "multilabel": binary_cross_entropy,
    "regression": half_squared_error,
    "multi-output regression": half_squared_error,
    "poisson": poisson,
    "multi-output poisson": poisson,
}
ACTIVATIONS = {
    "identity": torch.nn.Identity,
    "logistic": torch.nn.Sigmoid,
    "tanh": torch.nn.Tanh,
    "relu": torch.nn.ReLU,
    "leaky_relu": torch.nn.LeakyReLU,
    "elu": torch.nn.ELU,
    "selu": torch.nn.SELU,
    "gelu": torch.nn.GELU,
    "silu": torch.nn.SiLU,
    "mish": torch.nn.Mish,
    "softplus": torch.nn.Softplus,
}


def torch_network(coefs, intercepts, activation):
    layers = []
    for W, b in zip(coefs, intercepts, strict=True):
        linear = torch.nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        layers += [linear, ACTIVATIONS[activation]()]
    return torch.nn.Sequential(*layers[:-1])


def train_torch(network, optimizer, problem, row_loss, weights):
    X = torch.tensor(problem.X)
    y = torch.tensor(problem.Y)
    y = y.argmax(dim=1) if row_loss is cross_entropy else y
    weights = torch.tensor(weights / weights.mean())
    for step in range(N_STEPS):
        start = step * BATCH_SIZE % (BATCH_SIZE * -(-N_SAMPLES // BATCH_SIZE))
        rows = slice(start, start + BATCH_SIZE)
        optimizer.zero_grad()
        (weights[rows] * row_loss(network(X[rows]), y[rows])).mean().backward()
        optimizer.step()


def start_weights(units):
    rng = np.random.RandomState(4)
    coefs = [rng.normal(size=(units[i], units[i + 1])) / 2 for i in range(len(units) - 1)]
    return coefs, [rng.normal(size=width) / 2 for width in units[1:]]


@pytest.mark.parametrize(
    "task, activation",
    [*((task, "tanh") for task in LOSSES), *(("regression", name) for name in ACTIVATIONS if name != "tanh")],
)
@pytest.mark.parametrize("name", SOLVERS)
def test_thirty_steps(name, task, activation):
    params, torch_optimizer, torch_params = SOLVERS[name]
    problem = make_problem(task, n_samples=N_SAMPLES, seed=2)
    weights = np.random.RandomState(3).uniform(0.2, 3, N_SAMPLES)
    coefs, intercepts = start_weights([problem.X.shape[1], 6, 5, problem.Y.shape[1]])

    network = torch_network(coefs, intercepts, activation)
    groups = [
        # the L2 penalty is on weights only
        {"params": [p for p in network.parameters() if p.ndim == 2], "weight_decay": ALPHA},
        {"params": [p for p in network.parameters() if p.ndim == 1]},
    ]
    rate = params.get("learning_rate_init", RATE)
    optimizer = torch_optimizer(groups, lr=rate, **torch_params)
    train_torch(network, optimizer, problem, LOSSES[task], weights)

    estimator = problem.make(
        hidden_layer_sizes=(6, 5),
        activation=activation,
        penalty="l2",
        alpha=ALPHA,
        batch_size=BATCH_SIZE,
        max_iter=5,
        n_iter_no_change=np.inf,
        shuffle=False,
        **{"learning_rate_init": RATE} | params,
    )
    start = {"coef_init": coefs, "intercept_init": intercepts}
    estimator.fit(problem.X, problem.y, weights, **start)
    linears = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
    for layer, linear in enumerate(linears):
        W, b = linear.weight.detach().numpy().T, linear.bias.detach().numpy()
        assert np.abs(W - coefs[layer]).max() > 1e-3
        np.testing.assert_allclose(estimator.coefs_[layer], W, rtol=0, atol=1e-9)
        np.testing.assert_allclose(estimator.intercepts_[layer], b, rtol=0, atol=1e-9)
