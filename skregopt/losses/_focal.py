"""Focal loss: softmax over classes, sigmoids for labels."""

from __future__ import annotations

from numbers import Real

import numpy as np

from .._kernels import maths
from .._kernels.jit import jit
from .._kernels.sklearn_internals import Interval
from .._kernels.typing import Kernel, OnnxGraph
from .._kernels.views import flat_view
from ._family import TargetKind
from ._log_loss import ClassificationLoss, sigmoid_invert_link, sigmoid_to_onnx, softmax_invert_link, softmax_to_onnx

LABEL_SMOOTHING, GAMMA = range(2)  # places in `hyper`


@jit
def _focal_softmax_term(z, is_highest, highest, rest, gamma, one):
    """Return p_k, 1 - p_k, -(1 - p_k)^gamma log(p_k) and minus its derivative by log(p_k), for one class."""
    zero = one - one
    e = maths.exp(z - highest)
    normaliser = one + rest
    p, q = e / normaliser, (rest if is_highest else normaliser - e) / normaliser
    surprise = np.log1p(rest) + (highest - z)
    modulation = q**gamma
    # -p log(p) / (1 - p), whose numerator and denominator vanish for p = 1; the limit there is 1
    ratio = p * surprise / q if q > zero else p
    return p, q, modulation * surprise, modulation * (one + gamma * ratio)


def _focal_softmax_evaluate(raw_prediction, y, weights, scale, hyper):
    n_rows, n_outputs = raw_prediction.shape
    zero, one = raw_prediction.dtype.type(0), raw_prediction.dtype.type(1)
    gamma = hyper[GAMMA]
    on_all = hyper[LABEL_SMOOTHING] / raw_prediction.dtype.type(n_outputs)
    on_label = one - hyper[LABEL_SMOOTHING]
    total = 0.0
    for i in range(n_rows):
        row = flat_view(raw_prediction, i * n_outputs, n_outputs)
        label = int(y[i, 0])
        best = 0
        for k in range(1, n_outputs):
            best = k if row[k] > row[best] else best
        highest = row[best]
        rest = zero  # sum_k exp(z_k - max z) without its largest term, which is 1
        for k in range(n_outputs):
            if k != best:
                rest += maths.exp(row[k] - highest)
        loss, pull = zero, zero
        for k in range(n_outputs):
            t = on_label + on_all if k == label else on_all
            if t > zero:
                _, _, value, slope = _focal_softmax_term(row[k], k == best, highest, rest, gamma, one)
                loss += t * value
                pull += t * slope
        total += weights[i, 0] * np.float64(loss)
        weight = scale * weights[i, 0]
        for k in range(n_outputs):
            t = on_label + on_all if k == label else on_all
            p, q, _, slope = _focal_softmax_term(row[k], k == best, highest, rest, gamma, one)
            if on_all > zero:
                row[k] = weight * (p * (pull - t * slope) - q * (t * slope))
            else:  # without smoothing a form in which nothing cancels, even for a label that is nearly certain
                row[k] = weight * (-q * pull if k == label else p * pull)
    return total


@jit
def _focal_sigmoid_term(z, t, gamma, one):
    """Return t F(z) + (1 - t) F(-z), F(z) = -(1 - p)^gamma log(p) with p = 1 / (1 + exp(-z)), and its derivative."""
    zero = one - one
    is_positive = z > zero
    u = maths.exp(-abs(z))
    log_term = maths.log1p(u)
    for_no = log_term + (z if is_positive else zero)  # -log(1 - p)
    for_yes = log_term + (zero if is_positive else -z)  # -log(p)
    less, more = u / (one + u), one / (one + u)
    p, q = more if is_positive else less, less if is_positive else more
    yes, no = t * maths.exp(-gamma * for_no), (one - t) * maths.exp(-gamma * for_yes)
    return yes * for_yes + no * for_no, no * (p + gamma * q * for_no) - yes * (q + gamma * p * for_yes)


def _focal_sigmoid_evaluate(raw_prediction, y, weights, scale, hyper):
    n_rows, n_outputs = raw_prediction.shape
    one = raw_prediction.dtype.type(1)
    gamma = hyper[GAMMA]
    on_all = hyper[LABEL_SMOOTHING] / raw_prediction.dtype.type(2)
    on_label = one - hyper[LABEL_SMOOTHING]
    total = 0.0
    if weights.shape[1] == n_outputs:
        size = n_rows * n_outputs
        z, targets, flat_weights = (
            flat_view(raw_prediction, 0, size),
            flat_view(y, 0, size),
            flat_view(weights, 0, size),
        )
        for i in range(size):
            loss, slope = _focal_sigmoid_term(z[i], targets[i] * on_label + on_all, gamma, one)
            total += flat_weights[i] * np.float64(loss)
            z[i] = (scale * flat_weights[i]) * slope
        return total
    for i in range(n_rows):
        for k in range(n_outputs):
            loss, slope = _focal_sigmoid_term(raw_prediction[i, k], y[i, k] * on_label + on_all, gamma, one)
            total += weights[i, 0] * np.float64(loss)
            raw_prediction[i, k] = (scale * weights[i, 0]) * slope
    return total


class _FocalLoss(ClassificationLoss):
    """Parameters of the focal loss."""

    _parameter_constraints = {
        "gamma": [Interval(Real, 0, None, closed="left")],
        **ClassificationLoss._parameter_constraints,
    }

    def __init__(self, gamma: float = 2.0, label_smoothing: float = 0.0) -> None:
        self.gamma = gamma
        self.label_smoothing = label_smoothing

    def hyper_parameters(self) -> tuple[float, ...]:
        return (self.label_smoothing, self.gamma)


class FocalSoftmax(_FocalLoss):
    """Focal loss of mutually exclusive classes: -sum_k t_k (1 - p_k)^gamma log(p_k), prediction p = softmax(z).

    This is :class:`Focal` for a multiclass target.
    """

    out_activation = "softmax"
    evaluate: Kernel = staticmethod(_focal_softmax_evaluate)
    invert_link: Kernel = staticmethod(softmax_invert_link)

    def to_onnx(self, op: OnnxGraph, raw_prediction: str) -> str:
        """Return the softmax of each row."""
        return softmax_to_onnx(op, raw_prediction)


class FocalSigmoid(_FocalLoss):
    """Focal loss of independent yes-or-no outputs, summed over them; prediction p = 1 / (1 + exp(-z)).

    This is :class:`Focal` for a binary (one output) or multilabel target.
    """

    out_activation = "logistic"
    evaluate: Kernel = staticmethod(_focal_sigmoid_evaluate)
    invert_link: Kernel = staticmethod(sigmoid_invert_link)

    def to_onnx(self, op: OnnxGraph, raw_prediction: str) -> str:
        """Return the sigmoid of each element."""
        return sigmoid_to_onnx(op, raw_prediction)


class Focal(_FocalLoss):
    """Focal loss, -sum_k t_k (1 - p_k)^gamma log(p_k): log loss that counts examples less the better they are fitted.

    Softmax and sigmoids as in :class:`LogLoss`; a sigmoid is a softmax over the two classes yes and no. From Lin
    et al., "Focal loss for dense object detection", ICCV 2017. Their class balance is ``class_weight`` here.

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

    def for_target(self, target: TargetKind) -> FocalSoftmax | FocalSigmoid:
        """Return the softmax form for 'multiclass', the sigmoid form otherwise."""
        return (FocalSoftmax if target == "multiclass" else FocalSigmoid)(self.gamma, self.label_smoothing)
