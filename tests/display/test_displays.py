"""The displays: what they draw is what was fitted, by scikit-learn's conventions for displays."""

import subprocess
import sys
from functools import lru_cache

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skregopt import (
    LossCurveDisplay,
    MLPClassifier,
    MLPRegressor,
    RegularizationPathDisplay,
    SearchResultsDisplay,
    WeightsDisplay,
)
from skregopt.model_selection import MLPClassifierCV, MLPRegressorCV

matplotlib = pytest.importorskip("matplotlib")
plt = pytest.importorskip("matplotlib.pyplot")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def _no_windows():
    backend = matplotlib.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(backend)


@lru_cache
def data(n_features=6):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(60, n_features))
    return X, (X[:, 0] + X[:, 1] > 0).astype(int)


@lru_cache
def fitted(**params):
    return MLPClassifier(4, **{"max_iter": 8, "random_state": 0} | params).fit(*data())


def heights(bars):
    return [bar.get_width() for bar in bars]


def y_of(line):
    return list(line.get_ydata())


# --- conventions ----------------------------------------------------------------------------------------------------


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


@lru_cache
def cross_validated():
    return MLPClassifierCV(MLPClassifier(4, penalty="l1", max_iter=3), alphas=[0.001, 0.01], cv=2).fit(*data())


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


# --- losses ---------------------------------------------------------------------------------------------------------


def test_losses_of_a_plain_fit():
    model = fitted()
    display = LossCurveDisplay.from_estimator(model)
    assert sorted(display.lines_) == ["training"] and list(display.axes_) == ["loss"]
    assert y_of(display.lines_["training"]) == model.loss_curve_
    assert list(display.lines_["training"].get_xdata()) == list(range(1, 9))
    assert display.ax_.get_legend() is None and display.best_lines_ == []
    assert display.ax_.get_xlabel() == "epoch"


def test_losses_scores_and_rate():
    params = {"early_stopping": True, "scoring": "accuracy", "learning_rate": "cosine", "n_iter_no_change": 50}
    model = fitted(**params)
    display = LossCurveDisplay.from_estimator(model)
    assert list(display.axes_) == ["loss", "scores", "learning_rate"] and display.ax_ is display.axes_["loss"]
    assert y_of(display.lines_["validation"]) == model.validation_loss_curve_
    assert y_of(display.lines_["scores"]) == model.validation_scores_
    assert y_of(display.lines_["learning_rate"]) == model.learning_rate_curve_
    assert display.axes_["scores"].get_ylabel() == "validation\naccuracy"
    assert [line.get_xdata()[0] for line in display.best_lines_] == [model.best_iter_] * 3
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["training", "validation", f"best epoch ({model.best_iter_})"]
    positions = [ax.get_position() for ax in display.axes_.values()]
    assert positions[0].y0 > positions[1].y1 > positions[1].y0 > positions[2].y1


def test_the_loss_is_no_second_score():
    display = LossCurveDisplay.from_estimator(fitted(early_stopping=True))
    assert list(display.axes_) == ["loss"] and "validation" in display.lines_


def test_best_epoch_after_warm_start():
    model = clone(fitted(early_stopping=True)).set_params(warm_start=True)
    model.fit(*data()).fit(*data())
    display = LossCurveDisplay.from_estimator(model)
    best = display.best_lines_[0].get_xdata()[0]
    assert best == len(model.loss_curve_) - model.n_iter_ + model.best_iter_ > model.n_iter_ / 2
    assert model.validation_loss_curve_[best - 1] == -model.best_validation_score_


def test_validation_that_began_later():
    X, y = data()
    model = MLPClassifier(3, max_iter=4, random_state=0, warm_start=True).fit(X, y)
    model.fit(X, y, X_val=X, y_val=y)
    display = LossCurveDisplay.from_estimator(model)
    assert list(display.lines_["validation"].get_xdata()) == [5, 6, 7, 8]


def test_iterations_of_lbfgs():
    display = LossCurveDisplay.from_estimator(fitted(solver="lbfgs"))
    assert list(display.axes_) == ["loss"] and display.ax_.get_xlabel() == "iteration"
    with pytest.raises(ValueError, match="L-BFGS has no learning rate"):
        display.plot(learning_rate=True)


