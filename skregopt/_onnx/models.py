"""Export of a single estimator: :func:`to_onnx`."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._estimators.base import BaseMLP
from .._estimators.classifier import MLPClassifier
from .._estimators.regressor import MLPRegressor
from .._tabular.base import BaseTabularMLP
from ..model_selection._cross_validation import BaseMLPCV
from .graph import Parts
from .networks import add_network, fitted_mlp, invert_link
from .outputs import add_prediction, class_outputs, class_types, onnx_labels
from .tables import table_model

if TYPE_CHECKING:
    from onnx import ModelProto

# Every onnxruntime from 1.12 on reads this version of the operators.
_OPSETS, _IR_VERSION = {"": 17, "ai.onnx.ml": 3}, 8


def to_onnx(
    estimator: BaseMLP | BaseMLPCV[Any] | BaseTabularMLP, path: str | PathLike[str] | None = None
) -> ModelProto:
    """Convert a fitted estimator to an ONNX model, which predicts without Python.

    The model has one input ``X`` of shape (n_samples, n_features), with any number of rows and the dtype of ``coefs_``.
    A regressor has one output ``prediction``, with the values of ``predict``. A classifier has two outputs: ``label``,
    with the values of ``predict``, and ``probabilities``, with the values of ``predict_proba``. They agree with the
    estimator up to rounding.

    **Estimators for tables** are converted with their encoder. A model of one that was fitted to a data frame, or to
    strings, has one input of shape (n_samples, 1) for each column, by its name, or ``x0``, ``x1``, ... without names.
    Otherwise it has one input ``X``. Numbers, booleans and categories that are numbers are float64, and NaN is a
    missing one. Categories that are strings are strings. ONNX knows no missing ones: an empty string stands for them,
    unless it is a category itself. Probabilities and predictions are float64, as in Python. The name of an output gets
    an underscore at its end where a column has it already.

    Needs the package onnx (``pip install "skregopt[onnx]"``). To convert a pipeline, see :func:`register_skl2onnx`.

    Parameters
    ----------
    estimator : estimator of this package
        A fitted MLPClassifier, MLPRegressor, MLPClassifierCV, MLPRegressorCV, TabularMLPClassifier or
        TabularMLPRegressor. Of MLPClassifierCV and MLPRegressorCV, ``best_estimator_`` is converted.
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
        For a table if categories are integers that float64 does not know, or if a column has both missing values and
        the empty string.

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
    from onnx import helper

    if not isinstance(estimator, MLPClassifier | MLPRegressor | BaseMLPCV | BaseTabularMLP):
        raise TypeError(
            "to_onnx converts MLPClassifier, MLPRegressor, MLPClassifierCV, MLPRegressorCV, TabularMLPClassifier and "
            f"TabularMLPRegressor, got {estimator!r}. For a pipeline or a search, call register_skl2onnx() once, then "
            "skl2onnx.to_onnx."
        )
    if not isinstance(path, str | PathLike | None):
        raise TypeError(f"path must be the name of a file to write, or None to write none, got {path!r}.")
    estimator = fitted_mlp(estimator)
    parts, inputs, outputs = (table_model if isinstance(estimator, BaseTabularMLP) else _network_model)(estimator)
    graph = helper.make_graph(
        parts.nodes,
        type(estimator).__name__,
        [helper.make_tensor_value_info(name, *of_input) for name, of_input in inputs.items()],
        [helper.make_tensor_value_info(name, *of_output) for name, of_output in outputs.items()],
        parts.constants,
    )
    domains = sorted({node.domain for node in parts.nodes})
    model = helper.make_model(
        graph,
        producer_name="skregopt",
        opset_imports=[helper.make_opsetid(domain, _OPSETS[domain]) for domain in domains],
        ir_version=_IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    if path is not None:
        Path(path).write_bytes(model.SerializeToString())
    return model


def _network_model(estimator):
    """Return the parts of a model, and its inputs and outputs by name: ONNX's code of their type, and their shape."""
    parts = Parts(taken=["X"])
    op = parts.graph(estimator._theta().dtype)
    inputs = {"X": (op.element_type, ["n_samples", estimator.n_features_in_])}
    raw_prediction = add_network(op, estimator, "X")
    if not isinstance(estimator, MLPClassifier):
        y_pred, name = invert_link(op, estimator, raw_prediction), "prediction"
        return parts, inputs, {name: add_prediction(op, y_pred, estimator._rules[1], estimator.n_outputs_, name)}
    labels, names = onnx_labels(estimator.classes_), ("label", "probabilities")
    class_outputs(op, estimator, raw_prediction, labels, *names)
    types = class_types(op, labels, estimator._target_kind() == "multilabel")
    return parts, inputs, dict(zip(names, types, strict=True))
