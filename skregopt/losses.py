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

``to_onnx(op, raw_prediction)`` says the same as ``invert_link`` in operators of ONNX, see
:class:`skregopt._onnx.Graph`.
"""

from numbers import Real

import numpy as np
from numba import types
from sklearn.metrics import d2_pinball_score, r2_score

from . import _class_kernels
from ._kernels import maths
from ._kernels.component import Component
from ._kernels.interval import Interval
from ._kernels.jit import matrix, vector


class Loss(Component):
    """Family of losses.

    Attributes
    ----------
    out_activation : str
        Name of the inverse link, scikit-learn's ``out_activation_``.
    targets : tuple of str
        Kinds of target that the loss is for: 'binary', 'multiclass', 'multilabel', 'continuous'.
    """

    family = "loss"
    targets = ("binary", "multiclass", "multilabel", "continuous")
    signatures = {
        "evaluate": lambda T: types.float64(matrix(T), matrix(T), matrix(T), T, vector(T)),
        "invert_link": lambda T: types.void(matrix(T), vector(T)),
    }
    out_activation = "identity"
    keeps_columns = False  # whether predictions of one column stay a matrix

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
        """Raise ValueError if the loss is not defined for the targets ``y`` of shape (n_samples, n_targets)."""

    def to_onnx(self, op, raw_prediction):
        """Return the predictions for ``raw_prediction`` in operators of ONNX.

        Parameters
        ----------
        op : Graph
            ``op.Name(input, ..., attribute=...)`` adds a node of the operator of that name, and returns its output.
        raw_prediction : str
            Output of the node before, of shape (n_rows, n_outputs).

        Returns
        -------
        str
            Output of the last node.

        Raises
        ------
        NotImplementedError
            Unless a rule overrides this.
        """
        raise NotImplementedError

    def n_outputs(self, n_targets):
        """Return the width of the output layer for ``n_targets`` columns of y (classes, if there are more than two)."""
        return n_targets

    def score(self, y, y_pred, sample_weight=None):
        """Return what ``MLPRegressor.score`` returns, the coefficient of determination unless overridden."""
        return r2_score(y, y_pred, sample_weight=sample_weight)


class _Smoothed:
    """Parameters of losses of classes."""

    targets = ("binary", "multiclass", "multilabel")
    flat_parameters = ("label_smoothing",)
    _parameter_constraints = {"label_smoothing": [Interval(Real, 0, 1, closed="left")]}

    def __init__(self, label_smoothing=0.0):
        self.label_smoothing = label_smoothing

    def hyper_parameters(self):
        return (self.label_smoothing,)


def _softmax_to_onnx(op, raw_prediction):
    return op.Softmax(raw_prediction, axis=1)


def _sigmoid_to_onnx(op, raw_prediction):
    return op.Clip(op.Sigmoid(raw_prediction), op.eps, 1.0 - op.eps)


class SoftmaxLogLoss(_Smoothed, Loss):
    """Log loss of mutually exclusive classes: log(sum_k exp(z_k)) - sum_k t_k z_k, prediction softmax(z).

    This is :class:`LogLoss` for a multiclass target.
    """

    out_activation = "softmax"
    evaluate = staticmethod(_class_kernels.softmax_evaluate)
    invert_link = staticmethod(_class_kernels.softmax_invert_link)
    to_onnx = staticmethod(_softmax_to_onnx)


class SigmoidLogLoss(_Smoothed, Loss):
    """Log loss of independent yes-or-no outputs: sum_k log(1 + exp(z_k)) - t_k z_k, prediction 1 / (1 + exp(-z)).

    This is :class:`LogLoss` for a binary (one output) or multilabel target.
    """

    out_activation = "logistic"
    evaluate = staticmethod(_class_kernels.sigmoid_evaluate)
    invert_link = staticmethod(_class_kernels.sigmoid_invert_link)
    to_onnx = staticmethod(_sigmoid_to_onnx)


class LogLoss(_Smoothed, Loss):
    """Log loss (cross-entropy) of the labels, -sum_k t_k log(p_k), in natural logarithms.

    Softmax over mutually exclusive classes; the logistic sigmoid for two classes and for each label of a multilabel
    target, whose losses are summed over labels.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        Share e of the target t that is spread evenly: t = (1 - e) y + e / K for y of 0 and 1 over K classes, K = 2 for
        a sigmoid. As in PyTorch's ``CrossEntropyLoss``.

    Examples
    --------
    >>> from skregopt.losses import LogLoss
    >>> LogLoss().for_target("multilabel")
    SigmoidLogLoss()
    """

    def for_target(self, target):
        """Return the softmax form for 'multiclass', the sigmoid form otherwise."""
        return (SoftmaxLogLoss if target == "multiclass" else SigmoidLogLoss)(self.label_smoothing)


class _FocalParameters(_Smoothed):
    """Parameters of the focal loss."""

    _parameter_constraints = {"gamma": [Interval(Real, 0, None, closed="left")], **_Smoothed._parameter_constraints}

    def __init__(self, gamma=2.0, label_smoothing=0.0):
        self.gamma = gamma
        self.label_smoothing = label_smoothing

    def hyper_parameters(self):
        return (self.label_smoothing, self.gamma)


class FocalSoftmax(_FocalParameters, Loss):
    """Focal loss of mutually exclusive classes: -sum_k t_k (1 - p_k)^gamma log(p_k), prediction p = softmax(z).

    This is :class:`Focal` for a multiclass target.
    """

    out_activation = "softmax"
    evaluate = staticmethod(_class_kernels.focal_softmax_evaluate)
    invert_link = staticmethod(_class_kernels.softmax_invert_link)
    to_onnx = staticmethod(_softmax_to_onnx)


class FocalSigmoid(_FocalParameters, Loss):
    """Focal loss of independent yes-or-no outputs, summed over them; prediction p = 1 / (1 + exp(-z)).

    This is :class:`Focal` for a binary (one output) or multilabel target.
    """

    out_activation = "logistic"
    evaluate = staticmethod(_class_kernels.focal_sigmoid_evaluate)
    invert_link = staticmethod(_class_kernels.sigmoid_invert_link)
    to_onnx = staticmethod(_sigmoid_to_onnx)


class Focal(_FocalParameters, Loss):
    """Focal loss, -sum_k t_k (1 - p_k)^gamma log(p_k): log loss that counts examples less the better they are fitted.

    Softmax and sigmoids as in :class:`LogLoss`; a sigmoid is a softmax over the two classes yes and no. From Lin
    et al., "Focal loss for dense object detection", ICCV 2017, without their class balance, which is ``class_weight``.

    Parameters
    ----------
    gamma : float >= 0, default=2.0
        Focusing parameter; 0 is log loss.
    label_smoothing : float in [0, 1), default=0.0
        Share of the target t that is spread evenly over the classes, see :class:`LogLoss`.

    Examples
    --------
    >>> from skregopt.losses import Focal
    >>> Focal(gamma=1.0).for_target("multiclass")
    FocalSoftmax(gamma=1.0)
    """

    def for_target(self, target):
        """Return the softmax form for 'multiclass', the sigmoid form otherwise."""
        return (FocalSoftmax if target == "multiclass" else FocalSigmoid)(self.gamma, self.label_smoothing)


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


def _identity_to_onnx(op, raw_prediction):
    return raw_prediction


class SquaredError(Loss):
    """Half the squared error, (z - y)^2 / 2, averaged over outputs; prediction z.

    Examples
    --------
    >>> from skregopt.losses import SquaredError
    >>> SquaredError().out_activation
    'identity'
    """

    targets = ("continuous",)
    evaluate = staticmethod(_squared_error_evaluate)
    invert_link = staticmethod(_identity_invert_link)
    to_onnx = staticmethod(_identity_to_onnx)


def _huber_evaluate(raw_prediction, y, weights, scale, hyper):
    n_outputs = raw_prediction.shape[1]
    share = scale / raw_prediction.dtype.type(n_outputs)
    delta, half = hyper[0], raw_prediction.dtype.type(0.5)
    total = 0.0
    for i in range(raw_prediction.shape[0]):
        weight = weights[i, 0]
        losses = 0.0
        for k in range(n_outputs):
            residual = raw_prediction[i, k] - y[i, k]
            magnitude = abs(residual)
            clipped = min(magnitude, delta)
            losses += np.float64(clipped * (magnitude - half * clipped))
            slope = clipped if residual > 0 else -clipped
            raw_prediction[i, k] = (share * weight) * (slope if residual == residual else residual)
        total += weight * losses
    return total / n_outputs


class Huber(Loss):
    """Huber's loss of the residual r = z - y, averaged over outputs; prediction z.

    ``r^2 / 2`` where ``|r| <= delta``, else ``delta (|r| - delta / 2)``, as PyTorch's ``HuberLoss``.

    Parameters
    ----------
    delta : float > 0, default=1.0
        Residual from which on the loss grows linearly, in units of y.

    Examples
    --------
    >>> from skregopt.losses import Huber
    >>> Huber(delta=2.0)
    Huber(delta=2.0)
    """

    targets = ("continuous",)
    _parameter_constraints = {"delta": [Interval(Real, 0, None, closed="neither")]}
    evaluate = staticmethod(_huber_evaluate)
    invert_link = staticmethod(_identity_invert_link)
    to_onnx = staticmethod(_identity_to_onnx)

    def __init__(self, delta=1.0):
        self.delta = delta

    def hyper_parameters(self):
        """Return what the kernels read."""
        return (self.delta,)


def _pinball_evaluate(raw_prediction, y, weights, scale, hyper):
    # hyper: n, the loss of n outputs per unit below y, the same above y; one n stands for all outputs
    zero = raw_prediction.dtype.type(0)
    n_outputs, last_target, n = raw_prediction.shape[1], y.shape[1] - 1, int(hyper[0])
    share = scale / raw_prediction.dtype.type(n_outputs)
    total = 0.0
    for i in range(raw_prediction.shape[0]):
        weight = weights[i, 0]
        losses = 0.0
        for k in range(n_outputs):
            level = min(k, n - 1)
            below, above = hyper[1 + level], hyper[1 + n + level]
            residual = raw_prediction[i, k] - y[i, min(k, last_target)]
            losses += np.float64(above * residual if residual > zero else -below * residual)
            slope = above if residual > zero else -below
            # zero, a subgradient, where the residual is
            slope = slope if residual != zero else zero
            raw_prediction[i, k] = (share * weight) * (slope if residual == residual else residual)
        total += weight * losses
    return total / n_outputs


class AbsoluteError(Loss):
    """Absolute error, ``|z - y|``, averaged over outputs; prediction z, which estimates the median.

    Examples
    --------
    >>> from skregopt.losses import AbsoluteError
    >>> AbsoluteError().out_activation
    'identity'
    """

    targets = ("continuous",)
    evaluate = staticmethod(_pinball_evaluate)
    invert_link = staticmethod(_identity_invert_link)
    to_onnx = staticmethod(_identity_to_onnx)

    def hyper_parameters(self):
        """Return what the kernels read."""
        return (1.0, 1.0, 1.0)


def _quantile_invert_link(raw_prediction, hyper):
    # insertion sort of each row, in the ascending order of the quantiles that hyper ends with
    n = int(hyper[0])
    for i in range(raw_prediction.shape[0]):
        for k in range(1, n):
            for j in range(2 * n + 1 + k, 2 * n + 1, -1):
                low, high = int(hyper[j - 1]), int(hyper[j])
                smaller, larger = raw_prediction[i, high], raw_prediction[i, low]
                if smaller < larger:
                    raw_prediction[i, low], raw_prediction[i, high] = smaller, larger


class Quantile(Loss):
    """Pinball loss of a quantile q, averaged over outputs; prediction z.

    ``q (y - z)`` where z is below y, else ``(1 - q) (z - y)``. Several quantiles are as many outputs; ``predict`` gives
    them in the given order, sorted in each row so that they do not cross, which never adds to the loss (Chernozhukov et
    al., "Quantile and probability curves without crossing", Econometrica 2010). ``MLPRegressor.score`` is the mean of
    ``d2_pinball_score`` over quantiles.

    Parameters
    ----------
    quantile : float in (0, 1) or sequence of such floats, default=0.5
        A sequence, for a y of one column, makes ``predict`` return a matrix of shape (n_samples, n_quantiles).

    Examples
    --------
    >>> from skregopt.losses import Quantile
    >>> Quantile(quantile=[0.05, 0.5, 0.95]).n_outputs(1)
    3
    """

    targets = ("continuous",)
    _parameter_constraints = {"quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"]}
    evaluate = staticmethod(_pinball_evaluate)
    invert_link = staticmethod(_quantile_invert_link)

    def __init__(self, quantile=0.5):
        self.quantile = quantile

    @property
    def keeps_columns(self):
        """Whether the quantiles are a sequence."""
        return not isinstance(self.quantile, Real)

    def _validate_params(self):
        super()._validate_params()
        values = list(self._quantiles())
        if not values or not all(isinstance(q, Real) and 0 < q < 1 for q in values) or len(set(values)) < len(values):
            raise ValueError(
                "The 'quantile' parameter of Quantile must be a float in the range (0.0, 1.0), or a sequence of "
                f"different ones. Got {self.quantile!r} instead."
            )

    def _quantiles(self):
        return [self.quantile] if isinstance(self.quantile, Real) else self.quantile

    def hyper_parameters(self):
        """Return what the kernels read."""
        q = np.array(self._quantiles(), dtype=np.float64)
        return (q.size, *q, *(1 - q), *np.argsort(q))

    def check_y(self, y):
        """Raise ValueError for several columns with several quantiles."""
        if y.shape[1] > 1 and not isinstance(self.quantile, Real):
            raise ValueError(
                f"quantile={self.quantile!r} requires a y of one column, got one with {y.shape[1]}. Use a single "
                "quantile, or an estimator for each column (MultiOutputRegressor)."
            )

    def n_outputs(self, n_targets):
        """Return the number of columns of y times that of quantiles."""
        return n_targets * len(self._quantiles())

    def to_onnx(self, op, raw_prediction):
        """Return the columns of each row sorted, in the order of the quantiles."""
        n = len(self._quantiles())
        if n == 1:
            return raw_prediction
        ascending, _ = op.TopK(raw_prediction, np.array([n]), axis=1, largest=0, n_outputs=2)
        ranks = np.argsort(np.argsort(self._quantiles()))
        return op.Gather(ascending, ranks, axis=1)

    def score(self, y, y_pred, sample_weight=None):
        """Return ``d2_pinball_score``, the share of pinball loss explained, averaged over quantiles."""
        columns = [y_pred] if isinstance(self.quantile, Real) else np.transpose(y_pred)
        pairs = zip(columns, self._quantiles(), strict=True)
        return float(np.mean([d2_pinball_score(y, z, sample_weight=sample_weight, alpha=float(q)) for z, q in pairs]))


def _poisson_evaluate(raw_prediction, y, weights, scale, hyper):
    n_outputs = raw_prediction.shape[1]
    share = scale / raw_prediction.dtype.type(n_outputs)
    total = 0.0
    for i in range(raw_prediction.shape[0]):
        weight = weights[i, 0]
        deviance = 0.0
        for k in range(n_outputs):
            z, target = np.float64(raw_prediction[i, k]), np.float64(y[i, k])
            y_pred = maths.exp(raw_prediction[i, k])
            deviance += np.float64(y_pred) - target * z - target
            if target > 0.0:
                deviance += target * np.log(target)
            raw_prediction[i, k] = (share * weight) * (y_pred - y[i, k])
        total += weight * deviance
    return total / n_outputs


def _exp_invert_link(raw_prediction, hyper):
    for i in range(raw_prediction.shape[0]):
        for k in range(raw_prediction.shape[1]):
            raw_prediction[i, k] = maths.exp(raw_prediction[i, k])


def _exp_to_onnx(op, raw_prediction):
    return op.Exp(raw_prediction)


class Poisson(Loss):
    """Half the Poisson deviance with log link, exp(z) - y z + y log(y) - y, averaged over outputs; prediction exp(z).

    Examples
    --------
    >>> from skregopt.losses import Poisson
    >>> Poisson().out_activation
    'exp'
    """

    targets = ("continuous",)
    out_activation = "exp"
    evaluate = staticmethod(_poisson_evaluate)
    invert_link = staticmethod(_exp_invert_link)
    to_onnx = staticmethod(_exp_to_onnx)

    def check_y(self, y):
        """Raise ValueError for negative targets."""
        if y.size and y.min() < 0:
            raise ValueError(
                f"loss='poisson' requires non-negative y, got y with a minimum of {y.min()}. Use "
                "loss='squared_error' for targets of both signs."
            )


def _gamma_evaluate(raw_prediction, y, weights, scale, hyper):
    n_outputs = raw_prediction.shape[1]
    one = raw_prediction.dtype.type(1)
    share = scale / raw_prediction.dtype.type(n_outputs)
    total = 0.0
    for i in range(raw_prediction.shape[0]):
        weight = weights[i, 0]
        deviance = 0.0
        for k in range(n_outputs):
            z = raw_prediction[i, k]
            ratio = y[i, k] * maths.exp(-z)
            deviance += np.float64(z) - np.log(np.float64(y[i, k])) + np.float64(ratio) - 1.0
            raw_prediction[i, k] = (share * weight) * (one - ratio)
        total += weight * deviance
    return total / n_outputs


class Gamma(Loss):
    """Half the gamma deviance with log link, y exp(-z) - log(y exp(-z)) - 1, averaged over outputs; prediction exp(z).

    For targets > 0.

    Examples
    --------
    >>> from skregopt.losses import Gamma
    >>> Gamma().out_activation
    'exp'
    """

    targets = ("continuous",)
    out_activation = "exp"
    evaluate = staticmethod(_gamma_evaluate)
    invert_link = staticmethod(_exp_invert_link)
    to_onnx = staticmethod(_exp_to_onnx)

    def check_y(self, y):
        """Raise ValueError for targets that are not positive."""
        if y.size and y.min() <= 0:
            raise ValueError(
                f"loss='gamma' requires positive y, got y with a minimum of {y.min()}. Use loss='poisson' for targets "
                "that may be zero, loss='squared_error' for targets of both signs."
            )


CLASSIFICATION_LOSSES = {"log_loss": LogLoss, "focal": Focal}
REGRESSION_LOSSES = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "poisson": Poisson,
    "gamma": Gamma,
}
LOSSES = CLASSIFICATION_LOSSES | REGRESSION_LOSSES
