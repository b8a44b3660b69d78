"""BLAS held at one thread while compiled code runs.

BLAS's own threads are never used. They were measured to change the last bits: OpenBLAS cuts a product differently for
one and for two threads, and its kernels for the rest of a cut sum in another order (in float64 at every inner
dimension, unless the number of columns is a multiple of 16). They also spin, which makes two threads on a busy
machine slower than one.
"""

import os
import threading
from contextlib import contextmanager
from functools import lru_cache

import scipy.linalg  # noqa: F401  (loads SciPy's BLAS, which compiled code may use: a limit set earlier would miss it)
from threadpoolctl import ThreadpoolController


@lru_cache(maxsize=1)
def _blas_libraries():
    # building a controller takes milliseconds, using it microseconds
    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)


def _set_num_threads(library, n_threads):
    # threadpoolctl >= 3.8 lets only the first thread that set a limit set another one, until it is released
    release = getattr(library, "clear_controlling_thread", lambda force: None)
    release(force=True)
    library.set_num_threads(n_threads)
    release(force=True)


class _BlasLimit:
    """One limit per process, counted: the first caller sets it, the last restores what was there before."""

    def __init__(self):
        self._lock = threading.Lock()
        self._n_active = 0
        self._originals = ()

    def enter(self):
        with self._lock:
            if self._n_active == 0:
                self._originals = [(library, library.get_num_threads()) for library in _blas_libraries()]
                for library, n_threads in self._originals:
                    if n_threads != 1:
                        _set_num_threads(library, 1)
            self._n_active += 1

    def leave(self):
        with self._lock:
            self._n_active -= 1
            if self._n_active == 0:
                for library, n_threads in self._originals:
                    if n_threads != 1:
                        _set_num_threads(library, n_threads)
                self._originals = ()

    def restored(self):
        """Restore what there was before, whoever is within, and return a new limit."""
        for library, n_threads in self._originals:
            if n_threads != 1:
                _set_num_threads(library, n_threads)
        return _BlasLimit()


_limit = _BlasLimit()


def _after_fork():
    # a fit of another thread does not go on here: it would keep its limit forever
    global _limit
    _limit = _limit.restored()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def single_blas_thread():
    """Hold BLAS at one thread within the block, in this process; blocks may overlap and nest."""
    limit = _limit
    limit.enter()
    try:
        yield
    finally:
        limit.leave()
