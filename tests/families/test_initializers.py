"""Initial weights against their formulas, PyTorch and scikit-learn."""

import pickle

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils._param_validation import InvalidParameterError
from support.pairwise import covering
from support.problems import make_problem
from twin import activations as twin_activations

import skregopt
from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import ACTIVATIONS, Activation, Tanh
from skregopt.initializers import (
    INITIALIZERS,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    Initializer,
    Normal,
    Orthogonal,
    ZeroOutput,
)

pytestmark = [pytest.mark.numerics, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

SHAPES = [(400, 250), (250, 400), (300, 300), (1, 90_000), (90_000, 1)]
# name -> variance; glorot_uniform with the gain of the activation
VARIANCES = {
    "glorot_uniform": lambda fan_in, fan_out, gain: 2 * gain / (fan_in + fan_out),
    "glorot_normal": lambda fan_in, fan_out, gain: 2 / (fan_in + fan_out),
    "he_uniform": lambda fan_in, fan_out, gain: 2 / fan_in,
    "he_normal": lambda fan_in, fan_out, gain: 2 / fan_in,
    "lecun_uniform": lambda fan_in, fan_out, gain: 1 / fan_in,
    "lecun_normal": lambda fan_in, fan_out, gain: 1 / fan_in,
    "normal": lambda fan_in, fan_out, gain: 1 / fan_in,
    "orthogonal": lambda fan_in, fan_out, gain: 1 / max(fan_in, fan_out),
}


def draw(name, fan_in, fan_out, activation="tanh", seed=0):
    return INITIALIZERS[name]().draw(np.random.RandomState(seed), fan_in, fan_out, ACTIVATIONS[activation]())


def start_of(estimator, X, y):
    """Return the weights and intercepts that a fit starts from, exactly (zeros to 1e-300)."""
    estimator = clone(estimator).set_params(solver="adam", learning_rate_init=1e-300, max_iter=1, penalty=None)
    estimator.fit(X, y)
    return [*estimator.coefs_, *estimator.intercepts_]


# --- distributions --------------------------------------------------------------------------------------------------


@covering(name=INITIALIZERS.keys(), shape=SHAPES, activation=["tanh", "logistic", "relu"])
def test_moments(name, shape, activation):
    coef, intercept = draw(name, *shape, activation)
    assert coef.shape == shape and intercept.shape == (shape[1],)
    assert coef.dtype == intercept.dtype == np.float64
    variance = VARIANCES[name](*shape, 1 / 3 if activation == "logistic" else 1)
    # five standard errors; a normal's fourth moment is 3 squares of its second, a uniform's 9 / 5
    assert abs(coef.mean()) < 5 * np.sqrt(variance / coef.size)
    assert abs((coef**2).mean() / variance - 1) < 5 * np.sqrt(2 / coef.size)
    kurtosis = (coef**4).mean() / (coef**2).mean() ** 2
    assert abs(kurtosis - (1.8 if name.endswith("uniform") else 3)) < 0.1
    if name.endswith("uniform"):
        bound = np.sqrt(3 * variance)
        assert 0.9999 * bound < coef.max() <= bound and -bound <= coef.min() < -0.9999 * bound
    else:
        assert name == "orthogonal" or np.abs(coef).max() > 3.5 * np.sqrt(variance)  # not truncated
    if name == "normal":
        if shape[1] > 100:
            assert abs(intercept.mean()) < 5 * intercept.size**-0.5
            assert abs((intercept**2).mean() - 1) < 5 * np.sqrt(2 / intercept.size)
    elif name != "glorot_uniform":
        assert not intercept.any()
    elif shape[1] > 100:
        assert 0.9 * bound < np.abs(intercept).max() <= bound


@pytest.mark.torch
@pytest.mark.parametrize("shape", [(400, 250), (250, 400)], ids=str)
@pytest.mark.parametrize(
    ("name", "torch_name", "params"),
    [
        ("glorot_uniform", "xavier_uniform_", {}),
        ("glorot_normal", "xavier_normal_", {}),
        ("he_uniform", "kaiming_uniform_", {"nonlinearity": "relu"}),
        ("he_normal", "kaiming_normal_", {"nonlinearity": "relu"}),
        ("lecun_uniform", "kaiming_uniform_", {"nonlinearity": "linear"}),
        ("lecun_normal", "kaiming_normal_", {"nonlinearity": "linear"}),
        ("normal", "kaiming_normal_", {"nonlinearity": "linear"}),
        ("orthogonal", "orthogonal_", {}),
    ],
)
def test_distribution_is_that_of_torch(name, torch_name, params, shape):
    torch = pytest.importorskip("torch")
    weight = torch.empty(shape[::-1], dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    theirs = getattr(torch.nn.init, torch_name)(weight, generator=generator, **params).numpy().ravel()
    ours = draw(name, *shape)[0].ravel()
    quantiles = np.linspace(0.01, 0.99, 15)
    np.testing.assert_allclose(np.quantile(ours, quantiles), np.quantile(theirs, quantiles), atol=0.03 * theirs.std())
    if name.endswith("uniform"):
        np.testing.assert_allclose(np.abs(ours).max(), np.abs(theirs).max(), rtol=1e-3)


@pytest.mark.nojit
@pytest.mark.parametrize("gain", [1.0, 0.3, 2.0])
@pytest.mark.parametrize("shape", [(7, 3), (3, 7), (5, 5), (1, 4), (4, 1), (1, 1)], ids=str)
def test_orthogonal(shape, gain):
    coef, intercept = Orthogonal(gain=gain).draw(np.random.RandomState(1), *shape, Tanh())
    gram = coef.T @ coef if shape[0] >= shape[1] else coef @ coef.T
    np.testing.assert_allclose(gram, gain**2 * np.eye(min(shape)), atol=1e-12)
    assert not intercept.any()


def test_orthogonal_is_uniformly_distributed():
    """Without the correction of signs, Householder's QR gives first entries of one sign."""
    rng = np.random.RandomState(0)
    draws = np.array([Orthogonal().draw(rng, 4, 4, Tanh())[0] for _ in range(4000)])
    assert np.abs(draws.mean(axis=0)).max() < 5 * 0.5 / np.sqrt(4000)
    np.testing.assert_allclose((draws**2).mean(axis=0), 1 / 4, atol=0.02)


def test_signal_keeps_its_size_through_the_layers():
    """What the rules are for: he with relu, lecun with selu, orthogonal with the identity."""
    X = np.random.RandomState(0).normal(size=(200, 256))
    for name, activation, expected in (
        ("he_uniform", "relu", 2.0),  # the first layer doubles it, the others undo the halving of relu
        ("he_normal", "relu", 2.0),
        ("lecun_normal", "selu", 1.0),
        ("lecun_uniform", "identity", 1.0),
        ("orthogonal", "identity", 1.0),
        ("glorot_normal", "relu", 2.0**-7),
    ):
        component, scales = ACTIVATIONS[activation](), []
        for seed in range(5):
            values, rng = X, np.random.RandomState(seed)
            for _ in range(8):
                z = values @ INITIALIZERS[name]().draw(rng, 256, 256, component)[0]
                values = twin_activations.ACTIVATIONS[activation][0](z)
            scales.append((z**2).mean())
        scale = np.mean(scales)
        assert 0.6 * expected < scale < 1.6 * expected, (name, activation, scale)


# --- in a fit -------------------------------------------------------------------------------------------------------

CHOICES = {
    "identity": "glorot_uniform",
    "logistic": "glorot_uniform",
    "tanh": "glorot_uniform",
    "relu": "glorot_uniform",
    "leaky_relu": "he_uniform",
    "elu": "he_uniform",
    "selu": "lecun_normal",
    "gelu": "he_uniform",
    "silu": "he_uniform",
    "mish": "he_uniform",
    "softplus": "he_uniform",
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_auto_goes_by_the_activation(activation):
    problem = make_problem("regression")
    params = {"hidden_layer_sizes": (5, 4), "activation": activation, "random_state": 3}
    auto = start_of(problem.make(**params), problem.X, problem.y)
    named = start_of(problem.make(weight_init=CHOICES[activation], **params), problem.X, problem.y)
    instance = problem.make(weight_init=INITIALIZERS[CHOICES[activation]](), **params)
    instance.set_params(activation=ACTIVATIONS[activation]())
    for a, b, c in zip(auto, named, start_of(instance, problem.X, problem.y), strict=True):
        assert a.tolist() == b.tolist() == c.tolist()
    rng, widths = np.random.RandomState(3), [problem.X.shape[1], 5, 4, 1]
    for layer in range(3):
        drawn = INITIALIZERS[CHOICES[activation]]().draw(
            rng, widths[layer], widths[layer + 1], ACTIVATIONS[activation]()
        )
        np.testing.assert_allclose(auto[layer], drawn[0], rtol=0, atol=1e-299)
        np.testing.assert_allclose(auto[3 + layer], drawn[1], rtol=0, atol=1e-299)


def test_activation_of_a_user_starts_as_in_scikit_learn():
    assert Activation.default_initializer == "glorot_uniform"


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), (6,), (6, 5, 4)], ids=str)
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_glorot_uniform_is_the_draw_of_scikit_learn(name, hidden, activation):
    problem = make_problem("multiclass" if name == "MLPClassifier" else "regression")
    params = {"hidden_layer_sizes": hidden, "activation": activation, "random_state": 11}
    still = {"solver": "adam", "learning_rate_init": 1e-300, "max_iter": 1}
    expected = getattr(sklearn.neural_network, name)(**params, **still).fit(problem.X, problem.y)
    start = start_of(getattr(skregopt, name)(weight_init="glorot_uniform", **params), problem.X, problem.y)
    for ours, theirs in zip(start, [*expected.coefs_, *expected.intercepts_], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-299)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_draws_do_not_depend_on_dtype(name):
    problem = make_problem("regression")
    params = {"hidden_layer_sizes": (5, 4), "weight_init": name, "random_state": 3}
    double = start_of(problem.make(**params), problem.X, problem.y)
    single = start_of(problem.make(dtype="float32", **params), problem.X, problem.y)
    for d, s in zip(double, single, strict=True):
        assert s.dtype == np.float32
        np.testing.assert_array_equal(s, d.astype(np.float32))


