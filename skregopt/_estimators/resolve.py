"""First stage of a fit: parameters to components, sizes and options, without data; contradictions end here."""

import copy
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

from .._engine.blocks import NORMALISATIONS
from .._kernels.component import build_component
from .._kernels.parameters import all_parameters, is_default
from .._kernels.sklearn_internals import StrOptions
from .._training.threads import effective_n_threads
from ..activations import ACTIVATIONS, Activation, Trainable
from ..embeddings import EMBEDDINGS, Embedding
from ..initializers import INITIALIZERS, Initializer
from ..optimizers import OPTIMIZERS, Optimizer
from ..penalties import PENALTIES, Penalty
from ..schedules import SCHEDULES, Schedule
from .constraints import asks_for_something
from .factor_schedules import factor_schedules
from .hints import value_hint
from .rate_factors import rate_factors

# parameters that need a hidden layer -> the cure for a network without one
_NEED_HIDDEN_LAYERS = {
    **dict.fromkeys(NORMALISATIONS, "Standardise the features instead."),
    "dropout": "Use input_dropout to drop input features.",
    "activation": "Leave activation at its default, or ask for a hidden layer.",  # if it is trained
}
# parameters that ask for something that L-BFGS, which minimises one smooth function of all rows, cannot do -> why not
_TAKES_BATCHES = "takes running statistics of batches, which solver='lbfgs' does not have"
_MAKES_RANDOM = "makes the objective random, which solver='lbfgs' cannot minimise"
_ACTS_ON_UPDATES = "acts on single updates, which solver='lbfgs' does not make"
_NEED_FIRST_ORDER_SOLVERS = {
    **{name: _TAKES_BATCHES for name, block in NORMALISATIONS.items() if block.needs_whole_batch},
    "dropout": _MAKES_RANDOM,
    "input_dropout": _MAKES_RANDOM,
    "dropout_schedule": _ACTS_ON_UPDATES,
    "weight_decay": _ACTS_ON_UPDATES,
    "weight_decay_schedule": _ACTS_ON_UPDATES,
    "max_norm": _ACTS_ON_UPDATES,
    "clip_norm": _ACTS_ON_UPDATES,
    "ema_decay": _ACTS_ON_UPDATES,
    "learning_rate_factors": _ACTS_ON_UPDATES,
    "parametrization": _ACTS_ON_UPDATES,
}


@dataclass(frozen=True, eq=False)
class Resolved:
    """The parts and settings that the parameters of an estimator amount to.

    Attributes
    ----------
    given : dict
        The parameters as the user gave them, for messages.
    incremental : bool
        Whether the fit is one of ``partial_fit``.
    hidden : list of int
        Units of the hidden layers.
    depth : str
        The parameters that decide how many there are, for messages.
    activations : list of Activation
        One for each hidden layer.
    draws : list of (Initializer, Activation)
        One for each weight matrix: the rule that draws it, and the activation that the rule is told.
    embedding : Embedding or None
    normalisation : type or None
        Kind of block that normalises the hidden layers.
    dropout : tuple of float
        Rate of each hidden layer.
    penalty : Penalty
    optimizer : Optimizer or None
        None for L-BFGS.
    schedule : Schedule
    options : dict
        Fields of :class:`Options` that need no data.
    to_standardise : str
        What to standardise against divergence, for messages.
    """

    given: dict
    incremental: bool
    hidden: list
    depth: str
    activations: list
    draws: list
    embedding: Embedding | None
    normalisation: type | None
    dropout: tuple
    penalty: Penalty
    optimizer: Optimizer | None
    schedule: Schedule
    options: dict
    to_standardise: str


