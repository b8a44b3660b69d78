"""The Python side of a prediction: compiled code on tiles of rows, on several threads if wanted."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress

import numpy as np

from .._kernels.blas_threads import single_blas_thread
from . import loop
from .blocks.dropout import thin
from .job import Job, tile_rows

_BLOCK_ROWS = 1 << 16  # a signal waits until so many are done
_SMALL_TILE = 1 << 18  # elements of the buffers that are kept for the next prediction
_SMALL_PRODUCT = 1 << 13  # multiplications up to which no OpenBLAS uses threads (gemv: from 9216, gemm: from 262144)


class Predictor:
    """A fitted network that predicts; several threads may use one.

    Parameters
    ----------
    network : Network
    theta : ndarray
        Parameters in the order of ``network.layout``.
    """

    def __init__(self, network, theta):
        self.network, self.theta = network, theta
        self._kept_jobs = []  # at most one, of a small dense tile, for the next prediction

    def _job(self, source, tile_size):
        """Return a job for rows of X, a kept one where there is one that fits."""
        if not source.is_sparse:
            with suppress(IndexError):  # none is kept, or another thread has it
                job = self._kept_jobs.pop()
                if job.tile_size == tile_size:
                    return job
        job = Job(self.network, self.theta, tile_size)
        self.network.describe(job, source.is_sparse)
        job.add_buffers([(source, None)])
        return job

    @contextmanager
    def predicting(self, source, n_threads):
        """Yield ``predict(theta, out)``, which fills ``out`` with the predictions by ``theta`` for all rows of X."""
        layout, n_rows = self.network.layout, source.n_rows
        tile_size = tile_rows(layout, n_rows, source.is_sparse)
        n_tiles = -(-n_rows // tile_size)
        n_threads = min(n_threads, n_tiles)
        # whole tiles for each thread, so that their number changes no bit
        block = min(-(-n_tiles // n_threads), max(1, _BLOCK_ROWS // tile_size)) * tile_size
        jobs = [self._job(source, tile_size) for _ in range(n_threads)]
        for job in jobs:
            job.set("held_out", source=source.fields, load=source.loader(job.dtype))

        def predict(theta, out):
            def predict_block(start):
                job = jobs.pop()
                loop.predict(theta, job.array, start, out[start : start + block])
                jobs.append(job)

            apply = map if pool is None else pool.map
            deque(apply(predict_block, range(0, n_rows, block)), maxlen=0)

        needs_no_limit = tile_size * layout.n_weights <= _SMALL_PRODUCT
        with (
            nullcontext() if needs_no_limit else single_blas_thread(),
            ThreadPoolExecutor(n_threads) if n_threads > 1 else nullcontext() as pool,
        ):
            yield predict
        if not source.is_sparse and n_threads == 1 and tile_size * sum(layout.widths) < _SMALL_TILE:
            self._kept_jobs[:] = jobs


def predictions(predictor, source, n_threads, both_sides=False):
    """Return predictions after the inverse link for all rows of X.

    Parameters
    ----------
    network : Predictor
    source : Source
        Of X.
    n_threads : int
    both_sides : bool, default=False
        Whether to predict two columns for each output: from minus the raw prediction, and from the raw prediction. For
        an odd link they are the probabilities of no and yes, neither of which is rounded as a difference from 1.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs) or (n_rows, 2 * n_outputs), in the dtype of the network
    """
    out = _empty_predictions(predictor, source, both_sides)
    with predictor.predicting(source, n_threads) as predict:
        predict(predictor.theta, out)
    return out


def largest_prediction(predictor, source, rows, n_first):
    """Return the largest absolute prediction for some rows of X; NaN or infinite if one of them is.

    Parameters
    ----------
    predictor : Predictor
    source : Source
        Of X.
    rows : ndarray of int64
        The rows that count. Rows between them are predicted, too, which is quicker than to gather these.
    n_first : int
        Only so many rows at the beginning of X are looked at.

    Returns
    -------
    float
    """
    layout, n_rows, largest = predictor.network.layout, min(source.n_rows, n_first), 0.0
    counts = np.zeros(source.n_rows, dtype=bool)
    counts[rows] = True
    job = predictor._job(source, tile_rows(layout, n_rows, source.is_sparse))
    job.set("held_out", source=source.fields, load=source.loader(job.dtype))
    for start in range(0, n_rows, job.tile_size):
        stop = min(start + job.tile_size, n_rows)
        out = np.empty((stop - start, layout.units[-1]), dtype=job.dtype)
        loop.predict(predictor.theta, job.array, start, out)
        of_tile = float(np.abs(out[counts[start:stop]]).max(initial=0.0))
        if not np.isfinite(of_tile):
            return of_tile
        largest = max(largest, of_tile)
    return largest


def _empty_predictions(predictor, source, both_sides):
    n_columns = predictor.network.layout.units[-1] * (2 if both_sides else 1)
    return np.empty((source.n_rows, n_columns), dtype=predictor.theta.dtype)


def predictions_of_draws(predictor, source, n_threads, both_sides, rates, seed, n_draws):
    """Return mean and standard deviation of the predictions of networks thinned by dropout.

    Parameters
    ----------
    predictor, source, n_threads, both_sides
        As in :func:`predictions`.
    rates : sequence of float
        Rates of dropout of the features and of each hidden layer.
    seed : int
        With the number of the draw, the key of the masks.
    n_draws : int

    Returns
    -------
    ndarray of shape (2, n_rows, n_outputs or 2 * n_outputs), in the dtype of the network
        Means and standard deviations; the latter have the divisor ``n_draws - 1``, and are 0 for a single draw.
    """
    layout, features, theta = predictor.network.layout, predictor.network.features, predictor.theta
    rates, seed = np.array(rates, dtype=np.float64), np.uint64(seed)
    thinned, drawn = np.empty_like(theta), _empty_predictions(predictor, source, both_sides)
    mean, squares = np.zeros(drawn.shape), np.zeros(drawn.shape)
    with predictor.predicting(source, n_threads) as predict, np.errstate(over="ignore", invalid="ignore"):
        for draw in range(n_draws):
            thin(theta, layout.units, layout.coef_starts, features, rates, seed, draw, thinned)
            predict(thinned, drawn)
            # the recurrence of B. P. Welford (1962), which neither keeps the draws nor cancels
            change = drawn - mean
            mean += change / (draw + 1)
            squares += change * (drawn - mean)
        return np.array([mean, np.sqrt(squares / max(1, n_draws - 1))], dtype=theta.dtype)
