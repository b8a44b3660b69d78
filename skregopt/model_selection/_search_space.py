"""Search spaces around the parameters of an estimator. The optuna form imports optuna."""

import numpy as np
from scipy.stats import loguniform, uniform
from sklearn.base import clone

from .._estimators.base import BaseMLP
from .._estimators.resolve import hidden_units, initial_rate
from .._kernels.component import build_component, default_parameters
from ..optimizers import OPTIMIZERS, Optimizer
from ..penalties import PENALTIES, Penalty
from ..schedules import SCHEDULES, Schedule

_ALIKE = ("adam", "nadam", "rmsprop")  # have similar good learning rates
_LOG, _UNIFORM, _INTEGERS, _CHOICE = "logarithmic", "uniform", "logarithmic integers", "choice"


def param_distributions(estimator, style="scipy", prefix=""):
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
    dropout                 uniform, 0 to 0.5
    solver                  'adam', 'nadam', 'rmsprop'; only if the estimator has one of them
    momentum                uniform, 0.5 to 0.99; for 'gd', 'sgd' and 'minibatch'
    batch_size              32, 64, 128, 256
    ======================  ============================================================================

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
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
        If ``estimator`` is not an MLPClassifier or MLPRegressor, or ``prefix`` is not a str.
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
    if not isinstance(estimator, BaseMLP):
        raise TypeError(
            f"estimator must be an MLPClassifier or an MLPRegressor of skregopt, got {estimator!r}. For a Pipeline, "
            "pass its last step, and the name of the step as prefix, such as prefix='mlpclassifier__'."
        )
    if style not in ("scipy", "optuna"):
        raise ValueError(f"style must be 'scipy' or 'optuna', got {style!r}.")
    if not isinstance(prefix, str):
        raise TypeError(f"prefix must be a str, such as 'mlpclassifier__', got {prefix!r}.")
    convert = _as_scipy if style == "scipy" else _as_optuna
    return {prefix + name: convert(*domain) for name, domain in _domains(estimator).items()}


def _domains(estimator):
    """Return {name: (kind, values or bounds)}."""
    model = clone(estimator)
    model._validate_params()
    penalty = build_component(Penalty, PENALTIES, model.penalty, model)
    domains = {}
    if model.solver != "lbfgs":
        domains |= _of_the_solver(model)
    if model.penalty is not None:
        around = (1e-6, 1e-2) if penalty.is_smooth else (1e-5, 1e-1)
        domains["alpha"] = (_LOG, *_range(model, "alpha", 100.0, around))
    if model.penalty in ("elasticnet", "group_l1"):
        domains["l1_ratio"] = (_UNIFORM, 0.1, 0.9)
    widths = hidden_units(model)
    if widths:
        domains |= _of_hidden_layers(model, widths)
    return domains


def _of_the_solver(model):
    optimizer = build_component(Optimizer, OPTIMIZERS, model.solver, model)
    schedule = build_component(Schedule, SCHEDULES, model.learning_rate, model)
    domains = {}
    rate = initial_rate(model, optimizer)
    if isinstance(model.solver, str) and model.solver in _ALIKE:
        domains["solver"] = (_CHOICE, [model.solver, *(name for name in _ALIKE if name != model.solver)])
        rate = OPTIMIZERS["adam"].default_learning_rate if model.learning_rate_init == "auto" else rate
    floor = getattr(schedule, "floor", 0.0)  # learning_rate_init may not be below it
    domains["learning_rate_init"] = (_LOG, max(rate / 10, floor), max(rate * 10, 2 * floor))
    if isinstance(model.solver, str) and OPTIMIZERS[model.solver] is OPTIMIZERS["gd"]:
        domains["momentum"] = (_UNIFORM, 0.5, 0.99)
    if model.solver not in ("gd", "sgd"):
        sizes = [32, 64, 128, 256]
        if model.batch_size != "auto":
            sizes = sorted({max(2, model.batch_size // 2), max(2, model.batch_size), 2 * model.batch_size})
        domains["batch_size"] = (_CHOICE, sizes)
    return domains


def _of_hidden_layers(model, widths):
    narrow, wide = 16, 256
    if model.hidden_layer_sizes != default_parameters(type(model))["hidden_layer_sizes"]:
        narrow, wide = max(1, min(widths) // 4), 4 * max(widths)
    domains = {"hidden_layer_sizes": (_INTEGERS, narrow, wide), "n_hidden_layers": (_CHOICE, [1, 2, 3])}
    rates = np.ndim(model.dropout) > 0
    if rates or isinstance(model.activation, list | tuple):  # one value per layer fixes the number of layers
        domains["n_hidden_layers"] = (_CHOICE, [len(widths)])
    if isinstance(model.activation, str):
        names = ("relu", "tanh", "silu")
        domains["activation"] = (_CHOICE, [model.activation, *(name for name in names if name != model.activation)])
    if not rates and model.solver != "lbfgs":
        domains["dropout"] = (_UNIFORM, 0.0, 0.5)
    return domains


def _range(model, name, factor, otherwise):
    """Return bounds around the value of a parameter, or ``otherwise`` if it is at its default or 0."""
    value = getattr(model, name)
    if value == default_parameters(type(model))[name] or value == 0:
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
