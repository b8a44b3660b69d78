"""The private names of scikit-learn that this package uses, imported here and nowhere else.

They may move or change with any version; seen to work with 1.6.0 and 1.9.1, the oldest and the newest supported one.
"""

from numbers import Integral

from sklearn.base import _fit_context as fit_context
from sklearn.utils import _param_validation
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import HasMethods, Options, StrOptions, validate_parameter_constraints
from sklearn.utils.multiclass import _check_partial_fit_first_call as check_partial_fit_first_call
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

__all__ = [
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "check_matplotlib_support",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "fit_context",
    "safe_indexing",
    "validate_parameter_constraints",
]


class Interval(_param_validation.Interval):
    """scikit-learn's interval without the ints that no float64 can hold, such as ``10**400``."""

    def __contains__(self, val):
        if isinstance(val, Integral):
            try:
                float(val)
            except OverflowError:
                return False
        return super().__contains__(val)
