"""The group lasso on input features: its proximal operator, its fixed points, what it selects."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression, MultiTaskElasticNet, MultiTaskLasso
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError
from support.linear_models import LASSO, RULES, UNTIL_CONVERGED
from support.problems import TASKS, make_problem
from support.processes import run
from twin.network import data_loss, gradients

from skregopt import MLPClassifier, MLPRegressor
from skregopt._kernels.compiler import DISABLED
from skregopt._kernels.jit import entry_point, scalar_type
from skregopt.optimizers import OPTIMIZERS
from skregopt.penalties import L2, ElasticNet, GroupL1

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def call(name, dtype, *arguments):
    signature = GroupL1.signatures[name](scalar_type(np.dtype(dtype)))
    return entry_point(getattr(GroupL1, name), signature)(*arguments)


def prox(rows, step_sizes, strength, layer=0):
    """Return the kernel's result; ``strength`` is that of the norm of a row."""
    rows = np.array(rows)
    n_units, dtype = rows.shape[1], rows.dtype
    step_sizes = np.broadcast_to(step_sizes, rows.shape).astype(dtype)
    moved = rows.ravel().copy()
    alpha = dtype.type(strength / np.sqrt(n_units))
    call("prox", dtype, moved, step_sizes.ravel(), n_units, layer, alpha, GroupL1(1.0).hyper_vector(dtype))
    return moved.reshape(rows.shape)


def objective(w, u, step_sizes, strength):
    """Return what the proximal operator minimises, and its gradient."""
    norm = np.linalg.norm(w)
    gradient = (w - u) / step_sizes + strength * (w / norm if norm > 0 else 0)
    return ((w - u) ** 2 / (2 * step_sizes)).sum() + strength * norm, gradient


# --- the proximal operator ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spread", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("n_units", [1, 2, 7, 20])
def test_prox_is_the_minimiser(n_units, spread):
    """SciPy's search finds nothing lower; where the minimiser is not zero, the gradient vanishes."""
    rng = np.random.RandomState(n_units)
    n_zeros = 0
    for _ in range(20):
        u, step_sizes = rng.normal(size=n_units), 10 ** rng.uniform(-spread, spread, n_units)
        strength = np.linalg.norm(u / step_sizes) * 10 ** rng.uniform(-1.5, 0.7)
        w = prox([u], step_sizes, strength)[0]
        lowest = objective(w, u, step_sizes, strength)[0]
        root = np.sqrt(step_sizes)  # in that metric the problem is well scaled

        def scaled(v, u=u, step_sizes=step_sizes, strength=strength, root=root):
            value, gradient = objective(v * root, u, step_sizes, strength)
            return value, gradient * root

        for start in (u, rng.normal(size=n_units)):
            found = minimize(scaled, start / root, method="BFGS", jac=True, options={"gtol": 1e-9})
            assert lowest <= found.fun * (1 + 1e-12)
            if w.any():
                np.testing.assert_allclose(found.x * root, w, atol=1e-4 * abs(u).max())
        if not w.any():
            n_zeros += 1
            assert np.linalg.norm(u / step_sizes) <= strength * (1 + 1e-12)
        else:
            gradient = objective(w, u, step_sizes, strength)[1]
            np.testing.assert_allclose(gradient, 0, atol=1e-12 * np.linalg.norm(u / step_sizes))
    assert 0 < n_zeros < 20


@DTYPES
def test_prox_with_equal_step_sizes_shrinks_the_norm(dtype):
    rng = np.random.RandomState(0)
    rows = rng.normal(size=(50, 9)).astype(dtype)
    rows[7] = 0
    strength, step_size = 1.5, 1.25
    norms = np.linalg.norm(rows.astype(float), axis=1, keepdims=True)
    norms[7] = 1
    expected = rows * np.maximum(0, 1 - strength * step_size / norms)
    actual = prox(rows, step_size, strength)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=8 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(actual.any(axis=1), expected.any(axis=1))
    assert 5 < np.sum(~actual.any(axis=1)) < 45
    assert not np.any(np.signbit(actual[actual == 0]))


