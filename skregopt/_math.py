"""Helpers that kernels of several files share: exponentials that vectorise, and counter-based random numbers.

Each helper is an ordinary Python function, which is its definition, with a compiled implementation beside it. numba's
own ``np.exp`` and ``np.tanh`` are calls of a scalar library function; the implementations here are branch-free, so that
LLVM turns a loop over them into vector instructions. They are the classic range reductions and coefficients of the
Cephes library (S. Moshier, 1984-1992), accurate to about 1 unit in the last place.

The cache key of every compiled function contains a digest of this file (see ``_jit.py``).
"""

import numpy as np
from numba import njit, types
from numba.extending import intrinsic, overload

# Reassociation would undo the two-part range reduction, so these functions only allow fused multiply-adds.
_EXACT = {"fastmath": {"contract"}, "error_model": "numpy", "nogil": True}

f4, f8, i4, i8, u4, u8 = np.float32, np.float64, np.int32, np.int64, np.uint32, np.uint64


@intrinsic
def _bits_as_float(typingctx, bits):
    """Reinterpret an int32 as float32, an int64 as float64."""
    target = {types.int32: types.float32, types.int64: types.float64}[bits]

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(signature.return_type))

    return target(bits), codegen


def exp(x):
    """Return e**x in the precision of x."""
    with np.errstate(over="ignore", under="ignore"):
        return np.exp(x)


@njit(**_EXACT)
def _exp_single(x):
    clamped = min(max(x, f4(-104.0)), f4(89.0))
    n = np.floor(clamped * f4(1.44269504088896341) + f4(0.5))
    r = clamped - n * f4(0.693359375)
    r = r - n * f4(-2.12194440e-4)
    p = f4(1.9875691500e-4)
    p = p * r + f4(1.3981999507e-3)
    p = p * r + f4(8.3334519073e-3)
    p = p * r + f4(4.1665795894e-2)
    p = p * r + f4(1.6666665459e-1)
    p = p * r + f4(5.0000001201e-1)
    p = p * (r * r) + r + f4(1.0)
    # 2**n in two factors, so that the result may overflow to inf and underflow through the subnormals
    whole = i4(n)
    half = i4(whole >> i4(1))
    rest = i4(whole - half)
    low = _bits_as_float(i4(i4(half + i4(127)) << i4(23)))
    high = _bits_as_float(i4(i4(rest + i4(127)) << i4(23)))
    return x if x != x else (p * low) * high


@njit(**_EXACT)
def _exp_double(x):
    clamped = min(max(x, f8(-746.0)), f8(710.0))
    n = np.floor(clamped * f8(1.4426950408889634073599) + f8(0.5))
    r = clamped - n * f8(6.93145751953125e-1)
    r = r - n * f8(1.42860682030941723212e-6)
    rr = r * r
    p = f8(1.26177193074810590878e-4)
    p = p * rr + f8(3.02994407707441961300e-2)
    p = r * (p * rr + f8(9.99999999999999999910e-1))
    q = f8(3.00198505138664455042e-6)
    q = q * rr + f8(2.52448340349684104192e-3)
    q = q * rr + f8(2.27265548208155028766e-1)
    q = q * rr + f8(2.00000000000000000009)
    value = f8(1.0) + f8(2.0) * (p / (q - p))
    whole = i8(n)
    half = whole >> 1
    rest = whole - half
    low = _bits_as_float((half + 1023) << 52)
    high = _bits_as_float((rest + 1023) << 52)
    return x if x != x else (value * low) * high


@overload(exp)
def _overload_exp(x):
    return _by_precision(x, lambda x: _exp_single(x), lambda x: _exp_double(x))


def tanh(x):
    """Return the hyperbolic tangent of x in the precision of x."""
    return np.tanh(x)


@njit(**_EXACT)
def _tanh_single(x):
    square = x * x
    p = f4(-5.70498872745e-3)
    p = p * square + f4(2.06390887954e-2)
    p = p * square + f4(-5.37397155531e-2)
    p = p * square + f4(1.33314422036e-1)
    p = p * square + f4(-3.33332819422e-1)
    magnitude = abs(x)
    exponential = _exp_single(magnitude + magnitude)
    # one division for both cases: a division in one of them would be branched around instead of vectorised
    is_small = magnitude < f4(0.625)
    sign = f4(1.0) if x > f4(0.0) else f4(-1.0)
    numerator = x * (square * p) if is_small else f4(-2.0) * sign
    denominator = f4(1.0) if is_small else exponential + f4(1.0)
    value = (x if is_small else sign) + numerator / denominator
    return x if x != x else value


@njit(**_EXACT)
def _tanh_double(x):
    square = x * x
    p = f8(-9.64399179425052238628e-1)
    p = p * square + f8(-9.92877231001918586564e1)
    p = p * square + f8(-1.61468768441708447952e3)
    q = square + f8(1.12811678491632931402e2)
    q = q * square + f8(2.23548839060100448583e3)
    q = q * square + f8(4.84406305325125486048e3)
    magnitude = abs(x)
    exponential = _exp_double(magnitude + magnitude)
    is_small = magnitude < f8(0.625)
    sign = f8(1.0) if x > f8(0.0) else f8(-1.0)
    numerator = x * (square * p) if is_small else f8(-2.0) * sign
    denominator = q if is_small else exponential + f8(1.0)
    value = (x if is_small else sign) + numerator / denominator
    return x if x != x else value


