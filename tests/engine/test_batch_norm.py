"""Batch normalisation against PyTorch, central differences, and itself in other circumstances."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import PredefinedSplit
from support.problems import make_problem, row_weights
from twin import activations as twin_activations
from twin.losses import LOSSES

from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import ACTIVATIONS

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

NORMS = ("batch_norm_scales_", "batch_norm_shifts_", "batch_norm_means_", "batch_norm_variances_")
FITTED = ("coefs_", "intercepts_", *NORMS)
SMALL = {
    "hidden_layer_sizes": (5, 4),
    "batch_norm": True,
    "batch_size": 6,
    "max_iter": 6,
    "n_iter_no_change": np.inf,
    "learning_rate_init": 0.02,
    "random_state": 1,
}
EPSILON = 1e-5


def fitted_arrays(model):
    return [array for name in FITTED for array in getattr(model, name)]


def assert_same_bits(first, second):
    for a, b in zip(fitted_arrays(first), fitted_arrays(second), strict=True):
        np.testing.assert_array_equal(a, b)


# --- PyTorch --------------------------------------------------------------------------------------------------------


@pytest.mark.torch
@pytest.mark.parametrize("activation", ["relu", "logistic", "gelu"])
@pytest.mark.parametrize("solver", ["minibatch", "adam"])
def test_training_and_prediction_are_those_of_pytorch(solver, activation):
    torch = pytest.importorskip("torch")
    problem = make_problem("multiclass", n_samples=19)  # batches of 6, 6, and 7: a last batch of one row joins
    units = (problem.X.shape[1], 5, 4, 3)
    rng = np.random.RandomState(4)
    coefs = [rng.normal(size=shape) / 2 for shape in pairwise(units)]
    intercepts = [rng.normal(size=width) / 2 for width in units[1:]]
    params = SMALL | {"activation": activation, "solver": solver, "shuffle": False, "alpha": 0.03, "max_iter": 10}
    model = problem.make(**params).fit(problem.X, problem.y, coef_init=coefs, intercept_init=intercepts)

    layers, act = [], {"relu": torch.nn.ReLU, "logistic": torch.nn.Sigmoid, "gelu": torch.nn.GELU}[activation]
    for W, b in zip(coefs, intercepts, strict=True):
        linear = torch.nn.Linear(*W.shape, dtype=torch.float64)
        linear.weight.data, linear.bias.data = torch.tensor(W.T.copy()), torch.tensor(b)
        layers += [linear, torch.nn.BatchNorm1d(W.shape[1], dtype=torch.float64), act()]
    network = torch.nn.Sequential(*layers[:-2])
    groups = [
        {"params": [p for p in network.parameters() if p.ndim == 2], "weight_decay": 0.03},
        {"params": [p for p in network.parameters() if p.ndim == 1]},
    ]
    rule = {
        "adam": lambda: torch.optim.Adam(groups, lr=0.02),
        "minibatch": lambda: torch.optim.SGD(groups, lr=0.02, momentum=0.9, nesterov=True),
    }
    optimizer = rule[solver]()
    X, y = torch.tensor(problem.X), torch.tensor(problem.Y).argmax(dim=1)
    for _ in range(10):
        for rows in (slice(0, 6), slice(6, 12), slice(12, 19)):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(X[rows]), y[rows]).backward()
            optimizer.step()

    linears = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
    norms = [layer for layer in network if isinstance(layer, torch.nn.BatchNorm1d)]
    # the hidden intercepts' gradients are zero; PyTorch's rounding errors in their place are divided by their size
    loose = 1e-6 if solver == "adam" else 1e-11
    for W, linear in zip(model.coefs_, linears, strict=True):
        np.testing.assert_allclose(W, linear.weight.detach().numpy().T, rtol=1e-9, atol=1e-11)
    for layer, norm in enumerate(norms):
        for name, expected in (
            ("scales", norm.weight), ("shifts", norm.bias), ("variances", norm.running_var),
        ):  # fmt: skip
            actual = getattr(model, f"batch_norm_{name}_")[layer]
            np.testing.assert_allclose(actual, expected.detach().numpy(), rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(model.batch_norm_means_[layer], norm.running_mean.numpy(), atol=loose)
    network.eval()
    with torch.no_grad():
        expected = torch.softmax(network(X), dim=1).numpy()
    np.testing.assert_allclose(model.predict_proba(problem.X), expected, atol=loose)


# --- gradients ------------------------------------------------------------------------------------------------------


def twin_loss(parameters, problem, activation, weights, smoothing):
    """Return the weighted mean loss with the statistics of all rows."""
    coefs, intercepts, scales, shifts = parameters
    values, activate = problem.X, twin_activations.ACTIVATIONS[activation][0]
    share = weights / weights.sum()
    for layer, (W, b) in enumerate(zip(coefs, intercepts, strict=True)):
        values = values @ W + b
        if layer < len(coefs) - 1:
            mean = share @ values
            variance = share @ (values - mean) ** 2
            normalised = (values - mean) / np.sqrt(variance + EPSILON)
            values = activate(scales[layer] * normalised + shifts[layer])
    Y = problem.Y
    if smoothing:
        Y = (1 - smoothing) * Y + smoothing / (2 if problem.twin_loss == "sigmoid" else Y.shape[1])
    return share @ LOSSES[problem.twin_loss][1](values, Y)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    ("task", "smoothing"),
    [("multiclass", 0.0), ("multiclass", 0.2), ("binary", 0.1), ("multilabel", 0.2), ("multi-output regression", 0.0),
     ("poisson", 0.0)],
)  # fmt: skip
@pytest.mark.parametrize("weighted", [False, True], ids=["equal weights", "weights"])
def test_gradient_is_that_of_central_differences(task, smoothing, activation, weighted):
    problem = make_problem(task, n_samples=13)
    weights = row_weights(13) if weighted else np.ones(13)
    rate = 1e-3
    params = {
        "hidden_layer_sizes": (5, 4), "batch_norm": True, "activation": activation, "solver": "gd", "momentum": 0.0,
        "learning_rate_init": rate, "max_iter": 1, "penalty": None, "random_state": 0, "warm_start": True,
    }  # fmt: skip
    if problem.estimator is MLPClassifier:
        params["label_smoothing"] = smoothing
    model = problem.make(**params).fit(problem.X, problem.y)
    rng = np.random.RandomState(7)
    for name in FITTED[:4]:
        drawn = [rng.choice([-1, 1], a.shape) * rng.uniform(0.2, 0.9, a.shape) for a in getattr(model, name)]
        setattr(model, name, drawn)
    start = [[a.copy() for a in getattr(model, name)] for name in FITTED[:4]]
    model.fit(problem.X, problem.y, weights)
    np.testing.assert_allclose(
        model.loss_curve_[-1], twin_loss(start, problem, activation, weights, smoothing), rtol=1e-10
    )

    h = 1e-4
    for group, name in enumerate(FITTED[:4]):
        for array, trained in zip(start[group], getattr(model, name), strict=True):
            for index in np.ndindex(array.shape):
                values = []
                for step in (-2 * h, -h, h, 2 * h):
                    before = array[index]
                    array[index] = before + step
                    values.append(twin_loss(start, problem, activation, weights, smoothing))
                    array[index] = before
                expected = (8 * (values[2] - values[1]) - (values[3] - values[0])) / (12 * h)
                actual = (array[index] - trained[index]) / rate
                assert abs(actual - expected) < 1e-6 * max(1, abs(expected)), (name, index)


# --- statistics -----------------------------------------------------------------------------------------------------


@pytest.mark.nojit
def test_running_statistics_are_weighted_and_unbiased():
    X = np.random.RandomState(0).normal(size=(9, 3))
    y, weights = np.arange(9.0), row_weights(9)
    params = SMALL | {"hidden_layer_sizes": (4,), "solver": "gd", "batch_size": "auto", "max_iter": 1}
    for given in (np.ones(9), weights):
        model = MLPRegressor(**params)
        start = MLPRegressor(**params | {"batch_norm": False}).fit(X, y)
        model.fit(X, y, given, coef_init=start.coefs_, intercept_init=start.intercepts_)
        z = X @ start.coefs_[0] + start.intercepts_[0]
        expected = np.cov(z.T, aweights=given)  # NumPy's reliability weights
        mean = np.average(z, axis=0, weights=given)
        np.testing.assert_allclose(model.batch_norm_means_[0], 0.1 * mean, rtol=1e-12)
        np.testing.assert_allclose(model.batch_norm_variances_[0], 0.9 + 0.1 * np.diag(expected), rtol=1e-12)


@pytest.mark.nojit
def test_weights_of_labels_count_by_their_mean():
    X = np.random.RandomState(0).normal(size=(9, 3))
    y = (X > 0).astype(int)
    class_weight = [{0: 1, 1: 3}, {0: 2, 1: 1}, {0: 1, 1: 4}]
    params = SMALL | {"hidden_layer_sizes": (4,), "solver": "gd", "batch_size": "auto", "max_iter": 1}
    start = MLPClassifier(**params | {"batch_norm": False}).fit(X, y)
    model = MLPClassifier(**params, class_weight=class_weight)
    model.fit(X, y, coef_init=start.coefs_, intercept_init=start.intercepts_)
    given = np.array([[class_weight[k][label] for k, label in enumerate(row)] for row in y], dtype=float)
    weights = (given / given.mean(axis=0)).mean(axis=1)  # the loss is the sum of the labels' weighted means
    z = X @ start.coefs_[0] + start.intercepts_[0]
    variances = np.diag(np.cov(z.T, aweights=weights))
    np.testing.assert_allclose(model.batch_norm_means_[0], 0.1 * np.average(z, axis=0, weights=weights), rtol=1e-12)
    np.testing.assert_allclose(model.batch_norm_variances_[0], 0.9 + 0.1 * variances, rtol=1e-12)


def test_running_statistics_are_not_averaged_once_more():
    """The weights that move are the same with ``ema_decay``, and so are their statistics."""
    problem = make_problem("multiclass")
    current, kept = (problem.make(**SMALL, ema_decay=decay).fit(problem.X, problem.y) for decay in (None, 0.9))
    assert np.abs(current.coefs_[0] - kept.coefs_[0]).max() > 1e-3
    for name in ("batch_norm_means_", "batch_norm_variances_"):
        for expected, actual in zip(getattr(current, name), getattr(kept, name), strict=True):
            np.testing.assert_array_equal(actual, expected)


def test_weights_are_repetitions():
    """Mean and variance of a batch with a weight of 3 are those with three such rows."""
    problem = make_problem("multiclass", n_samples=12)
    counts = np.random.RandomState(0).randint(1, 4, 12)
    params = SMALL | {"solver": "gd", "batch_size": "auto", "activation": "tanh"}
    weighted = problem.make(**params).fit(problem.X, problem.y, counts)
    rows = np.repeat(np.arange(12), counts)
    repeated = problem.make(**params).fit(problem.X[rows], problem.y[rows])
    for name in ("coefs_", "batch_norm_scales_", "batch_norm_shifts_", "batch_norm_means_"):
        for a, b in zip(getattr(weighted, name), getattr(repeated, name), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.nojit
def test_a_last_batch_of_one_row_joins_the_one_before():
    """The rate counts updates: two per epoch for 13 rows in batches of 6, three for 14."""
    for n_samples, updates in ((12, 2), (13, 2), (14, 3)):
        problem = make_problem("regression", n_samples=n_samples)
        model = problem.make(**SMALL | {"learning_rate": "invscaling"}).fit(problem.X, problem.y)
        expected = 0.02 / np.sqrt(updates * np.arange(1, 7))
        np.testing.assert_allclose(model.learning_rate_curve_, expected, rtol=1e-12)


def test_prediction_of_a_row_does_not_depend_on_others():
    problem = make_problem("multiclass")
    model = problem.make(**SMALL).fit(problem.X, problem.y)
    alone = np.vstack([model.predict_proba(row[None]) for row in problem.X])
    np.testing.assert_allclose(model.predict_proba(problem.X), alone, rtol=1e-13)


def test_constant_units_are_no_problem():
    X = np.zeros((20, 3))
    model = MLPRegressor(**SMALL | {"dtype": "float32"}).fit(X, np.arange(20.0))
    assert np.all(np.isfinite(model.predict(X)))
    assert all(np.all(variance > 0) for variance in model.batch_norm_variances_)


# --- continuing, stopping, storing ----------------------------------------------------------------------------------


def test_running_statistics_belong_to_the_best_weights():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    for scoring in ("loss", "neg_log_loss"):
        model = MLPClassifier(
            (30,), batch_norm=True, early_stopping=True, scoring=scoring, max_iter=25, learning_rate_init=0.02,
            random_state=0,
        ).fit(X[:1000], y[:1000], X_val=X[1000:], y_val=y[1000:])  # fmt: skip
        assert model.best_iter_ < model.n_iter_
        loss = log_loss(y[1000:], model.predict_proba(X[1000:]))
        assert loss == pytest.approx(-model.best_validation_score_, rel=1e-9)
        assert loss == pytest.approx(min(model.validation_loss_curve_), rel=1e-9)


def test_switching_it_off_and_on():
    problem = make_problem("multiclass")
    model = problem.make(**SMALL).fit(problem.X, problem.y)
    assert not hasattr(clone(model).set_params(batch_norm=False).fit(problem.X, problem.y), NORMS[0])
    with pytest.raises(ValueError, match="batch_norm=False would drop batch_norm_scales_, "):
        model.set_params(batch_norm=False, warm_start=True).fit(problem.X, problem.y)
    model.set_params(warm_start=False).fit(problem.X, problem.y)
    assert not any(hasattr(model, name) for name in NORMS)
    model.set_params(batch_norm=True).fit(problem.X, problem.y)
    assert [len(getattr(model, name)) for name in NORMS] == [2, 2, 2, 2]
    assert [array.shape for array in model.batch_norm_scales_] == [(5,), (4,)]


def test_assigned_statistics_count():
    problem = make_problem("regression")
    model = problem.make(**SMALL).fit(problem.X, problem.y)
    before = model.predict(problem.X)
    model.batch_norm_shifts_ = [shift + 1 for shift in model.batch_norm_shifts_]
    assert np.all(model.predict(problem.X) != before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sparse_is_dense(dtype):
    problem = make_problem("multiclass")
    params = SMALL | {"dtype": dtype, "dropout": 0.2, "input_dropout": 0.1}
    dense = problem.make(**params).fit(problem.X, problem.y)
    sparse = problem.make(**params).fit(sp.csr_array(problem.X), problem.y)
    for a, b in zip(fitted_arrays(dense), fitted_arrays(sparse), strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=1e-4 if dtype == "float32" else 1e-9, atol=1e-5)


def test_hidden_intercepts_stand_still():
    """Their gradient is zero; a rounding error in its place would be as good as any gradient for Adam."""
    problem = make_problem("multiclass")
    first = problem.make(**SMALL | {"max_iter": 1, "dtype": "float32"}).fit(problem.X, problem.y)
    later = problem.make(**SMALL | {"max_iter": 20, "dtype": "float32"}).fit(problem.X, problem.y)
    for a, b in zip(first.intercepts_[:-1], later.intercepts_[:-1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.all(first.intercepts_[-1] != later.intercepts_[-1])


def test_large_batches_are_whole():
    """Beyond the rows of a tile, too: statistics are those of the whole batch."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(1500, 3))
    model = MLPRegressor((4,), batch_norm=True, solver="gd", max_iter=1, random_state=0)
    start = MLPRegressor((4,), solver="gd", max_iter=1, random_state=0).fit(X, X[:, 0])
    model.fit(X, X[:, 0], coef_init=start.coefs_, intercept_init=start.intercepts_)
    z = X @ start.coefs_[0] + start.intercepts_[0]
    np.testing.assert_allclose(model.batch_norm_means_[0], 0.1 * z.mean(axis=0), rtol=1e-10)


