"""warm_start: another fit from the weights of the last one."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from support.states import plain, weights
from support.training_data import BOTH, FIRST_ORDER, make_data, small

from skregopt import MLPClassifier

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


@BOTH
@pytest.mark.parametrize("solver", [*FIRST_ORDER, "lbfgs"])
def test_warm_start_accumulates_curves(kind, solver):
    X, y = make_data(kind)
    model = small(kind, solver=solver, warm_start=True, max_iter=4, tol=0, n_iter_no_change=np.inf)
    model.fit(X, y)
    first_curve, first_weights = list(model.loss_curve_), weights(model)
    model.set_params(max_iter=6).fit(X, y)
    assert model.loss_curve_[:4] == first_curve
    assert len(model.loss_curve_) == 10
    assert model.n_iter_ == 6
    assert model.t_ == 10 * len(X)
    assert weights(model) != first_weights
    assert model.loss_curve_[4] < first_curve[0]
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ <= min(model.loss_curve_)
    cold = model.set_params(warm_start=False).fit(X, y)
    assert len(cold.loss_curve_) == 6 and cold.t_ == 6 * len(X)


@BOTH
def test_warm_start_reuses_seed_and_split_of_the_first_fit(kind):
    X, y = make_data(kind)
    found = []

    def scorer(estimator, X_val, y_val):
        found.append(plain(np.asarray(X_val)))
        return 0.0

    model = small(kind, random_state=None, early_stopping=True, scoring=scorer, warm_start=True, max_iter=2)
    for _ in range(3):
        model.fit(X, y)
    assert len(found) == 6 and len(set(found)) == 1
    model.set_params(warm_start=False).fit(X, y)
    assert found[-1] != found[0]


@BOTH
def test_warm_start_with_early_stopping_starts_best_anew(kind):
    X, y = make_data(kind)
    scores = iter([0.9, 0.1, 0.2, 0.3, 0.1])
    model = small(
        kind, early_stopping=True, scoring=lambda e, X, y: next(scores), warm_start=True, max_iter=2
    )  # fmt: skip
    model.fit(X, y)
    assert (model.best_iter_, model.best_validation_score_) == (1, 0.9)
    model.set_params(max_iter=3).fit(X, y)
    assert model.validation_scores_ == [0.9, 0.1, 0.2, 0.3, 0.1]
    assert (model.best_iter_, model.best_validation_score_) == (2, 0.3)
    assert len(model.validation_loss_curve_) == len(model.learning_rate_curve_) == 5


@BOTH
def test_warm_start_starts_optimizer_and_schedule_anew(kind):
    X, y = make_data(kind)
    model = small(kind, learning_rate="invscaling", warm_start=True, max_iter=3, solver="sgd")
    model.fit(X, y)
    model.fit(X, y)
    rates = model.learning_rate_curve_
    assert rates[:3] == rates[3:]
    updates = 80 * np.arange(1, 4)
    assert_allclose(rates[:3], 0.01 / np.sqrt(updates))


@BOTH
@pytest.mark.parametrize("incremental", [False, True])
def test_fits_that_continue_each_other_draw_new_dropout_masks(kind, incremental):
    X, y = make_data(kind)
    model = small(kind, dropout=0.5, warm_start=True, max_iter=1, learning_rate_init=1e-300).fit(X, y)
    for _ in range(4):
        model.partial_fit(X, y) if incremental else model.fit(X, y)
    # the weights do not move: the losses differ by the masks alone
    assert len(set(np.round(model.loss_curve_, 12))) == 5


# --- changes between fits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first_is_indicator", [False, True])
def test_another_kind_of_target(first_is_indicator):
    X, labels = make_data(MLPClassifier)
    indicator = (X[:, :3] > 0).astype(int)
    first, second = (indicator, labels) if first_is_indicator else (labels, indicator)
    clf = small(MLPClassifier, warm_start=True, max_iter=2).fit(X, first)
    with pytest.raises(ValueError, match="warm_start continues with a network for multi"):
        clf.fit(X, second)


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("before", "now", "message"),
    [
        ("batch_norm", None, r"batch_norm=False would drop batch_norm_scales_, .*Set batch_norm=True, or fit a new"),
        ("batch_norm", "layer_norm", r"batch_norm=False would drop .*Set batch_norm=True and layer_norm=False, or"),
        (
            None,
            "layer_norm",
            r"layer_norm=True would put new steps between the fitted layers .*Set layer_norm=False, or",
        ),
    ],
)
def test_another_normalisation_than_before(before, now, message):
    X, y = make_data(MLPClassifier)
    clf = small(MLPClassifier, warm_start=True, max_iter=2, **dict.fromkeys([before] if before else [], True)).fit(X, y)
    predicted = clf.predict_proba(X)
    parameters = {"batch_norm": now == "batch_norm", "layer_norm": now == "layer_norm"}
    with pytest.raises(ValueError, match=message):
        clf.set_params(**parameters).fit(X, y)
    assert_array_equal(clf.predict_proba(X), predicted)


@pytest.mark.nojit
def test_other_layers_than_before():
    X, y = make_data(MLPClassifier)
    clf = small(MLPClassifier, warm_start=True, max_iter=2).fit(X, y)
    with pytest.raises(
        ValueError, match="one per layer of a network .*give hidden_layer_sizes its former value, or fit"
    ):
        clf.set_params(hidden_layer_sizes=(3, 3, 3)).fit(X, y)
