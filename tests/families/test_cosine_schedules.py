"""The schedules 'flat_cosine' and 'coslog': their equations for every update, chunks of rows, a warm-up in front."""

import numpy as np
import pytest
from support.problems import make_problem
from support.schedules import PEAK, Driven
from support.training_data import BOTH, make_data, small

from skregopt import MLPRegressor
from skregopt.optimizers import OPTIMIZERS
from skregopt.penalties import PENALTIES
from skregopt.schedules import CosLog, FlatCosine, Warmup

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


def flat_cosine(share):
    return np.where(share < 0.5, 1, (1 + np.cos(np.pi * (2 * share - 1))) / 2) * (share < 1)


def coslog(share, n_cycles=4):
    return (1 - np.cos(2 * np.pi * np.log2(1 + (2**n_cycles - 1) * share))) / 2 * (share < 1)


EQUATIONS = {
    "flat_cosine": (FlatCosine(), flat_cosine),
    "coslog": (CosLog(), coslog),
    "one wave": (CosLog(1), lambda share: coslog(share, 1)),
    "six waves": (CosLog(n_cycles=6), lambda share: coslog(share, 6)),
}


@pytest.mark.nojit
@pytest.mark.parametrize("n_epochs, updates_per_epoch", [(30, 1), (1, 7), (1, 1), (8, 15), (27, 4)])
@pytest.mark.parametrize("name", EQUATIONS)
def test_every_update_has_the_rate_of_the_equation(name, n_epochs, updates_per_epoch):
    """Also beyond the end, where it is zero."""
    schedule, equation = EQUATIONS[name]
    actual = Driven(schedule).rates(n_epochs + 2, updates_per_epoch, max_iter=n_epochs)
    share = np.arange((n_epochs + 2) * updates_per_epoch) / (n_epochs * updates_per_epoch)
    np.testing.assert_allclose(actual, PEAK * equation(share), rtol=1e-12, atol=1e-15)
    assert np.all((actual >= 0) & (actual <= PEAK)) and not actual[n_epochs * updates_per_epoch :].any()


@pytest.mark.nojit
def test_corners():
    """By hand: 15 updates have the corners of four waves among them, and 20 the middle."""
    rates = Driven(CosLog()).rates(3, 5, max_iter=3) / PEAK
    np.testing.assert_allclose(rates[[0, 1, 3, 7]], 0, atol=1e-30)
    assert rates[2] == pytest.approx(np.sin(np.pi * np.log2(3)) ** 2, rel=1e-14)
    rates = Driven(FlatCosine()).rates(4, 5, max_iter=4) / PEAK
    assert rates[:11].tolist() == [1.0] * 11 and rates[15] == pytest.approx(0.5) and 0 < rates[19] < 0.03


def test_huge_numbers():
    most = np.iinfo(np.int64).max
    assert Driven(FlatCosine()).rate(1, 0, most, most) == PEAK
    assert Driven(CosLog(50)).rate(1, 0, most, most) == 0.0
    last = Driven(CosLog(50)).rates(1, 4, max_iter=1)[3]
    assert last == pytest.approx(PEAK * np.sin(np.pi * np.log2(3 / 4)) ** 2, rel=1e-12)


@pytest.mark.nojit
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_a_first_rate_of_zero_leaves_every_rule_sound(solver, penalty):
    """The first update of 'coslog' moves nothing, and nothing that a rule keeps from it is NaN."""
    problem = make_problem("regression", 10)
    size = 1 if solver == "sgd" else 10
    for dtype in ("float32", "float64"):
        model = problem.make(
            hidden_layer_sizes=(4, 3), solver=solver, penalty=penalty, alpha=0.01, batch_size=size, dtype=dtype,
            learning_rate="coslog", random_state=0, max_iter=9,
        )  # fmt: skip
        model.partial_fit(problem.X[:size], problem.y[:size])
        assert model.learning_rate_curve_ == [0.0]
        first = [coef.copy() for coef in model.coefs_]
        model.partial_fit(problem.X[:size], problem.y[:size])
        assert all(np.isfinite(coef).all() for coef in (*model.coefs_, *model.intercepts_))
        assert any(np.any(coef != before) for coef, before in zip(model.coefs_, first, strict=True))


@BOTH
@pytest.mark.parametrize("name", EQUATIONS)
def test_chunks_of_rows_of_any_number(kind, name):
    """Each call is an epoch, however many updates it makes: the position in it is what counts."""
    schedule, equation = EQUATIONS[name]
    X, y = make_data(kind)
    model = small(kind, learning_rate=schedule, learning_rate_init=PEAK, batch_size=5, max_iter=8)
    first = {"classes": np.unique(y)} if hasattr(model, "class_weight") else {}
    sizes = np.array([40, 5, 23, 80, 6, 40, 5, 40])
    for n_rows in sizes:
        model.partial_fit(X[:n_rows], y[:n_rows], **first)
    updates = -(-sizes // 5)
    share = (np.arange(8) + (updates - 1) / updates) / 8
    np.testing.assert_allclose(model.learning_rate_curve_, PEAK * equation(share), rtol=1e-11, atol=1e-16)


@pytest.mark.nojit
@pytest.mark.parametrize("name", EQUATIONS)
def test_warm_up_in_front(name):
    schedule, equation = EQUATIONS[name]
    problem = make_problem("regression", 13)
    model = problem.make(
        hidden_layer_sizes=3, batch_size=5, learning_rate=Warmup(schedule, 2, 0.1), learning_rate_init=PEAK, max_iter=9,
        n_iter_no_change=np.inf, random_state=0,
    ).fit(problem.X, problem.y)  # fmt: skip
    rising = 0.1 + 0.9 * (np.array([3, 6]) - 1) / 6
    falling = equation((np.arange(1, 8) * 3 - 1) / 21)
    np.testing.assert_allclose(model.learning_rate_curve_, PEAK * np.r_[rising, falling], rtol=1e-11, atol=1e-16)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", EQUATIONS)
def test_a_fit_that_reaches_the_end_is_done(name):
    """No ConvergenceWarning: the rate ends at zero as planned."""
    X, y = make_data(MLPRegressor)
    model = small(MLPRegressor, learning_rate=EQUATIONS[name][0], max_iter=8, n_iter_no_change=8).fit(X, y)
    assert model.n_iter_ == 8
