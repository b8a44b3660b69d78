"""What a function reads from outside of itself: values of globals and closures, and the helpers that it calls.

numba takes both for constants: they become part of machine code, wherever they were defined and computed.
"""

import dis
import enum
import hashlib
from collections.abc import Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType

import numpy as np
from numba import types

_PACKAGE = __name__.partition(".")[0]
# what these modules contain follows from versions that the cache knows
_KNOWN = {"builtins", "cmath", "math", "numba", "numpy", "operator", _PACKAGE}
_MISSING = object()


def outside(function):
    """Return all that the machine code of a function depends on, besides the types of its arguments.

    Parameters
    ----------
    function : callable
        Plain Python function.

    Returns
    -------
    functions : list of callable
        The function, and the helpers that a user's function calls, directly or not.
    values : tuple
        Description of the values that they read; equal values have equal ``repr``.

    Raises
    ------
    ValueError
        For values that cannot be described, such as functions that numba knows by other means than ``numba.njit``.
    """
    functions, values = [function], []
    for one in functions:  # the list grows while it is walked
        values.append([(path, _described(value, functions)) for path, value in sorted(_read_by(one), key=_path)])
        values.append(_described((one.__defaults__, one.__kwdefaults__), functions))
    return functions, tuple(values)


def helper_of(value):
    """Return the Python function of a value that ``numba.njit`` or ``numba.vectorize`` has made; None for others."""
    return getattr(getattr(value, "_dispatcher", value), "py_func", None)


def is_known(value):
    """Tell whether a module, a class or a function belongs to this package or to one whose version the cache knows."""
    name = value.__name__ if isinstance(value, ModuleType) else value.__module__
    return str(name).partition(".")[0] in _KNOWN


def is_own(function):
    """Tell whether a function or a class belongs to this package."""
    return function.__module__.partition(".")[0] == _PACKAGE


def _path(item):
    return item[0]


def _read_by(function):
    """Return the values that a function reads by their paths, such as ``constants.RATE``.

    Within this package only those of its closure: digests of sources cover the rest.
    """
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    found = {name: cell.cell_contents for name, cell in cells}
    for path in () if is_own(function) else _paths_of_globals(function.__code__):
        value = function.__globals__.get(path[0], _MISSING)
        value, rest = _resolved(value, path[1:])
        if value is not _MISSING:  # builtins are not there
            found[".".join(path[: len(path) - len(rest)])] = value
    return found.items()


def _paths_of_globals(code) -> Iterator[list[str]]:
    """Yield the names of globals in a code with the attributes that follow them."""
    path: list[str] = []
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and path:
            path.append(instruction.argval)
        elif instruction.opname != "EXTENDED_ARG":
            if path:
                yield path
            path = [instruction.argval] if instruction.opname == "LOAD_GLOBAL" else []
    for constant in code.co_consts:  # functions within the function, and comprehensions
        if isinstance(constant, CodeType):
            yield from _paths_of_globals(constant)


def _resolved(value, attributes):
    """Return the value at the end of attributes of modules, and the attributes that are left."""
    while attributes and isinstance(value, ModuleType) and hasattr(value, attributes[0]):
        value, attributes = getattr(value, attributes[0]), attributes[1:]
    return value, attributes


def _described(value, functions):
    """Return something whose ``repr`` tells a value from others; helpers of users are appended to ``functions``."""
    helper = helper_of(value)
    if helper is not None:
        if helper not in functions:
            functions.append(helper)
        return "helper", functions.index(helper), _described(getattr(value, "targetoptions", {}), functions)
    if isinstance(value, enum.Enum):
        return _name(type(value)), value.name, _described(value.value, functions)
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return type(value).__name__, value
    if isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
        array = np.asarray(value)
        order = array.flags.c_contiguous, array.flags.f_contiguous
        return type(value).__name__, array.dtype.str, array.dtype.descr, array.shape, order, _digest(array)
    if isinstance(value, tuple | list):
        return _name(type(value)), [_described(item, functions) for item in value]
    if isinstance(value, frozenset | set):
        return _name(type(value)), sorted(repr(_described(item, functions)) for item in value)
    if isinstance(value, dict):
        return [(_described(key, functions), _described(item, functions)) for key, item in value.items()]
    if isinstance(value, types.Type | np.dtype | np.ufunc):
        return _name(type(value)), str(value)
    if isinstance(value, enum.EnumMeta):
        return _name(value), [_described(member, functions) for member in value]
    if isinstance(value, ModuleType) and is_known(value):
        return "module", value.__name__
    if isinstance(value, type | FunctionType | BuiltinFunctionType) and is_known(value):
        return _name(value)
    raise ValueError(f"cannot tell {value!r} from others")


def _name(value):
    return f"{value.__module__}.{value.__qualname__}"


def _digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()
