"""Fits that fail or that the user interrupts: what is raised, and what is left."""

import copy
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from support.interrupts import Interrupt
from support.pairwise import exhaustive
from support.states import plain
from support.tables import BOTH, make_array, make_data, make_frame, output, small, state_of, target_of

from skregopt import MLPClassifier, MLPRegressor, TabularMLPClassifier, TabularMLPRegressor
from skregopt._tabular import base
from skregopt.preprocessing import TabularEncoder


class OwnError(Exception):
    """No error of this package, nor of Python."""


def failing(after, error):
    """Return a scorer that raises in a later call."""
    n_calls = 0

    def scorer(estimator, X, y):
        nonlocal n_calls
        n_calls += 1
        if n_calls > after:
            raise error
        return float(n_calls)

    return scorer


def with_missing(y):
    y = y.astype(object)
    y[3] = np.nan
    return y


# --- failures --------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda X, y: (X, with_missing(y), {}), ValueError, "y contains NaN.*position.*3.*Leave them out"),
        (lambda X, y: (X, None, {}), ValueError, "requires y|y to be passed|y.*None"),
        (lambda X, y: (X, y[:-1], {}), ValueError, "inconsistent"),
        (lambda X, y: (X, np.column_stack([y] * 2)[:, :, np.newaxis], {}), ValueError, "."),
        (lambda X, y: (X.assign(age=np.inf), y, {}), ValueError, "'age'.*infinity"),
        (lambda X, y: (X, y, {"sample_weight": -np.ones(90)}), ValueError, "sample_weight"),
        (lambda X, y: (X, y, {"X_val": X}), ValueError, "y_val"),
        (lambda X, y: (X, pd.Series(pd.date_range("2020-01-01", periods=90)), {}), (ValueError, TypeError), "y"),
    ],
    ids=range(8),
)
def test_a_failed_fit_changes_nothing(kind, change, error, message):
    X = make_frame()
    y = target_of(kind, X)
    if kind is TabularMLPClassifier and message == "y":
        pytest.skip("dates are labels")
    model = small(kind).fit(X, y)
    before = state_of(model)
    X_bad, y_bad, params = change(X, y)
    with pytest.raises(error, match=f"(?s){message}"):
        model.fit(X_bad, y_bad, **params)
    assert state_of(model) == before
    new = small(kind)
    with pytest.raises(error):
        new.fit(X_bad, y_bad, **params)
    assert vars(new).keys() == new.get_params().keys()


@BOTH
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_estimators": 0}, "n_estimators"),
        ({"n_estimators": 2.5}, "n_estimators"),
        ({"max_iter": 0}, "max_iter"),
        ({"max_iter": "long"}, "max_iter"),
        ({"hidden_layer_sizes": 0}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": (5, -1)}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": ()}, r"hidden_layer_sizes=\(\) has no hidden layer"),
        ({"learning_rate_init": 0}, "learning_rate_init"),
        ({"dropout": 1}, "dropout"),
        ({"dropout": "some"}, "dropout"),
        ({"n_bins": 1}, "n_bins"),
        ({"categorical_features": "all"}, "categorical_features"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"random_state": "x"}, "random_state"),
        ({"verbose": "yes"}, "verbose"),
    ],
    ids=str,
)
def test_parameters_outside_their_domains(kind, params, message):
    X, y = make_data(kind)
    model = small(kind).fit(X, y)
    model.set_params(**params)
    before = state_of(model)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert state_of(model) == before


@BOTH
def test_a_rate_that_diverges(kind):
    """Without rows to validate on there is no best epoch to return to."""
    X, y = make_data(kind, 30)
    model = small(kind).fit(X, y)
    before = state_of(model.set_params(learning_rate_init=1e30, max_iter=30))
    with pytest.raises(ValueError, match=r"Solver produced non-finite.*learning_rate_init"):
        model.fit(X, y)
    assert state_of(model) == before


