"""The Python side of a prediction: compiled code on tiles of rows, on several threads if wanted."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress

import numpy as np

from .._kernels.threads import single_blas_thread
from . import loop, workspace
from .declarations import compiled
from .draws import thin

_BLOCK_ROWS = 1 << 16  # a signal waits until so many are done
_SMALL_TILE = 1 << 18  # elements of the buffers that are kept for the next prediction
_SMALL_PRODUCT = 1 << 13  # multiplications up to which no OpenBLAS uses threads (gemv: from 9216, gemm: from 262144)


class Predictor:
    """A fitted network, described to compiled code once for many predictions; several threads may use one.

    Parameters
    ----------
    network : Network
    theta : ndarray
        Parameters in the order of ``model.layout``.
    """

    def __init__(self, model, theta):
        self.model, self.theta = model, theta
        self.units = model.layout.units.tolist()
        self._records = {}
        self._small_workspace = []

    def record(self, is_sparse):
        """Return the compiled code's description of the network."""
        if is_sparse not in self._records:
            self._records[is_sparse] = self.model.record(is_sparse, "invert_link")
        return self._records[is_sparse]

    @contextmanager
    def predictor(self, source, n_threads):
        """Yield ``predict(theta, out)``, which fills ``out`` with the predictions by ``theta`` for all rows of X."""
        dtype, n_rows = self.model.dtype, source.n_rows
        tile_size = workspace.tile_rows(self.units, n_rows, source.is_sparse)
        network, data = self.record(source.is_sparse).array, source.record(dtype).array
        predict_rows = compiled(loop.predict, dtype)
        n_tiles = -(-n_rows // tile_size)
        n_threads = min(n_threads, n_tiles)
        # whole tiles for each thread, so that their number changes no bit
        block = min(-(-n_tiles // n_threads), max(1, _BLOCK_ROWS // tile_size)) * tile_size
        is_small = not source.is_sparse and n_threads == 1 and tile_size * sum(self.units) < _SMALL_TILE
        works = []
        if is_small:
            with suppress(IndexError):  # none is kept, or another thread has it
                kept_size, kept = self._small_workspace.pop()
                works += [kept] * (kept_size == tile_size)
        while len(works) < n_threads:
            works.append(workspace.new_workspace(self.units, dtype, tile_size, [(source, None)]))

        def predict(theta, out):
            def predict_block(start):
                work = works.pop()
                predict_rows(theta, network, data, work.array, start, out[start : start + block])
                works.append(work)

            apply = map if pool is None else pool.map
            deque(apply(predict_block, range(0, n_rows, block)), maxlen=0)

        needs_no_limit = tile_size * self.model.layout.n_weights <= _SMALL_PRODUCT
        with (
            nullcontext() if needs_no_limit else single_blas_thread(),
            ThreadPoolExecutor(n_threads) if n_threads > 1 else nullcontext() as pool,
        ):
            yield predict
        if is_small:
            self._small_workspace[:] = [(tile_size, *works)]


def predictions(network, source, n_threads):
    """Return predictions after the inverse link for all rows of X.

    Parameters
    ----------
    network : Predictor
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
