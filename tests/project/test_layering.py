"""The package's structure: imports point down, compiled code sees no stale helper, everything is documented."""

import ast
import importlib
import inspect
import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import skregopt
from skregopt._engine import declaration, source
from skregopt._kernels import jit as _jit
from skregopt._kernels.component import Component

PACKAGE = Path(skregopt.__file__).parent
PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

FAMILIES = ("activations", "losses", "penalties", "optimizers", "schedules", "initializers", "embeddings")
# A module imports only from packages of a lower rank, and in its own package from modules that stand before it.
RANKS = (
    ("_kernels",),
    (*FAMILIES, "preprocessing"),
    ("_engine",),
    ("_training",),
    ("_estimators",),
    ("_tabular",),
    ("model_selection",),
    ("_display", "_onnx", "_old_modules"),
    ("",),  # skregopt itself
)
ORDER = {
    "_kernels": "sklearn_internals shown columns documentation_link memory blas_threads locks numba_internals typing "
    "blas_library compiler calls outside plain cache_folder cache jit atomics blas denormals maths trigonometry views "
    "quantiles words parameters proposals keywords component",
    "_engine": "records declaration layout source blocks tiles passes coordinates clipping averaging update overflow "
    "sharing loop job network prediction",
    "_engine.blocks": "block product batch_norm layer_norm activation trainable_activation dropout embedding",
    "_training": "memory threads outcome problem trial job time_limit slices interruption evaluation first_order lbfgs",
    "_estimators": "hints constraints factor_schedules rate_factors resolve messages validation targets embedded "
    "fitted draws read split start scoring callbacks verbose commit diagnosis train fit base classifier regressor",
    "_tabular": "scale weights table folds read portfolio members combination base classifier regressor",
    "model_selection": "_alpha_max _plan _path_result _path _routing _best_network _cross_validation _search_space",
    "preprocessing": "_base _smooth_clip_scaler _piecewise_linear_encoder _columns _table _categories _tabular_encoder",
    "_onnx": "graph networks outputs encoder tables models pipelines",
    "_display": "drawing scales labels parallel searches loss_curves weights paths",
}
# In the folder of a family, these files may be imported by those that follow and by all others.
ORDER_OF_FAMILIES = {
    "activations": "_family _softplus",
    "embeddings": "_family",
    "losses": "_family _log_loss _quantile",
    "optimizers": "_family _adam",
    "schedules": "_family",
}
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").rstrip(".")
    for path in PACKAGE.rglob("*.py")
)
REGISTRIES = {
    "activations": ["ACTIVATIONS"],
    "losses": ["LOSSES", "CLASSIFICATION_LOSSES", "REGRESSION_LOSSES"],
    "penalties": ["PENALTIES"],
    "optimizers": ["OPTIMIZERS"],
    "schedules": ["SCHEDULES"],
    "initializers": ["INITIALIZERS"],
    "embeddings": ["EMBEDDINGS"],
}


def load(module):
    """Return the module object; the empty name is the package itself."""
    return importlib.import_module(f"skregopt.{module}".rstrip("."))


@cache
def path_of(module):
    path = PACKAGE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


class AsItRuns(ast.NodeTransformer):
    """Drops what only type checkers read."""

    def visit_If(self, node):
        is_for_types = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return None if is_for_types else self.generic_visit(node)


@cache
def source_tree(module):
    return AsItRuns().visit(ast.parse(path_of(module).read_text(encoding="utf-8")))


def rank_of(module):
    return next(rank for rank, packages in enumerate(RANKS) if module.partition(".")[0] in packages)


