"""The domain of each parameter of the estimators, in the form of scikit-learn's ``_parameter_constraints``."""

from functools import cache
from numbers import Integral, Real

import numpy as np
from sklearn.metrics import get_scorer_names

from .._engine.blocks import NORMALISATIONS
from .._kernels.parameters import is_default
from .._kernels.sklearn_internals import HasMethods, Interval, Options, StrOptions
from .._training.memory import FACTOR_SCHEDULES
from ..activations import ACTIVATIONS, Activation
from ..embeddings import EMBEDDINGS, Embedding
from ..initializers import INITIALIZERS, Initializer
from ..optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from ..penalties import PENALTIES, ElasticNet, Penalty
from ..schedules import SCHEDULES, InvScaling, Schedule

_MOST_LAYERS = 10_000  # deeper networks cannot be trained, and each layer costs a few Python objects


class ScorerNames(StrOptions):
    """The names of scikit-learn's scorers, which are too many for a message, and others.

    Parameters
    ----------
    *others : str
    """

    def __init__(self, *others):
        super().__init__({*others, *get_scorer_names()})
        self._others = others

    def __str__(self):
        return ", ".join([*map(repr, self._others), "a str among sklearn.metrics.get_scorer_names()"])


class Seconds(Interval):
    """Positive numbers of seconds, but no bool, which is a number to Python."""

    def __init__(self):
        super().__init__(Real, 0, None, closed="neither")

    def __contains__(self, value):
        return not isinstance(value, bool | np.bool_) and super().__contains__(value)


def with_horizon():
    """Return the names of the schedules that end after ``max_iter`` epochs."""
    return sorted(name for name, rule in SCHEDULES.items() if rule().has_horizon)


def registries(losses):
    """Return the rules by name of each parameter that takes names of components.

    Parameters
    ----------
    losses : dict
        The losses of the estimator by name.

    Returns
    -------
    dict of str to dict
    """
    return {
        "activation": ACTIVATIONS,
        "dropout_schedule": SCHEDULES,
        "feature_embedding": EMBEDDINGS,
        "learning_rate": SCHEDULES,
        "loss": losses,
        "penalty": PENALTIES,
        "solver": OPTIMIZERS,
        "weight_decay_schedule": SCHEDULES,
        "weight_init": INITIALIZERS,
    }


def parameter_constraints(losses, loss_family):
    """Return the domain of each parameter in the form of scikit-learn's ``_parameter_constraints``.

    Parameters
    ----------
    losses : dict
        The losses of the estimator by name.
    loss_family : type
        Family of loss instances.

    Returns
    -------
    dict of str to list
    """
    registries = (losses, ACTIVATIONS, EMBEDDINGS, INITIALIZERS, PENALTIES, OPTIMIZERS, SCHEDULES)
    return _parameter_constraints(loss_family, *map(tuple, registries))


@cache  # validation takes longer than a small fit; the names are arguments because registries may be extended
def _parameter_constraints(
    loss_family, losses, activations, embeddings, initializers, penalties, optimizers, schedules
):
    return {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        **{name: ["boolean"] for name in NORMALISATIONS},
        "n_hidden_layers": [None, Interval(Integral, 0, _MOST_LAYERS, closed="both")],
        "activation": [StrOptions(set(activations)), Activation, list, tuple],
        "feature_embedding": [StrOptions(set(embeddings)), None, Embedding],
        "weight_init": [StrOptions({"auto", *initializers}), Initializer],
        "loss": [StrOptions(set(losses)), loss_family],
        "penalty": [StrOptions({name for name in penalties if name}), None, Penalty],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": ElasticNet._parameter_constraints["l1_ratio"],
        "weight_decay": [None, Interval(Real, 0, None, closed="left")],
        "max_norm": [None, Interval(Real, 0, None, closed="neither")],
        "clip_norm": [None, Interval(Real, 0, None, closed="neither")],
        "ema_decay": [None, Interval(Real, 0, 1, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "input_dropout": [Interval(Real, 0, 1, closed="left")],
        "solver": [StrOptions({*optimizers, "lbfgs"}), Optimizer],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions(set(schedules)), Schedule],
        **{name: [None, StrOptions(set(with_horizon())), Schedule] for name in FACTOR_SCHEDULES},
        "learning_rate_init": [
            StrOptions({"auto"}),
            Interval(Real, 0, None, closed="neither"),
        ],
        "learning_rate_factors": [None, dict],
        "parametrization": [StrOptions({"standard", "ntp"})],
        **InvScaling._parameter_constraints,
        **SGD._parameter_constraints,
        **Adam._parameter_constraints,
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "max_time": [None, Seconds(), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [
            Interval(Real, 0, 1, closed="left"),
            HasMethods(["split", "get_n_splits"]),
        ],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "tol": [Interval(Real, 0, None, closed="left")],
        "scoring": [ScorerNames("loss"), callable],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "dtype": [StrOptions({"auto", "float32", "float64"})],
        "n_jobs": [
            None,
            Interval(Integral, None, -1, closed="right"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "verbose": ["verbose"],
    }


def asks_for_something(value, default):
    """Tell whether a parameter, off by default, is not off: zeros for numbers are."""
    return (isinstance(value, str | Schedule) or bool(np.any(value))) and not is_default(value, default)
