"""The compiler: what is compiled when, what is cached where, and that machine code computes what Python would.

Everything about caches happens in processes of their own with a cache folder of their own, or on single kernels in
this process; a cold process that compiles the whole training loop takes seconds, so tests share one cache.
"""

import errno
import gc
import importlib.util
import inspect
import os
import pickle
import platform
import random
import re
import shutil
import sys
import threading
import time
import zipfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import numba
import numpy as np
import pytest
from numba import types
from numba.core import event
from numba.core.caching import CacheImpl, IndexDataCacheFile
from processes import DATA, PACKAGE, Child, run
from sklearn.exceptions import ConvergenceWarning

from skregopt import MLPRegressor, activations, losses, optimizers, penalties
from skregopt._engine import declaration, loop
from skregopt._engine.records import N_SCALARS
from skregopt._kernels import cache, locks, maths
from skregopt._kernels import jit as _jit
from skregopt._kernels.calls import called, caller
from skregopt._kernels.compiler import DISABLED, OPTIONS
from skregopt._kernels.denormals import denormals_as, denormals_off
from skregopt.activations import ACTIVATIONS, Activation, Tanh
from skregopt.losses import REGRESSION_LOSSES, FocalSigmoid, FocalSoftmax, Loss, SigmoidLogLoss, SoftmaxLogLoss
from skregopt.optimizers import Adam, Optimizer
from skregopt.penalties import PENALTIES, Penalty

DTYPES = [np.float32, np.float64]
needs_compiler = pytest.mark.skipif(DISABLED, reason="without the JIT there is nothing to compile or to cache")

# a dozen combinations that need most kernels, and every function of the training loop
FITS = (
    DATA
    + """
FITS = {
    "verbose": (MLPClassifier((5, 4), verbose=True), X, classes),
    "binary": (MLPClassifier(4, activation="logistic", solver="minibatch", batch_size=7), X, classes > 0),
    "multilabel": (MLPClassifier(4, activation="tanh", dropout=0.3), X, X[:, :2] > 0),
    "l1": (MLPClassifier(4, penalty="l1", solver="sgd", alpha=1e-2), X, classes),
    "linear": (MLPRegressor((), penalty="elasticnet", solver="gd", learning_rate="adaptive"), X, counts),
    "two outputs": (MLPRegressor((4,), penalty=None, learning_rate="invscaling"), X, X[:, :2]),
    "poisson": (MLPRegressor((4, 3), loss="poisson", activation="identity", nesterovs_momentum=False,
                             solver="minibatch"), X, counts),
    "lbfgs": (MLPRegressor(4, solver="lbfgs", activation="tanh"), X, counts),
    "csr": (MLPClassifier(4, input_dropout=0.2), sp.csr_array(X), classes),
    "csr, long rows": (MLPRegressor(4, solver="sgd"), sp.csr_array(np.tile(X, 3)), counts),
    "early stopping": (MLPClassifier(4, early_stopping=True, validation_fraction=0.3), X, classes),
    "scorer": (MLPRegressor(4, early_stopping=True, validation_fraction=0.3, scoring="r2"), X, counts, weights),
    "lbfgs, early stopping": (MLPClassifier(4, solver="lbfgs", early_stopping=True, validation_fraction=0.3),
                              X, classes),
}
for dtype in dtypes:
    for name, (model, X_fit, *more) in FITS.items():
        model.set_params(dtype=dtype, random_state=0, max_iter=4, learning_rate_init=0.01)
        model.fit(X_fit, *more)
        learnt = [*model.coefs_, *model.intercepts_, model.predict(X_fit)]
        result[f"{name}, {dtype}"] = [float(value) for array in learnt for value in np.ravel(array)]
"""
)
SINGLE, DOUBLE, BOTH = ('dtypes = ["float32"]\n', 'dtypes = ["float64"]\n', 'dtypes = ["float64", "float32"]\n')

# compiles four functions of four files, and says what they compute
KERNELS = """
import numpy as np
from skregopt._kernels import jit as _jit
from skregopt.activations import Tanh
from skregopt.penalties import L1, L2
from skregopt.schedules import InvScaling

def call(rule, name, dtype, *arguments):
    signature = rule.signatures[name](_jit.scalar_type(np.dtype(dtype)))
    return _jit.entry_point(getattr(rule, name), signature)(*arguments)

def kernels(dtype):
    z, nothing, memory = np.array([0.5, -2.0], dtype), np.zeros(1, dtype), np.zeros(1)
    call(Tanh, "activate", dtype, z, nothing, nothing)
    value = call(L2, "value", dtype, z, 1, 0, np.dtype(dtype).type(2), nothing)
    w = np.array([0.75, -0.125], dtype)
    call(L1, "prox", dtype, w, np.ones(2, dtype), 1, 0, np.dtype(dtype).type(0.25), np.ones(1, dtype))
    rate = call(InvScaling, "rate", dtype, 3.0, 4, 0, 1, 1, np.array([0.5]), memory)
    return [*z.tolist(), value, *w.tolist(), rate]
"""
KERNEL_NAMES = {
    "skregopt.activations._sigmoids._tanh_activate",
    "skregopt.penalties._l2_value",
    "skregopt.penalties._l1_prox",
    "skregopt.schedules._decays._inv_scaling_rate",
}
KERNEL_RESULTS = [
    np.tanh(0.5), np.tanh(-2.0), np.tanh(0.5) ** 2 + np.tanh(-2.0) ** 2, 0.5, 0.0, 1.5,
]  # fmt: skip


