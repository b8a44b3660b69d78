"""Places of the values of a parameter on an axis."""

from numbers import Real

import numpy as np

_LOG_FROM = 8  # from this ratio of the largest to the smallest value on, a scale may be logarithmic


class Scale:
    """Places of the values of one parameter on an axis. Numbers keep their distances, other values are evenly spaced.

    Parameters
    ----------
    values : list
        One value per candidate.

    Attributes
    ----------
    is_numeric, is_log : bool
        Whether all values are numbers, and whether the axis is logarithmic.
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
        texts = [text_of(value) for value in values]
        self.is_numeric = all(isinstance(value, Real) and not isinstance(value, bool | np.bool_) for value in values)
        if self.is_numeric:
            numbers = np.array(values, dtype=float)
            different, self.codes = np.unique(numbers, return_inverse=True)
            self.labels = [f"{number:.4g}" for number in different]
            self.places = numbers
            self.is_log = bool(different[0] > 0 and _is_spread_in_logarithms(different))
            on_axis = np.log(numbers) if self.is_log else numbers
        else:
            numbers = {text: value for text, value in zip(texts, values, strict=True) if isinstance(value, Real)}
            self.labels = list(dict.fromkeys([*sorted(numbers, key=numbers.get), *texts]))
            self.codes = np.array([self.labels.index(text) for text in texts])
            self.places, self.is_log = self.codes.astype(float), False
            on_axis = self.places
        self._low, self._range = on_axis.min(), np.ptp(on_axis)
        self.shares = self._share(on_axis)

    def _share(self, on_axis):
        return (np.asarray(on_axis) - self._low) / self._range if self._range > 0 else np.full(len(on_axis), 0.5)

    def label(self, ax, axis):
        """Set scale and ticks of the x axis or the y axis (``axis`` is "x" or "y")."""
        if not self.is_numeric:
            ax.set(**{f"{axis}ticks": range(len(self.labels)), f"{axis}ticklabels": self.labels})
            ax.set(**{f"{axis}lim": (-0.5, len(self.labels) - 0.5)})
        elif self.is_log:
            ax.set(**{f"{axis}scale": "log"})

    def ticks(self):
        """Return places of ticks between 0 and 1, and their labels."""
        if len(self.labels) <= 8:
            _, first = np.unique(self.codes, return_index=True)
            return self.shares[first], self.labels
        if not self.is_numeric:
            return np.linspace(0, 1, len(self.labels)), self.labels
        values = round_levels(self.places.min(), self.places.max(), self.is_log)
        return self._share(np.log(values) if self.is_log else values), [f"{value:.4g}" for value in values]


def _is_spread_in_logarithms(values):
    """Tell whether a logarithmic axis suits sorted positive numbers.

    It does if they span a factor of 8 and their median is nearer, in logarithms, to the geometric than to the
    arithmetic mean of the smallest and the largest.
    """
    low, high = values[0], values[-1]
    return high >= _LOG_FROM * low and np.median(values) ** 2 < np.sqrt(low * high) * (low + high) / 2


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


def text_of(value):
    """Return a value as a label."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
