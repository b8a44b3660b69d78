"""First-order optimizers: minima they reach, the proximal step they ask for, exact zeros, state, precision, NaN.

That the weights are PyTorch's is shown in ``test_torch.py``. Here the kernels are driven by themselves, and the
estimators with every rule and its variants.
"""

import inspect

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import Lasso
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError
from support.against_twin import SMALL, assert_same
from support.linear_models import ALPHA, LASSO, UNTIL_CONVERGED, assert_same_line, regression_data
from support.pairwise import covering
from support.problems import FORMATS, make_problem, row_weights
from twin.optimizers import make_optimizer

from skregopt import MLPClassifier, MLPRegressor
from skregopt._engine.records import N_SCALARS
from skregopt._kernels import jit as _jit
from skregopt.optimizers import (
    OPTIMIZERS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Muon,
    Nadam,
    Optimizer,
    RMSprop,
)
from skregopt.penalties import PENALTIES

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

DTYPES = [np.float32, np.float64]

# each branch of the kernels: the rule, the name and the changed parameters of its twin
VARIANTS = {
    "rmsprop": (RMSprop(), "rmsprop", {}),
    "rmsprop with momentum": (RMSprop(momentum=0.8), "rmsprop", {"momentum": 0.8}),
    "centered": (RMSprop(rho=0.9, centered=True), "rmsprop", {"rho": 0.9, "centered": True}),
    "centered with momentum": (
        RMSprop(rho=0.9, momentum=0.5, centered=True),
        "rmsprop",
        {"rho": 0.9, "momentum": 0.5, "centered": True},
    ),
    "adagrad": (Adagrad(), "adagrad", {}),
    "adagrad with decay": (
        Adagrad(lr_decay=0.01, initial_accumulator_value=0.3),
        "adagrad",
        {"lr_decay": 0.01, "initial_accumulator_value": 0.3},
    ),
    "adadelta": (Adadelta(rho=0.7, epsilon=1e-3), "adadelta", {"rho": 0.7, "epsilon": 1e-3}),
    "amsgrad": (Adam(beta_2=0.7, amsgrad=True), "amsgrad", {"beta_2": 0.7}),
    "adamax": (Adamax(beta_1=0.6, beta_2=0.8), "adamax", {"beta_1": 0.6, "beta_2": 0.8}),
    "nadam": (Nadam(), "nadam", {}),
    "nadam with decay": (Nadam(beta_1=0.7, momentum_decay=0.3), "nadam", {"beta_1": 0.7, "momentum_decay": 0.3}),
    "lion": (Lion(), "lion", {}),
    "lion without memory": (Lion(beta_1=0.0, beta_2=0.5), "lion", {"beta_1": 0.0, "beta_2": 0.5}),
}
# of Muon only the part for vectors; that for matrices is in test_muon.py
RULES = {name: rule for name, (rule, _, _) in VARIANTS.items()} | {"adam": Adam(), "adamw": AdamW(), "muon": Muon()}
each_rule = pytest.mark.parametrize("name", RULES)


class Driver:
    """The two kernels of a rule with the state they keep."""

    def __init__(self, rule, n_weights, dtype=np.float64):
        scalar = _jit.scalar_type(np.dtype(dtype))
        self.prepare, self.step = (
            _jit.entry_point(getattr(type(rule), name), rule.signatures[name](scalar)) for name in ("prepare", "step")
        )
        self.hyper = rule.hyper_vector(np.float64)
        self.slots, self.memory = np.zeros((4, n_weights), dtype), np.zeros(8)
        self.scalars, self.t = np.zeros(N_SCALARS, dtype), 0

    def __call__(self, weights, gradient, lr, step_size=None):
        """Make one update in place."""
        self.t += 1
        self.prepare(lr, self.t, self.hyper, self.memory, self.scalars)
        step_size = weights[:0] if step_size is None else step_size
        self.step(weights, gradient, *self.slots, self.scalars, step_size)


# --- minima ---------------------------------------------------------------------------------------


def parabola_gradient(w):
    """Of (x - 1)^2 / 2 + 5 (y + 2)^2, minimum at (1, -2)."""
    return np.array([w[0] - 1, 10 * (w[1] + 2)])


def rosenbrock_gradient(w):
    """Of (1 - x)^2 + 100 (y - x^2)^2, minimum at (1, 1)."""
    slope = w[1] - w[0] ** 2
    return np.array([-2 * (1 - w[0]) - 400 * w[0] * slope, 200 * slope])


