"""Embeddings of features and trainable activations against the naive twin, in all pairs with what they meet.

As in ``test_twin_table.py``, one difference anywhere moves every number. That the twin's gradients are right is shown
by central differences, here and in ``test_embedding_gradients.py``.
"""

import numpy as np
import pytest
from support.against_twin import AROUND, RATES, SMALL, SOLVERS, VALIDATION, assert_same
from support.differences import along, away_from_zero
from support.pairwise import table
from support.problems import make_problem, row_weights
from twin import embeddings as twin
from twin.losses import LOSSES
from twin.network import data_loss, forward, gradients

from skregopt import MLPRegressor
from skregopt.activations import Trainable
from skregopt.embeddings import Periodic, PiecewiseLinear
from skregopt.penalties import PENALTIES

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

# of the estimator, and of the twin
EMBEDDINGS = {
    "plain": (None, None),
    "periodic": ("periodic", "periodic"),
    "some periodic": (
        Periodic(n_frequencies=3, frequency_scale=0.7, n_outputs=5, columns=[3, 1]),
        twin.Periodic(3, 0.7, 5, [1, 3]),
    ),
    "piecewise_linear": ("piecewise_linear", "piecewise_linear"),
    "some piecewise_linear": (PiecewiseLinear(n_bins=3, n_outputs=2, columns=[0]), twin.PiecewiseLinear(3, 2, [0])),
}
LAYERS = {
    "linear": {"hidden_layer_sizes": ()},
    "plain": {"activation": "tanh"},
    "trainable": {"activation": Trainable("silu")},
    "trainable, saving": {"activation": Trainable("mish"), "hidden_layer_sizes": (4,)},
    "one of two": {"activation": ["relu", Trainable("selu")]},
    "the other one": {"activation": [Trainable("logistic"), "tanh"]},
    "all pass": {"activation": [Trainable("gelu"), Trainable("relu"), "tanh"], "hidden_layer_sizes": (4, 3, 2)},
}
DROPOUTS = {
    "no dropout": {},
    "dropout": {"dropout": 0.4},
    "dropout of inputs": {"input_dropout": 0.3},
    "dropout everywhere": {"dropout": 0.2, "input_dropout": 0.4},
}
RATES_OF_GROUPS = {
    "one rate": {},
    "slow": {"learning_rate_factors": {"embedding": 0.1, "activation": 0.2}},
    "fast": {"learning_rate_factors": {"embedding": 3.0, "activation": 2.0, "coefs": 0.5}},
    "frozen": {"learning_rate_factors": {"embedding": 0, "activation": 0.0}},
    "all else frozen": {"learning_rate_factors": {"intercepts": 0.0}},
    "ntp": {"parametrization": "ntp"},
    "ntp with factors": {"parametrization": "ntp", "learning_rate_factors": {"embedding": 0.1, "activation": 0.1}},
}


def is_trainable(layers):
    activation = layers.get("activation")
    return any(isinstance(one, Trainable) for one in (activation if isinstance(activation, list) else [activation]))


def fits_together(layers=None, dropout=None, solver=None, batch_size=None, **_):
    if solver == {"solver": "muon"} and (dropout or batch_size == 1):
        return False  # of a unit without gradient, and of few rows in many columns, the direction is rounding
    return (layers or {}).get("hidden_layer_sizes") != () or not dropout or "dropout" not in dropout


@table(
    fits_together,
    embedding=EMBEDDINGS,
    layers=LAYERS,
    task=["multiclass", "binary", "multilabel", "regression", "multi-output regression", "quantiles", "huber"],
    solver=SOLVERS,
    penalty=list(PENALTIES),
    around=AROUND,
    dropout=DROPOUTS,
    groups=RATES_OF_GROUPS,
    validation=VALIDATION,
    batch_size=[1, 5, 13],
    learning_rate=["constant", "coslog", "plateau"],
    weighted=[False, True],
)
def test_fits_are_those_of_the_naive_twin(
    embedding, layers, task, solver, penalty, around, dropout, groups, validation, batch_size, learning_rate, weighted
):
    problem = make_problem(task, n_samples=22)
    train, held_out = problem.part(slice(0, 13)), problem.part(slice(13, None))
    rule, of_twin = embedding
    params = SMALL | {"learning_rate_init": RATES.get(solver["solver"], 0.02)} | solver | around | dropout | layers
    params |= {
        "penalty": penalty,
        "alpha": 0.02,
        "batch_size": "auto" if params["solver"] == "gd" else batch_size,
        "learning_rate": learning_rate,
        **groups,
    }
    if factors := dict(groups.get("learning_rate_factors", {})):
        present = {"embedding": rule is not None, "activation": is_trainable(layers)}
        factors = {group: factor for group, factor in factors.items() if present.get(group, True)}
        params["learning_rate_factors"] = factors
    weights, weights_val = (row_weights(13), 5 * row_weights(9)) if weighted else (None, None)
    given, validated = {}, {}
    if validation != "no validation":
        params["early_stopping"] = validation == "early stopping"
        given = {"X_val": held_out.X, "y_val": held_out.y, "sample_weight_val": weights_val}
        validated = {"validation": (held_out.X, held_out.Y, weights_val)}
    estimator = train.make(feature_embedding=rule, **params).fit(train.X, train.y, weights, **given)
    expected = train.fit_twin(weights, feature_embedding=of_twin, **validated, **params)
    assert_same(estimator, expected, tolerance=1e-9)
    assert_same_predictions(estimator, problem, rule, of_twin, weights)


