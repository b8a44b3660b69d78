"""What errors propose for keywords of other libraries can be typed in, and means the same."""

import inspect
import re

import numpy as np
import pytest
import sklearn
from support.estimators import make_data

from skregopt import MLPClassifier, MLPRegressor
from skregopt._kernels.words import PARAMETERS
from skregopt.model_selection import MLPClassifierCV, MLPRegressorCV

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore")]

KINDS = [MLPClassifier, MLPRegressor]
CV_KINDS = [MLPClassifierCV, MLPRegressorCV]
WORDS = [word for text in PARAMETERS.values() for word in text.split(", ")]
OWN = ["alpha", "dropout", "early_stopping", "l1_ratio", "penalty", "solver", "validation_fraction"]
VALUES = [
    True, False, None, -1, 0, 3, 50, 0.0, 0.2, -0.5, 2.5, np.nan, "auto", "l2", "l1", "sgd", "l-bfgs", "adamw_torch",
    "max_norm", "multi:softmax", "binary_logloss", "Cosine", "relu", "none", "?", (0.9, 0.99), [0.5, 2.0], [3, 3],
    ["accuracy"], ["relu"], ["auc", "acc"], {0: 1.0, 1: 2.0}, [], object(), np.ones(2), len,
]  # fmt: skip


def message_of(call, **keywords):
    with pytest.raises((TypeError, ValueError)) as caught:
        call(**keywords)
    return str(caught.value)


def proposed(kind, **keywords):
    """Return the estimator that a message proposes; None where it leaves a value to the user."""
    message = message_of(kind, **keywords)
    names = {"dict": dict, **{each.__name__: each for each in KINDS + CV_KINDS}}
    if found := re.search(r"Did you mean (\w+=.*?)\?(?: |$)", message):
        if "=..." not in found[1]:
            return kind(**eval(f"dict({found[1]})", names))
    elif found := re.search(r"of the network: (.*\))\.", message):
        if "=..." not in found[1]:
            return eval(found[1], names)
    return None


@pytest.mark.parametrize("kind", KINDS + CV_KINDS)
@pytest.mark.parametrize("word", WORDS + OWN)
def test_every_proposal_is_valid(kind, word):
    if word in inspect.signature(kind).parameters:
        return
    for value in VALUES:
        model = proposed(kind, **{word: value})
        if model is not None:
            model._validate_params()
            if kind in CV_KINDS and model.estimator is not None:
                model.estimator._validate_params()


def numbers_and_labels(kind):
    X, y = make_data(KINDS["Regressor" in kind.__name__])
    return X, np.unique(y, return_inverse=True)[1] % 2 if "Classifier" in kind.__name__ else y


RUN = [
    ({"silent": True}, {"verbose": False}),
    ({"verbosity": -1}, {"verbose": False}),
    ({"scale_pos_weight": 3.0}, {"class_weight": {0: 1, 1: 3.0}}),
    ({"class_weights": [1.0, 2.0]}, {"class_weight": {0: 1.0, 1: 2.0}}),
    ({"betas": (0.9, 0.99)}, {"beta_1": 0.9, "beta_2": 0.99}),
    ({"kernel_regularizer": "l2"}, {"penalty": "l2"}),
    ({"kernel_regularizer": 0.01}, {"alpha": 0.01, "penalty": "l2"}),
    ({"regularizer": 0.01}, {"alpha": 0.01, "penalty": "l2"}),
    ({"use_ema": True}, {"ema_decay": 0.999}),
    ({"use_ema": False}, {"ema_decay": None}),
    ({"objective": "multi:softmax"}, {"loss": "log_loss"}),
    ({"metric": "binary_logloss"}, {"scoring": "neg_log_loss", "early_stopping": True}),
    ({"metrics": ["accuracy"]}, {"scoring": "accuracy", "early_stopping": True}),
    ({"eval_metric": "auc"}, {"scoring": "roc_auc", "early_stopping": True}),
    ({"validation_split": 0.2}, {"validation_fraction": 0.2, "early_stopping": True}),
    ({"validation_split": 0.0}, {"early_stopping": False}),
    ({"patience": None}, {"early_stopping": False}),
    ({"algorithm": "l-bfgs"}, {"solver": "lbfgs"}),
    ({"precision": 16}, {"dtype": "float32"}),
    ({"precision": 64}, {"dtype": "float64"}),
    ({"optimizer": "adamw_torch"}, {"solver": "adamw"}),
    ({"optimizer": "sgd"}, {"solver": "sgd"}),
    ({"step_size": 0.1}, {"learning_rate_init": 0.1}),
    ({"step_size": 3}, {"learning_rate": "step"}),
]


