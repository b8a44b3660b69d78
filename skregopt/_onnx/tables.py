"""Estimators for tables as operators of ONNX: what an encoder and its networks predict together.

Networks compute in their own precision. All else is float64, as in Python.
"""

import numpy as np

from .._tabular.classifier import TabularMLPClassifier
from .._tabular.scale import TargetScale
from .._tabular.weights import BEND
from .encoder import add_encoder, encoder_inputs
from .graph import Parts
from .networks import add_network, invert_link
from .outputs import add_labels, add_prediction, add_probabilities, class_types, onnx_labels

_TINY = np.finfo(np.float64).tiny


def table_model(estimator):
    """Return the parts of a model, and its inputs and outputs by name: ONNX's code of their type, and their shape.

    Parameters
    ----------
    estimator : TabularMLPClassifier or TabularMLPRegressor
        Fitted.

    Raises
    ------
    ValueError
        If a part has no ONNX form, or an input or output no type.
    """
    inputs = encoder_inputs(estimator.encoder_)
    parts = Parts(taken=inputs)
    op = parts.graph(np.float64)
    encoded = add_encoder(op, estimator.encoder_, list(inputs))
    if not isinstance(estimator, TabularMLPClassifier):
        name = parts.output_name("prediction")
        total = _weighted_mean(parts, estimator, encoded, _number_predictions)
        total = _within_range(op, total, TargetScale(**estimator._scale))  # which rounding may have left
        n_outputs = estimator.estimators_[0].n_outputs_
        return parts, inputs, {name: add_prediction(op, total, estimator._rule, n_outputs, name)}
    labels, is_multilabel = onnx_labels(estimator.classes_), estimator._axis is None
    names = [parts.output_name(name) for name in ("label", "probabilities")]
    total = _weighted_mean(parts, estimator, encoded, _class_predictions)
    op.Identity(_tempered(op, total, estimator.temperature_, is_multilabel), outputs=names[1:])
    add_labels(op, names[1], labels, names[0], is_multilabel)
    return parts, inputs, dict(zip(names, class_types(op, labels, is_multilabel), strict=True))


def _weighted_mean(parts, estimator, encoded, predictions):
    op = parts.graph(np.float64)
    weighted = []
    for weight, network in zip(estimator.weights_, estimator.estimators_, strict=True):
        if weight > 0:
            own = parts.graph(network._theta().dtype)
            raw_prediction = add_network(own, network, own.Cast(encoded, to=own.element_type))
            weighted.append(op.Mul(predictions(op, own, estimator, network, raw_prediction), float(weight)))
    return op.Sum(*weighted)


def _class_predictions(op, own, estimator, network, raw_prediction):
    """Add the probabilities of a network, with its label smoothing undone."""
    probabilities = op.Cast(add_probabilities(own, network, raw_prediction), to=op.DOUBLE)
    if not estimator._undoes_smoothing:
        return probabilities
    is_multilabel = estimator._axis is None
    share = network.label_smoothing / (2 if is_multilabel else len(estimator.classes_))

    def above(values):
        difference = op.Sub(values, share)
        return op.Mul(op.Add(difference, op.Sqrt(op.Add(op.Mul(difference, difference), BEND * share**2))), 0.5)

    parts = above(probabilities)
    if is_multilabel:
        return op.Div(parts, op.Add(parts, above(op.Sub(1.0, probabilities))))
    return op.Div(parts, op.ReduceSum(parts, np.array([1]), keepdims=1))


def _number_predictions(op, own, estimator, network, raw_prediction):
    """Add the predictions of a network in the unit of y, and within its range."""
    scale = TargetScale(**estimator._scale)
    y_pred = op.Cast(invert_link(own, network, raw_prediction), to=op.DOUBLE)
    return _within_range(op, op.Add(op.Mul(y_pred, scale.scale), scale.center), scale)


def _within_range(op, y_pred, scale):
    return op.Min(op.Max(y_pred, scale.low), scale.high)


def _tempered(op, probabilities, temperature, is_multilabel):
    """Add probabilities to the power 1 / temperature, normalised."""
    z = op.Div(op.Log(op.Max(probabilities, _TINY)), temperature)
    if not is_multilabel:
        return op.Softmax(z, axis=1)
    of_others = op.Div(op.Log(op.Max(op.Sub(1.0, probabilities), _TINY)), temperature)
    return op.Reciprocal(op.Add(1.0, op.Exp(op.Sub(of_others, z))))
