"""Threads inside one fit: strips of rows, gradients and updates shared by a team change no bit of anything."""

import ctypes
import itertools
import threading
from contextlib import nullcontext

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from support.interrupts import Interrupt
from support.pairwise import exhaustive
from support.processes import run
from support.states import bits

from skregopt import MLPClassifier, MLPRegressor
from skregopt._engine.records import LAYER
from skregopt._kernels.compiler import DISABLED
from skregopt._training import slices
from skregopt.activations import Trainable
from skregopt.embeddings import Embedding, EmbeddingVector, Periodic, PiecewiseLinear
from skregopt.optimizers import Muon

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.skipif(DISABLED, reason="threads share compiled code only"),
]


@pytest.fixture
def always_with_helpers(monkeypatch):
    """Have helpers take part in every slice, if there is something to share; returns what is shared in all fits."""
    found = []
    prepare_sharing = slices._prepare_sharing

    def recorded(job, n_threads):
        can_share = prepare_sharing(job, n_threads)
        found.append(job.array[0].sharing if can_share else None)
        return can_share

    monkeypatch.setattr(slices, "_prepare_sharing", recorded)
    monkeypatch.setattr(slices, "SMALL_BATCH", 1)
    monkeypatch.setattr(slices.Slices, "_choice", lambda fit: (fit._can_share, False))
    return found


def digits():
    X, y = load_digits(return_X_y=True)
    return X[:700] / 16, y[:700]


def sines_embed(x, parameters, constants, outputs, saved, hyper):
    for j in range(parameters.size):
        for i in range(x.size):
            outputs[j * x.size + i] = np.sin(parameters[j] * x[i])
            if saved.size > 0:
                saved[j * x.size + i] = x[i] * np.cos(parameters[j] * x[i])


def sines_differentiate(x, parameters, constants, saved, deltas, gradient, hyper):
    for j in range(parameters.size):
        total = gradient[j]
        for i in range(x.size):
            total += deltas[j * x.size + i] * saved[j * x.size + i]
        gradient[j] = total


class Sines(Embedding):
    """Sines of trained rates; what the gradient needs is saved, block by block."""

    _parameter_constraints = {}
    vectors = (EmbeddingVector("embedding_rates_", True),)
    n_outputs = n_saved = 2
    embed, differentiate = staticmethod(sines_embed), staticmethod(sines_differentiate)

    def start(self, rng, values, weights):
        return {"embedding_rates_": rng.normal(size=self.n_outputs)}


