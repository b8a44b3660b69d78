"""The user's scorer on held-out rows, as scikit-learn's cross-validation would call it."""

import inspect
from numbers import Number

import numpy as np
import scipy.sparse as sp
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.utils import check_array

from .._kernels.shown import shortened
from .._kernels.sklearn_internals import (
    metric_of,
    metric_parameters,
    scores_probabilities,
    with_metric_parameters,
    written_scorer,
)
from .validation import checked_X


class EpochScorer:
    """Calls the user's scorer after each epoch.

    Parameters
    ----------
    view : BaseMLP
        A copy of the estimator with all fitted attributes but weights; the scorer is its ``scoring``.
    set_weights : callable
        ``set_weights(view, theta)`` gives the copy its weights.
    X, y : array-like
        Held-out rows as the user passed them.
    sample_weight : ndarray or None
        Passed on if the scorer takes it.
    rows : str
        What the rows are, for messages.

    Attributes
    ----------
    rows : str
        What the rows are, and which classes they lack.
    """

    def __init__(self, view, set_weights, X, y, sample_weight, rows):
        if not hasattr(X, "columns"):
            vars(view).pop("feature_names_in_", None)  # `fit` has warned, where X has names and X_val has none
        if _sees_values_only(view):
            # converted once instead of after each epoch
            X = checked_X(view, X, reset=False)
            y = y if sp.issparse(y) else check_array(y, ensure_2d=False, dtype=None)
            vars(view).pop("feature_names_in_", None)
        self._view, self._set_weights = view, set_weights
        self._scorer = RowsScorer(view, view.scoring, X, y, scorer_weights(view, view.scoring, sample_weight), rows)
        self.rows = self._scorer.rows

    def __call__(self, theta, validation_loss):
        """Return the score with these weights; NaN, without a call of the scorer, if the loss is not finite."""
        if not np.isfinite(validation_loss):
            return np.nan
        self._set_weights(self._view, theta.copy())
        return self._scorer(self._view)


def _sees_values_only(estimator):
    """Tell whether only a metric of scikit-learn and this package's own methods will read the rows that are scored."""
    metric = metric_of(check_scoring(estimator, scoring=estimator.scoring))
    package = __name__.partition(".")[0]
    return (
        getattr(metric, "__module__", "").startswith("sklearn.")
        and type(estimator).__module__.partition(".")[0] == package
    )


class RowsScorer:
    """Scores fitted estimators on the same rows.

    Metrics of probabilities are told all classes, since these rows may lack some.

    Parameters
    ----------
    estimator : BaseMLP
        Fitted, or with the attributes of one; those that are scored have the same classes.
    scoring : str, callable or None
        The user's parameter; None is the estimator's ``score``.
    X, y : array-like
        As the user passed them.
    params : dict
        More arguments of the scorer.
    rows : str
        What the rows are, for messages.

    Attributes
    ----------
    rows : str
        What the rows are, and which classes they lack.
    """

    def __init__(self, estimator, scoring, X, y, params, rows):
        self._scoring, self._data, self._params = scoring, (X, y), params
        self._scorer = check_scoring(estimator, scoring=scoring)
        self._classes = None
        # the labels of an indicator are columns, which metrics do not ask for
        if is_classifier(estimator) and estimator._target_kind() != "multilabel":
            self._classes = estimator.classes_
        self._metric = metric_of(self._scorer)
        if self._metric is not None and self._classes is not None:
            self._scorer = with_metric_parameters(self._scorer, self._of_classes())
        self.rows = rows + self._lack(y)

    def __call__(self, estimator):
        """Return the score of a fitted estimator as a Python number; ValueError where there is none."""
        try:
            value = self._scorer(estimator, *self._data, **self._params)
        except ValueError as error:
            if self._metric is None:
                raise
            raise ValueError(
                f"scoring={self._scoring!r} cannot score {self.rows}: {str(error).rstrip('.')}.{self._advice()}"
            ) from error
        try:
            number = value.item()  # scalars of other libraries, arrays of one element
        except (AttributeError, TypeError, ValueError, RuntimeError):  # libraries differ about several elements
            number = value
        if not isinstance(number, Number) or isinstance(number, complex):
            raise ValueError(f"scoring={self._scoring!r} must return a number, got {value!r}.")
        return float(number)

    def _of_classes(self):
        """Return the parameters of the metric that say which classes there are, and which is the positive one."""
        if not scores_probabilities(self._scorer):
            return {}  # of predicted labels, `labels` selects those that are scored
        parameters = {"labels": self._classes}
        if self._classes.size == 2:
            parameters["pos_label"] = self._classes[1]
        known = _parameters(self._metric)
        return {name: value for name, value in parameters.items() if name in known and known[name].default is None}

    def _lack(self, y):
        if self._classes is None:
            return ""
        found = np.asarray(y).astype(self._classes.dtype)
        missing = self._classes[~np.isin(self._classes, found)]
        return f" without a row of class {shortened(missing)}" if missing.size else ""

    def _advice(self):
        """Return what to use instead of a metric of two classes, or of the class 1, as the end of a message."""
        if self._classes is None or self._metric is None:
            return ""
        scorer = check_scoring(None, scoring=self._scoring)  # without the parameters that were added here
        known, own = _parameters(self._metric), metric_parameters(scorer)
        changed = {}
        if self._classes.size > 2 and "multi_class" in known and "multi_class" not in own:
            names, changed = (f"{self._scoring}_ovr",), {"multi_class": "ovr"}
        elif "pos_label" in known and own.get("average", "binary") == "binary":
            names = (f"{self._scoring}_macro",)
            if self._classes.size == 2:
                changed = {"pos_label": self._classes[1]}
            elif "average" in known:
                changed = {"average": "macro"}
        if not changed:
            return ""
        advice = [f"scoring={name!r}" for name in names if name in get_scorer_names()]
        if self._classes.size == 2 or not advice:
            advice.append(f"scoring={written_scorer(scorer, changed)}")
        return f" The classes are {shortened(self._classes)}. Use {' or '.join(advice)}."


def scorer_weights(estimator, scoring, sample_weight):
    """Return the weights as an argument of the scorer; nothing if there are none, or if it takes none."""
    if sample_weight is None:
        return {}
    scorer = check_scoring(estimator, scoring=scoring)
    takes_them = scoring is None or "sample_weight" in _parameters(metric_of(scorer) or scorer)
    return {"sample_weight": sample_weight} if takes_them else {}


def _parameters(function):
    """Return the parameters of a function by name; none if it does not say."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
