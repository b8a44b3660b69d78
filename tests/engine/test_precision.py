"""Predictions from tiny to huge inputs: units in the last place, saturation, probabilities."""

import numpy as np
import pytest
from scipy.special import expit

from skregopt import MLPClassifier, MLPRegressor

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


def set_weights(estimator, coefs, intercepts, dtype=np.float64):
    """Give a fitted estimator weights of a user."""
    estimator.coefs_ = [np.asarray(W, dtype=dtype) for W in coefs]
    estimator.intercepts_ = [np.asarray(b, dtype=dtype) for b in intercepts]
    return estimator


@pytest.fixture(scope="module")
def line():
    """Numbers from tiny to huge, of both signs."""
    magnitudes = np.concatenate([10.0 ** np.arange(-30, -3), np.geomspace(1e-3, 800, 10_001)])
    return np.concatenate([-magnitudes[::-1], [0.0], magnitudes])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation, function", [("tanh", np.tanh), ("logistic", expit), ("identity", lambda z: z)])
def test_precision_of_activations(activation, function, dtype, line):
    """A few units in the last place over the whole line, saturating without NaN."""
    z = line.astype(dtype)
    estimator = MLPRegressor((1,), activation, max_iter=1).fit([[0.0], [1.0]], [0.0, 1.0])
    set_weights(estimator, [[[1]], [[1]]], [[0], [0]], dtype)
    actual = estimator.predict(z.reshape(-1, 1))
    expected = function(z.astype(np.float64))
    limits = np.finfo(dtype)
    assert actual.dtype == dtype
    np.testing.assert_allclose(actual, expected, rtol=4 * limits.eps, atol=limits.tiny)
    assert np.all(np.diff(actual) >= -limits.eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_precision_of_the_exponential(dtype, line):
    z = line.astype(dtype)
    estimator = MLPRegressor((), loss="poisson", max_iter=1).fit([[0.0], [1.0]], [0.0, 1.0])
    set_weights(estimator, [[[1]]], [[0]], dtype)
    with np.errstate(over="ignore"):
        expected = np.exp(z.astype(np.float64)).astype(dtype)
    limits = np.finfo(dtype)
    is_finite = np.isfinite(expected)
    actual = estimator.predict(z[is_finite].reshape(-1, 1))
    np.testing.assert_allclose(actual, expected[is_finite], rtol=3 * limits.eps, atol=limits.smallest_subnormal)
    if not is_finite.all():
        with pytest.raises(ValueError, match="predictions overflow"):
            estimator.predict(z[~is_finite].reshape(-1, 1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probabilities_of_extreme_inputs(dtype, line):
    """Rows sum to one, sigmoids stay inside [eps, 1 - eps], logarithms are finite."""
    z, eps = line.astype(dtype), np.finfo(dtype).eps
    binary = MLPClassifier((), max_iter=1).fit([[0.0], [1.0]], [0, 1])
    set_weights(binary, [[[1]]], [[0]], dtype)
    proba = binary.predict_proba(z.reshape(-1, 1))
    assert proba.dtype == dtype
    assert proba.min() >= eps and proba.max() <= 1 - eps
    np.testing.assert_allclose(proba[:, 1], expit(z.astype(float)), rtol=4 * eps, atol=eps)
    assert np.all(np.isfinite(binary.predict_log_proba(z.reshape(-1, 1))))
    multiclass = MLPClassifier((), max_iter=1).fit([[0.0], [1.0], [2.0]], [0, 1, 2])
    set_weights(multiclass, [[[1, 0, -2]]], [[0, 0.5, 0]], dtype)
    proba = multiclass.predict_proba(z.reshape(-1, 1))
    assert proba.dtype == dtype
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=4 * eps)
