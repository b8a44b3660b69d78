"""Errors about keywords of components: of other libraries, of the estimator, or misspelled."""

import inspect

import numpy as np
import pytest

from skregopt import (
    MLPClassifier,
    MLPRegressor,
    activations,
    embeddings,
    initializers,
    losses,
    optimizers,
    penalties,
    schedules,
)
from skregopt._kernels.component import Component
from skregopt._kernels.words import OF_COMPONENTS, PARAMETERS, WITHOUT_OTHER_NAMES
from skregopt.activations import ELU, LeakyReLU, Trainable
from skregopt.embeddings import Periodic, PiecewiseLinear
from skregopt.initializers import ZeroOutput
from skregopt.losses import Huber, Quantile
from skregopt.optimizers import SGD, Adam, AdamW, RMSprop
from skregopt.penalties import L1, L2, ElasticNet, NoPenalty
from skregopt.schedules import Cosine, Plateau, Step, Warmup

pytestmark = pytest.mark.nojit

RULES = {
    rule
    for module in (activations, embeddings, initializers, losses, optimizers, penalties, schedules)
    for rule in vars(module).values()
    if inspect.isclass(rule) and issubclass(rule, Component)
}

KEYWORDS = [
    (Adam, {"learning_rate": 0.1}, r"learning_rate_init is a parameter of the estimator: solver=Adam\(...\), "
     r"learning_rate_init=0.1\.$"),
    (Adam, {"lr": 0.1}, "learning_rate_init=0.1"),
    (Adam, {"lr": -1.0}, r"solver=Adam\(...\), learning_rate_init=\.\.\.\.$"),
    (Adam, {"learning_rate": "cosine"}, r"learning_rate is a parameter of the estimator"),
    (AdamW, {"weight_decay": 0.1}, r"weight_decay is a parameter .*: solver=AdamW\(...\), weight_decay=0.1"),
    (Adam, {"betas": (0.9, 0.99)}, r"Did you mean beta_1=0.9, beta_2=0.99\?"),
    (Adam, {"eps": 1e-6}, r"Did you mean epsilon=1e-06\?"),
    (Adam, {"amsgard": True}, r"Did you mean amsgrad=True\?"),
    (Adam, {"eps": 1e-6, "lr": 0.1}, r"eps: Did you mean epsilon=1e-06\? lr: learning_rate_init is"),
    (SGD, {"nesterov": True}, r"Did you mean nesterovs_momentum=True\?"),
    (RMSprop, {"alpha": 0.99}, r"Did you mean rho=0.99\?"),
    (L1, {"alpha": 0.1}, r"alpha is a parameter of the estimator: penalty=L1\(...\), alpha=0.1"),
    (ElasticNet, {"lambda_": 0.1}, "alpha is a parameter of the estimator"),
    (ElasticNet, {"l1_ration": 0.1}, r"Did you mean l1_ratio=0.1\?"),
    (Quantile, {"quantiles": [0.1, 0.9]}, r"Did you mean quantile=\[0.1, 0.9\]\?"),
    (Huber, {"epsilon": 1.35}, r"Did you mean delta=1.35\?"),
    (ELU, {"alpha": 0.5}, r"Did you mean negative_scale=0.5\?"),
    (LeakyReLU, {"alpha": 0.5}, r"Did you mean negative_slope=0.5\?"),
    (Cosine, {"T_max": 10}, r"max_iter is a parameter of the estimator: learning_rate=Cosine\(...\), max_iter=10\.$"),
    (Cosine, {"eta_min": 1e-5}, r"Did you mean floor=1e-05\?"),
    (Plateau, {"min_lr": 1e-5}, r"Did you mean floor=1e-05\?"),
    (Step, {"decay_steps": 5}, r"Did you mean step_size=5\?"),
    (Warmup, {"warmup_epochs": 5}, r"Did you mean n_epochs=5\?"),
    (Periodic, {"sigma": 0.1}, r"Did you mean frequency_scale=0.1\?"),
    (Periodic, {"scale": 0.1}, r"Did you mean frequency_scale=0.1\?"),
    (PiecewiseLinear, {"d_embedding": 8}, r"Did you mean n_outputs=8\?"),
    (Adam, {"decay": 0.1}, "Instead of decay, use learning_rate, the name of a schedule"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "keywords", "hint"), KEYWORDS)
