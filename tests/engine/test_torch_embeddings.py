"""Embeddings of features and trainable activations in PyTorch: the same 30 steps, with groups of parameters."""

import numpy as np
import pytest
from support.embeddings import FORMULAS
from support.pairwise import table
from support.problems import make_problem

from skregopt.activations import Trainable
from skregopt.embeddings import Periodic, PiecewiseLinear

pytest.importorskip("torch")
import torch
from support.torch_twin import ACTIVATIONS, ALPHA, BATCH_SIZE, LOSSES, N_SAMPLES, N_STEPS, RATE

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

# the form of PyTorch, and the component
EMBEDDINGS = {
    "plain": (None, None),
    "periodic": ("periodic", "periodic"),
    "some periodic": ("periodic", Periodic(5, 0.5, 3, columns=[2, 0])),
    "piecewise_linear": ("piecewise_linear", "piecewise_linear"),
    "some piecewise_linear": ("piecewise_linear", PiecewiseLinear(5, 3, columns=[1])),
}
LAYERS = {
    "linear": (),
    "plain": ("tanh", "relu"),
    "trainable": (Trainable("silu"), Trainable("mish")),
    "first trainable": (Trainable("relu"), "gelu"),
    "second trainable": ("elu", Trainable("selu")),
}
RULES = {
    "momentum": (
        {"solver": "minibatch", "momentum": 0.8, "nesterovs_momentum": False},
        torch.optim.SGD,
        {"momentum": 0.8},
    ),
    "adam": ({"solver": "adam"}, torch.optim.Adam, {}),
    "adamw": ({"solver": "adamw", "weight_decay": 0.7}, torch.optim.AdamW, {}),
    "rmsprop": ({"solver": "rmsprop"}, torch.optim.RMSprop, {}),
}
FACTORS = {
    "one rate": {},
    "slow": {"embedding": 0.1, "activation": 0.1},
    "fast": {"embedding": 3.0, "activation": 2.0, "coefs": 0.5, "intercepts": 0.2},
    "frozen": {"embedding": 0, "activation": 0},
}
NORMS = {"layer_norm": torch.nn.LayerNorm}
GROUPS = {
    "coefs_": "coefs",
    "intercepts_": "intercepts",
    "activation_scales_": "activation",
    "layer_norm_scales_": "norm",
    "layer_norm_shifts_": "norm",
}