def exact_prox(u, step_sizes, strength):
    """Bisection in extended precision, for any step sizes."""
    u, a = u.astype(np.longdouble), np.longdouble(strength) * step_sizes
    with np.errstate(divide="ignore", invalid="ignore"):
        if np.sum(np.where(u == 0, 0, u / a) ** 2) <= 1:
            return np.zeros_like(u)
    low, high = np.longdouble("1e-3000"), np.sqrt((u**2).sum())
    for _ in range(200):
        middle = np.sqrt(low * high) if high > 2 * low else (low + high) / 2
        too_low = np.sum((u / (middle + a)) ** 2) > 1
        low, high = (middle, high) if too_low else (low, middle)
    return u * (high / (high + a))


@DTYPES
def test_prox_with_extreme_step_sizes(dtype, record_property):
    """A few units in the last place of the largest weight, whatever the step sizes, 0 and inf among them."""
    rng = np.random.RandomState(1)
    worst, n_zeros = 0.0, 0
    for trial in range(240):
        n_units, spread = rng.randint(1, 60), rng.choice([0.1, 1, 4, 8])
        u = (rng.normal(size=n_units) * 10 ** rng.uniform(-spread, spread, n_units)).astype(dtype)
        step_sizes = (10 ** rng.uniform(-spread, spread, n_units)).astype(dtype)
        zero_at = (u.astype(float) / step_sizes)[1:]
        alpha = dtype(np.linalg.norm(zero_at) * 10 ** rng.choice([-3, -0.1, -1e-3, 1e-3, 0.1]) / n_units**0.5 + 1e-30)
        step_sizes[0] = (0, np.inf, step_sizes[0])[trial % 3]
        moved = u.copy()
        call("prox", dtype, moved, step_sizes, n_units, 0, alpha, GroupL1(1.0).hyper_vector(dtype))
        expected = exact_prox(u, step_sizes, alpha * np.sqrt(dtype(n_units)))
        worst = max(worst, float(np.abs(moved - expected).max() / np.abs(u).max() / np.finfo(dtype).eps))
        assert moved.any() == expected.any()
        n_zeros += not moved.any()
        if trial % 3 == 0:
            np.testing.assert_allclose(moved[0], u[0], rtol=2 * np.finfo(dtype).eps)
        if trial % 3 == 1:
            assert moved[0] == 0
    record_property("units in the last place", worst)
    assert worst < 16
    assert 40 < n_zeros < 200


@DTYPES
def test_prox_of_numbers_near_the_ends_of_the_precision(dtype):
    """Scaling everything scales the result: nothing overflows or is lost on the way."""
    rng = np.random.RandomState(2)
    rows = rng.normal(size=(20, 6)).astype(dtype)
    step_sizes = (10 ** rng.uniform(-1, 1, rows.shape)).astype(dtype)
    strength = np.median(np.linalg.norm(rows / step_sizes, axis=1))
    expected = prox(rows, step_sizes, strength)
    assert 5 < expected.any(axis=1).sum() < 15
    for exponent in (-60, -100, 60, 120) if dtype == np.float32 else (-500, -1000, 500, 1000):
        scale = dtype(2) ** dtype(exponent)
        np.testing.assert_allclose(prox(rows * scale, step_sizes * scale, strength) / scale, expected, rtol=1e-5)


