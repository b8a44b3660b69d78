"""Data that take some epochs to learn, and what tests of stopping look at."""

import copy
import itertools
import math

import numpy as np
import pytest

from skregopt import MLPClassifier, MLPRegressor

BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])

FIRST_ORDER = ["gd", "sgd", "minibatch", "adam"]


def make_data(kind, n_samples=80, n_features=4, seed=0):
    """Draw X, and three classes or numbers that are not linear in it, with noise."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_samples, n_features))
    signal_ = X[:, 0] - X[:, 1] * X[:, 2] + 0.5 * rng.normal(size=n_samples)
    if kind is MLPRegressor:
        return X, signal_
    return X, np.array(["ash", "birch", "cedar"])[np.digitize(signal_, [-0.5, 0.5])]


def small(kind, **params):
    """Return an estimator of six units."""
    params = {"hidden_layer_sizes": 6, "random_state": 0, "learning_rate_init": 0.01, **params}
    return kind(**params)


def epochs_until_stop(scores, tol, n_iter_no_change):
    """Return after which epoch scikit-learn's counter stops: more than n_iter_no_change without improving by tol."""
    best, count = -math.inf, 0
    for epoch, score in enumerate(scores, start=1):
        count = 0 if score >= best + tol else count + 1
        best = max(best, score)
        if count > n_iter_no_change:
            return epoch
    return None


def held_out_rows(model, X, y, **fit_params):
    """Return the indices of the rows that the estimator holds out, found by a scorer that looks at X."""
    found = []

    def scorer(estimator, X_val, y_val):
        found.append([int(np.flatnonzero((X == row).all(axis=1))[0]) for row in np.asarray(X_val)])
        return 0.0

    copy.deepcopy(model).set_params(early_stopping=True, scoring=scorer, max_iter=2).fit(X, y, **fit_params)
    assert found[0] == found[1]
    return sorted(found[0])


def rising():
    """Return a scorer that likes each epoch better than the one before."""
    epochs = itertools.count(1)
    return lambda estimator, X, y: float(next(epochs))
