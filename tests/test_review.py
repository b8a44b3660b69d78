"""Regressions found by a review: replaced arrays, changed parameters, weights that underflow."""

import numpy as np
import pytest
import scipy.sparse as sp

from skregopt import MLPClassifier, MLPRegressor
from skregopt.losses import Quantile
from skregopt.schedules import Warmup

RNG = np.random.RandomState(0)
X = RNG.randn(60, 5)
Y = (X[:, 0] > 0).astype(int)


def _classifier(**parameters):
    return MLPClassifier(4, random_state=0, **{"max_iter": 2, **parameters})


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
class TestPrediction:
    def test_replaced_weights_of_fewer_features(self):
        clf = _classifier().fit(X, Y)
        clf.coefs_[0] = clf.coefs_[0][:3].copy()
        with pytest.raises(ValueError, match=r"coefs_\[0\] must have one row for each of the 5 features"):
            clf.predict(X)

    def test_loss_with_more_outputs_than_the_network(self):
        reg = MLPRegressor(4, max_iter=2, loss=Quantile([0.1, 0.9])).fit(X, X[:, 0])
        reg.set_params(loss=Quantile([0.1, 0.2, 0.5, 0.9]))
        with pytest.raises(ValueError, match="has 4 outputs, but the fitted network has 2"):
            reg.predict(X)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
class TestContinuing:
    def test_partial_fit_with_an_indicator_after_labels(self):
        clf = _classifier().partial_fit(X, Y, classes=[0, 1])
        with pytest.raises(ValueError, match="y must be one column of labels"):
            clf.partial_fit(X, np.c_[Y, 1 - Y])

    @pytest.mark.parametrize("schedule", ["step", "exponential", "invscaling", "cosine"])
    def test_warmup_lasts_epochs_of_any_number_of_updates(self, schedule):
        reg = MLPRegressor(4, learning_rate=Warmup(schedule, n_epochs=3), batch_size=5, random_state=0)
        for n_rows in (60, 10, 10, 60, 10, 60):
            reg.partial_fit(X[:n_rows], X[:n_rows, 0])
        rates = np.array(reg.learning_rate_curve_)
        assert np.all(rates <= 1e-3)
        assert np.all(np.diff(rates[:3]) > 0) and np.all(np.diff(rates[3:]) <= 0)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
class TestWeights:
    def test_batch_norm_with_weights_that_underflow(self):
        weights = np.r_[np.full(8, 1e-60), np.ones(52)]
        clf = _classifier(batch_norm=True, batch_size=4, shuffle=False)
        clf.fit(X.astype(np.float32), Y, sample_weight=weights)
        assert np.all(np.isfinite(clf.loss_curve_))

    def test_weights_that_overflow(self):
        with pytest.raises(ValueError, match="sample_weight contains values too large for float32"):
            _classifier().partial_fit(X.astype(np.float32), Y, np.full(60, 1e50), classes=[0, 1])

    def test_sparse_y(self):
        with pytest.raises(TypeError, match="dense data is required"):
            MLPRegressor(4, max_iter=2).fit(X, sp.csr_matrix(X[:, :2]))
