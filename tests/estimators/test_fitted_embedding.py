"""Fitted embeddings and scales: arrays that users replace; parameters, searches, paths, callbacks, other fits."""

import copy

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from support.estimators import BOTH, make_data, output, small
from support.states import fitted_state, state, weights

from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import ELU, Identity, Trainable
from skregopt.embeddings import Periodic, PiecewiseLinear
from skregopt.model_selection import MLPRegressorCV, regularization_path

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RULES = {
    "periodic": {"feature_embedding": Periodic(3), "activation": Trainable("silu")},
    "piecewise_linear": {"feature_embedding": PiecewiseLinear(4, 3, columns=[0, 3]), "activation": Trainable("relu")},
}
each_rule = pytest.mark.parametrize("params", RULES.values(), ids=RULES)


def fitted(kind, **params):
    X, y = make_data(kind)
    return small(kind, **params).fit(X, y), X


def trained_names(model):
    """Return the attributes of embedding and activation."""
    return [name for name in vars(model) if name.startswith("embedding_") or name == "activation_scales_"]


# --- arrays that users replace ----------------------------------------------------------------------------------------


@each_rule
@BOTH
def test_replaced_arrays_count(kind, params):
    model, X = fitted(kind, **params)
    before = output(model, X)
    other = copy.deepcopy(model)
    for name in ["coefs_", *trained_names(model)]:
        arrays = getattr(model, name)
        setattr(model, name, [array + 0.1 + 0.1 * np.arange(array.size).reshape(array.shape) for array in arrays])
        changed = output(model, X)
        assert np.abs(changed - before).max() > 1e-6, name
        for array, new in zip(getattr(other, name), getattr(model, name), strict=True):
            array[...] = new  # in place
        np.testing.assert_array_equal(output(other, X), changed)
        before = changed
    scales = model.activation_scales_
    model.activation_scales_ = [np.zeros_like(array) for array in scales]  # the identity
    linear = copy.deepcopy(model)
    linear._rules = ([Trainable("identity")], model._rules[1])
    np.testing.assert_allclose(output(model, X), output(linear, X), rtol=1e-12)


def shortened(arrays):
    return [arrays[0][:-1], *arrays[1:]]


CHANGES = {
    "shorter": (shortened, "must be an array of numbers of shape"),
    "all shorter": (lambda arrays: [array[..., :-1] for array in arrays], "must be an array of numbers of shape"),
    "more dimensions": (lambda arrays: [array[None] for array in arrays], "must be an array of numbers of shape"),
    "numbers": (lambda arrays: [1.0 for _ in arrays], "must be an array of numbers of shape"),
    "strings": (lambda arrays: [array.astype(str) for array in arrays], "must be an array of numbers of shape"),
    "too few": (lambda arrays: arrays[1:], "must be a list of"),
    "too many": (lambda arrays: [*arrays, arrays[0]], "must be a list of"),
    "an array": (lambda arrays: np.zeros(4), "must be a list of"),
    "None": (lambda arrays: None, "must be a list of"),
    "NaN": (lambda arrays: [np.nan * array for array in arrays], "contains NaN or infinity"),
}


@each_rule
@pytest.mark.parametrize("change", CHANGES)
def test_arrays_of_other_shapes_are_refused(params, change):
    model, X = fitted(MLPRegressor, **params)
    y = model.predict(X)
    changed, words = CHANGES[change]
    for name in trained_names(model):
        bad = copy.deepcopy(model)
        setattr(bad, name, changed(getattr(model, name)))
        before = state(bad)
        for call in (
            lambda bad=bad: bad.predict(X),
            lambda bad=bad: bad.partial_fit(X, y),
            lambda bad=bad: bad.set_params(warm_start=True).fit(X, y),
        ):
            with pytest.raises(ValueError, match=f"{name}.*{words}"):
                call()
        bad.set_params(warm_start=False)
        assert state(bad) == before
        bad.fit(X, y).predict(X)


@each_rule
def test_arrays_that_are_missing(params):
    model, X = fitted(MLPRegressor, **params)
    for name in trained_names(model):
        bad = copy.deepcopy(model)
        delattr(bad, name)
        with pytest.raises(ValueError, match=f"{name} is missing: it must be a list of one array per"):
            bad.predict(X)


@each_rule
def test_a_first_matrix_of_another_width(params):
    model, X = fitted(MLPRegressor, **params)
    model.coefs_ = [model.coefs_[0][:5], *model.coefs_[1:]]
    with pytest.raises(ValueError, match=r"coefs_\[0\] must have one row for each of the \d+ numbers that the embed"):
        model.predict(X)


