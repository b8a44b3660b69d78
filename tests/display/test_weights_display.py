"""The picture of the first layer shows its weights: bars by feature, images by unit, zeros named."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from support.pictures import data, fitted

from skregopt import (
    MLPClassifier,
    WeightsDisplay,
)
from skregopt.embeddings import Periodic, PiecewiseLinear
from skregopt.model_selection import MLPClassifierCV

pytest.importorskip("matplotlib", reason="needs the extra plot")
import matplotlib

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


def widths(bars):
    return [bar.get_width() for bar in bars]


def test_bars_are_norms_with_zeros_named():
    weights = np.array([[0.0, 0.0], [3.0, 4.0], [-2.0, 0.0]])
    display = WeightsDisplay(weights=weights, feature_names=["a", "b", "c"]).plot()
    assert display.features_.tolist() == [1, 2, 0] and widths(display.bars_) == [5, 2, 0]
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["b", "c", "a"]
    assert [text.get_text() for text in display.ax_.texts] == ["", "1 of 2", "exactly 0"]
    assert display.images_ == []


def test_bars_of_a_single_unit_have_signs():
    display = WeightsDisplay(weights=np.array([[0.5], [-2.0], [0.0]])).plot()
    assert widths(display.bars_) == [-2, 0.5, 0]
    assert display.bars_[0].get_facecolor() != display.bars_[1].get_facecolor()
    assert [text.get_text() for text in display.ax_.texts] == ["", "", "exactly 0"]


def test_images_show_each_weight_and_mask_zeros():
    rng = np.random.RandomState(0)
    weights = rng.normal(size=(6, 5)) * (rng.uniform(size=(6, 5)) > 0.4)
    weights[:, 3] = 0
    display = WeightsDisplay(weights=weights, image_shape=(2, 3)).plot()
    assert display.units_.tolist() == np.argsort(-np.linalg.norm(weights, axis=0)).tolist()
    for unit, image in zip(display.units_, display.images_, strict=True):
        shown = image.get_array()
        np.testing.assert_array_equal(shown.filled(0.0), weights[:, unit].reshape(2, 3))
        np.testing.assert_array_equal(np.ma.getmaskarray(shown), weights[:, unit].reshape(2, 3) == 0)
        assert image.get_clim() == (-np.abs(weights).max(), np.abs(weights).max())
        assert matplotlib.colors.same_color(image.cmap.get_bad(), "#c9c9c9")
    (label,) = display.ax_.get_legend().get_texts()
    assert label.get_text() == f"exactly 0: {np.mean(weights == 0):.0%} of all weights"


def test_images_do_not_overlap_and_lie_inside():
    display = WeightsDisplay(weights=np.ones((6, 7)), image_shape=(2, 3)).plot()
    boxes = [image.get_extent() for image in display.images_]
    for i, (left, right, bottom, top) in enumerate(boxes):
        np.testing.assert_allclose([right - left, bottom - top], [3, 2])
        assert display.ax_.get_xlim()[0] < left and right < display.ax_.get_xlim()[1]
        assert display.ax_.get_ylim()[1] < top and bottom < display.ax_.get_ylim()[0]
        for other in boxes[:i]:
            assert left >= other[1] or right <= other[0] or top >= other[2] or bottom <= other[3]
    assert display.ax_.get_legend() is None, "no zeros, no legend"


def test_what_is_an_image():
    X, y = np.random.RandomState(0).normal(size=(20, 64)), np.arange(20) % 2
    model = MLPClassifier(3, max_iter=1, random_state=0).fit(X, y)
    assert WeightsDisplay.from_estimator(model).images_ == [], "64 columns of a table are no image"
    assert len(WeightsDisplay.from_estimator(model, image_shape=(8, 8)).images_) == 3
    assert len(WeightsDisplay.from_estimator(model, kind="bar").bars_) == 30
    assert len(WeightsDisplay.from_estimator(model, kind="bar", max_features=7).bars_) == 7
    assert len(WeightsDisplay.from_estimator(model, image_shape=(4, 16), max_units=2).images_) == 2
    assert WeightsDisplay.from_estimator(model, image_shape=(4, 16)).images_[0].get_array().shape == (4, 16)


def test_names_of_a_data_frame_and_a_pipeline():
    pd = pytest.importorskip("pandas")
    X, y = data()
    X = pd.DataFrame(X, columns=[f"column {j}" for j in range(6)])
    model = make_pipeline(StandardScaler().set_output(transform="pandas"), clone(fitted())).fit(X, y)
    display = WeightsDisplay.from_estimator(model)
    assert {label.get_text() for label in display.ax_.get_yticklabels()} == set(X.columns)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"kind": "pie"}, 'kind must be "auto", "image" or "bar", got \'pie\''),
        ({"kind": "image"}, 'kind="image" needs image_shape'),
        ({"image_shape": (2, 2)}, r"image_shape must be .* with 6 pixels, one per feature, got \(2, 2\)"),
        ({"feature_names": ["a"]}, "feature_names must have 6 elements, one per feature, got 1"),
    ],
)
def test_bad_options_of_weights(options, message):
    with pytest.raises(ValueError, match=message):
        WeightsDisplay.from_estimator(fitted(), **options)


@pytest.mark.parametrize("most", [{"max_units": 0}, {"max_features": 0}])
def test_weights_of_no_units(most):
    with pytest.raises(ValueError, match=f"{next(iter(most))} must be an int >= 1, got 0"):
        WeightsDisplay(weights=np.ones((4, 3)), image_shape=(2, 2)).plot(**most)


@pytest.mark.parametrize("shape", [4, (-2, -2), (4,)])
def test_shape_of_no_image(shape):
    with pytest.raises(ValueError, match="image_shape must be"):
        WeightsDisplay(weights=np.ones((4, 3)), image_shape=shape).plot()


# --- names of the features that the network sees ----------------------------------------------------------------------


def bar_names(model):
    """Return the names beside the bars."""
    return {label.get_text() for label in WeightsDisplay.from_estimator(model).ax_.get_yticklabels()}


def frame():
    """Return the data as a frame, with a column of two categories."""
    pd = pytest.importorskip("pandas")
    X, y = data()
    X = pd.DataFrame(X, columns=[f"column {j}" for j in range(6)])
    return X.assign(colour=np.where(np.arange(60) % 3, "red", "blue")), y


def encoder(**options):
    """Return a step that scales numbers and encodes categories."""
    return make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["colour"]), (StandardScaler(), ["column 1", "column 4"]), **options
    )


ENCODED = {"colour_blue", "colour_red", "column 1", "column 4"}


@pytest.mark.parametrize(
    "network",
    [MLPClassifier(4, max_iter=2), MLPClassifierCV(MLPClassifier(4, penalty="l1", max_iter=2), alphas=[0.1], cv=2)],
)
def test_names_are_those_that_a_pipeline_gives_the_network(network):
    X, y = frame()
    model = make_pipeline(encoder(verbose_feature_names_out=False), StandardScaler(), network).fit(X, y)
    assert bar_names(model) == ENCODED
    assert bar_names(model) == set(model[:-1].get_feature_names_out())


def test_names_in_nested_pipelines():
    X, y = frame()
    network = MLPClassifier(4, max_iter=2)
    inner = make_pipeline(StandardScaler(), SelectKBest(k=2), network)
    assert bar_names(make_pipeline(encoder(verbose_feature_names_out=False), inner).fit(X, y)) < ENCODED
    outer = make_pipeline(make_pipeline(encoder(), "passthrough"), PCA(2), network).fit(X, y)
    assert bar_names(outer) == {"pca0", "pca1"}
    assert bar_names(make_pipeline(make_pipeline(network)).fit(X[["column 1"]], y)) == {"column 1"}
    assert bar_names(make_pipeline("passthrough", network).fit(X[["column 1"]].to_numpy(), y)) == {"feature 0"}


def test_numbers_where_a_step_has_no_names():
    X, y = data()
    for step in (
        FunctionTransformer(np.abs),
        FunctionTransformer(feature_names_out=lambda _, names: names[:2]),
        FunctionTransformer(lambda X: X[:, :2], feature_names_out="one-to-one"),
    ):
        model = make_pipeline(StandardScaler(), step, MLPClassifier(4, max_iter=2)).fit(X, y)
        assert bar_names(model) == {f"feature {j}" for j in range(model[-1].n_features_in_)}


def test_given_names_come_first():
    X, y = frame()
    model = make_pipeline(encoder(), MLPClassifier(4, max_iter=2)).fit(X, y)
    display = WeightsDisplay.from_estimator(model, feature_names=list("abcd"))
    assert {label.get_text() for label in display.ax_.get_yticklabels()} == set("abcd")


@pytest.mark.parametrize("rule", [Periodic(3), PiecewiseLinear(3, n_outputs=1, columns=[2, 4])])
def test_features_of_an_embedding_have_one_bar(rule):
    pd = pytest.importorskip("pandas")
    X, y = data()
    for hidden in (5, ()):
        model = MLPClassifier(hidden, feature_embedding=rule, max_iter=2).fit(X, y > 0)
        display = WeightsDisplay.from_estimator(model)
        assert sorted(display.features_) == list(range(6))
        shares = np.array(widths(display.bars_)) / sum(widths(display.bars_))
        assert_allclose(shares, model.feature_importances_[display.features_])
        units = "5 units" if hidden else "1 unit"
        assert display.ax_.get_xlabel() == f"norm of the weights into {units}, root mean square of rows"
        named = MLPClassifier(hidden, feature_embedding=rule, max_iter=2).fit(
            pd.DataFrame(X, columns=[*"abcdef"]), y > 0
        )
        assert bar_names(named) == set("abcdef")


def test_rows_of_a_feature_count_together():
    weights = np.array([[3.0, 0.0], [0.0, 0.0], [4.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    display = WeightsDisplay(weights=weights, row_features=[1, 0, 1, 1, 2]).plot()
    assert display.features_.tolist() == [1, 2, 0]
    assert_allclose(widths(display.bars_), [(26 / 3) ** 0.5, 2**0.5, 0])
    assert [text.get_text() for text in display.ax_.texts] == ["3 of 6", "", "exactly 0"]
    image = WeightsDisplay(weights=weights, row_features=[1, 0, 1, 1, 2], image_shape=(1, 3)).plot().images_[0]
    assert_allclose(image.get_array().filled(0), [[0, 5 / 3**0.5, 1]])
    assert display.ax_.get_xlabel() == "norm of the weights into 2 units, root mean square of rows"
    for bad in ([0, 1], [0, 1, 2, 4, 4], [1, 1, 2, 2, 3], [0.5, 1, 2, 3, 4]):
        with pytest.raises(ValueError, match="row_features must hold the feature of each of the 5 rows"):
            WeightsDisplay(weights=weights, row_features=bad).plot()


def test_long_names_leave_room_for_the_bars():
    names = [f"onehotencoder__a very long name of a column_category of several words {j}" for j in range(12)]
    display = WeightsDisplay(weights=np.eye(12), feature_names=names).plot()
    display.figure_.canvas.draw()  # matplotlib warns where nothing is left of the axes
    assert display.ax_.get_position().width > 0.3
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels[0].startswith("onehotencoder__a") and labels[0].endswith("words 0") and len(labels[0]) == 40
    assert len(set(labels)) == 12
