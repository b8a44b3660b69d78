"""Estimators and what is exported of them have to predict the same."""

import numpy as np

import skregopt
from skregopt import MLPClassifier

DTYPES = ("float32", "float64")
RTOL = 1e-5
SMALL = {"hidden_layer_sizes": (6, 5), "max_iter": 20, "random_state": 0, "learning_rate_init": 0.02}


def same(actual, expected):
    """Assert that what onnxruntime returned is what the estimator returned."""
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(actual, expected)
    else:
        np.testing.assert_allclose(actual, expected, rtol=RTOL, atol=RTOL)
    assert actual.shape == expected.shape


def assert_exported(estimator, X, run):
    """Assert that the exported model predicts like the estimator, one row alone and many rows."""
    model = skregopt.to_onnx(estimator)
    dtype = estimator.coefs_[0].dtype
    for rows in (X, X[:1]):
        rows = rows.astype(dtype)
        found = run(model, rows)
        if isinstance(estimator, MLPClassifier):
            same(found["label"], estimator.predict(rows))
            same(found["probabilities"], estimator.predict_proba(rows))
            assert found["probabilities"].dtype == dtype
        else:
            same(found["prediction"], estimator.predict(rows))
            assert found["prediction"].dtype == dtype
    return model