def test_initial_weights_of_an_embedded_network():
    X, y = make_data(MLPRegressor)
    model = small(MLPRegressor, hidden_layer_sizes=(), feature_embedding=Periodic(columns=[0, 1]), max_iter=1)
    start = {"coef_init": [np.ones((11, 1))], "intercept_init": [np.zeros(1)]}
    model.set_params(learning_rate_init=1e-300).fit(X, y, **start)
    assert model.coefs_[0].tolist() == np.ones((11, 1)).tolist()
    with pytest.raises(ValueError, match=r"coef_init\[0\] must be an array of numbers of shape \(11, 1\)"):
        model.fit(X, y, coef_init=[np.ones((5, 1))])


# --- parameters -------------------------------------------------------------------------------------------------------


def test_nested_parameters():
    model = small(MLPRegressor, feature_embedding=Periodic(), activation=Trainable(ELU()))
    names = model.get_params()
    assert {"feature_embedding__n_frequencies", "activation__activation__negative_scale"} <= set(names)
    model.set_params(feature_embedding__n_frequencies=3, activation__activation__negative_scale=0.3)
    assert model.feature_embedding.n_frequencies == 3 and model.activation.activation.negative_scale == 0.3
    same = clone(model)
    assert repr(same) == repr(model) and same.feature_embedding is not model.feature_embedding
    X, y = make_data(MLPRegressor)
    model.fit(X, y)
    assert model.embedding_frequencies_[0].shape == (3,)
    before = output(model, X)
    model.set_params(feature_embedding__n_frequencies=9, activation__activation__negative_scale=5.0)
    model.set_params(feature_embedding=None, activation="relu")
    np.testing.assert_array_equal(output(model, X), before)  # what was fitted counts
    with pytest.raises(ValueError, match="Invalid parameter 'n_bins' for estimator Periodic"):
        same.set_params(feature_embedding__n_bins=3)


def test_parameters_out_of_their_domain():
    X, y = make_data(MLPRegressor)
    for bad, words in (
        (Periodic(n_frequencies=0), "n_frequencies"),
        (Periodic(n_outputs=1), "n_outputs"),
        (Periodic(frequency_scale=0), "frequency_scale"),
        (Periodic(n_frequencies=10**12), "n_frequencies"),
        (Periodic(n_outputs=10**12), "n_outputs"),
        (Periodic(frequency_scale=1e308), "frequency_scale"),
        (Periodic(n_frequencies=10**6, n_outputs=10**6), "too large for the memory .*n_frequencies and n_outputs"),
        (PiecewiseLinear(n_bins=0), "n_bins"),
        (PiecewiseLinear(n_bins=10**300), "n_bins"),
        (PiecewiseLinear(n_outputs=10**12), "n_outputs"),
        (PiecewiseLinear(columns="all"), "columns"),
        ("fourier", "feature_embedding"),
    ):
        with pytest.raises(ValueError, match=words):
            small(MLPRegressor, feature_embedding=bad).fit(X, y)
    for bad in (Trainable("rellu"), Trainable(Trainable("relu")), [Trainable("rellu")], Trainable(3)):
        with pytest.raises(ValueError, match="activation"):
            small(MLPRegressor, activation=bad).fit(X, y)
    for identity in ("identity", Identity()):
        for bad in (Trainable(identity), [Trainable(identity)]):
            with pytest.raises(ValueError, match=r"activation=.*of Trainable is the identity.* Use activation="):
                small(MLPRegressor, activation=bad).fit(X, y)


@pytest.mark.parametrize("no_layer", [{"hidden_layer_sizes": ()}, {"n_hidden_layers": 0}], ids=str)
@pytest.mark.parametrize("factors", [None, {"activation": 0.1}])
def test_a_trainable_activation_needs_a_hidden_layer(no_layer, factors):
    X, y = make_data(MLPRegressor)
    with pytest.raises(ValueError, match=r"activation=Trainable\(activation='mish'\) needs a hidden layer") as error:
        MLPRegressor(activation=Trainable("mish"), learning_rate_factors=factors, **no_layer).fit(X, y)
    assert all(f"{name}=" in str(error.value) for name in no_layer)


