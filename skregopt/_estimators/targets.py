"""Class labels to the numbers that losses read, and back."""

import numpy as np
import scipy.sparse as sp
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d


class ClassTargets:
    """The classes of a classification problem.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted labels; column numbers for a multilabel problem.
    multilabel : bool

    Attributes
    ----------
    kind : {'binary', 'multiclass', 'multilabel'}
        'binary' also for a single class.
    n_outputs : int
        Width of the output layer.

    Raises
    ------
    ValueError
        If there is no class.
    """

    def __init__(self, classes, multilabel):
        if len(classes) == 0:
            raise ValueError("classes must hold all class labels that will occur, at least one, got none.")
        self.classes = classes
        if multilabel:
            self.kind, self.n_outputs = "multilabel", len(classes)
        elif len(classes) > 2:
            self.kind, self.n_outputs = "multiclass", len(classes)
        else:
            self.kind, self.n_outputs = "binary", 1

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

    def decode(self, y_pred):
        """Return the labels for predictions of shape (n_samples, n_outputs) in probabilities."""
        if self.kind == "multilabel":
            return (y_pred > 0.5).astype(int)
        if self.kind == "multiclass":
            return self.classes[y_pred.argmax(axis=1)]
        if len(self.classes) == 1:
            return np.repeat(self.classes, y_pred.shape[0])
        return self.classes[(y_pred[:, 0] > 0.5).astype(int)]

    def strata(self, y):
        """Return what to stratify a hold-out split by; None for a multilabel problem."""
        if self.kind == "multilabel":
            return None
        if self.kind == "binary" and len(self.classes) == 2:
            # a column, as scikit-learn binarises labels: its messages then name classes in the same words
            return (y == self.classes[1]).reshape(-1, 1)
        return y

    def class_weights(self, class_weight, y):
        """Return the weights of classes, of shape (n_classes, 1); (2, n_labels) for a multilabel problem.

        Parameters
        ----------
        class_weight : 'balanced', dict, or list of dict
            As the estimator's parameter. 'balanced' counts the rows of ``y``, whatever their sample weights.
        y : array-like
            Labels, not encoded.

        Raises
        ------
        ValueError
            For a form that does not fit the problem, classes that do not exist, or weights that are not numbers >= 0.
        """
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
            # in 'balanced', a value that no row has counts one
            values = np.unique(dense[:, j]).astype(int) if isinstance(of_label, str) else np.arange(2)
            weights[values, j] = _class_weights(of_label, values, dense[:, j].astype(int))
        return weights


def _class_weights(class_weight, classes, y):
    try:
        weights = np.asarray(compute_class_weight(class_weight, classes=classes, y=y), dtype=np.float64)
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


def checked_labels(y):
    """Validate class labels: returns (y, is_multilabel) with y one-dimensional unless multilabel.

    Raises
    ------
    ValueError
        For targets that are not class labels.
    TypeError
        For labels of types that do not compare, and sparse ones.
    """
    if not sp.issparse(y) and y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "biu" and 2 * np.unique(y).size <= y.size:
        return y, False  # without asking scikit-learn, which takes as long as an epoch of a small network
    try:
        kind = type_of_target(y, input_name="y")
    except TypeError as error:
        types = sorted({type(label).__name__ for label in np.asarray(y, dtype=object).ravel()})
        raise TypeError(
            f"y mixes labels of the types {', '.join(types)}, which cannot be put in an order ({error}). Use labels of "
            "one type, and leave out rows without a label."
        ) from error
    if kind not in ("binary", "multiclass", "multilabel-indicator"):
        check_classification_targets(y)  # raises for all others but one, below; decides by the kind once more
    if sp.issparse(y) and kind != "multilabel-indicator":
        raise TypeError("Sparse data was passed for y, but dense data is required. Use '.toarray()' to convert it.")
    if kind == "multiclass-multioutput":
        raise ValueError(
            "Multioutput target data is not supported: y must be one column of labels or a label indicator "
            "matrix of zeros and ones."
        )
    return y, kind == "multilabel-indicator"
