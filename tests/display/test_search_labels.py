"""The picture of a search stays within a page, and its labels do not touch."""

from itertools import combinations

import numpy as np
import pytest
from support.pictures import results_of

from skregopt import SearchResultsDisplay
from skregopt.optimizers import SGD, Adam

pytest.importorskip("matplotlib", reason="needs the extra plot")
import matplotlib.pyplot as plt
from matplotlib.transforms import Bbox

pytestmark = pytest.mark.nojit

WIDTHS = [(32,), (64,), (128,), (256, 128), (128, 64, 32), (256, 128, 64, 32), (512, 256), (100, 100, 100)]
SOLVERS = [Adam(), Adam(beta_1=0.95), SGD(momentum=0.5, nesterovs_momentum=False)]
CHOICES = {
    "batch_size": [32, 64, 128, 256],
    "hidden_layer_sizes": WIDTHS,
    "n_iter_no_change": [5, 10, 20, np.inf],
    "solver": SOLVERS,
    "validation_fraction": [0.1, 0.2, 0.3],
}


def draws(n_candidates, n_more=0):
    """Return candidates of a search over eight parameters, or more."""
    rng = np.random.RandomState(0)
    return [
        {"mlpclassifier__alpha": float(10 ** rng.uniform(-6, -1)), "mlpclassifier__dropout": float(rng.uniform(0, 0.5))}
        | {"mlpclassifier__learning_rate_init": float(10 ** rng.uniform(-4, -1))}
        | {f"mlpclassifier__{name}": values[rng.randint(len(values))] for name, values in CHOICES.items()}
        | {f"parameter_number_{i}": float(rng.uniform()) for i in range(n_more)}
        for _ in range(n_candidates)
    ]


def grid(first, second):
    """Return candidates of a grid search over two parameters."""
    return [{"a_parameter": a, "another_parameter": b} for a in first for b in second]


def shown(ax):
    """Return (text, box) of all labels that are seen."""
    texts = list(ax.texts)
    for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        texts += [tick.label1 for tick in axis.get_major_ticks() if limits[0] <= tick.get_loc() <= limits[1]]
    return [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]


def assert_apart(ax):
    """Raise if two labels of ``ax`` overlap."""
    boxes = shown(ax)
    assert len(boxes) > 5
    for (one, box), (other, other_box) in combinations(boxes, 2):
        shared = Bbox.intersection(box, other_box)
        assert shared is None or min(shared.width, shared.height) < 1, (one, other)


PICTURES = {
    "eight parameters": (draws(30), {}),
    "eight parameters and a long name of the score": (draws(30), {"score_name": "neg_root_mean_squared_error"}),
    "sixteen parameters": (draws(30, 8), {}),
    "many values": ([{"a": [None, *range(20)][i % 21], "b": i % 2, "c": [0, 1, 2, 999][i % 4]} for i in range(84)], {}),
    "a curve over tuples": ([{"hidden_layer_sizes": widths} for widths in WIDTHS], {}),
    "a curve over fifty": ([{"hidden_layer_sizes": (i, i)} for i in range(50)], {}),
    "a heat map of tuples and instances": (grid(WIDTHS, SOLVERS), {}),
    "a wide heat map": (grid(np.geomspace(1e-6, 1, 30), [1, 2, 3, 4, 5]), {}),
    "a high heat map": (grid([1, 2, 3, 4, 5], np.geomspace(1e-6, 1, 30)), {}),
    "a large heat map": (grid(np.geomspace(1e-6, 1, 70), np.geomspace(1e-6, 1, 60)), {}),
    "points over tuples and instances": (grid(WIDTHS, SOLVERS), {"kind": "scatter"}),
    "points over numbers and tuples": (grid(np.geomspace(1e-6, 1, 9), WIDTHS), {"kind": "scatter"}),
    "points over tuples and numbers": (grid(WIDTHS, np.geomspace(1e-6, 1, 9)), {"kind": "scatter"}),
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_labels_are_apart_and_on_the_page(name):
    candidates, options = PICTURES[name]
    scores = np.random.RandomState(1).uniform(-0.9, -0.7, size=len(candidates))
    display = SearchResultsDisplay.from_cv_results(results_of(candidates, scores), **options)
    width, height = display.figure_.get_size_inches()
    assert width <= 10 and height <= 7
    display.figure_.canvas.draw()
    assert_apart(display.ax_)
    for text, box in shown(display.ax_):
        assert box.x0 >= -1 and box.y0 >= -1, text
        assert box.x1 <= display.figure_.bbox.width + 1 and box.y1 <= display.figure_.bbox.height + 1, text


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_labels_are_apart_in_half_a_figure(layout):
    figure, axes = plt.subplots(1, 2, figsize=(12, 5), layout=layout)
    scores = np.random.RandomState(1).uniform(size=30)
    SearchResultsDisplay.from_cv_results(results_of(draws(30), scores), ax=axes[1])
    figure.canvas.draw()
    assert_apart(axes[1])


def test_labels_are_apart_in_a_subfigure():
    figure = plt.figure(figsize=(14, 5), layout="constrained")
    left, _ = figure.subfigures(1, 2)
    display = SearchResultsDisplay.from_cv_results(results_of(draws(9), range(9)), ax=left.subplots())
    figure.canvas.draw()
    assert_apart(display.ax_)


def test_what_is_shortened_or_broken_is_told_apart():
    display = SearchResultsDisplay.from_cv_results(results_of(draws(30), range(30)))
    labels = [text.replace("\n", "") for text, _ in shown(display.ax_)]
    for solver in SOLVERS:
        assert sum(label == str(solver) or label[:6] == str(solver)[:6] for label in labels) >= 1
    assert {"alpha", "learning_rate_init", "hidden_layer_sizes"} <= set(labels)


def test_numbers_that_do_not_fit_are_left_out_of_a_heat_map():
    candidates = grid(range(50), [1, 2, 3])
    display = SearchResultsDisplay.from_cv_results(results_of(candidates, range(150)))
    assert display.text_ == []
    assert len(display.plot(values_format=".0f", text_kw={"fontsize": 3}).text_) == 150
