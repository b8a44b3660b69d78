"""Without hidden layers a network is a linear model, and reaches scikit-learn's solution, exact zeros included.

scikit-learn's solvers share nothing with the training loop.
"""

import inspect

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, PoissonRegressor, Ridge
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from support.linear_models import ALPHA, N_SAMPLES, RULES, UNTIL_CONVERGED, assert_same_line, regression_data
from support.problems import make_problem, row_weights
from twin.network import gradients

from skregopt import MLPClassifier, MLPRegressor
from skregopt.penalties import PENALTIES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def sklearn_logistic_regression(l1_ratio, alpha, n_samples):
    """Return scikit-learn's estimator of the same objective; saga leaves the intercept alone."""
    params = {"l1_ratio": l1_ratio, "C": 1 / (alpha * n_samples)}
    if inspect.signature(LogisticRegression).parameters["penalty"].default != "deprecated":
        params["penalty"] = "elasticnet"
    return LogisticRegression(**params, solver="saga", tol=1e-13, max_iter=200_000, random_state=0)


# --- linear models ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, row_weights(N_SAMPLES)], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("rule", RULES)
def test_l1_is_lasso(rule, weights):
    """For every rule: a proximal step with plain lr would give momentum the Lasso of alpha/10."""
    X, y, _ = regression_data()
    network = MLPRegressor((), penalty="l1", alpha=ALPHA, **RULES[rule], **UNTIL_CONVERGED)
    lasso = Lasso(alpha=ALPHA, tol=1e-14, max_iter=100_000)
    assert_same_line(network.fit(X, y, weights), lasso.fit(X, y, weights), n_zeros=3)


@pytest.mark.parametrize("learning_rate", ["invscaling", "adaptive"])
@pytest.mark.parametrize("rule", ["plain", "nesterov", "adam"])
def test_l1_is_lasso_with_every_schedule(rule, learning_rate):
    X, y, _ = regression_data()
    params = RULES[rule] | UNTIL_CONVERGED | {"learning_rate": learning_rate, "power_t": 0.2}
    if learning_rate == "adaptive":
        # with tol=0 an objective that repeats to the last bit counts as progress, and the rate would stay
        params |= {"n_iter_no_change": 1000, "max_iter": 8000, "tol": 1e-14}
    network = MLPRegressor((), penalty="l1", alpha=ALPHA, **params).fit(X, y)
    lasso = Lasso(alpha=ALPHA, tol=1e-14, max_iter=100_000).fit(X, y)
    assert_same_line(network, lasso, n_zeros=3)
    assert len(set(network.learning_rate_curve_)) > 1


@pytest.mark.parametrize("l1_ratio", [0.1, 0.8])
@pytest.mark.parametrize("rule", RULES)
def test_elasticnet_is_elastic_net(rule, l1_ratio):
    X, y, _ = regression_data()
    params = {"penalty": "elasticnet", "alpha": 0.2, "l1_ratio": l1_ratio}
    network = MLPRegressor((), **params, **RULES[rule], **UNTIL_CONVERGED).fit(X, y)
    linear = ElasticNet(alpha=0.2, l1_ratio=l1_ratio, tol=1e-14, max_iter=100_000).fit(X, y)
    assert_same_line(network, linear, n_zeros={0.1: 1, 0.8: 3}[l1_ratio])


