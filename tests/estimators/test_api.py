"""The estimators as scikit-learn's users meet them: parameters, components, data of every kind, pipelines, searches."""

import copy
import inspect
import io
import os
import pickle
import subprocess
import sys
import tracemalloc
import warnings
from numbers import Real

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
import sklearn.neural_network
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import make_multilabel_classification
from sklearn.feature_selection import SelectFromModel
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from support.states import fitted_state, plain, state, weights

import skregopt
from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import ACTIVATIONS
from skregopt.initializers import INITIALIZERS
from skregopt.losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES
from skregopt.optimizers import OPTIMIZERS, SGD, Adam
from skregopt.penalties import L1, L2, PENALTIES, ElasticNet
from skregopt.schedules import SCHEDULES, Adaptive, Constant, InvScaling

BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def make_data(kind, n_samples=60, n_features=5, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_samples, n_features))
    target = X[:, 0] - X[:, 1]
    return X, (np.digitize(target, [-0.5, 0.5]) if kind is MLPClassifier else target)


def small(kind, **params):
    return kind(**{"hidden_layer_sizes": 4, "random_state": 0, "max_iter": 5, **params})


def output(model, X):
    return model.predict_proba(X) if is_classifier(model) else model.predict(X)


# --- parameters -----------------------------------------------------------------------------------------------------

# the only default that differs
OTHER_DEFAULTS = {"learning_rate_init": "auto"}


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_every_parameter_and_method_of_scikit_learn_exists(name):
    theirs, ours = getattr(sklearn.neural_network, name), getattr(skregopt, name)
    parameters = inspect.signature(ours).parameters
    for parameter in inspect.signature(theirs).parameters.values():
        assert parameter.name in parameters
        default = OTHER_DEFAULTS.get(parameter.name, parameter.default)
        assert parameters[parameter.name].default == default, parameter.name
    public = {method for method in dir(theirs) if not method.startswith("_")}
    assert public <= set(dir(ours))


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_every_fitted_attribute_of_scikit_learn_exists(name):
    theirs, ours = getattr(sklearn.neural_network, name), getattr(skregopt, name)
    X, y = make_data(ours)
    for params in ({}, {"early_stopping": True}, {"solver": "lbfgs"}):
        params = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0, **params}
        expected, model = theirs(**params).fit(X, y), ours(**params).fit(X, y)
        for attribute, value in vars(expected).items():
            if attribute.endswith("_") and not attribute.startswith("_"):
                assert hasattr(model, attribute), attribute
                expected_type = Real if isinstance(value, Real) else type(value)
                assert isinstance(getattr(model, attribute), expected_type), attribute
        for attribute in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_", "n_iter_"):
            assert getattr(model, attribute) == getattr(expected, attribute), attribute
        if params.get("solver") != "lbfgs":  # where scikit-learn's counts nothing
            assert model.t_ == expected.t_


@BOTH
def test_two_positional_parameters(kind):
    kinds = [p.kind for p in inspect.signature(kind).parameters.values()]
    assert kinds[:2] == [inspect.Parameter.POSITIONAL_OR_KEYWORD] * 2
    assert set(kinds[2:]) == {inspect.Parameter.KEYWORD_ONLY}
    model = kind((3, 2), "tanh")
    assert (model.hidden_layer_sizes, model.activation) == ((3, 2), "tanh")


def test_both_classes_have_the_same_parameters():
    classifier, regressor = (inspect.signature(kind).parameters for kind in (MLPClassifier, MLPRegressor))
    assert [name for name in classifier if name in regressor] == list(regressor)
    assert set(classifier) - set(regressor) == {"class_weight", "label_smoothing"}
    differing = {name for name in regressor if classifier[name].default != regressor[name].default}
    assert differing == {"loss"}


@BOTH
def test_get_params_set_params_clone(kind):
    sizes, solver = [3, 2], Adam(beta_1=0.8)
    model = kind(sizes, solver=solver, random_state=3)
    params = model.get_params()
    assert params["solver"] is solver
    assert params["hidden_layer_sizes"] is sizes
    assert params["solver__beta_1"] == 0.8
    twin = clone(model)
    assert twin.solver is not solver and twin.solver.beta_1 == 0.8
    model.set_params(solver__beta_1=0.7, alpha=3)
    assert (solver.beta_1, model.alpha, twin.solver.beta_1) == (0.7, 3, 0.8)
    assert repr(kind()) == f"{kind.__name__}()"
    with pytest.raises(ValueError, match="Invalid parameter 'beta'"):
        model.set_params(solver__beta=1)


@BOTH
def test_fit_does_not_change_parameters(kind):
    X, y = make_data(kind)
    model = small(kind, solver=Adam(), penalty=ElasticNet(), learning_rate=Adaptive())
    before = {name: plain(value) for name, value in model.get_params().items()}
    model.fit(X, y).partial_fit(X, y).predict(X)
    assert {name: plain(value) for name, value in model.get_params().items()} == before


