"""The numba policy of the package, in one place.

Every compiled function of skregopt goes through this module:

* ``jit`` decorates helpers that other compiled functions of the *same file* call;
* ``kernel`` compiles a function that other compiled code calls through its address (the rules of a family: an
  activation, the step of an optimizer, ...), by means of what ``caller`` returns;
* ``entry_point`` compiles a function that Python calls (the training loop, the prediction).

Both of the latter compile lazily, once per process and signature, and keep their machine code in numba's cache on disk.
Nothing is compiled at import. With ``NUMBA_DISABLE_JIT=1`` all three return the plain Python function.

"""

import gc
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path

import numba
from numba import types

from .cache import DegradingCache, changed_since_import
from .calls import plain_functions
from .compiler import DISABLED, KERNEL_OPTIONS, OPTIONS
from .locks import folder_lock, once

# what to call, once, before something has to be compiled (see `announcing`)
_announce = ContextVar("announce", default=None)


def jit(function):
    """Decorate a helper that compiled functions of the same file call."""
    # wrappers for callers other than compiled code are never needed here, and cost most of the compile time
    return numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)(function)


def inlined_jit(function):
    """Decorate a helper for single elements: a loop over calls of it vectorises only if they are inlined."""
    return numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True, **OPTIONS)(function)


@contextmanager
def announcing(say):
    """Call ``say()`` once before the first compilation inside the block, if there is any; None says nothing."""
    token = _announce.set(say)
    try:
        yield
    finally:
        _announce.reset(token)


def _about_to_compile():
    """Say that something is going to be compiled, to whoever wants to know."""
    say = _announce.get()
    if say is not None:
        _announce.set(None)
        say()


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


def _compile(function, signature, **wrappers):
    dispatcher = numba.njit(**wrappers, **KERNEL_OPTIONS)(function)
    directory = None
    try:
        if changed_since_import(function):
            raise RuntimeError("the source is not that of the code: cache neither read nor written")
        # a kernel and an entry point have different wrappers: one must never be loaded in place of the other
        dispatcher._cache = DegradingCache(function, tuple(wrappers), _about_to_compile)
        directory = dispatcher._cache.cache_path
        Path(directory).mkdir(parents=True, exist_ok=True)
    except Exception:  # no locator for a zip or frozen import, no home folder, ...: work uncached
        pass
    if directory is None:
        _about_to_compile()
    with folder_lock(directory) if directory is not None else nullcontext(), _without_collection():
        dispatcher.compile(signature)
    return dispatcher


_kept = []  # dispatchers, which hold the machine code


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
    dispatcher = _compile(function, signature, no_cpython_wrapper=True, no_cfunc_wrapper=True)
    _kept.append(dispatcher)
    compiled = dispatcher.get_compile_result(signature)
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)


@once
def entry_point(function, signature):
    """Compile ``function`` for ``signature`` and return what Python calls, without dispatch on argument types.

    The caller guarantees the argument types: that is what makes a call cost microseconds, and why only this package's
    own code calls these functions.
    """
    if DISABLED:
        return function
    dispatcher = _compile(function, signature, no_cfunc_wrapper=True)
    _kept.append(dispatcher)
    return dispatcher.get_overload(signature)


def vector(scalar):
    """Type of a contiguous vector of ``scalar``."""
    return types.Array(scalar, 1, "C")


def matrix(scalar):
    """Type of a C-contiguous matrix of ``scalar``."""
    return types.Array(scalar, 2, "C")


def scalar_type(dtype):
    """Return the numba scalar type of a NumPy float dtype."""
    return numba.from_dtype(dtype)
