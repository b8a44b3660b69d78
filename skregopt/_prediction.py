"""The Python side of a prediction: compiled code on tiles of rows, on several threads if wanted."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from queue import SimpleQueue

import numpy as np

from . import _engine, _passes
from ._compiled import compiled
from ._thinning import thin
from ._threads import single_blas_thread

_BLOCK_ROWS = 1 << 16  # a signal waits until so many are done


@contextmanager
def _predictor(model, source, n_threads):
    """Yield ``predict(theta, out)``, which fills ``out`` with the predictions of a network for all rows of X."""
    units, dtype = model.layout.units.tolist(), model.dtype
    tile_size = _passes.tile_rows(units, source.n_rows, source.is_sparse)
    network, data = model.record(source.is_sparse, "invert_link"), source.record(dtype)
    predict_rows = compiled(_engine.predict, dtype)
    # whole tiles for each thread, so that their number changes no bit
    n_tiles = -(-source.n_rows // tile_size)
    n_threads = min(n_threads, n_tiles)
    n_rows = min(-(-n_tiles // n_threads), max(1, _BLOCK_ROWS // tile_size)) * tile_size
    workspaces = SimpleQueue()
    for _ in range(n_threads):
        workspaces.put(_passes.new_workspace(units, dtype, tile_size, [(source, None)]))

    with single_blas_thread(), ThreadPoolExecutor(n_threads) if n_threads > 1 else nullcontext() as pool:

        def predict(theta, out):
            def predict_block(start):
                work = workspaces.get()
                predict_rows(theta, network.array, data.array, work.array, start, out[start : start + n_rows])
                workspaces.put(work)

            apply = map if pool is None else pool.map
            for _ in apply(predict_block, range(0, source.n_rows, n_rows)):
                pass

        yield predict


def predictions(model, theta, source, n_threads):
    """Return predictions after the inverse link for all rows of X.

    Parameters
    ----------
    model : Model
    theta : ndarray
        Parameters in the order of ``model.layout``.
    source : Source
        Of X.
    n_threads : int

    Returns
    -------
    ndarray of shape (n_rows, n_outputs), in the dtype of ``theta``
    """
    out = np.empty((source.n_rows, model.layout.units[-1]), dtype=theta.dtype)
    with _predictor(model, source, n_threads) as predict:
        predict(theta, out)
    return out


def predictions_of_draws(model, theta, source, n_threads, rates, seed, n_draws):
    """Return mean and standard deviation of the predictions of networks thinned by dropout.

    Parameters
    ----------
    model, theta, source, n_threads
        As in :func:`predictions`.
    rates : sequence of float
        Rates of dropout of the features and of each hidden layer.
    seed : int
        With the number of the draw, the key of the masks.
    n_draws : int

    Returns
    -------
    ndarray of shape (2, n_rows, n_outputs), in the dtype of ``theta``
        Means and standard deviations; the latter have the divisor ``n_draws - 1``, and are 0 for a single draw.
    """
    layout = model.layout
    rates, seed = np.array(rates, dtype=np.float64), np.uint64(seed)
    thinned, drawn = np.empty_like(theta), np.empty((source.n_rows, layout.units[-1]), dtype=theta.dtype)
    mean, squares = np.zeros(drawn.shape), np.zeros(drawn.shape)
    next_network = compiled(thin, theta.dtype)
    with _predictor(model, source, n_threads) as predict, np.errstate(over="ignore", invalid="ignore"):
        for draw in range(n_draws):
            next_network(theta, layout.units, layout.coef_starts, rates, seed, draw, thinned)
            predict(thinned, drawn)
            # the recurrence of B. P. Welford (1962), which neither keeps the draws nor cancels
            change = drawn - mean
            mean += change / (draw + 1)
            squares += change * (drawn - mean)
        return np.array([mean, np.sqrt(squares / max(1, n_draws - 1))], dtype=theta.dtype)