def kernels_in(result):
    """Return which of the four functions a child has compiled."""
    return set(result["compiled"]) & KERNEL_NAMES


def values(result):
    """Return what a child has computed, by combination."""
    return {name: value for name, value in result.items() if isinstance(value, list) and name != "compiled"}


def unwritable(folder):
    """Return environment variables and a path to a copy of the package with nowhere to write to, for root either."""
    shutil.copytree(PACKAGE, folder / "skregopt", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "skregopt" / "__pycache__").touch()  # a file, so that it cannot become a folder
    (folder / "skregopt").chmod(0o555)
    return {"path": folder, "env": {"HOME": os.devnull, "XDG_CACHE_HOME": None, "NUMBA_CACHE_DIR": "/dev/null/cache"}}


def zipped(folder):
    """Return a path to the package in a zip archive."""
    path = folder / "library.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in PACKAGE.rglob("*.py"):
            archive.write(file, Path("skregopt", file.relative_to(PACKAGE)))
    return path


# --- what is compiled when ------------------------------------------------------------------------------------------


@needs_compiler
def test_import_compiles_nothing(tmp_path):
    files = [path.relative_to(PACKAGE.parent).with_suffix("") for path in PACKAGE.rglob("*.py")]
    modules = "\n".join(f"import {'.'.join(file.parts)}" for file in files if file.stem != "__init__")
    assert run(f"import skregopt\n{modules}", cache=tmp_path)["compiled"] == []
    assert not list(tmp_path.rglob("*"))


@pytest.fixture(scope="module")
def cold(tmp_path_factory):
    """The first process on a machine, and the cache that it leaves."""
    folder = tmp_path_factory.mktemp("cache")
    return folder, run(BOTH + FITS, cache=folder)


@needs_compiler
def test_first_process_compiles_each_function_once_per_dtype(cold):
    _, first = cold
    counts = Counter(first["compiled"])
    assert counts["skregopt._engine.loop.run_epochs"] == 2
    assert counts["skregopt._engine.loop.predict"] == 2
    assert counts["skregopt.activations._relu._relu_activate"] == 2
    # loaders: one function for each kind and element type of X
    assert {name: n for name, n in counts.items() if "<locals>" not in name and n > 2} == {}


