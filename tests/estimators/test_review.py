"""Regressions found by a review: replaced arrays, changed parameters, weights that underflow."""

import os
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from processes import DATA, run
from sklearn.utils._param_validation import InvalidParameterError

from skregopt import LossCurveDisplay, MLPClassifier, MLPRegressor, WeightsDisplay
from skregopt.activations import LeakyReLU
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

    def test_parameters_set_after_fit_change_no_prediction(self):
        reg = MLPRegressor(4, max_iter=2, loss=Quantile([0.1, 0.9]), activation=LeakyReLU(0.1)).fit(X, X[:, 0])
        before, score = reg.predict(X), reg.score(X, X[:, 0])
        reg.set_params(loss__quantile=[0.1, 0.2, 0.5, 0.9], activation__negative_slope=0.5)
        np.testing.assert_array_equal(reg.predict(X), before)
        reg.set_params(loss="poisson", activation=["tanh", "relu"])
        np.testing.assert_array_equal(reg.predict(X), before)
        assert reg.score(X, X[:, 0]) == score

    def test_intercepts_that_were_deleted(self):
        clf = _classifier().fit(X, Y)
        del clf.intercepts_
        with pytest.raises(ValueError, match="intercepts_ is missing"):
            clf.predict(X)

    def test_replaced_by_weights_of_fewer_outputs(self):
        reg = MLPRegressor(4, max_iter=2, loss=Quantile([0.1, 0.9])).fit(X, X[:, 0])
        reg.coefs_[1], reg.intercepts_[1] = reg.coefs_[1][:, [0, 0, 0]], reg.intercepts_[1][[0, 0, 0]]
        with pytest.raises(ValueError, match=r"coefs_\[-1\] must have 2 columns"):
            reg.predict(X)

    @pytest.mark.parametrize("coefs", [[], [np.ones(5)], [np.ones((5, 1))]], ids=["none", "vector", "fewer"])
    def test_replaced_by_no_list_of_matrices(self, coefs):
        reg = MLPRegressor(4, max_iter=2).fit(X, X[:, 0])
        reg.coefs_ = coefs
        reg.intercepts_ = [np.zeros(1)] * len(coefs)
        with pytest.raises(ValueError, match="coefs_ must be a list of"):
            reg.predict(X)

    @pytest.mark.parametrize("attribute", ["coefs_", "intercepts_"])
    def test_what_is_no_list_can_be_stored(self, attribute):
        reg = MLPRegressor(4, max_iter=2).fit(X, X[:, 0])
        setattr(reg, attribute, None)
        assert getattr(pickle.loads(pickle.dumps(reg)), attribute) is None


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
class TestContinuing:
    def test_partial_fit_with_an_indicator_after_labels(self):
        clf = _classifier().partial_fit(X, Y, classes=[0, 1])
        with pytest.raises(ValueError, match="y must be one column of labels"):
            clf.partial_fit(X, np.c_[Y, 1 - Y])

    def test_partial_fit_with_class_weight_as_an_array(self):
        clf = _classifier().partial_fit(X, Y, classes=[0, 1]).set_params(class_weight=np.ones(2))
        with pytest.raises(InvalidParameterError, match="'class_weight' parameter"):
            clf.partial_fit(X, Y)

    @pytest.mark.parametrize("first_is_indicator", [False, True])
    def test_warm_start_with_another_kind_of_target(self, first_is_indicator):
        labels, indicator = np.arange(60) % 3, np.c_[Y, 1 - Y, Y]
        first, second = (indicator, labels) if first_is_indicator else (labels, indicator)
        clf = _classifier(warm_start=True).fit(X, first)
        with pytest.raises(ValueError, match="warm_start continues with a network for multi"):
            clf.fit(X, second)

    def test_warm_start_without_the_batch_norm_of_before(self):
        clf = _classifier(warm_start=True, batch_norm=True).fit(X, Y)
        before = clf.predict_proba(X)
        with pytest.raises(ValueError, match="batch_norm=False would drop"):
            clf.set_params(batch_norm=False).fit(X, Y)
        np.testing.assert_array_equal(clf.predict_proba(X), before)


