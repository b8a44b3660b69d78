"""Gradients by embeddings and by scales of activations against central differences of the objective, in float64.

One step of plain gradient descent from arrays that a user has assigned reveals the gradient, with normalisations,
dropout, weights of rows and of classes, and for each loss.
"""

from itertools import product

import numpy as np
import pytest
from support.differences import away_from_zero, central_differences
from support.pairwise import exhaustive, table
from support.problems import TASKS, make_problem, row_weights
from support.states import trained_embedding
from twin import embeddings as twin
from twin.activations import ACTIVATIONS
from twin.draws import batch_masks, dropout_mask
from twin.losses import LOSSES

from skregopt.activations import Trainable
from skregopt.embeddings import Periodic, PiecewiseLinear

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

RATE, ALPHA, SEED = 1e-6, 0.3, 5  # a step that exponentials of losses survive
HIDDEN = (5, 4)
# of the estimator, and of the twin
EMBEDDINGS = {
    "plain": (None, None),
    "periodic": (Periodic(3, 0.7, 4), twin.Periodic(3, 0.7, 4)),
    "piecewise_linear": (PiecewiseLinear(4, 3), twin.PiecewiseLinear(4, 3)),
    "some periodic": (Periodic(2, 0.7, 2, [2, 1]), twin.Periodic(2, 0.7, 2, [1, 2])),
    "some piecewise_linear": (PiecewiseLinear(3, 5, [0, 3]), twin.PiecewiseLinear(3, 5, [0, 3])),
}
LAYERS = {
    "plain": "tanh",
    "trainable": Trainable("silu"),
    "trainable relu": Trainable("relu"),
    "list, first": [Trainable("mish"), "gelu"],
    "list, second": ["tanh", Trainable("selu")],
    "list, both": [Trainable("logistic"), Trainable("softplus")],
}
NORMS = {"no norm": None, "batch_norm": "batch_norm", "layer_norm": "layer_norm"}
DROPOUTS = {
    "no dropout": {},
    "dropout": {"dropout": (0.3, 0.0)},
    "dropout of inputs": {"input_dropout": 0.4},
    "dropout everywhere": {"dropout": (0.25, 0.5), "input_dropout": 0.2},
}
WEIGHTS = ("equal", "of rows", "of classes", "of both")


class Network:
    """The objective as a function of all trained arrays in one vector, in plain NumPy.

    ``arrays`` are lists of coefs, intercepts, scales of activations, scales and shifts of the normalisation, and
    arrays of the embedding.
    """

    def __init__(self, problem, columns, activations, norm, arrays, weights, masks):
        self.problem, self.columns, self.norm, self.arrays = problem, columns, norm, arrays
        self.weights, self.masks = weights / weights.sum(axis=0), masks
        self.activations = [one.activation if isinstance(one, Trainable) else one for one in activations]

    def parts(self, theta):
        """Return a vector as lists of arrays."""
        found, start = [], 0
        for arrays in self.arrays:
            part = []
            for array in arrays:
                part.append(theta[start : start + array.size].reshape(array.shape))
                start += array.size
            found.append(part)
        return found

    @property
    def theta(self):
        """All arrays in one vector."""
        return np.concatenate([array.ravel() for arrays in self.arrays for array in arrays])

    def normalised(self, z):
        """Return z normalised over the rows, which have weights, or over the units."""
        if self.norm == "batch_norm":
            share = self.weights.mean(axis=1)
            centred = z - share @ z
            return centred / np.sqrt(share @ centred**2 + 1e-5)
        centred = z - z.mean(axis=1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)

    def value(self, theta):
        """Return the objective."""
        coefs, intercepts, scales, norm_scales, norm_shifts, embedded = self.parts(theta)
        self.columns.train(embedded)
        h = self.columns.inputs(self.problem.X) * self.masks[0]
        for layer, (W, b) in enumerate(zip(coefs, intercepts, strict=True)):
            h = h @ W + b
            if layer < len(coefs) - 1:
                if self.norm is not None:
                    h = norm_scales[layer] * self.normalised(h) + norm_shifts[layer]
                f = ACTIVATIONS[self.activations[layer]][0](h)
                h = (h + scales[layer] * (f - h) if scales[layer].size else f) * self.masks[1][layer]
        loss, Y = LOSSES[self.problem.twin_loss][1], self.problem.Y
        if self.weights.shape[1] == 1:
            value = self.weights[:, 0] @ loss(h, Y)
        else:  # of each label
            labels = [[j] for j in range(Y.shape[1])]
            value = sum(self.weights[:, j[0]] @ loss(h[:, j], Y[:, j]) for j in labels)
        return value + ALPHA / 2 * sum((W**2).sum() for W in coefs)


def class_weights(problem, weighted):
    """Return ``class_weight``, and the weights of rows, or of rows and labels, that it comes to."""
    n_rows = len(problem.X)
    rows = row_weights(n_rows) if weighted in ("of rows", "of both") else np.ones(n_rows)
    if weighted in ("equal", "of rows"):
        return {}, rows[:, None]
    if problem.y.ndim == 2:
        weights = [{0: 0.5 + j, 1: 2.0 - 0.3 * j} for j in range(problem.y.shape[1])]
        factors = [[by_class[value] for by_class, value in zip(weights, row, strict=True)] for row in problem.y]
        return {"class_weight": weights}, rows[:, None] * np.array(factors)
    weights = {label: 0.5 + i for i, label in enumerate(np.unique(problem.y))}
    return {"class_weight": weights}, (rows * [weights[label] for label in problem.y])[:, None]


def random_arrays(rng, arrays):
    """Return arrays of the same shapes none of whose elements are near zero."""
    return [away_from_zero(rng, np.shape(array)) for array in arrays]