@cache
def package_imports(module):
    """Return {name in the module: module of the package it comes from}, imports within functions included."""
    names = {}
    within = module.split(".") if path_of(module).name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(source_tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name: alias.name for alias in node.names if alias.name.split(".")[0] == "skregopt"}
        if not isinstance(node, ast.ImportFrom):
            continue
        absolute = (node.module or "").split(".")
        if node.level == 0 and absolute[0] != "skregopt":
            continue
        base = absolute[1:] if node.level == 0 else [*within[: len(within) - node.level + 1], *absolute]
        for alias in node.names:
            home = ".".join(filter(None, base))
            submodule = f"{home}.{alias.name}".lstrip(".")
            names[alias.asname or alias.name] = submodule if submodule in MODULES else home
    return names


# --- imports --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_only_downwards(module):
    package, _, name = module.rpartition(".")
    order = (ORDER | ORDER_OF_FAMILIES).get(package, "").split()
    allowed = order[: order.index(name)] if name in order else order
    for other in set(package_imports(module).values()):
        assert other in MODULES, other
        home, _, other_name = other.rpartition(".")
        if home == package and order:
            assert other_name in allowed, (module, other)
        elif other.partition(".")[0] != module.partition(".")[0]:
            assert rank_of(other) < rank_of(module), (module, other)


@pytest.mark.parametrize("package", ORDER)
def test_the_order_lists_every_module_of_a_package(package):
    found = {
        module.removeprefix(f"{package}.").partition(".")[0] for module in MODULES if module.startswith(f"{package}.")
    }
    assert sorted(ORDER[package].split()) == sorted(found)


def imported_distributions(module, within_functions):
    """Return what a module imports from elsewhere, by the name to install: at import, or within functions."""
    nodes = set(ast.walk(source_tree(module)))
    inner = {
        node for outer in nodes if isinstance(outer, ast.FunctionDef) for node in ast.walk(outer) if node is not outer
    }
    imported = set()
    for node in inner if within_functions else nodes - inner:
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imported.add(node.module.split(".")[0])
    # llvmlite is numba's back end, which every version of numba brings in the one version that fits
    distributions = {"sklearn": "scikit-learn", "llvmlite": "numba"}
    return {distributions.get(name, name) for name in imported - {"skregopt", *sys.stdlib_module_names}}


