"""Machine code on disk: numba's cache, where it does not do enough by itself.

Its key is extended by a digest of the files in ``INLINED``, whose code becomes part of functions of other files. Its
data files are checked when they are read. And it degrades: where no cache can be written, or where its files are
damaged, the code is compiled again instead of failing.
"""

import hashlib
import pickle
import time
from contextlib import suppress
from pathlib import Path

from .calls import called
from .numba_internals import FunctionCache, IndexDataCacheFile


def _digest_of_inlined_sources():
    digest = hashlib.sha256()
    for name in INLINED:
        # the loader also reads from a zip; without sources (a frozen application) nothing could be edited
        with suppress(OSError, AttributeError):
            digest.update(__loader__.get_data(str(Path(__file__).parents[1] / name)))
    return digest.hexdigest()


# Files whose helpers become part of functions of other files, and those whose options and calls change machine code.
INLINED = (
    "_kernels/compiler.py", "_kernels/calls.py", "_kernels/jit.py", "_kernels/maths.py", "_kernels/blas.py",
    "_kernels/views.py", "_kernels/denormals.py", "_kernels/atomics.py", "_engine/records.py",
)  # fmt: skip

# What was imported is what gets compiled, however late; sources that changed since must not be taken for it.
_IMPORTED_AT = time.time()
_INLINED_DIGEST = _digest_of_inlined_sources()


def changed_since_import(function):
    """Return whether the source file of a function is younger than this process's import of the package."""
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

    def __init__(self, function, flavour, about_to_compile):
        super().__init__(function)
        self._flavour = flavour
        self._about_to_compile = about_to_compile
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = _ContentAddressedFile(self._cache_path, self._impl.filename_base, stamp)

    def _index_key(self, sig, codegen):
        return (*super()._index_key(sig, codegen), self._flavour, _INLINED_DIGEST, *sorted(called.items()))

    def load_overload(self, sig, target_context):
        """Return the stored machine code, or None when there is none that can be read."""
        try:
            stored = super().load_overload(sig, target_context)
        except Exception:  # whatever damage does to a pickle: the answer is to compile again
            self._remove_damaged_files()
            stored = None
        if stored is None:
            self._about_to_compile()
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
