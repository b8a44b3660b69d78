"""Tables in all containers and dtypes: the same values give the same outputs."""

import enum
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skregopt.preprocessing import PiecewiseLinearEncoder, SmoothClipScaler, TabularEncoder

NAN = np.nan

# name -> makes a column of strings or of numbers, with None for a missing value
LABELS = {
    "objects": lambda values: pd.Series(values, dtype=object),
    "objects with NaN": lambda values: pd.Series([NAN if v is None else v for v in values], dtype=object),
    "strings of pandas": lambda values: pd.Series(values, dtype="string"),
    "default strings of pandas": lambda values: pd.Series(values),
    "categories": lambda values: pd.Series(pd.Categorical(values)),
    "categories in another order": lambda values: pd.Series(pd.Categorical(values, list("zcba"))),
    "ordered categories": lambda values: pd.Series(pd.Categorical(values, list("bcax"), ordered=True)),
    "polars": lambda values: pl.Series(values),
    "categories of polars": lambda values: pl.Series(values, dtype=pl.Categorical),
    "enum of polars": lambda values: pl.Series(values, dtype=pl.Enum(list("xcab"))),
    "array": lambda values: np.array(values, dtype=object)[:, np.newaxis],
    "lists": lambda values: [[value] for value in values],
    "bytes": lambda values: pd.Series([v if v is None else v.encode() for v in values], dtype=object),
    "strings of NumPy": lambda values: pd.Series([v if v is None else np.str_(v) for v in values], dtype=object),
}
NUMBERS = {
    "float64": lambda values: pd.Series(values, dtype=float),
    "float32": lambda values: pd.Series(values, dtype=np.float32),
    "Float64": lambda values: pd.Series(values, dtype="Float64"),
    "Int64": lambda values: pd.Series(values, dtype="Int64"),
    "objects": lambda values: pd.Series(values, dtype=object),
    "objects with pandas.NA": lambda values: pd.Series([pd.NA if v is None else v for v in values], dtype=object),
    "decimals": lambda values: pd.Series([v if v is None else Decimal(v) for v in values], dtype=object),
    "sparse": lambda values: pd.Series(pd.arrays.SparseArray(np.array(values, float))),
    "polars": lambda values: pl.Series(values),
    "Float32 of polars": lambda values: pl.Series(values, dtype=pl.Float32),
    "Decimal of polars": lambda values: pl.Series(values).cast(pl.Decimal(10, 2)),
    "array": lambda values: np.array(values, dtype=float)[:, np.newaxis],
    "array of objects": lambda values: np.array(values, dtype=object)[:, np.newaxis],
    "lists": lambda values: [[value] for value in values],
}


def table(column):
    if isinstance(column, pl.Series):
        return pl.DataFrame({"x": column})
    return pd.DataFrame({"x": column}) if isinstance(column, pd.Series) else column


# names come and go between fit and new rows; scikit-learn 1.6 does not find those of polars
names_may_differ = pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")


def test_names_that_come_and_go():
    frame = table(NUMBERS["float64"]([3, None, 1]))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        TabularEncoder().fit(frame).transform(frame.to_numpy())
    with pytest.warns(UserWarning, match="X has feature names, but TabularEncoder was fitted without"):
        TabularEncoder().fit(frame.to_numpy()).transform(frame)


@names_may_differ
@pytest.mark.parametrize("of_new", LABELS)
@pytest.mark.parametrize("of_train", LABELS)
def test_labels(of_train, of_new):
    encoder = TabularEncoder().fit(table(LABELS[of_train](["b", "a", None, "c", "b"])))
    new = ["a", "b", None, "z" if of_new == "categories in another order" else "x"]
    outputs = encoder.transform(table(LABELS[of_new](new)))
    np.testing.assert_array_equal(outputs, [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]])


@names_may_differ
@pytest.mark.parametrize("of_new", NUMBERS)
@pytest.mark.parametrize("of_train", NUMBERS)
def test_numbers(of_train, of_new):
    train, new = [3, None, 1, 9, 4], [None, 7, 3]
    encoder = TabularEncoder(n_bins=2).fit(table(NUMBERS[of_train](train)))
    expected = TabularEncoder(n_bins=2).fit(np.array(train, float)[:, None]).transform(np.array(new, float)[:, None])
    np.testing.assert_array_equal(encoder.transform(table(NUMBERS[of_new](new))), expected)


