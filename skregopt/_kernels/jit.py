"""The numba policy of the package, in one place.

Every compiled function of skregopt goes through this module:

* ``jit`` decorates helpers that other compiled functions of the *same file* call;
* ``kernel`` compiles a function that other compiled code calls through its address (the rules of a family: an
  activation, the step of an optimizer, ...), by means of what ``caller`` returns;
* ``entry_point`` compiles a function that Python calls (the training loop, the prediction).

Both of the latter compile lazily, once per process and signature, and keep their machine code in numba's cache on disk.
Nothing is compiled at import. With ``NUMBA_DISABLE_JIT=1`` all three return the plain Python function.

What numba's cache does not do by itself is added here. Its key is extended by a digest of the files in ``INLINED``,
whose code becomes part of functions of other files. Its data files are checked when they are read. And it degrades:
where no cache can be written, or where its files are damaged, the code is compiled again instead of failing.
"""

import gc
import hashlib
import os
import pickle
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from functools import lru_cache, wraps
from pathlib import Path

import numba
from numba import types
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.extending import intrinsic

from .compiler import HelperCompiler, KernelCompiler

# NaN and infinities must survive, so neither `nnan` nor `ninf`; `reassoc` is what lets LLVM vectorise sums.
# `_nrt=False`: no reference counting, hence no allocation, in any compiled function.
OPTIONS = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "reassoc"},
    "_nrt": False,
    "pipeline_class": HelperCompiler,
}

DISABLED = bool(numba.config.DISABLE_JIT)

_compiling = threading.RLock()


def _after_fork():
    # a thread that compiles does not go on here, and would keep the lock forever
    global _compiling
    _compiling = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


# what to call, once, before something has to be compiled (see `announcing`)
_announce = ContextVar("announce", default=None)


def jit(function):
    """Decorate a helper that compiled functions of the same file call."""
    # wrappers for callers other than compiled code are never needed here, and cost most of the compile time
    return numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)(function)


def inlined_jit(function):
    """Decorate a helper for single elements: a loop over calls of it vectorises only if they are inlined."""
    return numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True, **OPTIONS)(function)


def _digest_of_inlined_sources():
    digest = hashlib.sha256()
    for name in INLINED:
        # the loader also reads from a zip; without sources (a frozen application) nothing could be edited
        with suppress(OSError, AttributeError):
            digest.update(__loader__.get_data(str(Path(__file__).parents[1] / name)))
    return digest.hexdigest()


# Files whose helpers become part of functions of other files, and this one, whose flags change the machine code.
INLINED = (
    "_kernels/jit.py", "_kernels/compiler.py", "_kernels/maths.py", "_kernels/blas.py", "_kernels/views.py",
    "_kernels/denormals.py", "_kernels/atomics.py", "_kernels/table_calls.py", "_engine/records.py",
)  # fmt: skip

# What was imported is what gets compiled, however late; sources that changed since must not be taken for it.
_IMPORTED_AT = time.time()
_INLINED_DIGEST = _digest_of_inlined_sources()


def _changed_since_import(function):
    try:
        status = Path(function.__code__.co_filename).stat()
        # a file that was replaced may carry an old modification time
        return max(status.st_mtime, status.st_ctime) > _IMPORTED_AT
    except OSError:
        return False


class _ContentAddressedFile(IndexDataCacheFile):
    """Index and data files of one function's cache, the data named by their digest and written first.

    numba writes the index first and reuses names, so that a full disk or a killed process can leave an index that names
    other machine code. Here a name belongs to one content, which is checked when it is read.
    """

    def save(self, key, data):
        """Store machine code under a key of the index."""
        content = self._dump(data)
        name = f"{self._base_name}.{hashlib.sha256(content).hexdigest()[:32]}.nbc"
        with self._open_for_write(self._data_path(name)) as file:
            file.write(content)
        entries = self._load_index()
        entries[key] = name
        self._save_index(entries)

    def _load_data(self, name):
        content = Path(self._data_path(name)).read_bytes()
        if hashlib.sha256(content).hexdigest()[:32] != name.split(".")[-2]:
            raise OSError(f"{name} is damaged")
        return pickle.loads(content)

    @property
    def _base_name(self):
        return Path(self._index_path).name.removesuffix(".nbi")


class DegradingCache(FunctionCache):
    """numba's cache of one function that recompiles where the original would fail.

    A damaged or truncated file raises EOFError, UnpicklingError, ... when it is read, a full disk OSError when it is
    written; neither is a reason for a fit to fail.
    """

    def __init__(self, function, flavour):
        super().__init__(function)
        self._flavour = flavour
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = _ContentAddressedFile(self._cache_path, self._impl.filename_base, stamp)

    def _index_key(self, sig, codegen):
        return (*super()._index_key(sig, codegen), self._flavour, _INLINED_DIGEST, *sorted(_called.items()))

    def load_overload(self, sig, target_context):
        """Return the stored machine code, or None when there is none that can be read."""
        try:
            stored = super().load_overload(sig, target_context)
        except Exception:  # whatever damage does to a pickle: the answer is to compile again
            self._remove_damaged_files()
            stored = None
        if stored is None:
            _about_to_compile()
        return stored

    def save_overload(self, sig, data):
        """Store machine code if that is possible."""
        with suppress(Exception):  # the code is in memory already, only a later process loses time
            super().save_overload(sig, data)

    def _remove_damaged_files(self):
        directory = Path(self.cache_path)
        for path in directory.glob(f"{self._impl.filename_base}.*"):
            with suppress(OSError):
                path.unlink()


