"""The documentation names everything public, and its examples are true."""

import ast
import builtins
import contextlib
import doctest
import importlib
import inspect
import re
import textwrap
import tomllib
from functools import partial
from pathlib import Path

import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import RandomizedSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import Interval

import skregopt

PACKAGE = Path(skregopt.__file__).parent
DOC = Path(__file__).resolve().parents[2] / "doc"
PUBLIC_MODULES = sorted(
    path.stem for path in PACKAGE.iterdir() if not path.name.startswith("_") and (path.suffix == ".py" or path.is_dir())
)
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
    tests = [test for test in doctest.DocTestFinder().find(value, name, module=False, globs={}) if test.examples]
    assert tests or home is not skregopt, f"{name} has no example"
    runner = doctest.DocTestRunner()
    for test in tests:
        assert runner.run(test).failed == 0


@pytest.mark.parametrize("page", [page for page in PAGES if not page.startswith(ELSEWHERE)])
def test_examples_of_the_page(page):
    assert doctest.testfile(str(DOC / page), module_relative=False, encoding="utf-8").failed == 0


def test_code_of_the_first_page_runs():
    """Without a warning, and without a filter of warnings."""
    text = (DOC.parent / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    example, of_a_table = (block for block in blocks if ".fit(" in block)
    names = {}
    exec(example.replace("print(", "results = ("), names)
    accuracy, sparsity = names["results"]
    assert accuracy > 0.95 and sparsity > 0.3 and "warn" not in example
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    names = {"frame_train": X[:100], "y_train": y[:100], "frame_test": X[100:], "y_test": y[100:]}
    exec(of_a_table, names)
    assert names["model"].score(names["frame_test"], names["y_test"]) > 0.9


def test_pages_have_examples():
    """Otherwise the test above is true of nothing."""
    assert ">>>" in (DOC / "getting_started.rst").read_text(encoding="utf-8")


def documented_domains(kind):
    """Return the interval of each number in a class's docstring, as scikit-learn writes it, by parameter."""
    domains = {}
    for names, text in re.findall(
        r"^    (\w+(?:, \w+)*) : ((?:float|int) .*?)(?:,? default=|$)", kind.__doc__, flags=re.M
    ):
        if match := re.match(r"(?:float|int) in ([\[(][^\])]*[\])])", text):
            interval = match[1]
        elif match := re.match(r"(?:float|int) (>=?) (\S+?)(?:,| or|$)", text):
            interval = f"{'[' if match[1] == '>=' else '('}{match[2]}, inf)"
        else:
            continue
        domains |= dict.fromkeys(names.split(", "), interval)
    return domains


CLASSES = [kind for name, home in NAMES if isinstance(kind := getattr(home, name), type)]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_domains_in_the_docstring_are_those_that_are_checked(kind):
    constraints = getattr(kind, "_parameter_constraints", {})
    constraints = kind()._parameter_constraints if isinstance(constraints, property) else constraints
    for name, documented in documented_domains(kind).items():
        if name in constraints:
            intervals = [constraint for constraint in constraints[name] if isinstance(constraint, Interval)]
            checked = [re.sub(r"\.0\b", "", str(interval).split("range ")[1].rstrip(".")) for interval in intervals]
            assert documented in checked, name


def test_domains_are_found():
    found = documented_domains(skregopt.MLPClassifier)
    assert found["momentum"] == "[0, 1]" and found["beta_2"] == "[0, 1)" and found["max_norm"] == "(0, inf)"
    assert found["n_hidden_layers"] == "[0, 10000]" and len(found) > 15


# what the first page of the user guide says about names
STAND_INS = {f"{name}{part}" for name in "Xy" for part in ("", "_train", "_val", "_test", "_new")}
STAND_INS |= {"model", "clf", "grid", "search"}


def pieces_of_code(text):
    """Return the syntax trees of the literal blocks of a page that are Python."""
    for block in re.findall(r"::\n\n((?:    .*\n|\n)+)", text):
        with contextlib.suppress(SyntaxError):  # a command, a formula
            yield ast.parse(textwrap.dedent(block))


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("user_guide/")])
def test_code_of_the_page_says_where_its_names_are_from(page):
    text = (DOC / page).read_text(encoding="utf-8")
    known = STAND_INS | set(dir(builtins))
    for tree in pieces_of_code(text):
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        known |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                known |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                known.add(node.name)
            if isinstance(node, ast.arg):
                known.add(node.arg)
        unknown = {node.id for node in names} - known
        assert not unknown, f"import or define {sorted(unknown)}"


@pytest.mark.parametrize("page", PAGES)
def test_code_of_the_page_imports_a_name_once(page):
    for tree in pieces_of_code((DOC / page).read_text(encoding="utf-8")):
        imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = [alias.asname or alias.name for node in imports for alias in node.names]
        assert len(names) == len(set(names)), f"imported twice, of {names}"


@pytest.mark.parametrize("page", ["user_guide/model_selection.rst", "user_guide/scaling.rst"])
def test_searches_of_the_page_do_not_warn(page):
    """On fewer draws, of which some are slow; a warning is an error here."""
    trees = pieces_of_code((DOC / page).read_text(encoding="utf-8"))
    (code,) = [code for code in map(ast.unparse, trees) if "RandomizedSearchCV(" in code]
    code = re.sub(r"n_iter=50, |n_jobs=-1", "", code).replace("RandomizedSearchCV(network, ", "fewer(network, ")
    X, y = load_breast_cancer(return_X_y=True)
    fewer = partial(RandomizedSearchCV, n_iter=4, cv=2, random_state=0, error_score="raise")
    names = {"fewer": fewer, "MLPClassifier": skregopt.MLPClassifier, "X": StandardScaler().fit_transform(X), "y": y}
    exec(code, names)
    assert names["search"].best_score_ > 0.95


