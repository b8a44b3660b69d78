"""Targets as users pass them to targets as losses read them, and back."""

from dataclasses import dataclass, replace
from decimal import Decimal
from numbers import Real
from types import SimpleNamespace

import numpy as np
import scipy.sparse as sp
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d

from .._kernels.sklearn_internals import check_partial_fit_first_call


@dataclass(frozen=True, eq=False)
class NumberTargets:
    """Targets of a regression problem.

    Parameters
    ----------
    n_outputs : int
        Columns of y.
    """

    n_outputs: int

    kind = "continuous"
    attributes = {}

    def encode(self, y, dtype, name="y"):
        """Return targets of shape (n_samples, n_outputs) as losses read them; errors name the argument.

        Raises
        ------
        TypeError
            For sparse y.
        ValueError
            For y that does not hold numbers, or holds numbers too large for ``dtype``.
        """
        if sp.issparse(y):
            raise TypeError(
                f"Sparse data was passed for {name}, but dense data is required. Use '.toarray()' to convert it."
            )
        if y.dtype.kind not in "biuf":
            raise ValueError(f"{name} must hold real numbers, but has the dtype {y.dtype}. Convert it to numbers.")
        with np.errstate(over="ignore"):
            y = np.asarray(y).astype(dtype, copy=False)
        if not np.all(np.isfinite(y)):
            if np.isnan(y).any():
                raise ValueError(f"Input {name} contains NaN. Leave out rows without a number.")
            raise ValueError(f"{name} contains values too large for {dtype}. Scale {name}, or use dtype='float64'.")
        return np.ascontiguousarray(y.reshape(y.shape[0], -1))

    def encode_validation(self, y, dtype):
        """:meth:`encode` validation rows."""
        return self.encode(y, dtype, "y_val")

    def weighted(self, y):
        """Return the same targets: there are no classes to weight."""
        return self

    def strata(self, encoded):
        """Return None: a hold-out split of numbers is not stratified."""
        return None

    def row_weights(self, weights, encoded, name):
        """Return weights of shape (n_rows, 1)."""
        return weights.reshape(-1, 1)


def read_numbers(y):
    """Return validated y, one-dimensional if it has one column, and its :class:`NumberTargets`."""
    if y.ndim == 2 and y.shape[1] == 1 and not sp.issparse(y):
        y = column_or_1d(y, warn=True)
    return y, NumberTargets(1 if y.ndim == 1 else y.shape[1])


