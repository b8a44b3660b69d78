"""Export of pipelines: converters for skl2onnx, which :func:`register_skl2onnx` registers."""

import numpy as np

from .._estimators.classifier import MLPClassifier
from .._estimators.regressor import MLPRegressor
from .._tabular.classifier import TabularMLPClassifier
from .._tabular.regressor import TabularMLPRegressor
from ..model_selection._cross_validation import MLPClassifierCV, MLPRegressorCV
from .graph import Graph
from .networks import add_network, fitted_mlp, invert_link
from .outputs import class_outputs, onnx_labels


def register_skl2onnx() -> None:
    """Register the estimators of this package with skl2onnx, so that it converts pipelines that contain them.

    The estimators are :class:`MLPClassifier`, :class:`MLPRegressor`, and MLPClassifierCV and MLPRegressorCV of
    :mod:`skregopt.model_selection`.

    Call this function once in a process, before the first conversion. Further calls change nothing. Then
    ``skl2onnx.to_onnx`` converts these estimators, and pipelines and ensembles that contain them. It follows its own
    conventions: the dtype of the input sets the precision, predictions are columns, and class labels are integers or
    strings. Classifiers have the options ``zipmap``, ``nocl`` and ``output_class_labels``. onnxruntime has no
    ``zipmap`` in float64.

    :class:`TabularMLPClassifier` and :class:`TabularMLPRegressor` have no converter for skl2onnx, which raises a
    TypeError for them: they take a raw table, so that they need no pipeline. Convert them with :func:`to_onnx`.

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
    for kind, of_kind in ((TabularMLPClassifier, options), (TabularMLPRegressor, None)):
        update_registered_converter(kind, f"Skregopt{kind.__name__}", _refuse, _refuse_to_convert, options=of_kind)


def _skl2onnx_labels(operator):
    """Return the class labels of a classifier as integers or strings, as skl2onnx expects."""
    from skl2onnx.common.utils_classifier import get_label_classes

    labels = onnx_labels(np.asarray(get_label_classes(operator.scope_inst, operator.raw_operator)))
    return labels if labels.dtype == object else labels.astype(np.int64)  # float labels are whole numbers


def _classifier_types(operator):
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    estimator = fitted_mlp(operator.raw_operator)
    n_rows, n_columns = operator.inputs[0].get_first_dimension(), len(estimator.classes_)
    labels = _skl2onnx_labels(operator)
    label_type = StringTensorType if labels.dtype == object else Int64TensorType
    multilabel = estimator._target_kind() == "multilabel"
    operator.outputs[0].set_type(label_type([n_rows, n_columns] if multilabel else [n_rows]))
    operator.outputs[1].type.shape = [n_rows, n_columns]


def _regressor_types(operator):
    n_outputs = fitted_mlp(operator.raw_operator).n_outputs_
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
    estimator = fitted_mlp(operator.raw_operator)
    return op, estimator, add_network(op, estimator, op.Cast(source.full_name, to=op.element_type))


def _convert_classifier(scope, operator, container):
    op, estimator, raw_prediction = _add_network(scope, operator, container)
    names = [output.full_name for output in operator.outputs]
    class_outputs(op, estimator, raw_prediction, _skl2onnx_labels(operator), *names)


def _convert_regressor(scope, operator, container):
    op, estimator, raw_prediction = _add_network(scope, operator, container)
    op.Identity(invert_link(op, estimator, raw_prediction), outputs=[operator.outputs[0].full_name])


def _refuse(operator):
    """Raise TypeError for an estimator for tables, instead of the advice of skl2onnx to register a converter."""
    raise TypeError(
        f"skl2onnx cannot convert {type(operator.raw_operator).__name__}, which reads the columns of a raw table. "
        "Convert it on its own with skregopt.to_onnx, and do what steps before it do where the table is read."
    )


def _refuse_to_convert(scope, operator, container):
    _refuse(operator)