def test_the_namespace_holds_what_is_public():
    public = {name for name, value in vars(skregopt).items() if not (name.startswith("_") or inspect.ismodule(value))}
    assert public == set(skregopt.__all__)


# --- extras ----------------------------------------------------------------------------------------------------------


def test_extras_that_are_named_exist():
    """Whoever follows the advice to install one gets what it promises."""
    project = tomllib.loads((DOC.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [path.read_text(encoding="utf-8") for path in (*DOC.rglob("*.rst"), *PACKAGE.rglob("*.py"))]
    named = {extra for text in texts for extra in re.findall(r"skregopt\[([\w-]+)\]", text)}
    assert named and named <= set(project["optional-dependencies"])
    assert {re.match(r"\w+", need).group() for need in project["optional-dependencies"]["progress"]} == {
        "ipywidgets",  # of rich in a notebook
        "rich",  # of scikit-learn's ProgressBar
    }
    assert "progress" in named


# --- the portfolio of the estimators for tables ----------------------------------------------------------------------


def test_numbers_of_the_page_about_tables_are_those_of_the_code():
    page = (DOC / "user_guide" / "tables.rst").read_text(encoding="utf-8")
    steps, prior = load("_tabular.weights").N_STEPS, load("_tabular.weights").ROWS_OF_PRIOR
    assert f"in each of {steps} steps" in page and f"\\frac{{c_r}}{{{steps}}}" in page
    assert page.count(f"{{n + {prior}}}") == 2 and f"\\frac{{{prior}}}" in page
    assert f"Of fewer than {load('_tabular.read').FEWEST_ROWS_TO_HOLD_OUT} rows none are held out" in page
    defaults = skregopt.TabularMLPClassifier().get_params()
    assert f"`n_estimators` is {defaults['n_estimators']} by default" in page
    assert f"five for {defaults['validation_fraction']}" in page
    assert defaults["n_estimators"] == len(load("_tabular.portfolio").PORTFOLIO) + 2 == 4 + 2
    assert "one network of each of the four recipes, and two more of the best one" in page
    assert load("_tabular.portfolio").MOST_OF_A_RECIPE == 5 and "until it has five" in page
    n_bins = [load("_tabular.portfolio").n_bins(rows) for rows in (1, 50 * 100, 10**9)]
    assert n_bins == [16, 100, 128] and "every 50 rows that a network trains on, at least 16 and at most 128" in page
    assert {r.embedding.n_outputs for r in load("_tabular.portfolio").PORTFOLIO if r.embedding} == {4}
    assert (load("_tabular.portfolio").MANY_COLUMNS, load("_tabular.portfolio").OUTPUTS_OF_MANY_COLUMNS) == (32, 2)
    assert "Each number becomes four by either kind of embedding. Of more than 32 numbers" in page
    doubt = load("_tabular.combination").ROWS_OF_DOUBT
    assert f"{doubt} / (n + {doubt})" in page
    encoder = load("preprocessing").TabularEncoder()
    assert f"no more than {encoder.max_categories}:" in page and 1 / encoder.min_frequency == 10_000


# --- measured numbers ------------------------------------------------------------------------------------------------


def test_errors_on_tables_in_readme_are_those_measured():
    page = (DOC / "user_guide" / "tables.rst").read_text(encoding="utf-8")
    table = re.search(r"peers-table:start(.*)\.\. peers-table:end", page, flags=re.S)[1]
    errors = dict(re.findall(r"^   \* - (.*)\n     - ([0-9.]+)$", table, flags=re.M))
    own, *others = (f"{float(errors[name]):.2f}" for name in ("TabularMLP", "CatBoost", "RealMLP-TD", "LightGBM"))
    readme = " ".join((DOC.parent / "README.md").read_text(encoding="utf-8").split())
    assert f"their error is {own} times that of scikit-learn's MLP" in readme
    assert "CatBoost has {}, RealMLP {}, LightGBM {} (".format(*others) in readme


def test_promises_about_intervals_are_those_measured():
    """Docstrings give ranges of the table that tests/benchmarks/uncertainty.py writes; readers meet quantiles first."""
    page = (DOC / "user_guide" / "uncertainty.rst").read_text(encoding="utf-8")
    table = re.search(r"intervals-table:start(.*)\.\. intervals-table:end", page, flags=re.S)[1]
    cells = re.findall(r"^   (?:\* -|  -) (.*)$", table, flags=re.M)
    rows = [cells[i : i + 8] for i in range(8, len(cells), 8)]
    assert len(rows) == 5
    columns = [[float(cell) for cell in column] for column in list(zip(*rows, strict=True))[1:]]
    of_s, of_width, alone, _, covered = (f"{min(column):.2f} to {max(column):.2f}" for column in columns[:5])
    alone, covered = (" to ".join(f"{100 * float(end):.0f}" for end in ends.split(" to ")) for ends in (alone, covered))
    predict = " ".join(skregopt.MLPRegressor.predict.__doc__.split())
    assert f"covered {alone} %" in predict and f"absolute error was {of_s}." in predict
    assert f"covered {covered} %" in predict and f"its width was {of_width}." in predict
    assert f"covered {covered} %" in " ".join(load("losses").Quantile.__doc__.split())
    assert f"cover {covered} %" in page
    assert page.index("Quantile(") < page.index("return_std=True")
    assert min(columns[3]) > 0.85, "with the scatter the interval covers enough"
