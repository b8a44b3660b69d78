"""The estimators in a notebook: complete tables of parameters and attributes, links to their pages, none dead."""

import re
from email.message import Message
from html.parser import HTMLParser
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr
from sklearn.utils.fixes import parse_version

from skregopt import MLPClassifier, MLPRegressor
from skregopt._kernels import documentation_link
from skregopt.activations import LeakyReLU
from skregopt.losses import Quantile
from skregopt.model_selection import MLPClassifierCV, MLPRegressorCV
from skregopt.optimizers import Adam
from skregopt.penalties import ElasticNet
from skregopt.schedules import Cosine, Warmup

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

VERSION = parse_version(sklearn.__version__)
needs_parameters = pytest.mark.skipif(VERSION < parse_version("1.7"), reason="tables of parameters are new in 1.7")
needs_attributes = pytest.mark.skipif(VERSION < parse_version("1.9"), reason="tables of attributes are new in 1.9")


@pytest.fixture(autouse=True)
def url(monkeypatch, request):
    """Give the documentation an address if the test wants one, or none, whatever the installed package has."""
    address = getattr(request, "param", "")
    monkeypatch.setattr(documentation_link, "documentation_url", lambda: address)
    return address


X = np.random.RandomState(0).normal(size=(30, 4))
y = np.arange(30) % 2
NESTED = MLPClassifier(
    3,
    solver=Adam(beta_1=0.95),
    penalty=ElasticNet(l1_ratio=0.25),
    learning_rate=Warmup(Cosine(), 3),
    max_iter=2,
    random_state=0,
)


class Page(HTMLParser):
    """The rows of all tables, the texts and the links of a representation."""

    def __init__(self, estimator):
        super().__init__()
        self.rows, self.links, self.texts, self.classes = [], [], [], []
        self._cell = None
        self.feed(estimator_html_repr(estimator))
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "tr":
            self.rows.append([])
            self.classes.append(attributes.get("class"))
        if tag == "td":
            self.rows[-1].append("")
            self._cell = True
        if "href" in attributes:
            self.links.append(attributes["href"])

    def handle_endtag(self, tag):
        if tag == "td":
            self._cell = None

    def handle_data(self, data):
        self.texts.append(data.strip())
        if self._cell:
            self.rows[-1][-1] += data.strip()

    def table(self):
        """Return {name: (last cell, class of the row)}."""
        return {
            next(filter(None, row)): (row[-1], kind)
            for row, kind in zip(self.rows, self.classes, strict=True)
            if any(row)
        }


@pytest.mark.parametrize("model", [MLPClassifier(), MLPRegressor(), NESTED, Adam(), Warmup(Cosine(), 3)])
def test_renders_without_links(model):
    page = Page(model)
    assert type(model).__name__ in page.texts
    assert page.links == [] and model._get_doc_link() == ""
    assert model._repr_html_().startswith("<style>") and "text/html" in model._repr_mimebundle_()


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_fitted_or_not(estimator):
    model = estimator(3, max_iter=2, random_state=0)
    assert "Not fitted" in Page(model).texts
    model.fit(X, y)
    assert "Fitted" in Page(model).texts and "Not fitted" not in Page(model).texts


@needs_parameters
def test_every_parameter_with_its_value():
    table = Page(MLPRegressor(hidden_layer_sizes=7, alpha=0.25)).table()
    assert set(MLPRegressor().get_params()) <= set(table)
    assert table["alpha"] == ("0.25", "user-set") and table["hidden_layer_sizes"] == ("7", "user-set")
    assert table["activation"] == ("'relu'", "default") and table["tol"] == ("0.0001", "default")
    assert sum(kind == "user-set" for _, kind in table.values()) == 2


@needs_parameters
@pytest.mark.parametrize("model", [NESTED, make_pipeline(StandardScaler(), NESTED)], ids=["alone", "in a pipeline"])
def test_parameters_of_nested_components(model):
    table = Page(model).table()
    assert table["solver"] == ("Adam(beta_1=0.95)", "user-set")
    assert table["solver__beta_1"][0] == "0.95" and table["solver__epsilon"][0] == "1e-08"
    assert table["penalty__l1_ratio"][0] == "0.25"
    assert table["learning_rate__schedule"][0] == "Cosine()" and table["learning_rate__n_epochs"][0] == "3"


