"""Cosine and sine of angles in turns."""

import re

import numba
import numpy as np
import pytest
from numba import types
from support.kernels import DTYPES, needs_compiler

from skregopt._kernels import jit as _jit
from skregopt._kernels import trigonometry
from skregopt._kernels.compiler import DISABLED, KERNEL_OPTIONS

pytestmark = pytest.mark.numerics


def cos_of(t, out):
    for i in range(t.size):
        out[i] = trigonometry.cos_of_turns(t[i])


def sin_of(t, out):
    for i in range(t.size):
        out[i] = trigonometry.sin_of_turns(t[i])


FUNCTIONS = [cos_of, sin_of]


def elementwise(function, t):
    v, out = _jit.vector(_jit.scalar_type(t.dtype)), np.empty_like(t)
    _jit.entry_point(function, types.void(v, v))(t, out)
    return out


def exact(function, t):
    """Return the function in long double, in which only the fold keeps the digits near its zeros."""
    pi = np.longdouble("3.14159265358979323846264338327950288")
    a = t.astype(np.longdouble)
    a -= np.rint(a)
    if function is cos_of:
        return np.sin(2 * pi * (0.25 - np.abs(a)))
    return np.copysign(np.sin(2 * pi * np.minimum(np.abs(a), 0.5 - np.abs(a))), a)


def angles(dtype, n):
    rng = np.random.RandomState(0)
    small = 10 ** rng.uniform(-36, 0, n)
    near_quarters = rng.randint(-8, 9, n) / 4 + rng.normal(size=n) * 10 ** rng.uniform(-9, -1, n)
    spread = [rng.uniform(-0.5, 0.5, n), rng.uniform(-1024, 1024, n), rng.uniform(-1e9, 1e9, n)]
    return np.concatenate([*spread, small, -small, near_quarters]).astype(dtype)


def ulps(function, t, got):
    reference = exact(function, t)
    ulp = np.spacing(np.maximum(np.abs(reference.astype(t.dtype)), np.finfo(t.dtype).tiny))
    return np.abs(got - reference) / ulp


needs_wider_type = pytest.mark.skipif(
    np.finfo(np.longdouble).eps == np.finfo(np.float64).eps, reason="no wider type to compare with"
)


@needs_wider_type
@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_cosine_and_sine_are_accurate(function, dtype):
    """Within 3 units in the last place, those of the smallest normal number below it."""
    t = angles(dtype, 2000 if DISABLED else 300_000)
    error = ulps(function, t, elementwise(function, t))
    assert error.max() < 3, (float(t[error.argmax()]), float(error.max()))


@needs_wider_type
@pytest.mark.nojit
@pytest.mark.skipif(not DISABLED, reason="as machine code they are compared above")
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("precision", "dtype"), [("single", np.float32), ("double", np.float64)])
def test_formulas_in_plain_arithmetic(function, precision, dtype):
    """The formulas do not owe their accuracy to the compiler, whose fused multiply-adds round once less."""
    formula = getattr(trigonometry, f"_{function.__name__}_turns_{precision}")
    t = angles(dtype, 300)
    got = np.array([formula(value) for value in t])
    assert got.dtype == dtype
    assert ulps(function, t, got).max() < 4
    quarters = np.arange(-9, 10).astype(dtype) / 4
    assert np.array([formula(value) for value in quarters]).tolist() == at_quarters(function, quarters).tolist()


def at_quarters(function, t):
    if function is cos_of:
        t = t + 0.25
    return np.array([0, 1, 0, -1])[(4 * t).astype(int) % 4]


@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_multiples_of_a_quarter_are_exact(function, dtype):
    t = np.arange(-4100, 4100).astype(dtype) / 4
    assert elementwise(function, t).tolist() == at_quarters(function, t).tolist()


@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
def test_at_the_ends(dtype):
    limits = np.finfo(dtype)
    large = np.array([1e30, -1e30, limits.max, -limits.max], dtype)  # all of them integers
    assert elementwise(cos_of, large).tolist() == [1, 1, 1, 1]
    assert elementwise(sin_of, large).tolist() == [0, 0, 0, 0]
    for function in FUNCTIONS:
        t = np.array([np.nan, np.inf, -np.inf, 0.3] * 5, dtype)
        assert np.array_equal(np.isnan(elementwise(function, t)), ~np.isfinite(t))
    tiny = np.array([limits.smallest_subnormal, -limits.tiny / 8, -0.0, 0.0], dtype)
    assert elementwise(cos_of, tiny).tolist() == [1, 1, 1, 1]
    np.testing.assert_allclose(elementwise(sin_of, tiny), 2 * np.pi * tiny, rtol=0, atol=limits.smallest_subnormal)


@needs_compiler
@pytest.mark.parametrize("scalar", [types.float32, types.float64], ids=str)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_loops_are_vectorised(function, scalar):
    dispatcher = numba.njit(no_cpython_wrapper=True, **KERNEL_OPTIONS)(function)
    signature = types.void(*[_jit.vector(scalar)] * 2)
    dispatcher.compile(signature)
    code = dispatcher.inspect_llvm(signature.args)
    kind = {types.float32: "float", types.float64: "double"}[scalar]
    assert len(re.findall(rf"= fmul [a-z ]*<\d+ x {kind}>", code)) > 4
    assert len(re.findall(rf"call [a-z ]*<\d+ x {kind}> @llvm\.rint", code)) > 0
