"""Losses: the data term of the objective, one class and two kernels each.

Shapes and conventions, on which the training loop relies:

* ``raw_prediction`` is the output layer before the inverse link, ``y_pred`` is after it; both have shape
  (n_rows, n_outputs);
* ``y`` has shape (n_rows, n_targets): the target values in regression, 0 or 1 in binary (one column) and multilabel
  classification (one column per label), the index of the class (one column) in multiclass classification;
* ``weights`` has shape (n_rows, 1), or (n_rows, n_outputs) for weights that differ from output to output;
* ``evaluate(raw_prediction, y, weights, scale, hyper)`` returns sum_i w_i loss_i as a float64 and replaces
  ``raw_prediction`` by the gradient of ``scale`` times that sum with respect to it;
* ``invert_link(raw_prediction, hyper)`` replaces raw predictions by predictions.

The loss of a row is the mean over outputs in regression and the sum over labels in multilabel classification.
"""

import numpy as np
from numba import types

from . import _math
from ._component import Component
from ._jit import jit, matrix, vector
from ._views import flat_view


class Loss(Component):
    """Family of losses.

    Attributes
    ----------
    out_activation : str
        Name of the inverse link, scikit-learn's ``out_activation_``.
    """

    family = "loss"
    signatures = {
        "evaluate": lambda T: types.float64(matrix(T), matrix(T), matrix(T), T, vector(T)),
        "invert_link": lambda T: types.void(matrix(T), vector(T)),
    }
    out_activation = "identity"

    def for_target(self, target):
        """Return the variant of this loss for a kind of target.

        Parameters
        ----------
        target : {'binary', 'multiclass', 'multilabel', 'continuous'}

        Returns
        -------
        Loss
        """
        return self

    def check_y(self, y):
        """Raise ValueError if the loss is not defined for the targets ``y`` of shape (n_samples, n_outputs)."""


@jit
def _exp_above_highest(raw_prediction):
    """Replace each row by exp(row - its maximum), in one flat loop because short rows do not vectorise."""
    n_rows, n_outputs = raw_prediction.shape
    for i in range(n_rows):
        row = flat_view(raw_prediction, i * n_outputs, n_outputs)
        highest = row[0]
        for k in range(1, n_outputs):
            highest = max(highest, row[k])
        for k in range(n_outputs):
            row[k] -= highest
    values = flat_view(raw_prediction, 0, n_rows * n_outputs)
    for i in range(values.size):
        values[i] = _math.exp(values[i])


def _softmax_evaluate(raw_prediction, y, weights, scale, hyper):
    n_rows, n_outputs = raw_prediction.shape
    zero = raw_prediction.dtype.type(0)
    total = 0.0
    for i in range(n_rows):
        # the label's share of log(sum_k exp(z_k - max z)) - (z_y - max z), while z is still there
        row = flat_view(raw_prediction, i * n_outputs, n_outputs)
        highest = row[0]
        for k in range(1, n_outputs):
            highest = max(highest, row[k])
        total += weights[i, 0] * np.float64(highest - row[int(y[i, 0])])
    _exp_above_highest(raw_prediction)
    for i in range(n_rows):
        row = flat_view(raw_prediction, i * n_outputs, n_outputs)
        normaliser = zero
        for k in range(n_outputs):
            normaliser += row[k]
        weight = weights[i, 0]
        total += weight * np.log(np.float64(normaliser))
        weight *= scale
        factor = weight / normaliser
        for k in range(n_outputs):
            row[k] *= factor
        row[int(y[i, 0])] -= weight
    return total


def _softmax_invert_link(raw_prediction, hyper):
    n_rows, n_outputs = raw_prediction.shape
    zero = raw_prediction.dtype.type(0)
    _exp_above_highest(raw_prediction)
    for i in range(n_rows):
        row = flat_view(raw_prediction, i * n_outputs, n_outputs)
        normaliser = zero
        for k in range(n_outputs):
            normaliser += row[k]
        for k in range(n_outputs):
            row[k] /= normaliser


class SoftmaxLogLoss(Loss):
    """Log loss of mutually exclusive classes: log(sum_k exp(z_k)) - z_y, prediction softmax(z).

    This is :class:`LogLoss` for a multiclass target.
    """

    out_activation = "softmax"
    evaluate = staticmethod(_softmax_evaluate)
    invert_link = staticmethod(_softmax_invert_link)


def _sigmoid_evaluate(raw_prediction, y, weights, scale, hyper):
    zero = raw_prediction.dtype.type(0)
    shared = weights.shape[1] == 1
    total = 0.0
    for i in range(raw_prediction.shape[0]):
        for k in range(raw_prediction.shape[1]):
            z = raw_prediction[i, k]
            weight = weights[i, 0] if shared else weights[i, k]
            # log(1 + exp(z)) - y z, without overflow
            softplus = np.float64(max(z, zero)) + np.log1p(np.exp(-abs(np.float64(z))))
            total += weight * (softplus - y[i, k] * np.float64(z))
            raw_prediction[i, k] = (scale * weight) * (_math.logistic(z) - y[i, k])
    return total


