"""Compiled loops over single parts of an epoch, for parts.py."""

from numba import from_dtype, types

from skregopt._engine.blocks.product import _add_product, _product_transposed
from skregopt._engine.records import PIECE, SOURCE
from skregopt._engine.tiles import _evaluate, _load
from skregopt._engine.update import _step
from skregopt._kernels.blas import gemm_of_columns
from skregopt._kernels.jit import entry_point, matrix, vector
from skregopt._kernels.views import flat_view, matrix_view

_count, _counts = types.int64, vector(types.int64)


def _records(dtype):
    return vector(from_dtype(dtype))


def _products(layers, n_times, n_rows, inputs, theta, transposed, deltas, grad, pieces):
    """Compute the products of ``n_times`` batches: forward, errors of the layers below, gradients piece by piece."""
    last = layers.size - 2
    for _ in range(n_times):
        for layer in range(last + 1):
            fan_in, fan_out = layers[layer], layers[layer + 1]
            coef = matrix_view(theta, 0, fan_in, fan_out)
            _add_product(matrix_view(inputs, 0, n_rows, fan_in), coef, matrix_view(deltas, 0, n_rows, fan_out))
            if layer > 0:
                delta = matrix_view(inputs, 0, n_rows, fan_out)
                _product_transposed(delta, coef, transposed, matrix_view(deltas, 0, n_rows, fan_in))
        for piece in range(pieces.shape[0]):
            layer, first, stop = pieces[piece].layer, pieces[piece].first, pieces[piece].stop
            if layer <= last:
                left = matrix_view(inputs, 0, n_rows, layers[layer])
                right = matrix_view(deltas, 0, n_rows, layers[layer + 1])
                gemm_of_columns(left, first, right, False, matrix_view(grad, 0, stop - first, layers[layer + 1]))


def _steps(address, n_times, chunk, theta, grad, slot_1, slot_2, nothing, scalars):
    """Update all parameters ``n_times``, some at a time, with a gradient that stays in the cache."""
    for _ in range(n_times):
        for start in range(0, theta.size, chunk):
            n = min(chunk, theta.size - start)
            _step(
                address, flat_view(theta, start, n), flat_view(grad, 0, n), flat_view(slot_1, start, n),
                flat_view(slot_2, start, n), nothing, nothing, scalars, nothing,
            )  # fmt: skip


def _gather(address, batch, sources, order, dense, nothing, no_indices):
    """Load all rows, a batch at a time, in the given order."""
    for start in range(0, order.size, batch):
        n = min(batch, order.size - start)
        _load(address, sources[0], flat_view(order, start, n), dense, nothing, no_indices, no_indices)


def _losses(address, n_times, raw, y, weights, hyper, spoilt):
    """Evaluate the loss of the same rows ``n_times``; ``spoilt`` is memory for what that leaves of ``raw``."""
    total = 0.0
    for _ in range(n_times):
        for i in range(raw.shape[0]):
            for k in range(raw.shape[1]):
                spoilt[i, k] = raw[i, k]
        total += _evaluate(address, spoilt, y, weights, raw.dtype.type(1), hyper)
    return total


def compiled(T):
    """Return the loops above for the scalar type T."""
    v, m = vector(T), matrix(T)
    signatures = {
        _products: types.void(_counts, _count, _count, v, v, m, v, v, _records(PIECE)),
        _steps: types.void(_count, _count, _count, *[v] * 6),
        _gather: types.void(_count, _count, _records(SOURCE), _counts, v, v, _counts),
        _losses: types.float64(_count, _count, m, m, m, v, m),
    }
    return [entry_point(function, signature) for function, signature in signatures.items()]
