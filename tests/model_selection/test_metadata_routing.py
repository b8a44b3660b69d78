"""The CV estimators as metadata routers, by scikit-learn's own assertions, and without routing."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.metrics import accuracy_score, get_scorer, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tests import test_metaestimators_metadata_routing as routing
from sklearn.tests.metadata_routing_common import ConsumingSplitter, assert_request_is_empty
from sklearn.utils.metadata_routing import MetadataRouter
from support.estimators import make_data

from skregopt import MLPClassifier, MLPRegressor
from skregopt.model_selection import MLPClassifierCV, MLPRegressorCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SHORT = {"alphas": [0.01, 0.1], "max_iter": 1}
CLASSIFIER = MLPClassifier(3, penalty="l1", max_iter=2, random_state=0)
REGRESSOR = MLPRegressor(3, penalty="l1", max_iter=2, random_state=0)
BOTH = pytest.mark.parametrize(("kind", "network"), [(MLPClassifierCV, CLASSIFIER), (MLPRegressorCV, REGRESSOR)])

X, CLASSES = make_data(MLPClassifier)
NUMBERS = make_data(MLPRegressor)[1]
GROUPS = np.arange(60) % 6
WEIGHTS = 1.0 + np.arange(60) % 3


def target(kind):
    return CLASSES if kind is MLPClassifierCV else NUMBERS


@pytest.fixture
def enabled():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


# --- scikit-learn's tests --------------------------------------------------------------------------------------------


def metaestimators():
    """Return the two classes as scikit-learn's tests list those with a splitter and a scorer."""
    for kind, network, y in ((MLPClassifierCV, CLASSIFIER, routing.y), (MLPRegressorCV, REGRESSOR, routing.y)):
        for estimator in (None, network):
            yield {
                "metaestimator": kind,
                "X": routing.X,
                "y": y,
                "init_args": {**SHORT, "estimator": estimator},
                "scorer_name": "scoring",
                "scorer_routing_methods": ["fit", "score"],
                "cv_name": "cv",
                "cv_routing_methods": ["fit"],
            }


@pytest.mark.parametrize("metaestimator", metaestimators())
@pytest.mark.parametrize(
    "check",
    [
        routing.test_default_request,
        routing.test_metadata_is_routed_correctly_to_splitter,
        getattr(routing, "test_metadata_routed_to_group_splitter", routing.test_default_request),
    ],
)
def test_scikit_learns_own(check, metaestimator):
    check(metaestimator)


@pytest.mark.parametrize("metaestimator", list(metaestimators())[::2])
def test_scikit_learns_own_of_scorers(metaestimator):
    routing.test_metadata_is_routed_correctly_to_scorer(metaestimator)


# --- with routing ----------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("within", [lambda model: model, lambda model: make_pipeline(StandardScaler(), model)])
def test_groups_reach_the_splitter(kind, network, within, enabled):
    model = within(kind(network, cv=GroupKFold(2), **SHORT))
    params = {"groups": GROUPS}
    result = cross_validate(model, X, target(kind), cv=GroupKFold(2), params=params, error_score="raise")
    assert result["test_score"].shape == (2,)
    direct = kind(network, cv=GroupKFold(2), **SHORT).fit(X, target(kind), groups=GROUPS)
    folds = list(GroupKFold(2).split(X, groups=GROUPS))
    assert_array_equal(direct.cv_scores_, kind(network, cv=folds, **SHORT).fit(X, target(kind)).cv_scores_)


@BOTH
def test_weights_go_to_whoever_asks(kind, network, enabled):
    y = target(kind)
    plain = kind(network, cv=2, **SHORT).fit(X, y)
    in_fit = clone(network).set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
    in_score = clone(network).set_fit_request(sample_weight=False).set_score_request(sample_weight=True)
    fitted, scored = (kind(model, cv=2, **SHORT).fit(X, y, WEIGHTS) for model in (in_fit, in_score))
    assert not np.array_equal(fitted.coefs_[0], plain.coefs_[0])
    assert_array_equal(scored.coefs_[0], plain.coefs_[0])
    assert not np.array_equal(scored.cv_scores_, plain.cv_scores_)
    assert scored.score(X, y, WEIGHTS) == scored.best_estimator_.score(X, y, WEIGHTS)
    with pytest.raises(UnsetMetadataPassedError, match=rf"{type(network).__name__}.fit"):
        kind(network, cv=2, **SHORT).fit(X, y, WEIGHTS)