def resolve(estimator, incremental=False):
    """Return the :class:`Resolved` parameters of an estimator.

    Parameters
    ----------
    estimator : BaseMLP
        Its parameters are within their domains. Not changed.
    incremental : bool, default=False
        Whether this is ``partial_fit``.

    Raises
    ------
    ValueError
        For parameters that contradict each other.
    """
    given = all_parameters(estimator)
    _check_increment(given, incremental)
    hidden = hidden_units(estimator)
    activations, draws = _activations(estimator, len(hidden))
    dropout = _dropout_rates(estimator, hidden)
    penalty = build_component(Penalty, PENALTIES, estimator.penalty, estimator)
    optimizer = None
    if estimator.solver != "lbfgs":
        optimizer = build_component(Optimizer, OPTIMIZERS, estimator.solver, estimator)
    schedule = build_component(Schedule, SCHEDULES, estimator.learning_rate, estimator)
    normalisation = _normalisation(estimator, hidden)
    _check_layers(estimator, hidden)
    if optimizer is None:
        _check_for_lbfgs(estimator, penalty)
    else:
        _check_floor(estimator, optimizer, schedule)
    embedding = _embedding(estimator)
    factors = rate_factors(estimator, normalisation, embedding, activations)
    options = _options(estimator, optimizer, incremental) | {"learning_rate_factors": factors}
    options |= factor_schedules(estimator, dropout, options["weight_decay"])
    if penalty is estimator.penalty:  # with a name, grids over penalties and ratios must work
        check_effect(estimator, "l1_ratio", penalty, PENALTIES)
    if not watches_loss(estimator.scoring) and not estimator.early_stopping:
        raise ValueError(
            f"scoring={estimator.scoring!r} has no effect with early_stopping=False. Set early_stopping=True, or leave "
            "scoring at its default, 'loss'."
        )
    return Resolved(
        given=given,
        incremental=incremental,
        hidden=hidden,
        depth=depth(estimator),
        activations=activations,
        draws=draws,
        embedding=embedding,
        normalisation=normalisation,
        dropout=dropout,
        penalty=penalty,
        optimizer=optimizer,
        schedule=schedule,
        options=options,
        to_standardise=estimator._to_standardise,
    )


def watches_loss(scoring):
    """Tell whether early stopping watches the loss; a callable may compare to anything."""
    return isinstance(scoring, str) and scoring == "loss"


def _check_increment(given, incremental):
    """Raise ValueError for parameters that ``partial_fit``, which sees a part of the rows, cannot follow."""
    if not incremental:
        return
    if given["early_stopping"]:
        raise ValueError("partial_fit does not support early_stopping=True")
    if given["max_time"] is not None:
        raise ValueError(
            f"max_time={given['max_time']!r} has no effect in partial_fit, which trains a single epoch. Leave max_time "
            "at its default, None, and call partial_fit until your time is over."
        )
    if isinstance(given.get("class_weight"), str):
        raise ValueError(
            "class_weight 'balanced' is not supported for partial_fit. In order to use 'balanced' weights, use "
            "compute_class_weight('balanced', classes=classes, y=y). In place of y you can use a large enough sample "
            "of the full training set target to properly estimate the class frequency distributions. Pass the "
            "resulting weights as the class_weight parameter."
        )


def own_component(family, registry, value, estimator):
    """Return a component that stays as it is when the user changes the instance given: predictions read it later.

    Parameters as in :func:`build_component`.
    """
    component = build_component(family, registry, value, estimator)
    return copy.deepcopy(component) if component is value else component


# --- layers ----------------------------------------------------------------------------------------------------------


def hidden_units(estimator):
    """Return the widths of the hidden layers as a list; ValueError for widths that are not positive ints."""
    sizes = estimator.hidden_layer_sizes
    sizes = _elements(sizes, 1)
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


def _elements(value, n_times):
    """Return the elements of a sequence as a list, which may be of any kind; a number so many times."""
    is_number = not hasattr(value, "__len__") or getattr(value, "ndim", 1) == 0
    return [np.asarray(value).item()] * n_times if is_number else list(value)


def depth(estimator):
    """Return the parameters that decide how many hidden layers there are, for messages."""
    more = "" if estimator.n_hidden_layers is None else f" with n_hidden_layers={estimator.n_hidden_layers}"
    return f"hidden_layer_sizes={estimator.hidden_layer_sizes!r}{more}"


