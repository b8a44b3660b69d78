"""What the transformers for tables refuse: errors name the column and say what to do."""

import datetime
import re
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

from skregopt.preprocessing import PiecewiseLinearEncoder, SmoothClipScaler, TabularEncoder

N = 4
ONES = np.ones(N)
DAYS = pd.date_range("2020", periods=N)
HOURS = pd.timedelta_range("1h", periods=N, freq="h")
DAY, HOUR = np.datetime64("2020-01-01"), np.timedelta64(1, "h")
NOON = datetime.time(12)
NUMERIC = [SmoothClipScaler(), PiecewiseLinearEncoder()]
ALL = [*NUMERIC, TabularEncoder()]

TIMES = {
    "pandas dates": (pd.DataFrame({"b": ONES, "a": DAYS}), "'a'", "dates"),
    "pandas dates alone": (pd.DataFrame({"a": DAYS}), "'a'", "dates"),
    "pandas dates with a zone": (pd.DataFrame({"a": DAYS.tz_localize("UTC")}), "'a'", "dates"),
    "pandas categories of dates": (pd.DataFrame({"a": pd.Categorical(DAYS)}), "'a'", "dates"),
    "pandas periods": (pd.DataFrame({"b": ONES, "a": pd.period_range("2020", periods=N, freq="D")}), "'a'", "dates"),
    "pandas durations": (pd.DataFrame({"a": HOURS}), "'a'", "durations"),
    "pandas objects": (pd.DataFrame({"a": pd.Series([HOUR, 1.0] * 2, dtype=object)}), "'a'", "durations"),
    "missing dates": (pd.DataFrame({"a": [pd.NaT] + [DAY] * (N - 1)}), "'a'", "dates"),
    "polars dates": (pl.DataFrame({"b": ONES, "a": DAYS.to_numpy()}), "'a'", "dates"),
    "polars durations": (pl.DataFrame({"b": ONES, "a": HOURS.to_numpy()}), "'a'", "durations"),
    "polars times of day": (pl.DataFrame({"b": ONES, "a": [NOON] * N}), "'a'", "times of day"),
    "array of dates": (np.full((N, 2), DAY), "0", "dates"),
    "array of durations": (np.full((N, 2), HOUR), "0", "durations"),
    "array of objects": (np.array([[1.0, HOUR]] * N, dtype=object), "1", "durations"),
}


@pytest.mark.parametrize("form", TIMES)
@pytest.mark.parametrize("encoder", ALL)
def test_times(encoder, form):
    X, name, kind = TIMES[form]
    with pytest.raises(TypeError, match=rf"(?s)column(\(s\))? {name}.* \(such as .*Make numbers of {kind}, such as"):
        encoder.fit(X)
    numbers = type(X)(dict.fromkeys(X.columns, ONES)) if hasattr(X, "columns") else np.ones(X.shape)
    encoder.fit(numbers)
    with pytest.raises(TypeError, match=rf"(?s)column(\(s\))? {name}.* \(such as .*Make numbers of {kind}, such as"):
        encoder.transform(X)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("encoder", ALL)
def test_infinity(encoder, value):
    message = r"Input X .*contains infinity or a value too large for dtype\('float64'\)"
    good, bad = np.zeros((N, 2)), np.zeros((N, 2))
    bad[2, 1] = value
    encoder.fit(good)
    for X in (bad, pd.DataFrame(bad), pl.DataFrame(bad), bad.astype(object)):
        with pytest.raises(ValueError, match=message):
            type(encoder)().fit(X)
    with pytest.raises(ValueError, match=message):
        encoder.transform(bad)


def test_sparse_columns_have_a_place_elsewhere():
    with pytest.raises(TypeError, match="leave the sparse columns to a ColumnTransformer"):
        TabularEncoder().fit(sp.csr_array(np.eye(3)))


def test_a_frame_without_columns():
    with pytest.raises(ValueError, match=re.escape("Found array with 0 feature(s) (shape=(3, 0))")):
        TabularEncoder().fit(pd.DataFrame(index=range(3)))


def test_infinity_in_a_named_column():
    X = pd.DataFrame({"a": ONES, "b": [1.0, np.inf, 2.0, 3.0]})
    for encoder in (TabularEncoder(), TabularEncoder(["b"])):
        with pytest.raises(ValueError, match=r"column 'b' contains infinity .* Replace it, by NaN for instance"):
            encoder.fit(X)


@pytest.mark.parametrize("encoder", ALL)
def test_containers(encoder):
    with pytest.raises(TypeError, match=r"(?i)sparse.*toarray"):
        encoder.fit(sp.csr_matrix(np.eye(3)))
    with pytest.raises(TypeError, match=r"LazyFrame, which has no rows yet. Pass X.collect\(\)"):
        encoder.fit(pl.DataFrame({"a": ONES}).lazy())
    with pytest.raises(ValueError, match="Reshape your data"):
        encoder.fit(ONES)
    for frame in (pd.DataFrame({"a": ONES}), pl.DataFrame({"a": ONES})):
        with pytest.raises(ValueError, match=re.escape("Found array with 0 sample(s) (shape=(0, 1))")):
            encoder.fit(frame[:0])
    with pytest.raises(ValueError, match="X has 2 features, but .* is expecting 1 feature"):
        encoder.fit(ONES[:, np.newaxis]).transform(np.ones((N, 2)))