@pytest.mark.nojit
@pytest.mark.parametrize("name", INITIALIZERS)
def test_same_seed_same_weights(name):
    first, again, other = draw(name, 6, 5), draw(name, 6, 5), draw(name, 6, 5, seed=1)
    for a, b in zip(first, again, strict=True):
        assert a.tolist() == b.tolist()
    assert first[0].tolist() != other[0].tolist()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", INITIALIZERS)
def test_every_initializer_trains_with_every_activation(name, activation):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(200, 4))
    y = (X @ [1.0, -1.0, 0.5, 0.0] > 0).astype(int)
    params = {"learning_rate_init": 0.01, "max_iter": 60, "random_state": 1, "batch_size": 50}
    model = MLPClassifier((12, 8), activation=activation, weight_init=name, **params).fit(X, y)
    assert model.score(X, y) > 0.93
    assert model.loss_ < 0.6 * model.loss_curve_[0]


def test_weights_that_are_there_already_are_kept():
    problem = make_problem("regression")
    model = problem.make(hidden_layer_sizes=(4,), warm_start=True, random_state=0, max_iter=3)
    model.fit(problem.X, problem.y)
    twin = clone(model).fit(problem.X, problem.y).set_params(weight_init="orthogonal")
    assert twin.fit(problem.X, problem.y).coefs_[0].tolist() == model.fit(problem.X, problem.y).coefs_[0].tolist()