def _activations(estimator, n_hidden):
    """Return the activations of the hidden layers, and ``draws`` of :class:`Resolved`.

    Raises
    ------
    ValueError
        For a wrong number of activations, or an unknown one.
    """
    given = estimator.activation
    if not isinstance(given, list | tuple):
        activation = own_component(Activation, ACTIVATIONS, given, estimator)
        activations, of_output = [activation] * n_hidden, activation
    else:
        if len(given) != n_hidden:
            raise ValueError(
                f"activation must be one activation, or a sequence with one for each of the {n_hidden} hidden layers "
                f"of {depth(estimator)}, got {given!r}. Give as many, or one for all."
            )
        for value in given:
            if not isinstance(value, Activation) and not (isinstance(value, str) and value in ACTIVATIONS):
                hint = value_hint("activation", value, [StrOptions(set(ACTIVATIONS))])
                raise ValueError(
                    f"activation={given!r}: {value!r} is neither an Activation nor one of {_names(ACTIVATIONS)}. {hint}"
                )
        activations = [own_component(Activation, ACTIVATIONS, value, estimator) for value in given]
        of_output = activations[-1] if activations else ACTIVATIONS["identity"]()
    draws = [(_initializer(estimator, activation), activation) for activation in (*activations, of_output)]
    return activations, draws


def _embedding(estimator):
    """Return the embedding of features, or None."""
    if estimator.feature_embedding is None:
        return None
    return own_component(Embedding, EMBEDDINGS, estimator.feature_embedding, estimator)


def _initializer(estimator, activation):
    """Return the rule that draws weights in front of an activation."""
    given = estimator.weight_init
    if isinstance(given, str) and given == "auto":
        given = activation.default_initializer
    return build_component(Initializer, INITIALIZERS, given, estimator)


def _dropout_rates(estimator, hidden):
    """Return the dropout rate of each hidden layer; ValueError for a wrong number or range of rates."""
    rates = _elements(estimator.dropout, len(hidden))
    if len(rates) != len(hidden):
        raise ValueError(
            f"dropout must be a number, or a sequence with one rate for each of the {len(hidden)} hidden layers of "
            f"{depth(estimator)}, got {estimator.dropout!r}. Give as many, or one number for all."
        )
    if not all(isinstance(rate, Real) and 0 <= rate < 1 for rate in rates):
        raise ValueError(f"dropout must be in the range [0.0, 1.0) for each layer, got {estimator.dropout!r}.")
    return tuple(float(rate) for rate in rates)


def _check_layers(estimator, hidden):
    """Raise ValueError for a parameter that acts on hidden layers where there is none."""
    for name, cure in _NEED_HIDDEN_LAYERS.items():
        value = getattr(estimator, name)
        asks = isinstance(value, Trainable) if name == "activation" else np.any(value)
        if not hidden and asks:
            raise ValueError(f"{name}={value!r} needs a hidden layer, but {depth(estimator)} has none. {cure}")


def _normalisation(estimator, hidden):
    """Return the kind of block that normalises hidden layers, or None.

    Raises
    ------
    ValueError
        For two of them, and for layers with too few units.
    """
    names = [name for name in NORMALISATIONS if getattr(estimator, name)]
    if not names:
        return None
    if len(names) > 1:
        raise ValueError(
            f"{' and '.join(f'{name}=True' for name in names)} contradict each other: pre-activations are normalised "
            f"by the rows of a batch or by the units of a layer. Leave one at its default, False."
        )
    (name,) = names
    block = NORMALISATIONS[name]
    if hidden and min(hidden) < block.least_units:
        raise ValueError(
            f"{name}=True gives constant outputs in layers of fewer than two units. It needs at least two units in "
            f"each hidden layer, but got {depth(estimator)}. Use wider layers, or {name}=False."
        )
    return block


