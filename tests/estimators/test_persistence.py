"""pickle, joblib, cloudpickle, skops, deepcopy: the same bits, small files, and files of earlier versions load."""

import copy
import importlib.util
import io
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from support.states import state, weights

import skregopt
from skregopt import MLPClassifier, MLPRegressor, TabularMLPClassifier, TabularMLPRegressor, model_selection
from skregopt.activations import ELU, Trainable
from skregopt.embeddings import Periodic, PiecewiseLinear
from skregopt.losses import Quantile

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "doc" / "user_guide" / "persistence.rst"

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

spec = importlib.util.spec_from_file_location("make", TESTS / "data" / "make.py")
make = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make)
NAMES = ("classifier", "multilabel", "partial_fit", "regressor", "quantiles")


@pytest.fixture(scope="module")
def models():
    """Return fitted estimators of all kinds, with X, by name."""
    found = make.models()
    assert tuple(found) == NAMES
    return found


def with_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file, compress=3)
    file.seek(0)
    return joblib.load(file)


def with_cloudpickle(model):
    cloudpickle = pytest.importorskip("cloudpickle", reason="needs the extra ecosystem")
    return pickle.loads(cloudpickle.dumps(model))


def trusted_types():
    """Return the list on the page about persistence."""
    return re.findall(r"^\* ``(skregopt\.[\w.*]+)``", PAGE.read_text(encoding="utf-8"), flags=re.M)


def with_skops(model):
    skops = pytest.importorskip("skops.io", reason="needs the extra ecosystem")
    data = skops.dumps(model)
    found = skops.get_untrusted_types(data=data)
    allowed = re.compile("|".join(name.replace(".", r"\.").replace("*", r"\w+") for name in trusted_types()))
    assert found and all(allowed.fullmatch(name) for name in found), found
    return skops.loads(data, trusted=found)


def estimators():
    """Return a fitted estimator of every public kind."""
    public = {**vars(skregopt), **vars(model_selection)}.values()
    kinds = {kind for kind in public if isinstance(kind, type) and issubclass(kind, BaseEstimator)}
    X, y = np.random.RandomState(0).normal(size=(40, 3)), np.arange(40) % 2
    for kind in kinds:
        if hasattr(kind, "partial_fit"):
            params = {"max_iter": 2, "penalty": "l1", "feature_embedding": "periodic", "random_state": 0}
            yield kind(2, Trainable("relu"), **params).fit(X, y).partial_fit(X, y)
        elif kind in TABLES:
            yield kind(n_estimators=3, max_iter=1, random_state=0).fit(X, y)
        else:
            network = kind._default_class(2, penalty="l1", max_iter=2, random_state=0)
            yield kind(network, alphas=[0.01, 0.1], cv=2).fit(X, y)


TABLES = (TabularMLPClassifier, TabularMLPRegressor)


class Recorder(pickle.Unpickler):
    """Unpickles, and records what is imported for that."""

    def __init__(self, data):
        super().__init__(io.BytesIO(data))
        self.names = set()

    def find_class(self, module, name):
        self.names.add(f"{module}.{name}")
        return super().find_class(module, name)


def globals_of(data):
    """Return the names that unpickling imports."""
    recorder = Recorder(data)
    recorder.load()
    return recorder.names


def own_classes(model):
    """Return the names of the classes of this package in a pickle of a model, one of a family with a star."""
    names = {name for name in globals_of(pickle.dumps(model)) if name.startswith("skregopt.")}
    families = {f"{name.rpartition('.')[0]}.*" for name in names} & set(trusted_types())
    return families | {name for name in names if f"{name.rpartition('.')[0]}.*" not in families}


def test_the_page_lists_all_classes_in_files():
    found = set().union(*map(own_classes, estimators()))
    assert "skregopt.model_selection.RegularizationPath" in found and "skregopt.losses.*" in found
    missing = found - set(trusted_types())
    assert not missing
    # parameters, which these estimators have by name
    assert set(trusted_types()) - found == {"skregopt.penalties.*", "skregopt.schedules.*"}


