"""The picture of a path shows the numbers of the path."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from skregopt import MLPClassifier, MLPRegressor, RegularizationPathDisplay
from skregopt.embeddings import Periodic, PiecewiseLinear
from skregopt.model_selection import MLPClassifierCV, MLPRegressorCV, regularization_path

pytest.importorskip("matplotlib", reason="needs the extra plot")
import matplotlib.pyplot as plt

LINEAR = MLPRegressor((), penalty="l1", solver="gd", learning_rate_init=0.2, max_iter=5000)


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    return X / X.std(), y


@pytest.fixture(scope="module")
def linear_path(diabetes):
    X, y = diabetes
    return regularization_path(LINEAR, X, y, n_alphas=15, X_val=X[:100], y_val=y[:100])


@pytest.fixture(scope="module")
def fitted_cv():
    X, y = load_breast_cancer(return_X_y=True)
    network = MLPClassifier(4, penalty="group_l1", learning_rate_init=0.02, max_iter=60, random_state=0)
    return MLPClassifierCV(network, n_alphas=6, cv=2, scoring="neg_log_loss").fit(scale(X), y)


def test_weights_of_a_linear_path(linear_path):
    display = RegularizationPathDisplay.from_path(linear_path, score_name="$R^2$")
    assert list(display.axes_) == ["features", "scores", "sparsity"]
    assert display.ax_ is display.axes_["features"] and display.figure_ is display.ax_.figure
    assert display.ax_.get_ylabel() == "weight" and display.axes_["scores"].get_ylabel() == "$R^2$"
    assert display.axes_["sparsity"].get_xscale() == "log" and display.axes_["sparsity"].get_xlabel() == "alpha"
    weights = np.array([coefs[0][:, 0] for coefs in linear_path.coefs_])[::-1]
    for j in range(10):
        alphas, drawn = display.lines_[j].get_data()
        assert_array_equal(alphas, linear_path.alphas_[::-1])
        seen = ~np.isnan(drawn)
        assert_array_equal(drawn[seen], weights[seen, j])
        assert not weights[~seen, j].any(), "only zeros are left out"
    assert_array_equal(display.lines_["training"].get_ydata(), linear_path.train_scores_[::-1])
    assert_array_equal(display.lines_["validation"].get_ydata(), linear_path.val_scores_[::-1])
    assert_allclose(display.lines_["sparsity"].get_ydata(), 100 * linear_path.sparsity_[::-1])


def test_names_are_of_the_features_dropped_last(linear_path, diabetes):
    display = RegularizationPathDisplay.from_path(linear_path, max_features=3)
    dropped_at = [linear_path.alphas_[linear_path.feature_importances_[:, j] > 0].max() for j in range(10)]
    assert set(display.features_) == set(np.argsort(dropped_at)[-3:])
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == [*diabetes[0].columns[display.features_], "7 others"]
    given = RegularizationPathDisplay.from_path(
        linear_path, feature_names=[f"f{j}" for j in range(10)], max_features=10
    )
    labels = [text.get_text() for text in given.ax_.get_legend().get_texts()]
    assert labels == [f"f{j}" for j in given.features_]


def test_cross_validation_shows_scores_errors_and_choice(fitted_cv):
    display = RegularizationPathDisplay.from_estimator(fitted_cv)
    assert display.ax_.get_ylabel() == "share of importance"
    assert display.axes_["scores"].get_ylabel() == "neg log loss"
    assert_array_equal(display.lines_["validation"].get_ydata(), fitted_cv.mean_cv_scores_)
    assert "training" not in display.lines_
    assert_allclose(display.val_errors, np.ptp(fitted_cv.cv_scores_, axis=0) / 2)  # of two folds
    for panel in display.axes_.values():
        assert any(np.ravel(line.get_xdata())[0] == fitted_cv.alpha_ for line in panel.lines)
    first = display.features_[0]
    seen = ~np.isnan(display.lines_[first].get_ydata())
    assert_array_equal(display.lines_[first].get_ydata()[seen], fitted_cv.path_.feature_importances_[seen, first])


def test_from_an_unfitted_network_the_path_is_computed(diabetes):
    X, y = diabetes
    frame = pd.DataFrame(X).iloc[:60]
    network = MLPRegressor(4, penalty="group_l1", learning_rate_init=0.1, max_iter=40, random_state=0)
    display = RegularizationPathDisplay.from_estimator(network, frame, scale(y[:60]), score_name="$R^2$")
    assert display.lines_["sparsity"].get_ydata()[-1] > 90
    assert display.feature_names is not None


@pytest.mark.nojit
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_few_epochs_are_a_picture_too(diabetes):
    """Of a path, of a network whose path is computed, and of one that has chosen its alpha."""
    X, y = diabetes[0][:40], scale(diabetes[1][:40])
    network = MLPRegressor(2, penalty="group_l1", max_iter=3, random_state=0)
    path = regularization_path(network, X, y, alphas=[0.01, 0.1, 1.0], X_val=X, y_val=y)
    chosen = MLPRegressorCV(network, alphas=[0.01, 0.1, 1.0], cv=2, selection="1se").fit(X, y)
    for display in (
        RegularizationPathDisplay.from_path(path),
        RegularizationPathDisplay.from_estimator(network, X, y, max_features=2),
        RegularizationPathDisplay.from_estimator(chosen),
    ):
        assert list(display.axes_) == ["features", "scores", "sparsity"]
        display.figure_.canvas.draw()


@pytest.mark.nojit
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("penalty", ["l1", "group_l1"])
def test_an_embedding_makes_no_linear_model(diabetes, penalty):
    """Its rows of the first matrix are no features: not by their number, nor by their order."""
    X, y = diabetes[0].iloc[:40, :3], scale(diabetes[1][:40])
    for embedding in (Periodic(4), PiecewiseLinear(4, n_outputs=1, columns=[0, 2])):  # the second has a row each
        network = MLPRegressor((), penalty=penalty, feature_embedding=embedding, max_iter=3, random_state=0)
        display = RegularizationPathDisplay.from_estimator(network, X, y)
        assert display.ax_.get_ylabel() == "share of importance"
        assert {line for line in display.lines_ if not isinstance(line, str)} == {0, 1, 2}
        assert_array_equal(display.values, regularization_path(network, X, y).feature_importances_)


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_panels_take_the_place_of_the_axes(linear_path, layout):
    figure, axes = plt.subplots(1, 2, layout=layout)
    display = RegularizationPathDisplay.from_path(linear_path, ax=axes[1])
    assert display.figure_ is figure and display.ax_ is axes[1] and len(figure.axes) == 4
    figure.canvas.draw()
    for panel in display.axes_.values():
        assert panel.get_position().x0 > axes[0].get_position().x1
    inset = plt.figure().add_axes([0.1, 0.1, 0.5, 0.8])
    assert RegularizationPathDisplay.from_path(linear_path, ax=inset).axes_["sparsity"].get_position().y0 < 0.2


def test_keywords_reach_matplotlib(fitted_cv):
    display = RegularizationPathDisplay.from_estimator(
        fitted_cv, line_kw={"linewidth": 7}, score_line_kw={"color": "k"}, alpha_line_kw={"color": "r"}
    )
    assert display.lines_[0].get_linewidth() == 7
    assert display.lines_["sparsity"].get_color() == "k"
    assert display.ax_.lines[-1].get_color() == "r"


def test_clear_errors(linear_path, fitted_cv, diabetes):
    with pytest.raises(NotFittedError, match="MLPClassifierCV instance is not fitted"):
        RegularizationPathDisplay.from_estimator(MLPClassifierCV())
    with pytest.raises(ValueError, match="X and y are missing"):
        RegularizationPathDisplay.from_estimator(LINEAR)
    with pytest.raises(ValueError, match="X and y have no effect"):
        RegularizationPathDisplay.from_estimator(fitted_cv, *diabetes)
    with pytest.raises(TypeError, match="path must be what regularization_path returns"):
        RegularizationPathDisplay.from_path(fitted_cv)
    with pytest.raises(ValueError, match="feature_names must have 10 names"):
        RegularizationPathDisplay.from_path(linear_path, feature_names=["a"])
    with pytest.raises(ValueError, match="max_features must be at least 0, got -1"):
        RegularizationPathDisplay.from_path(linear_path, max_features=-1)


def test_path_at_the_end_of_a_pipeline(diabetes):
    X, y = diabetes
    best = MLPRegressorCV(LINEAR, n_alphas=4, cv=2)
    model = make_pipeline(StandardScaler(), clone(best)).fit(X, y)
    display = RegularizationPathDisplay.from_estimator(model, max_features=10)
    assert display.alpha == model[-1].alpha_
    assert {text.get_text() for text in display.ax_.get_legend().get_texts()} == set(X.columns)
    with pytest.raises(NotFittedError):
        RegularizationPathDisplay.from_estimator(make_pipeline(StandardScaler(), best))
    with pytest.raises(TypeError, match="In a Pipeline, transform the data first"):
        RegularizationPathDisplay.from_estimator(make_pipeline(StandardScaler(), LINEAR), X, y)


def test_long_names_leave_room_for_the_lines(linear_path):
    names = [f"onehotencoder__a very long name of a column_category of several words {j}" for j in range(10)]
    display = RegularizationPathDisplay.from_path(linear_path, feature_names=names, max_features=10)
    display.figure_.canvas.draw()
    assert display.ax_.get_position().width > 0.3
    labels = {text.get_text() for text in display.ax_.get_legend().get_texts()}
    assert len(labels) == 10 and max(map(len, labels)) == 40
