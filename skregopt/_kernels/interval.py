"""The range of a numeric parameter."""

from numbers import Integral

from sklearn.utils import _param_validation


class Interval(_param_validation.Interval):
    """scikit-learn's interval, without the ints that no float64 can hold: ``10**400`` is outside of it as 1e400 is."""

    def __contains__(self, val):
        if isinstance(val, Integral):
            try:
                float(val)
            except OverflowError:
                return False
        return super().__contains__(val)