@contextmanager
def announcing(say):
    """Call ``say()`` once before the first compilation inside the block, if there is any; None says nothing."""
    token = _announce.set(say)
    try:
        yield
    finally:
        _announce.reset(token)


def _about_to_compile():
    say = _announce.get()
    if say is not None:
        _announce.set(None)
        say()


@contextmanager
def _lock(directory, timeout=120.0):
    """Hold a lock file in ``directory``: cold processes compile in turn, and all but the first one load.

    Without it, two processes that save different signatures of one function can leave an index that names the
    wrong code. Where no lock can be had (read-only folder, a process that hangs), work goes on without it.
    """
    try:
        handle = open(Path(directory) / "skregopt.lock", "a+b")
    except OSError:
        yield
        return
    try:
        deadline = time.monotonic() + timeout
        while not _try_lock(handle) and time.monotonic() < deadline:
            time.sleep(0.02)
        yield
    finally:
        _unlock(handle)  # closing is not enough: a process that was forked meanwhile has the file open, too
        handle.close()


if os.name == "nt":
    import msvcrt

    def _try_lock(handle):
        handle.seek(0)
        try:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(handle):
        pass  # there is no fork
else:
    import fcntl

    def _try_lock(handle):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks: nothing to wait for
            return True
        return True

    def _unlock(handle):
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)


def _once(compile_function):
    """Cache per argument, and let only one thread compile."""
    cached = lru_cache(maxsize=None)(compile_function)

    @wraps(compile_function)
    def locked(*arguments):
        with _compiling:
            return cached(*arguments)

    return locked


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
    dispatcher = numba.njit(**wrappers, **{**OPTIONS, "pipeline_class": KernelCompiler})(function)
    directory = None
    try:
        if _changed_since_import(function):
            raise RuntimeError("the source is not that of the code: cache neither read nor written")
        # a kernel and an entry point have different wrappers: one must never be loaded in place of the other
        dispatcher._cache = DegradingCache(function, flavour=tuple(wrappers))
        directory = dispatcher._cache.cache_path
        Path(directory).mkdir(parents=True, exist_ok=True)
    except Exception:  # no locator for a zip or frozen import, no home folder, ...: work uncached
        pass
    if directory is None:
        _about_to_compile()
    with _lock(directory) if directory is not None else nullcontext(), _without_collection():
        dispatcher.compile(signature)
    return dispatcher


# What must outlive every call: dispatchers hold machine code; with the JIT disabled an "address" is a position in here.
_kept = []


@_once
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
        _kept.append(function)
        return len(_kept)
    dispatcher = _compile(function, signature, no_cpython_wrapper=True, no_cfunc_wrapper=True)
    _kept.append(dispatcher)
    compiled = dispatcher.get_compile_result(signature)
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)


# Signatures of what compiled code calls through addresses, as text. They are part of every cache key: machine code that
# calls a kernel in the manner of an older version must not be loaded.
_called = {}


def caller(name, for_scalar):
    """Return a function ``call(address, *arguments)`` that calls a kernel from compiled code.

    Parameters
    ----------
    name : str
        For the key of the cache.
    for_scalar : callable
        From a numba scalar type to the signature of the kernel, whose precision is that of the arrays among the
        arguments.

    Returns
    -------
    callable
    """
    if DISABLED:
        return lambda address, *arguments: _kept[address - 1](*arguments)
    _called[name] = str(for_scalar(types.float64))

    @intrinsic
    def call(typingctx, address, *arguments):
        # numba passes the types of *arguments either one by one or as one tuple type
        given = arguments[0] if isinstance(arguments[0], types.BaseTuple) else arguments
        single = any(getattr(kind, "dtype", None) == types.float32 for kind in given)
        signature = for_scalar(types.float32 if single else types.float64)

        def codegen(context, builder, _, values):
            address, arguments = values
            convention = context.call_conv
            function_type = convention.get_function_type(signature.return_type, signature.args)
            _, result = convention.call_function(
                builder, builder.inttoptr(address, function_type.as_pointer()), signature.return_type, signature.args,
                [builder.extract_value(arguments, i) for i in range(len(signature.args))],
            )  # fmt: skip
            return context.get_dummy_value() if signature.return_type == types.void else result

        return signature.return_type(types.int64, types.StarArgTuple(signature.args)), codegen

    return call


@_once
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
