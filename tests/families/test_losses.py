"""Losses: values, gradients and fits against PyTorch, scikit-learn and closed forms."""

from functools import cache

import numpy as np
import pytest
from numba import njit
from scipy.special import expit, log_softmax
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.linear_model import GammaRegressor, HuberRegressor, QuantileRegressor
from sklearn.metrics import d2_pinball_score, mean_gamma_deviance, mean_pinball_loss, mean_poisson_deviance
from sklearn.model_selection import GridSearchCV
from support.problems import make_problem

from skregopt import MLPClassifier, MLPRegressor
from skregopt._kernels import maths
from skregopt._kernels.compiler import DISABLED, KERNEL_OPTIONS
from skregopt.losses import (
    AbsoluteError,
    Focal,
    Gamma,
    Huber,
    LogLoss,
    Loss,
    Poisson,
    Quantile,
    SquaredError,
)

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

DTYPES = ["float32", "float64"]
LBFGS = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0.0, "max_iter": 5000, "tol": 1e-10}


@cache
def compiled(function):
    return function if DISABLED else njit(**KERNEL_OPTIONS)(function)


def evaluate(loss, raw, y, weights, scale=1.0):
    """Call the kernel; returns the loss and the gradient."""
    raw, dtype = np.array(raw), np.asarray(raw).dtype
    arrays = (np.ascontiguousarray(values, dtype=dtype) for values in (y, weights))
    function = compiled(type(loss).evaluate)
    return function(raw, *arrays, dtype.type(scale), loss.hyper_vector(dtype)), raw


# --- values and gradients -------------------------------------------------------------------------------------------


def focal_of(log_p, gamma):
    import torch

    return -((-torch.expm1(log_p)) ** gamma) * log_p


def torch_loss(loss, raw, y):
    """Return the losses of all rows, of shape (n_rows,), or of all entries, written with PyTorch's functions."""
    import torch
    from torch.nn import functional as F

    smoothing = getattr(loss, "label_smoothing", 0.0)
    if isinstance(loss, (LogLoss, Focal)):
        gamma = getattr(loss, "gamma", None)
        if raw.shape[1] > y.shape[1]:
            if gamma is None:
                return F.cross_entropy(raw, y[:, 0].long(), reduction="none", label_smoothing=smoothing)[:, None]
            n_classes = raw.shape[1]
            targets = (1 - smoothing) * F.one_hot(y[:, 0].long(), n_classes).to(raw.dtype) + smoothing / n_classes
            return (targets * focal_of(F.log_softmax(raw, dim=1), gamma)).sum(dim=1, keepdim=True)
        targets = (1 - smoothing) * y + smoothing / 2
        if gamma is None:
            return F.binary_cross_entropy_with_logits(raw, targets, reduction="none")
        yes, no = focal_of(F.logsigmoid(raw), gamma), focal_of(F.logsigmoid(-raw), gamma)
        return targets * yes + (1 - targets) * no
    y = y.expand_as(raw)
    if isinstance(loss, AbsoluteError):
        return F.l1_loss(raw, y, reduction="none") / raw.shape[1]
    if isinstance(loss, Huber):
        return F.huber_loss(raw, y, reduction="none", delta=loss.delta) / raw.shape[1]
    if isinstance(loss, Quantile):
        q = torch.tensor(loss.quantile, dtype=raw.dtype)
        return torch.maximum(q * (y - raw), (q - 1) * (y - raw)) / raw.shape[1]
    if isinstance(loss, SquaredError):
        return F.mse_loss(raw, y, reduction="none") / 2 / raw.shape[1]
    if isinstance(loss, Poisson):
        constant = torch.special.xlogy(y, y) - y
        return (F.poisson_nll_loss(raw, y, reduction="none") + constant) / raw.shape[1]
    assert isinstance(loss, Gamma)
    return (raw - torch.log(y) + y * torch.exp(-raw) - 1) / raw.shape[1]


