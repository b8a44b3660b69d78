"""The regularisation path, alpha by cross-validation, search spaces; compared with scikit-learn where it has them."""

import pickle
import threading
import time
import warnings
from _thread import interrupt_main

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LassoCV, LogisticRegression, QuantileRegressor, enet_path, lasso_path
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GroupKFold, ParameterSampler, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils._param_validation import InvalidParameterError

from skregopt import MLPClassifier, MLPRegressor
from skregopt._estimators.read import FitData
from skregopt.model_selection import MLPClassifierCV, MLPRegressorCV, param_distributions, regularization_path
from skregopt.model_selection._plan import Plan, Strengths
from skregopt.penalties import L1, ElasticNet, GroupL1, Penalty

LINEAR = {
    "hidden_layer_sizes": (), "solver": "gd", "learning_rate_init": 0.2, "momentum": 0.5, "max_iter": 20_000,
    "n_iter_no_change": 100,
}  # fmt: skip


def alpha_max_of(estimator, *data):
    """Return the closed form of the strength at which a path begins."""
    return Plan.make(estimator, FitData(*data), Strengths()).alpha_max


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return scale(X), scale(y)


@pytest.fixture(scope="module")
def cancer():
    """Standardised measurements, and after them as many columns of noise."""
    X, y = load_breast_cancer(return_X_y=True)
    noise = np.random.RandomState(0).normal(size=X.shape)
    return np.hstack([scale(X), noise]), y


# --- without hidden layers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("penalty, l1_ratio", [("l1", 1.0), ("elasticnet", 0.7)])
def test_linear_path_is_that_of_coordinate_descent(diabetes, penalty, l1_ratio, sparse):
    X, y = diabetes
    ratio = {} if penalty == "l1" else {"l1_ratio": l1_ratio}
    linear = MLPRegressor(penalty=penalty, **ratio, **LINEAR)
    path = regularization_path(linear, sp.csr_array(X) if sparse else X, y, n_alphas=12, tol=1e-13)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a duality gap of rounding errors
        _, coefs, _ = enet_path(X, y, l1_ratio=l1_ratio, alphas=path.alphas_, tol=1e-12, max_iter=100_000)
    assert_allclose(path.alpha_max_, np.abs(X.T @ y).max() / len(y) / l1_ratio, rtol=2e-6)
    assert_allclose(path.alphas_, np.geomspace(path.alpha_max_, 1e-3 * path.alpha_max_, 12))
    assert_allclose(np.column_stack([coef[0].ravel() for coef in path.coefs_]), coefs, atol=2e-5)
    assert_array_equal(path.n_nonzero_, np.count_nonzero(coefs, axis=0))
    assert path.sparsity_[0] == 1.0 and path.converged_.all()


def test_adam_follows_the_same_path(diabetes):
    X, y = diabetes
    adam = MLPRegressor((), penalty="l1", learning_rate_init=0.01, batch_size=len(y), max_iter=20_000)
    path = regularization_path(adam, X, y, n_alphas=8)
    _, coefs, _ = lasso_path(X, y, alphas=path.alphas_, tol=1e-8, max_iter=100_000)
    assert_allclose(np.column_stack([coef[0].ravel() for coef in path.coefs_]), coefs, atol=5e-4)


def test_linear_defaults_converge(diabetes):
    """The estimator's own tol and patience, 1e-4 and 10, would stop far from the minimum."""
    X, y = diabetes
    linear = MLPRegressor((), penalty="l1", solver="gd", learning_rate_init=0.2, max_iter=5000)
    path = regularization_path(linear, X, y, n_alphas=12)
    _, coefs, _ = lasso_path(X, y, alphas=path.alphas_, tol=1e-8, max_iter=100_000)
    assert_allclose(np.column_stack([coef[0].ravel() for coef in path.coefs_]), coefs, atol=5e-4)


