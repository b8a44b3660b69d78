"""Losses: inverse link, loss of each row, gradient of it with respect to raw predictions."""

import numpy as np
from scipy.special import expit, logsumexp, softmax, xlogy


def _sigmoid_loss(raw, y):
    return (np.logaddexp(0, raw) - y * raw).sum(axis=1)


def _squared_error(raw, y):
    return ((raw - y) ** 2 / 2).mean(axis=1)


def _half_poisson_deviance(raw, y):
    return (np.exp(raw) - y * raw + xlogy(y, y) - y).mean(axis=1)


def _focal_softmax(raw, y, gamma=2.0):
    p = softmax(raw, axis=1)
    return -(y * (1 - p) ** gamma * np.log(p)).sum(axis=1)


def _focal_softmax_gradient(raw, y, gamma=2.0):
    p = softmax(raw, axis=1)
    by_p = y * (gamma * (1 - p) ** (gamma - 1) * np.log(p) - (1 - p) ** gamma / p)
    return p * (by_p - (by_p * p).sum(axis=1, keepdims=True))  # the Jacobian of softmax: diag(p) - p p'


def _focal_sigmoid(raw, y, gamma=2.0):
    p = expit(raw)
    return -(y * (1 - p) ** gamma * np.log(p) + (1 - y) * p**gamma * np.log(1 - p)).sum(axis=1)


def _focal_sigmoid_gradient(raw, y, gamma=2.0):
    p = expit(raw)
    q = 1 - p
    yes = gamma * q ** (gamma - 1) * np.log(p) - q**gamma / p
    no = p**gamma / q - gamma * p ** (gamma - 1) * np.log(q)
    return (y * yes + (1 - y) * no) * p * q


def _huber(raw, y, delta=1.0):
    r = np.abs(raw - y)
    return np.where(r <= delta, r**2 / 2, delta * (r - delta / 2)).mean(axis=1)


def _pinball(levels):
    """Return loss and gradient for the level of each output."""

    def loss(raw, y):
        return np.where(y > raw, levels * (y - raw), (1 - levels) * (raw - y)).mean(axis=1)

    return loss, lambda raw, y: np.where(y > raw, -levels, 1.0 - levels) / y.shape[1]


def _half_gamma_deviance(raw, y):
    return (np.log(np.exp(raw) / y) + y / np.exp(raw) - 1).mean(axis=1)


QUANTILES = np.array([0.8, 0.3, 0.5])

LOSSES = {
    "focalsoftmax": (lambda raw: softmax(raw, axis=1), _focal_softmax, _focal_softmax_gradient),
    "focalsigmoid": (expit, _focal_sigmoid, _focal_sigmoid_gradient),
    "absolute_error": (
        lambda raw: raw,
        lambda raw, y: np.abs(raw - y).mean(axis=1),
        lambda raw, y: np.sign(raw - y) / y.shape[1],
    ),
    "huber": (lambda raw: raw, _huber, lambda raw, y: np.clip(raw - y, -1, 1) / y.shape[1]),
    "quantile": (lambda raw: raw, *_pinball(0.3)),
    # ascending in the order 0.3, 0.5, 0.8
    "quantiles": (lambda raw: np.sort(raw, axis=1)[:, [2, 0, 1]], *_pinball(QUANTILES)),
    "gamma": (np.exp, _half_gamma_deviance, lambda raw, y: (1 - y * np.exp(-raw)) / y.shape[1]),
    "softmax": (
        lambda raw: softmax(raw, axis=1),
        lambda raw, y: logsumexp(raw, axis=1) - (y * raw).sum(axis=1),
        lambda raw, y: softmax(raw, axis=1) - y,
    ),
    "sigmoid": (expit, _sigmoid_loss, lambda raw, y: expit(raw) - y),
    "squared_error": (lambda raw: raw, _squared_error, lambda raw, y: (raw - y) / y.shape[1]),
    "poisson": (np.exp, _half_poisson_deviance, lambda raw, y: (np.exp(raw) - y) / y.shape[1]),
}