CASES = [
    *((rule, target) for target in ("binary", "multiclass", "multilabel")
      for rule in (LogLoss(), LogLoss(0.3), Focal(), Focal(0.5), Focal(3.0, 0.1), Focal(0.0, 0.2))),
    *((rule, "continuous") for rule in (AbsoluteError(), Huber(), Huber(0.3), Quantile(0.2), Quantile([0.9, 0.2, 0.5]),
                                        SquaredError(), Poisson(), Gamma())),
]  # fmt: skip


@pytest.mark.torch
@pytest.mark.nojit
@pytest.mark.parametrize(
    ("loss", "target", "weighting"),
    # weights by output are those of labels
    [
        (loss, target, weighting)
        for loss, target in CASES
        for weighting in ("rows", "outputs")
        if weighting == "rows" or target in ("binary", "multilabel")
    ],
    ids=str,
)
def test_values_and_gradients_are_those_of_pytorch(loss, target, weighting):
    torch = pytest.importorskip("torch")
    rng = np.random.RandomState(0)
    n, n_outputs = 40, 1 if target == "binary" else 3
    raw = 3 * rng.normal(size=(n, n_outputs))
    if target == "multiclass":
        y = rng.randint(3, size=(n, 1))
    elif target == "continuous":
        y = rng.exponential(size=(n, 1 if isinstance(loss, Quantile) and np.ndim(loss.quantile) else 3)) + 0.01
    else:
        y = rng.randint(2, size=(n, n_outputs))
    weights = rng.uniform(0.1, 3, (n, n_outputs if weighting == "outputs" else 1))
    value, gradient = evaluate(loss.for_target(target), raw, y, weights, scale=0.7)
    leaf = torch.tensor(raw, requires_grad=True)
    expected = (torch.tensor(weights) * torch_loss(loss, leaf, torch.tensor(y, dtype=torch.float64))).sum()
    expected.backward()
    np.testing.assert_allclose(value, expected.item(), rtol=1e-13)
    np.testing.assert_allclose(gradient, 0.7 * leaf.grad.numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.nojit
@pytest.mark.parametrize(
    "loss, deviance, y",
    [(Poisson(), mean_poisson_deviance, [0.0, 0.3, 1.0, 2.5]), (Gamma(), mean_gamma_deviance, [0.1, 0.3, 1.0, 2.5])],
    ids=["poisson", "gamma"],
)
def test_deviances_are_halves_of_those_of_scikit_learn(loss, deviance, y):
    """Also of targets between 0 and 1, which are no counts."""
    raw, weights = np.array([[-0.5], [0.2], [1.0], [-1.5]]), np.array([[1.0], [2.0], [0.5], [3.0]])
    value, _ = evaluate(loss, raw, np.reshape(y, (-1, 1)), weights)
    expected = weights.sum() * deviance(y, np.exp(raw[:, 0]), sample_weight=weights[:, 0]) / 2
    np.testing.assert_allclose(value, expected, rtol=1e-12)


@pytest.mark.nojit
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("target", ["binary", "multiclass"])
def test_focal_with_gamma_zero_is_log_loss(target, smoothing):
    rng = np.random.RandomState(1)
    raw = 5 * rng.normal(size=(50, 4 if target == "multiclass" else 1))
    y, weights = rng.randint(2, size=(50, 1)), rng.uniform(size=(50, 1))
    focal, log = (rule.for_target(target) for rule in (Focal(0.0, smoothing), LogLoss(smoothing)))
    for actual, expected in zip(evaluate(focal, raw, y, weights), evaluate(log, raw, y, weights), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_classes", [3, 17, 2000])
@pytest.mark.parametrize("weighted", ["alike", "in runs", "differently"])
def test_softmax_of_many_rows(weighted, n_classes, dtype):
    """The logarithm of a product of many sums neither overflows nor mixes up weights."""
    rng = np.random.default_rng(0)
    raw = 3 * rng.standard_normal((200, n_classes)).astype(dtype)
    raw[::2] = 0.0  # the largest sum there is
    y = rng.integers(0, n_classes, 200)
    weights = {"alike": np.full(200, 0.3), "in runs": np.repeat([1.0, 0.5], 100), "differently": rng.random(200)}[
        weighted
    ]
    weights = weights.astype(dtype)
    value, gradient = evaluate(LogLoss().for_target("multiclass"), raw, y[:, None], weights[:, None])
    log_p = log_softmax(raw.astype(np.float64), axis=1)
    tolerance = 1e-6 if dtype == "float32" else 1e-13
    assert value == pytest.approx(-(weights * log_p[np.arange(200), y]).sum(), rel=tolerance)
    expected = weights[:, None] * (np.exp(log_p) - (np.arange(n_classes) == y[:, None]))
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=tolerance)


@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_losses_of_classes_are_finite_and_alike_for_extreme_scores(dtype, gamma, smoothing):
    """A sigmoid is a softmax over two classes whose scores differ by z."""
    z = np.concatenate([[0.0], *([s * 10.0**k] for k in range(-8, 5) for s in (1, -1))]).astype(dtype)
    for rule in (Focal(gamma, smoothing), LogLoss(smoothing)):
        for y in (0, 1):
            one, two = z.reshape(-1, 1), np.c_[np.zeros_like(z), z]
            labels, weights = np.full((z.size, 1), y), np.ones((z.size, 1))
            with np.errstate(under="ignore"):
                value, gradient = evaluate(rule.for_target("binary"), one, labels, weights)
                expected, of_both = evaluate(rule.for_target("multiclass"), two, labels, weights)
            eps = np.finfo(dtype).eps
            # softmax log loss subtracts the target from a probability; nothing cancels in the focal loss
            atol = eps if isinstance(rule, LogLoss) else np.sqrt(np.finfo(dtype).tiny)
            assert np.isfinite(value) and np.all(np.isfinite(gradient)) and np.all(np.isfinite(of_both))
            np.testing.assert_allclose(value, expected, rtol=100 * eps)
            np.testing.assert_allclose(gradient[:, 0], of_both[:, 1], rtol=1e3 * eps, atol=atol)


@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_log_loss_to_units_in_the_last_place(dtype):
    z = np.linspace(-40, 40, 4001).astype(dtype)
    eps = np.finfo(dtype).eps
    for y in (0, 1):
        margin = np.float64(z) * (1 - 2 * y)
        log_p = np.log1p(np.exp(-abs(margin))) + np.maximum(margin, 0)
        for value, expected, slope in zip(z, log_p, (1 - 2 * y) * expit(margin), strict=True):
            actual, gradient = evaluate(LogLoss().for_target("binary"), [[value]], [[y]], [[1.0]])
            assert abs(actual - expected) <= 6 * eps * expected
            assert abs(gradient[0, 0] - slope) <= 6 * eps * abs(slope)
        if DISABLED:
            break


@pytest.mark.skipif(DISABLED, reason="without the compiler it is np.log1p")
@pytest.mark.parametrize("dtype", DTYPES)
def test_log1p(dtype):
    log1p = maths.log1p

    @njit
    def apply(x, out):
        for i in range(x.size):
            out[i] = log1p(x[i])

    x = np.concatenate([np.linspace(0, 1, 100_001), np.geomspace(1e-37, 1, 100_001), [0.41421357, 0.41421355]])
    x = x.astype(dtype)
    out = np.empty_like(x)
    apply(x, out)
    expected = np.log1p(x.astype(np.longdouble))
    error = np.abs(out - expected) / np.spacing(expected.astype(dtype))
    assert error.max() < 3
    apply(np.array([np.nan], dtype), out[:1])
    assert np.isnan(out[0])


# --- fits of linear models ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def line():
    X, y = make_regression(200, 4, n_informative=4, noise=20.0, random_state=0)
    y = y / y.std() + 0.3 * np.random.RandomState(1).standard_t(2, size=200)
    return X, y


@pytest.mark.parametrize("q", [0.05, 0.5, 0.83])
def test_quantile_of_a_constant_is_the_empirical_quantile(q):
    y = np.random.RandomState(0).gamma(2.0, size=101)
    X = np.zeros((101, 1))
    params = {"hidden_layer_sizes": (), "alpha": 0.0, "solver": "gd", "momentum": 0.0, "learning_rate": "invscaling"}
    params |= {"power_t": 1.0, "max_iter": 20000, "n_iter_no_change": np.inf, "random_state": 0}
    model = MLPRegressor(loss=Quantile(q), learning_rate_init=40.0, **params).fit(X, y)
    np.testing.assert_allclose(model.predict(X), np.quantile(y, q), atol=5e-3)


def test_absolute_error_is_median_regression(line):
    X, y = line
    expected = QuantileRegressor(quantile=0.5, alpha=0.0).fit(X, y)
    params = {"hidden_layer_sizes": (), "alpha": 0.0, "solver": "gd", "momentum": 0.0, "learning_rate": "invscaling"}
    model = MLPRegressor(loss="absolute_error", learning_rate_init=1.0, power_t=0.8, max_iter=20000,
                         n_iter_no_change=np.inf, random_state=0, **params).fit(X, y)  # fmt: skip
    np.testing.assert_allclose(model.coefs_[0][:, 0], expected.coef_, atol=1e-3)
    np.testing.assert_allclose(model.intercepts_[0], expected.intercept_, atol=1e-3)


def test_huber_is_that_of_huber_regressor(line):
    """HuberRegressor estimates a scale: its kink is at epsilon * scale_ in units of y."""
    X, y = line
    expected = HuberRegressor(epsilon=1.5, alpha=0.0, max_iter=10000, tol=1e-10).fit(X, y)
    model = MLPRegressor(loss=Huber(1.5 * expected.scale_), random_state=0, **LBFGS).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0][:, 0], expected.coef_, atol=1e-5)
    np.testing.assert_allclose(model.intercepts_[0], expected.intercept_, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [False, True])