@pytest.mark.parametrize(
    ("keywords", "meant"),
    [*RUN[::3], *(pytest.param(*pair, marks=pytest.mark.exhaustive) for pair in RUN[1::3] + RUN[2::3])],
)
def test_proposals_run(keywords, meant):
    model = proposed(MLPClassifier, **keywords)
    assert {name: getattr(model, name) for name in meant} == meant
    model.set_params(max_iter=2, hidden_layer_sizes=3).fit(*numbers_and_labels(MLPClassifier))


@pytest.mark.parametrize(
    ("keywords", "hint"),
    [
        ({"kernel_constraint": "max_norm"}, r"mean max_norm\?$"),
        ({"validation_size": 50}, r"mean validation_fraction=\.\.\., early_stopping=True\?$"),
        ({"decay": 1e-4}, "use learning_rate, the name of a schedule"),
        ({"learning_rate_decay": 1e-4}, "use learning_rate, the name of a schedule"),
        ({"out_activation": "softmax"}, "use loss, which decides the activation of the output"),
        ({"optimizer": "sgd"}, "'sgd' updates on single rows, 'minibatch' on batches"),
        ({"epochs": -1}, r"mean max_iter\?$"),
        ({"epochs": True}, r"mean max_iter\?$"),
        ({"act": []}, r"mean activation\?$"),
        ({"drop_out": {0: 0.5}}, r"mean dropout\?$"),
        ({"hidden_dim": {0: 5}}, r"mean hidden_layer_sizes\?$"),
        ({"class_weights": ["a", "b"]}, r"mean class_weight\?$"),
        ({"scale_pos_weight": [1.0, 2.0]}, r"mean class_weight\?$"),
        ({"scale_pos_weight": -1}, r"mean class_weight\?$"),
        ({"metric": "mse"}, r"mean scoring=\.\.\., early_stopping=True\?$"),
        ({"metrics": ["acc", "auc"]}, r"mean scoring=\.\.\., early_stopping=True\?$"),
    ],
)
def test_words_without_a_value(keywords, hint):
    assert re.search(hint, message_of(MLPClassifier, **keywords))


def test_scorers_of_labels_are_none_for_numbers():
    assert "scoring=..., early_stopping=True" in message_of(MLPRegressor, eval_metric="auc")
    assert "scoring='neg_mean_absolute_error', early_stopping=True" in message_of(MLPRegressor, eval_metric="mae")


# --- estimators with cross-validation --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CV_KINDS)
@pytest.mark.parametrize(
    "keywords",
    [{"lr": 0.1}, {"alpha": 0.1}, {"kernel_regularizer": 0.1}, {"penalty": "l2"}, {"optimizer": "lbfgs"}, {"seed": 0}],
)
def test_proposals_for_the_network_run(kind, keywords):
    model = proposed(kind, **keywords).set_params(n_alphas=2, cv=2, max_iter=2)
    if model.estimator is not None:
        model.estimator.hidden_layer_sizes = ()
    model.fit(*numbers_and_labels(kind))


@pytest.mark.parametrize("kind", CV_KINDS)
def test_a_value_that_no_path_takes_is_replaced_with_a_reason(kind):
    assert "A path needs a penalty that makes weights zero." in message_of(kind, penalty="l2")
    assert "A path needs a first-order solver." in message_of(kind, optimizer="lbfgs")
    assert "A path needs" not in message_of(kind, lr=0.1) + message_of(kind, penalty="group_l1")


@pytest.mark.parametrize("kind", CV_KINDS)
def test_no_private_names(kind):
    for keywords in ({"lr": 0.1}, {"colour": 3}):
        message = message_of(kind, **keywords)
        assert message.startswith(f"{kind.__name__}.__init__()") and "Base" not in message


@pytest.mark.parametrize("kind", CV_KINDS)
@pytest.mark.parametrize("routing", [False, True])
def test_arguments_of_fit(kind, routing):
    X, y = numbers_and_labels(kind)
    with sklearn.config_context(enable_metadata_routing=routing):
        for word in ("eval_set", "validation_data", "X_val"):
            assert "The folds hold out rows by themselves" in message_of(kind().fit, X=X, y=y, **{word: [(X, y)]})
        assert "max_iter=3? It is a parameter of" in message_of(kind().fit, X=X, y=y, epochs=3)
    assert "The folds hold out rows" in message_of(kind, early_stopping=True)


def test_validation_rows_are_for_fit():
    X, y = make_data(MLPClassifier)
    assert "fit takes X_val and y_val." in message_of(MLPClassifier().partial_fit, X=X, y=y, eval_set=[(X, y)])
