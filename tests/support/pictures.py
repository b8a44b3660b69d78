"""What displays draw: fits and searches on a small problem."""

from functools import lru_cache

import numpy as np
from sklearn.model_selection import GridSearchCV

from skregopt import MLPClassifier
from skregopt.model_selection import MLPClassifierCV


@lru_cache
def data(n_features=6):
    """Draw X and two classes."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(60, n_features))
    return X, (X[:, 0] + X[:, 1] > 0).astype(int)


@lru_cache
def fitted(**params):
    """Return a small classifier after eight epochs."""
    return MLPClassifier(4, **{"max_iter": 8, "random_state": 0} | params).fit(*data())


def y_of(line):
    """Return what a line shows, as a list."""
    return list(line.get_ydata())


def grid_search(scoring="accuracy", refit=True, estimator=None, **grid):
    """Return a fitted search."""
    estimator = estimator or MLPClassifier(2, max_iter=1, random_state=0)
    return GridSearchCV(estimator, grid, cv=2, scoring=scoring, refit=refit).fit(*data())


@lru_cache
def cross_validated():
    """Return an estimator that has chosen its alpha."""
    return MLPClassifierCV(MLPClassifier(4, penalty="l1", max_iter=3), alphas=[0.001, 0.01], cv=2).fit(*data())


def results_of(candidates, scores):
    """Return the results of a search that has not taken place."""
    scores = np.asarray(scores, dtype=float)
    return {"params": candidates, "mean_test_score": scores, "std_test_score": np.full(scores.shape, 0.1)}
