"""Bad parameters and bad data: a clear error, and a fitted estimator that is exactly as it was."""

import copy
import inspect
import re
import warnings
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, UndefinedMetricWarning
from sklearn.model_selection import GroupKFold
from sklearn.utils._param_validation import Interval, InvalidParameterError
from support.states import plain, state

from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import ACTIVATIONS
from skregopt.initializers import INITIALIZERS, HeNormal, Orthogonal
from skregopt.losses import CLASSIFICATION_LOSSES, LOSSES, REGRESSION_LOSSES
from skregopt.model_selection import MLPClassifierCV
from skregopt.optimizers import OPTIMIZERS, SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Muon, Nadam, RMSprop
from skregopt.penalties import L1, L2, PENALTIES, ElasticNet
from skregopt.schedules import SCHEDULES, Constant, InvScaling

BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
METHODS = pytest.mark.parametrize("method", ["fit", "partial_fit"])

NON_FINITE = "Solver produced non-finite parameter weights. The input data may contain large values"


def make_data(kind, n_samples=60, n_features=4, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_samples, n_features))
    if kind is MLPClassifier:
        return X, np.array(["left", "right"])[(X[:, 0] > 0).astype(int)]
    return X, X[:, 0] + 0.1 * rng.normal(size=n_samples)


@lru_cache
def fitted_once(kind):
    # by both methods, so that it remembers all that there is to remember
    X, y = make_data(kind)
    estimator = kind(hidden_layer_sizes=3, max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y).partial_fit(X, y)


def assert_refused(kind, call, error=ValueError, names=(), **params):
    """Check that ``call`` raises on a fitted estimator with ``params`` and leaves it as it was; return the message."""
    X, _ = make_data(kind, seed=1)
    estimator = copy.deepcopy(fitted_once(kind))
    prediction = plain(estimator.predict(X))
    good = {name: getattr(estimator, name) for name in params}
    for name, value in params.items():
        setattr(estimator, name, value)
    before = state(estimator)
    with pytest.raises(error) as caught:
        call(estimator)
    after = state(estimator)
    assert {name for name in {*before, *after} if before.get(name) != after.get(name)} == set()
    for name, value in good.items():
        setattr(estimator, name, value)
    assert plain(estimator.predict(X)) == prediction
    message = str(caught.value)
    for name in names:
        assert name in message, message
    return message


def train(kind, method, X=None, y=None, **kwargs):
    """Return a call of ``fit`` or ``partial_fit`` on good data, but for what is given."""
    good_X, good_y = make_data(kind)
    X, y = (good_X if X is None else X), (good_y if y is None else y)
    return lambda estimator: getattr(estimator, method)(X, y, **kwargs)


# --- parameters -----------------------------------------------------------------------------------------------------

