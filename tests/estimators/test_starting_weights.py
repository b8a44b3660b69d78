"""Where a fit starts: seeds, weights that are given, and which of them are refused."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from support.estimators import BOTH, make_data, small
from support.refusals import assert_refused, train
from support.states import weights

from skregopt.optimizers import OPTIMIZERS

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


@BOTH
@pytest.mark.parametrize("solver", [*OPTIMIZERS, "lbfgs"])
def test_coef_init(kind, solver):
    X, y = make_data(kind)
    first = small(kind, solver=solver).fit(X, y)
    init = {"coef_init": first.coefs_, "intercept_init": first.intercepts_}
    kept = weights(first)
    model = small(kind, solver=solver, random_state=7, learning_rate_init=1e-12, max_iter=1)
    model.fit(X, y, **init)
    assert weights(first) == kept
    if solver != "lbfgs":
        for a, b in zip(model.coefs_, first.coefs_, strict=True):
            assert_allclose(a, b, atol=1e-8)
    as_lists = {name: [array.tolist() for array in arrays] for name, arrays in init.items()}
    again = small(kind, solver=solver, random_state=7, learning_rate_init=1e-12, max_iter=1)
    assert weights(again.fit(X, y, **as_lists)) == weights(model)


@BOTH
def test_coefs_alone_can_be_given(kind):
    X, y = make_data(kind)
    first = small(kind).fit(X, y)
    params = {"learning_rate_init": 1e-12, "max_iter": 1}
    start = small(kind, **params).fit(X, y)
    model = small(kind, **params).fit(X, y, coef_init=first.coefs_)
    assert_allclose(model.coefs_[0], first.coefs_[0], atol=1e-8)
    assert_allclose(model.intercepts_[0], start.intercepts_[0], atol=1e-8)


@BOTH
def test_random_state(kind):
    X, y = make_data(kind)
    assert weights(small(kind).fit(X, y)) == weights(small(kind).fit(X, y))
    assert weights(small(kind, random_state=1).fit(X, y)) != weights(small(kind).fit(X, y))
    rng = np.random.RandomState(0)
    model = small(kind, random_state=rng)
    first, second = weights(model.fit(X, y)), weights(model.fit(X, y))
    assert first != second
    assert first == weights(small(kind, random_state=np.random.RandomState(0)).fit(X, y))
    np.random.seed(3)  # noqa: NPY002
    unseeded = weights(small(kind, random_state=None).fit(X, y))
    np.random.seed(3)  # noqa: NPY002
    assert weights(small(kind, random_state=None).fit(X, y)) == unseeded
    assert weights(small(kind, random_state=None).fit(X, y)) != unseeded


# --- bad starting weights --------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "coefs",
    [
        3.0,
        [np.zeros((4, 3))],
        [np.zeros((4, 3)), np.zeros((3, 2))],
        [np.zeros((3, 4)), np.zeros((3, 1))],
        [np.full((4, 3), np.nan), np.zeros((3, 1))],
        [[[1.0], [1.0, 2.0]], np.zeros((3, 1))],
    ],
    ids=["scalar", "too few", "outputs", "transposed", "nan", "ragged"],
)
def test_bad_coef_init(kind, coefs):
    call = train(kind, "fit", coef_init=coefs)
    assert_refused(kind, call, ValueError, ("coef_init",))


@BOTH
@pytest.mark.parametrize(
    "intercepts",
    [0.0, [np.zeros(3)], [np.zeros(3), np.zeros(2)], [np.zeros(3), np.array([np.inf])]],
    ids=["scalar", "too few", "outputs", "inf"],
)
def test_bad_intercept_init(kind, intercepts):
    call = train(kind, "fit", intercept_init=intercepts)
    assert_refused(kind, call, ValueError, ("intercept_init",))


@BOTH
def test_coef_init_beside_a_rule_that_draws(kind):
    call = train(kind, "fit", coef_init=[np.zeros((4, 3)), np.zeros((3, 1))])
    names = ("weight_init='he_normal' has no effect with coef_init", "'auto'")
    assert_refused(kind, call, ValueError, names, weight_init="he_normal")


@BOTH
def test_other_hidden_layers_when_continuing(kind):
    names = ("hidden_layer_sizes",)
    assert_refused(kind, train(kind, "partial_fit"), ValueError, names, hidden_layer_sizes=7)
    assert_refused(kind, train(kind, "fit"), ValueError, names, hidden_layer_sizes=7, warm_start=True)