NETWORKS = {
    "adam": {},
    "deep": {"hidden_layer_sizes": (70, 50, 30), "batch_size": 128},
    "one long batch": {"batch_size": 400},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "dropout": {"dropout": 0.3, "input_dropout": 0.1},
    "l1": {"penalty": "l1", "alpha": 1e-3},
    "group_l1": {"penalty": "group_l1", "alpha": 1e-3},
    "elasticnet, nesterov": {"penalty": "elasticnet", "solver": "minibatch"},
    "max_norm and ema": {"max_norm": 1.0, "ema_decay": 0.9},
    "weight_decay": {"solver": "adamw", "weight_decay": 0.1},
    "scheduled decay": {"solver": "adamw", "weight_decay": 0.1, "weight_decay_schedule": "coslog"},
    "scheduled dropout": {"dropout": 0.4, "input_dropout": 0.2, "dropout_schedule": "flat_cosine"},
    "scheduled dropout, tiles": {"dropout": 0.4, "dropout_schedule": "coslog", "solver": "gd", "batch_size": "auto"},
    "clip_norm": {"clip_norm": 0.5},
    "factors": {"learning_rate_factors": {"coefs": 0.5, "norm": 0.1, "intercepts": 0}, "layer_norm": True},
    "ntp": {"parametrization": "ntp", "penalty": "l1", "alpha": 1e-3},
    "tiles": {"solver": "gd", "batch_size": "auto", "max_iter": 12},
    "batch_norm": {"batch_norm": True},
    "rmsprop": {"solver": "rmsprop"},
    # more than a tile: gradients are shared, also where BLAS sums strips of rows in another order, so that rows are not
    "muon": {"solver": Muon(), "hidden_layer_sizes": (40, 30), "batch_size": 600},
    "early stopping": {"early_stopping": True},
    "accuracy": {"early_stopping": True, "scoring": "accuracy"},
    "smooth": {"activation": ["gelu", "tanh"], "hidden_layer_sizes": (40, 30)},
    "one row": {"solver": "sgd", "batch_size": "auto", "max_iter": 2},
    "lbfgs": {"solver": "lbfgs", "batch_size": "auto"},
    "periodic": {"feature_embedding": "periodic", "input_dropout": 0.2},
    "piecewise_linear": {"feature_embedding": PiecewiseLinear(columns=range(20, 44)), "penalty": "group_l1"},
    "embedding, tiles": {"feature_embedding": Periodic(3, columns=[20, 28, 36]), "solver": "gd", "batch_size": "auto"},
    "embedding that saves": {"feature_embedding": Sines(), "batch_size": 300},
    "trainable": {"activation": Trainable("mish"), "hidden_layer_sizes": (40, 30), "layer_norm": True},
    "trainable, clip_norm": {
        "activation": [Trainable("relu"), "gelu"],
        "hidden_layer_sizes": (40, 30),
        "clip_norm": 0.5,
        "learning_rate_factors": {"activation": 0.1},
    },
    "embedding, lbfgs": {
        "feature_embedding": PiecewiseLinear(4, 2),
        "activation": Trainable("silu"),
        "solver": "lbfgs",
        "batch_size": "auto",
    },
    "wide": {"hidden_layer_sizes": (3000,), "max_iter": 2},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_teams_change_no_bit(name, dtype, always_with_helpers):
    parameters = {"hidden_layer_sizes": (60,), "batch_size": 128, "max_iter": 4, "random_state": 3} | NETWORKS[name]
    X, y = digits()
    network = MLPClassifier(dtype=dtype, **parameters)
    alone = bits(network.fit(X, y), X)
    assert not always_with_helpers
    for n_jobs in (2, 3, 5):
        assert bits(clone(network).set_params(n_jobs=n_jobs).fit(X, y), X) == alone
        assert always_with_helpers[-1] is not None


@pytest.mark.parametrize("n_jobs", [2, 4])
def test_teams_change_no_bit_of_sparse_data(n_jobs, always_with_helpers):
    X, y = digits()
    network = MLPRegressor((50,), batch_size=128, max_iter=4, random_state=0)
    alone = bits(clone(network).fit(sp.csr_matrix(X), y), X)
    assert bits(clone(network).set_params(n_jobs=n_jobs).fit(sp.csr_matrix(X), y), X) == alone
    assert always_with_helpers[-1] is not None


def test_what_is_shared(always_with_helpers, monkeypatch):
    """The tests above are worth nothing where a team has nothing to do."""
    monkeypatch.setattr(slices, "_strips_agree", lambda network, n_rows, strip: True)  # whatever BLAS this is
    X, y = digits()
    shared = {}
    for name in ("adam", "tiles", "batch_norm", "muon", "lbfgs"):
        MLPClassifier(**({"batch_size": 128, "max_iter": 1, "n_jobs": 2} | NETWORKS[name])).fit(X, y)
        kinds = ("shares_rows", "shares_gradients", "shares_pieces")
        shared[name] = {kind.removeprefix("shares_") for kind in kinds if always_with_helpers[-1][kind]}
    assert shared["adam"] == {"rows", "pieces"}
    assert shared["tiles"] == {"rows", "gradients", "pieces"}
    assert shared["batch_norm"] == {"pieces"}
    assert shared["muon"] == {"rows", "gradients"}
    assert shared["lbfgs"] == {"rows", "gradients"}


def test_strips_that_would_change_bits_are_not_used(always_with_helpers, monkeypatch):
    monkeypatch.setattr(slices, "_strips_agree", lambda network, n_rows, strip: strip == 192)
    X, y = digits()
    MLPClassifier((60,), batch_size=300, max_iter=1, n_jobs=6).fit(X, y)
    assert always_with_helpers[-1].shares_rows and always_with_helpers[-1].n_strips == 2
    monkeypatch.setattr(slices, "_strips_agree", lambda network, n_rows, strip: False)
    MLPClassifier((60,), batch_size=300, max_iter=1, n_jobs=6).fit(X, y)
    assert not always_with_helpers[-1].shares_rows


@pytest.mark.parametrize("activation", ["silu", "relu"])
def test_trained_scales_decide_nothing_about_strips(activation, always_with_helpers, monkeypatch):
    """What is compared are products; activations that kept nothing for their gradients would make a difference."""
    network = {"hidden_layer_sizes": (40, 30), "batch_size": 128, "max_iter": 1, "n_jobs": 2}
    agreements = []
    for rule in (activation, Trainable(activation)):
        monkeypatch.setattr(slices, "_agreements", {})
        MLPClassifier(activation=rule, **network).fit(*digits())
        agreements.append(slices._agreements)
    assert agreements[0] and agreements[0] == agreements[1]


def test_disagreement_is_noticed(monkeypatch):
    """Of a pass that sums in another order, and only of that."""
    found = {}
    pass_rows = slices.pass_rows

    def slightly_wrong(theta, jobs, first, n_rows):
        pass_rows(theta, jobs, first, n_rows)
        if n_rows == 64 and first == 64:
            layers = np.ctypeslib.as_array((ctypes.c_char * LAYER.itemsize).from_address(int(jobs[0].network.layers)))
            where = int(layers.view(LAYER)[0].activations)
            activations = np.ctypeslib.as_array((ctypes.c_double * 2000).from_address(where))
            activations[1700] = np.nextafter(activations[1700], np.inf)

    network = MLPClassifier((20,), batch_size=128, max_iter=1, n_jobs=2)
    monkeypatch.setattr(slices, "SMALL_BATCH", 1)
    monkeypatch.setattr(slices, "_agreements", found)
    network.fit(*digits())
    assert list(found.values()) == [True]
    monkeypatch.setattr(slices, "pass_rows", slightly_wrong)
    found.clear()
    network.fit(*digits())
    assert list(found.values()) == [False]


def test_the_faster_way_goes_on(monkeypatch):
    """Slices with helpers and without are timed; what is slower is tried again in short slices only."""
    chosen = []
    choice = slices.Slices._choice

    def recorded(fit):
        fit._speeds = {with_helpers: 1.0 + (with_helpers != helpers_are_slow) for with_helpers in fit._speeds}
        chosen.append(choice(fit))
        return chosen[-1]

    monkeypatch.setattr(slices, "SMALL_BATCH", 1)
    monkeypatch.setattr(slices, "SLICE_SECONDS", 1e-4)
    monkeypatch.setattr(slices.Slices, "_choice", recorded)
    for helpers_are_slow in (False, True):
        chosen.clear()
        MLPClassifier((30,), batch_size=64, max_iter=30, n_jobs=2, tol=0, n_iter_no_change=50).fit(*digits())
        assert len(chosen) > 10
        assert chosen[:2] == [(True, False), (False, False)]
        trials = [with_helpers for with_helpers, is_trial in chosen[2:] if is_trial]
        others = [with_helpers for with_helpers, is_trial in chosen[2:] if not is_trial]
        assert set(trials) == {helpers_are_slow} and set(others) == {not helpers_are_slow}
        assert len(trials) <= len(chosen) / slices.SLICES_BETWEEN_TRIALS


def test_the_other_way_is_tried_at_once_when_one_becomes_much_slower(monkeypatch):
    clock = itertools.count()  # a slice lasts one second
    monkeypatch.setattr(slices.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(slices.Slices, "_helping", lambda fit: nullcontext())
    fit = slices.Slices.__new__(slices.Slices)
    fit._can_share, fit._speeds, fit._n_slices = True, {}, 0
    fit._budgets = {False: slices.Budget(1), True: slices.Budget(1)}
    choice, chosen, speeds = fit._choice, [], {False: 60, True: 150}  # alone, it was disturbed

    def recorded():
        chosen.append(choice())
        return chosen[-1]

    fit._choice = recorded

    def compute(n_tiles):
        return speeds[chosen[-1][0]]

    for n_slices, later in ((5, {False: 100, True: 80}), (3, {})):
        for _ in range(n_slices):
            fit.run(compute)
        speeds.update(later)
    team, alone, trial = (True, False), (False, False), (False, True)
    assert chosen == [team, alone, team, team, team, team, trial, alone]


def test_no_threads_are_left(always_with_helpers):
    X, y = digits()
    before = threading.active_count()
    MLPClassifier((60,), batch_size=128, max_iter=3, n_jobs=4).fit(X, y)
    with pytest.raises(ValueError, match="non-finite"):
        MLPRegressor((60,), batch_size=128, max_iter=9, n_jobs=4, solver="minibatch", learning_rate_init=1e9).fit(X, y)
    assert threading.active_count() == before


def test_one_thread_while_other_fits_run(monkeypatch):
    """A number of threads is obeyed unless another fit runs in the process."""
    seen = {}
    choice = slices.Slices._choice

    def recorded(fit):
        chosen = choice(fit)
        seen.setdefault(slices.fits_at_once(), set()).add(chosen[0])
        return chosen

    monkeypatch.setattr(slices, "SMALL_BATCH", 1)
    monkeypatch.setattr(slices.Slices, "_choice", recorded)
    X, y = digits()
    network = MLPClassifier((60,), batch_size=128, max_iter=300, n_jobs=2, tol=0, n_iter_no_change=500, random_state=0)
    alone = bits(clone(network).fit(X, y), X)
    assert set(seen) == {1} and True in seen[1]
    results = []
    threads = [threading.Thread(target=lambda: results.append(bits(clone(network).fit(X, y), X))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [alone] * 3
    assert max(seen) > 1
    assert all(chosen == {False} for n_fits, chosen in seen.items() if n_fits > 1)
    assert slices.fits_at_once() == 0


def search_bits(backend, X, y):
    """A search whose fits ask for two threads; in joblib workers, of this process or of others."""
    network = MLPClassifier((60,), batch_size=128, max_iter=3, random_state=0, n_jobs=2)
    search = GridSearchCV(network, {"alpha": [0.0, 1e-3]}, cv=2, n_jobs=2)
    with joblib.parallel_config(backend=backend):
        search.fit(X, y)
    return search.cv_results_["mean_test_score"].tolist(), bits(search.best_estimator_, X)


@pytest.mark.parametrize(
    ("outer", "inner"),
    [("threading", "threading"), ("loky", "threading"), pytest.param("loky", "loky", marks=pytest.mark.exhaustive)],
)
def test_nested_parallelism_changes_no_bit(outer, inner):
    X, y = digits()
    network = MLPClassifier((60,), batch_size=128, max_iter=3, random_state=0)
    alone = GridSearchCV(network, {"alpha": [0.0, 1e-3]}, cv=2).fit(X, y)
    expected = alone.cv_results_["mean_test_score"].tolist(), bits(alone.best_estimator_, X)
    found = joblib.Parallel(n_jobs=2, backend=outer)(joblib.delayed(search_bits)(inner, X, y) for _ in range(2))
    assert found == [expected] * 2


def test_ctrl_c_ends_a_team(always_with_helpers):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(20000, 200)), rng.normal(size=20000)
    network = MLPRegressor((300, 300), batch_size=256, max_iter=10000, tol=0, n_iter_no_change=np.inf, n_jobs=2)
    clone(network).set_params(max_iter=1).fit(X[:500], y[:500])  # compiles
    before = threading.active_count()
    interrupt = Interrupt(after=0.7)
    with pytest.warns(UserWarning, match="interrupted"):
        network.fit(X, y)
    assert interrupt.seconds() < 2.0  # of two threads
    assert threading.active_count() <= before


@pytest.mark.parametrize("layer", ["omp", *exhaustive("workqueue", "tbb")])
def test_threading_layers_of_numba(layer):
    """Code of a user's own on numba's threads, before, beside and in a fork of fits with threads."""
    found = run(
        """
        import multiprocessing, threading
        import numba, numpy as np
        from skregopt import MLPClassifier
        warnings.simplefilter("ignore")

        @numba.njit(parallel=True)
        def total(x):
            s = 0.0
            for i in numba.prange(x.size):
                s += x[i]
            return s

        rng = np.random.RandomState(0)
        X, y = rng.normal(size=(600, 50)), rng.randint(0, 3, 600)
        network = MLPClassifier((60,), batch_size=128, max_iter=20, random_state=0, tol=0, n_iter_no_change=50)

        def fitted(n_jobs=2):
            return bits(*network.set_params(n_jobs=n_jobs).fit(X, y).coefs_)

        try:
            total(X.ravel())
            result["layer"] = numba.threading_layer()
        except ValueError as error:
            result["layer"] = None
        else:
            alone, found = fitted(None), []
            thread = threading.Thread(target=lambda: [found.append(fitted()) for _ in range(5)])
            thread.start()
            while thread.is_alive():
                total(X.ravel())
            result["same"] = set(found) == {alone} and len(found) == 5
            for method in sorted({"fork", "forkserver"} & set(multiprocessing.get_all_start_methods())):
                with multiprocessing.get_context(method).Pool(1) as pool:
                    # other processes of these kinds do not know the functions of this one
                    arguments = (fitted,) if method == "fork" else (abs, (-1,))
                    result["same"] &= pool.apply_async(*arguments).get(timeout=120) in (alone, 1)
        """,
        env={"NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": "2"},
    )
    if found["layer"] is None:
        pytest.skip(f"numba has no {layer} here")
    assert found["layer"] == layer and found["same"]
