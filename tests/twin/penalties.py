"""Penalties: value and proximal operator."""

import numpy as np
from scipy.optimize import brentq


def penalty_shares(penalty, l1_ratio=0.5):
    """Return the factors of the non-smooth term (the l1 norm or that of groups) and of ||W||_2^2 / 2."""
    shares = {None: (0, 0), "l1": (1, 0), "l2": (0, 1)}
    return shares.get(penalty, (l1_ratio, 1 - l1_ratio))


def groups_of(weights, features=None):
    """Return the rows of the first matrix that belong to each feature: one row each, unless the features are given."""
    features = np.arange(len(weights)) if features is None else np.array(features)
    return [features == feature for feature in np.unique(features)]


def penalty_value(coefs, penalty, alpha, l1_ratio=0.5, features=None):
    """Return alpha times the penalty of all weights."""
    l1, l2 = penalty_shares(penalty, l1_ratio)
    if penalty == "group_l1":
        groups = [coefs[0][rows] for rows in groups_of(coefs[0], features)]
        norm = sum(np.sqrt(group.size) * np.linalg.norm(group) for group in groups)
    else:
        norm = sum(np.abs(W).sum() for W in coefs)
    return alpha * (l1 * norm + l2 / 2 * sum((W**2).sum() for W in coefs))


def prox(weights, step_size, penalty, alpha, l1_ratio=0.5, layer=0, features=None):
    """Return argmin_x sum (x - weights)^2 / (2 step_size) + alpha * non-smooth part of the penalty of x."""
    strength = alpha * penalty_shares(penalty, l1_ratio)[0]
    if strength == 0:  # a step size may be infinite
        return weights
    if penalty != "group_l1":
        return np.sign(weights) * np.maximum(np.abs(weights) - strength * step_size, 0)
    if layer > 0:
        return weights
    found = np.empty_like(weights)
    for rows in groups_of(weights, features):
        u, step_sizes = weights[rows].ravel(), step_size[rows].ravel()
        found[rows] = prox_of_row(u, step_sizes, strength * np.sqrt(u.size)).reshape(weights[rows].shape)
    return found


def prox_of_row(u, step_size, strength):
    """Return argmin_x sum (x - u)^2 / (2 step_size) + strength ||x||, for finite step sizes above 0, or all 0."""
    if not np.any(step_size):
        return u
    d = 1 / step_size
    if np.linalg.norm(d * u) <= strength:
        return np.zeros_like(u)
    if strength == 0:
        return u
    # the norm of x is where d u / (d norm + strength) has length one
    norm = brentq(
        lambda norm: np.linalg.norm(d * u / (d * norm + strength)) - 1, 0, np.linalg.norm(u), xtol=1e-300, rtol=1e-15
    )
    return d * u * norm / (d * norm + strength)
