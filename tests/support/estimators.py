"""Small estimators of both kinds on easy data."""

import numpy as np
import pytest
from sklearn.base import is_classifier

from skregopt import MLPClassifier, MLPRegressor

BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])


def make_data(kind, n_samples=60, n_features=5, seed=0):
    """Draw X, and three classes or numbers that are linear in it."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_samples, n_features))
    target = X[:, 0] - X[:, 1]
    return X, (np.digitize(target, [-0.5, 0.5]) if kind is MLPClassifier else target)


def small(kind, **params):
    """Return an estimator of four units and five epochs."""
    return kind(**{"hidden_layer_sizes": 4, "random_state": 0, "max_iter": 5, **params})


def output(model, X):
    """Return probabilities or numbers."""
    return model.predict_proba(X) if is_classifier(model) else model.predict(X)