NOT_A_NUMBER = ["1", None, [1.0]]
NOT_A_BOOL = ["yes", 1, None]
NOT_POSITIVE_INT = [0, -1, 1.5, "10", None, np.nan]
UNIT_INTERVAL = [-0.1, 1.1, np.nan, np.inf, *NOT_A_NUMBER]
BAD_VALUES = {
    "hidden_layer_sizes": [0, -3, 2.5, None, "100", (0,), (5, -1), (2.5,), (True,), [[3, 4]]],
    "activation": ["rely", None, 3, L1(), type(ACTIVATIONS["relu"]()), ["relu", "relu"]],
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
    "max_norm": [0.0, -1.0, np.nan, np.inf, "1", [1.0]],
    "clip_norm": [0.0, -1.0, np.nan, np.inf, "1", [1.0]],
    "ema_decay": [-0.1, 1.0, np.nan, "1", [1.0]],
    "dropout": [-0.1, 1.0, np.nan, None, "half", [1.0], [np.nan], ["half"], [[0.1]]],
    "input_dropout": [-0.1, 1.0, np.nan, None, "half", [0.1]],
    "solver": ["newton", None, 3, Adam, L1()],
    "batch_size": [0, -5, 2.5, "all", None, np.nan],
    "learning_rate": ["falling", None, 0.1, Constant, Adam()],
    "learning_rate_init": [0, -0.1, np.nan, np.inf, "fast", None],
    "power_t": [-0.5, np.nan, np.inf, *NOT_A_NUMBER],
    "momentum": UNIT_INTERVAL,
    "nesterovs_momentum": NOT_A_BOOL,
    "beta_1": [-0.1, 1.0, np.nan, *NOT_A_NUMBER],
    "beta_2": [-0.1, 1.0, np.nan, *NOT_A_NUMBER],
    "epsilon": [0.0, -1e-8, np.nan, np.inf, *NOT_A_NUMBER],
    "max_iter": [*NOT_POSITIVE_INT, np.inf],
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


@BOTH
@METHODS
@pytest.mark.parametrize("name", BAD_VALUES)
def test_bad_parameter(kind, method, name):
    if kind is MLPRegressor and name in OF_CLASSIFIERS:
        return
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


CONTRADICTIONS = [
    ({"hidden_layer_sizes": (), "dropout": 0.5}, ("dropout=0.5", "hidden_layer_sizes")),
    ({"dropout": [0.5, 0.5]}, ("dropout", "[0.5, 0.5]", "hidden_layer_sizes=3")),
    ({"penalty": "l2", "l1_ratio": 0.9}, ("l1_ratio=0.9", "penalty='l2'")),
    ({"penalty": "l1", "l1_ratio": 0.9}, ("l1_ratio=0.9", "penalty='l1'")),
    ({"penalty": None, "l1_ratio": 0.9}, ("l1_ratio=0.9", "penalty=None")),
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


# --- data -----------------------------------------------------------------------------------------------------------


def with_value(array, value):
    array = array.astype(float)
    array[3] = value
    return array


@BOTH
@METHODS
@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_matrix, sp.csc_array, pd.DataFrame])
def test_non_finite_X(kind, method, value, word, container):
    X = container(with_value(make_data(kind)[0], value))
    assert_refused(kind, train(kind, method, X=X), ValueError, ("Input X contains", word))