def test_gamma_is_that_of_gamma_regressor(weighted, dtype):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 3))
    y = rng.gamma(2.0, np.exp(X @ [0.5, -0.3, 0.0] + 0.2))
    weights = rng.uniform(0.2, 3, 300) if weighted else None
    # scikit-learn's penalty is alpha / 2 ||w||^2 beside half the deviance, as here
    expected = GammaRegressor(alpha=0.1, tol=1e-10, max_iter=10000).fit(X, y, weights)
    model = MLPRegressor(loss="gamma", random_state=0, **LBFGS | {"alpha": 0.1, "dtype": dtype}).fit(X, y, weights)
    tolerance = 1e-5 if dtype == "float64" else 1e-3
    np.testing.assert_allclose(model.coefs_[0][:, 0], expected.coef_, atol=tolerance)
    np.testing.assert_allclose(model.predict(X), expected.predict(X), rtol=10 * tolerance)
    assert model.out_activation_ == "exp"


# --- several quantiles ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_several_quantiles(dtype, line):
    X, y = line
    quantiles = [0.9, 0.1, 0.5]
    params = {
        "hidden_layer_sizes": (20,),
        "max_iter": 100,
        "learning_rate_init": 0.01,
        "dtype": dtype,
        "random_state": 0,
    }
    model = MLPRegressor(loss=Quantile(quantiles), **params).fit(X, y)
    y_pred = model.predict(X)
    assert y_pred.shape == (200, 3) and y_pred.dtype == dtype and model.n_outputs_ == 3
    assert np.all(y_pred[:, 1] <= y_pred[:, 2]) and np.all(y_pred[:, 2] <= y_pred[:, 0])
    share_below = (y[:, None] < y_pred).mean(axis=0)
    np.testing.assert_allclose(share_below, quantiles, atol=0.08)
    weights = np.random.RandomState(0).uniform(size=200)
    expected = np.mean(
        [d2_pinball_score(y, y_pred[:, k], alpha=q, sample_weight=weights) for k, q in enumerate(quantiles)]
    )
    assert model.score(X, y, weights) == pytest.approx(expected, rel=1e-12)
    # the training loss is the mean pinball loss of the outputs before they are sorted, which sorting cannot raise
    raw = (
        np.maximum(X.astype(dtype) @ model.coefs_[0] + model.intercepts_[0], 0) @ model.coefs_[1] + model.intercepts_[1]
    )
    mean_loss = [
        np.mean([mean_pinball_loss(y, Z[:, k], alpha=q) for k, q in enumerate(quantiles)]) for Z in (raw, y_pred)
    ]
    assert mean_loss[1] <= mean_loss[0] + 1e-7
    np.testing.assert_allclose(y_pred[:, [1, 2, 0]], np.sort(raw, axis=1), rtol=1e-4, atol=1e-4)


