"""What a fit prints."""

import re
from functools import partial

import numpy as np
import pytest
from sklearn.metrics import make_scorer, mean_squared_error, r2_score
from support.estimators import BOTH, make_data, small
from support.states import weights

from skregopt import MLPClassifier, MLPRegressor
from skregopt.schedules import Plateau, Warmup

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NUMBER = r"-?\d\S*"
START = rf"Iteration (\d+), loss = ({NUMBER})"  # as scikit-learn's
END = r", learning rate = (\d\S*), \d+\.\d\d s"


def lines_of(capsys, model, *arguments, **validation):
    model.set_params(verbose=True).fit(*arguments, **validation)
    return [line for line in capsys.readouterr().out.splitlines() if not line.startswith("Compiling")]


def accuracy_of_mine(model, X, y):
    return model.score(X, y)


@BOTH
def test_one_line_an_epoch_and_a_last_one(kind, capsys):
    X, y = make_data(kind)
    model = small(kind, max_iter=7)
    *epochs, last = lines_of(capsys, model, X, y)
    found = [re.fullmatch(START + END, line).groups() for line in epochs]
    assert [int(number) for number, *_ in found] == list(range(1, 8))
    np.testing.assert_allclose([float(loss) for _, loss, _ in found], model.loss_curve_, atol=1e-8)
    np.testing.assert_allclose([float(rate) for *_, rate in found], model.learning_rate_curve_, rtol=0.01)
    assert last == "Maximum iterations (7) reached. The weights of epoch 7, the last, are kept."
    small(kind).fit(X, y)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


@BOTH
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_validation_loss(kind, early_stopping, solver, capsys):
    X, y = make_data(kind)
    model = small(kind, max_iter=4, early_stopping=early_stopping, solver=solver)
    *epochs, last = lines_of(capsys, model, X, y, X_val=X[:20], y_val=y[:20])
    end = END if solver == "adam" else r", \d+\.\d\d s"
    found = [re.fullmatch(START + rf", val_loss = ({NUMBER})" + end, line).group(3) for line in epochs]
    np.testing.assert_allclose(np.array(found, float), model.validation_loss_curve_, atol=1e-8)
    kept = model.best_iter_ if early_stopping else model.n_iter_
    assert last.endswith(f" The weights of epoch {kept}, the {'best' if early_stopping else 'last'}, are kept.")
    assert ("L-BFGS has ended: " in last) == (solver == "lbfgs")


@pytest.mark.parametrize(
    ("scoring", "name"),
    [
        ("r2", "r2"),
        (accuracy_of_mine, "accuracy_of_mine"),
        (make_scorer(r2_score), "r2_score"),
        (make_scorer(mean_squared_error, greater_is_better=False), "neg_mean_squared_error"),
        ("neg_mean_squared_error", "neg_mean_squared_error"),
        (lambda model, X, y: model.score(X, y), "score"),
        (partial(accuracy_of_mine), "score"),
        (make_scorer(lambda y, y_pred: 1 - abs(y - y_pred).mean()), "score"),
        (make_scorer(lambda y, y_pred: abs(y - y_pred).mean(), greater_is_better=False), "score"),
    ],
    ids=[
        "name",
        "function",
        "scorer",
        "loss",
        "loss by name",
        "lambda",
        "partial",
        "scorer of lambda",
        "loss of lambda",
    ],
)
def test_name_and_value_of_the_scorer(scoring, name, capsys):
    X, y = make_data(MLPRegressor)
    model = small(MLPRegressor, early_stopping=True, scoring=scoring, max_iter=3)
    *epochs, _ = lines_of(capsys, model, X, y)
    found = [re.fullmatch(START + rf", {name} = ({NUMBER})" + END, line).group(3) for line in epochs]
    np.testing.assert_allclose(np.array(found, float), model.validation_scores_, atol=1e-8)


@BOTH
def test_why_training_ended(kind, capsys):
    X, y = make_data(kind)
    model = small(kind, tol=1e9, n_iter_no_change=1, max_iter=9)
    *epochs, last = lines_of(capsys, model, X, y)
    assert len(epochs) == model.n_iter_ == 3
    assert last.startswith("Training loss did not improve more than tol=1e+09 for 1 consecutive epochs. Stopping. ")
    *_, last = lines_of(capsys, model.set_params(early_stopping=True), X, y)
    assert last.startswith("Validation score did not improve")
    assert last.endswith(f"The weights of epoch {model.best_iter_}, the best, are kept.")
    *_, last = lines_of(capsys, model.set_params(solver="lbfgs", tol=0.02, max_iter=300), X, y)
    assert last.startswith("Validation score did not improve"), "rather than SciPy's words for it"
    model = MLPRegressor(3, early_stopping=True, max_iter=3, random_state=0)
    X, y = make_data(MLPRegressor)
    *_, last = lines_of(capsys, model, X, 1e200 * y)
    assert last.endswith("The weights that training started from are kept.")


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize(
    ("learning_rate", "falls"),
    [
        ("constant", False),
        ("adaptive", True),
        ("plateau", True),
        (Plateau(floor=1e-3), True),
        (Warmup("adaptive", 2), True),
        (Warmup("adaptive", 9), False),  # ends within the warm-up
        (Warmup("constant", 2), False),
    ],
    ids=str,
)
def test_a_rate_that_can_fall_no_further(learning_rate, falls, early_stopping, capsys):
    X, y = make_data(MLPRegressor)
    params = {"tol": 1e9, "n_iter_no_change": 1, "max_iter": 300, "early_stopping": early_stopping}
    model = small(MLPRegressor, learning_rate=learning_rate, learning_rate_init=1e-3, **params)
    *_, last = lines_of(capsys, model, X, y)
    what = "Validation score" if early_stopping else "Training loss"
    why = "Learning rate too small. Stopping." if falls else "Stopping."  # scikit-learn's words
    assert last.startswith(f"{what} did not improve more than tol=1e+09 for 1 consecutive epochs. {why} The weights")
    *_, last = lines_of(capsys, model.set_params(max_iter=2), X, y)
    assert "Learning rate" not in last
    if early_stopping:
        *_, last = lines_of(capsys, model.set_params(solver="lbfgs", tol=0.02, max_iter=300), X, y)
        assert "consecutive" in last and "Learning rate" not in last, "L-BFGS has none"


def test_interruption(capsys):
    X, y = make_data(MLPClassifier)

    def scorer(model, X, y):
        raise KeyboardInterrupt

    model = small(MLPClassifier, early_stopping=True, scoring=scorer)
    with pytest.warns(UserWarning, match="interrupted"):
        *_, last = lines_of(capsys, model, X, y)
    assert last.startswith("Training interrupted by user. ")


@BOTH
def test_partial_fit_has_no_last_line(kind, capsys):
    X, y = make_data(kind)
    first = {"classes": np.unique(y)} if kind is MLPClassifier else {}
    small(kind, verbose=True).partial_fit(X, y, **first)
    (line,) = (line for line in capsys.readouterr().out.splitlines() if not line.startswith("Compiling"))
    assert re.fullmatch(START + END, line)


@BOTH
def test_verbose_does_not_change_the_result(kind, capsys):
    X, y = make_data(kind)
    assert weights(small(kind, verbose=True).fit(X, y)) == weights(small(kind).fit(X, y))
