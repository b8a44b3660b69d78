"""What holds for each transformer for tables, as for all of scikit-learn's."""

import pickle
import subprocess
import sys
import tracemalloc

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skregopt.preprocessing import PiecewiseLinearEncoder, SmoothClipScaler, TabularEncoder

ALL = [SmoothClipScaler(), PiecewiseLinearEncoder(4), TabularEncoder(n_bins=3)]
each = pytest.mark.parametrize("encoder", ALL, ids=lambda encoder: type(encoder).__name__)
RNG = np.random.RandomState(0)
X = np.where(RNG.random_sample((50, 3)) < 0.1, np.nan, RNG.normal(size=(50, 3)))
TABLE = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": np.where(X[:, 2] > 0, "u", "v")})


def state(encoder):
    return joblib.hash(vars(encoder))


@each
def test_copies(encoder):
    encoder = clone(encoder).fit(X)
    assert not any(name.endswith("_") for name in vars(clone(encoder)))
    twin = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(twin.transform(X), encoder.transform(X))
    assert len(pickle.dumps(clone(encoder).fit(np.tile(X, (100, 1))))) < len(pickle.dumps(encoder)) + 100
    assert type(encoder).__module__ == "skregopt.preprocessing"


@each
def test_skops(encoder):
    skops = pytest.importorskip("skops.io")
    for table in (X, TABLE if isinstance(encoder, TabularEncoder) else TABLE[["a", "b"]]):
        fitted = clone(encoder).fit(table)
        dump = skops.dumps(fitted)
        untrusted = skops.get_untrusted_types(data=dump)
        assert all(name.startswith("skregopt.preprocessing.") for name in untrusted)
        np.testing.assert_array_equal(skops.loads(dump, trusted=untrusted).transform(table), fitted.transform(table))


@each
def test_a_new_fit_forgets_the_one_before(encoder):
    other = pd.DataFrame(RNG.normal(size=(20, 2)), columns=["u", "v"])
    fitted = clone(encoder).fit(other).fit(X)
    assert state(fitted) == state(clone(encoder).fit(X)) and not hasattr(fitted, "feature_names_in_")
    assert state(fitted.fit(other)) == state(clone(encoder).fit(other))
    assert not hasattr(fitted.fit(pd.DataFrame(X)), "feature_names_in_")


@each
def test_a_fit_that_fails_leaves_everything_as_it_was(encoder):
    bad = pd.DataFrame({"z": [1.0, np.inf], "y": [1.0, 2.0]})
    for fitted in (clone(encoder).fit(X), clone(encoder).fit(TABLE[["a", "b"]]), clone(encoder)):
        before = state(fitted)
        with pytest.raises(ValueError, match="infinity"):
            fitted.fit(bad)
        assert state(fitted) == before


@each
def test_fits_are_deterministic_and_leave_x_alone(encoder):
    before, errors = X.copy(), np.geterr()
    first, second = clone(encoder).fit(X), clone(encoder).fit(np.asfortranarray(X))
    assert state(first) == state(second) and np.geterr() == errors
    np.testing.assert_array_equal(first.transform(X), second.transform(np.asfortranarray(X)))
    np.testing.assert_array_equal(X, before)


@each
def test_frames_out(encoder):
    frame = pd.DataFrame(X, columns=["a", "b", "c"], index=np.arange(50)[::-1])
    fitted = clone(encoder).set_output(transform="pandas").fit(frame)
    outputs = fitted.transform(frame)
    assert list(outputs.columns) == fitted.get_feature_names_out().tolist() and (outputs.index == frame.index).all()
    assert set(outputs.dtypes) == {np.dtype(np.float32)}
    outputs = clone(encoder).set_output(transform="polars").fit(X).transform(X)
    assert outputs.columns == clone(encoder).fit(X).get_feature_names_out().tolist()
    assert set(outputs.dtypes) == {pl.Float32}
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(clone(encoder).fit_transform(frame), pd.DataFrame)


@each
def test_names_of_features(encoder):
    fitted = clone(encoder).fit(X)
    names = fitted.get_feature_names_out(["P", "Q", "R"])
    assert names.dtype == object and names.size == fitted.transform(X).shape[1]
    plain = fitted.get_feature_names_out()
    assert [name.translate(str.maketrans("PQR", "012")) for name in names] == [name.replace("x", "") for name in plain]


def test_in_pipelines():
    y = np.nan_to_num(X[:, 0]) ** 2
    columns = make_column_transformer(
        (SmoothClipScaler(), ["a"]), (PiecewiseLinearEncoder(), ["b"]), (TabularEncoder(), ["c"])
    )
    model = make_pipeline(columns, HistGradientBoostingRegressor(max_iter=5)).fit(TABLE, y)
    assert model.predict(TABLE).shape == (50,)
    names = model[:-1].get_feature_names_out()
    assert names[0] == "smoothclipscaler__a" and names[-1] == "tabularencoder__c_v"
    search = GridSearchCV(make_pipeline(TabularEncoder(), LinearRegression()), {"tabularencoder__n_bins": [None, 8]})
    assert search.fit(TABLE, y).best_params_ == {"tabularencoder__n_bins": 8}


@each
def test_unfitted(encoder):
    for method in (encoder.transform, lambda _: encoder.get_feature_names_out()):
        with pytest.raises(sklearn.exceptions.NotFittedError):
            method(X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("encoder", [PiecewiseLinearEncoder(), TabularEncoder(n_bins=16)])
def test_memory(encoder, dtype):
    """Beyond the output less than a tenth of it."""
    numbers = (1000 * RNG.normal(size=(40_000, 20))).astype(dtype)
    encoder = clone(encoder).fit(numbers)
    tracemalloc.start()
    try:
        outputs = encoder.transform(numbers)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.1 * outputs.nbytes


WITHOUT_FRAMES = """
import sys

class Missing:
    def find_spec(name, *_):
        if name in ("pandas", "polars", "pyarrow"):
            raise ModuleNotFoundError(name=name)

sys.meta_path.insert(0, Missing)
import skregopt
from skregopt.preprocessing import TabularEncoder
assert TabularEncoder().fit_transform([["a", 1.0], ["b", None]]).shape == (2, 3)
"""


def test_without_libraries_of_frames():
    subprocess.run([sys.executable, "-c", WITHOUT_FRAMES], check=True)


@each
def test_tags(encoder):
    tags = sklearn.utils.get_tags(encoder)
    assert tags.input_tags.allow_nan and not tags.input_tags.sparse and not tags.target_tags.required
    assert tags.input_tags.categorical == tags.input_tags.string == isinstance(encoder, TabularEncoder)