@pytest.mark.parametrize("n_units", [1, 50, 2100])  # blocks of rows are summed as a whole, in parts, row by row
def test_scales_are_trained_by_all_rows_of_a_batch(n_units):
    problem = make_problem("regression", n_samples=190)
    params = SMALL | {"activation": Trainable("silu"), "hidden_layer_sizes": (n_units,), "batch_size": 150}
    estimator = problem.make(**params).fit(problem.X, problem.y)
    assert_same(estimator, problem.fit_twin(None, **params), tolerance=1e-9)
    assert np.abs(estimator.activation_scales_[0] - 1).max() > 1e-3


def assert_same_predictions(estimator, problem, rule, of_twin, weights):
    """Compare predictions, with dropout off; the twin's columns take the fitted arrays."""
    columns = twin.Columns(of_twin, problem.X[:13], np.ones(13) if weights is None else weights, np.random)
    if rule is not None:
        arrays = [getattr(estimator, vector.attribute) for vector in estimator._embedding["rule"].vectors]
        columns.arrays = [list(of_column) for of_column in zip(*arrays, strict=True)]
    given = estimator.activation
    given = given if isinstance(given, list) else [given] * (len(estimator.coefs_) - 1)
    names = [one if isinstance(one, str) else one.activation for one in given]
    network = columns.inputs(problem.X), estimator.coefs_, estimator.intercepts_, names
    raw = forward(*network, scales=getattr(estimator, "activation_scales_", None))[0][-1]
    expected = LOSSES[problem.twin_loss][0](raw)
    if problem.estimator is MLPRegressor:
        actual = estimator.predict(problem.X).reshape(expected.shape)
    else:
        actual = estimator.predict_proba(problem.X)
        binary = problem.twin_loss == "sigmoid" and expected.shape[1] == 1
        expected = np.hstack([1 - expected, expected]) if binary else expected
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("activations", [("tanh", "silu"), ("relu", "mish"), ("gelu", "logistic")], ids=str)
@pytest.mark.parametrize("rule", [twin.Periodic(3, 0.7, 4, [0, 2]), twin.PiecewiseLinear(3, 3, [1, 2, 3])])
@pytest.mark.parametrize("is_masked", [False, True])
def test_gradients_of_the_twin_are_central_differences(rule, activations, is_masked):
    problem = make_problem("multiclass")
    rng, weights = np.random.RandomState(0), row_weights(13)
    columns = twin.Columns(rule, problem.X, weights, rng)
    units = [len(columns.features), 4, 3, 3]
    shapes = [(n, m) for n, m in zip(units[:-1], units[1:], strict=True)]
    arrays = [away_from_zero(rng, shape) for shape in (*shapes, 4, 3, 3, 4, 3)]
    arrays += [array + away_from_zero(rng, array.shape) for array in columns.trained()]
    masks = [rng.choice([0.0, 1.5], size=(13, width)) for width in (units[0], 4, 3)]
    masks = (masks[0], masks[1:]) if is_masked else (None, None)

    def network(arrays):
        columns.train(arrays[8:])
        return columns.inputs(problem.X), problem.Y, arrays[:3], arrays[3:6], problem.twin_loss, activations

    def loss(theta):
        ends = np.cumsum([array.size for array in arrays])[:-1]
        parts = [part.reshape(a.shape) for part, a in zip(np.split(theta, ends), arrays, strict=True)]
        return data_loss(*network(parts), weights, masks, parts[6:8])

    theta = np.concatenate([array.ravel() for array in arrays])
    found = gradients(*network(arrays), weights / weights.sum(), masks, arrays[6:8])
    found = [*sum(found[:3], []), *columns.gradients(problem.X, found[3])]
    gradient = np.concatenate([array.ravel() for array in found])
    for _ in range(3):
        direction = away_from_zero(rng, theta.size)
        np.testing.assert_allclose(gradient @ direction, along(loss, theta, direction, h=1e-6), rtol=1e-7, atol=1e-8)
