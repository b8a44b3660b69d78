"""Which BLAS compiled code calls, and that its routines read what compiled code passes."""

import ctypes
from types import SimpleNamespace

import numpy as np
import pytest
from numba.extending import get_cython_function_address

from skregopt._kernels import blas_library

SCIPYS = {name: get_cython_function_address("scipy.linalg.cython_blas", name) for name in ("sgemm", "dgemm")}


def exported(routine):
    """Return the addresses of a routine in this process: of each OpenBLAS of the wheels, and SciPy's."""
    found = [blas_library._exported(library, routine) for _, library in blas_library._openblas_libraries()]
    return {*found, SCIPYS[routine]} - {None}


@pytest.mark.parametrize("routine, dtype", [("sgemm", np.float32), ("dgemm", np.float64)])
def test_every_library_reads_integers_of_64_bits(routine, dtype):
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((5, 7)).astype(dtype), rng.standard_normal((7, 3)).astype(dtype)
    sizes = {name: np.array([size], dtype=np.int64) for name, size in (("m", 3), ("n", 5), ("k", 7))}
    one, zero = np.ones(1, dtype), np.zeros(1, dtype)
    assert blas_library.address(routine) in exported(routine)
    for address in exported(routine):
        out = np.full((5, 3), np.nan, dtype)
        m, n, k = sizes.values()
        arguments = [b"n", b"n", m, n, k, one, right, m, left, k, zero, out, m]
        call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(arguments))(address)
        call(*(a if isinstance(a, bytes) else a.ctypes.data for a in arguments))
        np.testing.assert_allclose(out, left @ right, rtol=20 * np.finfo(dtype).eps, atol=20 * np.finfo(dtype).eps)


def library(version, name, address):
    routine = ctypes.cast(address, ctypes.CFUNCTYPE(None))
    return blas_library._numbers(version), SimpleNamespace(**{name: routine})


NUMPYS = "scipy_sgemm_64_", 4096
OLD, NEW = "0.3.9", "0.3.31.188.0"


@pytest.mark.parametrize(
    "libraries, expected",
    [
        ([library(OLD, "scipy_sgemm_", 8192), library(NEW, *NUMPYS)], 4096),
        ([library(NEW, *NUMPYS), library(OLD, "scipy_sgemm_", 8192)], 4096),
        ([library(NEW, "scipy_sgemm_", 8192), library(OLD, *NUMPYS)], 8192),
        ([library("0.3.31.dev", "scipy_sgemm_", 8192), library(NEW, *NUMPYS)], None),
        ([library(NEW, "sgemm_", 8192), library(OLD, "sgemm_64_", 4096)], None),
        ([library(NEW, *NUMPYS)], None),
        ([library(None, *NUMPYS), library(None, "scipy_sgemm_", 8192)], None),
        ([], None),
    ],
    ids=["NumPy's", "in any order", "SciPy's wheel", "the same", "other builds", "one", "unknown", "no OpenBLAS"],
)
def test_the_newest_of_the_wheels(monkeypatch, libraries, expected):
    monkeypatch.setattr(blas_library, "_openblas_libraries", lambda: libraries)
    assert blas_library.address("sgemm") == (expected or SCIPYS["sgemm"])
