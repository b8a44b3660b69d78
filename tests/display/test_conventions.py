"""All displays: scikit-learn's conventions, matplotlib imported when it is used, clear errors."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from support.pictures import cross_validated, data, fitted, grid_search, y_of

from skregopt import (
    LossCurveDisplay,
    MLPClassifier,
    MLPRegressor,
    RegularizationPathDisplay,
    SearchResultsDisplay,
    WeightsDisplay,
)
from skregopt.model_selection import MLPRegressorCV

pytest.importorskip("matplotlib", reason="needs the extra plot")
import matplotlib
import matplotlib.pyplot as plt

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


def test_importing_and_fitting_does_not_import_matplotlib():
    code = (
        "import sys, skregopt; skregopt.MLPRegressor(2, max_iter=1, tol=9, n_iter_no_change=9);"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("display", [LossCurveDisplay, WeightsDisplay])
def test_without_matplotlib(monkeypatch, display):
    model = fitted()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=rf"{display.__name__}.from_estimator requires matplotlib"):
        display.from_estimator(model)
    search = grid_search(alpha=[0.1, 1.0])
    with pytest.raises(ImportError, match="SearchResultsDisplay.from_search requires matplotlib"):
        SearchResultsDisplay.from_search(search)


@pytest.mark.parametrize("display", [LossCurveDisplay, WeightsDisplay])
def test_unfitted_and_foreign_estimators(display):
    for model in (MLPClassifier(), make_pipeline(StandardScaler(), MLPRegressor())):
        with pytest.raises(NotFittedError):
            display.from_estimator(model)
    for other in (LogisticRegression().fit(*data()), make_pipeline(LogisticRegression()), "model"):
        with pytest.raises(TypeError, match="must be an MLPClassifier, MLPRegressor, .*or a Pipeline"):
            display.from_estimator(other)


def test_no_curve_after_an_interruption_in_the_first_epoch():
    def interrupting(estimator, X, y):
        raise KeyboardInterrupt

    model = MLPClassifier(3, early_stopping=True, scoring=interrupting)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(*data())
    assert model.loss_curve_ == [] and model.n_iter_ == 0 and np.isnan(model.loss_)
    with pytest.raises(ValueError, match="MLPClassifier has no loss curve: .* before the first epoch was complete"):
        LossCurveDisplay.from_estimator(model)
    WeightsDisplay.from_estimator(model)  # the weights training began with
    plt.close("all")


def test_unfitted_search():
    with pytest.raises(NotFittedError):
        SearchResultsDisplay.from_search(GridSearchCV(MLPClassifier(), {"alpha": [1, 2]}))


def test_what_is_no_search():
    for other in (fitted(), MLPClassifier(7), cross_validated(), "search"):
        with pytest.raises(
            TypeError, match=f"search must be a search with cv_results_.*{type(other).__name__}|'search'"
        ):
            SearchResultsDisplay.from_search(other)


def test_a_cross_validated_estimator_shows_what_it_predicts_with():
    pipeline = make_pipeline(StandardScaler(), clone(cross_validated())).fit(*data())
    for model, best in (
        (cross_validated(), cross_validated().best_estimator_),
        (pipeline, pipeline[-1].best_estimator_),
    ):
        assert y_of(LossCurveDisplay.from_estimator(model).lines_["training"]) == best.loss_curve_
        np.testing.assert_array_equal(WeightsDisplay.from_estimator(model).weights, best.coefs_[0])
    for display in (LossCurveDisplay, WeightsDisplay):
        with pytest.raises(NotFittedError):
            display.from_estimator(MLPRegressorCV())


def test_axes_that_are_none():
    message = "ax must be an Axes of matplotlib, or None for a new figure, got 3"
    for display in (LossCurveDisplay, WeightsDisplay):
        with pytest.raises(TypeError, match=message):
            display.from_estimator(fitted(), ax=3)
    with pytest.raises(TypeError, match=message):
        SearchResultsDisplay.from_search(grid_search(alpha=[0.1, 1.0]), ax=3)
    with pytest.raises(TypeError, match=message):
        RegularizationPathDisplay.from_estimator(cross_validated(), ax=3)


def draw_loss(ax=None):
    return LossCurveDisplay.from_estimator(fitted(early_stopping=True), ax=ax)


def draw_weights(ax=None):
    return WeightsDisplay.from_estimator(fitted(), ax=ax)


def draw_search(ax=None):
    return SearchResultsDisplay.from_search(grid_search(alpha=[0.1, 1.0]), ax=ax)


@pytest.mark.parametrize("draw", [draw_loss, draw_weights, draw_search])
def test_axes_given_and_axes_of_its_own(draw):
    display = draw()
    assert isinstance(display.ax_, matplotlib.axes.Axes) and display.figure_ is display.ax_.figure
    assert display.plot() is display, "plot returns the display"
    figure, axes = plt.subplots(1, 2)
    n_figures = len(plt.get_fignums())
    display = draw(axes[1])
    assert display.ax_ is axes[1] and display.figure_ is figure
    assert not axes[0].lines and len(plt.get_fignums()) == n_figures
    figure.canvas.draw()