@pytest.mark.nojit
def test_columns_cross_before_they_are_sorted():
    """Otherwise the test above would pass without sorting."""
    model = MLPRegressor((), loss=Quantile([0.9, 0.1]), max_iter=1, random_state=0).fit([[0.0], [1.0]], [0.0, 1.0])
    model.coefs_, model.intercepts_ = [np.array([[1.0, -1.0]])], [np.zeros(2)]
    np.testing.assert_array_equal(model.predict([[2.0], [-3.0]]), [[2, -2], [3, -3]])


def test_a_sequence_of_one_quantile_is_a_column(line):
    X, y = line
    params = {"hidden_layer_sizes": 3, "max_iter": 3, "random_state": 0}
    one, column = (MLPRegressor(loss=Quantile(q), **params).fit(X, y) for q in (0.3, [0.3]))
    assert one.predict(X).shape == (200,) and column.predict(X).shape == (200, 1)
    assert one.score(X, y) == column.score(X, y)
    np.testing.assert_array_equal(one.coefs_[0], column.coefs_[0])


@pytest.mark.nojit
def test_score_of_one_quantile(line):
    X, y = line
    model = MLPRegressor((), loss=Quantile(0.8), max_iter=5, random_state=0).fit(X, y)
    assert model.score(X, y) == d2_pinball_score(y, model.predict(X), alpha=0.8)
    Y = np.c_[y, -y]
    model = MLPRegressor((), loss=Quantile(0.8), max_iter=5, random_state=0).fit(X, Y)
    assert model.score(X, Y) == d2_pinball_score(Y, model.predict(X), alpha=0.8)


