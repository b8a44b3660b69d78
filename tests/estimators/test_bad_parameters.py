"""Bad parameters: the error names the parameter, the value and the domain, and nothing has changed."""

import inspect
import re
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, InvalidParameterError
from support.pairwise import covering
from support.refusals import BOTH, METHODS, assert_refused, make_data, train
from support.states import plain

from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import ACTIVATIONS
from skregopt.embeddings import Periodic
from skregopt.initializers import INITIALIZERS, HeNormal, Orthogonal
from skregopt.losses import CLASSIFICATION_LOSSES, LOSSES, REGRESSION_LOSSES
from skregopt.optimizers import OPTIMIZERS, SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Muon, Nadam, RMSprop
from skregopt.penalties import L1, L2, PENALTIES, ElasticNet
from skregopt.schedules import SCHEDULES, Constant, InvScaling

pytestmark = pytest.mark.nojit

# --- domains ---------------------------------------------------------------------------------------------------------

NOT_A_NUMBER = ["1", None, [1.0]]

NOT_A_BOOL = ["yes", 1, None]

NOT_POSITIVE_INT = [0, -1, 1.5, "10", None, np.nan]

UNIT_INTERVAL = [-0.1, 1.1, np.nan, np.inf, *NOT_A_NUMBER]

NOT_A_SCHEDULE_WITH_AN_END = ["falling", "constant", "plateau", 0.1, True, InvScaling, Adam(), ["cosine"]]

BAD_VALUES = {
    "hidden_layer_sizes": [((8,), 4), 0, -3, 2.5, None, "100", (0,), (5, -1), (2.5,), (True,), [[3, 4]]],
    "activation": ["rely", None, 3, L1(), type(ACTIVATIONS["relu"]()), ["relu", "relu"]],
    "feature_embedding": ["fourier", 3, True, Periodic],
    "n_hidden_layers": [-1, 1.5, "2", np.nan, 10_001, 10**9, 10**30],
    "batch_norm": NOT_A_BOOL,
    "layer_norm": NOT_A_BOOL,
    "weight_init": ["he", None, 3, HeNormal, Adam()],
    "loss": ["hinge", None, 3, L1()],
    "class_weight": ["balance", 3, 0.5, ({"left": 1},)],
    "label_smoothing": [-0.1, 1.0, np.nan, *NOT_A_NUMBER],
    "penalty": ["L1", 3, L1, Adam(), np.nan],
    "alpha": [-1e-4, np.nan, np.inf, *NOT_A_NUMBER],
    "l1_ratio": UNIT_INTERVAL,
    "weight_decay": [-1e-4, np.nan, np.inf, "1", [1.0]],
    "weight_decay_schedule": NOT_A_SCHEDULE_WITH_AN_END,
    "max_norm": [0.0, -1.0, np.nan, np.inf, "1", [1.0]],
    "clip_norm": [0.0, -1.0, np.nan, np.inf, "1", [1.0]],
    "ema_decay": [-0.1, 1.0, np.nan, "1", [1.0]],
    "dropout": [-0.1, 1.0, np.nan, None, "half", [1.0], [np.nan], ["half"], [[0.1]], [[0.1], 0.2]],
    "input_dropout": [-0.1, 1.0, np.nan, None, "half", [0.1]],
    "dropout_schedule": NOT_A_SCHEDULE_WITH_AN_END,
    "solver": ["newton", None, 3, Adam, L1()],
    "batch_size": [0, -5, 2.5, "all", None, np.nan],
    "learning_rate": ["falling", None, 0.1, Constant, Adam()],
    "learning_rate_init": [0, -0.1, np.nan, np.inf, "fast", None],
    "learning_rate_factors": ["coefs", 0.5, ["coefs"], ({"coefs": 1},)],
    "parametrization": ["mup", None, True, 2],
    "power_t": [-0.5, np.nan, np.inf, *NOT_A_NUMBER],
    "momentum": UNIT_INTERVAL,
    "nesterovs_momentum": NOT_A_BOOL,
    "beta_1": [-0.1, 1.0, np.nan, *NOT_A_NUMBER],
    "beta_2": [-0.1, 1.0, np.nan, *NOT_A_NUMBER],
    "epsilon": [0.0, -1e-8, np.nan, np.inf, *NOT_A_NUMBER],
    "max_iter": [*NOT_POSITIVE_INT, np.inf],
    "max_time": [0, 0.0, -1, -np.inf, np.nan, True, np.True_, "1", [1.0]],
    "max_fun": NOT_POSITIVE_INT,
    "shuffle": NOT_A_BOOL,
    "early_stopping": NOT_A_BOOL,
    "validation_fraction": [-0.1, 1.0, 1.5, np.nan, None, "0.1", 5],
    "n_iter_no_change": [0, -1, 2.5, -np.inf, np.nan, None, "10"],
    "tol": [-1e-4, np.nan, np.inf, *NOT_A_NUMBER],
    "scoring": ["precise", None, 3],
    "random_state": ["seed", -1, 1.5, np.random.default_rng(0)],
    "warm_start": NOT_A_BOOL,
    "dtype": ["float16", np.float32, None, 32],
    "n_jobs": [0, 1.5, "2"],
    "verbose": [-1, "yes", None],
}