@DTYPES
@pytest.mark.parametrize("place", [0, 3])
def test_prox_keeps_nan(dtype, place):
    rng = np.random.RandomState(3)
    for bad in (np.nan, np.inf, -np.inf):
        rows = rng.normal(size=(3, 5)).astype(dtype)
        rows[1, place] = bad
        for strength in (1e-3, 1.0, 100.0):
            moved = prox(rows, 0.5, strength)
            assert not np.isfinite(moved[1, place])
            np.testing.assert_array_equal(moved[[0, 2]], prox(rows[[0, 2]], 0.5, strength))
    for value in (1.0, 0.0):
        rows, step_sizes = rng.normal(size=(3, 5)).astype(dtype), np.full((3, 5), 0.5)
        rows[1, place], step_sizes[1, place] = value, np.nan
        for strength in (1e-3, 1.0, 100.0):
            assert np.isnan(prox(rows, step_sizes, strength)[1, place])


def test_prox_leaves_other_layers_alone():
    rows = np.random.RandomState(0).normal(size=(4, 3))
    np.testing.assert_array_equal(prox(rows, 1.0, 100.0, layer=1), rows)
    assert not prox(rows, 1.0, 100.0).any()


@pytest.mark.exhaustive
@pytest.mark.skipif(DISABLED, reason="plain Python compiles nothing")
def test_a_process_that_compiles_gets_the_bits_of_one_that_loads(tmp_path):
    """Each calls its own copy of a helper that is not inlined, whatever the linker has met before."""
    code = """
        import numpy as np
        from skregopt._kernels.jit import entry_point, scalar_type
        from skregopt.penalties import GroupL1

        rng = np.random.RandomState(0)
        weights, step_sizes = rng.normal(0, 0.05, 300 * 128), rng.uniform(5e-4, 2e-3, 300 * 128)
        prox = entry_point(GroupL1.prox, GroupL1.signatures["prox"](scalar_type(weights.dtype)))
        prox(weights, step_sizes, 128, 0, 5.0, np.array([0.5, 0.5]))
        result["bits"] = bits(weights)
    """
    compiles, loads = (run(code, cache=tmp_path) for _ in range(2))
    assert compiles["compiled"] and not loads["compiled"]
    assert compiles["bits"] == loads["bits"]


# --- fixed points ---------------------------------------------------------------------------------------------------


def multi_output_data(n_samples=60):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n_samples, 6)) + 0.1
    weights = np.zeros((6, 3))
    weights[:4] = [[1.0, -0.8, 0.0], [0.5, 0.4, -0.9], [0.1, 0.0, 0.05], [0.0, -0.6, 0.7]]
    return X, X @ weights + [0.7, -0.2, 0.0] + 0.3 * rng.normal(size=(n_samples, 3))


# with the settings with which the rules of test_optimizers.py reach the Lasso
ALL_RULES = RULES | {name: {"solver": rule, **params} for name, (rule, params) in LASSO.items()}
ALL_RULES["lion"] = {"solver": "lion", "learning_rate": "cosine", "learning_rate_init": 0.003, "max_iter": 20_000}


def test_every_solver_is_among_the_rules():
    solvers = [params["solver"] for params in ALL_RULES.values()]
    rules = {OPTIMIZERS[solver] if isinstance(solver, str) else type(solver) for solver in solvers}
    assert rules == set(OPTIMIZERS.values())


