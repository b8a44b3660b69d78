"""Weights of recipes by greedy selection on held-out rows, and what calibrates probabilities.

Caruana et al., "Ensemble selection from libraries of models", ICML 2004. Guo et al., "On calibration of modern neural
networks", ICML 2017.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

N_STEPS = 40  # of the greedy selection, each of which adds one recipe
BEND = 0.12  # where label smoothing is undone: how far the bend reaches that keeps probabilities above 0
ROWS_OF_PRIOR = 300  # as many held-out rows count as much as the prior, equal weights
_TINY = np.finfo(np.float64).tiny
_LONGEST_LOG_TEMPERATURE = np.log(20.0)


def greedy_weights(predictions, loss, n_rows, prior):
    """Return the weights of recipes, which sum to 1.

    Each step adds the recipe whose addition to the average lowers the loss most; a recipe may be added often. Few rows
    say little about which recipe is better, so that the selection has the share ``n_rows / (n_rows + 300)`` of the
    weights, and the prior the rest.

    Parameters
    ----------
    predictions : list of ndarray of shape (n_held_out, n_outputs)
        Of each recipe.
    loss : callable
        From predictions to a number, the less the better.
    n_rows : int
        How many rows the predictions are for.
    prior : ndarray of shape (n_recipes,)
        Weights without a look at predictions; they sum to 1.

    Returns
    -------
    ndarray of shape (n_recipes,)
    """
    total, counts = np.zeros_like(predictions[0], dtype=np.float64), np.zeros(len(predictions))
    for step in range(1, N_STEPS + 1):
        losses = [loss((total + added) / step) for added in predictions]
        best = int(np.argmin(losses))
        total += predictions[best]
        counts[best] += 1
    trust = n_rows / (n_rows + ROWS_OF_PRIOR)
    return trust * counts / N_STEPS + (1 - trust) * prior


def unsmoothed(probabilities, smoothing, axis):
    """Return the probabilities that a network trained with label smoothing stands for.

    Of K classes with the probabilities p, such a network learns q = (1 - smoothing) p + s, with s = smoothing / K. So p
    is proportional to q - s, and here to (q - s + sqrt((q - s)^2 + 0.12 s^2)) / 2: nearly the same where q is above s,
    never 0, and a larger q always gives a larger p.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_outputs)
    smoothing : float in [0, 1)
    axis : {1, None}
        As in :func:`log_tempered`.
    """
    share = smoothing / (2 if axis is None else probabilities.shape[1])
    parts = _above(probabilities, share)
    if axis is None:
        return parts / (parts + _above(1 - probabilities, share))
    return parts / parts.sum(axis=1, keepdims=True)


def _above(probabilities, share):
    difference = probabilities - share
    return (difference + np.sqrt(difference**2 + BEND * share**2)) / 2


def log_tempered(probabilities, temperature, axis):
    """Return logarithms of probabilities to the power 1 / temperature, normalised.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_outputs)
    temperature : float > 0
        Above 1 probabilities become less sure.
    axis : {1, None}
        1 normalises rows; None takes each element for the probability of a label.
    """
    logs = np.log(np.maximum(probabilities, _TINY)) / temperature
    if axis is None:
        others = np.log(np.maximum(1 - probabilities, _TINY)) / temperature
        return logs - np.logaddexp(logs, others)
    return logs - logsumexp(logs, axis=1, keepdims=True)


def best_temperature(probabilities, loss, axis):
    """Return the temperature with the least loss of held-out rows, between 1/20 and 20.

    Parameters
    ----------
    probabilities : ndarray of shape (n_held_out, n_outputs)
    loss : callable
        From probabilities to a number.
    axis : {1, None}
        As in :func:`log_tempered`.
    """
    found = minimize_scalar(
        lambda log: loss(np.exp(log_tempered(probabilities, np.exp(log), axis))),
        bounds=(-_LONGEST_LOG_TEMPERATURE, _LONGEST_LOG_TEMPERATURE),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(np.exp(found.x))