@needs_compiler
def test_second_process_compiles_nothing(cold):
    folder, first = cold
    files = {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")}
    second = run(BOTH + FITS, cache=folder)
    assert second["compiled"] == []
    assert values(second) == values(first)
    assert len(values(second)) == 26
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")} == files


@needs_compiler
def test_compilation_is_announced_once_and_only_if_there_is_any(cold):
    folder, first = cold
    assert first["printed"].count("Compiling") == 2  # two fits with verbose, each the first of its dtype
    model = 'MLPClassifier((5, 4), verbose=True, random_state=0, max_iter=2, dtype="float32").fit(X, classes)'
    second = run(DATA + model, cache=folder)
    assert "Compiling" not in second["printed"]
    assert "Iteration 1" in second["printed"]


RULES_AND_PASSES = {
    "activations", "losses", "penalties", "optimizers", "schedules",
    "_batch_norm", "_constraints", "_passes", "_source", "_team", "_update",
}  # fmt: skip
KERNELS_OF_THE_DEFAULTS = {
    "_adam_prepare", "_adam_step", "_constant_rate", "stop_when_exhausted", "_l2_add_gradient", "_l2_value",
    "_relu_activate", "_relu_differentiate", "_softmax_evaluate", "_highest", "_larger", "_subtract_highest",
    "_replace_by_exp", "load", "load_tile", "train_rows", "forward", "evaluate_rows", "backward", "gradient_rows",
    "update_pieces", "_add_product", "_add_scaled", "_column_sums", "_intercept_gradient", "_product_transposed",
    "_transpose", "loss_of_tile",
}  # fmt: skip


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("dtype", [pytest.param("float64", marks=pytest.mark.heavy), "float32"])
def test_time_of_first_fits(tmp_path, dtype, record_property):
    """Bounds for busy machines; the numbers themselves are in the report (--junitxml) and printed with -s."""
    code = f"""
    model = MLPClassifier(random_state=0, max_iter=5, dtype={dtype!r})
    clock, processor = time.perf_counter(), time.process_time()
    model.fit(X, classes)
    result["seconds"], result["processor"] = time.perf_counter() - clock, time.process_time() - processor
    """
    code = DATA + inspect.cleandoc(code)
    for name, limit in (("first", 60), ("later", 5)):
        fit = run(code, cache=tmp_path)
        record_property(f"{name}_fit_seconds", fit["seconds"])
        print(f"\n{name} fit, {dtype}: {fit['seconds']:.2f} s, of which the processor worked {fit['processor']:.2f} s")
        assert fit["seconds"] < limit
        if name == "first":
            # what others use is not compiled for those who do not
            rules = {function for function in fit["compiled"] if function.split(".")[1] in RULES_AND_PASSES}
            assert {function.rpartition(".")[2] for function in rules} == KERNELS_OF_THE_DEFAULTS


@needs_compiler
@pytest.mark.slow
def test_threads_of_a_cold_process_compile_once(tmp_path):
    code = """
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(4) as pool:
        models = [MLPClassifier(4, dtype=dtype, max_iter=3, random_state=0) for dtype in ("float32", "float64") * 4]
        fitted = list(pool.map(lambda model: model.fit(X, classes), models))
    result["n"] = len({bits(*model.coefs_) for model in fitted})
    """
    threads = run(DATA + inspect.cleandoc(code), cache=tmp_path)
    assert threads["n"] == 2
    assert max(Counter(name for name in threads["compiled"] if "<locals>" not in name).values()) == 2


# --- edits ----------------------------------------------------------------------------------------------------------

# of maths.py: a helper that is inlined into kernels of other files
TANH_EDIT = ("lambda x: _tanh_double(x)", "lambda x: x + x")


@pytest.fixture
def edited(tmp_path):
    """A copy of the package, with functions that run the kernels in a new process and that edit a file."""
    copy = tmp_path / "skregopt"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))

    def run_kernels(before="", **options):
        code = KERNELS + before + '\nresult["values"] = kernels("float64")'
        return run(code, **{"path": tmp_path, "cache": tmp_path / "cache", **options})

    def edit(name, old, new):
        text = (copy / name).read_text(encoding="utf-8")
        assert old in text
        (copy / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return run_kernels, edit


@needs_compiler
def test_edits_recompile_what_depends_on_them(edited):
    run_kernels, edit = edited
    first = run_kernels()
    assert kernels_in(first) == KERNEL_NAMES
    np.testing.assert_allclose(first["values"], KERNEL_RESULTS, rtol=1e-15)
    assert run_kernels()["compiled"] == []

    edit("_kernels/maths.py", *TANH_EDIT)
    after_helper = run_kernels()
    assert kernels_in(after_helper) == KERNEL_NAMES
    assert after_helper["values"][0] == 1.0
    edit("_kernels/maths.py", *reversed(TANH_EDIT))
    assert run_kernels()["compiled"] == []  # the old code is still there

    # a constant of one file
    edit("penalties.py", "return 0.5 * alpha * total", "return 0.25 * alpha * total")
    after_rule = run_kernels()
    assert kernels_in(after_rule) == {name for name in KERNEL_NAMES if "penalties" in name}
    assert after_rule["values"] == [*first["values"][:2], first["values"][2] / 2, *first["values"][3:]]


def test_every_inlined_file_is_part_of_the_key(tmp_path, monkeypatch):
    def digest():
        for name in [name for name in sys.modules if name.partition(".")[0] == "copied"]:
            del sys.modules[name]
        return importlib.import_module("copied._kernels.cache")._INLINED_DIGEST

    folder = tmp_path / "copied"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    original = digest()
    assert original == digest()
    for name in cache.INLINED:
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text + "# edited\n", encoding="utf-8")
        assert digest() != original, name
        (folder / name).write_text(text, encoding="utf-8")
    assert digest() == original


@needs_compiler
@pytest.mark.parametrize(
    ("name", "old", "new", "changed"),
    [
        ("_kernels/maths.py", *TANH_EDIT, [0, 1, 2]),
        ("penalties.py", "return 0.5 * alpha * total", "return 0.25 * alpha * total", [2]),
    ],
)
def test_edit_between_import_and_compilation_does_not_poison_the_cache(edited, name, old, new, changed):
    """A long-lived process compiles the code that it has imported; later processes must not get it."""
    run_kernels, _ = edited
    edit_now = f"""
from pathlib import Path
path = Path(_jit.__file__).parents[1] / {name!r}
path.write_text(path.read_text().replace({old!r}, {new!r}))
"""
    during = run_kernels(before=edit_now)
    np.testing.assert_allclose(during["values"], KERNEL_RESULTS, rtol=1e-15)
    after = run_kernels()
    different = [i for i, pair in enumerate(zip(during["values"], after["values"], strict=True)) if len(set(pair)) > 1]
    assert different == changed


@needs_compiler
def test_edit_inside_a_zip_archive(tmp_path):
    home = {"HOME": tmp_path, "XDG_CACHE_HOME": None}
    code = KERNELS + 'result["values"] = kernels("float64")'
    path = zipped(tmp_path)
    first, again = (run(code, path=path, env=home) for _ in range(2))
    assert kernels_in(first) == KERNEL_NAMES
    assert again["values"] == first["values"]
    with zipfile.ZipFile(path) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    helper = "skregopt/_kernels/maths.py"
    assert TANH_EDIT[0] in texts[helper]
    texts[helper] = texts[helper].replace(*TANH_EDIT)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    assert run(code, path=path, env=home)["values"][0] == 1.0


# --- where no cache can be written ----------------------------------------------------------------------------------


