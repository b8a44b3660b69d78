"""Searches on every joblib backend: the same scores to the last bit; workers that die, Ctrl-C."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_validate,
    learning_curve,
    validation_curve,
)
from support.pairwise import exhaustive

import skregopt
from skregopt import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

GRID = {"alpha": [1e-4, 1e-2, 1.0], "activation": ["tanh", "relu"]}
SEARCHES = {
    "GridSearchCV": (GridSearchCV, {}),
    "RandomizedSearchCV": (RandomizedSearchCV, {"n_iter": 4, "random_state": 0}),
    "HalvingGridSearchCV": (HalvingGridSearchCV, {"random_state": 0, "resource": "max_iter", "max_resources": 9}),
    "HalvingRandomSearchCV": (
        HalvingRandomSearchCV,
        {"random_state": 0, "resource": "max_iter", "max_resources": 9, "n_candidates": 5, "min_resources": 3},
    ),
}


def search(name, **options):
    """Run a search; returns its results, and what it refitted, bit for bit."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(90, 5))
    y = (X[:, 0] + 0.5 * rng.normal(size=90) > 0).astype(int)
    model = MLPClassifier((6,), solver="minibatch", batch_size=15, dropout=0.2, max_iter=5, random_state=0)
    kind, own = SEARCHES[name]
    # a loss, which feels every bit of every weight, where an accuracy forgives much
    own = own | {"cv": 3, "return_train_score": True, "scoring": "neg_log_loss"}
    found = kind(model, GRID, **own, **options).fit(X, y)
    scores = {key: value.tobytes() for key, value in found.cv_results_.items() if "_score" in key and "time" not in key}
    return scores, found.best_params_, [coef.tobytes() for coef in found.best_estimator_.coefs_]


@pytest.fixture(scope="module")
def one_process():
    """Return what each search finds without any backend."""
    return {name: search(name) for name in SEARCHES}


BACKENDS = ("threading", "loky", "multiprocessing")


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        pytest.param(name, backend, marks=() if name == "GridSearchCV" else pytest.mark.exhaustive)
        for name in SEARCHES
        for backend in BACKENDS
    ],
)
def test_the_same_bits_on_backends_of_joblib(name, backend, one_process):
    with joblib.parallel_config(backend=backend):
        assert search(name, n_jobs=2) == one_process[name]


def validations(n_jobs=None):
    """Return what scikit-learn's other loops over fits find, bit for bit."""
    rng = np.random.RandomState(1)
    X = rng.normal(size=(90, 5))
    y = (X[:, 0] + 0.5 * rng.normal(size=90) > 0).astype(int)
    model = MLPClassifier((6,), solver="minibatch", batch_size=15, max_iter=5, random_state=0)
    options = {"scoring": "neg_log_loss", "cv": 3, "n_jobs": n_jobs}
    validated = cross_validate(model, X, y, **options)["test_score"]
    learned = learning_curve(model, X, y, train_sizes=[0.5, 1.0], **options)
    along = validation_curve(model, X, y, param_name="alpha", param_range=GRID["alpha"], **options)
    tuned = TunedThresholdClassifierCV(model, cv=3, n_jobs=n_jobs).fit(X, y)
    found = validated, *learned, *along, np.array([tuned.best_threshold_, tuned.best_score_])
    return [values.tobytes() for values in found]


@pytest.mark.parametrize("backend", ["threading", *exhaustive("loky", "multiprocessing")])
def test_validation_on_backends_of_joblib(backend):
    with joblib.parallel_config(backend=backend):
        assert validations(n_jobs=2) == validations()


@pytest.fixture(scope="module")
def dask_client():
    """Start a cluster of two processes."""
    distributed = pytest.importorskip("distributed", reason="needs the extra dask")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "memory_limit": 0}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client


@pytest.mark.cluster
@pytest.mark.parametrize("name", SEARCHES)
def test_the_same_bits_with_dask(name, dask_client, one_process):
    with joblib.parallel_config(backend="dask"):
        assert search(name, n_jobs=-1) == one_process[name]


