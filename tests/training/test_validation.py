"""Which rows are held out, what a scorer sees of them, what the validation loss is."""

import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import accuracy_score, get_scorer, log_loss, make_scorer
from sklearn.model_selection import GroupKFold, PredefinedSplit, ShuffleSplit
from support.states import weights
from support.training_data import BOTH, held_out_rows, make_data, rising, small

from skregopt import MLPClassifier, MLPRegressor

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


# --- scorers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss", "roc_auc_ovr", "balanced_accuracy"])
def test_scorer_by_name(solver, scoring):
    X, y = make_data(MLPClassifier)
    X_val, y_val = make_data(MLPClassifier, seed=1)
    model = small(MLPClassifier, solver=solver, early_stopping=True, scoring=scoring, max_iter=15, tol=0)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    assert_allclose(get_scorer(scoring)(model, X_val, y_val), model.best_validation_score_, rtol=1e-9)
    assert len(model.validation_scores_) == model.n_iter_
    assert all(isinstance(score, float) for score in model.validation_scores_)


def test_scorer_sees_a_fitted_view_with_original_labels():
    X, y = make_data(MLPClassifier)
    X_val, y_val = make_data(MLPClassifier, n_samples=30, seed=1)
    weights_val = np.linspace(0.5, 1.5, 30)
    seen = []

    def scorer(estimator, X, y, sample_weight=None):
        seen.append((estimator.predict(X), y, sample_weight, estimator.classes_))
        assert estimator.predict_proba(X).shape == (30, 3)
        assert isinstance(estimator, MLPClassifier)
        estimator.predict_log_proba(X)
        return estimator.score(X, y, sample_weight)

    model = small(MLPClassifier, early_stopping=True, scoring=scorer, max_iter=6, tol=0)
    model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weights_val)
    assert len(seen) == model.n_iter_
    for y_pred, y_true, sample_weight, classes in seen:
        assert set(y_pred) <= {"ash", "birch", "cedar"}
        assert_array_equal(y_true, y_val)
        assert_array_equal(sample_weight, weights_val)
        assert list(classes) == ["ash", "birch", "cedar"]
    expected = [accuracy_score(t, p, sample_weight=w) for p, t, w, _ in seen]
    assert_allclose(model.validation_scores_, expected)


def test_scorers_of_make_scorer_get_the_weights_of_held_out_rows():
    X, y = make_data(MLPClassifier)
    sample_weight = np.arange(1.0, 81.0)
    seen = []

    def metric(y_true, y_pred, sample_weight=None):
        seen.append((len(y_true), sample_weight))
        return accuracy_score(y_true, y_pred, sample_weight=sample_weight)

    params = {"early_stopping": True, "scoring": make_scorer(metric), "max_iter": 2}
    small(MLPClassifier, **params).fit(X, y, sample_weight)
    assert all(n == 8 and set(w) <= set(sample_weight) and len(set(w)) == 8 for n, w in seen)
    seen.clear()
    small(MLPClassifier, **params).fit(X, y)
    assert seen == [(8, None)] * 2


def test_scorer_without_sample_weight_is_called_without():
    X, y = make_data(MLPRegressor)
    model = small(MLPRegressor, early_stopping=True, scoring=lambda e, X, y: e.score(X, y), max_iter=3)
    model.fit(X, y, sample_weight=np.arange(1.0, 81.0))
    assert len(model.validation_scores_) == 3


# --- given rows ------------------------------------------------------------------------------------------------------


def test_validation_loss_is_weighted_and_without_penalty_and_dropout():
    X, y = make_data(MLPClassifier)
    X_val, y_val = make_data(MLPClassifier, n_samples=30, seed=1)
    sample_weight_val = np.linspace(0, 2, 30)
    model = small(MLPClassifier, alpha=1.0, dropout=0.5, max_iter=1, early_stopping=True)
    model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=sample_weight_val)
    expected = log_loss(y_val, model.predict_proba(X_val), sample_weight=sample_weight_val)
    assert_allclose(model.validation_loss_curve_, [expected], rtol=1e-12)