@BOTH
@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("after", [0, 1, 4])
@pytest.mark.parametrize("error", [OwnError("mine"), RuntimeError("mine"), SystemExit("mine")], ids=repr)
def test_errors_of_a_scorer_are_raised(kind, n_jobs, after, error):
    """In the first network and in the second one; with their own types; the others do not go on."""
    X, y = make_data(kind)
    model = small(kind).fit(X, y)
    scorer = failing(after, error)
    before = state_of(model.set_params(n_estimators=4, scoring=scorer, n_jobs=n_jobs))
    with pytest.raises(type(error), match="mine"):
        model.fit(X, y)
    assert state_of(model) == before


@BOTH
def test_an_error_ends_the_other_networks(kind):
    X, y = make_data(kind, 3000)
    n_calls = 0

    def fails_once(estimator, X, y):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 5:
            raise OwnError
        return float(n_calls)

    model = small(kind, n_estimators=8, max_iter=3000, n_jobs=2, scoring=fails_once)
    small(kind).fit(X[:100], y[:100])  # compiled
    started = time.perf_counter()
    with pytest.raises(OwnError):
        model.fit(X, y)
    assert time.perf_counter() - started < 3


# --- Ctrl-C ----------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize(("n_complete", "fitted"), [(2, False), (2, True), (4, False)])
def test_ctrl_c_keeps_complete_networks(kind, n_jobs, n_complete, fitted):
    X, y = make_data(kind)
    reference = small(kind, n_estimators=2).fit(X, y)
    scorer = failing(3 * n_complete + 1, KeyboardInterrupt)  # in the next network
    model = small(kind, n_estimators=6, scoring=scorer, n_jobs=n_jobs)
    if fitted:
        model.set_params(scoring="auto").fit(X, y).set_params(scoring=scorer)
    with pytest.warns(UserWarning, match=r"interrupted by user: [124] of 6 networks are kept\."):
        model.fit(X, y)
    assert len(model.estimators_) == len(model.weights_)
    assert len(model.estimators_) == n_complete or (n_jobs == 2 and n_complete == 2 and len(model.estimators_) == 1)
    assert all(network.n_iter_ == 3 for network in model.estimators_)
    assert np.isclose(model.weights_.sum(), 1)
    assert output(model, X).shape == output(reference, X).shape


@BOTH
def test_ctrl_c_between_networks(kind, monkeypatch):
    X, y = make_data(kind)
    reference = small(kind, n_estimators=4, random_state=0).fit(X, y)
    n_calls, combine = 0, base.combine

    def interrupted(members, table):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 1:
            raise KeyboardInterrupt
        return combine(members, table)

    monkeypatch.setattr(base, "combine", interrupted)
    model = small(kind, n_estimators=6, random_state=0)
    with pytest.warns(UserWarning, match=r"4 of 6 networks are kept\."):
        model.fit(X, y)
    assert len(model.estimators_) == len(reference.estimators_) == 4


@BOTH
@pytest.mark.parametrize("after", [0, 2])
def test_ctrl_c_in_the_first_network_keeps_its_best_weights(kind, after):
    X, y = make_data(kind)
    model = small(kind, n_estimators=4, scoring=failing(after, KeyboardInterrupt))
    with pytest.warns(UserWarning, match="1 of 4 networks are kept, with its best weights so far"):
        model.fit(X, y)
    assert len(model.estimators_) == 1
    assert np.isfinite(output(model, X)).all()
    assert np.isfinite(model.validation_score_)


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("n_rows", [40, *exhaustive(20_000)])
@BOTH
def test_a_signal_within_a_long_epoch(kind, n_jobs, n_rows):
    X, y = make_data(kind, n_rows)
    long = {"max_iter": 10**6, "hidden_layer_sizes": (64, 64)}
    small(kind, n_jobs=n_jobs, **long | {"max_iter": 1}).fit(X, y)  # compiled before
    model = small(kind, n_estimators=5, n_jobs=n_jobs, **long)
    interrupt = Interrupt(after=0.5)
    started = time.perf_counter()
    with pytest.warns(UserWarning, match="interrupted by user: [12] of 5 networks are kept, with its best weights"):
        model.fit(X, y)
    assert interrupt.seconds() < 1.5, "seconds of both threads together"
    assert time.perf_counter() - started < 3.5
    assert np.isfinite(output(model, X)).all()


