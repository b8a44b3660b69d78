"""Display of a hyper-parameter search, in the style of scikit-learn. Drawing imports matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .._kernels.sklearn_internals import check_matplotlib_support
from .._kernels.typing import MaybeNone
from .drawing import ORANGE, PALE, check_axes
from .labels import figure_size, fits, label_categories
from .parallel import draw_parallel
from .scales import Scale, identity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

Kind: TypeAlias = Literal["curve", "heatmap", "scatter", "parallel"]

_MOST_NUMBERS = 150  # a heat map with at most so many cells shows the score in each cell
_ABSENT = "-"  # stands for a parameter that a candidate lacks, as in a search over several grids


class Search(Protocol):
    """A fitted search, of scikit-learn or in its style."""

    @property
    def cv_results_(self) -> Any: ...


class SearchResultsDisplay:
    """Scores of a search: a curve over one parameter, a heat map over two, parallel coordinates over more.

    Create it with :meth:`from_search` or :meth:`from_cv_results`. The constructor takes the numbers directly.

    Parameters
    ----------
    candidates : list of dict
        Parameters of each candidate.
    mean_scores, std_scores : ndarray of shape (n_candidates,)
        Mean and standard deviation of the test scores over the splits. NaN for failed fits; an infinite mean counts
        as one.
    score_name : str, default="score"
        Label of the scores.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    ax_ : matplotlib.axes.Axes
    params_ : list of str
        Full names of the parameters drawn.
    kind_ : {"curve", "heatmap", "scatter", "parallel"}
        Kind of the drawing.
    best_ : int
        Number of the candidate with the highest score, which is marked.
    image_ : matplotlib.image.AxesImage
        The heat map; None for other kinds.
    text_ : list of matplotlib.text.Text
        Numbers in the heat map.
    lines_ : list of matplotlib.lines.Line2D
        The curve, or in parallel coordinates one line per candidate, in the order of increasing score.

    See Also
    --------
    LossCurveDisplay : Losses of one fit.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skregopt import MLPClassifier, SearchResultsDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"alpha": [1e-4, 1e-2, 1.0], "hidden_layer_sizes": [4, 16]}
    >>> network = MLPClassifier(solver="lbfgs", max_iter=1000, random_state=0)
    >>> search = GridSearchCV(network, grid, cv=3).fit(X, y)
    >>> SearchResultsDisplay.from_search(search).kind_
    'heatmap'
    """

    mean_scores: ArrayLike
    std_scores: ArrayLike
    figure_: Figure
    ax_: Axes
    params_: list[str]
    kind_: Kind
    best_: int
    image_: AxesImage | MaybeNone
    text_: list[Text]
    lines_: list[Line2D]

    def __init__(
        self,
        *,
        candidates: Sequence[Mapping[str, Any]],
        mean_scores: ArrayLike,
        std_scores: ArrayLike,
        score_name: str = "score",
    ) -> None:
        self.candidates = candidates
        self.mean_scores = mean_scores
        self.std_scores = std_scores
        self.score_name = score_name

    @classmethod
    def from_search(cls, search: Search, *, metric: str | None = None, ax: Axes | None = None, **options: Any) -> Self:
        """Draw the results of a fitted search.

        Parameters
        ----------
        search : GridSearchCV, RandomizedSearchCV, or any other with ``cv_results_``
            Fitted search.
        metric : str, default=None
            Name of the score, for a search with several scores. None uses the score of ``refit``.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into. None makes a new figure.
        **options
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : SearchResultsDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the search is not fitted.
        TypeError
            If ``search`` is not a search.
        ValueError
            See :meth:`from_cv_results` and :meth:`plot`.
        """
        check_matplotlib_support(f"{cls.__name__}.from_search")
        if not hasattr(search, "cv_results_"):
            if isinstance(search, BaseEstimator) and hasattr(search, "estimator"):
                check_is_fitted(search)
            raise TypeError(
                f"search must be a search with cv_results_, such as a fitted GridSearchCV, got {search!r}. Use "
                "LossCurveDisplay for a single fit, and RegularizationPathDisplay for MLPClassifierCV and "
                "MLPRegressorCV."
            )
        refit, scoring = getattr(search, "refit", None), getattr(search, "scoring", None)
        if metric is None and isinstance(refit, str) and f"mean_test_{refit}" in search.cv_results_:
            metric = refit
        if isinstance(scoring, str) and metric is None:
            options = {"score_name": scoring} | options
        return cls.from_cv_results(search.cv_results_, metric=metric, ax=ax, **options)

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any],
        *,
        metric: str | None = None,
        score_name: str | None = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw the results of a search.

        Parameters
        ----------
        cv_results : dict
            Results, for example ``cv_results_``. Of successive halving the last iteration of each candidate counts.
        metric : str, default=None
            Name of the score, if there are several scores.
        score_name : str, default=None
            Label of the scores. None uses ``metric``.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into. None makes a new figure.
        **options
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : SearchResultsDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            For an unknown metric, or if there are several scores and ``metric`` is None. See also :meth:`plot`.
        """
        check_matplotlib_support(f"{cls.__name__}.from_cv_results")
        metrics = [name.removeprefix("mean_test_") for name in cv_results if name.startswith("mean_test_")]
        if metric is None and metrics == ["score"]:
            metric = "score"
        if metric not in metrics:
            raise ValueError(f"metric must be one of the scores of the search, {metrics}, got {metric!r}.")
        candidates = cv_results["params"]
        rows = np.arange(len(candidates))
        if "iter" in cv_results:  # a candidate has one row for each iteration that it survives
            last = {repr(sorted(params.items())): row for row, params in enumerate(candidates)}
            rows = np.array(sorted(last.values()))
        return cls(
            candidates=[candidates[row] for row in rows],
            mean_scores=np.asarray(cv_results[f"mean_test_{metric}"], dtype=float)[rows],
            std_scores=np.asarray(cv_results[f"std_test_{metric}"], dtype=float)[rows],
            score_name=metric if score_name is None else score_name,
        ).plot(ax=ax, **options)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        params: Sequence[str] | None = None,
        kind: Literal["auto"] | Kind = "auto",
        cmap: str | Colormap = "viridis",
        values_format: str = ".3f",
        line_kw: dict[str, Any] | None = None,
        im_kw: dict[str, Any] | None = None,
        text_kw: dict[str, Any] | None = None,
        scatter_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the scores over the parameters that vary.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into. None makes a new figure, of at most 10 by 7 inches. Labels that do not fit are broken
            into lines, set upright, shortened in their middle, or left out.
        params : list of str, default=None
            Parameters to draw, in this order. The last part of a name suffices: ``alpha`` for
            ``mlpclassifier__alpha``. None draws all parameters that vary. If several candidates agree in these
            parameters, a heat map and a curve show the best of them.
        kind : {"auto", "curve", "heatmap", "scatter", "parallel"}, default="auto"
            "auto" draws a curve for one parameter and parallel coordinates for three or more. For two parameters it
            draws a heat map if the search tried at least half of the cells, otherwise points.
        cmap : str or matplotlib.colors.Colormap, default="viridis"
            Colours of the scores.
        values_format : str, default=".3f"
            Format of the numbers in a heat map. A heat map of more than 150 cells, or of cells too small for them, has
            no numbers.
        line_kw, im_kw, text_kw, scatter_kw : dict, default=None
            Arguments of matplotlib for the lines, the image, the numbers in it, and the points.

        Returns
        -------
        display : SearchResultsDisplay
            This object.

        Raises
        ------
        TypeError
            If ``ax`` is neither an Axes nor None.
        ValueError
            If a parameter was not searched, no parameter varies, no candidate has a finite score, or ``kind`` does not
            fit the number of parameters.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        check_axes(ax)
        self.mean_scores = np.asarray(self.mean_scores, dtype=float)
        self.mean_scores = np.where(np.isfinite(self.mean_scores), self.mean_scores, np.nan)  # all count as failed
        self.std_scores = np.asarray(self.std_scores, dtype=float)
        if not np.any(np.isfinite(self.mean_scores)):
            raise ValueError("No candidate has a finite score: all fits of the search failed.")
        self.params_ = self._chosen(params)
        scales = [Scale([candidate.get(name, _ABSENT) for candidate in self.candidates]) for name in self.params_]
        self.kind_ = self._checked_kind(kind, scales)
        self.best_ = int(np.nanargmax(self.mean_scores))
        self.image_, self.text_, self.lines_ = None, [], []
        names = _short(self.params_)
        if ax is None:
            _, ax = plt.subplots(figsize=_figure_size(self.kind_, scales), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        if self.kind_ == "curve":
            self._plot_curve(names, *scales, line_kw or {})
        elif self.kind_ == "heatmap":
            self._plot_heatmap(names, *scales, cmap, values_format, im_kw or {}, text_kw or {})
        elif self.kind_ == "scatter":
            self._plot_scatter(names, *scales, cmap, scatter_kw or {})
        else:
            self.lines_ = draw_parallel(
                ax, names, scales, self.mean_scores, self.score_name, self.best_, cmap, line_kw or {}
            )
        return self

    def _chosen(self, params):
        searched = list(dict.fromkeys(name for candidate in self.candidates for name in candidate))
        if params is None:
            varying = [
                name
                for name in searched
                if len({identity(candidate.get(name, _ABSENT)) for candidate in self.candidates}) > 1
            ]
            if not varying:
                raise ValueError("No parameter varies: all candidates of the search have the same parameters.")
            return varying
        chosen = []
        for given in [params] if isinstance(params, str) else params:
            found = [name for name in searched if name == given or name.endswith(f"__{given}")]
            if len(found) != 1:
                problem = "stands for several" if found else "is none"
                raise ValueError(f"params: {given!r} {problem} of the parameters of the search, {searched}.")
            chosen += found
        if not chosen:
            raise ValueError(f"params must name at least one of the parameters of the search, {searched}.")
        return chosen

    def _checked_kind(self, kind, scales):
        n_params = {"curve": 1, "heatmap": 2, "scatter": 2, "parallel": len(scales)}
        if kind == "auto":
            if len(scales) != 2:
                return "curve" if len(scales) == 1 else "parallel"
            cells = set(zip(*(scale.codes for scale in scales), strict=True))
            return "heatmap" if 2 * len(cells) >= len(scales[0].labels) * len(scales[1].labels) else "scatter"
        if kind not in n_params:
            raise ValueError(f"kind must be one of 'auto', {', '.join(map(repr, n_params))}, got {kind!r}.")
        if len(scales) != n_params[kind]:
            raise ValueError(
                f"kind={kind!r} draws {n_params[kind]} parameter(s), not {len(scales)}. Choose parameters with params, "
                'or use kind="auto".'
            )
        return kind

    def _plot_curve(self, names, scale, line_kw):
        best = [np.flatnonzero(scale.codes == code) for code in range(len(scale.labels))]
        best = [rows[np.argmax(np.nan_to_num(self.mean_scores[rows], nan=-np.inf))] for rows in best]
        x, means, stds = scale.places[best], self.mean_scores[best], self.std_scores[best]
        style = {"marker": "o", "color": "#0072B2", "linewidth": 1.6, "label": "mean"} | line_kw
        if scale.is_numeric:
            self.ax_.fill_between(
                x,
                means - stds,
                means + stds,
                color=style["color"],
                alpha=0.18,
                linewidth=0,
                label="one s.d. of the splits",
            )
        else:
            self.ax_.errorbar(
                x, means, stds, fmt="none", ecolor=style["color"], capsize=3, label="one s.d. of the splits"
            )
            style = {"linestyle": ""} | style
        self.lines_ = self.ax_.plot(x, means, **style)
        place, score = scale.places[self.best_], self.mean_scores[self.best_]
        self.ax_.plot([place], [score], "o", color=ORANGE, markersize=8, zorder=3, label="best")
        self.ax_.set(xlabel=names[0], ylabel=self.score_name)
        self.ax_.spines[["top", "right"]].set_visible(False)
        self.ax_.legend(frameon=False)
        label_categories(self.ax_, scale.prepare(self.ax_, "x"))

    def _plot_heatmap(self, names, x, y, cmap, values_format, im_kw, text_kw):
        import matplotlib.pyplot as plt
        from matplotlib.patches import Rectangle

        table = np.full((len(y.labels), len(x.labels)), np.nan)
        for row, column, score in zip(y.codes, x.codes, self.mean_scores, strict=True):
            table[row, column] = np.fmax(table[row, column], score)
        colours = plt.get_cmap(cmap).with_extremes(bad=PALE)
        style = {"cmap": colours, "origin": "lower", "aspect": "auto"} | im_kw
        self.image_ = self.ax_.imshow(np.ma.masked_invalid(table), **style)
        self.ax_.tick_params(length=0)
        self.ax_.spines[:].set_visible(False)
        self.ax_.set(xlabel=names[0], ylabel=names[1])
        self.figure_.colorbar(self.image_, ax=self.ax_, label=self.score_name).outline.set(visible=False)
        label_categories(self.ax_, x.labels, y.labels)
        numbers = [format(score, values_format) for score in table[np.isfinite(table)]]
        if table.size <= _MOST_NUMBERS and fits(self.ax_, numbers, text_kw.get("fontsize", "small")):
            for (row, column), score in np.ndenumerate(table):
                red, green, blue, _ = self.image_.cmap(self.image_.norm(score)) if np.isfinite(score) else (1, 1, 1, 1)
                dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
                style = {"ha": "center", "va": "center", "fontsize": "small", "color": "white" if dark else "black"}
                number = format(score, values_format) if np.isfinite(score) else ""
                self.text_.append(self.ax_.text(column, row, number, **(style | text_kw)))
        corner = (x.codes[self.best_] - 0.5, y.codes[self.best_] - 0.5)
        self.ax_.add_patch(
            Rectangle(corner, 1, 1, fill=False, edgecolor=ORANGE, linewidth=2.5, clip_on=False, zorder=3)
        )

    def _plot_scatter(self, names, x, y, cmap, scatter_kw):
        scored = np.isfinite(self.mean_scores)
        self.ax_.scatter(x.places[~scored], y.places[~scored], marker="x", color=PALE)
        style = {"c": self.mean_scores[scored], "cmap": cmap, "s": 45, "edgecolors": "white", "linewidths": 0.6}
        points = self.ax_.scatter(x.places[scored], y.places[scored], **(style | scatter_kw))
        self.ax_.scatter(
            x.places[self.best_], y.places[self.best_], s=150, facecolors="none", edgecolors=ORANGE, linewidths=2
        )
        self.ax_.set(xlabel=names[0], ylabel=names[1])
        self.ax_.spines[["top", "right"]].set_visible(False)
        self.figure_.colorbar(points, ax=self.ax_, label=self.score_name).outline.set(visible=False)
        label_categories(self.ax_, x.prepare(self.ax_, "x"), y.prepare(self.ax_, "y"))


def _figure_size(kind, scales):
    """Return the size of a new figure: as large as its labels need, at most a page."""
    n_labels = [len(scale.labels) for scale in scales]
    if kind == "heatmap":
        return figure_size(2.4 + 0.5 * n_labels[0], 1.4 + 0.25 * n_labels[1])
    if kind == "parallel":
        return figure_size(1.3 * (len(scales) + 1), 0.8 + 0.25 * max(len(scale.ticks()[1]) for scale in scales))
    return figure_size(0, 0)


def _short(names):
    """Return the shortest ends of the names that are still distinct."""
    for n_parts in range(1, 10):
        short = ["__".join(name.split("__")[-n_parts:]) for name in names]
        if len(set(short)) == len(names):
            return short
    return names
