"""The same seed gives the same bits, whoever computes them where; and BLAS threads are nobody else's business.

Networks wider than 512 with more than 512 features and rows: longer inner dimensions than that make plain BLAS products
depend on the number of threads.
"""

import inspect
import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import joblib
import numba
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from support.processes import run
from support.states import bits
from threadpoolctl import threadpool_info, threadpool_limits

from skregopt import MLPClassifier, MLPRegressor
from skregopt._training import first_order, slices
from skregopt._training.threads import effective_n_threads

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_CPUS = joblib.cpu_count()


def fitted_bits(model, X, *targets):
    return bits(clone(model).fit(X, *targets), X)


@lru_cache
def wide_problem(dtype="float64"):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(700, 600)).astype(dtype)
    return X, (X[:, 0] + X[:, 1] > 0).astype(int)


WIDE = MLPClassifier((530, 520), batch_size=650, max_iter=2, random_state=0)


@lru_cache
def wide_bits(dtype="float64"):
    return fitted_bits(WIDE, *wide_problem(dtype))


@lru_cache
def small_problem():
    rng = np.random.RandomState(1)
    X = rng.normal(size=(130, 7)) * (rng.uniform(size=(130, 7)) > 0.4)
    return X, np.argmax(X[:, :3], axis=1)


SMALL = MLPClassifier((6, 5), dropout=0.2, early_stopping=True, max_iter=15, random_state=0)


def blas_threads_now():
    """Return the numbers of threads of all BLAS libraries in the process."""
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


# --- the same bits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_jobs", [None, 1, 2, 3, -1])
def test_number_of_threads_changes_no_bit(n_jobs, dtype):
    model = clone(WIDE).set_params(n_jobs=n_jobs)
    with threadpool_limits(2, user_api="blas"):
        assert fitted_bits(model, *wide_problem(dtype)) == wide_bits(dtype)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("solver", ["lbfgs", "gd", "adam"])
def test_number_of_threads_changes_no_bit_of_regressions(solver, n_jobs):
    X, _ = wide_problem()
    model = MLPRegressor((530,), solver=solver, max_iter=3, random_state=0)
    assert fitted_bits(model.set_params(n_jobs=n_jobs), X, X[:, :520]) == fitted_bits(model, X, X[:, :520])


@pytest.mark.parametrize("n_rows", [1, 511, 512, 513, 5000])
def test_number_of_threads_changes_no_bit_of_predictions(n_rows):
    X, y = wide_problem()
    model = clone(WIDE).fit(X, y)
    rows = np.resize(X, (n_rows, X.shape[1]))
    expected = model.predict_proba(rows)
    for n_jobs in (2, 3, -1):
        np.testing.assert_array_equal(model.set_params(n_jobs=n_jobs).predict_proba(rows), expected)


def test_repetition_changes_no_bit():
    X, y = wide_problem()
    model = clone(WIDE)
    assert {bits(model.fit(X, y), X) for _ in range(3)} == {wide_bits()}


def test_another_seed_changes_bits():
    X, y = small_problem()
    assert fitted_bits(SMALL, X, y) != fitted_bits(clone(SMALL).set_params(random_state=1), X, y)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_concurrent_threads_change_no_bit(n_jobs):
    models = [clone(WIDE).set_params(n_jobs=n_jobs) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda model: fitted_bits(model, *wide_problem()), models))
    assert set(results) == {wide_bits()}


def parallel_bits(**options):
    """Fit in joblib workers, each time the wide network and the small one."""
    jobs = [(WIDE, *wide_problem()), (clone(WIDE).set_params(n_jobs=2), *wide_problem()), (SMALL, *small_problem())]
    return joblib.Parallel(n_jobs=2, **options)(joblib.delayed(fitted_bits)(*job) for job in jobs)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_joblib_backends_change_no_bit(backend):
    expected = [wide_bits(), wide_bits(), fitted_bits(SMALL, *small_problem())]
    assert parallel_bits(backend=backend) == expected


START_METHODS = [
    pytest.param(method, marks=() if method == "fork" else pytest.mark.exhaustive)
    for method in ("spawn", "fork", "forkserver")
    if method in multiprocessing.get_all_start_methods()
]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("method", START_METHODS)
def test_multiprocessing_changes_no_bit(method):
    """Also a fork after this process has fitted, with several BLAS threads."""
    expected = [wide_bits(), fitted_bits(SMALL, *small_problem())]
    fitted_bits(clone(WIDE).set_params(n_jobs=2), *wide_problem())
    jobs = [(clone(WIDE).set_params(n_jobs=2), *wide_problem()), (SMALL, *small_problem())]
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.starmap_async(fitted_bits, jobs).get(timeout=300) == expected


def test_memory_mapped_rows_change_no_bit(tmp_path):
    X, y = wide_problem()
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert fitted_bits(WIDE, mapped, y) == wide_bits()


# --- where slices end -----------------------------------------------------------------------------------------------