# an array-like that no constraint can look into
CHECKED_IN_FIT = {"hidden_layer_sizes", "activation", "dropout"}

OF_CLASSIFIERS = {"class_weight", "label_smoothing"}


@BOTH
def test_table_of_bad_values_is_complete(kind):
    others = OF_CLASSIFIERS if kind is MLPRegressor else set()
    assert set(BAD_VALUES) - others == set(inspect.signature(kind).parameters)


def has_parameter(name=None, kind=MLPClassifier, **_):
    return kind is MLPClassifier or name not in OF_CLASSIFIERS


@covering(
    has_parameter,
    name=BAD_VALUES.keys(),
    kind={"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor},
    method=["fit", "partial_fit"],
)
def test_bad_parameter(name, kind, method):
    for value in BAD_VALUES[name]:
        sequence = isinstance(value, (tuple, list)) and name in CHECKED_IN_FIT
        error = ValueError if sequence else InvalidParameterError
        message = assert_refused(kind, train(kind, method), error, **{name: value})
        if not sequence:
            assert message.startswith(f"The {name!r} parameter of {kind.__name__} must be"), message
        assert name in message
        assert repr(value) in message or str(value) in message or str(list(value)) in message


@BOTH
@pytest.mark.parametrize(
    ("name", "registry"),
    [
        ("activation", ACTIVATIONS),
        ("weight_init", {"auto": None, **INITIALIZERS}),
        ("solver", {**OPTIMIZERS, "lbfgs": None}),
        ("learning_rate", SCHEDULES),
        ("penalty", {name: rule for name, rule in PENALTIES.items() if name}),
    ],
)
def test_message_lists_the_names_that_exist(kind, name, registry):
    message = assert_refused(kind, train(kind, "fit"), InvalidParameterError, **{name: "no such"})
    listed = re.search(r"\{(.*?)\}", message).group(1)
    assert {part.strip(" '") for part in listed.split(",")} == set(registry)


@pytest.mark.parametrize(
    ("kind", "registry"),
    [(MLPClassifier, CLASSIFICATION_LOSSES), (MLPRegressor, REGRESSION_LOSSES)],
)
def test_loss_of_the_other_task(kind, registry):
    message = assert_refused(kind, train(kind, "fit"), InvalidParameterError, loss="no such")
    assert all(repr(name) in message for name in registry)
    other = REGRESSION_LOSSES if kind is MLPClassifier else CLASSIFICATION_LOSSES
    for name in set(other) - set(registry):
        assert_refused(kind, train(kind, "fit"), InvalidParameterError, loss=name)


@BOTH
@METHODS
@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"solver": Adam(beta_1=1.0)}, ("beta_1", "Adam")),
        ({"solver": SGD(momentum=-1)}, ("momentum", "SGD")),
        ({"learning_rate": InvScaling(power_t="x")}, ("power_t", "InvScaling")),
        ({"weight_init": Orthogonal(gain=0)}, ("gain", "Orthogonal")),
        ({"penalty": ElasticNet(l1_ratio=2)}, ("l1_ratio", "ElasticNet")),
    ],
)
def test_bad_parameter_of_an_instance(kind, method, params, names):
    assert_refused(kind, train(kind, method), InvalidParameterError, names, **params)


def numeric_parameters():
    """Yield (estimator, its parameter, component, its parameter) for every number that may be an int of any size."""
    for kind in (MLPClassifier, MLPRegressor):
        for name, domains in kind()._parameter_constraints.items():
            if any(isinstance(domain, Interval) for domain in domains):
                yield kind, {name: 10**400}, name
    families = (OPTIMIZERS, "solver"), (SCHEDULES, "learning_rate"), (ACTIVATIONS, "activation"), (LOSSES, "loss")
    for registry, family in (*families, (PENALTIES, "penalty"), (INITIALIZERS, "weight_init")):
        for rule in dict.fromkeys(registry.values()):
            for name, domains in rule._parameter_constraints.items():
                if any(isinstance(domain, Interval) for domain in domains):
                    kind = MLPClassifier if rule in CLASSIFICATION_LOSSES.values() else MLPRegressor
                    yield kind, {family: rule(**{name: 10**400})}, name


@pytest.mark.parametrize(("kind", "params", "name"), numeric_parameters())
def test_ints_that_no_float_can_hold(kind, params, name):
    with pytest.raises(InvalidParameterError, match=rf"The '{name}' parameter of \w+ must be .* Got 1000") as caught:
        kind(**params).fit(*make_data(kind))
    assert re.search(r"range [(\[][-\d.a-z]+, [-\d.a-z]+[)\]]", str(caught.value))