def test_logistic_path_is_that_of_saga():
    X, y = load_breast_cancer(return_X_y=True)
    X, y = scale(X[:, [1, 4, 5, 8, 9, 10]]), np.where(y, "benign", "malignant")
    path = regularization_path(
        MLPClassifier(penalty="l1", **(LINEAR | {"learning_rate_init": 1.0})), X, y, n_alphas=4, eps=0.05
    )
    assert path.n_nonzero_[0] == 0 < path.n_nonzero_[1]
    for alpha, coefs, intercepts in zip(path.alphas_[1:], path.coefs_[1:], path.intercepts_[1:], strict=True):
        l1 = {"l1_ratio": 1} if LogisticRegression().l1_ratio is not None else {"penalty": "l1"}  # scikit-learn < 1.8
        saga = LogisticRegression(**l1, solver="saga", C=1 / (alpha * len(y)), tol=1e-8, max_iter=100_000).fit(X, y)
        assert_allclose(coefs[0].T, saga.coef_, atol=1e-4)
        assert_allclose(intercepts[0], saga.intercept_, atol=1e-4)


def test_alpha_max_is_the_smallest_one_for_every_loss(diabetes):
    """A little below it some weight moves, at it none does: stationarity, checked with gradients of the formula."""
    X, y = diabetes
    y = y + 3.0
    shares = {"squared_error": y - y.mean(), "poisson": y - y.mean(), "gamma": y / y.mean() - 1}
    for loss, residuals in shares.items():
        path = regularization_path(MLPRegressor(loss=loss, penalty="l1", **LINEAR), X, y, n_alphas=2, eps=0.97)
        assert_allclose(path.alpha_max_, np.abs(X.T @ residuals).max() / len(y), rtol=2e-6, err_msg=loss)
        assert_array_equal(path.n_nonzero_ > 0, [False, True], err_msg=loss)


@pytest.mark.parametrize("quantile", [0.5, 0.3])
def test_alpha_max_of_a_loss_with_kinks(diabetes, quantile):
    """With ties and with an even number of rows: scikit-learn's linear programme has no weight at it, and one below."""
    from skregopt.losses import Quantile

    X, y = diabetes[0], np.round(diabetes[1], 1)
    alpha_max = alpha_max_of(MLPRegressor((), loss=Quantile(quantile), penalty="l1"), X, y)
    n_nonzero = [
        np.count_nonzero(np.abs(QuantileRegressor(quantile=quantile, alpha=alpha_max * share).fit(X, y).coef_) > 1e-9)
        for share in (1.001, 0.9)
    ]
    assert n_nonzero[0] == 0 < n_nonzero[1]


def test_alpha_max_of_groups_and_of_softmax():
    X, y = load_iris(return_X_y=True)
    X = scale(X)
    weights = np.random.RandomState(0).uniform(0.5, 2.0, size=len(y))
    shares = np.bincount(y, weights) / weights.sum()
    gradient = X.T @ ((shares - np.eye(3)[y]) * weights[:, None]) / weights.sum()
    largest = np.linalg.norm(gradient, axis=1).max() / (np.sqrt(3) * 0.8)
    classifier = MLPClassifier(penalty="group_l1", l1_ratio=0.8, **(LINEAR | {"max_iter": 500}))
    path = regularization_path(classifier, X, y, sample_weight=weights, n_alphas=3, eps=0.5)
    assert_allclose(path.alpha_max_, largest, rtol=2e-6)
    assert_array_equal(path.n_features_ > 0, [False, True, True])
    assert path.feature_importances_.shape == (3, 4)
    l1 = alpha_max_of(MLPClassifier((), penalty=L1()), X, y, weights)
    assert_allclose(l1, np.abs(gradient).max(), rtol=2e-6)
    ratio = alpha_max_of(MLPClassifier((), penalty=ElasticNet(0.25)), X, y, weights)
    assert_allclose(ratio, np.abs(gradient).max() / 0.25, rtol=2e-6)


def test_fits_that_do_not_converge_are_counted(diabetes):
    linear = MLPRegressor((), penalty="l1", solver="gd", max_iter=3)
    with pytest.warns(ConvergenceWarning, match="4 of 4 fits of the path ended at max_iter=3"):
        path = regularization_path(linear, *diabetes, n_alphas=4)
    assert not path.converged_.any()
    assert_array_equal(path.n_iter_, 3)


# --- with hidden layers ---------------------------------------------------------------------------------------------