@pytest.mark.parametrize("learning_rate", [True, False])
def test_panel_of_the_learning_rate_on_demand(learning_rate):
    constant = LossCurveDisplay.from_estimator(fitted(), learning_rate=learning_rate)
    changing = LossCurveDisplay.from_estimator(fitted(learning_rate="step"), learning_rate=learning_rate)
    assert ("learning_rate" in constant.axes_) == ("learning_rate" in changing.axes_) == learning_rate


def test_scale_of_the_losses():
    wide = LossCurveDisplay(loss_curve=[10, 1, 0.1])
    assert wide.plot().ax_.get_yscale() == "log"
    assert wide.plot(log_scale=False).ax_.get_yscale() == "linear"
    for curve in ([2, 1, 0.5], [10, -1, 0.1], [np.nan, 2, 1], [np.nan]):
        assert LossCurveDisplay(loss_curve=curve).plot().ax_.get_yscale() == "linear"


def test_further_panels_fit_into_the_place_of_axes():
    figure = plt.figure()
    for ax in (figure.add_axes([0.2, 0.3, 0.5, 0.4]), figure.add_subplot(2, 2, 4)):
        box = ax.get_position()
        display = LossCurveDisplay(loss_curve=[2, 1], validation_scores=[0, 1], learning_rate_curve=[2, 1]).plot(ax)
        panels = [panel.get_position() for panel in display.axes_.values()]
        assert len(panels) == 3 and display.ax_ is ax
        for panel in panels:
            np.testing.assert_allclose([panel.x0, panel.x1], [box.x0, box.x1])
        np.testing.assert_allclose([panels[-1].y0, panels[0].y1], [box.y0, box.y1])


def test_styles_of_the_losses():
    display = LossCurveDisplay.from_estimator(fitted(early_stopping=True), line_kw={"color": "red", "label": "mine"})
    assert display.lines_["training"].get_color() == "red"
    assert display.ax_.get_legend().get_texts()[0].get_text() == "mine"
    display.plot(validation_line_kw={"linestyle": "--"}, best_line_kw={"color": "blue"})
    assert display.lines_["validation"].get_linestyle() == "--" and display.best_lines_[0].get_color() == "blue"


# --- weights --------------------------------------------------------------------------------------------------------


def test_bars_are_norms_with_zeros_named():
    weights = np.array([[0.0, 0.0], [3.0, 4.0], [-2.0, 0.0]])
    display = WeightsDisplay(weights=weights, feature_names=["a", "b", "c"]).plot()
    assert display.features_.tolist() == [1, 2, 0] and heights(display.bars_) == [5, 2, 0]
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["b", "c", "a"]
    assert [text.get_text() for text in display.ax_.texts] == ["", "1 of 2", "exactly 0"]
    assert display.images_ == []


def test_bars_of_a_single_unit_have_signs():
    display = WeightsDisplay(weights=np.array([[0.5], [-2.0], [0.0]])).plot()
    assert heights(display.bars_) == [-2, 0.5, 0]
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


# --- searches -------------------------------------------------------------------------------------------------------


def grid_search(scoring="accuracy", refit=True, estimator=None, **grid):
    estimator = estimator or MLPClassifier(2, max_iter=1, random_state=0)
    return GridSearchCV(estimator, grid, cv=2, scoring=scoring, refit=refit).fit(*data())


def results_of(candidates, scores):
    scores = np.asarray(scores, dtype=float)
    return {"params": candidates, "mean_test_score": scores, "std_test_score": 0.1 + 0 * scores}


def test_curve_over_one_parameter():
    search = grid_search(alpha=[1.0, 0.01, 0.1], hidden_layer_sizes=[3])
    display = SearchResultsDisplay.from_search(search)
    assert display.kind_ == "curve" and display.params_ == ["alpha"]
    (line,) = display.lines_
    scores = search.cv_results_["mean_test_score"]
    assert list(line.get_xdata()) == [0.01, 0.1, 1.0] and y_of(line) == [scores[1], scores[2], scores[0]]
    assert display.ax_.get_xscale() == "log" and display.ax_.get_ylabel() == "accuracy"
    assert display.best_ == search.best_index_


def test_curve_over_names_has_no_line():
    display = SearchResultsDisplay.from_search(grid_search(activation=["tanh", "relu"]))
    assert display.lines_[0].get_linestyle() == "None"
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["tanh", "relu"]


