"""Display of the losses of a fit, in the style of scikit-learn. Drawing imports matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np

from .._kernels.sklearn_internals import check_matplotlib_support
from .drawing import BLUE, GREEN, GREY, ORANGE, PINK, DrawableCurves, fitted_networks, last_step, stacked_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_PANELS = {
    "loss": 3.0,
    "training": 2.0,
    "scores": 2.0,
    "learning_rate": 1.3,
}  # from top to bottom, with relative heights
_Curves: TypeAlias = Sequence[float] | Sequence[Sequence[float] | None]
_COLORS_OF_NAMES = (BLUE, ORANGE, GREEN, PINK)
_MOST_WITH_BETWEEN = 300  # largest ratio of the limits of a logarithmic axis with labels between powers of ten
_LOG_FROM = 20  # from this ratio of the largest to the smallest value on, a logarithmic scale shows more


class LossCurveDisplay:
    """Losses of a fit, with validation scores, the best epoch, and the learning rate if it changes.

    Create it with :meth:`from_estimator`. The constructor takes the numbers directly: one curve of each kind, or a list
    with a curve for each of several networks, such as those of :class:`TabularMLPClassifier`. Several networks have
    thin lines, in one colour for each of their ``names``, a point at the best epoch of each network, and a panel of
    their own for training losses. The panel of validation losses then leaves out how they fall in the first tenth of
    the epochs.

    Parameters
    ----------
    loss_curve : sequence of float, or list of them
        Objective of each epoch.
    validation_loss_curve : sequence of float, or list of them, default=None
        Loss of the validation rows after each epoch.
    validation_scores : sequence of float, or list of them, default=None
        Score of each epoch, if it is not the negative validation loss.
    learning_rate_curve : sequence of float, or list of them, default=None
        Learning rate of the last update of each epoch.
    best_epoch : int, or list of int or None, default=None
        Epoch whose weights were kept, counted from 1.
    score_name : str, default="validation score"
        Label of the scores.
    unit : str, default="epoch"
        Label of the x axis: "epoch", or "iteration" for L-BFGS.
    names : sequence of str, default=None
        A name for each of several networks. Networks of one name share a colour, and the legend shows it.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    ax_ : matplotlib.axes.Axes
        Panel of the losses; of several networks that of the validation losses, if there are some.
    axes_ : dict of str to matplotlib.axes.Axes
        Panels from top to bottom: "loss", and "training", "scores" and "learning_rate" if they are drawn.
    lines_ : dict of str to matplotlib.lines.Line2D, or to a list of them
        Lines by name: "training", "validation", "scores", "learning_rate". Of several networks a list each.
    best_lines_ : list of matplotlib.lines.Line2D
        Mark of the best epoch in each panel; empty without a best epoch. Of several networks the points of all in the
        panels of losses and scores.

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
    lines_: dict[str, Any]  # Line2D, or a list of them for several networks
    best_lines_: list[Line2D]

    def __init__(
        self,
        *,
        loss_curve: _Curves,
        validation_loss_curve: _Curves | None = None,
        validation_scores: _Curves | None = None,
        learning_rate_curve: _Curves | None = None,
        best_epoch: int | Sequence[int | None] | None = None,
        score_name: str = "validation score",
        unit: str = "epoch",
        names: Sequence[str] | None = None,
    ) -> None:
        self.loss_curve = loss_curve
        self.validation_loss_curve = validation_loss_curve
        self.validation_scores = validation_scores
        self.learning_rate_curve = learning_rate_curve
        self.best_epoch = best_epoch
        self.score_name = score_name
        self.unit = unit
        self.names = names

    @classmethod
    def from_estimator(cls, estimator: DrawableCurves, *, ax: Axes | None = None, **options: Any) -> Self:
        """Draw the curves of a fitted estimator.

        Parameters
        ----------
        estimator : estimator of this package, or Pipeline that ends with one
            Fitted estimator. Of MLPClassifierCV and MLPRegressorCV, ``best_estimator_`` is drawn; of
            TabularMLPClassifier and TabularMLPRegressor all networks in ``estimators_``. After ``warm_start`` or
            ``partial_fit`` the curves include all calls.
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
        networks = fitted_networks(estimator)
        arguments = [_arguments(network) for network in networks]
        if len(networks) == 1:
            return cls(**arguments[0]).plot(ax=ax, **options)
        together = {name: [each[name] for each in arguments] for name in arguments[0]}
        for name, values in together.items():
            if name == "unit" or all(value is None for value in values):
                together[name] = values[0]
        with_scores = [each for each in arguments if each["validation_scores"] is not None]
        together["score_name"] = (with_scores or arguments)[0]["score_name"]
        return cls(**together, names=last_step(estimator).recipes_).plot(ax=ax, **options)

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
            Whether to draw the learning rate. "auto" draws it if it is not constant, and not of several networks.
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
            For ``learning_rate=True`` without a learning rate, as with L-BFGS; or if there are not as many ``names`` as
            networks.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        n_networks = len(_by_network(self.loss_curve))
        if self.names is not None and len(self.names) != n_networks:
            raise ValueError(f"names must have one element for each of {n_networks} networks, got {self.names!r}.")
        rates = _joined(self.learning_rate_curve)
        if learning_rate is True and not rates.size:
            raise ValueError(
                "learning_rate=True needs a learning_rate_curve, but there is none: L-BFGS has no learning rate. "
                'Use learning_rate="auto".'
            )
        if isinstance(learning_rate, str):
            learning_rate = np.unique(rates).size > 1 and not self._is_of_several
        panels = ["loss"]
        panels += ["training"] * (self._is_of_several and self.validation_loss_curve is not None)
        panels += ["scores"] * (self.validation_scores is not None)
        panels += ["learning_rate"] * bool(learning_rate)
        self.axes_ = dict(zip(panels, stacked_axes(ax, [_PANELS[name] for name in panels]), strict=True))
        self.ax_ = self.axes_["loss"]
        self.figure_ = self.ax_.figure
        curves = {
            "training": ("training" if "training" in panels else "loss", self.loss_curve, GREY, line_kw),
            "validation": ("loss", self.validation_loss_curve, ORANGE, validation_line_kw),
            "scores": ("scores", self.validation_scores, ORANGE, score_line_kw),
            "learning_rate": ("learning_rate", self.learning_rate_curve, BLUE, learning_rate_line_kw),
        }
        self.lines_ = {}
        for name, (panel, of_networks, color, given) in curves.items():
            if panel in self.axes_ and (lines := self._draw(panel, name, of_networks, {"color": color}, given)):
                self.lines_[name] = lines if self._is_of_several else lines[0]
        for name in panels[: 1 + ("training" in panels)]:
            _scale_losses(self.axes_[name], log_scale)
        if "training" in panels:
            _zoom_in(self.ax_, self.lines_["validation"])
        # an even decay to nearly zero is clearer on a linear scale
        if "learning_rate" in self.axes_ and rates.min() > 0 and _LOG_FROM * np.median(rates) < rates.max():
            self.axes_["learning_rate"].set_yscale("log")
        labels = {
            "loss": "loss",
            "training": "training\nloss",
            "scores": self.score_name.replace(" ", "\n", 1).replace("_", " "),
        }
        labels["learning_rate"] = "learning\nrate"
        if self._is_of_several:
            labels["loss"] = "validation\nloss" if "training" in panels else "training\nloss"
        self.best_lines_ = [] if self.best_epoch is None else self._mark_best_epochs(best_line_kw or {})
        for name, panel in self.axes_.items():
            panel.set_ylabel(labels[name])
            panel.spines[["top", "right"]].set_visible(False)
        last = panels[-1]
        self.axes_[last].set_xlabel(self.unit)
        for name in panels[:-1]:
            self.axes_[name].tick_params(labelbottom=False)
        self.figure_.align_ylabels(list(self.axes_.values()))
        if len(self.ax_.lines) > 1 and self.ax_.get_legend_handles_labels()[1]:
            self.ax_.legend(frameon=False)
        return self

    @property
    def _is_of_several(self):
        return _is_nested(self.loss_curve)

    def _epochs(self, network, values):
        """Return the epochs of a curve; validation may have begun after the first one, so curves end together."""
        last = len(_by_network(self.loss_curve)[network])
        return np.arange(last - len(values) + 1, last + 1)

    def _draw(self, panel, name, of_networks, style, given):
        """Return the lines of a kind of curve."""
        lines, shown, given = [], set(), given or {}
        for network, values in enumerate(_by_network(of_networks)):
            if values is None or not len(values):
                continue
            own = style | {"marker": "o" if len(values) == 1 else "", "linewidth": 1.6, "label": name}
            if self._is_of_several:  # panels tell the kinds of their curves apart
                own |= {"linewidth": 0.9, "label": None}
            if self._is_of_several and self.names is not None:
                own |= self._style_of_name(self.names[network], has_label=self.names[network] not in shown)
                shown.add(self.names[network])
            own |= given | ({"label": None} if lines and "label" in given else {})
            lines += self.axes_[panel].plot(self._epochs(network, values), values, **own)
        return lines

    def _style_of_name(self, name, has_label):
        """Return the style of the lines of networks of one name; the first line has the label of all of them."""
        place = list(dict.fromkeys(self.names)).index(name)
        return {"color": _COLORS_OF_NAMES[place % len(_COLORS_OF_NAMES)], "label": name if has_label else None}

    def _mark_best_epochs(self, given):
        """Return the marks: a vertical line in each panel, of several networks points on their curves."""
        if not self._is_of_several:
            style = {"color": GREEN, "linestyle": ":", "linewidth": 1.6, "zorder": 0}
            style |= {"label": f"best {self.unit} ({self.best_epoch})"} | given
            return [panel.axvline(self.best_epoch, **style) for panel in self.axes_.values()]
        color = GREEN if self.names is None else GREY
        style = {"color": color, "linestyle": "", "marker": "o", "markersize": 4, "zorder": 3}
        style |= {"label": f"best {self.unit}"} | given
        losses = self.loss_curve if self.validation_loss_curve is None else self.validation_loss_curve
        marks = []
        for panel, of_networks in (("loss", losses), ("scores", self.validation_scores)):
            points = []
            for network, values in enumerate(_by_network(of_networks)):
                best = self.best_epoch[network]
                if best is not None and values is not None:
                    points += [(best, values[best - self._epochs(network, values)[0]])]
            if points:
                marks += self.axes_[panel].plot(*zip(*points, strict=True), **style)
        return marks


def _arguments(fitted):
    """Return the arguments of the display for one network."""
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
    return {
        "loss_curve": fitted.loss_curve_,
        "validation_loss_curve": losses,
        "validation_scores": scores,
        "learning_rate_curve": fitted.learning_rate_curve_ or None,
        "best_epoch": n_epochs - fitted.n_iter_ + fitted.best_iter_ if fitted.best_iter_ else None,
        "score_name": f"validation {fitted.scoring}" if named else "validation score",
        "unit": "iteration" if not fitted.learning_rate_curve_ else "epoch",
    }


def _is_nested(curves):
    """Tell whether there is a list of curves, one for each network; some networks may have none of a kind."""
    return len(curves) > 0 and (curves[0] is None or np.ndim(curves[0]) > 0)


def _by_network(curves):
    """Return a list with the curve of each network."""
    if curves is None:
        return []
    return list(curves) if _is_nested(curves) else [curves]


def _joined(curves):
    """Return all numbers of curves."""
    return np.concatenate([[], *(values for values in _by_network(curves) if values is not None)]).astype(float)


def _scale_losses(ax, log_scale):
    """Make the axis of losses logarithmic if the user, or what is drawn, wants it."""
    losses = np.concatenate([line.get_ydata() for line in ax.lines]).astype(float)
    losses = losses[np.isfinite(losses)]
    if log_scale == "auto":
        log_scale = losses.size > 0 and losses.min() > 0 and losses.max() > _LOG_FROM * losses.min()
    if log_scale:
        _set_log_scale(ax)


def _zoom_in(ax, lines):
    """Set limits of the y axis that leave out how losses fall in the first tenth of the epochs."""
    late = np.concatenate([line.get_ydata()[len(line.get_ydata()) // 10 :] for line in lines]).astype(float)
    late = late[np.isfinite(late)]
    if late.size and late.min() < late.max():
        margin = 0.1 * (late.max() - late.min())
        low, high = ax.get_ylim()
        ax.set_ylim(max(low, late.min() - margin), min(high, late.max() + margin))


def _set_log_scale(ax):
    """Make the y axis logarithmic, with labels also between the powers of ten if there are few."""
    from matplotlib.ticker import LogLocator, NullFormatter

    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < _MOST_WITH_BETWEEN * low else (1,)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())