def test_searches():
    X, y = make_data(MLPClassifier)
    model = small(MLPClassifier, feature_embedding=Periodic(), activation=Trainable(ELU()))
    grid = {"feature_embedding__n_frequencies": [2, 3], "activation__activation__negative_scale": [0.5, 1.0]}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    best = search.best_params_["feature_embedding__n_frequencies"]
    assert search.best_estimator_.embedding_frequencies_[0].shape == (best,)
    grid = {"feature_embedding": [None, "periodic", PiecewiseLinear(3)], "activation": ["relu", Trainable("relu")]}
    search = GridSearchCV(small(MLPClassifier), grid, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 6 and np.isfinite(search.cv_results_["mean_test_score"]).all()


# --- other fits -------------------------------------------------------------------------------------------------------


@each_rule
@BOTH
def test_nothing_is_left_of_an_earlier_fit(kind, params):
    model, X = fitted(kind, **params)
    y = model.predict(X)
    plain_ = small(kind).fit(X, y)
    model.set_params(feature_embedding=None, activation="relu").fit(X, y)
    assert vars(model).keys() == vars(plain_).keys()
    assert fitted_state(model) == fitted_state(plain_)
    other = next(other for other in RULES.values() if other is not params)
    again = small(kind, **params).fit(X, y).set_params(**other).fit(X, y)
    assert fitted_state(again) == fitted_state(small(kind, **other).fit(X, y))


@each_rule
def test_a_fit_that_fails_leaves_embeddings_as_they_were(params):
    model, X = fitted(MLPRegressor, **params)
    before = state(model)
    with pytest.raises(ValueError, match="non-finite"):
        model.set_params(learning_rate_init=1e200, solver="minibatch", max_iter=20).fit(X, X[:, 0])
    model.set_params(learning_rate_init="auto", solver="adam", max_iter=5)
    assert state(model) == before


@each_rule
def test_an_additive_model(params):
    X, _ = make_data(MLPRegressor, n_samples=200)
    y = np.abs(X[:, 0]) + np.sin(3 * X[:, 3])
    params = params | {
        "hidden_layer_sizes": (),
        "activation": "relu",
        "max_iter": 400,
        "learning_rate_init": 0.02,
        "tol": 0,
    }
    model = small(MLPRegressor, **params).fit(X, y)
    assert model.score(X, y) > 0.5 > small(MLPRegressor, **params | {"feature_embedding": None}).fit(X, y).score(X, y)
    Z = X.copy()
    Z[:, 1] += 1  # what one feature adds does not depend on the others
    moved = model.predict(Z) - model.predict(X)
    swapped = X[::-1].copy()
    swapped[:, 1] = X[:, 1]
    shifted = swapped.copy()
    shifted[:, 1] += 1
    np.testing.assert_allclose(model.predict(shifted) - model.predict(swapped), moved, atol=1e-12)


@pytest.mark.parametrize("hidden", [(), (4,)], ids=str)
@pytest.mark.parametrize("penalty", ["group_l1", "l1"])
@each_rule
def test_paths(params, penalty, hidden):
    """They go up, from a dense network, as with hidden layers; those of 'group_l1' end in whole features."""
    X, y = make_data(MLPRegressor)
    params = params | {"penalty": penalty, "hidden_layer_sizes": hidden, "max_iter": 40, "learning_rate_init": 0.01}
    params |= {} if hidden else {"activation": "relu"}  # a scale is trained for each hidden unit
    path = regularization_path(small(MLPRegressor, **params), X, y, alphas=[1e-3, 0.1, 10.0])
    assert path.alphas_.tolist() == [1e-3, 0.1, 10.0]
    assert path.feature_importances_.shape == (3, 5)
    assert path.n_nonzero_[0] > path.n_nonzero_[-1]
    assert (path.n_features_ == (path.feature_importances_ > 0).sum(axis=1)).all()
    chosen = MLPRegressorCV(small(MLPRegressor, **params), alphas=[1e-3, 1.0], cv=2).fit(X, y)
    assert chosen.alpha_ == 1e-3 and chosen.predict(X).shape == (60,)


@each_rule
def test_callbacks_see_embeddings(params):
    pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn >= 1.9")

    class Recorder:
        """Writes down what a fitted estimator predicts after each epoch."""

        def setup(self, estimator, context):
            self.found = []

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context, **kwargs):
            pass

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None, **kwargs):
            if callable(fitted_estimator):
                fitted_estimator = fitted_estimator()
            if fitted_estimator is not None:
                self.found.append((fitted_estimator.predict(X), fitted_estimator.embedded_columns_.tolist()))

    X, y = make_data(MLPRegressor)
    recorder = Recorder()
    model = small(MLPRegressor, **params)
    seen = clone(model).set_callbacks(recorder).fit(X, y)
    assert weights(seen) == weights(model.fit(X, y))
    assert recorder.found and recorder.found[-1][1] == model.embedded_columns_.tolist()
    np.testing.assert_array_equal(recorder.found[-1][0], model.predict(X))
