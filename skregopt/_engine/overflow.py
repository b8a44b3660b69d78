"""A bound on what a network computes: most networks cannot overflow, which is quicker to see than to try out."""

import math

import numpy as np

# far below the largest number, so that squares and sums of losses stay below it, too
_LARGEST = {np.dtype(np.float32): 1e15, np.dtype(np.float64): 1e100}


def excludes_overflow(network, theta, norm):
    """Tell whether weights are finite, and give finite predictions and losses of all rows with small enough norms.

    By the inequality of Cauchy and Schwarz, layer by layer: ``|W h + b| <= |W| |h| + |b|`` with Euclidean norms, and no
    part of theta has a larger norm than theta.

    Parameters
    ----------
    network : Network
    theta : ndarray
    norm : float
        Largest Euclidean norm of a row of X, or more.

    Returns
    -------
    bool
        False means that nothing is known.
    """
    largest = _LARGEST[theta.dtype]
    trained, running = theta[: network.layout.n_parameters], theta[network.layout.n_parameters :]
    trained, running = math.sqrt(trained.dot(trained)), math.sqrt(running.dot(running))
    for n_units, blocks in zip(network.layout.widths[1:], network.blocks, strict=True):
        for block in blocks:
            norm = block.bound(norm, n_units, trained, running)
            if not norm <= largest:  # NaN, too
                return False
    return norm <= largest_raw_prediction(network)


def largest_raw_prediction(network):
    """Return up to which absolute raw prediction loss and prediction are finite numbers; -1 if nothing is known."""
    growth = network.loss.growth
    if growth == "exponential":
        return math.log(np.finfo(network.dtype).max) / 2
    return _LARGEST[network.dtype] if growth == "polynomial" else -1.0
