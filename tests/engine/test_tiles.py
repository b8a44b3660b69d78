"""Rows of more than a tile, and products longer than a block.

Tiles have at most 512 rows, inner dimensions of products are cut into blocks of 512.
"""

import numpy as np
import pytest
from support.against_twin import SMALL, assert_same, check_fit
from support.pairwise import covering, exhaustive
from support.problems import FORMATS, make_problem, row_weights
from twin.network import forward

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


@covering(dropout=[0.0, 0.3], batch_size=[512, 513, 700, 1300], convert=FORMATS)
def test_several_tiles_in_a_batch(dropout, batch_size, convert):
    check_fit(
        make_problem("multiclass", n_samples=1300),
        convert,
        row_weights(1300),
        batch_size=batch_size,
        dropout=dropout,
        input_dropout=dropout,
        penalty="l1",
        alpha=0.01,
        max_iter=2,
    )


WIDE = {"one layer": (3, (600,)), "two layers": (3, (513, 520)), "inputs": (1100, (4,)), "both": (530, (540,))}


@covering(wide=WIDE, batch_size=[1, 20], convert=FORMATS)
def test_wide_layers(wide, batch_size, convert):
    n_features, hidden = wide
    problem = make_problem("multilabel", n_samples=30, n_features=n_features)
    check_fit(
        problem,
        convert,
        hidden_layer_sizes=hidden,
        batch_size=batch_size,
        learning_rate_init=1e-3,
        penalty="elasticnet",
        alpha=1e-2,
        max_iter=2,
    )


@pytest.mark.parametrize("batch_size", [50, 600, *exhaustive(1)])
@pytest.mark.parametrize("name", ["dense", "csr", *exhaustive("csc")])
def test_more_validation_rows_than_a_tile(name, batch_size):
    problem, convert = make_problem("multiclass", n_samples=1900), FORMATS[name]
    train, held_out = problem.part(slice(0, 600)), problem.part(slice(600, None))
    params = SMALL | {"batch_size": batch_size, "max_iter": 2, "learning_rate_init": 0.002}
    validation = {"X_val": convert(held_out.X), "y_val": held_out.y}
    estimator = problem.make(**params).fit(convert(train.X), train.y, **validation)
    assert_same(estimator, train.fit_twin(validation=(held_out.X, held_out.Y, None), **params))


@pytest.mark.parametrize("convert", FORMATS.values(), ids=FORMATS)
def test_more_rows_to_predict_than_a_tile(convert):
    """With dropout off."""
    problem = make_problem("multi-output regression", n_samples=1100)
    params = SMALL | {"max_iter": 1, "dropout": 0.5, "input_dropout": 0.5}
    estimator = problem.make(**params).fit(problem.X, problem.y)
    expected = forward(problem.X, estimator.coefs_, estimator.intercepts_, "tanh")[0][-1]
    np.testing.assert_allclose(estimator.predict(convert(problem.X)), expected, rtol=1e-12, atol=1e-14)
