"""Frames of pandas and polars, arrays and lists, whatever their columns hold."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from support.tables import BOTH, make_array, make_data, make_frame, output, small, target_of

from skregopt import TabularMLPClassifier, TabularMLPRegressor

CLASSIFIER = pytest.mark.parametrize("kind", [TabularMLPClassifier])
SIZES = pytest.mark.parametrize("n_rows", [30, 90])


def to_polars(frame):
    columns = {name: column.astype(object).where(column.notna(), None).tolist() for name, column in frame.items()}
    return pl.DataFrame(columns).with_columns(pl.col("city").cast(pl.Categorical))


def to_nullable(frame):
    return frame.astype({"age": "Float64", "member": "boolean", "visits": "Int64", "color": "string"})


def to_arrow(frame):
    pytest.importorskip("pyarrow")
    kinds = {
        "age": "double[pyarrow]",
        "member": "bool[pyarrow]",
        "visits": "int64[pyarrow]",
        "color": "string[pyarrow]",
    }
    return frame.astype(kinds)


CONTAINERS = {
    "polars": to_polars,
    "polars strings": lambda frame: to_polars(frame).with_columns(pl.col("city").cast(pl.String)),
    "polars enum": lambda frame: to_polars(frame).with_columns(pl.col("city").cast(pl.Enum(list("dcba")))),
    "nullable": to_nullable,
    "arrow": to_arrow,
    "other categories": lambda frame: frame.assign(city=frame["city"].cat.set_categories(list("zdcbay"))),
    "strings": lambda frame: frame.assign(city=frame["city"].astype(str)),
    "another order": lambda frame: frame[frame.columns[::-1]],
    "ints as floats": lambda frame: frame.assign(visits=frame["visits"].astype(float)),
    "another index": lambda frame: frame.set_index(np.arange(len(frame))[::-1] + 7),
    "read-only": lambda frame: frame.copy(),
}


@BOTH
@pytest.mark.parametrize("container", CONTAINERS)
@SIZES
def test_containers_and_dtypes(kind, container, n_rows):
    """What a frame says counts, not how it is kept: the same bits, in fit and in later frames."""
    X = make_frame(n_rows)
    y = target_of(kind, X)
    model = small(kind).fit(X, y)
    expected = output(model, X)
    other = CONTAINERS[container](X)
    assert_array_equal(output(model, other), expected)
    fitted = small(kind).fit(other, y)
    assert_array_equal(np.sort(fitted.feature_names_in_), np.sort(X.columns.to_numpy()))
    if container == "another order":
        assert_array_equal(output(fitted, X), output(fitted, other))
    else:
        assert_array_equal(output(fitted, other), expected)
        assert_array_equal(output(fitted, X), expected)


@BOTH
@SIZES
def test_series_and_frames_of_targets(kind, n_rows):
    X = make_frame(n_rows)
    y = target_of(kind, X)
    expected = output(small(kind).fit(X, y), X)
    for targets in (pd.Series(y, index=X.index + 5), pl.Series(y.tolist()), y.tolist()):
        assert_array_equal(output(small(kind).fit(X, targets), X), expected)
    if kind is TabularMLPClassifier:
        categories = pd.Series(pd.Categorical(y))
        assert_array_equal(output(small(kind).fit(X, categories), X), expected)


@BOTH
@SIZES
def test_lists_keep_their_numbers(kind, n_rows):
    """An array of numbers beside strings would hold strings alone."""
    X = make_frame(n_rows)[["income", "color", "visits"]]
    y = target_of(kind, X)
    rows = [list(row) for row in X.itertuples(index=False)]
    model = small(kind).fit(rows, y)
    assert_array_equal(model.encoder_.is_categorical_, [False, True, False])
    assert_array_equal(output(model, rows), output(small(kind).fit(X.to_numpy(dtype=object), y), X.to_numpy(object)))


@BOTH
@SIZES
def test_missing_values_anywhere(kind, n_rows):
    X = make_frame(n_rows)
    y = target_of(kind, X)
    holes = X.astype(object).mask(np.random.RandomState(1).uniform(size=X.shape) < 0.2)
    model = small(kind).fit(holes, y)
    assert np.isfinite(output(model, holes)).all()
    assert np.isfinite(output(model, X)).all()
    nothing = pd.DataFrame(np.full((3, X.shape[1]), np.nan), columns=X.columns)
    assert np.isfinite(output(model, nothing)).all()
    assert np.isfinite(output(small(kind).fit(X, y), nothing)).all(), "where fit has seen none missing"


@BOTH
def test_a_column_without_values_in_fit_changes_nothing_later(kind):
    X = make_frame().assign(number=np.nan, level=pd.Categorical([None] * 90))
    model = small(kind, n_estimators=4).fit(X, target_of(kind, make_array()))
    later = X.assign(number=np.arange(90.0), level=pd.Categorical(["a"] * 90))
    assert_array_equal(output(model, later), output(model, X))


@BOTH
def test_unknown_categories_are_like_each_other(kind):
    X = make_frame()
    model = small(kind).fit(X, target_of(kind, X))
    first, second = X.assign(color="pink"), X.assign(color=pd.Categorical(np.repeat("grey", len(X))))
    assert_array_equal(output(model, first), output(model, second))
    assert not np.array_equal(output(model, first), output(model, X))


@BOTH
@SIZES
@pytest.mark.parametrize(
    "columns",
    [
        {"x": np.linspace(-1, 1, 90)},
        {"x": np.tile([0.0, 1.0], 45)},
        {"a": list("ab") * 45},
        {"a": list("ab") * 45, "b": list("xyz") * 30},
        {"x": np.linspace(-1, 1, 90), "constant": np.full(90, 3.5)},
        {"x": np.linspace(-1, 1, 90), "missing": np.full(90, np.nan)},
        {"a": list("ab") * 45, "nothing": [None] * 90},
        {"constant": np.ones(90)},
        {"nothing": np.full(90, np.nan)},
        {"same": ["a"] * 90},
        {"x": np.linspace(-1, 1, 90), "flag": np.arange(90) % 2 == 0},
        {"x": np.arange(90, dtype=np.int8)},
        {"x": 1e9 + np.arange(90)},
        {"x": np.float32(1e6) + np.arange(90, dtype=np.float32)},
    ],
    ids=lambda columns: "-".join(columns),
)
def test_few_and_strange_columns(kind, columns, n_rows):
    X = pd.DataFrame(columns).iloc[:n_rows]
    y = target_of(kind, make_array(n_rows))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = small(kind, n_estimators=3).fit(X, y)
        assert np.isfinite(output(model, X)).all()
        importances = model.feature_importances_
    varies = X.astype(object).nunique(dropna=True).to_numpy() > 1
    assert importances.shape == (X.shape[1],)
    assert_array_equal(importances[~varies], 0)
    assert (importances[varies] > 0).all()
    assert_allclose(importances.sum(), 1.0 if varies.any() else 0.0)


@BOTH
def test_thousands_of_levels(kind):
    n_rows = 3000
    X = pd.DataFrame({"name": [f"n{i % 2500}" for i in range(n_rows)], "x": make_array(n_rows, 1)[:, 0]})
    model = small(kind, n_estimators=1, max_iter=1).fit(X, target_of(kind, X))
    assert model.encoder_.transform(X).shape[1] <= 200
    assert np.isfinite(output(model, X.assign(name="new"))).all()


@BOTH
def test_chosen_columns_are_categories(kind):
    X = make_frame()
    y = target_of(kind, X)
    by_name = small(kind, categorical_features=["visits", "color", "city"]).fit(X, y)
    by_index = small(kind, categorical_features=[5, 3, 4]).fit(X, y)
    assert_array_equal(output(by_index, X), output(by_name, X))
    assert by_name.encoder_.is_categorical_[5]
    assert not np.array_equal(output(by_name, X), output(small(kind).fit(X, y), X))
    with pytest.raises(ValueError, match="categorical_features.*'towns'"):
        small(kind, categorical_features=["towns"]).fit(X, y)


@BOTH
def test_importances_are_by_column_of_the_frame(kind):
    rng = np.random.RandomState(0)
    X = make_frame(300)[["color", "income", "city", "visits"]]
    y = np.where(X["city"].isin(["a", "b"]), 1.0, 0.0) + 0.01 * rng.normal(size=300)
    y = y if kind is TabularMLPRegressor else y > 0.5
    model = small(kind, max_iter=60, hidden_layer_sizes=16).fit(X, y)
    importances = model.feature_importances_
    assert importances.shape == (4,)
    assert_allclose(importances.sum(), 1)
    assert importances.argmax() == 2
    with pytest.raises(AttributeError, match="feature_importances_"):
        _ = small(kind).feature_importances_


@BOTH
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda X: X.drop(columns="age"), ValueError, "age"),
        (lambda X: X.assign(more=1), ValueError, "more"),
        (lambda X: X.rename(columns={"age": "years"}), ValueError, "years"),
        (lambda X: X.assign(age=np.inf), ValueError, "'age'.*infinity"),
        (lambda X: X.assign(age="old"), ValueError, "'age'.*strings"),
        (lambda X: X.assign(color=3), ValueError, "'color'.*numbers"),
        (lambda X: X.assign(age=pd.Timestamp("2020-01-01")), TypeError, "'age'.*date"),
        (lambda X: X.assign(age=pd.Timedelta("1h")), TypeError, "'age'.*duration"),
        (lambda X: X.assign(age=[[1, 2]] * len(X)), TypeError, "'age'.*collection"),
        (lambda X: X.iloc[:0], ValueError, "0 sample"),
        (lambda X: sp.csr_matrix(make_array(90, 6)), TypeError, r"sparse.*toarray\(\)"),
        (lambda X: to_polars(X).lazy(), TypeError, r"collect\(\)"),
        (lambda X: make_array(90, 5), ValueError, "5 features"),
        (lambda X: X["age"], ValueError, "."),
    ],
    ids=range(14),
)
def test_frames_that_cannot_be_used(kind, change, error, message):
    X = make_frame()
    y = target_of(kind, X)
    model = small(kind).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # scikit-learn's, about names
        with pytest.raises(error, match=f"(?s){message}"):
            model.predict(change(X))


@BOTH
@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (make_frame().assign(age=np.inf), ValueError, "'age'.*infinity"),
        (make_frame().assign(when=pd.Timestamp("2020-01-01")), TypeError, "'when'.*date"),
        (make_frame().assign(parts=[[1]] * 90), TypeError, "'parts'.*collection"),
        (sp.csr_matrix(make_array(90, 6)), TypeError, "sparse"),
        (np.where(make_array() > 2, np.inf, 1.0), ValueError, "infinity"),
        (make_frame().assign(mixed=["a", 1] * 45), TypeError, "'mixed'.*both strings and numbers"),
        (pd.concat([make_frame()] * 2, axis=1), ValueError, "more than one column"),
        (make_array(89), ValueError, "inconsistent numbers of samples"),
    ],
    ids=range(8),
)
def test_tables_that_cannot_be_fitted(kind, X, error, message):
    _, y = make_data(kind)
    with pytest.raises(error, match=message):
        small(kind).fit(X, y)


@BOTH
@pytest.mark.parametrize("container", ["pandas", "polars"])
@SIZES
def test_the_output_that_scikit_learn_is_configured_to_give(kind, container, n_rows):
    X = make_frame(n_rows)
    y = target_of(kind, X)
    expected = output(small(kind).fit(X, y), X)
    with sklearn.config_context(transform_output=container):
        model = small(kind).fit(X, y, X_val=X, y_val=y)
        output(model, X)
        assert_array_equal(output(small(kind).fit(X, y), X), expected)


@BOTH
def test_names_that_are_no_strings(kind):
    X = pd.DataFrame(make_array())
    model = small(kind).fit(X, target_of(kind, X))
    assert not hasattr(model, "feature_names_in_")
    assert_array_equal(output(model, X), output(model, X.to_numpy()))


@BOTH
def test_a_frame_after_an_array_and_an_array_after_a_frame(kind):
    X = make_frame()[["income", "visits"]]
    y = target_of(kind, X)
    model = small(kind).fit(X, y)
    assert_array_equal(model.feature_names_in_, ["income", "visits"])
    with pytest.warns(UserWarning, match="feature names"):
        model.predict(X.to_numpy())
    model.fit(X.to_numpy(), y)
    assert not hasattr(model, "feature_names_in_"), "a refit forgets"
    with pytest.warns(UserWarning, match="feature names"):
        model.predict(X)
