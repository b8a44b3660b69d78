"""Calls of compiled functions through addresses."""

import gc

import numpy as np
import pytest
from numba import types
from numba.core import event
from support.kernels import DTYPES, needs_compiler, vector_with

from skregopt._kernels import jit as _jit
from skregopt._kernels.calls import caller
from skregopt._kernels.compiler import DISABLED
from skregopt.activations import ACTIVATIONS, Activation, Tanh


@needs_compiler
def test_kernels_are_called_through_addresses(own_callers):
    """One compiled function calls whatever the addresses say, and compiles nothing when it does."""
    v, addresses = _jit.vector(types.float64), _jit.vector(types.int64)
    activate = caller("activate", Activation.signatures["activate"])

    def apply(rules, z, nothing):
        for i in range(rules.size):
            activate(rules[i], z, nothing, nothing)

    apply_all = _jit.entry_point(apply, types.void(addresses, v, v))
    tanh, relu = (ACTIVATIONS[name]().compiled("activate", np.float64) for name in ("tanh", "relu"))
    assert tanh == Tanh().compiled("activate", np.float64)
    for rules, expected in (
        ([tanh, relu], lambda z: np.maximum(np.tanh(z), 0)),
        ([tanh, tanh, tanh], lambda z: np.tanh(np.tanh(np.tanh(z)))),
    ):
        z = vector_with(np.float64)
        gc.collect()
        with event.install_recorder("numba:compile") as recorder:
            apply_all(np.array(rules), z, z[:0])
        assert not recorder.buffer
        np.testing.assert_allclose(z, expected(vector_with(np.float64)), rtol=1e-15)


def scaled_sum(values, factor, n):
    total = 0.0
    for i in range(n):
        total += values[i]
    return factor * total


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
def test_arguments_are_converted_to_the_signature(dtype, own_callers):
    T = _jit.scalar_type(np.dtype(dtype))

    def for_scalar(T):
        return types.float64(_jit.vector(T), types.float64, types.int64)

    call_sum = caller("scaled_sum", for_scalar)

    def apply(address, values, factor):
        return call_sum(address, values, factor, np.int32(3))

    address = _jit.kernel(scaled_sum, for_scalar(T))
    applied = _jit.entry_point(apply, types.float64(types.int64, _jit.vector(T), T))
    assert applied(address, np.array([1, 2, 4, 8], dtype), dtype(0.5)) == 3.5


@pytest.mark.nojit
def test_without_compiler_functions_are_themselves():
    if not DISABLED:
        pytest.skip("with the JIT they are compiled")
    z = np.ones(2)
    caller("activate", Activation.signatures["activate"])(Tanh().compiled("activate", np.float64), z, z, z)
    np.testing.assert_array_equal(z, np.tanh(1.0))
    assert _jit.entry_point(scaled_sum, None) is scaled_sum