class Network:
    """The network in PyTorch, from the arrays of an estimator; ``arrays`` by attribute."""

    def __init__(self, model, form, layers):
        vectors = () if form is None else model._embedding["rule"].vectors
        names = [*GROUPS, *(vector.attribute for vector in vectors)]
        self.constant = {vector.attribute for vector in vectors if not vector.trained}
        self.arrays = {
            name: [torch.tensor(array, requires_grad=name not in self.constant) for array in getattr(model, name)]
            for name in names
            if name in vars(model)
        }
        self.embedded = [vector.attribute for vector in vectors]
        self.columns = list(getattr(model, "embedded_columns_", []))
        self.passed = [j for j in range(model.n_features_in_) if j not in self.columns]
        self.form, self.layers = form, layers

    def groups(self, factors, decay):
        """Return groups of parameters with their rates."""
        found = {}
        for name, arrays in self.arrays.items():
            if name not in self.constant:
                found.setdefault(GROUPS.get(name, "embedding"), []).extend(array for array in arrays if array.numel())
        return [
            {
                "params": params,
                "lr": RATE * factors.get(name, 1.0),
                "weight_decay": decay if name == "coefs" else 0.0,
            }
            for name, params in found.items()
        ]

    def __call__(self, X):
        """Return raw predictions."""
        parts = [X[:, self.passed]]
        for k, column in enumerate(self.columns):
            arrays = {name: self.arrays[name][k] for name in self.embedded}
            parts.append(FORMULAS[self.form](X[:, column], arrays))
        h = torch.cat(parts, 1)
        pairs = list(zip(self.arrays["coefs_"], self.arrays["intercepts_"], strict=True))
        for layer, (W, b) in enumerate(pairs):
            z = h @ W + b
            if layer == len(pairs) - 1:
                return z
            if "layer_norm_scales_" in self.arrays:
                of_layer = (self.arrays[f"layer_norm_{name}_"][layer] for name in ("scales", "shifts"))
                z = torch.nn.functional.layer_norm(z, (z.shape[1],), *of_layer)
            given = self.layers[layer]
            if isinstance(given, str):
                h = ACTIVATIONS[given]()(z)
            else:
                h = z + self.arrays["activation_scales_"][layer] * (ACTIVATIONS[given.activation]()(z) - z)

    def train(self, problem, task, optimizer, clip_norm):
        """Make the steps, with an L2 penalty of the matrices of the products in the loss."""
        X, Y = torch.tensor(problem.X), torch.tensor(problem.Y)
        y = Y.argmax(dim=1) if task == "multiclass" else Y
        trained = [p for group in optimizer.param_groups for p in group["params"]]
        for step in range(N_STEPS):
            start = step * BATCH_SIZE % (BATCH_SIZE * -(-N_SAMPLES // BATCH_SIZE))
            rows = slice(start, start + BATCH_SIZE)
            optimizer.zero_grad()
            loss = LOSSES[task](self(X[rows]), y[rows]).mean()
            (loss + ALPHA / 2 * sum((W**2).sum() for W in self.arrays["coefs_"])).backward()
            if clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(trained, clip_norm)
            optimizer.step()


@table(
    lambda layers=None, norm=None, **_: layers != () or norm is None,
    embedding=EMBEDDINGS,
    layers=LAYERS,
    rule=RULES,
    factors=FACTORS,
    norm=[None, "layer_norm"],
    clip_norm=[None, 0.3],
    task=["multiclass", "multi-output regression", "binary"],
)
def test_thirty_steps(embedding, layers, rule, factors, norm, clip_norm, task):
    form, component = embedding
    params, torch_rule, torch_params = rule
    problem = make_problem(task, n_samples=N_SAMPLES, seed=2)
    present = {"embedding": component is not None, "activation": any(isinstance(one, Trainable) for one in layers)}
    factors = {group: factor for group, factor in factors.items() if present.get(group, True)}
    model = problem.make(
        hidden_layer_sizes=(6, 5)[: len(layers)],
        activation=list(layers) or "relu",
        feature_embedding=component,
        learning_rate_factors=factors or None,
        alpha=ALPHA,
        batch_size=BATCH_SIZE,
        n_iter_no_change=np.inf,
        shuffle=False,
        clip_norm=clip_norm,
        random_state=3,
        **({norm: True} if norm else {}),
        **params,
    )
    model.set_params(max_iter=1, learning_rate_init=1e-300, weight_decay=0.0).fit(problem.X, problem.y)
    network = Network(model, form, layers)
    start = {name: [array.detach().numpy().copy() for array in arrays] for name, arrays in network.arrays.items()}
    optimizer = torch_rule(network.groups(factors, params.get("weight_decay", 0.0)), lr=RATE, **torch_params)
    network.train(problem, task, optimizer, clip_norm)
    params = {"weight_decay": None, **params}
    model.set_params(max_iter=5, learning_rate_init=RATE, **params).fit(problem.X, problem.y)
    for name, arrays in network.arrays.items():
        group = GROUPS.get(name, "embedding")
        for actual, expected, before in zip(getattr(model, name), arrays, start[name], strict=True):
            np.testing.assert_allclose(actual, expected.detach().numpy(), rtol=0, atol=1e-9, err_msg=name)
            if name in network.constant or factors.get(group) == 0:
                np.testing.assert_array_equal(actual, before)
            elif actual.size:
                assert np.abs(actual - before).max() > 1e-5, name
