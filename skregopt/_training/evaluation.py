"""The loss of the rows trained on, after training: that of an epoch is met before its last update."""

from dataclasses import replace

import numpy as np

from .._engine import loop
from .._engine.job import Job, tile_rows
from .._engine.overflow import excludes_overflow, largest_raw_prediction
from .._engine.prediction import Predictor, largest_prediction
from ..losses import SquaredError

_ROWS_AT_ONCE = 1 << 14  # a signal waits until so many are done


def mean_loss(network, theta, rows):
    """Return the weighted mean loss of rows, dropout off, without penalty.

    Parameters
    ----------
    network : Network
    theta : ndarray
    rows : Rows

    Returns
    -------
    float
    """
    total = 0.0
    for start in range(0, rows.indices.size, _ROWS_AT_ONCE):
        part = replace(rows, indices=rows.indices[start : start + _ROWS_AT_ONCE])
        tile_size = tile_rows(network.layout, part.indices.size, rows.source.is_sparse)
        job = Job(network, theta, tile_size, trains=True)
        network.describe(job, rows.source.is_sparse)
        part.describe(job, "held_out")
        job.use("data_loss")
        job.add_buffers([(rows.source, part.indices)], n_targets=rows.y.shape[1], n_weights=rows.weights.shape[1])
        total += loop.validation_loss(theta, job.array)
        if not np.isfinite(total):
            break
    return total


def loss_of_best_constant(loss, rows):
    """Return the smallest mean loss that a constant prediction of rows has; None if the loss has no such number.

    Parameters
    ----------
    loss : Loss
    rows : Rows
    """
    y, weights = rows.y, rows.weights[:, 0]
    if rows.indices.size < len(y):
        y, weights = y[rows.indices], weights[rows.indices]
    y, weights = y.astype(np.float64, copy=False), weights.astype(np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        return loss.of_best_constant(y, weights / weights.sum())


def is_sound(network, theta, rows, quickly=False):
    """Tell whether weights are finite numbers that give rows a finite loss and finite predictions.

    A finite loss does not tell: a deviance takes z where the prediction is exp(z). Most networks need neither, because
    of a bound of all raw predictions, or by a look at them.

    Parameters
    ----------
    network : Network
    theta : ndarray
    rows : sequence of Rows
        The rows trained on; maybe others of the same X, which are held out.
    quickly : bool, default=False
        Whether to look at some rows only.

    Returns
    -------
    bool
    """
    trained, *_ = rows
    source, n_first = trained.source, trained.source.n_rows
    with np.errstate(over="ignore", invalid="ignore"):
        if excludes_overflow(network, theta, source.largest_norm()):
            return True
    if not np.all(np.isfinite(theta)):
        return False
    if quickly:
        n_first = _ROWS_AT_ONCE
        trained = replace(trained, indices=trained.indices[:_ROWS_AT_ONCE])
    indices = np.concatenate([part.indices for part in rows])
    raw = Predictor(replace(network, loss=SquaredError()), theta)  # whose inverse link leaves them as they are
    if largest_prediction(raw, source, indices, n_first) <= largest_raw_prediction(network):
        return True
    if not np.isfinite(mean_loss(network, theta, trained)):
        return False
    return bool(np.isfinite(largest_prediction(Predictor(network, theta), source, indices, n_first)))