@pytest.mark.nojit
@BOTH
@pytest.mark.parametrize(
    ("flat", "instance"),
    [
        ({"solver": "adam", "beta_1": 0.5, "epsilon": 1e-3}, {"solver": Adam(beta_1=0.5, epsilon=1e-3)}),
        (
            {"solver": "minibatch", "momentum": 0.5, "nesterovs_momentum": False},
            {"solver": SGD(momentum=0.5, nesterovs_momentum=False)},
        ),
        ({"learning_rate": "invscaling", "power_t": 0.2}, {"learning_rate": InvScaling(power_t=0.2)}),
        ({"learning_rate": "constant"}, {"learning_rate": Constant()}),
        (
            {"penalty": "elasticnet", "l1_ratio": 0.3, "alpha": 0.1},
            {"penalty": ElasticNet(l1_ratio=0.3), "alpha": 0.1},
        ),
        ({"penalty": "l1", "alpha": 0.01}, {"penalty": L1(), "alpha": 0.01}),
        ({"penalty": "l2", "alpha": 0.1}, {"penalty": L2(), "alpha": 0.1}),
        ({"penalty": None}, {"penalty": PENALTIES[None]()}),
        ({"activation": "tanh"}, {"activation": ACTIVATIONS["tanh"]()}),
        ({"activation": "logistic"}, {"activation": ACTIVATIONS["logistic"]()}),
    ],
    ids=str,
)
def test_a_name_with_flat_parameters_is_the_instance(kind, flat, instance):
    X, y = make_data(kind)
    by_name, by_instance = small(kind, **flat).fit(X, y), small(kind, **instance).fit(X, y)
    assert weights(by_name) == weights(by_instance)
    assert by_name.loss_curve_ == by_instance.loss_curve_
    if flat != {"learning_rate": "constant"}:
        assert weights(small(kind).fit(X, y)) != weights(by_name)


REGISTRIES = [ACTIVATIONS, CLASSIFICATION_LOSSES, REGRESSION_LOSSES, OPTIMIZERS, SCHEDULES, PENALTIES, INITIALIZERS]


@pytest.mark.parametrize("rule", [rule for registry in REGISTRIES for rule in registry.values()])
def test_components_are_cloneable_and_small(rule):
    component = rule()
    assert clone(component).get_params() == component.get_params()
    assert len(pickle.dumps(component)) < 300
    assert repr(component) == f"{rule.__name__}()"


@pytest.mark.parametrize(
    ("kind", "registry"), [(MLPClassifier, CLASSIFICATION_LOSSES), (MLPRegressor, REGRESSION_LOSSES)]
)
def test_loss_by_instance(kind, registry):
    X, y = make_data(kind)
    by_name = [weights(small(kind, loss=name).fit(X, abs(y))) for name in registry]
    assert by_name == [weights(small(kind, loss=rule()).fit(X, abs(y))) for rule in registry.values()]
    assert len(set(by_name)) == len(registry)


@BOTH
def test_parameters_of_scikit_learn_that_do_not_apply_are_ignored(kind):
    X, y = make_data(kind)
    of_sgd = {"momentum": 0.1, "nesterovs_momentum": False, "power_t": 0.1}
    of_adam = {"beta_1": 0.1, "beta_2": 0.1, "epsilon": 1.0}
    of_first_order = {
        "batch_size": 3, "learning_rate": "invscaling", "learning_rate_init": 0.3, "shuffle": False,
    }  # fmt: skip
    other = {"max_fun": 3, "validation_fraction": 0.7}

    def same(solver, **ignored):
        model, default = (small(kind, solver=solver, **params).fit(X, y) for params in (ignored, {}))
        return weights(model) == weights(default)

    assert same("adam", **of_sgd, **other)
    for solver in ("gd", "sgd", "minibatch"):
        assert same(solver, **of_adam, power_t=0.1, **other)
    assert same("lbfgs", **of_sgd, **of_adam, **of_first_order, validation_fraction=0.7)
    assert not same("lbfgs", max_fun=3)


@BOTH
def test_hidden_layer_sizes_in_every_form(kind):
    X, y = make_data(kind)
    forms = [4, np.int64(4), (4,), [4], np.array([4])]
    assert len({weights(small(kind, hidden_layer_sizes=form).fit(X, y)) for form in forms}) == 1
    deep = small(kind, hidden_layer_sizes=(4, 3, 2)).fit(X, y)
    n_outputs = 3 if kind is MLPClassifier else 1
    assert [coef.shape for coef in deep.coefs_] == [(5, 4), (4, 3), (3, 2), (2, n_outputs)]
    assert [b.shape for b in deep.intercepts_] == [(4,), (3,), (2,), (n_outputs,)]
    assert (deep.n_layers_, deep.n_outputs_) == (5, n_outputs)
    linear = small(kind, hidden_layer_sizes=()).fit(X, y)
    assert [coef.shape for coef in linear.coefs_] == [(5, n_outputs)]


# --- copies ---------------------------------------------------------------------------------------------------------


