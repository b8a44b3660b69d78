"""to_onnx and the converters for skl2onnx: onnxruntime predicts what the estimators predict."""

import doctest
import inspect
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from support.onnx_models import DTYPES, RTOL, SMALL, assert_exported, same
from support.problems import TASKS, make_problem

import skregopt
from skregopt import MLPClassifier, MLPRegressor
from skregopt._onnx.graph import Graph
from skregopt._onnx.networks import onnx_form
from skregopt.activations import ACTIVATIONS, ELU, GELU, Activation, LeakyReLU, Tanh
from skregopt.losses import LOSSES, SquaredError
from skregopt.model_selection import MLPClassifierCV, MLPRegressorCV

sys.path.insert(0, str(Path(__file__).parents[2] / "doc" / "extending"))
from my_components import CappedL1, Softsign

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


# --- every component -------------------------------------------------------------------------------------------------


def recorded(component, kernel):
    """Return the operators of a component's ONNX form; needs no ONNX."""
    operators = []
    op = Graph(
        "float64", lambda stem: f"{stem}-", lambda name, *args, **kw: operators.append(name), lambda name, array: None
    )
    onnx_form(component, kernel)(op, "z")
    return operators


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_has_a_form(name):
    if ACTIVATIONS[name].__module__.startswith("skregopt."):  # other tests may have registered their own
        assert len(recorded(ACTIVATIONS[name](), "activate")) >= (name != "identity")


@pytest.mark.parametrize("target", ["binary", "multiclass", "multilabel", "continuous"])
def test_every_loss_has_a_form(target):
    losses = [rule() for rule in LOSSES.values() if rule.__module__.startswith("skregopt.") and target in rule.targets]
    assert losses
    for loss in losses:
        operators = recorded(loss.for_target(target), "invert_link")
        assert bool(operators) == (loss.for_target(target).out_activation != "identity")


VARIANTS = [*ACTIVATIONS, LeakyReLU(0.3), ELU(0.5), GELU("tanh"), Softsign(0.5)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", VARIANTS, ids=str)
def test_activations(activation, dtype, run):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(40, 4))
    model = MLPRegressor(activation=activation, **SMALL, dtype=dtype).fit(X, X[:, 0] * X[:, 1])
    assert_exported(model, X, run)
    # far out, where forms overflow or cancel: to the precision of the sums that came before
    model.coefs_[0] = 100 * model.coefs_[0]
    found = run(skregopt.to_onnx(model), X.astype(dtype))["prediction"]
    expected = model.predict(X.astype(dtype))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, expected, rtol=RTOL, atol=RTOL * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("task", TASKS)
def test_losses_and_targets(task, dtype, run):
    problem = make_problem(task)
    model = problem.make(**SMALL, dtype=dtype).fit(problem.X, problem.y)
    assert_exported(model, problem.X, run)
    if task == "quantiles":  # that there is something to sort
        model.intercepts_[-1] = model.intercepts_[-1] + np.linspace(0, 3, 3, dtype=dtype)
        assert_exported(model, problem.X, run)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("labels", [1, 2])
def test_small_probabilities_keep_their_order(labels, dtype, run):
    """Of two classes both; onnxruntime's own sigmoid clips at -18."""
    z = np.linspace(-80, 80, 201).reshape(-1, 1).astype(dtype)
    y = np.array([0, 1, 1]) if labels == 1 else np.array([[0, 1], [1, 0], [1, 1]])
    model = MLPClassifier((), max_iter=1).fit(z[[0, 99, 200]], y)
    model.coefs_, model.intercepts_ = [np.ones((1, labels), dtype)], [np.zeros(labels, dtype)]
    found = run(skregopt.to_onnx(model), z)
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(z), rtol=2e-5)
    assert len(np.unique(found["probabilities"][:100, 1])) == 100
    np.testing.assert_array_equal(found["label"], model.predict(z))


@pytest.mark.parametrize("dtype", DTYPES)
def test_batch_norm(dtype, run):
    X = np.random.RandomState(0).normal(3.0, 2.0, size=(60, 4))
    model = MLPClassifier(batch_norm=True, activation=["tanh", "elu"], **SMALL, dtype=dtype)
    exported = assert_exported(model.fit(X, X[:, 0] > X[:, 1]), X, run)
    assert {node.op_type for node in exported.graph.node}.isdisjoint({"BatchNormalization", "Sqrt", "Div"})