@BOTH
@pytest.mark.parametrize("text", [str, "S9", object])
def test_X_of_numbers_as_text(kind, text):
    X, y = make_data(kind)
    X = X.round(3)
    written = X.astype(str).astype(text)
    theirs = {MLPClassifier: neural_network.MLPClassifier, MLPRegressor: neural_network.MLPRegressor}[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs(hidden_layer_sizes=3, max_iter=2).fit(written, y)
        ours, expected = (kind(3, max_iter=2, random_state=0).fit(rows, y) for rows in (written, X))
    assert ours.loss_ == expected.loss_
    assert plain(ours.predict(written)) == plain(expected.predict(X))
    written[0, 0] = "one"
    for estimator in (theirs(hidden_layer_sizes=3), ours):
        with pytest.raises(ValueError, match="could not convert string to float: .*one"):
            estimator.fit(written, y)


@METHODS
@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_non_finite_y(kind, method, value, word):
    y = with_value(np.arange(60) % 2, value)
    assert_refused(kind, train(kind, method, y=y), ValueError, ("Input y contains", word))


@BOTH
@METHODS
@pytest.mark.parametrize(
    ("weights", "names"),
    [
        (with_value(np.ones(60), np.nan), ("sample_weight", "NaN")),
        (with_value(np.ones(60), np.inf), ("sample_weight", "infinity")),
        (with_value(np.ones(60), -1), ("Negative values in data passed to `sample_weight`",)),
        (np.zeros(60), ("weight", "zero")),
        (np.ones(59), ("sample_weight.shape == (59,)", "(60,)")),
        (np.ones((60, 2)), ("Sample weights must be 1D",)),
        (["heavy"] * 60, ("`sample_weight` must be", "could not convert")),
        (np.ones(60, dtype=complex), ("Complex data not supported", "sample_weight")),
        ([1j] * 60, ("Complex data not supported", "sample_weight")),
    ],
)
def test_bad_weights(kind, method, weights, names):
    assert_refused(kind, train(kind, method, sample_weight=weights), ValueError, names)


@BOTH
@METHODS
def test_wrong_lengths_and_shapes(kind, method):
    X, y = make_data(kind)
    inconsistent = "inconsistent numbers of samples: [60, 59]"
    assert_refused(kind, train(kind, method, y=y[:-1]), ValueError, (inconsistent,))
    assert_refused(kind, train(kind, method, X=X[:, 0]), ValueError, ("Expected 2D array",))
    assert_refused(kind, train(kind, method, X=X[:0], y=y[:0]), ValueError, ("minimum of 1",))
    assert_refused(kind, train(kind, method, X=X.astype(complex)), ValueError, ("Complex data",))
    words = np.full(X.shape, "word", dtype=object)
    assert_refused(kind, train(kind, method, X=words), ValueError, ("could not convert",))
    if method == "partial_fit":
        other = f"X has 3 features, but {kind.__name__} is expecting 4 features as input"
        assert_refused(kind, train(kind, method, X=X[:, :3]), ValueError, (other,))
        assert_refused(kind, train(kind, "fit", X=X[:, :3]), ValueError, (other,), warm_start=True)


@METHODS
def test_targets_that_are_not_labels(method):
    X, _ = make_data(MLPClassifier)
    names = ("Unknown label type: continuous",)
    assert_refused(MLPClassifier, train(MLPClassifier, method, y=X[:, 0]), ValueError, names)
    y = np.array([[1, 2], [3, 1]] * 30)
    assert_refused(
        MLPClassifier, train(MLPClassifier, method, y=y), ValueError, ("Multioutput target data is not supported",)
    )


def test_negative_counts_for_poisson():
    call = train(MLPRegressor, "fit", y=-np.ones(60))
    assert_refused(MLPRegressor, call, ValueError, ("poisson", "negative"), loss="poisson")


@METHODS
def test_changed_number_of_outputs(method):
    y = np.zeros((60, 2))
    assert_refused(MLPRegressor, train(MLPRegressor, method, y=y), ValueError, warm_start=True)


def test_classes_of_partial_fit():
    X, _ = make_data(MLPClassifier)
    unseen = np.array(["left", "above"] * 30)
    assert_refused(
        MLPClassifier,
        train(MLPClassifier, "partial_fit", y=unseen),
        ValueError,
        ("`y` has classes not in `self.classes_`", "above"),
    )
    assert_refused(
        MLPClassifier,
        train(MLPClassifier, "partial_fit", classes=["left", "above"]),
        ValueError,
        ("is not the same as on last call to partial_fit",),
    )
    new = MLPClassifier()
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        new.partial_fit(X, unseen)
    assert state(new) == state(MLPClassifier())


def test_unseen_class_in_a_first_partial_fit():
    X, y = make_data(MLPClassifier)
    new = MLPClassifier(hidden_layer_sizes=2)
    with pytest.raises(ValueError, match="`y` has classes not in `self.classes_`"):
        new.partial_fit(X, y, classes=["left", "above"])
    assert state(new) == state(MLPClassifier(hidden_layer_sizes=2))
    new.partial_fit(X, y, classes=["left", "right", "above"])
    assert list(new.classes_) == ["above", "left", "right"]


@pytest.mark.parametrize("n_labels", [1, 3])
def test_multilabel_with_other_columns(n_labels):
    X, _ = make_data(MLPClassifier)
    Y = np.random.RandomState(0).randint(2, size=(60, 2))
    estimator = MLPClassifier(hidden_layer_sizes=2, random_state=0).partial_fit(X, Y, classes=[0, 1])
    before = state(estimator)
    with warnings.catch_warnings(), pytest.raises(ValueError, match="2 columns|label indicator|classes"):
        warnings.simplefilter("ignore", DataConversionWarning)
        estimator.partial_fit(X, np.ones((60, n_labels), dtype=int) * (np.arange(60) % 2)[:, None])
    assert state(estimator) == before


def test_other_classes_with_warm_start():
    call = train(MLPClassifier, "fit", y=np.array(["left", "above"] * 30))
    message = "warm_start can only be used where `y` has the same classes as in the previous call to fit."
    assert_refused(MLPClassifier, call, ValueError, (message,), warm_start=True)


@BOTH
@METHODS
def test_more_parameters_than_memory(kind, method):
    """Refused before anything is drawn; 10^10 squared is beyond int64, too."""
    for sizes, n_parameters in [(10**30, "10^30"), (10**13, "10^13"), ((10**10, 10**10), "10^20")]:
        names = ("hidden_layer_sizes", n_parameters, "parameters", "GiB", "narrower")
        assert_refused(kind, train(kind, method), ValueError, names, hidden_layer_sizes=sizes)


@BOTH
@METHODS
def test_sample_weight_in_words(kind, method):
    names = ("`sample_weight` must be None or one number for each row", "'balanced'")
    message = assert_refused(kind, train(kind, method, sample_weight="balanced"), ValueError, names)
    assert ("class_weight" in message) == (kind is MLPClassifier)


@METHODS
def test_labels_that_do_not_compare(method):
    y = np.array(["left", None] * 30, dtype=object)
    assert_refused(
        MLPClassifier, train(MLPClassifier, method, y=y), TypeError, ("y mixes", "NoneType, str", "leave out")
    )
    X, _ = make_data(MLPClassifier)
    with pytest.raises(TypeError, match="y mixes labels of the types NoneType, str"):
        MLPClassifierCV().fit(X, y)


def test_no_classes():
    call, new = train(MLPClassifier, "partial_fit", classes=[]), MLPClassifier()
    assert_refused(MLPClassifier, call, ValueError, ("classes",))
    with pytest.raises(ValueError, match="classes must hold all class labels that will occur, at least one"):
        call(new)
    assert state(new) == state(MLPClassifier())


# --- validation data ------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("early_stopping", [False, True])
def test_bad_validation_data(kind, early_stopping):
    X, y = make_data(kind, n_samples=20, seed=2)

    def refused(names, **kwargs):
        assert_refused(kind, train(kind, "fit", **kwargs), ValueError, names, early_stopping=early_stopping)

    refused(("X_val", "without y_val"), X_val=X)
    refused(("y_val", "without X_val"), y_val=y)
    refused(("sample_weight_val", "without X_val"), sample_weight_val=np.ones(20))
    other = f"X has 3 features, but {kind.__name__} is expecting 4 features as input"
    refused(("X_val cannot be used", other), X_val=X[:, :3], y_val=y)
    refused(("y_val cannot be used", "inconsistent numbers of samples: [20, 19]"), X_val=X, y_val=y[:-1])
    refused(("X_val cannot be used", "NaN"), X_val=with_value(X, np.nan), y_val=y)
    for value, word in [(np.nan, "NaN"), (np.inf, "infinity")]:
        weights = with_value(np.ones(20), value)
        refused(("sample_weight", word), X_val=X, y_val=y, sample_weight_val=weights)
    refused(
        ("Negative values in data passed to `sample_weight_val`",),
        X_val=X, y_val=y, sample_weight_val=-np.ones(20),
    )  # fmt: skip
    refused(("sample_weight_val", "zero"), X_val=X, y_val=y, sample_weight_val=np.zeros(20))
    refused(("20",), X_val=X, y_val=y, sample_weight_val=np.ones(19))
    if kind is MLPClassifier:
        y_other = np.where(y == "left", "above", y)
        refused(("y_val cannot be used: `y` has classes not in `self.classes_`", "above"), X_val=X, y_val=y_other)
    else:
        refused(("y_val cannot be used", "NaN"), X_val=X, y_val=with_value(y, np.nan))
        refused((), X_val=X, y_val=np.c_[y, y])


def test_too_few_rows_to_hold_out():
    """In words of this estimator: scikit-learn's split knows nothing of validation_fraction."""
    three = train(MLPClassifier, "fit", y=np.array(["a", "b", "c"] * 20))
    names = (
        "validation_fraction=0.03 makes 2 row(s) to validate on and 58 to train on out of n_samples=60",
        "3 class(es)",
        "X_val",
    )
    message = assert_refused(MLPClassifier, three, names=names, early_stopping=True, validation_fraction=0.03)
    assert "test_size" not in message
    names = ("validation_fraction=0.999 makes 60 row(s) to validate on and 0 to train on", "X_val")
    message = assert_refused(
        MLPRegressor, train(MLPRegressor, "fit"), names=names, early_stopping=True, validation_fraction=0.999
    )
    assert "test_size" not in message and "class" not in message
    names = ("'validation_fraction'", "1 of 60 row(s), by validation_fraction=0.01", "X_val")
    call = train(MLPRegressor, "fit")
    assert_refused(MLPRegressor, call, names=names, early_stopping=True, validation_fraction=0.01)
    lonely = train(MLPClassifier, "fit", y=np.array(["a"] * 59 + ["b"]))
    names = ("least populated", "validation_fraction=0.1", "X_val")
    assert_refused(MLPClassifier, lonely, names=names, early_stopping=True)


@BOTH
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"early_stopping": True},
        {"validation_fraction": GroupKFold(2)},
    ],
)
def test_groups_without_a_splitter_that_is_used(kind, params):
    call = train(kind, "fit", groups=np.arange(60) % 3)
    assert_refused(kind, call, ValueError, ("groups", "early_stopping=True", "validation_fraction"), **params)


