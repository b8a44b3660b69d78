"""The base class of activations, losses, penalties, optimizers, schedules and initializers.

A *component* is a rule of one *family*: a small estimator-like object (constructor parameters, ``get_params``,
``clone``, pickling) that names the kernels the compiled training loop calls. A family is a subclass of
:class:`Component` that fixes the kernels' signatures; a rule is a subclass of the family with the kernels themselves,
plain Python functions in numba's nopython subset, and lives beside its kernels in the module or package of its family.
That module, or the package's ``__init__``, ends with a registry from the public name to the class, which validation,
error messages and tests read.
"""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from functools import cache
from numbers import Real
from types import FunctionType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from .compiler import DISABLED
from .documentation_link import DocumentationLinkMixin
from .jit import kernel, scalar_type
from .keywords import class_hint, component_hints, explained
from .numba_internals import NumbaError
from .outside import outside
from .parameters import ParametersMixin, is_default
from .proposals import translated
from .typing import Floats, Signatures

_RULES_OF_KERNELS = (
    "Kernels keep to numba's nopython subset, and make no new arrays: no z * z of whole arrays, no np.zeros, copies, "
    "lists, dicts or strings. Write a loop over elements that writes into the arguments: for i in range(z.size): "
    "z[i] = ... . Functions within functions, comprehensions and plain Python functions do not work either: decorate "
    "helpers with numba.njit."
)


