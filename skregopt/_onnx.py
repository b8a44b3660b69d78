"""Export of fitted estimators to ONNX: :func:`to_onnx`, and converters for skl2onnx.

Activations and losses have their own ONNX form, ``to_onnx(op, z)``, beside their kernels. This file adds the layers,
the class labels, and the model around them. A block that is affine in prediction becomes part of the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils.validation import check_is_fitted

from ._engine.blocks import ActivationBlock, EmbeddingBlock, Product, TrainableActivationBlock
from ._estimators.base import BaseMLP
from ._estimators.classifier import MLPClassifier
from ._estimators.regressor import MLPRegressor
from ._kernels.typing import Array, OnnxOperator
from .model_selection._cross_validation import BaseMLPCV, MLPClassifierCV, MLPRegressorCV

if TYPE_CHECKING:
    from onnx import ModelProto

# Every onnxruntime from 1.12 on reads this version of the operators.
_OPSET, _IR_VERSION = 17, 8


class Graph:
    """An ONNX graph under construction: ``op.Relu(z)`` adds a Relu node and returns the name of its output.

    Every operator of ONNX is a method. Its positional arguments are the inputs: names of outputs, numbers, or arrays.
    Numbers get the network's dtype, arrays keep their own. Keyword arguments are the attributes of the operator, with
    two exceptions: ``outputs`` gives names to the outputs, and ``n_outputs``, 1 by default, is their number. With
    several outputs the method returns a list of names.

    Parameters
    ----------
    dtype : dtype
        Precision of the network, float32 or float64.
    new_name : callable
        ``new_name(operator)`` returns an unused name for an output.
    add_node : callable
        ``add_node(operator, inputs, outputs, **attributes)`` adds a node; inputs and outputs are names.
    add_constant : callable
        ``add_constant(name, array)`` adds a constant.

    Attributes
    ----------
    element_type : int
        ONNX's code of the network's dtype.
    FLOAT, INT64 : int
        ONNX's codes of other types, for Cast.
    eps, smallest_normal : float
        Machine epsilon, and smallest normal number, of the dtype.
    """

    FLOAT, INT64, _DOUBLE = 1, 7, 11  # onnx.TensorProto.DataType

    def __init__(
        self,
        dtype: DTypeLike,
        new_name: Callable[[str], str],
        add_node: Callable[..., None],
        add_constant: Callable[[str, Array], None],
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.element_type = self.FLOAT if self.dtype == np.float32 else self._DOUBLE
        limits = np.finfo(self.dtype)
        self.eps, self.smallest_normal = float(limits.eps), float(limits.smallest_normal)
        self._new_name, self._add_node, self._add_constant = new_name, add_node, add_constant

    def __getattr__(self, operator: str) -> OnnxOperator:
        """Return the function that adds a node of an operator."""
        if not operator[0].isupper():
            raise AttributeError(f"{operator!r} is no operator of ONNX: operator names begin with a capital letter.")

        def add(*inputs, n_outputs=1, outputs=None, **attributes):
            names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
            outputs = outputs or [self._new_name(operator) for _ in range(n_outputs)]
            self._add_node(operator, names, outputs, **attributes)
            return outputs if n_outputs > 1 else outputs[0]

        return add

    def _constant(self, value):
        name = self._new_name("constant")
        self._add_constant(name, value if isinstance(value, np.ndarray) else np.array(value, dtype=self.dtype))
        return name


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
    estimator = _fitted_mlp(estimator)
    nodes, constants, numbers = [], [], count()

    def add_node(operator, inputs, outputs, **attributes):
        nodes.append(helper.make_node(operator, inputs, outputs, name=f"{operator}_of_{outputs[0]}", **attributes))

    def add_constant(name, array):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))

    op = Graph(estimator._theta().dtype, lambda stem: f"{stem}_{next(numbers)}", add_node, add_constant)
    raw_prediction = _raw_prediction(op, estimator, "X")
    types = {}
    if isinstance(estimator, MLPClassifier):
        labels = _labels(estimator.classes_)
        _class_outputs(op, estimator, raw_prediction, labels, "label", "probabilities")
        multilabel = estimator._target_kind() == "multilabel"
        n_columns = len(estimator.classes_)
        label_type = op.INT64 if multilabel else helper.np_dtype_to_tensor_dtype(labels.dtype)
        types["label"] = label_type, ["n_samples", n_columns] if multilabel else ["n_samples"]
        types["probabilities"] = op.element_type, ["n_samples", n_columns]
    else:
        y_pred = _invert_link(op, estimator, raw_prediction)
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


def register_skl2onnx() -> None:
    """Register the estimators of this package with skl2onnx, so that it converts pipelines that contain them.

    The estimators are :class:`MLPClassifier`, :class:`MLPRegressor`, and MLPClassifierCV and MLPRegressorCV of
    :mod:`skregopt.model_selection`.

    Call this function once in a process, before the first conversion. Further calls change nothing. Then
    ``skl2onnx.to_onnx`` converts these estimators, and pipelines and ensembles that contain them. It follows its own
    conventions: the dtype of the input sets the precision, predictions are columns, and class labels are integers or
    strings. Classifiers have the options ``zipmap``, ``nocl`` and ``output_class_labels``. onnxruntime has no
    ``zipmap`` in float64.

    Needs the package skl2onnx (``pip install "skregopt[onnx]"``).

    See Also
    --------
    to_onnx : Convert a single estimator.

    Examples
    --------
    >>> import numpy as np
    >>> import skl2onnx  # doctest: +SKIP
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skregopt import MLPClassifier, register_skl2onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), MLPClassifier(solver="lbfgs", alpha=0.1)).fit(X, y)
    >>> register_skl2onnx()  # doctest: +SKIP
    >>> row, options = X[:1].astype(np.float32), {"zipmap": False}
    >>> onx = skl2onnx.to_onnx(model, row, options=options)  # doctest: +SKIP
    """
    from skl2onnx import update_registered_converter

    options = {"zipmap": [True, False, "columns"], "nocl": [True, False], "output_class_labels": [False, True]}
    for kind in (MLPClassifier, MLPClassifierCV):
        update_registered_converter(
            kind, f"Skregopt{kind.__name__}", _classifier_types, _convert_classifier, options=options
        )
    for kind in (MLPRegressor, MLPRegressorCV):
        update_registered_converter(kind, f"Skregopt{kind.__name__}", _regressor_types, _convert_regressor)


# --- the network -----------------------------------------------------------------------------------------------------


def _fitted_mlp(estimator):
    """Return the fitted MLP that predicts: ``best_estimator_`` of a cross-validated estimator, otherwise itself."""
    check_is_fitted(estimator)
    return estimator.best_estimator_ if isinstance(estimator, BaseMLPCV) else estimator


def _raw_prediction(op, estimator, X):
    """Add the network to a graph. Return the name of its raw predictions, of shape (n_samples, n_outputs)."""
    network = estimator._network()
    estimator._check_fitted_widths(network, estimator.n_features_in_)
    z, arrays = X, network.layout.views(estimator._theta())
    coefs, intercepts = arrays.pop("coefs_"), arrays.pop("intercepts_")
    if network.embedding is not None:
        z = _embedded(op, network, X, arrays)
    for layer, blocks in enumerate(network.blocks):
        coef, intercept = np.asarray(coefs[layer], np.float64), np.asarray(intercepts[layer], np.float64)
        forms = []
        for block in blocks:
            vectors = {vector.attribute: arrays[vector.attribute][layer] for vector in block.vectors}
            if isinstance(block, TrainableActivationBlock):
                _form(block.rule, "activate")
            if not forms and (factor_and_offset := block.affine(vectors)) is not None:
                factor, offset = factor_and_offset
                coef, intercept = coef * factor, intercept * factor + offset
            elif isinstance(block, ActivationBlock):
                forms.append(partial(_form(block.rule, "activate"), op))
            elif not isinstance(block, EmbeddingBlock | Product):
                forms.append(partial(block.to_onnx, op, vectors={k: v.astype(op.dtype) for k, v in vectors.items()}))
        z = op.Gemm(z, coef.astype(op.dtype), intercept.astype(op.dtype))
        for form in forms:
            z = form(z)
    return z


def _embedded(op, network, X, arrays):
    """Add the embedding of features to a graph. Return the name of the inputs of the first product."""
    rule = network.embedding.rule
    _form(rule, "embed")
    arrays = {
        vector.attribute: [array.astype(op.dtype) for array in arrays[vector.attribute]] for vector in rule.vectors
    }
    return network.blocks[0][0].to_onnx(op, X, arrays)


def _invert_link(op, estimator, raw_prediction):
    """Add the inverse link to a graph. Return the name of the predictions."""
    return _form(estimator._rules[1], "invert_link")(op, raw_prediction)


def _form(component, kernel):
    """Return ``to_onnx`` of a component. ValueError if the class that defines its kernel has no ONNX form of it."""
    classes = type(component).__mro__
    where = {name: next(i for i, cls in enumerate(classes) if name in vars(cls)) for name in ("to_onnx", kernel)}
    if where["to_onnx"] > where[kernel]:
        raise ValueError(
            f"The {component.family} {component!r} has no ONNX form. Define to_onnx(self, op, z) in the class "
            f"{classes[where[kernel]].__name__}, beside its kernel {kernel!r}. It returns the same in operators of "
            "ONNX. The guide on custom components has an example."
        )
    return component.to_onnx


# --- class labels ----------------------------------------------------------------------------------------------------


def _labels(classes):
    """Return class labels in a dtype that ONNX knows. ValueError if there is none."""
    if classes.dtype.kind in "biuf":
        return classes
    labels = classes.astype(object)
    if not all(isinstance(label, str) for label in labels):
        raise ValueError(f"Class labels must be numbers, booleans or strings for ONNX, got classes_={classes!r}.")
    return labels


def _class_outputs(op, estimator, raw_prediction, labels, label, probabilities):
    """Add the outputs of a classifier to a graph; ``label`` and ``probabilities`` are their names."""
    kind = estimator._target_kind()
    if kind == "binary" and len(labels) == 2 and estimator._is_symmetric():
        both_sides = op.Concat(op.Neg(raw_prediction), raw_prediction, axis=1)
        op.Identity(_invert_link(op, estimator, both_sides), outputs=[probabilities])
        one = np.array([1])
        is_second = op.Greater(op.Squeeze(op.Gather(probabilities, one, axis=1), one), 0.5)
        op.Gather(labels, op.Cast(is_second, to=op.INT64), outputs=[label])
        return
    y_pred = _invert_link(op, estimator, raw_prediction)
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


# --- skl2onnx --------------------------------------------------------------------------------------------------------


def _skl2onnx_labels(operator):
    """Return the class labels of a classifier as integers or strings, as skl2onnx expects."""
    from skl2onnx.common.utils_classifier import get_label_classes

    labels = _labels(np.asarray(get_label_classes(operator.scope_inst, operator.raw_operator)))
    return labels if labels.dtype == object else labels.astype(np.int64)  # float labels are whole numbers


def _classifier_types(operator):
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    estimator = _fitted_mlp(operator.raw_operator)
    n_rows, n_columns = operator.inputs[0].get_first_dimension(), len(estimator.classes_)
    labels = _skl2onnx_labels(operator)
    label_type = StringTensorType if labels.dtype == object else Int64TensorType
    multilabel = estimator._target_kind() == "multilabel"
    operator.outputs[0].set_type(label_type([n_rows, n_columns] if multilabel else [n_rows]))
    operator.outputs[1].type.shape = [n_rows, n_columns]


def _regressor_types(operator):
    n_outputs = _fitted_mlp(operator.raw_operator).n_outputs_
    operator.outputs[0].type.shape = [operator.inputs[0].get_first_dimension(), n_outputs]


def _add_network(scope, operator, container):
    """Add a network to the graph of skl2onnx. Return the graph, the estimator, and the name of its raw predictions."""
    from onnx import helper
    from skl2onnx.common.data_types import DoubleTensorType

    def add_node(op_type, inputs, outputs, **attributes):
        container.add_node(op_type, inputs, outputs, name=scope.get_unique_operator_name(op_type), **attributes)

    def add_constant(name, array):
        container.add_initializer(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape, array.ravel())

    source = operator.inputs[0]
    dtype = np.float64 if isinstance(source.type, DoubleTensorType) else np.float32
    op = Graph(dtype, scope.get_unique_variable_name, add_node, add_constant)
    estimator = _fitted_mlp(operator.raw_operator)
    return op, estimator, _raw_prediction(op, estimator, op.Cast(source.full_name, to=op.element_type))


def _convert_classifier(scope, operator, container):
    op, estimator, raw_prediction = _add_network(scope, operator, container)
    names = [output.full_name for output in operator.outputs]
    _class_outputs(op, estimator, raw_prediction, _skl2onnx_labels(operator), *names)


def _convert_regressor(scope, operator, container):
    op, estimator, raw_prediction = _add_network(scope, operator, container)
    op.Identity(_invert_link(op, estimator, raw_prediction), outputs=[operator.outputs[0].full_name])
