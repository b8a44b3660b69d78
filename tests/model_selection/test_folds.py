"""What splitters, networks and scorers of the CV estimators see: the user's rows, and all classes."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold, KFold, cross_val_score
from support.paths import LINEAR
from support.versions import needs_newer_metrics

from skregopt import MLPClassifier, MLPRegressor
from skregopt.model_selection import MLPClassifierCV, MLPRegressorCV, regularization_path

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning"),
    pytest.mark.filterwarnings("ignore:The least populated class"),
]

NETWORK = MLPClassifier(4, penalty="l1", max_iter=3, random_state=0)


def rare_class():
    """Return data whose third class has one row."""
    X = np.random.RandomState(1).normal(size=(90, 6))
    y = np.where(X[:, 0] > 0, "few", "many")
    y[0] = "rare"
    return X, y


# --- a class that a fold lacks ---------------------------------------------------------------------------------------


@needs_newer_metrics
@pytest.mark.parametrize("scoring", [None, "accuracy", "neg_log_loss", "neg_brier_score", "d2_log_loss_score"])
@pytest.mark.parametrize("class_weight", [None, "balanced", {"rare": 3.0}])
def test_folds_that_lack_a_class(scoring, class_weight):
    X, y = rare_class()
    network = MLPClassifier(4, penalty="l1", max_iter=3, random_state=0, class_weight=class_weight)
    cv = MLPClassifierCV(network, n_alphas=3, cv=3, scoring=scoring).fit(X, y)
    assert_array_equal(cv.classes_, ["few", "many", "rare"])


@pytest.mark.parametrize("hidden", [(), 4])
def test_networks_of_folds_know_all_classes(hidden):
    X, y = rare_class()
    seen = []

    def scorer(estimator, X, y):
        seen.append(estimator.classes_)
        return -log_loss(y, estimator.predict_proba(X), labels=estimator.classes_)

    network = MLPClassifier(hidden, penalty="l1", max_iter=3, random_state=0)
    own = MLPClassifierCV(network, alphas=[1e-3, 1e-2], cv=3, scoring=scorer).fit(X, y)
    assert all(list(classes) == ["few", "many", "rare"] for classes in seen)
    named = MLPClassifierCV(network, alphas=[1e-3, 1e-2], cv=3, scoring="neg_log_loss").fit(X, y)
    assert_allclose(named.cv_scores_, own.cv_scores_)


@pytest.mark.parametrize("scoring", ["neg_log_loss", "neg_brier_score"])
def test_folds_of_one_class(scoring):
    X, y = (part[1:] for part in rare_class())
    order = np.argsort(y)
    cv = MLPClassifierCV(NETWORK, alphas=[1e-3], cv=KFold(4), scoring=scoring).fit(X[order], y[order])
    assert np.isfinite(cv.cv_scores_).all()
    halves = [(np.flatnonzero(y == "few"), np.flatnonzero(y == "many"))]
    cv = MLPClassifierCV(NETWORK, alphas=[1e-3], cv=halves, scoring=scoring).fit(X, y)
    assert np.isfinite(cv.cv_scores_).all()


def test_where_a_metric_is_not_defined_on_a_fold():
    with pytest.raises(ValueError, match="'roc_auc_ovr' .* held-out rows of fold 1 without a row of class 'rare'"):
        MLPClassifierCV(NETWORK, alphas=[1e-3], cv=3, scoring="roc_auc_ovr").fit(*rare_class())
    with pytest.raises(ValueError, match="'f1' cannot score the held-out rows of fold 0: .* Use scoring='f1_macro'"):
        MLPClassifierCV(NETWORK, alphas=[1e-3], cv=3, scoring="f1").fit(*rare_class())


def test_validation_rows_of_a_path_that_lack_a_class():
    X, y = rare_class()
    path = regularization_path(NETWORK, X, y, alphas=[1e-3], X_val=X[1:], y_val=y[1:], scoring="neg_log_loss")
    assert np.isfinite(path.val_scores_).all()


# --- what splitters and scorers see ----------------------------------------------------------------------------------


class BeforeMarch:
    """A splitter that looks at the frame."""

    def get_n_splits(self, X=None, y=None, groups=None):
        return 1

    def split(self, X, y=None, groups=None):
        early = np.asarray(X.index < "2020-03-01")
        self.shown = X, y, groups
        yield np.flatnonzero(early), np.flatnonzero(~early)


def test_frames_arrive_as_frames():
    X = np.random.RandomState(0).normal(size=(90, 3))
    frame = pd.DataFrame(X, columns=list("abc"), index=pd.date_range("2020", periods=90))
    y = pd.Series(X[:, 0] + 0.1 * X[:, 1], index=frame.index, name="price")
    groups = pd.Series(np.arange(90), index=frame.index)
    seen = []

    def scorer(estimator, X, y):
        seen.append((X, y))
        return -float(np.abs(y - estimator.predict(X)).mean())

    linear = MLPRegressor(penalty="l1", **LINEAR)
    cv = MLPRegressorCV(linear, alphas=[0.01], cv=BeforeMarch(), scoring=scorer, tol=1e-10)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*feature names")
        cv.fit(frame, y, groups=groups)
        assert all(part is whole for part, whole in zip(cv.cv.shown, (frame, y, groups), strict=True))
        for X_seen, y_seen in seen:
            assert list(X_seen) == list("abc") and X_seen.index[0] == pd.Timestamp("2020-03-01")
            assert y_seen.name == "price" and y_seen.index.equals(X_seen.index)
        assert_allclose(cv.score(frame, y), -np.abs(y - cv.predict(frame)).mean())
        assert seen[-1][0] is frame and seen[-1][1] is y
        cv.best_estimator_.predict(frame)
    with pytest.warns(UserWarning, match="but MLPRegressorCV was fitted with feature names") as caught:
        cv.predict(X)
    assert len(caught) == 1
    linear.set_params(alpha=0.01, tol=1e-12, random_state=0)
    expected = cross_val_score(linear, frame, y, cv=BeforeMarch(), scoring=scorer)
    assert_allclose(cv.cv_scores_[:, 0], expected, rtol=1e-4)


def test_polars_and_masks():
    X, y = rare_class()
    y[0] = "few"
    frame, column = pl.DataFrame(X, schema=list("abcdef")), pl.Series("label", y)
    seen = []

    def scorer(estimator, X, y):
        seen.append((X, y))
        return estimator.score(X, y)

    mask = np.arange(90) < 60
    given = MLPClassifierCV(NETWORK, alphas=[1e-3], cv=[(mask, ~mask)], scoring=scorer).fit(frame, column)
    assert isinstance(seen[0][0], pl.DataFrame) and isinstance(seen[0][1], pl.Series) and len(seen[0][1]) == 30
    plain = MLPClassifierCV(NETWORK, alphas=[1e-3], cv=[(mask, ~mask)]).fit(X, y)
    assert_array_equal(given.cv_scores_, plain.cv_scores_)


def test_no_split():
    with pytest.raises(ValueError, match=r"cv=\[\] made no split of the 90 rows"):
        MLPClassifierCV(NETWORK, alphas=[1e-3], cv=[]).fit(*rare_class())


# --- rows of weight zero ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scoring", ["neg_max_error", "r2"])
def test_folds_do_not_read_rows_of_weight_zero(scoring):
    X = np.random.RandomState(0).normal(size=(90, 3))
    sample_weight = np.r_[np.zeros(20), np.ones(70)]
    linear = MLPRegressor(penalty="l1", **LINEAR)
    results = []
    for y in (X[:, 0], np.where(sample_weight, X[:, 0], 1000.0)):
        cv = MLPRegressorCV(linear, alphas=[0.01], cv=KFold(3), scoring=scoring).fit(X, y, sample_weight)
        weights = {"sample_weight": sample_weight, "sample_weight_val": sample_weight}
        path = regularization_path(linear, X, y, alphas=[0.01], scoring=scoring, X_val=X, y_val=y, **weights)
        results.append((cv.cv_scores_, path.train_scores_, path.val_scores_))
    for one, other in zip(*results, strict=True):
        assert_array_equal(one, other)
    folds = [(np.r_[20:30, 60:90], np.arange(30, 60)), (np.arange(20, 60), np.arange(60, 90))]
    expected = MLPRegressorCV(linear, alphas=[0.01], cv=folds, scoring=scoring).fit(X, X[:, 0])
    assert_array_equal(results[0][0][1:], expected.cv_scores_)


def test_folds_do_not_read_classes_of_weight_zero():
    X, y = rare_class()
    y[::4] = "dead"
    network = MLPClassifier(4, penalty="l1", max_iter=3, random_state=0, class_weight={"dead": 0})
    scores = []
    for dead in (X[::4].copy(), -5 * X[::4]):
        X[::4] = dead
        cv = MLPClassifierCV(network, alphas=[1e-3], cv=3, scoring="accuracy").fit(X, y)
        path = regularization_path(network, X, y, alphas=[1e-3], X_val=X[2:], y_val=y[2:], scoring="accuracy")
        scores.append([*cv.cv_scores_.ravel(), *path.train_scores_, *path.val_scores_])
    assert scores[0] == scores[1]


@pytest.mark.parametrize(
    "train, test, message",
    [
        ([], range(90), "fold 1 of cv=.* leaves no rows to train on: that part of the 90 rows is empty. Give it"),
        (range(90), np.array([]), "fold 1 of cv=.* leaves no rows to validate on: that part"),
        (range(10), range(10, 90), "fold 1 of cv=.* gives to train on have the weight zero, by sample_weight or class"),
        (range(10, 90), range(10), "fold 1 of cv=.* gives to validate on have the weight zero.* Leave out all rows"),
        (range(40), [60, 90], "fold 1 of cv=.* gave rows to validate on that X, with 90 rows, does not have: .*90"),
        (np.arange(80) < 40, range(5), "fold 1 of cv=.* gave rows to train on that X, with 90 rows, does not have"),
    ],
)
@pytest.mark.parametrize("by_class", [False, True])
def test_folds_that_leave_nothing(train, test, message, by_class):
    X, y = rare_class()
    y[:10] = "dead"
    way = {"class_weight": {"dead": 0}} if by_class else {}
    network = MLPClassifier(4, penalty="l1", max_iter=3, random_state=0, **way)
    sample_weight = None if by_class else np.r_[np.zeros(10), np.ones(80)]
    cv = MLPClassifierCV(network, alphas=[1e-3], cv=[(np.arange(5, 50), range(50, 90)), (train, test)])
    with pytest.raises(ValueError, match=message) as caught:
        cv.fit(X, y, sample_weight)
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)
    assert not hasattr(cv, "path_")


@pytest.mark.parametrize("value", [0.5, np.array(0.5), np.array([[0.5]])])
def test_scorers_may_return_what_holds_one_number(value):
    cv = MLPClassifierCV(NETWORK, alphas=[1e-3], cv=3, scoring=lambda estimator, X, y: value).fit(*rare_class())
    assert cv.cv_scores_.shape == (3, 1)


def test_groups_of_another_length():
    X, y = rare_class()
    with pytest.raises(ValueError, match=r"^groups cannot be used: .*\[90, 80\]"):
        MLPClassifierCV(NETWORK, cv=GroupKFold(3)).fit(X, y, groups=np.arange(80))