ROUTES = {
    **{
        f"pickle {protocol}": lambda model, protocol=protocol: pickle.loads(pickle.dumps(model, protocol))
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    },
    "joblib": with_joblib,
    "cloudpickle": with_cloudpickle,
    "skops": with_skops,
    "deepcopy": copy.deepcopy,
}


def remembered(model):
    """Return all that has to survive."""
    return {name: value for name, value in state(model).items() if name != "_packed"}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_bits(name, route, models):
    model, X = models[name]
    loaded = ROUTES[route](model)
    assert loaded is not model and type(loaded) is type(model)
    if route != "skops":  # which turns a tuple into a list here and there
        assert remembered(loaded) == remembered(model)
    assert weights(loaded) == weights(model)
    for method, expected in make.outputs(model, X).items():
        np.testing.assert_array_equal(getattr(loaded, method)(X), expected)
    loaded.coefs_[0][...] = 0  # nothing is shared
    assert np.any(model.coefs_[0])


@pytest.mark.parametrize("route", ROUTES)
def test_weights_are_one_array_again(route, models):
    """As after ``fit``, so that a prediction need not gather them."""
    model, _ = models["classifier"]
    for same in (model, ROUTES[route](model)):
        arrays = [*same.coefs_, *same.intercepts_]
        assert all(array.base is not None and array.base is arrays[0].base for array in arrays)


EMBEDDINGS = ("periodic", Periodic(3, columns=[2, 0]), PiecewiseLinear(4, columns=np.array([1, 3])))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("embedding", EMBEDDINGS, ids=str)
def test_embeddings_and_trainable_activations(embedding, route):
    X = np.random.RandomState(0).normal(size=(60, 4))
    activation = [Trainable("mish"), Trainable(ELU(0.5))]
    small = {"hidden_layer_sizes": (5, 4), "max_iter": 3, "random_state": 0, "activation": activation}
    model = MLPRegressor(feature_embedding=embedding, **small).partial_fit(X, X[:, 0]).partial_fit(X, X[:, 0])
    loaded = ROUTES[route](model)
    if route != "skops":
        assert remembered(loaded) == remembered(model)
    assert weights(loaded) == weights(model)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    np.testing.assert_array_equal(loaded.embedded_columns_, model.embedded_columns_)
    np.testing.assert_array_equal(loaded.feature_importances_, model.feature_importances_)
    assert repr(clone(loaded)) == repr(clone(model))
    assert weights(loaded.partial_fit(X, X[:, 0])) == weights(model.partial_fit(X, X[:, 0]))
    assert weights(loaded.fit(X, X[:, 0])) == weights(model.fit(X, X[:, 0]))
    loaded.embedding_coefs_[0][...] = loaded.activation_scales_[0][...] = 7.0  # nothing is shared
    assert not np.any(model.embedding_coefs_[0] == 7) and not np.any(model.activation_scales_[0] == 7)
    assert np.abs(loaded.predict(X) - model.predict(X)).max() > 1e-3


def test_embeddings_name_no_more_of_the_package_than_documented():
    X = np.random.RandomState(0).normal(size=(60, 4))
    for embedding in EMBEDDINGS:
        model = MLPRegressor(3, feature_embedding=embedding, activation=Trainable(), max_iter=2).fit(X, X[:, 0])
        assert {name for name in own_classes(model) if not name.endswith("*")} == {"skregopt.MLPRegressor"}


@pytest.fixture(scope="module")
def frame():
    pandas = pytest.importorskip("pandas")
    rng = np.random.RandomState(0)
    X = {
        "number": rng.normal(size=90),
        "flag": rng.uniform(size=90) > 0.5,
        "level": pandas.Categorical(rng.randint(3, size=90)),
    }
    X["text"] = np.where(
        rng.uniform(size=90) < 0.2, None, np.array(["a", "b", "c"], dtype=object)[rng.randint(3, size=90)]
    )
    X["number"][::7] = np.nan
    return pandas.DataFrame(X)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("kind", TABLES)
