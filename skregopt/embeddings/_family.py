"""The family of feature embeddings; its conventions are in the docstring of the package."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numba import types
from numpy.typing import ArrayLike

from .._kernels.component import Component
from .._kernels.jit import vector
from .._kernels.shown import shortened
from .._kernels.sklearn_internals import StrOptions
from .._kernels.typing import Array, FeatureNames, Float64s, Ints, OnnxGraph, Signatures

# 'auto' leaves out columns with at most this many distinct values: any function of such a column is linear
FEW_VALUES = 2
MOST_NUMBERS = 10**6  # frequencies, or outputs, of a column: more are a slip of the pen


class EmbeddingVector(NamedTuple):
    """An array of each embedded column.

    Attributes
    ----------
    attribute : str
        Of a fitted estimator: a list with one array for each embedded column.
    trained : bool
        Whether the optimizer moves it; if not, it stays as it is at the start of training.
    """

    attribute: str
    trained: bool


class Embedding(Component):
    """Family of trained embeddings of numeric features.

    A rule sets ``vectors``, ``n_outputs``, perhaps ``n_saved``, and defines :meth:`start` and the two kernels. A
    parameter ``columns`` of its constructor, with :attr:`columns_constraint` in ``_parameter_constraints``, is read by
    :meth:`embedded_columns`; a rule without the parameter embeds as 'auto' does. Kernels do not see ``columns``.

    Attributes
    ----------
    vectors : tuple of EmbeddingVector
        The arrays of a column in the order in which they lie in its vector of parameters, or of constants.
    n_outputs : int
        Numbers that a column becomes.
    n_saved : int
        Numbers per row and column that ``embed`` saves for the gradient.
    columns : 'auto' or array-like
        Which columns are embedded, see :meth:`embedded_columns`.
    """

    family = "feature_embedding"
    not_for_kernels: ClassVar[tuple[str, ...]] = ("columns",)
    signatures: ClassVar[Signatures] = {
        "embed": lambda T: types.void(*[vector(T)] * 6),
        "differentiate": lambda T: types.void(*[vector(T)] * 7),
    }
    columns_constraint: ClassVar[list[Any]] = [StrOptions({"auto"}), "array-like"]
    vectors: ClassVar[tuple[EmbeddingVector, ...]] = ()
    n_outputs: int
    n_saved: int = 0
    columns: ArrayLike = "auto"
    embed: staticmethod[[Array, Array, Array, Array, Array, Array], None]
    differentiate: staticmethod[[Array, Array, Array, Array, Array, Array, Array], None]

    def start(self, rng: np.random.RandomState, values: Float64s, weights: Float64s) -> dict[str, Float64s]:
        """Return the arrays of one column at the start of training.

        Parameters
        ----------
        rng : numpy.random.RandomState
            Source of random numbers.
        values : ndarray of shape (n_samples,), float64
            Values of the column in the training rows, all finite.
        weights : ndarray of shape (n_samples,), float64
            Weights of the rows, all above 0.

        Returns
        -------
        dict of str to ndarray, float64
            Array of any shape by name of the attribute, for each of ``vectors``.

        Raises
        ------
        NotImplementedError
            Unless a rule overrides this.
        """
        raise NotImplementedError(
            f"{type(self).__name__}, an embedding, has no method start(self, rng, values, weights). Define one, which "
            "returns a dict of the arrays of a column, or use Periodic() or PiecewiseLinear()."
        )

    def bound(self, norm: float, n_columns: int, largest_parameter_norm: float) -> float:
        """Return a number that the Euclidean norm of the outputs of no row exceeds; infinity if none is known.

        Parameters
        ----------
        norm : float
            Such a number for the row itself.
        n_columns : int
            Number of embedded columns.
        largest_parameter_norm : float
            Such a number for all trained parameters together.

        Returns
        -------
        float
            Infinity unless a rule overrides this. Then each fit, and each ``partial_fit``, evaluates the loss of its
            rows once more at the end.
        """
        return math.inf

    def to_onnx(self, op: OnnxGraph, x: str, arrays: Mapping[str, Sequence[Array]]) -> str:
        """Return the outputs for the embedded columns ``x`` in operators of ONNX.

        Parameters
        ----------
        op : Graph
            ``op.Name(input, ..., attribute=...)`` adds a node of the operator of that name, and returns its output.
            Inputs are outputs of other nodes, numbers in the dtype of the network, or arrays.
        x : str
            Output of the node before, of shape (n_samples, n_columns).
        arrays : dict of str to sequence of ndarray
            The array of each column by name of the attribute.

        Returns
        -------
        str
            Output of the last node, of shape (n_samples, n_columns * n_outputs), column by column.

        Raises
        ------
        NotImplementedError
            Unless a rule overrides this.
        """
        raise NotImplementedError

    def is_auto(self) -> bool:
        """Tell whether :meth:`embedded_columns` needs the numbers of distinct values of all columns.

        Returns
        -------
        bool
            Whether ``columns`` is 'auto', unless a rule overrides this.
        """
        return isinstance(self.columns, str) and self.columns == "auto"

    def embedded_columns(self, names: FeatureNames | None, n_features: int, n_distinct: ArrayLike) -> Ints:
        """Return the indices of the columns to embed, in increasing order.

        Parameters
        ----------
        names : sequence of str or None
            Names of the features, if X has some.
        n_features : int
            Number of columns of X.
        n_distinct : array-like of shape (n_features,)
            Number of distinct training values of each column, or any number above 2 where there are more; None for
            each column unless :meth:`is_auto`.

        Returns
        -------
        ndarray of int

        Raises
        ------
        ValueError
            If ``columns`` names features that do not exist, or if no column is left to embed.
        """
        if self.is_auto():
            chosen = np.flatnonzero(np.asarray(n_distinct) > FEW_VALUES)
            if chosen.size == 0:
                rest = "all columns are constant, as with 1 sample" if np.max(n_distinct) == 1 else "X has no others"
                raise ValueError(
                    f"{self.family}={self!r} embeds no column: columns='auto' leaves out columns with at most "
                    f"{FEW_VALUES} distinct training values, and {rest}. Leave {self.family} at its default, "
                    "None, or set columns to the indices or names of features. With partial_fit, make the first call "
                    "with more rows."
                )
            return chosen
        columns = self._given_columns()
        if isinstance(columns[0], bool):
            if len(columns) != n_features:
                raise self._refused(f"is a mask of {len(columns)} columns, but X has {n_features} features")
            return np.flatnonzero(columns)
        if isinstance(columns[0], str):
            columns = self._indices_of(columns, names)
        outside = [index for index in columns if not 0 <= index < n_features]
        if outside:
            raise self._refused(
                f"must hold indices from 0 to {n_features - 1} because X has {n_features} features, but "
                f"{outside[0]} is among them"
            )
        return np.sort(np.array(columns, dtype=np.intp))

    def _validate_params(self):
        try:
            super()._validate_params()
        except ValueError as error:
            if isinstance(self.columns, bool) or self.is_auto() or _kind(self.columns) is None:
                raise
            raise type(error)(f"{error} Did you mean columns=[{shortened([self.columns])}]?") from None
        if not self.is_auto():
            self._given_columns()

    def _given_columns(self):
        """Return ``columns`` as a list of bools, of ints or of strings. ValueError if it is none, or has duplicates."""
        columns = np.asarray(self.columns, dtype=object)
        kinds = {_kind(column) for column in columns.flat}
        if columns.ndim != 1 or None in kinds or len(kinds) > 1:
            raise self._refused("must be 'auto', or a list of indices, of names or of booleans, one for each feature")
        columns = [kind(column) for kind in kinds for column in columns]
        is_mask = bool in kinds
        if not (any(columns) if is_mask else columns):
            raise self._refused(
                f"selects no column. Leave {self.family} at its default, None, to train without an embedding"
            )
        repeated = [column for column, count in Counter(columns).items() if count > 1]
        if repeated and not is_mask:
            is_like_mask = set(columns) == {0, 1}
            cure = "Booleans make a mask of columns" if is_like_mask else "Each column may stand once"
            raise self._refused(f"holds {repeated[0]!r} more than once. {cure}")
        return columns

    def _indices_of(self, columns, names):
        """Return the indices of columns given by name."""
        if names is None:
            raise self._refused(
                "holds names, but X has none. Pass X as a data frame, or set columns to the indices of features"
            )
        counts = Counter(names)
        for name in columns:
            if counts[name] != 1:
                raise self._refused(f"must hold names of features, but X has {counts[name] or 'none'} named {name!r}")
        indices = {name: index for index, name in enumerate(names)}
        return [indices[name] for name in columns]

    def _refused(self, problem):
        return ValueError(f"columns={self.columns!r} of {type(self).__name__} {problem}.")


def _kind(column):
    """Return how a column is chosen: bool, int or str; None for anything else."""
    if isinstance(column, bool | np.bool_):
        return bool
    if isinstance(column, Integral):
        return int
    return str if isinstance(column, str) else None
