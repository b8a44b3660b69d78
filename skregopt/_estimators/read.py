"""Second stage of a fit: X, y and weights, validated and encoded, and random numbers; bad data ends here."""

from dataclasses import dataclass
from functools import cache
from numbers import Real

import numpy as np
from sklearn.base import is_classifier

from .._engine.source import Source
from .._kernels.columns import check_collected
from .._kernels.parameters import default_parameters
from .._kernels.sklearn_internals import Interval
from ..losses import Loss
from .draws import draw
from .embedded import check_dense
from .fitted import CURVES, OF_FEATURES, precision_of, with_attributes
from .messages import TRANSFORMED_IN_A_PIPELINE, warn_user
from .resolve import check_effect, own_component
from .targets import ClassTargets, NumberTargets
from .validation import check_columns_of_y, checked_weights, checked_X, checked_y, explaining, naming

_IN_A_PIPELINE = (
    "\nIf this estimator is the last step of a Pipeline: the steps before transform X, and X_val only with "
    f"{TRANSFORMED_IN_A_PIPELINE}."
)


@dataclass(frozen=True, eq=False)
class FitData:
    """The arguments of ``fit`` or ``partial_fit``, as the user gave them."""

    X: object
    y: object
    sample_weight: object = None
    X_val: object = None
    y_val: object = None
    sample_weight_val: object = None
    groups: object = None
    coef_init: object = None
    intercept_init: object = None
    classes: object = None


