"""Thirty steps of PyTorch, in float64, with schedules that change with every update: of rate, decay and dropout."""

import numpy as np
import pytest
from support.problems import make_problem
from twin.draws import batch_masks

from skregopt.schedules import CosLog, Warmup

pytest.importorskip("torch")
import torch
from support.torch_twin import (
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
    pytest.mark.numerics,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

EPOCHS = 5
HIDDEN = (6, 5)


def flat_cosine(step):
    share = step / N_STEPS
    return 1.0 if share < 0.5 else (1 + np.cos(np.pi * (2 * share - 1))) / 2


def coslog(step, n_cycles=4):
    return (1 - np.cos(2 * np.pi * np.log2(1 + (2**n_cycles - 1) * step / N_STEPS))) / 2


def warm_up(step):
    """One epoch of six updates from a tenth to the peak, then half a cosine wave in four epochs, changed after each."""
    return 0.1 + 0.9 * step / 6 if step < 6 else (1 + np.cos(np.pi * (step // 6 - 1) / 4)) / 2


SCHEDULES = {
    "flat_cosine": ("flat_cosine", flat_cosine),
    "coslog": ("coslog", coslog),
    "two waves": (CosLog(2), lambda step: coslog(step, 2)),
    "warm-up": (Warmup("cosine", 1, 0.1), warm_up),
}
SOLVERS = {
    "sgd": ({"solver": "minibatch", "momentum": 0.8, "nesterovs_momentum": False}, torch.optim.SGD, {"momentum": 0.8}),
    "adam": ({"solver": "adam"}, torch.optim.Adam, {}),
    "adadelta": ({"solver": "adadelta", "learning_rate_init": 1.0}, torch.optim.Adadelta, {}),
    "nadam": ({"solver": "nadam"}, torch.optim.NAdam, {}),
}


def pair(task, **params):
    """Return the problem, an unfitted estimator and the same network in PyTorch, with the weights of both."""
    problem = make_problem(task, n_samples=N_SAMPLES, seed=2)
    start = start_weights([problem.X.shape[1], *HIDDEN, problem.Y.shape[1]])
    estimator = problem.make(
        hidden_layer_sizes=HIDDEN, activation="tanh", n_iter_no_change=np.inf, shuffle=False, max_iter=EPOCHS,
        **{"alpha": ALPHA, "batch_size": BATCH_SIZE, "learning_rate_init": RATE, "random_state": 3} | params,
    )  # fmt: skip
    return problem, estimator, torch_network(*start, "tanh"), start


@pytest.mark.parametrize("task", ["multiclass", "multi-output regression"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", SCHEDULES)
def test_learning_rate_of_every_update(name, solver, task):
    schedule, factor = SCHEDULES[name]
    params, rule, of_rule = SOLVERS[solver]
    problem, estimator, network, (coefs, intercepts) = pair(task, learning_rate=schedule, **params)
    optimizer = rule(network.parameters(), lr=estimator.learning_rate_init, **of_rule)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    weights = np.random.RandomState(3).uniform(0.2, 3, N_SAMPLES)
    train_torch(network, optimizer, problem, LOSSES[task], weights, ALPHA, after_step=scheduler.step)
    estimator.fit(problem.X, problem.y, weights, coef_init=coefs, intercept_init=intercepts)
    assert_same_weights(estimator, network, coefs)


@pytest.mark.parametrize("rate", ["constant", "flat_cosine"])
@pytest.mark.parametrize("default", [False, True])
@pytest.mark.parametrize("name", SCHEDULES)
def test_decoupled_decay_of_every_update(name, default, rate):
    """AdamW, whose parameter group gets another decay before each step; the decay of the rule's own, too."""
    schedule, factor = SCHEDULES[name]
    decay = 0.01 if default else 0.7
    problem, estimator, network, (coefs, intercepts) = pair(
        "multiclass", solver="adamw", weight_decay=None if default else decay, weight_decay_schedule=schedule,
        learning_rate=rate, learning_rate_init=0.05,
    )  # fmt: skip
    vectors = [p for p in network.parameters() if p.ndim == 1]
    groups = [{"params": matrices(network)}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.05)
    steps = iter(range(N_STEPS))

    def before_step():
        step = next(steps)
        optimizer.param_groups[0]["weight_decay"] = decay * factor(step)
        for group in optimizer.param_groups:
            group["lr"] = 0.05 * (flat_cosine(step) if rate == "flat_cosine" else 1.0)

    ones = np.ones(N_SAMPLES)
    train_torch(network, optimizer, problem, LOSSES["multiclass"], ones, ALPHA, before_step=before_step)
    estimator.fit(problem.X, problem.y, coef_init=coefs, intercept_init=intercepts)
    assert_same_weights(estimator, network, coefs)
    constant = estimator.set_params(weight_decay_schedule=None)
    constant.fit(problem.X, problem.y, coef_init=coefs, intercept_init=intercepts)
    difference = constant.coefs_[0].T - network[0].weight.detach().numpy()
    assert np.abs(difference).max() > (1e-5 if default else 1e-3)


@pytest.mark.parametrize("task", ["multiclass", "multi-output regression"])
@pytest.mark.parametrize("dropout, input_dropout", [((0.5, 0.2), 0.0), (0.0, 0.4), ((0.6, 0.0), 0.3)])
@pytest.mark.parametrize("name", SCHEDULES)
def test_dropout_of_every_update(name, dropout, input_dropout, task):
    """The masks of each batch are drawn, and scaled, with the rates of its update."""
    schedule, factor = SCHEDULES[name]
    problem, estimator, network, (coefs, intercepts) = pair(
        task, dropout=dropout, input_dropout=input_dropout, dropout_schedule=schedule
    )
    estimator.fit(problem.X, problem.y, coef_init=coefs, intercept_init=intercepts)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    y = torch.tensor(problem.Y)
    y = y.argmax(dim=1) if task == "multiclass" else y
    units, n_dropped = [problem.X.shape[1], *HIDDEN, problem.Y.shape[1]], []
    for step in range(N_STEPS):
        epoch, batch = divmod(step, N_STEPS // EPOCHS)
        rows = np.arange(batch * BATCH_SIZE, min((batch + 1) * BATCH_SIZE, N_SAMPLES))
        rates = factor(step) * np.array(dropout), factor(step) * input_dropout
        of_inputs, of_units = batch_masks(estimator._seed, epoch, rows, units, *rates)
        n_dropped.append(sum(int((mask == 0).sum()) for mask in (of_inputs, *of_units)))
        h = torch.tensor(problem.X[rows] * of_inputs)
        for layer, module in enumerate(network):
            h = module(h)
            if layer in (1, 3):
                h = h * torch.tensor(of_units[layer // 2])
        optimizer.zero_grad()
        loss = LOSSES[task](h, y[rows]).mean()
        (loss + ALPHA / 2 * sum((W**2).sum() for W in matrices(network))).backward()
        optimizer.step()
    assert_same_weights(estimator, network, coefs)
    assert len(set(n_dropped)) > 4
