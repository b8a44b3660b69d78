"""scikit-learn's estimator checks of the transformers for tables, without an expected failure."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from skregopt.preprocessing import PiecewiseLinearEncoder, SmoothClipScaler, TabularEncoder

TRANSFORMERS = [
    SmoothClipScaler(),
    PiecewiseLinearEncoder(),
    PiecewiseLinearEncoder(3, extrapolation="linear"),
    TabularEncoder(),
    TabularEncoder([0], n_bins=4),
]


@parametrize_with_checks(TRANSFORMERS)
def test_checks(estimator, check):
    check(estimator)