@pytest.mark.parametrize("rule", [Adadelta, Adagrad, Adam, AdamW, Adamax, Muon, Nadam, RMSprop])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_epsilon_that_counts_as_zero(rule, dtype):
    smallest = float(np.finfo(dtype).smallest_normal)
    network = MLPRegressor(4, penalty="l1", dtype=dtype, max_iter=3, random_state=0)
    X, y = make_data(MLPRegressor)
    X[:, 0] = 0  # weights whose gradients are zero
    with pytest.raises(ValueError, match=rf"epsilon=.* of {rule.__name__} is below .* {dtype}, .* default is"):
        network.set_params(solver=rule(epsilon=smallest / 2)).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.set_params(solver=rule(epsilon=smallest)).fit(X, y)
    assert np.isfinite(network.loss_)


@BOTH
@METHODS
def test_more_parameters_than_memory(kind, method):
    """Refused before anything is drawn; 10^10 squared is beyond int64, too."""
    for sizes, n_parameters in [(10**30, "10^30"), (10**13, "10^13"), ((10**10, 10**10), "10^20")]:
        names = ("hidden_layer_sizes", n_parameters, "parameters", "GiB", "narrower")
        assert_refused(kind, train(kind, method), ValueError, names, hidden_layer_sizes=sizes)


# --- contradictions --------------------------------------------------------------------------------------------------

CONTRADICTIONS = [
    ({"hidden_layer_sizes": (), "dropout": 0.5}, ("dropout=0.5", "hidden_layer_sizes")),
    ({"dropout": [0.5, 0.5]}, ("dropout", "[0.5, 0.5]", "hidden_layer_sizes=3")),
    ({"penalty": L1(), "l1_ratio": 0.9}, ("l1_ratio=0.9", "penalty=L1()")),
    ({"penalty": L2(), "l1_ratio": 0.9}, ("l1_ratio=0.9", "penalty=L2()")),
    ({"penalty": ElasticNet(), "l1_ratio": 0.9}, ("l1_ratio=0.9", "penalty=ElasticNet()")),
    ({"solver": Adam(), "beta_1": 0.5}, ("beta_1=0.5", "solver=Adam()")),
    ({"solver": Adam(), "beta_2": 0.5}, ("beta_2=0.5", "solver=Adam()")),
    ({"solver": Adam(), "epsilon": 1e-3}, ("epsilon=0.001", "solver=Adam()")),
    ({"solver": SGD(), "momentum": 0.5}, ("momentum=0.5", "solver=SGD()")),
    (
        {"solver": SGD(), "nesterovs_momentum": False},
        ("nesterovs_momentum=False", "solver=SGD()"),
    ),
    ({"learning_rate": InvScaling(), "power_t": 1.0}, ("power_t=1.0", "learning_rate=InvScaling()")),
    ({"scoring": "r2"}, ("scoring='r2'", "early_stopping=False")),
    ({"solver": "gd", "batch_size": 7}, ("batch_size=7", "solver='gd'")),
]

LBFGS_CONTRADICTIONS = [
    ({"penalty": "l1"}, ("penalty='l1'", "solver='lbfgs'", "'adam'")),
    ({"penalty": "elasticnet"}, ("penalty='elasticnet'", "solver='lbfgs'", "'adam'")),
    ({"penalty": L1()}, ("penalty=L1()", "solver='lbfgs'", "'adam'")),
    ({"dropout": 0.5}, ("dropout=0.5", "solver='lbfgs'", "'adam'")),
    ({"dropout": [0.5]}, ("dropout=[0.5]", "solver='lbfgs'", "'adam'")),
    ({"input_dropout": 0.5}, ("input_dropout=0.5", "solver='lbfgs'", "'adam'")),
]


@BOTH
@METHODS
@pytest.mark.parametrize(("params", "names"), CONTRADICTIONS)
def test_contradiction_names_both(kind, method, params, names):
    assert_refused(kind, train(kind, method), ValueError, names, **params)


@BOTH
@pytest.mark.parametrize(("params", "names"), LBFGS_CONTRADICTIONS)
def test_lbfgs_says_what_to_use(kind, params, names):
    assert_refused(kind, train(kind, "fit"), ValueError, names, solver="lbfgs", **params)


@BOTH
def test_partial_fit_refuses_early_stopping(kind):
    message = "partial_fit does not support early_stopping=True"
    assert_refused(kind, train(kind, "partial_fit"), ValueError, (message,), early_stopping=True)


@BOTH
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_batch_size_above_n_samples_is_clipped_with_a_warning(kind):
    X, y = make_data(kind)
    with pytest.warns(UserWarning, match=r"It is going to be clipped: batch_size=\d+ becomes \d+, the"):
        large = kind(hidden_layer_sizes=3, batch_size=61, random_state=0, max_iter=3).fit(X, y)
    all_rows = kind(hidden_layer_sizes=3, batch_size=60, random_state=0, max_iter=3).fit(X, y)
    assert plain(large.coefs_) == plain(all_rows.coefs_)