@needs_attributes
@pytest.mark.parametrize("params", [{}, {"early_stopping": True, "batch_norm": True}])
def test_every_fitted_attribute(params):
    model = MLPClassifier(3, max_iter=3, random_state=0, **params)
    assert "coefs_" not in Page(model).table()
    table = Page(model.fit(X, y)).table()
    names = {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}
    assert names | {"n_nonzero_", "sparsity_", "feature_importances_"} <= set(table)
    assert table["n_iter_"][0] == "3" and table["classes_"][0] == "[0,1]"


def test_links_in_a_pipeline_lead_to_scikit_learn_only():
    page = Page(make_pipeline(StandardScaler(), NESTED).fit(X, y))
    assert page.links, "those of Pipeline and StandardScaler"
    for link in page.links:
        assert link.startswith("https://scikit-learn.org/") and "MLP" not in link and "skregopt" not in link
    assert {"StandardScaler", "MLPClassifier"} <= set(page.texts)


def test_in_a_search():
    search = GridSearchCV(make_pipeline(StandardScaler(), NESTED), {"mlpclassifier__alpha": [0.1, 1]}, cv=2)
    for model in (search, search.fit(X, y)):
        page = Page(model)
        assert "MLPClassifier" in page.texts and not any("skregopt" in link for link in page.links)


def test_values_are_escaped():
    page = estimator_html_repr(MLPClassifier(activation="<script>alert()</script>"))
    assert "<script>alert()" not in page


def test_as_text():
    expected = "MLPClassifier(alpha=0.5, solver=Adam(beta_1=0.95))"
    assert repr(MLPClassifier(solver=Adam(beta_1=0.95), alpha=0.5)) == expected


# --- links to the documentation --------------------------------------------------------------------------------------

WITH_URL = pytest.mark.parametrize("url", ["https://docs.example/stable"], indirect=True)
LINKED = {
    MLPClassifier(): "skregopt.MLPClassifier",
    MLPRegressor(): "skregopt.MLPRegressor",
    MLPClassifierCV(): "skregopt.model_selection.MLPClassifierCV",
    MLPRegressorCV(): "skregopt.model_selection.MLPRegressorCV",
    Adam(): "skregopt.optimizers.Adam",
    ElasticNet(): "skregopt.penalties.ElasticNet",
    Warmup(Cosine(), 3): "skregopt.schedules.Warmup",
    Quantile(): "skregopt.losses.Quantile",
    LeakyReLU(): "skregopt.activations.LeakyReLU",
}


@WITH_URL
@pytest.mark.parametrize(("model", "page"), LINKED.items(), ids=LINKED.values())
def test_links_to_the_page_of_the_class(model, page, url):
    link = f"{url}/api/{page}.html"
    assert model._get_doc_link() == link
    assert link in [found.partition("#")[0] for found in Page(model).links]


@WITH_URL
def test_links_in_a_pipeline(url):
    links = {link.partition("#")[0] for link in Page(make_pipeline(StandardScaler(), NESTED).fit(X, y)).links}
    assert f"{url}/api/skregopt.MLPClassifier.html" in links
    assert any(link.endswith("sklearn.preprocessing.StandardScaler.html") for link in links)


@WITH_URL
def test_a_class_of_the_user_has_no_page_here(url):
    class Mine(MLPClassifier):
        pass

    assert Mine()._get_doc_link() == ""


def test_pages_are_where_the_documentation_puts_them():
    documented = (Path(__file__).parents[2] / "doc" / "api.rst").read_text(encoding="utf-8")
    assert set(re.findall(r":toctree: (\S+)", documented)) == {"api"}


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (None, ""),
        (["Source, https://code.example"], ""),
        (
            ["Source, https://code.example", "Documentation, https://docs.example/stable/"],
            "https://docs.example/stable",
        ),
    ],
)
def test_the_address_is_that_of_the_installed_package(monkeypatch, entries, expected):
    installed = Message()
    for entry in entries or []:
        installed["Project-URL"] = entry
    monkeypatch.undo()
    monkeypatch.setattr(documentation_link, "metadata", lambda name: installed)
    assert documentation_link.documentation_url.__wrapped__() == expected


def test_a_package_that_is_not_installed_has_no_address(monkeypatch):
    monkeypatch.undo()

    def metadata(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(documentation_link, "metadata", metadata)
    assert documentation_link.documentation_url.__wrapped__() == ""
