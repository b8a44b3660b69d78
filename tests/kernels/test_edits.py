"""Machine code of older sources is never loaded."""

import importlib.util
import shutil
import sys
import zipfile

import numpy as np
import pytest
from processes import PACKAGE, run
from support.kernels import KERNEL_NAMES, KERNEL_RESULTS, KERNELS, kernels_in, needs_compiler, zipped

from skregopt._kernels import cache

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
