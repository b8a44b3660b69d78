"""The scaler against its formula, and where numbers end."""

import math
import statistics

import numpy as np
import pytest

from skregopt.preprocessing import SmoothClipScaler

NAN = np.nan


def quantile(values, p):
    """Return a quantile as NumPy interpolates it."""
    values, place = sorted(values), p * (len(values) - 1)
    below = math.floor(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


def scaled(train, new):
    """Return a scaled column, by the formula in Python's floats."""
    present = [float(x) for x in train if not math.isnan(x)]
    if not present:
        return [NAN if math.isnan(x) else 0.0 for x in new]
    median, spread = statistics.median(present), quantile(present, 0.75) - quantile(present, 0.25)
    spread = spread or (max(present) - min(present)) / 2
    results = []
    for x in map(float, new):
        z = (x - median) / spread if spread else x * 0
        results.append(z / math.sqrt(1 + (z / 3) ** 2))
    return results


RNG = np.random.RandomState(0)
COLUMNS = {
    "normal": RNG.normal(size=101),
    "heavy tails": RNG.standard_cauchy(size=100) * 1e3,
    "large offset": 1e6 + RNG.normal(size=50) / 1e3,
    "with missing values": np.where(RNG.random_sample(60) < 0.3, NAN, RNG.normal(size=60)),
    "quartiles coincide": np.array([0.0] * 40 + [1.0] * 5 + [-7.0]),
    "two values": np.array([0.0, 1.0] * 10),
    "constant": np.full(9, 0.1),
    "constant and missing": np.array([NAN, 3.0, NAN, 3.0]),
    "missing": np.full(5, NAN),
    "one row": np.array([4.0]),
    "tiny": RNG.normal(size=30) * 1e-300,
    "large": RNG.normal(size=30) * 1e100,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", COLUMNS)
def test_formula(name, dtype):
    with np.errstate(over="ignore"):
        train = COLUMNS[name].astype(dtype)
    if np.isinf(train).any():
        pytest.skip("float32 has no such numbers")
    scaler = SmoothClipScaler().fit(train[:, np.newaxis])
    middle = float(scaler.center_[0])
    new = np.array([*train, NAN, middle, *(middle + np.array([-1.0, 1.0]) * (float(scaler.scale_[0]) or 1.0))], dtype)
    outputs = scaler.transform(new[:, np.newaxis])
    assert outputs.dtype == np.float32 and outputs.flags.c_contiguous
    np.testing.assert_allclose(outputs[:, 0], scaled(train, new), rtol=3e-7, atol=1e-37)


def test_columns_do_not_mix():
    columns = [column[:30] for column in COLUMNS.values() if column.size >= 30]
    outputs = SmoothClipScaler().fit_transform(np.stack(columns, axis=1))
    for j, column in enumerate(columns):
        np.testing.assert_allclose(outputs[:, j], scaled(column, column), rtol=3e-7, atol=1e-37)


@pytest.mark.parametrize("values", [np.arange(7), np.arange(7) % 2 == 0, np.arange(7, dtype=np.uint8)[::-1]])
def test_ints_and_bools(values):
    outputs = SmoothClipScaler().fit_transform(values[:, np.newaxis])
    np.testing.assert_allclose(outputs[:, 0], scaled(values, values), rtol=3e-7)


def test_ints_beyond_float32():
    values = 2**40 + np.arange(5)
    np.testing.assert_allclose(
        SmoothClipScaler().fit_transform(values[:, np.newaxis])[:, 0], scaled(range(5), range(5)), rtol=3e-7
    )


def test_fitted_attributes():
    X = np.array([[1.0, 5.0, NAN, 0.0], [2.0, 5.0, NAN, 0.0], [4.0, NAN, NAN, 0.0], [9.0, 5.0, NAN, 8.0]])
    scaler = SmoothClipScaler().fit(X)
    np.testing.assert_array_equal(scaler.center_, [3.0, 5.0, 0.0, 0.0])
    np.testing.assert_array_equal(scaler.scale_, [3.5, 0.0, 0.0, 2.0])
    assert scaler.center_.dtype == scaler.scale_.dtype == np.float64


def test_results_stay_within_the_bound():
    """Whatever comes, also where float64 ends."""
    largest = np.finfo(float).max
    X = np.array([[-largest], [-1.0], [0.0], [1.0], [largest]])
    for train in (X, X[1:4], X[1:4] * 1e-300, X[[0, 0, 4, 4]], X[1:4] * 5e-324):
        outputs = SmoothClipScaler().fit(train).transform(X)[:, 0]
        assert np.isfinite(outputs).all() and np.abs(outputs).max() <= 3
        assert (np.diff(outputs) >= 0).all() and outputs[0] < outputs[-1]
    np.testing.assert_array_equal(SmoothClipScaler().fit(X[1:4]).transform(X)[[0, -1], 0], [-3, 3])


def test_new_values_of_a_constant_column():
    """They are 0: a network has never seen any other value there."""
    np.testing.assert_array_equal(SmoothClipScaler().fit([[2.0], [2.0]]).transform([[1e9], [2.0]]), 0)


def test_many_rows_are_encoded_like_one():
    X = RNG.normal(size=(40_000, 3))
    scaler = SmoothClipScaler().fit(X)
    outputs = scaler.transform(X)
    for i in (0, 1, 10_922, 10_923, 39_999):
        np.testing.assert_array_equal(scaler.transform(X[i : i + 1])[0], outputs[i])
