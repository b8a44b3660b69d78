"""Which columns an embedding takes: 'auto', indices, names, a mask."""

import numpy as np
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from skregopt.embeddings import EMBEDDINGS, Embedding, Periodic, PiecewiseLinear

NAMES = np.array(["age", "sex", "1", "income"], dtype=object)
N_DISTINCT = [50, 2, 3, 1]


def chosen(columns, names=NAMES, n_distinct=N_DISTINCT, rule=Periodic):
    component = rule(columns=columns)
    component._validate_params()
    return component.embedded_columns(names, len(n_distinct), n_distinct)


@pytest.mark.parametrize("rule", EMBEDDINGS.values(), ids=EMBEDDINGS)
@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("auto", [0, 2]),
        ([3, 1], [1, 3]),
        ((0,), [0]),
        (range(4), [0, 1, 2, 3]),
        (np.array([2, 0], np.uint8), [0, 2]),
        (["income", "age"], [0, 3]),
        (np.array(["1"]), [2]),
        (NAMES, [0, 1, 2, 3]),
        ([False, True, False, True], [1, 3]),
        (np.array([True, False, False, False]), [0]),
        ([np.True_, np.False_, np.False_, np.True_], [0, 3]),
    ],
    ids=str,
)
def test_columns(rule, columns, expected):
    found = chosen(columns, rule=rule)
    assert found.dtype == np.intp and found.tolist() == expected


def test_columns_of_a_data_frame():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(np.zeros((2, 4)), columns=NAMES)
    assert chosen(frame.columns[2:]).tolist() == [2, 3]
    assert chosen(pandas.Series([True, False, True, False])).tolist() == [0, 2]


def test_a_rule_without_the_parameter_embeds_as_auto():
    assert Embedding().embedded_columns(None, 4, N_DISTINCT).tolist() == [0, 2]
    Embedding()._validate_params()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([[0, 1]], "must be 'auto', or a list of indices, of names or of booleans"),
        ([0, [1]], "must be 'auto'"),
        ([0.0, 1.0], "must be 'auto'"),
        ([0, "age"], "must be 'auto'"),
        ([True, 2], "must be 'auto'"),
        ([None], "must be 'auto'"),
        ([], "selects no column. Leave feature_embedding at its default, None"),
        ([False, False, False, False], "selects no column"),
        ([1, 0, 1], "holds 1 more than once. Booleans make a mask of columns"),
        ([0, 0, 1, 1], "holds 0 more than once. Booleans make a mask of columns"),
        ([3, 3], "holds 3 more than once. Each column may stand once"),
        (["age", "age"], "holds 'age' more than once"),
    ],
    ids=str,
)
def test_columns_are_refused_without_data(columns, message):
    with pytest.raises(ValueError, match=message) as error:
        Periodic(columns=columns)._validate_params()
    assert str(error.value).startswith("columns=") and " of Periodic " in str(error.value)


@pytest.mark.parametrize(
    ("columns", "cure"), [("f1", r"\['f1'\]"), (3, r"\[3\]"), (np.int64(3), r"\[3\]"), ("all", r"\['all'\]")], ids=repr
)
def test_a_lone_column_is_written_as_a_list(columns, cure):
    for rule in (Periodic, PiecewiseLinear):
        with pytest.raises(InvalidParameterError, match=rf" Did you mean columns={cure}\?$"):
            rule(columns=columns)._validate_params()
    for other in (None, 1.5, True):
        with pytest.raises(InvalidParameterError) as error:
            Periodic(columns=other)._validate_params()
        assert "Did you mean" not in str(error.value)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([0, 4], "must hold indices from 0 to 3 because X has 4 features, but 4 is among them"),
        ([-1], "but -1 is among them"),
        ([10**30], "but 10{30} is among them".replace("10{30}", "1" + 30 * "0")),
        ([True, False, True], "is a mask of 3 columns, but X has 4 features"),
        (["age", "height"], "must hold names of features, but X has none named 'height'"),
        (["Age"], "but X has none named 'Age'"),
    ],
    ids=str,
)
def test_columns_that_X_does_not_have_are_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        chosen(columns)


def test_names_need_names_in_X():
    with pytest.raises(ValueError, match="holds names, but X has none. Pass X as a data frame, or set columns"):
        chosen(["age"], names=None)
    with pytest.raises(ValueError, match="but X has 2 named 'age'"):
        chosen(["age"], names=["age", "sex", "age", "income"])
    assert chosen(["sex"], names=["age", "sex", "age", "income"]).tolist() == [1]


def test_auto_has_to_find_a_column():
    with pytest.raises(
        ValueError, match=r"feature_embedding=PiecewiseLinear\(\) embeds no column: .*at most 2 distinct"
    ):
        chosen("auto", n_distinct=[2, 1, 2, 2], rule=PiecewiseLinear)
    with pytest.raises(ValueError, match="and all columns are constant, as with 1 sample"):
        chosen("auto", n_distinct=[1, 1, 1, 1])