def test_noise_is_dropped_first(cancer):
    X, y = cancer
    network = MLPClassifier(20, penalty="group_l1", batch_size=64, learning_rate_init=0.005, random_state=0)
    path = regularization_path(network, X, y, n_alphas=20, X_val=X[::2], y_val=y[::2])
    assert np.all(np.diff(path.alphas_) > 0)
    ratios = path.alphas_[1:] / path.alphas_[:-1]
    assert_allclose(ratios, 1e3 ** (1 / 19), rtol=1e-9)
    kept = path.feature_importances_ > 0
    real, noise = kept[:, :30].sum(axis=1), kept[:, 30:].sum(axis=1)
    assert noise[0] > 25 and real[0] > 25, "dense at first"
    without_noise = np.flatnonzero(noise == 0)[0]
    assert real[without_noise] >= 8, "measurements outlast all noise"
    assert not noise[without_noise:].any()
    assert path.val_scores_[without_noise] > 0.95
    assert path.n_features_[-1] == 0 and not path.coefs_[-1][0].any()
    assert path.alpha_max_ == path.alphas_[-1]


@pytest.mark.parametrize("penalty", ["l1", "elasticnet"])
def test_the_increasing_path_ends_with_all_weights_zero(penalty, diabetes):
    network = MLPRegressor((8, 8), penalty=penalty, learning_rate_init=0.01, max_iter=100, random_state=0)
    path = regularization_path(network, *diabetes, n_alphas=10)
    assert path.sparsity_[-1] == 1.0 and path.n_nonzero_[-1] == 0
    assert np.all(path.n_nonzero_[:-1] > 0)
    assert path.n_iter_[0] <= 100 and np.all(path.n_iter_[1:] <= 25)
    same = regularization_path(network, *diabetes, n_alphas=10)
    for first, second in zip(path.coefs_, same.coefs_, strict=True):
        for left, right in zip(first, second, strict=True):
            assert_array_equal(left, right)


