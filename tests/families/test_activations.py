"""Activations and the functions they are made of, against SciPy and PyTorch, and where numbers end."""

import numpy as np
import pytest
from numba import types
from scipy import special
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError
from support.problems import make_problem

from skregopt import MLPClassifier
from skregopt._kernels import jit as _jit
from skregopt._kernels import maths
from skregopt._kernels.compiler import DISABLED
from skregopt.activations import ACTIVATIONS, ELU, GELU, LeakyReLU, Softplus

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

DTYPES = [np.float32, np.float64]
# beyond these |z| the normal distribution's tail underflows
TAILS = {np.float32: 13.0, np.float64: 37.5}
# name -> component, the same in PyTorch's functional interface
RULES = {
    **{name: (rule(), name) for name, rule in ACTIVATIONS.items()},
    "leaky_relu, other slope": (LeakyReLU(negative_slope=0.3), "leaky_relu"),
    "leaky_relu, slope 0": (LeakyReLU(negative_slope=0), "leaky_relu"),
    "elu, other scale": (ELU(negative_scale=0.3), "elu"),
    "gelu, approximate": (GELU(approximate="tanh"), "gelu"),
}


def call(component, name, *arguments):
    """Call a kernel as compiled for the dtype of its first argument."""
    signature = component.signatures[name](_jit.scalar_type(arguments[0].dtype))
    _jit.entry_point(getattr(type(component), name), signature)(*arguments)


def value_and_derivative(component, z):
    """Return f(z) and f'(z) as the training loop computes them."""
    a, hyper = z.copy(), component.hyper_vector(z.dtype)
    saved, delta = np.full(z.size if component.saves else 0, np.nan, z.dtype), np.ones_like(z)
    with np.errstate(all="ignore"):
        call(component, "activate", a, saved, hyper)
        call(component, "differentiate", a, saved, delta, hyper)
    return a, delta


# --- functions ------------------------------------------------------------------------------------------------------


def expm1_of(x, out):
    for i in range(x.size):
        out[i] = maths.expm1(x[i])


def log1p_of(x, out):
    for i in range(x.size):
        out[i] = maths.log1p(x[i])


def gaussian_of(x, out):
    for i in range(x.size):
        out[i] = maths.gaussian(x[i])


def normal_cdf_of(x, out):
    for i in range(x.size):
        out[i] = maths.normal_cdf(x[i], maths.gaussian(x[i]))


def elementwise(function, x):
    v, out = _jit.vector(_jit.scalar_type(x.dtype)), np.empty_like(x)
    _jit.entry_point(function, types.void(v, v))(x, out)
    return out


def exact_gaussian(x):
    x = np.asarray(x, np.longdouble)
    return np.exp(-x * x / 2)


def exact_normal_cdf(x):
    # SciPy's ndtr is off by 100 ulp in the far tail, where rounding x**2 is multiplied by x**2, its erfcx by 10 near 0
    tail = exact_gaussian(x) * special.erfcx(np.abs(x) / np.sqrt(2)) / 2
    return np.where(np.abs(x) < 1, special.ndtr(np.asarray(x, np.float64)), np.where(x < 0, tail, 1 - tail))


FUNCTIONS = {
    expm1_of: (lambda x: np.expm1(np.asarray(x, np.longdouble)), 4),
    log1p_of: (lambda x: np.log1p(np.asarray(x, np.longdouble)), 2),
    gaussian_of: (exact_gaussian, 2.5),
    normal_cdf_of: (exact_normal_cdf, 10),
}


