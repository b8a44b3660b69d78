"""The longer kernels of the optimizers; conventions as in ``optimizers.py``."""

import numpy as np

from ._kernels.blas import gemm
from ._kernels.views import flat_view, matrix_view


def rmsprop_step(weights, grad, square, slot_2, slot_3, slot_4, scalars, step_size):
    """Update by :class:`skregopt.optimizers.RMSprop`; the last slot in use holds the mean of a centered one."""
    lr, rho, rest, momentum = scalars[0], scalars[1], scalars[2], scalars[3]
    centered, epsilon = scalars[4] > 0, scalars[5]
    one = weights.dtype.type(1)
    if centered:
        mean = slot_4 if momentum > 0 else slot_2
        for i in range(weights.size):
            # the variance itself: as a difference of two averages it may come out negative
            deviation = grad[i] - mean[i]
            mean[i] = mean[i] + rest * deviation
            square[i] = rho * (square[i] + rest * (deviation * deviation))
    else:
        for i in range(weights.size):
            square[i] = rho * square[i] + rest * (grad[i] * grad[i])
    if momentum == 0:
        for i in range(weights.size):
            weights[i] -= lr * (grad[i] / (np.sqrt(square[i]) + epsilon))
        for i in range(step_size.size):
            step_size[i] = lr / (np.sqrt(square[i]) + epsilon)
    else:
        velocity, factors = slot_2, slot_3  # and the sum of the factors of past gradients in the velocity
        for i in range(weights.size):
            factor = one / (np.sqrt(square[i]) + epsilon)
            factors[i] = momentum * factors[i] + factor
            velocity[i] = momentum * velocity[i] + factor * grad[i]
            weights[i] -= lr * velocity[i]
        for i in range(step_size.size):
            step_size[i] = lr * factors[i]


def muon_step_matrix(weights, grad, average, slot_2, slot_3, slot_4, scratch, hyper, step_size, lr, t):
    """Orthogonalise the average gradient and step along it, see :class:`skregopt.optimizers.Muon`.

    Of ``hyper``, the first four elements are those of Adam. ``grad`` is overwritten by c_t.
    """
    n_rows, n_columns = weights.shape
    size, smaller = n_rows * n_columns, min(n_rows, n_columns)
    number = scratch.dtype.type
    zero, one, tiny = number(0), number(1), np.finfo(scratch.dtype).tiny
    momentum, nesterov, n_steps, matches_rms = hyper[4], hyper[5] > 0, np.int64(hyper[6]), hyper[7] > 0
    rest = one - momentum
    w, c, m = flat_view(weights, 0, size), flat_view(grad, 0, size), flat_view(average, 0, size)
    squares = zero
    for i in range(size):
        m[i] = momentum * m[i] + rest * c[i]
        c[i] = rest * c[i] + momentum * m[i] if nesterov else m[i]
        squares += c[i] * c[i]
    norm, floor = np.sqrt(squares), number(1e-7)
    scale = one / (floor if norm < floor else norm)
    # two matrices of the size of the weights, two square ones of the smaller side
    x, y = matrix_view(scratch, 0, n_rows, n_columns), matrix_view(scratch, size, n_rows, n_columns)
    gram = matrix_view(scratch, 2 * size, smaller, smaller)
    factor = matrix_view(scratch, 2 * size + smaller * smaller, smaller, smaller)
    gram_elements, factor_elements = flat_view(gram, 0, gram.size), flat_view(factor, 0, factor.size)
    start = flat_view(x, 0, size)
    for i in range(size):
        start[i] = c[i] * scale
    is_tall = n_rows > n_columns
    for _ in range(n_steps):
        gemm(is_tall, not is_tall, x, x, False, gram)
        gemm(False, False, gram, gram, False, factor)
        for i in range(factor.size):
            factor_elements[i] = number(-4.7750) * gram_elements[i] + number(2.0315) * factor_elements[i]
        for i in range(0, factor.size, smaller + 1):
            factor_elements[i] += number(3.4445)
        if is_tall:
            gemm(False, False, x, factor, False, y)
        else:
            gemm(False, False, factor, x, False, y)
        x, y = y, x
    direction = flat_view(x, 0, size)
    rate = lr * np.sqrt(max(one, number(n_columns) / number(n_rows)))
    if matches_rms:
        rate = lr * number(0.2) * np.sqrt(number(max(n_rows, n_columns)))
    if step_size.size == 0:
        for i in range(size):
            w[i] -= rate * direction[i]
        return
    # Where the direction has another sign than c, no stationary point would be a fixed point; where it is near zero, a
    # weight would stand still before it is stationary. So it only gives magnitudes, and a share of c the least of them.
    squares = zero
    for i in range(size):
        squares += direction[i] * direction[i]
    norm = np.sqrt(squares)
    least = number(0.1) * scale * (one if norm < one else norm)
    # the factors of the past gradients in c sum to 1 - momentum^t, with Nesterov's to 1 - momentum^(t + 1)
    proximal = rate * (one - momentum ** number(t + 1 if nesterov else t))
    for i in range(size):
        magnitude = abs(c[i])
        ratio = abs(direction[i]) / (tiny if magnitude < tiny else magnitude)
        step_size[i] = proximal * (least if ratio < least else ratio)
        step = rate * (least * magnitude if ratio < least else abs(direction[i]))
        w[i] -= step if c[i] > zero else -step if c[i] < zero else c[i]
