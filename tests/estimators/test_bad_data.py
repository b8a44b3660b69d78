"""Bad data: scikit-learn's messages, and nothing has changed."""

import re
import warnings
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn import neural_network
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from support.pairwise import covering
from support.refusals import BOTH, METHODS, assert_refused, make_data, train, with_value
from support.states import plain, state
from support.versions import needs_newer_metrics

from skregopt import MLPClassifier, MLPRegressor
from skregopt.losses import Quantile
from skregopt.model_selection import MLPClassifierCV, MLPRegressorCV, regularization_path

pytestmark = pytest.mark.nojit

# --- X ---------------------------------------------------------------------------------------------------------------


@covering(
    kind={"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor},
    method=["fit", "partial_fit"],
    value=[np.nan, np.inf, -np.inf],
    container={"array": np.asarray, "csr": sp.csr_matrix, "csc": sp.csc_array, "frame": pd.DataFrame},
)
def test_non_finite_X(kind, method, value, container):
    word = "NaN" if np.isnan(value) else "infinity"
    X = container(with_value(make_data(kind)[0], value))
    assert_refused(kind, train(kind, method, X=X), ValueError, ("Input X contains", word))


@BOTH
@pytest.mark.parametrize("text", [str, "S9", object])
def test_X_of_numbers_as_text(kind, text):
    X, y = make_data(kind)
    X = X.round(3)
    written = X.astype(str).astype(text)
    theirs = {MLPClassifier: neural_network.MLPClassifier, MLPRegressor: neural_network.MLPRegressor}[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs(hidden_layer_sizes=3, max_iter=2).fit(written, y)
        ours, expected = (kind(3, max_iter=2, random_state=0).fit(rows, y) for rows in (written, X))
    assert ours.loss_ == expected.loss_
    assert plain(ours.predict(written)) == plain(expected.predict(X))
    written[0, 0] = "one"
    for estimator in (theirs(hidden_layer_sizes=3), ours):
        with pytest.raises(ValueError, match="could not convert string to float: .*one"):
            estimator.fit(written, y)


@BOTH
@METHODS
def test_wrong_lengths_and_shapes(kind, method):
    X, y = make_data(kind)
    inconsistent = "inconsistent numbers of samples: [60, 59]"
    assert_refused(kind, train(kind, method, y=y[:-1]), ValueError, (inconsistent,))
    assert_refused(kind, train(kind, method, X=X[:, 0]), ValueError, ("Expected 2D array",))
    assert_refused(kind, train(kind, method, X=X[:0], y=y[:0]), ValueError, ("minimum of 1",))
    assert_refused(kind, train(kind, method, X=X.astype(complex)), ValueError, ("Complex data",))
    words = np.full(X.shape, "word", dtype=object)
    assert_refused(kind, train(kind, method, X=words), ValueError, ("could not convert",))
    if method == "partial_fit":
        other = f"X has 3 features, but {kind.__name__} is expecting 4 features as input"
        assert_refused(kind, train(kind, method, X=X[:, :3]), ValueError, (other,))
        assert_refused(kind, train(kind, "fit", X=X[:, :3]), ValueError, (other,), warm_start=True)


# --- y ---------------------------------------------------------------------------------------------------------------


@METHODS
@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_non_finite_y(kind, method, value, word):
    y = with_value(np.arange(60) % 2, value)
    assert_refused(kind, train(kind, method, y=y), ValueError, ("Input y contains", word))


@METHODS
def test_targets_that_are_not_labels(method):
    X, _ = make_data(MLPClassifier)
    names = ("Unknown label type: continuous",)
    assert_refused(MLPClassifier, train(MLPClassifier, method, y=X[:, 0]), ValueError, names)
    y = np.array([[1, 2], [3, 1]] * 30)
    assert_refused(
        MLPClassifier, train(MLPClassifier, method, y=y), ValueError, ("Multioutput target data is not supported",)
    )


@METHODS
def test_y_beyond_the_working_precision(method):
    call = train(MLPRegressor, method, y=np.full(60, 1e39))
    assert_refused(
        MLPRegressor, call, ValueError, ("y contains values too large for float32", "float64"), dtype="float32"
    )


def test_negative_counts_for_poisson():
    call = train(MLPRegressor, "fit", y=-np.ones(60))
    assert_refused(MLPRegressor, call, ValueError, ("poisson", "negative"), loss="poisson")


@METHODS
def test_changed_number_of_outputs(method):
    names = ("y has 2 column(s), and the fitted network", "has 1 output(s)", "fit a new estimator")
    call = train(MLPRegressor, method, y=np.zeros((60, 2)))
    message = assert_refused(MLPRegressor, call, ValueError, names, warm_start=True)
    assert "hidden_layer_sizes" not in message


@METHODS
def test_a_loss_with_another_number_of_outputs(method):
    names = ("y has 1 column(s), of which loss=Quantile", "makes 3 output(s)", "has 1 output(s)")
    loss = Quantile([0.1, 0.5, 0.9])
    assert_refused(MLPRegressor, train(MLPRegressor, method), ValueError, names, warm_start=True, loss=loss)


def test_classes_of_partial_fit():
    X, _ = make_data(MLPClassifier)
    unseen = np.array(["left", "above"] * 30)
    assert_refused(
        MLPClassifier,
        train(MLPClassifier, "partial_fit", y=unseen),
        ValueError,
        ("`y` has classes not in `self.classes_`", "above"),
    )
    assert_refused(
        MLPClassifier,
        train(MLPClassifier, "partial_fit", classes=["left", "above"]),
        ValueError,
        ("is not the same as on last call to partial_fit",),
    )
    new = MLPClassifier()
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        new.partial_fit(X, unseen)
    assert state(new) == state(MLPClassifier())


def test_unseen_class_in_a_first_partial_fit():
    X, y = make_data(MLPClassifier)
    new = MLPClassifier(hidden_layer_sizes=2)
    with pytest.raises(ValueError, match="`y` has classes not in `self.classes_`"):
        new.partial_fit(X, y, classes=["left", "above"])
    assert state(new) == state(MLPClassifier(hidden_layer_sizes=2))
    new.partial_fit(X, y, classes=["left", "right", "above"])
    assert list(new.classes_) == ["above", "left", "right"]


@pytest.mark.parametrize("n_labels", [1, 3])
def test_multilabel_with_other_columns(n_labels):
    X, _ = make_data(MLPClassifier)
    Y = np.random.RandomState(0).randint(2, size=(60, 2))
    estimator = MLPClassifier(hidden_layer_sizes=2, random_state=0).partial_fit(X, Y, classes=[0, 1])
    before = state(estimator)
    with warnings.catch_warnings(), pytest.raises(ValueError, match="2 columns|label indicator|classes"):
        warnings.simplefilter("ignore", DataConversionWarning)
        estimator.partial_fit(X, np.ones((60, n_labels), dtype=int) * (np.arange(60) % 2)[:, None])
    assert state(estimator) == before


def test_other_classes_with_warm_start():
    call = train(MLPClassifier, "fit", y=np.array(["left", "above"] * 30))
    message = "warm_start can only be used where `y` has the same classes as in the previous call to fit."
    assert_refused(MLPClassifier, call, ValueError, (message,), warm_start=True)


@METHODS
def test_labels_that_do_not_compare(method):
    y = np.array(["left", 1] * 30, dtype=object)
    assert_refused(MLPClassifier, train(MLPClassifier, method, y=y), TypeError, ("y mixes", "int, str", "one type"))
    X, _ = make_data(MLPClassifier)
    with pytest.raises(TypeError, match="y mixes labels of the types int, str"):
        MLPClassifierCV().fit(X, y)


@BOTH
@METHODS
def test_rows_of_different_lengths(kind, method):
    names = ("y must have rows of one length", "inhomogeneous")
    assert_refused(kind, train(kind, method, y=[[1], [1, 2]] * 30), ValueError, names)


def objects_that_are_numbers():
    """Yield numbers as objects, and their dtype."""
    labels = np.arange(60) % 2
    yield pd.Series(labels, dtype=object), "int"
    yield labels.astype(object), "int"
    yield labels.astype(bool).astype(object), "bool"
    yield pd.Series(labels.astype(float), dtype=object), "int"
    yield np.c_[labels, labels].astype(object), "int"
    yield np.array([True, 2] * 30, dtype=object), "int"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("y", "dtype"), objects_that_are_numbers())
def test_numbers_that_are_objects(y, dtype):
    """scikit-learn takes them for no labels, and says that they are continuous."""
    X, labels = make_data(MLPClassifier)
    model = MLPClassifier(3, max_iter=2)
    message = rf"Unknown label type: y has the dtype object.* Pass y\.astype\({dtype}\)\.$"
    for fit in (model.fit, MLPClassifierCV().fit, lambda X, y: MLPClassifier(3).fit(X, labels, X_val=X, y_val=y)):
        with pytest.raises(ValueError, match=message):
            fit(X, y)
    model.fit(X, y.astype(dtype))


@METHODS
def test_objects_that_are_continuous(method):
    y = make_data(MLPRegressor)[1].astype(object)
    assert_refused(MLPClassifier, train(MLPClassifier, method, y=y), ValueError, ("continuous values",))
    y = np.array([1, "left"] * 30, dtype=object)
    assert_refused(MLPClassifier, train(MLPClassifier, method, y=y), TypeError, ("y mixes", "int, str", "one type"))


def test_no_classes():
    call, new = train(MLPClassifier, "partial_fit", classes=[]), MLPClassifier()
    assert_refused(MLPClassifier, call, ValueError, ("classes",))
    with pytest.raises(ValueError, match="classes must hold all class labels that will occur, at least one"):
        call(new)
    assert state(new) == state(MLPClassifier())


# --- weights ---------------------------------------------------------------------------------------------------------


@BOTH
@METHODS
@pytest.mark.parametrize(
    ("weights", "names"),
    [
        (with_value(np.ones(60), np.nan), ("sample_weight", "NaN")),
        (with_value(np.ones(60), np.inf), ("sample_weight", "infinity")),
        (with_value(np.ones(60), -1), ("Negative values in data passed to `sample_weight`",)),
        (np.zeros(60), ("weight", "zero")),
        (np.ones(59), ("sample_weight.shape == (59,)", "(60,)")),
        (np.ones((60, 2)), ("Sample weights must be 1D", "Give `sample_weight` one number for each of the 60 rows")),
        (["heavy"] * 60, ("`sample_weight` must be", "could not convert")),
        ([[1.0], 2.0] * 30, ("`sample_weight` must be", "inhomogeneous")),
        (np.ones(60, dtype=complex), ("Complex data not supported", "sample_weight")),
        ([1j] * 60, ("Complex data not supported", "sample_weight")),
    ],
)
def test_bad_weights(kind, method, weights, names):
    assert_refused(kind, train(kind, method, sample_weight=weights), ValueError, names)


@BOTH
@METHODS
def test_sample_weight_in_words(kind, method):
    names = ("`sample_weight` must be None or one number for each row", "'balanced'")
    message = assert_refused(kind, train(kind, method, sample_weight="balanced"), ValueError, names)
    assert ("class_weight" in message) == (kind is MLPClassifier)


def test_sparse_y():
    X, _ = make_data(MLPRegressor)
    with pytest.raises(TypeError, match="dense data is required"):
        MLPRegressor(4, max_iter=2).fit(X, sp.csr_matrix(X[:, :2]))


# --- columns without numbers -----------------------------------------------------------------------------------------


def frames_of_words():
    """Yield frames and arrays with a category in their second column, and what it is called."""
    X = make_data(MLPClassifier)[0][:, :1]
    city = np.array(["Oslo", "Rome"] * 30)
    frame = pd.DataFrame({"size": X.ravel(), "city": city})
    yield frame, "'city'"
    yield frame.astype({"city": "category"}), "'city'"
    yield frame.to_numpy(), "1"
    yield frame.to_numpy().tolist(), "1"
    yield frame.assign(day=np.datetime64("2024-01-01")), "'city'.*, 'day'.*Make numbers of dates"


@pytest.mark.parametrize(("X", "names"), frames_of_words())
@pytest.mark.parametrize("model", [MLPRegressor(3), MLPRegressorCV(MLPRegressor(3, penalty="l1"))])
def test_columns_of_words_are_named(X, names, model):
    y = make_data(MLPRegressor)[1]
    with pytest.raises(ValueError, match=rf"(?s)could not convert.*column\(s\) {names}") as caught:
        model.fit(X, y)
    assert "OneHotEncoder(handle_unknown='ignore'), [" in str(caught.value)


def test_columns_of_dates_are_named():
    X = pd.DataFrame({"size": np.ones(60), "day": np.datetime64("2024-01-01")})
    with pytest.raises(TypeError, match=r"(?s)promoted.*column\(s\) 'day'.*Make numbers of dates"):
        MLPRegressor(3).fit(X, make_data(MLPRegressor)[1])


def columns_of_other_kinds():
    """Yield a column, one of its values as a message shows it, and the cure."""
    start = pd.Timestamp("2024-01-01")
    encode = r"OneHotEncoder\(handle_unknown='ignore'\), \['x'\]\)"
    yield pd.cut(np.linspace(0, 1, 60), 3), "Interval", encode
    yield pd.Series([b"a", b"b"] * 30), "b'a'", encode
    yield pd.Series(np.array(["a", "b"] * 30, dtype=object)), "'a'", encode
    yield pd.period_range("2024-01", periods=60, freq="M"), "Period", "numbers of dates"
    yield pd.Series([start.date()] * 60), "datetime.date", "numbers of dates"
    yield pd.timedelta_range("1h", periods=60), r"\d seconds|\d (nano|micro)seconds", "numbers of durations"
    yield pd.Series([pd.Timedelta(1, "h")] * 60, dtype=object), "Timedelta", "numbers of durations"
    yield pd.Series([[1, 2], [3, 4]] * 30), r"\[1, 2\]", "a column of its own"
    yield pd.Series([{"a": 1}] * 60), r"\{'a': 1\}", "a column of its own"
    yield pd.Series([object()] * 60), "<object", ""


@pytest.mark.parametrize(("column", "value", "cure"), columns_of_other_kinds())
def test_columns_of_other_kinds_are_named(column, value, cure):
    X = pd.DataFrame({"size": np.ones(60), "x": column})
    y = make_data(MLPRegressor)[1]
    with pytest.raises((TypeError, ValueError), match=rf"(?s)column\(s\) 'x' \(such as .*({value}).*{cure}"):
        MLPRegressor(3).fit(X, y)
    if "OneHot" in cure:
        encoder = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["x"]), remainder="passthrough")
        make_pipeline(encoder, MLPRegressor(3, solver="lbfgs", max_iter=5000, random_state=0)).fit(X, y)