@needs_compiler
def test_read_only_installation_without_home_folder(tmp_path, cold):
    """A whole fit, uncached, gives the same bits."""
    options = unwritable(tmp_path)
    code = DATA + inspect.cleandoc("""
    model = MLPClassifier(4, penalty="l1", solver="sgd", alpha=1e-2, dtype="float32", random_state=0, max_iter=4)
    model.set_params(learning_rate_init=0.01).fit(X, classes)
    learnt = [*model.coefs_, *model.intercepts_, model.predict(X)]
    result["values"] = [float(value) for array in learnt for value in np.ravel(array)]
    """)
    fitted = run(code, **options)
    assert fitted["compiled"].count("skregopt._engine.loop.run_epochs") == 1
    assert fitted["values"] == cold[1]["l1, float32"]
    assert not list(tmp_path.rglob("*.nb?"))


@needs_compiler
def test_zip_import_without_home_folder(tmp_path):
    code = KERNELS + 'result["values"] = kernels("float32")\nresult["file"] = _jit.__file__'
    options = {"path": zipped(tmp_path), "env": {"HOME": os.devnull, "XDG_CACHE_HOME": None}}
    for _ in range(2):
        result = run(code, **options)
        assert ".zip" in result["file"]
        assert kernels_in(result) == KERNEL_NAMES
        np.testing.assert_allclose(result["values"], KERNEL_RESULTS, rtol=1e-6)


@needs_compiler
@pytest.mark.slow
@pytest.mark.heavy
def test_whole_fit_from_a_zip_archive_without_home_folder(tmp_path, cold):
    options = {"path": zipped(tmp_path), "env": {"HOME": os.devnull, "XDG_CACHE_HOME": None}}
    assert values(run(SINGLE + FITS, **options)).items() <= values(cold[1]).items()


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


# --- several processes at once --------------------------------------------------------------------------------------


@needs_compiler
def test_one_process_at_a_time_compiles_and_saves(compile_tanh, tmp_path, monkeypatch):
    """While one process holds the lock, another waits, and then loads instead of compiling."""
    compile_tanh(np.float32)  # makes the folder
    (lock,) = tmp_path.rglob("*.lock")
    began, waited = threading.Event(), []
    try_lock = locks._try_lock

    def watched(handle):
        began.set()
        return try_lock(handle)

    def in_other_process():
        waited.append(compile_tanh())

    monkeypatch.setattr(locks, "_try_lock", watched)
    with lock.open("a+b") as handle:
        assert try_lock(handle)
        thread = threading.Thread(target=in_other_process)
        thread.start()
        assert began.wait(60)
        time.sleep(0.2)
        assert not waited
    thread.join(60)
    assert waited == [1]


