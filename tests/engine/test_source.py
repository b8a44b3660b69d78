"""Rows of X for compiled code: what would make it read or write beyond its buffers is excluded or refused."""

import numpy as np
import pytest
import scipy.sparse as sp

from skregopt import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Bootstrap:
    """A splitter that trains on one row many times."""

    def split(self, X, y=None, groups=None):
        """Yield one split."""
        n_rows = X.shape[0]
        yield np.r_[np.zeros(5000, dtype=int), np.arange(n_rows - 10)], np.arange(n_rows - 10, n_rows)

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return 1."""
        return 1


def _one_full_row():
    X = sp.random(60, 300, density=0.01, format="lil", random_state=0)
    X[0] = np.linspace(-1, 1, 300)
    return X.tocsr(), np.arange(60) % 2


@pytest.mark.parametrize("solver", ["sgd", "minibatch", "adam", "lbfgs"])
def test_a_splitter_may_repeat_the_longest_row_of_a_sparse_matrix(solver):
    X, y = _one_full_row()
    model = MLPClassifier(
        5,
        solver=solver,
        max_iter=3,
        early_stopping=True,
        validation_fraction=Bootstrap(),
        learning_rate_init=1e-4,
        random_state=0,
    )
    sparse = model.fit(X, y).predict_proba(X)
    dense = model.fit(X.toarray(), y).predict_proba(X.toarray())
    np.testing.assert_allclose(sparse, dense, rtol=1e-6)


@pytest.mark.parametrize("part, position, value", [("indices", 5, 10**6), ("indices", 5, 300), ("indptr", 5, 10**4)])
def test_malformed_csr_is_refused(part, position, value):
    X, y = _one_full_row()
    model = MLPClassifier(5, max_iter=2, random_state=0).fit(X, y)
    before = model.predict_proba(X)
    damaged = X.copy()
    getattr(damaged, part)[position] = value
    with pytest.raises(ValueError, match="ind(ex|ices|ptr)"):
        model.fit(damaged, y)
    with pytest.raises(ValueError, match="ind(ex|ices|ptr)"):
        model.predict(damaged)
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_only_ratios_of_huge_weights_count():
    X, y = _one_full_row()
    weights = np.linspace(0.5, 1.0, 60)
    model = MLPClassifier(5, max_iter=3, random_state=0)
    expected = model.fit(X, y, sample_weight=weights).predict_proba(X)
    np.testing.assert_allclose(model.fit(X, y, sample_weight=1.7e308 * weights).predict_proba(X), expected, rtol=1e-9)
