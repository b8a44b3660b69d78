"""Targets of every kind: labels, one class, several labels, one or several numbers."""

import pickle
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
import sklearn.neural_network
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_multilabel_classification
from support.estimators import make_data, small
from support.states import weights

from skregopt import MLPClassifier, MLPRegressor
from skregopt._estimators import fitted
from skregopt.losses import REGRESSION_LOSSES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# --- classes ---------------------------------------------------------------------------------------------------------


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


def test_a_probability_of_one_half_is_the_first_class():
    """As in scikit-learn, where the second class needs more than one half."""
    X, y = make_data(MLPClassifier, n_samples=80)
    model = small(MLPClassifier, max_iter=1).fit(X, y == 0)
    for array in (*model.coefs_, *model.intercepts_):
        array[...] = 0
    assert_array_equal(model.predict_proba(X), np.full((80, 2), 0.5))
    assert not model.predict(X).any()


@pytest.mark.parametrize("scoring", ["loss", "accuracy"])
def test_boolean_and_integer_labels(scoring):
    X, y = make_data(MLPClassifier, n_samples=80)
    for labels in (y == 0, np.where(y == 0, 7, -2)):
        model = small(MLPClassifier, early_stopping=True, scoring=scoring, max_iter=20).fit(X, labels)
        assert set(model.predict(X)) <= set(labels)
        assert model.predict(X).dtype == labels.dtype
        if scoring == "accuracy":
            assert set(np.round(np.array(model.validation_scores_) * 8, 9)) <= set(range(9))


# --- several labels --------------------------------------------------------------------------------------------------


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
    prediction = prediction.toarray() if sp.issparse(prediction) else prediction
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


# --- numbers ---------------------------------------------------------------------------------------------------------


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


# --- sparse indicators -----------------------------------------------------------------------------------------------


@pytest.mark.nojit
@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csc_array, sp.coo_array, sp.lil_matrix])
@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"early_stopping": True, "scoring": "f1_micro"}])
def test_sparse_labels_are_predicted_sparse(form, params, monkeypatch):
    """As scikit-learn's MLP does; in blocks, whose bounds cannot be seen."""
    X = np.random.RandomState(0).normal(size=(60, 4))
    Y = (X > 0.5).astype(int)
    params = {"max_iter": 5, "random_state": 0, "learning_rate_init": 0.1} | params
    theirs = sklearn.neural_network.MLPClassifier(5, max_iter=5).fit(X, form(Y)).predict(X)
    dense = MLPClassifier(5, **params).fit(X, Y)
    sparse = MLPClassifier(5, **params).fit(X, form(Y))
    assert weights(sparse) == weights(dense)
    assert sparse.validation_scores_ == dense.validation_scores_
    assert isinstance(dense.predict(X), np.ndarray)
    for model, block_elements in ((sparse, 1 << 22), (pickle.loads(pickle.dumps(sparse)), 28)):
        monkeypatch.setattr(fitted, "_BLOCK_ELEMENTS", block_elements)
        y_pred = model.predict(sp.csr_array(X) if block_elements == 28 else X)
        assert type(y_pred) is type(theirs) and y_pred.dtype == theirs.dtype
        assert_array_equal(y_pred.toarray(), dense.predict(X))
        assert model.score(X, form(Y)) == dense.score(X, Y)
    assert isinstance(sparse.predict_proba(X), np.ndarray)


@pytest.mark.nojit
def test_the_first_labels_decide_whether_predictions_are_sparse():
    X = pd.DataFrame(np.random.RandomState(0).normal(size=(20, 3)), columns=list("abc"))
    Y = (X.to_numpy() > 0).astype(int)
    model = MLPClassifier(4).partial_fit(X, sp.csr_array(Y), classes=np.arange(3)).partial_fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sp.issparse(model.predict(X))
    with pytest.warns(UserWarning, match="valid feature names") as caught:
        model.predict(X.to_numpy())
    assert len(caught) == 1
    model.set_params(warm_start=True, max_iter=2).fit(X, Y)
    assert sp.issparse(model.predict(X))
    model.set_params(warm_start=False).fit(X, Y)
    assert isinstance(model.predict(X), np.ndarray)
    assert isinstance(model.fit(X, Y[:, 0]).predict(X), np.ndarray)


def test_no_dense_indicator_is_built():
    X = np.random.RandomState(0).normal(size=(20_000, 3))
    Y = sp.random(200, 1000, density=0.01, format="csr", random_state=0) > 0
    model = MLPClassifier((), max_iter=1).fit(X[:200], Y)
    model.intercepts_ = [np.full(1000, -20.0)]
    model.predict(X[:1])
    tracemalloc.start()
    y_pred = model.predict(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert y_pred.shape == (20_000, 1000) and y_pred.nnz == 0
    assert peak < 20_000 * 1000 * 8 / 2