# --- solvers ---------------------------------------------------------------------------------------------------------


def initial_rate(estimator, optimizer):
    """Return the peak of the learning rate."""
    given, solver = estimator.learning_rate_init, estimator.solver
    if not isinstance(given, str):
        return float(given)
    by_name = estimator._rates_of_solvers if isinstance(solver, str) else {}
    return float(by_name.get(solver, optimizer.default_learning_rate))


def _decoupled_decay(estimator, optimizer):
    """Return the rate of the decoupled weight decay."""
    given = estimator.weight_decay
    return float(optimizer.default_weight_decay if given is None else given)


def _check_for_lbfgs(estimator, penalty):
    """Raise ValueError for parameters that contradict ``solver='lbfgs'``."""
    for name, reason in _NEED_FIRST_ORDER_SOLVERS.items():
        value, default = getattr(estimator, name), estimator._default_parameters()[name]
        if asks_for_something(value, default):
            raise ValueError(
                f"{name}={value!r} {reason}. Leave {name} at its default, {default!r}, or use a first-order solver: "
                f"{_names(OPTIMIZERS)}."
            )
    if not penalty.is_smooth:
        raise ValueError(
            f"penalty={estimator.penalty!r} is not differentiable, which solver='lbfgs' needs. Use penalty='l2', or a "
            f"first-order solver, which sets weights to exactly zero: {_names(OPTIMIZERS)}."
        )


def _check_floor(estimator, optimizer, schedule):
    """Raise ValueError for a schedule that ends above its peak."""
    highest = initial_rate(estimator, optimizer)
    if getattr(schedule, "floor", 0.0) > highest:
        raise ValueError(
            f"learning_rate={schedule!r} has a floor above learning_rate_init={estimator.learning_rate_init!r}, the "
            f"highest rate ({highest:g}). Lower floor, or raise learning_rate_init."
        )


def _options(estimator, optimizer, incremental):
    """Return the fields of :class:`Options` that need no data."""
    rates = {"learning_rate_init": 0.0, "weight_decay": 0.0}  # L-BFGS reads neither
    if optimizer is not None:
        rates = {
            "learning_rate_init": initial_rate(estimator, optimizer),
            "weight_decay": _decoupled_decay(estimator, optimizer),
        }
    return {
        **rates,
        "max_iter": min(int(estimator.max_iter), np.iinfo(np.int64).max),
        "max_time": None if estimator.max_time is None else float(estimator.max_time),
        "tol": float(estimator.tol),
        "n_iter_no_change": float(estimator.n_iter_no_change),
        "shuffle": estimator.shuffle,
        "early_stopping": estimator.early_stopping,
        "incremental": incremental,
        "clip_norm": estimator.clip_norm,
        "max_norm": estimator.max_norm,
        "ema_decay": estimator.ema_decay,
        "parametrization": estimator.parametrization,
        "n_threads": effective_n_threads(estimator.n_jobs),
    }


# --- parameters that only some rules read ----------------------------------------------------------------------------


def check_effect(estimator, name, component, registry):
    """Raise ValueError for a parameter that is not at its default and that the component does not read.

    Parameters
    ----------
    estimator : BaseMLP
    name : str
        A parameter that some rules of the family declare in their ``flat_parameters``.
    component : Component
        The one in use. An instance with a parameter of this name of its own was checked when it was built.
    registry : dict
        The rules of its family by name.
    """
    value, default = getattr(estimator, name), estimator._default_parameters()[name]
    if is_default(value, default) or hasattr(component, name):
        return
    family = component.family
    readers = [repr(key) for key, rule in registry.items() if name in rule.flat_parameters]
    raise ValueError(
        f"{name}={value!r} has no effect with {family}={getattr(estimator, family)!r}, which has no such parameter. "
        f"Use {family}={' or '.join(readers)}, or leave {name} at its default, {default!r}."
    )


def _names(registry):
    return ", ".join(sorted(map(repr, registry)))