@overload(tanh)
def _overload_tanh(x):
    return _by_precision(x, lambda x: _tanh_single(x), lambda x: _tanh_double(x))


def logistic(x):
    """Return 1 / (1 + exp(-x)) in the precision of x."""
    one = x.dtype.type(1)
    return one / (one + exp(-x))


@overload(logistic)
def _overload_logistic(x):
    return _by_precision(
        x,
        lambda x: f4(1.0) / (f4(1.0) + _exp_single(-x)),
        lambda x: f8(1.0) / (f8(1.0) + _exp_double(-x)),
    )


def log1p_unit(x):
    """Return log(1 + x) for x in [0, 1], in the precision of x.

    With f = x, or f = (x - 1) / 2 and the logarithm of 2 beside it, and s = f / (2 + f), the logarithm of 1 + f is
    2 s plus a polynomial of s**2 times s: the coefficients of FreeBSD's ``log`` and ``logf``.
    """
    return np.log1p(x)


@njit(**_EXACT)
def _log1p_unit_single(x):
    is_large = x > f4(0.41421356)
    f = f4(0.5) * (x - f4(1.0)) if is_large else x
    s = f / (f4(2.0) + f)
    square = s * s
    p = f4(0.24279078841)
    p = p * square + f4(0.28498786688)
    p = p * square + f4(0.40000972152)
    p = p * square + f4(0.66666662693)
    value = (s + s) + s * (square * p)
    return value + (f4(0.69314718056) if is_large else f4(0.0))


@njit(**_EXACT)
def _log1p_unit_double(x):
    is_large = x > f8(0.41421356237309505)
    f = f8(0.5) * (x - f8(1.0)) if is_large else x
    s = f / (f8(2.0) + f)
    square = s * s
    p = f8(1.479819860511658591e-01)
    p = p * square + f8(1.531383769920937332e-01)
    p = p * square + f8(1.818357216161805012e-01)
    p = p * square + f8(2.222219843214978396e-01)
    p = p * square + f8(2.857142874366239149e-01)
    p = p * square + f8(3.999999999940941908e-01)
    p = p * square + f8(6.666666666666735130e-01)
    value = (s + s) + s * (square * p)
    return value + (f8(0.693147180559945309) if is_large else f8(0.0))


@overload(log1p_unit)
def _overload_log1p_unit(x):
    return _by_precision(x, lambda x: _log1p_unit_single(x), lambda x: _log1p_unit_double(x))


def flush(x, tiny):
    """Return 0 for subnormal x (magnitude below ``tiny``, the smallest normal number), else x; NaN stays NaN.

    A moment that decays without a gradient would pass through the subnormal numbers, where arithmetic is many times
    slower.
    """
    return x.dtype.type(0) if abs(x) < tiny else x


@overload(flush)
def _overload_flush(x, tiny):
    return _by_precision(
        x,
        lambda x, tiny: f4(0.0) if abs(x) < tiny else x,
        lambda x, tiny: f8(0.0) if abs(x) < tiny else x,
    )


def _by_precision(x, single, double):
    return {types.float32: single, types.float64: double}.get(x)


# --- random numbers -------------------------------------------------------------------------------------------------
# Counter-based: a number is a pure function of the seed and of what it is drawn for, so that no order of work, block of
# epochs, number of threads or sparse layout changes it.

_MASK = (1 << 64) - 1


def mix(key, value):
    """Derive a 64-bit key from a key and a counter (the output function of SplitMix64, Steele et al. 2014).

    Parameters
    ----------
    key : uint64
    value : int64
        What the new key is for: an epoch, a row, a layer.

    Returns
    -------
    uint64
    """
    z = (int(key) + 0x9E3779B97F4A7C15 * (int(value) + 1)) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return np.uint64(z ^ (z >> 31))


@overload(mix)
def _overload_mix(key, value):
    def implementation(key, value):
        z = u8(key) + u8(0x9E3779B97F4A7C15) * (u8(value) + u8(1))
        z = (z ^ (z >> u8(30))) * u8(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> u8(27))) * u8(0x94D049BB133111EB)
        return z ^ (z >> u8(31))

    return implementation


def random_bits(key, index):
    """Return 32 random bits for position ``index`` of the stream ``key``.

    An invertible 32-bit hash (two multiplications, the constants of C. Wellons' hash-prospector, 2018) that
    LLVM vectorises.

    Parameters
    ----------
    key : uint64
    index : int64

    Returns
    -------
    uint32
    """
    low, high = int(key) & 0xFFFFFFFF, int(key) >> 32
    h = (int(index) * 0x9E3779B9 + low) & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 0x7FEB352D) & 0xFFFFFFFF
    h ^= high
    h = ((h ^ (h >> 15)) * 0x846CA68B) & 0xFFFFFFFF
    return np.uint32(h ^ (h >> 16))


@overload(random_bits)
def _overload_random_bits(key, index):
    def implementation(key, index):
        h = u4(u4(index) * u4(0x9E3779B9) + u4(key))
        h = u4((h ^ (h >> u4(16))) * u4(0x7FEB352D))
        h = u4(h ^ u4(key >> u8(32)))
        h = u4((h ^ (h >> u4(15))) * u4(0x846CA68B))
        return u4(h ^ (h >> u4(16)))

    return implementation
