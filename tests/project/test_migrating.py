"""doc/migrating: the code runs, and what the tables call parameters are parameters."""

import doctest
import re
from pathlib import Path

import pytest
import sklearn.neural_network

import skregopt
from skregopt import MLPClassifier, MLPRegressor, TabularMLPClassifier, TabularMLPRegressor

PAGES = sorted(path for path in (Path(__file__).parents[2] / "doc" / "migrating").glob("*.rst") if path.stem != "index")
ESTIMATORS = (MLPClassifier, MLPRegressor, TabularMLPClassifier, TabularMLPRegressor)
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)


def rows(page):
    """Return the rows of the table of a page, without its head."""
    cells = re.findall(r"^   \* - (.*)\n     -(.*)\n     -(.*)$", page.read_text(encoding="utf-8"), flags=re.M)
    return [tuple(cell.strip() for cell in row) for row in cells][1:]


def assigned(cell):
    """Return the names that a cell assigns to outside of brackets, and the fitted attributes that it names."""
    code = " ".join(re.findall(r"`([^`]+)`", cell))
    while code != (code := re.sub(r"\([^()]*\)", "", code)):
        pass
    return set(re.findall(r"(\w+)=", code)), set(re.findall(r"\.(\w+_)\b", code))


@each_page
def test_the_code_runs(page):
    test = doctest.DocTestParser().get_doctest(page.read_text(encoding="utf-8"), {}, page.stem, str(page), 0)
    assert len(test.examples) > 4
    assert doctest.DocTestRunner().run(test).failed == 0


@each_page
def test_names_of_the_new_column_exist(page):
    n_rows = len(re.findall(r"^   \* - ", page.read_text(encoding="utf-8"), flags=re.M))
    table = rows(page)
    assert len(table) == n_rows - 1 >= 5
    known = set().union(*(estimator().get_params() for estimator in ESTIMATORS))
    attributes = set(dir(MLPClassifier)) | {"coefs_", "intercepts_", "loss_curve_", "validation_loss_curve_"}
    attributes |= set(dir(TabularMLPClassifier)) | {"temperature_"}
    parameters = set()
    for _, new, _ in table:
        names, fitted = assigned(new)
        assert names <= known and fitted <= attributes, new
        parameters |= names
    assert len(parameters) >= 5
    for name in re.findall(r"`(\w+)\(", " ".join(new for _, new, _ in table)):
        homes = (skregopt, skregopt.losses, skregopt.schedules, MLPClassifier)
        assert any(hasattr(home, name) for home in homes), name


def test_names_of_the_old_column_exist_in_scikit_learn():
    known = set(sklearn.neural_network.MLPClassifier().get_params())
    page = PAGES[0].with_name("scikit_learn.rst")
    names = set().union(*(assigned(old)[0] for old, _, _ in rows(page)))
    assert len(names) >= 4 and names <= known


def test_every_page_is_in_the_index():
    index = (PAGES[0].parent / "index.rst").read_text(encoding="utf-8")
    assert all(f"   {page.stem}\n" in index for page in PAGES)