@needs_compiler
def test_a_lock_that_is_never_released_delays_but_does_not_block(compile_tanh, tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_try_lock", lambda handle: False)
    seconds = iter(range(0, 100_000, 50))
    monkeypatch.setattr(locks.time, "monotonic", lambda: next(seconds))
    assert compile_tanh() == 1


FORKED = """
import multiprocessing
context = multiprocessing.get_context("fork")

def work(order, barrier, queue):
    barrier.wait()
    queue.put([kernels(dtype) for dtype in order])

barrier, queue = context.Barrier(8), context.Queue()
orders = [("float32", "float64"), ("float64", "float32")] * 4
processes = [context.Process(target=work, args=(order, barrier, queue)) for order in orders]
for process in processes:
    process.start()
result["values"] = [value for process in processes for pair in queue.get() for value in pair]
for process in processes:
    process.join()
result["codes"] = [process.exitcode for process in processes]
"""


@needs_compiler
@pytest.mark.skipif(not hasattr(os, "fork"), reason="starts processes by fork")
def test_cold_processes_at_once_with_single_kernels(tmp_path):
    first = run(KERNELS + FORKED, cache=tmp_path)
    assert first["codes"] == [0] * 8
    np.testing.assert_allclose(first["values"], KERNEL_RESULTS * 16, rtol=1e-6)
    code = KERNELS + 'result["values"] = kernels("float32") + kernels("float64")'
    later = run(code, cache=tmp_path)
    assert later["compiled"] == []
    np.testing.assert_allclose(later["values"], KERNEL_RESULTS * 2, rtol=1e-6)


@needs_compiler
@pytest.mark.slow
@pytest.mark.heavy
def test_cold_processes_at_once_with_whole_fits(tmp_path, cold):
    codes = [SINGLE, DOUBLE, BOTH, 'dtypes = ["float32", "float64"]\n']
    children = [Child(code + FITS, cache=tmp_path) for code in codes]
    for child in children:
        result = child.result()
        assert values(result)
        assert values(result).items() <= values(cold[1]).items()
    later = run(BOTH + FITS, cache=tmp_path)
    assert later["compiled"] == []
    assert values(later) == values(cold[1])


# --- the same numbers -----------------------------------------------------------------------------------------------


@needs_compiler
def test_without_compiler_to_rounding(cold):
    plain = run(DOUBLE + FITS, env={"NUMBA_DISABLE_JIT": "1"})
    assert plain["compiled"] == []
    compiled = {name: value for name, value in values(cold[1]).items() if "float64" in name}
    assert values(plain).keys() == compiled.keys()
    for name, expected in compiled.items():
        np.testing.assert_allclose(values(plain)[name], expected, rtol=1e-9, atol=1e-9, err_msg=name)


def call(rule, name, dtype, *arguments):
    """Call a kernel as compiled for ``dtype``."""
    signature = rule.signatures[name](_jit.scalar_type(np.dtype(dtype)))
    return _jit.entry_point(getattr(rule, name), signature)(*arguments)


def exp_of(x, out):
    for i in range(x.size):
        out[i] = maths.exp(x[i])


def tanh_of(x, out):
    for i in range(x.size):
        out[i] = maths.tanh(x[i])


def logistic_of(x, out):
    for i in range(x.size):
        out[i] = maths.logistic(x[i])


def elementwise(function, x):
    """Apply one of the three functions above."""
    v = _jit.vector(_jit.scalar_type(x.dtype))
    out = np.empty_like(x)
    with np.errstate(all="ignore"):
        _jit.entry_point(function, types.void(v, v))(x, out)
    return out


def exact_logistic(x):
    return 1 / (1 + np.exp(-x))


REFERENCES = {exp_of: np.exp, tanh_of: np.tanh, logistic_of: exact_logistic}
# how far x goes before the result under- or overflows
RANGES = {np.float32: (-103.0, 88.7), np.float64: (-745.0, 709.7)}


@needs_compiler
@pytest.mark.parametrize("function", REFERENCES, ids=lambda function: function.__name__)
@pytest.mark.parametrize("dtype", DTYPES)
def test_exponentials_are_accurate(dtype, function, record_property):
    """Within 3 units in the last place (exp and tanh: 2), those of the smallest normal number below it."""
    wide = np.float64 if dtype is np.float32 else np.longdouble
    if np.finfo(wide).eps == np.finfo(dtype).eps:
        pytest.skip("no wider type to compare with")
    rng = np.random.RandomState(0)
    low, high = RANGES[dtype]
    small = np.logspace(-40 if dtype is np.float32 else -300, 1, 20_000)
    x = np.concatenate([rng.uniform(low, high, 200_000), rng.uniform(-3, 3, 200_000), small, -small, [0.0, -0.0]])
    x = x.astype(dtype)
    if function is logistic_of:  # which is zero where exp(-x) overflows
        x = x[x > -RANGES[dtype][1]]
    with np.errstate(all="ignore"):
        exact = REFERENCES[function](x.astype(wide))
    ulp = np.spacing(np.maximum(np.abs(exact.astype(dtype)), np.finfo(dtype).tiny)).astype(wide)
    error = np.abs(elementwise(function, x).astype(wide) - exact) / ulp
    record_property("ulp", float(error.max()))
    assert error.max() < (3.0 if function is logistic_of else 2.0), (float(x[error.argmax()]), float(error.max()))


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
def test_exponentials_at_the_ends(dtype):
    low, high = RANGES[dtype]
    x = np.array([np.nan, np.inf, -np.inf, high, high + 1, 1e30, low, low - 2, -1e30, 0.0, -0.0], dtype)
    with np.errstate(all="ignore"):
        for function, reference in REFERENCES.items():
            np.testing.assert_allclose(elementwise(function, x), reference(x), rtol=1e-6, err_msg=function.__name__)
    assert 0 < elementwise(exp_of, np.array([low], dtype)) < np.finfo(dtype).tiny  # gradual underflow
    assert np.all(np.abs(elementwise(tanh_of, np.linspace(-30, 30, 10_001).astype(dtype))) <= 1)


def halves(x, inside, outside):
    before = denormals_off()
    for i in range(x.size):
        inside[i] = x[i] / 2
    denormals_as(before)
    for i in range(x.size):
        outside[i] = x[i] / 2


has_switches = pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="needs no switches")


@needs_compiler
@has_switches
@pytest.mark.parametrize("dtype", DTYPES)
def test_denormal_numbers_are_zero_while_switched_off(dtype):
    tiny = np.finfo(dtype).tiny
    x = np.array([4 * tiny, 2 * tiny, tiny, tiny / 4, np.nan, np.inf, -tiny], dtype)
    inside, outside = np.empty_like(x), np.empty_like(x)
    T = _jit.scalar_type(x.dtype)
    _jit.entry_point(halves, types.void(*[_jit.vector(T)] * 3))(x, inside, outside)
    np.testing.assert_array_equal(outside, x / 2)  # as NumPy has it: the switches are as they were
    np.testing.assert_array_equal(inside, np.where(abs(x / 2) < tiny, 0, x / 2))


@needs_compiler
@has_switches
@pytest.mark.parametrize(("dtype", "n_halvings"), [(np.float32, 120), (np.float64, 1030)])
def test_training_neither_leaves_denormal_numbers_nor_the_switches(dtype, n_halvings):
    """The weight of a feature that is always zero is halved by the penalty in every update."""
    assert 0 < 1e-3 * 0.5**n_halvings < np.finfo(dtype).tiny
    X = np.zeros((20, 2), dtype)
    X[:, 0] = np.linspace(-1, 1, 20)
    coef = [np.full((2, 1), 1e-3, dtype)]
    model = MLPRegressor((), solver="gd", momentum=0.0, alpha=1.0, learning_rate_init=0.5, tol=0)
    model.set_params(n_iter_no_change=np.inf, max_iter=n_halvings)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, X[:, 0], coef_init=coef)
    assert model.coefs_[0][1, 0] == 0.0
    assert np.finfo(dtype).tiny / dtype(2) > 0


