"""Parameters of estimators and components, also of subclasses whose constructors take others than their bases do."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, clone

from .sklearn_internals import validate_parameter_constraints

_MOST_PROPOSED = 3  # objects in a message


def arguments(namespace):
    """Return the arguments of a constructor by name, given ``locals()`` of its first line."""
    return {name: value for name, value in namespace.items() if name not in ("self", "__class__")}


@cache
def default_parameters(owner):
    """Return the defaults of constructor parameters by name: of a class, and of bases whose parameters it hides."""
    defaults = {}
    for base in reversed(owner.__mro__):
        if "__init__" in vars(base):
            parameters = inspect.signature(base.__init__).parameters.values()
            defaults |= {p.name: p.default for p in parameters if p.default is not p.empty}
    return defaults


def is_default(value, default):
    """Tell whether a parameter is at its default; sequences and arrays by their elements."""
    return value is default or bool(np.array_equal(value, default))


def all_parameters(owner):
    """Return the values of parameters by name, with those that the constructor of a subclass hides.

    Raises
    ------
    AttributeError
        If the constructor of a subclass has not set a parameter of its base.
    """
    names = _parameter_names(type(owner))
    try:
        return {name: getattr(owner, name) for name in names}
    except AttributeError as error:
        missing = [name for name in names if not hasattr(owner, name)]
        raise AttributeError(
            f"{type(owner).__name__} has no {', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}. Call "
            "super().__init__(...) in its constructor, which sets the parameters of the base class."
        ) from error


def unfitted(owner):
    """Return an unfitted copy with the same parameters, also those that the constructor of a subclass hides."""
    twin = clone(owner)
    for name in _hidden_parameters(type(owner)) & vars(owner).keys():
        setattr(twin, name, clone(getattr(owner, name), safe=False))
    return twin


class ParametersMixin(BaseEstimator):
    """Validation and cloning of an object whose subclasses may have constructors of their own."""

    def _validate_params(self):
        validate_parameter_constraints(
            self._parameter_constraints, self._parameters_to_validate(), caller_name=type(self).__name__
        )

    def _parameters_to_validate(self):
        return all_parameters(self)

    def set_params(self, **params: Any) -> Self:
        """Set parameters, those of a component as ``solver__beta_1``.

        Parameters
        ----------
        **params
            Values by name.

        Returns
        -------
        self : object
            This object.

        Raises
        ------
        ValueError
            For a name that is no parameter, and for a parameter of what is no object, such as a component's name.
        """
        for key, value in params.items():
            name, _, inner = key.partition("__")
            if inner and name in self._get_param_names():
                owner = params.get(name, getattr(self, name))
                if not hasattr(owner, "set_params"):
                    raise ValueError(
                        f"Invalid parameter {key!r} for estimator {type(self).__name__}: {name}={owner!r} has no "
                        f"parameters of its own. {self._cure_for_name(name, owner, inner, value)}".rstrip()
                    )
        return super().set_params(**params)

    def _cure_for_name(self, name, owner, inner, value):
        """Return what to do instead of setting a parameter of a component that is given by name."""
        rules = self._registries().get(name, {})
        rule = rules.get(owner) if owner is None or isinstance(owner, str) else None
        if rule is not None and inner in rule._get_param_names():
            cure = f"{name}={rule.__name__}({inner}={value!r})"
            if inner in rule.flat_parameters and inner in self._get_param_names():
                return f"Use the parameter {inner} of {type(self).__name__}, or an object: {cure}."
            return f"Use an object: {cure}."
        if owner is not None and not isinstance(owner, str):
            return ""
        with_it = [other.__name__ for other in dict.fromkeys(rules.values()) if inner in other._get_param_names()]
        if with_it:
            objects = " or ".join(f"{other}({inner}={value!r})" for other in with_it[:_MOST_PROPOSED])
            return f"Use an object that has one: {name}={objects}."
        return f"Use an object: {name}={rule.__name__}(...)." if rule and rule._get_param_names() else ""

    def _registries(self):
        """Return the rules by name of each parameter that takes names of components."""
        return {}

    def __sklearn_clone__(self) -> Self:
        """Return a clone; with the parameters, too, that the constructor of a subclass took as ``**kwargs``."""
        twin = super().__sklearn_clone__()
        if _takes_any_keyword(type(self)):
            for name in _hidden_parameters(type(self)):
                # a parameter that the constructor decides about is another object than the default
                if getattr(twin, name) is default_parameters(type(self))[name]:
                    setattr(twin, name, clone(getattr(self, name), safe=False))
        return twin


@cache
def _parameter_names(owner):
    return sorted(default_parameters(owner).keys() | owner._get_param_names())


@cache
def _hidden_parameters(owner):
    """Return the parameters of bases that the constructor of a class does not take by name."""
    return default_parameters(owner).keys() - owner._get_param_names()


@cache
def _takes_any_keyword(owner):
    parameters = inspect.signature(owner.__init__).parameters.values()
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
