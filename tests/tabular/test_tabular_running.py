"""Networks side by side, until the plan or the time is at its end; what is printed."""

import threading
import time
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.metrics import make_scorer, mean_squared_error
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import check_random_state
from support.processes import run
from support.states import plain, weights
from support.tables import BOTH, make_data, make_frame, output, small, target_of
from threadpoolctl import threadpool_info, threadpool_limits

from skregopt import TabularMLPClassifier, TabularMLPRegressor
from skregopt._tabular import base, members
from skregopt._tabular.members import Clock
from skregopt._tabular.scale import TargetScale
from skregopt._training import time_limit
from skregopt.losses import Quantile

GLOBAL = check_random_state(None)


def bits(model, X):
    parts = [weights(network) for network in model.estimators_]
    return plain([output(model, X), model.weights_, model.validation_score_, getattr(model, "temperature_", 0), parts])


# --- the same bits ---------------------------------------------------------------------------------------------------


@BOTH
def test_the_same_bits_for_any_number_of_threads(kind):
    X, y = make_data(kind)
    models = [small(kind, n_estimators=5, n_jobs=n_jobs).fit(X, y) for n_jobs in (None, 1, 2, 3, -1, 40)]
    assert len({repr(bits(model, X)) for model in models}) == 1
    assert repr(bits(small(kind, n_estimators=5, random_state=1).fit(X, y), X)) != repr(bits(models[0], X))


def fit_bits(kind, X, y, n_jobs):
    return bits(small(kind, n_estimators=3, n_jobs=n_jobs).fit(X, y), X)


@BOTH
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_the_same_bits_in_workers(kind, backend):
    X = make_frame(120)
    y = target_of(kind, X)
    found = joblib.Parallel(n_jobs=2, backend=backend)(
        joblib.delayed(fit_bits)(kind, X, y, n_jobs) for n_jobs in (None, 2, -1)
    )
    assert all(one == fit_bits(kind, X, y, None) for one in found)


def test_the_scale_of_y_does_not_depend_on_threads_of_blas():
    y = 1e3 * np.random.RandomState(0).lognormal(size=(200_000, 1))
    row_weights = np.random.RandomState(1).uniform(size=200_000)
    found = set()
    for limit in (1, 2, 4):
        with threadpool_limits(limit, user_api="blas"):
            scale = TargetScale.of(y, row_weights, is_positive=False)
            found.add((scale.center.tobytes(), scale.scale.tobytes()))
    assert len(found) == 1
    scale = TargetScale.of(y, row_weights, is_positive=False)
    mean = np.average(y, axis=0, weights=row_weights)
    np.testing.assert_allclose(scale.center, mean)
    np.testing.assert_allclose(scale.scale, np.sqrt(np.average((y - mean) ** 2, axis=0, weights=row_weights)))


@BOTH
def test_nothing_global_is_left_changed(kind):
    X, y = make_data(kind)
    state, pools, threads = GLOBAL.get_state(), threadpool_info(), set(threading.enumerate())
    model = small(kind, n_jobs=3, n_estimators=4).fit(X, y)
    output(model, X)
    assert plain(list(GLOBAL.get_state())) == plain(list(state))
    assert threadpool_info() == pools
    assert set(threading.enumerate()) == threads, "threads end with the fit"


@BOTH
def test_without_a_seed_one_number_is_drawn_from_the_global_generator(kind):
    X, y = make_data(kind)
    old = GLOBAL.get_state()
    try:
        GLOBAL.seed(5)
        first = small(kind, random_state=None).fit(X, y)
        left = GLOBAL.get_state()
        GLOBAL.seed(5)
        GLOBAL.randint(2**31 - 1)
        assert plain(list(left)) == plain(list(GLOBAL.get_state()))
        GLOBAL.seed(5)
        assert repr(bits(small(kind, random_state=None).fit(X, y), X)) == repr(bits(first, X))
        assert repr(bits(small(kind, random_state=None).fit(X, y), X)) != repr(bits(first, X))
    finally:
        GLOBAL.set_state(old)