def draw(keys, counters, mixed, bits):
    for i in range(keys.size):
        mixed[i] = maths.mix(keys[i], counters[i])
        bits[i] = maths.random_bits(mixed[i], counters[i])


def drawn(keys, counters):
    """Return what the compiled code draws."""
    mixed, bits = np.empty(keys.size, np.uint64), np.empty(keys.size, np.uint32)
    u8, i8, u4 = (_jit.vector(t) for t in (types.uint64, types.int64, types.uint32))
    _jit.entry_point(draw, types.void(u8, i8, u8, u4))(keys, counters, mixed, bits)
    return mixed, bits


def test_random_numbers_are_those_of_python():
    rng = np.random.RandomState(0)
    ends = np.array([0, 1, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1], np.uint64)
    keys = np.concatenate([ends, rng.randint(0, 1 << 64, 2000, np.uint64)])
    counters = np.concatenate([[-1, 0, 1, 1 << 31, 1 << 32, (1 << 62), 5], rng.randint(-1, 1 << 40, 2000)])
    mixed, bits = drawn(keys, counters.astype(np.int64))
    assert mixed.tolist() == [int(maths.mix(k, c)) for k, c in zip(keys, counters, strict=True)]
    assert bits.tolist() == [int(maths.random_bits(k, c)) for k, c in zip(mixed, counters, strict=True)]


def test_random_numbers_of_splitmix():
    """``mix`` walks through the published sequence of SplitMix64 for seed 0."""
    sequence = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [int(maths.mix(np.uint64(0), i)) for i in range(3)] == sequence


def test_random_bits_are_random():
    """Every bit is fair and independent of its neighbours in the stream, of other streams and of other bits."""
    n = 1 << 16
    key = maths.mix(np.uint64(7), 0)
    _, bits = drawn(np.full(n, key), np.zeros(n, np.int64))
    streams = np.array([maths.mix(key, row) for row in range(256)])
    draws = np.array([[maths.random_bits(stream, unit) for unit in range(256)] for stream in streams])
    flags = (draws[..., None] >> np.arange(32, dtype=np.uint32)) & 1
    signs = 2.0 * flags - 1.0
    bound = 5 / np.sqrt(n)
    assert np.abs(signs.mean((0, 1))).max() < bound
    assert np.abs((signs[1:] * signs[:-1]).mean((0, 1))).max() < bound
    assert np.abs((signs[:, 1:] * signs[:, :-1]).mean((0, 1))).max() < bound
    flat = signs.reshape(n, 32)
    assert np.abs(flat.T @ flat / n - np.eye(32)).max() < bound
    # a threshold drops the share of units that it stands for, per row and per unit
    dropped = draws < np.uint32(0.3 * 2**32)
    assert abs(dropped.mean() - 0.3) < 4 * np.sqrt(0.21 / n)
    for axis in (0, 1):
        assert np.abs(dropped.mean(axis) - 0.3).max() < 5 * np.sqrt(0.21 / 256)


# --- NaN ------------------------------------------------------------------------------------------------------------
# A diverged fit is recognised by NaN, so no kernel may lose one. 37 elements: vector instructions and a remainder.

SIZE = 37
PLACES = [0, 5, 18, SIZE - 1]
BAD = [np.nan, np.inf, -np.inf]


def vector_with(dtype, place=None, value=np.nan, size=SIZE):
    x = np.linspace(-1.5, 1.5, size).astype(dtype) + np.dtype(dtype).type(0.01)
    if place is not None:
        x[place] = value
    return x


def is_only_at(mask, place):
    return np.flatnonzero(mask).tolist() == [place]


@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_activations_keep_nan(rule, dtype):
    nothing, hyper = np.zeros(0, dtype), rule().hyper_vector(dtype)
    for place in PLACES:
        z = vector_with(dtype, place)
        call(rule, "activate", dtype, z, z.copy() if rule.saves else nothing, hyper)
        assert is_only_at(np.isnan(z), place)
        a, delta = z, vector_with(dtype)
        a[place] = a[place - 1]
        delta[place] = np.nan
        call(rule, "differentiate", dtype, a, a.copy() if rule.saves else nothing, delta, hyper)
        if a[place] > 0:  # relu's derivative is zero elsewhere, and zero times NaN may be zero
            assert is_only_at(np.isnan(delta), place)


LOSSES = {
    "softmax": (SoftmaxLogLoss, 4),
    "sigmoid": (SigmoidLogLoss, 4),
    "focal softmax": (FocalSoftmax, 4),
    "focal sigmoid": (FocalSigmoid, 4),
    **{name: (rule, 4) for name, rule in REGRESSION_LOSSES.items()},
}


