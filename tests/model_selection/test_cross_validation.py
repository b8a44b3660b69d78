"""alpha by cross-validation: scikit-learn's choice, the same bits for any n_jobs, groups and weights, failures."""

import pickle
import threading
from _thread import interrupt_main

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LassoCV
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GroupKFold
from sklearn.utils._param_validation import InvalidParameterError
from support.paths import ENDLESS, LINEAR, NETWORK

from skregopt import MLPClassifier, MLPRegressor
from skregopt.model_selection import MLPClassifierCV, MLPRegressorCV


def test_regressor_chooses_the_alpha_of_lasso_cv(diabetes):
    X, y = diabetes
    linear = MLPRegressor(penalty="l1", **LINEAR)
    ours = MLPRegressorCV(linear, n_alphas=12, cv=4, scoring="neg_mean_squared_error", tol=1e-11).fit(X, y)
    theirs = LassoCV(alphas=ours.alphas_, cv=4, tol=1e-8, max_iter=100_000).fit(X, y)
    assert ours.alpha_ == theirs.alpha_
    assert_allclose(-ours.cv_scores_.T, theirs.mse_path_, rtol=1e-4)
    assert_allclose(ours.coefs_[0].ravel(), theirs.coef_, atol=1e-4)
    assert_allclose(ours.mean_cv_scores_, ours.cv_scores_.mean(axis=0))
    assert ours.best_estimator_ is ours.path_.estimators_[ours.best_index_]
    assert ours.best_estimator_.alpha == ours.alpha_
    assert_allclose(ours.score(X, y), -np.mean((ours.predict(X) - y) ** 2))


def test_one_standard_error(diabetes):
    linear = MLPRegressor(penalty="l1", random_state=0, **LINEAR)
    best, sparse = (
        MLPRegressorCV(linear, n_alphas=12, tol=1e-8, selection=selection).fit(*diabetes)
        for selection in ("best", "1se")
    )
    assert_array_equal(best.cv_scores_, sparse.cv_scores_)
    scores = best.cv_scores_
    least = best.mean_cv_scores_.max() - scores[:, best.best_index_].std(ddof=1) / np.sqrt(5)
    assert sparse.alpha_ == best.alphas_[best.mean_cv_scores_ >= least].max() > best.alpha_
    assert sparse.sparsity_ > best.sparsity_


def test_no_jobs_are_refused_before_any_fit(cancer):
    with pytest.raises(InvalidParameterError, match="'n_jobs' parameter of MLPClassifierCV"):
        MLPClassifierCV(n_jobs=0).fit(*cancer)


@pytest.mark.parametrize("n_jobs", [2, -1])
@pytest.mark.parametrize("random_state", [0, np.random.RandomState(1)])
def test_the_same_bits_for_any_n_jobs(cancer, n_jobs, random_state):
    X, y = cancer[0][:200], cancer[1][:200]
    network = MLPClassifier(4, penalty="group_l1", dropout=0.1, max_iter=8, learning_rate_init=0.1)
    network.set_params(random_state=random_state)
    one, several = (MLPClassifierCV(network, n_alphas=4, cv=3, n_jobs=jobs).fit(X, y) for jobs in (None, n_jobs))
    assert_array_equal(one.cv_scores_, several.cv_scores_)
    assert_array_equal(one.predict_proba(X), several.predict_proba(X))
    assert_array_equal(one.alphas_, several.alphas_)