@names_may_differ
@pytest.mark.parametrize("of_new", NUMBERS)
@pytest.mark.parametrize("of_train", NUMBERS)
def test_numbers_that_are_categories(of_train, of_new):
    """Such as 1 in an array of int and 1.0 in one of float."""
    encoder = TabularEncoder([0]).fit(table(NUMBERS[of_train]([3, None, 1, 9, 3])))
    outputs = encoder.transform(table(NUMBERS[of_new]([9, None, 4])))
    np.testing.assert_array_equal(outputs, [[0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]])


def test_levels_that_are_large_ints():
    """Which float64 does not tell apart."""
    ids = [2**60, 2**60 + 1, 2**60 + 2]
    for X in (np.array(ids)[:, np.newaxis], pd.DataFrame({"x": ids}), pd.DataFrame({"x": pd.array(ids, "Int64")})):
        np.testing.assert_array_equal(TabularEncoder([0]).fit_transform(X), np.eye(3))


def test_lists_of_numbers_and_strings():
    encoder = TabularEncoder().fit([["a", 1.0], ["b", 2.0]])
    assert encoder.get_feature_names_out().tolist() == ["x1", "x0_b"]


def test_bytes_are_strings():
    encoder = TabularEncoder().fit(np.array([["é"], ["ü"]]))
    np.testing.assert_array_equal(encoder.transform([["ü".encode()], ["é".encode()], [b"\xff"]]), [[1], [-1], [0]])


def test_categories_of_numbers():
    X = pd.DataFrame({"x": pd.Categorical([3, 1, None, 9], categories=[9, 7, 3, 1])})
    encoder = TabularEncoder().fit(X)
    assert encoder.get_feature_names_out().tolist() == ["x_1", "x_3", "x_9", "missingindicator_x"]
    for dtype in (float, "Int64", object):
        np.testing.assert_array_equal(encoder.transform(X.astype(dtype)), encoder.transform(X))


BOOLEANS = {
    "bool": pd.Series([True, False, False, True]),
    "boolean": pd.Series([True, False, None, True], dtype="boolean"),
    "objects": pd.Series([True, False, None, True], dtype=object),
    "NumPy's": pd.Series([np.True_, np.False_, NAN, np.True_], dtype=object),
    "polars": pl.Series([True, False, None, True]),
}


@pytest.mark.parametrize("form", BOOLEANS)
def test_booleans_are_numbers(form):
    encoder = TabularEncoder().fit(table(BOOLEANS[form]))
    expected = TabularEncoder().fit(np.array([[1.0], [0.0], [NAN if form != "bool" else 0.0], [1.0]]))
    numbers = pd.DataFrame({"x": [1.0, 0.0, NAN]})
    assert not encoder.is_categorical_.any()
    np.testing.assert_array_equal(encoder.transform(numbers), expected.transform(numbers.to_numpy()))


def test_other_objects_are_labels_by_what_they_print():
    class Color(enum.Enum):
        RED = 1
        BLUE = 2

    ages = pd.cut(pd.Series([5, 15, 25, 14]), [0, 10, 20, 30])
    encoder = TabularEncoder().fit(pd.DataFrame({"age": ages, "color": [Color.RED, Color.BLUE, None, Color.RED]}))
    names = ["age_(0, 10]", "age_(10, 20]", "age_(20, 30]", "color_Color.RED", "missingindicator_color"]
    assert encoder.get_feature_names_out().tolist() == names
    new = pd.DataFrame({"age": ["(10, 20]", "(20, 40]"], "color": [Color.BLUE, Color.RED]})
    np.testing.assert_array_equal(encoder.transform(new), [[0, 1, 0, -1, 0], [0, 0, 0, 1, 0]])


@pytest.mark.parametrize("dtype", ["string", "dictionary", "int64", "double", "bool"])
def test_arrow(dtype):
    pyarrow = pytest.importorskip("pyarrow")
    kind = {
        "string": pyarrow.string(),
        "dictionary": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
        "int64": pyarrow.int64(),
        "double": pyarrow.float64(),
        "bool": pyarrow.bool_(),
    }[dtype]
    values = {"string": ["b", None, "a", "c"], "dictionary": ["b", None, "a", "c"], "bool": [True, None, False, False]}
    plain = values.get(dtype, [3, None, 1, 5])
    arrow = pd.Series(pyarrow.array(plain, type=kind).to_pandas(types_mapper=pd.ArrowDtype))
    expected = TabularEncoder(n_bins=2).fit(pd.DataFrame({"x": pd.Series(plain, dtype=object)}))
    encoder = TabularEncoder(n_bins=2).fit(pd.DataFrame({"x": arrow}))
    for frame in (pd.DataFrame({"x": arrow}), pd.DataFrame({"x": pd.Series(plain, dtype=object)})):
        np.testing.assert_array_equal(encoder.transform(frame), expected.transform(frame))


