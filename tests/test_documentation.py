"""The documentation names everything public, and its examples are true."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

import skregopt

PACKAGE = Path(skregopt.__file__).parent
DOC = Path(__file__).resolve().parents[1] / "doc"
PUBLIC_MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("_"))
PAGES = sorted(path.relative_to(DOC).as_posix() for path in DOC.rglob("*.rst") if "_build" not in path.parts)
# generated; run by test_migrating.py
ELSEWHERE = ("api/", "auto_examples/", "_templates/", "sg_execution_times", "migrating/")


def load(module):
    return importlib.import_module(f"skregopt.{module}")


def public_names(module):
    """Return the classes, functions and registries that a public module defines (and does not import)."""
    names = set(getattr(module, "__all__", ()))
    for name, value in vars(module).items():
        is_own = getattr(value, "__module__", None) == module.__name__
        if not name.startswith("_") and (is_own or isinstance(value, dict)) and not inspect.ismodule(value):
            names.add(name)
    return names


def documented_names():
    """Return the full names in the autosummary tables and data directives of ``api.rst``."""
    names, module = set(), ""
    for line in (DOC / "api.rst").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"\.\. (?:currentmodule|module|automodule):: (\S+)", line):
            module = match[1]
        elif match := re.fullmatch(r"\.\. py:data:: (\w+)|   (\w[\w.]*)", line):
            names.add(f"{module}.{match[1] or match[2]}")
    return names


@pytest.mark.parametrize("module", ["__init__", *PUBLIC_MODULES])
def test_public_names_are_in_the_api_page(module):
    module = skregopt if module == "__init__" else load(module)
    wanted = {f"{module.__name__}.{name}" for name in public_names(module)}
    assert wanted
    missing = wanted - documented_names()
    assert not missing, f"add to doc/api.rst: {sorted(missing)}"


def test_the_api_page_names_nothing_else():
    for name in documented_names():
        module, _, attribute = name.rpartition(".")
        home = importlib.import_module(module)
        assert attribute in public_names(home), name


NAMES = [(name, skregopt) for name in skregopt.__all__] + [
    (name, load(module)) for module in PUBLIC_MODULES for name in sorted(public_names(load(module)))
]


@pytest.mark.parametrize(("name", "home"), NAMES, ids=[name for name, _ in NAMES])
def test_examples_in_the_docstring_of(name, home):
    value = getattr(home, name)
    if isinstance(value, dict):  # a registry
        return
    tests = [test for test in doctest.DocTestFinder().find(value, name, globs={}) if test.examples]
    assert tests or home is not skregopt, f"{name} has no example"
    runner = doctest.DocTestRunner()
    for test in tests:
        assert runner.run(test).failed == 0


@pytest.mark.parametrize("page", [page for page in PAGES if not page.startswith(ELSEWHERE)])
def test_examples_of_the_page(page):
    assert doctest.testfile(str(DOC / page), module_relative=False, encoding="utf-8").failed == 0


def test_pages_have_examples():
    """Otherwise the test above is true of nothing."""
    assert ">>>" in (DOC / "getting_started.rst").read_text(encoding="utf-8")