def test_zero_weights_would_stay(diabetes):
    """Why the path with hidden layers goes up: below alpha_max_ nothing grows again from zero."""
    X, y = diabetes
    network = MLPRegressor(8, penalty="l1", solver="gd", learning_rate_init=0.1, max_iter=400, random_state=0)
    path = regularization_path(network, X, y, n_alphas=8, tol=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        again = path.estimators_[-1].set_params(alpha=path.alphas_[0], warm_start=True).fit(X, y)
    assert again.n_nonzero_ == 0


# --- what both have in common ---------------------------------------------------------------------------------------


def test_the_path_has_fitted_estimators_and_the_given_one_is_unchanged(diabetes):
    X, y = diabetes
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    given = MLPRegressor(5, penalty="l1", learning_rate_init=0.01, max_iter=40, random_state=np.random.RandomState(3))
    before = pickle.dumps(given)
    path = regularization_path(given, frame, y, alphas=[0.1, 0.001, 0.01])
    assert pickle.dumps(given) == before and not hasattr(given, "coefs_")
    assert_array_equal(path.alphas_, [0.001, 0.01, 0.1])
    assert_array_equal(path.feature_names_in_, frame.columns)
    for k, (alpha, network) in enumerate(zip(path.alphas_, path.estimators_, strict=True)):
        parameters = network.get_params()
        assert parameters.pop("alpha") == alpha
        assert parameters.pop("random_state") is not given.random_state
        assert parameters.items() <= given.get_params().items()
        assert network.score(frame, y) == path.train_scores_[k]
        assert len(network.loss_curve_) == network.n_iter_ == path.n_iter_[k]
        assert network.loss_ == path.loss_[k]
        assert_array_equal(pickle.loads(pickle.dumps(network)).predict(frame), network.predict(frame))
    assert "RegularizationPath(3 alphas from 0.001 to 0.1)" == repr(path)


def test_scores_take_a_scorer_and_weights(diabetes):
    X, y = diabetes
    weights = np.random.RandomState(0).uniform(size=len(y))
    linear = MLPRegressor(penalty="l1", **LINEAR)
    options = {"scoring": "neg_mean_squared_error", "n_alphas": 3, "tol": 1e-8}
    path = regularization_path(linear, X, y, X_val=X, y_val=y, sample_weight_val=weights, **options)
    for network, train_score, val_score in zip(path.estimators_, path.train_scores_, path.val_scores_, strict=True):
        squares = (network.predict(X) - y) ** 2
        assert_allclose([train_score, val_score], [-squares.mean(), -np.average(squares, weights=weights)])


def test_float32_has_no_weight_at_alpha_max(diabetes):
    X, y = (part.astype(np.float32) for part in diabetes)
    path = regularization_path(MLPRegressor(penalty="l1", **LINEAR), X, y, n_alphas=3, tol=1e-6)
    assert path.coefs_[0][0].dtype == np.float32
    assert path.n_nonzero_[0] == 0


def test_given_bounds(diabetes):
    X, y = diabetes
    linear = MLPRegressor(penalty="l1", **(LINEAR | {"max_iter": 2000}))
    path = regularization_path(linear, X, y, n_alphas=3, alpha_min=0.1, alpha_max=0.4, tol=1e-8)
    assert_allclose(path.alphas_, [0.4, 0.2, 0.1])
    assert_allclose(path.alpha_max_, 0.58645, rtol=1e-4)
    network = MLPRegressor(4, penalty="l1", max_iter=5, random_state=0)
    path = regularization_path(network, X, y, n_alphas=3, eps=0.25, alpha_min=0.1, alpha_max=0.4)
    assert_allclose(path.alphas_, [0.1, 0.2, 0.4])
    assert np.isnan(path.alpha_max_), "not reached"


class Unknown(Penalty):
    is_smooth = False


@pytest.mark.parametrize(
    "changes, options, message",
    [
        ({"penalty": "l2"}, {}, "penalty='l2' leaves no weight at exactly zero"),
        ({"penalty": None}, {}, "penalty=None leaves no weight"),
        ({"penalty": "elasticnet", "l1_ratio": 0.0}, {}, "penalty='elasticnet' with l1_ratio=0.0 leaves"),
        ({"penalty": Unknown()}, {}, r"penalty=Unknown\(\): the strength at which"),
        ({"penalty": "l3"}, {}, "The 'penalty' parameter"),
        ({"solver": "lbfgs"}, {}, "solver='lbfgs' needs a differentiable penalty"),
        ({"early_stopping": True}, {}, "early_stopping=True restores"),
        ({}, {"alphas": []}, r"alphas must be a sequence of finite numbers above 0, at least one, got \[\]"),
        ({}, {"alphas": [0.1, 0.0]}, "alphas must be"),
        ({}, {"alphas": [0.1, np.inf]}, "alphas must be"),
        ({}, {"alphas": [0.1, np.nan]}, "alphas must be"),
        ({}, {"alphas": [[0.1]]}, "alphas must be"),
        ({}, {"alphas": [0.1], "alpha_min": 0.1}, "have no effect with alphas"),
        ({}, {"alpha_min": 2.0, "alpha_max": 1.0}, "alpha_min=2.0 is above alpha_max=1.0"),
        ({"hidden_layer_sizes": ()}, {"alpha_min": 2.0}, r"alpha_min=2 is above the strength .* zero, 0\.58"),
        ({}, {"alphas": ["a"]}, r"alphas must be .* got \['a'\]"),
        ({}, {"alphas": [10**400]}, "alphas must be .* got"),
        ({}, {"alphas": "a"}, "'alphas' parameter of regularization_path must be .* Got 'a'"),
        ({}, {"alpha_max": -1.0}, r"'alpha_max' .* range \(0.0, inf\) or None. Got -1.0"),
        ({}, {"alpha_min": "a"}, r"'alpha_min' .* range \(0.0, inf\) or None. Got 'a'"),
        ({}, {"alpha_max": 10**400}, "'alpha_max' .* Got 1000"),
        ({}, {"eps": 1.0}, r"'eps' .* range \(0.0, 1.0\). Got 1.0"),
        ({}, {"eps": "a"}, "'eps' .* Got 'a'"),
        ({}, {"n_alphas": 0}, r"'n_alphas' .* range \[1, inf\). Got 0"),
        ({}, {"n_alphas": 2.5}, "'n_alphas' .* Got 2.5"),
        ({}, {"max_iter": 0}, r"'max_iter' .* range \[1, inf\) or None. Got 0"),
        ({}, {"max_iter": "a"}, "'max_iter' .* Got 'a'"),
        ({}, {"tol": -1.0}, r"'tol' .* range \[0.0, inf\) or None. Got -1.0"),
        ({}, {"tol": 10**400}, "'tol' .* Got 1000"),
        ({}, {"scoring": "nope"}, "'scoring' .* Got 'nope'"),
        ({}, {"X_val": np.ones((2, 10))}, "X_val and y_val belong together"),
        ({}, {"sample_weight_val": np.ones(2)}, "sample_weight_val was given without"),
    ],
)
def test_bad_arguments(diabetes, changes, options, message):
    estimator = MLPRegressor(**({"hidden_layer_sizes": 4, "penalty": "l1"} | changes))
    with pytest.raises(ValueError, match=message):
        regularization_path(estimator, *diabetes, **options)


def test_other_estimators_are_refused(diabetes):
    for function in (regularization_path, lambda estimator, X, y: param_distributions(estimator)):
        with pytest.raises(TypeError, match="MLPClassifier or an MLPRegressor of skregopt, got Pipeline"):
            function(make_pipeline(StandardScaler(), MLPRegressor()), *diabetes)


def test_divergence_names_alpha(diabetes):
    linear = MLPRegressor((), penalty="l1", solver="gd", learning_rate_init=10.0, max_iter=5000)
    with pytest.raises(ValueError, match="non-finite") as caught:
        regularization_path(linear, *diabetes, n_alphas=3)
    assert "on a regularisation path at alpha=0." in caught.value.__notes__[0]


class Interrupting:
    """A scorer that presses Ctrl-C: at its n-th call, or in the middle of the fit after its first call."""

    def __init__(self, at_call=None):
        self.at_call, self.n_calls = at_call, 0

    def __call__(self, estimator, X, y):
        self.n_calls += 1
        if self.n_calls == self.at_call:
            raise KeyboardInterrupt
        if self.at_call is None and self.n_calls == 1:
            threading.Timer(0.3, interrupt_main).start()
        return 0.0


ENDLESS = {"max_iter": 100_000_000, "tol": 0.0}
NETWORK = {"penalty": "l1", "max_iter": 2, "n_iter_no_change": np.inf, "random_state": 0}


def test_ctrl_c_in_a_fit_ends_the_path_with_what_is_complete(diabetes):
    network = MLPRegressor(8, **NETWORK)
    started = time.perf_counter()
    with pytest.warns(UserWarning, match=r"Path interrupted by user. .* 1 alpha\(s\) from 0.001 to 0.001") as caught:
        path = regularization_path(network, *diabetes, alphas=[0.001, 0.1], scoring=Interrupting(), **ENDLESS)
    assert time.perf_counter() - started < 20
    assert len(caught) == 1
    assert_array_equal(path.alphas_, [0.001])
    assert path.train_scores_.shape == (1,) and path.val_scores_ is None


def test_ctrl_c_between_fits_ends_the_path_too(diabetes):
    X, y = diabetes
    network = MLPRegressor(8, **NETWORK)
    with pytest.warns(UserWarning, match=r"2 alpha\(s\) from 0.001 to 0.01"):
        path = regularization_path(
            network, X, y, alphas=[0.001, 0.01, 0.1], scoring=Interrupting(at_call=6), X_val=X, y_val=y
        )
    assert path.train_scores_.shape == path.val_scores_.shape == path.alphas_.shape == (2,)
    with pytest.raises(KeyboardInterrupt):
        regularization_path(network, X, y, alphas=[0.001, 0.01], scoring=Interrupting(at_call=1))


def test_ctrl_c_in_cross_validation_is_passed_on(diabetes):
    cv = MLPRegressorCV(MLPRegressor(8, **NETWORK), alphas=[0.001, 0.01], cv=2).fit(*diabetes)
    before = pickle.dumps(cv)
    threading.Timer(0.3, interrupt_main).start()
    cv.set_params(**ENDLESS)
    with pytest.raises(KeyboardInterrupt):
        cv.fit(*diabetes)
    assert pickle.dumps(cv.set_params(max_iter=None, tol=None)) == before


# --- alpha by cross-validation --------------------------------------------------------------------------------------


def test_regressor_chooses_the_alpha_of_lasso_cv(diabetes):
    X, y = diabetes
    linear = MLPRegressor(penalty="l1", **LINEAR)
    ours = MLPRegressorCV(linear, n_alphas=12, cv=4, scoring="neg_mean_squared_error", tol=1e-11).fit(X, y)
    theirs = LassoCV(alphas=ours.alphas_, cv=4, tol=1e-8, max_iter=100_000).fit(X, y)
    assert ours.alpha_ == theirs.alpha_
    assert_allclose(-ours.cv_scores_.T, theirs.mse_path_, rtol=1e-4)
    assert_allclose(ours.coefs_[0].ravel(), theirs.coef_, atol=1e-4)
    assert_allclose(ours.mean_cv_scores_, ours.cv_scores_.mean(axis=0))
    assert ours.best_estimator_ is ours.path_.estimators_[ours.best_index_]
    assert ours.best_estimator_.alpha == ours.alpha_
    assert_allclose(ours.score(X, y), -np.mean((ours.predict(X) - y) ** 2))


def test_one_standard_error(diabetes):
    linear = MLPRegressor(penalty="l1", random_state=0, **LINEAR)
    best, sparse = (
        MLPRegressorCV(linear, n_alphas=12, tol=1e-8, selection=selection).fit(*diabetes)
        for selection in ("best", "1se")
    )
    assert_array_equal(best.cv_scores_, sparse.cv_scores_)
    scores = best.cv_scores_
    least = best.mean_cv_scores_.max() - scores[:, best.best_index_].std(ddof=1) / np.sqrt(5)
    assert sparse.alpha_ == best.alphas_[best.mean_cv_scores_ >= least].max() > best.alpha_
    assert sparse.sparsity_ > best.sparsity_


@pytest.mark.parametrize(
    "network", [MLPRegressor((), penalty="l1"), MLPRegressor(3, penalty="l1"), MLPClassifier((), penalty="l1")], ids=str
)
def test_data_without_variation_have_no_path(network):
    """Rounding would make an alpha_max of 1e-17."""
    X = np.random.RandomState(0).normal(size=(30, 3))
    y = np.arange(30) % 2
    with pytest.raises(ValueError, match=r"^y is one value or class over and over.*alpha_max.*give alphas"):
        regularization_path(network, X, np.full(30, 3))
    for constant in (np.full((30, 3), 0.7), sp.csr_array(np.full((30, 3), 0.7)), np.zeros((30, 3)).tolist()):
        with pytest.raises(ValueError, match=r"^X is one row over and over"):
            regularization_path(network, constant, y)
    if isinstance(network, MLPRegressor):
        assert regularization_path(network, X, np.full(30, 3), alphas=[0.1]).alphas_ == [0.1]


def test_validation_rows_are_looked_at_before_the_first_fit(monkeypatch):
    X = np.random.RandomState(0).normal(size=(30, 3))
    y = np.array(["left", "right"] * 15)
    monkeypatch.setattr("skregopt.model_selection._path.follow", lambda *given: pytest.fail("a fit began"))
    bad = X.copy()
    bad[3, 1] = np.nan
    cases = [
        ({"X_val": bad}, "^X_val cannot be used: Input X_val contains NaN"),
        ({"X_val": X[:, :2]}, "^X_val cannot be used: it has 2 features, and X has 3"),
        ({"y_val": y[:9]}, r"^y_val cannot be used: .*inconsistent numbers of samples: \[30, 9\]"),
        ({"y_val": np.where(y == "left", "above", y)}, r"^y_val cannot be used: its labels \['above'\] are not in y"),
        ({"sample_weight_val": -np.ones(30)}, "`sample_weight_val`: weights must be >= 0"),
    ]
    for case, message in cases:
        with pytest.raises(ValueError, match=message):
            regularization_path(MLPClassifier((), penalty="l1"), X, y, **{"X_val": X, "y_val": y} | case)
    with pytest.raises(ValueError, match="^y_val cannot be used: .*NaN"):
        regularization_path(MLPRegressor((), penalty="l1"), X, X[:, 0], X_val=X, y_val=bad[:, 1])


def test_no_jobs_are_refused_before_any_fit(cancer):
    with pytest.raises(InvalidParameterError, match="'n_jobs' parameter of MLPClassifierCV"):
        MLPClassifierCV(n_jobs=0).fit(*cancer)


@pytest.mark.parametrize("n_jobs", [2, -1])
@pytest.mark.parametrize("random_state", [0, np.random.RandomState(1)])
def test_the_same_bits_for_any_n_jobs(cancer, n_jobs, random_state):
    X, y = cancer[0][:200], cancer[1][:200]
    network = MLPClassifier(4, penalty="group_l1", dropout=0.1, max_iter=8, learning_rate_init=0.1)
    network.set_params(random_state=random_state)
    one, several = (MLPClassifierCV(network, n_alphas=4, cv=3, n_jobs=jobs).fit(X, y) for jobs in (None, n_jobs))
    assert_array_equal(one.cv_scores_, several.cv_scores_)
    assert_array_equal(one.predict_proba(X), several.predict_proba(X))
    assert_array_equal(one.alphas_, several.alphas_)


def test_classifier_has_what_a_classifier_has(cancer):
    X, y = cancer
    y = np.where(y, "benign", "malignant")
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(60)])
    network = MLPClassifier(8, penalty="group_l1", batch_size=64, learning_rate_init=0.01, max_iter=60, random_state=0)
    clf = MLPClassifierCV(network, n_alphas=8, cv=2, scoring="neg_log_loss", selection="1se").fit(frame, y)
    assert_array_equal(clf.classes_, ["benign", "malignant"])
    assert_array_equal(clf.feature_names_in_, frame.columns)
    assert clf.n_features_in_ == 60
    assert_allclose(clf.predict_proba(frame).sum(axis=1), 1.0)
    assert_allclose(np.exp(clf.predict_log_proba(frame)), clf.predict_proba(frame))
    assert accuracy_score(y, clf.predict(frame)) > 0.93
    assert clf.score(frame, y) < 0, "the scorer's value, a negative log loss"
    assert clf.n_nonzero_ == np.count_nonzero(clf.coefs_[0]) + np.count_nonzero(clf.coefs_[1])
    assert len(clf.intercepts_) == 2 and clf.n_iter_ >= 1
    chosen = SelectFromModel(clf, prefit=True, threshold=1e-12).transform(X)
    assert chosen.shape[1] == np.count_nonzero(clf.feature_importances_) < 60


