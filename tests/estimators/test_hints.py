"""Errors about keywords and values of other libraries, and about misspelled ones, say what they are called here."""

import functools
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError
from support.estimators import BOTH, make_data, small
from support.processes import run

import skregopt
from skregopt import MLPClassifier, MLPRegressor
from skregopt._engine.records import GROUPS
from skregopt._estimators.hints import _POSITIONAL
from skregopt._kernels.words import ARGUMENTS, INSTANCES, OTHERWISE, PARAMETERS, VALUES
from skregopt.activations import ELU, Trainable
from skregopt.embeddings import Periodic
from skregopt.initializers import HeNormal, ZeroOutput
from skregopt.losses import Huber
from skregopt.model_selection import MLPClassifierCV, MLPRegressorCV, regularization_path
from skregopt.optimizers import Adam
from skregopt.penalties import GroupL1
from skregopt.schedules import Cosine, Step, Warmup

pytestmark = pytest.mark.nojit

X, CLASSES = make_data(MLPClassifier)
NUMBERS = make_data(MLPRegressor)[1]

KEYWORDS = [
    ({"optimizer": "Adam"}, "solver='adam'"),
    ({"epochs": 5}, "max_iter=5"),
    ({"drop_out": 0.1}, "dropout=0.1"),
    ({"lr": 0.01}, "learning_rate_init=0.01"),
    ({"optimizer__lr": 0.01}, "learning_rate_init=0.01"),
    ({"criterion": "MSELoss"}, r"loss(\?|=)[ ]?'squared_error'(\?| is a loss of MLPRegressor)"),
    ({"Hidden_Units": [8, 8]}, r"hidden_layer_sizes=\[8, 8\]"),
    ({"patience": 5}, "n_iter_no_change=..., early_stopping=True"),
    ({"seed": 0}, "random_state=0"),
    ({"hiden_layer_sizes": 5}, "hidden_layer_sizes=5"),
    ({"alhpa": 0.1}, "alpha=0.1"),
    ({"eval_set": [(X, CLASSES)]}, "X_val and y_val"),
    ({"validation_data": (X, CLASSES)}, "X_val and y_val"),
    ({"sample_weights": [1.0]}, "sample_weight"),
    ({"callbacks": []}, "set_callbacks"),
    ({"reg_alpha": 0.1}, "penalty='l1' and alpha"),
    ({"embedding": "periodic"}, r"feature_embedding='periodic'\?"),
    ({"embedding": Periodic(4)}, r"feature_embedding=Periodic\(n_frequencies=4\)\?"),
    ({"num_emb_type": "pbld"}, r"feature_embedding='periodic'\?"),
    ({"num_emb_type": "none"}, r"feature_embedding=None\?"),
    ({"n_bins": 3}, r"feature_embedding=PiecewiseLinear\(n_bins=3\)\?"),
    ({"n_bins": -3}, r"n_bins is a parameter of PiecewiseLinear: feature_embedding=PiecewiseLinear\(n_bins=...\)\."),
    ({"negative_slope": 0.2}, r"activation=LeakyReLU\(negative_slope=0.2\)\?"),
    ({"epochs": 5, "optimizer": "SGD"}, "epochs: Did you mean max_iter=5.* optimizer: Did you mean solver='sgd'"),
]


@BOTH
@pytest.mark.parametrize(("keywords", "hint"), KEYWORDS)
def test_keywords(kind, keywords, hint):
    """Of the constructor, of fit, of partial_fit and of set_params, alone or in a pipeline."""
    y = CLASSES if kind is MLPClassifier else NUMBERS
    with pytest.raises(TypeError, match=rf"__init__\(\) got an unexpected keyword argument.*{hint}"):
        kind(**keywords)
    for method in (kind().fit, kind().partial_fit):
        with pytest.raises(TypeError, match=rf"{method.__name__}\(\) got an unexpected keyword argument.*{hint}"):
            method(X, y, **keywords)
    with pytest.raises(ValueError, match=rf"Invalid parameter .*{hint}"):
        kind().set_params(**keywords)
    nested = {f"{kind.__name__.lower()}__{name}": value for name, value in keywords.items()}
    with pytest.raises(ValueError, match=rf"Invalid parameter .*{hint}"):
        make_pipeline(StandardScaler(), kind()).set_params(**nested)