@pytest.mark.parametrize("dtype", DTYPES)
def test_layer_norm(dtype, run):
    X = np.random.RandomState(0).normal(3.0, 2.0, size=(60, 4))
    model = MLPClassifier(layer_norm=True, activation=["tanh", "elu"], **SMALL, dtype=dtype)
    exported = assert_exported(model.fit(X, X[:, 0] > X[:, 1]), X, run)
    assert [node.op_type for node in exported.graph.node].count("LayerNormalization") == 2


def test_no_hidden_layer(run):
    X = np.random.RandomState(0).normal(size=(30, 3))
    assert_exported(MLPRegressor((), solver="lbfgs").fit(X, X[:, 0]), X, run)


# --- class labels ----------------------------------------------------------------------------------------------------

LABELS = {
    "strings": np.array(["ash", "birch", "cedar"]),
    "two strings": np.array(["no", "yes"]),
    "objects": np.array(["ash", "birch", "größer"], dtype=object),
    "integers": np.array([-7, 0, 2**40]),
    "small integers": np.array([3, 5], dtype=np.int8),
    "booleans": np.array([False, True]),
    "floats": np.array([-1.0, 1.0, 2.0]),
    "one class": np.array(["only"]),
    "one number": np.array([7]),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels(name, run):
    classes = LABELS[name]
    X = np.random.RandomState(0).normal(size=(60, 3))
    y = classes[X[:, : classes.size].argmax(axis=1)]
    model = MLPClassifier(solver="lbfgs", random_state=0).fit(X, y)
    assert set(model.predict(X)) == set(classes)
    exported = assert_exported(model, X, run)
    found = run(exported, X)["label"]
    if classes.dtype.kind in "bif":
        assert found.dtype == classes.dtype
    for arrays in (model.coefs_, model.intercepts_):  # equal probabilities: the same class wins
        arrays[:] = [np.zeros_like(array) for array in arrays]
    assert_exported(model, X, run)


def test_labels_that_onnx_has_no_type_for(onnxruntime):
    X = np.random.RandomState(0).normal(size=(20, 3))
    days = np.array(["2024-02-28", "2024-02-29"], dtype="datetime64[D]")
    model = MLPClassifier(**SMALL).fit(X, days[(X[:, 0] > 0).astype(int)])
    with pytest.raises(ValueError, match="must be numbers, booleans or strings for ONNX, got classes_=.*2024-02-28"):
        skregopt.to_onnx(model)


# --- files, states, errors -------------------------------------------------------------------------------------------


def fitted():
    X = np.random.RandomState(0).normal(size=(30, 3))
    return MLPRegressor(**SMALL).fit(X, X[:, 0]), X


def test_path(run, tmp_path):
    import onnx

    model, X = fitted()
    exported = skregopt.to_onnx(model, tmp_path / "model.onnx")
    loaded = onnx.load(tmp_path / "model.onnx")
    assert loaded == exported
    same(run(loaded, X)["prediction"], model.predict(X))
    skregopt.to_onnx(model, str(tmp_path / "by_name.onnx"))
    assert (tmp_path / "by_name.onnx").read_bytes() == (tmp_path / "model.onnx").read_bytes()
    assert loaded.producer_name == "skregopt"
    assert {(entry.domain, entry.version) for entry in loaded.opset_import} == {("", 17)}


def test_what_was_fitted_counts(run):
    model, X = fitted()
    model.set_params(activation="tanh", loss="poisson", batch_norm=True)
    assert_exported(model, X, run)
    model.coefs_ = [2 * coef for coef in model.coefs_]
    assert_exported(model, X, run)
    model.coefs_ = model.coefs_[:1]
    with pytest.raises(ValueError, match="coefs_ must be a list of 3 matrices, as fitted, got 1"):
        skregopt.to_onnx(model)


@pytest.mark.parametrize("estimator", [MLPClassifier(), MLPRegressor()], ids=str)
def test_unfitted(estimator, onnxruntime, tmp_path):
    with pytest.raises(NotFittedError):
        skregopt.to_onnx(estimator, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_other_estimators(onnxruntime):
    with pytest.raises(
        TypeError, match="converts MLPClassifier, MLPRegressor, .*, got Pipeline(.|\n)*register_skl2onnx"
    ):
        skregopt.to_onnx(make_pipeline(StandardScaler(), MLPRegressor()))


def test_what_is_no_path(onnxruntime):
    with pytest.raises(TypeError, match="path must be the name of a file to write, or None.*, got 3"):
        skregopt.to_onnx(fitted()[0], 3)


def cross_validated(kind, X, y):
    """Return an estimator that chose alpha by cross-validation."""
    network = {MLPClassifierCV: MLPClassifier, MLPRegressorCV: MLPRegressor}[kind](penalty="l1", **SMALL)
    return kind(network, alphas=[0.001, 0.01], cv=2).fit(X, y)


def test_cross_validated_estimators(onnxruntime, run):
    """What is exported is what they predict with."""
    X, Z = table()
    clf = cross_validated(MLPClassifierCV, X, np.array(["low", "high"])[(Z[:, 0] > 0).astype(int)])
    found = run(skregopt.to_onnx(clf), X)
    assert_array_equal(found["label"], clf.predict(X))
    same(found["probabilities"], clf.predict_proba(X))
    reg = cross_validated(MLPRegressorCV, X, Z[:, 0])
    same(run(skregopt.to_onnx(reg), X)["prediction"], reg.predict(X))
    with pytest.raises(NotFittedError):
        skregopt.to_onnx(MLPClassifierCV())


def test_cross_validated_estimators_in_skl2onnx(skl2onnx, run):
    X, Z = table()
    clf = cross_validated(MLPClassifierCV, X, (Z[:, 0] > 0).astype(int))
    found = run(skl2onnx.to_onnx(clf, X[:1], options={"zipmap": False}), X)
    assert_array_equal(found["label"], clf.predict(X))
    same(found["probabilities"], clf.predict_proba(X))
    reg = make_pipeline(StandardScaler(), cross_validated(MLPRegressorCV, X, Z))
    reg.fit(X, Z)
    same(run(skl2onnx.to_onnx(reg, X[:1]), X)["variable"], reg.predict(X))


class Shifted(Tanh):
    """Has the kernels of its own and only the ONNX form of another."""

    activate = staticmethod(lambda z, saved, hyper: None)


class OwnLink(SquaredError):
    """The same for a loss."""

    invert_link = staticmethod(lambda raw_prediction, hyper: None)


class Unknown(Activation):
    """Has no ONNX form at all."""

    activate = staticmethod(lambda z, saved, hyper: None)


@pytest.mark.parametrize("component", [Shifted(), Unknown(), OwnLink()], ids=str)
def test_components_without_a_form(component, onnxruntime, tmp_path):
    model, _ = fitted()
    activations, loss = model._rules
    is_loss = component.family == "loss"
    model._rules = ([*activations[:-1], component], loss) if not is_loss else (activations, component)
    name = type(component).__name__
    wanted = rf"Define to_onnx\(self, op, {'raw_prediction' if is_loss else 'z'}\) in the class {name}"
    with pytest.raises(ValueError, match=rf"{component.family} {name}\(\) has no ONNX form. {wanted}"):
        skregopt.to_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_penalty_of_ones_own_needs_no_form(run):
    model, X = fitted()
    assert_exported(model.set_params(penalty=CappedL1()).fit(X, X[:, 0]), X, run)


@pytest.mark.parametrize("function", [skregopt.to_onnx, skregopt.register_skl2onnx])
def test_docstring_examples(function, skl2onnx):
    source = inspect.getdoc(function).replace("# doctest: +SKIP", "")
    test = doctest.DocTestParser().get_doctest(source, {}, function.__name__, None, None)
    assert len(test.examples) > 5
    assert doctest.DocTestRunner().run(test).failed == 0


# --- skl2onnx --------------------------------------------------------------------------------------------------------


def table(n_rows=50):
    rng = np.random.RandomState(0)
    X = rng.normal([5, 0, -3], [3, 1, 0.2], size=(n_rows, 3))
    return X, (X - X.mean(axis=0)) / X.std(axis=0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", ["strings", "two strings", "integers", "one class"])
def test_pipeline_of_a_classifier(classes, dtype, skl2onnx, run):
    classes = LABELS[classes]
    X, Z = table()
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**SMALL))
    pipeline.fit(X, classes[Z[:, : classes.size].argmax(axis=1)])
    X = X.astype(dtype)
    exported = skl2onnx.to_onnx(pipeline, X[:1], options={"zipmap": False})
    for rows in (X, X[:1]):
        found = run(exported, rows)
        same(found["label"], pipeline.predict(rows))
        same(found["probabilities"], pipeline.predict_proba(rows))
        assert found["probabilities"].dtype == dtype
    if dtype == "float32":  # onnxruntime's ZipMap
        by_class = run(skl2onnx.to_onnx(pipeline, X[:1]), X)["output_probability"]
        assert list(by_class[0]) == list(classes)


def test_options_of_skl2onnx(skl2onnx, run):
    X, Z = table()
    model = MLPClassifier(**SMALL).fit(X, LABELS["floats"][Z.argmax(axis=1)])
    found = run(skl2onnx.to_onnx(model, X[:1], options={"zipmap": False}), X)
    same(found["label"], model.predict(X).astype(int))
    model.fit(X, LABELS["strings"][Z.argmax(axis=1)])
    found = run(skl2onnx.to_onnx(model, X[:1], options={"zipmap": False, "nocl": True}), X)
    same(model.classes_[found["label"]], model.predict(X))
    found = run(skl2onnx.to_onnx(model, X[:1], options={"zipmap": False, "output_class_labels": True}), X)
    assert list(found["class_labels"]) == list(model.classes_)
    found = run(skl2onnx.to_onnx(model, X[:1], options={"zipmap": "columns"}), X)
    columns = [values for name, values in found.items() if name != "output_label"]
    same(np.column_stack(columns), model.predict_proba(X))


def test_multilabel_pipeline(skl2onnx, run):
    X, Z = table()
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**SMALL)).fit(X, (Z > 0).astype(int))
    found = run(skl2onnx.to_onnx(pipeline, X[:1], options={"zipmap": False}), X)
    same(found["label"], pipeline.predict(X))
    same(found["probabilities"], pipeline.predict_proba(X))


