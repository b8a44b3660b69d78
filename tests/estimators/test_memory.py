"""X is neither copied nor made dense nor written to."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from support.estimators import BOTH, make_data, small
from support.pairwise import exhaustive
from support.states import plain

from skregopt import MLPClassifier, MLPRegressor
from skregopt.embeddings import Periodic, PiecewiseLinear

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@BOTH
def test_sparse_matrix_is_never_made_dense(kind):
    """A dense copy of this X would take 1.6 GB."""
    rng = np.random.RandomState(0)
    X = sp.csr_matrix((np.ones(4000), (np.arange(4000) % 2000, rng.randint(100_000, size=4000))), (2000, 100_000))
    y = np.arange(2000) % 2
    model = small(kind, hidden_layer_sizes=2, max_iter=2, solver="minibatch")
    model.fit(X[:300, :], y[:300])
    tracemalloc.start()
    try:
        model.fit(X, y).predict(X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100e6


def memory_mapped(X, folder):
    np.save(folder / "X.npy", X)
    return np.load(folder / "X.npy", mmap_mode="r")


@pytest.mark.parametrize("kind", [MLPRegressor, *exhaustive(MLPClassifier)])
@pytest.mark.parametrize(
    ("source", "params"),
    [
        ("memory-mapped", {}),
        ("memory-mapped", {"early_stopping": True}),
        ("memory-mapped", {"dtype": "float32"}),
        ("memory-mapped", {"solver": "sgd"}),
        ("memory-mapped", {"solver": "lbfgs"}),
        ("read-only", {}),
        ("Fortran", {}),
        ("strided", {}),
        ("int16", {}),
    ],
    ids=str,
)
def test_X_is_not_copied(kind, source, params, tmp_path):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(40_000, 50))
    if source == "memory-mapped":
        X = memory_mapped(X, tmp_path)
    elif source == "Fortran":
        X = np.asfortranarray(X)
    elif source == "strided":
        X = np.repeat(X, 2, axis=0)[::2]
    elif source == "int16":
        X = (1000 * X).astype(np.int16)
    if source != "strided":
        X.flags.writeable = False
    y = (X[:, 0] > 0).astype(int)
    model = small(kind, hidden_layer_sizes=4, max_iter=1, **params)
    clone(model).fit(X[:500], y[:500]).predict(X[:500])
    tracemalloc.start()
    try:
        model.fit(X, y)
        _, fit_peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        model.predict(X)
        _, predict_peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    n_bytes = 40_000 * 50 * 8
    assert fit_peak < 0.5 * n_bytes, fit_peak / n_bytes
    assert predict_peak - before < 0.5 * n_bytes, predict_peak / n_bytes


@BOTH
def test_input_arrays_are_not_written_to(kind):
    X, y = make_data(kind)
    sample_weight = np.linspace(0, 2, 60)
    coef_init = [np.ones((5, 4)), np.ones((4, 3 if kind is MLPClassifier else 1))]
    arrays = [X, y, sample_weight, *coef_init]
    before = plain(arrays)
    for array in arrays:
        array.flags.writeable = False
    for params in ({}, {"solver": "lbfgs"}, {"early_stopping": True}, {"penalty": "l1", "dropout": 0.1}):
        model = small(kind, **params)
        model.fit(X, y, sample_weight, X_val=X, y_val=y, sample_weight_val=sample_weight, coef_init=coef_init)
        model.predict(X)
    assert plain(arrays) == before


@pytest.mark.parametrize("columns", ["auto", [3], list(range(50))], ids=["auto", "one", "all"])
@pytest.mark.parametrize("rule", [Periodic, PiecewiseLinear])
def test_columns_are_embedded_one_at_a_time(rule, columns):
    """A float64 copy of this X would take 40 MB; a column takes 0.8 MB."""
    X = np.random.RandomState(0).normal(size=(100_000, 50)).astype(np.float32)
    y = X[:, 3].copy()
    model = MLPRegressor(2, feature_embedding=rule(2, columns=columns), max_iter=1, batch_size=300, dtype="float32")
    model.fit(X[:300], y[:300])
    tracemalloc.start()
    try:
        model.fit(X, y)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12e6
