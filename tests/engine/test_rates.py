"""Rates of groups of parameters and the neural tangent parametrisation: their explicit forms in PyTorch, in 30 steps.

Fits of all kinds are compared with the naive twin, which trains in the same coordinates, in ``test_twin_table.py``.
"""

import numpy as np
import pytest
from support.pairwise import table
from support.problems import make_problem

from skregopt.optimizers import Adam

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
    start_weights,
)

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

# ours, PyTorch's rule, its parameters
RULES = {
    "momentum": (
        {"solver": "minibatch", "momentum": 0.8, "nesterovs_momentum": False},
        torch.optim.SGD,
        {"momentum": 0.8},
    ),
    "adam with a large epsilon": ({"solver": "adam", "epsilon": 0.1}, torch.optim.Adam, {"eps": 0.1}),
    "amsgrad": (
        {"solver": Adam(beta_2=0.7, amsgrad=True)},
        torch.optim.Adam,
        {"betas": (0.9, 0.7), "amsgrad": True},
    ),
    "adamw": ({"solver": "adamw", "weight_decay": 0.7}, torch.optim.AdamW, {}),
    "rmsprop": ({"solver": "rmsprop"}, torch.optim.RMSprop, {}),
    "nadam": ({"solver": "nadam"}, torch.optim.NAdam, {}),
    "adagrad": ({"solver": "adagrad"}, torch.optim.Adagrad, {}),
    "adadelta": ({"solver": "adadelta"}, torch.optim.Adadelta, {}),
    "adamax": ({"solver": "adamax"}, torch.optim.Adamax, {}),
}
RATES = {
    "factors": {"learning_rate_factors": {"coefs": 0.6, "intercepts": 0.1, "norm": 3.0}},
    "ntp": {"parametrization": "ntp"},
    "ntp with factors": {"parametrization": "ntp", "learning_rate_factors": {"intercepts": 0.1, "norm": 0.5}},
    "frozen weights": {"learning_rate_factors": {"coefs": 0, "norm": 2.0}},
    "frozen rest": {"parametrization": "ntp", "learning_rate_factors": {"intercepts": 0.0, "norm": 0}},
}
NORMS = {"layer_norm": torch.nn.LayerNorm, "batch_norm": torch.nn.BatchNorm1d}


class Product(torch.nn.Module):
    """A layer: ``h V scale + b``."""

    def __init__(self, W, b, is_ntp):
        super().__init__()
        self.scale = len(W) ** -0.5 if is_ntp else 1.0
        self.V = torch.nn.Parameter(torch.tensor(W) / self.scale)
        self.b = torch.nn.Parameter(torch.tensor(b))

    @property
    def W(self):
        """The matrix of the product."""
        return self.V * self.scale

    def forward(self, h):
        return h @ self.V * self.scale + self.b


class Explicit:
    """The network in PyTorch, whose groups of parameters have rates of their own."""

    def __init__(self, coefs, intercepts, norm, is_ntp):
        self.products = [Product(W, b, is_ntp) for W, b in zip(coefs, intercepts, strict=True)]
        self.norms = [NORMS[norm](W.shape[1], dtype=torch.float64) for W in coefs[:-1]] if norm else []
        layers = []
        for layer, linear in enumerate(self.products):
            layers += [linear]
            if layer < len(coefs) - 1:
                layers += [*self.norms[layer : layer + 1], ACTIVATIONS["tanh"]()]
        self.network = torch.nn.Sequential(*layers)

    def train(self, problem, rule, factors, clip_norm, alpha, decay, **params):
        """Make the steps, with an L2 penalty of the products' matrices in the loss."""
        factors = {"coefs": 1.0, "intercepts": 1.0, "norm": 1.0} | factors
        groups = [
            {"params": [p.V for p in self.products], "lr": RATE * factors["coefs"], "weight_decay": decay},
            {"params": [p.b for p in self.products], "lr": RATE * factors["intercepts"], "weight_decay": 0.0},
        ]
        if self.norms:
            trained = [p for norm in self.norms for p in norm.parameters()]
            groups.append({"params": trained, "lr": RATE * factors["norm"], "weight_decay": 0.0})
        optimizer = rule(groups, lr=RATE, **params)
        X, y = torch.tensor(problem.X), torch.tensor(problem.Y)
        for step in range(N_STEPS):
            start = step * BATCH_SIZE % (BATCH_SIZE * -(-N_SAMPLES // BATCH_SIZE))
            rows = slice(start, start + BATCH_SIZE)
            optimizer.zero_grad()
            loss = LOSSES["regression"](self.network(X[rows]), y[rows]).mean()
            (loss + alpha / 2 * sum((p.W**2).sum() for p in self.products)).backward()
            if clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), clip_norm)
            optimizer.step()


def fits_together(rule=None, norm=None, rates=None, **_):
    if rule == "adamw" and rates == "frozen weights":
        return False  # refused: there is nothing to decay
    # the gradients of intercepts that batch normalisation takes out are rounding, which other rules magnify
    return norm != "batch_norm" or rule in (None, "momentum", "adam with a large epsilon")


@table(fits_together, rule=list(RULES), rates=list(RATES), norm=[None, *NORMS], clip_norm=[None, 0.3])
def test_thirty_steps(rule, rates, norm, clip_norm):
    params, torch_rule, torch_params = RULES[rule]
    params = params | RATES[rates]
    factors = params.get("learning_rate_factors", {})
    if norm is None and "norm" in factors:
        factors = {group: factor for group, factor in factors.items() if group != "norm"}
        params["learning_rate_factors"] = factors
    problem = make_problem("regression", n_samples=N_SAMPLES, seed=2)
    coefs, intercepts = start_weights([problem.X.shape[1], 6, 5, 1])
    explicit = Explicit(coefs, intercepts, norm, params.get("parametrization") == "ntp")
    alpha = 1e-4 if rates == "frozen weights" else ALPHA  # where no other than the default makes sense
    explicit.train(problem, torch_rule, factors, clip_norm, alpha, params.get("weight_decay", 0.0), **torch_params)
    estimator = problem.make(
        hidden_layer_sizes=(6, 5),
        activation="tanh",
        alpha=alpha,
        batch_size=BATCH_SIZE,
        max_iter=5,
        n_iter_no_change=np.inf,
        shuffle=False,
        clip_norm=clip_norm,
        learning_rate_init=RATE,
        **params | ({norm: True} if norm else {}),
    )
    estimator.fit(problem.X, problem.y, coef_init=coefs, intercept_init=intercepts)
    pairs = [(estimator.coefs_, [p.W for p in explicit.products], "coefs", coefs)]
    pairs.append((estimator.intercepts_, [p.b for p in explicit.products], "intercepts", intercepts))
    for name, attribute, start in (("weight", "scales", 1.0), ("bias", "shifts", 0.0)):
        if norm:
            ours = getattr(estimator, f"{norm}_{attribute}_")
            pairs.append((ours, [getattr(layer, name) for layer in explicit.norms], "norm", [start] * 2))
    for ours, theirs, group, starts in pairs:
        for actual, expected, start in zip(ours, theirs, starts, strict=True):
            np.testing.assert_allclose(actual, expected.detach().numpy(), rtol=0, atol=1e-9)
            if factors.get(group) == 0:
                assert np.array_equal(actual, np.broadcast_to(start, actual.shape))
            elif norm != "batch_norm" or group != "intercepts":  # those which the normalisation takes out again
                least = 1e-7 if rule == "adadelta" else 1e-5  # whose steps start at a thousandth of the rate
                assert np.abs(actual - start).max() > least