def joblib_round_trip(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    return joblib.load(file)


COPIES = pytest.mark.parametrize(
    "make_copy",
    [lambda model: pickle.loads(pickle.dumps(model)), joblib_round_trip, copy.deepcopy, copy.copy],
    ids=["pickle", "joblib", "deepcopy", "copy"],
)


@BOTH
@COPIES
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_copies_are_exact(kind, make_copy, dtype):
    X, y = make_data(kind)
    model = small(kind, penalty="l1", solver=Adam(beta_1=0.8)).fit(X.astype(dtype), y).partial_fit(X.astype(dtype), y)
    twin = make_copy(model)
    assert fitted_state(twin) == fitted_state(model)
    assert plain(twin.get_params()) == plain(model.get_params())
    assert plain(output(twin, X)) == plain(output(model, X))
    assert twin.feature_importances_.tolist() == model.feature_importances_.tolist()
    before = state(model)
    twin.partial_fit(X.astype(dtype), y)
    assert state(model) == before
    assert weights(twin) == weights(model.partial_fit(X.astype(dtype), y))


@BOTH
def test_a_pickle_is_little_larger_than_the_weights(kind):
    """Of a fit, neither data nor optimizer nor scratch memory stay; of partial_fit the optimizer's moments do."""
    X, y = make_data(kind, n_samples=2000, n_features=50)
    model = small(kind, hidden_layer_sizes=(100, 100), early_stopping=True).fit(X, y)
    n_bytes = sum(array.nbytes for array in (*model.coefs_, *model.intercepts_))
    assert len(pickle.dumps(model)) < n_bytes + 3000
    assert len(pickle.dumps(clone(model))) < 2000
    model.set_params(early_stopping=False).partial_fit(X, y)
    assert len(pickle.dumps(model)) < 3 * n_bytes + 3000


@BOTH
def test_estimator_from_a_file_in_a_process_of_its_own(kind, tmp_path):
    X, y = make_data(kind)
    model = small(kind).fit(X, y)
    joblib.dump((model, X), tmp_path / "model.joblib")
    code = "import joblib; model, X = joblib.load('model.joblib'); joblib.dump(model.predict(X), 'prediction.joblib')"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert plain(joblib.load(tmp_path / "prediction.joblib")) == plain(model.predict(X))


# --- targets --------------------------------------------------------------------------------------------------------


@pytest.mark.nojit
@pytest.mark.parametrize(
    "labels",
    [
        np.array(["b", "a"]),
        np.array(["b", "a", "c"]),
        np.array(["b", "a", "c"], dtype=object),
        np.array([True, False]),
        np.array([7, -3]),
        np.array([7, -3, 12], dtype=np.int8),
        np.array([1.0, 2.0, 3.0]),
    ],
    ids=str,
)
def test_labels_of_any_kind_are_the_same_problem(labels):
    X, _ = make_data(MLPClassifier)
    codes = np.argmax(X[:, : len(labels)], axis=1)
    order = np.argsort(labels)
    y = labels[order][codes]
    model = small(MLPClassifier, max_iter=30).fit(X, y)
    numbers = small(MLPClassifier, max_iter=30).fit(X, codes)
    assert weights(model) == weights(numbers)
    assert_array_equal(model.classes_, labels[order])
    assert model.classes_.dtype == (np.dtype("<U1") if labels.dtype == object else labels.dtype)
    assert_array_equal(model.predict(X), labels[order][numbers.predict(X)])
    probability = model.predict_proba(X)
    assert probability.shape == (60, len(labels))
    assert_allclose(probability.sum(axis=1), 1, rtol=1e-12)
    assert_array_equal(model.classes_[probability.argmax(axis=1)], model.predict(X))
    assert_allclose(model.predict_log_proba(X), np.log(probability))
    assert model.score(X, y) == np.mean(model.predict(X) == y)
    assert len(set(model.predict(X))) == len(labels)
    as_list = small(MLPClassifier, max_iter=30).fit(X, y.tolist())
    assert weights(as_list) == weights(model)


@pytest.mark.parametrize("label", [0, 5, "only", True])
@pytest.mark.parametrize("params", [{}, {"solver": "sgd"}, {"solver": "lbfgs"}, {"early_stopping": True}], ids=str)
def test_one_class(label, params):
    X, _ = make_data(MLPClassifier)
    y = np.array([label] * 60)
    model = small(MLPClassifier, **params).fit(X, y)
    assert list(model.classes_) == [label]
    assert_array_equal(model.predict(X), y)
    assert_array_equal(model.predict_proba(X), np.ones((60, 1)))
    assert model.score(X, y) == 1.0


@pytest.mark.nojit
@pytest.mark.parametrize("container", [np.asarray, sp.csr_matrix, sp.csc_array, lambda Y: Y.astype(bool), list])
def test_multilabel(container):
    X, Y = make_multilabel_classification(n_samples=80, n_features=5, n_classes=3, random_state=0)
    if container is list:
        container = np.ndarray.tolist
    model = small(MLPClassifier, max_iter=40, learning_rate_init=0.02).fit(X, container(Y))
    expected = small(MLPClassifier, max_iter=40, learning_rate_init=0.02).fit(X, Y)
    assert weights(model) == weights(expected)
    assert model.out_activation_ == "logistic" and model.n_outputs_ == 3
    assert_array_equal(model.classes_, [0, 1, 2])
    prediction, probability = model.predict(X), model.predict_proba(X)
    assert prediction.shape == probability.shape == (80, 3)
    assert set(np.unique(prediction)) == {0, 1}
    assert_array_equal(prediction, probability > 0.5)
    assert not np.allclose(probability.sum(axis=1), 1)


def test_one_label_in_an_indicator_matrix():
    """One column of zeros and ones is a binary problem, with scikit-learn's warning about the shape."""
    X, Y = make_multilabel_classification(n_samples=80, n_features=5, n_classes=1, random_state=0)
    Y = Y[:, :1]
    with pytest.warns(sklearn.exceptions.DataConversionWarning, match="column-vector"):
        model = small(MLPClassifier).fit(X, Y)
    assert weights(model) == weights(small(MLPClassifier).fit(X, Y.ravel()))
    assert model.predict(X).shape == (80,)
    assert model.predict_proba(X).shape == (80, 2)
    with pytest.raises(TypeError, match="Sparse data was passed for y, but dense data is required"):
        small(MLPClassifier).fit(X, sp.csr_matrix(Y))


def test_labels_that_all_rows_or_no_rows_have():
    X, Y = make_multilabel_classification(n_samples=80, n_features=5, n_classes=4, random_state=0)
    Y[:, 1], Y[:, 2] = 0, 1
    model = small(MLPClassifier, max_iter=300, learning_rate_init=0.05).fit(X, Y)
    assert_array_equal(model.predict(X)[:, 1:3], Y[:, 1:3])


def test_multilabel_partial_fit():
    X, Y = make_multilabel_classification(n_samples=80, n_features=5, n_classes=3, random_state=0)
    model = small(MLPClassifier, tol=0, n_iter_no_change=np.inf)
    for _ in range(5):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    assert weights(model) == weights(small(MLPClassifier, tol=0, n_iter_no_change=np.inf).fit(X, Y))
    # a chunk whose labels are all alike
    model.partial_fit(X[:2], np.ones((2, 3), dtype=int))
    assert model.predict(X).shape == (80, 3)


@pytest.mark.parametrize("loss", sorted(REGRESSION_LOSSES))
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_multi_output_regression(loss, solver):
    X, y = make_data(MLPRegressor)
    Y = np.exp(np.c_[y, -y, 0 * y])
    model = small(MLPRegressor, loss=loss, solver=solver, max_iter=200, learning_rate_init=0.02).fit(X, Y)
    assert model.predict(X).shape == (60, 3)
    assert model.n_outputs_ == 3
    assert model.score(X, Y) > 0.5
    assert model.predict(X[:1]).shape == (1, 3)


def test_one_output_as_a_column():
    X, y = make_data(MLPRegressor)
    expected = weights(small(MLPRegressor).fit(X, y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.DataConversionWarning)
        model = small(MLPRegressor).fit(X, y[:, None])
    assert weights(model) == expected
    assert model.predict(X).shape == (60,)


# --- X of every kind ------------------------------------------------------------------------------------------------


@pytest.mark.nojit
@BOTH
@pytest.mark.parametrize("params", [{}, {"dtype": "float32"}, {"solver": "lbfgs"}, {"dropout": 0.5}], ids=str)
@pytest.mark.parametrize(
    "layout",
    [
        np.asfortranarray,
        lambda X: np.repeat(X, 2, axis=0)[::2],
        lambda X: np.repeat(X, 3, axis=1)[:, ::3],
        lambda X: X[::-1].copy()[::-1],
        lambda X: X[:, ::-1].copy()[:, ::-1],
        lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
        lambda X: np.lib.stride_tricks.as_strided(X, writeable=False),
        lambda X: X.astype(X.dtype.newbyteorder()),
        lambda X: np.frombuffer(b"\0" + X.tobytes(), np.uint8)[1:].view(X.dtype).reshape(X.shape),
        np.ndarray.tolist,
        pd.DataFrame,
        lambda X: X.astype(object),
        lambda X: X.view(type("Subclass", (np.ndarray,), {})),
    ],
    ids=["Fortran", "rows", "columns", "reversed rows", "reversed columns", "both reversed", "read-only",
         "byte-swapped", "unaligned", "list", "DataFrame", "object", "subclass"],
)  # fmt: skip
def test_memory_layout_does_not_matter(kind, layout, params):
    X, y = make_data(kind)
    expected = small(kind, **params).fit(X, y)
    same = layout(X)
    model = small(kind, **params).fit(same, y)
    assert weights(model) == weights(expected)
    assert plain(output(model, same)) == plain(output(expected, X))


INTEGERS = ["?", "b", "h", "i", "l", "q", "B", "H", "I", "L", "Q"]


@BOTH
@pytest.mark.parametrize("char", [*INTEGERS, "e", "f", "d", "g"])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_matrix, sp.csc_matrix])
def test_element_types(kind, char, container):
    """float32 stays, all else is computed in float64, read as it is."""
    _, y = make_data(kind)
    X = np.random.RandomState(0).randint(2 if char == "?" else 9, size=(60, 5)).astype(char)
    if char in "eg" and container is not np.asarray:
        pytest.skip("SciPy has no sparse matrices of this type")
    model = small(kind).fit(container(X), y)
    working = np.float32 if char == "f" else np.float64
    assert {coef.dtype for coef in model.coefs_} == {np.dtype(working)}
    expected = small(kind).fit(container(X.astype(working)), y)
    assert weights(model) == weights(expected)
    assert output(model, container(X)).dtype == working
    assert plain(output(model, container(X))) == plain(output(expected, container(X.astype(working))))


