"""Machine code on disk: damaged, missing, of another function; what its name depends on; how large it is."""

import errno
import importlib.util
import os
import pickle
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from numba import types
from support.kernels import needs_compiler
from support.processes import PACKAGE

import skregopt
from skregopt._engine import declaration
from skregopt._kernels import cache, calls, jit, outside
from skregopt._kernels.compiler import KERNEL_OPTIONS
from skregopt.activations import Logistic, Tanh

pytestmark = needs_compiler

# --- what can be wrong with files -----------------------------------------------------------------------------------

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


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_compiled_anew(compile_tanh, tmp_path, damage):
    assert compile_tanh() == 1
    assert compile_tanh() == 0
    (path,) = tmp_path.rglob("*.code")
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert compile_tanh() == 1
    assert compile_tanh() == 0  # mended


def test_what_pickle_cannot_load_is_compiled_anew(compile_tanh, tmp_path):
    """As when a class has moved since, in an edited copy of numba."""
    compile_tanh()
    (path,) = tmp_path.rglob("*.code")
    content = b"cno_such_module\nname\n."
    path.write_bytes(cache._digest_of_file(path, content) + content)
    assert compile_tanh() == 1
    assert compile_tanh() == 0


def test_code_under_the_name_of_other_code_is_not_loaded(compile_tanh, tmp_path):
    compile_tanh(np.float32)
    (single,) = tmp_path.rglob("*.code")
    compile_tanh(np.float64)
    (double,) = set(tmp_path.rglob("*.code")) - {single}
    double.write_bytes(single.read_bytes())
    assert compile_tanh(np.float64) == 1
    assert compile_tanh(np.float64) == 0


def test_a_folder_that_disappears(compile_tanh, tmp_path):
    assert compile_tanh() == 1
    shutil.rmtree(tmp_path)
    assert compile_tanh() == 1
    assert compile_tanh() == 0


def test_no_folder(compile_tanh, monkeypatch):
    monkeypatch.setattr(cache, "cache_folder", lambda name: None)
    assert compile_tanh() == 1
    assert compile_tanh() == 1


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "no space left"), PermissionError(), pickle.PicklingError()])
@pytest.mark.parametrize("name", ["dumps", "tempfile.mkstemp", "os.replace"])
def test_failure_to_save(compile_tanh, tmp_path, monkeypatch, name, error):
    def fail(*_, **__):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(f"skregopt._kernels.cache.{name}", fail)
        assert compile_tanh() == 1
        assert compile_tanh() == 1
    assert not list(tmp_path.rglob("*.code"))
    assert not list(tmp_path.rglob("unfinished*"))
    assert compile_tanh() == 1
    assert compile_tanh() == 0


def test_a_disk_that_fills_up(compile_tanh, tmp_path):
    resource = pytest.importorskip("resource")  # of POSIX
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        assert compile_tanh() == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.rglob("*.code"))
    assert compile_tanh() == 1
    assert compile_tanh() == 0


