"""Embeddings and trainable activations in training: early stopping, warm_start, L-BFGS, penalties, dropout, precision.

Steps are compared in ``test_twin_embeddings.py`` and ``test_torch_embeddings.py``, gradients in
``test_embedding_gradients.py``; ``fit`` with ``partial_fit`` and several threads with one in the tables of those.
"""

import copy

import numpy as np
import pytest
from sklearn.base import clone
from support.differences import central_differences
from support.embeddings import FORMULAS
from support.processes import run
from support.states import parameters, plain, weights
from support.training_data import BOTH, make_data, small
from twin import activations as twin_activations
from twin.draws import batch_masks, dropout_mask

from skregopt import MLPClassifier, MLPRegressor
from skregopt._engine.blocks import blocks_of
from skregopt._engine.network import Network
from skregopt._training import lbfgs
from skregopt.activations import ACTIVATIONS, Trainable
from skregopt.embeddings import Periodic, PiecewiseLinear

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RULES = {
    "periodic": {"feature_embedding": "periodic", "activation": Trainable("mish")},
    "piecewise_linear": {"feature_embedding": PiecewiseLinear(5, 3, columns=[0, 2]), "activation": Trainable("relu")},
}
each_rule = pytest.mark.parametrize("params", RULES.values(), ids=RULES)


def make(kind, n_samples=80, **params):
    X, y = make_data(kind, n_samples)
    return small(kind, **params), X, y


def inputs(model, X):
    """Return what the first product gets, by NumPy."""
    columns = list(model.embedded_columns_)
    rule = model._embedding["rule"]
    formula = FORMULAS["periodic" if isinstance(rule, Periodic) else "piecewise_linear"]
    names = [vector.attribute for vector in rule.vectors]
    parts = [X[:, [j for j in range(X.shape[1]) if j not in columns]]]
    for k, column in enumerate(columns):
        parts.append(formula(X[:, column], {name: getattr(model, name)[k] for name in names}))
    return np.hstack(parts)


def features(model):
    """Return the column of X that each row of the first matrix is of."""
    columns = list(model.embedded_columns_)
    passed = [j for j in range(model.n_features_in_) if j not in columns]
    return np.array(passed + [j for j in columns for _ in range(model._embedding["rule"].n_outputs)])


# --- where training ends ---------------------------------------------------------------------------------------------


@each_rule
@BOTH
def test_early_stopping_restores_embeddings_and_scales(kind, params):
    scores = iter([0.1, 0.9, 0.3, 0.2, 0.1])
    model, X, y = make(kind, **params)
    of_scorer = {"early_stopping": True, "scoring": lambda *_: next(scores)}
    stopped = clone(model).set_params(max_iter=5, **of_scorer).fit(X, y, X_val=X[:9], y_val=y[:9])
    assert stopped.best_iter_ == 2 and stopped.n_iter_ == 5
    best = clone(model).set_params(max_iter=2).fit(X, y)
    assert weights(stopped) == weights(best)
    assert plain(stopped.predict(X)) == plain(best.predict(X))
    assert weights(best) != weights(clone(model).set_params(max_iter=5).fit(X, y))


@each_rule
def test_averages_of_early_stopping(params):
    """What is validated and kept are the averaged arrays."""
    model, X, y = make(MLPRegressor, max_iter=4, ema_decay=0.9, early_stopping=True, **params)
    model.fit(X, y, X_val=X, y_val=y)
    loss = ((model.predict(X) - y) ** 2).mean() / 2
    assert loss == pytest.approx(min(model.validation_loss_curve_), rel=1e-9)
    without = clone(model).set_params(ema_decay=None).fit(X, y, X_val=X, y_val=y)
    assert all(plain(a) != plain(b) for a, b in zip(model.activation_scales_, without.activation_scales_, strict=True))


@each_rule
@pytest.mark.nojit
@pytest.mark.parametrize("incremental", [False, True])
def test_warm_start_goes_on(params, incremental):
    steps = {"solver": "gd", "momentum": 0.0, "tol": 0, "n_iter_no_change": 99}
    model, X, y = make(MLPRegressor, warm_start=True, max_iter=7, **steps, **params)
    whole = clone(model).fit(X, y)
    model.set_params(max_iter=3).fit(X, y)
    for _ in range(4):
        model.partial_fit(X, y) if incremental else model.set_params(max_iter=1).fit(X, y)
    assert weights(model) == weights(whole)
    assert plain(model.loss_curve_) == plain(whole.loss_curve_)


