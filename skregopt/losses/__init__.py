"""Losses: the data term of the objective, one class and two kernels each.

Shapes and conventions, on which the training loop relies:

* ``raw_prediction`` is the output layer before the inverse link, ``y_pred`` is after it; both have shape
  (n_rows, n_outputs);
* ``y`` has shape (n_rows, n_targets). It holds target values in regression, 0 or 1 in binary (one column) and
  multilabel classification (one column per label), and indices of classes (one column) in multiclass classification;
* ``weights`` has shape (n_rows, 1), or (n_rows, n_outputs) for weights that differ from output to output;
* ``evaluate(raw_prediction, y, weights, scale, hyper)`` returns sum_i w_i loss_i as a float64 and replaces
  ``raw_prediction`` by the gradient of ``scale`` times that sum with respect to it;
* ``invert_link(raw_prediction, hyper)`` replaces raw predictions by predictions.

``growth`` says how fast loss and prediction grow. With it a fit knows, without a look at its rows, that nothing
overflows; without it a fit, and each ``partial_fit``, evaluates the loss of its rows once more.

``of_best_constant(y, weights)``, if a rule has it, is the scale of losses: improvements count relative to it.

The loss of a row is the mean over outputs in regression and the sum over labels in multilabel classification.

``to_onnx(op, raw_prediction)`` says the same as ``invert_link`` in operators of ONNX, see
:class:`skregopt._onnx.graph.Graph`.
"""

from ._absolute_error import AbsoluteError
from ._deviances import Gamma, Poisson
from ._family import Loss
from ._focal import Focal, FocalSigmoid, FocalSoftmax
from ._huber import Huber
from ._log_loss import LogLoss, SigmoidLogLoss, SoftmaxLogLoss
from ._quantile import Quantile
from ._squared_error import SquaredError

__all__ = [
    "AbsoluteError",
    "CLASSIFICATION_LOSSES",
    "Focal",
    "FocalSigmoid",
    "FocalSoftmax",
    "Gamma",
    "Huber",
    "LOSSES",
    "LogLoss",
    "Loss",
    "Poisson",
    "Quantile",
    "REGRESSION_LOSSES",
    "SigmoidLogLoss",
    "SoftmaxLogLoss",
    "SquaredError",
]

for _class in [value for value in vars().values() if isinstance(value, type)]:
    _class.__module__ = __name__  # pickles name the public path, so that no later move breaks them

CLASSIFICATION_LOSSES: dict[str, type[Loss]] = {"log_loss": LogLoss, "focal": Focal}
REGRESSION_LOSSES: dict[str, type[Loss]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "poisson": Poisson,
    "gamma": Gamma,
}
LOSSES: dict[str, type[Loss]] = CLASSIFICATION_LOSSES | REGRESSION_LOSSES
