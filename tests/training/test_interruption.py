"""Ctrl-C in a fit: it returns within a second, and keeps the best weights so far."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from support.interrupts import Interrupt
from support.states import state, weights
from support.training_data import BOTH, make_data, small

from skregopt import MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def long_epoch():
    """Return data of which one epoch of the network below takes many seconds."""
    X = np.tile(np.random.RandomState(0).normal(size=(20_000, 100)).astype(np.float32), (10, 1))
    return X, X[:, 0] - X[:, 1]


@pytest.mark.parametrize(
    "params",
    [
        {"solver": "adam"},
        {"solver": "sgd", "learning_rate_init": 1e-5},
        {"solver": "gd"},
        {"solver": "lbfgs"},
        {"solver": "adam", "max_time": 100, "learning_rate": "cosine"},
        pytest.param({"solver": "adam", "early_stopping": True}, marks=pytest.mark.exhaustive),
    ],
    ids=str,
)
def test_ctrl_c_in_a_long_epoch(long_epoch, params):
    X, y = long_epoch
    model = MLPRegressor(hidden_layer_sizes=(512, 512), random_state=0, **params)
    model.set_params(max_iter=1).fit(X[:200], y[:200])  # compiled before
    interrupt = Interrupt(after=0.6)
    with pytest.warns(UserWarning, match="interrupted"):
        model.set_params(max_iter=200).fit(X, y)
    assert interrupt.seconds() < 1.0
    assert model.n_iter_ == 0, "in the first epoch"
    assert all(np.isfinite(coef).all() for coef in model.coefs_)
    assert model.predict(X[:5]).shape == (5,)


@BOTH
def test_ctrl_c_keeps_the_best_weights_so_far(kind):
    X, y = make_data(kind)
    n_calls = 0
    sequence = [0.1, 0.9, 0.2]

    def scorer(estimator, X, y):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 4:
            raise KeyboardInterrupt
        return sequence[n_calls - 1]

    model = small(kind, early_stopping=True, scoring=scorer, max_iter=10)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, y)
    assert model.best_iter_ == 2
    assert model.best_validation_score_ == 0.9
    assert model.validation_scores_[:3] == sequence
    n_calls = 0
    two = small(kind, early_stopping=True, scoring=scorer, max_iter=2).fit(X, y)
    assert weights(two) == weights(model)


@pytest.mark.parametrize("first", [True, False], ids=["new", "fitted"])
def test_ctrl_c_in_partial_fit_changes_nothing(long_epoch, first):
    """fit has whole epochs to keep; half an epoch of partial_fit would be in no curve and no t_."""
    X, y = long_epoch
    model = MLPRegressor((512, 256), ema_decay=0.9, random_state=0)
    if not first:
        model.partial_fit(X[:400], y[:400])
    before = state(model)
    interrupt = Interrupt(after=0.6)
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, y)
    assert interrupt.seconds() < 1.0
    assert state(model) == before
    assert model.partial_fit(X[:400], y[:400]).t_ == (400 if first else 800)


def test_ctrl_c_in_a_program_of_its_own(tmp_path):
    """A user's terminal: the process gets SIGINT during fit, goes on after it, and exits well."""
    program = tmp_path / "train.py"
    program.write_text(
        "import warnings\n"
        "import numpy as np\n"
        "from skregopt import MLPRegressor\n"
        "X = np.random.RandomState(0).normal(size=(100_000, 100))\n"
        "model = MLPRegressor((300, 300), random_state=0, max_iter=10_000)\n"
        "model.set_params(max_iter=1).fit(X[:200], X[:200, 0])\n"
        "model.set_params(max_iter=10_000)\n"
        "print('training', flush=True)\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    model.fit(X, X[:, 0])\n"
        "print([str(w.message) for w in caught], np.isfinite(model.predict(X[:9])).all())\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", str(program)], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout.readline() == "training\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "interrupted" in output and "True" in output
