"""Muon: PyTorch's weights, and what its proximal step makes of matrices.

That the estimators follow the naive twin, which takes a singular value decomposition where the kernel multiplies
matrices, is shown for all solvers in ``test_reference.py``; the part for vectors is Adam's, see ``test_optimizers.py``.
"""

import inspect

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import Lasso, MultiTaskLasso
from support.against_twin import SMALL, assert_same
from support.pairwise import covering
from support.problems import FORMATS, make_problem, row_weights
from twin.network import gradients
from twin.optimizers import make_optimizer

from skregopt import MLPRegressor
from skregopt._kernels import jit as _jit
from skregopt.optimizers import Adam, Muon, Optimizer
from skregopt.penalties import PENALTIES, GroupL1

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

DTYPES = [np.float32, np.float64]
SHAPES = {"wide": (3, 7), "tall": (7, 3), "square": (5, 5), "row": (1, 6), "column": (6, 1), "single": (1, 1)}
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
# parameters here and the twin's
VARIANTS = {
    "default": ({}, {}),
    "momentum": ({"momentum": 0.6, "nesterovs_momentum": False}, {"momentum": 0.6, "nesterov": False}),
    "memoryless": ({"momentum": 0.0}, {"momentum": 0.0}),
    "nesterov": ({"momentum": 0.5, "n_steps": 3}, {"momentum": 0.5, "n_steps": 3}),
    "as large as adamw": ({"match_rms_adamw": True}, {"match_rms_adamw": True}),
    "other adam": ({"beta_1": 0.6, "beta_2": 0.9, "epsilon": 1e-3}, {"beta_1": 0.6, "beta_2": 0.9, "epsilon": 1e-3}),
}


class Driver:
    """The kernel for matrices with the state it keeps."""

    def __init__(self, shape, dtype=np.float64, **params):
        rule = Muon(**params)
        scalar = _jit.scalar_type(np.dtype(dtype))
        self.step = _jit.entry_point(Muon.step_matrix, rule.signatures["step_matrix"](scalar))
        self.hyper, self.average, self.t = rule.hyper_vector(dtype), np.zeros(shape, dtype), 0
        self.unused, self.scratch = np.zeros((0, shape[1]), dtype), np.full(4 * shape[0] * shape[1], np.nan, dtype)

    def __call__(self, weights, gradient, lr, step_size=None):
        """Make one update in place."""
        self.t += 1
        step_size = np.zeros(0, weights.dtype) if step_size is None else step_size
        unused = [self.unused] * 3
        lr = weights.dtype.type(lr)
        self.step(
            weights, gradient.copy(), self.average, *unused, self.scratch, self.hyper, step_size.ravel(), lr, self.t
        )


# --- PyTorch --------------------------------------------------------------------------------------


def newton_schulz(gradient, coefficients, n_steps, epsilon):
    """PyTorch's function without its rounding to bfloat16."""
    a, b, c = coefficients
    transposed = gradient.size(0) > gradient.size(1)
    X = gradient.T if transposed else gradient
    X = X / X.norm().clamp(min=epsilon)
    for _ in range(n_steps):
        A = X @ X.T
        X = a * X + (b * A + c * A @ A) @ X
    return X.T if transposed else X


TORCH = {
    "default": ({}, {}, {}),
    "momentum": ({"momentum": 0.6, "nesterovs_momentum": False}, {"momentum": 0.6, "nesterov": False}, {}),
    "steps": ({"momentum": 0.5, "n_steps": 3}, {"momentum": 0.5, "ns_steps": 3}, {}),
    "as large as adamw": ({"match_rms_adamw": True}, {"adjust_lr_fn": "match_rms_adamw"}, {}),
    "other adam": (
        {"beta_1": 0.6, "beta_2": 0.9, "epsilon": 1e-3, "amsgrad": True},
        {},
        {"betas": (0.6, 0.9), "eps": 1e-3, "amsgrad": True},
    ),
}