def test_estimators_for_tables(kind, route, frame):
    y = frame["number"].fillna(0.0) > frame["flag"]
    y = y.map({True: "yes", False: "no"}) if kind is TabularMLPClassifier else y + 10.0
    params = {"loss": Quantile([0.25, 0.75])} if kind is TabularMLPRegressor else {}
    model = kind(n_estimators=3, max_iter=2, random_state=0, **params).fit(frame, y)
    loaded = ROUTES[route](model)
    for method in ("predict", "predict_proba", "predict_log_proba"):
        if hasattr(model, method):
            np.testing.assert_array_equal(getattr(loaded, method)(frame), getattr(model, method)(frame))
    assert loaded.score(frame, y) == model.score(frame, y)
    np.testing.assert_array_equal(loaded.feature_importances_, model.feature_importances_)
    if route != "skops":
        assert remembered(clone(loaded)) == remembered(clone(model))
    assert [weights(network) for network in loaded.estimators_] == [weights(network) for network in model.estimators_]
    np.testing.assert_array_equal(loaded.fit(frame, y).predict(frame), model.predict(frame))


@pytest.mark.parametrize("route", ROUTES)
def test_training_goes_on_where_it_was(route, models):
    model, X = models["partial_fit"]
    y = np.resize(model.classes_, len(X))
    loaded, same = ROUTES[route](model), copy.deepcopy(model)
    assert weights(loaded.partial_fit(X, y)) == weights(same.partial_fit(X, y))
    without_memory = copy.deepcopy(model)
    del without_memory._optimizer_memory_
    assert weights(without_memory.partial_fit(X, y)) != weights(loaded)


@pytest.mark.nojit
@pytest.mark.parametrize("route", ROUTES)
def test_unfitted(route):
    model = MLPRegressor((3,), activation="elu", solver=make.Adam(beta_1=0.5))
    assert remembered(ROUTES[route](model)) == remembered(model)


@pytest.mark.parametrize(("solver", "numbers_per_weight"), [("minibatch", 1), ("adam", 2)])
@pytest.mark.parametrize("fitted_by", ["fit", "partial_fit"])
def test_a_pickle_is_little_larger_than_its_weights(fitted_by, solver, numbers_per_weight):
    """And than the memory of the optimizer after partial_fit, as the page says."""
    X = np.random.RandomState(0).normal(size=(400, 50))
    y = (X[:, 0] > 0).astype(int)
    model = MLPClassifier((200, 100), solver=solver, max_iter=2, early_stopping=fitted_by == "fit")
    getattr(model, fitted_by)(X, y, **({"classes": [0, 1]} if fitted_by == "partial_fit" else {}))
    n_bytes = sum(array.nbytes for array in (*model.coefs_, *model.intercepts_))
    assert len(pickle.dumps(clone(model))) < 2000
    n_bytes *= 1 + numbers_per_weight * (fitted_by == "partial_fit")
    assert n_bytes < len(pickle.dumps(model)) < n_bytes + 5000


@pytest.mark.parametrize("name", NAMES)
def test_files_name_no_more_of_the_package_than_documented(name, models):
    """What a pickle names has to stay where it is for ever."""
    allowed = re.compile("|".join(name.replace(".", r"\.").replace("*", r"\w+") for name in trusted_types()))
    found = {found for found in globals_of(pickle.dumps(models[name][0], protocol=4)) if found.startswith("skregopt")}
    assert found and all(allowed.fullmatch(found) for found in found), found


FILES = sorted((TESTS / "data").glob("*.pkl"))


@pytest.mark.nojit
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_of_this_and_earlier_versions(path):
    stored = pickle.loads(path.read_bytes())
    model, X = stored["model"], stored["X"]
    outputs = make.outputs(model, X)
    assert outputs.keys() == stored["outputs"].keys()
    for method, expected in stored["outputs"].items():
        assert outputs[method].shape == expected.shape and outputs[method].dtype == expected.dtype
        if expected.dtype.kind == "f":
            precision = np.finfo(expected.dtype).eps
            np.testing.assert_allclose(outputs[method], expected, rtol=1000 * precision, atol=100 * precision)
        else:
            np.testing.assert_array_equal(outputs[method], expected)
    works_like_a_new_one(model, X)


