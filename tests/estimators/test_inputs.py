"""X of every kind: memory layouts, element types, sparse formats, frames."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_regressor
from sklearn.preprocessing import StandardScaler
from support.estimators import BOTH, make_data, output, small
from support.pairwise import exhaustive
from support.states import plain, weights

from skregopt import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# --- arrays ----------------------------------------------------------------------------------------------------------


@pytest.mark.nojit
@BOTH
@pytest.mark.parametrize("params", [{}, {"dtype": "float32"}, {"solver": "lbfgs"}, {"dropout": 0.5}], ids=str)
@pytest.mark.parametrize(
    "layout",
    [
        np.asfortranarray,
        lambda X: np.repeat(X, 2, axis=0)[::2],
        lambda X: np.repeat(X, 3, axis=1)[:, ::3],
        lambda X: X[::-1].copy()[::-1],
        lambda X: X[:, ::-1].copy()[:, ::-1],
        lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
        lambda X: np.lib.stride_tricks.as_strided(X, writeable=False),
        lambda X: X.astype(X.dtype.newbyteorder()),
        lambda X: np.frombuffer(b"\0" + X.tobytes(), np.uint8)[1:].view(X.dtype).reshape(X.shape),
        np.ndarray.tolist,
        pd.DataFrame,
        lambda X: X.astype(object),
        lambda X: X.view(type("Subclass", (np.ndarray,), {})),
    ],
    ids=["Fortran", "rows", "columns", "reversed rows", "reversed columns", "both reversed", "read-only",
         "byte-swapped", "unaligned", "list", "DataFrame", "object", "subclass"],
)  # fmt: skip
def test_memory_layout_does_not_matter(kind, layout, params):
    X, y = make_data(kind)
    expected = small(kind, **params).fit(X, y)
    same = layout(X)
    model = small(kind, **params).fit(same, y)
    assert weights(model) == weights(expected)
    assert plain(output(model, same)) == plain(output(expected, X))


CHARACTERS = [
    "?",
    "b",
    "i",
    "q",
    "Q",
    "e",
    "f",
    "d",
    "g",
    *exhaustive(*"hlBHIL"),
]


@BOTH
@pytest.mark.parametrize("char", CHARACTERS)
@pytest.mark.parametrize("container", [np.asarray, sp.csr_matrix, *exhaustive(sp.csc_matrix)])
def test_element_types(kind, char, container):
    """float32 stays, all else is computed in float64, read as it is."""
    _, y = make_data(kind)
    X = np.random.RandomState(0).randint(2 if char == "?" else 9, size=(60, 5)).astype(char)
    if char in "eg" and container is not np.asarray:
        pytest.skip("SciPy has no sparse matrices of this type")
    model = small(kind).fit(container(X), y)
    working = np.float32 if char == "f" else np.float64
    assert {coef.dtype for coef in model.coefs_} == {np.dtype(working)}
    expected = small(kind).fit(container(X.astype(working)), y)
    assert weights(model) == weights(expected)
    assert output(model, container(X)).dtype == working
    assert plain(output(model, container(X))) == plain(output(expected, container(X.astype(working))))


@BOTH
@pytest.mark.parametrize("given", [np.float32, np.float64, np.int32])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_dtype_parameter(kind, given, dtype, solver):
    X, y = make_data(kind)
    X = (4 * X).astype(given)
    model = small(kind, dtype=dtype, solver=solver).fit(X, y)
    assert {array.dtype for array in (*model.coefs_, *model.intercepts_)} == {np.dtype(dtype)}
    assert output(model, X).dtype == dtype
    expected = small(kind, solver=solver).fit(X.astype(dtype), y)
    assert weights(model) == weights(expected)
    assert model.predict(X.astype(np.float64)).shape == (60,)


# --- sparse matrices -------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "solver", ["sgd", *(pytest.param(s, marks=pytest.mark.nojit) for s in ("minibatch", "adam", "lbfgs"))]
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_sparse_equals_dense(kind, solver, early_stopping):
    X, y = make_data(kind, n_features=12)
    X[np.abs(X) < 0.8] = 0
    X[3] = 0
    model = small(kind, solver=solver, early_stopping=early_stopping, random_state=1)
    expected = clone(model).fit(X, y)
    containers = [sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.csc_array, sp.coo_matrix, sp.lil_matrix]
    outputs = []
    for container in containers:
        fitted = clone(model).fit(container(X), y)
        assert_allclose(output(fitted, container(X)), output(expected, X), rtol=1e-6, atol=1e-9)
        outputs.append(weights(fitted))
        assert_allclose(output(fitted, X), output(fitted, container(X)), rtol=1e-10, atol=1e-13)
    assert len(set(outputs)) == 1


def with_index_dtype(X, dtype):
    X = sp.csr_matrix(X)
    X.indices, X.indptr = X.indices.astype(dtype), X.indptr.astype(dtype)
    return X


def unsorted_with_explicit_zeros(X):
    X = sp.csr_matrix(X + (X == 0) * 1.0)
    X.data[X.data == 1.0] = 0
    for i in range(X.shape[0]):
        row = slice(X.indptr[i], X.indptr[i + 1])
        X.data[row], X.indices[row] = X.data[row][::-1].copy(), X.indices[row][::-1].copy()
    X.has_sorted_indices = False
    return X


@BOTH
def test_sparse_index_types_and_storage_orders(kind):
    X, y = make_data(kind, n_features=12)
    X[np.abs(X) < 0.8] = 0
    expected = small(kind).fit(sp.csr_matrix(X), y)
    wide = small(kind).fit(with_index_dtype(X, np.int64), y)
    assert weights(wide) == weights(expected)
    assert plain(output(wide, with_index_dtype(X, np.int64))) == plain(output(expected, sp.csr_matrix(X)))
    odd = small(kind).fit(unsorted_with_explicit_zeros(X), y)
    assert_allclose(odd.coefs_[0], expected.coefs_[0], rtol=1e-9, atol=1e-12)


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


# --- frames ----------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("frame", [pd.DataFrame, lambda X, columns: pl.DataFrame(X, schema=list(columns))])
def test_feature_names(kind, frame):
    X, y = make_data(kind)
    X = frame(X, columns=list("abcde"))
    if not hasattr(StandardScaler().fit(X), "feature_names_in_"):
        pytest.skip("this scikit-learn does not find the names in this frame")  # 1.6 in frames of recent polars
    model = small(kind, early_stopping=True, scoring="r2" if kind is MLPRegressor else "accuracy").fit(X, y)
    assert_array_equal(model.feature_names_in_, list("abcde"))
    model.predict(X)
    model.set_params(early_stopping=False, scoring="loss").partial_fit(X, y)
    other = frame(np.asarray(X), columns=list("abcdx"))
    for call in (lambda: model.predict(other), lambda: model.partial_fit(other, y)):
        with pytest.raises(ValueError, match="feature names should match"):
            call()
    with pytest.raises(ValueError, match="feature names should match"):
        small(kind).fit(X, y, X_val=other, y_val=y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(np.asarray(X))
    assert not hasattr(small(kind).fit(np.asarray(X), y), "feature_names_in_")


@BOTH
@pytest.mark.parametrize("scoring", ["loss", "accuracy/r2"])
def test_named_validation_data(kind, scoring):
    """No warning about names, neither for the split nor for the user's own rows."""
    X, y = make_data(kind)
    X = pd.DataFrame(X, columns=list("abcde"))
    if scoring != "loss":
        scoring = scoring.split("/")[is_regressor(kind())]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = small(kind, early_stopping=True, scoring=scoring, n_iter_no_change=1, tol=1e9)
        model.fit(X, pd.Series(y))
        model.fit(X, pd.Series(y), X_val=X[:20], y_val=pd.Series(y[:20]))


# --- weights ---------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("dtype", [int, np.float32, np.float64, list, bool])
def test_weights_of_any_kind(kind, dtype):
    X, y = make_data(kind)
    sample_weight = np.arange(60) % 2
    given = sample_weight.tolist() if dtype is list else sample_weight.astype(dtype)
    expected = weights(small(kind).fit(X, y, sample_weight.astype(float)))
    assert weights(small(kind).fit(X, y, given)) == expected
    assert weights(small(kind).fit(X, y, sample_weight=pd.Series(sample_weight))) == expected


def test_only_ratios_of_huge_weights_count():
    X, y = _one_full_row()
    weights = np.linspace(0.5, 1.0, 60)
    model = MLPClassifier(5, max_iter=3, random_state=0)
    expected = model.fit(X, y, sample_weight=weights).predict_proba(X)
    np.testing.assert_allclose(model.fit(X, y, sample_weight=1.7e308 * weights).predict_proba(X), expected, rtol=1e-9)
