"""Machine code on disk: a file for each compiled function, whose name is a digest of all that the code depends on.

numba's own cache does not see edits in other files, keeps machine code beside the sources, and has for each function an
index with the full texts of all types of its arguments. Here there is no index that could name the wrong code. A file
begins with a digest of its name and its content. Where no file can be read or written, or where one is damaged, the
function is compiled, and nothing fails.
"""

import hashlib
import os
import pickle
import sys
import tempfile
import time
from contextlib import suppress
from copy import copy
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import numba
import numpy as np

from .cache_folder import cache_folder, is_safe
from .calls import digest_of_calls, digest_of_signature
from .numba_internals import LLVMLITE_VERSION, CompileResult, cpu_target, dumps, global_compiler_lock
from .outside import is_own, outside

# Files whose helpers become part of functions of other files, and those whose options and calls change machine code.
INLINED = (
    "_kernels/compiler.py", "_kernels/calls.py", "_kernels/jit.py", "_kernels/maths.py", "_kernels/blas.py",
    "_kernels/views.py", "_kernels/denormals.py", "_kernels/atomics.py", "_kernels/trigonometry.py",
    "_engine/records.py",
)  # fmt: skip


def _digest_of_inlined_sources():
    digest = hashlib.sha256()
    for name in INLINED:
        # the loader also reads from a zip; without sources (a frozen application) nothing could be edited
        with suppress(OSError, AttributeError):
            digest.update(__loader__.get_data(str(Path(__file__).parents[1] / name)))
    return digest.hexdigest()


# What was imported is what gets compiled, however late; sources that changed since must not be taken for it.
_IMPORTED_AT = time.time()
_INLINED_DIGEST = _digest_of_inlined_sources()

_PACKAGE = __name__.partition(".")[0]
# the suffix names the version of Python, its variant and the platform
_ENVIRONMENT = (EXTENSION_SUFFIXES[0], numba.__version__, LLVMLITE_VERSION, np.__version__)
_DIGEST_SIZE = hashlib.sha256().digest_size


def code_folder():
    """Return the folder for the machine code of these sources, or None where there is none."""
    version = sys.modules[_PACKAGE].__version__  # not yet there while the package is imported
    return cache_folder(f"{version}-{_INLINED_DIGEST[:12]}")


def path_of(function, signature, kind):
    """Return the path of the file for a function's machine code, whether there is one or not.

    Parameters
    ----------
    function : callable
    signature : numba signature
    kind : str
        What else the function is compiled for.

    Returns
    -------
    pathlib.Path or None
        None if there can be no such file: without a folder for it, or without sources that are known to be those of
        the function and of its helpers, or if it depends on values of unknown kinds.
    """
    folder = code_folder()
    if folder is None:
        return None
    try:
        functions, values = outside(function)
        if any(_changed_since_import(each.__code__.co_filename) for each in functions):
            return None
        sources = [_origin(each) for each in functions]
    except Exception:  # typed at a prompt, made by exec, closed over something that cannot be described, ...
        return None
    key = (
        _ENVIRONMENT, cpu_target.target_context.codegen().magic_tuple(), _INLINED_DIGEST, digest_of_calls(),
        sources, values, kind, digest_of_signature(signature),
    )  # fmt: skip
    digest = hashlib.sha256(repr(key).encode()).hexdigest()
    return folder / f"{function.__name__.strip('<>')}.{digest[:32]}.code"


def _origin(function):
    """Return what tells a function from others: its source, and its place there."""
    code = function.__code__
    source = _digest_of_source(code.co_filename, function.__globals__.get("__loader__"))
    # a user's function may depend on other files in ways unknown: files of other places never share machine code
    place = "" if is_own(function) else code.co_filename
    return place, source, function.__module__, function.__qualname__, code.co_firstlineno, code.co_code


def _changed_since_import(filename):
    try:
        status = os.stat(filename)
    except OSError:  # within a zip archive, say
        return False
    # a file that was replaced may carry an old modification time
    return max(status.st_mtime, status.st_ctime) > _IMPORTED_AT


@cache
def _digest_of_source(filename, loader):
    if getattr(sys, "frozen", False):  # the executable contains the code, and no sources
        status = os.stat(sys.executable)
        return f"{status.st_size} {status.st_mtime_ns}"
    try:
        source = Path(filename).read_bytes()
    except OSError:
        source = loader.get_data(filename)
    return hashlib.sha256(source).hexdigest()


def load(path):
    """Return what :func:`save` has stored, a ``CompileResult``, or None if there is nothing that can be read."""
    try:
        with path.open("rb") as file:
            if not is_safe(os.fstat(file.fileno())):
                return None
            digest, content = file.read(_DIGEST_SIZE), file.read()
        if digest != _digest_of_file(path, content):
            return None
        with global_compiler_lock:
            context = cpu_target.target_context
            context.refresh()
            return CompileResult._rebuild(context, *pickle.loads(content))
    except Exception:  # whatever is wrong with a file: the answer is to compile
        return None


def save(path, compiled):
    """Store a ``CompileResult`` if that is possible."""
    if compiled.lifted or compiled.library.has_dynamic_globals:  # holds for this process only
        return
    try:
        with global_compiler_lock:
            content = dumps(_without_types(compiled)._reduce())
        _write(path, _digest_of_file(path, content) + content)
    except Exception:  # the machine code is in memory already; only a later process loses time
        pass


def _without_types(compiled):
    """Return a ``CompileResult`` without its types and annotations: only numba's own callers and people read them.

    Types repeat many times, are most of a ``CompileResult``, and take longer to load than machine code.
    """
    descriptor = copy(compiled.fndesc)
    descriptor.argtypes, descriptor.restype = (), None
    return compiled._replace(fndesc=descriptor, signature=None, type_annotation="")


def _digest_of_file(path, content):
    return hashlib.sha256(path.name.encode() + content).digest()


def _write(path, content):
    """Write a file at once: nobody ever sees half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix="unfinished")
    try:
        with open(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
