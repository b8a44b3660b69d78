"""What a regularisation path refuses, before the first fit."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skregopt import MLPClassifier, MLPRegressor
from skregopt.model_selection import param_distributions, regularization_path
from skregopt.penalties import Penalty

pytestmark = pytest.mark.nojit


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
        ({"learning_rate_factors": {"coefs": 0}}, {}, "learning_rate_factors=.*freezes the weights"),
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
        with pytest.raises(TypeError, match="of skregopt, got Pipeline"):
            function(make_pipeline(StandardScaler(), MLPRegressor()), *diabetes)


def test_divergence_names_alpha(diabetes):
    linear = MLPRegressor((), penalty="l1", solver="gd", learning_rate_init=10.0, max_iter=5000)
    with pytest.raises(ValueError, match="non-finite") as caught:
        regularization_path(linear, *diabetes, n_alphas=3)
    assert "on a regularisation path at alpha=0." in caught.value.__notes__[0]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # of the path with an alpha that is given
@pytest.mark.parametrize(
    "network",
    [
        MLPRegressor((), penalty="l1", random_state=0),
        MLPRegressor(3, penalty="l1", random_state=0),
        MLPClassifier((), penalty="l1", random_state=0),
    ],
    ids=["linear", "hidden layer", "classes"],
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
        ({"sample_weight_val": np.ones(9)}, r"^sample_weight_val.shape == \(9,\).*each of the 30 rows"),
    ]
    for case, message in cases:
        with pytest.raises(ValueError, match=message):
            regularization_path(MLPClassifier((), penalty="l1"), X, y, **{"X_val": X, "y_val": y} | case)
    with pytest.raises(ValueError, match="^y_val cannot be used: .*NaN"):
        regularization_path(MLPRegressor((), penalty="l1"), X, X[:, 0], X_val=X, y_val=bad[:, 1])