def works_like_a_new_one(model, X):
    """Use a loaded model in all other ways: in the end it is fitted anew."""
    repr(model), model.get_params(), model.sparsity_, model.feature_importances_
    y = model.predict(X)
    y = y[:, 0] if isinstance(model.loss, Quantile) else y
    if not model.early_stopping and getattr(model, "class_weight", None) is None:
        before = model.t_
        model.partial_fit(X, y)
        assert model.t_ == before + len(X)
    expected = weights(clone(model).fit(X, y))
    assert weights(model.fit(X, y)) == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_that_lack_younger_parameters(path, monkeypatch):
    """What a parameter added later does to files: here one of today is taken out of them."""
    stored = pickle.loads(path.read_bytes())
    old, X = stored["model"], stored["X"]
    state = dict(old.__getstate__())
    for name in ("n_hidden_layers", "clip_norm", "n_jobs"):
        del state[name]
    model = object.__new__(type(old))
    model.__setstate__(state)
    assert model.n_hidden_layers is model.clip_norm is model.n_jobs is None
    for method, expected in make.outputs(old, X).items():
        np.testing.assert_array_equal(getattr(model, method)(X), expected)
    works_like_a_new_one(model, X)


def test_cross_validated_files_that_lack_younger_parameters():
    (model,) = (model for model in estimators() if isinstance(model, model_selection.MLPRegressorCV))
    state = dict(model.__getstate__())
    del state["selection"]
    loaded = object.__new__(type(model))
    loaded.__setstate__(state)
    assert loaded.selection == "best" and repr(clone(loaded)) == repr(clone(model))


def test_the_optimizer_goes_on_with_the_memory_of_version_0_1_0():
    """It was an object of a private class then; new files hold its numbers alone."""
    stored = pickle.loads((TESTS / "data" / "0.1.0-partial_fit.pkl").read_bytes())
    model, X, y = stored["model"], stored["X"], stored["outputs"]["predict"]
    again, without_memory = pickle.loads(pickle.dumps(model)), copy.deepcopy(model)
    assert type(again._optimizer_memory_) is dict
    del without_memory._optimizer_memory_
    after = weights(model.partial_fit(X, y))
    assert weights(again.partial_fit(X, y)) == after != weights(without_memory.partial_fit(X, y))
    assert model.learning_rate_curve_ == again.learning_rate_curve_


def test_there_are_files_of_every_kind():
    for name in NAMES:
        assert any(path.stem.endswith(f"-{name}") for path in FILES), name
    assert sum(path.stat().st_size for path in FILES) < 50_000


@pytest.mark.parametrize("attribute", ["coefs_", "intercepts_"])
def test_what_is_no_list_can_be_stored(attribute, models):
    model = copy.deepcopy(models["regressor"][0])
    setattr(model, attribute, None)
    assert getattr(pickle.loads(pickle.dumps(model)), attribute) is None


@pytest.mark.parametrize("make_copy", [copy.copy, copy.deepcopy])
def test_a_copy_trains_on_its_own(make_copy, models):
    model, X = models["partial_fit"]
    y = np.resize(model.classes_, len(X))
    twin, before = make_copy(model), state(model)
    assert remembered(twin) == remembered(model)
    twin.partial_fit(X, y)
    assert state(model) == before and weights(twin) != weights(model)


def test_a_model_from_a_file_in_a_process_of_its_own(models, tmp_path):
    model, X = models["classifier"]
    joblib.dump((model, X), tmp_path / "model.joblib")
    code = "import joblib; model, X = joblib.load('model.joblib'); joblib.dump(model.predict(X), 'prediction.joblib')"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    np.testing.assert_array_equal(joblib.load(tmp_path / "prediction.joblib"), model.predict(X))