def test_groups_and_weights_reach_the_folds(diabetes):
    X, y = diabetes
    groups = np.arange(len(y)) % 3
    weights = np.where(groups == 1, 0.25, 1.0) * np.random.RandomState(0).uniform(0.5, 1.5, size=len(y))
    linear = MLPRegressor(penalty="l1", **LINEAR)
    reg = MLPRegressorCV(linear, alphas=[0.1], cv=GroupKFold(3), tol=1e-10).fit(X, y, weights, groups=groups)
    scores = []
    for _, test in GroupKFold(3).split(X, y, groups):
        train = np.setdiff1d(np.arange(len(y)), test)
        fold = clone(linear).set_params(alpha=0.1, tol=1e-12).fit(X[train], y[train], weights[train])
        scores.append(fold.score(X[test], y[test], weights[test]))
    assert_allclose(reg.cv_scores_[:, 0], scores, rtol=1e-5)


def test_a_failed_fit_leaves_everything(diabetes):
    X, y = diabetes
    reg = MLPRegressorCV(MLPRegressor((), penalty="l1", solver="gd", max_iter=5), alphas=[0.1], cv=2)
    with pytest.raises(NotFittedError):
        reg.predict(X)
    with pytest.raises(AttributeError, match="best_estimator_"):
        _ = reg.coefs_
    with pytest.warns(ConvergenceWarning, match="1 of 1 fits"):
        reg.fit(X, y)
    before = pickle.dumps(reg)
    with pytest.raises(ValueError, match="early_stopping=True"):
        reg.set_params(estimator__early_stopping=True).fit(X[:, :3], y)
    assert pickle.dumps(reg.set_params(estimator__early_stopping=False)) == before


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"estimator": MLPRegressor(penalty="l1")}, "The 'estimator' parameter of MLPClassifierCV"),
        ({"selection": "2se"}, "The 'selection' parameter"),
        ({"eps": 0.0}, "The 'eps' parameter"),
        ({"scoring": "accurate"}, "The 'scoring' parameter"),
        ({"alphas": [-1.0]}, "alphas must be"),
        ({"estimator": MLPClassifier()}, "penalty='l2' leaves no weight"),
        ({"scoring": lambda estimator, X, y: np.nan, "max_iter": 1}, "not finite"),
    ],
)
def test_bad_parameters_of_the_classifier(cancer, parameters, message):
    given = {"estimator": MLPClassifier(2, penalty="l1", max_iter=2), "n_alphas": 2, "cv": 2} | parameters
    with pytest.raises(ValueError, match=message):
        MLPClassifierCV(**given).fit(*cancer)


