"""class_weight: the same as sample weights, label by label for a multilabel target; forms that are refused."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from support.problems import make_problem

from skregopt import MLPClassifier

pytestmark = [
    pytest.mark.nojit,
    pytest.mark.numerics,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

SMALL = {"hidden_layer_sizes": 3, "max_iter": 4, "batch_size": 7, "random_state": 0, "learning_rate_init": 0.05}
DICTS = {
    "multiclass": {"ash": 3.0, "birch": 0.5, "cedar": 1.0},
    "binary": {"no": 0.25, "yes": 4},
    "multilabel": [{0: 1.0, 1: 5.0}, {1: 0.3}, {0: 2.0, 1: 3.0}],
}


def same(first, second):
    for name in ("loss_curve_", "validation_loss_curve_"):
        np.testing.assert_allclose(getattr(first, name) or [], getattr(second, name) or [], rtol=1e-12)
    for a, b in zip(first.coefs_ + first.intercepts_, second.coefs_ + second.intercepts_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("loss", ["log_loss", "focal"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("task", ["multiclass", "binary"])
@pytest.mark.parametrize("form", ["balanced", "dict", "zero"])
def test_same_as_sample_weight(form, task, solver, loss):
    problem = make_problem(task, n_samples=40)
    class_weight = "balanced" if form == "balanced" else DICTS[task]
    if form == "zero":
        class_weight = class_weight | {problem.y[0]: 0.0}
    by_class = compute_sample_weight(class_weight, problem.y)
    weights = np.random.RandomState(0).uniform(0.2, 3, 40)
    held_out = make_problem(task, n_samples=20, seed=1)
    of_classes = dict(zip(problem.y, by_class, strict=True))
    validation = {"X_val": held_out.X, "y_val": held_out.y}
    params = SMALL | {"solver": solver, "loss": loss}
    given = MLPClassifier(class_weight=class_weight, **params).fit(
        problem.X, problem.y, weights, sample_weight_val=weights[:20], **validation
    )
    weights_val = weights[:20] * [of_classes[label] for label in held_out.y]
    expected = MLPClassifier(**params).fit(
        problem.X, problem.y, weights * by_class, sample_weight_val=weights_val, **validation
    )
    same(given, expected)
    assert given.loss_curve_ != MLPClassifier(**params).fit(problem.X, problem.y, weights).loss_curve_


@pytest.mark.parametrize("task", ["multiclass", "binary"])
def test_partial_fit_and_held_out_rows(task):
    problem = make_problem(task, n_samples=60)
    by_class = compute_sample_weight(DICTS[task], problem.y)
    classes = np.unique(problem.y)
    models = MLPClassifier(class_weight=DICTS[task], **SMALL), MLPClassifier(**SMALL)
    for model, weights in zip(models, (None, by_class), strict=True):
        model.partial_fit(problem.X, problem.y, weights, classes=classes)
    same(*models)
    models = [model.set_params(early_stopping=True, validation_fraction=0.4) for model in models]
    for model, weights in zip(models, (None, by_class), strict=True):
        model.fit(problem.X, problem.y, weights)
    same(*models)


@pytest.mark.parametrize("solver", ["gd", "adam", "lbfgs"])
@pytest.mark.parametrize("form", ["balanced", "dicts"])
def test_each_label_is_a_problem_of_its_own(form, solver):
    """Without hidden layers the columns of a multilabel fit are fits of single labels."""
    problem = make_problem("multilabel", n_samples=40)
    weights = np.random.RandomState(0).uniform(0.2, 3, 40)
    rng = np.random.RandomState(1)
    W, b = rng.normal(size=(4, 3)), rng.normal(size=3)
    params = {"hidden_layer_sizes": (), "solver": solver, "shuffle": False, "max_iter": 20, "alpha": 0.01,
              "n_iter_no_change": np.inf, "learning_rate_init": 0.1}  # fmt: skip
    tolerance = 1e-12
    if solver == "lbfgs":
        params |= {"max_iter": 2000, "tol": 1e-12}
        tolerance = 1e-4
    elif solver == "adam":
        params["batch_size"] = 9
    class_weight = "balanced" if form == "balanced" else DICTS["multilabel"]
    model = MLPClassifier(class_weight=class_weight, **params)
    model.fit(problem.X, problem.y, weights, coef_init=[W], intercept_init=[b])
    losses = 0.0
    for j in range(3):
        single = MLPClassifier(class_weight=class_weight if form == "balanced" else class_weight[j], **params)
        start = {"coef_init": [W[:, j : j + 1]], "intercept_init": [b[j : j + 1]]}
        single.fit(problem.X, problem.y[:, j], weights, **start)
        np.testing.assert_allclose(model.coefs_[0][:, j], single.coefs_[0][:, 0], rtol=0, atol=tolerance)
        np.testing.assert_allclose(model.intercepts_[0][j], single.intercepts_[0][0], rtol=0, atol=tolerance)
        losses += np.array(single.loss_curve_[-1])
    np.testing.assert_allclose(model.loss_curve_[-1], losses, rtol=1e-6 if solver == "lbfgs" else 1e-12)


@pytest.mark.parametrize("unweighted", [None, 1])
def test_partial_fit_of_several_labels(unweighted):
    """The loss is the sum of the labels' weighted means; the step takes the weights as they are given."""
    problem = make_problem("multilabel", n_samples=40)
    X, Y = problem.X, problem.y.copy()
    class_weight = [{0: 0.2, 1: 9.0}, {0: 3.0, 1: 0.3}, {0: 2.0, 1: 3.0}]
    if unweighted is not None:  # a label for which no row of this call has a weight
        class_weight[unweighted], Y[:, unweighted] = {0: 0.0, 1: 1.0}, 0
    given = np.random.RandomState(0).uniform(0.2, 3, 40)
    model = MLPClassifier(
        (), solver="minibatch", batch_size=40, momentum=0, alpha=0, learning_rate_init=0.1, class_weight=class_weight,
        random_state=0,
    ).partial_fit(X, Y, given, classes=[0, 1, 2])  # fmt: skip
    W, b = model.coefs_[0].copy(), model.intercepts_[0].copy()
    model.partial_fit(X, Y, given)
    W_new, b_new = model.coefs_[0], model.intercepts_[0]
    weights = given[:, None] * np.where(Y == 1, [w[1] for w in class_weight], [w[0] for w in class_weight])
    p = 1 / (1 + np.exp(-(X @ W + b)))
    losses = -np.where(Y == 1, np.log(p), np.log1p(-p))
    used = [j for j in range(3) if j != unweighted]
    np.testing.assert_allclose(
        model.loss_, sum(np.average(losses[:, j], weights=weights[:, j]) for j in used), rtol=1e-12
    )
    np.testing.assert_allclose(W_new, W - 0.1 * X.T @ (weights * (p - Y)) / 40, rtol=0, atol=1e-13)
    np.testing.assert_allclose(b_new, b - 0.1 * (weights * (p - Y)).mean(axis=0), rtol=0, atol=1e-13)


