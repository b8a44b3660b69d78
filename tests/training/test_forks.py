"""Processes that are forked while another thread fits."""

import os

import pytest
from support.processes import DATA, run

FORKS_WITHIN_A_FIT = """
import multiprocessing, threading
from skregopt._kernels import blas_threads, locks
from skregopt._training import threads

def fit(queue):
    n_threads = [library.get_num_threads() for library in blas_threads._blas_libraries()]
    MLPClassifier(4, max_iter=2, random_state=0).fit(X, classes)
    queue.put(n_threads)

MLPClassifier(4, max_iter=2, random_state=0).fit(X, classes)
context = multiprocessing.get_context("fork")
queue = context.Queue()
result["before"] = [library.get_num_threads() for library in blas_threads._blas_libraries()]
held, done = threading.Event(), threading.Event()

def hold():  # what another thread may be in the middle of
    with blas_threads.single_blas_thread(), blas_threads._limit._lock, threads._counting, locks._compiling:
        held.set()
        done.wait()

thread = threading.Thread(target=hold)
thread.start()
held.wait()
child = context.Process(target=fit, args=(queue,))
child.start()
child.join(60)
done.set()
thread.join()
result["exitcode"] = child.exitcode
result["within"] = queue.get() if child.exitcode == 0 else None
child.kill()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fork_while_another_thread_fits():
    outcome = run(DATA + FORKS_WITHIN_A_FIT)
    assert outcome["exitcode"] == 0
    assert outcome["within"] == outcome["before"]
