"""The encoder of tables: which outputs there are, and what is in them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import OneHotEncoder

from skregopt.preprocessing import PiecewiseLinearEncoder, SmoothClipScaler, TabularEncoder
from skregopt.preprocessing._columns import Unusable, _as_array

NAN = np.nan
TABLE = pd.DataFrame(
    {
        "age": [31.0, NAN, 25.0, 47.0, 31.0, 60.0],
        "color": ["red", "green", None, "blue", "red", "green"],
        "size": [1, 2, 3, 4, 5, 6],
        "smokes": [True, False, False, True, False, False],
        "sex": pd.Categorical(["m", "f", "f", None, "m", "f"], categories=["m", "x", "f"]),
    }
)
NAMES = [
    "age", "size", "smokes", "color_blue", "color_green", "color_red", "sex_m",
    "missingindicator_age", "missingindicator_color", "missingindicator_sex",
]  # fmt: skip
NEW = pd.DataFrame(
    {
        "age": [NAN, 500.0, 25.0],
        "color": ["pink", None, "blue"],
        "size": [NAN, 3.0, -4.0],
        "smokes": [True, True, False],
        "sex": ["x", None, "f"],
    }
)


def encoded(train, new):
    """Return the outputs for ``NEW``-like rows, value by value."""
    numbers = ["age", "size", "smokes"]
    medians = {"age": 31.0, "size": 3.5, "smokes": 0.0}
    filled = [frame[numbers].astype(float).fillna(medians).to_numpy() for frame in (train, new)]
    scaled = SmoothClipScaler().fit(train[numbers].astype(float).to_numpy()).transform(filled[1])
    rows = []
    for i, (_, row) in enumerate(new.iterrows()):
        colors = [float(row["color"] == color) for color in ("blue", "green", "red")]
        sex = {"f": -1.0, "m": 1.0}.get(row["sex"], 0.0)
        missing = [float(pd.isna(row[name])) for name in ("age", "color", "sex")]
        rows.append([*scaled[i], *colors, sex, *missing])
    return np.array(rows)


def test_outputs():
    encoder = TabularEncoder().fit(TABLE)
    assert encoder.get_feature_names_out().tolist() == NAMES
    for rows in (TABLE, NEW):
        outputs = encoder.transform(rows)
        assert outputs.dtype == np.float32 and outputs.flags.c_contiguous and not np.isnan(outputs).any()
        np.testing.assert_allclose(outputs, encoded(TABLE, rows), rtol=1e-6)
    np.testing.assert_array_equal(TabularEncoder().fit_transform(TABLE), encoder.transform(TABLE))


def test_fitted_attributes():
    encoder = TabularEncoder().fit(TABLE)
    np.testing.assert_array_equal(encoder.input_columns_, [0, 2, 3, 1, 1, 1, 4, 0, 1, 4])
    np.testing.assert_array_equal(encoder.numeric_outputs_, [0, 1, 2])
    np.testing.assert_array_equal(encoder.is_categorical_, [False, True, False, False, True])
    np.testing.assert_array_equal(encoder.missing_columns_, [0, 1, 4])
    assert encoder.category_groups_ == [{"blue": 0, "green": 1, "red": 2}, {"f": 0, "m": 1}]
    np.testing.assert_array_equal(encoder.scaler_.center_, [31.0, 3.5, 0.0])
    assert encoder.bin_encoder_ is None and encoder.n_features_in_ == 5
    assert encoder.feature_names_in_.tolist() == list(TABLE.columns)


def test_bins_stand_beside_scaled_numbers():
    encoder = TabularEncoder(n_bins=2).fit(TABLE)
    bins = ["age_bin_0", "age_bin_1", "size_bin_0", "size_bin_1", "smokes_bin_0"]
    assert encoder.get_feature_names_out().tolist() == [*NAMES[:3], *bins, *NAMES[3:]]
    np.testing.assert_array_equal(encoder.input_columns_, [0, 2, 3, 0, 0, 2, 2, 3, 1, 1, 1, 4, 0, 1, 4])
    np.testing.assert_array_equal(encoder.numeric_outputs_, [0, 1, 2])
    outputs, plain = encoder.transform(NEW), TabularEncoder().fit(TABLE).transform(NEW)
    np.testing.assert_array_equal(np.delete(outputs, np.s_[3:8], axis=1), plain)
    numbers = TABLE[["age", "size", "smokes"]].astype(float).to_numpy()
    filled = NEW[["age", "size", "smokes"]].astype(float).fillna({"age": 31.0, "size": 3.5}).to_numpy()
    np.testing.assert_array_equal(outputs[:, 3:8], PiecewiseLinearEncoder(2).fit(numbers).transform(filled))


@pytest.mark.parametrize("limits", [{}, {"max_categories": 4}, {"min_frequency": 6}, {"min_frequency": 0.08}])
def test_levels_are_grouped_as_by_scikit_learn(limits):
    counts = {"a": 3, "b": 20, "c": 5, "d": 9, "e": 6, "f": 40, "g": 1, "h": 9}
    rows = np.array([level for level, count in counts.items() for _ in range(count)], dtype=object)[:, np.newaxis]
    np.random.RandomState(0).shuffle(rows)
    given = {"max_categories": None, "min_frequency": None} | limits
    encoder, other = TabularEncoder(**given).fit(rows), OneHotEncoder(**given).fit(rows)
    np.testing.assert_array_equal(encoder.transform(rows), other.transform(rows).toarray())
    assert encoder.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()


def test_two_groups_are_one_output():
    """Also where infrequent levels are one of them."""
    rows = np.array([["a"]] * 8 + [["b"], ["c"]], dtype=object)
    encoder = TabularEncoder(max_categories=2).fit(rows)
    assert encoder.get_feature_names_out().tolist() == ["x0_infrequent_sklearn"]
    new = np.array([["a"], ["b"], ["c"], ["d"], [None]], dtype=object)
    np.testing.assert_array_equal(encoder.transform(new)[:, 0], [-1, 1, 1, 0, 0])


def test_thousands_of_levels():
    rng = np.random.RandomState(0)
    levels = (5000 * rng.random_sample(20_000) ** 2).astype(int)
    rows = np.char.add("level ", levels.astype(str)).astype(object)[:, np.newaxis]
    outputs = TabularEncoder().fit_transform(rows)
    assert outputs.shape == (20_000, 128)
    np.testing.assert_array_equal(outputs.sum(axis=1), 1)
    most = np.argsort(-np.bincount(levels), kind="stable")[:50]
    assert {f"x0_level {level}" for level in most} < set(TabularEncoder().fit(rows).get_feature_names_out())
    assert TabularEncoder(max_categories=None, min_frequency=None).fit(rows).input_columns_.size == len(set(levels))


def test_rare_levels_of_a_large_table():
    """By default a share of 1/10000, so nothing happens to a small one."""
    rows = np.array(["a"] * 30_000 + ["b"] * 9_990 + ["c", "d", "e", "e", "e", "e", "e", "e", "e"], dtype=object)
    assert set(TabularEncoder().fit(rows[:, np.newaxis]).category_groups_[0].values()) == {0, 1, 2, 3}
    assert TabularEncoder().fit(rows[:, np.newaxis]).category_groups_[0] == {"a": 0, "b": 1, "c": 3, "d": 3, "e": 2}
    assert TabularEncoder().fit(rows[-9:, np.newaxis]).category_groups_[0] == {"c": 0, "d": 1, "e": 2}


CONSTANT = {
    "numbers": ([5.0, 5.0, 5.0], ["x"], [[0], [0]], 7.0),
    "one level": (["a", "a", "a"], ["x_a"], [[0], [0]], "b"),
    "missing numbers": ([NAN] * 3, ["x"], [[0], [0]], 7.0),
    "nothing": ([None] * 3, ["missingindicator_x"], [[1], [0]], "b"),
    "one level or missing": (["a", None, "a"], ["x_a", "missingindicator_x"], [[0, 0], [0, 0]], "b"),
}


@pytest.mark.parametrize("case", CONSTANT)
def test_constant_columns(case):
    values, names, expected, other = CONSTANT[case]
    encoder = TabularEncoder().fit(pd.DataFrame({"x": values}))
    assert encoder.get_feature_names_out().tolist() == names
    np.testing.assert_array_equal(encoder.transform(pd.DataFrame({"x": [values[0], other]})), expected)


def test_columns_without_values_have_no_indicator():
    """It would be 1 in all rows of fit: its weights would be those of the intercept, and values in new rows a jump."""
    X = pd.DataFrame({"number": [NAN] * 3, "level": pd.Categorical([None] * 3), "kept": [1.0, NAN, 2.0]})
    encoder = TabularEncoder().fit(X)
    assert encoder.get_feature_names_out().tolist() == ["number", "kept", "missingindicator_kept"]
    later = X.assign(number=[1.0, 2.0, NAN], level=pd.Categorical(["a", "b", None]))
    np.testing.assert_array_equal(encoder.transform(later), encoder.transform(X))


def test_columns_of_several_values():
    polars = pytest.importorskip("polars")
    with pytest.raises(TypeError, match="column 'odd' h(as|olds)"):
        TabularEncoder().fit(polars.DataFrame({"odd": [{"a": 1, "b": 2}] * 3}))


def test_columns_that_become_no_array():
    class Series(pd.Series):
        def to_numpy(self, *args, **options):
            raise OSError("not here")

    with pytest.raises(Unusable, match=r"has the dtype float64, which has no counterpart in NumPy \(not here\)"):
        _as_array(Series([1.0, 2.0]))


def test_one_number():
    x = np.arange(5.0)[:, np.newaxis]
    np.testing.assert_array_equal(TabularEncoder().fit_transform(x), SmoothClipScaler().fit_transform(x))


def test_only_categories():
    X = pd.DataFrame({"a": list("xyxz"), "b": list("uuvv")})
    encoder = TabularEncoder(n_bins=4).fit(X)
    assert encoder.scaler_ is None and encoder.bin_encoder_ is None and encoder.numeric_outputs_.size == 0
    np.testing.assert_array_equal(encoder.transform(X), [[1, 0, 0, -1], [0, 1, 0, -1], [1, 0, 0, 1], [0, 0, 1, 1]])


def test_values_with_a_large_offset():
    """float32 would know no more than one sixteenth of them."""
    rng = np.random.RandomState(0)
    for offset, dtype in ((1e6, np.float64), (2**22, np.float32), (2**50, np.int64)):
        small = rng.randint(0, 9, size=(40, 2))
        outputs = TabularEncoder(n_bins=3).fit_transform((small + int(offset)).astype(dtype))
        np.testing.assert_array_equal(outputs, TabularEncoder(n_bins=3).fit_transform(small))


def test_names_are_distinct():
    X = pd.DataFrame({"a_b": [1.0, 2.0, 3.0], "a": ["b", "c", "d"]})
    assert TabularEncoder().fit(X).get_feature_names_out().tolist() == ["a_b", "a_b_", "a_c", "a_d"]
    assert TabularEncoder().fit(X.to_numpy()).get_feature_names_out(["u", "v"])[0] == "u"
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        TabularEncoder().fit(X).get_feature_names_out(["u", "v"])


def test_levels_of_numbers_are_named_as_they_are_written():
    X = np.array([[1.0, 0.5], [2.0, 1.5], [3.0, 2.5]])
    names = TabularEncoder([0, 1]).fit(X).get_feature_names_out()
    assert names.tolist() == ["x0_1", "x0_2", "x0_3", "x1_0.5", "x1_1.5", "x1_2.5"]


def test_order_of_levels_is_that_of_their_values():
    X = pd.DataFrame({"a": [10, 9, 2, 10], "b": list("zyxz")})
    encoder = TabularEncoder(["a", "b"]).fit(X)
    assert encoder.get_feature_names_out().tolist() == ["a_2", "a_9", "a_10", "b_x", "b_y", "b_z"]
    twin = TabularEncoder(["a", "b"]).fit(X[::-1])
    np.testing.assert_array_equal(encoder.transform(X), twin.transform(X))
