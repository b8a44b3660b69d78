"""scikit-learn's estimator checks, on the defaults and on the variants that behave differently.

The defaults have no expected failure. A declared failure that passes fails the run (``xfail_strict``
in pyproject.toml).
"""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import Trainable

pytestmark = [
    # scikit-learn's runs report these and go on: most checks train on a handful of rows
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

SAMPLE_WEIGHT_EQUIVALENCE = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}
NO_PARTIAL_FIT = {
    "check_fit_score_takes_y",
    "check_n_features_in_after_fitting",
    "check_estimators_partial_fit_n_features",
}
VARIANTS = {
    "per sample": {"solver": "sgd", "learning_rate_init": 1e-4},
    # hundreds of iterations enlarge rounding differences between a row of weight 2 and two rows; from scikit-learn's
    # starting point they stay below the check's tolerance
    "lbfgs": {"solver": "lbfgs", "weight_init": "glorot_uniform"},
    "dropout": {"penalty": "l1", "dropout": 0.2},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.5},
    "batch norm": {"batch_norm": True},
    "layer norm": {"layer_norm": True},
    "periodic": {"feature_embedding": "periodic"},
    "piecewise linear": {"feature_embedding": "piecewise_linear", "activation": Trainable("mish")},
}
# a repeated row is visited twice, or gets two masks, or may be on both sides of the split: not the same as weight 2.
# With batch_norm all weights are the same, and the running variances differ by the factor n / (n - 1), n the rows.
# scikit-learn 1.6 does not ask whether an estimator takes sparse X
REFUSES_SPARSE = {"check_sample_weight_equivalence_on_sparse_data": "an embedding refuses sparse X"}
EXPECTED_FAILURES = {
    "periodic": REFUSES_SPARSE,
    "piecewise linear": REFUSES_SPARSE,
    "per sample": dict.fromkeys(SAMPLE_WEIGHT_EQUIVALENCE, "a row of weight 2 is one update"),
    "dropout": dict.fromkeys(SAMPLE_WEIGHT_EQUIVALENCE, "a row of weight 2 has one dropout mask"),
    "batch norm": dict.fromkeys(SAMPLE_WEIGHT_EQUIVALENCE, "a row of weight 2 is one of n in an unbiased variance"),
    "early stopping": {
        **dict.fromkeys(SAMPLE_WEIGHT_EQUIVALENCE, "a row of weight 2 is on one side of the split"),
        **dict.fromkeys(NO_PARTIAL_FIT, "partial_fit does not support early_stopping=True"),
    },
}


def expected_failures(estimator):
    parameters = estimator.get_params()
    for name, variant in VARIANTS.items():
        if all(parameters[key] == value for key, value in variant.items()):
            return EXPECTED_FAILURES.get(name, {})
    return {}


@parametrize_with_checks([MLPClassifier(), MLPRegressor()], expected_failed_checks=expected_failures)
def test_defaults(estimator, check):
    check(estimator)


# some variants of one class, and where everything is run all variants of both
BY_DEFAULT = [MLPClassifier(**VARIANTS["early stopping"]), MLPRegressor(**VARIANTS["lbfgs"])]
BY_DEFAULT += [MLPClassifier(**VARIANTS["piecewise linear"]), MLPRegressor(**VARIANTS["dropout"])]
ALL = [kind(**variant) for kind in (MLPClassifier, MLPRegressor) for variant in VARIANTS.values()]


@parametrize_with_checks(BY_DEFAULT, expected_failed_checks=expected_failures)
def test_variants(estimator, check):
    check(estimator)


@pytest.mark.exhaustive
@parametrize_with_checks(ALL, expected_failed_checks=expected_failures)
def test_all_variants(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_nothing_else_is_declared(estimator):
    assert expected_failures(estimator()) == {}
    assert expected_failures(estimator(**VARIANTS["lbfgs"])) == {}
    for name in ("per sample", "dropout", "batch norm"):
        assert set(expected_failures(estimator(**VARIANTS[name]))) == SAMPLE_WEIGHT_EQUIVALENCE
    declared = set(expected_failures(estimator(**VARIANTS["early stopping"])))
    assert declared == SAMPLE_WEIGHT_EQUIVALENCE | NO_PARTIAL_FIT


def test_declared_failures_are_strict(pytestconfig):
    assert pytestconfig.getini("xfail_strict")
