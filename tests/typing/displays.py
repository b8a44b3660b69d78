"""Pictures and export, as a user writes them."""

from pathlib import Path
from typing import assert_type

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skregopt import (
    LossCurveDisplay,
    MLPClassifier,
    MLPRegressor,
    RegularizationPathDisplay,
    SearchResultsDisplay,
    TabularMLPClassifier,
    TabularMLPRegressor,
    WeightsDisplay,
    register_skl2onnx,
    to_onnx,
)
from skregopt.model_selection import MLPRegressorCV, regularization_path


def curves(X: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """Draw losses."""
    _, ax = plt.subplots()
    reg = MLPRegressor().fit(X, y)
    display = LossCurveDisplay.from_estimator(reg, ax=ax)
    assert_type(display, LossCurveDisplay)
    display.lines_["training"].set_color("red")
    display.ax_.set_title("loss")
    display.figure_.savefig("losses.png")
    display.plot(log_scale=False, learning_rate="auto", line_kw={"linewidth": 2}, best_line_kw=None)
    LossCurveDisplay.from_estimator(make_pipeline(MLPClassifier()).fit(X, y), log_scale=True)
    LossCurveDisplay.from_estimator(MLPRegressorCV().fit(X, y))
    of_several = LossCurveDisplay.from_estimator(TabularMLPRegressor().fit(X, y), learning_rate=True)
    of_several.lines_["validation"][0].set_linewidth(2)
    LossCurveDisplay(loss_curve=[reg.loss_curve_, [0.3, 0.2]], validation_scores=[None, [1.0]], best_epoch=[None, 2])
    LossCurveDisplay(
        loss_curve=reg.loss_curve_, validation_loss_curve=[0.1, 0.2], best_epoch=2, unit="iteration"
    ).plot()


def weights(X: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """Draw weights."""
    clf = MLPClassifier(16).fit(X, y)
    images = WeightsDisplay.from_estimator(clf, image_shape=(8, 8)).images_
    images[0].set_clim(-1, 1)
    display = WeightsDisplay.from_estimator(clf, feature_names=["age", "size"], kind="bar", max_features=5)
    assert_type(display.ax_, Axes)
    WeightsDisplay(weights=clf.coefs_[0], feature_names=clf.feature_names_in_).plot(cmap="viridis", zero_color="white")


def paths(X: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """Draw a path."""
    path = regularization_path(MLPRegressor((), penalty="l1"), X, y)
    display = RegularizationPathDisplay.from_path(path, feature_names=["age", "size"], max_features=4)
    assert_type(display.lines_["sparsity"], Line2D)
    display.lines_[display.features_[0]].set_linewidth(3)
    _, ax = plt.subplots()
    RegularizationPathDisplay.from_estimator(MLPRegressorCV().fit(X, y), ax=ax, score_name="R2")
    RegularizationPathDisplay.from_estimator(MLPRegressor(penalty="l1"), X, y)
    RegularizationPathDisplay.from_estimator(make_pipeline(MLPRegressorCV()).fit(X, y))


def searches(X: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """Draw a search."""
    search = GridSearchCV(MLPClassifier(), {"alpha": [0.1, 1.0], "hidden_layer_sizes": [8, 16]}).fit(X, y)
    display = SearchResultsDisplay.from_search(search, metric=None, kind="heatmap", params=["alpha"])
    display.plot(cmap=plt.get_cmap("magma"), values_format=".2f", im_kw={"alpha": 0.5})
    SearchResultsDisplay.from_cv_results(search.cv_results_, score_name="accuracy")
    SearchResultsDisplay(candidates=[{"alpha": 1.0}], mean_scores=[0.5], std_scores=np.zeros(1)).plot()


def export(clf: MLPClassifier, reg: MLPRegressorCV, table: TabularMLPClassifier) -> None:
    """Write ONNX."""
    register_skl2onnx()
    to_onnx(clf).SerializeToString()
    to_onnx(reg, "model.onnx")
    to_onnx(table, "model.onnx")
    to_onnx(clf, path=Path("model.onnx"))
