"""Cosines of trained frequencies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .._kernels.jit import jit
from .._kernels.sklearn_internals import Interval
from .._kernels.trigonometry import cos_of_turns, sin_of_turns
from .._kernels.typing import Array, Float64s, Kernel, OnnxGraph
from .._kernels.views import flat_view
from ._family import MOST_NUMBERS, Embedding, EmbeddingVector

TURN = 2.0 * math.pi  # radians
# Parameters of a column with k frequencies and m combinations of their cosines: frequencies (k), phases (k), weights
# (k, m), intercepts (m). Output 0 is x itself.


@jit
def _add_three_combinations(x, parameters, n_frequencies, coefs, outputs):
    """Add the cosines of all frequencies to the first three combinations.

    Two frequencies at a time, so that fewer sums are written and read again. Where one is left, it stands for the
    missing one, with the weight zero.
    """
    n_rows, zero, per_radian = x.size, x.dtype.type(0), x.dtype.type(1.0 / TURN)
    n_combinations, last = coefs.size // n_frequencies, n_frequencies - 1
    a, b = flat_view(outputs, n_rows, n_rows), flat_view(outputs, 2 * n_rows, n_rows)
    c = flat_view(outputs, 3 * n_rows, n_rows)
    for k in range(0, n_frequencies, 2):
        has_other, other = k < last, min(k + 1, last)
        frequency, phase = parameters[k], parameters[n_frequencies + k] * per_radian
        other_frequency, other_phase = parameters[other], parameters[n_frequencies + other] * per_radian
        first, second = k * n_combinations, other * n_combinations
        coef_a, coef_b, coef_c = coefs[first], coefs[first + 1], coefs[first + 2]
        other_a = coefs[second] if has_other else zero
        other_b = coefs[second + 1] if has_other else zero
        other_c = coefs[second + 2] if has_other else zero
        for i in range(n_rows):
            cosine = cos_of_turns(frequency * x[i] + phase)
            other_cosine = cos_of_turns(other_frequency * x[i] + other_phase)
            a[i] = (a[i] + coef_a * cosine) + other_a * other_cosine
            b[i] = (b[i] + coef_b * cosine) + other_b * other_cosine
            c[i] = (c[i] + coef_c * cosine) + other_c * other_cosine


def _periodic_embed(x, parameters, constants, outputs, saved, hyper):
    n_rows, per_radian = x.size, x.dtype.type(1.0 / TURN)
    n_combinations = outputs.size // n_rows - 1
    n_frequencies = (parameters.size - n_combinations) // (2 + n_combinations)
    coefs = flat_view(parameters, 2 * n_frequencies, n_frequencies * n_combinations)
    intercepts = flat_view(parameters, parameters.size - n_combinations, n_combinations)
    cosines = flat_view(outputs, 0, n_rows)  # until the copy of x takes the place
    for j in range(n_combinations):
        output = flat_view(outputs, (1 + j) * n_rows, n_rows)
        for i in range(n_rows):
            output[i] = intercepts[j]
    n_done = 0
    if n_combinations >= 3:
        _add_three_combinations(x, parameters, n_frequencies, coefs, outputs)
        n_done = 3
    for k in range(n_frequencies if n_done < n_combinations else 0):
        frequency, phase = parameters[k], parameters[n_frequencies + k] * per_radian
        for i in range(n_rows):
            cosines[i] = cos_of_turns(frequency * x[i] + phase)
        for j in range(n_done, n_combinations):
            output, coef = flat_view(outputs, (1 + j) * n_rows, n_rows), coefs[k * n_combinations + j]
            for i in range(n_rows):
                output[i] += coef * cosines[i]
    for i in range(n_rows):
        cosines[i] = x[i]


def _periodic_differentiate(x, parameters, constants, saved, deltas, gradient, hyper):
    T = x.dtype.type
    n_rows, per_radian = x.size, T(1.0 / TURN)
    n_combinations = deltas.size // n_rows - 1
    n_frequencies = (parameters.size - n_combinations) // (2 + n_combinations)
    first_coef, first_intercept = 2 * n_frequencies, parameters.size - n_combinations
    # Three combinations at a time share sine and cosine. Where fewer are left, the last one stands for the missing
    # ones, with the weight zero.
    last = n_combinations - 1
    for j in range(0, n_combinations, 3):
        has_b, has_c = j + 1 <= last, j + 2 <= last
        a = flat_view(deltas, (1 + j) * n_rows, n_rows)
        b = flat_view(deltas, (1 + min(j + 1, last)) * n_rows, n_rows)
        c = flat_view(deltas, (1 + min(j + 2, last)) * n_rows, n_rows)
        sum_a, sum_b, sum_c = T(0), T(0), T(0)
        for i in range(n_rows):
            sum_a += a[i]
            sum_b += b[i]
            sum_c += c[i]
        gradient[first_intercept + j] += sum_a
        if has_b:
            gradient[first_intercept + j + 1] += sum_b
        if has_c:
            gradient[first_intercept + j + 2] += sum_c
        for k in range(n_frequencies):
            frequency, phase = parameters[k], parameters[n_frequencies + k] * per_radian
            start = first_coef + k * n_combinations + j
            coef_a = parameters[start]
            coef_b = parameters[start + 1] if has_b else T(0)
            coef_c = parameters[start + 2] if has_c else T(0)
            sum_a, sum_b, sum_c, by_phase, by_frequency = T(0), T(0), T(0), T(0), T(0)
            for i in range(n_rows):
                turns = frequency * x[i] + phase
                cosine = cos_of_turns(turns)
                sum_a += a[i] * cosine
                sum_b += b[i] * cosine
                sum_c += c[i] * cosine
                slope = (coef_a * a[i] + coef_b * b[i] + coef_c * c[i]) * sin_of_turns(turns)
                by_phase += slope
                by_frequency += slope * x[i]
            gradient[start] += sum_a
            if has_b:
                gradient[start + 1] += sum_b
            if has_c:
                gradient[start + 2] += sum_c
            gradient[k] -= T(TURN) * by_frequency
            gradient[n_frequencies + k] -= by_phase


class Periodic(Embedding):
    """Cosines of trained frequencies, and the feature itself.

    A column x becomes ``n_outputs`` numbers, x and linear combinations of K cosines (K is ``n_frequencies``)::

        x,    c_j + sum_k W_kj cos(2 pi w_k x + b_k),   j = 1, ..., n_outputs - 1

    All numbers are trained, for each column its own. They start from w ~ N(0, frequency_scale^2), b uniform on
    [-pi, pi], W and c uniform on [-1/sqrt(K), 1/sqrt(K)].

    Periodic embeddings let a network fit functions that change fast along a feature. They suit smooth targets; for
    targets with steps see :class:`PiecewiseLinear`. Features should be scaled, to a standard deviation of about 1.

    Parameters
    ----------
    n_frequencies : int in [1, 1000000], default=16
        Number of cosines.
    frequency_scale : float in (0, 1e+30], default=0.1
        Standard deviation of the frequencies at the start, in periods per unit of the feature. It matters most: larger
        values fit faster changes, and noise.
    n_outputs : int in [2, 1000000], default=4
        Numbers that a column becomes, the column itself among them.
    columns : 'auto' or array-like, default='auto'
        Columns to embed: their indices, their names, or a mask of booleans. 'auto' takes all with more than two
        distinct training values. All other columns stay as they are.

    Notes
    -----
    The fitted estimator has lists with one array for each embedded column: ``embedding_frequencies_`` (K,),
    ``embedding_phases_`` (K,), in radians, ``embedding_coefs_`` (K, n_outputs - 1) and ``embedding_intercepts_``
    (n_outputs - 1,).

    Y. Gorishniy, I. Rubachev, A. Babenko, "On embeddings for numerical features in tabular deep learning", NeurIPS
    2022, in the form "PBLD" of D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong pre-tuned MLPs
    and boosted trees on tabular data", NeurIPS 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from skregopt.embeddings import Periodic
    >>> embedding = Periodic(n_frequencies=8, columns=[0, 2])
    >>> embedding
    Periodic(columns=[0, 2], n_frequencies=8)
    >>> arrays = embedding.start(np.random.RandomState(0), np.linspace(-1, 1, 20), np.ones(20))
    >>> arrays["embedding_coefs_"].shape
    (8, 3)
    """

    _parameter_constraints = {
        "n_frequencies": [Interval(Integral, 1, MOST_NUMBERS, closed="both")],
        "frequency_scale": [Interval(Real, 0, 1e30, closed="right")],
        "n_outputs": [Interval(Integral, 2, MOST_NUMBERS, closed="both")],
        "columns": Embedding.columns_constraint,
    }
    vectors: ClassVar[tuple[EmbeddingVector, ...]] = (
        EmbeddingVector("embedding_frequencies_", True),
        EmbeddingVector("embedding_phases_", True),
        EmbeddingVector("embedding_coefs_", True),
        EmbeddingVector("embedding_intercepts_", True),
    )
    embed: Kernel = staticmethod(_periodic_embed)
    differentiate: Kernel = staticmethod(_periodic_differentiate)

    def __init__(
        self,
        n_frequencies: int = 16,
        frequency_scale: float = 0.1,
        n_outputs: int = 4,
        columns: ArrayLike = "auto",
    ) -> None:
        self.n_frequencies = n_frequencies
        self.frequency_scale = frequency_scale
        self.n_outputs = n_outputs
        self.columns = columns

    def start(self, rng: np.random.RandomState, values: Float64s, weights: Float64s) -> dict[str, Float64s]:
        """Draw the numbers of one column, see :meth:`Embedding.start`; its values make no difference."""
        n_frequencies, n_combinations = self.n_frequencies, self.n_outputs - 1
        largest = 1.0 / math.sqrt(n_frequencies)
        return {
            "embedding_frequencies_": rng.normal(0.0, self.frequency_scale, n_frequencies),
            "embedding_phases_": rng.uniform(-math.pi, math.pi, n_frequencies),
            "embedding_coefs_": rng.uniform(-largest, largest, (n_frequencies, n_combinations)),
            "embedding_intercepts_": rng.uniform(-largest, largest, n_combinations),
        }

    def bound(self, norm: float, n_columns: int, largest_parameter_norm: float) -> float:
        """Return a bound on the outputs of a row, see :meth:`Embedding.bound`.

        The combinations of a column are the product of (cosines, 1), whose norm is at most sqrt(K + 1), and the matrix
        of its weights and intercepts. The angles are finite as long as the product of the two given norms is.
        """
        return norm + math.sqrt(self.n_frequencies + 1) * largest_parameter_norm

    def to_onnx(self, op: OnnxGraph, x: str, arrays: Mapping[str, Sequence[Array]]) -> str:
        """Return the columns and combinations of their cosines; Sin stands for Cos, which misses in float64."""
        dtype = op.dtype
        frequencies, phases, coefs, intercepts = (np.stack(arrays[v.attribute]).astype(dtype) for v in self.vectors)
        column = op.Unsqueeze(x, np.array([2]))
        turns = op.Add(op.Mul(column, frequencies), phases / dtype.type(TURN))
        rest = op.Abs(op.Sub(turns, op.Round(turns)))
        cosines = op.Sin(op.Mul(op.Sub(0.25, rest), TURN))
        combinations = op.MatMul(op.Transpose(cosines, perm=[1, 0, 2]), coefs)
        combinations = op.Add(op.Transpose(combinations, perm=[1, 0, 2]), intercepts)
        width = len(coefs) * self.n_outputs
        return op.Reshape(op.Concat(column, combinations, axis=2), np.array([0, width]))
