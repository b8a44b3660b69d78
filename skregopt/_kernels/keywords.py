"""Errors about unknown keywords say what they are called here."""

import functools
import inspect
import re
from collections.abc import Callable
from difflib import get_close_matches
from numbers import Integral, Real
from typing import ParamSpec, TypeVar

from .parameters import default_parameters
from .proposals import normal, proposal, written
from .words import ARGUMENTS, OF_COMPONENTS, OTHERWISE, PARAMETERS, WITHOUT_OTHER_NAMES

_ABOUT_KEYWORDS = re.compile("unexpected (keyword )?argument|extra keyword arguments")
_ABOUT_POSITIONS = re.compile("takes 1 positional argument but")
_BASE = re.compile(r"^(Base\w+|Component)(?=\.)")

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def explained(method: Callable[Parameters, Result], hints: Callable) -> Callable[Parameters, Result]:
    """Return a method whose errors about unknown keywords say what they are called here.

    Parameters
    ----------
    method : callable
    hints : callable
        From unknown keywords with their values, the object and the name of the method to sentences, or to ``''``.
    """
    known = inspect.signature(method).parameters

    @functools.wraps(method)
    def explaining(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return method(*args, **kwargs)
        except (TypeError, ValueError) as error:
            unknown = {name: value for name, value in kwargs.items() if name not in known}
            about_keywords = unknown and _ABOUT_KEYWORDS.search(str(error))
            is_explained = getattr(error, "is_explained", False)  # by the constructor of a base class
            if is_explained or not (about_keywords or _ABOUT_POSITIONS.search(str(error))):
                raise
            sentences = hints(unknown, args[0], method.__name__)
            message = _BASE.sub(type(args[0]).__name__, str(error))  # the class that the user has called
            kind = TypeError if isinstance(error, TypeError) else ValueError
            told = kind(f"{message.rstrip('.')}. {sentences}" if sentences else message)
            told.is_explained = True
            raise told from None

    return explaining


def several(hints):
    """Return sentences about keywords, of a dict from keyword to sentence; the keyword in front if there are more."""
    return " ".join(f"{name}: {hint}" if len(hints) > 1 else hint for name, hint in hints.items() if hint)


# --- components ------------------------------------------------------------------------------------------------------


def component_hints(unknown, component, method):
    """Return sentences about keywords that a component does not know.

    Parameters
    ----------
    unknown : dict
        Values by keyword.
    component : Component
        Its parameters need not be set.
    method : str
    """
    if not unknown and not component._get_param_names():
        strength = " Its strength is the parameter alpha of the estimator." if component.family == "penalty" else ""
        return f"{type(component).__name__} has no parameters.{strength}"
    return several({name: _component_hint(name, value, component) for name, value in unknown.items()})


def class_hint(rule):
    """Return a sentence about a class of components that stands in place of an instance."""
    arguments = "" if has_defaults(rule) else "..."
    return f"{rule.__name__} is a class. Pass an instance of it: {rule.__name__}({arguments})."


def has_defaults(rule):
    """Tell whether the constructor of a class needs no arguments."""
    parameters = inspect.signature(rule).parameters.values()
    return all(p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)


def _component_hint(word, value, component):
    """Return a sentence about a keyword that a component does not know; empty if nothing comes to mind."""
    own = list(default_parameters(type(component)))
    target = _named_elsewhere(word, own) or next(iter(get_close_matches(word, own, 1, 0.75)), None)
    if target is not None:
        assigned = proposal(word, target, value, component._parameter_constraints)
        return f"Did you mean {written(assigned)}?"
    if word == "learning_rate" and isinstance(value, Real):
        word = "learning_rate_init"
    of_estimator = [*PARAMETERS, *WITHOUT_OTHER_NAMES]
    target = word if word in of_estimator else _of_estimator(word)
    if target in of_estimator:
        shown = f"{target}={value!r}" if _can_be_shown(target, value) else f"{target}=..."
        return f"{target} is a parameter of the estimator: {component.family}={type(component).__name__}(...), {shown}."
    return f"Instead of {word}, use {target} of the estimator." if target else ""


def _named_elsewhere(word, own):
    """Return the parameter of a component that has another name elsewhere; None if there is none."""
    for name in own:
        names = f"{OF_COMPONENTS.get(name, '')}, {PARAMETERS.get(name, '')}".split(", ")
        if normal(word) in {normal(other) for other in names if other}:
            return name
    return None


def _of_estimator(word):
    for table in (PARAMETERS, ARGUMENTS):
        for name, names in table.items():
            if normal(word) in map(normal, names.split(", ")):
                return name if table is PARAMETERS else None
    return {normal(name): cure for name, cure in OTHERWISE.items()}.get(normal(word))


def _can_be_shown(target, value):
    is_number = isinstance(value, Integral if target == "max_iter" else Real)
    return target in ("alpha", "learning_rate_init", "max_iter", "weight_decay") and is_number and value > 0
