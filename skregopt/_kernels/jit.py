"""The numba policy of the package, in one place.

Every compiled function of skregopt goes through this module:

* ``jit`` decorates helpers that other compiled functions of the *same file* call;
* ``kernel`` compiles a function that other compiled code calls through its address (the rules of a family: an
  activation, the step of an optimizer, ...), by means of what ``caller`` returns;
* ``entry_point`` compiles a function that Python calls (the training loop, the prediction).

Both of the latter compile lazily, once per process and signature, and keep their machine code on disk (``cache.py``).
Nothing is compiled at import. With ``NUMBA_DISABLE_JIT=1`` all three return the plain Python function.
"""

import gc
import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps

import numba
from numba import types

from . import cache
from .calls import plain_functions
from .compiler import DISABLED, KERNEL_OPTIONS, OPTIONS
from .locks import once, process_lock

# what to call once, before something is compiled (see `announcing`)
_announce = ContextVar("announce", default=None)


class _Waiting(threading.local):
    seconds = 0.0  # that a thread has waited for machine code


_waiting = _Waiting()


def jit(function):
    """Decorate a helper that compiled functions of the same file call."""
    # wrappers for callers other than compiled code are never needed here, and cost most of the compile time
    return numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)(function)


def inlined_jit(function):
    """Decorate a helper for single elements: a loop over calls of it vectorises only if they are inlined."""
    return numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True, **OPTIONS)(function)


@contextmanager
def announcing(say):
    """Call ``say`` once, before the first compilation inside the block, if there is any.

    Parameters
    ----------
    say : callable or None
        Takes the folder that keeps machine code, or None if nothing can be kept.
    """
    token = _announce.set(say)
    try:
        yield
    finally:
        _announce.reset(token)


def seconds_waited():
    """Return how many seconds this thread has waited for machine code so far, be it compiled or loaded."""
    return _waiting.seconds


def _counting_seconds(compile_function):
    @wraps(compile_function)
    def counted(*arguments):
        started = time.perf_counter()
        try:
            return compile_function(*arguments)
        finally:
            _waiting.seconds += time.perf_counter() - started

    return counted


@contextmanager
def _without_collection():
    """Turn the search for garbage off: among the objects of a compiler, it takes a tenth of a compilation's time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_without_collection()
def _compiled(function, signature, **wrappers):
    """Return numba's ``CompileResult`` for a function, from disk if it is there."""
    # a kernel and an entry point have different wrappers: one must never be loaded in place of the other
    path = cache.path_of(function, signature, " ".join(wrappers))
    if path is None:
        return _compile(function, signature, wrappers)
    compiled = cache.load(path)
    if compiled is None:
        with process_lock(path):
            compiled = cache.load(path)  # another process may have been faster
            if compiled is None:
                compiled = _compile(function, signature, wrappers)
                cache.save(path, compiled)
    return compiled


def _compile(function, signature, wrappers):
    say = _announce.get()
    if say is not None:
        _announce.set(None)
        say(cache.code_folder())
    dispatcher = numba.njit(**wrappers, **KERNEL_OPTIONS)(function)
    _kept.append(dispatcher)
    return dispatcher.get_compile_result(signature)


_kept = []  # what holds machine code


@_counting_seconds
@once
def kernel(function, signature):
    """Compile ``function`` for ``signature`` and return its address, for the functions that :func:`caller` returns.

    Parameters
    ----------
    function : callable
        A plain Python function in numba's nopython subset: no default arguments, no closure over jitted functions,
        results written into arguments.
    signature : numba signature
        The family's signature for one dtype.

    Returns
    -------
    int
    """
    if DISABLED:
        plain_functions.append(function)
        return len(plain_functions)
    compiled = _compiled(function, signature, no_cpython_wrapper=True, no_cfunc_wrapper=True)
    _kept.append(compiled)
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)


@_counting_seconds
@once
def entry_point(function, signature):
    """Compile ``function`` for ``signature`` and return what Python calls, without dispatch on argument types.

    The caller guarantees the argument types: that is what makes a call cost microseconds, and why only this package's
    own code calls these functions.
    """
    if DISABLED:
        return function
    compiled = _compiled(function, signature, no_cfunc_wrapper=True)
    _kept.append(compiled)
    return compiled.entry_point


def vector(scalar):
    """Type of a contiguous vector of ``scalar``."""
    return types.Array(scalar, 1, "C")


def matrix(scalar):
    """Type of a C-contiguous matrix of ``scalar``."""
    return types.Array(scalar, 2, "C")


def scalar_type(dtype):
    """Return the numba scalar type of a NumPy float dtype."""
    return numba.from_dtype(dtype)