def test_warm_start_keeps_the_bins_of_the_first_rows():
    model, X, y = make(MLPRegressor, warm_start=True, max_iter=2, feature_embedding="piecewise_linear")
    bins = plain(model.fit(X, y).embedding_bins_)
    assert plain(model.fit(3 * X + 1, y).embedding_bins_) == bins
    assert plain(model.partial_fit(5 * X[:3], y[:3]).embedding_bins_) == bins


@pytest.mark.parametrize("incremental", [False, True])
@pytest.mark.parametrize(
    ("before", "now"),
    [
        (None, "periodic"),
        ("periodic", None),
        ("periodic", "piecewise_linear"),
        (Periodic(8), Periodic(9)),
        (PiecewiseLinear(columns=[0, 1]), PiecewiseLinear(columns=[0, 2])),
        (Periodic(), Periodic(columns=[0, 1, 2, 3])),
    ],
    ids=str,
)
def test_another_embedding_than_before(before, now, incremental):
    model, X, y = make(MLPRegressor, warm_start=True, max_iter=2, feature_embedding=before)
    state = weights(model.fit(X, y))
    model.set_params(feature_embedding=now)
    with pytest.raises(ValueError, match="feature_embedding=.* differs from .* Give feature_embedding its former"):
        model.partial_fit(X, y) if incremental else model.fit(X, y)
    assert weights(model) == state
    model.set_params(feature_embedding=copy.deepcopy(before)).fit(X, y)
    assert weights(model) != state
    model.set_params(warm_start=False, feature_embedding=now).fit(X, y)


def test_equal_embeddings_are_the_same():
    model, X, y = make(MLPRegressor, warm_start=True, max_iter=2, feature_embedding="periodic")
    model.fit(X, y).set_params(feature_embedding=Periodic()).fit(X, y)
    model = make(MLPRegressor, warm_start=True, feature_embedding=Periodic(columns=[0, 1]))[0].fit(X, y)
    model.set_params(feature_embedding=Periodic(columns=np.array([0, 1]))).fit(X, y)


@pytest.mark.parametrize("incremental", [False, True])
@pytest.mark.parametrize(
    ("before", "now", "layer"),
    [
        (Trainable("tanh"), "tanh", 0),
        (["relu", Trainable("tanh")], ["relu", "tanh"], 1),
        ([Trainable("relu"), "tanh"], ["relu", Trainable("tanh")], 0),
    ],
    ids=str,
)
def test_scales_are_not_dropped(before, now, layer, incremental):
    shape = {"hidden_layer_sizes": (5, 4), "warm_start": True, "max_iter": 2}
    model, X, y = make(MLPRegressor, activation=before, **shape)
    state = weights(model.fit(X, y))
    model.set_params(activation=now)
    with pytest.raises(ValueError, match=rf"would drop activation_scales_\[{layer}\] .*Use Trainable\(.*there, or fit"):
        model.partial_fit(X, y) if incremental else model.fit(X, y)
    assert weights(model) == state


@pytest.mark.parametrize("incremental", [False, True])
@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("tanh", Trainable("tanh")),
        (["tanh", Trainable("tanh")], Trainable("tanh")),
        ([Trainable("tanh"), "tanh"], Trainable("tanh")),
    ],
    ids=str,
)
def test_activations_that_become_trainable_start_as_they_are(before, now, incremental):
    shape = {"hidden_layer_sizes": (5, 4), "warm_start": True, "max_iter": 2}
    model, X, y = make(MLPRegressor, activation=before, **shape)
    expected = model.fit(X, y).predict(X)
    model.set_params(activation=now, learning_rate_init=1e-300)
    model.partial_fit(X, y) if incremental else model.fit(X, y)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-13)
    assert [scales.size for scales in model.activation_scales_] == [5, 4]
    model.set_params(learning_rate_init=0.01).fit(X, y)
    assert all(np.all(scales != 1) for scales in model.activation_scales_)


# --- solvers ---------------------------------------------------------------------------------------------------------


