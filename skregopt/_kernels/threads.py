"""Threads: how many a prediction uses, and BLAS held at one while compiled code runs.

BLAS's own threads are never used. They were measured to change the last bits: OpenBLAS cuts a product differently for
one and for two threads, and its kernels for the rest of a cut sum in another order (in float64 at every inner
dimension, unless the number of columns is a multiple of 16). They also spin, which makes two threads on a busy
machine slower than one.
"""

import os
import threading
from contextlib import contextmanager
from functools import lru_cache

import joblib
import scipy.linalg  # noqa: F401  (loads SciPy's BLAS, which compiled code may use: a limit set earlier would miss it)
from joblib.parallel import get_active_backend
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
    # a fit of another thread does not go on here: it would keep its limit, or its lock, forever
    global _limit, _n_fits, _counting
    _limit = _limit.restored()
    _n_fits, _counting = 0, threading.Lock()


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


_n_fits = 0
_counting = threading.Lock()


@contextmanager
def counted_fit():
    """Count a fit within the block, for :func:`fits_at_once`."""
    global _n_fits
    with _counting:
        _n_fits += 1
    try:
        yield
    finally:
        with _counting:
            _n_fits -= 1


def fits_at_once():
    """Return how many fits run in this process at the moment."""
    return _n_fits


def effective_n_threads(n_jobs):
    """Return the number of threads that ``n_jobs`` asks for.

    Parameters
    ----------
    n_jobs : int or None
        None is one, whatever joblib's context says. Negative numbers count from the number of processors as in
        joblib, but are one inside a joblib worker. A positive number is obeyed.

    Returns
    -------
    int
    """
    if n_jobs is None:
        return 1
    if n_jobs > 0:
        return int(n_jobs)
    if get_active_backend()[0].nesting_level:
        return 1
    return max(1, joblib.cpu_count() + 1 + int(n_jobs))
