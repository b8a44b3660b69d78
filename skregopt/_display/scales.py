"""Places of the values of a parameter on an axis."""

from numbers import Real
from types import FunctionType

import numpy as np

_LOG_FROM = 8  # from this ratio of the largest to the smallest value on, a scale may be logarithmic
_MOST_VALUES = 8  # a tick at each of so many values; of more numbers, round ones
_DIGITS = (4, 8, 17)  # of numbers in labels: the first that tell all values apart
_LONGEST_TEXT = 60  # characters


class Scale:
    """Places of the values of one parameter on an axis.

    Finite numbers keep their distances. If other values are among them (infinity, None, names), all are evenly spaced:
    first the numbers in their order, then the others in the order in which they appear.

    Parameters
    ----------
    values : list
        One value per candidate.

    Attributes
    ----------
    is_numeric, is_log : bool
        Whether all values are finite numbers, and whether the axis is logarithmic.
    labels : list of str
        Distinct values, in the order of the axis.
    codes : ndarray of int
        Index in ``labels``, for each candidate.
    places : ndarray of float
        Place of each candidate on the axis: its number, or its code.
    shares : ndarray of float
        Place of each candidate as a share of the axis, between 0 and 1.
    """

    def __init__(self, values):
        values = [_as_scalar(value) for value in values]
        keys = [identity(value) for value in values]
        different = dict(zip(keys, values, strict=True))
        order = sorted(different, key=lambda key: _rank(different[key]))  # keeps the order of what is no number
        self.labels = distinct_texts([different[key] for key in order])
        self.codes = np.array([order.index(key) for key in keys])
        self.is_numeric = all(_is_number(value) and np.isfinite(_as_float(value)) for value in different.values())
        self.is_log = False
        if self.is_numeric:
            self.places = np.array(values, dtype=float)
            numbers = np.unique(self.places)
            self.is_log = bool(numbers[0] > 0 and _is_spread_in_logarithms(numbers))
        else:
            self.places = self.codes.astype(float)
        on_axis = np.log(self.places) if self.is_log else self.places
        self._low, self._range = on_axis.min(), np.ptp(on_axis)
        self.shares = self._share(on_axis)

    def _share(self, on_axis):
        return (np.asarray(on_axis) - self._low) / self._range if self._range > 0 else np.full(len(on_axis), 0.5)

    def prepare(self, ax, axis):
        """Set limits or scale of the x axis or the y axis ("x" or "y"); return the labels that it then needs."""
        if not self.is_numeric:
            ax.set(**{f"{axis}lim": (-0.5, len(self.labels) - 0.5)})
            return self.labels
        if self.is_log:
            ax.set(**{f"{axis}scale": "log"})
        return []

    def ticks(self):
        """Return places of ticks between 0 and 1, and their labels."""
        if len(self.labels) <= _MOST_VALUES or not self.is_numeric:
            _, first = np.unique(self.codes, return_index=True)
            return self.shares[first], self.labels
        values = round_levels(self.places.min(), self.places.max(), self.is_log)
        return self._share(np.log(values) if self.is_log else values), distinct_texts(values.tolist())


def _is_spread_in_logarithms(values):
    """Tell whether a logarithmic axis suits sorted positive numbers.

    It does if they span a factor of 8 and their median is nearer, in logarithms, to the geometric than to the
    arithmetic mean of the smallest and the largest.
    """
    low, high = np.log(values[[0, -1]])
    middle = np.log(values[0] / 2 + values[-1] / 2)
    return high - low >= np.log(_LOG_FROM) and 2 * np.median(np.log(values)) < (low + high) / 2 + middle


def round_levels(low, high, is_log=False):
    """Return round numbers from ``low`` to ``high``."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    locators = [LogLocator(), LogLocator(subs=(1, 3)), LogLocator(subs=(1, 2, 5))] if is_log else [MaxNLocator(5)]
    for locator in locators:
        levels = locator.tick_values(low, high)
        levels = levels[(levels >= low) & (levels <= high)]
        if levels.size >= 3:
            break
    return levels


# --- values of parameters ---------------------------------------------------------------------------------------------


def _as_scalar(value):
    """Return a NumPy scalar, or an array without dimensions, as a Python object."""
    return value.item() if isinstance(value, np.generic | np.ndarray) and np.ndim(value) == 0 else value


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool)


def _as_float(value):
    """Return a number as a float; infinity for an int that no float can hold."""
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def _rank(value):
    """Return the place of a value among those of a parameter: numbers first, NaN last among them."""
    if not isinstance(value, Real):
        return (2, 0.0)
    return (1, 0.0) if value != value else (0, _as_float(value))


def identity(value):
    """Return a hashable that equal values share, and no others: also for arrays, NaN and instances."""
    value = _as_scalar(value)
    if _is_number(value):
        return ("number", "nan" if value != value else value)
    if isinstance(value, np.ndarray):
        return ("array", value.shape, *map(identity, value.ravel().tolist()))
    if isinstance(value, list | tuple):
        return (type(value), *map(identity, value))
    return (type(value), repr(value))


def distinct_texts(values):
    """Return a label for each of several different values; no two are the same."""
    attempts = [[text_of(value, n_digits) for value in values] for n_digits in _DIGITS]
    attempts.append([_shortened(repr(value)) for value in values])  # tells 1 from "1"
    attempts.append([f"{text} ({i})" for i, text in enumerate(attempts[0], 1)])
    return next(texts for texts in attempts if len(set(texts)) == len(texts))


def text_of(value, n_digits=_DIGITS[0]):
    """Return a value as a label of one line."""
    value = _as_scalar(value)
    if isinstance(value, float):
        return f"{value:.{n_digits}g}"
    if isinstance(value, tuple | list | np.ndarray):
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        left, right = "()" if isinstance(value, tuple) else "[]"
        text = f"{left}{', '.join(text_of(element, n_digits) for element in value)}{comma}{right}"
    else:
        text = value.__name__ if isinstance(value, type | FunctionType) else str(value)
    return _shortened(text)


def _shortened(text):
    """Return a text in one line, without its middle if it is long."""
    text = " ".join(text.split())
    half = (_LONGEST_TEXT - 3) // 2
    return text if len(text) <= _LONGEST_TEXT else f"{text[:half]}...{text[-half:]}"