@pytest.mark.torch
@pytest.mark.parametrize("batch_size", [9, 1])
@pytest.mark.parametrize("weight_decay", [None, 0.0, 2.0])
@pytest.mark.parametrize("hidden", [(4,), (9,), (2, 7, 7, 3), ()], ids=str)
@pytest.mark.parametrize("variant", TORCH)
def test_thirty_steps_of_torch(variant, hidden, weight_decay, batch_size, monkeypatch):
    """Square, wide, tall matrices; the decay is that of all weight matrices, in Adam's part that of AdamW."""
    torch = pytest.importorskip("torch")
    from support.torch_twin import N_STEPS, half_squared_error, start_weights, torch_network

    module = pytest.importorskip("torch.optim._muon")
    monkeypatch.setattr(module, "_zeropower_via_newtonschulz", newton_schulz)
    params, of_muon, of_adam = TORCH[variant]
    n_samples, rate = 3 * batch_size, 0.02
    problem = make_problem("multi-output regression", n_samples=n_samples, seed=2)
    coefs, intercepts = start_weights([4, *hidden, 2])
    network = torch_network(coefs, intercepts, "tanh")
    matrices = [p for p in network.parameters() if p.ndim == 2]
    decay = 0.1 if weight_decay is None else weight_decay
    assert inspect.signature(torch.optim.Muon).parameters["weight_decay"].default == Muon.default_weight_decay == 0.1
    groups = [
        {"params": matrices[-1:], "weight_decay": decay},
        {"params": [p for p in network.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizers = [torch.optim.AdamW(groups, lr=rate, **of_adam)]
    if hidden:
        optimizers.append(torch.optim.Muon(matrices[:-1], lr=rate, weight_decay=decay, **of_muon))
    X, y = torch.tensor(problem.X), torch.tensor(problem.Y)
    for step in range(N_STEPS):
        start = step * batch_size % n_samples
        rows = slice(start, start + batch_size)
        for optimizer in optimizers:
            optimizer.zero_grad()
        half_squared_error(network(X[rows]), y[rows]).mean().backward()
        for optimizer in optimizers:
            optimizer.step()
    estimator = MLPRegressor(
        hidden, activation="tanh", solver=Muon(**params), penalty=None, weight_decay=weight_decay, shuffle=False,
        batch_size=batch_size, learning_rate_init=rate, max_iter=N_STEPS // 3, n_iter_no_change=np.inf,
    )  # fmt: skip
    estimator.fit(problem.X, problem.y, coef_init=coefs, intercept_init=intercepts)
    linears = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
    for layer, linear in enumerate(linears):
        W, b = linear.weight.detach().numpy().T, linear.bias.detach().numpy()
        assert np.abs(W - coefs[layer]).max() > 0.01
        np.testing.assert_allclose(estimator.coefs_[layer], W, rtol=0, atol=1e-9)
        np.testing.assert_allclose(estimator.intercepts_[layer], b, rtol=0, atol=1e-9)


def test_defaults_are_those_of_torch():
    torch = pytest.importorskip("torch")
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("this PyTorch has no Muon")
    names = {"momentum": "momentum", "nesterov": "nesterovs_momentum", "ns_steps": "n_steps"}
    expected = {name: value.default for name, value in inspect.signature(torch.optim.Muon).parameters.items()}
    assert Muon.default_learning_rate == expected["lr"]
    assert {ours: expected[name] for name, ours in names.items()}.items() <= Muon().get_params().items()
    assert Adam().get_params().items() <= Muon().get_params().items()
    # its constants, which cannot be changed here
    assert expected["ns_coefficients"] == (3.4445, -4.7750, 2.0315)
    assert expected["eps"] == 1e-7


# --- the naive twin -------------------------------------------------------------------------------


@covering(variant=VARIANTS.keys(), batch_size=[1, 5], penalty=["l2", "elasticnet", "group_l1"], convert=FORMATS)
def test_variants_follow_their_twins(variant, batch_size, penalty, convert):
    params, twin_params = VARIANTS[variant]
    problem = make_problem("multiclass")
    common = SMALL | {"penalty": penalty, "alpha": 0.05, "learning_rate": "invscaling", "batch_size": batch_size}
    twin = problem.fit_twin(row_weights(13), solver=make_optimizer("muon", **twin_params), weight_decay=0.3, **common)
    estimator = problem.make(solver=Muon(**params), weight_decay=0.3, **common)
    estimator.fit(convert(problem.X), problem.y, row_weights(13))
    assert_same(estimator, twin, tolerance=1e-9)


@covering(penalty=["l2", "l1"], batch_size=[1, 4], convert=FORMATS)
def test_matrices_larger_than_a_chunk(penalty, batch_size, convert):
    """Of more than 2048 elements, and with products of inner dimension above 512."""
    problem = make_problem("binary", n_samples=4, n_features=530)
    params = SMALL | {"hidden_layer_sizes": (20, 6), "batch_size": batch_size, "max_iter": 1}
    params |= {"penalty": penalty, "alpha": 1e-3, "learning_rate_init": 1e-3, "solver": "muon"}
    estimator = problem.make(**params).fit(convert(problem.X), problem.y)
    assert_same(estimator, problem.fit_twin(**params), tolerance=1e-9)


@pytest.mark.nojit
@pytest.mark.parametrize("penalty", ["l2", "group_l1"])
@pytest.mark.parametrize("batch_size", [1, 5])
def test_plain_python_does_the_same(batch_size, penalty):
    problem = make_problem("regression")
    params = SMALL | {"solver": "muon", "penalty": penalty, "alpha": 0.1, "max_iter": 2, "batch_size": batch_size}
    assert_same(problem.make(**params).fit(problem.X, problem.y), problem.fit_twin(**params))


def test_without_hidden_layer_it_is_adam():
    problem = make_problem("multiclass")
    params = SMALL | {"hidden_layer_sizes": (), "penalty": "l1", "alpha": 0.01, "weight_decay": 0.1}
    muon, adam = (problem.make(**params, solver=rule).fit(problem.X, problem.y) for rule in (Muon(), Adam()))
    np.testing.assert_array_equal(muon.coefs_[0], adam.coefs_[0])
    np.testing.assert_array_equal(muon.intercepts_[0], adam.intercepts_[0])


@pytest.mark.parametrize("dtype", DTYPES)
@each_shape
def test_update_is_nearly_orthogonal(shape, dtype):
    """Singular values of five steps, of whatever matrix of moderate condition, lie between 0.6 and 1.3."""
    rng = np.random.RandomState(0)
    for scale in (1e-6, 1.0, 1e15):
        weights = np.zeros(shape, dtype)
        Driver(shape, dtype)(weights, (scale * rng.normal(size=shape)).astype(dtype), 1.0)
        singular = np.linalg.svd(weights.astype(float) / np.sqrt(max(1, shape[1] / shape[0])), compute_uv=False)
        assert np.all((singular > 0.6) & (singular < 1.3))


# --- the proximal step ----------------------------------------------------------------------------


@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("variant", VARIANTS)
@each_shape
def test_step_size_is_update_over_average_gradient(shape, variant, dtype):
    rng = np.random.RandomState(0)
    gradient = (rng.normal(size=shape) * 10.0 ** rng.uniform(-3, 1, shape)).astype(dtype)
    update = Driver(shape, dtype, **VARIANTS[variant][0])
    for t in range(1, 8):
        weights, step_size = np.zeros(shape, dtype), np.zeros(shape, dtype)
        update(weights, gradient, 0.1 / t, step_size)
        np.testing.assert_allclose(step_size, np.abs(weights / gradient), rtol=1e-4 if dtype == np.float32 else 1e-12)
        assert np.all(np.sign(weights) == -np.sign(gradient))


@pytest.mark.parametrize("shape", [(30, 20), (20, 20), (12, 8), (4, 6)], ids=str)
@pytest.mark.parametrize("penalty", ["l1", "group_l1"])
def test_fixed_points_are_those_of_the_penalty(penalty, shape):
    """A linear map: the kernel and the prox reach scikit-learn's Lasso, where steps along O_t end elsewhere.

    At the solution some elements of O_t have another sign than the gradient.
    """
    n, k = shape
    alpha, rng = 0.02, np.random.RandomState(1)
    A = rng.normal(size=(100, n))
    B = A @ (rng.normal(size=shape) * (rng.uniform(size=(n, 1)) > 0.2)) + 0.3 * rng.normal(size=(100, k))
    options = {"fit_intercept": False, "tol": 1e-14, "max_iter": 100_000}
    if penalty == "l1":
        component, expected = PENALTIES["l1"](), Lasso(alpha=alpha, **options).fit(A, B).coef_.T
    else:
        component = GroupL1(l1_ratio=1.0)
        expected = MultiTaskLasso(alpha=alpha * np.sqrt(k), **options).fit(A, B).coef_.T
    v = _jit.vector(_jit.scalar_type(np.dtype(float)))
    prox = _jit.entry_point(type(component).prox, component.signatures["prox"](v.dtype))
    hyper, weights, step_size = component.hyper_vector(np.float64), np.zeros(shape), np.zeros(n * k)
    update, n_steps = Driver(shape), 8000
    for t in range(n_steps):
        gradient = A.T @ (A @ weights - B) / 100
        update(weights, gradient, 0.03 * (1 - t / n_steps), step_size)
        prox(weights.ravel(), step_size, k, 0, alpha, hyper)
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(weights == 0, expected == 0)


@pytest.mark.parametrize("penalty", ["l1", "group_l1"])
def test_fixed_points_are_stationary_points_with_hidden_layers(penalty):
    """Where a weight is zero the gradient is within alpha, elsewhere it cancels the penalty's."""
    alpha, problem = 0.01 if penalty == "l1" else 0.03, make_problem("regression", n_samples=60, n_features=7)
    params = {"max_iter": 20_000, "tol": 0, "n_iter_no_change": np.inf, "random_state": 0, "batch_size": 60}
    params |= {"solver": Muon(epsilon=1e-3), "learning_rate": "cosine", "learning_rate_init": 0.01, "weight_decay": 0}
    component = PENALTIES["l1"]() if penalty == "l1" else GroupL1(l1_ratio=0.6)
    network = problem.make(hidden_layer_sizes=(5,), activation="tanh", penalty=component, alpha=alpha, **params)
    network.fit(problem.X, problem.y)
    by_coefs, by_intercepts, *_ = gradients(
        *(problem.X, problem.Y, network.coefs_, network.intercepts_),
        *("squared_error", "tanh", np.full(60, 1 / 60)),
    )
    for gradient in by_intercepts:
        np.testing.assert_allclose(gradient, 0, atol=1e-6)
    if penalty == "l1":
        for W, gradient in zip(network.coefs_, by_coefs, strict=True):
            active = W != 0
            np.testing.assert_allclose(gradient[active], -alpha * np.sign(W[active]), atol=1e-6)
            assert np.all(np.abs(gradient[~active]) <= alpha + 1e-6)
        assert 0.1 < network.sparsity_ < 0.95
        return
    by_coefs = [g + 0.4 * alpha * W for g, W in zip(by_coefs, network.coefs_, strict=True)]
    strength, rows = 0.6 * alpha * np.sqrt(5), network.coefs_[0]
    np.testing.assert_allclose(by_coefs[1], 0, atol=1e-6)
    kept = rows.any(axis=1)
    assert 0 < kept.sum() < 7
    expected = -strength * rows[kept] / np.linalg.norm(rows[kept], axis=1, keepdims=True)
    np.testing.assert_allclose(by_coefs[0][kept], expected, atol=1e-6)
    assert np.all(np.linalg.norm(by_coefs[0][~kept], axis=1) <= strength + 1e-6)


@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
def test_without_gradient_the_penalty_makes_weights_zero(dtype):
    """A feature that is always zero, and a matrix without any gradient."""
    for n_rows_with_gradient in (2, 0):
        gradient = np.random.RandomState(0).normal(size=(3, 4)).astype(dtype)
        gradient[n_rows_with_gradient:] = 0
        weights, step_size = np.ones((3, 4), dtype), np.zeros((3, 4), dtype)
        Driver((3, 4), dtype)(weights, gradient, 1e-3, step_size)
        assert np.all(weights[n_rows_with_gradient:] == 1)
        assert np.all(np.isfinite(step_size)) and np.all(step_size > 0)


# --- numbers, state -------------------------------------------------------------------------------


@pytest.mark.nojit
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("proximal", [False, True])
@each_shape
def test_bad_gradients_stay_visible(shape, proximal, dtype, bad):
    """In the whole matrix, in that update and in all after."""
    size = shape[0] * shape[1]
    for place in {0, size // 2, size - 1}:
        update, weights = Driver(shape, dtype), np.ones(shape, dtype)
        gradient, step_size = np.linspace(-1.5, 1.4, size).astype(dtype).reshape(shape), np.ones(shape, dtype)
        gradient.flat[place] = bad
        with np.errstate(all="ignore"):
            for _ in range(2):
                update(weights, gradient, 0.1, step_size if proximal else None)
                assert not np.any(np.isfinite(weights))


def test_diverging_fit_is_refused():
    problem = make_problem("regression")
    params = SMALL | {"solver": "muon", "learning_rate_init": 1e300, "max_iter": 20, "activation": "identity"}
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        with np.errstate(all="ignore"):
            problem.make(**params).fit(problem.X, problem.y)


def test_rule_for_matrices_is_an_optimizer_with_one_more_kernel():
    rule = clone(Muon(n_steps=3))
    assert isinstance(rule, Optimizer) and rule.n_steps == 3 and rule.flat_parameters == ()
    assert set(rule.signatures) - set(Optimizer.signatures) == {"step_matrix"}
    assert (Muon.prepare, Muon.step) == (Adam.prepare, Adam.step)