# --- search spaces --------------------------------------------------------------------------------------------------

CASES = [
    MLPClassifier(),
    MLPRegressor(penalty="elasticnet"),
    MLPClassifier(penalty="group_l1", dropout=[0.1, 0.2], hidden_layer_sizes=(8, 4)),
    MLPRegressor(penalty=None, activation=("tanh", "relu"), hidden_layer_sizes=(8, 4)),
    MLPRegressor(penalty=GroupL1(0.9), solver="minibatch", batch_size=10),
    MLPClassifier(solver="lbfgs", hidden_layer_sizes=8, n_hidden_layers=2),
    MLPClassifier((), penalty="l1", solver="gd"),
    MLPClassifier(batch_norm=True, solver="sgd", batch_size=2, learning_rate="cosine"),
    MLPRegressor(solver="adadelta", alpha=0.3, max_norm=2.0),
]


def draws(space, n):
    return ParameterSampler(space, n, random_state=0)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_every_draw_can_be_fitted(case):
    """Validation and the check of combinations come first in a fit; an epoch on a few rows shows that both pass."""
    estimator = CASES[case]
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(256, 3)), np.arange(256) % 2
    space = param_distributions(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for number, draw in enumerate(draws(space, 200)):
            drawn = clone(estimator).set_params(max_iter=1, random_state=0, **draw)
            drawn._validate_params()
            if number < 25:
                drawn.fit(X, y)


def test_a_space_has_what_has_an_effect():
    names = {case: set(param_distributions(estimator)) for case, estimator in enumerate(CASES)}
    network = {"hidden_layer_sizes", "n_hidden_layers", "activation"}
    adam = {"solver", "learning_rate_init", "batch_size"}
    assert names[0] == network | adam | {"dropout", "alpha"}
    assert names[1] == network | adam | {"dropout", "alpha", "l1_ratio"}
    assert names[2] == network | adam | {"alpha", "l1_ratio"}
    assert names[3] == network - {"activation"} | adam | {"dropout"}
    assert names[4] == network | {"learning_rate_init", "momentum", "batch_size", "dropout", "alpha"}
    assert names[5] == network | {"alpha"}
    assert names[6] == {"learning_rate_init", "momentum", "alpha"}
    assert param_distributions(CASES[2])["n_hidden_layers"] == [2]
    assert param_distributions(CASES[4])["batch_size"] == [5, 10, 20]
    assert param_distributions(CASES[8])["alpha"].support() == pytest.approx((0.003, 30.0))
    assert param_distributions(CASES[8])["learning_rate_init"].support() == pytest.approx((0.1, 10.0))
    assert set(param_distributions(CASES[0], prefix="mlp__")) == {f"mlp__{name}" for name in names[0]}
    with pytest.raises(TypeError, match="prefix must be a str, .*, got 3"):
        param_distributions(CASES[0], prefix=3)


def test_a_space_is_log_uniform():
    rates = param_distributions(MLPClassifier())["learning_rate_init"]
    assert rates.support() == pytest.approx((1e-4, 1e-2))
    assert rates.median() == pytest.approx(1e-3)
    widths = param_distributions(MLPClassifier())["hidden_layer_sizes"]
    assert widths[0] == 16 and widths[-1] == 256 and all(type(width) is int for width in widths)


def test_random_search_over_a_pipeline(diabetes):
    pipeline = make_pipeline(StandardScaler(), MLPRegressor(max_iter=3, random_state=0))
    space = param_distributions(pipeline[-1], prefix="mlpregressor__")
    search = RandomizedSearchCV(pipeline, space, n_iter=4, cv=2, random_state=0, error_score="raise")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(*diabetes)
    assert set(search.best_params_) == set(space)


def test_optuna_draws_from_the_same_space():
    optuna = pytest.importorskip("optuna", reason="optuna is not installed: pip install skregopt[optuna]")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for estimator in CASES:
        space, scipy_space = param_distributions(estimator, style="optuna"), param_distributions(estimator)
        assert set(space) == set(scipy_space)
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
        for _ in range(20):
            draw = study.ask(space).params
            clone(estimator).set_params(**draw)._validate_params()
            for name, value in draw.items():
                if hasattr(scipy_space[name], "support"):
                    low, high = scipy_space[name].support()
                    assert low <= value <= high
                elif name != "hidden_layer_sizes":
                    assert value in scipy_space[name]
                else:
                    assert min(scipy_space[name]) <= value <= max(scipy_space[name])


def test_without_optuna_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna.distributions", None)
    with pytest.raises(ImportError, match=r"pip install 'skregopt\[optuna\]'"):
        param_distributions(MLPClassifier(), style="optuna")
    with pytest.raises(ValueError, match="style must be 'scipy' or 'optuna', got 'hyperopt'"):
        param_distributions(MLPClassifier(), style="hyperopt")