@BOTH
@pytest.mark.parametrize("given", [np.float32, np.float64, np.int32])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_dtype_parameter(kind, given, dtype, solver):
    X, y = make_data(kind)
    X = (4 * X).astype(given)
    model = small(kind, dtype=dtype, solver=solver).fit(X, y)
    assert {array.dtype for array in (*model.coefs_, *model.intercepts_)} == {np.dtype(dtype)}
    assert output(model, X).dtype == dtype
    expected = small(kind, solver=solver).fit(X.astype(dtype), y)
    assert weights(model) == weights(expected)
    assert model.predict(X.astype(np.float64)).shape == (60,)


@BOTH
def test_random_draws_do_not_depend_on_the_dtype(kind):
    X, y = make_data(kind)
    X = X.astype(np.float32)
    params = {"dropout": 0.5, "input_dropout": 0.2, "max_iter": 3, "batch_size": 7}
    single, double = (small(kind, dtype=dtype, **params).fit(X, y) for dtype in ("float32", "float64"))
    for a, b in zip(single.coefs_, double.coefs_, strict=True):
        assert_allclose(a, b, rtol=1e-3, atol=1e-4)


@pytest.mark.nojit
@BOTH
@pytest.mark.parametrize("solver", ["sgd", "minibatch", "adam", "lbfgs"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_sparse_equals_dense(kind, solver, early_stopping):
    X, y = make_data(kind, n_features=12)
    X[np.abs(X) < 0.8] = 0
    X[3] = 0
    model = small(kind, solver=solver, early_stopping=early_stopping, random_state=1)
    expected = clone(model).fit(X, y)
    containers = [sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.csc_array, sp.coo_matrix, sp.lil_matrix]
    outputs = []
    for container in containers:
        fitted = clone(model).fit(container(X), y)
        assert_allclose(output(fitted, container(X)), output(expected, X), rtol=1e-6, atol=1e-9)
        outputs.append(weights(fitted))
        assert_allclose(output(fitted, X), output(fitted, container(X)), rtol=1e-10, atol=1e-13)
    assert len(set(outputs)) == 1


def with_index_dtype(X, dtype):
    X = sp.csr_matrix(X)
    X.indices, X.indptr = X.indices.astype(dtype), X.indptr.astype(dtype)
    return X


def unsorted_with_explicit_zeros(X):
    X = sp.csr_matrix(X + (X == 0) * 1.0)
    X.data[X.data == 1.0] = 0
    for i in range(X.shape[0]):
        row = slice(X.indptr[i], X.indptr[i + 1])
        X.data[row], X.indices[row] = X.data[row][::-1].copy(), X.indices[row][::-1].copy()
    X.has_sorted_indices = False
    return X


@BOTH
def test_sparse_index_types_and_storage_orders(kind):
    X, y = make_data(kind, n_features=12)
    X[np.abs(X) < 0.8] = 0
    expected = small(kind).fit(sp.csr_matrix(X), y)
    wide = small(kind).fit(with_index_dtype(X, np.int64), y)
    assert weights(wide) == weights(expected)
    assert plain(output(wide, with_index_dtype(X, np.int64))) == plain(output(expected, sp.csr_matrix(X)))
    odd = small(kind).fit(unsorted_with_explicit_zeros(X), y)
    assert_allclose(odd.coefs_[0], expected.coefs_[0], rtol=1e-9, atol=1e-12)


@BOTH
def test_sparse_matrix_is_never_made_dense(kind):
    """A dense copy of this X would take 1.6 GB."""
    rng = np.random.RandomState(0)
    X = sp.csr_matrix((np.ones(4000), (np.arange(4000) % 2000, rng.randint(100_000, size=4000))), (2000, 100_000))
    y = np.arange(2000) % 2
    model = small(kind, hidden_layer_sizes=2, max_iter=2, solver="minibatch")
    model.fit(X[:300, :], y[:300])
    tracemalloc.start()
    try:
        model.fit(X, y).predict(X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100e6


def memory_mapped(X, folder):
    np.save(folder / "X.npy", X)
    return np.load(folder / "X.npy", mmap_mode="r")


@BOTH
@pytest.mark.parametrize(
    ("source", "params"),
    [
        ("memory-mapped", {}),
        ("memory-mapped", {"early_stopping": True}),
        ("memory-mapped", {"dtype": "float32"}),
        ("memory-mapped", {"solver": "sgd"}),
        ("memory-mapped", {"solver": "lbfgs"}),
        ("read-only", {}),
        ("Fortran", {}),
        ("strided", {}),
        ("int16", {}),
    ],
    ids=str,
)
def test_X_is_not_copied(kind, source, params, tmp_path):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(40_000, 50))
    if source == "memory-mapped":
        X = memory_mapped(X, tmp_path)
    elif source == "Fortran":
        X = np.asfortranarray(X)
    elif source == "strided":
        X = np.repeat(X, 2, axis=0)[::2]
    elif source == "int16":
        X = (1000 * X).astype(np.int16)
    if source != "strided":
        X.flags.writeable = False
    y = (X[:, 0] > 0).astype(int)
    model = small(kind, hidden_layer_sizes=4, max_iter=1, **params)
    clone(model).fit(X[:500], y[:500]).predict(X[:500])
    tracemalloc.start()
    try:
        model.fit(X, y)
        _, fit_peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        model.predict(X)
        _, predict_peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    n_bytes = 40_000 * 50 * 8
    assert fit_peak < 0.5 * n_bytes, fit_peak / n_bytes
    assert predict_peak - before < 0.5 * n_bytes, predict_peak / n_bytes


@BOTH
def test_input_arrays_are_not_written_to(kind):
    X, y = make_data(kind)
    sample_weight = np.linspace(0, 2, 60)
    coef_init = [np.ones((5, 4)), np.ones((4, 3 if kind is MLPClassifier else 1))]
    arrays = [X, y, sample_weight, *coef_init]
    before = plain(arrays)
    for array in arrays:
        array.flags.writeable = False
    for params in ({}, {"solver": "lbfgs"}, {"early_stopping": True}, {"penalty": "l1", "dropout": 0.1}):
        model = small(kind, **params)
        model.fit(X, y, sample_weight, X_val=X, y_val=y, sample_weight_val=sample_weight, coef_init=coef_init)
        model.predict(X)
    assert plain(arrays) == before


@BOTH
@pytest.mark.parametrize("frame", [pd.DataFrame, lambda X, columns: pl.DataFrame(X, schema=list(columns))])
def test_feature_names(kind, frame):
    X, y = make_data(kind)
    X = frame(X, columns=list("abcde"))
    if not hasattr(StandardScaler().fit(X), "feature_names_in_"):
        pytest.skip("this scikit-learn does not find the names in this frame")  # 1.6 in frames of recent polars
    model = small(kind, early_stopping=True, scoring="r2" if kind is MLPRegressor else "accuracy").fit(X, y)
    assert_array_equal(model.feature_names_in_, list("abcde"))
    model.predict(X)
    model.set_params(early_stopping=False, scoring="loss").partial_fit(X, y)
    other = frame(np.asarray(X), columns=list("abcdx"))
    for call in (lambda: model.predict(other), lambda: model.partial_fit(other, y)):
        with pytest.raises(ValueError, match="feature names should match"):
            call()
    with pytest.raises(ValueError, match="feature names should match"):
        small(kind).fit(X, y, X_val=other, y_val=y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(np.asarray(X))
    assert not hasattr(small(kind).fit(np.asarray(X), y), "feature_names_in_")


@BOTH
@pytest.mark.parametrize("scoring", ["loss", "accuracy/r2"])
def test_named_validation_data(kind, scoring):
    """No warning about names, neither for the split nor for the user's own rows."""
    X, y = make_data(kind)
    X = pd.DataFrame(X, columns=list("abcde"))
    if scoring != "loss":
        scoring = scoring.split("/")[is_regressor(kind())]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = small(kind, early_stopping=True, scoring=scoring, n_iter_no_change=1, tol=1e9)
        model.fit(X, pd.Series(y))
        model.fit(X, pd.Series(y), X_val=X[:20], y_val=pd.Series(y[:20]))


# --- sample weights -------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
def test_weight_two_is_two_rows_and_weight_zero_none(kind, solver):
    X, y = make_data(kind)
    sample_weight = np.arange(60) % 3
    repeated = np.repeat(np.arange(60), sample_weight)
    params = {"solver": solver, "max_iter": 20, "learning_rate_init": 0.05}
    weighted = small(kind, **params).fit(X, y, sample_weight)
    expected = small(kind, **params).fit(X[repeated], y[repeated])
    assert_allclose(output(weighted, X), output(expected, X), rtol=1e-6)
    unweighted = small(kind, **params).fit(X, y)
    assert not np.allclose(output(unweighted, X), output(expected, X), rtol=1e-3)


@BOTH
@pytest.mark.parametrize("dtype", [int, np.float32, np.float64, list, bool])
def test_weights_of_any_kind(kind, dtype):
    X, y = make_data(kind)
    sample_weight = np.arange(60) % 2
    given = sample_weight.tolist() if dtype is list else sample_weight.astype(dtype)
    expected = weights(small(kind).fit(X, y, sample_weight.astype(float)))
    assert weights(small(kind).fit(X, y, given)) == expected
    assert weights(small(kind).fit(X, y, sample_weight=pd.Series(sample_weight))) == expected


# --- partial_fit ----------------------------------------------------------------------------------------------------


@BOTH
def test_partial_fit_is_absent_for_lbfgs(kind):
    assert hasattr(kind(), "partial_fit")
    assert all(hasattr(kind(solver=solver), "partial_fit") for solver in [*OPTIMIZERS, Adam(), SGD()])
    assert not hasattr(kind(solver="lbfgs"), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        kind(solver="lbfgs").partial_fit  # noqa: B018
    classes = "classes" in inspect.signature(kind.partial_fit).parameters
    assert classes == (kind is MLPClassifier)


@BOTH
def test_partial_fit_on_chunks_of_all_sizes(kind):
    X, y = make_data(kind)
    model = small(kind)
    first = {"classes": [0, 1, 2]} if kind is MLPClassifier else {}
    model.partial_fit(X[:1], y[:1], **first)
    sizes = [20, 1, 38]
    start = 1
    for size in sizes:
        model.partial_fit(X[start : start + size], y[start : start + size])
        start += size
    assert model.t_ == 60 and len(model.loss_curve_) == 4
    if kind is MLPClassifier:
        assert model.predict_proba(X).shape == (60, 3)


# --- pipelines and searches -----------------------------------------------------------------------------------------


@BOTH
@pytest.mark.nojit
def test_pipeline(kind):
    X, y = make_data(kind)
    model = make_pipeline(StandardScaler(), small(kind, max_iter=50, learning_rate_init=0.05))
    assert model.fit(X, y).score(X, y) > 0.5
    scaled = StandardScaler().fit_transform(X)
    assert plain(model.predict(X)) == plain(model[-1].predict(scaled))
    assert len(cross_val_score(model, X, y, cv=3)) == 3
    with pytest.raises(sklearn.exceptions.NotFittedError):
        clone(model)[-1].predict(X)


@pytest.mark.parametrize("n_jobs", [1, 2])
@BOTH
def test_grid_search_over_flat_and_nested_parameters(kind, n_jobs):
    X, y = make_data(kind)
    grid = [
        {"alpha": [1e-4, 1e-2], "solver": [Adam()], "solver__beta_1": [0.8, 0.95]},
        {"solver": ["adam", "minibatch", "lbfgs"], "momentum": [0.5], "beta_1": [0.7], "batch_size": [20]},
        {"penalty": [ElasticNet()], "penalty__l1_ratio": [0.1, 1.0]},
    ]
    search = GridSearchCV(small(kind), grid, cv=3, n_jobs=n_jobs, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 9
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert plain(search.predict(X)) == plain(search.best_estimator_.predict(X))
    direct = clone(small(kind)).set_params(**search.best_params_).fit(X, y)
    assert weights(direct) == weights(search.best_estimator_)


@BOTH
def test_feature_importances(kind):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 8))
    y = (X[:, 2] > 0).astype(int) if kind is MLPClassifier else X[:, 2]
    model = small(kind, penalty="l1", alpha=0.03, max_iter=300, learning_rate_init=0.01).fit(X, y)
    importances = model.feature_importances_
    norms = np.linalg.norm(model.coefs_[0], axis=1)
    assert_allclose(importances, norms / norms.sum())
    assert importances.argmax() == 2 and importances.sum() == pytest.approx(1)
    dropped = ~model.coefs_[0].any(axis=1)
    assert dropped.any()
    assert_array_equal(importances[dropped], 0.0)
    selector = SelectFromModel(model, prefit=True, threshold=1e-12)
    assert_array_equal(selector.get_support(), ~dropped)
    fitted = SelectFromModel(clone(model), threshold="mean").fit(X, y)
    assert fitted.get_support()[2] and fitted.transform(X).shape[1] < 8
    n_nonzero = sum(np.count_nonzero(coef) for coef in model.coefs_)
    n_weights = sum(coef.size for coef in model.coefs_)
    assert model.n_nonzero_ == n_nonzero < n_weights
    assert model.sparsity_ == pytest.approx(1 - n_nonzero / n_weights)
    assert isinstance(model.n_nonzero_, int) and isinstance(model.sparsity_, float)


@BOTH
@pytest.mark.parametrize("name", ["feature_importances_", "n_nonzero_", "sparsity_", "coefs_"])
def test_attributes_appear_with_fit(kind, name):
    assert not hasattr(kind(), name)
    assert hasattr(small(kind).fit(*make_data(kind)), name)


@BOTH
def test_all_weights_zero(kind):
    X, y = make_data(kind)
    model = small(kind, penalty="l1", alpha=100.0, max_iter=30, learning_rate_init=0.1).fit(X, y)
    assert model.n_nonzero_ == 0 and model.sparsity_ == 1.0
    assert_array_equal(model.feature_importances_, np.zeros(5))


# --- metadata routing -----------------------------------------------------------------------------------------------

FIT_METADATA = ["sample_weight", "X_val", "y_val", "sample_weight_val", "groups"]


@BOTH
def test_requests_for_all_metadata_exist(kind):
    with config_context(enable_metadata_routing=True):
        model = kind().set_fit_request(**dict.fromkeys(FIT_METADATA, True))
        requests = model.get_metadata_routing().fit.requests
        assert all(requests[name] is True for name in FIT_METADATA)
        kind().set_partial_fit_request(sample_weight=True)
        kind().set_score_request(sample_weight=True)


@BOTH
def test_routing_through_a_search(kind):
    X, y = make_data(kind)
    X_val, y_val = make_data(kind, n_samples=20, seed=1)
    sample_weight = np.linspace(0.1, 2, 60)
    with config_context(enable_metadata_routing=True):
        model = small(kind).set_fit_request(X_val=True, y_val=True, sample_weight=True)
        model.set_score_request(sample_weight=False)
        search = GridSearchCV(model, {"alpha": [0.1]}, cv=3)
        search.fit(X, y, X_val=X_val, y_val=y_val, sample_weight=sample_weight)
    expected = small(kind, alpha=0.1).fit(X, y, sample_weight, X_val=X_val, y_val=y_val)
    assert weights(search.best_estimator_) == weights(expected)
    assert search.best_estimator_.validation_loss_curve_ == expected.validation_loss_curve_


@BOTH
@pytest.mark.skipif(
    "transform_input" not in inspect.signature(Pipeline).parameters, reason="Pipeline(transform_input) is missing"
)
def test_validation_data_are_transformed_in_a_pipeline(kind):
    X, y = make_data(kind)
    X_val, y_val = make_data(kind, n_samples=20, seed=1)
    X, X_val = 100 * X + 3, 100 * X_val + 3
    with config_context(enable_metadata_routing=True):
        last = small(kind, early_stopping=True).set_fit_request(X_val=True, y_val=True)
        model = Pipeline([("scale", StandardScaler()), ("mlp", last)], transform_input=["X_val"])
        model.fit(X, y, X_val=X_val, y_val=y_val)
    scaler = StandardScaler().fit(X)
    expected = small(kind, early_stopping=True)
    expected.fit(scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val)
    assert model[-1].validation_scores_ == expected.validation_scores_
    assert weights(model[-1]) == weights(expected)


def test_pipeline_without_routing_takes_step_parameters():
    X, y = make_data(MLPRegressor)
    model = make_pipeline(StandardScaler(), small(MLPRegressor))
    model.fit(X, y, mlpregressor__sample_weight=np.arange(60.0))
    scaled = StandardScaler().fit_transform(X)
    expected = small(MLPRegressor).fit(scaled, y, sample_weight=np.arange(60.0))
    assert weights(model[-1]) == weights(expected)


# --- starting weights and seeds -------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("solver", [*OPTIMIZERS, "lbfgs"])
def test_coef_init(kind, solver):
    X, y = make_data(kind)
    first = small(kind, solver=solver).fit(X, y)
    init = {"coef_init": first.coefs_, "intercept_init": first.intercepts_}
    kept = weights(first)
    model = small(kind, solver=solver, random_state=7, learning_rate_init=1e-12, max_iter=1)
    model.fit(X, y, **init)
    assert weights(first) == kept
    if solver != "lbfgs":
        for a, b in zip(model.coefs_, first.coefs_, strict=True):
            assert_allclose(a, b, atol=1e-8)
    as_lists = {name: [array.tolist() for array in arrays] for name, arrays in init.items()}
    again = small(kind, solver=solver, random_state=7, learning_rate_init=1e-12, max_iter=1)
    assert weights(again.fit(X, y, **as_lists)) == weights(model)


@BOTH
def test_coefs_alone_can_be_given(kind):
    X, y = make_data(kind)
    first = small(kind).fit(X, y)
    params = {"learning_rate_init": 1e-12, "max_iter": 1}
    start = small(kind, **params).fit(X, y)
    model = small(kind, **params).fit(X, y, coef_init=first.coefs_)
    assert_allclose(model.coefs_[0], first.coefs_[0], atol=1e-8)
    assert_allclose(model.intercepts_[0], start.intercepts_[0], atol=1e-8)


@BOTH
def test_initial_weights_are_those_of_scikit_learn(kind):
    X, y = make_data(kind)
    theirs = getattr(sklearn.neural_network, kind.__name__)
    for activation in ("relu", "logistic"):
        params = {
            "hidden_layer_sizes": (4, 3), "activation": activation, "solver": "adam",
            "learning_rate_init": 1e-12, "max_iter": 1, "random_state": 5,
        }  # fmt: skip
        expected, model = theirs(**params).fit(X, y), kind(weight_init="glorot_uniform", **params).fit(X, y)
        for a, b in zip([*expected.coefs_, *expected.intercepts_], [*model.coefs_, *model.intercepts_], strict=True):
            assert_allclose(a, b, atol=1e-9)


@BOTH
def test_random_state(kind):
    X, y = make_data(kind)
    assert weights(small(kind).fit(X, y)) == weights(small(kind).fit(X, y))
    assert weights(small(kind, random_state=1).fit(X, y)) != weights(small(kind).fit(X, y))
    rng = np.random.RandomState(0)
    model = small(kind, random_state=rng)
    first, second = weights(model.fit(X, y)), weights(model.fit(X, y))
    assert first != second
    assert first == weights(small(kind, random_state=np.random.RandomState(0)).fit(X, y))
    np.random.seed(3)  # noqa: NPY002
    unseeded = weights(small(kind, random_state=None).fit(X, y))
    np.random.seed(3)  # noqa: NPY002
    assert weights(small(kind, random_state=None).fit(X, y)) == unseeded
    assert weights(small(kind, random_state=None).fit(X, y)) != unseeded


@BOTH
def test_a_refit_forgets_the_fit_before(kind):
    X, y = make_data(kind)
    other = make_data(kind, n_features=3, seed=4)
    model = small(kind, early_stopping=True).fit(*other).set_params(early_stopping=False).fit(X, y)
    model.partial_fit(X, y).fit(X, y)
    expected = small(kind).fit(X, y)
    assert state(model) == state(expected)


@BOTH
def test_verbose(kind, capsys):
    X, y = make_data(kind)
    small(kind, verbose=True, tol=1e9, n_iter_no_change=1, max_iter=9).fit(X, y)
    text = capsys.readouterr().out
    assert "Iteration 1, loss = " in text and "Iteration 3, loss" in text and "Iteration 4" not in text
    assert "did not improve more than tol" in text
    small(kind, verbose=True, early_stopping=True).fit(X, y)
    assert "Validation score: " in capsys.readouterr().out
    small(kind, verbose=True, solver="lbfgs").fit(X, y)
    assert "Iteration 1, loss = " in capsys.readouterr().out
    small(kind).fit(X, y)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


@BOTH
def test_verbose_does_not_change_the_result(kind, capsys):
    X, y = make_data(kind)
    assert weights(small(kind, verbose=True).fit(X, y)) == weights(small(kind).fit(X, y))
