"""Threads of a process: how many ``n_jobs`` asks for, and how many fits run at the moment."""

import os
import threading
from contextlib import contextmanager

import joblib
from joblib.parallel import get_active_backend

_n_fits = 0
_counting = threading.Lock()


def _after_fork():
    # a fit of another thread does not go on here: it would stay counted, or keep the lock, forever
    global _n_fits, _counting
    _n_fits, _counting = 0, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


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
