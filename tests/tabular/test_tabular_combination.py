"""Weights and temperature, recomputed naively from the networks and the rows that they have held out."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, logit
from sklearn.metrics import log_loss, r2_score
from support.tables import BOTH, make_array, make_data, output, small, target_of, without_smoothing

from skregopt import TabularMLPClassifier, TabularMLPRegressor
from skregopt._tabular import members
from skregopt._tabular.portfolio import PORTFOLIO, best_first, n_bins
from skregopt._tabular.weights import best_temperature, greedy_weights, log_tempered, unsmoothed

N_NETWORKS = 6
KINDS = ("binary", "multiclass", "multilabel", "weighted")
N_ROWS = 150


@pytest.fixture
def tasks(monkeypatch):
    """Return the tasks of the fits of a test."""
    seen, train = [], members._train

    def spy(task, table, seconds):
        seen.append(task)
        return train(task, table, seconds)

    monkeypatch.setattr(members, "_train", spy)
    return seen


def problem(kind):
    X = make_array(N_ROWS)
    noise = np.random.RandomState(1).normal(size=N_ROWS)
    if kind == "multilabel":
        return X, np.column_stack([X[:, 0] + noise > 0, X[:, 1] > noise]).astype(int), None
    y = target_of(TabularMLPClassifier, X + noise[:, np.newaxis], 3 if kind == "multiclass" else 2)
    return X, y, np.random.RandomState(2).randint(0, 4, N_ROWS) / 3 if kind == "weighted" else None


def held_out_mean(model, tasks, X, shares=None):
    """Return the prediction of each row by the networks that have not been trained on it; NaN where there are none."""
    encoded = model.encoder_.transform(X)
    recipes = list(dict.fromkeys(task.recipe for task in tasks))
    weight_of = {
        recipe: sum(w for w, task in zip(model.weights_, tasks, strict=True) if task.recipe == recipe)
        for recipe in recipes
    } if shares is None else shares  # fmt: skip
    predicted = [without_smoothing(network, encoded) for network in model.estimators_]
    rows = []
    for row in range(len(X)):
        total, sums = 0.0, 0.0
        for recipe in recipes:
            of_recipe = [
                p[row] for p, task in zip(predicted, tasks, strict=True)
                if task.recipe == recipe and row in task.held_out
            ]  # fmt: skip
            if of_recipe:
                total += weight_of[recipe]
                sums = sums + weight_of[recipe] * np.mean(of_recipe, axis=0)
        rows.append(sums / total if total else np.full(predicted[0].shape[1], np.nan))
    return np.array(rows)


def loss_of(y, proba, weights, smoothing=0.0):
    """Return the log loss; a share of each row is repeated with each class instead of its own."""
    if y.ndim == 2:
        columns = [np.column_stack([1 - proba[:, j], proba[:, j]]) for j in range(y.shape[1])]
        return np.mean([loss_of(y[:, j], column, weights, smoothing) for j, column in enumerate(columns)])
    classes, weights = np.unique(y), np.ones(len(y)) if weights is None else weights
    share = smoothing / len(classes)
    repeated = [y] + [np.full(len(y), label) for label in classes]
    repeated_weights = np.concatenate([(1 - smoothing) * weights] + [share * weights] * len(classes))
    probabilities = np.concatenate([proba] * (1 + len(classes)))
    return log_loss(np.concatenate(repeated), probabilities, sample_weight=repeated_weights, labels=classes)


def tempered(proba, temperature, is_multilabel):
    if is_multilabel:
        return expit(logit(proba) / temperature)
    return np.exp(log_softmax(np.log(proba) / temperature, axis=1))


@pytest.mark.parametrize("kind", KINDS)
def test_the_temperature_is_the_best_for_rows_that_networks_were_not_trained_on(kind, tasks):
    X, y, row_weights = problem(kind)
    model = small(TabularMLPClassifier, n_estimators=N_NETWORKS, max_iter=40, hidden_layer_sizes=16)
    model.fit(X, y, row_weights)
    for task in tasks:
        assert not np.intersect1d(task.train, task.held_out).size
    mean = held_out_mean(model, tasks, X)
    known = np.isfinite(mean[:, 0])
    weights = None if row_weights is None else row_weights[known]
    doubt = 0.25 / (known.sum() + 0.25)

    def loss(log_temperature, smoothing=doubt):
        return loss_of(y[known], tempered(mean[known], np.exp(log_temperature), y.ndim == 2), weights, smoothing)

    best = minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-6})
    assert_allclose(np.log(model.temperature_), best.x, atol=2e-3)
    assert abs(np.log(model.temperature_)) > 0.01
    assert loss(np.log(model.temperature_)) <= loss(0.0) + 1e-6
    assert_allclose(model.validation_score_, -loss(np.log(model.temperature_), smoothing=0.0), rtol=1e-5)


@pytest.mark.parametrize("n_labels", [1, 2])
def test_the_temperature_of_few_rows_that_are_all_predicted_rightly(n_labels):
    X = make_array(60)
    y = (X[:, :n_labels] > 0).astype(int)
    X[:, :n_labels] += 5 * y
    model = small(TabularMLPClassifier, n_estimators=1, max_iter=100).fit(X, y.squeeze())
    assert model.validation_score_ > -0.05
    assert 0.15 < model.temperature_ < 2


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_are_tempered_means(kind):
    X, y, row_weights = problem(kind)
    model = small(TabularMLPClassifier, n_estimators=4, max_iter=20).fit(X, y, row_weights)
    encoded = model.encoder_.transform(X)
    networks = [without_smoothing(network, encoded) for network in model.estimators_]
    mean = np.average(networks, axis=0, weights=model.weights_)
    assert_allclose(model.predict_proba(X), tempered(mean, model.temperature_, y.ndim == 2), rtol=1e-5)
    assert_allclose(model.predict_log_proba(X), np.log(model.predict_proba(X)), rtol=1e-9, atol=1e-12)


def naive_greedy(predictions, loss, n_steps):
    """Add the recipe that helps the mean most, step by step."""
    chosen = []
    for _ in range(n_steps):
        losses = [loss(np.mean([predictions[i] for i in [*chosen, new]], axis=0)) for new in range(len(predictions))]
        chosen.append(int(np.argmin(losses)))
    return np.bincount(chosen, minlength=len(predictions)) / n_steps


@pytest.mark.parametrize("seed", range(5))
def test_greedy_weights(seed):
    rng = np.random.RandomState(seed)
    y = rng.normal(size=(200, 1))
    predictions = [y + sigma * rng.normal(size=y.shape) for sigma in (0.5, 0.7, 2.0)]

    def loss(values):
        return np.mean((values - y) ** 2)

    prior = np.array([0.2, 0.3, 0.5])
    weights = greedy_weights(predictions, loss, 10**12, prior)
    assert_allclose(weights, naive_greedy(predictions, loss, 40), atol=1e-9)
    assert weights[0] > weights[1] > weights[2]
    assert_allclose(greedy_weights(predictions, loss, 0, prior), prior)
    few = greedy_weights(predictions, loss, 50, prior)
    assert np.all(abs(few - prior) < 0.12), "few rows say little"
    assert_allclose(few.sum(), 1)


def test_weights_of_networks_are_shares_of_recipes(tasks):
    X, y = make_data(TabularMLPRegressor, N_ROWS)
    model = small(TabularMLPRegressor, n_estimators=5, max_iter=40, hidden_layer_sizes=16).fit(X, y)
    encoded = model.encoder_.transform(X)
    recipes = list(dict.fromkeys(task.recipe for task in tasks))
    networks = {r: [m for m, t in zip(model.estimators_, tasks, strict=True) if t.recipe == r] for r in recipes}
    folds = {r: [t.held_out for t in tasks if t.recipe == r] for r in recipes}
    common = sorted(set.intersection(*(set(np.concatenate(folds[r])) for r in recipes)))
    predictions = []
    for recipe in recipes:
        values = np.full(N_ROWS, np.nan)
        for network, rows in zip(networks[recipe], folds[recipe], strict=True):
            scaled = network.predict(encoded[rows]).astype(float)
            values[rows] = np.clip(scaled * y.std() + y.mean(), y.min(), y.max())
        predictions.append(values[common])
    greedy = naive_greedy(predictions, lambda mean: 1 - r2_score(y[common], mean), 40)
    prior = np.array([len(networks[r]) for r in recipes]) / 5
    trust = len(common) / (len(common) + 300)
    shares = trust * greedy + (1 - trust) * prior
    expected = [shares[recipes.index(t.recipe)] / len(networks[t.recipe]) for t in tasks]
    assert_allclose(model.weights_, expected, rtol=1e-9)
    scaled = [network.predict(encoded).astype(float) * y.std() + y.mean() for network in model.estimators_]
    mean = np.average(np.clip(scaled, y.min(), y.max()), axis=0, weights=model.weights_)
    assert_allclose(model.predict(X), mean, rtol=1e-9)


@BOTH
def test_networks_beyond_one_of_each_recipe_are_of_the_best(kind, tasks):
    X, y = make_data(kind, N_ROWS)
    options = {"max_iter": 20, "hidden_layer_sizes": 16}
    shares = small(kind, n_estimators=4, **options).fit(X, y).weights_
    recipes = [task.recipe for task in tasks]
    assert len(set(recipes)) == 4
    assert_array_equal([task.held_out for task in tasks], [tasks[0].held_out] * 4)
    del tasks[:]
    model = small(kind, n_estimators=11, **options).fit(X, y)
    assert model.recipes_ == [task.recipe for task in tasks]
    assert [task.recipe for task in tasks[:4]] == recipes
    best, second = (recipes[place] for place in np.argsort(-shares, kind="stable")[:2])
    assert [task.recipe for task in tasks[4:]] == [best] * 4 + [second] * 3
    for recipe in (best, second):
        of_recipe = [task.held_out for task in tasks if task.recipe == recipe]
        assert len(np.unique(np.concatenate(of_recipe))) == sum(map(len, of_recipe)), "each holds out other rows"


@pytest.mark.parametrize(("n_rows", "given", "expected"), [(100, "auto", 16), (2000, "auto", 32), (100, 5, 5)])
def test_bins_by_the_number_of_rows(n_rows, given, expected):
    X, y = make_data(TabularMLPRegressor, n_rows)
    model = small(TabularMLPRegressor, n_estimators=4, max_iter=1, n_bins=given).fit(X, y)
    embeddings = [network.feature_embedding for network in model.estimators_ if network.feature_embedding is not None]
    assert [each.n_bins for each in embeddings if hasattr(each, "n_bins")] == [expected] * 2
    assert n_bins(10**6) == 128


@BOTH
@pytest.mark.parametrize(("n_columns", "expected"), [(32, 4), (33, 2)])
def test_many_columns_become_fewer_numbers_each(kind, n_columns, expected):
    X = make_array(60, n_columns)
    model = small(kind, n_estimators=4, max_iter=1).fit(X, target_of(kind, X))
    embeddings = [network.feature_embedding for network in model.estimators_ if network.feature_embedding is not None]
    assert [each.n_outputs for each in embeddings] == [expected] * 3


def test_recipes_take_turns_when_each_has_a_network_for_every_fold():
    later = best_first(20, [2, 0, 1, 3])
    assert [recipe.name for recipe, _ in later[:5]] == [PORTFOLIO[2].name] * 4 + [PORTFOLIO[0].name]
    assert [fold for _, fold in later] == [1, 2, 3, 4] * 4 + [5] * 4
    assert [recipe for recipe, _ in later[16:]] == [PORTFOLIO[place] for place in (2, 0, 1, 3)]


@BOTH
@pytest.mark.parametrize("n_estimators", [1, 2, 3, 4, 8, 17])
@pytest.mark.parametrize("n_rows", [30, 60, 300])
def test_weights_sum_to_one(kind, n_estimators, n_rows):
    X, y = make_data(kind, n_rows)
    model = small(kind, n_estimators=n_estimators, max_iter=1).fit(X, y)
    assert len(model.weights_) == len(model.estimators_) == n_estimators
    assert_allclose(model.weights_.sum(), 1, rtol=1e-12)
    assert np.all(model.weights_ >= 0)


@pytest.mark.parametrize("axis", [1, None])
def test_tempering(axis):
    proba = np.random.RandomState(0).dirichlet(np.ones(3), 20)
    for temperature in (0.05, 0.7, 1.0, 20.0):
        expected = tempered(proba, temperature, axis is None)
        assert_allclose(np.exp(log_tempered(proba, temperature, axis)), expected, rtol=1e-9)
    extreme = np.array([[0.0, 1.0], [1e-300, 1.0]])
    logs = log_tempered(extreme, 0.05, axis)
    assert np.isfinite(logs).all()
    assert logs[0, 0] < logs[1, 0]


@pytest.mark.parametrize("n_classes", [2, 3, 26])
def test_label_smoothing_is_undone(n_classes):
    p = np.random.RandomState(0).dirichlet(np.full(n_classes, 0.3), 500)
    smoothed = 0.9 * p + 0.1 / n_classes
    found = unsmoothed(smoothed, 0.1, 1)
    assert_allclose(found, p, atol=0.02)
    assert abs(found - p).mean() < 0.15 * abs(smoothed - p).mean()
    assert found.min() > 0.1 * 0.1 / n_classes / 9
    for row, own in zip(smoothed, found, strict=True):
        assert_array_equal(np.argsort(row), np.argsort(own))
    if n_classes == 2:
        assert_allclose(unsmoothed(smoothed[:, :1], 0.1, None), found[:, :1], rtol=1e-12)
    assert_array_equal(unsmoothed(p, 0.0, None), p)


def test_smoothing_stays_where_no_temperature_is_found():
    X = make_array(40)
    model = small(TabularMLPClassifier, n_estimators=1).fit(X, target_of(TabularMLPClassifier, X))
    network = model.estimators_[0]
    assert_allclose(model.predict_proba(X), network.predict_proba(model.encoder_.transform(X)), rtol=1e-6)


@pytest.mark.parametrize("true", [0.3, 1.0, 4.0])
def test_the_temperature_of_networks_that_are_too_sure(true):
    rng = np.random.RandomState(0)
    scores = rng.normal(size=(20_000, 3))
    proba = np.exp(log_softmax(scores, axis=1))
    y = np.array([rng.choice(3, p=row) for row in proba])
    sure = np.exp(log_softmax(true * scores, axis=1))
    found = best_temperature(sure, lambda p: -np.log(p[np.arange(len(y)), y]).mean(), 1)
    assert_allclose(found, true, rtol=0.05)


@BOTH
def test_networks_share_the_encoded_table(kind, monkeypatch):
    """Networks read rows by index: none of them has a copy of the table."""
    seen, fit = [], members.run_fit

    def spy(network, data):
        seen.append(data.X)
        return fit(network, data)

    monkeypatch.setattr(members, "run_fit", spy)
    X, y = make_data(kind)
    small(kind, n_estimators=4, n_jobs=2).fit(X, y)
    assert len(seen) == 4
    assert all(table is seen[0] for table in seen)
    assert seen[0].dtype == np.float32


@pytest.mark.parametrize("order", [1, -1])
def test_classes_have_the_same_order_in_all_networks(order):
    X = make_array(N_ROWS)
    y = np.repeat(["x", "m", "a"][::order], 50)
    model = small(TabularMLPClassifier, n_estimators=N_NETWORKS).fit(X, y)
    for network in model.estimators_:
        assert_array_equal(network.classes_, ["a", "m", "x"])
    assert output(model, X).shape == (N_ROWS, 3)