@dataclass(frozen=True, eq=False)
class Examples:
    """Validated rows, to train on or to validate on.

    Attributes
    ----------
    sample_weight : ndarray of shape (n_samples,) or None
        None if the user gave none.
    source : Source
        X for compiled code.
    encoded : ndarray of shape (n_samples, n_targets)
        y for losses.
    weights : ndarray of shape (n_samples, 1 or n_labels)
        Weights of rows times weights of classes, float64.
    """

    sample_weight: np.ndarray | None
    source: Source
    encoded: np.ndarray
    weights: np.ndarray

    @property
    def has_weight(self):
        """Which rows count: one of weight zero is as good as absent."""
        return self.weights.any(axis=1)


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a fit is about.

    Attributes
    ----------
    examples : Examples
    validation : Examples or None
        ``X_val`` and the like; None without them.
    targets : NumberTargets or ClassTargets
    loss : Loss
    dtype : numpy.dtype
        Working precision.
    units : list of int
        Numbers of features, hidden units, and outputs.
    seed : int
        Key of all random numbers of the fit but the initial weights.
    drawn : dict
        Initial ``coefs_`` and ``intercepts_``; empty for a network that is continued.
    attributes : dict
        Fitted attributes that the data decide: of features and classes.
    previous : dict
        Fitted attributes of the network that this fit continues; empty for a new one.
    """

    examples: Examples
    validation: Examples | None
    targets: NumberTargets | ClassTargets
    loss: Loss
    dtype: np.dtype
    units: list
    seed: int
    drawn: dict
    attributes: dict
    previous: dict


def read(estimator, resolved, data):
    """Return the :class:`Inputs` of a fit.

    Parameters
    ----------
    estimator : BaseMLP
        Not changed.
    resolved : Resolved
    data : FitData

    Raises
    ------
    TypeError, ValueError
        For data that cannot be used.
    """
    given, incremental = resolved.given, resolved.incremental
    _check_arguments(given, data)
    continues = hasattr(estimator, "coefs_") and (incremental or given["warm_start"])
    previous = dict(vars(estimator)) if continues else {}
    # users may have assigned other sequences to the curves
    assigned = [name for name in CURVES if not isinstance(previous.get(name), list | None)]
    previous |= {name: np.asarray(previous[name]).tolist() for name in assigned}
    view = with_attributes(estimator)  # validation sets attributes of features
    with explaining(data.y, not is_classifier(estimator)):
        X, y = checked_X(view, data.X, reset=not continues, y=data.y, **estimator._y_options)
        dtype = _working_dtype(given, X.dtype, previous)
        y, targets = estimator._read_targets(y, data.classes, previous, incremental)
        encoded = targets.encode(y, dtype)
    if resolved.optimizer is not None:
        _check_precision(resolved.optimizer, dtype)
    targets = targets.weighted(y)
    loss = _build_loss(estimator, targets.kind)
    loss.check_y(encoded)
    sample_weight, weights = _weights(data.sample_weight, X, encoded, targets, "sample_weight")
    examples = Examples(sample_weight, Source(X), encoded, weights)
    check_dense(resolved.embedding, examples.source)
    units = [X.shape[1], *resolved.hidden, loss.n_outputs(targets.n_outputs)]
    if previous:
        _check_outputs(loss, targets.n_outputs, units[-1], previous)
    seed, drawn = draw(resolved, units, dtype, previous)
    validation = None if data.X_val is None else _validation_examples(view, data, targets, loss, encoded)
    if validation is not None:
        check_dense(resolved.embedding, validation.source, "X_val")
    attributes = {name: vars(view)[name] for name in OF_FEATURES if name in vars(view)} | targets.attributes
    return Inputs(examples, validation, targets, loss, dtype, units, seed, drawn, attributes, previous)


def _check_arguments(given, data):
    """Raise ValueError for arguments that contradict each other or the parameters."""
    if data.coef_init is not None and given["weight_init"] != "auto":
        raise ValueError(
            f"weight_init={given['weight_init']!r} has no effect with coef_init, which gives the initial weights. "
            "Leave weight_init at its default, 'auto', or coef_init at None."
        )
    if (data.X_val is None) != (data.y_val is None):
        present, missing = ("X_val", "y_val") if data.y_val is None else ("y_val", "X_val")
        raise ValueError(f"{present} was given without {missing}. Pass both, or neither.")
    if data.sample_weight_val is not None and data.X_val is None:
        raise ValueError("sample_weight_val was given without X_val and y_val. Pass all three.")
    splitter = given["validation_fraction"] if hasattr(given["validation_fraction"], "split") else None
    splits = given["early_stopping"] and data.X_val is None
    if data.groups is not None and not (splits and splitter is not None):
        raise ValueError(
            "groups has no effect: it is used with early_stopping=True and a CV splitter as validation_fraction "
            f"(got validation_fraction={given['validation_fraction']!r}), without X_val."
        )
    if splitter is not None and not splits:  # a number is ignored, as in scikit-learn, which takes no splitter
        reason, cure = "early_stopping=False", "Set early_stopping=True"
        if given["early_stopping"]:
            reason, cure = "X_val and y_val, which are watched", "Leave them out"
        raise ValueError(
            f"validation_fraction={splitter!r} has no effect with {reason}. {cure}, or leave validation_fraction at "
            "its default, 0.1."
        )


def _working_dtype(given, dtype, previous):
    """Return the precision for X of a dtype; a network that is continued keeps its own, whatever X has."""
    if given["dtype"] != "auto":
        return np.dtype(given["dtype"])
    if "_optimizer_memory_" in previous:
        return previous["_optimizer_memory_"]["slots"].dtype  # the user may have assigned other coefs_ since
    if previous:
        return precision_of(previous["coefs_"])
    return np.dtype(np.float32 if dtype == np.float32 else np.float64)


def _check_precision(optimizer, dtype):
    """Raise ValueError for a parameter of the optimizer that must be above 0 and counts as 0 in training."""
    smallest = float(np.finfo(dtype).smallest_normal)
    for name in _above_zero(type(optimizer)):
        value = getattr(optimizer, name)
        if isinstance(value, Real) and 0 < value < smallest:
            raise ValueError(
                f"{name}={value!r} of {type(optimizer).__name__} is below the smallest normal {np.dtype(dtype).name}, "
                f"{smallest:.2g}, and counts as zero in training. Use a larger one; the default is "
                f"{default_parameters(type(optimizer))[name]!r}."
            )


@cache
def _above_zero(rule):
    """Return the names of the parameters of a rule that must be above 0."""
    return [
        name
        for name, constraints in rule._parameter_constraints.items()
        if any(isinstance(domain, Interval) and 0.0 not in domain for domain in constraints)
    ]


def _build_loss(estimator, kind):
    """Return the loss for a kind of target; ValueError for a loss of other kinds."""
    if isinstance(estimator.loss, Loss) and kind not in estimator.loss.targets:
        names = ", ".join(sorted(map(repr, estimator._losses)))
        raise ValueError(
            f"loss={estimator.loss!r} is for {' and '.join(estimator.loss.targets)} targets, not for {kind} ones. Use "
            f"a loss for {type(estimator).__name__}: {names}, or their classes."
        )
    loss = own_component(estimator._loss_family, estimator._losses, estimator.loss, estimator)
    if hasattr(estimator, "label_smoothing"):
        check_effect(estimator, "label_smoothing", loss, estimator._losses)
    return loss.for_target(kind)


def _check_outputs(loss, n_columns, n_outputs, previous):
    """Raise ValueError if a fitted network, to be trained further, has another number of outputs than is wanted."""
    fitted = previous.get("n_outputs_", n_outputs)  # users may assign a network without it
    if n_outputs != fitted:
        needs = "" if n_outputs == n_columns else f", of which loss={loss!r} makes {n_outputs} output(s)"
        raise ValueError(
            f"y has {n_columns} column(s){needs}, and the fitted network, which warm_start and partial_fit continue "
            f"with, has {fitted} output(s). Give it as many as before, or fit a new estimator."
        )


def _validation_examples(view, data, targets, loss, trained):
    """Return the rows of ``X_val``, encoded like those ``trained``; errors name the arguments of these rows."""
    n_targets = trained.shape[1]
    check_collected(data.X_val, "X_val")
    check_collected(data.y_val, "y_val")
    has_names = hasattr(data.X_val, "columns") and all(isinstance(name, str) for name in data.X_val.columns)
    if has_names and not hasattr(view, "feature_names_in_"):
        warn_user(f"X_val has names of columns, and X has none, as if only X had been transformed.{_IN_A_PIPELINE}")
    with naming("X_val", _IN_A_PIPELINE):
        X_val = checked_X(view, data.X_val, reset=False, says_how_to_encode=False)
    with naming("y_val"):
        check_columns_of_y(data.y, data.y_val)
    with naming("y_val"), explaining(data.y_val, not is_classifier(view), "y_val"):
        encoded = targets.encode_validation(checked_y(data.y_val, X_val, **view._y_options), trained.dtype)
    if encoded.shape != (X_val.shape[0], n_targets):
        raise ValueError(f"y_val must have {n_targets} column(s) like y, got shape {encoded.shape}.")
    with naming("y_val"):
        loss.check_y(encoded)
    given, weights = _weights(data.sample_weight_val, X_val, encoded, targets, "sample_weight_val")
    return Examples(given, Source(X_val), encoded, weights)


def _weights(sample_weight, X, encoded, targets, name):
    """Return the weights that the user gave, or None, and ``weights`` of :class:`Examples`."""
    checked = checked_weights(sample_weight, X, name, has_classes=isinstance(targets, ClassTargets))
    return None if sample_weight is None else checked, targets.row_weights(checked, encoded, name)


def rows_that_count(estimator, y, sample_weight, classes=None):
    """Return which rows have a weight above zero, without a fit to them: bool of shape (n_samples,).

    Parameters
    ----------
    estimator : BaseMLP
        With a ``class_weight``, if it is a classifier.
    y : ndarray or sparse matrix
        Validated.
    sample_weight : array-like of shape (n_samples,) or None
    classes : array-like or None, default=None
        All classes, some of which y may lack.
    """
    if sample_weight is None and getattr(estimator, "class_weight", None) is None:
        return np.ones(y.shape[0], dtype=bool)
    y, targets = estimator._read_targets(y, classes, {}, False)
    encoded = targets.encode(y, np.float64)
    _, weights = _weights(sample_weight, y, encoded, targets.weighted(y), "sample_weight")
    return weights.any(axis=1)
