"""The job: the records and arrays that compiled code works on, for one fit or for the predictions of one thread."""

import numpy as np

from .._kernels.blas import SMALL_MATRIX
from .._kernels.memory import aligned_zeros
from .declaration import table
from .records import JOB, LOSS_ROWS, PROGRESS, STRIP, address, ordered

_RECORDS = {name: JOB[name] for name in JOB.names}
_PROGRESS = np.dtype(PROGRESS.descr)
MAX_TILE_ROWS = 512
MAX_TILE_ELEMENTS = 1 << 22


def tile_rows(layout, n_rows, is_sparse):
    """Return how many of ``n_rows`` are processed at once: fewer if the widest layer would make buffers large."""
    widest = max(layout.widths[1:] if is_sparse else layout.widths)
    return int(max(1, min(n_rows, MAX_TILE_ROWS, MAX_TILE_ELEMENTS // widest)))


class Job:
    """One record of JOB for compiled code, and the arrays whose addresses it holds.

    Parameters
    ----------
    network : Network
    theta : ndarray
        Gives the working precision.
    tile_size : int
        Rows that are processed at once.
    trains : bool, default=False
        Whether gradients are wanted.

    Attributes
    ----------
    array : ndarray of one JOB
        What compiled code takes.
    progress : record
        A view of its part of ``array``, whose fields are items, not attributes: they are quicker to reach.
    layer_buffers : list of ndarray
        Activations, and where there are some, deltas of the layers.
    """

    def __init__(self, network, theta, tile_size, trains=False):
        self.network, self.theta, self.tile_size, self.trains = network, theta, tile_size, trains
        self.dtype = theta.dtype
        self.array = np.zeros(1, JOB)
        self.progress = self.array["progress"].view(_PROGRESS)[0]
        self.layer_buffers = []
        self._arrays = {}
        self._others = []
        self._passes = set()

    def __getitem__(self, where):
        """Return the array of a field, such as ``job["update", "best"]``."""
        return self._arrays[where]

    def kept(self, array):
        """Keep an array alive as long as the job, and return its address."""
        self._others.append(array)
        return address(array)

    def layer_buffer(self, n_units):
        """Return the address of memory for one number of each row of a tile and unit of a layer."""
        self.layer_buffers.append(aligned_zeros(self.tile_size * n_units, self.dtype))
        return address(self.layer_buffers[-1])

    def set(self, record, **values):
        """Fill a record of the job; of arrays the addresses are stored. Fields that are not given become 0."""
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                self._arrays[record, name] = value
                values[name] = address(value)
        self.array[record][0] = ordered(_RECORDS[record], values)  # [0]: a row is filled quicker than an array

    def use(self, *passes):
        """Have passes compiled that the job calls, by their names."""
        self._passes.update(passes)
        # kept: two first fits may build the table at the same time, and the cache of tables keeps only one of the two
        self._arrays["passes"] = table(frozenset(self._passes), self.dtype)
        self.array["passes"] = address(self._arrays["passes"])

    def add_buffers(self, sources, n_rows=0, n_targets=0, n_weights=0):
        """Allocate the buffers for one tile; memory that is never touched costs address space only.

        Parameters
        ----------
        sources : list of (Source, rows)
            Where tiles will be loaded from, and of which rows (None for each once).
        n_rows : int
            Rows of an epoch.
        n_targets, n_weights : int
            Columns of y and of the weights.
        """
        tile_size, dtype = self.tile_size, self.dtype
        n_features = sources[0][0].n_features if any(not source.is_sparse for source, _ in sources) else 0
        n_stored = max(source.tile_elements(tile_size, rows) for source, rows in sources)
        n_inputs = max(tile_size * n_features, n_stored)
        n_strips = -(-tile_size // LOSS_ROWS)
        self.set(
            "buffers",
            tile_size=tile_size,
            strips=np.zeros(n_strips, STRIP),
            order=np.empty(n_rows, dtype=np.int64),
            positions=np.empty(tile_size, dtype=np.int64),
            rows=np.empty(tile_size, dtype=np.int64),
            n_inputs=n_inputs,
            inputs=aligned_zeros(n_inputs, dtype),
            n_stored=n_stored,
            indices=np.empty(n_stored, dtype=np.int64),
            indptr=np.empty(tile_size + 1, dtype=np.int64),
            y=aligned_zeros(tile_size * n_targets, dtype),
            weights=aligned_zeros(tile_size * n_weights, dtype),
            n_weights=n_weights,
            losses=np.zeros(n_strips),
            transposed=aligned_zeros(n_strips * SMALL_MATRIX if self.trains else 0, dtype),
        )