@BOTH
def test_groups_with_given_validation_data(kind):
    X, y = make_data(kind)
    call = train(kind, "fit", groups=np.arange(60) % 3, X_val=X, y_val=y)
    params = {"early_stopping": True, "validation_fraction": GroupKFold(3)}
    assert_refused(kind, call, ValueError, ("groups", "X_val"), **params)


@BOTH
def test_splitter_that_needs_groups(kind):
    params = {"early_stopping": True, "validation_fraction": GroupKFold(3)}
    assert_refused(kind, train(kind, "fit"), ValueError, ("groups",), **params)
    call = train(kind, "fit", groups=np.arange(59))
    assert_refused(kind, call, ValueError, ("inconsistent numbers of samples",), **params)


@BOTH
@pytest.mark.parametrize("n_samples", [1, 2, 3])
def test_too_few_rows_to_hold_any_out(kind, n_samples):
    X, y = make_data(kind)
    call = train(kind, "fit", X=X[:n_samples], y=y[:n_samples])
    assert_refused(kind, call, ValueError, early_stopping=True)


@BOTH
def test_partial_fit_refuses_early_stopping(kind):
    message = "partial_fit does not support early_stopping=True"
    assert_refused(kind, train(kind, "partial_fit"), ValueError, (message,), early_stopping=True)


