"""Log loss: softmax over classes, sigmoids for labels."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

import numpy as np

from .._kernels import maths
from .._kernels.jit import inlined_jit, jit
from .._kernels.sklearn_internals import Interval
from .._kernels.typing import Kernel, OnnxGraph
from .._kernels.views import flat_view
from ._family import Growth, Loss, TargetKind

LABEL_SMOOTHING = 0  # place in `hyper`
LARGEST_PRODUCT = 1e200  # leaves room for one factor more


@jit
def _larger(first, second):
    return first if first > second else second


@jit
def _highest(row):
    """Return the largest element; any element if one of them is NaN.

    The order of comparisons matters to NaN, so LLVM does not vectorise a single maximum. It does vectorise the eight
    independent maxima that long rows get here.
    """
    zeroth = row[0]
    if row.size < 16:
        for k in range(1, row.size):
            zeroth = _larger(row[k], zeroth)
        return zeroth
    first = second = third = fourth = fifth = sixth = seventh = zeroth
    eights = row.size - row.size % 8
    for k in range(0, eights, 8):
        zeroth, first = _larger(row[k], zeroth), _larger(row[k + 1], first)
        second, third = _larger(row[k + 2], second), _larger(row[k + 3], third)
        fourth, fifth = _larger(row[k + 4], fourth), _larger(row[k + 5], fifth)
        sixth, seventh = _larger(row[k + 6], sixth), _larger(row[k + 7], seventh)
    for k in range(eights, row.size):
        zeroth = _larger(row[k], zeroth)
    zeroth, second = _larger(zeroth, first), _larger(second, third)
    fourth, sixth = _larger(fourth, fifth), _larger(sixth, seventh)
    return _larger(_larger(zeroth, second), _larger(fourth, sixth))


@jit
def _subtract_highest(raw_prediction):
    """Subtract from each row its largest element."""
    n_rows, n_outputs = raw_prediction.shape
    for i in range(n_rows):
        row = flat_view(raw_prediction, i * n_outputs, n_outputs)
        highest = _highest(row)
        for k in range(n_outputs):
            row[k] -= highest


@jit
def _replace_by_exp(raw_prediction):
    """Replace all elements by their exponentials, in one flat loop because short rows do not vectorise."""
    values = flat_view(raw_prediction, 0, raw_prediction.size)
    for i in range(values.size):
        values[i] = maths.exp(values[i])


def _softmax_evaluate(raw_prediction, y, weights, scale, hyper):
    n_rows, n_outputs = raw_prediction.shape
    zero = raw_prediction.dtype.type(0)
    on_all = hyper[LABEL_SMOOTHING] / raw_prediction.dtype.type(n_outputs)
    on_label = raw_prediction.dtype.type(1) - hyper[LABEL_SMOOTHING]
    total = 0.0
    _subtract_highest(raw_prediction)
    for i in range(n_rows):
        # the second term of log(sum_k exp(z_k - max z)) - sum_k t_k (z_k - max z)
        row = flat_view(raw_prediction, i * n_outputs, n_outputs)
        above = on_label * row[int(y[i, 0])]
        if on_all > zero:
            for k in range(n_outputs):
                above += on_all * row[k]
        total -= weights[i, 0] * np.float64(above)
    _replace_by_exp(raw_prediction)
    # As long as weights are equal, one logarithm of a product takes the place of many logarithms.
    product, common_weight = 1.0, weights[0, 0]
    for i in range(n_rows):
        row = flat_view(raw_prediction, i * n_outputs, n_outputs)
        normaliser = zero
        for k in range(n_outputs):
            normaliser += row[k]
        weight = weights[i, 0]
        if weight != common_weight or product > LARGEST_PRODUCT:
            total += common_weight * np.log(product)
            product, common_weight = 1.0, weight
        product *= np.float64(normaliser)
        weight *= scale
        factor = weight / normaliser
        smoothed = weight * on_all
        for k in range(n_outputs):
            row[k] = row[k] * factor - smoothed
        row[int(y[i, 0])] -= weight * on_label
    return total + common_weight * np.log(product)


def softmax_invert_link(raw_prediction, hyper):
    """Replace each row by its softmax."""
    n_rows, n_outputs = raw_prediction.shape
    zero = raw_prediction.dtype.type(0)
    _subtract_highest(raw_prediction)
    _replace_by_exp(raw_prediction)
    for i in range(n_rows):
        row = flat_view(raw_prediction, i * n_outputs, n_outputs)
        normaliser = zero
        for k in range(n_outputs):
            normaliser += row[k]
        for k in range(n_outputs):
            row[k] /= normaliser


@inlined_jit
def _sigmoid_term(z, t, one):
    """Return log(1 + exp(z)) - t z and its derivative p - t, neither with overflow nor with cancellation."""
    zero = one - one
    is_positive = z > zero
    u = maths.exp(-abs(z))
    missing = one - t if is_positive else t  # the target of the less probable side
    difference = missing - u / (one + u)
    return abs(z) * missing + maths.log1p(u), difference if is_positive else -difference


def _sigmoid_evaluate(raw_prediction, y, weights, scale, hyper):
    n_rows, n_outputs = raw_prediction.shape
    one = raw_prediction.dtype.type(1)
    on_all = hyper[LABEL_SMOOTHING] / raw_prediction.dtype.type(2)
    on_label = one - hyper[LABEL_SMOOTHING]
    total = 0.0
    if weights.shape[1] == n_outputs:  # one flat loop, because short rows do not vectorise
        size = n_rows * n_outputs
        z, targets, flat_weights = (
            flat_view(raw_prediction, 0, size),
            flat_view(y, 0, size),
            flat_view(weights, 0, size),
        )
        for i in range(size):
            loss, slope = _sigmoid_term(z[i], targets[i] * on_label + on_all, one)
            total += flat_weights[i] * np.float64(loss)
            z[i] = (scale * flat_weights[i]) * slope
        return total
    for i in range(n_rows):
        for k in range(n_outputs):
            loss, slope = _sigmoid_term(raw_prediction[i, k], y[i, k] * on_label + on_all, one)
            total += weights[i, 0] * np.float64(loss)
            raw_prediction[i, k] = (scale * weights[i, 0]) * slope
    return total


def sigmoid_invert_link(raw_prediction, hyper):
    """Replace each element by its logistic sigmoid, between the smallest normal number and the largest number below 1.

    So small probabilities keep their order, and none is 0 or 1, as scikit-learn's checks want it.
    """
    smallest = np.finfo(raw_prediction.dtype).tiny
    largest = raw_prediction.dtype.type(1.0 - np.finfo(raw_prediction.dtype).eps / 2)
    for i in range(raw_prediction.shape[0]):
        for k in range(raw_prediction.shape[1]):
            p = maths.logistic(raw_prediction[i, k])
            raw_prediction[i, k] = p if p != p else min(max(p, smallest), largest)


def _log_softmax_invert_link(raw_prediction, hyper):
    n_rows, n_outputs = raw_prediction.shape
    zero = raw_prediction.dtype.type(0)
    _subtract_highest(raw_prediction)
    for i in range(n_rows):
        row = flat_view(raw_prediction, i * n_outputs, n_outputs)
        normaliser = zero
        for k in range(n_outputs):
            normaliser += maths.exp(row[k])
        log_normaliser = np.log(normaliser)
        for k in range(n_outputs):
            row[k] -= log_normaliser


def _log_sigmoid_invert_link(raw_prediction, hyper):
    zero = raw_prediction.dtype.type(0)
    values = flat_view(raw_prediction, 0, raw_prediction.size)
    for i in range(values.size):
        z = values[i]
        values[i] = (z if z < zero else zero) - maths.log1p(maths.exp(-abs(z)))


def _log_label_invert_link(raw_prediction, hyper):
    zero, one = raw_prediction.dtype.type(0), raw_prediction.dtype.type(1)
    largest = raw_prediction.dtype.type(1.0 - np.finfo(raw_prediction.dtype).eps / 2)
    values = flat_view(raw_prediction, 0, raw_prediction.size)
    for i in range(values.size):
        z = values[i]
        u = maths.exp(-abs(z))
        values[i] = np.log(min(one / (one + u), largest)) if z > zero else z - maths.log1p(u)


class LogSoftmax(Loss):
    """Not to train with: predicts the logarithm of the softmax, exact where a probability is rounded to 0 or 1."""

    out_activation = "log_softmax"
    invert_link: Kernel = staticmethod(_log_softmax_invert_link)


class LogSigmoid(Loss):
    """Not to train with: predicts the logarithm of the sigmoid, exact where a probability is rounded to 0 or 1."""

    out_activation = "log_sigmoid"
    invert_link: Kernel = staticmethod(_log_sigmoid_invert_link)


class LogLabel(Loss):
    """Not to train with: the logarithm of the sigmoid, exact where it is below one half, else of the rounded sigmoid.

    The suite of scikit-learn wants the latter of a multilabel problem.
    """

    out_activation = "log_sigmoid"
    invert_link: Kernel = staticmethod(_log_label_invert_link)


# by the inverse link of the loss and the kind of target
LOG_PREDICTIONS = {
    (softmax_invert_link, "multiclass"): LogSoftmax,
    (sigmoid_invert_link, "binary"): LogSigmoid,
    (sigmoid_invert_link, "multilabel"): LogLabel,
}


def softmax_to_onnx(op: OnnxGraph, raw_prediction: str) -> str:
    """Return the softmax of each row."""
    return op.Softmax(raw_prediction, axis=1)


def sigmoid_to_onnx(op: OnnxGraph, raw_prediction: str) -> str:
    """Return the sigmoid of each element, as :func:`sigmoid_invert_link` does."""
    # not op.Sigmoid, which onnxruntime clips at -18
    sigmoid = op.Reciprocal(op.Add(1.0, op.Exp(op.Neg(raw_prediction))))
    return op.Min(op.Max(sigmoid, op.smallest_normal), 1 - op.eps / 2)


class ClassificationLoss(Loss):
    """Base of the losses of classes, whose labels can be smoothed."""

    targets: tuple[TargetKind, ...] = ("binary", "multiclass", "multilabel")
    growth: Growth | None = "polynomial"
    flat_parameters: ClassVar[tuple[str, ...]] = ("label_smoothing",)
    _parameter_constraints = {"label_smoothing": [Interval(Real, 0, 1, closed="left")]}

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return the smoothing."""
        return (self.label_smoothing,)


