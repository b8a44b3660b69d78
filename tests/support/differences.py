"""Derivatives by central differences, to fourth order, and networks as vectors."""

from itertools import pairwise

import numpy as np


def along(function, theta, direction, h=1e-4):
    """Return the derivative of a scalar function in a direction."""
    near = function(theta + h * direction) - function(theta - h * direction)
    far = function(theta + 2 * h * direction) - function(theta - 2 * h * direction)
    return (8 * near - far) / (12 * h)


def central_differences(function, theta, h=1e-4):
    """Return the gradient of a scalar function."""
    return np.array([along(function, theta, direction, h) for direction in np.eye(theta.size)])


def flatten(coefs, intercepts):
    """Return weights and intercepts as one vector."""
    return np.concatenate([array.ravel() for array in (*coefs, *intercepts)])


def unflatten(theta, units):
    """Return weights and intercepts of a vector."""
    shapes = [*pairwise(units), *((width,) for width in units[1:])]
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    parts = np.split(theta, ends[:-1])
    arrays = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    return arrays[: len(units) - 1], arrays[len(units) - 1 :]


def away_from_zero(rng, size):
    """Draw numbers none of which is near zero."""
    return rng.choice([-1.0, 1.0], size=size) * rng.uniform(0.1, 0.9, size=size)