def test_a_parameter_in_fit_and_an_argument_in_the_constructor():
    with pytest.raises(TypeError, match=r"max_iter=9\? It is a parameter of MLPClassifier\(...\)"):
        MLPClassifier().fit(X, CLASSES, max_iter=9)
    with pytest.raises(TypeError, match="Pass X_val to fit"):
        MLPClassifier(X_val=X)
    with pytest.raises(TypeError, match="class_weight is a parameter of MLPClassifier"):
        MLPRegressor(class_weight="balanced")


def test_words_that_say_nothing_and_errors_of_another_kind():
    for call in (lambda: MLPClassifier(colour=3), lambda: MLPClassifier().fit(X, CLASSES, colour=3)):
        with pytest.raises(TypeError, match="unexpected keyword argument 'colour'$"):
            call()
    with pytest.raises(TypeError, match="positional argument"):
        MLPClassifier(3, "relu", "adam")
    with pytest.raises(TypeError, match="y mixes labels"):
        MLPClassifier().fit(X, np.array(["left", 1] * 30, dtype=object))


@pytest.mark.parametrize(("kind", "network"), [(MLPClassifierCV, "MLPClassifier"), (MLPRegressorCV, "MLPRegressor")])
def test_parameters_of_the_network_within_a_cv_estimator(kind, network):
    with pytest.raises(TypeError, match=rf"{kind.__name__}\({network}\(penalty='l1'\)\)"):
        kind(penalty="l1")


def test_subclasses():
    class Wide(MLPClassifier):
        def __init__(self, width=3, **kwargs):
            super().__init__(width, **kwargs)
            self.width = width

    with pytest.raises(TypeError, match="unexpected keyword argument 'epochs'. Did you mean max_iter=3"):
        Wide(epochs=3)


@BOTH
def test_signatures_stay_explicit(kind):
    for method in (kind, kind.fit, kind.partial_fit, clone(kind()).fit):
        kinds = {p.kind for p in inspect.signature(method).parameters.values()}
        assert not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}


# --- values ----------------------------------------------------------------------------------------------------------


class ReLU:
    """Of another library."""


@pytest.mark.parametrize(
    ("params", "hint"),
    [
        ({"learning_rate": 0.01}, r"learning_rate_init=0.01\?"),
        ({"activation": "sigmoid"}, r"mean 'logistic'\?"),
        ({"activation": "swish"}, r"mean 'silu'\?"),
        ({"activation": "Tanh"}, r"mean 'tanh'\?"),
        ({"activation": ReLU()}, r"mean 'relu'\?"),
        ({"activation": None}, r"mean 'identity'\?"),
        ({"activation": ["relu", "swish"], "hidden_layer_sizes": (3, 3)}, r"mean 'silu'\?"),
        ({"solver": "Adam"}, r"mean 'adam'\?"),
        ({"solver": "SGD"}, r"mean 'sgd' \(on single rows\) or 'minibatch' \(on batches\)\?"),
        ({"solver": Adam}, r"mean 'adam'\?"),
        ({"solver": "adamm"}, r"mean 'adam'\?"),
        ({"penalty": "lasso"}, r"mean 'l1'\?"),
        ({"penalty": "none"}, "None, without quotes"),
        ({"penalty": 0.1}, r"alpha=0.1 with penalty='l2'\?"),
        ({"learning_rate": "CosineAnnealingLR"}, r"mean 'cosine'\?"),
        ({"learning_rate": None}, r"mean 'constant'\?"),
        ({"learning_rate": -0.1}, r"mean learning_rate_init\?"),
        ({"dtype": 32}, r"mean 'float32'\?"),
        ({"weight_init": "xavier"}, r"mean 'glorot_uniform'\?"),
        ({"weight_init": "zero_output"}, r"mean skregopt.initializers.ZeroOutput\(\)\?"),
        ({"feature_embedding": "pbld"}, r"mean 'periodic'\?"),
        ({"feature_embedding": "plr"}, r"mean 'periodic'\?"),
        ({"feature_embedding": "ple"}, r"mean 'piecewise_linear'\?"),
        ({"feature_embedding": "none"}, "None, without quotes"),
        ({"activation": "trainable"}, r"mean skregopt.activations.Trainable\(\)\?"),
        ({"activation": ["prelu"], "hidden_layer_sizes": 3}, r"mean skregopt.activations.Trainable\('relu'\)\?"),
        ({"dropout_schedule": "warmup", "dropout": 0.1}, r"mean skregopt.schedules.Warmup\('cosine'\)\?"),
        ({"dtype": X.dtype.type}, r"mean 'float64'\?"),
        ({"early_stopping": 5}, "n_iter_no_change"),
        ({"n_iter_no_change": None}, "np.inf"),
        ({"validation_fraction": (X, NUMBERS)}, "X_val and y_val"),
        ({"batch_size": "all"}, "solver='gd'"),
        ({"loss": "mse"}, r"mean 'squared_error'\?"),
        ({"loss": "cross_entropy"}, "'log_loss' is a loss of MLPClassifier"),
        ({"loss": "log_loss"}, "'log_loss' is a loss of MLPClassifier"),
    ],
)
def test_values(params, hint):
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=rf"(?s)(must be|is neither) .*{hint}"):
            getattr(MLPRegressor(**params), method)(X, NUMBERS)