def test_runtime_dependencies_are_those_declared():
    """What an extra brings is imported within the functions that need it."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    declared, optional = (
        {re.match(r"[\w-]+", requirement).group() for requirement in requirements}
        for requirements in (project["dependencies"], sum(project["optional-dependencies"].values(), []))
    )
    assert set().union(*(imported_distributions(module, False) for module in MODULES)) == declared
    assert set().union(*(imported_distributions(module, True) for module in MODULES)) <= declared | optional
    assert all(">=" in requirement for requirement in project["dependencies"])


# what only one package may import; the last five are missing in many an environment
OUTSIDE = {
    "llvmlite": "_kernels",
    "threadpoolctl": "_kernels",
    "matplotlib": "_display",
    "onnx": "_onnx",
    "skl2onnx": "_onnx",
    "optuna": "model_selection",
    "pandas": "model_selection",
}


@pytest.mark.parametrize("library", OUTSIDE)
def test_libraries_are_imported_by_one_package(library):
    importing = set()
    for module in MODULES:
        for node in ast.walk(source_tree(module)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            if library in {name.split(".")[0] for name in names}:
                importing.add(module.partition(".")[0])
    assert importing == {OUTSIDE[library]}


def private_imports(module):
    """Return the names that a module imports from elsewhere and that are private there, with their modules."""
    found = set()
    for node in ast.walk(source_tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if "._" in name}


def test_private_names_of_scikit_learn_stand_in_one_file():
    """They may change with any version of scikit-learn; then there is one place to look."""
    homes = {module for module in MODULES for name in private_imports(module) if name.startswith("sklearn.")}
    assert homes == {"_kernels.sklearn_internals"}


PUBLIC_MODULES_OF_NUMBA = {"numba", "numba.extending", "numba.types"}


@pytest.mark.parametrize("module", MODULES)
def test_numbas_internals_are_imported_in_one_file(module):
    imported = set()
    for node in ast.walk(source_tree(module)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imported.add(node.module)
    internals = {name for name in imported if name.split(".")[0] in ("numba", "llvmlite")} - PUBLIC_MODULES_OF_NUMBA
    assert bool(internals) == (module == "_kernels.numba_internals"), internals


# --- compiled code --------------------------------------------------------------------------------------------------


@cache
def inlined_files():
    """Return the modules whose sources are part of every cache key: the one tuple of file names in ``cache``."""
    tuples = [
        [element.value for element in node.elts]
        for node in ast.walk(source_tree("_kernels.cache"))
        if isinstance(node, ast.Tuple) and all(isinstance(element, ast.Constant) for element in node.elts)
    ]
    (files,) = [values for values in tuples if values and all(str(value).endswith(".py") for value in values)]
    return {name.removesuffix(".py").replace("/", ".") for name in files}


@cache
def jitted_names(module):
    """Return the names of a module that compiled functions can call: @jit, @njit, @intrinsic, overloaded."""
    names = set()
    for node in ast.walk(source_tree(module)):
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            kind = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if kind in {"jit", "njit", "intrinsic"}:
                names.add(node.name)
            elif kind == "overload" and isinstance(decorator, ast.Call):  # numba's, not the one of typing
                names.add(decorator.args[0].id)
    for node in source_tree(module).body:  # aliases, such as `view = _python if DISABLED else _intrinsic`
        if isinstance(node, ast.Assign) and names & {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}:
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def test_the_digest_covers_the_files_it_names():
    assert inlined_files() >= {"_kernels.compiler", "_kernels.maths"}
    assert inlined_files() <= set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_jitted_functions_of_other_files_come_from_the_digest(module):
    """numba's cache does not see edits in other files, so their digest has to be part of its key."""
    imports = package_imports(module)
    used = {}
    for node in ast.walk(source_tree(module)):
        if isinstance(node, ast.Name) and node.id in imports:
            used[node.id] = (imports[node.id], node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imports:
            used[f"{node.value.id}.{node.attr}"] = (imports[node.value.id], node.attr)
    jitted = {text: home for text, (home, name) in used.items() if name in jitted_names(home)}
    assert set(jitted.values()) <= inlined_files(), jitted


def test_jitted_names_are_found():
    """The check above is worth nothing if it recognises nothing."""
    assert {"exp", "tanh", "mix", "random_bits"} <= jitted_names("_kernels.maths")
    assert "gemm" in jitted_names("_kernels.blas")
    assert {"flat_view", "matrix_view", "array_at"} <= jitted_names("_kernels.views")
    assert "_update" in jitted_names("_engine.loop")
    assert package_imports("_engine.loop")["flat_view"] == "_kernels.views"


def rules(module):
    """Return the components of a family's file, without those that only wrap others."""
    return [
        value
        for value in vars(load(module)).values()
        if inspect.isclass(value)
        and issubclass(value, Component)
        and value.__module__ == f"skregopt.{module}"
        and value.__name__ not in ("Trainable", "Warmup", "ZeroOutput")  # which go around another rule
    ]


def family(module):
    return next(rule for rule in rules(module) if Component in rule.__bases__)


def compiled_functions():
    """Return every function that is compiled on its own, with the helpers of its file."""
    found = [function for function, _ in (*declaration.PASSES.values(), *declaration.ENTRIES.values())]
    for module in FAMILIES:
        for rule in rules(module):
            found += [getattr(rule, name) for name in rule.signatures if hasattr(rule, name)]
    found += [source._dense_loader(float), source._sparse_loader(float, int)]
    for function in found:  # the list grows while it is walked
        for value in inspect.getclosurevars(function).globals.values():
            value = getattr(value, "py_func", value)
            if inspect.isfunction(value) and value.__module__ == function.__module__ and value not in found:
                found.append(value)
    return found


def test_compiled_functions_read_globals_of_their_own_file_only():
    """A constant of another file is frozen into machine code, exactly as a helper is."""
    functions = compiled_functions()
    names = {function.__name__ for function in functions}
    assert {"run_epochs", "forward", "load", "_update", "_adam_step", "_softmax_evaluate", "predict"} <= names
    for function in functions:
        home = function.__module__.removeprefix("skregopt.")
        imports = package_imports(home)
        names = set(inspect.getclosurevars(function).globals) - set(declaration.PASSES)  # called through addresses
        foreign = {imports[name] for name in names if name in imports}
        assert foreign <= inlined_files(), f"{home}.{function.__name__}"


def test_compiled_functions_take_no_defaults_and_close_over_types_only():
    for function in compiled_functions():
        assert not function.__defaults__ and not function.__kwdefaults__, function
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        assert all(isinstance(cell, type) for cell in cells), function


# --- order in the house ---------------------------------------------------------------------------------------------


def undocumented(node, where):
    """Return the public classes, functions and methods below ``node`` without a docstring."""
    missing = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef) and not child.name.startswith("_"):
            name = f"{where}.{child.name}"
            if not ast.get_docstring(child):
                missing.append(name)
            if isinstance(child, ast.ClassDef):
                missing += undocumented(child, name)
    return missing