def test_parameters_of_losses_are_searched(line):
    X, y = line
    model = MLPRegressor((), loss=Quantile([0.2, 0.8]), max_iter=3, random_state=0)
    assert clone(model).loss.quantile == [0.2, 0.8]
    search = GridSearchCV(model, {"loss__quantile": [0.3, [0.1, 0.9]]}, cv=2).fit(X, y)
    assert np.all(np.isfinite(search.cv_results_["mean_test_score"]))
    X, labels = X, (y > 0).astype(int)
    model = MLPClassifier((), loss=Focal(), max_iter=3, random_state=0)
    search = GridSearchCV(model, {"loss__gamma": [0.0, 5.0], "loss__label_smoothing": [0.1]}, cv=2).fit(X, labels)
    assert search.best_estimator_.loss.label_smoothing == 0.1


# --- label smoothing ------------------------------------------------------------------------------------------------


@pytest.mark.nojit
@pytest.mark.parametrize("task", ["multiclass", "binary", "multilabel"])
@pytest.mark.parametrize("loss", ["log_loss", "focal"])
def test_label_smoothing_by_name_is_that_of_the_component(loss, task):
    problem = make_problem(task, n_samples=40)
    rule = {"log_loss": LogLoss, "focal": Focal}[loss]
    params = {"hidden_layer_sizes": 3, "max_iter": 5, "random_state": 0, "alpha": 0.0, "learning_rate_init": 0.01}
    flat, instance, without = (
        MLPClassifier(**how, **params).fit(problem.X, problem.y, X_val=problem.X, y_val=problem.y)
        for how in ({"loss": loss, "label_smoothing": 0.2}, {"loss": rule(label_smoothing=0.2)}, {"loss": loss})
    )
    assert flat.loss_curve_ == instance.loss_curve_
    assert flat.validation_loss_curve_ == instance.validation_loss_curve_
    assert flat.validation_loss_curve_ != without.validation_loss_curve_
    if loss == "log_loss" and task == "multiclass":  # the validation loss of the final weights, from its formula
        raw = np.log(flat.predict_proba(problem.X))
        targets = 0.8 * problem.Y + 0.2 / 3
        expected = -(targets * log_softmax(raw, axis=1)).sum(axis=1).mean()
        np.testing.assert_allclose(flat.validation_loss_curve_[-1], expected, rtol=1e-12)


