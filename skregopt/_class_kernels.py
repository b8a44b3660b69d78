"""Kernels of the losses of classes, see ``losses.py`` for their arguments; log loss and focal loss share links."""

import numpy as np

from ._kernels import maths
from ._kernels.jit import inlined_jit, jit
from ._kernels.views import flat_view

_ENOUGH = 1e200  # of a product, so that one factor more does not overflow


@jit
def _larger(first, second):
    return first if first > second else second


@jit
def _highest(row):
    """Return the largest element; what it is does not matter if there is a NaN.

    A maximum of floats does not vectorise, since NaN has a say; for long rows, eight maxima do.
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


def softmax_evaluate(raw_prediction, y, weights, scale, hyper):
    n_rows, n_outputs = raw_prediction.shape
    zero = raw_prediction.dtype.type(0)
    on_all = hyper[0] / raw_prediction.dtype.type(n_outputs)
    on_label = raw_prediction.dtype.type(1) - hyper[0]
    total = 0.0
    _subtract_highest(raw_prediction)
    for i in range(n_rows):
        # the labels' share of log(sum_k exp(z_k - max z)) - sum_k t_k (z_k - max z)
        row = flat_view(raw_prediction, i * n_outputs, n_outputs)
        above = on_label * row[int(y[i, 0])]
        if on_all > zero:
            for k in range(n_outputs):
                above += on_all * row[k]
        total -= weights[i, 0] * np.float64(above)
    _replace_by_exp(raw_prediction)
    # one logarithm of a product instead of many, as long as weights are the same
    product, common_weight = 1.0, weights[0, 0]
    for i in range(n_rows):
        row = flat_view(raw_prediction, i * n_outputs, n_outputs)
        normaliser = zero
        for k in range(n_outputs):
            normaliser += row[k]
        weight = weights[i, 0]
        if weight != common_weight or product > _ENOUGH:
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
    missing = one - t if is_positive else t  # of the target on the less probable side
    difference = missing - u / (one + u)
    return abs(z) * missing + maths.log1p(u), difference if is_positive else -difference


def sigmoid_evaluate(raw_prediction, y, weights, scale, hyper):
    n_rows, n_outputs = raw_prediction.shape
    one = raw_prediction.dtype.type(1)
    on_all = hyper[0] / raw_prediction.dtype.type(2)
    on_label = one - hyper[0]
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
    # predictions stay inside [eps, 1 - eps], so that their logarithms are finite
    one = raw_prediction.dtype.type(1)
    eps = np.finfo(raw_prediction.dtype).eps
    for i in range(raw_prediction.shape[0]):
        for k in range(raw_prediction.shape[1]):
            p = maths.logistic(raw_prediction[i, k])
            raw_prediction[i, k] = p if p != p else min(max(p, eps), one - eps)


@jit
def _focal_softmax_term(z, is_highest, highest, rest, gamma, one):
    """Return p_k, 1 - p_k, -(1 - p_k)^gamma log(p_k) and minus its derivative by log(p_k), for one class."""
    zero = one - one
    e = maths.exp(z - highest)
    normaliser = one + rest
    p, q = e / normaliser, (rest if is_highest else normaliser - e) / normaliser
    surprise = np.log1p(rest) + (highest - z)
    modulation = q**gamma
    # -p log(p) / (1 - p) tends to one with p, where both vanish
    ratio = p * surprise / q if q > zero else p
    return p, q, modulation * surprise, modulation * (one + gamma * ratio)


def focal_softmax_evaluate(raw_prediction, y, weights, scale, hyper):
    n_rows, n_outputs = raw_prediction.shape
    zero, one = raw_prediction.dtype.type(0), raw_prediction.dtype.type(1)
    gamma = hyper[1]
    on_all = hyper[0] / raw_prediction.dtype.type(n_outputs)
    on_label = one - hyper[0]
    total = 0.0
    for i in range(n_rows):
        row = flat_view(raw_prediction, i * n_outputs, n_outputs)
        label = int(y[i, 0])
        best = 0
        for k in range(1, n_outputs):
            best = k if row[k] > row[best] else best
        highest = row[best]
        rest = zero  # of sum_k exp(z_k - max z), without the one of the highest
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
            else:  # nothing cancels, for a label that is nearly certain
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


def focal_sigmoid_evaluate(raw_prediction, y, weights, scale, hyper):
    n_rows, n_outputs = raw_prediction.shape
    one = raw_prediction.dtype.type(1)
    gamma = hyper[1]
    on_all = hyper[0] / raw_prediction.dtype.type(2)
    on_label = one - hyper[0]
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
