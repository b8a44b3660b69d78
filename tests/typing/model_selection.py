"""Paths, choosing alpha, and spaces for searches, as a user writes them."""

from typing import Any, assert_type

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_selection import SelectFromModel
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import GroupKFold, RandomizedSearchCV, TimeSeriesSplit

from skregopt import MLPClassifier, MLPRegressor, TabularMLPRegressor
from skregopt.model_selection import (
    MLPClassifierCV,
    MLPRegressorCV,
    RegularizationPath,
    param_distributions,
    regularization_path,
)

CHOOSING = [
    MLPClassifierCV(),
    MLPClassifierCV(MLPClassifier(8, penalty="group_l1"), n_alphas=10, cv=3, selection="1se"),
    MLPClassifierCV(alphas=[1e-3, 1e-2], scoring="roc_auc", cv=GroupKFold(5), n_jobs=2),
    MLPRegressorCV(alphas=np.geomspace(1e-4, 1, 20), eps=1e-2, max_iter=100, tol=1e-5),
    MLPRegressorCV(scoring=make_scorer(mean_absolute_error, greater_is_better=False), cv=TimeSeriesSplit()),
    MLPRegressorCV(cv=[(np.arange(10), np.arange(10, 20)), (np.arange(10, 20), np.arange(10))]),
]


def paths(X: NDArray[np.float64], y: NDArray[np.float64], labels: list[str]) -> None:
    """Follow a path."""
    path = regularization_path(MLPRegressor((), penalty="l1"), X, y, n_alphas=20, eps=1e-2)
    assert_type(path, RegularizationPath[MLPRegressor])
    assert_type(path.alphas_, NDArray[np.float64])
    assert_type(path.alpha_max_, float)
    best = path.estimators_[int(path.n_nonzero_.argmax())]
    best.predict(X, return_std=True)
    path.train_scores_.max()
    frame = path.to_frame()
    assert_type(frame, pd.DataFrame)
    selector = path.select(max_features=6)
    assert_type(selector, SelectFromModel)
    selector.fit_transform(X, y)
    assert path.coefs_[0][-1].shape == path.intercepts_[0][-1].shape
    dropped = np.sum(path.feature_importances_ == 0, axis=1)
    np.testing.assert_array_equal(dropped + path.n_features_, path.n_features_in_)
    for_classes = regularization_path(
        MLPClassifier(penalty="group_l1"), sp.csr_array(X), labels, alphas=[0.1, 0.2], sample_weight=np.ones(len(y)),
        X_val=X, y_val=labels, sample_weight_val=np.ones(len(y)), scoring="accuracy", max_iter=50, tol=0,
    )  # fmt: skip
    for_classes.estimators_[0].predict_proba(X)
    regularization_path(MLPRegressor(penalty="l1"), X, y, alpha_min=1e-4, alpha_max=1)


def choosing(X: NDArray[np.float64], y: NDArray[np.float64], labels: list[str]) -> None:
    """Choose alpha by cross-validation."""
    clf = MLPClassifierCV(cv=3).fit(X, labels, groups=np.arange(len(y)))
    assert_type(clf, MLPClassifierCV)
    assert_type(clf.best_estimator_, MLPClassifier)
    assert_type(clf.alpha_, float)
    assert_type(clf.predict(X), NDArray[Any])
    clf.predict_proba(X)[:, clf.classes_ == "yes"]
    clf.cv_scores_.mean(axis=0)[clf.best_index_]
    reg = MLPRegressorCV().fit(X, y, sample_weight=np.ones(len(y)))
    assert_type(reg.path_, RegularizationPath[MLPRegressor])
    assert_type(reg.score(X, y), float)
    assert_type(reg.n_nonzero_, int)
    assert reg.coefs_[0].shape[0] == reg.n_features_in_


def spaces(X: NDArray[np.float64], labels: list[str]) -> None:
    """Search at random."""
    clf = MLPClassifier()
    space = param_distributions(clf)
    assert_type(space, dict[str, Any])
    RandomizedSearchCV(clf, space | {"alpha": [0.1, 1.0]}, n_iter=5).fit(X, labels)
    param_distributions(clf, "optuna", prefix="mlpclassifier__")
    param_distributions(TabularMLPRegressor(n_estimators=1), prefix="tabularmlpregressor__")
