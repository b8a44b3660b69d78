"""Predictions from tiny to huge inputs: units in the last place, saturation, probabilities."""

import numpy as np
import pytest
from scipy.special import expit, log_expit, log_softmax

from skregopt import MLPClassifier, MLPRegressor
from skregopt.losses._log_loss import SigmoidLogLoss

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


@pytest.fixture(params=["float32", "float64"])
def limits(request):
    """The numbers of each precision."""
    return np.finfo(request.param)


def linear_classifier(y, coefs, dtype, **params):
    """Return a network without hidden layer whose raw prediction is a multiple of its feature."""
    classifier = MLPClassifier((), max_iter=1, **params).fit(np.arange(len(y)).reshape(-1, 1), y)
    return set_weights(classifier, [[coefs]], [[0] * len(coefs)], dtype)


@pytest.mark.parametrize("loss", ["log_loss", "focal"])
@pytest.mark.parametrize("n_draws", [None, 1])
def test_probabilities_of_two_classes(loss, n_draws, limits, line):
    """Both columns are exact down to the smallest normal number, so that they order rows like the raw prediction."""
    z = line.astype(limits.dtype)
    binary = linear_classifier(["no", "yes"], [1], limits.dtype, loss=loss, input_dropout=1e-300)
    proba = binary.predict_proba(z.reshape(-1, 1), n_draws)
    assert proba.dtype == limits.dtype and proba.shape == (z.size, 2)
    sides = np.c_[-z, z].astype(float)
    np.testing.assert_allclose(proba, np.maximum(expit(sides), limits.tiny), rtol=4 * limits.eps)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=2 * limits.eps)
    assert proba.min() == limits.tiny and proba.max() == 1 - limits.epsneg
    far = np.argsort(z)[(z > np.log(limits.tiny)) & (z < -1)]
    assert np.all(np.diff(proba[far, 1]) >= 0) and len(np.unique(proba[far, 1])) == len(np.unique(z[far]))
    if n_draws is None:
        actual = binary.predict_log_proba(z.reshape(-1, 1))
        assert actual.dtype == limits.dtype
        np.testing.assert_allclose(actual, log_expit(sides), rtol=4 * limits.eps, atol=limits.tiny)


@pytest.mark.parametrize("loss", ["log_loss", "focal"])
def test_probabilities_of_labels(loss, limits, line):
    z = line.astype(limits.dtype)
    multilabel = linear_classifier([[0, 1], [1, 0], [1, 1]], [1, -2], limits.dtype, loss=loss)
    raw = np.c_[z, -2 * z].astype(float)
    proba = multilabel.predict_proba(z.reshape(-1, 1))
    np.testing.assert_allclose(proba, np.maximum(expit(raw), limits.tiny), rtol=4 * limits.eps)
    assert proba.max() == 1 - limits.epsneg  # scikit-learn's checks want it below 1
    actual = multilabel.predict_log_proba(z.reshape(-1, 1))
    # scikit-learn's suite wants the logarithm of the rounded probability where that is near 1
    np.testing.assert_allclose(actual, log_expit(raw), rtol=4 * limits.eps, atol=limits.eps)
    np.testing.assert_allclose(actual[raw > 0], np.log(proba)[raw > 0], rtol=4 * limits.eps)


@pytest.mark.parametrize("loss", ["log_loss", "focal"])
def test_probabilities_of_classes(loss, limits, line):
    z = line.astype(limits.dtype)
    multiclass = linear_classifier([0, 1, 2], [1, 0, -2], limits.dtype, loss=loss)
    proba = multiclass.predict_proba(z.reshape(-1, 1))
    assert proba.dtype == limits.dtype
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=4 * limits.eps)
    actual = multiclass.predict_log_proba(z.reshape(-1, 1))
    assert actual.dtype == limits.dtype
    expected = log_softmax(np.outer(z.astype(float), [1, 0, -2]), axis=1)
    # to the precision of the sum over classes
    np.testing.assert_allclose(actual, expected, rtol=4 * limits.eps, atol=4 * limits.eps)
    assert actual.min() < -1000, "where a probability is rounded to 0"


def test_one_class_is_certain(limits):
    single = MLPClassifier((), max_iter=1).fit(np.eye(3, dtype=limits.dtype), ["a"] * 3)
    np.testing.assert_array_equal(single.predict_proba(np.eye(3)), np.ones((3, 1)))
    np.testing.assert_array_equal(single.predict_log_proba(np.eye(3)), np.zeros((3, 1)))


def cauchy_link(raw_prediction, hyper):
    for i in range(raw_prediction.shape[0]):
        raw_prediction[i, 0] = 0.5 + np.arctan(raw_prediction[i, 0] + 1) / np.pi


class Cauchit(SigmoidLogLoss):
    """A loss of two classes with another link, which is not odd."""

    invert_link = staticmethod(cauchy_link)


def test_a_link_of_ones_own():
    z = np.linspace(-3, 3, 7).reshape(-1, 1)
    model = MLPClassifier((), loss=Cauchit(), max_iter=1).fit([[0.0], [1.0]], [0, 1])
    set_weights(model, [[[1.0]]], [[0.0]])
    p = 0.5 + np.arctan(z + 1) / np.pi
    np.testing.assert_allclose(model.predict_proba(z), np.hstack([1 - p, p]), rtol=1e-12)
    np.testing.assert_allclose(model.predict_log_proba(z), np.log(np.hstack([1 - p, p])), rtol=1e-12)