@BOTH
@each_rule
def test_lbfgs_minimises_over_all_that_is_trained(kind, params):
    model, X, y = make(kind, solver="lbfgs", max_iter=60, **params)
    start = clone(model).set_params(max_iter=1, max_fun=1).fit(X, y)
    model.fit(X, y)
    assert model.loss_ < 0.2 * model.loss_curve_[0]
    for name in vars(model):
        if name.startswith("embedding_") or name == "activation_scales_":
            moves = [plain(a) != plain(b) for a, b in zip(getattr(model, name), getattr(start, name), strict=True)]
            assert all(moves) == any(moves) == (name != "embedding_bins_"), name


@each_rule
def test_objective_of_lbfgs(monkeypatch, params):
    """SciPy gets the gradient of the objective by what is trained, and zeros for what stays, which ends the vector."""
    received = {}

    def record(objective, theta, **_):
        received["gradient"] = objective(theta)[1].copy()
        received["differences"] = central_differences(lambda v: objective(v)[0], theta, 1e-5)
        raise StopIteration

    monkeypatch.setattr(lbfgs, "minimize", record)
    model, X, y = make(MLPClassifier, solver="lbfgs", alpha=0.3, **params)
    model.set_params(activation=Trainable("mish"))
    with pytest.raises(StopIteration):
        model.fit(X, y, np.linspace(1, 2, len(X)))
    expected = clone(model).set_params(solver="adam", max_iter=1).fit(X, y)
    n_constants = sum(bins.size for bins in getattr(expected, "embedding_bins_", []))
    gradient, n_trained = received["gradient"], sum(array.size for array in parameters(expected)) - n_constants
    assert gradient.size == n_trained + n_constants and not gradient[n_trained:].any()
    np.testing.assert_allclose(gradient[:n_trained], received["differences"][:n_trained], rtol=1e-6, atol=1e-7)


# --- penalties and limits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "minibatch", "muon"])
@pytest.mark.parametrize(
    "embedding", ["periodic", PiecewiseLinear(columns=[0, 1, 5]), Periodic(columns=[4, 0])], ids=str
)
def test_group_lasso_drops_whole_features(solver, embedding):
    X, _ = make_data(MLPRegressor, n_samples=200, n_features=6)
    y = np.sin(2 * X[:, 0]) + X[:, 1]
    params = {"alpha": 0.03, "l1_ratio": 0.9, "max_iter": 100, "solver": solver, "tol": 0, "warm_start": True}
    model = small(MLPRegressor, penalty="group_l1", feature_embedding=embedding, **params).fit(X, y)
    W, of_feature = model.coefs_[0], features(model)
    groups = [W[of_feature == j] for j in range(6)]
    dropped = np.array([not group.any() for group in groups])
    assert dropped[2:].any() and not dropped[:2].any()
    assert all(group.any(axis=1).all() for group in groups if group.any())  # all rows of a feature, or none
    np.testing.assert_array_equal(model.feature_importances_ == 0, dropped)
    norms = [np.sqrt(group.size) * np.linalg.norm(group) for group in groups]
    value = 0.03 * (0.9 * sum(norms) + 0.05 * sum((coef**2).sum() for coef in model.coefs_))
    loss = ((model.predict(X) - y) ** 2).mean() / 2
    model.set_params(max_iter=1, learning_rate_init=1e-300).fit(X, y)  # weights stay, and the curve shows their loss
    assert model.loss_ == pytest.approx(loss + value, rel=1e-12)


def test_l1_sets_weights_to_zero_and_leaves_the_embedding():
    model, X, y = make(MLPRegressor, penalty="l1", alpha=0.03, max_iter=200, feature_embedding="periodic", tol=0)
    model.fit(X, y)
    assert 0.2 < model.sparsity_ < 1
    assert model.n_nonzero_ == sum(np.count_nonzero(coef) for coef in model.coefs_)
    assert all(array.all() for name in vars(model) if name.startswith("embedding_") for array in getattr(model, name))


@each_rule
def test_a_large_penalty_and_decay_leave_the_embedding_where_it_is(params):
    """They act on ``coefs_`` alone: with frozen vectors and a constant target, nothing else moves."""
    frozen = {"intercepts": 0, "embedding": 0, "activation": 0}
    model, X, y = make(MLPRegressor, learning_rate_factors=frozen, max_iter=3, alpha=1.0, **params)
    start = clone(model).set_params(learning_rate_init=1e-300).fit(X, y)
    model.set_params(weight_decay=0.5, max_norm=0.1).fit(X, y)
    for name in vars(model):
        if name.startswith("embedding_") or name == "activation_scales_":
            assert plain(getattr(model, name)) == plain(getattr(start, name))
    assert max(np.linalg.norm(coef, axis=0).max() for coef in model.coefs_) < 0.1 + 1e-12