# --- starting weights -----------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "coefs",
    [
        3.0,
        [np.zeros((4, 3))],
        [np.zeros((4, 3)), np.zeros((3, 2))],
        [np.zeros((3, 4)), np.zeros((3, 1))],
        [np.full((4, 3), np.nan), np.zeros((3, 1))],
    ],
    ids=["scalar", "too few", "outputs", "transposed", "nan"],
)
def test_bad_coef_init(kind, coefs):
    call = train(kind, "fit", coef_init=coefs)
    assert_refused(kind, call, ValueError, ("coef_init",))


@BOTH
@pytest.mark.parametrize(
    "intercepts",
    [0.0, [np.zeros(3)], [np.zeros(3), np.zeros(2)], [np.zeros(3), np.array([np.inf])]],
    ids=["scalar", "too few", "outputs", "inf"],
)
def test_bad_intercept_init(kind, intercepts):
    call = train(kind, "fit", intercept_init=intercepts)
    assert_refused(kind, call, ValueError, ("intercept_init",))


@BOTH
def test_other_hidden_layers_when_continuing(kind):
    names = ("hidden_layer_sizes",)
    assert_refused(kind, train(kind, "partial_fit"), ValueError, names, hidden_layer_sizes=7)
    assert_refused(kind, train(kind, "fit"), ValueError, names, hidden_layer_sizes=7, warm_start=True)


