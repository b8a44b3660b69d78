"""Helpers that kernels of several files share: exponentials that vectorise, and counter-based random numbers.

Each helper is an ordinary Python function, which is its definition, with a compiled implementation beside it. numba's
own ``np.exp`` and ``np.tanh`` are calls of a scalar library function; the implementations here are branch-free, so that
LLVM turns a loop over them into vector instructions. They are the classic range reductions and coefficients of the
Cephes library (S. Moshier, 1984-1992), accurate to about 1 unit in the last place, unless another source is named.

The cache key of every compiled function contains a digest of this file (see ``cache.py``).
"""

import numpy as np
from numba import njit, types
from numba.extending import intrinsic, overload
from scipy.special import erfcx, ndtr

from .compiler import HelperCompiler

# Reassociation would undo the two-part range reduction, so these functions only allow fused multiply-adds.
EXACT = {
    "fastmath": {"contract"},
    "error_model": "numpy",
    "nogil": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "pipeline_class": HelperCompiler,
}
# Long ones that LLVM would not inline by itself, without which there is no vector code.
INNER = {**EXACT, "forceinline": True}

f4, f8, i4, i8, u4, u8 = np.float32, np.float64, np.int32, np.int64, np.uint32, np.uint64


def by_precision(x, single, double):
    """Return the implementation for the type of x, None for types other than float32 and float64."""
    return {types.float32: single, types.float64: double}.get(x)


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


@njit(**INNER)
def _exp_parts_single(x):
    """Return t, low, high with e**x = (1 + t) * low * high; the factors are powers of two."""
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
    # 2**n in two factors, so that the result may overflow to inf and underflow through the subnormals
    whole = i4(n)
    half = i4(whole >> i4(1))
    rest = i4(whole - half)
    low = _bits_as_float(i4(i4(half + i4(127)) << i4(23)))
    high = _bits_as_float(i4(i4(rest + i4(127)) << i4(23)))
    return p * (r * r) + r, low, high


@njit(**EXACT)
def _exp_single(x):
    t, low, high = _exp_parts_single(x)
    return x if x != x else ((t + f4(1.0)) * low) * high


@njit(**INNER)
def _exp_parts_double(x):
    clamped = min(max(x, f8(-746.0)), f8(710.0))
    n = np.floor(clamped * f8(1.4426950408889634073599) + f8(0.5))
    r = clamped - n * f8(6.93145751953125e-1)
    r = r - n * f8(1.42860682030941723212e-6)
    # Taylor's series to r**13, whose remainder is 4e-18: shorter ones need a division, which takes longer. Even and
    # odd powers apart, because the processor computes two short chains faster than a long one.
    rr = r * r
    even = f8(2.08767569878681e-09)
    even = even * rr + f8(2.755731922398589e-07)
    even = even * rr + f8(2.48015873015873e-05)
    even = even * rr + f8(0.001388888888888889)
    even = even * rr + f8(0.041666666666666664)
    even = even * rr + f8(0.5)
    odd = f8(1.6059043836821613e-10)
    odd = odd * rr + f8(2.505210838544172e-08)
    odd = odd * rr + f8(2.7557319223985893e-06)
    odd = odd * rr + f8(0.0001984126984126984)
    odd = odd * rr + f8(0.008333333333333333)
    odd = odd * rr + f8(0.16666666666666666)
    whole = i8(n)
    half = whole >> 1
    rest = whole - half
    low = _bits_as_float((half + 1023) << 52)
    high = _bits_as_float((rest + 1023) << 52)
    return (even + odd * r) * rr + r, low, high


@njit(**EXACT)
def _exp_double(x):
    t, low, high = _exp_parts_double(x)
    return x if x != x else ((f8(1.0) + t) * low) * high


@overload(exp, jit_options={"pipeline_class": HelperCompiler})
def _overload_exp(x):
    return by_precision(x, lambda x: _exp_single(x), lambda x: _exp_double(x))


def tanh(x):
    """Return the hyperbolic tangent of x in the precision of x."""
    return np.tanh(x)


@njit(**EXACT)
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


@njit(**EXACT)
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


@overload(tanh, jit_options={"pipeline_class": HelperCompiler})
def _overload_tanh(x):
    return by_precision(x, lambda x: _tanh_single(x), lambda x: _tanh_double(x))


def logistic(x):
    """Return 1 / (1 + exp(-x)) in the precision of x."""
    one = x.dtype.type(1)
    return one / (one + exp(-x))