def _sigmoid_invert_link(raw_prediction, hyper):
    # predictions stay inside [eps, 1 - eps], so that their logarithms are finite
    one = raw_prediction.dtype.type(1)
    eps = np.finfo(raw_prediction.dtype).eps
    for i in range(raw_prediction.shape[0]):
        for k in range(raw_prediction.shape[1]):
            p = _math.logistic(raw_prediction[i, k])
            raw_prediction[i, k] = p if p != p else min(max(p, eps), one - eps)


class SigmoidLogLoss(Loss):
    """Log loss of independent yes-or-no outputs: sum_k log(1 + exp(z_k)) - y_k z_k, prediction 1 / (1 + exp(-z)).

    This is :class:`LogLoss` for a binary (one output) or multilabel target.
    """

    out_activation = "logistic"
    evaluate = staticmethod(_sigmoid_evaluate)
    invert_link = staticmethod(_sigmoid_invert_link)


class LogLoss(Loss):
    """Log loss (cross-entropy), the negative log-likelihood of the labels, in natural logarithms.

    Softmax over mutually exclusive classes; the logistic sigmoid for two classes and for each label of a multilabel
    target, whose losses are summed over labels.

    Examples
    --------
    >>> from skregopt.losses import LogLoss
    >>> LogLoss().for_target("multilabel")
    SigmoidLogLoss()
    """

    def for_target(self, target):
        """Return the softmax form for 'multiclass', the sigmoid form otherwise."""
        return SoftmaxLogLoss() if target == "multiclass" else SigmoidLogLoss()


def _squared_error_evaluate(raw_prediction, y, weights, scale, hyper):
    n_outputs = raw_prediction.shape[1]
    share = scale / raw_prediction.dtype.type(n_outputs)
    total = 0.0
    for i in range(raw_prediction.shape[0]):
        weight = weights[i, 0]
        squares = 0.0
        for k in range(n_outputs):
            residual = raw_prediction[i, k] - y[i, k]
            squares += np.float64(residual) * np.float64(residual)
            raw_prediction[i, k] = (share * weight) * residual
        total += weight * squares
    return 0.5 * total / n_outputs


def _identity_invert_link(raw_prediction, hyper):
    pass


class SquaredError(Loss):
    """Half the squared error, (z - y)^2 / 2, averaged over outputs; prediction z.

    Examples
    --------
    >>> from skregopt.losses import SquaredError
    >>> SquaredError().out_activation
    'identity'
    """

    evaluate = staticmethod(_squared_error_evaluate)
    invert_link = staticmethod(_identity_invert_link)


def _poisson_evaluate(raw_prediction, y, weights, scale, hyper):
    n_outputs = raw_prediction.shape[1]
    share = scale / raw_prediction.dtype.type(n_outputs)
    total = 0.0
    for i in range(raw_prediction.shape[0]):
        weight = weights[i, 0]
        deviance = 0.0
        for k in range(n_outputs):
            z, target = np.float64(raw_prediction[i, k]), np.float64(y[i, k])
            y_pred = _math.exp(raw_prediction[i, k])
            deviance += np.float64(y_pred) - target * z - target
            if target > 0.0:
                deviance += target * np.log(target)
            raw_prediction[i, k] = (share * weight) * (y_pred - y[i, k])
        total += weight * deviance
    return total / n_outputs


def _exp_invert_link(raw_prediction, hyper):
    for i in range(raw_prediction.shape[0]):
        for k in range(raw_prediction.shape[1]):
            raw_prediction[i, k] = _math.exp(raw_prediction[i, k])


class Poisson(Loss):
    """Half the Poisson deviance with log link, exp(z) - y z + y log(y) - y, averaged over outputs; prediction exp(z).

    Raises
    ------
    ValueError
        In ``fit``, for negative targets.

    Examples
    --------
    >>> from skregopt.losses import Poisson
    >>> Poisson().out_activation
    'exp'
    """

    out_activation = "exp"
    evaluate = staticmethod(_poisson_evaluate)
    invert_link = staticmethod(_exp_invert_link)

    def check_y(self, y):
        """Raise ValueError for negative targets."""
        if y.size and y.min() < 0:
            raise ValueError(
                f"loss='poisson' requires non-negative y, got y with a minimum of {y.min()}. Use "
                "loss='squared_error' for targets of both signs."
            )


CLASSIFICATION_LOSSES = {"log_loss": LogLoss}
REGRESSION_LOSSES = {"squared_error": SquaredError, "poisson": Poisson}
LOSSES = CLASSIFICATION_LOSSES | REGRESSION_LOSSES
