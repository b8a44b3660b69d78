"""to_onnx of the estimators for tables: onnxruntime predicts from raw columns what they predict."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from support.onnx_models import assert_table_exported

import skregopt
from skregopt import MLPRegressor, TabularMLPClassifier, TabularMLPRegressor
from skregopt.losses import Quantile, SquaredError
from skregopt.preprocessing import TabularEncoder

pandas = pytest.importorskip("pandas")

SMALL = {"n_estimators": 3, "max_iter": 2, "hidden_layer_sizes": (6, 5), "learning_rate_init": 0.05, "random_state": 0}


def make_frame(n_rows=120, seed=0):
    """Draw columns of all kinds, with missing values in most of them."""
    rng = np.random.RandomState(seed)
    numbers = rng.normal(size=(n_rows, 6))
    holes = rng.uniform(size=(n_rows, 4)) < 0.15
    texts = np.array(["ash", "birch", "größer", "two words"], dtype=object)[rng.randint(4, size=n_rows)]
    return pandas.DataFrame({
        "offset": 1e9 + numbers[:, 0],
        "holes": np.where(holes[:, 0], np.nan, 1000 * numbers[:, 1]),
        "constant": np.full(n_rows, 7),
        "flag": numbers[:, 2] > 0,
        "text": np.where(holes[:, 1], None, texts),
        "no holes": pandas.Categorical(texts[::-1]),
        "sizes": pandas.Categorical(np.where(holes[:, 2], np.nan, rng.randint(5, size=n_rows) - 1.5)),
        "two": np.array(["no", "yes"], dtype=object)[(numbers[:, 3] > 0).astype(int)],
        "two numbers": pandas.Categorical(np.where(holes[:, 3], None, rng.randint(2, size=n_rows))),
        "one": np.full(n_rows, "always", dtype=object),
        "none": np.full(n_rows, None),
        "count": pandas.array(np.where(holes[:, 0], None, rng.randint(9, size=n_rows)), dtype="Int64"),
    })  # fmt: skip


def make_targets(frame):
    """Return targets of each kind, by name."""
    z = (frame["offset"] - 1e9).to_numpy() + frame["flag"]
    classes = np.digitize(z, [0, 1])
    return {
        "binary": np.array(["no", "yes"])[(z > 0.5).astype(int)],
        "multiclass": np.array(["ash", "birch", "größer"], dtype=object)[classes],
        "integers": classes - 1,
        "multilabel": np.column_stack([z > 0, z > 1]).astype(int),
        "one class": np.full(len(z), "only"),
        "regression": 1e6 + 1e4 * z,
        "multi-output": np.column_stack([z, 1000 - z]),
        "positive": np.exp(z),
    }


@pytest.fixture(scope="module")
def frame():
    return make_frame()


@pytest.fixture(scope="module")
def new_rows(frame):
    """Return rows with unknown levels, values far outside, missing values everywhere, and columns in another order."""
    rows = make_frame(60, 1)
    rows["text"] = np.where(np.arange(60) % 3 == 0, "unseen", rows["text"])
    rows["sizes"] = np.where(np.arange(60) % 4 == 0, 77.0, rows["sizes"].astype(float))
    rows["none"] = np.where(np.arange(60) % 2, "unseen", None)
    rows.loc[::6, ["two", "one", "no holes"]] = None
    rows["constant"] = np.arange(60) % 9
    rows.loc[::5, ["offset", "constant"]] = np.nan
    rows.loc[1:3, "holes"] = [1e300, -1e300, 0.0]
    return rows[list(rows)[::-1]]


@pytest.mark.parametrize("target", ["binary", "multiclass", "integers", "multilabel", "one class"])
def test_classifier(target, frame, new_rows, run):
    model = TabularMLPClassifier(**SMALL).fit(frame, make_targets(frame)[target])
    assert_table_exported(model, frame, run)
    assert_table_exported(model, new_rows, run)
    assert_table_exported(model, new_rows[:1], run)


REGRESSIONS = {
    "regression": "huber",
    "multi-output": "squared_error",
    "positive": "poisson",
    "quantiles": Quantile([0.9, 0.1, 0.5]),
    "one of several": Quantile([0.9]),
}


@pytest.mark.parametrize("target", REGRESSIONS)
def test_regressor(target, frame, new_rows, run):
    y = make_targets(frame).get(target, make_targets(frame)["regression"])
    model = TabularMLPRegressor(loss=REGRESSIONS[target], **SMALL).fit(frame, y)
    assert_table_exported(model, frame, run)
    assert_table_exported(model, new_rows, run)
    assert_table_exported(model, new_rows[:1], run)


def test_predictions_stay_within_the_range_of_y(frame, run):
    model = TabularMLPRegressor(**SMALL).fit(frame, make_targets(frame)["regression"])
    for network in model.estimators_:
        network.intercepts_[-1] = network.intercepts_[-1] + 1000
    assert np.ptp(model.predict(frame)) == 0
    assert_table_exported(model, frame, run)
    model.weights_ = 1.01 * model.weights_  # as if rounding were coarse
    np.testing.assert_array_equal(assert_table_exported(model, frame, run)["prediction"], model.predict(frame))


def test_the_least_probabilities(frame, run):
    """Far from 0 and 1 the temperature acts on logarithms."""
    targets = make_targets(frame)
    for target in ("binary", "multilabel"):
        model = TabularMLPClassifier(**SMALL).fit(frame, targets[target])
        model.estimators_[0].coefs_[-1] = 2000 * model.estimators_[0].coefs_[-1]
        model.weights_, model.temperature_ = np.array([1.0, 0.0, 0.0]), 0.1
        probabilities = assert_table_exported(model, frame, run)["probabilities"]
        assert probabilities.min() < 1e-12


def test_networks_without_weight_are_left_out(frame, run):
    model = TabularMLPClassifier(**SMALL).fit(frame, make_targets(frame)["binary"])
    whole = skregopt.to_onnx(model)
    model.weights_ = np.array([0.0, 1.0, 0.0])
    assert_table_exported(model, frame, run)
    gemms = [[node.op_type for node in each.graph.node].count("Gemm") for each in (skregopt.to_onnx(model), whole)]
    assert gemms == [3, 9]


@pytest.mark.parametrize("n_rows", [30, 55])
def test_small_tables(n_rows, frame, run):
    """Their networks compute in float64, all of them or those with few rows left to train on."""
    model = TabularMLPClassifier(**SMALL).fit(frame[:n_rows], make_targets(frame)["binary"][:n_rows])
    assert any(network.coefs_[0].dtype == np.float64 for network in model.estimators_)
    assert_table_exported(model, frame, run)


# --- inputs ----------------------------------------------------------------------------------------------------------


def test_inputs_are_the_columns(frame, onnxruntime):
    model = TabularMLPClassifier(**SMALL).fit(frame, make_targets(frame)["binary"])
    session = onnxruntime.InferenceSession(skregopt.to_onnx(model).SerializeToString())
    types = {each.name: each.type for each in session.get_inputs()}
    texts = {"text", "no holes", "two", "one", "none"}
    assert list(types) == list(frame)
    assert types == {name: f"tensor({'string' if name in texts else 'double'})" for name in frame}
    assert all(each.shape == ["n_samples", 1] for each in session.get_inputs())
    assert [each.name for each in session.get_outputs()] == ["label", "probabilities"]


@pytest.mark.parametrize("n_columns", [1, 3])
def test_an_array_of_numbers_is_one_input(n_columns, run):
    X = np.random.RandomState(0).normal(size=(80, n_columns))
    X[::7, 0] = np.nan
    y = X[:, -1] > 0
    for categorical, rows in ((None, X), ([0], np.round(X))):
        model = TabularMLPClassifier(categorical_features=categorical, **SMALL).fit(rows, y)
        found = run(skregopt.to_onnx(model), rows)
        np.testing.assert_allclose(found["probabilities"], model.predict_proba(rows), rtol=1e-5)
    numbered = pandas.DataFrame(X)  # whose columns have no names
    model = TabularMLPClassifier(**SMALL).fit(numbered, y)
    found = run(skregopt.to_onnx(model), X)
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(numbered), rtol=1e-5)


def test_an_array_with_strings(frame, run):
    X = frame[["holes", "text"]].to_numpy(dtype=object)
    model = TabularMLPClassifier(**SMALL).fit(X, make_targets(frame)["binary"])
    named = pandas.DataFrame({"x0": X[:, 0].astype(float), "x1": X[:, 1]})
    assert_table_exported(model, named, run, X)


def test_frames_of_polars(frame, run):
    polars = pytest.importorskip("polars")
    columns = {
        "number": frame["holes"].tolist(),
        "text": [value if isinstance(value, str) else None for value in frame["text"]],
    }
    rows = polars.DataFrame(columns)
    model = TabularMLPClassifier(**SMALL).fit(rows, make_targets(frame)["binary"])
    assert_table_exported(model, pandas.DataFrame(columns), run, rows)


def test_thousands_of_categories(run):
    rng = np.random.RandomState(0)
    codes = rng.zipf(1.3, size=(600, 1)) % 5000
    for column in (codes[:, 0], np.array([f"shop {code}" for code in codes[:, 0]], dtype=object)):
        X = pandas.DataFrame({"shop": pandas.Categorical(column)})
        model = TabularMLPRegressor(**SMALL).fit(X, codes[:, 0] % 7)
        groups = model.encoder_.category_groups_[0]
        assert len(groups) > len(set(groups.values())) == 128
        assert_table_exported(model, X, run)


def test_names_of_columns_that_the_graph_needs(frame, run):
    names = ["label", "probabilities", "prediction", "prediction_", "a b/c", "x7", "größer", "Gemm_1", "", "X"]
    inputs = [name or "x8" for name in names]
    X = frame.iloc[:, : len(names)].set_axis(names, axis=1)
    targets = make_targets(frame)
    clf = TabularMLPClassifier(**SMALL).fit(X, targets["binary"])
    found = assert_table_exported(clf, X.set_axis(inputs, axis=1), run, X)
    assert list(found) == ["label_", "probabilities_"]
    graph = skregopt.to_onnx(clf).graph
    reg = TabularMLPRegressor(**SMALL).fit(X, targets["positive"])
    assert list(assert_table_exported(reg, X.set_axis(inputs, axis=1), run, X)) == ["prediction__"]
    inner = [graph.node[0].output[0], graph.node[9].output[0], graph.initializer[0].name, graph.initializer[9].name]
    X = X.iloc[:, : len(inner)].set_axis(inner, axis=1)
    assert_table_exported(TabularMLPClassifier(**SMALL).fit(X, targets["binary"]), X, run)


# --- what ONNX cannot express ----------------------------------------------------------------------------------------


def test_empty_strings(frame, run):
    """An empty string is a category if it is one in fit, and otherwise a missing value."""
    targets = make_targets(frame)["binary"]
    texts = np.where(frame["flag"], "", frame["two"])
    X = pandas.DataFrame({"text": texts})
    model = TabularMLPClassifier(**SMALL).fit(X, targets)
    assert "" in model.encoder_.category_groups_[0]
    assert_table_exported(model, X, run)
    X = pandas.DataFrame({"text": np.where(np.arange(len(X)) % 9 == 0, None, texts)})
    with pytest.raises(ValueError, match="Column 'text' has missing values and the category '' in fit. In ONNX"):
        skregopt.to_onnx(model.fit(X, targets))


def test_categories_that_are_no_float64(frame, onnxruntime):
    X = pandas.DataFrame({"key": pandas.Categorical(2**53 + np.arange(len(frame)) % 3)})
    model = TabularMLPClassifier(**SMALL).fit(X, make_targets(frame)["binary"])
    with pytest.raises(ValueError, match=r"Column 'key' has the category 9007199254740993\. Numbers are float64"):
        skregopt.to_onnx(model)


class OwnLink(SquaredError):
    """Has kernels of its own and only the ONNX form of another."""

    invert_link = staticmethod(lambda raw_prediction, hyper: None)


def test_a_loss_without_a_form(frame, onnxruntime, tmp_path):
    model = TabularMLPRegressor(**SMALL).fit(frame, make_targets(frame)["positive"])
    network = model.estimators_[0]
    network._rules = (network._rules[0], OwnLink())
    with pytest.raises(ValueError, match=r"loss OwnLink\(\) has no ONNX form"):
        skregopt.to_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_labels_without_a_type(frame, onnxruntime):
    days = np.array(["2024-02-28", "2024-02-29"], dtype="datetime64[D]")
    model = TabularMLPClassifier(**SMALL).fit(frame, days[frame["flag"].astype(int)])
    with pytest.raises(ValueError, match="must be numbers, booleans or strings for ONNX"):
        skregopt.to_onnx(model)


def test_unfitted_and_others(onnxruntime):
    for estimator in (TabularMLPClassifier(), TabularMLPRegressor()):
        with pytest.raises(NotFittedError):
            skregopt.to_onnx(estimator)
    with pytest.raises(TypeError, match="to_onnx converts .*TabularMLPRegressor, got TabularEncoder"):
        skregopt.to_onnx(TabularEncoder())
    with pytest.raises(TypeError, match="got Pipeline"):
        skregopt.to_onnx(make_pipeline(FunctionTransformer(), MLPRegressor()))


@pytest.mark.parametrize("kind", [TabularMLPClassifier, TabularMLPRegressor])
def test_pipelines_of_skl2onnx(kind, skl2onnx):
    X = np.random.RandomState(0).normal(size=(60, 2)).astype(np.float32)
    pipeline = make_pipeline(FunctionTransformer(), kind(**SMALL)).fit(X, X[:, 0] > 0)
    with pytest.raises(
        TypeError, match=f"skl2onnx cannot convert {kind.__name__}.* Convert it .* with skregopt.to_onn"
    ):
        skl2onnx.to_onnx(pipeline, X[:1], options={"zipmap": False} if kind is TabularMLPClassifier else None)
