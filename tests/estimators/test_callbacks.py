"""scikit-learn's callbacks: tasks of a fit, monitoring, interruption, and nothing paid without them."""

import importlib.util
import pickle
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skregopt._training.first_order
from skregopt import MLPClassifier, MLPRegressor
from skregopt._estimators import callbacks
from skregopt._estimators.read import FitData
from skregopt.model_selection import MLPClassifierCV

sklearn_callback = pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn >= 1.9")

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

X, y = make_classification(80, 6, random_state=0)
weights = np.linspace(0.5, 2, 80)
SMALL = {"hidden_layer_sizes": 5, "max_iter": 6, "tol": 0, "n_iter_no_change": 100, "random_state": 0}


class Recorder:
    """Writes down what it is told; asks to stop when ``stop(context, fitted_estimator)`` is true."""

    def __init__(self, stop=None):
        self.stop = stop
        self.events, self.fitted, self.given = [], [], []

    def setup(self, estimator, context):
        self.events.append(("setup", context.task_name))

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.events.append(("begin", context.task_name, context.task_id))
        self.given.append((X, y, metadata))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.events.append(("end", context.task_name, context.task_id))
        if context.task_name == "epoch":
            self.fitted.append(fitted_estimator)
            return self.stop is not None and self.stop(context, fitted_estimator)

    def teardown(self, estimator, context):
        self.events.append(("teardown", context.task_name))


class Everywhere(Recorder):
    """The same, for all estimators below the one that it is set on."""

    max_propagation_depth = None

    def on_fit_task_begin(self, estimator, context):
        self.events.append((context.estimator_name, context.task_name))


class StopAfter(Recorder):
    """Stops fits after some epochs; can be sent to other processes."""

    def __init__(self, n_epochs):
        super().__init__()
        self.n_epochs = n_epochs

    def on_fit_task_end(self, estimator, context):
        return context.task_name == "epoch" and context.task_id == self.n_epochs - 1


def tasks(n_epochs, name="fit"):
    epochs = [(kind, "epoch", i) for i in range(n_epochs) for kind in ("begin", "end")]
    return [("setup", name), ("begin", name, 0), *epochs, ("end", name, 0), ("teardown", name)]


def weights_of(model):
    return np.concatenate([array.ravel() for array in (*model.coefs_, *model.intercepts_)])


VARIANTS = {
    "adam": {},
    "lbfgs": {"solver": "lbfgs"},
    "sgd": {"solver": "sgd"},
    "early_stopping": {"early_stopping": True},
    "scorer": {"early_stopping": True, "scoring": "accuracy"},
    "batch_norm": {"batch_norm": True, "ema_decay": 0.5},
}


@pytest.fixture(params=VARIANTS)
def model(request):
    return MLPClassifier(**SMALL | VARIANTS[request.param])


# --- the tasks ------------------------------------------------------------------------------------------------------


def test_a_task_for_each_epoch(model):
    recorder = Recorder()
    model.set_callbacks(recorder).fit(X, y, sample_weight=weights)
    assert recorder.events == tasks(model.n_iter_)
    for given in recorder.given:
        assert given[0] is X and given[1] is y and given[2]["sample_weight"] is weights
    assert not {"_callback_fit_ctx", "_skl_callbacks_to_teardown"} & set(vars(model))


def test_epochs_that_the_time_allows(model):
    recorder = Recorder()
    model.set_params(max_time=1e-9).set_callbacks(recorder).fit(X, y)
    assert model.n_iter_ == 1 and recorder.events == tasks(1)


def test_partial_fit_is_a_task_of_one_epoch():
    recorder = Recorder()
    model = MLPClassifier(**SMALL).set_callbacks(recorder)
    model.partial_fit(X, y, classes=[0, 1]).partial_fit(X, y)
    assert recorder.events == 2 * tasks(1, "partial_fit")


def test_callbacks_change_no_bit(model):
    expected = clone(model).fit(X, y)
    model.set_callbacks(Recorder()).fit(X, y)
    np.testing.assert_array_equal(weights_of(model), weights_of(expected))
    for name in ("loss_curve_", "validation_scores_", "best_iter_", "n_iter_", "t_"):
        assert getattr(model, name) == getattr(expected, name)