def test_heat_map_over_two():
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(2, max_iter=2, random_state=0))
    grid = {"mlpclassifier__alpha": [0.1, 10.0], "mlpclassifier__hidden_layer_sizes": [(2,), (3, 3), (9,)]}
    search = grid_search(estimator=pipeline, **grid)
    display = SearchResultsDisplay.from_search(search)
    assert display.kind_ == "heatmap" and display.params_ == sorted(grid)
    scores = search.cv_results_["mean_test_score"].reshape(2, 3)
    np.testing.assert_array_equal(display.image_.get_array(), scores.T)
    assert [text.get_text() for text in display.text_] == [f"{score:.3f}" for score in scores.T.ravel()]
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["0.1", "10"]
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["(2,)", "(3, 3)", "(9,)"]
    assert display.ax_.get_xlabel() == "alpha" and display.ax_.get_ylabel() == "hidden_layer_sizes"
    (frame,) = display.ax_.patches
    column, row = np.unravel_index(search.best_index_, (2, 3))
    assert frame.get_xy() == (column - 0.5, row - 0.5)
    swapped = SearchResultsDisplay.from_search(search, params=["hidden_layer_sizes", "alpha"], values_format=".1f")
    np.testing.assert_array_equal(swapped.image_.get_array(), scores)
    assert swapped.text_[0].get_text() == f"{scores[0, 0]:.1f}"


def test_best_of_what_is_not_drawn():
    candidates = [{"a": a, "b": b} for a in (1, 2) for b in (1, 2, 3)]
    results = results_of(candidates, [0.1, 0.7, 0.3, 0.9, 0.2, np.nan])
    curve = SearchResultsDisplay.from_cv_results(results, params="a")
    assert y_of(curve.lines_[0]) == [0.7, 0.9]
    table = SearchResultsDisplay.from_cv_results(results).image_.get_array()
    np.testing.assert_array_equal(table.mask, [[False, False], [False, False], [False, True]])


def test_points_where_the_grid_is_thin():
    search = RandomizedSearchCV(
        MLPClassifier(2, max_iter=1), {"alpha": loguniform(1e-5, 1), "tol": loguniform(1e-5, 1)}, n_iter=6, cv=2,
        random_state=0,
    ).fit(*data())  # fmt: skip
    display = SearchResultsDisplay.from_search(search)
    assert display.kind_ == "scatter" and display.image_ is None
    points = display.ax_.collections[1]
    np.testing.assert_array_equal(points.get_array(), search.cv_results_["mean_test_score"])
    offsets = [[params["alpha"], params["tol"]] for params in search.cv_results_["params"]]
    np.testing.assert_array_equal(points.get_offsets(), offsets)
    assert display.ax_.get_xscale() == display.ax_.get_yscale() == "log"


def test_parallel_coordinates_for_more():
    rng = np.random.RandomState(0)
    candidates = [
        {"rate": float(10 ** rng.uniform(-4, 0)), "share": float(rng.uniform()), "name": "ab"[i % 2], "width": 2**i}
        for i in range(10)
    ]
    scores = rng.uniform(size=10)
    scores[3] = np.nan
    display = SearchResultsDisplay.from_cv_results(results_of(candidates, scores))
    assert display.kind_ == "parallel" and len(display.lines_) == 9
    drawn = np.array([line.get_ydata() for line in display.lines_])
    order = np.argsort(scores)[:9]
    np.testing.assert_allclose(drawn[:, -1], (np.sort(scores)[:9] - np.nanmin(scores)) / np.ptp(scores[order]))
    rates = np.log([candidate["rate"] for candidate in candidates])
    np.testing.assert_allclose(drawn[:, 0], ((rates - rates.min()) / np.ptp(rates))[order])
    shares = np.array([candidate["share"] for candidate in candidates])
    np.testing.assert_allclose(drawn[:, 1], ((shares - shares.min()) / np.ptp(shares))[order])
    np.testing.assert_array_equal(drawn[:, 2], order % 2)
    assert display.lines_[-1].get_linewidth() > display.lines_[0].get_linewidth(), "the best stands out"
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["rate", "share", "name", "width", "score"]
    display.figure_.canvas.draw()


def test_several_grids_and_values_of_all_kinds():
    candidates = [{"a": None}, {"a": 0.5}, {"a": 0.1}, {"b": True}, {"b": False}]
    display = SearchResultsDisplay.from_cv_results(results_of(candidates, [1, 2, 3, 4, 5]), params="a")
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["0.1", "0.5", "None", "-"]
    assert y_of(display.lines_[0]) == [3, 2, 1, 5]