@pytest.mark.parametrize("encoder", NUMERIC)
def test_strings_where_all_are_numbers(encoder):
    with pytest.raises(ValueError, match=r"X must hold numbers, but column\(s\) 'c' \(such as 'u'\) do not"):
        encoder.fit(pd.DataFrame({"a": ONES, "c": list("uvuv")}))


OTHERWISE = {
    "strings among numbers": (["1", 2, None, 4], r"holds both strings and numbers \(such as '1' and 4\).*to_numeric"),
    "lists": ([[1], [2], [3], [4]], r"holds collections \(such as \[1\]\).*a column of its own"),
    "tuples": ([(1,), (2,), (3,), (4,)], r"holds collections \(such as \(1,\)\).*a column of its own"),
    "complex numbers": ([1.0, 2j, 3.0, 4.0], r"holds complex numbers \(such as 2j\).*two columns"),
}


@pytest.mark.parametrize("case", OTHERWISE)
def test_objects(case):
    values, message = OTHERWISE[case]
    X = pd.DataFrame({"a": ONES, "b": pd.Series(values, dtype=object)})
    with pytest.raises(TypeError, match=f"Input X cannot be encoded: column 'b' {message}"):
        TabularEncoder().fit(X)
    array = X.to_numpy(object)
    with pytest.raises(TypeError, match=f"Input X cannot be encoded: column 1 {message}"):
        TabularEncoder().fit(array)


def test_complex_columns():
    with pytest.raises(TypeError, match="column 'a' holds complex numbers"):
        TabularEncoder().fit(pd.DataFrame({"a": [1j, 2.0]}))
    with pytest.raises(ValueError, match="Complex data not supported"):
        TabularEncoder().fit(np.array([[1j], [2.0]]))


def test_objects_that_are_numbers():
    values = [1, 2.5, Fraction(1, 4), np.float32(3), True, np.int8(4)]
    X = np.array([[value] for value in values], dtype=object)
    numbers = X.astype(float)
    np.testing.assert_array_equal(TabularEncoder().fit_transform(X), TabularEncoder().fit_transform(numbers))


KINDS = {
    "numbers": [1.0, 2.0, 3.0, np.nan],
    "strings": ["u", "v", "w", None],
    "categories": pd.Categorical([1, 2, 3, None]),
}


def test_columns_of_another_kind_than_in_fit():
    X = pd.DataFrame(KINDS)
    encoder = TabularEncoder().fit(X)
    with pytest.raises(ValueError, match=r"column 'numbers' holds strings \(such as 'u'\)\. In fit it held numbers"):
        encoder.transform(X.assign(numbers=X["strings"]))
    with pytest.raises(ValueError, match=r"column 'strings' holds numbers \(such as 1\), but in fit .* are strings"):
        encoder.transform(X.assign(strings=X["numbers"]))
    with pytest.raises(ValueError, match=r"column 'categories' holds strings \(such as 'u'\), but in fit .* numbers"):
        encoder.transform(X.assign(categories=X["strings"]))
    for name in KINDS:  # a column without a value is of no kind
        empty = encoder.transform(X.assign(**{name: pd.Series([None] * N, dtype=object)}))
        assert (empty[:, encoder.input_columns_ == X.columns.get_loc(name)][:, -1] == 1).all()


CHOICES = {
    "strings elsewhere": (None, r"column 'strings' holds strings \(such as 'u'\)\. Name it in categorical_features"),
    "strings beside": (["numbers"], "column 'strings' holds strings .* Name it in categorical_features"),
    "an unknown name": (["number"], r"categorical_features=\['number'\] must hold names .* none named 'number'"),
    "an index beyond": ([3], r"categorical_features=\[3\] must hold indices from 0 to 2 because X has 3 features"),
    "a negative index": ([-1], "must hold indices from 0 to 2 .*, but -1 is among them"),
    "a short mask": ([True, False], "is a mask of 2 columns, but X has 3 features"),
    "numbers": ([0.5], "must be 'from_dtype', None, or a list of indices, of names or of booleans"),
    "a mixture": ([0, "strings"], "must be 'from_dtype', None, or a list of indices, of names or of booleans"),
    "a matrix": ([[0]], "must be 'from_dtype', None, or a list of indices, of names or of booleans"),
    "another word": ("auto", "'categorical_features' parameter of TabularEncoder must be .*'from_dtype'.*Got 'auto'"),
}


@pytest.mark.parametrize("case", CHOICES)
def test_categorical_features(case):
    choice, message = CHOICES[case]
    with pytest.raises(ValueError, match=message):
        TabularEncoder(choice).fit(pd.DataFrame(KINDS))


def test_names_for_an_array():
    with pytest.raises(ValueError, match=r"holds names, but X has none\. Pass X as a data frame, or give indices"):
        TabularEncoder(["a"]).fit(np.eye(3))
    assert not TabularEncoder([]).fit(np.eye(3)).is_categorical_.any()


@pytest.mark.parametrize(
    ("parameters", "domain"),
    [
        ({"n_bins": 0}, r"'n_bins' .* an int in the range \[1, 1000000000\] or None. Got 0"),
        ({"max_categories": 0}, r"'max_categories' .* an int in the range \[1, inf\) or None. Got 0"),
        ({"min_frequency": 1.0}, r"'min_frequency' .* a float in the range \(0.0, 1.0\) or None. Got 1.0"),
        ({"min_frequency": 0}, r"'min_frequency' .* an int in the range \[1, inf\).* Got 0"),
    ],
)
def test_bad_parameters(parameters, domain):
    with pytest.raises(ValueError, match=domain):
        TabularEncoder(**parameters).fit(np.eye(3))