# A rule, and its learning rates for the two functions at the start, from where they fall linearly to zero: rules that
# normalise gradients do not come closer to a minimum than their rate.
MINIMISERS = {
    "gradient descent": (SGD(), 0.01, 0.0004),
    "rmsprop": (RMSprop(), 0.01, 0.001),
    "rmsprop with momentum": (RMSprop(momentum=0.9), 0.01, 0.001),
    "centered": (RMSprop(centered=True), 0.01, 0.001),
    "centered with momentum": (RMSprop(momentum=0.9, centered=True), 0.01, 0.001),
    "adagrad": (Adagrad(), 1.0, 1.0),  # whose rate falls by itself
    "adadelta": (Adadelta(), 1.0, 0.1),  # whose updates start at a thousandth of the rate
    "adam": (Adam(), 0.1, 0.1),
    "amsgrad": (Adam(amsgrad=True), 0.1, 0.1),
    "adamw": (AdamW(), 0.1, 0.1),
    "adamax": (Adamax(), 0.1, 0.1),
    "nadam": (Nadam(), 0.1, 0.01),
    "lion": (Lion(), 0.003, 0.001),
    "muon": (Muon(), 0.1, 0.1),
}


def test_every_rule_is_minimised_with():
    assert {type(rule) for rule, *_ in MINIMISERS.values()} == set(OPTIMIZERS.values())


def minimise(rule, gradient, start, lr, n_steps):
    weights = np.array(start)
    update = Driver(rule, weights.size)
    for t in range(n_steps):
        update(weights, gradient(weights), lr * (1 - t / n_steps))
    return weights


