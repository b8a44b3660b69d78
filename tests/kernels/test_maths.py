"""Compiled helpers: exponentials, denormal numbers, random numbers."""

import platform

import numpy as np
import pytest
from numba import types
from scipy import special
from sklearn.exceptions import ConvergenceWarning
from support.kernels import DTYPES, needs_compiler

from skregopt import MLPRegressor
from skregopt._kernels import jit as _jit
from skregopt._kernels import maths
from skregopt._kernels.compiler import DISABLED
from skregopt._kernels.denormals import denormals_as, denormals_off


def exp_of(x, out):
    for i in range(x.size):
        out[i] = maths.exp(x[i])


def tanh_of(x, out):
    for i in range(x.size):
        out[i] = maths.tanh(x[i])


def logistic_of(x, out):
    for i in range(x.size):
        out[i] = maths.logistic(x[i])


def elementwise(function, x):
    """Apply one of the three functions above."""
    v = _jit.vector(_jit.scalar_type(x.dtype))
    out = np.empty_like(x)
    with np.errstate(all="ignore"):
        _jit.entry_point(function, types.void(v, v))(x, out)
    return out


def exact_logistic(x):
    return 1 / (1 + np.exp(-x))


REFERENCES = {exp_of: np.exp, tanh_of: np.tanh, logistic_of: exact_logistic}
# how far x goes before the result under- or overflows
RANGES = {np.float32: (-103.0, 88.7), np.float64: (-745.0, 709.7)}


@needs_compiler
@pytest.mark.parametrize("function", REFERENCES, ids=lambda function: function.__name__)
@pytest.mark.parametrize("dtype", DTYPES)
def test_exponentials_are_accurate(dtype, function):
    """Within 3 units in the last place (exp and tanh: 2), those of the smallest normal number below it."""
    wide = np.float64 if dtype is np.float32 else np.longdouble
    if np.finfo(wide).eps == np.finfo(dtype).eps:
        pytest.skip("no wider type to compare with")
    rng = np.random.RandomState(0)
    low, high = RANGES[dtype]
    small = np.logspace(-40 if dtype is np.float32 else -300, 1, 20_000)
    x = np.concatenate([rng.uniform(low, high, 200_000), rng.uniform(-3, 3, 200_000), small, -small, [0.0, -0.0]])
    x = x.astype(dtype)
    if function is logistic_of:  # which is zero where exp(-x) overflows
        x = x[x > -RANGES[dtype][1]]
    with np.errstate(all="ignore"):
        exact = REFERENCES[function](x.astype(wide))
    ulp = np.spacing(np.maximum(np.abs(exact.astype(dtype)), np.finfo(dtype).tiny)).astype(wide)
    error = np.abs(elementwise(function, x).astype(wide) - exact) / ulp
    assert error.max() < (3.0 if function is logistic_of else 2.0), (float(x[error.argmax()]), float(error.max()))


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
def test_exponentials_at_the_ends(dtype):
    low, high = RANGES[dtype]
    x = np.array([np.nan, np.inf, -np.inf, high, high + 1, 1e30, low, low - 2, -1e30, 0.0, -0.0], dtype)
    with np.errstate(all="ignore"):
        for function, reference in REFERENCES.items():
            np.testing.assert_allclose(elementwise(function, x), reference(x), rtol=1e-6, err_msg=function.__name__)
    assert 0 < elementwise(exp_of, np.array([low], dtype)) < np.finfo(dtype).tiny  # gradual underflow
    assert np.all(np.abs(elementwise(tanh_of, np.linspace(-30, 30, 10_001).astype(dtype))) <= 1)


def normal_cdf(x):
    """The same as SciPy's ``ndtr``, which loses digits in the tail."""
    tail = special.erfcx(abs(x.astype(float)) * np.sqrt(0.5)) * np.exp(-x * x / 2) / 2
    return np.where(x < 0, tail, 1 - tail)


# of each formula: the exact function, and the ends of x
FORMULAS = {
    "exp": (np.exp, -80, 80),
    "tanh": (np.tanh, -9, 9),
    "expm1": (np.expm1, -20, 80),
    "log1p": (np.log1p, 0, 1),
    "gaussian": (lambda x: np.exp(-x * x / 2), -12, 12),
    "normal_cdf": (normal_cdf, -9, 9),
}


@pytest.mark.nojit
@pytest.mark.skipif(not DISABLED, reason="as machine code they are compared above, and in the tests of activations")
@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize(("precision", "dtype"), [("single", np.float32), ("double", np.float64)])
def test_formulas_in_plain_arithmetic(monkeypatch, name, precision, dtype):
    """The formulas do not owe their accuracy to the compiler, whose fused multiply-adds round once less."""
    monkeypatch.setattr(maths, "_bits_as_float", lambda bits: bits.view(f"f{bits.itemsize}"))
    exact, low, high = FORMULAS[name]
    x = np.concatenate([np.linspace(low, high, 401), np.logspace(-6, 0, 50), [np.nan]]).astype(dtype)
    formula = getattr(maths, f"_{name}_{precision}")
    bell = getattr(maths, f"_gaussian_{precision}")
    got = np.array([formula(value, bell(value)) if name == "normal_cdf" else formula(value) for value in x])
    assert got.dtype == dtype
    np.testing.assert_allclose(got, exact(x.astype(np.longdouble)), rtol=8 * np.finfo(dtype).eps)