@overload(logistic, jit_options={"pipeline_class": HelperCompiler})
def _overload_logistic(x):
    return by_precision(
        x,
        lambda x: f4(1.0) / (f4(1.0) + _exp_single(-x)),
        lambda x: f8(1.0) / (f8(1.0) + _exp_double(-x)),
    )


def expm1(x):
    """Return e**x - 1 in the precision of x, accurate near 0."""
    with np.errstate(over="ignore", under="ignore"):
        return np.expm1(x)


@njit(**INNER)
def _expm1_single(x):
    t, low, high = _exp_parts_single(x)
    scale = low * high
    # far from 0 the other form, which cannot be inf - inf
    value = ((t + f4(1.0)) * low) * high - f4(1.0) if x > f4(1.0) else t * scale + (scale - f4(1.0))
    return x if x != x else value


@njit(**INNER)
def _expm1_double(x):
    t, low, high = _exp_parts_double(x)
    scale = low * high
    value = ((f8(1.0) + t) * low) * high - f8(1.0) if x > f8(1.0) else t * scale + (scale - f8(1.0))
    return x if x != x else value


@overload(expm1, jit_options={"pipeline_class": HelperCompiler})
def _overload_expm1(x):
    return by_precision(x, lambda x: _expm1_single(x), lambda x: _expm1_double(x))


def log1p(x):
    """Return log(1 + x) for x in [0, 1], in the precision of x.

    The series in s = f / (2 + f) and the coefficients of the FreeBSD mathematical library (Sun Microsystems 1993,
    ``e_log.c`` and ``e_logf.c``), for 1 + f = 1 + x or (1 + x) / 2.
    """
    return np.log1p(x)


@njit(**INNER)
def _log1p_single(x):
    is_large = x > f4(0.41421356)
    f = f4(0.5) * (x - f4(1.0)) if is_large else x
    s = f / (f4(2.0) + f)
    z = s * s
    r = f4(0.24279078841)
    r = r * z + f4(0.28498786688)
    r = r * z + f4(0.40000972152)
    r = r * z + f4(0.66666662693)
    half_square = f4(0.5) * f * f
    low = s * (half_square + r * z)
    value = f - (half_square - (low + (f4(9.0580006145e-06) if is_large else f4(0.0))))
    return value + (f4(6.9313812256e-01) if is_large else f4(0.0))


@njit(**INNER)
def _log1p_double(x):
    is_large = x > f8(0.41421356237309503)
    f = f8(0.5) * (x - f8(1.0)) if is_large else x
    s = f / (f8(2.0) + f)
    z = s * s
    r = f8(1.479819860511658591e-01)
    r = r * z + f8(1.531383769920937332e-01)
    r = r * z + f8(1.818357216161805012e-01)
    r = r * z + f8(2.222219843214978396e-01)
    r = r * z + f8(2.857142874366239149e-01)
    r = r * z + f8(3.999999999940941908e-01)
    r = r * z + f8(6.666666666666735130e-01)
    half_square = f8(0.5) * f * f
    low = s * (half_square + r * z)
    value = f - (half_square - (low + (f8(1.90821492927058770002e-10) if is_large else f8(0.0))))
    return value + (f8(6.93147180369123816490e-01) if is_large else f8(0.0))


@overload(log1p, jit_options={"pipeline_class": HelperCompiler})
def _overload_log1p(x):
    return by_precision(x, lambda x: _log1p_single(x), lambda x: _log1p_double(x))


def gaussian(x):
    """Return exp(-x**2 / 2) in the precision of x."""
    with np.errstate(over="ignore", under="ignore"):
        # as below: the rounding error of x**2 would be multiplied by x**2
        wide = np.float64(x) if x.dtype == np.float32 else np.longdouble(x)
        return x.dtype.type(np.exp(-wide * wide / 2))


# exp(-x**2 / 2) = exp(-m**2 / 2) exp(v), m being x rounded so that its square is exact, v = (m - x)(m + x) / 2 small


@njit(**INNER)
def _gaussian_single(x):
    a = min(abs(x), f4(15.0))
    m = np.floor(a * f4(256.0) + f4(0.5)) * f4(0.00390625)
    v = f4(0.5) * (m - a) * (m + a)
    series = v * (f4(1.0) + v * (f4(0.5) + v * (f4(0.16666667) + v * f4(0.041666667))))
    power = _exp_single(f4(-0.5) * (m * m))
    return x if x != x else power + power * series


