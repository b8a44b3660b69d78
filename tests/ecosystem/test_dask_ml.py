"""partial_fit under dask-ml: Incremental, IncrementalSearchCV, HyperbandSearchCV.

dask-ml 2025.1 and before need dask < 2025.3 (its issue 1016), which is what the extra ``dask-ml`` installs.
"""

import numpy as np
import pytest
from sklearn.base import clone

from skregopt import MLPClassifier

pytest.importorskip("dask_ml", reason="needs the extra dask-ml")
import dask.array
from dask.distributed import Client, LocalCluster
from dask_ml.model_selection import HyperbandSearchCV, IncrementalSearchCV
from dask_ml.wrappers import Incremental

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore")]

MODEL = MLPClassifier((8,), learning_rate_init=0.02, batch_size=20, random_state=0)
CLASSES = {"classes": [0, 1]}


@pytest.fixture(scope="module")
def data():
    """Start a cluster of two processes; returns blocks of rows."""
    X = np.random.RandomState(0).normal(size=(800, 5))
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0) as cluster:
        with Client(cluster):
            yield (
                dask.array.from_array(X, chunks=(100, 5)),
                dask.array.from_array((X[:, 0] > 0).astype(int), chunks=100),
            )


def test_incremental_is_partial_fit_on_one_block_after_the_other(data):
    X, y = data
    wrapped = Incremental(MODEL, shuffle_blocks=False).fit(X, y, **CLASSES)
    direct = clone(MODEL)
    for start in range(0, 800, 100):
        rows = slice(start, start + 100)
        direct.partial_fit(X[rows].compute(), y[rows].compute(), **CLASSES)
    for found, expected in zip(wrapped.estimator_.coefs_, direct.coefs_, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert direct.t_ == wrapped.estimator_.t_ == 800


@pytest.mark.parametrize("kind, max_iter", [(IncrementalSearchCV, 15), (HyperbandSearchCV, 9)])
def test_searches_that_train_by_parts(kind, max_iter, data):
    X, y = data
    search = kind(MODEL, {"alpha": [1e-4, 1e-2, 10.0]}, max_iter=max_iter, random_state=0).fit(X, y, **CLASSES)
    assert search.best_score_ > 0.8
    assert search.best_params_["alpha"] < 10
    assert search.best_estimator_.predict(X[:5].compute()).shape == (5,)