@pytest.mark.parametrize("l1_ratio", [1.0, 0.7])
@pytest.mark.parametrize("rule", ALL_RULES)
def test_no_hidden_layer_is_scikit_learns_group_lasso(rule, l1_ratio):
    """The mean over k outputs and sqrt(k) rescale alpha and the share."""
    X, Y = multi_output_data()
    alpha, k = 0.08, Y.shape[1]
    group, ridge = alpha * l1_ratio * k**1.5, alpha * (1 - l1_ratio) * k
    params = UNTIL_CONVERGED | {"max_iter": 10_000} | ALL_RULES[rule]
    network = MLPRegressor((), penalty=GroupL1(l1_ratio), alpha=alpha, **params).fit(X, Y)
    options = {"alpha": group + ridge, "tol": 1e-13, "max_iter": 100_000}
    if l1_ratio == 1:
        linear = MultiTaskLasso(**options)
    else:
        linear = MultiTaskElasticNet(l1_ratio=group / (group + ridge), **options)
    expected = linear.fit(X, Y).coef_.T
    np.testing.assert_allclose(network.coefs_[0], expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(network.coefs_[0] == 0, expected == 0)
    assert np.sum(~network.coefs_[0].any(axis=1)) == 3
    np.testing.assert_allclose(network.intercepts_[0], linear.intercept_, rtol=0, atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_fixed_points_are_stationary_points_with_hidden_layers(rule):
    """Where a row is zero its gradient is within alpha sqrt(n_units), elsewhere it cancels the norm's."""
    alpha, l1_ratio, n_units = 0.1, 0.6, 5
    problem = make_problem("regression", n_samples=60, n_features=7)
    params = RULES[rule] | UNTIL_CONVERGED | {"max_iter": 40_000}
    params["learning_rate_init"] /= 3  # without oscillations in this problem
    network = problem.make(hidden_layer_sizes=(n_units,), activation="tanh", **params)
    network.set_params(penalty="group_l1", alpha=alpha, l1_ratio=l1_ratio).fit(problem.X, problem.y)
    by_coefs, *_ = gradients(
        *(problem.X, problem.Y, network.coefs_, network.intercepts_, "squared_error", "tanh", np.full(60, 1 / 60))
    )
    by_coefs = [g + alpha * (1 - l1_ratio) * W for g, W in zip(by_coefs, network.coefs_, strict=True)]
    strength = alpha * l1_ratio * np.sqrt(n_units)
    np.testing.assert_allclose(by_coefs[1], 0, atol=1e-6)
    kept = network.coefs_[0].any(axis=1)
    assert 0 < kept.sum() < 7
    rows = network.coefs_[0][kept]
    assert np.all(rows != 0)
    expected = -strength * rows / np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(by_coefs[0][kept], expected, atol=1e-6)
    assert np.all(np.linalg.norm(by_coefs[0][~kept], axis=1) <= strength + 1e-6)


# --- in the estimators ----------------------------------------------------------------------------------------------

SMALL = {"hidden_layer_sizes": (4, 3), "activation": "tanh", "max_iter": 5, "n_iter_no_change": np.inf}
SMALL |= {"learning_rate_init": 0.05, "random_state": 1}


@DTYPES
@pytest.mark.parametrize("task", TASKS)
def test_loss_is_the_objective(task, dtype):
    """By hand, from the weights at the end, at a learning rate too small to move them during the epoch."""
    problem = make_problem(task, 20)
    alpha, l1_ratio = 0.3, 0.2
    network = problem.make(**SMALL | {"learning_rate_init": 1e-30, "max_iter": 1})
    network.set_params(penalty=GroupL1(l1_ratio), alpha=alpha, solver="gd").fit(problem.X.astype(dtype), problem.y)
    coefs = [W.astype(float) for W in network.coefs_]
    data = data_loss(problem.X, problem.Y, coefs, network.intercepts_, problem.twin_loss, "tanh")
    groups = np.sqrt(4) * np.sqrt((coefs[0] ** 2).sum(axis=1)).sum()
    squares = sum((W**2).sum() for W in coefs)
    expected = data + alpha * (l1_ratio * groups + (1 - l1_ratio) / 2 * squares)
    np.testing.assert_allclose(network.loss_, expected, rtol=1e-12 if dtype == np.float64 else 1e-6)


@DTYPES
@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array], ids=["dense", "csr"])
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_rows_are_zero_exactly(solver, convert, dtype):
    X = make_problem("multiclass", n_samples=120, n_features=8).X.astype(dtype)
    rate = {"sgd": 0.002, "adadelta": 1.0}.get(solver, 0.02)
    network = MLPClassifier(**SMALL | {"max_iter": 60, "learning_rate_init": rate}, solver=solver)
    network.set_params(penalty="group_l1", alpha=0.06, l1_ratio=0.8).fit(convert(X), 2 * X[:, 0] + X[:, 1] > 0)
    first = network.coefs_[0]
    dropped = ~first.any(axis=1)
    assert first.dtype == dtype
    assert 0 < dropped.sum() < 8
    # rows are zero as a whole or not at all, and other layers keep their weights
    assert np.all(first[~dropped] != 0) and all(np.all(W != 0) for W in network.coefs_[1:])
    np.testing.assert_array_equal(network.feature_importances_ == 0.0, dropped)
    assert network.n_nonzero_ == 4 * np.sum(~dropped) + 4 * 3 + 3
    np.testing.assert_allclose(network.feature_importances_.sum(), 1)
    changed = np.where(dropped, dtype(1e3), X)
    np.testing.assert_array_equal(network.predict_proba(changed), network.predict_proba(X))