# --- failures during training ---------------------------------------------------------------------------------------


@METHODS
@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("solver", ["gd", "sgd", "minibatch", SGD()])
def test_divergence(method, warm_start, solver):
    X, y = make_data(MLPRegressor)
    call = train(MLPRegressor, method, X=1e200 * X)
    message = assert_refused(
        MLPRegressor, call, ValueError,
        solver=solver, learning_rate_init=10.0, activation="identity", warm_start=warm_start, max_iter=20,
    )  # fmt: skip
    assert message.startswith(NON_FINITE)
    assert "learning_rate_init" in message and "10.0" in message
    assert ("one example at a time" in message) == (solver == "sgd")


def test_divergence_with_lbfgs_does_not_blame_the_learning_rate():
    X, _ = make_data(MLPRegressor)
    message = assert_refused(
        MLPRegressor,
        train(MLPRegressor, "fit", X=1e300 * X, y=1e300 * X[:, 0]),
        ValueError,
        solver="lbfgs",
        activation="identity",
    )
    assert message.startswith(NON_FINITE)
    assert "learning_rate_init" not in message


@BOTH
def test_scorer_that_fails_in_the_third_epoch(kind):
    n_calls = 0

    def scorer(estimator, X, y):
        nonlocal n_calls
        n_calls += 1
        if n_calls == 3:
            raise ZeroDivisionError("third epoch")
        return 0.5

    params = {"early_stopping": True, "scoring": scorer, "max_iter": 5, "warm_start": True}
    assert_refused(kind, train(kind, "fit"), ZeroDivisionError, ("third epoch",), **params)
    assert n_calls == 3


@BOTH
@pytest.mark.filterwarnings("error")
def test_warning_turned_into_an_error(kind):
    assert_refused(kind, train(kind, "fit"), ConvergenceWarning, ("Maximum iterations (2) reached",))


@BOTH
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_batch_size_above_n_samples_is_clipped_with_a_warning(kind):
    X, y = make_data(kind)
    with pytest.warns(UserWarning, match="It is going to be clipped"):
        large = kind(hidden_layer_sizes=3, batch_size=61, random_state=0, max_iter=3).fit(X, y)
    all_rows = kind(hidden_layer_sizes=3, batch_size=60, random_state=0, max_iter=3).fit(X, y)
    assert plain(large.coefs_) == plain(all_rows.coefs_)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("solver", ["adam", "minibatch", "lion", "lbfgs"])
def test_targets_whose_loss_overflows(solver, method):
    """Weights may well stay finite: Adam's second moment is infinite, too, and its step zero."""
    X, y = make_data(MLPRegressor)
    names = ("Standardise", "and y (TransformedTargetRegressor)")
    if (solver, method) == ("lbfgs", "partial_fit"):
        return
    message = assert_refused(MLPRegressor, train(MLPRegressor, method, y=1e200 * y), ValueError, names, solver=solver)
    assert message.startswith(NON_FINITE)
    if method == "fit":
        model = MLPRegressor(3, solver=solver, early_stopping=True, max_iter=3, random_state=0)
        with pytest.warns(ConvergenceWarning, match=r"diverged.* and y \(TransformedTargetRegressor\)"):
            model.fit(X, 1e200 * y)
        assert np.isfinite(model.coefs_[0]).all()


def test_features_of_a_classifier_are_to_blame():
    X, _ = make_data(MLPClassifier)
    params = {"solver": "minibatch", "learning_rate_init": 10.0, "activation": "identity", "max_iter": 20}
    message = assert_refused(MLPClassifier, train(MLPClassifier, "fit", X=1e200 * X), ValueError, **params)
    assert message.startswith(NON_FINITE) and "TransformedTargetRegressor" not in message


