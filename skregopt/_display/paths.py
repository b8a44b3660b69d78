"""Display of a regularisation path, in the style of scikit-learn. Drawing imports matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._estimators.base import BaseMLP
from .._estimators.embedded import fitted_embedding
from .._kernels.sklearn_internals import check_matplotlib_support
from .._kernels.typing import FeatureNames, Ints, MatrixLike
from ..model_selection._cross_validation import BaseMLPCV
from ..model_selection._path import regularization_path
from ..model_selection._path_result import RegularizationPath
from .drawing import BLUE, GREY, ORANGE, PALE, input_names, last_step, stacked_axes
from .labels import feature_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#7E4794",
    "#A6761D",
    "#666666",
    "#1B6B3A",
)
_HEIGHTS = {"features": 3.0, "scores": 1.5, "sparsity": 1.1}  # from top to bottom


class RegularizationPathDisplay:
    """Features, scores and sparsity along a regularisation path, on a logarithmic axis of alpha.

    Create it with :meth:`from_path` or :meth:`from_estimator`. The constructor takes the numbers directly.

    Parameters
    ----------
    alphas : ndarray of shape (n_alphas,)
        Strengths of the penalty, in any order.
    values : ndarray of shape (n_alphas, n_features)
        Weight or importance of each feature.
    sparsity : ndarray of shape (n_alphas,)
        Share of weights that are zero.
    value_name : str, default="weight"
        Label of ``values``.
    feature_names : sequence of str of length n_features, default=None
        Names of the features. None numbers them.
    train_scores, val_scores : ndarray of shape (n_alphas,), default=None
        Scores on the training rows and on the validation rows.
    val_errors : ndarray of shape (n_alphas,), default=None
        Standard errors of ``val_scores``.
    alpha : float, default=None
        Chosen alpha, which is marked.
    score_name : str, default="score"
        Label of the scores.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    ax_ : matplotlib.axes.Axes
        Panel of the features.
    axes_ : dict of str to matplotlib.axes.Axes
        Panels from top to bottom: "features", "scores" if there are any, "sparsity".
    lines_ : dict of str or int to matplotlib.lines.Line2D
        Lines by the number of a feature, and by "training", "validation", "sparsity".
    features_ : ndarray of int
        Features with a colour and a name. The feature that is dropped last comes first.

    See Also
    --------
    skregopt.model_selection.regularization_path : Computes a path.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skregopt import MLPRegressor, RegularizationPathDisplay
    >>> from skregopt.model_selection import regularization_path
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> X /= X.std()
    >>> linear = MLPRegressor((), penalty="l1", solver="gd", learning_rate_init=0.2, max_iter=5000)
    >>> path = regularization_path(linear, X, y, n_alphas=20)
    >>> display = RegularizationPathDisplay.from_path(path)
    >>> X.columns[display.features_[:2]].tolist()
    ['s5', 'bmi']
    """

    figure_: Figure
    ax_: Axes
    axes_: dict[str, Axes]
    lines_: dict[str | int | np.intp, Line2D]
    features_: Ints

    def __init__(
        self,
        *,
        alphas: ArrayLike,
        values: ArrayLike,
        sparsity: ArrayLike,
        value_name: str = "weight",
        feature_names: FeatureNames | None = None,
        train_scores: ArrayLike | None = None,
        val_scores: ArrayLike | None = None,
        val_errors: ArrayLike | None = None,
        alpha: float | None = None,
        score_name: str = "score",
    ) -> None:
        self.alphas = alphas
        self.values = values
        self.sparsity = sparsity
        self.value_name = value_name
        self.feature_names = feature_names
        self.train_scores = train_scores
        self.val_scores = val_scores
        self.val_errors = val_errors
        self.alpha = alpha
        self.score_name = score_name

    @classmethod
    def from_path(
        cls,
        path: RegularizationPath[Any],
        *,
        feature_names: FeatureNames | None = None,
        score_name: str = "score",
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw a path.

        Parameters
        ----------
        path : RegularizationPath
            Path to draw. For networks with one output, no hidden layer and no embedding the weights are drawn,
            otherwise the importances of the features. Importances sum to 1 for each alpha, so they grow when other
            features are dropped.
        feature_names : sequence of str of length n_features, default=None
            Names of the features. None uses ``feature_names_in_`` if the path has it.
        score_name : str, default="score"
            Label of the scores.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into, see :meth:`plot`.
        **options
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : RegularizationPathDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If ``path`` is not a RegularizationPath.
        ValueError
            For a wrong number of names.
        """
        check_matplotlib_support(f"{cls.__name__}.from_path")
        if not isinstance(path, RegularizationPath):
            raise TypeError(f"path must be what regularization_path returns, got {path!r}.")
        return cls(
            **_numbers(path, feature_names),
            train_scores=path.train_scores_,
            val_scores=path.val_scores_,
            score_name=score_name,
        ).plot(ax=ax, **options)

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseMLP | BaseMLPCV[Any] | Pipeline,
        X: MatrixLike | None = None,
        y: MatrixLike | None = None,
        *,
        feature_names: FeatureNames | None = None,
        score_name: str | None = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw the path of an estimator.

        Parameters
        ----------
        estimator : MLPClassifierCV, MLPRegressorCV, MLPClassifier, MLPRegressor, or Pipeline
            Of a fitted MLPClassifierCV or MLPRegressorCV, or a Pipeline that ends with one, the path and its scores are
            drawn. For MLPClassifier and MLPRegressor the path is computed from X and y.
        X, y : array-like, default=None
            Training rows, only for MLPClassifier and MLPRegressor.
        feature_names : sequence of str of length n_features, default=None
            Names of the features. None uses ``feature_names_in_`` if the estimator has it, and in a Pipeline the names
            that the steps before it give out.
        score_name : str, default=None
            Label of the scores. None uses the name of the scorer, if it has one.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into, see :meth:`plot`.
        **options
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : RegularizationPathDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If an MLPClassifierCV or MLPRegressorCV is not fitted.
        ValueError
            If X and y are missing, or given although they have no effect.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        fitted = last_step(estimator)
        if not isinstance(fitted, BaseMLPCV):
            if X is None or y is None:
                raise ValueError(
                    f"X and y are missing: the path of {type(estimator).__name__} is computed from them. Pass both, or "
                    "pass a fitted MLPClassifierCV or MLPRegressorCV."
                )
            path = regularization_path(estimator, X, y)
            return cls.from_path(path, feature_names=feature_names, score_name=score_name or "score", ax=ax, **options)
        check_is_fitted(fitted)
        if X is not None or y is not None:
            raise ValueError(f"X and y have no effect: a fitted {type(fitted).__name__} has its path. Leave them out.")
        names = input_names(estimator) if feature_names is None else feature_names
        scores, scoring = fitted.cv_scores_, fitted.scoring
        if score_name is None:
            score_name = scoring.replace("_", " ") if isinstance(scoring, str) else "score"
        errors = scores.std(axis=0, ddof=1) / np.sqrt(len(scores)) if len(scores) > 1 else None
        return cls(
            **_numbers(fitted.path_, names),
            val_scores=fitted.mean_cv_scores_,
            val_errors=errors,
            alpha=fitted.alpha_,
            score_name=score_name,
        ).plot(ax=ax, **options)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        max_features: int = 8,
        line_kw: dict[str, Any] | None = None,
        score_line_kw: dict[str, Any] | None = None,
        alpha_line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the path.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes for the features. The other panels take the lower part of its area. None makes a new figure.
        max_features : int >= 0, default=8
            Number of features with a colour and a name: the features that are dropped last. The others are grey.
        line_kw, score_line_kw, alpha_line_kw : dict, default=None
            Arguments of matplotlib for the features, for scores and sparsity, and for the mark of the chosen alpha.

        Returns
        -------
        display : RegularizationPathDisplay
            This object.

        Raises
        ------
        TypeError
            If ``ax`` is neither an Axes nor None.
        ValueError
            If ``max_features`` is negative.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        if max_features < 0:
            raise ValueError(f"max_features must be at least 0, got {max_features!r}.")
        order = np.argsort(self.alphas)
        alphas = np.asarray(self.alphas)[order]
        has_scores = self.train_scores is not None or self.val_scores is not None
        names = [name for name in _HEIGHTS if name != "scores" or has_scores]
        self.axes_ = dict(zip(names, stacked_axes(ax, [_HEIGHTS[name] for name in names], width=7.0), strict=True))
        self.ax_ = self.axes_["features"]
        self.figure_ = self.ax_.figure
        self.lines_ = {}
        self._plot_features(alphas, np.asarray(self.values)[order], max_features, line_kw or {})
        self._plot_scores(alphas, order, score_line_kw or {})
        for name, panel in self.axes_.items():
            panel.set_xscale("log")
            panel.spines[["top", "right"]].set_visible(False)
            panel.tick_params(labelbottom=name == names[-1], which="both")
            if self.alpha is not None:
                panel.axvline(
                    self.alpha,
                    **({"color": GREY, "linestyle": ":", "linewidth": 1.4, "zorder": 0} | (alpha_line_kw or {})),
                )
        self.axes_["sparsity"].set_xlabel("alpha")
        self.figure_.align_ylabels(list(self.axes_.values()))
        return self

    def _plot_features(self, alphas, values, max_features, line_kw):
        n_features = values.shape[1]
        alive = values != 0
        # rank features by the largest alpha at which they are kept, then by their largest value
        last = np.where(alive.any(axis=0), len(alphas) - 1 - np.argmax(alive[::-1], axis=0), -1)
        ranking = np.lexsort((-np.abs(values).max(axis=0), -last))
        self.features_ = ranking[:max_features]
        for j in ranking[::-1]:
            named = j in self.features_
            place = int(np.flatnonzero(self.features_ == j)[0]) if named else 0
            style = {
                "color": _COLOURS[place % len(_COLOURS)] if named else PALE,
                "linestyle": ("-", "--")[place // len(_COLOURS) % 2] if named else "-",
                "linewidth": 1.6 if named else 0.9,
                "zorder": 3 if named else 1,
            }
            shown = values[:, j].copy()
            shown[last[j] + 2 :] = np.nan  # stop at the first zero: further zeros would cover the axis
            (self.lines_[int(j)],) = self.ax_.plot(alphas, shown, **(style | line_kw))
        handles = [self.lines_[int(j)] for j in self.features_]
        labels = [feature_label(self.feature_names, j) for j in self.features_]
        n_others = n_features - len(handles)
        if n_others:
            handles.append(self.lines_[int(ranking[-1])])
            labels.append(f"{n_others} other{'s' * (n_others > 1)}")
        self.ax_.legend(
            handles, labels, frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.03),
            title="dropped last" if max_features and n_others else None, title_fontsize="small", alignment="left",
        )  # fmt: skip
        self.ax_.axhline(0.0, color=GREY, linewidth=0.8, zorder=0)
        self.ax_.set_ylabel(self.value_name)

    def _plot_scores(self, alphas, order, line_kw):
        style = {"linewidth": 1.6} | line_kw
        curves = {"training": (self.train_scores, GREY), "validation": (self.val_scores, ORANGE)}
        for name, (scores, colour) in curves.items():
            if scores is not None:
                scores = np.asarray(scores)[order]
                (self.lines_[name],) = self.axes_["scores"].plot(
                    alphas, scores, **({"color": colour, "label": name} | style)
                )
        if self.val_scores is not None and self.val_errors is not None:
            middle, error = np.asarray(self.val_scores)[order], np.asarray(self.val_errors)[order]
            self.axes_["scores"].fill_between(
                alphas, middle - error, middle + error, color=ORANGE, alpha=0.2, linewidth=0, label="standard error"
            )
        if "scores" in self.axes_:
            self.axes_["scores"].set_ylabel(self.score_name)
            self.axes_["scores"].legend(
                frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.08), alignment="left"
            )
        sparsity = 100 * np.asarray(self.sparsity)[order]
        (self.lines_["sparsity"],) = self.axes_["sparsity"].plot(alphas, sparsity, **({"color": BLUE} | style))
        self.axes_["sparsity"].set(ylabel="zeros (%)", ylim=(-4, 104))


def _numbers(path, feature_names):
    """Return the arguments of the display for a path."""
    n_features = path.n_features_in_
    if feature_names is None:
        feature_names = getattr(path, "feature_names_in_", None)
    elif len(feature_names) != n_features:
        raise ValueError(f"feature_names must have {n_features} names, one for each feature, got {len(feature_names)}.")
    first = [coefs[0] for coefs in path.coefs_]
    embedding = fitted_embedding(vars(path.estimators_[0]))  # a feature has many weights then
    linear = len(path.coefs_[0]) == 1 and first[0].shape[1] == 1 and embedding is None
    return {
        "alphas": path.alphas_,
        "values": np.array([coef[:, 0] for coef in first]) if linear else path.feature_importances_,
        "value_name": "weight" if linear else "share of importance",
        "sparsity": path.sparsity_,
        "feature_names": feature_names,
    }