def test_importances_take_the_scales_into_account():
    problem = make_problem("multiclass")
    model = problem.make(**SMALL).fit(problem.X, problem.y)
    model.batch_norm_scales_[0][:] = [0, 0, -2, 0, 0]
    importances = np.abs(model.coefs_[0][:, 2])
    np.testing.assert_allclose(model.feature_importances_, importances / importances.sum())


def test_exact_zeros_stay():
    X, y = load_digits(return_X_y=True)
    model = MLPClassifier((40,), batch_norm=True, penalty="l1", alpha=3e-3, max_iter=40, random_state=0)
    model.fit(X[:1000] / 16, y[:1000])
    assert model.sparsity_ > 0.3
    assert model.score(X[1000:] / 16, y[1000:]) > 0.88


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_depth_of_a_logistic_network_can_be_trained():
    """What it is for: ten logistic layers learn nothing without it."""
    X, y = load_digits(return_X_y=True)
    X = X / 16
    scores = {}
    for batch_norm in (False, True):
        model = MLPClassifier(
            30, n_hidden_layers=8, activation="logistic", batch_norm=batch_norm, batch_size=50, max_iter=20,
            learning_rate_init=0.005, random_state=0,
        )  # fmt: skip
        scores[batch_norm] = model.fit(X[:1200], y[:1200]).score(X[1200:], y[1200:])
    assert scores[False] < 0.3
    assert scores[True] > 0.85


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"batch_size": 1}, "batch_norm=True needs batches of at least two rows.*batch_size=1"),
        ({"solver": "sgd", "batch_size": "auto"}, "batch_norm=True needs batches of at least two rows.*solver='sgd'"),
        ({"solver": "lbfgs"}, "batch_norm=True takes running statistics.*solver='lbfgs'"),
        ({"hidden_layer_sizes": ()}, "batch_norm=True needs a hidden layer.*hidden_layer_sizes"),
        ({"batch_norm": "yes"}, "The 'batch_norm' parameter"),
    ],
)
def test_what_makes_no_sense(params, message):
    problem = make_problem("multiclass")
    with pytest.raises(ValueError, match=message):
        problem.make(**SMALL | params).fit(problem.X, problem.y)


