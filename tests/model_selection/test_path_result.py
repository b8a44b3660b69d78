"""What a path tells: a table, a page of a notebook, and a choice of features."""

import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skregopt import MLPClassifier, MLPRegressor
from skregopt.model_selection import RegularizationPath, regularization_path

LINEAR = MLPRegressor((), penalty="l1", solver="gd", learning_rate_init=0.2, max_iter=5000)
COLUMNS = ["alpha", "n_features", "n_nonzero", "sparsity", "loss", "n_iter", "converged", "train_score"]


@pytest.fixture(scope="module")
def linear_path(diabetes):
    X, y = diabetes
    frame = pd.DataFrame(X, columns=[f"column {j}" for j in range(10)])
    return regularization_path(LINEAR, frame, y, n_alphas=12, X_val=frame[::3], y_val=y[::3])


@pytest.fixture(scope="module")
def group_path(cancer):
    X, y = cancer
    network = MLPClassifier(20, penalty="group_l1", batch_size=64, learning_rate_init=0.005, random_state=0)
    return regularization_path(network, X, y, n_alphas=20)


def with_features(counts, val_scores=None):
    """Return a path whose networks have so many features, in this order, at alpha 1, 2, ..."""
    X = np.random.RandomState(0).normal(size=(20, 8))
    fitted = MLPRegressor((), solver="lbfgs", max_iter=50).fit(X, X @ np.arange(8.0))
    networks = []
    for alpha, count in enumerate(counts, 1):
        network = clone(fitted).set_params(alpha=alpha).fit(X, X @ np.arange(8.0))
        network.coefs_[0][count:] = 0.0
        networks.append(network)
    return RegularizationPath(networks, [True] * len(counts), np.nan, None, val_scores)


# --- the table -------------------------------------------------------------------------------------------------------


def test_a_frame_has_a_row_for_each_alpha(linear_path):
    frame = linear_path.to_frame()
    assert isinstance(frame, pd.DataFrame) and list(frame.columns) == [*COLUMNS, "val_score"] and len(frame) == 12
    for name in COLUMNS[:-2]:
        assert_array_equal(frame[name], getattr(linear_path, f"{name}_" if name != "alpha" else "alphas_"))
    assert_array_equal(frame["train_score"], linear_path.train_scores_)
    assert_array_equal(frame["val_score"], linear_path.val_scores_)
    assert frame["converged"].dtype == bool and frame["n_features"].dtype.kind == "i"


def test_a_frame_without_scores():
    frame = with_features([8, 3]).to_frame()
    assert list(frame.columns) == COLUMNS[:-1] and frame["n_features"].tolist() == [8, 3]


def test_a_frame_needs_pandas(monkeypatch):
    path = with_features([8])
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"RegularizationPath.to_frame needs pandas: pip install pandas"):
        path.to_frame()
    assert "<td>8</td>" in path._repr_html_(), "the page does not"


class Page(HTMLParser):
    """The rows of a table."""

    def __init__(self, text):
        super().__init__()
        self.rows = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data):
        if self.rows:
            self.rows[-1].append(data)


def test_a_page_has_the_table(linear_path):
    text = linear_path._repr_html_()
    head, *rows = Page(text).rows
    assert head == [*COLUMNS, "val_score"] and len(rows) == 12
    assert repr(linear_path) in text
    assert [int(row[1]) for row in rows] == linear_path.n_features_.tolist()
    assert [row[0] for row in rows] == [f"{alpha:.4g}" for alpha in linear_path.alphas_]
    assert rows[0][6] == str(linear_path.converged_[0])


# --- the choice of features ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_features", [2, 4, 6, 10, 100])
def test_select_keeps_the_features_of_a_network(linear_path, max_features):
    selector = linear_path.select(max_features=max_features)
    counts = linear_path.n_features_
    most = counts[counts <= max_features].max()
    assert selector.get_support().sum() == most
    k = np.flatnonzero(counts == most)
    chosen = k[np.argmax(linear_path.val_scores_[k])]
    assert_array_equal(selector.get_support(), linear_path.feature_importances_[chosen] > 0)
    assert selector.get_feature_names_out().tolist() == [f"column {j}" for j in np.flatnonzero(selector.get_support())]
    assert selector.estimator_.alpha == linear_path.alphas_[chosen]


def test_group_l1_needs_no_threshold(group_path, cancer):
    """scikit-learn's default, the mean importance, would drop features that the network has kept."""
    X, _ = cancer
    selector = group_path.select(max_features=25)
    kept = selector.get_support()
    network = selector.estimator_
    assert 0 < kept.sum() <= 25 and network.penalty == "group_l1"
    assert_array_equal(kept, network.feature_importances_ > 0)
    assert kept.sum() > np.count_nonzero(network.feature_importances_ >= network.feature_importances_.mean())
    assert_array_equal(selector.transform(X), X[:, kept])
    changed = X.copy()
    changed[:, ~kept] += 1.0
    assert_array_equal(network.predict_proba(changed), network.predict_proba(X))


def test_the_smallest_weight_counts():
    path = with_features([3])
    path.estimators_[0].coefs_[0][2] = 1e-30
    assert path.select(3).get_support().sum() == 3


def test_most_features_then_the_best_score_then_the_smallest_alpha():
    counts = [8, 5, 4, 4, 4, 2, 0]
    assert with_features(counts).select(max_features=4).estimator_.alpha == 3
    assert with_features(counts[::-1]).select(max_features=4).estimator_.alpha == 3
    assert with_features(counts, [1, 1, 0.1, 0.3, 0.2, 1, 1]).select(max_features=4).estimator_.alpha == 4
    assert with_features(counts, [1, 1, np.nan, 0.1, np.nan, 1, 1]).select(max_features=4).estimator_.alpha == 4
    assert with_features(counts, [np.nan] * 7).select(max_features=4).estimator_.alpha == 3
    assert with_features(counts).select(max_features=3).get_support().sum() == 2


def test_a_selector_is_a_step_of_a_pipeline(linear_path, diabetes):
    X, y = diabetes
    frame = pd.DataFrame(X, columns=linear_path.feature_names_in_)
    model = make_pipeline(linear_path.select(max_features=4), LinearRegression())
    search = GridSearchCV(model, {"linearregression__fit_intercept": [True, False]}, cv=3).fit(frame, y)
    names = linear_path.select(max_features=4).get_feature_names_out()
    assert_array_equal(search.best_estimator_[0].get_feature_names_out(), names)
    assert search.best_estimator_[-1].coef_.size == len(names)
    with pytest.raises(ValueError, match="feature names"):
        search.best_estimator_.predict(frame.rename(columns=str.upper))


@pytest.mark.parametrize("max_features", [0, -1, 2.0, "6", None])
def test_numbers_of_features_that_are_none(max_features):
    with pytest.raises(ValueError, match=r"'max_features' parameter of RegularizationPath.select must be an int"):
        with_features([3]).select(max_features=max_features)


def test_no_network_has_so_few_features():
    with pytest.raises(ValueError, match="max_features=2: no network of the path keeps so few .* the fewest are 5"):
        with_features([8, 5, 0]).select(max_features=2)
    with pytest.raises(ValueError, match="max_features=8: no network of the path keeps so few"):
        with_features([0, 0]).select(max_features=8)
