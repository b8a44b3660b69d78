"""The picture of a search shows its scores: curve, heat map, scatter, parallel coordinates."""

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from support.pictures import data, grid_search, results_of, y_of

from skregopt import (
    MLPClassifier,
    SearchResultsDisplay,
)

pytest.importorskip("matplotlib", reason="needs the extra plot")

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


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
