"""Labels, probabilities and predictions as outputs of a graph."""

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
    """Add the outputs of a network that classifies to a graph; ``label`` and ``probabilities`` are their names."""
    op.Identity(add_probabilities(op, estimator, raw_prediction), outputs=[probabilities])
    if _has_two_sides(estimator):
        one = np.array([1])
        is_second = op.Greater(op.Squeeze(op.Gather(probabilities, one, axis=1), one), 0.5)
        op.Gather(labels, op.Cast(is_second, to=op.INT64), outputs=[label])
    else:
        add_labels(op, probabilities, labels, label, estimator._target_kind() == "multilabel")


def add_probabilities(op, estimator, raw_prediction):
    """Add the probabilities of a network to a graph. Return their name; they are of shape (n_samples, n_classes)."""
    if _has_two_sides(estimator):
        return invert_link(op, estimator, op.Concat(op.Neg(raw_prediction), raw_prediction, axis=1))
    y_pred = invert_link(op, estimator, raw_prediction)
    if estimator._target_kind() != "binary":
        return y_pred
    if len(estimator.classes_) == 1:
        return op.Expand(np.ones((1, 1), op.dtype), op.Shape(y_pred))
    return op.Concat(op.Sub(1.0, y_pred), y_pred, axis=1)


def _has_two_sides(estimator):
    """Tell whether the link gives the probabilities of both classes, so that small ones of both keep their digits."""
    return estimator._target_kind() == "binary" and len(estimator.classes_) == 2 and estimator._is_symmetric()


def add_labels(op, probabilities, labels, label, is_multilabel):
    """Add the label of each row under a name; the indicators of labels above 0.5 for a multilabel target."""
    if is_multilabel:
        op.Cast(op.Greater(probabilities, 0.5), to=op.INT64, outputs=[label])
    else:  # of equal probabilities the first one wins, as in predict
        op.Gather(labels, op.ArgMax(probabilities, axis=1, keepdims=0), outputs=[label])


def class_types(op, labels, is_multilabel):
    """Return ONNX's code of the type, and the shape, of labels and of probabilities."""
    from onnx import helper

    with_columns = ["n_samples", len(labels)]
    of_labels = op.INT64 if is_multilabel else helper.np_dtype_to_tensor_dtype(labels.dtype)
    return (of_labels, with_columns if is_multilabel else ["n_samples"]), (op.element_type, with_columns)


def add_prediction(op, y_pred, rule, n_outputs, prediction):
    """Add numbers of shape (n_samples, n_outputs) as ``predict`` shapes them. Return their type and shape."""
    if n_outputs == 1 and not rule.keeps_columns:
        op.Reshape(y_pred, np.array([-1]), outputs=[prediction])
        return op.element_type, ["n_samples"]
    op.Identity(y_pred, outputs=[prediction])
    return op.element_type, ["n_samples", n_outputs]