@dataclass(frozen=True, eq=False)
class ClassTargets:
    """Targets of a classification problem.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted labels; column numbers for a multilabel problem.
    multilabel : bool
    class_weight : dict, list of dict, 'balanced' or None, default=None
        As the estimator's parameter.
    weights : ndarray of shape (n_classes, 1), or (2, n_labels) for a multilabel problem, default=None
        The weights of classes that :meth:`weighted` made of ``class_weight``.
    sparse : bool, default=False
        Whether the label indicator is sparse, and predictions of labels are to be.

    Attributes
    ----------
    kind : {'binary', 'multiclass', 'multilabel'}
        'binary' also for a single class.
    n_outputs : int
        Width of the output layer.
    attributes : dict
        The fitted attributes.

    Raises
    ------
    ValueError
        If there is no class.
    """

    classes: np.ndarray
    multilabel: bool
    class_weight: object = None
    weights: np.ndarray | None = None
    sparse: bool = False

    def __post_init__(self):
        if len(self.classes) == 0:
            raise ValueError("classes must hold all class labels that will occur, at least one, got none.")

    @property
    def kind(self):
        if self.multilabel:
            return "multilabel"
        return "multiclass" if len(self.classes) > 2 else "binary"

    @property
    def n_outputs(self):
        return 1 if self.kind == "binary" else len(self.classes)

    @property
    def attributes(self):
        return {"classes_": self.classes, "_predicts_sparse": self.sparse}

    def encode(self, y, dtype):
        """Return targets of shape (n_samples, 1 or n_labels) as losses read them.

        Raises
        ------
        ValueError
            For labels that are not among the classes.
        """
        if self.kind == "multilabel":
            dense = y.toarray() if sp.issparse(y) else np.asarray(y)
            if dense.ndim != 2 or dense.shape[1] != self.n_outputs:
                raise ValueError(
                    f"y must be a label indicator with {self.n_outputs} columns, one per label, "
                    f"got shape {dense.shape}."
                )
            return np.ascontiguousarray(dense != 0, dtype=dtype)
        if sp.issparse(y) or np.ndim(y) != 1:
            raise ValueError(
                "y must be one column of labels, like the y that decided about the classes, got a label indicator of "
                f"shape {y.shape}."
            )
        codes = np.searchsorted(self.classes, y)
        codes[codes == len(self.classes)] = 0
        unseen = self.classes[codes] != y
        if np.any(unseen):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes}. 'y' has {unique_labels(y)}."
            )
        return codes.reshape(-1, 1).astype(dtype)

    def encode_validation(self, y, dtype):
        """Validate the labels of validation rows, and :meth:`encode` them."""
        return self.encode(checked_labels(y)[0], dtype)

    def strata(self, encoded):
        """Return what to stratify a hold-out split by, made of encoded targets; None for a multilabel problem."""
        if self.kind == "multilabel":
            return None
        return encoded[:, 0]

    def row_weights(self, weights, encoded, name):
        """Multiply the weights of rows by the weights of their classes.

        Parameters
        ----------
        weights : ndarray of shape (n_rows,)
        encoded : ndarray of shape (n_rows, 1 or n_labels)
            What :meth:`encode` returned.
        name : str
            The argument that the weights come from, for messages.

        Returns
        -------
        ndarray of shape (n_rows, 1), or (n_rows, n_labels) for a multilabel problem with class weights

        Raises
        ------
        ValueError
            If all products are zero.
        """
        weights = weights.reshape(-1, 1)
        if self.weights is None:
            return weights
        weights = weights * np.take_along_axis(self.weights, encoded.astype(np.intp), axis=0)
        if not np.any(weights):
            raise ValueError(
                f"All weights are zero: every row has a `{name}` or a class_weight ({self.class_weight!r}) of zero. At "
                "least one row needs a positive weight."
            )
        return weights

    def weighted(self, y):
        """Return the same targets with the weights of classes.

        Parameters
        ----------
        y : array-like
            Labels, not encoded. 'balanced' counts these rows, whatever their sample weights.

        Raises
        ------
        ValueError
            For a ``class_weight`` of a form that does not fit the problem, with classes that do not exist, or with
            weights that are not finite numbers >= 0.
        """
        return self if self.class_weight is None else replace(self, weights=self._class_weights(y))

    def _class_weights(self, y):
        class_weight = self.class_weight
        if self.kind != "multilabel":
            if isinstance(class_weight, list):
                raise ValueError(
                    "class_weight must be 'balanced' or a dict from class to weight: y is not multilabel, for which a "
                    f"list is. Got class_weight={class_weight!r}."
                )
            return _class_weights(class_weight, self.classes, y).reshape(-1, 1)
        per_label = [class_weight] * self.n_outputs if isinstance(class_weight, str) else class_weight
        is_list = isinstance(class_weight, list) and all(isinstance(weights, dict) for weights in class_weight)
        if not (is_list or isinstance(class_weight, str)) or len(per_label) != self.n_outputs:
            raise ValueError(
                "class_weight must be 'balanced' or a list of dicts, one for each label, from 0 and 1 to weight: y is "
                f"multilabel with {self.n_outputs} labels. Got class_weight={class_weight!r}."
            )
        dense = (y.toarray() if sp.issparse(y) else np.asarray(y)) != 0
        weights = np.ones((2, self.n_outputs))
        for j, of_label in enumerate(per_label):
            weights[:, j] = _class_weights(of_label, np.arange(2), dense[:, j].astype(int))
        return weights


def _class_weights(class_weight, classes, y):
    weights = np.ones(len(classes))
    if isinstance(class_weight, dict):
        for key, weight in class_weight.items():
            if not _is_number(weight):
                raise ValueError(f"class_weight must hold numbers, got {weight!r} for the class {key!r}.")
    # in 'balanced', a class that no row has counts one
    weighted = np.isin(classes, y) if isinstance(class_weight, str) else slice(None)
    try:
        weights[weighted] = compute_class_weight(class_weight, classes=classes[weighted], y=y)
    except ValueError as error:
        problem = error
        if isinstance(class_weight, dict):  # scikit-learn names the classes without a weight, which may be left out
            unknown = [key for key in class_weight if key not in classes.tolist()]
            problem = f"No class is {', '.join(map(repr, unknown))}" if unknown else error
        raise ValueError(
            f"{problem}. The keys of class_weight must be classes, which are {classes.tolist()}, and its values "
            f"weights, got class_weight={class_weight!r}."
        ) from None
    if not np.all((weights >= 0) & np.isfinite(weights)):
        raise ValueError(f"class_weight must hold finite weights >= 0, got class_weight={class_weight!r}.")
    return weights


def _is_number(value):
    if isinstance(value, np.generic | np.ndarray):  # NumPy's durations are integers to Python
        return value.ndim == 0 and value.dtype.kind in "biuf"
    return isinstance(value, Real | Decimal)


