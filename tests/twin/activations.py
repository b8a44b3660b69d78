"""Activations: value and derivative as functions of the pre-activation."""

import numpy as np
from scipy.special import expit, ndtr


def _sigmoid_derivative(z):
    return np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2


def _softplus(z):
    return np.logaddexp(0, z)


def _elu(scale, alpha):
    value = lambda z: scale * np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))  # noqa: E731
    return value, lambda z: scale * np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0)))


def _gelu_derivative(z):
    return ndtr(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def _mish_derivative(z):
    return np.tanh(_softplus(z)) + z * expit(z) / np.cosh(_softplus(z)) ** 2


ACTIVATIONS = {
    "identity": (lambda z: z, np.ones_like),
    "logistic": (expit, _sigmoid_derivative),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, 1.0, 0.0)),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1.0, 0.01)),
    "elu": _elu(1, 1),
    "selu": _elu(1.0507009873554804934193349852946, 1.6732632423543772848170429916717),
    "gelu": (lambda z: z * ndtr(z), _gelu_derivative),
    "silu": (lambda z: z * expit(z), lambda z: expit(z) + z * _sigmoid_derivative(z)),
    "mish": (lambda z: z * np.tanh(_softplus(z)), _mish_derivative),
    "softplus": (_softplus, expit),
}
