"""Kernels as plain Python, on arrays that tell who looks beyond their ends: machine code does not notice."""

from types import CellType, CodeType, FunctionType, ModuleType

import numpy as np

from .outside import helper_of, is_known


class BeyondEnd(IndexError):
    """An index beyond the end of a watched array.

    Attributes
    ----------
    role : str
        What the array is to its kernel.
    """

    def __init__(self, role, problem):
        super().__init__(problem)
        self.role = role


class _Watched(np.ndarray):
    """An array that raises :class:`BeyondEnd`."""

    role = ""

    def __array_finalize__(self, base):
        self.role = getattr(base, "role", "")

    def __getitem__(self, index):
        try:
            return super().__getitem__(index)
        except IndexError as error:
            raise self._explained(error) from error

    def __setitem__(self, index, value):
        try:
            super().__setitem__(index, value)
        except IndexError as error:
            raise self._explained(error) from error

    def _explained(self, error):
        # an index of a wrong kind, or too many of them, is an error of numba's as well
        return BeyondEnd(self.role, str(error)) if "out of bounds" in str(error) else error


def watched(role, array):
    """Return a view of an array that raises :class:`BeyondEnd`."""
    view = array.view(_Watched)
    view.role = role
    return view


def plain(function, done=None):
    """Return a function that calls its helpers as plain Python, too, instead of compiled."""
    done = {} if done is None else done
    if function not in done:
        names = dict(function.__globals__)
        cells = tuple(CellType() for _ in function.__closure__ or ())
        twin = FunctionType(function.__code__, names, function.__name__, function.__defaults__, cells)
        twin.__kwdefaults__ = function.__kwdefaults__
        done[function] = twin  # before its helpers, which may call it
        for name in _names_in(function.__code__) & names.keys():
            names[name] = _as_plain(names[name], done)
        for cell, original in zip(cells, function.__closure__ or (), strict=True):
            cell.cell_contents = _as_plain(original.cell_contents, done)
    return done[function]


def _names_in(code):
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*map(_names_in, inner))


def _as_plain(value, done):
    helper = helper_of(value)
    if isinstance(helper, FunctionType):
        return plain(helper, done)
    if isinstance(value, ModuleType) and not is_known(value):
        return _PlainModule(value, done)
    return value


class _PlainModule:
    """A module of the user's with helpers as plain Python."""

    def __init__(self, module, done):
        self._module, self._done = module, done

    def __getattr__(self, name):
        return _as_plain(getattr(self._module, name), self._done)