def halves(x, inside, outside):
    before = denormals_off()
    for i in range(x.size):
        inside[i] = x[i] / 2
    denormals_as(before)
    for i in range(x.size):
        outside[i] = x[i] / 2


has_switches = pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="needs no switches")


@needs_compiler
@has_switches
@pytest.mark.parametrize("dtype", DTYPES)
def test_denormal_numbers_are_zero_while_switched_off(dtype):
    tiny = np.finfo(dtype).tiny
    x = np.array([4 * tiny, 2 * tiny, tiny, tiny / 4, np.nan, np.inf, -tiny], dtype)
    inside, outside = np.empty_like(x), np.empty_like(x)
    T = _jit.scalar_type(x.dtype)
    _jit.entry_point(halves, types.void(*[_jit.vector(T)] * 3))(x, inside, outside)
    np.testing.assert_array_equal(outside, x / 2)  # as NumPy has it: the switches are as they were
    np.testing.assert_array_equal(inside, np.where(abs(x / 2) < tiny, 0, x / 2))


@needs_compiler
@has_switches
@pytest.mark.parametrize(("dtype", "n_halvings"), [(np.float32, 120), (np.float64, 1030)])
def test_training_neither_leaves_denormal_numbers_nor_the_switches(dtype, n_halvings):
    """The weight of a feature that is always zero is halved by the penalty in every update."""
    assert 0 < 1e-3 * 0.5**n_halvings < np.finfo(dtype).tiny
    X = np.zeros((20, 2), dtype)
    X[:, 0] = np.linspace(-1, 1, 20)
    coef = [np.full((2, 1), 1e-3, dtype)]
    model = MLPRegressor((), solver="gd", momentum=0.0, alpha=1.0, learning_rate_init=0.5, tol=0)
    model.set_params(n_iter_no_change=np.inf, max_iter=n_halvings)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, X[:, 0], coef_init=coef)
    assert model.coefs_[0][1, 0] == 0.0
    assert np.finfo(dtype).tiny / dtype(2) > 0


def draw(keys, counters, mixed, bits):
    for i in range(keys.size):
        mixed[i] = maths.mix(keys[i], counters[i])
        bits[i] = maths.random_bits(mixed[i], counters[i])


def drawn(keys, counters):
    """Return what the compiled code draws."""
    mixed, bits = np.empty(keys.size, np.uint64), np.empty(keys.size, np.uint32)
    u8, i8, u4 = (_jit.vector(t) for t in (types.uint64, types.int64, types.uint32))
    _jit.entry_point(draw, types.void(u8, i8, u8, u4))(keys, counters, mixed, bits)
    return mixed, bits


def test_random_numbers_are_those_of_python():
    rng = np.random.RandomState(0)
    ends = np.array([0, 1, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1], np.uint64)
    keys = np.concatenate([ends, rng.randint(0, 1 << 64, 2000, np.uint64)])
    counters = np.concatenate([[-1, 0, 1, 1 << 31, 1 << 32, (1 << 62), 5], rng.randint(-1, 1 << 40, 2000)])
    mixed, bits = drawn(keys, counters.astype(np.int64))
    assert mixed.tolist() == [int(maths.mix(k, c)) for k, c in zip(keys, counters, strict=True)]
    assert bits.tolist() == [int(maths.random_bits(k, c)) for k, c in zip(mixed, counters, strict=True)]


def test_random_numbers_of_splitmix():
    """``mix`` walks through the published sequence of SplitMix64 for seed 0."""
    sequence = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [int(maths.mix(np.uint64(0), i)) for i in range(3)] == sequence


def test_random_bits_are_random():
    """Every bit is fair and independent of its neighbours in the stream, of other streams and of other bits."""
    n = 1 << 16
    key = maths.mix(np.uint64(7), 0)
    _, bits = drawn(np.full(n, key), np.zeros(n, np.int64))
    streams = np.array([maths.mix(key, row) for row in range(256)])
    draws = np.array([[maths.random_bits(stream, unit) for unit in range(256)] for stream in streams])
    flags = (draws[..., None] >> np.arange(32, dtype=np.uint32)) & 1
    signs = 2.0 * flags - 1.0
    bound = 5 / np.sqrt(n)
    assert np.abs(signs.mean((0, 1))).max() < bound
    assert np.abs((signs[1:] * signs[:-1]).mean((0, 1))).max() < bound
    assert np.abs((signs[:, 1:] * signs[:, :-1]).mean((0, 1))).max() < bound
    flat = signs.reshape(n, 32)
    assert np.abs(flat.T @ flat / n - np.eye(32)).max() < bound
    # a threshold drops the share of units that it stands for, per row and per unit
    dropped = draws < np.uint32(0.3 * 2**32)
    assert abs(dropped.mean() - 0.3) < 4 * np.sqrt(0.21 / n)
    for axis in (0, 1):
        assert np.abs(dropped.mean(axis) - 0.3).max() < 5 * np.sqrt(0.21 / 256)