def test_balanced_counts_labels_that_no_row_has():
    X, Y = np.arange(8.0).reshape(4, 2), np.array([[0, 1], [0, 1], [0, 0], [0, 1]])
    model = MLPClassifier(class_weight="balanced", **SMALL | {"batch_size": 4}).fit(X, Y, X_val=X, y_val=1 - Y)
    assert np.all(np.isfinite(model.validation_loss_curve_))


REFUSED = [
    ("multiclass", [{0: 1}], "must be 'balanced' or a dict from class to weight"),
    ("multiclass", {"ash": 1, "oak": 2}, "No class is 'oak'.*'ash', 'birch', 'cedar'"),
    ("multiclass", {"ash": -1.0}, "finite weights >= 0"),
    ("binary", {"no": np.nan}, "finite weights >= 0"),
    ("binary", {"no": np.inf}, "finite weights >= 0"),
    ("binary", {"no": 0, "yes": 0}, "All weights are zero"),
    ("multilabel", {0: 1, 1: 2}, "one for each label"),
    ("multilabel", [{0: 1}, {1: 2}], "multilabel with 3 labels"),
    ("multilabel", [{0: 1}, {1: 2}, 3], "one for each label"),
    ("binary", {"no": "2", "yes": 1}, "class_weight must hold numbers, got '2' for the class 'no'"),
    ("binary", {"no": 1, "yes": 1j}, "class_weight must hold numbers, got 1j for the class 'yes'"),
    ("binary", {"no": np.timedelta64(2, "s")}, "class_weight must hold numbers, got .* for the class 'no'"),
    ("multilabel", [{0: 1}, {1: None}, {0: 3}], "class_weight must hold numbers, got None for the class 1"),
    ("multilabel", [{0: 1}, {1: 2}, {2: 3}], "No class is 2"),
    ("multilabel", [{0: 1}, {1: 2}, {0: 0, 1: 0}], "All weights of label 2 are zero"),
]


@pytest.mark.parametrize(("task", "class_weight", "message"), REFUSED)
def test_refused(task, class_weight, message):
    problem = make_problem(task)
    model = MLPClassifier(**SMALL | {"batch_size": 5}).fit(problem.X, problem.y)
    before = [coef.copy() for coef in model.coefs_]
    with pytest.raises(ValueError, match=message):
        model.set_params(class_weight=class_weight).fit(problem.X, problem.y)
    for actual, expected in zip(model.coefs_, before, strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_balanced_in_partial_fit():
    problem = make_problem("binary")
    model = MLPClassifier(class_weight="balanced", **SMALL)
    with pytest.raises(ValueError, match="class_weight 'balanced' is not supported for partial_fit. In order to use"):
        model.partial_fit(problem.X, problem.y, classes=["no", "yes"])
    counts = compute_class_weight("balanced", classes=np.unique(problem.y), y=problem.y)
    assert counts[0] != counts[1]


def test_the_message_blames_the_key_that_is_no_class():
    """scikit-learn's names the classes that were left out, which they may be."""
    X, y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 2] * 2)
    with pytest.raises(ValueError, match=r"^No class is 7\. .*classes, which are \[0, 1, 2\]"):
        MLPClassifier(2, class_weight={0: 1, 7: 2}).fit(X, y)


def test_weights_of_classes_are_numbers_of_many_kinds():
    X, y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 2] * 2)
    for two in (2, 2.0, np.float32(2), np.int8(2), np.array(2.0), Decimal(2), Fraction(2)):
        model = MLPClassifier(2, class_weight={0: True, 1: two, 2: np.True_}, max_iter=2, random_state=0)
        expected = MLPClassifier(2, class_weight={1: 2}, max_iter=2, random_state=0)
        assert model.fit(X, y).loss_ == expected.fit(X, y).loss_