CLASSES_OF_RULES = {
    "activation": ELU,
    "dropout_schedule": Cosine,
    "feature_embedding": Periodic,
    "learning_rate": Warmup,
    "loss": Huber,
    "penalty": GroupL1,
    "solver": Adam,
    "weight_decay_schedule": Cosine,
    "weight_init": ZeroOutput,
}


@pytest.mark.parametrize("name", MLPRegressor()._registries())
def test_classes_in_place_of_instances(name):
    rule = CLASSES_OF_RULES[name]
    hint = rf"{rule.__name__} is a class. Pass an instance of it: {rule.__name__}\(\).$"
    with pytest.raises(InvalidParameterError, match=hint):
        MLPRegressor(**{name: rule}).fit(X, NUMBERS)
    with pytest.raises(ValueError, match=r"ELU is a class. Pass an instance of it: ELU\(\).$"):
        MLPRegressor(3, [ELU]).fit(X, NUMBERS)


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"activation": Trainable(ELU), "hidden_layer_sizes": 3}, "ELU"),
        ({"weight_init": ZeroOutput(HeNormal)}, "HeNormal"),
        ({"learning_rate": Warmup(Cosine)}, "Cosine"),
    ],
)
def test_classes_within_components(params, name):
    with pytest.raises(InvalidParameterError, match=rf"{name} is a class. Pass an instance of it: {name}\(\).$"):
        MLPRegressor(**params).fit(X, NUMBERS)


def test_classes_whose_instances_fit_nowhere():
    nested = {"hidden_layer_sizes": 3, "activation": Trainable(Cosine)}
    for params in ({"solver": Cosine}, {"dropout_schedule": Step, "dropout": 0.1}, nested):
        with pytest.raises(InvalidParameterError) as caught:
            MLPRegressor(**params).fit(X, NUMBERS)
        assert "is a class" not in str(caught.value)


@BOTH
def test_names_that_another_parameter_takes(kind):
    """scikit-learn's regressor takes the loss first."""
    y = CLASSES if kind is MLPClassifier else NUMBERS
    loss = {MLPClassifier: "log_loss", MLPRegressor: "poisson"}[kind]
    positional = "The positional parameters are hidden_layer_sizes and activation; give all others by name.$"
    for call, hint in [
        (lambda: kind(loss), f"loss='{loss}'.* {positional}"),
        (lambda: kind(loss, (10,)), f"loss='{loss}'.* {positional}"),
        (lambda: kind("adam"), f"solver='adam'.* {positional}"),
        (lambda: kind("relu", (10,)), f"activation='relu'.* {positional}"),
        (lambda: kind((10,), "adam"), f"solver='adam'.* {positional}"),
        (lambda: kind(solver="tanh"), "activation='tanh'.$"),
        (lambda: kind(learning_rate="adam"), "solver='adam'.$"),
    ]:
        with pytest.raises(InvalidParameterError, match=f"Did you mean {hint}"):
            call().fit(X, y)
    with pytest.raises(InvalidParameterError, match="Got 'auto' instead.$"):  # of several parameters
        kind("auto").fit(X, y)
    names = tuple(inspect.signature(kind).parameters.values())
    assert [p.name for p in names if p.kind is p.POSITIONAL_OR_KEYWORD] == list(_POSITIONAL)


def test_values_of_classifiers():
    with pytest.raises(InvalidParameterError, match="'squared_error' is a loss of MLPRegressor"):
        small(MLPClassifier, loss="mse").fit(X, CLASSES)
    with pytest.raises(InvalidParameterError, match=r"mean 'log_loss'\?"):
        small(MLPClassifier, loss="CrossEntropyLoss").fit(X, CLASSES)
    with pytest.raises(InvalidParameterError, match=r"mean 'balanced'\?"):
        small(MLPClassifier, class_weight="balance").fit(X, CLASSES)
    with pytest.raises(InvalidParameterError, match="Got 'zzz' instead.$"):
        small(MLPClassifier, solver="zzz").fit(X, CLASSES)