@each_rule
def test_importances_are_by_feature(params):
    model, X, y = make(MLPRegressor, layer_norm=True, **params)
    model.fit(X, y)
    scaled = model.coefs_[0] * np.abs(model.layer_norm_scales_[0])
    rows = [np.linalg.norm(scaled[features(model) == j], axis=1) for j in range(4)]
    norms = np.array([np.sqrt(np.mean(of_feature**2)) for of_feature in rows])
    np.testing.assert_allclose(model.feature_importances_, norms / norms.sum(), rtol=1e-12)
    changed = [coef.copy() for coef in model.coefs_]
    changed[0][features(model) == 2] = 0
    model.coefs_ = changed
    assert (model.feature_importances_ == 0).tolist() == [False, False, True, False]


@pytest.mark.parametrize("columns", [[3, 4, 5], [0, 4]], ids=str)
@pytest.mark.parametrize("rule", [Periodic, PiecewiseLinear])
def test_embedded_features_are_not_more_important_by_their_number_of_rows(rule, columns):
    X = np.random.RandomState(1).normal(size=(1000, 6))
    params = {"learning_rate": "one_cycle", "learning_rate_init": 0.01, "max_iter": 100, "n_iter_no_change": 100}
    model = MLPRegressor((32,), feature_embedding=rule(columns=columns), random_state=1, **params)
    model.fit(X, 2 * X[:, 0] + X[:, 1])
    noise = model.feature_importances_[2:]
    assert model.feature_importances_[0] > noise.max() and noise.max() < 2 * noise.min()


# --- dropout ---------------------------------------------------------------------------------------------------------


@each_rule
def test_dropout_of_inputs_drops_features(params):
    """The loss of an epoch is the loss with features dropped, as a whole, and others divided by what is kept."""
    model, X, y = make(MLPRegressor, input_dropout=0.4, max_iter=1, learning_rate_init=1e-300, **params)
    model.set_params(alpha=0, hidden_layer_sizes=(), activation="relu").fit(X, y)
    mask = dropout_mask(model._seed, 0, range(len(X)), -1, 4, 0.4)
    assert set(np.unique(mask)) == {0, 1 / 0.6}
    raw = (inputs(model, X) * mask[:, features(model)]) @ model.coefs_[0] + model.intercepts_[0]
    assert model.loss_ == pytest.approx(((raw.ravel() - y) ** 2).mean() / 2, rel=1e-12)


@each_rule
def test_draws_drop_features(params):
    model, X, y = make(MLPRegressor, input_dropout=0.4, dropout=0.3, max_iter=5, **params)
    model.fit(X, y)
    draws, of_feature = [], features(model)
    for draw in range(4):
        on_inputs, on_hidden = batch_masks(model._seed, -1, [draw], [4, 6, 1], 0.3, 0.4)
        view = copy.deepcopy(model)
        first = view.coefs_[0] * on_inputs[0, of_feature][:, None]
        view.coefs_ = [first, view.coefs_[1] * on_hidden[0][0][:, None]]
        draws.append(view.predict(X))
    mean, std = model.predict(X, return_std=True, n_draws=4)
    np.testing.assert_allclose(mean, np.mean(draws, axis=0), rtol=1e-10)
    np.testing.assert_allclose(std, np.std(draws, axis=0, ddof=1), rtol=1e-8, atol=1e-12)


# --- precision, plain Python -----------------------------------------------------------------------------------------


@each_rule
@BOTH
def test_single_precision_is_close_to_double(kind, params):
    model, X, y = make(kind, max_iter=5, **params)
    single, double = (clone(model).set_params(dtype=dtype).fit(X, y) for dtype in ("float32", "float64"))
    assert len(parameters(single)) == len(parameters(double)) > 4
    for a, b in zip(parameters(single), parameters(double), strict=True):
        assert a.dtype == np.float32 and b.dtype == np.float64
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-3)
    assert single.predict(X.astype(np.float32)).dtype == (np.float32 if kind is MLPRegressor else y.dtype)
    assert plain(model.fit(X.astype(np.float32), y).coefs_) == plain(single.coefs_)


