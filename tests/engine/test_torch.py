"""Thirty steps of each optimizer against PyTorch, in float64, from the same weights over the same batches.

Also with what happens around a step: weight decay, a gradient that is clipped, weights that are averaged.
"""

import numpy as np
import pytest
import scipy.sparse as sp
from support.problems import make_problem

from skregopt.optimizers import Adadelta, Adagrad, Adam, Adamax, AdamW, Nadam, RMSprop

pytest.importorskip("torch")
import torch
from support.torch_twin import (
    ACTIVATIONS,
    ALPHA,
    BATCH_SIZE,
    LOSSES,
    N_SAMPLES,
    N_STEPS,
    RATE,
    assert_same_weights,
    matrices,
    start_weights,
    torch_network,
    train_torch,
)

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

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
    "adamw": ({"solver": "adamw", "weight_decay": 0.0}, torch.optim.Adam, {}),
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


@pytest.mark.parametrize(
    "name, task, activation",
    [
        *((name, task, "tanh") for name in SOLVERS for task in LOSSES),
        # rules that divide by gradients magnify the rounding of one near zero: those with momentum show activations
        *((name, "regression", activation) for name in ("momentum", "adam") for activation in ACTIVATIONS),
    ],
)
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
    assert_same_weights(estimator, network, coefs)


# --- around the step ------------------------------------------------------------------------------------------------


class Pair:
    """The same network twice, ours unfitted, with thirty steps to make."""

    def __init__(self, task="multiclass", activation="tanh", **params):
        self.task = task
        self.problem = make_problem(task, n_samples=N_SAMPLES, seed=2)
        self.weights = np.random.RandomState(3).uniform(0.2, 3, N_SAMPLES)
        width = 1 if task == "binary" else self.problem.Y.shape[1]
        self.coefs, self.intercepts = start_weights([self.problem.X.shape[1], 6, 5, width])
        self.network = torch_network(self.coefs, self.intercepts, activation)
        self.estimator = self.problem.make(
            hidden_layer_sizes=(6, 5),
            activation=activation,
            n_iter_no_change=np.inf,
            shuffle=False,
            **{"max_iter": 5, "alpha": ALPHA, "batch_size": BATCH_SIZE, "learning_rate_init": RATE} | params,
        )

    def groups(self, **of_weights):
        vectors = [p for p in self.network.parameters() if p.ndim == 1]
        return [{"params": matrices(self.network), **of_weights}, {"params": vectors, "weight_decay": 0.0}]

    def train(self, optimizer, convert=np.asarray, **options):
        train_torch(
            self.network, optimizer, self.problem, LOSSES[self.task], self.weights, self.estimator.alpha, **options
        )
        start = {"coef_init": self.coefs, "intercept_init": self.intercepts}
        self.estimator.fit(convert(self.problem.X), self.problem.y, self.weights, **start)

    def check(self, network=None):
        assert_same_weights(self.estimator, network or self.network, self.coefs)


# parameters, PyTorch's rule and its parameters, the decay that it should come to
DECAYS = {
    "the default of adamw": ({"solver": "adamw"}, torch.optim.AdamW, {}, 0.01),
    "adamw": ({"solver": "adamw", "weight_decay": 0.7}, torch.optim.AdamW, {}, 0.7),
    "adamw without": ({"solver": "adamw", "weight_decay": 0.0}, torch.optim.AdamW, {}, 0.0),
    "adamw with other shapes": (
        {"solver": AdamW(beta_1=0.6, amsgrad=True), "weight_decay": 0.7},
        torch.optim.AdamW,
        {"betas": (0.6, 0.999), "amsgrad": True},
        0.7,
    ),
    "the default of adam": ({"solver": "adam"}, torch.optim.AdamW, {}, 0.0),
    "adam": ({"solver": "adam", "weight_decay": 0.7}, torch.optim.AdamW, {}, 0.7),
    "nadam": (
        {"solver": "nadam", "weight_decay": 0.7},
        torch.optim.NAdam,
        {"decoupled_weight_decay": True},
        0.7,
    ),
}