@BOTH
def test_generators_as_random_state(kind):
    X, y = make_data(kind)
    generator = np.random.RandomState(0)
    first = small(kind, random_state=generator).fit(X, y)
    second = small(kind, random_state=generator).fit(X, y)
    assert repr(bits(first, X)) != repr(bits(second, X))
    assert repr(bits(small(kind, random_state=np.random.RandomState(0)).fit(X, y), X)) == repr(bits(first, X))
    assert first.random_state is generator


# --- in searches and pipelines ---------------------------------------------------------------------------------------


@BOTH
def test_searches_and_pipelines(kind):
    X = make_frame(120)
    y = target_of(kind, X)
    grid = GridSearchCV(small(kind), {"learning_rate_init": [0.01, "auto"], "n_bins": [4]}, cv=2, n_jobs=2).fit(X, y)
    alone = GridSearchCV(small(kind, n_jobs=2), grid.param_grid, cv=2).fit(X, y)
    assert_array_equal(alone.cv_results_["mean_test_score"], grid.cv_results_["mean_test_score"])
    assert_array_equal(output(grid.best_estimator_, X), output(alone.best_estimator_, X))
    search = RandomizedSearchCV(
        make_pipeline(FunctionTransformer(), small(kind)),
        {f"{kind.__name__.lower()}__max_iter": [1, 2, 3]}, n_iter=2, cv=2, random_state=0,
    )  # fmt: skip
    assert np.isfinite(search.fit(X, y).best_score_)
    assert cross_val_predict(small(kind), X, y, cv=2).shape == (120,)


@BOTH
def test_rows_to_validate_on_in_a_pipeline(kind):
    X, y = make_data(kind)
    X_val, y_val = make_data(kind, 30, seed=1)
    with sklearn.config_context(enable_metadata_routing=True):
        model = small(kind).set_fit_request(X_val=True, y_val=True, sample_weight=True)
        double = FunctionTransformer(lambda X: 2 * X)
        pipeline = make_pipeline(double, model, transform_input=["X_val"])
        pipeline.fit(X, y, X_val=X_val, y_val=y_val, sample_weight=np.ones(90))
    alone = small(kind).fit(2 * X, y, X_val=2 * X_val, y_val=y_val)
    assert_array_equal(output(pipeline, X), output(alone, 2 * X))


# --- the time --------------------------------------------------------------------------------------------------------


class Machine:
    """A clock of its own, on which an encoder takes a second, and each network as long as ``seconds`` says."""

    def __init__(self, monkeypatch, seconds, of_encoder=1.0):
        self.now, self.seconds, self.allowed = 0.0, seconds, []
        monkeypatch.setattr(members, "thread_clock", lambda: self.now)
        monkeypatch.setattr(members, "time", SimpleNamespace(perf_counter=lambda: self.now))
        train = members._train

        def run(task, table, allowed):
            self.allowed.append(allowed)
            member = train(task, table, None)  # as many epochs as without a clock
            self.now += min(self.seconds, np.inf if allowed is None else allowed)
            return member

        monkeypatch.setattr(members, "_train", run)
        read = base.read

        def slow_read(estimator, data):
            self.now += of_encoder
            return read(estimator, data)

        monkeypatch.setattr(base, "read", slow_read)


@BOTH
@pytest.mark.parametrize(
    ("max_time", "seconds", "of_encoder", "n_networks"),
    [(None, 10, 1, 6), (100, 10, 1, 6), (25, 5, 0, 5), (25, 5, 12, 3), (10, 9, 0, 1), (10, 100, 1, 1), (1, 5, 40, 1)],
)
def test_networks_are_started_while_there_is_time(kind, monkeypatch, capsys, max_time, seconds, of_encoder, n_networks):
    machine = Machine(monkeypatch, seconds, of_encoder)
    X, y = make_data(kind)
    model = small(kind, n_estimators=6, max_time=max_time, verbose=True).fit(X, y)
    assert len(model.estimators_) == len(model.weights_) == n_networks
    if max_time is None:
        assert machine.allowed == [None] * 6
        return
    assert ("No time is left for another network" in capsys.readouterr().out) == (n_networks < 6)
    assert machine.now <= max(max_time, of_encoder + 0.01)
    assert machine.allowed[0] == max(0.95 * max_time - of_encoder, 1e-3), "the encoder's time counts"
    assert all(allowed > 0.25 * min(seconds, machine.allowed[0]) for allowed in machine.allowed[1:])