@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
def test_losses_keep_nan(name, dtype):
    rule, n_outputs = LOSSES[name]
    n_rows = 9
    for bad in BAD:
        for row in (0, 4, n_rows - 1):
            raw = vector_with(dtype, size=n_rows * n_outputs).reshape(n_rows, n_outputs)
            raw[row, row % n_outputs] = bad
            y = np.ones((n_rows, 1 if "softmax" in name else n_outputs), dtype)
            hyper = rule().hyper_vector(dtype)
            arguments = (y, np.ones((n_rows, 1), dtype), np.dtype(dtype).type(0.5), hyper)
            gradient, y_pred = raw.copy(), raw.copy()
            with np.errstate(all="ignore"):
                loss = call(rule, "evaluate", dtype, gradient, *arguments)
                call(rule, "invert_link", dtype, y_pred, hyper)
            if not ("softmax" in name and bad == -np.inf):  # that is a probability of zero
                assert not np.isfinite(loss)
            if np.isnan(bad):
                assert np.isnan(loss) and np.isnan(gradient[row]).any() and np.isnan(y_pred[row]).any()
            others = np.arange(n_rows) != row
            assert np.isfinite(gradient[others]).all() and np.isfinite(y_pred[others]).all()


OPTIMIZERS = {
    "gradient descent": optimizers.SGD(momentum=0.0),
    "momentum": optimizers.SGD(nesterovs_momentum=False),
    "nesterov": optimizers.SGD(),
    "adam": Adam(),
}


@pytest.mark.nojit
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_keep_nan(name, dtype, bad):
    rule = OPTIMIZERS[name]
    for place in PLACES:
        weights, grad, step_size = vector_with(dtype), vector_with(dtype, place, bad), np.ones(SIZE, dtype)
        slots, scalars = np.zeros((4, SIZE), dtype), np.zeros(N_SCALARS, dtype)
        call(type(rule), "prepare", dtype, 0.1, 1, rule.hyper_vector(np.float64), np.zeros(8), scalars)
        with np.errstate(all="ignore"):
            call(type(rule), "step", dtype, weights, grad, *slots, scalars, step_size)
        assert is_only_at(~np.isfinite(weights), place)


@pytest.mark.nojit
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in PENALTIES if name])
@np.errstate(all="ignore")  # as plain Python the kernels warn of NaN and infinity
def test_penalties_keep_nan(name, dtype, bad):
    component = PENALTIES[name]()
    rule, hyper, alpha = type(component), component.hyper_vector(dtype), np.dtype(dtype).type(0.25)
    for place in PLACES:
        weights, grad = vector_with(dtype, place, bad), np.zeros(SIZE, dtype)
        assert not np.isfinite(call(rule, "value", dtype, weights, 1, 0, alpha, hyper))
        call(rule, "add_gradient", dtype, weights, alpha, hyper, grad)
        assert name == "l1" or is_only_at(~np.isfinite(grad), place)
        if not component.is_smooth:
            call(rule, "prox", dtype, weights, np.ones(SIZE, dtype), 1, 0, alpha, hyper)
            assert is_only_at(~np.isfinite(weights), place)
            assert np.any(weights == 0)
        # an infinite step size with a finite weight gives zero, and NaN in the step size is not lost
        weights, step_size = vector_with(dtype), vector_with(dtype, place, np.nan) ** 2
        call(rule, "prox", dtype, weights, step_size, 1, 0, alpha, hyper)
        assert component.is_smooth or is_only_at(np.isnan(weights), place)


@needs_compiler
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("dtype", DTYPES)
def test_divergence_is_seen_in_every_element(dtype, bad):
    def is_finite(theta):
        return loop._is_finite(theta)

    check = numba.njit(**OPTIONS)(is_finite)
    assert check(vector_with(dtype))
    assert check(np.full(SIZE, np.finfo(dtype).max))
    for place in range(SIZE):
        assert not check(vector_with(dtype, place, bad))


# --- float32 stays float32 ------------------------------------------------------------------------------------------
# Sums of losses and penalties are float64 by design, and so is `prepare`, which runs once per update.

FAMILIES = {activations: Activation, losses: Loss, penalties: Penalty, optimizers: Optimizer}
IN_DOUBLE = {"prepare"}
SUMS_IN_DOUBLE = {"evaluate", "value"}


def single_kernels():
    """Return {name: (function, signature)} of all kernels for float32, each function once."""
    found = {}
    for module, base in FAMILIES.items():
        for rule in vars(module).values():
            if inspect.isclass(rule) and issubclass(rule, base) and rule is not base:
                for name, signature in rule.signatures.items():
                    if hasattr(rule, name):
                        function = getattr(rule, name)
                        found[function] = (f"{function.__name__}", name, function, signature(types.float32))
    return list(found.values())


def optimised_code(function, signature):
    """Return LLVM's optimised code of a function compiled as the package does, without declarations."""
    dispatcher = numba.njit(no_cpython_wrapper=True, **OPTIONS)(function)
    dispatcher.compile(signature)
    code = dispatcher.inspect_llvm(signature.args)
    return "\n".join(line for line in code.splitlines() if not line.startswith(("declare", ";", "source_filename")))


def count(pattern, code):
    return len(re.findall(pattern, code))


@needs_compiler
@pytest.mark.parametrize(("name", "role", "function", "signature"), single_kernels(), ids=lambda value: str(value)[:40])
def test_single_precision_kernels_stay_single(name, role, function, signature):
    code = optimised_code(function, signature)
    assert "define" in code and "@" in code
    if role in IN_DOUBLE:
        return
    if role in SUMS_IN_DOUBLE:
        # what is computed in float64 is summed up, and never rounded back into a gradient
        assert count(r"\bfptrunc\b", code) == 0
        return
    assert count(r"\b(fpext|fptrunc|double)\b", code) == 0


