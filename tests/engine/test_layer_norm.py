"""Layer normalisation against PyTorch, central differences, and itself in other circumstances."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris

from skregopt import MLPClassifier, MLPRegressor
from skregopt._training import lbfgs

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

FITTED = ("coefs_", "intercepts_", "layer_norm_scales_", "layer_norm_shifts_")
EPSILON = 1e-5
ACTIVATIONS = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}


def iris():
    X, y = load_iris(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X[:90] / X.std(axis=0), (y[:90] - y.mean()) / y.std()


DATA = {MLPClassifier: iris(), MLPRegressor: diabetes()}
BOTH = pytest.mark.parametrize("kind", DATA)


def make(kind, **params):
    options = {"layer_norm": True, "activation": "tanh", "max_iter": 4, "n_iter_no_change": np.inf, "tol": 0}
    return kind((6, 5), **options | {"learning_rate_init": 0.05, "random_state": 3} | params)


def fitted_arrays(model):
    return [array for name in FITTED for array in getattr(model, name)]


def assert_same_bits(first, second):
    for a, b in zip(fitted_arrays(first), fitted_arrays(second), strict=True):
        np.testing.assert_array_equal(a, b)


def raw_predictions(model, X, parameters=None):
    """Return the network's outputs before the inverse link, by definition, in float64."""
    coefs, intercepts, scales, shifts = parameters or [getattr(model, name) for name in FITTED]
    values = X
    for layer, (W, b) in enumerate(zip(coefs, intercepts, strict=True)):
        values = values @ W + b
        if layer < len(coefs) - 1:
            centred = values - values.mean(axis=1, keepdims=True)
            normalised = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + EPSILON)
            values = ACTIVATIONS[model.activation](scales[layer] * normalised + shifts[layer])
    return values


def data_term(kind, raw, y):
    if kind is MLPRegressor:
        return 0.5 * np.mean((raw[:, 0] - y) ** 2)
    largest = raw.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(raw - largest).sum(axis=1)) + largest[:, 0]
    return np.mean(log_sum - raw[np.arange(len(y)), y])


# --- against something else -----------------------------------------------------------------------------------------


RULES = {
    "gd": lambda torch, groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True),
    "sgd": lambda torch, groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True),
    "adam": lambda torch, groups: torch.optim.Adam(groups, lr=0.05),
}