@BOTH
def test_the_network_that_time_ends_is_at_its_floor(kind, monkeypatch):
    """Its schedules follow the time that is left."""
    X, y = make_data(kind, 400)
    model = small(kind, n_estimators=1, max_time=0.8, max_iter=10**6, n_jobs=2).fit(X, y)
    rates = model.estimators_[0].learning_rate_curve_
    assert len(rates) < 10**6
    assert rates[-1] < 0.05 * max(rates)
    assert model.estimators_[0].max_time is None


@BOTH
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_fit_ends_in_time(kind, n_jobs):
    X, y = make_data(kind, 400)
    small(kind).fit(X, y)
    started = time.perf_counter()
    model = small(kind, n_estimators=3, max_time=0.5, max_iter=10**6, n_jobs=n_jobs).fit(X, y)
    assert time.perf_counter() - started < 2.5, "a machine that others use, too"
    assert 1 <= len(model.estimators_) <= 3


def test_waiting_for_machine_code_takes_no_time(monkeypatch):
    clock = Clock(10)
    monkeypatch.setattr(time_limit, "seconds_waited", lambda: 100.0)
    assert clock.seconds_for_another(is_first=False) > 100


@BOTH
def test_times_that_cannot_be(kind):
    for value in (0, -1, "1"):
        with pytest.raises(ValueError, match="max_time"):
            small(kind, max_time=value).fit(*make_data(kind))


# --- scorers ---------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("scoring", ["auto", "loss"])
def test_losses_are_watched(kind, scoring):
    X, y = make_data(kind)
    model = small(kind, max_iter=9, scoring=scoring).fit(X, y)
    for network in model.estimators_:
        assert network.best_validation_score_ == -min(network.validation_loss_curve_)
    assert repr(bits(model, X)) == repr(bits(small(kind, max_iter=9).fit(X, y), X))


def brier(estimator, X, y):
    return -np.mean((estimator.predict_proba(X)[:, 1] - (y == "birch")) ** 2)


def bias(estimator, X, y, sample_weight=None):
    return -abs(np.average(estimator.predict(X) - y, weights=sample_weight))


SCORERS = {
    TabularMLPClassifier: ["accuracy", "roc_auc", "neg_log_loss", "f1_macro", brier],
    TabularMLPRegressor: ["r2", "neg_mean_squared_error", "neg_max_error", "neg_mean_squared_log_error", bias],
}
CASES = [(kind, scoring) for kind, of_kind in SCORERS.items() for scoring in of_kind]


@pytest.mark.parametrize(("kind", "scoring"), CASES, ids=lambda value: getattr(value, "__name__", value))
@pytest.mark.parametrize("with_weights", [False, True])
@pytest.mark.parametrize("given", [False, True])
def test_scorers(kind, scoring, with_weights, given):
    X, y = make_data(kind)
    row_weights = np.random.RandomState(0).uniform(0.5, 2, 90) if with_weights else None
    rows = {"X_val": X[:40], "y_val": y[:40]} if given else {}
    if given and with_weights:
        rows["sample_weight_val"] = row_weights[:40]
    model = small(kind, max_iter=9, scoring=scoring).fit(X, y, row_weights, **rows)
    for network in model.estimators_:
        scores = np.array(network.validation_scores_)
        assert network.best_iter_ == scores.argmax() + 1
        assert network.scoring == scoring
    assert np.isfinite(output(model, X)).all()