def test_label_smoothing_bounds_confidence():
    """With separable classes the fitted probabilities are the smoothed targets."""
    X = np.eye(3)
    model = MLPClassifier(label_smoothing=0.3, random_state=0, **LBFGS).fit(X, [0, 1, 2])
    np.testing.assert_allclose(model.predict_proba(X), 0.7 * np.eye(3) + 0.1, atol=1e-4)
    model = MLPClassifier(label_smoothing=0.3, random_state=0, **LBFGS).fit([[0.0], [1.0]], [0, 1])
    np.testing.assert_allclose(model.predict_proba([[0.0], [1.0]]), [[0.85, 0.15], [0.15, 0.85]], atol=1e-4)


# --- bad input ------------------------------------------------------------------------------------------------------

X2 = np.arange(12.0).reshape(6, 2) / 12
POSITIVE = np.arange(1.0, 7)


@pytest.mark.nojit
@pytest.mark.parametrize(
    "quantile", [0.0, 1.0, -0.1, np.nan, "median", None, [], [0.5, 1.0], [0.2, 0.2], ["a"], [[0.5]]]
)
def test_bad_quantiles(quantile):
    with pytest.raises(ValueError, match="The 'quantile' parameter of Quantile must be"):
        MLPRegressor(loss=Quantile(quantile)).fit(X2, POSITIVE)


@pytest.mark.parametrize(
    ("loss", "name"),
    [(Huber(0.0), "delta"), (Huber(np.inf), "delta"), (Huber("1"), "delta")],
)
def test_bad_parameters_of_losses(loss, name):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of {type(loss).__name__} must be"):
        MLPRegressor(loss=loss).fit(X2, POSITIVE)


@pytest.mark.parametrize("loss", [Focal(-1.0), Focal(label_smoothing=1.0), LogLoss(label_smoothing=-0.1)])
def test_bad_parameters_of_losses_of_classes(loss):
    with pytest.raises(ValueError, match=f"parameter of {type(loss).__name__} must be"):
        MLPClassifier(loss=loss).fit(X2, [0, 1] * 3)


@pytest.mark.nojit
@pytest.mark.parametrize("loss", ["gamma", Gamma()])
def test_gamma_requires_positive_targets(loss):
    for bad in (0.0, -1.0):
        y = POSITIVE.copy()
        y[2] = bad
        with pytest.raises(ValueError, match="loss='gamma' requires positive y, got y with a minimum of"):
            MLPRegressor(loss=loss).fit(X2, y)
        with pytest.raises(ValueError, match="y_val cannot be used: loss='gamma' requires positive y"):
            MLPRegressor(loss=loss).fit(X2, POSITIVE, X_val=X2, y_val=y)


def test_several_quantiles_of_several_columns():
    with pytest.raises(ValueError, match=r"quantile=\[0.1, 0.9\] requires a y of one column, got one with 2"):
        MLPRegressor(loss=Quantile([0.1, 0.9])).fit(X2, np.c_[POSITIVE, POSITIVE])


@pytest.mark.parametrize(
    ("model", "y"), [(MLPRegressor(loss=Focal()), POSITIVE), (MLPClassifier(loss=Huber()), [0, 1] * 3)]
)
def test_losses_of_the_other_task(model, y):
    with pytest.raises(ValueError, match="loss=.* is for .* targets, not for"):
        model.fit(X2, y)


def test_label_smoothing_beside_an_instance():
    with pytest.raises(ValueError, match=r"label_smoothing=0.1 has no effect because loss=Focal\(\)"):
        MLPClassifier(loss=Focal(), label_smoothing=0.1).fit(X2, [0, 1] * 3)

    class Own(Loss):
        pass

    with pytest.raises(ValueError, match=r"label_smoothing=0.1 has no effect with loss=Own\(\)"):
        MLPClassifier(loss=Own(), label_smoothing=0.1).fit(X2, [0, 1] * 3)
