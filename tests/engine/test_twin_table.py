"""The compiled training loop against the naive twin, to rounding, on a table of all pairs of its parameters.

Start weights, order of samples, dropout masks, batches, updates, proximal steps, curves and stopping all have to agree:
one difference anywhere moves every weight. That the twin's gradients are right is shown in ``test_twin_gradients.py``.
"""

from dataclasses import replace

import numpy as np
import pytest
from support.against_twin import AROUND, RATES, SMALL, SOLVERS, VALIDATION, assert_same
from support.pairwise import table
from support.problems import FORMATS, TASKS, make_problem, row_weights
from twin.losses import LOSSES
from twin.network import forward

from skregopt import MLPRegressor
from skregopt.activations import ACTIVATIONS
from skregopt.initializers import INITIALIZERS
from skregopt.penalties import PENALTIES
from skregopt.schedules import SCHEDULES

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

DROPOUTS = {
    "no dropout": {},
    "dropout": {"dropout": 0.4},
    "dropout of one layer": {"dropout": "first layer"},
    "dropout of inputs": {"input_dropout": 0.3},
    "dropout everywhere": {"dropout": 0.2, "input_dropout": 0.5},
    "scheduled dropout": {"dropout": 0.4, "input_dropout": 0.3, "dropout_schedule": "flat_cosine"},
}
RATES_OF_GROUPS = {
    "one rate": {},
    "factors": {"learning_rate_factors": {"coefs": 0.6, "intercepts": 2.0}},
    "frozen intercepts": {"learning_rate_factors": {"intercepts": 0}},
    "ntp": {"parametrization": "ntp"},
    "ntp with factors": {"parametrization": "ntp", "learning_rate_factors": {"intercepts": 0.1}},
}
HIDDEN = {"linear": (), "one unit": (1,), "two layers": (4, 3), "four layers": (5, 4, 3, 2)}


def fits_together(hidden=None, dropout=None, solver=None, task="", weight_init=None, **_):
    if task == "multi-output gamma" and weight_init == "he_normal":
        return False  # so large weights that exponentials may overflow at the start, whatever the rate
    if solver == {"solver": "muon"} and dropout:
        return False  # of a unit without gradient, whose direction is rounding
    return hidden != () or not dropout or "dropout" not in dropout


@table(
    fits_together,
    task=TASKS,
    solver=SOLVERS,
    activation=list(ACTIVATIONS),
    learning_rate=list(SCHEDULES),
    weight_init=["auto", *INITIALIZERS],
    penalty=list(PENALTIES),
    around=AROUND,
    dropout=DROPOUTS,
    hidden=HIDDEN,
    batch_size=[1, 5, 13],
    convert=FORMATS,
    validation=VALIDATION,
    weighted=[False, True],
    shuffle=[False, True],
    groups=RATES_OF_GROUPS,
)
def test_fits_are_those_of_the_naive_twin(
    task, solver, activation, learning_rate, weight_init, penalty, around, dropout, hidden, batch_size, convert,
    validation, weighted, shuffle, groups,
):  # fmt: skip
    problem = make_problem(task, n_samples=22)
    if task.endswith(("poisson", "gamma")):  # predictions are exponentials, and training explodes where they are large
        problem = replace(problem, X=0.2 * problem.X)
    train, held_out = problem.part(slice(0, 13)), problem.part(slice(13, None))
    params = SMALL | {"learning_rate_init": RATES.get(solver["solver"], 0.02)} | solver | around | groups | dropout
    if params.get("dropout") == "first layer":
        params["dropout"] = (0.6,) + (0.0,) * (len(hidden) - 1)
    params |= {
        "activation": activation,
        "learning_rate": learning_rate,
        "weight_init": weight_init,
        "penalty": penalty,
        "alpha": 0.02,
        "hidden_layer_sizes": hidden,
        "batch_size": "auto" if params["solver"] == "gd" else batch_size,
        "shuffle": shuffle,
    }
    weights, weights_val = (row_weights(13), 5 * row_weights(9)) if weighted else (None, None)
    given, of_twin = {}, {}
    if validation != "no validation":
        params["early_stopping"] = validation == "early stopping"
        given = {"X_val": convert(held_out.X), "y_val": held_out.y, "sample_weight_val": weights_val}
        of_twin = {"validation": (held_out.X, held_out.Y, weights_val)}
    estimator = train.make(**params).fit(convert(train.X), train.y, weights, **given)
    assert_same(estimator, train.fit_twin(weights, **of_twin, **params), tolerance=1e-9)
    # and predictions, with dropout off
    raw = forward(problem.X, estimator.coefs_, estimator.intercepts_, activation)[0][-1]
    expected = LOSSES[problem.twin_loss][0](raw)
    if problem.estimator is MLPRegressor:
        actual = estimator.predict(convert(problem.X)).reshape(expected.shape)
    else:
        actual = estimator.predict_proba(convert(problem.X))
        expected = np.hstack([1 - expected, expected]) if task.startswith("binary") else expected
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-14)