@pytest.mark.parametrize("n_columns", [1, 2])
@pytest.mark.parametrize("given", [False, True])
def test_scorers_see_numbers_in_the_unit_of_y(n_columns, given):
    X, y = make_data(TabularMLPRegressor)
    y -= 1000  # so that rounding shows
    Y = y if n_columns == 1 else np.column_stack([y, -3 * y])
    seen = []

    def scorer(estimator, X, y, sample_weight=None):
        seen.append((X, y, estimator.predict(X), estimator.score(X, y), sample_weight))
        return -mean_squared_error(y, estimator.predict(X))

    row_weights = np.arange(1.0, 91)
    row_weights[3] = 0
    rows = {"X_val": X, "y_val": Y, "sample_weight_val": row_weights} if given else {}
    small(TabularMLPRegressor, scoring=scorer, n_estimators=1).fit(X, Y, row_weights, **rows)
    for X_seen, y_seen, y_pred, score, weights_seen in seen:
        places = np.flatnonzero(np.isin(row_weights, weights_seen))
        assert 3 not in places
        assert X_seen.dtype == np.float32
        assert_array_equal(y_seen, Y[places], "not what rounding has made of them")
        assert y_pred.shape == y_seen.shape
        assert abs(y_pred - y_seen).max() < 1e3
        assert score <= 1
    assert len(seen) == 3


def test_a_scorer_sees_no_negative_zero():
    """Zeros that are centred, scaled and brought back may be a little below zero."""
    X, y = make_data(TabularMLPRegressor)
    y = np.where(y > 1003, (y - 1003) / 3, 0.0)
    small(TabularMLPRegressor, scoring="neg_mean_squared_log_error").fit(X, y)


def test_a_scorer_of_several_columns_of_quantiles():
    def width(estimator, X, y):
        lower, upper = estimator.predict(X).T
        return -np.mean(upper - lower)

    X, y = make_data(TabularMLPRegressor)
    small(TabularMLPRegressor, loss=Quantile([0.1, 0.9]), scoring=width).fit(X, y)


@BOTH
@pytest.mark.parametrize(
    ("scoring", "message"),
    [
        (lambda estimator, X, y: "much", "must return a number, got 'much'"),
        ("acuracy", "'accuracy'"),
        (3, "scoring"),
        (make_scorer(lambda y, y_pred: np.nan), "scoring|finite"),
    ],
)
def test_scorers_that_cannot_be_used(kind, scoring, message):
    with pytest.raises(ValueError, match=message) as caught:
        small(kind, scoring=scoring).fit(*make_data(kind))
    assert "InUnitOfTargets" not in str(caught.value)


# --- lines -----------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("n_jobs", [None, 3])
def test_a_line_for_each_network(kind, n_jobs, capsys):
    X, y = make_data(kind)
    small(kind).fit(X, y)  # compiled before
    capsys.readouterr()
    model = small(kind, n_estimators=4, verbose=True, n_jobs=n_jobs).fit(X, y)
    lines = sorted(line for line in capsys.readouterr().out.splitlines() if line.startswith("Network"))
    assert len(lines) == 4
    for place, (line, network) in enumerate(zip(lines, model.estimators_, strict=True)):
        assert line.startswith(f"Network {place + 1} of 4 (")
        assert f"): 3 epochs, best epoch {network.best_iter_}, " in line
    small(kind).fit(X, y)
    assert capsys.readouterr().out == ""


@pytest.mark.exhaustive
def test_that_something_is_compiled_is_said_once(tmp_path):
    said = run(
        """
        import numpy as np
        from skregopt import TabularMLPRegressor
        X = np.random.RandomState(0).normal(size=(60, 2))
        fit = lambda: TabularMLPRegressor(n_estimators=3, max_iter=1, verbose=True, n_jobs=2).fit(X, X[:, 0])
        fit(), print("again"), fit()
        """,
        cache=tmp_path,
    )["printed"]
    before, after = said.split("again")
    assert before.count("Compiling the training loop") == 1
    assert "Compiling" not in after
