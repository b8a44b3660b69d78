"""Uncertainty from dropout: draws against naive networks with the same masks, and against closed forms."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from support.problems import QUANTILES, make_problem
from twin.draws import batch_masks
from twin.losses import LOSSES
from twin.network import forward

from skregopt import MLPClassifier, MLPRegressor
from skregopt.losses import Quantile

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = {"hidden_layer_sizes": (6, 5), "dropout": (0.5, 0.25), "input_dropout": 0.3, "max_iter": 5, "random_state": 3}
CLOSE = {"rtol": 1e-12, "atol": 1e-14}


def make_fitted(task, **params):
    problem = make_problem(task)
    return problem, problem.make(**SMALL | params).fit(problem.X, problem.y)


def draws_of_twin(model, X, n_draws, twin_loss, activation="relu"):
    """Return the predictions of each draw, of shape (n_draws, n_samples, n_outputs).

    Whatever is drawn for a row numbered `draw` in an epoch -1 is the same for all rows.
    """
    units = [X.shape[1], *(W.shape[1] for W in model.coefs_)]
    draws = []
    for draw in range(n_draws):
        masks = batch_masks(model._seed, -1, [draw], units, model.dropout, model.input_dropout)
        raw = forward(X, model.coefs_, model.intercepts_, activation, *masks)[0][-1]
        draws.append(LOSSES[twin_loss][0](raw))
    return np.array(draws)


def dropped(model, n_draws=200):
    """Return which of the units that are observable in the output were dropped, of shape (n_draws, n_units).

    The network is replaced by one that copies unit j of the only hidden layer to output j.
    """
    model = clone(model).fit(np.zeros((20, 1)), np.zeros((20, model.hidden_layer_sizes)))
    n = model.hidden_layer_sizes
    model.coefs_, model.intercepts_ = [np.zeros((1, n)), np.eye(n)], [np.ones(n), np.zeros(n)]
    means = np.array([model.predict([[0.0]], return_std=True, n_draws=k)[0][0] for k in range(2, n_draws + 1)])
    sums = means * np.arange(2, n_draws + 1)[:, None]
    return np.diff(sums, axis=0) < 0.5


# --- the draws ------------------------------------------------------------------------------------------------------


@pytest.mark.nojit
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("task", ["regression", "multi-output regression", "multi-output poisson"])
def test_mean_and_deviation_are_those_of_naive_networks(task, activation):
    problem, model = make_fitted(task, activation=activation)
    draws = draws_of_twin(model, problem.X, 7, problem.twin_loss, activation)
    mean, deviation = model.predict(problem.X, return_std=True, n_draws=7)
    assert mean.shape == deviation.shape == problem.y.shape
    np.testing.assert_allclose(mean, draws.mean(axis=0).reshape(mean.shape), **CLOSE)
    np.testing.assert_allclose(deviation, draws.std(axis=0, ddof=1).reshape(mean.shape), **CLOSE)


@pytest.mark.nojit
@pytest.mark.parametrize("task", ["multiclass", "binary", "multilabel"])
def test_probabilities_are_the_means_of_naive_networks(task):
    problem, model = make_fitted(task)
    expected = draws_of_twin(model, problem.X, 5, problem.twin_loss).mean(axis=0)
    if task == "binary":
        expected = np.hstack([1 - expected, expected])
    np.testing.assert_allclose(model.predict_proba(problem.X, n_draws=5), expected, **CLOSE)


def test_quantiles_have_a_deviation_each():
    problem = make_problem("quantiles")
    model = MLPRegressor(loss=Quantile(sorted(QUANTILES)), **SMALL).fit(problem.X, problem.y)
    mean, deviation = model.predict(problem.X, return_std=True, n_draws=20)
    assert mean.shape == deviation.shape == (len(problem.y), 3)
    assert np.all(np.diff(mean, axis=1) >= 0), "quantiles of the means cross"
    assert np.all(deviation > 0)


@pytest.mark.parametrize("rate", [0.2, 0.7])
def test_mean_and_variance_of_a_linear_output(rate):
    """Of b + sum_j w_j h_j m_j the mean over masks is the plain prediction, the variance p/(1-p) sum (w_j h_j)^2."""
    problem = make_problem("regression")
    model = problem.make(hidden_layer_sizes=40, dropout=rate, activation="tanh", random_state=0, max_iter=20)
    model.fit(problem.X, problem.y)
    n_draws = 20_000
    mean, deviation = model.predict(problem.X, return_std=True, n_draws=n_draws)
    hidden = np.tanh(problem.X @ model.coefs_[0] + model.intercepts_[0])
    expected = np.sqrt(rate / (1 - rate) * (hidden**2 @ model.coefs_[1] ** 2).ravel())
    z = (mean - model.predict(problem.X)) / (expected / np.sqrt(n_draws))
    assert np.abs(z).max() < 4  # standard errors
    np.testing.assert_allclose(deviation, expected, rtol=0.03)


def test_units_and_draws_are_dropped_independently():
    model = MLPRegressor(50, dropout=0.3, random_state=1, max_iter=1)
    masks = dropped(model).astype(float)
    n = masks.size
    assert abs(masks.mean() - 0.3) < 4 * np.sqrt(0.21 / n)
    assert np.abs(masks.mean(axis=0) - 0.3).max() < 4.5 * np.sqrt(0.21 / masks.shape[0])
    assert np.abs(masks.mean(axis=1) - 0.3).max() < 4.5 * np.sqrt(0.21 / masks.shape[1])
    centred = masks - 0.3
    assert abs(np.mean(centred[1:] * centred[:-1])) < 4 * 0.21 / np.sqrt(n), "draws are correlated"
    assert abs(np.mean(centred[:, 1:] * centred[:, :-1])) < 4 * 0.21 / np.sqrt(n), "units are correlated"
    other = dropped(clone(model).set_params(random_state=2))
    assert 0.3 < np.mean(masks != other) < 0.55


def test_draws_do_not_meet_the_masks_of_the_training():
    problem, model = make_fitted("regression")
    units = [problem.X.shape[1], 6, 5, 1]
    in_training = batch_masks(model._seed, 0, range(13), units, model.dropout, model.input_dropout)
    in_draws = batch_masks(model._seed, -1, range(13), units, model.dropout, model.input_dropout)
    assert np.mean((in_training[1][0] == 0) != (in_draws[1][0] == 0)) > 0.25


# --- the same numbers -----------------------------------------------------------------------------------------------


def test_the_same_call_gives_the_same_bits():
    problem, model = make_fitted("multi-output regression")
    first = model.predict(problem.X, return_std=True)
    model.predict(problem.X, return_std=True, n_draws=2)
    for other in (model, pickle.loads(pickle.dumps(model)), clone(model).fit(problem.X, problem.y)):
        np.testing.assert_array_equal(other.predict(problem.X, return_std=True), first)


def test_more_draws_begin_with_the_same():
    problem, model = make_fitted("regression")
    draws = draws_of_twin(model, problem.X, 30, problem.twin_loss)[..., 0]
    for n_draws in (2, 9, 30):
        mean, _ = model.predict(problem.X, return_std=True, n_draws=n_draws)
        np.testing.assert_allclose(mean, draws[:n_draws].mean(axis=0), **CLOSE)


@pytest.mark.parametrize("params", [{}, {"batch_norm": True, "batch_size": 6}], ids=["plain", "batch_norm"])
def test_a_row_alone_gets_what_it_gets_in_a_batch(params):
    """A draw is one network for all rows; products of one row and of many may round differently."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(700, 8))  # two tiles
    model = MLPRegressor(30, dropout=0.4, input_dropout=0.2, random_state=0, max_iter=3, **params).fit(X, X[:, 0])
    batch = np.array(model.predict(X, return_std=True, n_draws=10))
    for row in (0, 511, 512, 699):
        alone = np.array(model.predict(X[row : row + 1], return_std=True, n_draws=10))[:, 0]
        np.testing.assert_allclose(alone, batch[:, row], rtol=1e-12)