SPARSE = sp.csr_array(small_problem()[0])
SLICED = {
    "dropout and early stopping": (SMALL, *small_problem()),
    "sparse": (MLPClassifier(5, input_dropout=0.3, max_iter=6, batch_size=32), SPARSE, small_problem()[1]),
    "batches of several tiles": (MLPClassifier((530,), batch_size=650, max_iter=3), *wide_problem("float32")),
    "one example at a time": (MLPClassifier(5, solver="sgd", penalty="l1", max_iter=2), *small_problem()),
    "scorer": (MLPClassifier(5, early_stopping=True, scoring="accuracy", max_iter=6, batch_size=16), *small_problem()),
    "adaptive schedule": (MLPRegressor(5, learning_rate="adaptive", tol=1.0, n_iter_no_change=2, max_iter=30),
                          small_problem()[0], small_problem()[0][:, 0]),
    "lbfgs": (MLPClassifier((530,), solver="lbfgs", max_iter=3), *wide_problem()),
}  # fmt: skip


@pytest.mark.parametrize("name", SLICED)
def test_ends_of_slices_change_no_bit(monkeypatch, name):
    model, X, y = SLICED[name]
    model = clone(model).set_params(random_state=3)
    expected = fitted_bits(model, X, y)
    budgets = []

    def shrink(self, seconds):
        budgets.append(self.n_tiles)
        self.n_tiles = 1

    start = slices.Budget.__init__
    monkeypatch.setattr(slices.Budget, "adapt", shrink)
    monkeypatch.setattr(slices.Budget, "__init__", lambda self, work: (start(self, work), shrink(self, 0))[0])
    assert fitted_bits(model, X, y) == expected
    assert len(budgets) > 5 and set(budgets[2:]) == {1}  # alone and with helpers, each has a budget


@pytest.mark.parametrize("capacity", [1, 2])
def test_size_of_curve_buffers_changes_no_bit(monkeypatch, capacity):
    expected = fitted_bits(SMALL, *small_problem())
    monkeypatch.setattr(first_order, "CURVE_CAPACITY", capacity)
    assert fitted_bits(SMALL, *small_problem()) == expected


# --- BLAS threads ---------------------------------------------------------------------------------------------------


class Watch:
    """A scorer that looks at the number of BLAS threads before and after it predicts."""

    def __init__(self, action=None):
        self.seen, self.action = [], action

    def __call__(self, estimator, X, y):
        self.seen.append(blas_threads_now())
        score = np.mean(estimator.predict(X) == y)
        self.seen.append(blas_threads_now())
        if self.action:
            self.action()
        return score


def watched_model(watch, **params):
    params = {"hidden_layer_sizes": 4, "max_iter": 3, "random_state": 0, **params}
    return MLPClassifier(early_stopping=True, scoring=watch, **params)


@pytest.fixture
def two_threads():
    """A limit that somebody else has set."""
    with threadpool_limits(2, user_api="blas"):
        if blas_threads_now() != {2}:
            pytest.skip("the BLAS libraries here cannot be told how many threads to take")
        yield


@pytest.mark.parametrize("n_jobs", [None, 1, 2, -1])
@pytest.mark.parametrize("context", [None, 2])
def test_limit_inside_a_fit(two_threads, n_jobs, context):
    """BLAS has one thread whatever ``n_jobs`` and joblib's context say: its threads change bits."""
    watch = Watch()
    with joblib.parallel_config(n_jobs=context):
        model = watched_model(watch, n_jobs=n_jobs).fit(*small_problem())
    assert watch.seen == [{1}] * 6
    assert blas_threads_now() == {2}
    model.predict(small_problem()[0])
    assert blas_threads_now() == {2}


def test_limit_is_restored_after_failures(two_threads):
    X, y = small_problem()

    def fail():
        raise RuntimeError("the scorer fails")

    for error, model, targets in (
        (RuntimeError, watched_model(Watch(fail)), y),
        (ValueError, MLPClassifier(4), y[:-1]),
        (ValueError, MLPClassifier(4, alpha=-1.0), y),
        (ValueError, MLPRegressor(4, solver="sgd", learning_rate_init=1e9, max_iter=9), 1e9 * X[:, 0]),
    ):
        with pytest.raises(error):
            model.fit(X, targets)
        assert blas_threads_now() == {2}
    watch = Watch()
    watched_model(watch, n_jobs=2).fit(X, y)
    assert watch.seen == [{1}] * 6
    assert blas_threads_now() == {2}  # no fit is counted as running


def test_limit_is_restored_after_ctrl_c(two_threads):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        watched_model(Watch(interrupt)).fit(*small_problem())
    assert blas_threads_now() == {2}


