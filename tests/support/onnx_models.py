"""Estimators and what is exported of them have to predict the same."""

import numpy as np

import skregopt
from skregopt import MLPClassifier, TabularMLPClassifier
from skregopt._onnx.graph import Graph

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


def columns_as_inputs(model, frame):
    """Return a frame of pandas as the inputs of a model."""
    columns = {}
    for each in model.graph.input:
        column = frame[each.name]
        is_text = each.type.tensor_type.elem_type == Graph.STRING
        column = column.astype(object).where(column.notna(), "") if is_text else column.astype("float64")
        columns[each.name] = column.to_numpy()[:, None]
    return columns


def assert_table_exported(estimator, frame, run, X=None):
    """Assert that the exported model predicts like the estimator, of X if that is not the frame. Return outputs."""
    model = skregopt.to_onnx(estimator)
    found = run(model, None, **columns_as_inputs(model, frame))
    X = frame if X is None else X
    methods = ("predict", "predict_proba") if isinstance(estimator, TabularMLPClassifier) else ("predict",)
    for values, method in zip(found.values(), methods, strict=True):
        expected = getattr(estimator, method)(X)
        assert values.dtype.kind == expected.dtype.kind or values.dtype == object
        if expected.dtype.kind == "f":
            atol = RTOL * np.ptp(expected) if method == "predict" else 0
            np.testing.assert_allclose(values, expected, rtol=20 * RTOL, atol=atol)
        else:
            np.testing.assert_array_equal(values, expected)
        assert values.shape == expected.shape
    return found