@BOTH
def test_without_an_estimator_weights_are_its_own(kind, network, enabled):
    """In its fits and scores, as without routing."""
    model, y = kind(cv=2, **SHORT), target(kind)
    model._default_class = lambda penalty: clone(network)
    weighted = model.fit(X, y, WEIGHTS).cv_scores_
    with sklearn.config_context(enable_metadata_routing=False):
        assert_array_equal(model.fit(X, y, WEIGHTS).cv_scores_, weighted)
        assert not np.array_equal(model.fit(X, y).cv_scores_, weighted)
    model.set_fit_request(sample_weight=True)
    cross_validate(model, X, y, cv=2, params={"sample_weight": WEIGHTS}, error_score="raise")


def test_metadata_of_a_scorer_are_cut_by_fold(enabled):
    def metric(y, y_pred, costs):
        assert len(costs) == len(y)
        assert set(costs) <= set(costs_of_all)
        return accuracy_score(y, y_pred, sample_weight=costs)

    costs_of_all = np.random.RandomState(0).uniform(size=60)
    scorer = make_scorer(metric).set_score_request(costs=True)
    model = MLPClassifierCV(CLASSIFIER, cv=3, scoring=scorer, **SHORT).fit(X, CLASSES, costs=costs_of_all)
    assert 0 <= model.score(X[:9], CLASSES[:9], costs=costs_of_all[:9]) <= 1


def test_an_alias(enabled):
    network = clone(CLASSIFIER).set_fit_request(sample_weight="importance").set_score_request(sample_weight=False)
    model, same = MLPClassifierCV(network, cv=2, **SHORT), MLPClassifierCV(CLASSIFIER, cv=2, **SHORT)
    model.fit(X, CLASSES, importance=WEIGHTS)
    with sklearn.config_context(enable_metadata_routing=False):
        same.fit(X, CLASSES, WEIGHTS)
    assert_array_equal(model.coefs_[0], same.coefs_[0])


def test_a_search_over_a_router(enabled):
    model = MLPClassifierCV(CLASSIFIER, cv=GroupKFold(2), **SHORT)
    search = GridSearchCV(model, {"selection": ["best", "1se"]}, cv=GroupKFold(2), error_score="raise")
    assert search.fit(X, CLASSES, groups=GROUPS).best_estimator_.cv_scores_.shape == (2, 2)


def test_metadata_that_nobody_takes(enabled):
    for name in ("groups", "X_val", "colour"):
        with pytest.raises(TypeError, match=rf"fit got unexpected argument\(s\) {{'{name}'}}"):
            MLPClassifierCV(CLASSIFIER, cv=2, **SHORT).fit(X, CLASSES, **{name: GROUPS})


def test_a_subclass_of_the_estimator(enabled):
    class Wide(MLPClassifier):
        def __init__(self, width=3):
            super().__init__(width, penalty="l1", max_iter=2, random_state=0)
            self.width = width

    network = Wide().set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
    fitted, same = (
        MLPClassifierCV(model, cv=2, **SHORT).fit(X, CLASSES, WEIGHTS)
        for model in (
            network,
            clone(CLASSIFIER).set_fit_request(sample_weight=True).set_score_request(sample_weight=False),
        )
    )
    assert_array_equal(fitted.cv_scores_, same.cv_scores_)


# --- without routing -------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("given", [False, True])
def test_the_router_without_routing(kind, network, given):
    model = kind(network if given else None, cv=ConsumingSplitter(), scoring=get_scorer("neg_max_error"))
    router = model.get_metadata_routing()
    assert isinstance(router, MetadataRouter)
    assert {name for name, _ in router} >= {"splitter", "scorer"}
    assert_request_is_empty(router, exclude={"splitter": ["split"]})


@BOTH
def test_groups_and_weights_without_routing(kind, network):
    y, folds = target(kind), list(GroupKFold(2).split(X, groups=GROUPS))
    model = kind(network, cv=GroupKFold(2), **SHORT).fit(X, y, WEIGHTS, groups=GROUPS)
    assert_array_equal(model.cv_scores_, kind(network, cv=folds, **SHORT).fit(X, y, WEIGHTS).cv_scores_)
    with pytest.raises(ValueError, match="only supported if enable_metadata_routing=True"):
        kind(network, **SHORT).fit(X, y, costs=WEIGHTS)
    with pytest.raises(ValueError, match="only supported if enable_metadata_routing=True"):
        model.score(X, y, costs=WEIGHTS)