@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_functions_are_accurate(function, dtype, record_property):
    """To units in the last place, those of the smallest normal number below it."""
    if np.finfo(np.longdouble).eps == np.finfo(np.float64).eps:
        pytest.skip("no wider type to compare with")
    rng, n = np.random.RandomState(0), 2000 if DISABLED else 100_000
    small = 10 ** rng.uniform(-30, 0, n)
    tail = TAILS[dtype]
    x = {
        expm1_of: np.concatenate([rng.uniform(-80, 80, n), rng.uniform(-2, 2, n), small, -small]),
        log1p_of: np.concatenate([rng.uniform(0, 1, n), small, [0.0, 1.0]]),
    }.get(function, np.concatenate([rng.uniform(-tail, tail, n), rng.uniform(-3, 3, n), small, -small, [0.0]]))
    x = x.astype(dtype)
    exact, bound = FUNCTIONS[function]
    exact = exact(x)
    ulp = np.spacing(np.maximum(np.abs(exact.astype(dtype)), np.finfo(dtype).tiny))
    error = np.abs(elementwise(function, x) - exact) / ulp
    record_property("ulp", float(error.max()))
    assert error.max() < bound, (float(x[error.argmax()]), float(error.max()))


@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
def test_functions_at_the_ends(dtype):
    x = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 0.0], dtype)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(elementwise(expm1_of, x), [np.nan, np.inf, -1, np.inf, -1, 0])
        np.testing.assert_array_equal(elementwise(gaussian_of, x), [np.nan, 0, 0, 0, 0, 1])
        np.testing.assert_array_equal(elementwise(normal_cdf_of, x), [np.nan, 1, 0, 1, 0, 0.5])
        # up to where e**x overflows, and no further
        high = np.array([{np.float32: 88.7, np.float64: 709.7}[dtype]], dtype)
        np.testing.assert_allclose(elementwise(expm1_of, high), np.expm1(high), rtol=1e-6)
    unit = np.array([np.nan, 0, 1], dtype)
    np.testing.assert_allclose(elementwise(log1p_of, unit), np.log1p(unit), rtol=1e-6)


# --- activations ----------------------------------------------------------------------------------------------------


def torch_value_and_derivative(component, name, z):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    function = {
        "identity": lambda z: 1 * z,
        "logistic": torch.sigmoid,
        "tanh": torch.tanh,
        "leaky_relu": lambda z: functional.leaky_relu(z, component.negative_slope),
        "elu": lambda z: functional.elu(z, component.negative_scale),
        "gelu": lambda z: functional.gelu(z, approximate=component.approximate),
        "softplus": lambda z: functional.softplus(z, threshold=1000),
    }.get(name) or getattr(functional, name)
    z = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    a = function(z)
    a.sum().backward()
    return a.detach().numpy(), z.grad.numpy()


@pytest.mark.torch
@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RULES)
def test_value_and_derivative_are_those_of_torch(name, dtype):
    """Within a few units in the last place of 1, and what PyTorch's z (1 - s(z)) loses."""
    component, torch_name = RULES[name]
    rng = np.random.RandomState(0)
    z = np.concatenate([rng.uniform(-30, 30, 500), rng.normal(size=1500), 1e-4 * rng.normal(size=99), [0.0]])
    z = z.astype(dtype)
    value, derivative = value_and_derivative(component, z)
    assert value.dtype == derivative.dtype == dtype
    expected_value, expected_derivative = torch_value_and_derivative(component, torch_name, z)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(value, expected_value, rtol=4 * eps, atol=4 * eps)
    if name == "elu" or name.startswith("leaky") or name in ("selu", "relu"):  # of the kink either side is right
        z, derivative, expected_derivative = (v[:-1] for v in (z, derivative, expected_derivative))
    assert np.all(np.abs(derivative - expected_derivative) <= (8 + np.abs(z)) * eps)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def in_long_double():
    """Return {name: (f, f')}, the textbook's formulas, for extended precision."""
    one, pi = np.longdouble(1), 4 * np.arctan(np.longdouble(1))
    scale = np.longdouble("1.0507009873554804934193349852946")
    lower = scale * np.longdouble("1.6732632423543772848170429916717")

    def gate(z):
        return np.tanh(np.log1p(np.exp(z)))

    def u(z):
        return 2 * np.sqrt(2 / pi) * (z + np.longdouble("0.044715") * z**3)

    def du(z):
        return 2 * np.sqrt(2 / pi) * (1 + 3 * np.longdouble("0.044715") * z**2)

    return {
        "elu": (lambda z: np.where(z > 0, z, np.expm1(z)), lambda z: np.where(z > 0, one, np.exp(z))),
        "selu": (
            lambda z: np.where(z > 0, scale * z, lower * np.expm1(z)),
            lambda z: np.where(z > 0, scale, lower * np.exp(z)),
        ),
        "silu": (lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (1 + z * sigmoid(-z))),
        "mish": (lambda z: z * gate(z), lambda z: gate(z) + z * (1 - gate(z) ** 2) * sigmoid(z)),
        "softplus": (lambda z: np.log1p(np.exp(z)), sigmoid),
        "gelu, approximate": (
            lambda z: z * sigmoid(u(z)),
            lambda z: sigmoid(u(z)) * (1 + z * sigmoid(-u(z)) * du(z)),
        ),
    }