def test_metrics():
    metrics = ["accuracy", "neg_log_loss"]
    search = grid_search(alpha=[0.1, 1.0], scoring=metrics, refit="neg_log_loss")
    display = SearchResultsDisplay.from_search(search)
    assert y_of(display.lines_[0]) == list(search.cv_results_["mean_test_neg_log_loss"])
    assert display.ax_.get_ylabel() == "neg_log_loss"
    display = SearchResultsDisplay.from_search(search, metric="accuracy")
    assert y_of(display.lines_[0]) == list(search.cv_results_["mean_test_accuracy"])
    with pytest.raises(ValueError, match=r"metric must be one of .*'accuracy', 'neg_log_loss'.*got None"):
        SearchResultsDisplay.from_cv_results(search.cv_results_)
    with pytest.raises(ValueError, match="metric must be one of .* got 'r2'"):
        SearchResultsDisplay.from_search(search, metric="r2")


def test_successive_halving_counts_the_last_iteration():
    results = results_of([{"a": 1}, {"a": 2}, {"a": 3}, {"a": 2}], [0.1, 0.9, 0.3, 0.5]) | {"iter": [0, 0, 0, 1]}
    display = SearchResultsDisplay.from_cv_results(results)
    assert y_of(display.lines_[0]) == [0.1, 0.5, 0.3]


def test_names_are_as_short_as_they_can_be():
    candidates = [{"m__x__alpha": a, "m__y__alpha": b} for a in (1, 2) for b in (1, 2)]
    display = SearchResultsDisplay.from_cv_results(results_of(candidates, [1, 2, 3, 4]))
    assert display.ax_.get_xlabel() == "x__alpha" and display.ax_.get_ylabel() == "y__alpha"
    with pytest.raises(ValueError, match="params: 'alpha' stands for several of the parameters"):
        display.plot(params="alpha")


@pytest.mark.parametrize(
    "scores, options, message",
    [
        ([1, 2, 3, 4], {"params": ["c"]}, r"params: 'c' is none of the parameters of the search, \['a', 'b'\]"),
        ([1, 2, 3, 4], {"params": []}, "params must name at least one"),
        ([1, 2, 3, 4], {"kind": "pie"}, "kind must be one of 'auto', 'curve', 'heatmap', 'scatter', 'parallel', got"),
        ([1, 2, 3, 4], {"kind": "curve"}, r"kind='curve' draws 1 parameter\(s\), not 2"),
        ([np.nan] * 4, {}, "No candidate has a finite score"),
    ],
)
def test_bad_options_of_searches(scores, options, message):
    candidates = [{"a": a, "b": b} for a in (1, 2) for b in (1, 2)]
    with pytest.raises(ValueError, match=message):
        SearchResultsDisplay.from_cv_results(results_of(candidates, scores), **options)


def test_nothing_varies():
    with pytest.raises(ValueError, match="No parameter varies"):
        SearchResultsDisplay.from_cv_results(results_of([{"a": 1}, {"a": 1}], [1, 2]))


@pytest.mark.parametrize("kind", ["parallel", "scatter", "heatmap"])
def test_kinds_on_demand(kind):
    candidates = [{"a": a, "b": b} for a in (1, 2) for b in (1, 2)]
    display = SearchResultsDisplay.from_cv_results(results_of(candidates, [2, 2, 2, 2]), kind=kind, cmap="cividis")
    assert display.kind_ == kind
    display.figure_.canvas.draw()


@pytest.mark.parametrize(
    ("values", "is_log"),
    [
        ([1e-4, 3e-4, 1e-3, 6e-3], True),  # a learning rate
        ([32, 64, 128, 256], True),
        (list(np.random.RandomState(0).uniform(0.01, 0.6, size=40)), False),  # dropout
        ([0.0, 1e-3, 1e-2], False),
        ([1, 2, 3], False),
    ],
)
def test_a_scale_is_logarithmic_where_values_are_spread_so(values, is_log):
    candidates = [{"a": value, "b": i % 3, "c": i % 2} for i, value in enumerate(values)]
    scores = np.linspace(0, 1, len(values))
    display = SearchResultsDisplay(candidates=candidates, mean_scores=scores, std_scores=0 * scores)
    assert display.plot().kind_ == "parallel"
    drawn = [line.get_ydata()[0] for line in display.lines_]  # in the order of the scores
    places = np.log(values) if is_log else np.array(values)
    np.testing.assert_allclose(drawn, (places - places.min()) / np.ptp(places))
