"""Export of a single estimator: :func:`to_onnx`."""

from __future__ import annotations

from itertools import count
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._estimators.base import BaseMLP
from .._estimators.classifier import MLPClassifier
from .._estimators.regressor import MLPRegressor
from ..model_selection._cross_validation import BaseMLPCV
from .classes import class_outputs, onnx_labels
from .graph import Graph
from .networks import add_network, fitted_mlp, invert_link

if TYPE_CHECKING:
    from onnx import ModelProto

# Every onnxruntime from 1.12 on reads this version of the operators.
_OPSET, _IR_VERSION = 17, 8


def to_onnx(estimator: BaseMLP | BaseMLPCV[Any], path: str | PathLike[str] | None = None) -> ModelProto:
    """Convert a fitted estimator to an ONNX model, which predicts without Python.

    The model has one input ``X`` of shape (n_samples, n_features), with any number of rows and the dtype of ``coefs_``.
    A regressor has one output ``prediction``, with the values of ``predict``. A classifier has two outputs: ``label``,
    with the values of ``predict``, and ``probabilities``, with the values of ``predict_proba``. They agree with the
    estimator up to rounding.

    Needs the package onnx (``pip install "skregopt[onnx]"``). To convert a pipeline, see :func:`register_skl2onnx`.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, MLPClassifierCV or MLPRegressorCV
        Fitted estimator. Of MLPClassifierCV and MLPRegressorCV, ``best_estimator_`` is converted.
    path : str or path-like, default=None
        File for the model. None writes no file.

    Returns
    -------
    onnx.ModelProto
        The model, with opset 17. onnxruntime reads it from version 1.12 on.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        For any other estimator, or if ``path`` is not a path.
    ValueError
        If an activation or loss has no ONNX form, see :doc:`/extending`, or if ONNX has no type for the class labels.

    See Also
    --------
    register_skl2onnx : Convert pipelines with skl2onnx.

    Examples
    --------
    >>> import onnxruntime  # doctest: +SKIP
    >>> from sklearn.datasets import load_iris
    >>> from skregopt import MLPClassifier, to_onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(solver="lbfgs", alpha=0.1, random_state=0).fit(X, y)
    >>> session = onnxruntime.InferenceSession(to_onnx(clf).SerializeToString())  # doctest: +SKIP
    >>> label, probabilities = session.run(None, {"X": X})  # doctest: +SKIP
    """
    import onnx
    from onnx import helper, numpy_helper

    if not isinstance(estimator, MLPClassifier | MLPRegressor | BaseMLPCV):
        raise TypeError(
            "to_onnx converts MLPClassifier, MLPRegressor, MLPClassifierCV and MLPRegressorCV, got "
            f"{estimator!r}. For a pipeline or a search, call register_skl2onnx() once, then skl2onnx.to_onnx."
        )
    if not isinstance(path, str | PathLike | None):
        raise TypeError(f"path must be the name of a file to write, or None to write none, got {path!r}.")
    estimator = fitted_mlp(estimator)
    nodes, constants, numbers = [], [], count()

    def add_node(operator, inputs, outputs, **attributes):
        nodes.append(helper.make_node(operator, inputs, outputs, name=f"{operator}_of_{outputs[0]}", **attributes))

    def add_constant(name, array):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))

    op = Graph(estimator._theta().dtype, lambda stem: f"{stem}_{next(numbers)}", add_node, add_constant)
    raw_prediction = add_network(op, estimator, "X")
    types = {}
    if isinstance(estimator, MLPClassifier):
        labels = onnx_labels(estimator.classes_)
        class_outputs(op, estimator, raw_prediction, labels, "label", "probabilities")
        multilabel = estimator._target_kind() == "multilabel"
        n_columns = len(estimator.classes_)
        label_type = op.INT64 if multilabel else helper.np_dtype_to_tensor_dtype(labels.dtype)
        types["label"] = label_type, ["n_samples", n_columns] if multilabel else ["n_samples"]
        types["probabilities"] = op.element_type, ["n_samples", n_columns]
    else:
        y_pred = invert_link(op, estimator, raw_prediction)
        flat = estimator.n_outputs_ == 1 and not estimator._rules[1].keeps_columns
        if flat:
            op.Reshape(y_pred, np.array([-1]), outputs=["prediction"])
        else:
            op.Identity(y_pred, outputs=["prediction"])
        types["prediction"] = op.element_type, ["n_samples"] if flat else ["n_samples", estimator.n_outputs_]
    graph = helper.make_graph(
        nodes,
        type(estimator).__name__,
        [helper.make_tensor_value_info("X", op.element_type, ["n_samples", estimator.n_features_in_])],
        [helper.make_tensor_value_info(name, *of_output) for name, of_output in types.items()],
        constants,
    )
    model = helper.make_model(
        graph,
        producer_name="skregopt",
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    if path is not None:
        Path(path).write_bytes(model.SerializeToString())
    return model
