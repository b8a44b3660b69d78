"""scikit-learn's estimator checks of the estimators for tables, without an expected failure."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from skregopt import TabularMLPClassifier, TabularMLPRegressor

QUICK = {"n_estimators": 2, "max_iter": 16}


@parametrize_with_checks([TabularMLPClassifier(**QUICK), TabularMLPRegressor(**QUICK)])
def test_checks(estimator, check):
    check(estimator)
