"""Parameters whose values are arrays: none is compared as if it were a number."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from support.estimators import make_data

from skregopt import MLPClassifier, MLPRegressor, SearchResultsDisplay
from skregopt.losses import Quantile
from skregopt.model_selection import MLPRegressorCV, param_distributions, regularization_path

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

X, y = make_data(MLPRegressor)
PAIR = np.array([4, 3])
RATES = np.array([0.1, 0.2])


@pytest.mark.parametrize("kind", [np.asarray, pd.Series, list, tuple])
def test_fit_space_clone_pickle(kind):
    model = MLPRegressor(kind(PAIR), dropout=kind(RATES), max_iter=2, random_state=0)
    expected = MLPRegressor((4, 3), dropout=(0.1, 0.2), max_iter=2, random_state=0).fit(X, y)
    for copied in (model, clone(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(copied.fit(X, y).partial_fit(X, y).coefs_[0].shape, (5, 4))
        np.testing.assert_array_equal(copied.fit(X, y).predict(X), expected.predict(X))
        space = param_distributions(copied)
        assert space["n_hidden_layers"] == [2] and "dropout" not in space
        assert (min(space["hidden_layer_sizes"]), max(space["hidden_layer_sizes"])) == (1, 16)
        assert "hidden_layer_sizes" in repr(copied) and "hidden_layer_sizes" in copied._repr_html_()


def test_widths_at_their_default_in_any_form():
    for sizes in ([100], np.array([100]), (100,)):
        assert param_distributions(MLPRegressor(sizes))["hidden_layer_sizes"][0] == 16
    for sizes in ([100, 100], np.array([100, 100]), np.array([90])):
        assert param_distributions(MLPRegressor(sizes))["hidden_layer_sizes"][0] > 16
    assert "hidden_layer_sizes" not in param_distributions(MLPRegressor(np.array([], int)))


def test_paths_of_arrays():
    model = MLPRegressor(PAIR, dropout=RATES, penalty="l1", max_iter=2, random_state=0)
    path = regularization_path(model, X, y, alphas=RATES)
    np.testing.assert_array_equal(MLPRegressorCV(model, alphas=RATES, cv=2).fit(X, y).alphas_, path.alphas_)


def test_searches_over_arrays():
    grid = {"hidden_layer_sizes": [PAIR, PAIR[:1]], "loss__quantile": [RATES, [0.5, 0.6]]}
    model = MLPRegressor(loss=Quantile(RATES), max_iter=2, random_state=0)
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    assert len(SearchResultsDisplay.from_search(search).candidates) == 4


def test_values_that_are_no_valid_arrays():
    """Also before anything is validated."""
    model = MLPClassifier(solver=np.array(["adam", "lbfgs"]))
    assert hasattr(model, "partial_fit")
    with pytest.raises(ValueError, match="'solver' parameter of MLPClassifier must be"):
        model.partial_fit(X, y > 0, classes=[False, True])


def test_a_scorer_that_compares_to_anything():
    class Scorer:
        def __call__(self, estimator, X, y):
            return 1.0

        def __eq__(self, other):
            return np.array([True, False])

        def __ne__(self, other):
            return np.array([True, False])

        __hash__ = object.__hash__

    model = MLPRegressor(4, early_stopping=True, scoring=Scorer(), max_iter=2).fit(X, y)
    assert model.validation_scores_ == [1.0, 1.0]
    with pytest.raises(ValueError, match="no effect with early_stopping=False"):
        MLPRegressor(4, scoring=Scorer()).fit(X, y)


def test_spaces_hold_plain_numbers():
    sizes = param_distributions(MLPRegressor(batch_size=np.int64(20)))["batch_size"]
    assert sizes == [10, 20, 40] and {type(size) for size in sizes} == {int}
