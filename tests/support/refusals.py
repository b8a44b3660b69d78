"""Bad parameters and bad data: a clear error, and a fitted estimator that is exactly as it was."""

import copy
import warnings
from functools import lru_cache

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from skregopt import MLPClassifier, MLPRegressor

from .states import plain, state

BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])

METHODS = pytest.mark.parametrize("method", ["fit", "partial_fit"])


def make_data(kind, n_samples=60, n_features=4, seed=0):
    """Draw X, and two classes or numbers that depend on one feature."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_samples, n_features))
    if kind is MLPClassifier:
        return X, np.array(["left", "right"])[(X[:, 0] > 0).astype(int)]
    return X, X[:, 0] + 0.1 * rng.normal(size=n_samples)


@lru_cache
def fitted_once(kind):
    """Return an estimator fitted by both methods, so that it remembers all that there is to remember."""
    X, y = make_data(kind)
    estimator = kind(hidden_layer_sizes=3, max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y).partial_fit(X, y)


def assert_refused(kind, call, error=ValueError, names=(), **params):
    """Check that ``call`` raises on a fitted estimator with ``params`` and leaves it as it was; return the message."""
    X, _ = make_data(kind, seed=1)
    estimator = copy.deepcopy(fitted_once(kind))
    prediction = plain(estimator.predict(X))
    good = {name: getattr(estimator, name) for name in params}
    for name, value in params.items():
        setattr(estimator, name, value)
    before = state(estimator)
    with pytest.raises(error) as caught:
        call(estimator)
    after = state(estimator)
    assert {name for name in {*before, *after} if before.get(name) != after.get(name)} == set()
    for name, value in good.items():
        setattr(estimator, name, value)
    assert plain(estimator.predict(X)) == prediction
    message = str(caught.value)
    for name in names:
        assert name in message, message
    return message


def train(kind, method, X=None, y=None, **kwargs):
    """Return a call of ``fit`` or ``partial_fit`` on good data, but for what is given."""
    good_X, good_y = make_data(kind)
    X, y = (good_X if X is None else X), (good_y if y is None else y)
    return lambda estimator: getattr(estimator, method)(X, y, **kwargs)


def with_value(array, value):
    """Return a copy of an array, as floats, with one row changed."""
    array = array.astype(float)
    array[3] = value
    return array