@BOTH
def test_given_validation_data_without_early_stopping_is_only_recorded(kind):
    X, y = make_data(kind)
    X_val, y_val = make_data(kind, n_samples=30, seed=1)
    model = small(kind, max_iter=12).fit(X, y, X_val=X_val, y_val=y_val)
    plain_model = small(kind, max_iter=12).fit(X, y)
    assert weights(model) == weights(plain_model)
    assert model.loss_curve_ == plain_model.loss_curve_
    assert len(model.validation_loss_curve_) == model.n_iter_ == 12
    assert plain_model.validation_loss_curve_ is None
    assert model.best_iter_ is None and model.validation_scores_ is None
    assert model.best_loss_ == min(model.loss_curve_)
    early = small(kind, max_iter=12, early_stopping=True, n_iter_no_change=np.inf)
    early.fit(X, y, X_val=X_val, y_val=y_val)
    assert early.validation_loss_curve_ == model.validation_loss_curve_


@BOTH
def test_given_validation_data_replace_the_split(kind):
    """All rows are trained on, and the hold-out fraction is not used."""
    X, y = make_data(kind)
    model = small(kind, max_iter=3, early_stopping=True, validation_fraction=0.9)
    model.fit(X, y, X_val=X, y_val=y)
    assert model.t_ == 3 * len(X)


# --- rows that are held out ------------------------------------------------------------------------------------------


def test_hold_out_is_stratified_for_a_classifier():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(100, 3))
    y = np.repeat(["many", "few", "some"], [70, 10, 20])
    for seed in range(3):
        rows = held_out_rows(small(MLPClassifier, random_state=seed, validation_fraction=0.2), X, y)
        labels, counts = np.unique(y[rows], return_counts=True)
        assert dict(zip(labels, counts, strict=True)) == {"many": 14, "few": 2, "some": 4}


@BOTH
def test_hold_out_depends_on_the_seed_and_has_the_size_asked_for(kind):
    X, y = make_data(kind)
    rows = [held_out_rows(small(kind, random_state=seed), X, y) for seed in (0, 0, 1)]
    assert rows[0] == rows[1] != rows[2]
    assert len(rows[0]) == 8
    assert small(kind, early_stopping=True, max_iter=3).fit(X, y).t_ == 3 * 72


@BOTH
def test_held_out_rows_are_not_trained_on(kind):
    """The validation set does not leak: other targets in held-out rows change no weight."""
    X, y = make_data(kind)
    model = small(kind, early_stopping=True, max_iter=5, validation_fraction=PredefinedSplit([0] * 10 + [-1] * 70))
    changed = y.copy()
    changed[:10] = y[:10][::-1]
    first = copy.deepcopy(model).set_params(scoring=rising()).fit(X, y)
    second = copy.deepcopy(model).set_params(scoring=rising()).fit(X, changed)
    assert first.best_iter_ == second.best_iter_ == 5
    assert first.loss_curve_ == second.loss_curve_
    assert weights(first) == weights(second)
    plain_model = small(kind, max_iter=5).fit(X[10:], y[10:])
    assert first.loss_curve_ == plain_model.loss_curve_


@BOTH
def test_of_a_splitter_the_last_split_is_used(kind):
    X, y = make_data(kind)
    splitter = ShuffleSplit(3, test_size=0.3, random_state=5)
    splits = list(splitter.split(X, y))
    rows = held_out_rows(small(kind, validation_fraction=splitter), X, y)
    assert rows == sorted(splits[-1][1]) != sorted(splits[0][1])


@BOTH
def test_splitter_with_groups(kind):
    X, y = make_data(kind)
    groups = np.arange(80) % 5
    splitter = GroupKFold(5)
    rows = held_out_rows(small(kind, validation_fraction=splitter), X, y, groups=groups)
    assert rows == sorted(list(splitter.split(X, y, groups))[-1][1])
    assert len(set(groups[rows])) == 1


@BOTH
def test_rows_of_weight_zero_are_not_held_out(kind):
    X, y = make_data(kind)
    sample_weight = np.ones(80)
    sample_weight[::2] = 0
    rows = held_out_rows(small(kind, validation_fraction=0.5), X, y, sample_weight=sample_weight)
    assert len(rows) == 20 and all(row % 2 == 1 for row in rows)
