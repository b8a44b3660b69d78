"""Arrays that start on a cache line, so that no vector instruction of the training loop straddles two."""

import math

import numpy as np

_CACHE_LINE = 64  # bytes


def aligned_zeros(shape, dtype):
    """Return an array of zeros that starts on a cache line."""
    dtype = np.dtype(dtype)
    size = (math.prod(shape) if isinstance(shape, tuple) else shape) * dtype.itemsize
    memory = np.zeros(size + _CACHE_LINE, dtype=np.uint8)
    start = -memory.__array_interface__["data"][0] % _CACHE_LINE
    return memory[start : start + size].view(dtype).reshape(shape)


def aligned_copy(array):
    """Return a copy of an array that starts on a cache line."""
    copy = aligned_zeros(array.shape, array.dtype)
    copy[...] = array
    return copy


def aligned_size(size, dtype):
    """Round a number of elements up to whole cache lines."""
    per_line = _CACHE_LINE // np.dtype(dtype).itemsize
    return -(-size // per_line) * per_line
