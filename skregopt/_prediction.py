"""The Python side of a prediction: compiled code on tiles of rows, on several threads if wanted."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from . import _engine, _passes
from ._compiled import compiled
from ._threads import single_blas_thread

_BLOCK_ROWS = 1 << 16  # a signal waits until so many are done


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
    units = model.layout.units.tolist()
    tile_size = _passes.tile_rows(units, source.n_rows, source.is_sparse)
    out = np.empty((source.n_rows, units[-1]), dtype=theta.dtype)
    network, data = model.record(source.is_sparse, "invert_link"), source.record(theta.dtype)
    predict = compiled(_engine.predict, theta.dtype)
    # whole tiles for each thread, so that their number changes no bit
    n_tiles = -(-source.n_rows // tile_size)
    n_threads = min(n_threads, n_tiles)
    n_rows = min(-(-n_tiles // n_threads), max(1, _BLOCK_ROWS // tile_size)) * tile_size

    def predict_rows(start):
        work = _passes.new_workspace(units, theta.dtype, tile_size, [(source, None)])
        predict(theta, network.array, data.array, work.array, start, out[start : start + n_rows])

    with single_blas_thread():
        if n_threads == 1:
            for start in range(0, source.n_rows, n_rows):
                predict_rows(start)
        else:
            with ThreadPoolExecutor(n_threads) as pool:
                list(pool.map(predict_rows, range(0, source.n_rows, n_rows)))
    return out
