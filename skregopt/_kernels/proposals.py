"""What keywords of other libraries mean here: parameters with values that are in their domains."""

import math
import re
from numbers import Integral, Real

from .parameters import ParametersMixin
from .sklearn_internals import Interval, validate_parameter_constraints
from .words import PARAMETERS, VALUES

# parameters without which another one has no effect
_COMPANIONS = {
    "alpha": {"penalty": "l2"},
    **dict.fromkeys(("n_iter_no_change", "scoring", "validation_fraction"), {"early_stopping": True}),
}
# parameters whose values have the same words as those of another one
_WORDS_OF = dict.fromkeys(("dropout_schedule", "weight_decay_schedule"), "learning_rate")
_LONGEST = 40  # of a collection that is repeated in a message
_USUAL_EMA_DECAY = 0.999
_WEIGHT = [Interval(Real, 0, None, closed="left")]


def normal(word):
    """Return a word without capitals and signs, which libraries do not agree about."""
    return re.sub(r"[^a-z0-9]", "", str(word).lower())


def inverted(table):
    """Return normal word -> name of a table of words by name."""
    return {normal(word): name for name, words in table.items() for word in words.split(", ")}


_VALUE_OF = {name: inverted(values) for name, values in VALUES.items()}


def word_of(value):
    """Return the word that a value stands for: itself, or the name of a class, of a function, or of its class."""
    if isinstance(value, str | Integral) or value is None:
        return str(value)
    return getattr(value, "__name__", type(value).__name__)


def translated(name, value, options):
    """Return the name of a value of a parameter; None if the value stands for none.

    Parameters
    ----------
    name : str
        The parameter.
    value : object
        A word, a class or an object of another library.
    options : iterable of str
        The names that the parameter takes.
    """
    word, name = normal(word_of(value)), _WORDS_OF.get(name, name)
    named = (*options, *VALUES.get(name, ()))
    return _VALUE_OF.get(name, {}).get(word) or next((option for option in named if normal(option) == word), None)


def proposal(word, target, value, constraints):
    """Return the parameters that a keyword means: by name their values, or ``...`` where the value does not fit.

    Parameters
    ----------
    word : str
        The keyword.
    target : str
        The parameter that has its place here.
    value : object
        What the keyword was given.
    constraints : dict
        Domains of the parameters, in the form of scikit-learn's ``_parameter_constraints``.
    """
    meant = _SPECIAL.get(normal(word), lambda value: None)(value) if word != target else None
    if meant is None:
        meant = {target: value}
    carried = {name: _carried_over(name, given, constraints[name]) for name, given in meant.items()}
    needed = {} if word == target else {key: v for name in meant for key, v in _COMPANIONS.get(name, {}).items()}
    return carried | {name: given for name, given in needed.items() if name in constraints and name not in carried}


def written(assignments):
    """Return assignments as the arguments of a call; a lone name where the value is left to the user."""
    if list(assignments.values()) == [...]:
        return next(iter(assignments))
    return ", ".join(f"{name}={'...' if value is ... else repr(value)}" for name, value in assignments.items())


def is_valid(name, value, domains):
    """Tell whether a parameter can have a value that can be typed in; True and False count as numbers nowhere."""
    if isinstance(value, bool) and not {"boolean", "verbose"} & {d for d in domains if isinstance(d, str)}:
        return False
    if isinstance(value, Real) and not math.isfinite(value):
        return False  # no literal
    if name == "class_weight" and isinstance(value, list | tuple):
        return False  # of labels, which other libraries do not have
    if isinstance(value, dict):
        return name == "class_weight" and all(is_valid("", weight, _WEIGHT) for weight in value.values())
    if isinstance(value, list | tuple) and name in ("activation", "dropout", "hidden_layer_sizes"):
        return len(value) > 0 and all(
            not isinstance(item, list | tuple) and is_valid(name, item, domains) for item in value
        )
    try:
        validate_parameter_constraints({name: domains}, {name: value}, caller_name="")
    except ValueError:
        return False
    return True


def _carried_over(name, value, domains):
    """Return the value of a parameter here for one of another library; ``...`` if there is none to show."""
    if name == "n_iter_no_change":  # others count one more
        return ...
    if isinstance(value, ParametersMixin):  # a component
        return value if is_valid(name, value, domains) else ...
    if name == "scoring" and isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    options = [option for domain in domains for option in getattr(domain, "options", ()) if isinstance(option, str)]
    if name == "activation" and isinstance(value, list | tuple):
        value = type(value)(translated(name, item, options) or item for item in value)
    elif options:
        value = translated(name, value, options) or value
    is_short = isinstance(value, list | tuple | dict) and len(repr(value)) < _LONGEST
    shown = value is None or isinstance(value, str | Real) or is_short
    return value if shown and is_valid(name, value, domains) else ...


def _of_regularizer(value):
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return {"alpha": value} if is_number else {"penalty": value}


def _of_class_weights(value):
    is_by_class = isinstance(value, list | tuple) and all(isinstance(weight, Real) for weight in value)
    return {"class_weight": dict(enumerate(value)) if is_by_class else value}


def _of_patience(value):
    return {"early_stopping": False} if value is None else None


def _of_betas(value):
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    return dict(zip(("beta_1", "beta_2"), value, strict=True)) if is_pair else None


def _of_share(value):
    return {"early_stopping": False} if isinstance(value, Real) and value == 0 else None


def _of_embedding(value):
    return {"feature_embedding": None} if normal(value) in ("none", "no") else None


def _of_ema(value):
    return {"ema_decay": _USUAL_EMA_DECAY if value else None} if isinstance(value, bool) else None


# normal keyword -> the parameters that it means, from its value; None if nothing is special about it
_SPECIAL = {
    "betas": _of_betas,
    "classweights": _of_class_weights,
    "scaleposweight": lambda value: {"class_weight": {0: 1, 1: value} if isinstance(value, Real) else value},
    **dict.fromkeys(("ema", "useema"), _of_ema),
    **dict.fromkeys(inverted({"": PARAMETERS["feature_embedding"]}), _of_embedding),
    **dict.fromkeys(("kernelregularizer", "regularization", "regularizer"), _of_regularizer),
    **dict.fromkeys(("earlystoppingrounds", "earlystoppingpatience", "espatience", "patience"), _of_patience),
    "silent": lambda value: {"verbose": not value},
    # the step of a descent is a fraction; schedules of other libraries count epochs
    "stepsize": lambda value: None if isinstance(value, Real) and 0 < value < 1 else {"learning_rate": "step"},
    **dict.fromkeys(("valfraction", "valsplit", "validationsize", "validationsplit"), _of_share),
    "verbosity": lambda value: {"verbose": bool(value > 0)} if isinstance(value, Real) else None,
}