@pytest.mark.parametrize(
    ("embedding", "encoder"), [(None, OneHotEncoder()), ("periodic", OneHotEncoder(sparse_output=False))], ids=str
)
def test_the_cure_for_categories_is_one(embedding, encoder):
    """Where an embedding needs dense rows, it makes them; without it, rows of many categories are sparse."""
    X = pd.DataFrame({"size": np.arange(60.0), "x": [f"c{i % 30}" for i in range(60)]})
    y = make_data(MLPRegressor)[1]
    model = MLPRegressor(3, feature_embedding=embedding, max_iter=2, n_iter_no_change=np.inf, random_state=0)
    with pytest.raises(ValueError, match="TabularMLPClassifier and TabularMLPRegressor encode them") as error:
        model.fit(X, y)
    (words,) = re.findall(r"OneHotEncoder\(([^)]*)\)", str(error.value))
    assert words == "handle_unknown='ignore'" + ("" if embedding is None else ", sparse_output=False")
    columns = make_column_transformer((encoder, ["x"]), remainder="passthrough").fit(X)
    assert sp.issparse(columns.transform(X)) == (embedding is None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(columns.transform(X), y)


def test_columns_of_polars_are_named_by_plain_strings():
    polars = pytest.importorskip("polars")
    X = polars.DataFrame({"size": np.ones(60), "x": ["u", "v"] * 30})
    with pytest.raises(ValueError, match=r"column\(s\) 'x' \(such as 'u'\).*, \['x'\]\)"):
        MLPRegressor(3).fit(X, make_data(MLPRegressor)[1])


def test_values_of_arrays_of_strings_are_shown_plain():
    with pytest.raises(ValueError, match=r"column\(s\) 1 \(such as 'u'\)"):
        MLPRegressor(3).fit(np.array([["1", "u"]] * 60), make_data(MLPRegressor)[1])


def test_columns_of_words_in_a_prediction():
    X, y = make_data(MLPRegressor)
    model = MLPRegressor(3, solver="lbfgs", max_iter=5000, random_state=0).fit(pd.DataFrame(X, columns=list("abcd")), y)
    with pytest.raises(ValueError, match=r"column\(s\) 'c' \(such as 'many'\)"):
        model.predict(pd.DataFrame(X, columns=list("abcd")).assign(c="many"))


def test_errors_about_numbers_name_no_column():
    X, y = make_data(MLPRegressor)
    for bad in (with_value(X, np.nan), pd.DataFrame(with_value(X, np.nan)).assign(text="1")):
        with pytest.raises(ValueError, match="contains NaN") as caught:
            MLPRegressor(3).fit(bad.rename(columns=str) if hasattr(bad, "rename") else bad, y)
        assert "column" not in str(caught.value)


# --- targets that are none --------------------------------------------------------------------------------------------

MISSING_LABELS = {
    "None in a list": [None, "b", "a"] * 20,
    "None among numbers": [None, 1, 0] * 20,
    "an array": np.array(["a", "b", None] * 20, dtype=object),
    "str": pd.Series(["a", "b", None] * 20),
    "categories": pd.Series(["a", "b", None] * 20, dtype="category"),
    "a frame of categories": pd.DataFrame({"y": pd.Series(["a", "b", None] * 20, dtype="category")}),
    "nullable numbers": pd.Series([0, 1, None] * 20, dtype="Int64"),
    "floats": np.array([0, 1, np.nan] * 20),
    "polars": pl.Series(["a", "b", None] * 20),
    "polars categories": pl.Series(["a", "b", None] * 20, dtype=pl.Categorical),
    "None in columns": [[1, 0], [1, 1], [None, 1]] * 20,
    "pandas strings": pd.Series(["a", "b", None] * 20, dtype="string"),
    "a list": ["a", "b", pd.NA] * 20,
    "numbers": pd.Series([0, 1, pd.NA] * 20, dtype=object),
    "a frame": pd.DataFrame({"y": pd.Series(["a", "b", None] * 20, dtype="string")}),
    "labels in columns": pd.DataFrame({"first": [1, 0, pd.NA] * 20, "second": [1, 0, 1] * 20}),
    "dates": pd.Series([pd.Timestamp("2020"), pd.Timestamp("2021"), pd.NaT] * 20),
}
MISSING_NUMBERS = {
    "None in a list": [None, 1.0, 2.0] * 20,
    "an array": np.array([1.0, 2.0, None] * 20, dtype=object),
    "objects": pd.Series([1.0, 2.0, None] * 20, dtype=object),
    "nullable numbers": pd.Series([1, 2, None] * 20, dtype="Int64"),
    "a list": [1.0, 2.0, pd.NA] * 20,
    "no time": [1.0, 2.0, pd.NaT] * 20,
    "floats": np.array([1, 2, np.nan] * 20, dtype=np.float32),
    "polars": pl.Series([1.0, 2.0, None] * 20),
    "a frame": pl.DataFrame({"first": [1.0, 2.0, None] * 20, "second": [1.0] * 60}),
    "None in columns": [[1.0, 2.0], [2.0, 1.0], [None, 1.0]] * 20,
    "decimal numbers": [Decimal(1), Decimal(2), Decimal("nan")] * 20,
    "dates": np.array(["2020", "2021", "NaT"] * 20, dtype="datetime64[ns]"),
}


@pytest.mark.parametrize(
    "kind, form",
    [(MLPClassifier, form) for form in MISSING_LABELS] + [(MLPRegressor, form) for form in MISSING_NUMBERS],
)
def test_missing_targets(kind, form):
    X, y = make_data(kind)
    missing, what = (MISSING_LABELS, "label") if kind is MLPClassifier else (MISSING_NUMBERS, "number")
    first = "0, 3" if "in a list" in form or "among" in form else "2, 5"
    found = rf"contains NaN: 20 of 60 row.s. have no {what}, at the position.s. {first}, .* and 10 more. Leave them out"
    classes = {"classes": ["a", "b"]} if kind is MLPClassifier else {}
    cv = MLPClassifierCV if kind is MLPClassifier else MLPRegressorCV
    path = partial(regularization_path, kind(3, penalty="l1"))
    for fit in (kind(3).fit, partial(kind(3).partial_fit, **classes), cv().fit, path):
        with pytest.raises(ValueError, match=f"^Input y {found}"):
            fit(X, missing[form])
    for fit in (kind(3).fit, path):
        with pytest.raises(ValueError, match=f"^y_val cannot be used: Input y_val {found}"):
            fit(X, y, X_val=X, y_val=missing[form])


@needs_newer_metrics
@pytest.mark.parametrize("dtype", [None, object])
def test_labels_of_bytes(dtype):
    X, _ = make_data(MLPClassifier)
    y = np.array([b"a", b"b"] * 30, dtype=dtype)
    with pytest.raises(TypeError, match="^Support for labels represented as bytes.* Use .label.decode") as caught:
        MLPClassifier(3).fit(X, y)
    assert "mixes" not in str(caught.value)
    MLPClassifier(3).partial_fit(X, [label.decode() for label in y], classes=["a", "b"])


@pytest.mark.parametrize(
    "y", [["a", "b"] * 30, np.array(["a", "b"] * 30), pd.Series(["a", "b"] * 30, dtype="category"), [b"a", b"b"] * 30]
)
def test_labels_are_not_for_the_regressor(y):
    X, y_numbers = make_data(MLPRegressor)
    for fit in (MLPRegressor(3).fit, MLPRegressor(3).partial_fit):
        with pytest.raises(ValueError, match="y must hold real numbers. For class labels use MLPClassifier"):
            fit(X, y)
    with pytest.raises(ValueError, match="^y_val cannot be used: y_val must .* use MLPClassifier") as caught:
        MLPRegressor(3).fit(X, y_numbers, X_val=X, y_val=y)
    message = str(caught.value)
    assert message.count("MLPClassifier") == 1 and ".." not in message and " y " not in message
    with pytest.raises(ValueError, match="use MLPClassifier"):
        MLPRegressorCV().fit(X, y)


@pytest.mark.parametrize(
    "y, advice",
    [
        (np.arange(60).astype("datetime64[D]"), "Convert dates"),
        (np.arange(60).astype("datetime64[ns]"), "Convert dates"),
        (pd.Series(pd.date_range("2020", periods=60)), "Convert dates"),
        ([pd.Timestamp("2020"), pd.Timestamp("2021")] * 30, "Convert dates"),
        ([date(2020, 1, 1), date(2020, 1, 2)] * 30, "Convert dates"),
        (np.arange(60).astype("timedelta64[ns]"), "Convert durations"),
        ([timedelta(1), timedelta(2)] * 30, "Convert durations"),
    ],
)
def test_dates_and_durations_are_to_be_converted(y, advice):
    X, y_numbers = make_data(MLPRegressor)
    with pytest.raises(ValueError, match=f"^y must hold real numbers. {advice}") as caught:
        MLPRegressor(3).fit(X, y)
    assert "MLPClassifier" not in str(caught.value)
    with pytest.raises(ValueError, match=f"^y_val .*y_val must hold real numbers. {advice}"):
        MLPRegressor(3).fit(X, y_numbers, X_val=X, y_val=y)
    cure = re.search(r"by (np.asarray.*?\(float\))", str(caught.value))[1]
    converted = eval(cure, {"np": np, "y": y})
    assert converted.shape == (60,) and converted.dtype == float


def test_numbers_beyond_float64():
    X, y = make_data(MLPRegressor)
    with pytest.raises(ValueError, match="^y contains values too large for float64.*Scale y"):
        MLPRegressor(3).fit(X, [10**400] * 60)