@pytest.mark.parametrize(
    ("scoring", "hint"),
    [
        ("acuracy", r"mean 'accuracy' or '\w+' or '\w+'\?$"),
        ("mse", r"mean 'neg_mean_squared_error'\?$"),
        (accuracy_score.__name__, r"mean 'accuracy'\?$"),
    ],
)
def test_the_closest_scorers(scoring, hint):
    for call in (
        MLPClassifier(early_stopping=True, scoring=scoring).fit,
        MLPClassifierCV(scoring=scoring).fit,
        functools.partial(regularization_path, MLPClassifier(penalty="l1"), scoring=scoring),
    ):
        with pytest.raises(InvalidParameterError, match=hint) as caught:
            call(X, CLASSES)
        assert len(str(caught.value)) < 300


def test_options_are_sorted_in_every_process():
    code = """
from skregopt import MLPClassifier
for name in ("solver", "activation", "learning_rate", "weight_init", "penalty", "loss", "dtype"):
    try:
        MLPClassifier(**{name: "?"}).fit([[0.0], [1.0]], [0, 1])
    except ValueError as error:
        print(error)
"""
    messages = run(code, env={"PYTHONHASHSEED": "1"})["printed"].splitlines()
    for message in messages:
        listed = re.findall(r"'(\w+)'", re.search(r"\{(.*)\}", message).group(1))
        assert listed == sorted(listed) and len(listed) > 1
    assert len(messages) == 7


# --- the tables ------------------------------------------------------------------------------------------------------


def test_words_lead_to_names_that_exist():
    known = set(inspect.signature(MLPClassifier).parameters) | set(inspect.signature(MLPRegressor).parameters)
    assert set(PARAMETERS) <= known and set(VALUES) <= known
    arguments = inspect.signature(MLPClassifier.fit).parameters
    assert all(name in arguments for names in ARGUMENTS for name in names.split(" and "))
    constraints = {**MLPRegressor()._parameter_constraints, **MLPClassifier()._parameter_constraints}
    losses = {*MLPClassifier._losses, *MLPRegressor._losses}
    for name, values in VALUES.items():
        options = {option for domain in constraints[name] for option in getattr(domain, "options", ())}
        others = {"loss": losses, "learning_rate_factors": set(GROUPS)}
        assert set(values) <= options | others.get(name, set()), name


def test_instances_can_be_written_as_they_are_proposed():
    for name, instances in INSTANCES.items():
        for call, words in instances.items():
            params = {name: eval(call, {"skregopt": skregopt})}
            MLPRegressor(**params)._validate_params()
            assert not set(words.split(", ")) & set(MLPRegressor()._registries()[name])


def test_words_are_in_one_place_and_no_names_of_their_own():
    own = set(inspect.signature(MLPClassifier).parameters) | set(inspect.signature(MLPClassifier.fit).parameters)
    words = [word for table in (PARAMETERS, ARGUMENTS) for text in table.values() for word in text.split(", ")]
    words += list(OTHERWISE)
    assert len(words) == len(set(words)) and not own & set(words)


def test_the_migration_guides_say_the_same():
    """For each keyword of the old column, the new column assigns the parameter that errors suggest."""
    folder = Path(__file__).parents[2] / "doc"
    of_word = {word: name for name, text in PARAMETERS.items() for word in text.split(", ")}
    n_words = 0
    for page in (folder / "migrating").glob("*.rst"):
        for old, new in re.findall(r"^   \* - (.*)\n     - (.*)$", page.read_text(encoding="utf-8"), flags=re.M):
            while old != (old := re.sub(r"\([^()]*\)", "", old)):
                pass
            for word in re.findall(r"(\w+)=", old):
                target = of_word.get(word.split("__")[-1])
                if target is not None:
                    n_words += 1
                    assert f"{target}=" in new, (page.name, old, new)
    assert n_words >= 8


def test_the_table_of_words_in_the_documentation_is_complete(monkeypatch):
    pytest.importorskip("docutils", reason="needs the extra doc")
    folder = Path(__file__).parents[2] / "doc"
    monkeypatch.syspath_prepend(folder / "_ext")
    import words_table

    assert "`epochs`" in str(list(words_table.rows())) and ".. words::" in (folder / "migrating/index.rst").read_text()