@pytest.mark.cluster
def test_validation_with_dask(dask_client):
    expected = validations()
    with joblib.parallel_config(backend="dask"):
        assert validations(n_jobs=-1) == expected


@pytest.mark.cluster
@pytest.mark.filterwarnings("ignore")  # DaskStorage is experimental
def test_hyperband_of_optuna_on_dask_workers(dask_client):
    """As in the user guide: each worker takes trials from one study, and prunes those that learn too slowly."""
    optuna = pytest.importorskip("optuna", reason="needs the extra optuna")
    storage = pytest.importorskip("optuna_integration", reason="needs optuna-integration").DaskStorage()
    rng = np.random.RandomState(0)
    X = rng.normal(size=(200, 5))
    y = (X[:, 0] > 0).astype(int)

    def objective(trial):
        rate = trial.suggest_float("learning_rate_init", 1e-7, 1e-1, log=True)
        model = MLPClassifier((4,), learning_rate_init=rate, random_state=0)
        for epoch in range(9):
            model.partial_fit(X, y, classes=[0, 1])
            trial.report(model.loss_, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return model.loss_

    # no seed: each worker would draw the same; the name decides which trials may be pruned when
    pruner = optuna.pruners.HyperbandPruner(max_resource=9)
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(), pruner=pruner, study_name="s")
    shares = [dask_client.submit(study.optimize, objective, n_trials=12, pure=False) for _ in range(2)]
    dask_client.gather(shares)
    assert len({trial.params["learning_rate_init"] for trial in study.trials}) == 24
    assert {trial.state.name for trial in study.trials} == {"COMPLETE", "PRUNED"}
    best = MLPClassifier((4,), **study.best_params, random_state=0)
    for _ in range(9):
        best.partial_fit(X, y, classes=[0, 1])
    assert best.loss_ == study.best_value


@pytest.fixture(scope="module")
def ray_backend():
    """Start ray on this machine, and register its backend."""
    ray = pytest.importorskip("ray", reason="needs the extra ray")
    register = pytest.importorskip("ray.util.joblib", reason="needs the extra ray").register_ray
    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", configure_logging=False)
    register()
    yield "ray"
    ray.shutdown()


@pytest.mark.cluster
@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore")  # of ray
@pytest.mark.parametrize("name", SEARCHES)
def test_the_same_bits_with_ray(name, ray_backend, one_process):
    with joblib.parallel_config(backend=ray_backend):
        assert search(name, n_jobs=2) == one_process[name]


# --- faults: in a process of its own, whose session has to be empty afterwards  ---

HEAD = """
import os, signal, sys, threading, time, warnings
warnings.simplefilter("ignore")
import joblib, numpy as np
from sklearn.model_selection import GridSearchCV
from skregopt import MLPClassifier

rng = np.random.RandomState(0)
X = rng.normal(size=(200, 5))
y = (X[:, 0] > 0).astype(int)
fast = MLPClassifier((4,), max_iter=3, random_state=0).fit(X, y)

def say(*words):
    print(*words, flush=True)
"""

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")