@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", in_long_double())
def test_accuracy_relative_to_the_value(name, dtype):
    if np.finfo(np.longdouble).eps == np.finfo(np.float64).eps:
        pytest.skip("no wider type to compare with")
    rng, eps = np.random.RandomState(0), np.finfo(dtype).eps
    z = np.concatenate([rng.uniform(-20, 20, 3000), rng.normal(size=3000), 1e-4 * rng.normal(size=99)]).astype(dtype)
    exact = [function(z.astype(np.longdouble)) for function in in_long_double()[name]]
    value, derivative = value_and_derivative(RULES[name][0], z)
    # an argument of 20 loses 20 eps in an exponential, by the chain of the cube even more
    rtol = 4 * eps if name != "gelu, approximate" else 600 * eps
    np.testing.assert_allclose(value, exact[0], rtol=rtol, atol=np.finfo(dtype).tiny)
    # the derivative of some crosses zero
    np.testing.assert_allclose(derivative, exact[1], rtol=rtol, atol=4 * eps)


def exact_tails():
    """Return {name: (f, f')} for large negative z, where 1 - e**z and the like would have lost everything."""

    def mills(z):
        return special.erfcx(-z / np.sqrt(2)) / 2

    return {
        "elu": (np.expm1, np.exp),
        "selu": (lambda z: 1.7580993408473768 * np.expm1(z), lambda z: 1.7580993408473768 * np.exp(z)),
        "gelu": (
            lambda z: z * mills(z) * exact_gaussian(z),
            lambda z: (mills(z) + z / np.sqrt(2 * np.pi)) * exact_gaussian(z),
        ),
        "silu": (lambda z: z * np.exp(z), lambda z: (1 + z) * np.exp(z)),
        "mish": (lambda z: z * np.exp(z), lambda z: (1 + z) * np.exp(z)),
        "softplus": (np.exp, np.exp),
    }


@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", exact_tails())
def test_tails_are_accurate_relative_to_what_they_are(name, dtype):
    """Where e**(2 z) is below rounding, f is its first term; PyTorch's gelu is zero there."""
    low = {"gelu": -TAILS[dtype], "elu": -80.0}.get(name, {np.float32: -85.0, np.float64: -700.0}[dtype])
    high = {"gelu": -3.0, "elu": -3.0, "selu": -3.0}.get(name, -38.0)
    z = np.linspace(low, high, 999).astype(dtype)
    value, derivative = value_and_derivative(ACTIVATIONS[name](), z)
    wide = z.astype(np.float64)
    for actual, exact in zip((value, derivative), exact_tails()[name], strict=True):
        np.testing.assert_allclose(actual, exact(wide).astype(np.float64), rtol=100 * np.finfo(dtype).eps)


