"""The estimators' parameters: the domain of each, what they resolve to, and which contradict each other."""

import math
import warnings
from functools import cache
from itertools import pairwise
from numbers import Integral, Real

import numpy as np
from sklearn.metrics import get_scorer_names

from .._kernels.component import build_component, default_parameters
from .._kernels.sklearn_internals import HasMethods, Interval, Options, StrOptions
from ..activations import ACTIVATIONS, Activation
from ..initializers import INITIALIZERS, Initializer
from ..optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from ..penalties import PENALTIES, ElasticNet, Penalty
from ..schedules import SCHEDULES, InvScaling, Schedule

_MOST_LAYERS = 10_000  # each is a few objects of Python, and none so deep is trained


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
    names = (tuple(registry) for registry in (losses, ACTIVATIONS, INITIALIZERS, PENALTIES, OPTIMIZERS, SCHEDULES))
    return _parameter_constraints(loss_family, *names)


@cache  # validation takes longer than a small fit; the names are arguments because registries may be extended
def _parameter_constraints(loss_family, losses, activations, initializers, penalties, optimizers, schedules):
    return {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "batch_norm": ["boolean"],
        "n_hidden_layers": [None, Interval(Integral, 0, _MOST_LAYERS, closed="both")],
        "activation": [StrOptions(set(activations)), Activation, list, tuple],
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
        "learning_rate_init": [
            StrOptions({"auto"}),
            Interval(Real, 0, None, closed="neither"),
        ],
        **InvScaling._parameter_constraints,
        **SGD._parameter_constraints,
        **Adam._parameter_constraints,
        "max_iter": [Interval(Integral, 1, None, closed="left")],
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
        "scoring": [StrOptions({"loss", *get_scorer_names()}), callable],
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


def hidden_units(estimator):
    """Return the widths of the hidden layers as a list; ValueError for widths that are not positive ints."""
    sizes = estimator.hidden_layer_sizes
    sizes = [np.asarray(sizes).item()] if np.ndim(sizes) == 0 else list(sizes)
    if not all(isinstance(size, Integral) and not isinstance(size, bool) for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be an int or a sequence of ints, got {sizes}.")
    if any(size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    if estimator.n_hidden_layers is not None:
        if len(sizes) != 1:
            raise ValueError(
                f"n_hidden_layers={estimator.n_hidden_layers} needs one width, but hidden_layer_sizes="
                f"{estimator.hidden_layer_sizes!r} has {len(sizes)}. Give hidden_layer_sizes as an int, or leave "
                "n_hidden_layers at None."
            )
        sizes = sizes * int(estimator.n_hidden_layers)
    return [int(size) for size in sizes]


def check_size(estimator, units, dtype):
    """Raise ValueError for layers of so many units that memory for their parameters cannot even be reserved."""
    n_parameters = sum(fan_out * (fan_in + 1) for fan_in, fan_out in pairwise(units))
    try:
        np.empty(n_parameters, dtype)  # costs nothing: no page is touched
    except (MemoryError, OverflowError, ValueError):
        size = math.log10(n_parameters * dtype.itemsize) - math.log10(2**30)
        raise ValueError(
            f"{_depth(estimator)} makes a network with layers of {units} units (features, hidden layers, outputs): "
            f"10^{math.log10(n_parameters):.1f} parameters in 10^{size:.1f} GiB, more than can be allocated here. Use "
            "narrower or fewer layers."
        ) from None


def _depth(estimator):
    """Return the parameters that say how many hidden layers there are, for messages."""
    depth = "" if estimator.n_hidden_layers is None else f" with n_hidden_layers={estimator.n_hidden_layers}"
    return f"hidden_layer_sizes={estimator.hidden_layer_sizes!r}{depth}"


def hidden_activations(estimator, n_hidden):
    """Return the activation of each hidden layer, and that by which the output layer's weights are drawn, the last one.

    Raises
    ------
    ValueError
        For a wrong number of activations, or an unknown one.
    """
    given = estimator.activation
    if not isinstance(given, list | tuple):
        activation = build_component(Activation, ACTIVATIONS, given, estimator)
        return [activation] * n_hidden, activation
    if len(given) != n_hidden:
        raise ValueError(
            f"activation must be one activation, or a sequence with one for each of the {n_hidden} hidden layers of "
            f"{_depth(estimator)}, got {given!r}. Give as many, or one for all."
        )
    for value in given:
        if not isinstance(value, Activation) and not (isinstance(value, str) and value in ACTIVATIONS):
            raise ValueError(
                f"activation={given!r}: {value!r} is neither an Activation nor one of {_names(ACTIVATIONS)}."
            )
    activations = [build_component(Activation, ACTIVATIONS, value, estimator) for value in given]
    return activations, activations[-1] if activations else ACTIVATIONS["identity"]()


def dropout_rates(estimator, hidden):
    """Return the dropout rate of each hidden layer; ValueError for a wrong number or range of rates."""
    rates = estimator.dropout
    if np.ndim(rates) == 0:
        rates = [np.asarray(rates).item()] * len(hidden)
        if estimator.dropout > 0 and not hidden:
            raise ValueError(
                f"dropout={estimator.dropout!r} needs a hidden layer, but {_depth(estimator)} has none. Use "
                "input_dropout to drop input features."
            )
    rates = list(rates)
    if len(rates) != len(hidden):
        raise ValueError(
            f"dropout must be a number, or a sequence with one rate for each of the {len(hidden)} hidden layers of "
            f"{_depth(estimator)}, got {estimator.dropout!r}. Give as many, or one number for all."
        )
    if not all(isinstance(rate, Real) and 0 <= rate < 1 for rate in rates):
        raise ValueError(f"dropout must be in the range [0.0, 1.0) for each layer, got {estimator.dropout!r}.")
    return tuple(float(rate) for rate in rates)


def initial_rate(estimator, optimizer):
    """Return the peak of the learning rate."""
    given = estimator.learning_rate_init
    return float(optimizer.default_learning_rate if isinstance(given, str) else given)


def decoupled_decay(estimator, optimizer):
    """Return the rate of the decoupled weight decay."""
    given = estimator.weight_decay
    return float(optimizer.default_weight_decay if given is None else given)


def check_combinations(estimator, hidden, penalty, dropout, optimizer, schedule):
    """Raise ValueError for parameters that contradict each other, before any work."""
    if estimator.batch_norm and not hidden:
        raise ValueError(
            f"batch_norm=True needs a hidden layer, but {_depth(estimator)} has none. Standardise the features instead."
        )
    if estimator.solver == "lbfgs":
        if estimator.batch_norm:
            raise ValueError(
                "batch_norm=True takes running statistics of batches, which solver='lbfgs' does not have. Use a "
                f"first-order solver: {_names(OPTIMIZERS)}."
            )
        if not penalty.is_smooth:
            raise ValueError(
                f"penalty={estimator.penalty!r} is not differentiable, which solver='lbfgs' needs. Use penalty='l2', "
                f"or a first-order solver, which sets weights to exactly zero: {_names(OPTIMIZERS)}."
            )
        if any(dropout) or estimator.input_dropout > 0:
            name = "dropout" if any(dropout) else "input_dropout"
            raise ValueError(
                f"{name}={getattr(estimator, name)!r} makes the objective random, which solver='lbfgs' cannot "
                f"minimise. Set {name}=0, or use a first-order solver: {_names(OPTIMIZERS)}."
            )
        for name in ("weight_decay", "max_norm", "clip_norm", "ema_decay"):
            if getattr(estimator, name):
                raise ValueError(
                    f"{name}={getattr(estimator, name)!r} acts on single updates, which solver='lbfgs' does not make. "
                    f"Leave {name} at None, or use a first-order solver: {_names(OPTIMIZERS)}."
                )
    floor = getattr(schedule, "floor", 0.0)
    if optimizer is not None and floor > initial_rate(estimator, optimizer):
        raise ValueError(
            f"learning_rate={schedule!r} has a floor above learning_rate_init={estimator.learning_rate_init!r}, the "
            f"highest rate ({initial_rate(estimator, optimizer):g}). Lower floor, or raise learning_rate_init."
        )
    default = default_parameters(type(estimator))["l1_ratio"]
    # an instance with an l1_ratio of its own has been checked when it was built
    if estimator.l1_ratio != default and not hasattr(penalty, "l1_ratio"):
        raise ValueError(
            f"l1_ratio={estimator.l1_ratio!r} has no effect with penalty={estimator.penalty!r}. Use "
            f"penalty='elasticnet' or 'group_l1', or leave l1_ratio at its default, {default!r}."
        )
    if estimator.scoring != "loss" and not estimator.early_stopping:
        raise ValueError(
            f"scoring={estimator.scoring!r} has no effect with early_stopping=False. Set early_stopping=True, or leave "
            "scoring at its default, 'loss'."
        )


def check_precision(optimizer, dtype):
    """Raise ValueError for a parameter of the optimizer that has to be above 0 and counts as 0 in training."""
    smallest = float(np.finfo(dtype).smallest_normal)
    for name, constraints in optimizer._parameter_constraints.items():
        value = getattr(optimizer, name)
        above_zero = any(isinstance(domain, Interval) and 0.0 not in domain for domain in constraints)
        if above_zero and isinstance(value, Real) and 0 < value < smallest:
            raise ValueError(
                f"{name}={value!r} of {type(optimizer).__name__} is below the smallest normal {np.dtype(dtype).name}, "
                f"{smallest:.2g}, and counts as zero in training. Use a larger one; the default is "
                f"{default_parameters(type(optimizer))[name]!r}."
            )


def effective_batch_size(estimator, n_rows):
    """Return the rows per update; ValueError for a batch that contradicts the solver or batch normalisation."""
    size = _rows_per_update(estimator, n_rows)
    if estimator.batch_norm and size < 2:
        given = f"batch_size={estimator.batch_size!r}"
        raise ValueError(
            f"batch_norm=True needs batches of at least two rows, whose variance it takes, but {given} with "
            f"solver={estimator.solver!r} and {n_rows} row(s) gives batches of one. Use a larger batch_size, or "
            "batch_norm=False."
        )
    return size


def _rows_per_update(estimator, n_rows):
    if estimator.solver == "lbfgs":
        return n_rows
    if estimator.batch_size == "auto":
        return {"gd": n_rows, "sgd": 1}.get(
            estimator.solver if isinstance(estimator.solver, str) else "", min(200, n_rows)
        )
    if estimator.solver == "gd" and estimator.batch_size < n_rows:
        raise ValueError(
            f"batch_size={estimator.batch_size} contradicts solver='gd', which uses all {n_rows} samples for each "
            "update. Use solver='minibatch', or batch_size='auto'."
        )
    if estimator.batch_size > n_rows and estimator.solver != "gd":
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=5,
        )
    return min(int(estimator.batch_size), n_rows)


def _names(registry):
    return ", ".join(repr(name) for name in registry)