def test_the_fitted_estimator_is_what_a_fit_stopped_there_would_be(model):
    recorder = Recorder()
    model.set_callbacks(recorder).fit(X, y)
    for epoch, fitted in enumerate(recorder.fitted, start=1):
        shorter = clone(model).set_callbacks().set_params(max_iter=epoch).fit(X, y)
        np.testing.assert_array_equal(weights_of(fitted), weights_of(shorter))
        np.testing.assert_array_equal(fitted.predict_proba(X), shorter.predict_proba(X))
        for name in ("loss_curve_", "validation_loss_curve_", "validation_scores_", "best_iter_", "n_iter_", "loss_"):
            assert getattr(fitted, name) == getattr(shorter, name)
        assert fitted.score(X, y) == shorter.score(X, y)


def test_a_refit_sees_nothing_of_the_fit_before():
    model = MLPClassifier(**SMALL, batch_norm=True).fit(X, y)
    recorder = Recorder()
    model.set_params(batch_norm=False, hidden_layer_sizes=(3, 4)).set_callbacks(recorder).fit(X, y)
    assert not hasattr(recorder.fitted[0], "batch_norm_scales_")
    assert recorder.fitted[0].predict(X).shape == (80,)


# --- interruption ---------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error")
def test_a_callback_stops_the_fit(model):
    recorder = Recorder(lambda context, fitted: context.task_id == 2)
    model.set_callbacks(recorder).fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 3 and recorder.events == tasks(3)
    np.testing.assert_array_equal(weights_of(model), weights_of(recorder.fitted[-1]))
    np.testing.assert_array_equal(model.predict_proba(X), recorder.fitted[-1].predict_proba(X))


def test_stopping_by_what_the_estimator_knows():
    recorder = Recorder(lambda context, fitted: fitted.loss_ < 0.65)
    model = MLPClassifier(**SMALL | {"max_iter": 500}).set_callbacks(recorder).fit(X, y)
    assert model.loss_curve_[-1] < 0.65 <= min(model.loss_curve_[:-1]) and model.n_iter_ < 500


def test_verbose_says_who_stopped(capsys):
    MLPClassifier(**SMALL, verbose=True).set_callbacks(StopAfter(2)).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "A callback asked to stop. Stopping. The weights of epoch 2, the last, are kept."
    assert [line.split(",")[0] for line in lines[-3:-1]] == ["Iteration 1", "Iteration 2"]


@pytest.mark.parametrize("hook", ["setup", "on_fit_task_begin", "on_fit_task_end", "teardown"])
def test_a_callback_that_fails_leaves_the_estimator_as_it_was(hook):
    model = MLPClassifier(**SMALL).fit(X, y)
    before, attributes = weights_of(model), set(vars(model))
    recorder = Recorder()

    def fail(estimator, context):
        raise RuntimeError("no more")

    setattr(recorder, hook, fail)
    model.set_callbacks(recorder)
    with pytest.raises(RuntimeError, match="no more"):
        model.set_params(hidden_layer_sizes=3).fit(X, y)
    if hook != "teardown":  # which is called when all is done
        np.testing.assert_array_equal(weights_of(model), before)
    assert set(vars(model)) == attributes | {"_skl_callbacks"}
    if hook in ("on_fit_task_begin", "on_fit_task_end"):
        assert recorder.events[-1] == ("teardown", "fit")


def test_divergence_is_reported_as_without_callbacks():
    recorder = Recorder()
    model = MLPRegressor(4, solver="sgd", learning_rate_init=1e200, random_state=0).set_callbacks(recorder)
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        model.fit(X, y)
    assert recorder.fitted == [None] and recorder.events[-1] == ("teardown", "fit")


def test_interrupted_from_the_keyboard():
    recorder = Recorder()

    def interrupt(context, fitted):
        if context.task_id == 1:
            raise KeyboardInterrupt
        return False

    recorder.stop = interrupt
    model = MLPClassifier(**SMALL).set_callbacks(recorder)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(X, y)
    assert model.n_iter_ == 2 and recorder.events == tasks(2)


def test_an_epoch_that_was_begun_in_vain_ends_without_a_fitted_estimator(model):
    recorder = Recorder()

    def interrupt(estimator, context, *, X=None, y=None, metadata=None):
        recorder.events.append(("begin", context.task_name, context.task_id))
        if context.task_name == "epoch" and context.task_id == 2:
            raise KeyboardInterrupt

    recorder.on_fit_task_begin = interrupt
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.set_callbacks(recorder).fit(X, y)
    assert model.n_iter_ == 2 and recorder.events == tasks(3)
    assert recorder.fitted[2] is None and recorder.fitted[1] is not None


def test_of_the_network_of_a_cross_validated_estimator():
    """Two alphas for all rows and in each of two folds."""
    recorder = Recorder()
    network = MLPClassifier(**SMALL | {"penalty": "l1", "max_iter": 4}).set_callbacks(recorder)
    cv = MLPClassifierCV(network, alphas=[0.001, 0.01], cv=2, max_iter=2).fit(X, y)
    assert recorder.events.count(("begin", "fit", 0)) == 6
    assert not hasattr(cv, "set_callbacks")


