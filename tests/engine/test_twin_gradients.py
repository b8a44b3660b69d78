"""The naive twin's gradients against central differences of its own objective; no compiled code takes part.

A direction without a zero meets the derivative by every parameter: two random ones stand for all parameters.
"""

from itertools import pairwise, product

import numpy as np
import pytest
from support.differences import along, away_from_zero, central_differences, flatten, unflatten
from support.problems import TASKS, make_problem, row_weights
from twin.activations import ACTIVATIONS
from twin.draws import batch_masks
from twin.network import data_loss, gradients
from twin.penalties import penalty_value, prox

pytestmark = pytest.mark.numerics

HIDDEN = {"linear": (), "one layer": (4,), "two layers": (4, 3)}
DROPOUTS = {
    "no dropout": {"dropout": 0.0, "input_dropout": 0.0},
    "dropout of a layer": {"dropout": (0.3, 0.0), "input_dropout": 0.0},
    "dropout everywhere": {"dropout": (0.25, 0.5), "input_dropout": 0.2},
}


def assert_derivatives_agree(problem, hidden, activation, row_weights, masks):
    units = (problem.X.shape[1], *hidden, problem.Y.shape[1])
    rng = np.random.RandomState(7)
    theta = away_from_zero(rng, sum(n * m + m for n, m in pairwise(units)))

    def loss(theta):
        network = *unflatten(theta, units), problem.twin_loss, activation
        return data_loss(problem.X, problem.Y, *network, row_weights, masks)

    network = *unflatten(theta, units), problem.twin_loss, activation
    gradient = flatten(*gradients(problem.X, problem.Y, *network, row_weights / row_weights.sum(), masks)[:2])
    assert np.abs(gradient).max() > 1e-2
    for _ in range(2):
        direction = away_from_zero(rng, theta.size)
        np.testing.assert_allclose(gradient @ direction, along(loss, theta, direction, h=1e-6), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("task", TASKS)
def test_every_activation_and_loss(task, hidden):
    problem = make_problem(task)
    for activation, weights in product(ACTIVATIONS, (np.ones(13), row_weights(13))):
        assert_derivatives_agree(problem, hidden, activation, weights, (None, None))


@pytest.mark.parametrize("dropout", DROPOUTS.values(), ids=DROPOUTS)
@pytest.mark.parametrize("task", TASKS)
def test_every_dropout(task, dropout):
    problem = make_problem(task)
    masks = batch_masks(5, 0, range(13), (4, 4, 3, problem.Y.shape[1]), **dropout)
    for activation in (*ACTIVATIONS, ("tanh", "relu")):
        assert_derivatives_agree(problem, (4, 3), activation, row_weights(13), masks)


@pytest.mark.parametrize("penalty", [None, "l1", "l2", "elasticnet", "group_l1"])
def test_proximal_operators_are_stationary(penalty):
    """At the operator's result w - u + step * gradient of the non-smooth term vanishes, or zero is within its reach."""
    rng = np.random.RandomState(0)
    u, step_size = rng.normal(size=(6, 4)), np.full((6, 4), 1.2)
    alpha, l1_ratio = 0.9, 0.6
    w = prox(u, step_size, penalty, alpha, l1_ratio)

    def non_smooth(flat):
        coefs = [flat.reshape(6, 4)]
        smooth = penalty_value(coefs, "l2", alpha * {None: 0, "l1": 0, "l2": 1}.get(penalty, 1 - l1_ratio))
        return penalty_value(coefs, penalty, alpha, l1_ratio) - smooth

    gradient = central_differences(non_smooth, w.ravel()).reshape(6, 4)
    rest = (u - w) / step_size
    np.testing.assert_allclose(rest[w != 0], gradient[w != 0], atol=1e-6)
    strength = alpha * {None: 0, "l1": 1, "l2": 0}.get(penalty, l1_ratio)
    if penalty == "group_l1":
        zero = ~w.any(axis=1)
        assert 0 < zero.sum() < 6 and np.all(np.linalg.norm(rest[zero], axis=1) <= 2 * strength)
    else:
        assert np.any(w == 0) == (strength > 0) and np.all(np.abs(rest[w == 0]) <= strength)