@pytest.mark.parametrize("first", [1, 2])
def test_concurrent_fits_do_not_undo_each_others_limit(two_threads, first):
    """One fit starts and ends while another one, which asked for ``first`` threads, runs."""
    inside, go_on = threading.Event(), threading.Event()

    def wait():
        inside.set()
        assert go_on.wait(60)

    outer = Watch(wait)
    model = watched_model(outer, n_jobs=first, hidden_layer_sizes=6)
    thread = threading.Thread(target=model.fit, args=small_problem())
    thread.start()
    assert inside.wait(60)
    assert blas_threads_now() == {1}
    inner = Watch()
    watched_model(inner, n_jobs=2).fit(*small_problem())
    assert inner.seen == [{1}] * 6
    assert blas_threads_now() != {2}  # and goes on, so that nothing is restored yet
    go_on.set()
    thread.join(60)
    assert outer.seen == [{1}] * 6
    assert blas_threads_now() == {2}


def test_many_concurrent_fits_leave_the_limit_as_it_was(two_threads):
    watches = [Watch() for _ in range(8)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda watch: watched_model(watch, n_jobs=1).fit(*small_problem()), watches))
    assert all(seen == {1} for watch in watches for seen in watch.seen)
    assert blas_threads_now() == {2}


def test_limit_reaches_blas_that_scipy_loads_late(tmp_path):
    """A process that has not touched SciPy's BLAS before its first fit."""
    code = """
    import numpy as np
    from skregopt import MLPClassifier
    from threadpoolctl import threadpool_info
    def score(estimator, X, y):
        result["threads"] = [l["num_threads"] for l in threadpool_info() if l["user_api"] == "blas"]
        return 0.0
    warnings.simplefilter("ignore")
    X = np.random.RandomState(0).normal(size=(30, 3))
    MLPClassifier(2, early_stopping=True, validation_fraction=0.5, scoring=score, max_iter=1).fit(X, X[:, 0] > 0)
    """
    threads = run(inspect.cleandoc(code), env={"OPENBLAS_NUM_THREADS": "2", "NUMBA_DISABLE_JIT": "1"})["threads"]
    assert set(threads) == {1} and threads


@pytest.mark.nojit
def test_number_of_threads_that_n_jobs_asks_for():
    assert effective_n_threads(None) == 1
    assert effective_n_threads(1) == 1
    assert effective_n_threads(7) == 7
    assert effective_n_threads(-1) == N_CPUS
    assert effective_n_threads(-2) == max(1, N_CPUS - 1)
    assert effective_n_threads(-1000) == 1
    with joblib.parallel_config(n_jobs=4):
        assert effective_n_threads(None) == 1


@pytest.mark.parametrize("backend", ["threading", "loky", "multiprocessing"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
def test_minus_one_in_a_joblib_worker_is_one(backend):
    asked = (-1, -1, None, 3)
    got = joblib.Parallel(n_jobs=2, backend=backend)(joblib.delayed(effective_n_threads)(n) for n in asked)
    assert got == [1, 1, 1, 3]


# --- global generators ----------------------------------------------------------------------------------------------


def numpy_state():
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    return (kind, keys.tobytes(), *rest)


@numba.njit
def seed_of_numba(seed):
    np.random.seed(seed)  # noqa: NPY002


@numba.njit
def number_of_numba():
    return np.random.random()  # noqa: NPY002


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_global_generators_are_neither_read_nor_written(solver):
    X, y = small_problem()
    dropout = 0.0 if solver == "lbfgs" else 0.3
    model = MLPClassifier(5, solver=solver, dropout=dropout, early_stopping=True, max_iter=4, random_state=0)
    seed_of_numba(1)
    expected_number = number_of_numba()
    results = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002
        seed_of_numba(seed)
        before = numpy_state()
        results.append(fitted_bits(model, X, y))
        assert numpy_state() == before
        assert seed != 1 or number_of_numba() == expected_number
    assert results[0] == results[1]


def test_no_random_state_takes_one_seed_from_numpy():
    """One number, whatever the size of the network; and that number decides everything."""
    X, y = small_problem()
    results, states = [], []
    for width in (3, 3, 40):
        np.random.seed(5)  # noqa: NPY002
        results.append(fitted_bits(clone(SMALL).set_params(hidden_layer_sizes=width, random_state=None), X, y))
        states.append(numpy_state())
    assert results[0] == results[1] != results[2]
    assert len(set(states)) == 1
    fitted_bits(clone(SMALL).set_params(random_state=None), X, y)
    assert numpy_state() != states[0]
    np.random.seed(5)  # noqa: NPY002
    np.random.randint(np.iinfo(np.int32).max)  # noqa: NPY002
    assert numpy_state() == states[0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
def test_fork_from_inside_a_fit(two_threads):
    """A scorer that forks: the child fits on its own, and neither waits for the parent's limit nor breaks it."""
    results = []

    def fork():
        context = multiprocessing.get_context("fork")
        with context.Pool(1) as pool:
            results.append(pool.apply_async(fitted_bits, (SMALL, *small_problem())).get(timeout=120))

    expected = fitted_bits(SMALL, *small_problem())
    watched_model(Watch(fork), max_iter=1).fit(*small_problem())
    assert results == [expected]
    assert blas_threads_now() == {2}
