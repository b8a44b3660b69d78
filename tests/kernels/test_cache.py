"""Machine code on disk: damaged, missing, without a place, of another kernel."""

import errno
import inspect
import os
import pickle
import random
import shutil
from contextlib import ExitStack

import numba
import numpy as np
import pytest
from numba import types
from numba.core import event
from numba.core.caching import CacheImpl, IndexDataCacheFile
from processes import run
from support.kernels import KERNEL_NAMES, KERNEL_RESULTS, KERNELS, kernels_in, needs_compiler, zipped

from skregopt._kernels import cache
from skregopt._kernels import jit as _jit
from skregopt._kernels.calls import called
from skregopt.activations import Activation, Tanh


@needs_compiler
def test_zip_import_without_home_folder(tmp_path):
    code = KERNELS + 'result["values"] = kernels("float32")\nresult["file"] = _jit.__file__'
    options = {"path": zipped(tmp_path), "env": {"HOME": os.devnull, "XDG_CACHE_HOME": None}}
    for _ in range(2):
        result = run(code, **options)
        assert ".zip" in result["file"]
        assert kernels_in(result) == KERNEL_NAMES
        np.testing.assert_allclose(result["values"], KERNEL_RESULTS, rtol=1e-6)


@pytest.fixture
def compile_tanh(tmp_path, monkeypatch):
    """A function that compiles, or loads, one kernel as a new process would; returns how many compilations it took."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def compile_tanh(dtype=np.float64):
        signature = Activation.signatures["activate"](_jit.scalar_type(np.dtype(dtype)))
        with event.install_recorder("numba:compile") as recorder:
            activate = inspect.unwrap(_jit.entry_point)(Tanh.activate, signature)
        z = np.array([0.5, np.nan], dtype)
        activate(z, z[:0], z[:0])
        np.testing.assert_allclose(z, np.tanh(np.array([0.5, np.nan], dtype)), rtol=1e-6)
        names = [e.data["dispatcher"].py_func.__name__ for _, e in recorder.buffer if e.is_start]
        return names.count("_tanh_activate")

    return compile_tanh


@needs_compiler
def test_no_place_for_a_cache(compile_tanh, monkeypatch):
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    assert compile_tanh() == 1
    assert compile_tanh() == 1


@needs_compiler
def test_cache_folder_that_disappears(compile_tanh, tmp_path, monkeypatch):
    assert compile_tanh() == 1
    shutil.rmtree(tmp_path)
    assert compile_tanh() == 1
    assert compile_tanh() == 0


DAMAGE = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "one byte short": lambda content: content[:-1],
    "zeros": lambda content: bytes(len(content)),
    "zeros at the end": lambda content: content[:-64] + bytes(64),
    "one byte changed": lambda content: content[:-200] + bytes([content[-200] ^ 1]) + content[-199:],
    "garbage": lambda content: random.Random(0).randbytes(len(content)),
    "another pickle": lambda content: pickle.dumps(None),
}


@needs_compiler
@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_damaged_files_are_compiled_anew(compile_tanh, tmp_path, suffix, damage):
    assert compile_tanh() == 1
    assert compile_tanh() == 0
    (path,) = tmp_path.rglob(f"*.{suffix}")
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert compile_tanh() == 1
    assert compile_tanh() == 0  # mended


@needs_compiler
def test_code_under_the_name_of_other_code_is_not_loaded(compile_tanh, tmp_path):
    compile_tanh(np.float32)
    (single,) = tmp_path.rglob("*.nbc")
    compile_tanh(np.float64)
    (double,) = set(tmp_path.rglob("*.nbc")) - {single}
    double.write_bytes(single.read_bytes())
    assert compile_tanh(np.float64) == 1
    assert compile_tanh(np.float64) == 0


@needs_compiler
@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_missing_files_are_compiled_anew(compile_tanh, tmp_path, suffix):
    compile_tanh()
    (path,) = tmp_path.rglob(f"*.{suffix}")
    path.unlink()
    assert compile_tanh() == 1
    assert compile_tanh() == 0


@needs_compiler
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "no space left"), PermissionError(), pickle.PicklingError()])
@pytest.mark.parametrize("method", ["_open_for_write", "_save_index", "_dump"])
def test_failure_to_save(compile_tanh, monkeypatch, method, error):
    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(IndexDataCacheFile, method, fail)
        assert compile_tanh() == 1
        assert compile_tanh() == 1
    assert compile_tanh() == 1
    assert compile_tanh() == 0


@needs_compiler
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "no space left"), KeyboardInterrupt()])
def test_disk_that_fills_up_leaves_no_wrong_code(compile_tanh, tmp_path, monkeypatch, error):
    """The index is small, the data is not: one is written, the other is not, where an older version has left files."""
    compile_tanh(np.float32)
    (index,) = tmp_path.rglob("*.nbi")
    with index.open("rb") as file:
        version, rest = pickle.load(file), file.read()
    _, entries = pickle.loads(rest)
    index.write_bytes(pickle.dumps(version) + pickle.dumps(("another source", entries)))  # as after an edit

    open_for_write = IndexDataCacheFile._open_for_write

    def full(self, path):
        if str(path).endswith(".nbc"):
            raise error
        return open_for_write(self, path)

    with monkeypatch.context() as patch, ExitStack() as stack:
        patch.setattr(IndexDataCacheFile, "_open_for_write", full)
        if not isinstance(error, OSError):
            stack.enter_context(pytest.raises(KeyboardInterrupt))
        compile_tanh(np.float64)
    assert compile_tanh(np.float64) == 1
    assert compile_tanh(np.float32) == 1
    assert compile_tanh(np.float64) == compile_tanh(np.float32) == 0


@needs_compiler
def test_signatures_of_called_kernels_are_part_of_the_cache_key(monkeypatch):
    degrading = cache.DegradingCache(Tanh.activate, "flavour", print)
    codegen = numba.core.registry.cpu_target.target_context.codegen()
    signature = types.void(types.int64)
    before = degrading._index_key(signature, codegen)
    monkeypatch.setitem(called, "activate", "another signature")
    assert degrading._index_key(signature, codegen) != before