@pytest.mark.parametrize("module", MODULES)
def test_modules_classes_and_functions_are_documented(module):
    tree = source_tree(module)
    assert ast.get_docstring(tree), f"{module} has no docstring"
    if module.partition(".")[0] in FAMILIES or "_" not in {part[:1] for part in module.split(".")}:
        assert not undocumented(tree, module)
    # in private modules: everything another module imports
    imported = {
        name
        for other in MODULES
        for name, home in package_imports(other).items()
        if home == module and inspect.isroutine(getattr(load(module), name, None))
    }
    missing = {name.rpartition(".")[2] for name in undocumented(tree, module)}
    assert not missing & imported


@pytest.mark.parametrize("module", REGISTRIES)
def test_registries_are_complete(module):
    """Every rule of a file is registered, or is what a registered rule becomes for a kind of target."""
    registered = set()
    for name in REGISTRIES[module]:
        registered |= set(getattr(load(module), name).values())
    # other tests may have registered rules of their own
    registered = {rule for rule in registered if rule.__module__.startswith("skregopt.")}
    found = set(rules(module)) - {family(module)}
    for rule in registered.copy():
        if module == "losses":
            targets = ("binary", "multiclass", "multilabel", "continuous")
            registered |= {type(rule().for_target(target)) for target in targets}
    assert found == registered


@pytest.mark.parametrize("module", REGISTRIES)
def test_registries_end_their_files(module):
    last = source_tree(module).body[-1]
    assert isinstance(last, ast.AnnAssign) and last.target.id in REGISTRIES[module]


@pytest.mark.parametrize("module", FAMILIES)
def test_rules_have_every_kernel_of_their_family(module):
    for rule in rules(module):
        component = rule()
        stands_for_others = module == "losses" and component.for_target("binary") is not component
        if rule is family(module) or stands_for_others:
            continue
        for name in rule.signatures:
            assert inspect.isfunction(getattr(rule, name)), f"{rule.__name__} has no {name}"
            n_arguments = len(rule.signatures[name](_jit.scalar_type(np.dtype(float))).args)
            assert len(inspect.signature(getattr(rule, name)).parameters) == n_arguments


def test_public_names():
    assert sorted(skregopt.__all__) == [
        "LossCurveDisplay", "MLPClassifier", "MLPRegressor", "RegularizationPathDisplay", "SearchResultsDisplay",
        "TabularMLPClassifier", "TabularMLPRegressor", "WeightsDisplay", "register_skl2onnx", "to_onnx",
    ]  # fmt: skip
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", skregopt.__version__)
    assert (PACKAGE / "py.typed").is_file()
