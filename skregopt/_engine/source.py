"""Where the training loop gets rows of X from: dense or CSR, of any element type, without ever copying X whole.

A :class:`Source` describes X to compiled code by the addresses of its memory, so that the loop is compiled once for
all of them; the one function that knows the element type, the *loader*, gathers the rows of a tile and converts
them to the working precision on the way. It has the signature::

    load(descriptor, rows, dense, data, indices, indptr)

and fills ``dense`` (rows x features, flat) from a dense source, or ``data``, ``indices``, ``indptr`` (compressed
rows) from a sparse one. A source keeps its X alive; compiled code only reads.
"""

from functools import cache

import numpy as np
import scipy.sparse as sp
from numba import types

from .._kernels.jit import kernel, scalar_type, vector
from .._kernels.views import array_at, prefetch
from .records import DATA, DESCRIPTOR_SIZE, Record

# positions in a descriptor
IS_SPARSE, N_FEATURES, ADDRESS, ROW_STRIDE, COLUMN_STEP, INDICES_ADDRESS, INDPTR_ADDRESS = range(7)

ROWS_AHEAD = 4  # of a row that is loaded, one is asked for
ASKED_FOR = 512  # bytes of it, because the processor asks for what follows by itself
CACHE_LINE = 64  # bytes

_ELEMENTS = "?bhilqBHILQfd"


@cache
def _dense_loader(element):
    # `element` is a NumPy scalar type: as a closure cell it is part of numba's cache key
    def load(descriptor, rows, dense, data, indices, indptr):
        n_features, step = descriptor[1], descriptor[4]
        itemsize = array_at(descriptor[2], 1, element).itemsize
        n_bytes = min(ASKED_FOR, ((n_features - 1) * step + 1) * itemsize)
        for i in range(rows.size):
            # rows in random order are nowhere near each other: ask for some before they are needed
            ahead = descriptor[2] + rows[min(i + ROWS_AHEAD, rows.size - 1)] * descriptor[3]
            for offset in range(0, n_bytes, CACHE_LINE):
                prefetch(ahead + offset)
            address = descriptor[2] + rows[i] * descriptor[3]
            row = array_at(address, (n_features - 1) * step + 1, element)
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
    def load(descriptor, rows, dense, data, indices, indptr):
        n_rows, n_stored = descriptor[3], descriptor[4]
        all_starts = array_at(descriptor[6], n_rows + 1, index)
        all_indices = array_at(descriptor[5], n_stored, index)
        all_data = array_at(descriptor[2], n_stored, element)
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
    return types.void(integers, integers, vector(T), vector(T), integers, integers)


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
    descriptor : ndarray of int64
        What the loader needs to know.
    is_sparse : bool
    n_rows, n_features : int
    """

    def __init__(self, X):
        self.n_rows, self.n_features = X.shape
        self.is_sparse = sp.issparse(X)
        self.descriptor = np.zeros(DESCRIPTOR_SIZE, dtype=np.int64)
        self.descriptor[IS_SPARSE] = self.is_sparse
        self.descriptor[N_FEATURES] = self.n_features
        if self.is_sparse:
            self._describe_sparse(X)
        else:
            self._describe_dense(X)

    def _describe_dense(self, X):
        step, rest = divmod(X.strides[1], X.itemsize)
        if not (X.flags.aligned and X.dtype.isnative and rest == 0 and step >= 0):
            X = np.array(X, dtype=X.dtype.newbyteorder("="), order="C")
            step = 1
        self._arrays = (X,)
        self._loader = _dense_loader(X.dtype.type)
        self.descriptor[ADDRESS] = X.__array_interface__["data"][0]
        self.descriptor[ROW_STRIDE] = X.strides[0]
        self.descriptor[COLUMN_STEP] = 1 if self.n_features == 1 else step

    def _describe_sparse(self, X):
        X.check_format(full_check=True)  # compiled code follows indices without looking
        indptr, indices = X.indptr, X.indices
        if indptr.dtype != indices.dtype:
            indptr, indices = indptr.astype(np.int64), indices.astype(np.int64)
        self._arrays = tuple(np.ascontiguousarray(a) for a in (X.data, indices, indptr))
        data, indices, indptr = self._arrays
        self._loader = _sparse_loader(data.dtype.type, indices.dtype.type)
        self._row_lengths = np.diff(indptr)
        self.descriptor[ADDRESS] = data.__array_interface__["data"][0]
        self.descriptor[INDICES_ADDRESS] = indices.__array_interface__["data"][0]
        self.descriptor[INDPTR_ADDRESS] = indptr.__array_interface__["data"][0]
        # a sparse source uses the two stride fields for the number of rows and of stored elements
        self.descriptor[ROW_STRIDE] = self.n_rows
        self.descriptor[COLUMN_STEP] = data.size

    def loader(self, dtype):
        """Return the compiled loader into working precision ``dtype``."""
        return _compiled_loader(self._loader, np.dtype(dtype))

    def record(self, dtype, **rows):
        """Return the compiled code's description of X, and of ``rows``: other fields of DATA."""
        return Record(
            DATA, is_sparse=self.is_sparse, descriptor=self.descriptor, load=self.loader(dtype), **rows
        )  # fmt: skip

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


# what the loaders read as it is, that first into which anything else is to be converted
SUPPORTED_DTYPES = [np.float64, *(np.dtype(element).type for element in _ELEMENTS if element != "d")]
