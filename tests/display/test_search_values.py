"""Every candidate of a search has its place in the picture, whatever the values of its parameters are."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from support.pictures import grid_search, results_of, y_of

from skregopt import SearchResultsDisplay
from skregopt.optimizers import Adam
from skregopt.schedules import Cosine, Warmup

pytest.importorskip("matplotlib", reason="needs the extra plot")

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


def some_function(x):
    """Stand for a scorer or another function among the values."""


# values in the order of the axis, and their labels
VALUES = {
    "infinity": ([1, 5, np.inf], ["1", "5", "inf"]),
    "both infinities": ([-np.inf, 0.5, np.inf], ["-inf", "0.5", "inf"]),
    "NaN": ([0.5, 2, np.nan], ["0.5", "2", "nan"]),
    "infinity, NaN and None": ([2.0, np.inf, np.nan, None], ["2", "inf", "nan", "None"]),
    "numbers and names": ([1e-3, 0.1, "auto"], ["0.001", "0.1", "auto"]),
    "scalars of NumPy": ([np.float32(0.1), np.int64(3), np.float64(np.inf)], ["0.1", "3", "inf"]),
    "arrays without dimensions": ([np.array(0.25), np.array(np.inf)], ["0.25", "inf"]),
    "booleans": ([np.False_, np.True_], ["False", "True"]),
    "an int that no float holds": ([3, 10**400], ["3", f"1{13 * '0'}...{13 * '0'}"]),
    "fractions": ([Fraction(1, 3), Fraction(1, 2)], ["1/3", "1/2"]),
    "tuples": ([(8,), (8, 4), (np.int64(8), np.float64(0.5))], ["(8,)", "(8, 4)", "(8, 0.5)"]),
    "lists and tuples": ([[1, 2], (1, 2)], ["[1, 2]", "(1, 2)"]),
    "arrays": ([np.array([0.1, 0.2]), np.array([0.1, np.nan])], ["[0.1, 0.2]", "[0.1, nan]"]),
    "long arrays": ([np.zeros(2000), np.eye(2000)[1000]], None),
    "instances": (
        [Adam(), Adam(beta_1=0.5), Warmup(Cosine(), 3)],
        ["Adam()", "Adam(beta_1=0.5)", "Warmup(n_epoch...ule=Cosine())"],
    ),
    "classes and functions": ([some_function, Adam, "sgd"], ["some_function", "Adam", "sgd"]),
    "weights of classes": ([None, "balanced", {0: 1, 1: np.inf}], ["None", "balanced", "{0: 1, 1: inf}"]),
    "nearly the same": ([0.123451, 0.123452], ["0.123451", "0.123452"]),
    "a number and its text": ([1, "1"], ["1", "'1'"]),
    "a text of no characters": (["", "balanced"], ["", "balanced"]),
    "a text of several lines": (["one\ntwo", "three"], ["one two", "three"]),
    "a boolean and its number": ([1, True, None], ["1", "True", "None"]),
    "large numbers": ([1e300, 1e301, 2e301], ["1e+300", "1e+301", "2e+301"]),
    "equal numbers of several types": ([2, 2.0, np.float32(2), 3], ["2", "3"]),
}


NUMBERS = [name for name, (values, _) in VALUES.items() if not {str, type(None), tuple} & set(map(type, values))]
REVERSED = sorted(set(NUMBERS) - {"lists and tuples", "arrays", "long arrays", "instances"})


@pytest.mark.parametrize(
    ("name", "step"),
    [*((name, 1) for name in VALUES), *(pytest.param(name, -1, marks=pytest.mark.exhaustive) for name in REVERSED)],
)
def test_every_value_has_a_place_and_a_label_of_its_own(name, step):
    """Numbers are in their order, in whatever order they were tried."""
    values, labels = VALUES[name]
    candidates = [{"a": value, "b": i % 2, "c": i % 3} for i, value in enumerate(values)][::step]
    results = results_of(candidates, np.linspace(0, 1, len(values)))
    n_different = len(values) if labels is None else len(labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no division by infinity
        lines = SearchResultsDisplay.from_cv_results(results, kind="parallel", params=["a", "b", "c"]).lines_
        drawn = np.array([line.get_ydata() for line in lines])
        assert drawn.shape == (len(values), 4) and np.isfinite(drawn).all(), "no candidate is dropped"
        assert drawn.min() >= 0 and drawn.max() <= 1 and len(np.unique(drawn[:, 0])) == n_different
        curve = SearchResultsDisplay.from_cv_results(results, params="a").lines_[0].get_xdata()
        assert np.isfinite(curve).all() and len(curve) == n_different
        points = SearchResultsDisplay.from_cv_results(results, params=["a", "b"], kind="scatter")
        assert np.isfinite(points.ax_.collections[1].get_offsets()).all()
        points.figure_.canvas.draw()
        heat_map = SearchResultsDisplay.from_cv_results(results, params=["a", "b"], kind="heatmap")
    shown = [label.get_text().replace("\n", " ") for label in heat_map.ax_.get_xticklabels()]
    assert len(set(shown)) == n_different and all(len(label) <= 64 for label in shown)
    assert labels is None or shown == labels


def test_infinity_in_a_search():
    search = grid_search(n_iter_no_change=[np.inf, 2, 5])
    display = SearchResultsDisplay.from_search(search)
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["2", "5", "inf"]
    assert len(y_of(display.lines_[0])) == 3 and display.best_ == search.best_index_


def test_a_parameter_that_varies_in_its_fifth_digit_varies():
    candidates = [{"a": 0.100001, "b": 1}, {"a": 0.100002, "b": 1}]
    assert SearchResultsDisplay.from_cv_results(results_of(candidates, [1, 2])).params_ == ["a"]


@pytest.mark.parametrize("bad", [-np.inf, np.inf, np.nan])
@pytest.mark.parametrize(
    ("params", "kind"), [(["a"], "auto"), (["a", "b"], "heatmap"), (["a", "b"], "scatter"), (["a", "b", "c"], "auto")]
)
def test_a_score_that_is_not_finite_is_a_failed_fit(bad, params, kind):
    candidates = [{"a": i, "b": i % 2, "c": i % 3} for i in range(5)]
    results = results_of(candidates, [0.1, bad, 0.7, 0.3, 0.5])
    results["std_test_score"][1] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        display = SearchResultsDisplay.from_cv_results(results, params=params, kind=kind)
        display.figure_.canvas.draw()
    assert display.best_ == 2
    if display.kind_ == "parallel":
        np.testing.assert_allclose([line.get_ydata()[-1] for line in display.lines_], [0, 1 / 3, 2 / 3, 1])
