"""The picture of a fit shows its curves."""

import numpy as np
import pytest
from sklearn.base import clone
from support.pictures import data, fitted, y_of

from skregopt import LossCurveDisplay, MLPClassifier, TabularMLPClassifier, TabularMLPRegressor, WeightsDisplay

pytest.importorskip("matplotlib", reason="needs the extra plot")
import matplotlib.pyplot as plt

pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


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


def test_curves_as_arrays():
    curves = {"loss_curve": [1.0, 0.5], "validation_loss_curve": [1.0, 0.6], "learning_rate_curve": [0.1, 0.2]}
    display = LossCurveDisplay(**{name: np.array(values) for name, values in curves.items()}).plot()
    assert list(display.lines_) == ["training", "validation", "learning_rate"]


# --- several networks ------------------------------------------------------------------------------------------------


def of_tables(n_estimators, kind=TabularMLPClassifier, **params):
    """Return a small estimator for tables after six epochs."""
    params = {"n_estimators": n_estimators, "max_iter": 6, "hidden_layer_sizes": 4, "random_state": 0} | params
    return kind(**params).fit(*data())


@pytest.mark.parametrize("kind", [TabularMLPClassifier, TabularMLPRegressor])
def test_all_networks_of_an_estimator_for_tables(kind):
    model = of_tables(4, kind)
    display = LossCurveDisplay.from_estimator(model)
    assert list(display.axes_) == ["loss", "training"] and sorted(display.lines_) == ["training", "validation"]
    for network, training, validation in zip(
        model.estimators_, display.lines_["training"], display.lines_["validation"], strict=True
    ):
        assert y_of(training) == network.loss_curve_ and y_of(validation) == network.validation_loss_curve_
        assert training.axes is display.axes_["training"] and validation.axes is display.ax_
        assert list(validation.get_xdata()) == list(range(1, 7))
    assert len({line.get_color() for line in display.lines_["validation"]}) == 4
    (points,) = display.best_lines_
    assert list(points.get_xdata()) == [network.best_iter_ for network in model.estimators_]
    assert y_of(points) == [n.validation_loss_curve_[n.best_iter_ - 1] for n in model.estimators_]
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == [*model.recipes_, "best epoch"]
    assert display.ax_.get_ylabel() == "validation\nloss"
    assert "learning_rate" in LossCurveDisplay.from_estimator(model, learning_rate=True).lines_


def test_one_network_of_an_estimator_for_tables_is_drawn_like_any_other():
    model = of_tables(1)
    display = LossCurveDisplay.from_estimator(model)
    assert y_of(display.lines_["training"]) == model.estimators_[0].loss_curve_
    assert list(display.axes_) == ["loss", "learning_rate"]


def test_scores_of_several_networks():
    model = of_tables(3, scoring="accuracy")
    display = LossCurveDisplay.from_estimator(model, score_line_kw={"label": "mine"}, best_line_kw={"color": "blue"})
    assert list(display.axes_) == ["loss", "training", "scores"]
    assert [y_of(line) for line in display.lines_["scores"]] == [n.validation_scores_ for n in model.estimators_]
    assert display.axes_["scores"].get_ylabel() == "validation\naccuracy"
    assert [line.get_label() for line in display.lines_["scores"]][0] == "mine"
    assert len(display.best_lines_) == 2 and {line.get_color() for line in display.best_lines_} == {"blue"}
    assert y_of(display.best_lines_[1]) == [n.validation_scores_[n.best_iter_ - 1] for n in model.estimators_]


def test_networks_that_differ_in_what_they_have():
    """In epochs, in scores, in a best epoch, and in the epoch in which validation began."""
    display = LossCurveDisplay(
        loss_curve=[[3.0, 2.0, 1.0], [2.0, 1.0]],
        validation_loss_curve=[[2.5, 1.5], None],
        validation_scores=[None, [0.5, 0.75]],
        best_epoch=[2, None],
    ).plot()
    assert [len(display.lines_[name]) for name in ("training", "validation", "scores")] == [2, 1, 1]
    assert list(display.lines_["validation"][0].get_xdata()) == [2, 3]
    (points,) = display.best_lines_
    assert (list(points.get_xdata()), y_of(points)) == ([2], [2.5])


def test_several_networks_without_validation():
    X, y = data()
    model = TabularMLPClassifier(n_estimators=2, max_iter=3, hidden_layer_sizes=4).fit(X[:30], y[:30])
    display = LossCurveDisplay.from_estimator(model)
    assert list(display.axes_) == ["loss"] and list(display.lines_) == ["training"]
    assert display.ax_.get_ylabel() == "training\nloss" and display.best_lines_ == []
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == model.recipes_


@pytest.mark.parametrize("lowest", [1e-12, 1e-7, 1e-3, 1e-2, 0.05])
def test_axes_of_losses_have_labels(lowest):
    curve = np.geomspace(1, lowest, 30)
    display = LossCurveDisplay(loss_curve=[curve] * 2, validation_loss_curve=[curve + 1e-3] * 2).plot()
    low, high = display.axes_["training"].get_ylim()
    labels = [tick for tick in display.axes_["training"].get_yticks() if low <= tick <= high]
    assert 2 <= len(labels) <= 10


def test_names_of_networks():
    curves = [[3.0, 2.0], [2.0, 1.0], [4.0, 1.0]]
    without = LossCurveDisplay(loss_curve=curves, validation_loss_curve=curves, best_epoch=[1, 2, 2]).plot()
    assert len({line.get_color() for line in without.lines_["validation"]}) == 1
    assert [text.get_text() for text in without.ax_.get_legend().get_texts()] == ["best epoch"]
    named = LossCurveDisplay(loss_curve=curves, validation_loss_curve=curves, names=["a", "b", "a"]).plot()
    for kind in ("training", "validation"):
        first, second, third = (line.get_color() for line in named.lines_[kind])
        assert first == third != second
    assert [text.get_text() for text in named.ax_.get_legend().get_texts()] == ["a", "b"]
    mine = LossCurveDisplay(loss_curve=curves, names=["a", "b", "a"]).plot(line_kw={"label": "mine"})
    assert [text.get_text() for text in mine.ax_.get_legend().get_texts()] == ["mine"]
    with pytest.raises(ValueError, match="names must have one element for each of 3 networks, got \\['a'\\]"):
        LossCurveDisplay(loss_curve=curves, names=["a"]).plot()


def test_the_fall_of_the_first_epochs_does_not_decide_about_the_scale():
    curves = [[50.0, *np.linspace(2, 1, 20)], [40.0, *np.linspace(3, 1, 20)]]
    display = LossCurveDisplay(loss_curve=curves, validation_loss_curve=curves).plot()
    low, high = display.ax_.get_ylim()
    assert 0.5 < low < 1 and 2.9 < high < 3.2
    assert display.axes_["training"].get_ylim()[1] > 50
    single = LossCurveDisplay(loss_curve=curves[0], validation_loss_curve=curves[1]).plot()
    assert single.ax_.get_ylim()[1] > 50


def test_displays_of_one_network_say_what_to_pass():
    model = of_tables(2)
    with pytest.raises(
        TypeError, match="TabularMLPClassifier has several networks.* Pass an element of its estimators_"
    ):
        WeightsDisplay.from_estimator(model)
    names = model.encoder_.get_feature_names_out()
    display = WeightsDisplay.from_estimator(model.estimators_[0], feature_names=names)
    assert {text.get_text() for text in display.ax_.get_yticklabels()} <= set(names)