def test_a_signal_in_a_process_of_its_own():
    code = """
import sys, time, warnings
import numpy as np
from skregopt import TabularMLPRegressor
X = np.random.RandomState(0).normal(size=(3000, 5))
fit = lambda **params: TabularMLPRegressor(n_estimators=4, hidden_layer_sizes=32, n_jobs=2, **params).fit(X, X[:, 0])
fit(max_iter=1)
print("begins", flush=True)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model = fit(max_iter=100_000)
print(len(model.estimators_), np.isfinite(model.predict(X)).all(), caught[0].message, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begins\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=30)
    assert process.returncode == 0, error
    assert "True Training interrupted by user" in out


@BOTH
def test_ctrl_c_while_the_table_is_encoded_changes_nothing(kind, monkeypatch):
    X, y = make_data(kind)
    model = small(kind).fit(X, y)
    before, later = state_of(model), copy.deepcopy(model)

    def interrupted(self, X, y=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(TabularEncoder, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert state_of(model) == before
    assert plain(output(later, X)) == plain(output(model, X))


# --- keywords --------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("keyword", "hint"),
    [
        ({"n_members": 3}, "Did you mean n_estimators=3?"),
        ({"n_models": 3}, "Did you mean n_estimators=3?"),
        ({"n_ens": 3}, "Did you mean n_estimators=3?"),
        ({"n_estimator": 3}, "Did you mean n_estimators=3?"),
        ({"epochs": 3}, "Did you mean max_iter=3?"),
        ({"lr": 0.1}, "Did you mean learning_rate_init=0.1?"),
        ({"learning_rate": 0.1}, "Did you mean learning_rate_init=0.1?"),
        ({"time_limit": 60}, "Did you mean max_time=60?"),
        ({"cat_features": [1]}, "Did you mean categorical_features=[1]?"),
        ({"max_bins": 8}, "Did you mean n_bins=8?"),
        ({"seed": 1}, "Did you mean random_state=1?"),
        ({"activation": "relu"}, "decides about activation for each of its networks. It is a parameter of MLP"),
        ({"alpha": 0.1}, "decides about alpha for each of its networks. It is a parameter of MLP"),
        ({"early_stopping": True}, "decides about early_stopping"),
        ({"label_smoothing": 0.1}, "decides about label_smoothing for each of its networks. It is a parameter of MLPC"),
        ({"sample_weight": None}, "Pass sample_weight to fit."),
    ],
    ids=str,
)
def test_keywords_are_explained(kind, keyword, hint):
    with pytest.raises(TypeError) as caught:
        kind(**keyword)
    assert hint in str(caught.value)
    with pytest.raises(ValueError) as caught:
        kind().set_params(**keyword)
    assert hint in str(caught.value)


def test_keywords_of_the_other_estimator():
    with pytest.raises(TypeError, match="class_weight is a parameter of TabularMLPClassifier"):
        TabularMLPRegressor(class_weight="balanced")
    with pytest.raises(TypeError, match="decides about loss"):
        TabularMLPClassifier(loss="log_loss")
    with pytest.raises(TypeError, match="Did you mean sample_weight"):
        TabularMLPRegressor().fit(make_array(), np.zeros(90), weights=None)


def test_words_of_tables_for_single_networks():
    with pytest.raises(TypeError, match="n_estimators is a parameter of TabularMLPClassifier"):
        MLPClassifier(n_estimators=4)
    with pytest.raises(TypeError, match="categorical_features is a parameter of TabularMLPRegressor"):
        MLPRegressor(cat_features=[1])
