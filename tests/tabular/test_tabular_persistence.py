"""Copies, pickles, memory, and how estimators for tables show themselves."""

import copy
import io
import pickle
import tracemalloc

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.utils import estimator_html_repr
from support.processes import run
from support.states import plain
from support.tables import BOTH, make_array, make_frame, output, small, state_of, target_of

from skregopt import TabularMLPClassifier, TabularMLPRegressor
from skregopt.losses import Quantile


def through_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def through_skops(model):
    skops = pytest.importorskip("skops.io")
    data = skops.dumps(model)
    return skops.loads(data, trusted=skops.get_untrusted_types(data=data))


COPIES = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "deepcopy": copy.deepcopy,
    "joblib": through_joblib,
    "skops": through_skops,
}


@BOTH
@pytest.mark.parametrize("way", COPIES)
def test_copies(kind, way):
    X = make_frame()
    y = target_of(kind, X)
    params = {"loss": Quantile([0.1, 0.9])} if kind is TabularMLPRegressor else {"scoring": "roc_auc"}
    model = small(kind, n_estimators=3, **params).fit(X, y)
    twin = COPIES[way](model)
    assert_array_equal(output(twin, X), output(model, X))
    assert_array_equal(twin.feature_importances_, model.feature_importances_)
    assert twin.get_params().keys() == model.get_params().keys()
    assert_array_equal(output(twin.fit(X, y), X), output(model, X))


@BOTH
def test_clones_have_the_parameters_alone(kind):
    X = make_frame()
    model = small(kind, n_bins=5).fit(X, target_of(kind, X))
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    assert vars(twin).keys() == model.get_params().keys()
    assert model.set_params(n_bins=7, dropout=0.1) is model
    assert (model.n_bins, model.dropout) == (7, 0.1)


def test_losses_are_parameters_that_can_be_searched():
    model = TabularMLPRegressor(loss=Quantile(0.3))
    assert model.get_params()["loss__quantile"] == 0.3
    assert model.set_params(loss__quantile=0.8).loss.quantile == 0.8


@BOTH
def test_a_pickle_holds_no_rows(kind):
    """Ten times as many rows, the same size; and no value of the rows."""
    sizes = []
    for n_rows in (400, 4000):
        X = pd.DataFrame(make_array(n_rows, 3), columns=list("abc")).assign(level=np.tile(list("xyz!"), n_rows // 4))
        X.iloc[0, 0] = 123.456789
        scoring = "roc_auc" if kind is TabularMLPClassifier else "r2"
        model = small(kind, n_estimators=3, max_iter=2, scoring=scoring, n_bins=8)
        model.fit(
            X, target_of(kind, X), np.random.RandomState(0).uniform(size=n_rows), X_val=X, y_val=target_of(kind, X)
        )
        data = pickle.dumps(model)
        assert np.float64(X.iloc[0, 0]).tobytes() not in data
        model.fit(X, target_of(kind, X))
        sizes += [len(data), len(pickle.dumps(model))]
    assert max(sizes) - min(sizes) < 200, sizes
    n_weights = sum(coef.size for network in model.estimators_ for coef in network.coefs_)
    assert max(sizes) < 4 * n_weights + 40_000


@BOTH
def test_networks_keep_nothing_of_the_fit(kind):
    X = make_frame()
    model = small(kind, scoring="r2" if kind is TabularMLPRegressor else "accuracy", max_time=60)
    model.fit(X, target_of(kind, X))
    for network in model.estimators_:
        assert network.validation_fraction == 0.1
        assert network.scoring == model.scoring
        assert network.max_time is None
        assert network.n_jobs is None


@BOTH
def test_a_refit_forgets(kind):
    X = make_frame()
    y = target_of(kind, X)
    new = small(kind).fit(make_array(), y)
    old = small(kind).fit(X, y[::-1] if kind is TabularMLPClassifier else np.column_stack([y, y]))
    assert state_of(old.fit(make_array(), y)) == state_of(new)


@BOTH
def test_predictions_change_nothing(kind):
    X = make_frame()
    model = small(kind).fit(X, target_of(kind, X))
    before = state_of(model)
    first = plain(output(model, X))
    assert plain(output(model, X)) == first
    _ = model.feature_importances_
    assert state_of(model) == before


@BOTH
def test_parameters_are_not_changed(kind):
    X = make_frame()
    sizes, columns = [4, 5], ["color", "city"]
    model = small(kind, hidden_layer_sizes=sizes, categorical_features=columns)
    before = {name: plain(value) for name, value in model.get_params().items()}
    model.fit(X, target_of(kind, X))
    assert {name: plain(value) for name, value in model.get_params().items()} == before
    assert model.hidden_layer_sizes is sizes
    assert model.categorical_features is columns


@BOTH
def test_data_is_not_changed_and_may_be_read_only(kind):
    X = make_array()
    y = target_of(kind, X)
    row_weights = np.ones(90)
    before = plain([X, row_weights, y.tolist()])
    for array in (X, y, row_weights):
        array.setflags(write=False)
    model = small(kind).fit(X, y, row_weights, X_val=X, y_val=y, sample_weight_val=row_weights)
    output(model, X)
    assert plain([X, row_weights, y.tolist()]) == before


@BOTH
def test_memory(kind):
    """Six copies of the encoded table would not fit: beside it there are buffers of networks, targets, predictions."""
    X = make_array(60_000, 40).astype(np.float32)
    y = target_of(kind, X[:, :2])
    model = small(kind, n_estimators=6, max_iter=1)
    model.fit(X[:200], y[:200])  # compiled, imported
    tracemalloc.start()
    model.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * X.nbytes


@BOTH
def test_representations(kind):
    name = kind.__name__
    assert repr(kind()) == f"{name}()"
    assert repr(kind(n_estimators=2, max_time=5)) == f"{name}(max_time=5, n_estimators=2)"
    X = make_frame()
    model = small(kind)
    assert name in estimator_html_repr(model)
    assert "encoder_" in dir(model.fit(X, target_of(kind, X)))
    assert name in estimator_html_repr(model)


@BOTH
def test_scikit_learn_knows_what_it_is(kind):
    tags = kind().__sklearn_tags__()
    assert tags.estimator_type == ("classifier" if kind is TabularMLPClassifier else "regressor")
    assert tags.input_tags.allow_nan
    assert tags.input_tags.categorical
    assert tags.input_tags.string
    assert not tags.input_tags.sparse
    assert tags.target_tags.multi_output == (kind is TabularMLPRegressor) or tags.classifier_tags.multi_label


@pytest.mark.exhaustive
def test_a_pickle_in_a_new_process(tmp_path):
    X = make_frame()
    model = small(TabularMLPClassifier).fit(X, target_of(TabularMLPClassifier, X))
    joblib.dump((model, X, output(model, X)), tmp_path / "model")
    found = run(
        f"""
        import joblib
        import numpy as np
        model, X, expected = joblib.load({str(tmp_path / "model")!r})
        result["equal"] = bool(np.array_equal(model.predict_proba(X), expected))
        """
    )
    assert found["equal"]
