"""Hints in errors: what a keyword or a value is called here that is known from another library, or is misspelled."""

import functools
import inspect
import re
from collections.abc import Callable
from contextlib import contextmanager
from difflib import get_close_matches
from numbers import Real
from typing import ParamSpec, TypeVar

from .._kernels.parameters import default_parameters
from .words import ARGUMENTS, OTHERWISE, PARAMETERS, VALUES

_OF_CLASSIFIERS = ("class_weight", "label_smoothing")
_WITH_REMARKS = {"alpha": " with penalty='l2'", "n_iter_no_change": " with early_stopping=True"}
_N_CLOSEST = 3


def _normal(word):
    return re.sub(r"[^a-z0-9]", "", str(word).lower())


def _inverted(table):
    return {_normal(word): name for name, words in table.items() for word in words.split(", ")}


_PARAMETER_OF = _inverted(PARAMETERS)
_ARGUMENT_OF = _inverted(ARGUMENTS)
_OTHERWISE_OF = {_normal(word): cure for word, cure in OTHERWISE.items()}
_VALUE_OF = {name: _inverted(values) for name, values in VALUES.items()}


# --- names -----------------------------------------------------------------------------------------------------------


def keyword_hints(unknown, estimator_class, method):
    """Return sentences about keywords that an estimator does not know, from name to value; empty if there are none."""
    hints = {name: _keyword_hint(name, value, estimator_class, method) for name, value in unknown.items()}
    several = len(hints) > 1
    return " ".join(f"{name}: {hint}" if several else hint for name, hint in hints.items() if hint)


def _keyword_hint(word, value, estimator_class, method):
    """Return a sentence about a keyword that an estimator does not know; empty if nothing comes to mind.

    Parameters
    ----------
    word : str
    value : object
        What it was given.
    estimator_class : type
    method : str
        The method that was called: '__init__', 'set_params', 'fit' or 'partial_fit'.
    """
    owner = estimator_class.__name__
    parameters = list(default_parameters(estimator_class))
    arguments = [name for name in inspect.signature(estimator_class.fit).parameters if name not in ("self", "params")]
    word = word.split("__")[-1]  # of a part of a net, as in scikeras and skorch
    known = {*PARAMETERS, *parameters}
    target = word if word in known | set(arguments) else None
    for table in (_PARAMETER_OF, _ARGUMENT_OF, _OTHERWISE_OF):
        target = target or table.get(_normal(word))
    target = target or next(iter(get_close_matches(word, [*parameters, *arguments], 1, 0.75)), None)
    if target is None:
        return ""
    constructs = method in ("__init__", "set_params")
    if target in arguments or target in ARGUMENTS:
        return f"Pass {target} to fit." if constructs else f"Did you mean {target}?"
    if target not in known:  # one of OTHERWISE
        return f"Instead of {word}, use {target}."
    if target not in parameters:
        return _of_another_class(target, value, estimator_class)
    given = f"{target}{_shown(target, value)}{_WITH_REMARKS.get(target, '') if target != word else ''}"
    return f"Did you mean {given}?" if constructs else f"Did you mean {given}? It is a parameter of {owner}(...)."


def _of_another_class(target, value, estimator_class):
    owner = estimator_class.__name__
    if target in _OF_CLASSIFIERS:
        return f"{target} is a parameter of MLPClassifier."
    if "estimator" in default_parameters(estimator_class):
        network = owner.removesuffix("CV")
        return f"It is a parameter of the network: {owner}({network}({target}{_shown(target, value) or '=...'}))."
    return ""


def _shown(name, value):
    """Return "=value" where a value can be carried over; otherwise an empty string."""
    if name == "n_iter_no_change":  # others count one more
        return ""
    translated = _VALUE_OF.get(name, {}).get(_normal(_word_of(value)))
    if translated is not None:
        return f"={translated!r}"
    if isinstance(value, str) and name in VALUES and name != "scoring":
        return f"={value.lower()!r}"
    simple = isinstance(value, str | Real) or isinstance(value, list | tuple) and len(repr(value)) < 40
    return f"={value!r}" if simple else ""


