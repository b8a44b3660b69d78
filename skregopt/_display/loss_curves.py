"""Display of the losses of a fit, in the style of scikit-learn. Drawing imports matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from .._kernels.sklearn_internals import check_matplotlib_support
from .drawing import BLUE, GREEN, GREY, ORANGE, Drawable, fitted_mlp, stacked_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_PANELS = {"loss": 3.0, "scores": 2.0, "learning_rate": 1.3}  # from top to bottom, with relative heights
_LOG_FROM = 20  # from this ratio of the largest to the smallest value on, a logarithmic scale shows more


class LossCurveDisplay:
    """Losses of a fit, with validation scores, the best epoch, and the learning rate if it changes.

    Create it with :meth:`from_estimator`. The constructor takes the numbers directly.

    Parameters
    ----------
    loss_curve : sequence of float
        Objective of each epoch.
    validation_loss_curve : sequence of float, default=None
        Loss of the validation rows after each epoch.
    validation_scores : sequence of float, default=None
        Score of each epoch, if it is not the negative validation loss.
    learning_rate_curve : sequence of float, default=None
        Learning rate at the end of each epoch.
    best_epoch : int, default=None
        Epoch whose weights were kept, counted from 1.
    score_name : str, default="validation score"
        Label of the scores.
    unit : str, default="epoch"
        Label of the x axis: "epoch", or "iteration" for L-BFGS.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    ax_ : matplotlib.axes.Axes
        Panel of the losses.
    axes_ : dict of str to matplotlib.axes.Axes
        Panels from top to bottom: "loss", and "scores" and "learning_rate" if they are drawn.
    lines_ : dict of str to matplotlib.lines.Line2D
        Lines by name: "training", "validation", "scores", "learning_rate".
    best_lines_ : list of matplotlib.lines.Line2D
        Mark of the best epoch in each panel; empty without a best epoch.

    See Also
    --------
    WeightsDisplay : Weights of the first layer.
    SearchResultsDisplay : Scores of a hyper-parameter search.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skregopt import LossCurveDisplay, MLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPClassifier(early_stopping=True, max_iter=500, random_state=0).fit(X / 16, y)
    >>> display = LossCurveDisplay.from_estimator(clf)
    >>> sorted(display.lines_)
    ['training', 'validation']
    """

    figure_: Figure
    ax_: Axes
    axes_: dict[str, Axes]
    lines_: dict[str, Line2D]
    best_lines_: list[Line2D]

    def __init__(
        self,
        *,
        loss_curve: Sequence[float],
        validation_loss_curve: Sequence[float] | None = None,
        validation_scores: Sequence[float] | None = None,
        learning_rate_curve: Sequence[float] | None = None,
        best_epoch: int | None = None,
        score_name: str = "validation score",
        unit: str = "epoch",
    ) -> None:
        self.loss_curve = loss_curve
        self.validation_loss_curve = validation_loss_curve
        self.validation_scores = validation_scores
        self.learning_rate_curve = learning_rate_curve
        self.best_epoch = best_epoch
        self.score_name = score_name
        self.unit = unit

    @classmethod
    def from_estimator(cls, estimator: Drawable, *, ax: Axes | None = None, **options: Any) -> Self:
        """Draw the curves of a fitted estimator.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor, MLPClassifierCV, MLPRegressorCV, or Pipeline that ends with one
            Fitted estimator. Of MLPClassifierCV and MLPRegressorCV, ``best_estimator_`` is drawn. After
            ``warm_start`` or ``partial_fit`` the curves include all calls.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into, see :meth:`plot`.
        **options
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : LossCurveDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            For any other estimator.
        ValueError
            If the estimator has no curve, because its training was interrupted in the first epoch.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        fitted = fitted_mlp(estimator)
        if not fitted.loss_curve_:
            raise ValueError(
                f"{type(fitted).__name__} has no loss curve: the user interrupted its training before the first epoch "
                "was complete. Fit it again."
            )
        losses, scores = fitted.validation_loss_curve_, fitted.validation_scores_
        n_epochs = len(fitted.loss_curve_)
        # with scoring="loss" the scores are the negative validation losses
        if scores is not None and losses and np.array_equal(-np.array(scores), losses[-len(scores) :], equal_nan=True):
            scores = None
        named = isinstance(fitted.scoring, str) and fitted.scoring != "loss"
        return cls(
            loss_curve=fitted.loss_curve_,
            validation_loss_curve=losses,
            validation_scores=scores,
            learning_rate_curve=fitted.learning_rate_curve_ or None,
            best_epoch=n_epochs - fitted.n_iter_ + fitted.best_iter_ if fitted.best_iter_ else None,
            score_name=f"validation {fitted.scoring}" if named else "validation score",
            unit="iteration" if not fitted.learning_rate_curve_ else "epoch",
        ).plot(ax=ax, **options)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        log_scale: bool | Literal["auto"] = "auto",
        learning_rate: bool | Literal["auto"] = "auto",
        line_kw: dict[str, Any] | None = None,
        validation_line_kw: dict[str, Any] | None = None,
        score_line_kw: dict[str, Any] | None = None,
        learning_rate_line_kw: dict[str, Any] | None = None,
        best_line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes for the losses. Further panels take the lower part of its area. None makes a new figure.
        log_scale : bool or "auto", default="auto"
            Whether the losses have a logarithmic axis. "auto" uses one if the losses are positive and span more than a
            factor of 20.
        learning_rate : bool or "auto", default="auto"
            Whether to draw the learning rate. "auto" draws it if it is not constant.
        line_kw, validation_line_kw, score_line_kw, learning_rate_line_kw, best_line_kw : dict, default=None
            Arguments of matplotlib for the training loss, the validation loss, the scores, the learning rate, and the
            mark of the best epoch.

        Returns
        -------
        display : LossCurveDisplay
            This object.

        Raises
        ------
        TypeError
            If ``ax`` is neither an Axes nor None.
        ValueError
            For ``learning_rate=True`` without a learning rate, as with L-BFGS.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        rates = self.learning_rate_curve
        changes = rates is not None and len(set(rates)) > 1
        if learning_rate is True and rates is None:
            raise ValueError(
                "learning_rate=True needs a learning_rate_curve, but there is none: L-BFGS has no learning rate. "
                'Use learning_rate="auto".'
            )
        panels = ["loss"]
        panels += ["scores"] * (self.validation_scores is not None)
        panels += ["learning_rate"] * (changes if isinstance(learning_rate, str) else bool(learning_rate))
        self.axes_ = dict(zip(panels, stacked_axes(ax, [_PANELS[name] for name in panels]), strict=True))
        self.ax_ = self.axes_["loss"]
        self.figure_ = self.ax_.figure
        curves = {
            "training": ("loss", self.loss_curve, {"color": GREY}, line_kw),
            "validation": ("loss", self.validation_loss_curve, {"color": ORANGE}, validation_line_kw),
            "scores": ("scores", self.validation_scores, {"color": ORANGE}, score_line_kw),
            "learning_rate": ("learning_rate", rates, {"color": BLUE}, learning_rate_line_kw),
        }
        self.lines_, self.best_lines_ = {}, []
        for name, (panel, values, style, given) in curves.items():
            if panel in self.axes_ and values is not None and len(values):
                style |= {"marker": "o" if len(values) == 1 else "", "linewidth": 1.6, "label": name}
                # validation may have begun after the first epoch: align the curves at their ends
                first = len(self.loss_curve) - len(values) + 1
                epochs = np.arange(first, first + len(values))
                (self.lines_[name],) = self.axes_[panel].plot(epochs, values, **(style | (given or {})))
        losses = [curve for curve in (self.loss_curve, self.validation_loss_curve) if curve is not None]
        losses = np.concatenate(losses).astype(float)
        losses = losses[np.isfinite(losses)]
        if log_scale == "auto":
            log_scale = losses.size > 0 and losses.min() > 0 and losses.max() > _LOG_FROM * losses.min()
        if log_scale:
            _set_log_scale(self.ax_)
        # an even decay to nearly zero is clearer on a linear scale
        if "learning_rate" in self.axes_ and min(rates) > 0 and _LOG_FROM * np.median(rates) < max(rates):
            self.axes_["learning_rate"].set_yscale("log")
        labels = {"loss": "loss", "scores": self.score_name.replace(" ", "\n", 1).replace("_", " ")}
        labels["learning_rate"] = "learning\nrate"
        for name, panel in self.axes_.items():
            panel.set_ylabel(labels[name])
            panel.spines[["top", "right"]].set_visible(False)
            if self.best_epoch is not None:
                style = {"color": GREEN, "linestyle": ":", "linewidth": 1.6, "zorder": 0}
                style |= {"label": f"best {self.unit} ({self.best_epoch})"} | (best_line_kw or {})
                self.best_lines_.append(panel.axvline(self.best_epoch, **style))
        last = panels[-1]
        self.axes_[last].set_xlabel(self.unit)
        for name in panels[:-1]:
            self.axes_[name].tick_params(labelbottom=False)
        self.figure_.align_ylabels(list(self.axes_.values()))
        if len(self.ax_.lines) > 1:
            self.ax_.legend(frameon=False)
        return self


def _set_log_scale(ax):
    """Make the y axis logarithmic, with labels also between the powers of ten."""
    from matplotlib.ticker import LogLocator, NullFormatter

    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())
