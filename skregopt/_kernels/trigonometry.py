"""Cosine and sine of an angle in turns, which vectorise.

An angle in turns is reduced without an error, however large it is: ``t - rint(t)`` is exact in floating point. An angle
in radians would need many digits of pi. One odd polynomial serves for both functions, the sine of at most a quarter of
a turn. Its coefficients are a near-minimax fit of the relative error, 5.3e-9 in single and 2.6e-19 in double
precision: linearised least squares at Chebyshev nodes with 60 digits, reweighted by the error (C. L. Lawson, 1961). The
first coefficient, about 2 pi, is the sum of two numbers, so that the polynomial gives 1 for a quarter.

As in ``maths.py`` each function is an ordinary Python function, with a compiled implementation beside it.

The cache key of every compiled function contains a digest of this file (see ``cache.py``).
"""

import numpy as np
from numba import njit
from numba.extending import overload

from .compiler import HelperCompiler
from .maths import INNER, by_precision

f4, f8 = np.float32, np.float64


def _sine_of_quarter(y):
    """Return sin(2 pi y) for abs(y) <= 1/4."""
    return np.sin(y.dtype.type(2 * np.pi) * y)


@njit(**INNER)
def _sine_of_quarter_single(y):
    z = y * y
    p = f4(39.71091765506595)
    p = p * z + f4(-76.57499211922211)
    p = p * z + f4(81.60223124081770)
    p = p * z + f4(-41.34167747835786)
    p = p * z + f4(-2.0823443317e-7)
    return y * f4(6.28318548202514648) + y * p  # with one rounding, as a fused multiply-add


@njit(**INNER)
def _sine_of_quarter_double(y):
    z = y * y
    p = f8(0.1008563257623294282)
    p = p * z + f8(-0.7177235789079731707)
    p = p * z + f8(3.819927050352718843)
    p = p * z + f8(-15.09464162050330494)
    p = p * z + f8(42.05869392378504099)
    p = p * z + f8(-76.70585975279849435)
    p = p * z + f8(81.60524927607340607)
    p = p * z + f8(-41.34170224039975623)
    p = p * z + f8(2.4330e-16)
    return y * f8(6.283185307179586477) + y * p


def cos_of_turns(t):
    """Return cos(2 pi t) in the precision of t; NaN where t is infinite."""
    with np.errstate(invalid="ignore"):
        return _sine_of_quarter(t.dtype.type(0.25) - abs(t - np.rint(t)))


@njit(**INNER)
def _cos_of_turns_single(t):
    return _sine_of_quarter_single(f4(0.25) - abs(t - np.rint(t)))


@njit(**INNER)
def _cos_of_turns_double(t):
    return _sine_of_quarter_double(f8(0.25) - abs(t - np.rint(t)))


@overload(cos_of_turns, jit_options={"pipeline_class": HelperCompiler})
def _overload_cos_of_turns(t):
    return by_precision(t, lambda t: _cos_of_turns_single(t), lambda t: _cos_of_turns_double(t))


def sin_of_turns(t):
    """Return sin(2 pi t) in the precision of t; NaN where t is infinite."""
    with np.errstate(invalid="ignore"):
        a = t - np.rint(t)
        magnitude = abs(a)
        return np.copysign(_sine_of_quarter(np.minimum(magnitude, t.dtype.type(0.5) - magnitude)), a)


@njit(**INNER)
def _sin_of_turns_single(t):
    a = t - np.rint(t)
    magnitude = abs(a)
    return np.copysign(_sine_of_quarter_single(min(magnitude, f4(0.5) - magnitude)), a)


@njit(**INNER)
def _sin_of_turns_double(t):
    a = t - np.rint(t)
    magnitude = abs(a)
    return np.copysign(_sine_of_quarter_double(min(magnitude, f8(0.5) - magnitude)), a)


@overload(sin_of_turns, jit_options={"pipeline_class": HelperCompiler})
def _overload_sin_of_turns(t):
    return by_precision(t, lambda t: _sin_of_turns_single(t), lambda t: _sin_of_turns_double(t))
