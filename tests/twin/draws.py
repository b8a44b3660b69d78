"""Random numbers: the order of rows and which units are dropped, functions of seed, epoch, row, layer and unit."""

import numpy as np


def mix(key, value):
    """Return SplitMix64's output number ``value + 1`` for the state ``key``."""
    z = (key + (value + 1) * 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


def random_bits(key, index):
    """Return 32 bits: an invertible hash of the index, keyed with the halves of a 64-bit key."""
    h = (index * 0x9E3779B9 + key) % 2**32
    h = (h ^ h >> 16) * 0x7FEB352D % 2**32
    h ^= key >> 32
    h = (h ^ h >> 15) * 0x846CA68B % 2**32
    return h ^ h >> 16


def permutation(seed, epoch, n):
    """Return the order in which an epoch (counted from 0) visits n rows: Fisher-Yates."""
    order = list(range(n))
    key = mix(mix(seed, epoch), -1)
    for i in range(n - 1, 0, -1):
        j = random_bits(key, i) * (i + 1) // 2**32
        order[i], order[j] = order[j], order[i]
    return np.array(order)


def dropout_mask(seed, epoch, rows, layer, n_units, rate):
    """Return multipliers 0 and 1 / (1 - rate); layer -1 are the inputs."""
    mask = np.empty((len(rows), n_units))
    for i, row in enumerate(rows):
        key = mix(mix(mix(seed, epoch), int(row)), layer + 1)
        for unit in range(n_units):
            dropped = random_bits(key, unit) < int(rate * 2**32)
            mask[i, unit] = 0 if dropped else 1 / (1 - rate)
    return mask


def batch_masks(seed, epoch, rows, units, dropout, input_dropout):
    """Return the mask of the inputs and those of the hidden layers."""
    rates = list(dropout) if np.ndim(dropout) else [dropout] * (len(units) - 2)
    on_inputs = dropout_mask(seed, epoch, rows, -1, units[0], input_dropout)
    layers = enumerate(zip(units[1:-1], rates, strict=True))
    return on_inputs, [dropout_mask(seed, epoch, rows, k, n, rate) for k, (n, rate) in layers]