class SoftmaxLogLoss(ClassificationLoss):
    """Log loss of mutually exclusive classes: log(sum_k exp(z_k)) - sum_k t_k z_k, prediction softmax(z).

    This is :class:`LogLoss` for a multiclass target.
    """

    out_activation = "softmax"
    evaluate: Kernel = staticmethod(_softmax_evaluate)
    invert_link: Kernel = staticmethod(softmax_invert_link)

    def to_onnx(self, op: OnnxGraph, raw_prediction: str) -> str:
        """Return the softmax of each row."""
        return softmax_to_onnx(op, raw_prediction)


class SigmoidLogLoss(ClassificationLoss):
    """Log loss of independent yes-or-no outputs: sum_k log(1 + exp(z_k)) - t_k z_k, prediction 1 / (1 + exp(-z)).

    This is :class:`LogLoss` for a binary (one output) or multilabel target.
    """

    out_activation = "logistic"
    evaluate: Kernel = staticmethod(_sigmoid_evaluate)
    invert_link: Kernel = staticmethod(sigmoid_invert_link)

    def to_onnx(self, op: OnnxGraph, raw_prediction: str) -> str:
        """Return the sigmoid of each element."""
        return sigmoid_to_onnx(op, raw_prediction)


class LogLoss(ClassificationLoss):
    """Log loss (cross-entropy) of the labels, -sum_k t_k log(p_k), in natural logarithms.

    Softmax over mutually exclusive classes; the logistic sigmoid for two classes and for each label of a multilabel
    target, whose losses are summed over labels.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        Share e of each target that is spread evenly over the K classes: t = (1 - e) y + e / K, with K = 2 for a
        sigmoid. As in PyTorch's ``CrossEntropyLoss``.

    Examples
    --------
    >>> from skregopt.losses import LogLoss
    >>> LogLoss().for_target("multilabel")
    SigmoidLogLoss()
    """

    def for_target(self, target: TargetKind) -> SoftmaxLogLoss | SigmoidLogLoss:
        """Return the softmax form for 'multiclass', the sigmoid form otherwise."""
        return (SoftmaxLogLoss if target == "multiclass" else SigmoidLogLoss)(self.label_smoothing)
