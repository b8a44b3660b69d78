"""Where the training loop gets rows of X from: dense or CSR, of any element type, without ever copying X whole.

A :class:`Source` describes X to compiled code by the addresses of its memory, so that the loop is compiled once for
all of them; the one function that knows the element type, the *loader*, gathers the rows of a tile and converts
them to the working precision on the way. It has the signature::

    load(source, rows, dense, data, indices, indptr)

and fills ``dense`` (rows x features, flat) from a dense source, or ``data``, ``indices``, ``indptr`` (compressed
rows) from a sparse one. A source keeps its X alive; compiled code only reads.
"""

import math
from functools import cache

import numpy as np
import scipy.sparse as sp
from numba import types

from .._kernels.jit import kernel, scalar_type, vector
from .._kernels.views import array_at, prefetch
from .records import SOURCE, address, ordered, source_type

ROWS_AHEAD = 4  # of a row that is loaded, one is asked for
ASKED_FOR = 512  # bytes of it, because the processor asks for what follows by itself
CACHE_LINE = 64  # bytes

_ELEMENTS = "?bhilqBHILQfd"


@cache
def _dense_loader(element):
    # `element` is a NumPy scalar type: as a closure cell it is part of numba's cache key
    def load(source, rows, dense, data, indices, indptr):
        n_features, step = source.n_features, source.column_step
        itemsize = array_at(source.values, 1, element).itemsize
        n_bytes = ((n_features - 1) * step + 1) * itemsize
        n_bytes = n_bytes if n_bytes < ASKED_FOR else ASKED_FOR
        for i in range(rows.size):
            # rows in random order are nowhere near each other: ask for some before they are needed
            later = i + ROWS_AHEAD if i + ROWS_AHEAD < rows.size else rows.size - 1
            ahead = source.values + rows[later] * source.row_stride
            for offset in range(0, n_bytes, CACHE_LINE):
                prefetch(ahead + offset)
            row = array_at(source.values + rows[i] * source.row_stride, (n_features - 1) * step + 1, element)
            start = i * n_features
            if step == 1:
                for j in range(n_features):
                    dense[start + j] = row[j]
            else:
                for j in range(n_features):
                    dense[start + j] = row[j * step]

    return load


@cache
def _sparse_loader(element, index):
    def load(source, rows, dense, data, indices, indptr):
        all_starts = array_at(source.indptr, source.n_rows + 1, index)
        all_indices = array_at(source.indices, source.n_stored, index)
        all_data = array_at(source.values, source.n_stored, element)
        position = 0
        indptr[0] = 0
        for i in range(rows.size):
            start = np.int64(all_starts[rows[i]])
            stop = np.int64(all_starts[rows[i] + 1])
            for j in range(start, stop):
                data[position] = all_data[j]
                indices[position] = all_indices[j]
                position += 1
            indptr[i + 1] = position

    return load


def loader_signature(T):
    """Return the signature of a loader for the working precision T."""
    integers = vector(types.int64)
    return types.void(source_type, integers, vector(T), vector(T), integers, integers)


@cache
def _compiled_loader(loader, dtype):
    return kernel(loader, loader_signature(scalar_type(dtype)))


class Source:
    """Rows of a validated X for compiled code.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features) or CSR matrix
        Boolean, integer, float32 or float64; may be read-only, memory-mapped, strided.

    Attributes
    ----------
    fields : tuple
        A record of SOURCE, what the loader needs to know.
    is_sparse : bool
    n_rows, n_features : int
    """

    def __init__(self, X):
        self.n_rows, self.n_features = X.shape
        self.is_sparse = sp.issparse(X)
        fields = self._describe_sparse(X) if self.is_sparse else self._describe_dense(X)
        fields |= {"is_sparse": self.is_sparse, "n_features": self.n_features}
        self.fields = ordered(SOURCE, fields)

    def _describe_dense(self, X):
        step, rest = divmod(X.strides[1], X.itemsize)
        if not (X.flags.aligned and X.dtype.isnative and rest == 0 and step >= 0):
            X = np.array(X, dtype=X.dtype.newbyteorder("="), order="C")
            step = 1
        self._arrays = (X,)
        self._loader = _dense_loader(X.dtype.type)
        step = 1 if self.n_features == 1 else step
        return {"values": address(X), "row_stride": X.strides[0], "column_step": step}

    def _describe_sparse(self, X):
        X.check_format(full_check=True)  # compiled code follows indices without looking
        indptr, indices = X.indptr, X.indices
        if indptr.dtype != indices.dtype:
            indptr, indices = indptr.astype(np.int64), indices.astype(np.int64)
        self._arrays = tuple(np.ascontiguousarray(a) for a in (X.data, indices, indptr))
        data, indices, indptr = self._arrays
        self._loader = _sparse_loader(data.dtype.type, indices.dtype.type)
        self._row_lengths = np.diff(indptr)
        where = {"values": address(data), "indices": address(indices), "indptr": address(indptr)}
        return where | {"n_rows": self.n_rows, "n_stored": data.size}

    def loader(self, dtype):
        """Return the compiled loader into working precision ``dtype``."""
        return _compiled_loader(self._loader, np.dtype(dtype))

    def column(self, index, rows):
        """Return the values of a column in some rows of a dense X."""
        return self._arrays[0][rows, index]

    def largest_norm(self):
        """Return the largest Euclidean norm of a row, or more."""
        values = self._arrays[0]
        if values.size == 0:
            return 0.0
        if values.dtype.kind == "f" and (values.flags.c_contiguous or values.flags.f_contiguous):
            # the norm of all rows together, in a single pass; rounding is no matter in a bound as coarse as this one
            values = (values if values.flags.c_contiguous else values.T).reshape(-1)
            square = float(values.dot(values))
            if np.isfinite(square):
                return math.sqrt(square)
        return max(float(values.max()), -float(values.min())) * math.sqrt(self.n_features)

    def tile_elements(self, tile_size, rows=None):
        """Return how many stored elements a tile of a sparse source can have at most; 0 for a dense source.

        Parameters
        ----------
        tile_size : int
        rows : ndarray of int64, default=None
            The rows that tiles are made of, possibly repeated; None for each row once.
        """
        if not self.is_sparse:
            return 0
        lengths = self._row_lengths if rows is None else self._row_lengths[rows]
        if tile_size >= lengths.size:
            return int(lengths.sum())
        return int(np.partition(lengths, -tile_size)[-tile_size:].sum())


# element types that the loaders read directly; all others are converted to the first one
SUPPORTED_DTYPES = [np.float64, *(np.dtype(element).type for element in _ELEMENTS if element != "d")]