@pytest.mark.parametrize("task", ["regression", "multi-output regression", "quantiles", "poisson"])
def test_pipeline_of_a_regressor(task, skl2onnx, run):
    problem = make_problem(task)
    pipeline = make_pipeline(StandardScaler(), problem.make(**SMALL, batch_norm=True)).fit(problem.X, problem.y)
    found = run(skl2onnx.to_onnx(pipeline, problem.X[:1]), problem.X)["variable"]
    expected = pipeline.predict(problem.X)
    same(found, expected.reshape(len(expected), -1))


def test_integer_input(skl2onnx, run):
    X = np.random.RandomState(0).randint(0, 9, size=(40, 3))
    model = MLPRegressor(**SMALL).fit(X, X[:, 0])
    found = run(skl2onnx.to_onnx(model, X[:1]), X)["variable"]
    np.testing.assert_allclose(found.ravel(), model.predict(X), rtol=RTOL)


def test_two_networks_in_one_graph(skl2onnx, run):
    X, Z = table()
    y = LABELS["strings"][Z.argmax(axis=1)]
    members = [("a", MLPClassifier(**SMALL)), ("b", MLPClassifier(**{**SMALL, "random_state": 1}, activation="gelu"))]
    model = VotingClassifier(members, voting="soft", flatten_transform=False).fit(X, y)
    found = run(skl2onnx.to_onnx(model, X[:1], options={id(model): {"zipmap": False}}), X)
    same(found["label"], model.predict(X))
    same(found["probabilities"], model.predict_proba(X))


