"""The compiled training loop against the naive twin for all combinations of two or three parameters.

``test_twin_table.py`` shows the same for a table of all pairs.
"""

import numpy as np
import pytest
from support.against_twin import SMALL, assert_same, check_fit
from support.problems import FORMATS, TASKS, make_problem, row_weights
from twin.losses import LOSSES
from twin.network import forward

from skregopt import MLPRegressor
from skregopt.activations import ACTIVATIONS
from skregopt.optimizers import OPTIMIZERS, SGD
from skregopt.penalties import PENALTIES
from skregopt.schedules import SCHEDULES

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.numerics,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

# every loss with every activation, and every loss in every format
EACH_WITH_EACH = [
    *((task, activation, np.asarray) for task in TASKS for activation in ACTIVATIONS),
    *((task, "tanh", convert) for task in TASKS for name, convert in FORMATS.items() if name != "dense"),
]


@pytest.mark.parametrize(("task", "activation", "convert"), EACH_WITH_EACH)
def test_activations_and_losses(task, activation, convert):
    check_fit(make_problem(task), convert, activation=activation)


@pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("momentum", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("nesterovs_momentum", [False, True])
@pytest.mark.parametrize("solver", [name for name, rule in OPTIMIZERS.items() if rule is SGD])
def test_gradient_descent(solver, nesterovs_momentum, momentum, penalty, learning_rate):
    check_fit(
        make_problem("multiclass"),
        solver=solver,
        momentum=momentum,
        nesterovs_momentum=nesterovs_momentum,
        penalty=penalty,
        alpha=0.02,
        learning_rate=learning_rate,
        learning_rate_init=0.03,
        batch_size="auto" if solver == "gd" else 5,
    )


@pytest.mark.parametrize("learning_rate", SCHEDULES)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("beta_1, beta_2, epsilon", [(0.9, 0.999, 1e-8), (0.5, 0.7, 0.1), (0, 0, 1e-4)])
def test_adam(beta_1, beta_2, epsilon, penalty, learning_rate):
    check_fit(
        make_problem("multiclass"),
        beta_1=beta_1,
        beta_2=beta_2,
        epsilon=epsilon,
        penalty=penalty,
        alpha=0.02,
        learning_rate=learning_rate,
    )


@pytest.mark.parametrize("convert", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    "rates",
    [
        {"dropout": 0.4},
        {"dropout": (0.0, 0.6)},
        {"dropout": (0.6, 0.0)},
        {"input_dropout": 0.3},
        {"dropout": (0.2, 0.7), "input_dropout": 0.5},
    ],
    ids=str,
)
def test_dropout(rates, activation, convert):
    problem = make_problem("multilabel")
    check_fit(problem, convert, row_weights(13), activation=activation, **rates)


@pytest.mark.parametrize("convert", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("batch_size", [1, 6, 13])
def test_sample_weights(batch_size, task, convert):
    """Weights are divided by their mean over all rows, not by that of a batch."""
    check_fit(make_problem(task), convert, row_weights(13), batch_size=batch_size, penalty="elasticnet")


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [1, 2, 7, 12, 13])
@pytest.mark.parametrize("solver", ["minibatch", "adam"])
def test_batches(solver, batch_size, shuffle):
    check_fit(make_problem("binary"), solver=solver, batch_size=batch_size, shuffle=shuffle)


@pytest.mark.parametrize("random_state", [0, 11, 12345])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_start_weights_and_order(activation, random_state):
    check_fit(make_problem("binary"), random_state=random_state, activation=activation, max_iter=1)


@pytest.mark.parametrize("hidden", [(), (1,), (1, 1), (5, 4, 3, 2)])
@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression", "multi-output poisson", "quantiles"])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_depth(penalty, task, hidden):
    check_fit(make_problem(task), hidden_layer_sizes=hidden, penalty=penalty, alpha=0.05)


@pytest.mark.parametrize("convert_val", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("convert", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("task", ["multiclass", "multi-output regression"])
def test_validation_rows(task, early_stopping, weighted, convert, convert_val):
    """Their loss is that of the whole network without dropout and penalty, weighted as given."""
    problem = make_problem(task, n_samples=43)
    train, held_out = problem.part(slice(0, 31)), problem.part(slice(31, None))
    weights_val = 5 * row_weights(12) if weighted else None
    params = SMALL | {"dropout": 0.2, "input_dropout": 0.1, "penalty": "l1", "alpha": 0.01}
    params["early_stopping"] = early_stopping
    estimator = problem.make(**params).fit(
        convert(train.X),
        train.y,
        X_val=convert_val(held_out.X),
        y_val=held_out.y,
        sample_weight_val=weights_val,
    )
    assert len(estimator.validation_loss_curve_) == SMALL["max_iter"]
    assert_same(estimator, train.fit_twin(validation=(held_out.X, held_out.Y, weights_val), **params))


@pytest.mark.parametrize(("task", "activation", "convert"), EACH_WITH_EACH)
def test_predictions(task, activation, convert):
    """Also of more rows than a tile; dropout is off."""
    problem = make_problem(task, n_samples=1100)
    params = SMALL | {"activation": activation, "max_iter": 1, "dropout": 0.5, "input_dropout": 0.5}
    estimator = problem.make(**params).fit(problem.X, problem.y)
    network = estimator.coefs_, estimator.intercepts_, activation
    raw = forward(problem.X, *network)[0][-1]
    expected = LOSSES[problem.twin_loss][0](raw)
    if problem.estimator is MLPRegressor:
        actual = estimator.predict(convert(problem.X)).reshape(expected.shape)
    else:
        actual = estimator.predict_proba(convert(problem.X))
        expected = np.hstack([1 - expected, expected]) if task.startswith("binary") else expected
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-14)