# --- components -----------------------------------------------------------------------------------------------------


def test_parameters_clone_and_search():
    problem = make_problem("multiclass", n_samples=60)
    model = MLPClassifier((4,), weight_init=Orthogonal(gain=0.5), random_state=0, max_iter=3)
    assert model.get_params()["weight_init__gain"] == 0.5
    twin = clone(model)
    assert twin.weight_init is not model.weight_init and twin.weight_init.gain == 0.5
    grid = [
        {"weight_init": [GlorotUniform(), HeNormal(), "lecun_uniform", "auto"]},
        {"weight_init": [Orthogonal()], "weight_init__gain": [0.5, 1.0, 2.0]},
    ]
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(problem.X, problem.y)
    assert len(search.cv_results_["params"]) == 7
    gains = [params.get("weight_init__gain") for params in search.cv_results_["params"]]
    assert gains == [None, None, None, None, 0.5, 1.0, 2.0]


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("value", [Tanh(), GlorotNormal, "glorot", np.zeros(3), None])
def test_of_another_family(kind, value):
    problem = make_problem("multiclass" if kind is MLPClassifier else "regression")
    with pytest.raises(InvalidParameterError, match=f"The 'weight_init' parameter of {kind.__name__} must be"):
        kind(weight_init=value).fit(problem.X, problem.y)


