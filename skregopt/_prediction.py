"""The Python side of a prediction: compiled code on tiles of rows, on several threads if wanted."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from queue import SimpleQueue

import numpy as np

from . import _engine, _workspace
from ._compiled import compiled
from ._thinning import thin
from ._threads import single_blas_thread

_BLOCK_ROWS = 1 << 16  # a signal waits until so many are done
_SMALL_TILE = 1 << 16  # elements of the buffers that are kept for the next prediction
_SMALL_PRODUCT = 1 << 13  # multiplications up to which no OpenBLAS uses threads (gemv: from 9216, gemm: from 262144)


class Network:
    """A fitted network, described to compiled code once for many predictions; several threads may use one.

    Parameters
    ----------
    model : Model
    theta : ndarray
        Parameters in the order of ``model.layout``.
    """

    def __init__(self, model, theta):
        self.model, self.theta = model, theta
        self._records = {}
        self._small_workspaces = []

    def record(self, is_sparse):
        """Return the compiled code's description of the network."""
        if is_sparse not in self._records:
            self._records[is_sparse] = self.model.record(is_sparse, "invert_link")
        return self._records[is_sparse]

    @contextmanager
    def workspaces(self, n, source, tile_size):
        """Yield ``n`` sets of buffers in a queue."""
        units = self.model.layout.units.tolist()
        is_small = n == 1 and not source.is_sparse and tile_size * sum(units) < _SMALL_TILE
        kept = None
        if is_small:
            with suppress(IndexError):  # none, or another thread has it
                kept = self._small_workspaces.pop()
        if kept is None or kept[0] != tile_size:
            kept = None
        free = SimpleQueue()
        for _ in range(n):
            free.put(
                kept[1] if kept else _workspace.new_workspace(units, self.model.dtype, tile_size, [(source, None)])
            )
        yield free
        if is_small:
            self._small_workspaces[:] = [(tile_size, free.get())]

    @contextmanager
    def predictor(self, source, n_threads):
        """Yield ``predict(theta, out)``, which fills ``out`` with the predictions by ``theta`` for all rows of X."""
        tile_size = _workspace.tile_rows(self.model.layout.units, source.n_rows, source.is_sparse)
        network, data = self.record(source.is_sparse).array, source.record(self.model.dtype).array
        predict_rows = compiled(_engine.predict, self.model.dtype)
        # whole tiles for each thread, so that their number changes no bit
        n_tiles = -(-source.n_rows // tile_size)
        n_threads = min(n_threads, n_tiles)
        n_rows = min(-(-n_tiles // n_threads), max(1, _BLOCK_ROWS // tile_size)) * tile_size
        threads = ThreadPoolExecutor(n_threads) if n_threads > 1 else nullcontext()
        is_small = tile_size * self.model.layout.n_weights <= _SMALL_PRODUCT
        one_blas_thread = nullcontext() if is_small else single_blas_thread()
        with self.workspaces(n_threads, source, tile_size) as free, one_blas_thread, threads as pool:

            def predict(theta, out):
                def predict_block(start):
                    work = free.get()
                    predict_rows(theta, network, data, work.array, start, out[start : start + n_rows])
                    free.put(work)

                apply = map if pool is None else pool.map
                for _ in apply(predict_block, range(0, source.n_rows, n_rows)):
                    pass

            yield predict


def predictions(network, source, n_threads):
    """Return predictions after the inverse link for all rows of X.

    Parameters
    ----------
    network : Network
    source : Source
        Of X.
    n_threads : int

    Returns
    -------
    ndarray of shape (n_rows, n_outputs), in the dtype of the network
    """
    out = np.empty((source.n_rows, network.model.layout.units[-1]), dtype=network.theta.dtype)
    with network.predictor(source, n_threads) as predict:
        predict(network.theta, out)
    return out


def predictions_of_draws(network, source, n_threads, rates, seed, n_draws):
    """Return mean and standard deviation of the predictions of networks thinned by dropout.

    Parameters
    ----------
    network, source, n_threads
        As in :func:`predictions`.
    rates : sequence of float
        Rates of dropout of the features and of each hidden layer.
    seed : int
        With the number of the draw, the key of the masks.
    n_draws : int

    Returns
    -------
    ndarray of shape (2, n_rows, n_outputs), in the dtype of the network
        Means and standard deviations; the latter have the divisor ``n_draws - 1``, and are 0 for a single draw.
    """
    layout, theta = network.model.layout, network.theta
    rates, seed = np.array(rates, dtype=np.float64), np.uint64(seed)
    thinned, drawn = np.empty_like(theta), np.empty((source.n_rows, layout.units[-1]), dtype=theta.dtype)
    mean, squares = np.zeros(drawn.shape), np.zeros(drawn.shape)
    next_network = compiled(thin, theta.dtype)
    with network.predictor(source, n_threads) as predict, np.errstate(over="ignore", invalid="ignore"):
        for draw in range(n_draws):
            next_network(theta, layout.units, layout.coef_starts, rates, seed, draw, thinned)
            predict(thinned, drawn)
            # the recurrence of B. P. Welford (1962), which neither keeps the draws nor cancels
            change = drawn - mean
            mean += change / (draw + 1)
            squares += change * (drawn - mean)
        return np.array([mean, np.sqrt(squares / max(1, n_draws - 1))], dtype=theta.dtype)