@BOTH
@pytest.mark.parametrize(
    "params", [{"alpha": 1e308}, {"alpha": 1e308, "solver": "lbfgs"}, {"weight_decay": 1e308}], ids=str
)
def test_strength_of_a_penalty_is_to_blame(kind, params):
    name = next(iter(params))
    other = "weight_decay" if name == "alpha" else "alpha"
    message = assert_refused(kind, train(kind, "fit"), ValueError, (f"{name} (it is 1e+308)", "lower"), **params)
    assert message.startswith(NON_FINITE) and other not in message
    X, y = make_data(kind)
    with pytest.warns(ConvergenceWarning, match=rf"diverged.*{name} \(it is 1e\+308\)"):
        kind(3, early_stopping=True, max_iter=3, random_state=0, **params).fit(X, y)
    message = assert_refused(
        kind, train(kind, "fit", X=1e200 * X), ValueError, solver="minibatch", learning_rate_init=9.0
    )
    assert "learning_rate_init (it is 9.0)" in message and "alpha" not in message


def nan_scorer(model, X, y):
    return float("nan")


@BOTH
def test_scorer_that_never_gives_a_number(kind):
    X, y = make_data(kind)
    params = {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 9}
    names = (
        "nan_scorer",
        "was nan on the 6 validation row(s)",
        "after each of 3 epoch(s)",
        "larger validation_fraction",
    )
    assert_refused(kind, train(kind, "fit"), ValueError, names, scoring=nan_scorer, **params)
    names = ("nan_scorer", "5 validation row(s) (X_val)", "more rows as X_val, y_val")
    call = train(kind, "fit", X_val=X[:5], y_val=y[:5])
    assert_refused(kind, call, ValueError, names, scoring=nan_scorer, **params)


def test_a_score_that_needs_more_rows_than_there_are():
    """R^2 of one row is NaN, with scikit-learn's warning."""
    X, y = make_data(MLPRegressor)
    names = ("scoring='r2'", "1 validation row(s) (X_val)", "scoring='loss'")
    with pytest.warns(UndefinedMetricWarning):
        assert_refused(
            MLPRegressor, train(MLPRegressor, "fit", X_val=X[:1], y_val=y[:1]), ValueError, names,
            early_stopping=True, scoring="r2", max_iter=3,
        )  # fmt: skip


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_validation_loss_beyond_all_numbers(solver):
    X, y = make_data(MLPRegressor)
    names = ("scoring='loss' was -inf", "extreme values", "X_val")
    call = train(MLPRegressor, "fit", X_val=1e200 * X, y_val=y)
    assert_refused(MLPRegressor, call, ValueError, names, early_stopping=True, solver=solver)


def test_a_score_that_is_not_a_number_at_first():
    X, y = make_data(MLPClassifier)
    scores = iter([np.nan, np.nan, 0.5, np.nan])
    model = MLPClassifier(3, early_stopping=True, scoring=lambda *_: next(scores), max_iter=4, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        model.fit(X, y)
    assert model.best_iter_ == 3 and model.best_validation_score_ == 0.5


# --- prediction -----------------------------------------------------------------------------------------------------


@BOTH
def test_prediction_on_bad_data(kind):
    X, _ = make_data(kind)
    other = "X has 3 features"
    assert_refused(kind, lambda estimator: estimator.predict(X[:, :3]), ValueError, (other,))
    bad = with_value(X, np.nan)
    assert_refused(kind, lambda estimator: estimator.predict(bad), ValueError, ("Input X contains NaN",))


@BOTH
@pytest.mark.parametrize("name", ["activation", "loss"])
def test_prediction_after_a_parameter_was_spoilt(kind, name):
    """What a fit used stays with it; the next fit refuses."""
    X, y = make_data(kind)
    model = copy.deepcopy(fitted_once(kind))
    before = plain(model.predict(X))
    model.set_params(**{name: "zzz"})
    assert plain(model.predict(X)) == before
    with pytest.raises(ValueError, match=name):
        model.fit(X, y)
