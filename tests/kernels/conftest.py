"""What several tests of this folder take."""

import inspect

import numba
import numpy as np
import pytest
from numba.core import event

from skregopt._kernels import calls, jit
from skregopt.activations import Activation, Tanh


@pytest.fixture
def compile_tanh(tmp_path, monkeypatch):
    """A function that compiles, or loads, one kernel as a new process would; returns how many compilations it took."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def compile_tanh(dtype=np.float64):
        signature = Activation.signatures["activate"](jit.scalar_type(np.dtype(dtype)))
        with event.install_recorder("numba:compile") as recorder:
            activate = inspect.unwrap(jit.entry_point)(Tanh.activate, signature)
        z = np.array([0.5, np.nan], dtype)
        activate(z, z[:0], z[:0])
        np.testing.assert_allclose(z, np.tanh(np.array([0.5, np.nan], dtype)), rtol=1e-6)
        names = [e.data["dispatcher"].py_func.__name__ for _, e in recorder.buffer if e.is_start]
        return names.count("_tanh_activate")

    return compile_tanh


@pytest.fixture
def own_callers(monkeypatch):
    """Whatever a test calls through addresses is forgotten after it: it changes the names of all files in the cache."""
    with monkeypatch.context() as patch:
        patch.setattr(calls, "_called", dict(calls._called))
        yield
    calls.digest_of_calls.cache_clear()
