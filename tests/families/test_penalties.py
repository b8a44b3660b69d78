"""Penalties by element: the proximal operator, and what alpha means however the data are cut into batches."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from support import against_twin
from support.pairwise import covering
from support.problems import TASKS, make_problem
from twin.penalties import penalty_shares

from skregopt import MLPClassifier, MLPRegressor
from skregopt._kernels.jit import entry_point, scalar_type
from skregopt.penalties import L2, PENALTIES, ElasticNet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = against_twin.SMALL | {"learning_rate_init": 0.02}


# --- the proximal operator -------------------------------------------------------------------------------------------


@pytest.mark.nojit
@pytest.mark.parametrize("step_size", [0.03125, 1.0, 7.0])
@pytest.mark.parametrize("name", PENALTIES)
def test_prox_is_the_minimiser(name, step_size):
    """On a grid: of the distance in the metric of the step sizes plus the non-smooth part."""
    alpha, penalty = 0.375, PENALTIES[name]()  # whose products with step sizes and shares are exact
    l1_share = penalty_shares(name)[0]
    grid = np.linspace(-4, 4, 16_001)  # in steps of 0.0005, 0 among them
    weights = np.concatenate([np.linspace(-3, 3, 25), [step_size * alpha * l1_share, 1e-300]])
    moved = weights.copy()
    step_sizes = np.full_like(weights, step_size)
    # rows of one weight each, for which a norm of rows is the absolute value too
    prox = entry_point(penalty.prox, penalty.signatures["prox"](scalar_type(np.dtype(float))))
    prox(moved, step_sizes, 1, 0, alpha, penalty.hyper_vector(np.float64))
    for w, x in zip(weights, moved, strict=True):
        values = (grid - w) ** 2 / (2 * step_size) + alpha * l1_share * np.abs(grid)
        assert abs(x - grid[values.argmin()]) <= 0.00051
        if l1_share and abs(w) <= step_size * alpha * l1_share:
            assert x == 0 and not np.signbit(x)


# --- the meaning of alpha --------------------------------------------------------------------------------------------


def is_differentiable_for_lbfgs(solver=None, penalty=None, **_):
    return solver != "lbfgs" or penalty in (None, "l2")


@covering(is_differentiable_for_lbfgs, task=TASKS, solver=["gd", "adam", "lbfgs"], penalty=PENALTIES.keys())
def test_doubling_all_rows_changes_nothing(task, solver, penalty):
    problem = make_problem(task)
    twice = problem.part(np.tile(np.arange(len(problem.X)), 2))
    params = SMALL | {"solver": solver, "penalty": penalty, "alpha": 0.1, "max_iter": 15}
    params["batch_size"] = "auto"
    once, doubled = (problem.make(**params).fit(p.X, p.y) for p in (problem, twice))
    weighted = problem.make(**params).fit(problem.X, problem.y, np.full(len(problem.X), 2.0))
    for other in (doubled, weighted):
        for a, b in zip(once.coefs_, other.coefs_, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-8)
        np.testing.assert_allclose(once.loss_curve_, other.loss_curve_, rtol=1e-8)


@covering(penalty=PENALTIES.keys(), solver=["minibatch", "adam"], n_rows=[1, 6, 13])
def test_number_of_samples_does_not_change_alpha(n_rows, solver, penalty):
    """Eight batches of the same rows make the updates of eight epochs over those rows."""
    problem = make_problem("multi-output regression").part(slice(0, n_rows))
    eightfold = problem.part(np.tile(np.arange(n_rows), 8))
    params = SMALL | {"solver": solver, "penalty": penalty, "alpha": 0.1, "shuffle": False}
    params["batch_size"] = n_rows
    epochs = problem.make(**params | {"max_iter": 8}).fit(problem.X, problem.y)
    batches = problem.make(**params | {"max_iter": 1}).fit(eightfold.X, eightfold.y)
    for a, b in zip(epochs.coefs_, batches.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(a == 0, b == 0)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("solver", ["minibatch", "adam"])
def test_batch_size_does_not_change_alpha(solver, penalty):
    """A batch of copies of one row makes the update of that row, penalty and all."""
    row = make_problem("multi-output regression").part(slice(3, 4))
    params = SMALL | {"solver": solver, "penalty": penalty, "alpha": 0.1, "max_iter": 1}
    coefs = []
    for batch_size in (1, 3, 64):
        copies = row.part(np.zeros(12 * batch_size, dtype=int))
        network = row.make(**params | {"batch_size": batch_size}).fit(copies.X, copies.y)
        coefs.append(network.coefs_)
    for a, b, c in zip(*coefs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)
        np.testing.assert_allclose(a, c, rtol=0, atol=1e-10)


# --- what a penalty ignores ------------------------------------------------------------------------------------------


@pytest.mark.nojit
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_grid_of_penalties_and_ratios(kind):
    problem = make_problem("binary" if kind is MLPClassifier else "regression", n_samples=40)
    network = kind(3, alpha=0.1, max_iter=5, random_state=0)
    grid = {"penalty": list(PENALTIES), "l1_ratio": [0.1, 0.9]}
    search = GridSearchCV(network, grid, cv=2, error_score="raise").fit(problem.X, problem.y)
    scores = {(p["penalty"], p["l1_ratio"]): score for p, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    )}  # fmt: skip
    for name in PENALTIES:
        ratios_differ = kind is MLPRegressor and name in ("elasticnet", "group_l1")
        if ratios_differ or name not in ("elasticnet", "group_l1"):
            assert (scores[name, 0.1] != scores[name, 0.9]) == ratios_differ, name
    network.set_params(penalty="l2", l1_ratio=0.9).fit(problem.X, problem.y).partial_fit(problem.X, problem.y)


@pytest.mark.nojit
@pytest.mark.parametrize("penalty", [L2(), ElasticNet()])
def test_an_instance_still_says_that_a_ratio_has_no_effect(penalty):
    problem = make_problem("regression")
    with pytest.raises(ValueError, match=r"l1_ratio=0.9 has no effect"):
        MLPRegressor(penalty=penalty, l1_ratio=0.9).fit(problem.X, problem.y)