def read_classes(y, classes, previous, incremental, class_weight):
    """Return checked labels, and the :class:`ClassTargets` that they are for.

    Parameters
    ----------
    y : ndarray or sparse matrix
        Labels, or an indicator matrix of labels.
    classes : array-like or None
        All classes, some of which y may lack: in the first call of ``partial_fit``, or for a part of the rows.
    previous : dict
        Fitted attributes of the network that this fit continues; empty for a new one.
    incremental : bool
        Whether this is ``partial_fit``.
    class_weight : dict, list of dict, 'balanced' or None
        As the estimator's parameter.

    Raises
    ------
    ValueError
        For labels that cannot be used, or other classes than those of the network that this fit continues.
    """
    y, multilabel, labels = checked_labels(y)
    if incremental:
        known = SimpleNamespace(classes_=previous.get("classes_"))
        is_first = check_partial_fit_first_call(known, classes)
        if not is_first and "out_activation_" in previous:
            multilabel = target_kind(previous["out_activation_"], previous["n_outputs_"]) == "multilabel"
        found = np.arange(len(known.classes_)) if multilabel else known.classes_
    elif previous:
        kind = target_kind(previous["out_activation_"], previous["n_outputs_"])
        if multilabel != (kind == "multilabel"):
            raise ValueError(
                f"warm_start continues with a network for {kind} targets, and y is {'' if multilabel else 'not '}a "
                "label indicator. Fit a new estimator."
            )
        labels, found = unique_labels(y) if classes is None else classes, previous["classes_"]
        if set(labels) != set(found):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {found}, `y` has {labels}"
            )
    elif classes is not None:
        found = unique_labels(classes)
    elif labels is not None:
        found = labels
    else:
        # the same as unique_labels, whose checks have been made, except that it does not keep objects
        found = unique_labels(y) if multilabel or y.dtype == object else np.unique(y)
    sparse = previous.get("_predicts_sparse", sp.issparse(y))
    return y, ClassTargets(found, multilabel, class_weight, sparse=sparse)


def target_kind(out_activation, n_outputs):
    """Return the kind of class targets of a fitted network."""
    if out_activation == "softmax":
        return "multiclass"
    return "multilabel" if n_outputs > 1 else "binary"


def decode(y_pred, classes, kind):
    """Return the labels for probabilities of shape (n_samples, n_outputs), by the classes and the kind of target."""
    if kind == "multilabel":
        return (y_pred > 0.5).astype(int)
    if kind == "multiclass":
        return classes[y_pred.argmax(axis=1)]
    if len(classes) == 1:
        return np.repeat(classes, y_pred.shape[0])
    return classes[(y_pred[:, 0] > 0.5).astype(int)]


def checked_labels(y):
    """Validate class labels.

    Returns
    -------
    y : ndarray or sparse matrix
        One-dimensional unless multilabel.
    is_multilabel : bool
    labels : ndarray or None
        The sorted distinct labels, where they are known already.

    Raises
    ------
    ValueError
        For targets that are not class labels.
    TypeError
        For labels of types that do not compare, and sparse ones.
    """
    if not sp.issparse(y) and y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "biu":
        labels = np.unique(y)
        if 2 * labels.size <= y.size:
            return y, False, labels  # without scikit-learn's look, which takes as long as an epoch of a small network
    if not sp.issparse(y) and y.dtype.kind in "mM" and np.isnat(y).any():
        raise ValueError("Input y contains NaN: dates are missing. Leave out rows without a label.")
    try:
        kind = type_of_target(y, input_name="y")
    except TypeError as error:
        if "bytes" in str(error):
            raise TypeError(f"{error} Use [label.decode() for label in y], for instance.") from error
        raise TypeError(_mixed_labels(y, f" ({error})")) from error
    if kind == "unknown" and not sp.issparse(y):
        _check_objects(y)
    if kind not in ("binary", "multiclass", "multilabel-indicator"):
        check_classification_targets(y)  # raises for all others but one, below; decides by the kind once more
    if sp.issparse(y) and kind != "multilabel-indicator":
        raise TypeError("Sparse data was passed for y, but dense data is required. Use '.toarray()' to convert it.")
    if kind == "multiclass-multioutput":
        raise ValueError(
            "Multioutput target data is not supported: y must be one column of labels or a label indicator "
            "matrix of zeros and ones."
        )
    return y, kind == "multilabel-indicator", None


def _mixed_labels(y, problem=""):
    types = sorted({type(label).__name__ for label in np.asarray(y, dtype=object).ravel()})
    return (
        f"y mixes labels of the types {', '.join(types)}, which cannot be put in an order{problem}. Use labels of one "
        "type, and leave out rows without a label."
    )


def _check_objects(y):
    """Raise for labels that scikit-learn does not know because they are objects: numbers, or of several types.

    Raises
    ------
    ValueError
        For numbers that could be labels.
    TypeError
        For strings beside others.
    """
    types = {type(label) for label in y.ravel()}
    if not all(issubclass(kind, Real | np.bool_) for kind in types):
        if len(types) > 1 and any(issubclass(kind, str) for kind in types):
            raise TypeError(_mixed_labels(y))
        return
    are_bools = all(issubclass(kind, bool | np.bool_) for kind in types)
    dtype = "bool" if are_bools else "int" if np.all(y == y.astype(float).round()) else "float"
    if dtype != "float":
        raise ValueError(
            f"Unknown label type: y has the dtype {y.dtype}, and holds numbers, which scikit-learn does not take for "
            f"labels. Pass y.astype({dtype})."
        )