@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RULES)
def test_extremes(name, dtype):
    component, torch_name = RULES[name]
    z = np.array([np.nan, np.inf, 1e30, 200.0, -200.0, -1e30, -np.inf], dtype)
    value, derivative = value_and_derivative(component, z)
    assert np.isnan(value[0])
    slope = getattr(component, "negative_slope", 1.0 if name == "identity" else 0.0)
    if slope == 0 or name == "identity":
        lowest = {"tanh": -1.0, "selu": -1.7580993408473768, "elu": -1.0, "elu, other scale": -0.3}.get(name, 0.0)
    if torch_name in ("logistic", "tanh"):
        np.testing.assert_array_equal(value[1:4], 1.0)
        np.testing.assert_array_equal(derivative[1:4], 0.0)
    else:
        scale = dtype(1.0507009873554805) if name == "selu" else dtype(1)
        np.testing.assert_array_equal(value[1:4], scale * z[1:4])
        np.testing.assert_array_equal(derivative[1:4], scale)
    if name == "identity":
        np.testing.assert_array_equal(value[4:], z[4:])
    elif torch_name == "leaky_relu":
        np.testing.assert_array_equal(value[4:6], dtype(slope) * z[4:6])
        if slope == 0:  # 0 times infinity
            return
        assert value[6] == -np.inf
    else:
        np.testing.assert_allclose(value[4:], lowest, rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(derivative[4:], slope, rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["silu", "mish", "gelu"])
def test_derivative_near_its_root(name, dtype):
    """These fall, turn and rise: the derivative changes sign where central differences of f do."""
    z = np.linspace(-3, 0, 3001).astype(dtype)
    derivative = value_and_derivative(ACTIVATIONS[name](), z)[1]
    (turn,) = np.flatnonzero(np.diff(np.sign(derivative)))
    expected = {"silu": -1.2784645, "mish": -1.1924338, "gelu": -0.7517916}[name]
    assert abs(z[turn] - expected) < 2e-3


# --- in a fit -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("name", RULES)
def test_every_activation_learns(name, solver):
    rng = np.random.RandomState(0)
    X = rng.uniform(-2, 2, size=(300, 2))
    y = (np.hypot(*X.T) < 1.2).astype(int)
    params = {"learning_rate_init": 0.02, "max_iter": 150, "random_state": 1}
    model = MLPClassifier((20,), activation=RULES[name][0], solver=solver, **params).fit(X, y)
    assert (model.score(X, y) > 0.95) == (name != "identity")


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        (LeakyReLU(), LeakyReLU(negative_slope=0.4)),
        (ELU(), ELU(negative_scale=0.4)),
        (GELU(), GELU(approximate="tanh")),
    ],
)
def test_parameters_arrive_in_the_fit(plain, other):
    problem = make_problem("regression")
    params = {"hidden_layer_sizes": (4,), "random_state": 0, "max_iter": 5}

    def fitted(activation):
        return problem.make(activation=activation, **params).fit(problem.X, problem.y)

    name = {type(rule()): name for name, rule in ACTIVATIONS.items()}[type(plain)]
    assert fitted(plain).coefs_[0].tolist() == fitted(name).coefs_[0].tolist()
    assert fitted(plain).coefs_[0].tolist() != fitted(other).coefs_[0].tolist()
    model = clone(problem.make(activation=plain)).set_params(
        **{f"activation__{key}": value for key, value in other.get_params().items()}
    )
    assert model.activation.get_params() == other.get_params()


@pytest.mark.parametrize(
    "bad",
    [LeakyReLU(negative_slope=-0.1), LeakyReLU(negative_slope="x"), ELU(negative_scale=-1), GELU(approximate="erf")],
    ids=str,
)
def test_bad_parameters(bad):
    problem = make_problem("regression")
    (name,) = bad.get_params()
    with pytest.raises(InvalidParameterError, match=f"The '{name}' parameter of {type(bad).__name__} must be"):
        problem.make(activation=bad).fit(problem.X, problem.y)


def test_diverging_fit_is_recognised():
    """NaN passes through every activation to the check at the end of an epoch."""
    problem = make_problem("regression")
    for name in ("gelu", "silu", "mish", "softplus", "elu", "selu", "leaky_relu"):
        model = problem.make(activation=name, solver="gd", learning_rate_init=1e200, max_iter=20, early_stopping=False)
        with pytest.raises(ValueError, match="non-finite"), np.errstate(all="ignore"):
            model.fit(problem.X, problem.y)


def test_softplus_is_not_linear_above_20():
    z = np.array([20.5, 25.0, 30.0])
    value, _ = value_and_derivative(Softplus(), z)
    np.testing.assert_allclose(value - z, np.exp(-z), rtol=1e-5, atol=4e-15)