def fits_together(task="", weighted=None, norm=None, dropout=None, **_):
    if task.endswith(("poisson", "gamma")) and dropout == DROPOUTS["dropout everywhere"]:
        return False  # exponentials of what these factors make may overflow
    if weighted in ("of classes", "of both"):
        if task and not task.startswith(("binary", "multi")) or task.startswith("multi-output"):
            return False
        if task.startswith("multilabel") and norm == "batch_norm":
            return False  # whose statistics take one weight for each row
    return True


def check(task, embedding, layers, norm, dropout, weighted, n_samples=13):
    problem, rng = make_problem(task, n_samples), np.random.RandomState(7)
    n_rows, n_features = problem.X.shape
    given = row_weights(n_rows) if weighted in ("of rows", "of both") else None
    by_class, weights = class_weights(problem, weighted)
    rule, of_twin = embedding
    model = problem.make(
        hidden_layer_sizes=HIDDEN,
        activation=layers,
        feature_embedding=rule,
        alpha=ALPHA,
        solver="gd",
        momentum=0.0,
        learning_rate_init=1e-300,
        max_iter=1,
        random_state=SEED,
        warm_start=True,
        **({norm: True} if norm else {}),
        **dropout,
        **by_class,
    )
    model.fit(problem.X, problem.y, given)

    # assign arrays
    activations = layers if isinstance(layers, list) else [layers, layers]
    columns = twin.Columns(of_twin, problem.X, np.ones(n_rows), np.random.RandomState(0))
    trained = [vector.attribute for vector in model._embedding["rule"].vectors if vector.trained] if rule else []
    if "embedding_bins_" in vars(model):  # weights of classes decide about no bin
        columns.arrays = [
            [*arrays[:3], bins] for arrays, bins in zip(columns.arrays, model.embedding_bins_, strict=True)
        ]
    names = ["coefs_", "intercepts_", "activation_scales_", f"{norm}_scales_", f"{norm}_shifts_", *trained]
    for name in names:
        if name in vars(model):
            setattr(model, name, random_arrays(rng, getattr(model, name)))

    def arrays():
        of_norm = [list(getattr(model, name, [])) for name in names[3:5]]
        scales = getattr(model, "activation_scales_", [np.empty(0)] * 2)
        return [list(model.coefs_), list(model.intercepts_), list(scales), *of_norm, trained_embedding(model)]

    seed = model._seed
    rates = {"dropout": (0.0, 0.0), "input_dropout": 0.0} | dropout
    units = (n_features, *HIDDEN, problem.Y.shape[1])
    of_layers = batch_masks(seed, 1, range(n_rows), units, rates["dropout"], 0.0)[1]
    of_features = dropout_mask(seed, 1, range(n_rows), -1, n_features, rates["input_dropout"])
    masks = of_features[:, columns.features], of_layers
    network = Network(problem, columns, activations, norm, arrays(), weights, masks)
    before = network.theta
    expected = central_differences(network.value, before, 1e-6)  # a smaller step meets fewer kinks
    assert np.abs(expected).max() > 1e-2

    model.set_params(learning_rate_init=RATE).fit(problem.X, problem.y, given)
    network.arrays = arrays()
    found = (before - network.theta) / RATE
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    lengths = [sum(array.size for array in part) for part in network.arrays]
    if rule is not None:
        assert np.abs(found[-lengths[5] :]).max() > 1e-3
    scales = found[sum(lengths[:2]) : sum(lengths[:3])]
    assert scales.size == sum(n for n, one in zip(HIDDEN, activations, strict=True) if isinstance(one, Trainable))
    assert not scales.size or np.abs(scales).max() > 1e-4


@table(
    fits_together,
    task=TASKS,
    embedding=EMBEDDINGS,
    layers=LAYERS,
    norm=NORMS,
    dropout=DROPOUTS,
    weighted=WEIGHTS,
)
def test_gradients(task, embedding, layers, norm, dropout, weighted):
    check(task, embedding, layers, norm, dropout, weighted)


@pytest.mark.exhaustive
@pytest.mark.parametrize("embedding", EMBEDDINGS.values(), ids=EMBEDDINGS)
@pytest.mark.parametrize(
    "task", ["multiclass", "binary", "multilabel", "regression", "quantiles", "multi-output gamma"]
)
def test_gradients_in_all_combinations(task, embedding):
    for layers, norm, dropout, weighted in product(LAYERS.values(), NORMS, DROPOUTS.values(), WEIGHTS):
        if fits_together(task=task, weighted=weighted, norm=NORMS[norm], dropout=dropout):
            check(task, embedding, layers, NORMS[norm], dropout, weighted)


@pytest.mark.parametrize("task", ["multiclass", *exhaustive(*TASKS[1:])])
@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "identity"])
def test_gradients_by_the_scales_of_every_activation(activation, task):
    check(task, EMBEDDINGS["plain"], Trainable(activation), None, {}, "of rows")


@pytest.mark.nojit
@pytest.mark.parametrize("embedding", EMBEDDINGS.values(), ids=EMBEDDINGS)
@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_gradients_without_compiler(embedding, norm):
    check("multilabel", embedding, LAYERS["list, first"], norm, DROPOUTS["dropout everywhere"], "of rows")


@pytest.mark.exhaustive
@pytest.mark.parametrize("dropout", DROPOUTS.values(), ids=DROPOUTS)
@pytest.mark.parametrize("name", ["periodic", "some piecewise_linear"])
def test_gradients_summed_over_tiles(name, dropout):
    check("multiclass", EMBEDDINGS[name], LAYERS["list, first"], None, dropout, "of both", n_samples=1100)