def test_columns_of_a_frame(skl2onnx, run):
    pandas = pytest.importorskip("pandas")
    X, Z = table()
    frame = pandas.DataFrame({"length": X[:, 0], "width": X[:, 1], "colour": np.where(X[:, 2] > -3, "red", "blue")})
    columns = ColumnTransformer(
        [("scale", StandardScaler(), ["length", "width"]), ("code", OneHotEncoder(), ["colour"])]
    )
    pipeline = make_pipeline(columns, MLPClassifier(**SMALL)).fit(frame, Z[:, 0] > Z[:, 1])
    exported = skl2onnx.to_onnx(pipeline, frame[:1], options={"zipmap": False})
    inputs = {name: frame[name].to_numpy(dtype=object if name == "colour" else float)[:, None] for name in frame}
    same(run(exported, None, **inputs)["probabilities"], pipeline.predict_proba(frame))


def test_unfitted_and_unknown_in_skl2onnx(skl2onnx):
    X, _ = table()
    with pytest.raises(NotFittedError):
        skl2onnx.to_onnx(MLPRegressor(), X[:1])
    model = MLPRegressor(**SMALL).fit(X, X[:, 0])
    model._rules = ([Unknown()] * 2, model._rules[1])
    with pytest.raises(ValueError, match=r"activation Unknown\(\) has no ONNX form"):
        skl2onnx.to_onnx(model, X[:1])