def test_keywords(kind, keywords, hint):
    """Of the constructor, of set_params, and of set_params of an estimator."""
    with pytest.raises(TypeError, match=f"unexpected keyword argument.*{hint}") as caught:
        kind(**keywords)
    assert str(caught.value).startswith(f"{kind.__name__}.") or kind is AdamW
    with pytest.raises(ValueError, match=f"Invalid parameter.*{hint}"):
        kind().set_params(**keywords)
    nested = {f"{kind.family}__{name}": value for name, value in keywords.items()}
    with pytest.raises(ValueError, match=f"Invalid parameter.*{hint}"):
        MLPRegressor(**{kind.family: kind()}).set_params(**nested)


def test_a_strength_by_position():
    message = r"^L1\.__init__\(\) takes 1 positional .* L1 has no parameters. Its strength is the parameter alpha"
    with pytest.raises(TypeError, match=message):
        L1(0.1)


def test_words_that_say_nothing_and_errors_of_another_kind():
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'$"):
        Adam(colour=3)
    with pytest.raises(ValueError, match=r"Valid parameters are: \[.*\]\.$"):
        Adam().set_params(colour=3)
    with pytest.raises(TypeError, match="takes from 1 to 5 positional arguments"):
        Adam(1, 2, 3, 4, 5)


def test_subclasses():
    class Mine(Adam):
        def __init__(self, own=1, **kwargs):
            super().__init__(**kwargs)
            self.own = own

    with pytest.raises(TypeError, match=r"unexpected keyword argument 'lr'\. learning_rate_init is") as caught:
        Mine(lr=0.1)
    assert str(caught.value).count("learning_rate_init is") == 1
    assert Mine(beta_1=0.5).beta_1 == 0.5


@pytest.mark.parametrize("rule", sorted(RULES, key=str))
def test_signatures_stay_as_they_are_written(rule):
    kinds = {parameter.kind for parameter in inspect.signature(rule).parameters.values()}
    assert kinds <= {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    assert rule().get_params(deep=False).keys() == inspect.signature(rule).parameters.keys()


# --- the tables ------------------------------------------------------------------------------------------------------


def test_tables_know_all_parameters():
    of_estimators = {*inspect.signature(MLPClassifier).parameters, *inspect.signature(MLPRegressor).parameters}
    assert {*PARAMETERS, *WITHOUT_OTHER_NAMES} == of_estimators
    of_components = {name for rule in RULES for name in inspect.signature(rule).parameters}
    assert set(OF_COMPONENTS) <= of_components
    for rule in RULES:  # no parameter has the name that another one has elsewhere
        own = inspect.signature(rule).parameters
        words = [word for name in own for word in OF_COMPONENTS.get(name, "").split(", ")]
        assert not set(words) & set(own) and len(set(filter(None, words))) == len(list(filter(None, words))), rule


def test_rules_without_parameters_stay_what_they_were():
    for rule in (L1, L2, NoPenalty):
        assert repr(rule()) == f"{rule.__name__}()" and rule().get_params() == {}
    assert np.isfinite(Adam(0.5).hyper_parameters()).all()


@pytest.mark.parametrize(
    ("component", "message"),
    [
        (Trainable("mishh"), r"activation of Trainable must be .* got 'mishh'\. Did you mean 'mish'\?$"),
        (Trainable("swish"), r"Did you mean 'silu'\?$"),
        (Trainable("sigmoid"), r"Did you mean 'logistic'\?$"),
        (Trainable("quadratic"), r"got 'quadratic'\.$"),
        (Trainable("linear"), r"got 'linear'\.$"),
        (Trainable(Trainable()), r" Trainable does not go around itself: use Trainable\(\) alone\.$"),
        (ZeroOutput("nrmal"), r"initializer of ZeroOutput must be one of 'auto', .* Did you mean 'normal'\?$"),
        (ZeroOutput("xavier_uniform"), r"Did you mean 'glorot_uniform'\?$"),
        (ZeroOutput(ZeroOutput()), "ZeroOutput does not go around itself"),
        (Warmup("cosin"), r"schedule of Warmup must be .* Did you mean 'cosine'\?$"),
        (Warmup(Warmup("step")), r"use Warmup\(schedule='step'\) alone\.$"),
    ],
    ids=repr,
)
def test_components_around_what_is_none(component, message):
    with pytest.raises(ValueError, match=message) as error:
        component._validate_params()
    assert "'identity'" not in str(error.value)


def test_the_base_of_embeddings_is_none():
    with pytest.raises(NotImplementedError, match="Embedding, an embedding, has no method start.* or PiecewiseLinear"):
        MLPRegressor(feature_embedding=embeddings.Embedding()).fit(np.arange(12.0).reshape(6, 2), np.arange(6.0))
