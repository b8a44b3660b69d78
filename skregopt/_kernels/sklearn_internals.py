"""The private names of scikit-learn that this package uses, imported here and nowhere else.

They may move or change with any version; seen to work with 1.6.0 and 1.9.1, the oldest and the newest supported one.
scikit-learn's decorators have no types, which would hide the signatures of methods from type checkers; here they have.
"""

import copy
import functools
import inspect
from collections.abc import Callable
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils import _param_validation, metaestimators
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import HasMethods, Options, validate_parameter_constraints
from sklearn.utils.metadata_routing import _raise_for_params as raise_for_params
from sklearn.utils.multiclass import _check_partial_fit_first_call as check_partial_fit_first_call
from sklearn.utils.validation import _check_feature_names_in as input_feature_names
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

__all__ = [
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "available_if",
    "check_matplotlib_support",
    "check_method_params",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "fit_context",
    "input_feature_names",
    "is_negated",
    "metric_of",
    "metric_parameters",
    "raise_for_params",
    "safe_indexing",
    "scores_probabilities",
    "validate_parameter_constraints",
    "with_metric_parameters",
    "written_scorer",
]

Method = TypeVar("Method", bound=Callable[..., Any])


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Method], Method]:
    """Return scikit-learn's decorator of ``fit``, which validates the parameters first."""
    return _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)


def available_if(check: Callable[[Any], bool]) -> Callable[[Method], Method]:
    """Return scikit-learn's decorator of a method that exists only where ``check(estimator)`` holds."""
    return metaestimators.available_if(check)


class StrOptions(_param_validation.StrOptions):
    """scikit-learn's set of strings, sorted in messages, where its order would change with each process."""

    def __str__(self):
        return f"a str among {{{', '.join(map(repr, sorted(self.options)))}}}"


def metric_of(scorer: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the metric that ``make_scorer`` made a scorer of; None for any other scorer."""
    return getattr(scorer, "_score_func", None)


def is_negated(scorer: Callable[..., Any]) -> bool:
    """Tell whether a scorer of ``make_scorer`` returns minus its metric, of which less is better."""
    return getattr(scorer, "_sign", 1) < 0


def scores_probabilities(scorer: Callable[..., Any]) -> bool:
    """Tell whether a scorer of ``make_scorer`` takes what a classifier says beside labels."""
    return getattr(scorer, "_response_method", "predict") != "predict"


def with_metric_parameters(scorer: Any, parameters: dict[str, Any]) -> Any:
    """Return a scorer of ``make_scorer`` with more parameters for its metric; those that it has already stay."""
    scorer = copy.copy(scorer)
    scorer._kwargs = parameters | scorer._kwargs
    return scorer


def metric_parameters(scorer: Any) -> dict[str, Any]:
    """Return the parameters that a scorer of ``make_scorer`` gives to its metric."""
    return scorer._kwargs


def written_scorer(scorer: Any, changed: dict[str, Any]) -> str:
    """Return the call of ``make_scorer`` that makes a scorer with other parameters for its metric; it keeps the rest.

    Parameters
    ----------
    scorer : callable
        Of ``make_scorer``.
    changed : dict
        Parameters of the metric to set.
    """
    metric, given = scorer._score_func, {}
    while isinstance(metric, functools.partial):
        metric, given = metric.func, metric.keywords | given
    defaults = {name: parameter.default for name, parameter in inspect.signature(metric).parameters.items()}
    own = {name: value for name, value in (given | scorer._kwargs).items() if value is not defaults.get(name, ...)}
    arguments = {} if scorer._sign > 0 else {"greater_is_better": False}
    if scores_probabilities(scorer):
        method = scorer._response_method
        arguments["response_method"] = method if isinstance(method, str) else "predict_proba"
    arguments |= own | changed
    return f"make_scorer({', '.join([metric.__name__, *(f'{name}={_literal(v)}' for name, v in arguments.items())])})"


def _literal(value):
    """Return how a value is typed in; of long ones only that there is one."""
    written = repr(value.item() if isinstance(value, np.generic) else value)
    return written if len(written) < 60 else "..."


class Interval(_param_validation.Interval):
    """scikit-learn's interval without the ints that no float64 can hold, such as ``10**400``."""

    def __contains__(self, val):
        if isinstance(val, Integral):
            try:
                float(val)
            except OverflowError:
                return False
        return super().__contains__(val)