@pytest.mark.parametrize("task", ["multiclass", "regression"])
@pytest.mark.parametrize("name", DECAYS)
def test_decoupled_weight_decay(name, task):
    """On weights only, at the rate of the update, and with an L2 penalty beside it."""
    params, rule, torch_params, decay = DECAYS[name]
    pair = Pair(task, **params)
    pair.train(rule(pair.groups(weight_decay=decay), lr=RATE, **torch_params))
    pair.check()


# rules for which PyTorch has no decoupled decay: by hand
BY_HAND = {
    "sgd": ({"solver": "minibatch", "momentum": 0.0}, torch.optim.SGD, {}),
    "nesterov": ({"solver": "minibatch", "momentum": 0.9}, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "rmsprop": ({"solver": "rmsprop"}, torch.optim.RMSprop, {}),
    "adadelta": ({"solver": "adadelta"}, torch.optim.Adadelta, {}),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_weight_decay_of_every_other_rule_by_hand(name):
    params, rule, torch_params = BY_HAND[name]
    pair = Pair(weight_decay=0.7, **params)

    def decay():
        with torch.no_grad():
            for W in matrices(pair.network):
                W.mul_(1 - RATE * 0.7)

    pair.train(rule(pair.groups(), lr=RATE, **torch_params), before_step=decay)
    pair.check()


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("clip_norm, clips_all", [(0.3, True), (1.1, False)])
@pytest.mark.parametrize(
    "solver, batch_size, n_steps",
    [("minibatch", BATCH_SIZE, N_STEPS), ("sgd", 1, N_SAMPLES), ("minibatch", N_SAMPLES, N_STEPS)],
)
def test_clip_norm(solver, batch_size, n_steps, clip_norm, clips_all, convert):
    """The norm of the gradient of data and penalty by all weights and intercepts."""
    epochs = n_steps // -(-N_SAMPLES // batch_size)
    pair = Pair(
        solver=solver, momentum=0.8, nesterovs_momentum=False, clip_norm=clip_norm,
        batch_size=batch_size, max_iter=epochs, alpha=0.3,
    )  # fmt: skip
    norms = []
    clip = torch.nn.utils.clip_grad_norm_
    pair.train(
        torch.optim.SGD(pair.network.parameters(), lr=RATE, momentum=0.8),
        convert,
        before_step=lambda: norms.append(float(clip(pair.network.parameters(), clip_norm))),
        batch_size=batch_size,
        n_steps=n_steps,
    )
    assert max(norms) > 1.2 * clip_norm
    assert clips_all or min(norms) < 0.99 * clip_norm
    pair.check()


@pytest.mark.parametrize("solver", ["minibatch", "adam"])
@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9])
def test_averaged_weights(decay, solver):
    pair = Pair(solver=solver, momentum=0.0, ema_decay=decay)
    average = torch.optim.swa_utils.AveragedModel(
        pair.network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(decay)
    )
    rule = torch.optim.SGD if solver == "minibatch" else torch.optim.Adam
    optimizer = rule(pair.network.parameters(), lr=RATE)
    pair.train(optimizer, after_step=lambda: average.update_parameters(pair.network))
    pair.check(average.module)
    if decay:
        assert np.abs(pair.estimator.coefs_[0].T - pair.network[0].weight.detach().numpy()).max() > 1e-3


def test_clip_decay_step_and_average_in_that_order():
    pair = Pair(solver="adamw", weight_decay=0.7, clip_norm=0.5, ema_decay=0.8)
    average = torch.optim.swa_utils.AveragedModel(
        pair.network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.8)
    )
    pair.train(
        torch.optim.AdamW(pair.groups(weight_decay=0.7), lr=RATE),
        before_step=lambda: torch.nn.utils.clip_grad_norm_(pair.network.parameters(), 0.5),
        after_step=lambda: average.update_parameters(pair.network),
    )
    pair.check(average.module)


@pytest.mark.parametrize(
    "activation",
    [["relu", "tanh"], ["gelu", "logistic"], ("identity", "selu"), ["mish", "silu"], ["elu", "leaky_relu"]],
    ids=str,
)
def test_one_activation_per_layer(activation):
    pair = Pair(activation=activation)
    pair.train(torch.optim.Adam(pair.network.parameters(), lr=RATE))
    pair.check()