@njit(**INNER)
def _gaussian_double(x):
    a = min(abs(x), f8(39.0))
    m = np.floor(a * f8(1048576.0) + f8(0.5)) * f8(9.5367431640625e-07)
    v = f8(0.5) * (m - a) * (m + a)
    series = v * (f8(1.0) + v * (f8(0.5) + v * f8(0.16666666666666667)))
    power = _exp_double(f8(-0.5) * (m * m))
    return x if x != x else power + power * series


@overload(gaussian, jit_options={"pipeline_class": HelperCompiler})
def _overload_gaussian(x):
    return by_precision(x, lambda x: _gaussian_single(x), lambda x: _gaussian_double(x))


def normal_cdf(x, bell):
    """Return the distribution function of the standard normal, (1 + erf(x / sqrt(2))) / 2, given ``gaussian(x)``.

    Below 0 it is ``gaussian(x) P(|x|) / Q(|x|)``, accurate to the last places however far the tail. P and Q, of degrees
    9 and 10 (4 and 5 in single precision), are a near-minimax fit of the relative error, 5.2e-17 (6.3e-9) on [0, 39]
    ([0, 15]): linearised least squares at Chebyshev nodes with 60 digits, reweighted by the error (H. L. Loeb, 1957;
    C. L. Lawson, 1961). All coefficients are positive, so nothing cancels.
    """
    # SciPy's ndtr loses digits in the tail
    return x.dtype.type(ndtr(x) if x > -1 else bell * erfcx(-x * np.sqrt(0.5)) / 2)


@njit(**INNER)
def _normal_cdf_single(x, bell):
    a = min(abs(x), f4(15.0))
    p = f4(0.004152337573)
    p = p * a + f4(0.04087541801)
    p = p * a + f4(0.1839526873)
    p = p * a + f4(0.4392620091)
    p = p * a + f4(0.5000000031)
    q = f4(0.010408255)
    q = q * a + f4(0.1024655996)
    q = q * a + f4(0.4713651365)
    q = q * a + f4(1.205481206)
    q = q * a + f4(1.676409024)
    q = q * a + f4(1.0)
    tail = bell * (p / q)
    return tail if x < f4(0.0) else f4(1.0) - tail


@njit(**INNER)
def _normal_cdf_double(x, bell):
    a = min(abs(x), f8(39.0))
    aa = a * a
    even = f8(3.724703234633106e-05)
    even = even * aa + f8(0.004088783554631199)
    even = even * aa + f8(0.09769129246015933)
    even = even * aa + f8(0.5940213608815226)
    even = even * aa + f8(0.5)
    odd = f8(1.3853779386567459e-06)
    odd = odd * aa + f8(0.0004903399441732768)
    odd = odd * aa + f8(0.02361994910048037)
    odd = odd * aa + f8(0.28931476714729587)
    odd = odd * aa + f8(0.7748568216477778)
    p = even + odd * a
    even = f8(3.4726275120973333e-06)
    even = even * aa + f8(0.00123257259595731)
    even = even * aa + f8(0.06042858739963966)
    even = even * aa + f8(0.7819877784454266)
    even = even * aa + f8(2.5611550837820225)
    even = even * aa + f8(1.0)
    odd = f8(9.336446442327173e-05)
    odd = odd * aa + f8(0.010342424920112002)
    odd = odd * aa + f8(0.25493807567779664)
    odd = odd * aa + f8(1.7142980516804425)
    odd = odd * aa + f8(2.3475982040984107)
    q = even + odd * a
    tail = bell * (p / q)
    return tail if x < f8(0.0) else f8(1.0) - tail


@overload(normal_cdf, jit_options={"pipeline_class": HelperCompiler})
def _overload_normal_cdf(x, bell):
    return by_precision(
        x,
        lambda x, bell: _normal_cdf_single(x, bell),
        lambda x, bell: _normal_cdf_double(x, bell),
    )


@njit(**EXACT)
def product(x, y):
    """Return x * y, which reassociation leaves alone: for factors whose product with others could overflow."""
    return x * y


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


@overload(mix, jit_options={"pipeline_class": HelperCompiler})
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


@overload(random_bits, jit_options={"pipeline_class": HelperCompiler})
def _overload_random_bits(key, index):
    def implementation(key, index):
        h = u4(u4(index) * u4(0x9E3779B9) + u4(key))
        h = u4((h ^ (h >> u4(16))) * u4(0x7FEB352D))
        h = u4(h ^ u4(key >> u8(32)))
        h = u4((h ^ (h >> u4(15))) * u4(0x846CA68B))
        return u4(h ^ (h >> u4(16)))

    return implementation
