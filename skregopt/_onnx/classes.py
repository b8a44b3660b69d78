"""Class labels and probabilities as outputs of a graph."""

import numpy as np

from .networks import invert_link


def onnx_labels(classes):
    """Return class labels in a dtype that ONNX knows. ValueError if there is none."""
    if classes.dtype.kind in "biuf":
        return classes
    labels = classes.astype(object)
    if not all(isinstance(label, str) for label in labels):
        raise ValueError(f"Class labels must be numbers, booleans or strings for ONNX, got classes_={classes!r}.")
    return labels


def class_outputs(op, estimator, raw_prediction, labels, label, probabilities):
    """Add the outputs of a classifier to a graph; ``label`` and ``probabilities`` are their names."""
    kind = estimator._target_kind()
    if kind == "binary" and len(labels) == 2 and estimator._is_symmetric():
        both_sides = op.Concat(op.Neg(raw_prediction), raw_prediction, axis=1)
        op.Identity(invert_link(op, estimator, both_sides), outputs=[probabilities])
        one = np.array([1])
        is_second = op.Greater(op.Squeeze(op.Gather(probabilities, one, axis=1), one), 0.5)
        op.Gather(labels, op.Cast(is_second, to=op.INT64), outputs=[label])
        return
    y_pred = invert_link(op, estimator, raw_prediction)
    if kind == "multilabel":
        op.Identity(y_pred, outputs=[probabilities])
        op.Cast(op.Greater(y_pred, 0.5), to=op.INT64, outputs=[label])
        return
    if kind == "multiclass":
        op.Identity(y_pred, outputs=[probabilities])
    elif len(labels) == 1:
        op.Expand(np.ones((1, 1), op.dtype), op.Shape(y_pred), outputs=[probabilities])
    else:
        op.Concat(op.Sub(1.0, y_pred), y_pred, axis=1, outputs=[probabilities])
    # of equal probabilities the first one wins, as in predict
    op.Gather(labels, op.ArgMax(probabilities, axis=1, keepdims=0), outputs=[label])