def session_of(leader):
    """Return the processes of a session, zombies among them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:  # gone in the meantime
            continue
        if int(fields[3]) == leader:
            found.append(int(folder.name))
    return found


class Process:
    """A script in a session of its own; nothing of it outlives the ``with``, and it fails if anything would have."""

    def __init__(self, script):
        path = os.pathsep.join([str(Path(skregopt.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, "-c", HEAD + textwrap.dedent(script)],
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def line(self):
        """Return the next line that it prints."""
        return self._process.stdout.readline().strip()

    def signal(self, number):
        """Send a signal to all its processes, as a terminal does."""
        os.killpg(self._process.pid, number)

    def end(self):
        """Wait for its end; returns the exit status, what it printed, and its errors."""
        out, error = self._process.communicate(timeout=550)
        return self._process.returncode, out, error

    def __exit__(self, *exception):
        try:
            until = time.monotonic() + 60  # on a machine that is busy
            while (left := session_of(self._process.pid)) and time.monotonic() < until:
                time.sleep(0.1)
            assert exception[0] or not left, f"processes that outlive the search: {left}"
        finally:
            if session_of(self._process.pid):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()


@needs_proc
@pytest.mark.exhaustive
def test_a_loky_worker_that_dies():
    with Process(
        """
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        class Dying(MLPClassifier):
            def fit(self, X, y):
                if self.alpha == 13.0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return super().fit(X, y)

        grid = {"alpha": [1e-3, 1e-2, 13.0, 1e-1]}
        try:
            GridSearchCV(Dying((4,), max_iter=3), grid, cv=2, n_jobs=2).fit(X, y)
        except TerminatedWorkerError as error:
            say("error", "SIGKILL" in str(error))
        found = GridSearchCV(Dying((4,), max_iter=3, random_state=0), {"alpha": [1e-3, 1e-2]}, cv=2, n_jobs=2).fit(X, y)
        say("afterwards", 0 <= found.best_score_ <= 1)
        """
    ) as process:
        status, out, error = process.end()
        assert status == 0, error
        assert out.split("\n")[:2] == ["error True", "afterwards True"]


@needs_proc
@pytest.mark.cluster
@pytest.mark.exhaustive
def test_a_dask_worker_that_is_killed():
    pytest.importorskip("distributed", reason="needs the extra dask")
    with Process(
        """
        from dask.distributed import Client, LocalCluster

        class Slow(MLPClassifier):
            def fit(self, X, y):
                time.sleep(0.4)
                return super().fit(X, y)

        if __name__ == "__main__":
            X, y = X[:120], y[:120]
            search = GridSearchCV(Slow((4,), max_iter=3, random_state=0), {"alpha": [1e-3, 1e-2, 1e-1, 1.0]}, cv=3)
            options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "memory_limit": 0}
            with LocalCluster(**options) as cluster, Client(cluster) as client:
                pids = list(client.run(os.getpid).values())
                client.run(__import__, "skregopt")
                running = threading.Event()

                def kill():
                    time.sleep(1)
                    say("running", running.is_set())
                    os.kill(pids[0], signal.SIGKILL)

                killer = threading.Thread(target=kill)
                # Each worker has the data: what the killed one alone had would be lost, and the search with it. joblib
                # gives arrays above 1 kB, rows of folds among them, to one worker; smaller ones go with each task.
                with joblib.parallel_config(backend="dask", scatter=[X, y]):
                    running.set()
                    killer.start()
                    search.set_params(n_jobs=-1).fit(X, y)
                    running.clear()
                killer.join()
                say("another worker", set(client.run(os.getpid).values()) != set(pids))
            scores = search.cv_results_["mean_test_score"].tolist()
            say("same", scores == search.set_params(n_jobs=None).fit(X, y).cv_results_["mean_test_score"].tolist())
        """
    ) as process:
        status, out, error = process.end()
        assert status == 0, error
        assert out.strip().split("\n") == ["running True", "another worker True", "same True"]


@needs_proc
@pytest.mark.parametrize("backend", ["threading", *exhaustive("loky", "multiprocessing")])
def test_ctrl_c_in_a_search(backend):
    with Process(
        f"""
        class Long(MLPClassifier):
            def fit(self, X, y):
                os.write(1, b"fitting\\n")
                return super().fit(X, y)

        model = Long((50,), max_iter=10**7, tol=0.0, n_iter_no_change=10**7)
        try:
            with joblib.parallel_config(backend={backend!r}):
                GridSearchCV(model, {{"alpha": [1e-4, 1e-3, 1e-2, 1e-1, 1.0]}}, cv=5, n_jobs=2).fit(X, y)
        except KeyboardInterrupt:
            say("interrupted")
        """
    ) as process:
        assert process.line() == "fitting"
        time.sleep(0.5)
        process.signal(signal.SIGINT)
        began = time.monotonic()
        status, out, error = process.end()
        assert "interrupted" in out and status == 0, (status, out, error)
        assert time.monotonic() - began < 20