@pytest.mark.parametrize("name", MINIMISERS)
def test_minimum_of_a_parabola(name):
    rule, rate, _ = MINIMISERS[name]
    weights = minimise(rule, parabola_gradient, (0.0, 0.0), rate, 2000)
    np.testing.assert_allclose(weights, (1, -2), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", MINIMISERS)
def test_minimum_of_rosenbrocks_function(name):
    rule, _, rate = MINIMISERS[name]
    weights = minimise(rule, rosenbrock_gradient, (-1.2, 1.0), rate, 20_000)
    np.testing.assert_allclose(weights, (1, 1), rtol=0, atol=2e-4)


# --- the proximal step ----------------------------------------------------------------------------


@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
@each_rule
def test_step_size_is_update_over_average_gradient(name, dtype):
    """Whatever its weights, the average of equal gradients is that gradient."""
    rng = np.random.RandomState(0)
    gradient = (rng.normal(size=41) * 10.0 ** rng.uniform(-3, 1, 41)).astype(dtype)
    weights, step_size = np.zeros(41, dtype), np.zeros(41, dtype)
    update = Driver(RULES[name], 41, dtype)
    for t in range(1, 13):
        weights[:] = 0
        update(weights, gradient, 0.1 / t, step_size)
        expected = np.abs(weights / gradient)
        np.testing.assert_allclose(step_size, expected, rtol=1e-5 if dtype == np.float32 else 1e-12)
        assert np.all(np.sign(weights) == -np.sign(gradient))


@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
def test_lion_without_gradient_leaves_the_penalty_alone_to_act(dtype):
    """A weight without gradient does not move by itself; its proximal step is finite and makes it zero."""
    weights, step_size = np.array([0.5, -3.0, 0.0], dtype), np.zeros(3, dtype)
    update = Driver(Lion(), 3, dtype)
    update(weights, np.zeros(3, dtype), 1e-3, step_size)
    assert weights.tolist() == [0.5, -3.0, 0.0]
    assert np.all(np.isfinite(step_size)) and np.all(step_size > 1e6)
    PENALTIES["l1"].prox(weights, step_size, 3, 0, dtype(1e-4), PENALTIES["l1"]().hyper_vector(dtype))
    assert weights.tolist() == [0.0, 0.0, 0.0]


@covering(variant=VARIANTS.keys(), penalty=["l2", "elasticnet"], convert=FORMATS)
def test_variants_follow_their_twins(variant, penalty, convert):
    """Weights, exact zeros and curves, with a rate that falls, and in single precision nearly so."""
    rule, twin_name, twin_params = VARIANTS[variant]
    problem = make_problem("multiclass")
    rate = {"adadelta": 1.0, "adagrad with decay": 1.0}.get(variant, 0.05)
    params = SMALL | {"penalty": penalty, "alpha": 0.05, "learning_rate": "invscaling", "learning_rate_init": rate}
    twin_rule = make_optimizer(twin_name, **twin_params)
    twin = problem.fit_twin(row_weights(13), solver=twin_rule, **params)
    estimator = problem.make(solver=rule, **params).fit(convert(problem.X), problem.y, row_weights(13))
    assert_same(estimator, twin, tolerance=1e-9)
    assert (estimator.sparsity_ > 0) == (penalty == "elasticnet")


@pytest.mark.parametrize("weights", [None, row_weights(60)], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("name", LASSO)
def test_l1_is_lasso(name, weights):
    """The same weights and the same exact zeros."""
    X, y, _ = regression_data()
    rule, params = LASSO[name]
    params = {"penalty": "l1", "alpha": ALPHA, "solver": rule} | UNTIL_CONVERGED | params
    network = MLPRegressor((), **params).fit(X, y, weights)
    lasso = Lasso(alpha=ALPHA, tol=1e-14, max_iter=100_000).fit(X, y, weights)
    assert_same_line(network, lasso, n_zeros=3)


# --- real data ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(StandardScaler().fit_transform(X), y, random_state=0, stratify=y)


# All at the default rates of their references. With those, 'minibatch' and Muon, whose updates have a norm of about the
# rate, need more updates than the 210 of batches of 200 rows; the 30 updates of 'gd' need a higher rate.
SETTINGS = {"gd": {"learning_rate_init": 0.2}, "minibatch": {"batch_size": 32}, "muon": {"batch_size": 32}}


@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_digits_at_the_defaults(digits, solver, record_property):
    """At least 93 % in 30 epochs."""
    X_train, X_test, y_train, y_test = digits
    model = MLPClassifier(solver=solver, max_iter=30, random_state=0, **SETTINGS.get(solver, {})).fit(X_train, y_train)
    record_property("accuracy", model.score(X_test, y_test))
    assert model.score(X_test, y_test) >= 0.93


NON_SMOOTH = [name for name, penalty in PENALTIES.items() if not penalty().is_smooth]


@pytest.mark.parametrize("penalty", NON_SMOOTH)
@pytest.mark.parametrize("name", RULES)
def test_exact_zeros_on_digits(digits, name, penalty):
    """With useful accuracy; more zeros for a larger alpha, whose scale is that of the objective, for every rule."""
    X_train, X_test, y_train, y_test = digits
    sparsity = []
    groups = penalty == "group_l1"  # which fall as a whole: a weak penalty drops none
    for alpha in (1e-3, 4e-2 if groups else 1e-2):
        params = {"solver": RULES[name], "penalty": penalty, "alpha": alpha, "max_iter": 30, "random_state": 0}
        if name in ("adagrad with decay", "muon"):  # start small
            params["learning_rate_init"] = {"muon": 0.01}.get(name, 0.2)
        model = MLPClassifier((32,), **params).fit(X_train.astype(np.float32), y_train)
        sparsity.append(model.sparsity_)
        assert model.score(X_test, y_test) > (0.8 if groups else 0.85)
    assert (-1 if groups else 0.01) < sparsity[0] < sparsity[1] < 1
    assert sparsity[1] > 0.2


# --- numbers ----------------------------------------------------------------------------------------


@pytest.mark.nojit
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", DTYPES)
@each_rule
def test_bad_gradients_stay_visible(name, dtype, bad):
    """In the weight they belong to, in that update and in all after, and in no other."""
    for place in (0, 5, 18, 36):
        update, gradient = Driver(RULES[name], 37, dtype), np.linspace(-1.5, 1.5, 37).astype(dtype) + dtype(0.01)
        weights, step_size = np.ones(37, dtype), np.ones(37, dtype)
        update(weights, gradient, 0.1, step_size)
        gradient[place] = bad
        with np.errstate(all="ignore"):
            for _ in range(2):
                update(weights, gradient, 0.1, step_size)
                assert np.flatnonzero(~np.isfinite(weights)).tolist() == [place]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_variance_is_never_negative(momentum, dtype):
    """Of gradients that hardly vary, where a mean of squares minus the square of a mean cancels."""
    update = Driver(RMSprop(rho=0.9, momentum=momentum, centered=True, epsilon=1e-3), 37, dtype)
    rng, weights = np.random.RandomState(0), np.zeros(37, dtype)
    for _ in range(500):
        gradient = (1000 * (1 + 1e-9 * rng.normal(size=37))).astype(dtype)
        update(weights, gradient, 1e-9)
        assert np.all(update.slots[0] >= 0)
    assert np.all(np.isfinite(weights))


# --- parameters -----------------------------------------------------------------------------------


def test_defaults_are_those_of_torch():
    torch = pytest.importorskip("torch")
    names = {"rho": "alpha", "epsilon": "eps"}
    betas = {"beta_1": 0, "beta_2": 1}
    for rule, reference_rule in {
        RMSprop: "RMSprop", Adagrad: "Adagrad", Adadelta: "Adadelta", Adam: "Adam", AdamW: "AdamW", Adamax: "Adamax",
        Nadam: "NAdam",
    }.items():  # fmt: skip
        expected = {
            name: parameter.default
            for name, parameter in inspect.signature(getattr(torch.optim, reference_rule)).parameters.items()
        }
        assert rule.default_learning_rate == expected["lr"]
        assert rule.default_weight_decay == expected["weight_decay"]
        for name, value in rule().get_params().items():
            if name in betas:
                assert value == expected["betas"][betas[name]]
            else:
                name = name if name in expected else names[name]
                assert value == expected[name], (rule, name)


def test_adamw_is_adam_but_for_the_decay_of_weights():
    assert (AdamW.prepare, AdamW.step, AdamW.flat_parameters) == (Adam.prepare, Adam.step, Adam.flat_parameters)
    assert AdamW().get_params() == Adam().get_params()
    assert {rule: rule.default_weight_decay for rule in OPTIMIZERS.values() if rule.default_weight_decay} == {
        AdamW: 0.01,
        Muon: 0.1,
    }


def test_estimators_parameters_belong_to_gradient_descent_and_adam():
    """All other rules have the shape parameters of their references."""
    flat = {rule: rule.flat_parameters for rule in OPTIMIZERS.values() if rule.flat_parameters}
    of_adam = ("beta_1", "beta_2", "epsilon")
    assert flat == {SGD: ("momentum", "nesterovs_momentum"), Adam: of_adam, AdamW: of_adam}
    problem = make_problem("regression")
    changed = {"beta_1": 0.1, "beta_2": 0.2, "epsilon": 0.3, "momentum": 0.4, "nesterovs_momentum": False}
    for name, rule in OPTIMIZERS.items():
        params = SMALL | {"solver": name, "batch_size": "auto"}
        models = [problem.make(**params | more).fit(problem.X, problem.y) for more in ({}, changed)]
        assert np.array_equal(models[0].coefs_[0], models[1].coefs_[0]) == (rule not in flat)


WITH_EPSILON = [rule for rule in dict.fromkeys(OPTIMIZERS.values()) if rule not in (SGD, Lion)]


@pytest.mark.parametrize(
    ("rule", "name", "values"),
    [
        *((rule, "epsilon", (0.0, -1.0, np.inf, "small")) for rule in WITH_EPSILON),
        *((rule, "beta_1", (-0.1, 1.0, np.nan)) for rule in (Adam, AdamW, Adamax, Nadam, Lion, Muon)),
        *((rule, "beta_2", (-0.1, 1.0, np.nan)) for rule in (Adam, AdamW, Adamax, Nadam, Lion, Muon)),
        *((rule, "rho", (-0.1, 1.0, None)) for rule in (RMSprop, Adadelta)),
        (RMSprop, "momentum", (-0.1, 1.0, None)),
        (Muon, "momentum", (-0.1, 1.0, None)),
        (Muon, "nesterovs_momentum", ("yes", 2)),
        (Muon, "n_steps", (0, 100, 2.5, None)),
        (Muon, "match_rms_adamw", ("yes", 2)),
        (RMSprop, "centered", ("yes", 2)),
        (Adam, "amsgrad", ("yes", 2)),
        (Muon, "amsgrad", ("yes", 2)),
        (Adagrad, "lr_decay", (-0.1, np.inf, None)),
        (Adagrad, "initial_accumulator_value", (-0.1, np.inf, None)),
        (Nadam, "momentum_decay", (-0.1, np.inf, None)),
    ],
)  # fmt: skip
def test_bad_parameters(rule, name, values):
    """Every parameter has a domain, and is refused outside of it before any work."""
    problem = make_problem("regression")
    assert set(rule._parameter_constraints) == set(rule().get_params())
    for value in values:
        with pytest.raises(InvalidParameterError, match=f"The '{name}' parameter of {rule.__name__}"):
            problem.make(solver=rule(**{name: value})).fit(problem.X, problem.y)


@each_rule
def test_hyper_parameters_are_numbers_in_the_order_of_the_constructor(name):
    rule = clone(RULES[name])
    assert isinstance(rule, Optimizer)
    order = list(inspect.signature(type(rule)).parameters)
    assert rule.hyper_parameters() == tuple(float(getattr(rule, parameter)) for parameter in order)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", [*OPTIMIZERS, SGD(), Adam()], ids=str)
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_learning_rate_init_auto(kind, solver):
    expected = {"adadelta": 1.0, "adagrad": 0.01, "rmsprop": 0.01, "adamax": 0.002, "nadam": 0.002}
    expected |= {"gd": 0.05, "minibatch": 0.01} if kind is MLPClassifier else {}
    X = np.random.RandomState(0).randn(20, 3)
    y = np.arange(20) % 2
    for params in ({}, {"learning_rate_init": 0.0005}):
        model = kind(3, solver=solver, max_iter=1, **params).fit(X, y)
        by_name = expected.get(solver, 0.001) if isinstance(solver, str) else 0.001
        assert model.learning_rate_curve_ == [params.get("learning_rate_init", by_name)]