def test_equal_rows_have_equal_predictions():
    _, model = make_fitted("multiclass")
    X = np.repeat([[0.3, -1.0, 0.2, 2.0]], 9, axis=0)
    probabilities = model.predict_proba(X, n_draws=3)
    np.testing.assert_allclose(probabilities, np.repeat(probabilities[:1], 9, axis=0), rtol=1e-13)


def test_batch_norm_as_in_prediction():
    """With the running statistics, which are an affine function of each pre-activation."""
    problem, model = make_fitted("regression", batch_norm=True, batch_size=6)
    plain = clone(model).set_params(batch_norm=False).fit(problem.X, problem.y)
    plain.coefs_, plain.intercepts_ = list(model.coefs_), list(model.intercepts_)
    for layer in range(2):
        scale = model.batch_norm_scales_[layer] / np.sqrt(model.batch_norm_variances_[layer] + 1e-5)
        shift = model.batch_norm_shifts_[layer] - model.batch_norm_means_[layer] * scale
        plain.coefs_[layer] = model.coefs_[layer] * scale
        plain.intercepts_[layer] = model.intercepts_[layer] * scale + shift
    expected = plain.predict(problem.X, return_std=True, n_draws=8)
    np.testing.assert_allclose(model.predict(problem.X, return_std=True, n_draws=8), expected, rtol=1e-11)