def test_ctrl_c_while_writing(compile_tanh, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cache.os, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            compile_tanh()
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["CACHEDIR.TAG", "README.txt", "lock"]
    assert compile_tanh() == 1


# --- what a name depends on -----------------------------------------------------------------------------------------

SIGNATURE = types.void(types.float64)
ADDS = "def apply(x):\n    return x + 1\n"


@pytest.fixture
def path_of(tmp_path, monkeypatch):
    """``cache.path_of`` in a folder of its own, for files that need not be older than this process."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_IMPORTED_AT", np.inf)
    # Python takes a file for its bytecode that has the size and, to a second, the age of the one before
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return cache.path_of


def function_in(path, text=ADDS):
    """Return the function ``apply`` of a module that is written and imported."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    cache._digest_of_source.cache_clear()  # as in a new process
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.apply


def test_names_depend_on_types_and_kind(path_of):
    names = {
        path_of(function, signature, kind)
        for function in (Tanh.activate, Logistic.activate)
        for signature in (SIGNATURE, types.void(types.float32), types.float64(types.float64))
        for kind in ("", "no_cfunc_wrapper")
    }
    assert len(names) == 12
    assert names == {path_of(Tanh.activate, SIGNATURE, "")} | names


def test_names_depend_on_the_source_of_a_users_function(path_of, tmp_path):
    """And on its place: a copy may find other modules beside it."""
    path = tmp_path / "here" / "rules.py"
    before = path_of(function_in(path), SIGNATURE, "")
    assert before.parent == path_of(Tanh.activate, SIGNATURE, "").parent
    assert path_of(function_in(path), SIGNATURE, "") == before
    assert path_of(function_in(path, ADDS + "FACTOR = 2\n"), SIGNATURE, "") != before
    assert path_of(function_in(tmp_path / "there" / "rules.py"), SIGNATURE, "") != before


def test_functions_of_one_name_in_one_file(path_of, tmp_path):
    text = "def make(step):\n    def apply(x):\n        return x + step\n    return apply\n\n"
    one, two = (function_in(tmp_path / "rules.py", f"{text}apply = make({step})\n") for step in (1, 2))
    again = function_in(tmp_path / "rules.py", f"{text}apply = make(2)\n")
    assert path_of(one, SIGNATURE, "") != path_of(two, SIGNATURE, "") == path_of(again, SIGNATURE, "")
    above = function_in(tmp_path / "rules.py", f"{ADDS}above = apply\n{ADDS}apply.above = above\n")
    assert path_of(above.above, SIGNATURE, "") != path_of(above, SIGNATURE, "")
    one, two = function_in(tmp_path / "rules.py", "apply = (lambda x: x + 1), (lambda x: 2 * x)\n")
    assert path_of(one, SIGNATURE, "") != path_of(two, SIGNATURE, "")


@pytest.mark.parametrize(
    ("owner", "attribute"),
    [(cache, "_ENVIRONMENT"), (cache, "_INLINED_DIGEST"), (skregopt, "__version__"), (outside, "_PACKAGE")],
)
def test_names_depend_on_versions_and_shared_sources(path_of, monkeypatch, owner, attribute):
    before = path_of(Tanh.activate, SIGNATURE, "")
    sys.modules.setdefault("another", sys.modules["skregopt"])
    monkeypatch.setattr(owner, attribute, "another")
    assert path_of(Tanh.activate, SIGNATURE, "") != before


def test_names_depend_on_the_processor(path_of, monkeypatch):
    before = path_of(Tanh.activate, SIGNATURE, "")
    monkeypatch.setattr(type(cache.cpu_target.target_context.codegen()), "magic_tuple", lambda self: ("another",))
    assert path_of(Tanh.activate, SIGNATURE, "") != before


def test_names_depend_on_how_kernels_are_called(path_of, own_callers):
    before = path_of(Tanh.activate, SIGNATURE, "")
    calls.caller("another", lambda T: types.void(T))
    with_one_more = path_of(Tanh.activate, SIGNATURE, "")
    calls.caller("another", lambda T: types.void(T, T))
    assert len({before, with_one_more, path_of(Tanh.activate, SIGNATURE, "")}) == 3


def test_functions_without_a_source_have_no_file(path_of):
    module = {"__name__": "made", "__qualname__": "made"}
    exec(ADDS, module)  # as typed at a prompt
    assert path_of(module["apply"], SIGNATURE, "") is None


def test_frozen_applications_have_their_executable_for_a_source(path_of, tmp_path, monkeypatch):
    function = function_in(tmp_path / "rules.py")
    (tmp_path / "rules.py").unlink()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "application"))
    paths = []
    for content in ("first", "another"):
        Path(sys.executable).write_text(content)
        cache._digest_of_source.cache_clear()
        paths.append(path_of(function, SIGNATURE, ""))
    assert None not in paths and len(set(paths)) == 2


def test_files_younger_than_this_process_have_no_file(path_of, tmp_path, monkeypatch):
    function = function_in(tmp_path / "rules.py")
    assert path_of(function, SIGNATURE, "") is not None
    monkeypatch.setattr(cache, "_IMPORTED_AT", (tmp_path / "rules.py").stat().st_mtime - 1)
    assert path_of(function, SIGNATURE, "") is None


# --- what a name depends on: values ---------------------------------------------------------------------------------

READS = "import consts\nfrom numba import njit\nfrom consts import *\n"
CALLS = "@njit\ndef helper(x, more=1.0):\n    return x * more\ndef apply(x):\n    return helper(x)\n"
MAKES = """
def make(rate):
    @njit
    def helper(x):
        return x * rate
    def apply(x):
        return helper(x)
    return apply
apply = make(RATE)
"""


def returning(expression):
    return f"def apply(x):\n    return x * {expression}\n"


