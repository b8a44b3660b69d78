"""The memory that the rows of one tile need: how many rows that are, and the buffers for all layers."""

import numpy as np

from .._kernels.blas import SMALL_MATRIX
from .._kernels.memory import aligned_zeros
from .passes import LOSS_ROWS
from .records import WORK, Record

MAX_TILE_ROWS = 512
MAX_TILE_ELEMENTS = 1 << 22


def tile_rows(units, batch_size, is_sparse, batch_norm=False):
    """Return how many rows are processed at once: fewer if the widest layer would make buffers large.

    With batch normalisation a tile holds a whole batch, and one row more, which may be left over in an epoch.
    """
    if batch_norm:
        return int(batch_size) + 1
    widest = max(units[1:]) if is_sparse else max(units)
    return int(max(1, min(batch_size, MAX_TILE_ROWS, MAX_TILE_ELEMENTS // widest)))


def new_workspace(units, dtype, tile_size, sources, n_rows=0, n_targets=0, n_weights=0):
    """Allocate the buffers of one fit or prediction.

    Parameters
    ----------
    units : sequence of int
        Layer widths.
    dtype : numpy.dtype
    tile_size : int
        Most rows of a tile.
    sources : list of (Source, rows)
        Where tiles will be loaded from, and of which rows (None for each once).
    n_rows : int
        Rows of an epoch.
    n_targets, n_weights : int
        Columns of y and of the weights.

    Returns
    -------
    Record of WORK
    """
    n_units = int(sum(units[1:]))
    n_features = int(units[0]) if any(not source.is_sparse for source, _ in sources) else 0
    n_stored = max(source.tile_elements(tile_size, rows) for source, rows in sources)
    n_inputs = max(tile_size * n_features, n_stored)

    def floats(size):
        return aligned_zeros(int(size), dtype)

    def integers(size):
        return np.empty(int(size), dtype=np.int64)

    # memory that is not used is never touched, so it costs address space only
    names = ("activations", "saved", "multipliers", "dropped", "deltas", "normalised")
    layers = {name: floats(tile_size * n_units) for name in names}
    return Record(
        WORK,
        tile_size=tile_size,
        order=integers(n_rows),
        positions=integers(tile_size),
        rows=integers(tile_size),
        n_inputs=n_inputs,
        inputs=floats(n_inputs),
        n_stored=n_stored,
        indices=integers(n_stored),
        indptr=integers(tile_size + 1),
        y=floats(tile_size * n_targets),
        weights=floats(tile_size * n_weights),
        n_weights=n_weights,
        inverse_deviations=floats(n_units),
        norm_gradients=floats(2 * n_units),
        sums=np.zeros(2 * max(units[1:])),
        losses=np.zeros(-(-tile_size // LOSS_ROWS)),
        transposed=floats(-(-tile_size // LOSS_ROWS) * SMALL_MATRIX),
        **layers,
    )


def stacked(vectors, dtype):
    """Return vectors of different lengths as the rows of a matrix, padded with zeros."""
    matrix = np.zeros((len(vectors), max(len(vector) for vector in vectors)), dtype=dtype)
    for row, values in zip(matrix, vectors, strict=True):
        row[: len(values)] = values
    return matrix
