"""The family of losses; its conventions are in the docstring of the package."""

from numba import types
from sklearn.metrics import r2_score

from .._kernels.component import Component
from .._kernels.jit import matrix, vector


class Loss(Component):
    """Family of losses.

    Attributes
    ----------
    out_activation : str
        Name of the inverse link, scikit-learn's ``out_activation_``.
    targets : tuple of str
        Kinds of target that the loss is for: 'binary', 'multiclass', 'multilabel', 'continuous'.
    """

    family = "loss"
    targets = ("binary", "multiclass", "multilabel", "continuous")
    signatures = {
        "evaluate": lambda T: types.float64(matrix(T), matrix(T), matrix(T), T, vector(T)),
        "invert_link": lambda T: types.void(matrix(T), vector(T)),
    }
    out_activation = "identity"
    keeps_columns = False  # whether a prediction with one column stays a matrix

    def for_target(self, target):
        """Return the variant of this loss for a kind of target.

        Parameters
        ----------
        target : {'binary', 'multiclass', 'multilabel', 'continuous'}

        Returns
        -------
        Loss
        """
        return self

    def check_y(self, y):
        """Raise ValueError if the loss is not defined for the targets ``y`` of shape (n_samples, n_targets)."""

    def to_onnx(self, op, raw_prediction):
        """Return the predictions for ``raw_prediction`` in operators of ONNX.

        Parameters
        ----------
        op : Graph
            ``op.Name(input, ..., attribute=...)`` adds a node of the operator of that name, and returns its output.
        raw_prediction : str
            Output of the node before, of shape (n_rows, n_outputs).

        Returns
        -------
        str
            Output of the last node.

        Raises
        ------
        NotImplementedError
            Unless a rule overrides this.
        """
        raise NotImplementedError

    def n_outputs(self, n_targets):
        """Return the width of the output layer for ``n_targets`` columns of y, or as many classes if more than two."""
        return n_targets

    def score(self, y, y_pred, sample_weight=None):
        """Return the score of ``MLPRegressor``: the coefficient of determination, unless a rule overrides this."""
        return r2_score(y, y_pred, sample_weight=sample_weight)


def identity_invert_link(raw_prediction, hyper):
    """Leave the raw predictions as they are."""


def identity_to_onnx(op, raw_prediction):
    """Return ``raw_prediction``."""
    return raw_prediction