@pytest.mark.parametrize("container", [sp.csr_matrix, sp.csc_array, np.asfortranarray, np.ndarray.tolist])
def test_sparse_and_dense_rows_get_the_same(container):
    problem, model = make_fitted("multi-output regression")
    expected = model.predict(problem.X, return_std=True, n_draws=5)
    np.testing.assert_allclose(model.predict(container(problem.X), return_std=True, n_draws=5), expected, **CLOSE)


@pytest.mark.parametrize("n_jobs", [2, 3, -1])
def test_number_of_threads_changes_no_bit(n_jobs):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(2000, 6))
    model = MLPClassifier(20, dropout=0.4, random_state=0, max_iter=2).fit(X, X[:, 0] > 0)
    expected = model.predict_proba(X, n_draws=6)
    np.testing.assert_array_equal(model.set_params(n_jobs=n_jobs).predict_proba(X, n_draws=6), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_is_that_of_the_network(dtype):
    problem = make_problem("regression")
    X, y = problem.X.astype(dtype), problem.y.astype(dtype)
    model = problem.make(**SMALL).fit(X, y)
    mean, deviation = model.predict(X, return_std=True)
    assert mean.dtype == deviation.dtype == dtype
    draws = draws_of_twin(model, X, 100, problem.twin_loss)[..., 0].astype(np.float64)
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if dtype == np.float32 else CLOSE
    np.testing.assert_allclose(mean, draws.mean(axis=0), **tolerance)
    np.testing.assert_allclose(deviation, draws.std(axis=0, ddof=1), **tolerance)


# --- what was fitted decides ----------------------------------------------------------------------------------------


def test_plain_predictions_drop_nothing():
    problem, model = make_fitted("regression")
    raw = forward(problem.X, model.coefs_, model.intercepts_)[0][-1].ravel()
    np.testing.assert_allclose(model.predict(problem.X), raw, **CLOSE)
    np.testing.assert_array_equal(model.predict(problem.X, False, 100), model.predict(problem.X))
    classification, classifier = make_fitted("multiclass")
    plain = classifier.predict_proba(classification.X)
    np.testing.assert_array_equal(classifier.predict_proba(classification.X, n_draws=None), plain)
    assert np.abs(classifier.predict_proba(classification.X, n_draws=3) - plain).max() > 1e-3


def test_parameters_set_after_the_fit_change_nothing():
    problem, model = make_fitted("regression")
    expected = model.predict(problem.X, return_std=True)
    model.set_params(dropout=0.9, input_dropout=0.0, random_state=8, hidden_layer_sizes=3)
    np.testing.assert_array_equal(model.predict(problem.X, return_std=True), expected)
    model.set_params(dropout=0.0)
    np.testing.assert_array_equal(model.predict(problem.X, return_std=True), expected)


def test_weights_assigned_by_the_user_are_used():
    problem, model = make_fitted("regression")
    model.coefs_ = [2 * W for W in model.coefs_]
    draws = draws_of_twin(model, problem.X, 4, problem.twin_loss)[..., 0]
    np.testing.assert_allclose(model.predict(problem.X, return_std=True, n_draws=4)[0], draws.mean(axis=0), **CLOSE)


@pytest.mark.parametrize("rates", [{"dropout": (0, 0.5)}, {"dropout": (0.5, 0)}, {"dropout": 0, "input_dropout": 0.5}])
def test_one_layer_with_dropout_is_enough(rates):
    problem, model = make_fitted("regression", activation="tanh", **{"input_dropout": 0.0} | rates)
    draws = draws_of_twin(model, problem.X, 9, problem.twin_loss, "tanh")[..., 0]
    mean, deviation = model.predict(problem.X, return_std=True, n_draws=9)
    np.testing.assert_allclose(mean, draws.mean(axis=0), **CLOSE)
    assert np.all(deviation[np.any(problem.X != 0, axis=1)] > 0)


def test_linear_model_with_input_dropout():
    problem = make_problem("regression")
    model = problem.make(hidden_layer_sizes=(), input_dropout=0.5, random_state=0, max_iter=3)
    model.fit(problem.X, problem.y)
    draws = draws_of_twin(model, problem.X, 6, problem.twin_loss)[..., 0]
    np.testing.assert_allclose(model.predict(problem.X, return_std=True, n_draws=6)[0], draws.mean(axis=0), **CLOSE)


def test_partial_fit_and_its_rates():
    problem = make_problem("regression")
    model = problem.make(**SMALL | {"dropout": 0.0, "input_dropout": 0.0}).partial_fit(problem.X, problem.y)
    with pytest.raises(ValueError, match="fitted with dropout"):
        model.predict(problem.X, return_std=True)
    model.set_params(dropout=0.5).partial_fit(problem.X, problem.y)
    draws = draws_of_twin(model, problem.X, 4, problem.twin_loss)[..., 0]
    np.testing.assert_allclose(model.predict(problem.X, return_std=True, n_draws=4)[0], draws.mean(axis=0), **CLOSE)


def test_through_a_pipeline():
    problem = make_problem("regression")
    model = make_pipeline(StandardScaler(), problem.make(**SMALL)).fit(problem.X, problem.y)
    expected = model[-1].predict(model[0].transform(problem.X), return_std=True, n_draws=3)
    np.testing.assert_array_equal(model.predict(problem.X, return_std=True, n_draws=3), expected)


def test_a_single_class_stays_certain():
    X = np.random.RandomState(0).normal(size=(10, 3))
    model = MLPClassifier(4, dropout=0.5, max_iter=2).fit(X, ["only"] * 10)
    np.testing.assert_array_equal(model.predict_proba(X, n_draws=3), np.ones((10, 1)))


def test_probabilities_are_probabilities():
    problem, model = make_fitted("multiclass")
    probabilities = model.predict_proba(1e4 * problem.X, n_draws=9)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert np.all((probabilities >= 0) & (probabilities <= 1))


# --- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.nojit
@pytest.mark.parametrize("n_draws", [0, -3, 2.0, "10", True, np.array([5]), 1])
def test_bad_numbers_of_draws(n_draws):
    problem, model = make_fitted("regression")
    with pytest.raises(ValueError, match=r"n_draws must be an int >= 2 for a standard deviation, got"):
        model.predict(problem.X, return_std=True, n_draws=n_draws)
    problem, model = make_fitted("multiclass")
    if n_draws is not True and isinstance(n_draws, int) and n_draws == 1:
        model.predict_proba(problem.X, n_draws=n_draws)
    else:
        with pytest.raises(ValueError, match=r"n_draws must be an int >= 1, got"):
            model.predict_proba(problem.X, n_draws=n_draws)


def test_numpy_integers_are_integers():
    problem, model = make_fitted("multiclass")
    expected = model.predict_proba(problem.X, n_draws=4)
    np.testing.assert_array_equal(model.predict_proba(problem.X, n_draws=np.int32(4)), expected)


@pytest.mark.nojit
@pytest.mark.parametrize("n_draws", [0, 10, None])
def test_draws_without_return_std(n_draws):
    problem, model = make_fitted("regression")
    with pytest.raises(ValueError, match=r"n_draws=.* has no effect without return_std=True"):
        model.predict(problem.X, n_draws=n_draws)


@pytest.mark.nojit
def test_draws_without_dropout():
    problem, model = make_fitted("regression", dropout=0.0, input_dropout=0.0)
    model.set_params(dropout=0.5)  # too late
    with pytest.raises(ValueError, match=r"return_std=True needs a network that was fitted with dropout.*dropout=0\.2"):
        model.predict(problem.X, return_std=True)
    problem, model = make_fitted("multiclass", dropout=0.0, input_dropout=0.0)
    with pytest.raises(ValueError, match="fitted with dropout"):
        model.predict_proba(problem.X, n_draws=10)


def test_unfitted():
    with pytest.raises(NotFittedError):
        MLPRegressor(dropout=0.5).predict([[0.0]], return_std=True)
    with pytest.raises(NotFittedError):
        MLPClassifier(dropout=0.5).predict_proba([[0.0]], n_draws=5)


@pytest.mark.nojit
def test_values_too_large_for_the_precision():
    problem = make_problem("regression")
    model = problem.make(**SMALL, dtype="float32").fit(problem.X, problem.y)
    with pytest.raises(ValueError, match="too large for float32"):
        model.predict(np.array([[1e300, -1e300, 1e300, -1e300]]), return_std=True)
