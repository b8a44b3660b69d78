"""Shared parts of the displays: the fitted MLP that is drawn, colours, checks of ``ax``, and stacked axes."""

from __future__ import annotations

from typing import Any, TypeAlias

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._estimators.base import BaseMLP
from .._tabular.base import BaseTabularMLP
from ..model_selection._cross_validation import BaseMLPCV

# what has weights and curves to draw
Drawable: TypeAlias = BaseMLP | BaseMLPCV[Any] | Pipeline
DrawableCurves: TypeAlias = Drawable | BaseTabularMLP

# distinct also for colour-blind readers: M. Okabe and K. Ito, "Color universal design", 2002
BLUE, ORANGE, GREEN, PINK, GREY, PALE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#555555", "#c9c9c9"


def last_step(estimator):
    """Return the last step of a pipeline, also of one that ends with a pipeline; any other estimator itself."""
    while isinstance(estimator, Pipeline):
        estimator = estimator[-1]
    return estimator


def fitted_mlp(estimator):
    """Return the fitted MLP: of a pipeline its last step, of a cross-validated estimator ``best_estimator_``."""
    fitted = last_step(estimator)
    if isinstance(fitted, BaseTabularMLP):
        raise TypeError(
            f"{type(fitted).__name__} has several networks, and this display draws one of them. Pass an element of its "
            "estimators_, and encoder_.get_feature_names_out() as names of the features."
        )
    if not isinstance(fitted, BaseMLP | BaseMLPCV):
        raise TypeError(
            "estimator must be an MLPClassifier, MLPRegressor, MLPClassifierCV or MLPRegressorCV, or a Pipeline that "
            f"ends with one, got {estimator!r}. If it is a search, pass its best_estimator_."
        )
    check_is_fitted(fitted)
    return fitted.best_estimator_ if isinstance(fitted, BaseMLPCV) else fitted


def fitted_networks(estimator):
    """Return the fitted networks of an estimator: all of an estimator for tables, otherwise one."""
    fitted = last_step(estimator)
    if not isinstance(fitted, BaseTabularMLP):
        return [fitted_mlp(estimator)]
    check_is_fitted(fitted)
    return fitted.estimators_


def input_names(estimator):
    """Return the names of the features that a fitted network sees, or None.

    Those of a frame that it was fitted on; in a pipeline those that the steps before it give out.
    """
    own = getattr(last_step(estimator), "feature_names_in_", None)
    if own is not None or not isinstance(estimator, Pipeline):
        return own
    names = None  # of the columns that the next step sees
    while isinstance(estimator, Pipeline):
        try:
            names = estimator[:-1].get_feature_names_out(names) if len(estimator) > 1 else names
        except (AttributeError, ValueError):  # a transformer without names, or one that other names do not fit
            return None
        estimator = estimator[-1]
    return names if names is not None and len(names) == estimator.n_features_in_ else None


def check_axes(ax):
    """Raise TypeError unless ``ax`` is an Axes of matplotlib or None."""
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes | None):
        raise TypeError(f"ax must be an Axes of matplotlib, or None for a new figure, got {ax!r}.")


def stacked_axes(ax, heights, width=6.4):
    """Return axes in one column with a common x axis.

    Parameters
    ----------
    ax : matplotlib Axes or None
        Axes to divide; ``ax`` becomes the top one. None makes a new figure.
    heights : sequence of float
        Heights from top to bottom: relative within ``ax``, about inches in a new figure.
    width : float, default=6.4
        Width of a new figure, in inches.

    Returns
    -------
    list of matplotlib Axes
        From top to bottom.

    Raises
    ------
    TypeError
        If ``ax`` is neither an Axes nor None.
    """
    import matplotlib.pyplot as plt
    from matplotlib.gridspec import GridSpec, GridSpecFromSubplotSpec

    check_axes(ax)
    n = len(heights)
    if ax is None:
        _, axes = plt.subplots(
            n, 1, sharex=True, squeeze=False, height_ratios=heights, figsize=(width, 2.4 + 0.6 * sum(heights)),
            layout="constrained",
        )  # fmt: skip
        return list(axes[:, 0])
    if n == 1:
        return [ax]
    spec, figure, options = ax.get_subplotspec(), ax.figure, {"height_ratios": heights, "hspace": 0.12}
    if spec is not None:
        grid = GridSpecFromSubplotSpec(n, 1, spec, **options)
    else:
        box = ax.get_position()
        grid = GridSpec(n, 1, figure, left=box.x0, right=box.x1, bottom=box.y0, top=box.y1, **options)
    ax.set_subplotspec(grid[0])
    return [ax, *(figure.add_subplot(grid[i], sharex=ax) for i in range(1, n))]
