"""Pipelines, searches, metadata routing."""

import inspect

import numpy as np
import pytest
import sklearn
import sklearn.neural_network
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from support.estimators import BOTH, make_data, small
from support.states import plain, weights

from skregopt import MLPRegressor
from skregopt.optimizers import Adam
from skregopt.penalties import ElasticNet

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# --- pipelines and searches ------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.nojit
def test_pipeline(kind):
    X, y = make_data(kind)
    model = make_pipeline(StandardScaler(), small(kind, max_iter=50, learning_rate_init=0.05))
    assert model.fit(X, y).score(X, y) > 0.5
    scaled = StandardScaler().fit_transform(X)
    assert plain(model.predict(X)) == plain(model[-1].predict(scaled))
    assert len(cross_val_score(model, X, y, cv=3)) == 3
    with pytest.raises(sklearn.exceptions.NotFittedError):
        clone(model)[-1].predict(X)


@BOTH
def test_grid_search_over_flat_and_nested_parameters(kind):
    X, y = make_data(kind)
    grid = [
        {"alpha": [1e-4, 1e-2], "solver": [Adam()], "solver__beta_1": [0.8, 0.95]},
        {"solver": ["adam", "minibatch", "lbfgs"], "momentum": [0.5], "beta_1": [0.7], "batch_size": [20]},
        {"penalty": [ElasticNet()], "penalty__l1_ratio": [0.1, 1.0]},
    ]
    search = GridSearchCV(small(kind), grid, cv=3, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 9
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert plain(search.predict(X)) == plain(search.best_estimator_.predict(X))
    direct = clone(small(kind)).set_params(**search.best_params_).fit(X, y)
    assert weights(direct) == weights(search.best_estimator_)


def test_pipeline_without_routing_takes_step_parameters():
    X, y = make_data(MLPRegressor)
    model = make_pipeline(StandardScaler(), small(MLPRegressor))
    model.fit(X, y, mlpregressor__sample_weight=np.arange(60.0))
    scaled = StandardScaler().fit_transform(X)
    expected = small(MLPRegressor).fit(scaled, y, sample_weight=np.arange(60.0))
    assert weights(model[-1]) == weights(expected)


# --- metadata routing ------------------------------------------------------------------------------------------------

FIT_METADATA = ["sample_weight", "X_val", "y_val", "sample_weight_val", "groups"]


@BOTH
def test_requests_for_all_metadata_exist(kind):
    with config_context(enable_metadata_routing=True):
        model = kind().set_fit_request(**dict.fromkeys(FIT_METADATA, True))
        requests = model.get_metadata_routing().fit.requests
        assert all(requests[name] is True for name in FIT_METADATA)
        kind().set_partial_fit_request(sample_weight=True)
        kind().set_score_request(sample_weight=True)


@BOTH
def test_routing_through_a_search(kind):
    X, y = make_data(kind)
    X_val, y_val = make_data(kind, n_samples=20, seed=1)
    sample_weight = np.linspace(0.1, 2, 60)
    with config_context(enable_metadata_routing=True):
        model = small(kind).set_fit_request(X_val=True, y_val=True, sample_weight=True)
        model.set_score_request(sample_weight=False)
        search = GridSearchCV(model, {"alpha": [0.1]}, cv=3)
        search.fit(X, y, X_val=X_val, y_val=y_val, sample_weight=sample_weight)
    expected = small(kind, alpha=0.1).fit(X, y, sample_weight, X_val=X_val, y_val=y_val)
    assert weights(search.best_estimator_) == weights(expected)
    assert search.best_estimator_.validation_loss_curve_ == expected.validation_loss_curve_


@BOTH
@pytest.mark.skipif(
    "transform_input" not in inspect.signature(Pipeline).parameters, reason="Pipeline(transform_input) is missing"
)
def test_validation_data_are_transformed_in_a_pipeline(kind):
    X, y = make_data(kind)
    X_val, y_val = make_data(kind, n_samples=20, seed=1)
    X, X_val = 100 * X + 3, 100 * X_val + 3
    with config_context(enable_metadata_routing=True):
        last = small(kind, early_stopping=True).set_fit_request(X_val=True, y_val=True)
        model = Pipeline([("scale", StandardScaler()), ("mlp", last)], transform_input=["X_val"])
        model.fit(X, y, X_val=X_val, y_val=y_val)
    scaler = StandardScaler().fit(X)
    expected = small(kind, early_stopping=True)
    expected.fit(scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val)
    assert model[-1].validation_scores_ == expected.validation_scores_
    assert weights(model[-1]) == weights(expected)