@pytest.mark.parametrize("weights", [None, row_weights(N_SAMPLES)], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("rule", [*RULES, "lbfgs"])
def test_l2_is_ridge(rule, weights):
    X, y, _ = regression_data()
    params = RULES.get(rule, {"solver": "lbfgs"}) | UNTIL_CONVERGED | {"tol": 1e-10}
    network = MLPRegressor((), penalty="l2", alpha=ALPHA, **params)
    # Ridge adds to the sum of squares, not to half their mean
    total = N_SAMPLES if weights is None else weights.sum()
    ridge = Ridge(alpha=ALPHA * total, solver="cholesky")
    assert_same_line(network.fit(X, y, weights), ridge.fit(X, y, weights), n_zeros=0)


@pytest.mark.parametrize("rule", RULES)
def test_outputs_are_averaged(rule):
    """The loss of a row is the mean over its outputs: k outputs are k Lassos of k times alpha."""
    X, y, signal = regression_data()
    Y = np.column_stack([y, -2 * signal, 0.5 * y + X[:, 5]])
    params = RULES[rule] | UNTIL_CONVERGED | {"max_iter": 10_000}
    network = MLPRegressor((), penalty="l1", alpha=ALPHA / 3, **params).fit(X, Y)
    lasso = Lasso(alpha=ALPHA, tol=1e-14, max_iter=100_000).fit(X, Y)
    assert_same_line(network, lasso, n_zeros=np.count_nonzero(lasso.coef_ == 0))
    assert 0 < np.count_nonzero(lasso.coef_ == 0) < lasso.coef_.size


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("rule", ["plain", "momentum", "nesterov", "adam"])
@pytest.mark.parametrize("labels", ["binary", "multiclass"])
def test_classifier_is_logistic_regression(labels, rule, l1_ratio):
    X, y, signal = regression_data()
    target = (y > 0.7).astype(int)
    if labels == "multiclass":
        target = target + (X[:, 1] - 0.3 * X[:, 4] > 0.8)
    params = RULES[rule] | {"learning_rate_init": {"plain": 0.5, "adam": 0.01}.get(rule, 0.1)}
    params |= {"penalty": "elasticnet", "alpha": 0.05, "l1_ratio": l1_ratio}
    network = MLPClassifier((), **UNTIL_CONVERGED | params | {"max_iter": 8000}).fit(X, target)
    linear = sklearn_logistic_regression(l1_ratio, 0.05, N_SAMPLES).fit(X, target)
    coef = network.coefs_[0].T
    np.testing.assert_allclose(coef, linear.coef_, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(coef == 0, linear.coef_ == 0)
    assert np.any(coef == 0) == (l1_ratio > 0)
    # softmax does not see a shift of all intercepts
    intercepts = network.intercepts_[0]
    if labels == "multiclass":
        intercepts = intercepts - intercepts.mean() + linear.intercept_.mean()
    np.testing.assert_allclose(intercepts, linear.intercept_, rtol=0, atol=1e-6)


@pytest.mark.parametrize("rule", ["plain", "momentum", "nesterov", "adam", "lbfgs"])
@pytest.mark.parametrize("weights", [None, row_weights(N_SAMPLES)], ids=["unweighted", "weighted"])
def test_poisson_is_poisson_regression(weights, rule):
    X, _, signal = regression_data()
    y = np.random.RandomState(1).poisson(np.exp(0.5 * signal))
    params = RULES.get(rule, {"solver": "lbfgs"}) | UNTIL_CONVERGED | {"tol": 1e-10}
    if rule == "plain":
        params["learning_rate_init"] = 0.1
    network = MLPRegressor((), loss="poisson", penalty="l2", alpha=ALPHA, **params)
    linear = PoissonRegressor(alpha=ALPHA, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    assert_same_line(network.fit(X, y, weights), linear.fit(X, y, weights), n_zeros=0)


def test_labels_are_summed():
    """Without hidden layers a multilabel network is one binary network per label."""
    X, y, signal = regression_data()
    Y = np.column_stack([y > 0.7, signal > 0, X[:, 4] > 0.2]).astype(int)
    params = RULES["nesterov"] | UNTIL_CONVERGED | {"penalty": "l1", "alpha": 0.05}
    together = MLPClassifier((), **params).fit(X, Y)
    apart = [MLPClassifier((), **params).fit(X, label) for label in Y.T]
    coef = np.hstack([network.coefs_[0] for network in apart])
    np.testing.assert_allclose(together.coefs_[0], coef, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(together.coefs_[0] == 0, coef == 0)
    assert 0 < together.n_nonzero_ < coef.size
    np.testing.assert_allclose(together.loss_, sum(network.loss_ for network in apart), rtol=1e-9)


# --- exact zeros -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_fixed_points_are_stationary_points_with_hidden_layers(rule):
    """Where a weight is zero the data gradient is within alpha, elsewhere it is alpha exactly."""
    alpha = 0.01
    problem = make_problem("regression", n_samples=N_SAMPLES)
    params = {"penalty": "l1", "alpha": alpha} | RULES[rule] | UNTIL_CONVERGED
    network = problem.make(hidden_layer_sizes=(5,), activation="tanh", **params)
    network.set_params(max_iter=40_000).fit(problem.X, problem.y)
    by_coefs, by_intercepts, *_ = gradients(
        *(problem.X, problem.Y, network.coefs_, network.intercepts_),
        *("squared_error", "tanh", np.full(N_SAMPLES, 1 / N_SAMPLES)),
    )
    for W, gradient in zip(network.coefs_, by_coefs, strict=True):
        active = W != 0
        np.testing.assert_allclose(gradient[active], -alpha * np.sign(W[active]), atol=1e-6)
        assert np.all(np.abs(gradient[~active]) <= alpha + 1e-6)
    for gradient in by_intercepts:
        np.testing.assert_allclose(gradient, 0, atol=1e-6)
    assert 0.1 < network.sparsity_ < 0.9


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    parts = train_test_split(StandardScaler().fit_transform(X), y, random_state=0, stratify=y)
    return [part.astype(np.float32) if part.ndim == 2 else part for part in parts]


@pytest.mark.parametrize(
    "solver, learning_rate_init, max_iter, zeros",
    [("adam", 0.002, 100, 0.4), ("minibatch", 0.05, 100, 0.4), ("sgd", 0.001, 20, 0.1)],
)
def test_l1_on_digits(digits, solver, learning_rate_init, max_iter, zeros):
    """Many exact zeros for at most one point of test accuracy."""
    X_train, X_test, y_train, y_test = digits
    accuracy = {}
    for penalty in PENALTIES:
        network = MLPClassifier(
            (64,),
            penalty=penalty,
            alpha=1e-3,
            solver=solver,
            learning_rate_init=learning_rate_init,
            max_iter=max_iter,
            n_iter_no_change=np.inf,
            random_state=0,
        ).fit(X_train, y_train)
        accuracy[penalty] = network.score(X_test, y_test)
        if penalty == "l1":
            share = np.mean(np.concatenate([W.ravel() for W in network.coefs_]) == 0)
            assert network.sparsity_ == pytest.approx(share)
            assert share >= zeros
    assert accuracy["l1"] >= max(accuracy[None], accuracy["l2"]) - 0.01
    assert accuracy["l1"] > 0.95