@pytest.mark.torch
@pytest.mark.parametrize("solver", RULES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@BOTH
def test_training_is_that_of_pytorch(kind, activation, solver):
    """Of 'sgd' every batch is one row; with 'adam' the last batch of each epoch is."""
    torch = pytest.importorskip("torch")
    X, y = (part[::2][:41] if kind is MLPRegressor else part[::3][:41] for part in DATA[kind])
    batch_size = {"gd": 41, "sgd": 1, "adam": 8}[solver]
    model = make(kind, solver=solver, activation=activation, shuffle=False, alpha=0.03)
    if solver == "adam":
        model.set_params(batch_size=batch_size)
    start = clone(model).set_params(solver="gd", batch_size="auto", max_iter=1, learning_rate_init=1e-300).fit(X, y)
    model.fit(X, y, coef_init=start.coefs_, intercept_init=start.intercepts_)

    layers = []
    for W, b in zip(start.coefs_, start.intercepts_, strict=True):
        linear = torch.nn.Linear(*W.shape, dtype=torch.float64)
        linear.weight.data, linear.bias.data = torch.tensor(W.T.copy()), torch.tensor(b.copy())
        act = torch.nn.Tanh() if activation == "tanh" else torch.nn.ReLU()
        layers += [linear, torch.nn.LayerNorm(W.shape[1], dtype=torch.float64), act]
    network = torch.nn.Sequential(*layers[:-2])
    optimizer = RULES[solver](
        torch,
        [
            {"params": [p for p in network.parameters() if p.ndim == 2], "weight_decay": 0.03},
            {"params": [p for p in network.parameters() if p.ndim == 1]},
        ],
    )
    inputs, targets = torch.tensor(X), torch.tensor(y)
    for _ in range(model.max_iter):
        for first in range(0, len(X), batch_size):
            rows = slice(first, first + batch_size)
            optimizer.zero_grad()
            if kind is MLPClassifier:
                loss = torch.nn.functional.cross_entropy(network(inputs[rows]), targets[rows])
            else:
                loss = 0.5 * torch.nn.functional.mse_loss(network(inputs[rows])[:, 0], targets[rows])
            loss.backward()
            optimizer.step()
    linears = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
    norms = [layer for layer in network if isinstance(layer, torch.nn.LayerNorm)]
    expected = [
        [layer.weight.detach().numpy().T for layer in linears],
        [layer.bias.detach().numpy() for layer in linears],
        [layer.weight.detach().numpy() for layer in norms],
        [layer.bias.detach().numpy() for layer in norms],
    ]
    for name, arrays in zip(FITTED, expected, strict=True):
        for actual, array in zip(getattr(model, name), arrays, strict=True):
            np.testing.assert_allclose(actual, array, rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.nojit
@pytest.mark.parametrize("activation", ACTIVATIONS)
@BOTH
def test_predictions_by_definition(kind, activation):
    X, y = DATA[kind]
    model = make(kind, activation=activation).fit(X, y)
    raw = raw_predictions(model, X)
    if kind is MLPRegressor:
        np.testing.assert_allclose(model.predict(X), raw[:, 0], rtol=1e-12)
    else:
        odds = np.exp(raw - raw.max(axis=1, keepdims=True))
        np.testing.assert_allclose(model.predict_proba(X), odds / odds.sum(axis=1, keepdims=True), rtol=1e-12)


@pytest.mark.nojit
@BOTH
def test_steps_follow_the_gradient_of_the_objective(kind):
    """From weights that training has moved, scales and shifts among them; central differences say where to."""
    X, y = DATA[kind]
    alpha, rate = 0.03, 1e-3
    model = make(kind, alpha=alpha, max_iter=30, warm_start=True).fit(X, y)
    before = [[array.copy() for array in getattr(model, name)] for name in FITTED]
    model.set_params(solver="gd", momentum=0.0, learning_rate_init=rate, max_iter=1, batch_size="auto").fit(X, y)

    def objective():
        return data_term(kind, raw_predictions(model, X, before), y) + alpha / 2 * sum((W**2).sum() for W in before[0])

    rng = np.random.RandomState(0)
    for name, arrays in zip(FITTED, before, strict=True):
        for layer, array in enumerate(arrays):
            moved = (array - getattr(model, name)[layer]) / rate
            for _ in range(4):
                where = tuple(rng.randint(size) for size in array.shape)
                kept, step = array[where], 1e-6
                array[where] = kept + step
                above = objective()
                array[where] = kept - step
                below = objective()
                array[where] = kept
                np.testing.assert_allclose(moved[where], (above - below) / (2 * step), rtol=1e-6, atol=1e-8)


# --- every circumstance ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@BOTH
def test_sparse_rows_are_rows(kind, dtype):
    X, y = DATA[kind]
    X = X * (np.abs(X) > 0.5)
    model = make(kind, dtype=dtype, dropout=0.2, input_dropout=0.1)
    dense, sparse = clone(model).fit(X, y), clone(model).fit(sp.csr_array(X), y)
    for a, b in zip(fitted_arrays(dense), fitted_arrays(sparse), strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=1e-3 if dtype == "float32" else 1e-10, atol=1e-5)
    np.testing.assert_allclose(dense.predict(sp.csr_array(X)), dense.predict(X), rtol=1e-4)


@BOTH
def test_lbfgs_gets_the_gradient_of_its_objective(kind, monkeypatch):
    X, y = DATA[kind]
    found = []

    def record(function, start, **options):
        rng = np.random.RandomState(0)
        point = start + 0.2 * rng.normal(size=start.size)
        value, gradient = function(point)
        gradient = gradient.copy()
        for position in (
            *rng.randint(start.size, size=20),
            *range(start.size - 22, start.size),
        ):  # the vectors are last
            step = 1e-6 * (np.arange(start.size) == position)
            slope = (function(point + step)[0] - function(point - step)[0]) / 2e-6
            np.testing.assert_allclose(gradient[position], slope, rtol=1e-5, atol=1e-8)
        found.append(value)
        return minimize(function, start, **options)

    minimize = lbfgs.minimize
    monkeypatch.setattr(lbfgs, "minimize", record)
    model = make(kind, solver="lbfgs", max_iter=50, alpha=0.1).fit(X, y)
    assert len(found) == 1 and model.loss_ < model.loss_curve_[0] < found[0]
    assert any(np.ptp(scales) > 0.01 for scales in model.layer_norm_scales_)


@BOTH
def test_partial_fit_goes_on_where_it_was(kind):
    X, y = DATA[kind]
    classes = {"classes": np.unique(y)} if kind is MLPClassifier else {}
    fitted = make(kind).fit(X, y)
    model = make(kind)
    for _ in range(4):
        model = pickle.loads(pickle.dumps(model.partial_fit(X, y, **classes)))
    assert_same_bits(model, fitted)


def test_several_tiles_and_threads_change_nothing():
    """Gradients of the vectors are summed over tiles; threads share rows, and no bit depends on their number."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(1100, 60))
    y = X[:, :3].argmax(axis=1)
    model = MLPClassifier((90, 70), layer_norm=True, solver="gd", max_iter=2, learning_rate_init=0.1, random_state=0)
    alone, together = clone(model).fit(X, y), clone(model).set_params(n_jobs=2).fit(X, y)
    assert_same_bits(alone, together)
    rows = np.arange(1100)
    weights = np.where(rows < 400, 1.0, 0.0)
    weights[rows >= 400] = 1e-12  # as good as absent
    few = clone(model).fit(X[:400], y[:400])
    most = clone(model).fit(X, y, sample_weight=weights)
    for a, b in zip(fitted_arrays(few), fitted_arrays(most), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-8)


def test_the_best_epoch_keeps_its_vectors():
    X, y = iris()
    model = make(MLPClassifier, early_stopping=True, max_iter=60, n_iter_no_change=5, solver="sgd").fit(X, y)
    assert model.best_iter_ < model.n_iter_
    again = clone(model).set_params(max_iter=model.best_iter_).fit(X, y)
    assert_same_bits(model, again)


# --- what it means --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decay", [{"alpha": 5.0}, {"alpha": 0.0, "weight_decay": 5.0}])
def test_scales_and_shifts_are_not_penalised(decay):
    """A penalty that leaves no weights moves the scales only as far as the data term does."""
    X, y = iris()
    model = make(MLPClassifier, solver="gd", max_iter=40, momentum=0.0, **decay).fit(X, y)
    assert max(np.abs(W).max() for W in model.coefs_) < 0.05
    for scales in model.layer_norm_scales_:
        np.testing.assert_allclose(scales, 1, atol=0.05)


def test_objective_has_the_penalty_of_the_weights_only():
    X, y = iris()
    model = make(MLPClassifier, solver="gd", max_iter=1, alpha=0.7, learning_rate_init=1e-12).fit(X, y)
    expected = data_term(MLPClassifier, raw_predictions(model, X), y) + 0.35 * sum((W**2).sum() for W in model.coefs_)
    np.testing.assert_allclose(model.loss_, expected, rtol=1e-8)


@pytest.mark.nojit
def test_importances_are_multiplied_by_the_scales():
    X, y = iris()
    model = make(MLPClassifier, penalty="group_l1", alpha=0.05, max_iter=30).fit(X, y)
    norms = np.linalg.norm(model.coefs_[0] * np.abs(model.layer_norm_scales_[0]), axis=1)
    np.testing.assert_allclose(model.feature_importances_, norms / norms.sum(), rtol=1e-12)


@pytest.mark.nojit
def test_what_cannot_be():
    X, y = iris()
    with pytest.raises(ValueError, match=r"batch_norm=True and layer_norm=True contradict each other.*Leave one"):
        make(MLPClassifier, batch_norm=True).fit(X, y)
    with pytest.raises(ValueError, match=r"layer_norm=True needs a hidden layer, but hidden_layer_sizes=\(\)"):
        MLPClassifier((), layer_norm=True).fit(X, y)
    with pytest.raises(ValueError, match=r"layer_norm=True.*at least two units.*hidden_layer_sizes=\(4, 1\)"):
        MLPClassifier((4, 1), layer_norm=True).fit(X, y)
    fitted = make(MLPClassifier, warm_start=True).fit(X, y)
    kept = [array.copy() for array in fitted_arrays(fitted)]
    with pytest.raises(ValueError, match=r"layer_norm=False would drop"):
        fitted.set_params(layer_norm=False).fit(X, y)
    for before, after in zip(kept, fitted_arrays(fitted), strict=True):
        np.testing.assert_array_equal(before, after)