# --- values ----------------------------------------------------------------------------------------------------------


def value_hint(name, value, domains):
    """Return a sentence about a value that a parameter cannot have; empty if nothing comes to mind.

    Parameters
    ----------
    name : str
        The parameter.
    value : object
    domains : list
        Its constraints, of which those with ``options`` hold the names that it takes.
    """
    options = sorted({name for domain in domains for name in getattr(domain, "options", ()) if isinstance(name, str)})
    if name == "learning_rate" and isinstance(value, Real):
        return f"learning_rate is the name of a schedule. Did you mean learning_rate_init={value!r}?"
    if name == "penalty" and isinstance(value, Real):
        return f"penalty is a name. Did you mean alpha={value!r}?"
    if name == "early_stopping" and isinstance(value, Real):
        return "Did you mean early_stopping=True with n_iter_no_change, the number of epochs to wait?"
    if name == "n_iter_no_change" and value is None:
        return "Did you mean np.inf?"
    if name == "validation_fraction" and isinstance(value, list | tuple):
        return "Pass rows to validate on to fit, as X_val and y_val."
    if name == "batch_size" and not isinstance(value, Real):
        return "Did you mean solver='gd', which uses all rows for each update?"
    if name == "penalty" and _normal(_word_of(value)) in ("none", "no"):
        return "Did you mean None, without quotes?"
    if not options or isinstance(value, Real):
        return ""
    return _closest_option(name, value, options)


def _closest_option(name, value, options):
    """Return a sentence about the names that are meant by a word, a class or an object of another library."""
    word = _word_of(value)
    translated = _VALUE_OF.get(name, {}).get(_normal(word))
    if translated is None:
        named = (*options, *VALUES.get(name, ()))
        translated = next((option for option in named if _normal(option) == _normal(word)), None)
    if translated in options:
        batches = " (on single rows) or 'minibatch' (on batches)" if (name, translated) == ("solver", "sgd") else ""
        return f"Did you mean {translated!r}{batches}?"
    if translated is not None and name == "loss":
        other = "MLPRegressor" if "log_loss" in options else "MLPClassifier"
        return f"{translated!r} is a loss of {other}."
    by_normal = {_normal(option): option for option in options}
    n_closest = _N_CLOSEST if name == "scoring" else 1
    close = [by_normal[match] for match in get_close_matches(_normal(word), by_normal, n_closest, 0.6)]
    if name == "scoring":
        # the most similar are not all that a few letters may mean
        close += [option for option in options if _normal(word) and _normal(word) in _normal(option)]
        close = list(dict.fromkeys(close))[:n_closest]
    return f"Did you mean {' or '.join(map(repr, close))}?" if close else ""


def _word_of(value):
    """Return the word that a value stands for: itself, or the name of a class, of a function, or of its class."""
    if isinstance(value, str) or value is None:
        return str(value)
    return getattr(value, "__name__", type(value).__name__)


# --- errors ----------------------------------------------------------------------------------------------------------

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def explains_keywords(method: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Decorate a method of an estimator: a TypeError about unknown keywords says what they are called here."""
    known = inspect.signature(method).parameters

    @functools.wraps(method)
    def explained(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return method(*args, **kwargs)
        except TypeError as error:
            unknown = [name for name in kwargs if name not in known]
            hints = keyword_hints({name: kwargs[name] for name in unknown}, type(args[0]), method.__name__)
            if not hints:
                raise
            raise TypeError(f"{str(error).rstrip('.')}. {hints}") from None

    return explained


@contextmanager
def explaining_values(look):
    """Add hints to errors within the block about values that parameters cannot have.

    Parameters
    ----------
    look : callable
        Returns the constraints, as scikit-learn's ``_parameter_constraints``, and the values, both by name.
    """
    try:
        yield
    except ValueError as error:
        found = re.match(r"The '(\w+)' parameter of", str(error))
        constraints, values = look()
        name = found.group(1) if found else None
        hint = value_hint(name, values[name], constraints[name]) if name in constraints else ""
        if not hint:
            raise
        raise type(error)(f"{error} {hint}") from None
