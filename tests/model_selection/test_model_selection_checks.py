"""scikit-learn's estimator checks on the estimators that choose their alpha."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skregopt import MLPClassifier, MLPRegressor
from skregopt.model_selection import MLPClassifierCV, MLPRegressorCV

pytestmark = [
    # a few epochs on a handful of rows do not converge
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
# without hidden layers gradient descent, because Adam makes of the rounding differences between a row of weight 2 and
# two rows, at the exact minimum over the intercepts, steps as large as any
LINEAR = {"hidden_layer_sizes": (), "penalty": "l1", "solver": "gd", "learning_rate_init": 0.01}
NETWORK = {"hidden_layer_sizes": 5, "penalty": "group_l1", "learning_rate_init": 0.1}


@parametrize_with_checks([MLPClassifierCV(MLPClassifier(max_iter=20, random_state=0, **NETWORK), n_alphas=3, cv=2)])
def test_classifier(estimator, check):
    """Without an expected failure."""
    check(estimator)


@pytest.mark.exhaustive
@parametrize_with_checks([MLPRegressorCV(MLPRegressor(max_iter=20, random_state=0, **LINEAR), n_alphas=3, cv=2)])
def test_regressor(estimator, check):
    """Without an expected failure."""
    check(estimator)
