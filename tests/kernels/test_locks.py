"""Several processes at once with one cache."""

import inspect
import os
import threading
import time

import numba
import numpy as np
import pytest
from numba.core import event
from processes import run
from support.kernels import KERNEL_RESULTS, KERNELS, needs_compiler

from skregopt._kernels import jit as _jit
from skregopt._kernels import locks
from skregopt.activations import Activation, Tanh


@pytest.fixture
def compile_tanh(tmp_path, monkeypatch):
    """A function that compiles, or loads, one kernel as a new process would; returns how many compilations it took."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def compile_tanh(dtype=np.float64):
        signature = Activation.signatures["activate"](_jit.scalar_type(np.dtype(dtype)))
        with event.install_recorder("numba:compile") as recorder:
            activate = inspect.unwrap(_jit.entry_point)(Tanh.activate, signature)
        z = np.array([0.5, np.nan], dtype)
        activate(z, z[:0], z[:0])
        np.testing.assert_allclose(z, np.tanh(np.array([0.5, np.nan], dtype)), rtol=1e-6)
        names = [e.data["dispatcher"].py_func.__name__ for _, e in recorder.buffer if e.is_start]
        return names.count("_tanh_activate")

    return compile_tanh


@needs_compiler
def test_one_process_at_a_time_compiles_and_saves(compile_tanh, tmp_path, monkeypatch):
    """While one process holds the lock, another waits, and then loads instead of compiling."""
    compile_tanh(np.float32)  # makes the folder
    (lock,) = tmp_path.rglob("*.lock")
    began, waited = threading.Event(), []
    try_lock = locks._try_lock

    def watched(handle):
        began.set()
        return try_lock(handle)

    def in_other_process():
        waited.append(compile_tanh())

    monkeypatch.setattr(locks, "_try_lock", watched)
    with lock.open("a+b") as handle:
        assert try_lock(handle)
        thread = threading.Thread(target=in_other_process)
        thread.start()
        assert began.wait(60)
        time.sleep(0.2)
        assert not waited
    thread.join(60)
    assert waited == [1]


@needs_compiler
def test_a_lock_that_is_never_released_delays_but_does_not_block(compile_tanh, tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_try_lock", lambda handle: False)
    seconds = iter(range(0, 100_000, 50))
    monkeypatch.setattr(locks.time, "monotonic", lambda: next(seconds))
    assert compile_tanh() == 1


FORKED = """
import multiprocessing
context = multiprocessing.get_context("fork")

def work(order, barrier, queue):
    barrier.wait()
    queue.put([kernels(dtype) for dtype in order])

barrier, queue = context.Barrier(8), context.Queue()
orders = [("float32", "float64"), ("float64", "float32")] * 4
processes = [context.Process(target=work, args=(order, barrier, queue)) for order in orders]
for process in processes:
    process.start()
result["values"] = [value for process in processes for pair in queue.get() for value in pair]
for process in processes:
    process.join()
result["codes"] = [process.exitcode for process in processes]
"""


@needs_compiler
@pytest.mark.skipif(not hasattr(os, "fork"), reason="starts processes by fork")
def test_cold_processes_at_once_with_single_kernels(tmp_path):
    first = run(KERNELS + FORKED, cache=tmp_path)
    assert first["codes"] == [0] * 8
    np.testing.assert_allclose(first["values"], KERNEL_RESULTS * 16, rtol=1e-6)
    code = KERNELS + 'result["values"] = kernels("float32") + kernels("float64")'
    later = run(code, cache=tmp_path)
    assert later["compiled"] == []
    np.testing.assert_allclose(later["values"], KERNEL_RESULTS * 2, rtol=1e-6)