@needs_compiler
@pytest.mark.parametrize("name", declaration.PASSES)
def test_single_precision_passes_stay_single(name):
    function, signature = declaration.PASSES[name]
    code = optimised_code(function, signature(types.float32))
    assert count(r"\bfpext\b", code) == 0
    assert count(r"<\d+ x double>", code) == 0
    assert count(r"<\d+ x float>", code) > 0 or name in ("load_tile", "evaluate_rows", "train_rows")


VECTORISED = (
    "_tanh_activate",
    "_logistic_activate",
    "_relu_activate",
    "_leaky_relu_activate",
    "_leaky_relu_differentiate",
    "_elu_activate",
    "_selu_activate",
    "_gelu_activate",
    "_silu_activate",
    "_mish_activate",
    "_softplus_activate",
    "saved_differentiate",
    "_sgd_step",
    "_adam_step",
    "_adamax_step",
    "_nadam_step",
    "_rmsprop_step",
    "_muon_step_matrix",
    "_adagrad_step",
    "_adadelta_step",
    "_lion_step",
    "_l1_prox",
    "_softmax_evaluate",
    "_sigmoid_evaluate",
    "_squared_error_evaluate",
    "_huber_evaluate",
)


@needs_compiler
@pytest.mark.numerics  # the oldest compiler leaves tanh in double precision as it is
@pytest.mark.parametrize("name", VECTORISED)
@pytest.mark.parametrize("scalar", [types.float32, types.float64], ids=str)
def test_kernels_are_vectorised(name, scalar):
    by_name = {kernel: (role, function) for kernel, role, function, _ in single_kernels()}
    role, function = by_name[name]
    families = [base.signatures for base in FAMILIES.values()] + [Optimizer.matrix_signatures]
    (signature,) = [signatures[role] for signatures in families if role in signatures]
    code = optimised_code(function, signature(scalar))
    kind = "float" if scalar == types.float32 else "double"
    assert count(rf"<\d+ x {kind}>", code) > 10


@needs_compiler
def test_full_width_vectors_are_preferred():
    code = optimised_code(Tanh.activate, Activation.signatures["activate"](types.float32))
    assert '"prefer-vector-width"="512"' in code


# --- calls through addresses ----------------------------------------------------------------------------------------


@needs_compiler
def test_kernels_are_called_through_addresses():
    """One compiled function calls whatever the addresses say, and compiles nothing when it does."""
    v, addresses = _jit.vector(types.float64), _jit.vector(types.int64)
    activate = caller("activate", Activation.signatures["activate"])

    def apply(rules, z, nothing):
        for i in range(rules.size):
            activate(rules[i], z, nothing, nothing)

    apply_all = _jit.entry_point(apply, types.void(addresses, v, v))
    tanh, relu = (ACTIVATIONS[name]().compiled("activate", np.float64) for name in ("tanh", "relu"))
    assert tanh == Tanh().compiled("activate", np.float64)
    for rules, expected in (
        ([tanh, relu], lambda z: np.maximum(np.tanh(z), 0)),
        ([tanh, tanh, tanh], lambda z: np.tanh(np.tanh(np.tanh(z)))),
    ):
        z = vector_with(np.float64)
        gc.collect()
        with event.install_recorder("numba:compile") as recorder:
            apply_all(np.array(rules), z, z[:0])
        assert not recorder.buffer
        np.testing.assert_allclose(z, expected(vector_with(np.float64)), rtol=1e-15)


def scaled_sum(values, factor, n):
    total = 0.0
    for i in range(n):
        total += values[i]
    return factor * total


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
def test_arguments_are_converted_to_the_signature(dtype):
    T = _jit.scalar_type(np.dtype(dtype))

    def for_scalar(T):
        return types.float64(_jit.vector(T), types.float64, types.int64)

    call_sum = caller("scaled_sum", for_scalar)

    def apply(address, values, factor):
        return call_sum(address, values, factor, np.int32(3))

    address = _jit.kernel(scaled_sum, for_scalar(T))
    applied = _jit.entry_point(apply, types.float64(types.int64, _jit.vector(T), T))
    assert applied(address, np.array([1, 2, 4, 8], dtype), dtype(0.5)) == 3.5


@needs_compiler
def test_signatures_of_called_kernels_are_part_of_the_cache_key(monkeypatch):
    degrading = cache.DegradingCache(draw, "flavour", print)
    codegen = numba.core.registry.cpu_target.target_context.codegen()
    signature = types.void(types.int64)
    before = degrading._index_key(signature, codegen)
    monkeypatch.setitem(called, "activate", "another signature")
    assert degrading._index_key(signature, codegen) != before


@pytest.mark.nojit
def test_without_compiler_functions_are_themselves():
    if not DISABLED:
        pytest.skip("with the JIT they are compiled")
    z = np.ones(2)
    caller("activate", Activation.signatures["activate"])(Tanh().compiled("activate", np.float64), z, z, z)
    np.testing.assert_array_equal(z, np.tanh(1.0))
    assert _jit.entry_point(draw, None) is draw