@pytest.mark.parametrize("n_hidden", [2047, 2048, 2100])
def test_rows_longer_than_what_an_update_takes_at_once(n_hidden):
    problem = make_problem("binary", n_samples=10, n_features=5)
    params = SMALL | {"hidden_layer_sizes": (n_hidden,), "max_iter": 2, "batch_size": 4}
    params |= {"penalty": "group_l1", "alpha": 0.02, "l1_ratio": 0.5}
    network = problem.make(**params).fit(problem.X, problem.y)
    twin = problem.fit_twin(**params)
    np.testing.assert_allclose(network.coefs_[0], twin.coefs_[0], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(network.coefs_[0] == 0, twin.coefs_[0] == 0)


@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_special_cases(solver):
    """Without the norm it is L2; with one unit in the first layer the norm is the absolute value."""
    problem = make_problem("binary", 20)
    params = SMALL | {"solver": solver, "alpha": 0.1, "max_iter": 10}

    def coefs(penalty, **more):
        return problem.make(**params | more, penalty=penalty).fit(problem.X, problem.y).coefs_

    for a, b in zip(coefs(GroupL1(l1_ratio=0)), coefs(L2()), strict=True):
        np.testing.assert_array_equal(a, b)
    single = {"hidden_layer_sizes": ()}
    group, elastic = (coefs(penalty(0.6), **single)[0] for penalty in (GroupL1, ElasticNet))
    np.testing.assert_allclose(group, elastic, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(group == 0, elastic == 0)


@pytest.mark.nojit
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_without_compiler(solver):
    problem = make_problem("multiclass", 20)
    params = SMALL | {"solver": solver, "max_iter": 2, "batch_size": "auto"}
    params |= {"penalty": "group_l1", "alpha": 0.1, "l1_ratio": 0.8}
    network, twin = problem.make(**params).fit(problem.X, problem.y), problem.fit_twin(**params)
    for a, b in zip(network.coefs_, twin.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(a == 0, b == 0)


# --- selection ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def padded():
    """Breast cancer data with as many features of noise; returns (X_train, X_test, y_train, y_test)."""
    X, y = load_breast_cancer(return_X_y=True)
    noise = np.random.RandomState(0).normal(size=X.shape)
    X = StandardScaler().fit_transform(np.hstack([X, noise]))
    return train_test_split(X, y, stratify=y, random_state=0, test_size=0.4)


SELECTING = {"hidden_layer_sizes": (16,), "penalty": GroupL1(l1_ratio=0.9), "learning_rate_init": 0.01}
SELECTING |= {"max_iter": 200, "n_iter_no_change": np.inf, "random_state": 0}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_noise_is_dropped_and_accuracy_kept(padded, dtype):
    """Along the path of alphas there is a stretch of both, without dropping all that is real."""
    X_train, X_test, y_train, y_test = padded
    n_noise, n_real, accuracy = [], [], []
    for alpha in (0.0, 1e-4, 1e-3, 3e-3, 0.01, 0.02, 0.03, 0.05, 1.0):
        network = MLPClassifier(alpha=alpha, **SELECTING).fit(X_train.astype(dtype), y_train)
        kept = network.coefs_[0].any(axis=1)
        n_real.append(kept[:30].sum())
        n_noise.append(kept[30:].sum())
        accuracy.append(network.score(X_test.astype(dtype), y_test))
    assert (n_noise[0], n_real[0]) == (30, 30)
    assert (n_noise[-1], n_real[-1]) == (0, 0)
    good = [
        noise <= 5 and real >= 4 and score >= max(accuracy) - 0.02 and score >= accuracy[0]
        for noise, real, score in zip(n_noise, n_real, accuracy, strict=True)
    ]
    assert sum(good[5:8]) == 3


def test_select_from_model_and_pipeline(padded):
    X_train, X_test, y_train, y_test = padded
    selector = SelectFromModel(MLPClassifier(alpha=0.03, **SELECTING), threshold=1e-12)
    pipeline = make_pipeline(StandardScaler(), selector, LogisticRegression()).fit(X_train, y_train)
    support = pipeline[1].get_support()
    np.testing.assert_array_equal(support, pipeline[1].estimator_.coefs_[0].any(axis=1))
    assert support[:30].sum() >= 4 and support[30:].sum() <= 5
    assert pipeline[-1].n_features_in_ == support.sum()
    assert pipeline.score(X_test, y_test) > 0.93


def test_search_and_clone():
    problem = make_problem("multiclass", 40)
    network = problem.make(**SMALL, penalty=GroupL1())
    grid = {"penalty__l1_ratio": [0.1, 0.9], "alpha": [1e-3, 0.1]}
    search = GridSearchCV(network, grid, cv=2, error_score="raise").fit(problem.X, problem.y)
    twin = clone(search.best_estimator_)
    assert twin.penalty.l1_ratio == search.best_params_["penalty__l1_ratio"]
    np.testing.assert_array_equal(twin.fit(problem.X, problem.y).coefs_[0], search.best_estimator_.coefs_[0])


# --- parameters -----------------------------------------------------------------------------------------------------


def test_flat_l1_ratio():
    problem = make_problem("binary", 20)
    params = SMALL | {"alpha": 0.1}
    flat, instance, default = (
        problem.make(**params, **given).fit(problem.X, problem.y).coefs_[0]
        for given in (
            {"penalty": "group_l1", "l1_ratio": 0.9},
            {"penalty": GroupL1(l1_ratio=0.9)},
            {"penalty": "group_l1"},
        )
    )
    np.testing.assert_array_equal(flat, instance)
    assert np.any(flat != default)
    with pytest.raises(ValueError, match=r"l1_ratio=0.9 has no effect because penalty=GroupL1\(\) carries its own"):
        problem.make(penalty=GroupL1(), l1_ratio=0.9).fit(problem.X, problem.y)


@pytest.mark.parametrize("l1_ratio", [-0.1, 1.1, np.nan, None, "0.5"])
def test_bad_l1_ratio(l1_ratio):
    with pytest.raises(InvalidParameterError, match="'l1_ratio' parameter of GroupL1"):
        MLPRegressor(penalty=GroupL1(l1_ratio)).fit(np.eye(4), np.arange(4.0))


def test_lbfgs():
    problem = make_problem("binary", 20)
    for penalty in ("group_l1", GroupL1(l1_ratio=1)):
        with pytest.raises(ValueError, match="is not differentiable, which solver='lbfgs' needs"):
            problem.make(solver="lbfgs", penalty=penalty).fit(problem.X, problem.y)
    # without the norm nothing is in the way
    smooth, ridge = (
        problem.make(solver="lbfgs", alpha=0.1, penalty=penalty, random_state=0).fit(problem.X, problem.y)
        for penalty in (GroupL1(l1_ratio=0), L2())
    )
    np.testing.assert_allclose(smooth.coefs_[0], ridge.coefs_[0], rtol=0, atol=1e-6)