FITS = """
import numpy as np
from skregopt import MLPRegressor
from skregopt.activations import Trainable
from skregopt.embeddings import PiecewiseLinear
X = np.random.RandomState(0).normal(size=(30, 3))
params = {"hidden_layer_sizes": 4, "max_iter": 3, "random_state": 0, "penalty": "group_l1", "input_dropout": 0.2}
params |= {"activation": Trainable("mish")}
result["predictions"] = {}
for rule in ("periodic", PiecewiseLinear(columns=[0, 2])):
    for more in ({}, {"layer_norm": True, "clip_norm": 0.1}, {"dtype": "float32", "solver": "nadam"}):
        model = MLPRegressor(feature_embedding=rule, **params | more).fit(X, X[:, 0])
        result["predictions"][str(rule) + str(more)] = [float(value) for value in model.predict(X)]
"""


@pytest.mark.exhaustive
def test_without_compilation():
    compiled, as_python = (run(FITS, env=env)["predictions"] for env in ({}, {"NUMBA_DISABLE_JIT": "1"}))
    for name, expected in compiled.items():
        rtol = 1e-4 if "float32" in name else 1e-9
        np.testing.assert_allclose(as_python[name], expected, rtol=rtol, err_msg=name)


# --- what cannot overflow --------------------------------------------------------------------------------------------


@each_rule
@pytest.mark.parametrize("scale", [0.1, 1.0, 100.0])
def test_bound_holds_for_embeddings_and_scales(params, scale):
    """Layer by layer, for arrays of all sizes, with features passed and embedded."""
    model, X, y = make(MLPRegressor, max_iter=1, **params)
    model.fit(X, y)
    rng = np.random.RandomState(0)
    for name in ("coefs_", "activation_scales_", "embedding_coefs_", "embedding_intercepts_"):
        setattr(model, name, [scale * rng.normal(size=array.shape) for array in getattr(model, name)])
    network, theta = model._network(), model._theta()
    trained = np.linalg.norm(theta[: network.layout.n_parameters])
    bound = np.linalg.norm(X, axis=1).max()
    assert type(network.blocks[0][0]).__name__ == "EmbeddingBlock"
    embedded = network.blocks[0][0].bound(bound, 6, trained, 0.0)
    assert np.linalg.norm(inputs(model, X), axis=1).max() <= embedded < np.inf
    for n_units, blocks in zip(network.layout.widths[1:], network.blocks, strict=True):
        for block in blocks:
            bound = block.bound(bound, n_units, trained, 0.0)
    assert np.abs(model.predict(X)).max() <= bound < np.inf


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_bound_of_a_trainable_activation(activation):
    """No outputs are beyond it, and it is not far above what scales below 0 give."""
    (block,) = (
        block
        for block in blocks_of(Network([3, 50, 1], np.dtype(float), [Trainable(activation)], None, None), 0)
        if type(block).__name__ == "TrainableActivationBlock"
    )
    values, _ = twin_activations.ACTIVATIONS[activation]
    for z in (np.linspace(-30, 30, 50), np.linspace(-3, 3, 50)):
        scales = np.full(50, -9.0)
        outputs = z + scales * (values(z) - z)
        bound = block.bound(np.linalg.norm(z), 50, np.linalg.norm(scales), 0.0)
        assert np.linalg.norm(outputs) <= bound < 1000 * np.linalg.norm(outputs)


@each_rule
@pytest.mark.parametrize("large", ["embedding_coefs_", "activation_scales_", "X"])
def test_a_fit_whose_predictions_overflow_is_refused(params, large):
    model, X, y = make(MLPRegressor, max_iter=1, warm_start=True, dtype="float32", learning_rate_init=1e-30, **params)
    model.fit(X, y)
    if large == "X":
        X = X * 1e37  # all of them finite, their sums are not
        model.coefs_ = [100 * np.ones_like(coef) for coef in model.coefs_]
    else:
        setattr(model, large, [np.full_like(array, 3e38) for array in getattr(model, large)])
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match="non-finite|too large"):
            getattr(copy.deepcopy(model), method)(X, y)