@pytest.mark.parametrize("gain", [0, -1.0, np.inf, "1", None])
@pytest.mark.parametrize("warm", [False, True])
def test_bad_gain(gain, warm):
    problem = make_problem("regression")
    model = problem.make(hidden_layer_sizes=(4,), warm_start=warm, max_iter=2)
    if warm:
        model.fit(problem.X, problem.y)
    with pytest.raises(InvalidParameterError, match="The 'gain' parameter of Orthogonal must be"):
        model.set_params(weight_init=Orthogonal(gain=gain)).fit(problem.X, problem.y)


class Constant(Initializer):
    """What a user may write."""

    def draw(self, rng, fan_in, fan_out, activation):
        """Return equal weights."""
        return np.full((fan_in, fan_out), 0.25), np.full(fan_out, fan_in)


def test_initializer_of_a_user():
    problem = make_problem("regression")
    start = start_of(problem.make(hidden_layer_sizes=(5,), weight_init=Constant()), problem.X, problem.y)
    np.testing.assert_allclose(start[0], 0.25, atol=1e-10)
    np.testing.assert_allclose(start[3], 5, atol=1e-10)


# --- a zero output layer ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(), (5,), (5, 4)], ids=str)
@pytest.mark.parametrize("activation", ["relu", "silu", "selu"])
@pytest.mark.parametrize("rule", ["auto", *INITIALIZERS, Orthogonal(gain=0.5), Constant()], ids=str)
def test_zero_output(rule, activation, hidden):
    """Hidden layers are those of the rule itself; the output layer is zero."""
    problem = make_problem("multiclass")
    params = {"hidden_layer_sizes": hidden, "activation": activation, "random_state": 3, "dtype": "float32"}
    start = start_of(problem.make(weight_init=ZeroOutput(rule), **params), problem.X, problem.y)
    plain = start_of(problem.make(weight_init=rule, **params), problem.X, problem.y)
    n_layers = len(hidden) + 1
    for layer, (ours, theirs) in enumerate(zip(start, plain, strict=True)):
        is_output = layer % n_layers == n_layers - 1
        assert not ours.any() if is_output else ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_zero_output_starts_from_equal_predictions_and_learns(kind):
    problem = make_problem("multiclass" if kind is MLPClassifier else "regression", n_samples=200)
    params = {"hidden_layer_sizes": (12, 8), "random_state": 0, "weight_init": ZeroOutput(Normal())}
    model = kind(**params, max_iter=1, learning_rate_init=1e-12).fit(problem.X, problem.y)
    if kind is MLPClassifier:
        np.testing.assert_allclose(model.predict_proba(problem.X), 1 / 3, atol=1e-8)
    else:
        np.testing.assert_allclose(model.predict(problem.X), 0, atol=1e-8)
    for solver in ("adam", "lbfgs"):
        fitted = kind(**params, max_iter=150, learning_rate_init=0.01, solver=solver).fit(problem.X, problem.y)
        assert fitted.loss_ < 0.6 * model.loss_, solver


def test_zero_output_has_nested_parameters():
    model = MLPRegressor(weight_init=ZeroOutput(Orthogonal(gain=0.5)))
    assert repr(model.weight_init) == "ZeroOutput(initializer=Orthogonal(gain=0.5))"
    assert repr(ZeroOutput()) == "ZeroOutput()"
    assert model.get_params()["weight_init__initializer__gain"] == 0.5
    twin = clone(model).set_params(weight_init__initializer__gain=2.0)
    assert twin.weight_init.initializer.gain == 2.0 and model.weight_init.initializer.gain == 0.5
    assert twin.set_params(weight_init__initializer="normal").weight_init.initializer == "normal"
    again = pickle.loads(pickle.dumps(model))
    assert again.weight_init.initializer.gain == 0.5


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(
    "value, words",
    [
        ("orthogonall", ["initializer of ZeroOutput must be one of 'auto', 'glorot_uniform'", "'orthogonall'"]),
        (ZeroOutput(), ["another Initializer", "ZeroOutput()"]),
        (None, ["'initializer' parameter of ZeroOutput"]),
        (Orthogonal, ["'initializer' parameter of ZeroOutput"]),
        (Tanh(), ["'initializer' parameter of ZeroOutput"]),
        (Orthogonal(gain=-1), ["'gain' parameter of Orthogonal"]),
    ],
    ids=str,
)
def test_zero_output_of_what_is_no_rule(kind, value, words):
    problem = make_problem("multiclass" if kind is MLPClassifier else "regression")
    with pytest.raises(ValueError) as error:
        kind(weight_init=ZeroOutput(value)).fit(problem.X, problem.y)
    assert all(word in str(error.value) for word in words), error.value
