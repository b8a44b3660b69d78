"""``feature_embedding`` and the rows of X: which columns, which training rows, and data that cannot be embedded."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import clone
from sklearn.model_selection import PredefinedSplit
from sklearn.utils.fixes import parse_version
from support.estimators import BOTH, make_data, output, small
from support.refusals import METHODS
from support.states import state, weights

from skregopt import MLPClassifier, MLPRegressor
from skregopt.embeddings import Embedding, EmbeddingVector, Periodic, PiecewiseLinear

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAMES = ["age", "height", "sex", "weight", "income"]
EMBEDDINGS = pytest.mark.parametrize("rule", [Periodic, PiecewiseLinear])


def make_mixed_data(kind, **shape):
    """Draw X whose column 2 has two values."""
    X, y = make_data(kind, **shape)
    X[:, 2] = X[:, 2] > 0
    return X, y


# --- columns ----------------------------------------------------------------------------------------------------------


@EMBEDDINGS
@BOTH
def test_the_same_columns_by_names_indices_and_mask(kind, rule):
    pandas = pytest.importorskip("pandas")
    X, y = make_mixed_data(kind)
    frame = pandas.DataFrame(X, columns=NAMES)
    expected = small(kind, feature_embedding=rule(columns=[1, 4])).fit(X, y)
    for columns in (["height", "income"], ["income", "height"], [4, 1], frame.columns == "height", NAMES):
        given = [name in ("height", "income") for name in NAMES] if isinstance(columns, np.ndarray) else columns
        given = ["income", "height"] if columns is NAMES else given
        model = small(kind, feature_embedding=rule(columns=given)).fit(frame, y)
        assert model.embedded_columns_.tolist() == [1, 4]
        assert weights(model) == weights(expected)
        np.testing.assert_array_equal(model.predict(frame), expected.predict(X))


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.7"), reason="scikit-learn 1.6 knows no names of polars frames"
)
def test_names_of_a_polars_frame():
    polars = pytest.importorskip("polars")
    X, y = make_mixed_data(MLPRegressor)
    model = small(MLPRegressor, feature_embedding=Periodic(columns=["weight", "age"]))
    model.fit(polars.DataFrame(X, schema=NAMES), y)
    assert model.embedded_columns_.tolist() == [0, 3]
    assert weights(model) == weights(small(MLPRegressor, feature_embedding=Periodic(columns=[0, 3])).fit(X, y))


@EMBEDDINGS
def test_auto_leaves_columns_of_two_values_as_they_are(rule):
    X, y = make_mixed_data(MLPRegressor)
    model = small(MLPRegressor, feature_embedding=rule()).fit(X, y)
    assert model.embedded_columns_.tolist() == [0, 1, 3, 4]
    assert model.coefs_[0].shape == (1 + 4 * rule().n_outputs, 4)
    assert model.feature_importances_.shape == (5,) and model.n_features_in_ == 5
    X[:, 0] = 3.5
    assert small(MLPRegressor, feature_embedding=rule()).fit(X, y).embedded_columns_.tolist() == [1, 3, 4]


def test_embedded_columns_are_no_part_of_other_estimators():
    X, y = make_mixed_data(MLPRegressor)
    model = small(MLPRegressor, feature_embedding="periodic")
    assert not hasattr(model, "embedded_columns_")
    model.fit(X, y)
    with pytest.raises(AttributeError):
        model.embedded_columns_ = np.array([0, 1])
    model.embedded_columns_[:] = 7  # a copy
    assert model.embedded_columns_.tolist() == [0, 1, 3, 4]
    assert not hasattr(model.set_params(feature_embedding=None).fit(X, y), "embedded_columns_")


@EMBEDDINGS
@pytest.mark.parametrize("value", [0.0, -2.5])
def test_a_constant_column_that_is_named(rule, value):
    X, y = make_mixed_data(MLPRegressor)
    X[:, 1] = value
    model = small(MLPRegressor, feature_embedding=rule(columns=[1, 2])).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    if rule is PiecewiseLinear:
        assert [bins.tolist() for bins in model.embedding_bins_] == [[value], [0, 1]]
        assert [coefs.shape for coefs in model.embedding_coefs_] == [(0, 8), (1, 8)]
    outside = X.copy()
    outside[:, 1] = 5
    assert np.isfinite(model.predict(outside)).all()


def test_inputs_of_all_kinds():
    X, y = make_mixed_data(MLPRegressor)
    X = np.round(4 * X)
    model = small(MLPRegressor, feature_embedding="periodic").fit(X, y)
    for same in (X.astype(int), np.asfortranarray(X), X.tolist(), np.hstack([X, X])[:, :5]):
        again = clone(model).fit(same, y)
        assert weights(again) == weights(model)
        np.testing.assert_array_equal(again.predict(same), model.predict(X))


# --- rows -------------------------------------------------------------------------------------------------------------


@EMBEDDINGS
@BOTH
def test_rows_without_weight_do_not_count(kind, rule):
    """Neither for bins, nor for which columns 'auto' takes."""
    X, y = make_mixed_data(kind)
    X[20:, 3] = 1.0
    counts = np.arange(60) >= 20
    alone = small(kind, feature_embedding=rule(), shuffle=False).fit(X[counts], y[counts])
    model = clone(alone).fit(X, y, sample_weight=counts.astype(float))
    assert model.embedded_columns_.tolist() == alone.embedded_columns_.tolist() == [0, 1, 4]
    assert weights(model) == weights(alone)
    by_class = clone(model).fit(X, y)
    assert by_class.embedded_columns_.tolist() == [0, 1, 3, 4]


def test_rows_of_a_class_without_weight_do_not_count():
    X, y = make_mixed_data(MLPClassifier)
    model = small(MLPClassifier, feature_embedding="piecewise_linear", class_weight={0: 0.0})
    model.fit(X, y)
    for j, bins in zip(model.embedded_columns_, model.embedding_bins_, strict=True):
        assert bins[0] == X[y != 0, j].min() and bins[-1] == X[y != 0, j].max()


def test_weights_of_rows_decide_about_bins():
    X, y = make_mixed_data(MLPRegressor)
    counts = np.random.RandomState(0).randint(1, 5, 60)
    params = {"feature_embedding": PiecewiseLinear(5), "max_iter": 1, "solver": "gd"}
    weighted = small(MLPRegressor, **params).fit(X, y, sample_weight=0.3 * counts)
    repeated = small(MLPRegressor, **params).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    for a, b in zip(weighted.embedding_bins_, repeated.embedding_bins_, strict=True):
        assert a.tolist() == b.tolist()


def test_bins_know_only_rows_to_train_on():
    X, y = make_mixed_data(MLPRegressor)
    fold = np.where(np.arange(60) < 15, 0, -1)  # the first 15 rows are held out
    X[:15] *= 100
    held_out = small(
        MLPRegressor,
        feature_embedding="piecewise_linear",
        early_stopping=True,
        validation_fraction=PredefinedSplit(fold),
    ).fit(X, y)
    given = small(MLPRegressor, feature_embedding="piecewise_linear").fit(X[15:], y[15:], X_val=X[:15], y_val=y[:15])
    alone = clone(given).fit(X[15:], y[15:])
    for j, *of_fits in zip(
        alone.embedded_columns_, alone.embedding_bins_, given.embedding_bins_, held_out.embedding_bins_, strict=True
    ):
        assert of_fits[0].tolist() == of_fits[1].tolist() == of_fits[2].tolist()
        assert of_fits[0][[0, -1]].tolist() == [X[15:, j].min(), X[15:, j].max()]


def test_bins_of_partial_fit_are_those_of_the_first_call():
    X, y = make_mixed_data(MLPRegressor)
    model = small(MLPRegressor, feature_embedding="piecewise_linear").partial_fit(X[:30], y[:30])
    bins = [edges.copy() for edges in model.embedding_bins_]
    model.partial_fit(10 * X, y)
    for j, edges, before in zip(model.embedded_columns_, model.embedding_bins_, bins, strict=True):
        assert edges.tolist() == before.tolist() and edges[-1] == X[:30, j].max()


def test_bins_in_single_precision_are_values_of_the_column():
    X, y = make_mixed_data(MLPRegressor)
    model = small(MLPRegressor, feature_embedding="piecewise_linear", dtype="float32").fit(X, y)
    for j, edges in zip(model.embedded_columns_, model.embedding_bins_, strict=True):
        assert edges.dtype == np.float32 and np.isin(edges, X[:, j].astype(np.float32)).all()


# --- data that cannot be embedded -------------------------------------------------------------------------------------


def refused(model, method, *arguments, **keywords):
    """Return the message of a call that fails and changes nothing."""
    before = state(model)
    with pytest.raises(ValueError) as error:
        getattr(model, method)(*arguments, **keywords)
    assert state(model) == before
    return str(error.value)


@METHODS
@BOTH
def test_sparse_rows_are_refused(kind, method):
    X, y = make_mixed_data(kind)
    model = small(kind, feature_embedding="periodic").fit(X, y)
    advice = "Pass X.toarray(), or set feature_embedding=None"
    for convert in (sp.csr_array, sp.csc_matrix):
        message = refused(model, method, convert(X), y)
        assert "feature_embedding" in message and "X is sparse" in message and advice in message
        assert advice in refused(model, "predict", convert(X))
    if kind is MLPClassifier:
        assert advice in refused(model, "predict_proba", sp.csr_array(X))
    model.set_params(feature_embedding=None)
    assert "X is sparse" in refused(model, "predict", sp.csr_array(X))  # what was fitted counts
    small(kind).fit(sp.csr_array(X), y).predict(sp.csr_array(X))


def test_sparse_validation_rows_are_refused():
    X, y = make_mixed_data(MLPRegressor)
    model = small(MLPRegressor, feature_embedding="periodic").fit(X, y)
    message = refused(model, "fit", X, y, X_val=sp.csr_array(X), y_val=y)
    assert "X_val is sparse" in message and "Pass X_val.toarray()" in message
    assert "OneHotEncoder(sparse_output=False)" in message


@METHODS
@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (["age"], ["holds names, but X has none", "Pass X as a data frame", "indices"]),
        ([0, 5], ["indices from 0 to 4", "5 is among them"]),
        ([-1], ["-1 is among them"]),
        ([True, False], ["mask of 2 columns", "5 features"]),
    ],
    ids=str,
)
def test_columns_that_X_does_not_have(columns, words, method):
    X, y = make_mixed_data(MLPRegressor)
    model = small(MLPRegressor, feature_embedding=PiecewiseLinear(columns=columns))
    message = refused(model, method, X, y)
    assert message.startswith(f"columns={columns!r} of PiecewiseLinear")
    assert all(word in message for word in words)


def test_names_that_the_frame_does_not_have():
    pandas = pytest.importorskip("pandas")
    X, y = make_mixed_data(MLPRegressor)
    model = small(MLPRegressor, feature_embedding=Periodic(columns=["age", "colour"]))
    assert "X has none named 'colour'" in refused(model, "fit", pandas.DataFrame(X, columns=NAMES), y)


@EMBEDDINGS
def test_nothing_to_embed(rule):
    X, y = make_mixed_data(MLPRegressor)
    message = refused(small(MLPRegressor, feature_embedding=rule()), "fit", X > 0, y)
    assert "embeds no column" in message and "None" in message
    assert "With partial_fit, make the first call with more rows." in message


@EMBEDDINGS
def test_nan_and_infinity(rule):
    X, y = make_mixed_data(MLPRegressor)
    model = small(MLPRegressor, feature_embedding=rule()).fit(X, y)
    for bad, word in ((np.nan, "NaN"), (np.inf, "infinity")):
        changed = X.copy()
        changed[3, 1] = bad
        for method, arguments in (("fit", (changed, y)), ("partial_fit", (changed, y)), ("predict", (changed,))):
            assert word in refused(model, method, *arguments)
        assert word in refused(model, "fit", X, y, X_val=changed, y_val=y)


@EMBEDDINGS
@pytest.mark.parametrize("columns", ["auto", [0]])
def test_values_too_large_for_the_precision(rule, columns):
    X, y = make_mixed_data(MLPRegressor)
    large = X.copy()
    large[3, 1] = 1e200
    model = small(MLPRegressor, feature_embedding=rule(columns=columns), dtype="float32")
    message = refused(model, "fit", large, y)
    assert "float32" in message and "column 1" in message and "dtype='float64'" in message
    assert "too large for float32" in refused(model.fit(X, y), "predict", large)


@BOTH
def test_one_row_alone_predicts_the_same(kind):
    X, y = make_mixed_data(kind)
    model = small(kind, feature_embedding="piecewise_linear").fit(X, y)
    together = output(model, X)
    for i in (0, 17):
        np.testing.assert_allclose(output(model, X[i : i + 1])[0], together[i], rtol=1e-12)
    many = np.tile(X, (40, 1))
    np.testing.assert_array_equal(output(model.set_params(n_jobs=2), many), output(model.set_params(n_jobs=1), many))


# --- rules of users ---------------------------------------------------------------------------------------------------


class Misnamed(Embedding):
    """Returns an array that it does not declare."""

    vectors = (EmbeddingVector("embedding_slopes_", True),)
    n_outputs = 1

    def start(self, rng, values, weights):
        return {"embedding_slope_": np.ones(1)}


def test_arrays_of_other_names():
    X, y = make_mixed_data(MLPRegressor)
    message = refused(small(MLPRegressor, feature_embedding=Misnamed()), "fit", X, y)
    assert "start of Misnamed" in message and "'embedding_slope_'" in message and "'embedding_slopes_'" in message
