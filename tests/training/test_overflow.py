"""Finite weights whose predictions overflow: fits that end with such weights, and what excludes them."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.model_selection import PredefinedSplit
from support.training_data import make_data

from skregopt import MLPClassifier, MLPRegressor
from skregopt._engine.blocks import NORMALISATIONS
from skregopt._engine.network import Network, Rows
from skregopt._engine.overflow import excludes_overflow
from skregopt._engine.source import Source
from skregopt._kernels import jit as _jit
from skregopt._training import evaluation
from skregopt.activations import ACTIVATIONS, ELU, LeakyReLU, ReLU
from skregopt.losses import LOSSES, FocalSigmoid, FocalSoftmax, Gamma, SigmoidLogLoss, SoftmaxLogLoss, SquaredError
from skregopt.penalties import L2

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# --- fits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("solver", ["gd", "minibatch", "muon"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_fit_is_sound_or_refused(solver, method, early_stopping):
    """The loss of an epoch is met before its last update, so that the weights to keep were never evaluated."""
    if method == "partial_fit" and early_stopping:
        return
    X = 50 * np.random.RandomState(7).randn(80, 5).astype("f4")
    y = np.arange(80) % 3
    n_refused = 0
    for rate, n_epochs in itertools.product(np.geomspace(0.1, 1e9, 12), (2, 5)):
        model = MLPClassifier(20, solver=solver, learning_rate_init=rate, max_iter=n_epochs, random_state=0)
        model.set_params(early_stopping=early_stopping)
        try:
            if method == "fit":
                model.fit(X, y)
            for _ in range(n_epochs if method == "partial_fit" else 0):
                model.partial_fit(X, y, classes=[0, 1, 2])
        except ValueError as error:
            assert str(error).startswith("Solver produced non-finite parameter weights")
            assert "learning_rate_init" in str(error)
            n_refused += 1
        if hasattr(model, "coefs_"):
            assert np.isfinite(model.predict_proba(X)).all(), (rate, n_epochs)
    assert n_refused or early_stopping or solver == "muon"


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(("loss", "y"), [("poisson", [1.0, 5.0]), ("gamma", [1.0, 1e-3])])
def test_exponentials_that_overflow_after_the_last_update(loss, y, method):
    X = np.array([[0.0], [-1e4]])
    start = {"coefs_": [np.array([[0.0]])], "intercepts_": [np.array([0.0])]}
    model = MLPRegressor((), loss=loss, solver="gd", learning_rate_init=0.1, max_iter=1, alpha=0.0)
    if method == "fit":
        with pytest.raises(ValueError, match="^Solver produced non-finite"):
            model.fit(X, y, coef_init=start["coefs_"], intercept_init=start["intercepts_"])
        return
    model.partial_fit(X[:1], [1.0])
    vars(model).update(start)
    with pytest.raises(ValueError, match="^Solver produced non-finite"):
        model.partial_fit(X, y)
    assert model.coefs_ is start["coefs_"] and len(model.loss_curve_) == 1


@pytest.mark.parametrize("growth", ["exponential", None])
@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_predictions_that_overflow_where_the_loss_does_not(early_stopping, is_sparse, growth, monkeypatch):
    """The gamma deviance takes z, and exp(-z), where the prediction is exp(z)."""
    monkeypatch.setattr(Gamma, "growth", growth)
    rng = np.random.RandomState(0)
    X = rng.rand(500, 3) * [1, 100, 1e4]
    y = rng.gamma(2, X[:, 0] * 10 + 1)
    X = sp.csr_matrix(X) if is_sparse else X
    model = MLPRegressor(loss="gamma", solver="lbfgs", random_state=0, early_stopping=early_stopping)
    with pytest.raises(ValueError, match="^Solver produced non-finite.*Standardise the features"):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize("weight", [0.0, 1.0])
@pytest.mark.parametrize("position", [0, 600])
def test_only_rows_with_weight_have_to_be_predicted(position, weight):
    X = np.zeros((1000, 1))
    X[position] = 1e4
    sample_weight = np.ones(1000)
    sample_weight[position] = weight
    model = MLPRegressor((), loss="gamma", solver="gd", learning_rate_init=1e-9, max_iter=1, alpha=0.0)
    start = {"coef_init": [np.ones((1, 1))], "intercept_init": [np.zeros(1)]}
    if weight:
        with pytest.raises(ValueError, match="^Solver produced non-finite"):
            model.fit(X, np.ones(1000), sample_weight, **start)
    else:
        model.fit(X, np.ones(1000), sample_weight, **start)


def test_held_out_rows_are_rows_of_the_fit():
    X = np.zeros((30, 1))
    X[0] = 1e4
    model = MLPRegressor((), loss="gamma", solver="gd", learning_rate_init=1e-9, max_iter=1, early_stopping=True)
    model.set_params(validation_fraction=PredefinedSplit([0] * 5 + [-1] * 25))
    start = {"coef_init": [np.ones((1, 1))], "intercept_init": [np.zeros(1)]}
    with pytest.raises(ValueError, match="^Solver produced non-finite"):
        model.fit(X, np.ones(30), **start)
    is_near = (X[:, 0] == 0).astype(float)
    model.set_params(validation_fraction=0.1)
    model.fit(
        X, np.ones(30), is_near, X_val=X[1:6], y_val=np.ones(5), **start
    )  # those of the user have an X of their own


def test_a_quick_look_is_at_the_first_rows_only():
    """After an interruption."""
    X = np.zeros((40_000, 1))
    X[-1] = 1e4
    network = Network([1, 1], X.dtype, [], Gamma(), L2())
    rows = Rows(Source(X), np.arange(40_000)[::-1].copy(), np.ones_like(X), np.ones_like(X), 40_000.0)
    theta = np.array([1.0, 0.0])
    assert evaluation.is_sound(network, theta, [rows], quickly=True)
    assert not evaluation.is_sound(network, theta, [rows])


@pytest.mark.parametrize(("kind", "dtype"), itertools.product((MLPClassifier, MLPRegressor), ("float32", "float64")))
def test_predictions_that_overflow_raise(kind, dtype):
    X, y = make_data(kind)
    model = kind(5, dtype=dtype, max_iter=2, random_state=0).fit(X, y)
    model.coefs_ = [100 * coef for coef in model.coefs_]
    rows = np.finfo(dtype).max * np.array([[1, -1, 1, -1]], dtype)
    with pytest.raises(ValueError, match="X contains values too large.*Scale X") as caught:
        model.predict(rows)
    assert ("dtype='float64'" in str(caught.value)) == (dtype == "float32")
    with pytest.raises(ValueError, match="too large"):
        kind(5, dtype="float32", max_iter=2, random_state=0).fit(X, y).predict(1e300 * X)
    assert model.predict(X).shape == y.shape


def as_compiled(rule, name, dtype):
    """Return a kernel of a rule as training calls it."""
    return _jit.entry_point(getattr(type(rule), name), rule.signatures[name](_jit.scalar_type(np.dtype(dtype))))


# --- what excludes it ---------------------------------------------------------------------------------------------


def test_the_loss_is_evaluated_only_where_it_may_overflow(monkeypatch):
    calls = []
    monkeypatch.setattr(evaluation, "mean_loss", lambda *arguments: calls.append(arguments) or 0.0)
    for kind in (MLPClassifier, MLPRegressor):
        X, y = make_data(kind)
        for params in ({}, {"solver": "lbfgs"}, {"batch_norm": True}, {"layer_norm": True}, {"dropout": 0.5}):
            kind((20, 20), max_iter=3, random_state=0, **params).fit(X.astype("f4"), y)
    assert not calls
    MLPRegressor((20, 20), max_iter=3, random_state=0).fit((1e15 * X).astype("f4"), y)
    assert len(calls) == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "rule", [*(rule() for rule in ACTIVATIONS.values()), LeakyReLU(3.0), ELU(7.0)], ids=lambda rule: repr(rule)
)
def test_linear_bound_of_an_activation(rule, dtype):
    magnitudes = np.concatenate([np.geomspace(1e-30, 1e15, 2001), np.linspace(0, 30, 2001)])
    z = np.concatenate([-magnitudes, magnitudes]).astype(dtype)
    a = z.copy()
    as_compiled(rule, "activate", dtype)(a, np.empty_like(z) if rule.saves else z[:0], rule.hyper_vector(dtype))
    slope, offset = rule.linear_bound
    assert np.all(np.abs(a) <= (slope * np.abs(z) + offset) * (1 + 4 * np.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "loss",
    [SoftmaxLogLoss(), SigmoidLogLoss(), FocalSoftmax(), FocalSigmoid()]
    + [rule() for name, rule in LOSSES.items() if name not in ("log_loss", "focal")],
    ids=lambda loss: type(loss).__name__,
)
def test_growth_of_a_loss(loss, dtype):
    n_outputs = 3 if loss.out_activation == "softmax" else 1
    largest = {"polynomial": 1e15 if dtype == np.float32 else 1e100, "exponential": np.log(np.finfo(dtype).max) / 2}
    raw = np.zeros((4, n_outputs), dtype)
    raw[:, 0] = np.array([1, -1, 1e-3, -1e-3]) * largest[loss.growth]
    evaluate, invert_link = (as_compiled(loss, name, dtype) for name in ("evaluate", "invert_link"))
    y, weights = np.ones((4, 1), dtype), np.ones((4, 1), dtype)
    assert np.isfinite(evaluate(raw.copy(), y, weights, dtype(1), loss.hyper_vector(dtype)))
    invert_link(raw, loss.hyper_vector(dtype))
    assert np.isfinite(raw).all()


@pytest.mark.parametrize("normalisation", [None, "batch_norm", "layer_norm"])
def test_bound_holds_for_every_hidden_layer(normalisation):
    rng = np.random.RandomState(0)
    network = Network(
        [5, 8, 8, 2], np.dtype(float), [ReLU(), ELU(3.0)], SquaredError(), L2(), dropout=(0.5, 0.5),
        normalisation=NORMALISATIONS.get(normalisation),
    )  # fmt: skip
    layout = network.layout
    for scale in (0.1, 1.0, 100.0):
        theta = scale * rng.randn(layout.size)
        theta[layout.n_parameters :] = np.abs(theta[layout.n_parameters :])
        X = scale * rng.randn(30, 5)
        norm, h, views = Source(X).largest_norm(), X, layout.views(theta)
        assert norm >= np.linalg.norm(X, axis=1).max()
        trained, running = (np.linalg.norm(part) for part in np.split(theta, [layout.n_parameters]))
        for layer, blocks in enumerate(network.blocks):
            for block in blocks:
                norm = block.bound(norm, layout.widths[layer + 1], trained, running)
            h = h @ views["coefs_"][layer] + views["intercepts_"][layer]
            if layer < 2:
                h = _normalised(h, normalisation, {name: of_layer[layer] for name, of_layer in views.items()})
                h = np.maximum(h, 0) if layer == 0 else np.where(h > 0, h, 3 * np.expm1(np.minimum(h, 0)))
            assert np.linalg.norm(h, axis=1).max() <= norm


def _normalised(h, normalisation, vectors):
    if normalisation == "batch_norm":
        means, deviations = vectors["batch_norm_means_"], np.sqrt(vectors["batch_norm_variances_"] + 1e-5)
        return (h - means) / deviations * vectors["batch_norm_scales_"] + vectors["batch_norm_shifts_"]
    if normalisation == "layer_norm":
        h = (h - h.mean(axis=1, keepdims=True)) / np.sqrt(h.var(axis=1, keepdims=True) + 1e-5)
        return h * vectors["layer_norm_scales_"] + vectors["layer_norm_shifts_"]
    return h


@pytest.mark.parametrize("bad", ["activation", "loss", "theta", "X"])
def test_unknown_rules_and_huge_numbers_exclude_nothing(bad):
    rule, loss = ReLU(), SquaredError()
    network = Network([5, 8, 1], np.dtype(np.float32), [rule], loss, L2())
    theta, norm = np.ones(network.layout.size, np.float32), 10.0
    assert excludes_overflow(network, theta, norm)
    if bad == "activation":
        rule.linear_bound = None
    elif bad == "loss":
        loss.growth = None
    elif bad == "theta":
        theta[3] = np.nan
    else:
        norm = 1e30
    assert not excludes_overflow(network, theta, norm)
