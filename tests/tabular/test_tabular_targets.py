"""Targets of all kinds, and all losses."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from support.tables import BOTH, make_array, make_data, small, without_smoothing

from skregopt import TabularMLPClassifier, TabularMLPRegressor
from skregopt.losses import REGRESSION_LOSSES, Huber, Quantile

N_ROWS = 120


def signal(n_rows=N_ROWS, seed=0):
    X = make_array(n_rows, seed=seed)
    return X, X[:, 0] + 0.5 * X[:, 1]


# --- classes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        ["no", "yes"], [False, True], [0, 1], [-3, 7], ["c", "a", "b"], [1.0, 2.0, 5.0], [np.str_("x"), np.str_("y")],
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("n_rows", [24, N_ROWS])
def test_labels_of_all_kinds(labels, n_rows):
    X, z = signal(n_rows)
    labels = np.asarray(labels)
    edges = np.quantile(z, np.linspace(0, 1, len(labels) + 1)[1:-1])
    y = labels[np.digitize(z, edges)]
    model = small(TabularMLPClassifier, max_iter=60, hidden_layer_sizes=16).fit(X, y)
    assert_array_equal(model.classes_, np.unique(labels))
    proba = model.predict_proba(X)
    assert proba.shape == (n_rows, len(labels))
    assert_allclose(proba.sum(axis=1), 1, atol=1e-12)
    predicted = model.predict(X)
    assert predicted.dtype == y.dtype
    assert np.mean(predicted == y) > 0.75
    assert_array_equal(predicted, model.classes_[proba.argmax(axis=1)])


def test_objects_of_strings_are_labels():
    X, z = signal()
    y = np.where(z > 0, "up", "down")
    models = [small(TabularMLPClassifier).fit(X, labels) for labels in (y, y.astype(object), list(y))]
    for model in models[1:]:
        assert_array_equal(model.predict_proba(X), models[0].predict_proba(X))


@pytest.mark.parametrize("n_rows", [30, N_ROWS])
@pytest.mark.parametrize(
    "container", [np.asarray, sp.csr_matrix, sp.csc_array, sp.coo_matrix], ids=lambda c: c.__name__
)
def test_multilabel(container, n_rows):
    X, z = signal(n_rows)
    Y = np.column_stack([z > 0, X[:, 2] > 0.2, z < -0.5]).astype(int)
    model = small(TabularMLPClassifier, max_iter=60, hidden_layer_sizes=16).fit(X, container(Y))
    proba = model.predict_proba(X)
    assert proba.shape == Y.shape
    assert not np.allclose(proba.sum(axis=1), 1), "labels do not exclude each other"
    predicted = model.predict(X)
    assert sp.issparse(predicted) == sp.issparse(container(Y))
    labels = predicted.toarray() if sp.issparse(predicted) else predicted
    assert_array_equal(labels, proba > 0.5)
    assert np.mean(labels == Y) > 0.8
    assert_array_equal(model.classes_, [0, 1, 2])
    dense = small(TabularMLPClassifier, max_iter=60, hidden_layer_sizes=16).fit(X, Y)
    assert_array_equal(dense.predict_proba(X), proba)


@pytest.mark.parametrize("n_rows", [20, N_ROWS])
def test_a_single_class(n_rows):
    X, _ = signal(n_rows)
    model = small(TabularMLPClassifier).fit(X, np.repeat("only", n_rows))
    assert_array_equal(model.predict(X), np.repeat("only", n_rows))
    assert_array_equal(model.predict_proba(X), np.ones((n_rows, 1)))
    assert_array_equal(model.predict_log_proba(X), np.zeros((n_rows, 1)))


def test_a_class_with_one_row_is_trained_on():
    X, z = signal()
    y = np.where(z > 0, "up", "down")
    y[17] = "rare"
    model = small(TabularMLPClassifier, n_estimators=6, max_iter=60, hidden_layer_sizes=32, dropout=0.0).fit(X, y)
    assert_array_equal(model.classes_, ["down", "rare", "up"])
    for network in model.estimators_:
        encoded = model.encoder_.transform(X[17:18])
        assert network.predict_proba(encoded)[0, 1] > 0.02, "all networks have seen it"


@pytest.mark.parametrize("n_classes", [30, 60, 120])
def test_more_classes_than_rows_of_a_fold(n_classes):
    X, z = signal()
    y = np.argsort(np.argsort(z)) * n_classes // N_ROWS
    model = small(TabularMLPClassifier, n_estimators=4).fit(X, y)
    assert model.predict_proba(X).shape == (N_ROWS, n_classes)
    assert all(network.classes_.size == n_classes for network in model.estimators_)
    assert (model.validation_score_ is None) == (n_classes == N_ROWS), "single rows of a class are trained on"


@pytest.mark.parametrize("scale", [1, 30.0, 1000.0])
def test_logarithms_of_small_probabilities(scale):
    """Far from the data float32 rounds probabilities to 0 and 1, and would tie them."""
    X, z = signal()
    y = (z > 0).astype(int)
    model = small(TabularMLPClassifier, n_estimators=3, max_iter=50, hidden_layer_sizes=16).fit(X, y)
    for network in model.estimators_:  # surer networks than data of this size make
        network.coefs_[-1] *= scale
    logs = model.predict_log_proba(X)
    networks = [without_smoothing(network, model.encoder_.transform(X)) for network in model.estimators_]
    mean = np.log(np.average(networks, axis=0, weights=model.weights_))
    expected = mean / model.temperature_
    expected -= np.logaddexp(*expected.T)[:, np.newaxis]
    assert_allclose(logs, expected, rtol=1e-5, atol=1e-12)
    assert np.isfinite(logs).all()
    if scale == 1:
        order = np.argsort(model._predictions(X)[:, 1])
        assert np.all(np.diff(logs[order, 1]) >= 0) and np.unique(logs[:, 1]).size == len(X)
    assert_allclose(np.exp(logs), model.predict_proba(X), rtol=1e-12, atol=1e-300)


# --- numbers ---------------------------------------------------------------------------------------------------------


def users_loss():
    """Return a loss that no registry has."""

    class Steeper(Huber):
        """A loss of a user."""

    return Steeper(0.3)


LOSSES = {
    **{name: name for name in REGRESSION_LOSSES},
    "Huber": Huber(0.5),
    "a user's": users_loss(),
    "quantiles": Quantile([0.1, 0.5, 0.9]),
    "quantiles in another order": Quantile([0.9, 0.2]),
}


def positive(z):
    return np.exp(z)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("n_rows", [30, pytest.param(400)])
def test_losses(loss, n_rows):
    X, z = signal(n_rows)
    y = positive(z)
    model = small(TabularMLPRegressor, loss=LOSSES[loss], max_iter=80, hidden_layer_sizes=16).fit(X, y)
    predicted = model.predict(X)
    n_columns = {"quantiles": 3, "quantiles in another order": 2}.get(loss)
    assert predicted.shape == ((n_rows,) if n_columns is None else (n_rows, n_columns))
    assert predicted.dtype == np.float64
    assert y.min() <= predicted.min()
    assert predicted.max() <= y.max()
    assert model.score(X, y) > 0.3
    middle = predicted if n_columns is None else predicted.mean(axis=1)
    assert np.corrcoef(middle, y)[0, 1] > 0.7


@pytest.mark.parametrize("levels", [(0.05, 0.5, 0.95), (0.9, 0.1), (0.5,)])
def test_quantiles_do_not_cross(levels):
    X, z = signal(300)
    y = 1e4 + 3 * z + np.random.RandomState(1).normal(size=z.size)
    model = small(TabularMLPRegressor, n_estimators=4, loss=Quantile(levels), max_iter=40).fit(X, y)
    far = np.vstack([X, 100 * X])
    predicted = model.predict(far)
    assert predicted.shape == (600, len(levels))
    assert np.all(np.diff(predicted[:, np.argsort(levels)], axis=1) >= 0)
    shares = (y[:, np.newaxis] <= predicted[:300]).mean(axis=0)
    assert_allclose(shares, levels, atol=0.12)


@pytest.mark.parametrize("n_rows", [30, N_ROWS])
def test_several_outputs(n_rows):
    X, z = signal(n_rows)
    Y = np.column_stack([1e6 + z, 1e-3 * X[:, 2], -5 * z])
    model = small(TabularMLPRegressor, max_iter=100, hidden_layer_sizes=16).fit(X, Y)
    predicted = model.predict(X)
    assert predicted.shape == Y.shape
    for column in range(3):
        assert np.corrcoef(predicted[:, column], Y[:, column])[0, 1] > 0.7
    assert np.all((Y.min(axis=0) <= predicted) & (predicted <= Y.max(axis=0)))


@pytest.mark.parametrize("offset", [0, 1e6, -1e9])
@pytest.mark.parametrize("spread", [1.0, 1e-250, 1e100])
def test_targets_of_any_unit(offset, spread):
    """The unit of y changes nothing but the unit of predictions."""
    X, z = signal()
    reference = small(TabularMLPRegressor).fit(X, z).predict(X)
    if spread != 1.0:
        offset = 0
    predicted = small(TabularMLPRegressor).fit(X, offset + spread * z).predict(X)
    assert_allclose((predicted - offset) / spread, reference, atol=1e-4)


@pytest.mark.parametrize("value", [0.1, 0.0, -1e6, 1 / 3])
@pytest.mark.parametrize("n_rows", [20, N_ROWS])
def test_constant_targets(value, n_rows):
    X, _ = signal(n_rows)
    model = small(TabularMLPRegressor, n_estimators=7).fit(X, np.full(n_rows, value))
    assert_array_equal(model.predict(10 * X), np.full(n_rows, value))


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_losses_with_a_positive_domain_are_scaled_and_not_centred(loss):
    X, z = signal()
    y = 1e3 * positive(z)
    model = small(TabularMLPRegressor, loss=loss).fit(X, y)
    scaled = small(TabularMLPRegressor, loss=loss).fit(X, 4 * y)
    assert_allclose(scaled.predict(X), 4 * model.predict(X), rtol=1e-12)
    with pytest.raises(ValueError, match="y"):
        small(TabularMLPRegressor, loss=loss).fit(X, z)


def test_poisson_of_zeros():
    X, _ = signal()
    assert_array_equal(small(TabularMLPRegressor, loss="poisson").fit(X, np.zeros(N_ROWS)).predict(X), np.zeros(N_ROWS))


@BOTH
def test_a_column_of_targets_is_one_target(kind):
    X, y = make_data(kind)
    model = small(kind).fit(X, y)
    with pytest.warns(UserWarning, match="column-vector"):
        column = small(kind).fit(X, y[:, np.newaxis])
    assert_array_equal(column.predict(X), model.predict(X))


@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_predictions_stay_within_the_range_of_y(sigma):
    X, z = signal()
    model = small(TabularMLPRegressor, n_estimators=5, max_iter=30, learning_rate_init=0.3).fit(X, z)
    predicted = model.predict(X * (1 + 1e3 * sigma))
    assert z.min() <= predicted.min()
    assert predicted.max() <= z.max()
    if sigma:
        assert np.unique(predicted).size < predicted.size or predicted.max() < z.max()
