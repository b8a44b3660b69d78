"""Search spaces around the parameters of an estimator. The optuna form imports optuna."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy.stats import loguniform, uniform

from .._engine.blocks import NORMALISATIONS
from .._estimators.base import BaseMLP
from .._estimators.resolve import hidden_units, initial_rate
from .._kernels.component import build_component
from .._kernels.parameters import is_default, unfitted
from .._tabular.base import BaseTabularMLP
from .._tabular.portfolio import in_turn
from ..embeddings import PiecewiseLinear
from ..optimizers import OPTIMIZERS, Optimizer
from ..penalties import PENALTIES, Penalty
from ..schedules import SCHEDULES, Schedule

_ALIKE = ("adam", "nadam", "rmsprop")  # have similar good learning rates
_LOG, _UNIFORM, _INTEGERS, _CHOICE = "logarithmic", "uniform", "logarithmic integers", "choice"


def param_distributions(
    estimator: BaseMLP | BaseTabularMLP, style: Literal["scipy", "optuna"] = "scipy", prefix: str = ""
) -> dict[str, Any]:
    """Return a search space for an estimator, with useful ranges.

    A parameter at its default gets a wide range. If the learning rate, alpha, the width or the batch size is not at its
    default, its value is the middle of the range. The penalty, the schedule, components given as instances, and a
    network without hidden layers stay as they are. The space contains only parameters that have an effect: no ``alpha``
    without a penalty, ``l1_ratio`` only for 'elasticnet' and 'group_l1', no ``dropout``, ``batch_size`` or
    ``learning_rate_init`` for 'lbfgs'. Every draw can be fitted.

    ======================  ============================================================================
    parameter               range
    ======================  ============================================================================
    learning_rate_init      log-uniform, from a tenth of the solver's default to ten times it
    alpha                   log-uniform, 1e-6 to 1e-2 for 'l2', otherwise 1e-5 to 0.1
    l1_ratio                uniform, 0.1 to 0.9
    hidden_layer_sizes      log-uniform int, 16 to 256: the width of all hidden layers
    n_hidden_layers         1, 2 or 3
    activation              'relu', 'tanh', 'silu'
    dropout                 uniform, 0 to 0.5; from 0.05 with a ``dropout_schedule``
    solver                  'adam', 'nadam', 'rmsprop'; only if the estimator has one of them
    momentum                uniform, 0.5 to 0.99; for 'gd', 'sgd' and 'minibatch'
    batch_size              32, 64, 128, 256
    ======================  ============================================================================

    The space for an estimator for tables is smaller, because recipes decide about most of its networks. Search it with
    few networks, such as ``n_estimators=1``, then fit many with the best parameters. More epochs and more networks only
    cost time, so neither is searched.

    ======================  ============================================================================
    parameter               range for TabularMLPClassifier and TabularMLPRegressor
    ======================  ============================================================================
    learning_rate_init      log-uniform, 0.001 to 0.03
    dropout                 uniform, 0 to 0.4
    hidden_layer_sizes      two or three layers of 64, 128 or 256 units; only for 'scipy', because optuna's choices are
                            numbers and names
    n_bins                  16, 32, 64, 128; only if one of the networks has bins
    ======================  ============================================================================

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, TabularMLPClassifier or TabularMLPRegressor
        Estimator to search parameters of. It is not changed.
    style : {'scipy', 'optuna'}, default='scipy'
        'scipy' gives lists and distributions with a method ``rvs``, for scikit-learn's ``RandomizedSearchCV`` and
        ``HalvingRandomSearchCV``. 'optuna' gives optuna's distributions, for ``OptunaSearchCV`` and
        ``study.ask(space)``.
    prefix : str, default=""
        Prefix of the names, such as ``"mlpclassifier__"`` for a step of a pipeline.

    Returns
    -------
    space : dict of str to list or distribution
        Parameter name -> range.

    Raises
    ------
    TypeError
        If ``estimator`` is any other object, or ``prefix`` is not a str.
    ValueError
        For an unknown style.
    ImportError
        For style='optuna' if optuna is not installed.

    Examples
    --------
    >>> from skregopt import MLPClassifier
    >>> from skregopt.model_selection import param_distributions
    >>> sorted(param_distributions(MLPClassifier(solver="lbfgs")))
    ['activation', 'alpha', 'hidden_layer_sizes', 'n_hidden_layers']
    """
    if not isinstance(estimator, BaseMLP | BaseTabularMLP):
        raise TypeError(
            "estimator must be an MLPClassifier, MLPRegressor, TabularMLPClassifier or TabularMLPRegressor of "
            f"skregopt, got {estimator!r}. For a Pipeline, pass its last step, and the name of the step as prefix, "
            "such as prefix='mlpclassifier__'."
        )
    if style not in ("scipy", "optuna"):
        raise ValueError(f"style must be 'scipy' or 'optuna', got {style!r}.")
    if not isinstance(prefix, str):
        raise TypeError(f"prefix must be a str, such as 'mlpclassifier__', got {prefix!r}.")
    estimator = unfitted(estimator)
    estimator._validate_params()
    is_table = isinstance(estimator, BaseTabularMLP)
    domains = _domains_of_table(estimator) if is_table else _domains(estimator)
    if is_table and style == "optuna":
        domains.pop("hidden_layer_sizes", None)
    convert = _as_scipy if style == "scipy" else _as_optuna
    settable = estimator.get_params(deep=False)  # the constructor of a subclass may hide parameters
    return {prefix + name: convert(*domain) for name, domain in domains.items() if name in settable}


def _domains(estimator):
    """Return {name: (kind, values or bounds)}."""
    penalty = build_component(Penalty, PENALTIES, estimator.penalty, estimator)
    domains = {}
    if estimator.solver != "lbfgs":
        domains |= _of_the_solver(estimator)
    if estimator.penalty is not None:
        around = (1e-6, 1e-2) if penalty.is_smooth else (1e-5, 1e-1)
        domains["alpha"] = (_LOG, *_range(estimator, "alpha", 100.0, around))
    if estimator.penalty in ("elasticnet", "group_l1"):
        domains["l1_ratio"] = (_UNIFORM, 0.1, 0.9)
    widths = hidden_units(estimator)
    if widths:
        domains |= _of_hidden_layers(estimator, widths)
    return domains


def _domains_of_table(estimator):
    """Return the same for an estimator for tables."""
    rate, n_bins = estimator.learning_rate_init, estimator.n_bins
    layers = [(64,) * 3, (128,) * 2, (128,) * 3, (256,) * 2, (256,) * 3]
    if not isinstance(estimator.hidden_layer_sizes, str):
        widths = np.atleast_1d(estimator.hidden_layer_sizes).tolist()
        layers = [tuple(max(1, round(factor * width)) for width in widths) for factor in (0.5, 1, 2)]
    domains = {"learning_rate_init": (_LOG, 1e-3, 3e-2) if isinstance(rate, str) else (_LOG, rate / 10, rate * 10)}
    if layers[0]:
        domains |= {"dropout": (_UNIFORM, 0.0, 0.4), "hidden_layer_sizes": (_CHOICE, list(dict.fromkeys(layers)))}
    if any(isinstance(recipe.embedding, PiecewiseLinear) for recipe, _ in in_turn(estimator.n_estimators)):
        bins = [16, 32, 64, 128] if isinstance(n_bins, str) else sorted({max(2, n_bins // 2), n_bins, 2 * n_bins})
        domains["n_bins"] = (_CHOICE, bins)
    return domains


def _of_the_solver(estimator):
    optimizer = build_component(Optimizer, OPTIMIZERS, estimator.solver, estimator)
    schedule = build_component(Schedule, SCHEDULES, estimator.learning_rate, estimator)
    domains = {}
    rate = initial_rate(estimator, optimizer)
    if isinstance(estimator.solver, str) and estimator.solver in _ALIKE:
        domains["solver"] = (_CHOICE, [estimator.solver, *(name for name in _ALIKE if name != estimator.solver)])
        rate = OPTIMIZERS["adam"].default_learning_rate if estimator.learning_rate_init == "auto" else rate
    floor = getattr(schedule, "floor", 0.0)  # learning_rate_init may not be below it
    domains["learning_rate_init"] = (_LOG, max(rate / 10, floor), max(rate * 10, 2 * floor))
    if isinstance(estimator.solver, str) and OPTIMIZERS[estimator.solver] is OPTIMIZERS["gd"]:
        domains["momentum"] = (_UNIFORM, 0.5, 0.99)
    if estimator.solver not in ("gd", "sgd"):
        sizes = [32, 64, 128, 256]
        if estimator.batch_size != "auto":
            size = int(estimator.batch_size)
            sizes = sorted({max(2, size // 2), max(2, size), 2 * size})
        domains["batch_size"] = (_CHOICE, sizes)
    return domains


def _of_hidden_layers(estimator, widths):
    narrow, wide = 16, 256
    if not is_default(estimator.hidden_layer_sizes, estimator._default_parameters()["hidden_layer_sizes"]):
        least = max([1, *(block.least_units for name, block in NORMALISATIONS.items() if getattr(estimator, name))])
        narrow, wide = max(least, min(widths) // 4), 4 * max(widths)
    domains = {"hidden_layer_sizes": (_INTEGERS, narrow, wide), "n_hidden_layers": (_CHOICE, [1, 2, 3])}
    rates = np.ndim(estimator.dropout) > 0
    if rates or isinstance(estimator.activation, list | tuple):  # one value per layer fixes the number of layers
        domains["n_hidden_layers"] = (_CHOICE, [len(widths)])
    if isinstance(estimator.activation, str):
        own, others = estimator.activation, ("relu", "tanh", "silu")
        domains["activation"] = (_CHOICE, [own, *(name for name in others if name != own)])
    if not rates and estimator.solver != "lbfgs":
        # a schedule has to have something to multiply
        domains["dropout"] = (_UNIFORM, 0.0 if estimator.dropout_schedule is None else 0.05, 0.5)
    return domains


def _range(estimator, name, factor, otherwise):
    """Return bounds around the value of a parameter, or ``otherwise`` if it is at its default or 0."""
    value = getattr(estimator, name)
    if is_default(value, estimator._default_parameters()[name]) or value == 0:
        return otherwise
    return value / factor, value * factor


def _as_scipy(kind, *domain):
    if kind == _CHOICE:
        return domain[0]
    low, high = domain
    if kind == _INTEGERS:
        return np.unique(np.geomspace(low, high, 9).round().astype(int)).tolist()
    return loguniform(low, high) if kind == _LOG else uniform(low, high - low)


def _as_optuna(kind, *domain):
    try:
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
    except ImportError as error:
        raise ImportError("style='optuna' needs optuna: pip install 'skregopt[optuna]'.") from error
    if kind == _CHOICE:
        return CategoricalDistribution(domain[0])
    low, high = domain
    if kind == _INTEGERS:
        return IntDistribution(low, high, log=True)
    return FloatDistribution(low, high, log=kind == _LOG)
