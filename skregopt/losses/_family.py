"""The family of losses; its conventions are in the docstring of the package."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from numba import types
from numpy.typing import ArrayLike
from sklearn.metrics import r2_score

from .._kernels.component import Component
from .._kernels.jit import matrix, vector
from .._kernels.typing import Array, OnnxGraph, Signatures

TargetKind: TypeAlias = Literal["binary", "multiclass", "multilabel", "continuous"]
Growth: TypeAlias = Literal["polynomial", "exponential"]


class Loss(Component):
    """Family of losses.

    Attributes
    ----------
    out_activation : str
        Name of the inverse link, scikit-learn's ``out_activation_``.
    targets : tuple of str
        Kinds of target that the loss is for: 'binary', 'multiclass', 'multilabel', 'continuous'.
    growth : {'polynomial', 'exponential'} or None
        Whether loss and prediction grow with the raw prediction z at most like z^2, or like ``exp(|z|)``. A fit
        needs it to know that neither overflows; if it is None, unknown, each fit and ``partial_fit`` evaluates loss and
        predictions of its rows once more at the end.
    """

    family = "loss"
    targets: tuple[TargetKind, ...] = ("binary", "multiclass", "multilabel", "continuous")
    signatures: ClassVar[Signatures] = {
        "evaluate": lambda T: types.float64(matrix(T), matrix(T), matrix(T), T, vector(T)),
        "invert_link": lambda T: types.void(matrix(T), vector(T)),
    }
    out_activation: str = "identity"
    growth: Growth | None = None
    keeps_columns: bool = False  # whether a prediction with one column stays a matrix
    evaluate: staticmethod[[Array, Array, Array, float, Array], float]
    invert_link: staticmethod[[Array, Array], None]

    def for_target(self, target: TargetKind) -> Loss:
        """Return the variant of this loss for a kind of target.

        Parameters
        ----------
        target : {'binary', 'multiclass', 'multilabel', 'continuous'}

        Returns
        -------
        Loss
        """
        return self

    def check_y(self, y: Array) -> None:
        """Raise ValueError if the loss is not defined for the targets ``y`` of shape (n_samples, n_targets)."""

    def of_best_constant(self, y: Array, weights: Array) -> float | None:
        """Return the smallest weighted mean loss that a constant prediction has: the scale of the losses of a problem.

        Parameters
        ----------
        y : ndarray of shape (n_samples, n_targets)
            float64.
        weights : ndarray of shape (n_samples,)
            Sum to 1.

        Returns
        -------
        float or None
            None, unless a rule overrides this: losses of this problem have no scale.
        """
        return None

    def to_onnx(self, op: OnnxGraph, raw_prediction: str) -> str:
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

    def n_outputs(self, n_targets: int) -> int:
        """Return the width of the output layer for ``n_targets`` columns of y, or as many classes if more than two."""
        return n_targets

    def score(self, y: ArrayLike, y_pred: Array, sample_weight: ArrayLike | None = None) -> float:
        """Return the score of ``MLPRegressor``: the coefficient of determination, unless a rule overrides this."""
        return r2_score(y, y_pred, sample_weight=sample_weight)


def identity_invert_link(raw_prediction, hyper):
    """Leave the raw predictions as they are."""
