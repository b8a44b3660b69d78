"""The naive twin's random numbers are random; that the compiled ones are the same shows in every fit."""

import numpy as np
import pytest
from twin.draws import dropout_mask, permutation


def test_orders_are_uniform():
    """All 24 orders of four rows are equally likely, over seeds and over epochs."""
    for keys in ([(seed, 0) for seed in range(4800)], [(7, epoch) for epoch in range(4800)]):
        orders = [tuple(permutation(*key, 4)) for key in keys]
        counts = np.unique(orders, axis=0, return_counts=True)[1]
        assert counts.size == 24
        assert ((counts - 200) ** 2 / 200).sum() < 49.7  # chi-square, 23 degrees, p = 0.001


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_masks_are_independent(rate):
    """Neighbouring units, rows, layers and epochs are dropped independently, at the given rate."""
    n_rows, n_units = 200, 100
    masks = {
        (epoch, layer): dropout_mask(3, epoch, range(n_rows), layer, n_units, rate) > 0
        for epoch, layer in [(0, -1), (0, 0), (1, 0)]
    }
    first = masks[0, 0]
    four_sigma = 4 / np.sqrt(first.size)
    for mask in masks.values():
        assert abs(mask.mean() - (1 - rate)) < four_sigma * np.sqrt(rate * (1 - rate))
    pairs = {
        "units": (first[:, 1:], first[:, :-1]),
        "rows": (first[1:], first[:-1]),
        "layers": (first, masks[0, -1]),
        "epochs": (first, masks[1, 0]),
    }
    for name, (a, b) in pairs.items():
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < four_sigma, name
