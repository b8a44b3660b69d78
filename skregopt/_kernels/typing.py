"""Types that several public signatures share.

Rules are named by ``str``, not by ``Literal``, because users register rules of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias, overload

import numpy as np
from numba import types as numba_types
from numpy.typing import ArrayLike, NDArray

from .numba_internals import Signature

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.floating[Any]]  # float32 or float64
Float64s: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]
MaybeNone: TypeAlias = Any  # None or not by the parameters: `float | MaybeNone` asks for no check

# What a family demands of its rules: for each kernel the signature for a scalar type.
Signatures: TypeAlias = Mapping[str, Callable[[numba_types.Type], Signature]]
Kernel: TypeAlias = "staticmethod[..., Any]"  # of a rule; its family declares the arguments


class SparseMatrix(Protocol):
    """A matrix or an array of ``scipy.sparse``, in any format. SciPy itself has no types."""

    def toarray(self) -> Array: ...
    def tocsr(self) -> object: ...


# Data frames are array-like: they have ``__array__``.
MatrixLike: TypeAlias = ArrayLike | SparseMatrix

FeatureNames: TypeAlias = Sequence[str] | Array
Scorer: TypeAlias = Callable[[Any, Any, Any], float]  # (estimator, X, y)
ClassWeight: TypeAlias = Literal["balanced"] | Mapping[Any, float] | Sequence[Mapping[int, float]]  # the last by label


class Splitter(Protocol):
    """What splits rows, such as ``sklearn.model_selection.KFold``."""

    def split(self, X: Any, y: Any, groups: Any, /) -> Iterable[tuple[Any, Any]]: ...
    def get_n_splits(self, *args: Any, **kwargs: Any) -> int: ...


class OnnxOperator(Protocol):
    """Adds a node of one operator to an ONNX graph."""

    @overload
    def __call__(self, *inputs: Any, n_outputs: Literal[1] = 1, **attributes: Any) -> str: ...
    @overload
    def __call__(self, *inputs: Any, n_outputs: int, **attributes: Any) -> list[str]: ...


class OnnxGraph(Protocol):
    """What ``to_onnx`` of a rule builds on, see :class:`skregopt._onnx.graph.Graph`."""

    FLOAT: int
    INT64: int
    dtype: np.dtype[Any]
    element_type: int
    eps: float
    smallest_normal: float

    def __getattr__(self, operator: str) -> OnnxOperator: ...
