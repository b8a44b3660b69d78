"""Shares of bins against their formula, and the edges of bins."""

import math

import numpy as np
import pytest
from twin.embeddings import edges_of_bins

from skregopt.embeddings import PiecewiseLinear
from skregopt.preprocessing import PiecewiseLinearEncoder

NAN = np.nan
RNG = np.random.RandomState(0)


def edges_of(column, n_bins):
    """Return the edges of bins as the twin of the trained embedding has them."""
    values = column[~np.isnan(column)].tolist()
    return edges_of_bins(values, [1] * len(values), n_bins) if values else []


def shares(x, edges, is_open=False):
    """Return the shares of bins of one number, by the formula in Python's floats."""
    results = []
    for b in range(len(edges) - 1):
        share = (x - edges[b]) / (edges[b + 1] - edges[b])
        if not math.isnan(share):
            share = share if is_open and b == 0 else max(share, 0.0)
            share = share if is_open and b == len(edges) - 2 else min(share, 1.0)
        results.append(share)
    return results


COLUMNS = {
    "normal": RNG.normal(size=101),
    "large offset": 1e6 + RNG.normal(size=200) / 1e3,
    "with missing values": np.where(RNG.random_sample(60) < 0.3, NAN, RNG.normal(size=60)),
    "ties": np.array([0.0] * 70 + list(range(1, 20)) + [30.0] * 11),
    "two values": np.array([0.0, 1.0] * 10),
    "whole numbers": RNG.randint(0, 9, 80).astype(float),
    "few rows": np.array([3.0, 1.0, 2.0]),
    "constant": np.full(9, 0.1),
    "missing": np.full(5, NAN),
}


@pytest.mark.parametrize("extrapolation", ["constant", "linear"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_bins", [1, 2, 16, 1000])
@pytest.mark.parametrize("name", COLUMNS)
def test_formula(name, n_bins, dtype, extrapolation):
    train = COLUMNS[name].astype(dtype)
    encoder = PiecewiseLinearEncoder(n_bins, extrapolation=extrapolation).fit(train[:, np.newaxis])
    (edges,) = encoder.bin_edges_
    assert edges.dtype == np.float64 and edges.tolist() == edges_of(train, n_bins)
    new = np.append(train, [NAN, 0.25, *(edges[:1] - 1), *(edges[-1:] + 2)]).astype(dtype)
    outputs = encoder.transform(new[:, np.newaxis])
    assert outputs.dtype == np.float32 and outputs.flags.c_contiguous
    expected = [shares(float(x), edges.tolist(), extrapolation == "linear") for x in new]
    np.testing.assert_allclose(outputs, np.reshape(expected, outputs.shape), rtol=2e-7)


@pytest.mark.parametrize("n_bins", [1, 2, 3, 7, 16, 10**9])
@pytest.mark.parametrize("name", ["normal", "ties", "two values", "few rows", "constant"])
def test_edges_are_those_of_the_trained_embedding(name, n_bins):
    values = COLUMNS[name]
    arrays = PiecewiseLinear(n_bins, 1).start(np.random.RandomState(0), values, np.ones(values.size))
    (edges,) = PiecewiseLinearEncoder(n_bins).fit(values[:, np.newaxis]).bin_edges_
    np.testing.assert_array_equal(edges, arrays["embedding_bins_"])


def test_columns_stand_one_behind_the_other():
    X = np.column_stack([COLUMNS[name][:20] for name in ("normal", "ties", "two values", "whole numbers")])
    for extrapolation in ("constant", "linear"):
        encoder = PiecewiseLinearEncoder(4, extrapolation=extrapolation).fit(X)
        alone = [clone.fit_transform(X[:, [j]]) for j in range(4) for clone in [PiecewiseLinearEncoder(4)]]
        np.testing.assert_array_equal(encoder.transform(X), np.hstack(alone))
        beyond = X + np.array([100, -100])[np.arange(20) % 2, np.newaxis]
        expected = [
            [share for x, edges in zip(row, encoder.bin_edges_, strict=True) for share in shares(
                x, edges.tolist(), extrapolation == "linear"
            )]
            for row in beyond
        ]  # fmt: skip
        np.testing.assert_allclose(encoder.transform(beyond), expected, rtol=2e-7)


def test_a_constant_column_has_no_output():
    X = np.column_stack([np.ones(4), np.arange(4.0), np.full(4, NAN)])
    encoder = PiecewiseLinearEncoder(2).fit(X)
    np.testing.assert_array_equal(encoder.transform(X), [[0, 0], [1, 0], [1, 0.5], [1, 1]])
    assert encoder.get_feature_names_out().tolist() == ["x1_bin_0", "x1_bin_1"]
    assert [edges.size for edges in encoder.bin_edges_] == [1, 3, 0]
    only_constants = PiecewiseLinearEncoder().fit(X[:, [0, 2]])
    assert only_constants.transform(X[:, [0, 2]]).shape == (4, 0)


@pytest.mark.parametrize("values", [np.arange(7), np.arange(7) % 2 == 0, np.arange(7, dtype=np.uint8)])
def test_ints_and_bools(values):
    encoder = PiecewiseLinearEncoder(3)
    outputs = encoder.fit_transform(values[:, np.newaxis])
    edges = encoder.bin_edges_[0].tolist()
    np.testing.assert_allclose(outputs, [shares(float(x), edges) for x in values], rtol=2e-7)


def test_numbers_at_the_ends_of_float64():
    largest, smallest = np.finfo(float).max, np.finfo(float).smallest_subnormal
    for edges in ([-largest, 0.0, largest], [0.0, smallest, 2 * smallest], [-1e-300, 0.0, 1e300]):
        X = np.array(edges)[:, np.newaxis]
        outputs = PiecewiseLinearEncoder(2).fit_transform(X)
        np.testing.assert_array_equal(outputs, [[0, 0], [1, 0], [1, 1]])
        far = PiecewiseLinearEncoder(2, extrapolation="linear").fit(X).transform([[-largest], [largest]])
        assert np.isfinite(far).all()
    widest = PiecewiseLinearEncoder(1).fit([[-largest], [largest]])
    np.testing.assert_array_equal(widest.transform([[-largest], [largest]]), [[0], [1]])


def test_many_rows_are_encoded_like_one():
    X = RNG.normal(size=(5_000, 3))
    encoder = PiecewiseLinearEncoder().fit(X)
    outputs = encoder.transform(X)
    for i in (0, 1, 681, 682, 683, 4_999):
        np.testing.assert_array_equal(encoder.transform(X[i : i + 1])[0], outputs[i])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_bins": 0}, r"'n_bins' parameter of PiecewiseLinearEncoder must be an int in the range \[1, 1000000000\]"),
        ({"n_bins": 2.5}, "'n_bins' parameter .* Got 2.5 instead"),
        ({"extrapolation": "open"}, r"'extrapolation' .* must be a str among {'constant', 'linear'}. Got 'open'"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        PiecewiseLinearEncoder(**parameters).fit([[1.0], [2.0]])
