"""Small tables, as frames and as arrays, and small estimators for them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier

from skregopt import TabularMLPClassifier, TabularMLPRegressor

from .states import plain, state

BOTH = pytest.mark.parametrize("kind", [TabularMLPClassifier, TabularMLPRegressor])


def make_array(n_rows=90, n_columns=4, seed=0):
    """Draw numbers."""
    return np.random.RandomState(seed).normal(size=(n_rows, n_columns))


def make_frame(n_rows=90, seed=0):
    """Draw a frame of numbers, booleans, categories and strings, of which some are missing."""
    rng = np.random.RandomState(seed)
    colors = rng.choice(["red", "green", "blue"], n_rows).astype(object)
    colors[rng.uniform(size=n_rows) < 0.1] = None
    age = rng.uniform(20, 80, n_rows)
    age[rng.uniform(size=n_rows) < 0.1] = np.nan
    frame = {
        "age": age,
        "income": rng.lognormal(size=n_rows),
        "member": rng.uniform(size=n_rows) < 0.5,
        "color": colors,
        "city": pd.Categorical(rng.choice(list("abcd"), n_rows)),
        "visits": rng.poisson(3, n_rows),
    }
    return pd.DataFrame(frame)


def target_of(kind, X, n_classes=2):
    """Return classes, or numbers far from 0, that depend on the numbers of a table."""
    numbers = X.select_dtypes(float).fillna(0).to_numpy() if isinstance(X, pd.DataFrame) else np.asarray(X, float)
    signal = (numbers / (numbers.std(axis=0) + 1e-9)).sum(axis=1)
    if kind is TabularMLPRegressor:
        return 1000.0 + 20.0 * signal
    edges = np.quantile(signal, np.linspace(0, 1, n_classes + 1)[1:-1])
    return np.array(["ash", "birch", "cedar", "elm"])[np.digitize(signal, edges)]


def make_data(kind, n_rows=90, seed=0):
    """Draw an array and targets."""
    X = make_array(n_rows, seed=seed)
    return X, target_of(kind, X)


def small(kind, **params):
    """Return an estimator of two quick networks."""
    quick = {"n_estimators": 2, "max_iter": 3, "hidden_layer_sizes": 6, "random_state": 0}
    return kind(**quick | params)


def without_smoothing(network, X):
    """Return the probabilities that the user guide says a network with label smoothing stands for."""
    smoothed = np.exp(network.predict_log_proba(X).astype(float))
    is_multilabel = np.ndim(network.classes_) == 1 and not np.allclose(smoothed.sum(axis=1), 1)
    share = 0.1 / (2 if is_multilabel else smoothed.shape[1])

    def above(q):
        return 0.5 * (q - share + np.sqrt((q - share) ** 2 + 0.12 * share**2))

    total = above(smoothed) + above(1 - smoothed) if is_multilabel else above(smoothed).sum(axis=1, keepdims=True)
    return above(smoothed) / total


def output(model, X):
    """Return probabilities or numbers."""
    return model.predict_proba(X) if is_classifier(model) else model.predict(X)


def state_of(model):
    """Return all that an estimator for tables holds; of each network its own state."""
    held = vars(model).copy()
    held["estimators_"] = [state(network) for network in held.get("estimators_", ())]
    return {name: value if name == "estimators_" else plain(value) for name, value in held.items()}
