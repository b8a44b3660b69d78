"""Weights of rows and of classes, rows to validate on, and which rows are held out."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
)
from support.states import plain
from support.tables import BOTH, make_array, make_data, make_frame, output, small, target_of

from skregopt import TabularMLPClassifier, TabularMLPRegressor
from skregopt._tabular import members
from skregopt._tabular.folds import random_folds
from skregopt.losses import Quantile

CLASSIFIER = pytest.mark.parametrize("kind", [TabularMLPClassifier])


def bits(model, X):
    return plain([output(model, X), model.weights_, getattr(model, "temperature_", None), model.validation_score_])


@pytest.fixture
def trained(monkeypatch):
    """Return the tasks of the fits of a test: which rows each network trains on, and which it holds out."""
    tasks, train = [], members._train

    def spy(task, table, seconds):
        tasks.append(task)
        return train(task, table, seconds)

    monkeypatch.setattr(members, "_train", spy)
    return tasks


# --- weights ---------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("n_rows", [24, 90])
def test_only_ratios_of_weights_count(kind, n_rows):
    X, y = make_data(kind, n_rows)
    weights = np.random.RandomState(0).uniform(0.1, 3, n_rows)
    model = small(kind).fit(X, y, weights)
    assert bits(small(kind).fit(X, y, 4 * weights), X) == bits(model, X)
    assert bits(small(kind).fit(X, y), X) != bits(model, X)
    assert_allclose(output(small(kind).fit(X, y, 3e5 * weights), X), output(model, X), rtol=1e-3)


@BOTH
@pytest.mark.parametrize("weight", [1, 2, 0.3])
@pytest.mark.parametrize("n_rows", [24, 90])
def test_equal_weights_are_none(kind, weight, n_rows):
    X, y = make_data(kind, n_rows)
    model = small(kind).fit(X, y, np.full(n_rows, weight))
    tolerance = 5e-3 if weight == 0.3 and n_rows > 50 else 0  # sums of 0.3 are rounded
    assert_allclose(output(model, X), output(small(kind).fit(X, y), X), rtol=tolerance)


@BOTH
@pytest.mark.parametrize("n_rows", [21, 91])
def test_rows_of_weight_zero_are_absent(kind, n_rows):
    """Each row is there again without weight, with another target; quartiles of whole numbers stay as they are."""
    X = np.random.RandomState(0).randint(0, 4, size=(n_rows, 3)).astype(float)
    X[:, 0] += 4 * np.arange(n_rows) // n_rows
    X = np.repeat(X, 4, axis=0)[: 4 * (n_rows // 4)]
    y = target_of(kind, X + 1e-3 * make_array(*X.shape))
    other = y[::-1].copy() if kind is TabularMLPClassifier else y + 1e5
    model = small(kind).fit(X, y)
    weights = np.r_[np.ones(len(y)), np.zeros(len(y))]
    both = small(kind).fit(np.vstack([X, X]), np.r_[y, other], weights)
    assert_array_equal(both.encoder_.transform(X), model.encoder_.transform(X))
    assert bits(both, X) == bits(model, X)
    if kind is TabularMLPRegressor:
        assert plain(both._scale) == plain(model._scale)


@BOTH
@pytest.mark.parametrize("seed", range(3))
def test_whole_weights_of_small_tables_are_repetitions(kind, seed):
    rng = np.random.RandomState(seed)
    X = make_frame(20, seed)
    y = target_of(kind, X)
    weights = rng.randint(0, 4, 20)
    weights[0] = 1
    rows = rng.permutation(np.repeat(np.arange(20), weights))
    model = small(kind).fit(X, y, weights)
    repeated = small(kind).fit(X.iloc[rows], y[rows])
    assert_array_equal(output(repeated, X), output(model, X))


@BOTH
def test_the_order_of_a_small_table_means_nothing(kind):
    X = make_frame(30)
    y = target_of(kind, X)
    order = np.random.RandomState(1).permutation(30)
    assert_array_equal(output(small(kind).fit(X, y), X), output(small(kind).fit(X.iloc[order], y[order]), X))


def test_weights_move_the_mean_of_y():
    X, y = make_data(TabularMLPRegressor)
    weights = np.where(y > np.median(y), 50.0, 1.0)
    above = small(TabularMLPRegressor).fit(X, y, weights).predict(X).mean()
    assert above > small(TabularMLPRegressor).fit(X, y).predict(X).mean() + 3


# --- class_weight ----------------------------------------------------------------------------------------------------


def imbalanced(n_rows=200):
    X = make_array(n_rows)
    return X, np.where(X[:, 0] + 0.5 * X[:, 1] > 0.9, "rare", "often")


@pytest.mark.parametrize("class_weight", ["balanced", {"rare": 8.0}, {"rare": 4, "often": 0.5}])
def test_class_weight(class_weight):
    X, y = imbalanced()
    plain_model = small(TabularMLPClassifier, max_iter=20).fit(X, y)
    model = small(TabularMLPClassifier, max_iter=20, class_weight=class_weight).fit(X, y)
    assert model.predict_proba(X)[:, 1].mean() > plain_model.predict_proba(X)[:, 1].mean() + 0.05


@pytest.mark.parametrize("n_rows", [30, 90])
def test_class_weights_are_weights_of_rows(n_rows):
    X, y = imbalanced(n_rows)
    by_class = small(TabularMLPClassifier, max_iter=20, class_weight={"rare": 2.5, "often": 0.5}).fit(X, y)
    by_row = small(TabularMLPClassifier, max_iter=20).fit(X, y, np.where(y == "rare", 2.5, 0.5))
    # weights of rows move the bins of a network, too
    assert_allclose(by_class.predict_proba(X), by_row.predict_proba(X), rtol=0.02)
    assert_allclose(by_class.temperature_, by_row.temperature_, rtol=0.05)
    unweighted = small(TabularMLPClassifier, max_iter=20).fit(X, y)
    assert abs(by_class.predict_proba(X) - unweighted.predict_proba(X)).max() > 0.05


def test_a_class_of_weight_zero_is_absent_but_known():
    X, y = make_array(90), np.repeat(["a", "b", "c"], 30)
    model = small(TabularMLPClassifier, class_weight={"c": 0}, max_iter=30).fit(X, y)
    assert_array_equal(model.classes_, ["a", "b", "c"])
    assert model.predict_proba(X)[:, 2].mean() < 0.2


@pytest.mark.parametrize("class_weight", ["balanced", [{0: 1, 1: 9}, {0: 1, 1: 1}], [{1: 9.0}, {0: 1.0}]])
@pytest.mark.parametrize("n_rows", [30, 200])
def test_class_weight_of_labels(class_weight, n_rows):
    X, _ = imbalanced(n_rows)
    Y = np.column_stack([X[:, 0] > 0.9, X[:, 1] > 0]).astype(int)
    plain_model = small(TabularMLPClassifier, max_iter=20).fit(X, Y)
    model = small(TabularMLPClassifier, max_iter=20, class_weight=class_weight).fit(X, Y)
    shift = (model.predict_proba(X) - plain_model.predict_proba(X)).mean(axis=0)
    assert shift[0] > 0.05
    assert abs(shift[1]) < shift[0] / 2


@pytest.mark.parametrize(
    "class_weight", [{"unknown": 1}, [{0: 1}], {"rare": -1}, {"rare": np.nan}, {"rare": "2"}], ids=str
)
def test_class_weights_that_cannot_be_used(class_weight):
    with pytest.raises(ValueError, match="class_weight"):
        small(TabularMLPClassifier, class_weight=class_weight).fit(*imbalanced())


# --- rows to validate on ---------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("n_rows", [30, 90])
def test_rows_to_validate_on_change_no_statistic(kind, n_rows, trained):
    X = make_frame(n_rows)
    y = target_of(kind, X)
    X_val = make_frame(40, seed=1)
    y_val = target_of(kind, X_val)
    X_val["age"] *= 1e3
    X_val["color"] = "never seen"
    model = small(kind, n_estimators=3).fit(X, y, X_val=X_val, y_val=y_val)
    for task in trained:
        assert_array_equal(task.train, np.arange(n_rows), "all rows are trained on")
        assert task.held_out is None
    alone = small(kind, n_estimators=3).fit(X, y)
    assert_array_equal(model.encoder_.transform(X), alone.encoder_.transform(X))
    assert model.validation_score_ is not None
    if kind is TabularMLPRegressor:
        assert plain(model._scale) == plain(alone._scale)
        assert model.predict(X_val).max() <= y.max()


@BOTH
def test_weights_of_rows_to_validate_on(kind):
    X, y = make_data(kind)
    X_val, y_val = make_data(kind, 40, seed=1)
    weights = np.r_[np.ones(20), np.zeros(20)]
    given = {"X_val": X_val, "y_val": y_val, "sample_weight_val": weights}
    model = small(kind, n_estimators=3).fit(X, y, **given)
    fewer = small(kind, n_estimators=3).fit(X, y, X_val=X_val[:20], y_val=y_val[:20])
    assert bits(model, X) == bits(fewer, X)
    weights = np.random.RandomState(0).uniform(size=40)
    assert bits(small(kind, n_estimators=3).fit(X, y, **given | {"sample_weight_val": weights}), X) != bits(fewer, X)


@BOTH
def test_a_validation_set_with_few_of_the_classes(kind):
    X, y = make_data(kind)
    model = small(kind).fit(X, y, X_val=X[:3], y_val=y[:3])
    assert np.isfinite(output(model, X)).all()


@pytest.mark.parametrize("loss", ["squared_error", Quantile([0.1, 0.9])])
def test_a_single_row_to_validate_on_has_no_score(loss):
    X, y = make_data(TabularMLPRegressor)
    model = small(TabularMLPRegressor, n_estimators=3, loss=loss).fit(X, y, X_val=X[:1], y_val=y[:1])
    assert np.isnan(model.validation_score_)
    assert_allclose(model.weights_, 1 / 3, atol=0.01)


@BOTH
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"X_val": make_array(9)}, "y_val"),
        ({"y_val": np.zeros(9)}, "X_val"),
        ({"sample_weight_val": np.ones(9)}, "X_val"),
        ({"groups": np.zeros(90)}, "groups has no effect"),
        ({"X_val": make_array(9, 3), "y_val": np.zeros(9)}, "X_val cannot be used: X has 3 features"),
        ({"X_val": make_array(9), "y_val": np.zeros(8)}, "y_val cannot be used"),
        ({"X_val": np.full((9, 4), np.inf), "y_val": np.zeros(9)}, "X_val cannot be used.*infinity"),
        ({"X_val": make_array(9), "y_val": np.zeros(9), "sample_weight_val": np.zeros(9)}, "sample_weight_val"),
        ({"X_val": make_array(9), "y_val": np.zeros(9), "sample_weight_val": -np.ones(9)}, "sample_weight_val"),
        ({"sample_weight": np.zeros(90)}, "sample_weight"),
        ({"sample_weight": np.ones(89)}, "sample_weight"),
        ({"sample_weight": np.full(90, np.nan)}, "sample_weight"),
    ],
)
def test_arguments_that_contradict_each_other(kind, given, message):
    X, y = make_data(kind)
    if kind is TabularMLPClassifier and "y_val" in given:
        given = given | {"y_val": np.repeat(y[:1], len(given["y_val"]))}
    with pytest.raises(ValueError, match=message):
        small(kind).fit(X, y, **given)


def test_classes_of_rows_to_validate_on_have_to_be_known():
    X, y = make_data(TabularMLPClassifier)
    with pytest.raises(ValueError, match="y_val.*classes"):
        small(TabularMLPClassifier).fit(X, y, X_val=X[:4], y_val=["ash", "birch", "oak", "ash"])


# --- splits ----------------------------------------------------------------------------------------------------------


@BOTH
def test_each_recipe_holds_out_each_fold_once(kind, trained):
    X, y = make_data(kind)
    small(kind, n_estimators=12).fit(X, y)
    parts = {}
    for task in trained:
        assert_array_equal(np.sort(np.r_[task.train, task.held_out]), np.arange(90))
        assert 16 <= task.held_out.size <= 20
        rows = parts.setdefault(task.recipe, [])
        assert not np.isin(task.held_out, rows).any()
        rows.extend(task.held_out)
    assert len(parts) > 1


@pytest.mark.parametrize("fraction", [0.5, 0.4, 0.25, 0.2, 0.1, 0.01])
def test_random_folds(fraction):
    has_weight = np.random.RandomState(0).uniform(size=100) < 0.9
    strata = np.r_[np.zeros(70), np.ones(29), [2]]
    has_weight[-1] = True
    folds = random_folds(fraction, has_weight, strata, np.random.RandomState(0))
    counted = np.flatnonzero(has_weight)
    for train, held_out in folds:
        assert_array_equal(np.sort(np.r_[train, held_out]), counted)
        assert 99 in train
        assert held_out.size >= 2
        if held_out.size > 5:
            assert abs(np.mean(strata[held_out]) - 0.29) < 0.12
    together = np.concatenate([held_out for _, held_out in folds])
    assert_array_equal(np.sort(together), counted[:-1])


@BOTH
@pytest.mark.parametrize("n_rows", [50, 60])
@pytest.mark.parametrize("fraction", [0.001, 0.03, 0.5])
def test_any_share_can_be_held_out(kind, fraction, n_rows, trained):
    X, y = make_data(kind, n_rows)
    small(kind, n_estimators=4, validation_fraction=fraction).fit(X, y)
    assert all(2 <= task.held_out.size <= n_rows / 2 for task in trained)


SPLITTERS = {
    "k-fold": KFold(4),
    "repeated": RepeatedKFold(n_splits=3, n_repeats=2, random_state=0),
    "repeated and stratified": RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0),
    "time": TimeSeriesSplit(5),
    "predefined": PredefinedSplit(np.arange(90) % 3 - 1),
    "shuffled": ShuffleSplit(2, test_size=0.3, random_state=0),
}


@CLASSIFIER
@pytest.mark.parametrize("name", SPLITTERS)
@pytest.mark.parametrize("n_rows", [90, 30])
def test_splitters(kind, name, n_rows, trained):
    X = make_frame(n_rows)
    y = target_of(kind, X)
    splitter = SPLITTERS[name]
    if name == "predefined":
        splitter = PredefinedSplit(splitter.test_fold[:n_rows])
    n_estimators = 16 if name == "time" else 4  # enough for each split
    model = small(kind, n_estimators=n_estimators, max_iter=1, validation_fraction=splitter).fit(X, y)
    splits = [(np.sort(train), np.sort(test)) for train, test in splitter.split(X, y)][::-1]
    most = max(len(train) for train, _ in splits)
    splits = [(train, test) for train, test in splits if 2 * len(train) >= most]
    assert_array_equal(trained[0].train, splits[0][0])
    for task in trained:
        fits = [np.array_equal(task.train, a) and np.array_equal(task.held_out, b) for a, b in splits]
        assert any(fits)
    assert np.isfinite(model.validation_score_)


@BOTH
@pytest.mark.parametrize("n_rows", [90, 40])
def test_groups_are_not_torn_apart(kind, n_rows, trained):
    X, y = make_data(kind, n_rows)
    groups = np.random.RandomState(0).randint(0, 12, n_rows)
    small(kind, n_estimators=4, validation_fraction=GroupKFold(3)).fit(X, y, groups=groups)
    for task in trained:
        assert not set(groups[task.train]) & set(groups[task.held_out])
    with pytest.raises(ValueError, match="Pass groups to fit"):
        small(kind, validation_fraction=GroupKFold(3)).fit(X, y)


@BOTH
def test_splits_know_the_rows_of_weight_zero(kind, trained):
    X, y = make_data(kind)
    weights = np.r_[np.zeros(10), np.ones(80)]
    small(kind, validation_fraction=KFold(3)).fit(X, y, weights)
    for task in trained:
        assert min(task.train.min(), task.held_out.min()) >= 10
        assert task.train.size + task.held_out.size == 80


@BOTH
def test_splits_of_small_tables_are_of_the_rows_as_they_are(kind, monkeypatch):
    """Other small tables are sorted, so that the order of rows means nothing."""
    X, y = make_data(kind, 30)
    tables, train = [], members._train

    def spy(task, table, seconds):
        tables.append(table)
        return train(task, table, seconds)

    monkeypatch.setattr(members, "_train", spy)
    model = small(kind, validation_fraction=KFold(3)).fit(X, y)
    assert_array_equal(tables[0].X, model.encoder_.transform(X))


class Splitter:
    """Yields whatever it is given."""

    def __init__(self, splits):
        self.splits = splits

    def __repr__(self):
        return "Splitter()"

    def split(self, X, y=None, groups=None):
        yield from self.splits

    def get_n_splits(self, X=None, y=None, groups=None):
        return len(self.splits)


@BOTH
@pytest.mark.parametrize(
    ("splitter", "message"),
    [
        (Splitter([]), r"validation_fraction=Splitter\(\) made no split of the 90 rows"),
        (Splitter([([0, 1], [2, 3], [4])]), r"Splitter\(\) must yield pairs, .* got tuple of 3"),
        (Splitter([([0, 1], [])]), r"Splitter\(\) leaves no rows to validate on"),
        (Splitter([([0, 1], [99])]), r"Splitter\(\) gave rows to validate on that X.* does not have"),
        (LeaveOneOut(), r"too small.* 1 row\(s\).*LeaveOneOut\(\)"),
        (KFold, "KFold is a class"),
        (0, "validation_fraction.*parameter"),
        (0.6, "validation_fraction.*parameter"),
        ("half", "validation_fraction.*parameter"),
    ],
    ids=str,
)
def test_splits_that_cannot_be_used(kind, splitter, message):
    with pytest.raises(ValueError, match=message):
        small(kind, validation_fraction=splitter).fit(*make_data(kind))


@BOTH
@pytest.mark.parametrize("n_rows", [20, 49])
def test_of_small_tables_nothing_is_held_out(kind, n_rows, trained):
    X, y = make_data(kind, n_rows)
    model = small(kind, n_estimators=4).fit(X, y)
    assert all(task.held_out is None for task in trained)
    assert_allclose(model.weights_, 0.25)
    assert model.validation_score_ is None
    assert getattr(model, "temperature_", 1.0) == 1.0


def test_held_out_rows_score_quantiles():
    X, y = make_data(TabularMLPRegressor)
    model = small(TabularMLPRegressor, loss=Quantile([0.1, 0.9]), max_iter=20).fit(X, y)
    assert -1 < model.validation_score_ < 1