def test_arrow_dictionaries_of_numbers_are_categories():
    pyarrow = pytest.importorskip("pyarrow")
    array = pyarrow.array([3, None, 1, 9], type=pyarrow.int64()).dictionary_encode()
    X = pd.DataFrame({"x": array.to_pandas(types_mapper=pd.ArrowDtype)})
    encoder = TabularEncoder().fit(X)
    assert encoder.get_feature_names_out().tolist() == ["x_1", "x_3", "x_9", "missingindicator_x"]
    np.testing.assert_array_equal(encoder.transform(X)[:, :3], [[0, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 1]])


# --- names ------------------------------------------------------------------------------------------------------------

FRAMES = [pd.DataFrame, pl.DataFrame]
COLUMNS = {"n": [1.0, NAN, 4.0, 9.0], "c": ["a", "b", "c", "a"], "m": [0.0, 1.0, 0.0, 1.0]}


@pytest.mark.parametrize("of_new", FRAMES)
@pytest.mark.parametrize("of_train", FRAMES)
def test_columns_are_found_by_name(of_train, of_new):
    encoder = TabularEncoder().fit(of_train(COLUMNS))
    expected = encoder.transform(of_train(COLUMNS))
    for order in (["c", "m", "n"], ["m", "n", "c"], ["n", "c", "m"]):
        np.testing.assert_array_equal(encoder.transform(of_new({name: COLUMNS[name] for name in order})), expected)


@pytest.mark.parametrize("frame", FRAMES)
def test_columns_that_are_missing_or_new(frame):
    encoder = TabularEncoder().fit(frame(COLUMNS))
    with pytest.raises(ValueError, match="(?s)seen at fit time, yet now missing:\n- m.*Rename the columns"):
        encoder.transform(frame({name: COLUMNS[name] for name in "nc"}))
    with pytest.raises(ValueError, match=r"(?s)unseen at fit time:\n- z.*Leave the other ones out"):
        encoder.transform(frame({**COLUMNS, "z": COLUMNS["n"]}))
    with pytest.raises(ValueError, match="(?s)unseen at fit time:\n- z\n.*now missing:\n- m\n"):
        encoder.transform(frame({"z": COLUMNS["m"], **{name: COLUMNS[name] for name in "nc"}}))


@pytest.mark.parametrize("choice", [["c", "m"], [1, 2], [False, True, True], np.array([2, 1]), ["m", "c"]])
@pytest.mark.parametrize("frame", FRAMES)
def test_columns_that_are_chosen(frame, choice):
    encoder = TabularEncoder(choice).fit(frame(COLUMNS))
    np.testing.assert_array_equal(encoder.is_categorical_, [False, True, True])
    assert encoder.get_feature_names_out().tolist() == ["n", "c_a", "c_b", "c_c", "m_1", "missingindicator_n"]


def test_names_that_are_no_strings_are_positions():
    X = pd.DataFrame({0: COLUMNS["n"], 1: COLUMNS["c"]})
    encoder = TabularEncoder().fit(X)
    assert not hasattr(encoder, "feature_names_in_")
    assert encoder.get_feature_names_out().tolist() == ["x0", "x1_a", "x1_b", "x1_c", "missingindicator_x0"]
    np.testing.assert_array_equal(encoder.transform(X), encoder.transform(X.to_numpy()))
    with pytest.raises(TypeError, match="must be all strings, or none of them"):
        TabularEncoder().fit(X.rename(columns={0: "zero"}))
    with pytest.raises(ValueError, match="more than one column named 'x'"):
        TabularEncoder().fit(X.set_axis(["x", "x"], axis=1))


@pytest.mark.parametrize("encoder", [SmoothClipScaler(), PiecewiseLinearEncoder(2)])
@pytest.mark.parametrize("form", ["float64", "Float64", "Int64", "objects", "polars", "Decimal of polars"])
def test_numeric_transformers_take_frames(encoder, form):
    values = [3, None, 1, 9, 4]
    expected = encoder.fit_transform(np.array(values, float)[:, np.newaxis])
    X = table(NUMBERS[form](values))
    np.testing.assert_array_equal(encoder.fit_transform(X), expected)
    np.testing.assert_array_equal(encoder.fit(X).transform(X), expected)
