"""What the user's scorer is told in early stopping, what it may return, and what is said where it fails."""

import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import average_precision_score, f1_score, fbeta_score, log_loss, make_scorer, roc_auc_score
from sklearn.model_selection import PredefinedSplit
from support.training_data import make_data, small
from support.versions import needs_newer_metrics

from skregopt import MLPClassifier
from skregopt._estimators import fitted
from skregopt._estimators.validation import checked_X

pytestmark = [
    pytest.mark.nojit,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning"),
]


def stopping_by(scoring, **params):
    """Return a classifier that watches a scorer."""
    return small(MLPClassifier, early_stopping=True, scoring=scoring, max_iter=3, **params)


# --- validation rows that lack a class -------------------------------------------------------------------------------

OF_PROBABILITIES = ["neg_log_loss", "neg_brier_score", "d2_log_loss_score", "top_k_accuracy"]


@needs_newer_metrics
@pytest.mark.parametrize("scoring", OF_PROBABILITIES)
@pytest.mark.parametrize("as_y", [np.asarray, pd.Series, list])
def test_metrics_of_probabilities_know_all_classes(scoring, as_y):
    X, y = make_data(MLPClassifier)
    known = y != "cedar"
    model = stopping_by(scoring).fit(X, as_y(y), X_val=X[known], y_val=as_y(y[known]))
    if scoring == "neg_log_loss":
        expected = -log_loss(y[known], model.predict_proba(X[known]), labels=model.classes_)
        assert_allclose(model.best_validation_score_, expected)
    # the same rows by a splitter
    fold = np.where(known & (np.arange(80) < 40), 0, -1)
    model = stopping_by(scoring, validation_fraction=PredefinedSplit(fold)).fit(X, as_y(y))
    assert np.isfinite(model.best_validation_score_)


@pytest.mark.parametrize("scoring", ["neg_log_loss", "neg_brier_score"])
def test_metrics_of_two_classes_with_names(scoring):
    X, y = make_data(MLPClassifier)
    y = np.where(y == "cedar", "yes", "no")
    for rows in (slice(None), y == "yes"):
        named = stopping_by(scoring).fit(X, y, X_val=X[rows], y_val=y[rows])
        numbered = stopping_by(scoring).fit(X, y == "yes", X_val=X[rows], y_val=y[rows] == "yes")
        assert named.validation_scores_ == numbered.validation_scores_


@needs_newer_metrics
def test_the_users_own_parameters_of_a_metric_stay():
    X, y = make_data(MLPClassifier)
    seen = []

    def metric(y_true, y_prob, labels=None, pos_label="mine"):
        seen.append((list(labels), pos_label))
        return 0.0

    own = ["cedar", "birch", "ash"]
    stopping_by(make_scorer(metric, response_method="predict_proba", labels=own)).fit(X, y)
    stopping_by(make_scorer(metric, response_method="predict_proba")).fit(X, y)
    assert seen[0] == (own, "mine") and seen[-1] == (["ash", "birch", "cedar"], "mine")


def test_metrics_of_labels_score_those_that_occur():
    """`labels` would select the labels to average over, and count one that never occurs as 0."""

    def metric(y_true, y_pred, labels=None):
        assert labels is None
        return f1_score(y_true, y_pred, average="macro")

    X, y = make_data(MLPClassifier)
    known = y != "cedar"
    model, own = (stopping_by(scoring) for scoring in ("f1_macro", make_scorer(metric)))
    assert model.fit(X, y, X_val=X[known], y_val=y[known]).validation_scores_ == (
        own.fit(X, y, X_val=X[known], y_val=y[known]).validation_scores_
    )


@pytest.mark.parametrize("y_of", [lambda y: y, lambda y: np.where(y == "cedar", "cedar", "other")])
def test_where_a_metric_is_not_defined(y_of):
    X, y = make_data(MLPClassifier)
    y = y_of(y)
    known = y != "cedar"
    with pytest.raises(ValueError, match=r"nan on the .* \(X_val\) without a row of class 'cedar' after"):
        stopping_by("roc_auc_ovr").fit(X, y, X_val=X[known], y_val=y[known])


# --- metrics of the class 1 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scoring, cure",
    [
        ("f1", "Use scoring='f1_macro' or scoring=make_scorer(f1_score, pos_label='right')."),
        (
            "average_precision",
            "Use scoring=make_scorer(average_precision_score, response_method='predict_proba', pos_label='right').",
        ),
    ],
)
def test_a_metric_of_class_1_with_other_labels(scoring, cure):
    X, y = make_data(MLPClassifier)
    y = np.where(y == "cedar", "right", "left")
    with pytest.raises(ValueError, match=re.escape(f"The classes are 'left', 'right'. {cure}")):
        stopping_by(scoring).fit(X, y)
    names = {"make_scorer": make_scorer, "f1_score": f1_score, "average_precision_score": average_precision_score}
    cured = eval(cure.split("scoring=")[-1].removesuffix("."), names)
    assert np.isfinite(stopping_by(cured).fit(X, y).best_validation_score_)
    with pytest.raises(ValueError, match="scoring='f1' cannot score the 8 .* Use scoring='f1_macro'.$"):
        stopping_by("f1").fit(*make_data(MLPClassifier))