@pytest.mark.parametrize("argument", ["y_val", "sample_weight_val"])
def test_nan_in_validation_data_is_called_by_its_name(argument):
    data = {"X_val": X, "y_val": X[:, 0], "sample_weight_val": np.ones(60)}
    data[argument] = np.full(60, np.nan)
    with pytest.raises(ValueError, match=f"{argument} .*contain"):
        MLPRegressor(4, max_iter=2).fit(X, X[:, 0], **data)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
class TestScheduleAcrossCalls:
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


FORKS_WITHIN_A_FIT = """
import multiprocessing, threading
from skregopt._kernels import locks, threads

def fit(queue):
    n_threads = [library.get_num_threads() for library in threads._blas_libraries()]
    MLPClassifier(4, max_iter=2, random_state=0).fit(X, classes)
    queue.put(n_threads)

MLPClassifier(4, max_iter=2, random_state=0).fit(X, classes)
context = multiprocessing.get_context("fork")
queue = context.Queue()
result["before"] = [library.get_num_threads() for library in threads._blas_libraries()]
held, done = threading.Event(), threading.Event()

def hold():  # what another thread may be in the middle of
    with threads.single_blas_thread(), threads._limit._lock, locks._compiling:
        held.set()
        done.wait()

thread = threading.Thread(target=hold)
thread.start()
held.wait()
child = context.Process(target=fit, args=(queue,))
child.start()
child.join(60)
done.set()
thread.join()
result["exitcode"] = child.exitcode
result["within"] = queue.get() if child.exitcode == 0 else None
child.kill()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fork_while_another_thread_fits():
    outcome = run(DATA + FORKS_WITHIN_A_FIT)
    assert outcome["exitcode"] == 0
    assert outcome["within"] == outcome["before"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
class TestWhatUsersHold:
    def test_component_changed_in_place_after_fit(self):
        loss = Quantile([0.1, 0.9])
        reg = MLPRegressor(4, max_iter=2, loss=loss).fit(X, X[:, 0])
        before = reg.predict(X)
        loss.quantile.append(0.95)
        np.testing.assert_array_equal(reg.predict(X), before)

    @pytest.mark.parametrize("rate", [0.5, 1.0])
    def test_dropout_as_an_array_without_dimensions(self, rate):
        clf = _classifier(dropout=np.array(rate))
        if rate < 1:
            np.testing.assert_array_equal(clf.fit(X, Y).coefs_[0], _classifier(dropout=rate).fit(X, Y).coefs_[0])
        else:
            with pytest.raises(ValueError, match="dropout must be in the range"):
                clf.fit(X, Y)


class TestDisplays:
    def test_curves_as_arrays(self):
        pytest.importorskip("matplotlib").use("Agg")
        curves = {"loss_curve": [1.0, 0.5], "validation_loss_curve": [1.0, 0.6], "learning_rate_curve": [0.1, 0.2]}
        display = LossCurveDisplay(**{name: np.array(values) for name, values in curves.items()}).plot()
        assert list(display.lines_) == ["training", "validation", "learning_rate"]

    @pytest.mark.parametrize("most", [{"max_units": 0}, {"max_features": 0}])
    def test_weights_of_no_units(self, most):
        pytest.importorskip("matplotlib").use("Agg")
        with pytest.raises(ValueError, match=f"{next(iter(most))} must be an int >= 1, got 0"):
            WeightsDisplay(weights=np.ones((4, 3)), image_shape=(2, 2)).plot(**most)

    @pytest.mark.parametrize("shape", [4, (-2, -2), (4,)])
    def test_shape_of_no_image(self, shape):
        pytest.importorskip("matplotlib").use("Agg")
        with pytest.raises(ValueError, match="image_shape must be"):
            WeightsDisplay(weights=np.ones((4, 3)), image_shape=shape).plot()
