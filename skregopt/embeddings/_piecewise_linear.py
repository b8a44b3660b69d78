"""Functions that are linear between quantiles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .._kernels.jit import jit
from .._kernels.quantiles import quantile_edges
from .._kernels.sklearn_internals import Interval
from .._kernels.typing import Array, Float64s, Kernel, OnnxGraph
from .._kernels.views import flat_view
from ._family import MOST_NUMBERS, Embedding, EmbeddingVector

# Parameters of a column with m outputs and n bins: slopes (m), intercepts (m), coefs (n, m). Constants: n + 1 edges.
#
# Both kernels go through all bins for all rows, in vector instructions. To look up the one bin of each row in a table
# of sums needs memory for the table. In float32 it takes as long with 16 bins and twice as long in the gradient; in
# float64, and with many bins, it would be quicker.
#
# Four outputs at a time have the share of a bin in common: one of each quarter. Neighbours would not do: LLVM checks
# once for the whole loop over j whether what is written overlaps, and all first ones would overlap all second ones.


@jit
def _inverse_width(edges, b):
    """Return 1 / width of a bin; a finite number, too, where the edges coincide in the working precision."""
    smallest = np.finfo(edges.dtype).tiny
    width = edges[b + 1] - edges[b]
    return edges.dtype.type(1) / (width if width > smallest else smallest)


@jit
def _share_below(x, edge, inverse_width, zero, one):
    """Return which share of a bin lies below x, a number from 0 to 1; NaN stays NaN."""
    share = (x - edge) * inverse_width
    share = zero if share < zero else share
    return one if share > one else share


def _piecewise_linear_embed(x, parameters, constants, outputs, saved, hyper):
    n_rows, zero, one = x.size, x.dtype.type(0), x.dtype.type(1)
    n_outputs = outputs.size // n_rows
    n_bins = parameters.size // n_outputs - 2
    for j in range(n_outputs):
        output, slope, intercept = flat_view(outputs, j * n_rows, n_rows), parameters[j], parameters[n_outputs + j]
        for i in range(n_rows):
            output[i] = slope * x[i] + intercept
    quarter = n_outputs // 4
    for b in range(n_bins):
        edge, inverse_width = constants[b], _inverse_width(constants, b)
        coefs = flat_view(parameters, (2 + b) * n_outputs, n_outputs)
        for j in range(quarter):
            first, second = flat_view(outputs, j * n_rows, n_rows), flat_view(outputs, (j + quarter) * n_rows, n_rows)
            third = flat_view(outputs, (j + 2 * quarter) * n_rows, n_rows)
            fourth = flat_view(outputs, (j + 3 * quarter) * n_rows, n_rows)
            coef_1, coef_2, coef_3, coef_4 = (
                coefs[j],
                coefs[j + quarter],
                coefs[j + 2 * quarter],
                coefs[j + 3 * quarter],
            )
            for i in range(n_rows):
                share = _share_below(x[i], edge, inverse_width, zero, one)
                first[i] += coef_1 * share
                second[i] += coef_2 * share
                third[i] += coef_3 * share
                fourth[i] += coef_4 * share
        for j in range(4 * quarter, n_outputs):
            output, coef = flat_view(outputs, j * n_rows, n_rows), coefs[j]
            for i in range(n_rows):
                output[i] += coef * _share_below(x[i], edge, inverse_width, zero, one)


def _piecewise_linear_differentiate(x, parameters, constants, saved, deltas, gradient, hyper):
    n_rows, zero, one = x.size, x.dtype.type(0), x.dtype.type(1)
    n_outputs = deltas.size // n_rows
    n_bins = parameters.size // n_outputs - 2
    for j in range(n_outputs):
        delta, by_slope, by_intercept = flat_view(deltas, j * n_rows, n_rows), zero, zero
        for i in range(n_rows):
            by_slope += delta[i] * x[i]
            by_intercept += delta[i]
        gradient[j] += by_slope
        gradient[n_outputs + j] += by_intercept
    quarter = n_outputs // 4
    for b in range(n_bins):
        edge, inverse_width = constants[b], _inverse_width(constants, b)
        by_coefs = flat_view(gradient, (2 + b) * n_outputs, n_outputs)
        for j in range(quarter):
            first, second = flat_view(deltas, j * n_rows, n_rows), flat_view(deltas, (j + quarter) * n_rows, n_rows)
            third = flat_view(deltas, (j + 2 * quarter) * n_rows, n_rows)
            fourth = flat_view(deltas, (j + 3 * quarter) * n_rows, n_rows)
            sum_1, sum_2, sum_3, sum_4 = zero, zero, zero, zero
            for i in range(n_rows):
                share = _share_below(x[i], edge, inverse_width, zero, one)
                sum_1 += first[i] * share
                sum_2 += second[i] * share
                sum_3 += third[i] * share
                sum_4 += fourth[i] * share
            by_coefs[j] += sum_1
            by_coefs[j + quarter] += sum_2
            by_coefs[j + 2 * quarter] += sum_3
            by_coefs[j + 3 * quarter] += sum_4
        for j in range(4 * quarter, n_outputs):
            delta, by_coef = flat_view(deltas, j * n_rows, n_rows), zero
            for i in range(n_rows):
                by_coef += delta[i] * _share_below(x[i], edge, inverse_width, zero, one)
            by_coefs[j] += by_coef


class PiecewiseLinear(Embedding):
    """Trained linear functions between quantiles of the feature.

    A column x becomes ``n_outputs`` numbers, continuous functions of x that are linear within each bin::

        s_j x + c_j + sum_b W_bj e_b(x),   e_b(x) = (x - t_b) / (t_b+1 - t_b), at least 0 and at most 1

    The edges t_0 < t_1 < ... of the bins are training values: the quantiles at 0, 1/n, ..., 1 (n is ``n_bins``). So
    each bin has the same share of the rows. A value that fills a share by itself counts for no more than that, and the
    other bins are dealt out among the other values. Sample weights count like repeated rows. A column with at most n +
    1 distinct values has an edge at each of them, a constant column no bin. Outside the training values the outputs are
    linear, with the slopes s.

    All numbers but the edges are trained, for each column its own. s and c start uniform on
    [-1/sqrt(n_outputs), 1/sqrt(n_outputs)] and W at zero, so that training starts from linear functions.

    Piecewise-linear embeddings suit ragged targets, which change at thresholds of a feature; for smooth targets see
    :class:`Periodic`.

    Parameters
    ----------
    n_bins : int in [1, 1000000000], default=16
        Largest number of bins.
    n_outputs : int in [1, 1000000], default=8
        Numbers that a column becomes.
    columns : 'auto' or array-like, default='auto'
        Columns to embed: their indices, their names, or a mask of booleans. 'auto' takes all with more than two
        distinct training values. All other columns stay as they are.

    Notes
    -----
    The fitted estimator has lists with one array for each embedded column: ``embedding_slopes_`` (n_outputs,),
    ``embedding_intercepts_`` (n_outputs,), ``embedding_coefs_`` (bins of the column, n_outputs), and
    ``embedding_bins_`` (bins of the column + 1,), the edges.

    Y. Gorishniy, I. Rubachev, A. Babenko, "On embeddings for numerical features in tabular deep learning", NeurIPS
    2022. Parametrised and initialised as version "B" of the authors' package rtdl_num_embeddings (Y. Gorishniy,
    A. Kotelnikov, A. Babenko, "TabM: advancing tabular deep learning with parameter-efficient ensembling", ICLR 2025).
    There e_0 may fall below 0 and the last e_b exceed 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skregopt.embeddings import PiecewiseLinear
    >>> embedding = PiecewiseLinear(n_bins=4)
    >>> embedding
    PiecewiseLinear(n_bins=4)
    >>> arrays = embedding.start(np.random.RandomState(0), np.array([3.0, 1.0, 2.0, 5.0, 4.0]), np.ones(5))
    >>> arrays["embedding_bins_"]
    array([1., 2., 3., 4., 5.])
    """

    _parameter_constraints = {
        "n_bins": [Interval(Integral, 1, 10**9, closed="both")],
        "n_outputs": [Interval(Integral, 1, MOST_NUMBERS, closed="both")],
        "columns": Embedding.columns_constraint,
    }
    vectors: ClassVar[tuple[EmbeddingVector, ...]] = (
        EmbeddingVector("embedding_slopes_", True),
        EmbeddingVector("embedding_intercepts_", True),
        EmbeddingVector("embedding_coefs_", True),
        EmbeddingVector("embedding_bins_", False),
    )
    embed: Kernel = staticmethod(_piecewise_linear_embed)
    differentiate: Kernel = staticmethod(_piecewise_linear_differentiate)

    def __init__(self, n_bins: int = 16, n_outputs: int = 8, columns: ArrayLike = "auto") -> None:
        self.n_bins = n_bins
        self.n_outputs = n_outputs
        self.columns = columns

    def start(self, rng: np.random.RandomState, values: Float64s, weights: Float64s) -> dict[str, Float64s]:
        """Return the arrays of one column, see :meth:`Embedding.start`; its training values give the bins."""
        edges = quantile_edges(values, self.n_bins, weights)
        largest = 1.0 / math.sqrt(self.n_outputs)
        return {
            "embedding_slopes_": rng.uniform(-largest, largest, self.n_outputs),
            "embedding_intercepts_": rng.uniform(-largest, largest, self.n_outputs),
            "embedding_coefs_": np.zeros((edges.size - 1, self.n_outputs)),
            "embedding_bins_": edges,
        }

    def bound(self, norm: float, n_columns: int, largest_parameter_norm: float) -> float:
        """Return a bound on the outputs of a row, see :meth:`Embedding.bound`.

        The outputs of a column are the product of (x, 1, shares of the bins) and a matrix of all its parameters.
        """
        return math.hypot(norm, math.sqrt(1 + self.n_bins)) * largest_parameter_norm

    def to_onnx(self, op: OnnxGraph, x: str, arrays: Mapping[str, Sequence[Array]]) -> str:
        """Return a linear function of the columns and of the shares of their bins."""
        dtype = op.dtype
        slopes, intercepts = (np.stack(arrays[v.attribute]).astype(dtype) for v in self.vectors[:2])
        column = op.Unsqueeze(x, np.array([2]))
        outputs = op.Add(op.Mul(column, slopes), intercepts)
        n_columns, n_bins = len(slopes), max(len(coefs) for coefs in arrays["embedding_coefs_"])
        if n_bins:
            # columns with fewer bins than others have some without effect
            edges, coefs = np.zeros((n_columns, n_bins), dtype), np.zeros((n_columns, n_bins, self.n_outputs), dtype)
            inverse_widths = np.zeros_like(edges)
            pairs = zip(arrays["embedding_bins_"], arrays["embedding_coefs_"], strict=True)
            for i, (bins, of_bins) in enumerate(pairs):
                widths = np.maximum(np.diff(bins.astype(dtype)), np.finfo(dtype).tiny)
                edges[i, : widths.size], inverse_widths[i, : widths.size] = bins[:-1], 1 / widths
                coefs[i, : widths.size] = of_bins
            shares = op.Min(op.Max(op.Mul(op.Sub(column, edges), inverse_widths), 0.0), 1.0)
            by_column = op.MatMul(op.Transpose(shares, perm=[1, 0, 2]), coefs)
            outputs = op.Add(outputs, op.Transpose(by_column, perm=[1, 0, 2]))
        return op.Reshape(outputs, np.array([0, n_columns * self.n_outputs]))