METRICS = {"fbeta_score": fbeta_score, "f1_score": f1_score, "roc_auc_score": roc_auc_score, "make_scorer": make_scorer}


def cured(error):
    """Return the last scorer that a message proposes."""
    return eval(str(error).split("scoring=")[-1].removesuffix("."), METRICS)


@needs_newer_metrics
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    ("scorer", "own"),
    [
        (make_scorer(fbeta_score, beta=2), {"beta": 2}),
        (make_scorer(partial(fbeta_score, beta=2)), {"beta": 2}),
        (make_scorer(f1_score, zero_division=0.0), {"zero_division": 0.0}),
        (make_scorer(fbeta_score, beta=0.5, greater_is_better=False), {"beta": 0.5}),
    ],
)
def test_the_cure_of_an_own_scorer_keeps_its_arguments(scorer, own, n_classes):
    X, y = make_data(MLPClassifier)
    y = np.where(y == "cedar", "right", "left") if n_classes == 2 else y
    with pytest.raises(ValueError, match="Use scoring=make_scorer") as caught:
        stopping_by(scorer).fit(X, y)
    proposed = cured(caught.value)
    added = {"pos_label": "right"} if n_classes == 2 else {"average": "macro"}
    assert proposed._kwargs == own | added and proposed._sign == scorer._sign
    assert np.isfinite(stopping_by(proposed).fit(X, y).best_validation_score_)


@pytest.mark.parametrize("scoring", ["roc_auc", make_scorer(roc_auc_score, response_method="predict_proba")])
def test_the_area_under_the_curve_of_three_classes(scoring):
    X, y = make_data(MLPClassifier)
    pattern = (
        r"The classes are 'ash', 'birch', 'cedar'. Use scoring=(make_scorer\(roc_auc_score.*'ovr'\)|'roc_auc_ovr').$"
    )
    with pytest.raises(ValueError, match=pattern) as caught:
        stopping_by(scoring).fit(X, y)
    assert np.isfinite(stopping_by(cured(caught.value)).fit(X, y).best_validation_score_)


def test_errors_of_own_scorers_are_passed_on():
    def scorer(estimator, X, y):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="^mine$"):
        stopping_by(scorer).fit(*make_data(MLPClassifier))


# --- what a scorer may return ----------------------------------------------------------------------------------------


class Scalar:
    """Like the scalars of libraries for tensors."""

    def __init__(self, *values):
        self.values = values

    def item(self):
        if len(self.values) > 1:
            raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")
        return self.values[0]


@pytest.mark.parametrize(
    "convert",
    [np.asarray, np.atleast_1d, lambda value: np.array([[value]]), np.float32, pd.Series, Scalar, bool, int],
)
def test_scorers_may_return_what_holds_one_number(convert):
    X, y = make_data(MLPClassifier)
    model = stopping_by(lambda estimator, X, y: convert(estimator.score(X, y))).fit(X, y)
    assert all(type(score) is float for score in model.validation_scores_)


def test_torch_scalars():
    torch = pytest.importorskip("torch")
    X, y = make_data(MLPClassifier)
    model = stopping_by(lambda estimator, X, y: torch.tensor(0.25, requires_grad=True)).fit(X, y)
    assert model.validation_scores_[0] == 0.25


@pytest.mark.parametrize(
    "value", [None, "0.5", np.zeros(2), [0.5], {"score": 0.5}, 0.5j, np.array([0.5j]), Scalar(1.0, 2.0)]
)
def test_scorers_must_return_one_number(value):
    X, y = make_data(MLPClassifier)
    with pytest.raises(ValueError, match="must return a number, got"):
        stopping_by(lambda estimator, X, y: value).fit(X, y)


# --- frames ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of_y", ["object", "category", "string"])
def test_frames_are_converted_once_for_a_metric_of_scikit_learn(of_y, monkeypatch):
    """Not after each epoch; the scores stay."""
    X, y = make_data(MLPClassifier)
    frame, column = pd.DataFrame(X, columns=list("abcd")), pd.Series(y).astype(of_y)
    seen = []

    def spy(estimator, X, **arguments):
        seen.append(type(X))
        return checked_X(estimator, X, **arguments)

    monkeypatch.setattr(fitted, "checked_X", spy)
    model = stopping_by("accuracy").fit(frame, column, X_val=frame, y_val=column)
    assert seen == [np.ndarray] * 3
    assert model.validation_scores_ == stopping_by("accuracy").fit(X, y, X_val=X, y_val=y).validation_scores_

    class Own(MLPClassifier):
        def predict(self, X):
            return super().predict(X[["a", "b", "c", "d"]])

    Own(early_stopping=True, scoring="accuracy", max_iter=2).fit(frame, column)
