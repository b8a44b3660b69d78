"""Threads inside one fit: how many, and a limit for BLAS that concurrent fits cannot undo for each other."""

import threading
from contextlib import contextmanager
from functools import lru_cache

import joblib
import scipy.linalg  # noqa: F401  (loads SciPy's BLAS, which the compiled code uses: a limit set earlier would miss it)
from joblib.parallel import get_active_backend
from threadpoolctl import ThreadpoolController


@lru_cache(maxsize=1)
def _blas_libraries():
    # building a controller takes milliseconds, using it microseconds
    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)


class _BlasLimit:
    """One limit per process, counted: the first fit sets it, concurrent ones lower it to one, the last restores it.

    A prediction inside a fit of the same thread (a scorer's) is part of that fit.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._of_thread = threading.local()
        self._n_active = 0
        self._originals = ()

    def enter(self, n_threads):
        self._of_thread.depth = getattr(self._of_thread, "depth", 0) + 1
        if self._of_thread.depth > 1:
            return
        with self._lock:
            if self._n_active == 0:
                self._originals = [(lib, lib.get_num_threads()) for lib in _blas_libraries()]
            else:
                n_threads = 1
            for library, _ in self._originals:
                library.set_num_threads(n_threads)
            self._n_active += 1

    def leave(self):
        self._of_thread.depth -= 1
        if self._of_thread.depth:
            return
        with self._lock:
            self._n_active -= 1
            if self._n_active == 0:
                for library, n_threads in self._originals:
                    library.set_num_threads(n_threads)
                self._originals = ()


_limit = _BlasLimit()


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


@contextmanager
def blas_threads(n_jobs):
    """Limit BLAS to the threads of ``n_jobs`` within the block, to one if another fit is running."""
    _limit.enter(effective_n_threads(n_jobs))
    try:
        yield
    finally:
        _limit.leave()