def test_classifier_has_what_a_classifier_has(cancer):
    X, y = cancer
    y = np.where(y, "benign", "malignant")
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(60)])
    network = MLPClassifier(8, penalty="group_l1", batch_size=64, learning_rate_init=0.01, max_iter=60, random_state=0)
    clf = MLPClassifierCV(network, n_alphas=8, cv=2, scoring="neg_log_loss", selection="1se").fit(frame, y)
    assert_array_equal(clf.classes_, ["benign", "malignant"])
    assert_array_equal(clf.feature_names_in_, frame.columns)
    assert clf.n_features_in_ == 60
    assert_allclose(clf.predict_proba(frame).sum(axis=1), 1.0)
    assert_allclose(np.exp(clf.predict_log_proba(frame)), clf.predict_proba(frame))
    assert accuracy_score(y, clf.predict(frame)) > 0.93
    assert clf.score(frame, y) < 0, "the scorer's value, a negative log loss"
    assert clf.n_nonzero_ == np.count_nonzero(clf.coefs_[0]) + np.count_nonzero(clf.coefs_[1])
    assert len(clf.intercepts_) == 2 and clf.n_iter_ >= 1
    chosen = SelectFromModel(clf, prefit=True, threshold=1e-12).transform(X)
    assert chosen.shape[1] == np.count_nonzero(clf.feature_importances_) < 60


def test_groups_and_weights_reach_the_folds(diabetes):
    X, y = diabetes
    groups = np.arange(len(y)) % 3
    weights = np.where(groups == 1, 0.25, 1.0) * np.random.RandomState(0).uniform(0.5, 1.5, size=len(y))
    linear = MLPRegressor(penalty="l1", **LINEAR)
    reg = MLPRegressorCV(linear, alphas=[0.1], cv=GroupKFold(3), tol=1e-10).fit(X, y, weights, groups=groups)
    scores = []
    for _, test in GroupKFold(3).split(X, y, groups):
        train = np.setdiff1d(np.arange(len(y)), test)
        fold = clone(linear).set_params(alpha=0.1, tol=1e-12).fit(X[train], y[train], weights[train])
        scores.append(fold.score(X[test], y[test], weights[test]))
    assert_allclose(reg.cv_scores_[:, 0], scores, rtol=1e-5)


@pytest.mark.nojit
def test_a_failed_fit_leaves_everything(diabetes):
    X, y = diabetes
    reg = MLPRegressorCV(MLPRegressor((), penalty="l1", solver="gd", max_iter=5), alphas=[0.1], cv=2)
    with pytest.raises(NotFittedError):
        reg.predict(X)
    with pytest.raises(AttributeError, match="best_estimator_"):
        _ = reg.coefs_
    with pytest.warns(ConvergenceWarning, match="1 of 1 fits"):
        reg.fit(X, y)
    before = pickle.dumps(reg)
    with pytest.raises(ValueError, match="early_stopping=True"):
        reg.set_params(estimator__early_stopping=True).fit(X[:, :3], y)
    assert pickle.dumps(reg.set_params(estimator__early_stopping=False)) == before


@pytest.mark.nojit
@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"estimator": MLPRegressor(penalty="l1")}, "The 'estimator' parameter of MLPClassifierCV"),
        ({"selection": "2se"}, "The 'selection' parameter"),
        ({"eps": 0.0}, "The 'eps' parameter"),
        ({"scoring": "accurate"}, "The 'scoring' parameter"),
        ({"alphas": [-1.0]}, "alphas must be"),
        ({"estimator": MLPClassifier()}, "penalty='l2' leaves no weight"),
        ({"scoring": lambda estimator, X, y: np.nan, "max_iter": 1}, "not finite"),
    ],
)
def test_bad_parameters_of_the_classifier(cancer, parameters, message):
    given = {"estimator": MLPClassifier(2, penalty="l1", max_iter=2), "n_alphas": 2, "cv": 2} | parameters
    with pytest.raises(ValueError, match=message):
        MLPClassifierCV(**given).fit(*cancer)


def test_ctrl_c_in_cross_validation_is_passed_on(diabetes):
    cv = MLPRegressorCV(MLPRegressor(8, **NETWORK), alphas=[0.001, 0.01], cv=2).fit(*diabetes)
    before = pickle.dumps(cv)
    threading.Timer(0.3, interrupt_main).start()
    cv.set_params(**ENDLESS)
    with pytest.raises(KeyboardInterrupt):
        cv.fit(*diabetes)
    assert pickle.dumps(cv.set_params(max_iter=None, tol=None)) == before
