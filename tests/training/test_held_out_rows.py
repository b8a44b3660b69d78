"""Which rows are held out: as a splitter says, at random, of many classes; what splitters and scorers see of them."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    StratifiedGroupKFold,
    train_test_split,
)
from support.states import weights
from support.training_data import BOTH, held_out_rows, make_data, small
from support.versions import needs_newer_metrics

from skregopt import MLPClassifier, MLPRegressor
from skregopt.model_selection import MLPClassifierCV

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


class Rows:
    """A splitter that knows its rows, and remembers what it was shown."""

    def __init__(self, *splits):
        self.splits = splits

    def get_n_splits(self, X=None, y=None, groups=None):
        return len(self.splits)

    def split(self, X, y=None, groups=None):
        self.shown = X, y, groups
        yield from self.splits


# --- a splitter and rows of weight zero ------------------------------------------------------------------------------


def zero_weights(kind, y, rows):
    """Return two ways to give rows the weight zero: (parameters, arguments of fit)."""
    sample_weight = np.ones(80)
    sample_weight[rows] = 0
    ways = [({}, {"sample_weight": sample_weight})]
    if kind is MLPClassifier:
        y[rows] = "dead"
        ways.append(({"class_weight": {"dead": 0}}, {}))
    return ways


@BOTH
@pytest.mark.parametrize("as_mask", [False, True])
def test_a_splitter_counts_rows_of_weight_zero(kind, as_mask):
    X, y = make_data(kind)
    train, held_out = np.arange(20, 50), np.arange(50, 75)
    if as_mask:
        train, held_out = (np.isin(np.arange(80), part) for part in (train, held_out))
    for params, arguments in zero_weights(kind, y, [0, 3, 25, 51, 79]):
        model = small(kind, validation_fraction=Rows((train, held_out)), **params)
        assert held_out_rows(model, X, y, **arguments) == [50, *range(52, 75)]
        model.set_params(early_stopping=True, max_iter=2).fit(X, y, **arguments)
        assert model.t_ == 2 * 29
        assert len(model.validation_fraction.shown[0]) == 80


@BOTH
def test_stored_folds_with_rows_of_weight_zero(kind):
    """The same bits as a fit to both parts as X and X_val."""
    X, y = make_data(kind)
    sample_weight = np.r_[np.zeros(5), np.ones(75)]
    fold = np.r_[np.full(60, -1), np.zeros(20)]
    model = small(kind, early_stopping=True, max_iter=4, validation_fraction=PredefinedSplit(fold))
    model.fit(X, y, sample_weight)
    given = small(kind, early_stopping=True, max_iter=4).fit(X[5:60], y[5:60], X_val=X[60:], y_val=y[60:])
    assert weights(model) == weights(given)
    assert model.validation_loss_curve_ == given.validation_loss_curve_


@BOTH
@pytest.mark.parametrize(
    "splits, message",
    [
        ([], "Rows .* made no split of the 80 rows"),
        ([(range(10, 80), range(10))], "gives to validate on have the weight zero, by sample_weight or class_weight"),
        ([(range(10), range(10, 80))], "gives to train on have the weight zero"),
        ([(range(10, 60), [3, 70])], r"validation set is too small.* 1 row\(s\) of n_samples=70"),
        ([([], range(10, 80))], "leaves no rows to train on"),
        ([(range(40), [60, 80])], "rows to validate on that X, with 80 rows, does not have"),
    ],
)
def test_splits_that_leave_nothing(kind, splits, message):
    X, y = make_data(kind)
    splits = [tuple(np.array(part, dtype=int) for part in split) for split in splits]
    model = small(kind, early_stopping=True, validation_fraction=Rows(*splits))
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, np.r_[np.zeros(10), np.ones(70)])
    assert not hasattr(model, "coefs_")


@BOTH
@pytest.mark.parametrize("takes_weights", [False, True])
def test_scorers_do_not_read_given_rows_of_weight_zero(kind, takes_weights):
    X, y = make_data(kind)
    zero = [0, 5, 17]
    X_val = X.copy()
    X_val[zero] = 100.0
    seen = []

    def without_weights(estimator, X, y):
        seen.append(X)
        return estimator.score(X, y)

    def with_weights(estimator, X, y, sample_weight):
        assert sample_weight.shape == y.shape
        return without_weights(estimator, X, y)

    scoring = with_weights if takes_weights else without_weights
    model = small(kind, early_stopping=True, max_iter=3, scoring=scoring)
    for params, arguments in zero_weights(kind, y, zero):
        sample_weight = arguments.get("sample_weight", np.ones(80))
        model.set_params(**params).fit(X, y, X_val=X_val, y_val=y, sample_weight_val=sample_weight)
        curve = model.validation_loss_curve_
        assert_array_equal(seen[-1], np.delete(X, zero, axis=0))
        kept, labels = seen[-1], np.delete(y, zero)
        model.fit(X, y, X_val=kept, y_val=labels, sample_weight_val=np.ones(77))
        assert model.validation_loss_curve_ == curve


ROWS = np.arange(80)


@BOTH
@pytest.mark.parametrize(
    "split, message",
    [
        ((ROWS[:50], ROWS[50:60], ROWS[60:]), r"Rows .* must yield pairs, .*, got tuple of 3\."),
        ((ROWS[:50],), r"must yield pairs, .*, got tuple of 1\."),
        (None, r"must yield pairs, .*, got NoneType\."),
        (5, r"must yield pairs, .*, got int\."),
        ((ROWS[:50], None), "rows to validate on .* they must be positions or a mask, got NoneType"),
        ((ROWS[:50], 70), "rows to validate on .* they must be positions or a mask, got int"),
    ],
)
def test_splits_that_are_no_pairs_of_rows(kind, split, message):
    with pytest.raises(ValueError, match=message):
        small(kind, early_stopping=True, validation_fraction=Rows(split)).fit(*make_data(kind))


@BOTH
def test_splitters_that_yield_nothing_or_are_classes(kind):
    class Silent(Rows):
        def split(self, X, y=None, groups=None):
            return None

    for splitter, message in ((Silent(), "must yield pairs, .*, got NoneType"), (KFold, r"a class. Pass KFold\(...\)")):
        with pytest.raises(ValueError, match=message):
            small(kind, early_stopping=True, validation_fraction=splitter).fit(*make_data(kind))


@BOTH
@pytest.mark.parametrize("split", [np.arange(80).reshape(2, 40), (slice(0, 60), slice(60, 80)), [ROWS[:60], ROWS[60:]]])
def test_pairs_of_every_form(kind, split):
    small(kind, early_stopping=True, max_iter=2, validation_fraction=Rows(split)).fit(*make_data(kind))


@needs_newer_metrics
@pytest.mark.parametrize("splitter", [GroupKFold(3), LeaveOneGroupOut(), StratifiedGroupKFold(3)])
def test_splitters_that_miss_their_groups(splitter):
    X, y = make_data(MLPClassifier)
    for model in (MLPClassifier(early_stopping=True, validation_fraction=splitter), MLPClassifierCV(cv=splitter)):
        with pytest.raises(ValueError, match=r"groups.*\. Pass groups to fit, for "):
            model.fit(X, y)


@pytest.mark.parametrize(
    "value, hint",
    [
        ([(ROWS[:50], ROWS[50:])], r"Got list of 1 element\(s\) instead. Pass the splitter itself, .* X_val and y_val"),
        (list(KFold(3).split(ROWS)), r"Got list of 3 element\(s\) instead. Pass the splitter itself"),
        (KFold(3).split(ROWS), "Pass the splitter itself"),
        (8, "Got 8 instead. It is a share of the rows"),
    ],
)
def test_folds_in_place_of_a_splitter(value, hint):
    with pytest.raises(ValueError, match=hint) as caught:
        MLPClassifier(early_stopping=True, validation_fraction=value).fit(*make_data(MLPClassifier))
    assert len(str(caught.value)) < 400


# --- what splitters and scorers see ----------------------------------------------------------------------------------


FORMS = {
    "pandas": (lambda X: pd.DataFrame(X, columns=list("abcd"), index=pd.date_range("2020", periods=80)), pd.Series),
    "polars": (lambda X: pl.DataFrame(X, schema=list("abcd")), pl.Series),
    "lists": (lambda X: X.tolist(), lambda y: y.tolist()),
    "coo": (sp.coo_array, np.asarray),
}


@BOTH
@pytest.mark.parametrize("form", FORMS)
def test_splitters_and_scorers_see_what_was_passed(kind, form):
    X, y = make_data(kind)
    as_X, as_y = FORMS[form]
    given, targets, groups = as_X(X), as_y(y), as_y(np.arange(80))
    splitter = Rows((np.arange(60), np.arange(60, 80)))
    seen = []

    def scorer(estimator, X, y):
        seen.append((X, y))
        return estimator.score(X, y)

    model = small(kind, early_stopping=True, scoring=scorer, validation_fraction=splitter, max_iter=3)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*feature names")
        model.fit(given, targets, groups=groups)
    for part, whole in zip(splitter.shown, (given, targets, groups), strict=True):
        assert part is whole or form == "coo" and sp.issparse(part)
    for X_seen, y_seen in seen:
        assert type(X_seen) is (sp.csr_array if form == "coo" else type(given)) and type(y_seen) is type(targets)
        assert_allclose(X_seen.toarray() if form == "coo" else np.asarray(X_seen), X[60:])
        assert_array_equal(np.asarray(y_seen), y[60:])
    if form == "pandas":
        assert X_seen.index[0] == pd.Timestamp("2020-03-01")
    plain = small(kind, early_stopping=True, scoring=scorer, validation_fraction=splitter, max_iter=3).fit(X, y)
    assert_allclose(plain.validation_scores_, model.validation_scores_, atol=1e-12)


def test_scorers_see_frames_of_a_random_hold_out():
    X, y = make_data(MLPRegressor)
    frame, column = pd.DataFrame(X, columns=list("abcd")), pd.DataFrame({"price": y})
    seen = []

    def scorer(estimator, X, y):
        seen.append((X, y))
        return -float(np.abs(y["price"] - estimator.predict(X)).mean() + X["a"].mean())

    model = small(MLPRegressor, early_stopping=True, scoring=scorer, max_iter=2)
    with pytest.warns(UserWarning, match="column-vector"):
        model.fit(frame, column)
    rows = seen[0][0].index
    assert len(rows) == 8 and rows.equals(seen[0][1].index)
    assert held_out_rows(small(MLPRegressor), X, y) == list(rows)


# --- many classes ----------------------------------------------------------------------------------------------------


def test_the_only_row_of_a_class_is_trained_on():
    """The others are stratified; nobody is warned."""
    X, _ = make_data(MLPClassifier, n_samples=200)
    y = np.r_[["rare", "single"], np.tile(["few", "many", "many", "many"], 50)[:198]]
    model = small(MLPClassifier, early_stopping=True, max_iter=2, validation_fraction=0.2)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*class")
        rows = held_out_rows(model, X, y)
    assert min(rows) >= 2
    labels, counts = np.unique(y[rows], return_counts=True)
    assert dict(zip(labels, counts, strict=True)) == {"few": 10, "many": 30}
    assert model.fit(X, y).t_ == 2 * 160


@pytest.mark.parametrize("single", [["ham"], ["ham", "eggs"]])
@pytest.mark.parametrize("n_common", [10, 11, 39])
def test_the_fraction_is_of_all_rows(n_common, single):
    """Two classes like three. All rows to validate on are of one class, which is told."""
    X, _ = make_data(MLPClassifier)
    y = np.r_[["spam"] * n_common, single]
    with pytest.warns(
        UserWarning, match="rows to validate on are of the class 'spam', because the only row of another"
    ):
        rows = held_out_rows(small(MLPClassifier), X[: y.size], y)
    assert len(rows) == np.ceil(0.1 * y.size) and max(rows) < n_common


def test_two_classes_are_stratified_as_scikit_learn_does():
    X, _ = make_data(MLPClassifier)
    y = np.r_[["spam"] * 60, ["ham"] * 20]
    model = small(MLPClassifier, early_stopping=True, max_iter=1, random_state=3)
    rows = held_out_rows(model, X, y)
    seed = model.fit(X, y)._seed
    expected = train_test_split(np.arange(80), test_size=0.1, random_state=seed, stratify=y == "spam")[1]
    assert rows == sorted(expected)


@pytest.mark.parametrize("validation_fraction, n_held_out", [(0.1, 10), (0.95, 94)])
def test_more_rows_to_validate_on_than_there_are_beside_single_ones(validation_fraction, n_held_out):
    X, _ = make_data(MLPClassifier, n_samples=98)
    y = np.r_[np.zeros(8, dtype=int), 1:91]
    model = small(MLPClassifier, validation_fraction=validation_fraction)
    with pytest.warns(
        UserWarning, match="91 classes: no split .* drawn at random. Not validated are the class"
    ) as caught:
        rows = held_out_rows(model, X, y)
    assert len(rows) == n_held_out
    missing = np.setdiff1d(y, y[rows]).tolist()
    assert f"are the classes {', '.join(map(repr, missing[:10]))}" in str(caught[0].message)


def test_fewer_rows_to_validate_on_than_classes():
    """They are drawn at random, one row of each class stays, and the warning names the classes that have none."""
    X, _ = make_data(MLPClassifier, n_samples=200)
    y = np.array([f"class {k % 26}" for k in range(200)])
    model = small(MLPClassifier, early_stopping=True, max_iter=2)
    with pytest.warns(UserWarning, match="makes 20 row.s. to validate on out of n_samples=200 of 26 classes") as caught:
        rows = held_out_rows(model, X, y)
    missing = sorted(set(y.tolist()) - set(y[rows].tolist()))
    assert missing
    assert f"are the classes {', '.join(map(repr, missing[:10]))}" in str(caught[0].message)
    assert len(rows) == 20
    y = np.repeat(np.arange(50), 2)
    with pytest.warns(UserWarning, match="Not validated"):
        rows = held_out_rows(model.set_params(validation_fraction=0.4), X[:100], y)
    assert len(set(y[rows])) == len(rows) == 40, "of two rows of a class, one is trained on"


@pytest.mark.parametrize("validation_fraction", [0.1, 0.5, 0.9])
def test_a_class_for_each_row(validation_fraction):
    X, _ = make_data(MLPClassifier)
    model = small(MLPClassifier, early_stopping=True, max_iter=2, validation_fraction=validation_fraction)
    with pytest.warns(UserWarning, match="80 classes.*Not validated"):
        model.fit(X, np.arange(80))
    assert model.t_ == 2 * round(80 * (1 - validation_fraction))


def test_classes_of_weight_zero_are_none_to_stratify():
    X, y = make_data(MLPClassifier)
    y[0] = "other"
    model = small(MLPClassifier, early_stopping=True, max_iter=2, class_weight={"other": 0.0})
    assert 0 not in held_out_rows(model, X, y)