class Component(DocumentationLinkMixin, ParametersMixin):
    """Base of all families.

    Attributes
    ----------
    family : str
        The estimator parameter that takes such a component, for error messages.
    not_for_kernels : tuple of str
        Parameters that are no part of the default :meth:`hyper_parameters`.
    signatures : dict of str to callable
        Kernel name -> function from a numba scalar type (float32 or float64) to the kernel's signature.
    flat_parameters : tuple of str
        Constructor parameters that the estimator passes on when the component is given by name.
    """

    family: ClassVar[str] = ""
    not_for_kernels: ClassVar[tuple[str, ...]] = ()
    signatures: ClassVar[Signatures] = {}
    flat_parameters: ClassVar[tuple[str, ...]] = ()
    _parameter_constraints: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let errors of constructors say what unknown keywords are called here."""
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = explained(cls.__init__, component_hints)

    def __init__(self) -> None:
        pass

    def set_params(self, **params: Any) -> Self:
        """Set parameters.

        Parameters
        ----------
        **params
            Values by name.

        Returns
        -------
        self : object
            The component.

        Raises
        ------
        ValueError
            For a name that is no parameter.
        """
        try:
            return super().set_params(**params)
        except ValueError as error:
            known = self._get_param_names()
            unknown = {name: value for name, value in params.items() if name.partition("__")[0] not in known}
            hints = component_hints(unknown, self, "set_params") if unknown else ""
            if not hints:
                raise
            raise ValueError(f"{error} {hints}") from None

    def _validate_params(self):
        try:
            super()._validate_params()
        except ValueError as error:
            for name, value in self.get_params(deep=False).items():
                families = [domain for domain in self._parameter_constraints.get(name, []) if isinstance(domain, type)]
                if isinstance(value, type) and issubclass(value, tuple(families)):
                    raise type(error)(f"{error} {class_hint(value)}") from None
            raise

    def hyper_parameters(self) -> tuple[float, ...]:
        """Return the numbers that the kernels find in ``hyper``, in this order.

        Returns
        -------
        tuple of float
            All parameters but :attr:`not_for_kernels`, in the order of ``_parameter_constraints``, unless a rule
            overrides this. None of them if there is one that is no number.
        """
        names = [name for name in self._parameter_constraints if name not in self.not_for_kernels]
        values = [getattr(self, name) for name in names]
        return tuple(map(float, values)) if all(isinstance(value, Real | np.bool_) for value in values) else ()

    def hyper_vector(self, dtype: DTypeLike) -> Floats:
        """Return :meth:`hyper_parameters` as a vector, with a zero behind them since kernels take no empty vector.

        Raises
        ------
        TypeError
            If a rule returns anything but numbers there.
        """
        given = self.hyper_parameters()
        try:
            numbers = [*given, 0.0]
            if any(number is None or isinstance(number, str | bytes) for number in numbers):  # NumPy reads '1' and None
                raise TypeError
            return np.array(numbers, dtype=dtype)
        except (TypeError, ValueError):
            raise TypeError(
                f"hyper_parameters() of the {self.family} {type(self).__name__} must return a tuple of numbers, got "
                f"{given!r}. A tuple of one number ends with a comma: return (self.name,)."
            ) from None

    def kernel_owner(self) -> Component:
        """Return the component whose kernels run: itself, unless a rule stands in front of another one."""
        return self

    def compiled(self, name: str, dtype: DTypeLike) -> int:
        """Return the address of the kernel ``name``, compiled for ``dtype``.

        Raises
        ------
        TypeError
            If there is no such kernel, if it is not a plain function, or takes another number of arguments.
        numba.core.errors.NumbaError
            If it does not compile; a note names the component and the kernel.
        """
        rule = type(self.kernel_owner())
        function = getattr(rule, name, None)
        if not isinstance(function, FunctionType):
            problem = f"is {function!r}" if hasattr(rule, name) else "is missing"
            raise TypeError(
                f"The kernel {name!r} of the {self.family} {rule.__name__} {problem}. Assign a plain, "
                f"undecorated Python function in the class body: {name} = staticmethod(function)."
            )
        return _compiled(rule, name, function, np.dtype(dtype))


Component.__init__ = explained(Component.__init__, component_hints)


def _prints(function):
    """Tell whether a kernel or a helper of it calls ``print``."""
    try:
        functions = outside(function)[0]
    except ValueError:  # some of what it reads is of an unknown kind
        functions = [function]
    return any("print" in each.__code__.co_names and "print" not in each.__globals__ for each in functions)


@cache
def _compiled(rule, name, function, dtype):
    """Return the compiled kernel ``name`` of a rule, after a look at its arguments."""
    signature = rule.signatures[name](scalar_type(dtype))
    where = f"kernel {name!r} of the {rule.family} {rule.__name__}"
    parameters = inspect.signature(function).parameters.values()
    if len(parameters) != len(signature.args) or any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        raise TypeError(
            f"The {where} takes the arguments {inspect.signature(function)}, expected {len(signature.args)}, of "
            f"types {signature.args}. Is staticmethod(...) missing, or is it written for another family?"
        )
    if not DISABLED and _prints(function):  # it waits for Python, which waits for the kernel
        raise TypeError(f"The {where} calls print, which kernels cannot. Set NUMBA_DISABLE_JIT=1 to look inside it.")
    try:
        return kernel(function, signature)
    except NumbaError as error:
        error.add_note(f"The {where} does not compile for the types {signature}. {_RULES_OF_KERNELS}")
        raise


@cache
def _flat_parameters(rule):
    """Return the flat parameters that the constructor of a rule takes: a subclass may have one of its own."""
    own = rule._get_param_names()
    return tuple(name for name in rule.flat_parameters if name in own)


def inner_component(wrapper, kind, name, registry, others=()):
    """Return the component that a component goes around: a name or an instance, but none of the same kind.

    Parameters
    ----------
    wrapper : Component
    kind : type
        The class of this package that it is an instance of.
    name : str
        Its parameter.
    registry : dict
        Public name -> rule.
    others : sequence of str, default=()
        Further names that the parameter takes, for the message.

    Raises
    ------
    ValueError
        For anything else.
    """
    value, family = getattr(wrapper, name), kind.__bases__[0]
    if isinstance(value, family) and not isinstance(value, kind):
        return value
    if isinstance(value, str) and value in registry:
        return registry[value]()
    names = (*others, *registry)
    listed = ", ".join(map(repr, names))
    if isinstance(value, kind):
        hint = f" {kind.__name__} does not go around itself: use {value!r} alone."
    else:
        close = translated(family.family, value, names)
        close = close or next(iter(get_close_matches(str(value), names, 1, 0.6)), None)
        hint = f" Did you mean {close!r}?" if close in names else ""
    raise ValueError(
        f"{name} of {kind.__name__} must be one of {listed}, or another {family.__name__}, got {value!r}.{hint}"
    )


def build_component(family, registry, value, estimator):
    """Return the component for a parameter of an estimator, a name or an instance.

    Parameters
    ----------
    family : type
        Subclass of :class:`Component`.
    registry : dict
        Public name -> rule, as at the end of each family's file.
    value : str, None or instance of ``family``
    estimator : BaseMLP
        Its attributes provide the ``flat_parameters`` of a component given by name.

    Returns
    -------
    Component

    Raises
    ------
    InvalidParameterError
        If a parameter of an instance is outside its domain.
    ValueError
        If no rule has the name, or if an instance is given together with a flat parameter that the instance overrides
        and that is not at its default.
    """
    if isinstance(value, family):
        defaults = estimator._default_parameters()
        for name in value.flat_parameters:
            given, default = getattr(estimator, name), defaults[name]
            if not is_default(given, default):
                cure = "Leave"
                if name in value._get_param_names():
                    cure = f"Set {name} on that object (in a search: {family.family}__{name}) and leave"
                raise ValueError(
                    f"{name}={given!r} has no effect because {family.family}={value!r} carries its own {name}. "
                    f"{cure} the estimator's {name} at its default, {default!r}."
                )
        value._validate_params()
        return value
    # fit has validated the name, but it may have changed since
    if not (value is None or isinstance(value, str)) or value not in registry:
        names = ", ".join(sorted(map(repr, registry)))
        raise ValueError(f"{family.family} must be one of {names}, or an instance of {family.__name__}, got {value!r}.")
    rule = registry[value]
    return rule(**{name: getattr(estimator, name) for name in _flat_parameters(rule)})
