"""Several threads, and several processes with one cache, that need the same functions at once."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from support.kernels import KERNEL_NAMES, KERNEL_RESULTS, KERNELS, kernels_in, needs_compiler
from support.processes import run

from skregopt._kernels import locks

# the schedule's function has one precision
ONCE_PER_PRECISION = {**dict.fromkeys(KERNEL_NAMES, 2), "_inv_scaling_rate": 1}
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="starts processes by fork")

# needs nothing but the standard library, so that it starts at once
HOLDER = """
import sys
from pathlib import Path
import locks

with locks.process_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def hold():
    """A function that starts a process which holds the lock of a path, and returns it."""
    holders = []

    def hold(path):
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)],
            env={**os.environ, "PYTHONPATH": str(Path(locks.__file__).parent)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        holders.append(holder)
        assert holder.stdout.readline() == "held\n"
        return holder

    yield hold
    for holder in holders:
        holder.kill()
        holder.communicate()


@needs_compiler
@pytest.mark.parametrize("end", ["release", "death"])
def test_who_waits_loads_what_the_other_process_has_compiled(compile_tanh, tmp_path, hold, end):
    compile_tanh()
    (path,) = tmp_path.rglob("*.code")
    path.rename(tmp_path / "compiled by the other")
    holder, waited = hold(path), []
    thread = threading.Thread(target=lambda: waited.append(compile_tanh()))
    thread.start()
    thread.join(0.3)
    assert not waited
    (tmp_path / "compiled by the other").rename(path)
    if end == "release":
        holder.communicate("\n")
    else:
        holder.kill()
    thread.join(60)
    assert waited == [0]


@needs_compiler
def test_other_functions_do_not_wait(compile_tanh, tmp_path, hold):
    compile_tanh(np.float32)
    (path,) = tmp_path.rglob("*.code")
    hold(path)
    started = time.monotonic()
    assert compile_tanh(np.float64) == 1
    assert compile_tanh(np.float32) == 0  # what is there is loaded without a lock
    assert time.monotonic() - started < 60


@needs_compiler
def test_a_lock_that_is_never_released_delays_but_does_not_block(compile_tanh, monkeypatch):
    monkeypatch.setattr(locks, "_try_lock", lambda file, byte: False)
    seconds = iter(range(0, 100_000, 50))
    monkeypatch.setattr(locks.time, "monotonic", lambda: next(seconds))
    assert compile_tanh() == 1


@needs_fork
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
def test_a_fork_does_not_keep_the_lock(tmp_path):
    """As when joblib forks while another thread compiles."""
    path = tmp_path / "name"
    with locks.process_lock(path):
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
    try:
        other = os.fork()  # locks of one process do not exclude each other
        if other == 0:
            with (tmp_path / "lock").open("ab") as file:
                os._exit(0 if locks._try_lock(file, locks.crc32(b"name")) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]) == 0
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


THREADS = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    result["values"] = [value for values in pool.map(kernels, ["float32", "float64"] * 4) for value in values]
"""


@needs_compiler
def test_threads_of_a_cold_process(tmp_path):
    done = run(KERNELS + THREADS, cache=tmp_path)
    assert kernels_in(done["compiled"]) == ONCE_PER_PRECISION
    np.testing.assert_allclose(done["values"], KERNEL_RESULTS * 8, rtol=1e-6)


FORKED = """
import multiprocessing
context = multiprocessing.get_context("fork")

def work(order, barrier, queue):
    barrier.wait()
    queue.put(([kernels(dtype) for dtype in order], compilations))

barrier, queue = context.Barrier(8), context.Queue()
orders = [("float32", "float64"), ("float64", "float32")] * 4
processes = [context.Process(target=work, args=(order, barrier, queue)) for order in orders]
for process in processes:
    process.start()
outcomes = [queue.get() for _ in processes]
result["values"] = [value for values, _ in outcomes for pair in values for value in pair]
result["kernels"] = [name for _, names in outcomes for name in names]
for process in processes:
    process.join()
result["codes"] = [process.exitcode for process in processes]
"""


@needs_compiler
@needs_fork
def test_cold_processes_at_once(tmp_path):
    """Each of the four functions is compiled once for each precision, by whichever process is first."""
    first = run(KERNELS + FORKED, cache=tmp_path)
    assert first["codes"] == [0] * 8
    np.testing.assert_allclose(first["values"], KERNEL_RESULTS * 16, rtol=1e-6)
    assert kernels_in(first["kernels"]) == ONCE_PER_PRECISION
    code = KERNELS + 'result["values"] = kernels("float32") + kernels("float64")'
    later = run(code, cache=tmp_path)
    assert later["compiled"] == []
    np.testing.assert_allclose(later["values"], KERNEL_RESULTS * 2, rtol=1e-6)
    assert not list(tmp_path.rglob("unfinished*"))