@pytest.mark.nojit
@pytest.mark.parametrize(
    "params, arguments",
    [
        ({}, {"sample_weight": np.eye(1, 20)[0]}),
        ({"class_weight": {"a": 0}}, {}),
        ({"early_stopping": True, "validation_fraction": PredefinedSplit([-1] + [0] * 19)}, {}),
        ({"early_stopping": True, "validation_fraction": 0.9}, {"sample_weight": np.arange(20) < 10}),
    ],
)
@pytest.mark.parametrize("batch_size", ["auto", 5])
def test_one_sample_that_is_left(params, arguments, batch_size):
    X = np.random.RandomState(0).normal(size=(20, 3))
    y = np.array(["b"] + ["a"] * 19)
    if params.get("early_stopping"):
        model, y = MLPRegressor(batch_norm=True, batch_size=batch_size, **params), X[:, 0]
    else:
        model = MLPClassifier(batch_norm=True, batch_size=batch_size, **params)
    with pytest.raises(ValueError, match="batch_norm=True .* at least two samples, but 1 sample of 20 is left"):
        model.fit(X, y, **arguments)


def test_partial_fit_of_one_row_leaves_the_model_as_it_was():
    problem = make_problem("regression")
    model = problem.make(**SMALL | {"batch_size": "auto"}).partial_fit(problem.X, problem.y)
    before = clone(model), [array.copy() for array in fitted_arrays(model)]
    with pytest.raises(ValueError, match="batch_norm=True .* at least two samples, but X has 1 sample"):
        model.partial_fit(problem.X[:1], problem.y[:1])
    for a, b in zip(fitted_arrays(model), before[1], strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="but 1 sample of 2 is left"):
        model.partial_fit(problem.X[:2], problem.y[:2], [0, 1])
    with pytest.warns(ConvergenceWarning):
        model.fit(problem.X, problem.y)
