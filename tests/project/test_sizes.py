"""Files and signatures that one can take in at a glance, of the package and of its tests; and where tests stand."""

import ast
import importlib
import inspect
from pathlib import Path

import skregopt
from skregopt._kernels.component import Component

PACKAGE = Path(skregopt.__file__).parent
TESTS = Path(__file__).parents[1]
MAX_LINES = 500
MAX_PARAMETERS = 8

SOURCES = sorted(PACKAGE.rglob("*.py"))
TEST_FILES = sorted(TESTS.rglob("*.py"))
PUBLIC_MODULES = [path.stem for path in PACKAGE.iterdir() if path.suffix != ".typed" and path.name[0] != "_"]
# functions whose signature somebody else has fixed
FOREIGN = {"_kernels/blas.py": {"_call_gemm"}}  # the BLAS routine's


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def test_files_are_short():
    """A longer one has two ideas."""
    n_lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (*SOURCES, *TEST_FILES)}
    assert not {path: n for path, n in n_lines.items() if n > MAX_LINES}


# --- parameters -----------------------------------------------------------------------------------------------------


def long_signatures(path):
    """Return the functions of a file with too many parameters, each with the class that it is a method of."""
    found = {}
    nodes = [(node, None) for node in tree(path).body]
    for node, owner in nodes:  # the list grows while it is walked
        nodes += [
            (child, node.name if isinstance(node, ast.ClassDef) else owner) for child in ast.iter_child_nodes(node)
        ]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            parameters = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            parameters = [parameter for parameter in parameters if parameter.arg not in ("self", "cls")]
            n_parameters = len(parameters) + bool(node.args.vararg) + bool(node.args.kwarg)
            if n_parameters > MAX_PARAMETERS:
                found[getattr(node, "name", "lambda")] = owner
    return found


def public_names():
    """Return the names of public classes, with those they inherit from, and of public functions."""
    names = set()
    for module in (skregopt, *(importlib.import_module(f"skregopt.{name}") for name in PUBLIC_MODULES)):
        listed = set(getattr(module, "__all__", ()))
        for name, value in vars(module).items():
            if name in listed or getattr(value, "__module__", None) == module.__name__:
                names |= {name, *(base.__name__ for base in getattr(value, "__mro__", ()))}
    return names


def kernels_of_rules():
    """Return the names of functions whose signature a family of components fixes."""
    rules, kernels = [Component], set()
    for rule in rules:  # the list grows while it is walked
        rules += rule.__subclasses__()
        kernels |= {
            getattr(rule, name).__name__
            for name in getattr(rule, "signatures", ())
            if inspect.isfunction(getattr(rule, name, None))
        }
    return kernels


def test_functions_take_few_parameters():
    """Otherwise they belong together in a record, or the function does two things."""
    public, kernels = public_names(), kernels_of_rules()
    offenders = []
    for path in SOURCES:
        where = path.relative_to(PACKAGE).as_posix()
        for name, owner in long_signatures(path).items():
            is_public = (owner in public and (name == "__init__" or not name.startswith("_"))) or name in public
            if not (is_public or name in kernels or name in FOREIGN.get(where, ())):
                offenders.append(f"{where}: {name}")
    assert not offenders


def test_signatures_that_are_long_by_right():
    """The check above is worth nothing if it lets everything pass."""
    found = {name for path in SOURCES for name in long_signatures(path)}
    assert {"__init__", "fit", "regularization_path", "_muon_step_matrix", "_call_gemm"} <= found
    assert {"_muon_step_matrix", "_adam_step", "_relu_activate"} <= kernels_of_rules()
    assert "MLPClassifier" in public_names() and "Adam" in public_names() and "PathData" not in public_names()


# --- tests ----------------------------------------------------------------------------------------------------------


def imported_modules(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_nothing_is_imported_from_a_test():
    """What several tests share stands in ``support``, so that a test can be moved or cut without others."""
    for path in TEST_FILES:
        assert not [name for name in imported_modules(path) if name.split(".")[-1].startswith("test_")], path


def test_helpers_are_no_tests():
    for path in TEST_FILES:
        tests = [node.name for node in tree(path).body if getattr(node, "name", "").startswith("test_")]
        assert not tests or path.name.startswith("test_"), (path, tests)


def test_folders_of_tests_have_the_names_of_the_packages():
    packages = {path.parent.name.removeprefix("_") for path in PACKAGE.glob("*/__init__.py")}
    families = {"activations", "embeddings", "initializers", "losses", "optimizers", "penalties", "schedules"}
    folders = {path.name for path in TESTS.iterdir() if path.is_dir() and any(path.glob("test_*.py"))}
    assert folders - {"families", "ecosystem", "export", "project", "typing"} == packages - families - {"onnx"}
