"""Machine code of older sources is never loaded."""

import importlib
import shutil
import sys
import zipfile

import numpy as np
import pytest
from support.kernels import KERNEL_NAMES, KERNEL_RESULTS, KERNELS, copied_package, kernels_in, needs_compiler, zipped
from support.processes import PACKAGE, run

from skregopt._kernels import cache

# of maths.py: a helper that is inlined into kernels of other files
TANH_EDIT = ("lambda x: _tanh_double(x)", "lambda x: x + x")
# a constant of a rule
L2_EDIT = ("return 0.5 * alpha * total", "return 0.25 * alpha * total")


@pytest.fixture
def edited(tmp_path):
    """A copy of the package, with functions that run the kernels in a new process and that edit a file."""
    copy = copied_package(tmp_path)

    def run_kernels(before=""):
        code = KERNELS + before + '\nresult["values"] = kernels("float64")'
        return run(code, path=tmp_path, cache=tmp_path / "cache")

    def edit(name, old, new):
        text = (copy / name).read_text(encoding="utf-8")
        assert old in text
        (copy / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return run_kernels, edit


@needs_compiler
def test_edits_recompile_what_depends_on_them(edited):
    run_kernels, edit = edited
    first = run_kernels()
    assert set(kernels_in(first["compiled"])) == KERNEL_NAMES
    np.testing.assert_allclose(first["values"], KERNEL_RESULTS, rtol=1e-15)

    edit("_kernels/maths.py", *TANH_EDIT)
    after_helper = run_kernels()
    assert set(kernels_in(after_helper["compiled"])) == KERNEL_NAMES
    assert after_helper["values"][0] == 1.0

    edit("_kernels/maths.py", *reversed(TANH_EDIT))  # the machine code of before is still there
    edit("penalties.py", *L2_EDIT)
    after_rule = run_kernels()
    assert set(kernels_in(after_rule["compiled"])) == {"_l2_value", "_l1_prox"}
    assert after_rule["values"] == [*first["values"][:2], first["values"][2] / 2, *first["values"][3:]]


def test_every_inlined_file_is_part_of_the_names(tmp_path, monkeypatch):
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
def test_edits_between_import_and_compilation_do_not_poison_the_cache(edited):
    """A long-lived process compiles the code that it has imported; later processes must not get it."""
    run_kernels, _ = edited
    edits = {"_kernels/maths.py": TANH_EDIT, "penalties.py": L2_EDIT}
    edit_now = f"""
from pathlib import Path
for name, edit in {edits!r}.items():
    path = Path(_jit.__file__).parents[1] / name
    path.write_text(path.read_text().replace(*edit))
"""
    during = run_kernels(before=edit_now)
    np.testing.assert_allclose(during["values"], KERNEL_RESULTS, rtol=1e-15)
    assert run_kernels()["values"] == [1.0, -4.0, 0.25 * 2 * (1.0**2 + 4.0**2), 0.5, 0.0, 1.5]


@needs_compiler
@pytest.mark.exhaustive
def test_edit_inside_a_zip_archive(tmp_path):
    code = KERNELS + 'result["values"] = kernels("float64")'
    path, options = zipped(tmp_path), {"cache": tmp_path / "cache"}
    first, again = (run(code, path=path, **options) for _ in range(2))
    assert set(kernels_in(first["compiled"])) == KERNEL_NAMES
    assert again["compiled"] == [] and again["values"] == first["values"]
    with zipfile.ZipFile(path) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    for name, (old, new) in {"_kernels/maths.py": TANH_EDIT, "penalties.py": L2_EDIT}.items():
        assert old in texts[f"skregopt/{name}"]
        texts[f"skregopt/{name}"] = texts[f"skregopt/{name}"].replace(old, new)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    assert run(code, path=path, **options)["values"][:3] == [1.0, -4.0, 8.5]