# --- scikit-learn's callbacks, in its meta-estimators ---------------------------------------------------------------


def test_scoring_monitor(model):
    monitor = sklearn_callback.ScoringMonitor(scoring="accuracy")
    recorder = Recorder()
    model.set_callbacks(monitor, recorder).fit(X, y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert [row["task_id"] for row in rows] == list(range(model.n_iter_))
    assert [row["accuracy"] for row in rows] == [accuracy_score(y, fitted.predict(X)) for fitted in recorder.fitted]


def test_through_pipeline_and_grid_search():
    everywhere = Everywhere()
    grid = {"mlpclassifier__alpha": [0.1, 1.0]}
    search = GridSearchCV(make_pipeline(StandardScaler(), MLPClassifier(**SMALL)), grid, cv=2)
    search.set_callbacks(everywhere).fit(X, y)
    n_fits = 5
    assert everywhere.events.count(("MLPClassifier", "epoch")) == 6 * n_fits
    assert [event for event in everywhere.events if event[0] in ("setup", "teardown")] == [
        ("setup", "fit"), ("teardown", "fit"),
    ]  # fmt: skip
    assert not hasattr(search.best_estimator_[-1], "_skl_callbacks")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_monitor_and_interruption_in_a_search(n_jobs):
    monitor = sklearn_callback.ScoringMonitor(scoring="accuracy")
    network = MLPClassifier(**SMALL).set_callbacks(monitor, StopAfter(4))
    search = GridSearchCV(network, {"alpha": [0.1, 1.0]}, cv=2, n_jobs=n_jobs).fit(X, y)
    assert search.best_estimator_.n_iter_ == 4
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == 4 * 5 and all(0 <= row["accuracy"] <= 1 for row in rows)


def test_progress_bar(capsys):
    pytest.importorskip("rich", reason="scikit-learn's ProgressBar needs rich")
    bar = sklearn_callback.ProgressBar(max_propagation_depth=None)
    make_pipeline(StandardScaler(), MLPClassifier(**SMALL)).set_callbacks(bar).fit(X, y)
    last = [line for line in capsys.readouterr().out.splitlines() if "MLPClassifier" in line][-1]
    assert "100%" in last


def test_pickling_and_cloning_keep_callbacks():
    model = MLPClassifier(**SMALL).set_callbacks(StopAfter(2))
    assert clone(model).fit(X, y).n_iter_ == pickle.loads(pickle.dumps(model)).fit(X, y).n_iter_ == 2
    assert clone(model).set_callbacks().fit(X, y).n_iter_ == 6


# --- without --------------------------------------------------------------------------------------------------------


def count_blocks(monkeypatch, model):
    calls = []
    record = skregopt._training.first_order._FirstOrderTraining._record

    def counted(self):
        calls.append(1)
        return record(self)

    monkeypatch.setattr(skregopt._training.first_order._FirstOrderTraining, "_record", counted)
    model.fit(X, y)
    monkeypatch.undo()
    return len(calls)


def test_python_runs_once_per_epoch_only_with_callbacks(monkeypatch):
    model = MLPClassifier(**SMALL | {"max_iter": 200}).fit(X, y)
    assert count_blocks(monkeypatch, model) < 20
    assert count_blocks(monkeypatch, model.set_callbacks(Recorder())) == 200
    assert count_blocks(monkeypatch, model.set_callbacks()) < 20


def test_fits_without_callbacks_make_no_contexts(monkeypatch):
    def no_context(*args, **kwargs):
        raise AssertionError("a context without callbacks")

    monkeypatch.setattr(sklearn_callback.CallbackContext, "_from_estimator", no_context)
    model = MLPClassifier(**SMALL).fit(X, y)
    with pytest.raises(AssertionError, match="a context"):
        model.set_callbacks(Recorder()).fit(X, y)


def test_not_a_callback():
    with pytest.raises(TypeError, match="FitCallback protocol"):
        MLPClassifier().set_callbacks(print)


def test_versions_of_scikit_learn_without_callbacks(monkeypatch):
    """They are tested with the oldest versions; here is what the estimators inherit from there."""
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)
    spec = importlib.util.spec_from_file_location("without_callbacks", callbacks.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert not hasattr(module.CallbackSupportMixin, "set_callbacks")
    with module.fit_task(MLPClassifier(), "fit", 3, FitData(X, y)) as task:
        assert task is None
