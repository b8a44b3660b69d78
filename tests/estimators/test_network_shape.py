"""One activation per hidden layer, and depth and width as two scalars."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils._param_validation import InvalidParameterError
from support.against_twin import check_fit
from support.problems import make_problem
from support.states import weights
from twin.losses import LOSSES
from twin.network import forward

from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import ELU, LeakyReLU, Tanh
from skregopt.optimizers import Adam

pytestmark = [
    pytest.mark.nojit,
    pytest.mark.numerics,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
SMALL = {
    "hidden_layer_sizes": (5, 4),
    "activation": "tanh",
    "batch_size": 5,
    "learning_rate_init": 0.05,
    "max_iter": 5,
    "tol": 0,
    "n_iter_no_change": np.inf,
    "random_state": 1,
}


def make_data(kind, n_samples=60, seed=0):
    problem = make_problem("multiclass" if kind is MLPClassifier else "regression", n_samples, seed=seed)
    return problem.X, problem.y


def small(kind, **params):
    return kind(**SMALL | params)


PER_LAYER = [["relu", "tanh", "gelu"], ("logistic", "identity", "selu"), ["selu", "relu", "logistic"]]


@pytest.mark.parametrize("activation", PER_LAYER, ids=str)
@pytest.mark.parametrize("solver", ["minibatch", "adam", "sgd"])
def test_each_layer_has_its_activation_and_initial_weights(solver, activation):
    """In training, prediction, gradients and 'auto' initial weights, drawn from the same seed."""
    problem = make_problem("multiclass")
    rate = {"learning_rate_init": 0.01}
    model = check_fit(
        problem, activation=activation, hidden_layer_sizes=(5, 4, 3), solver=solver, tolerance=1e-11, **rate
    )
    raw = forward(problem.X, model.coefs_, model.intercepts_, list(activation))[0][-1]
    np.testing.assert_allclose(model.predict_proba(problem.X), LOSSES["softmax"][0](raw), rtol=1e-10)


@BOTH
def test_instances_in_a_sequence(kind):
    X, y = make_data(kind)
    by_name = small(kind, activation=["tanh", "leaky_relu"]).fit(X, y)
    mixed = small(kind, activation=[Tanh(), "leaky_relu"]).fit(X, y)
    assert weights(mixed) == weights(by_name)
    slope = next(iter(LeakyReLU().get_params()))
    other = small(kind, activation=["tanh", LeakyReLU(**{slope: 0.4})])
    assert weights(other.fit(X, y)) != weights(by_name)
    for copied in (pickle.loads(pickle.dumps(other)), copy.deepcopy(other)):
        np.testing.assert_array_equal(copied.predict(X), other.predict(X))
        copied.partial_fit(X, y)
    again = clone(other)
    assert again.activation is not other.activation and again.activation[1] is not other.activation[1]
    assert weights(again.fit(X, y)) == weights(other)


@BOTH
@pytest.mark.parametrize(
    ("activation", "names"),
    [
        (["relu"], ("activation", "2 hidden layers", "hidden_layer_sizes=(5, 4)", "['relu']")),
        (["relu"] * 3, ("activation", "2 hidden layers")),
        ([], ("activation", "2 hidden layers")),
        (["relu", "rely"], ("activation", "'rely'", "'softplus'")),
        (["relu", None], ("activation", "None")),
        (["relu", Adam()], ("activation", "Adam()")),
        (["relu", Tanh], ("activation", "Tanh")),
        (["relu", ["tanh"]], ("activation", "['tanh']")),
    ],
    ids=str,
)
def test_bad_sequences_of_activations(kind, activation, names):
    X, y = make_data(kind)
    with pytest.raises(ValueError) as caught:
        small(kind, activation=activation).fit(X, y)
    assert all(name in str(caught.value) for name in names), caught.value


def test_bad_parameter_of_an_activation_in_a_sequence():
    X, y = make_data(MLPRegressor)
    name = next(iter(ELU().get_params()))
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter of ELU"):
        small(MLPRegressor, activation=["relu", ELU(**{name: "x"})]).fit(X, y)


@BOTH
@pytest.mark.parametrize("width", [5, (5,), [5], np.int64(5)], ids=str)
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_depth_times_width_is_the_explicit_tuple(kind, width, depth):
    X, y = make_data(kind)
    params = {"dropout": [0.1, 0.2, 0.3][:depth] if depth == 3 else 0.0}
    actual = small(kind, hidden_layer_sizes=width, n_hidden_layers=depth, **params).fit(X, y)
    expected = small(kind, hidden_layer_sizes=(5,) * depth, **params).fit(X, y)
    assert weights(actual) == weights(expected)
    assert actual.n_layers_ == depth + 2


def test_no_hidden_layer_is_a_linear_model():
    X, y = make_data(MLPRegressor)
    params = {"hidden_layer_sizes": 50, "n_hidden_layers": 0, "penalty": None, "solver": "lbfgs", "tol": 1e-10}
    model = small(MLPRegressor, **{**params, "max_iter": 1000, "n_iter_no_change": 10}).fit(X, y)
    expected = np.linalg.lstsq(np.c_[X, np.ones(len(X))], y, rcond=None)[0]
    np.testing.assert_allclose(np.append(model.coefs_[0], model.intercepts_[0]), expected, rtol=1e-5)


@BOTH
@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"hidden_layer_sizes": (5, 4), "n_hidden_layers": 2}, ("n_hidden_layers=2", "hidden_layer_sizes=(5, 4)")),
        ({"hidden_layer_sizes": (), "n_hidden_layers": 2}, ("n_hidden_layers=2", "hidden_layer_sizes=()")),
        ({"hidden_layer_sizes": 5, "n_hidden_layers": 0, "dropout": 0.5},
         ("dropout=0.5", "n_hidden_layers=0", "hidden_layer_sizes=5", "input_dropout")),
        ({"hidden_layer_sizes": 5, "n_hidden_layers": 2, "dropout": [0.5]},
         ("[0.5]", "n_hidden_layers=2", "hidden_layer_sizes=5")),
        ({"hidden_layer_sizes": 5, "n_hidden_layers": 2, "activation": ["relu"]},
         ("['relu']", "n_hidden_layers=2", "hidden_layer_sizes=5")),
        ({"hidden_layer_sizes": 5, "n_hidden_layers": 0, "batch_norm": True},
         ("batch_norm=True", "n_hidden_layers=0", "hidden_layer_sizes=5")),
    ],
    ids=str,
)  # fmt: skip
def test_bad_depths(kind, params, names):
    X, y = make_data(kind)
    with pytest.raises(ValueError) as caught:
        small(kind, **params).fit(X, y)
    assert all(name in str(caught.value) for name in names), caught.value


@BOTH
def test_search_over_depth_and_width(kind):
    X, y = make_data(kind)
    grid = {"hidden_layer_sizes": [2, 6], "n_hidden_layers": [0, 1, 3]}
    search = GridSearchCV(small(kind), grid, cv=2, error_score="raise").fit(X, y)
    best = search.best_params_
    shapes = [coef.shape[1] for coef in search.best_estimator_.coefs_[:-1]]
    assert shapes == [best["hidden_layer_sizes"]] * best["n_hidden_layers"]


@pytest.mark.parametrize("rate", [0.5, 1.0])
def test_dropout_as_an_array_without_dimensions(rate):
    X, y = make_data(MLPClassifier)
    model = small(MLPClassifier, dropout=np.array(rate))
    if rate < 1:
        assert weights(model.fit(X, y)) == weights(small(MLPClassifier, dropout=rate).fit(X, y))
    else:
        with pytest.raises(ValueError, match="dropout must be in the range"):
            model.fit(X, y)