@pytest.mark.parametrize(
    ("text", "constants", "first", "second"),
    [
        (returning("RATE"), "RATE = {}", "0.1", "0.9"),
        (returning("RATE"), "RATE = {}", "1", "1.0"),
        (returning("RATE[1]"), "RATE = 1, (2, {})", "3", "4"),
        (returning("RATE[1]"), "import numpy as np\nRATE = np.arange(9)[::{}]", "1", "-1"),
        (returning("len(RATE)"), "RATE = {}", "'one'", "'three'"),
        (returning("consts.RATE"), "RATE = {}", "0.1", "0.9"),
        (returning("consts.inner.RATE"), "import types as inner\ninner.RATE = {}", "1", "2"),
        (returning("RATE.fast"), "import enum\nRATE = enum.IntEnum('RATE', dict(fast={}))", "1", "2"),
        (returning("(lambda z: z + RATE)(x)"), "RATE = {}", "0.1", "0.9"),
        (CALLS.replace("more=1.0", "more=RATE"), "RATE = {}", "0.1", "0.9"),
        (CALLS.replace("x * more", "x * RATE"), "RATE = {}", "0.1", "0.9"),
        (CALLS.replace("@njit", "@njit(fastmath=RATE)"), "RATE = {}", "True", "False"),
        (returning("helper(x)"), "from numba import njit\nhelper = njit(lambda x: x + {})", "1", "2"),
        (returning("consts.helper(x)"), "from numba import njit\nhelper = njit(lambda x: x + {})", "1", "2"),
        (MAKES, "RATE = {}", "1", "2"),
    ],
)
def test_names_depend_on_values_from_elsewhere(path_of, tmp_path, monkeypatch, text, constants, first, second):
    """They become part of the machine code, while the file of the function stays as it is."""

    def name_with(value):
        (tmp_path / "consts.py").write_text(constants.format(value))
        sys.modules.pop("consts", None)
        return path_of(function_in(tmp_path / "rules.py", READS + text), SIGNATURE, "")

    monkeypatch.syspath_prepend(tmp_path)
    one, two, again = (name_with(value) for value in (first, second, first))
    assert one == again is not None and two not in (one, None)


PLAIN = "@overloaded\ndef plain(x):\n    return x\n"


@pytest.mark.parametrize(
    ("text", "constants"),
    [
        ("def apply(x):\n    module = consts\n    return x * module.RATE\n", "RATE = 1"),
        (returning("plain(x)"), "from numba.extending import register_jitable as overloaded\n" + PLAIN),
        (returning("RATE"), "RATE = object()"),
    ],
)
def test_functions_that_read_what_cannot_be_told_from_others_have_no_file(
    path_of, tmp_path, monkeypatch, text, constants
):
    (tmp_path / "consts.py").write_text(constants)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("consts", None)
    assert path_of(function_in(tmp_path / "rules.py", READS + text), SIGNATURE, "") is None


def test_helpers_younger_than_this_process_have_no_file(path_of, tmp_path, monkeypatch):
    helper = "from numba import njit\n@njit\ndef helper(x):\n    return x + 1\n"
    (tmp_path / "consts.py").write_text(helper)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("consts", None)
    function = function_in(tmp_path / "rules.py", READS + returning("helper(x)"))
    assert path_of(function, SIGNATURE, "") is not None
    monkeypatch.setattr(cache, "_IMPORTED_AT", (tmp_path / "rules.py").stat().st_mtime + 1)
    os.utime(tmp_path / "consts.py", (2e9, 2e9))
    assert path_of(function, SIGNATURE, "") is None


SCRIPT = """
import sys
import numpy as np
from skregopt.penalties import Penalty

STRENGTH = float(sys.argv[1])

def value(weights, row_length, layer, alpha, hyper):
    return STRENGTH

class Mine(Penalty):
    value = staticmethod(value)

from skregopt._kernels import jit
signature = Mine.signatures["value"](jit.scalar_type(np.dtype(float)))
print(jit.entry_point(Mine.value, signature)(np.ones(2), 1, 0, 1.0, np.ones(1)))
"""


@pytest.mark.exhaustive
def test_a_run_time_constant_of_a_script(tmp_path):
    """Each run trains with its own."""
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(PACKAGE.parent)}
    printed = [
        subprocess.run(
            [sys.executable, "script.py", value], cwd=tmp_path, env=environment, capture_output=True, text=True
        ).stdout
        for value in ("0.1", "0.9", "0.1")
    ]
    assert printed == ["0.1\n", "0.9\n", "0.1\n"]


# --- size -----------------------------------------------------------------------------------------------------------


def test_texts_of_types_take_no_room(path_of):
    """The text of the job that the engine's functions take fills pages, once for each argument and variable."""
    function, for_scalar = declaration.PASSES["gradient_of_vectors"]
    signature = for_scalar(jit.scalar_type(np.dtype(float)))
    path = path_of(function, signature, "")
    assert len(str(signature)) > 10_000
    assert len(path.name) < 80
    dispatcher = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **KERNEL_OPTIONS)(function)
    compiled = dispatcher.get_compile_result(signature)
    cache.save(path, compiled)
    content = path.read_bytes()
    machine_code = sum(map(len, compiled.library.serialize_using_object_code()[2]))
    assert machine_code < len(content) < machine_code + 8_000
    assert sum(file.stat().st_size for file in path.parent.iterdir()) == len(content)  # there is no index
