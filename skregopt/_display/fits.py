"""Displays of a fit and of its weights, in the style of scikit-learn. Drawing imports matplotlib."""

from numbers import Integral

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._estimators.base import BaseMLP
from .._kernels.sklearn_internals import check_matplotlib_support
from ..model_selection._cross_validation import BaseMLPCV
from .drawing import BLUE, GREEN, GREY, ORANGE, PALE, check_axes, stacked_axes

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

    def __init__(
        self,
        *,
        loss_curve,
        validation_loss_curve=None,
        validation_scores=None,
        learning_rate_curve=None,
        best_epoch=None,
        score_name="validation score",
        unit="epoch",
    ):
        self.loss_curve = loss_curve
        self.validation_loss_curve = validation_loss_curve
        self.validation_scores = validation_scores
        self.learning_rate_curve = learning_rate_curve
        self.best_epoch = best_epoch
        self.score_name = score_name
        self.unit = unit

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, **options):
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
        fitted = _fitted_mlp(estimator)
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
        ax=None,
        *,
        log_scale="auto",
        learning_rate="auto",
        line_kw=None,
        validation_line_kw=None,
        score_line_kw=None,
        learning_rate_line_kw=None,
        best_line_kw=None,
    ):
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


class WeightsDisplay:
    """Weights of the first layer: one image per hidden unit, or one bar per feature. Exact zeros are marked.

    Create it with :meth:`from_estimator`. The constructor takes the weights directly.

    Parameters
    ----------
    weights : ndarray of shape (n_features, n_units)
        Weights, for example ``coefs_[0]``.
    feature_names : sequence of str, default=None
        Names of the features. None numbers them.
    image_shape : tuple of int, default=None
        Rows and columns of the image, if the features are pixels.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
    ax_ : matplotlib.axes.Axes
    images_ : list of matplotlib.image.AxesImage
        One image per unit shown; empty for bars.
    bars_ : matplotlib.container.BarContainer
        One bar per feature shown, the longest first; None for images.
    units_ : ndarray of int
        Units shown as images, in the order of the images.
    features_ : ndarray of int
        Features shown as bars, in the order of the bars.

    See Also
    --------
    LossCurveDisplay : Losses of a fit.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skregopt import MLPClassifier, WeightsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPClassifier(16, penalty="l1", alpha=1e-3, max_iter=500, tol=1e-3, random_state=0).fit(X / 16, y)
    >>> len(WeightsDisplay.from_estimator(clf, image_shape=(8, 8)).images_)
    16
    """

    def __init__(self, *, weights, feature_names=None, image_shape=None):
        self.weights = weights
        self.feature_names = feature_names
        self.image_shape = image_shape

    @classmethod
    def from_estimator(cls, estimator, *, feature_names=None, image_shape=None, ax=None, **options):
        """Draw the first weight matrix of a fitted estimator.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor, MLPClassifierCV, MLPRegressorCV, or Pipeline that ends with one
            Fitted estimator. Of MLPClassifierCV and MLPRegressorCV, ``best_estimator_`` is drawn.
        feature_names : sequence of str of length n_features, default=None
            Names of the features. None uses ``feature_names_in_`` if the estimator has it.
        image_shape : tuple of int or None, default=None
            Rows and columns of the image, if the features are pixels. None draws bars. The shape is never guessed,
            because 64 features of a table are no image of 8 x 8 pixels.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into. None makes a new figure.
        **options
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : WeightsDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            For any other estimator.
        ValueError
            If the names or the image shape do not fit the number of features.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        fitted = _fitted_mlp(estimator)
        weights = np.asarray(fitted.coefs_[0])
        if feature_names is None:
            feature_names = getattr(fitted, "feature_names_in_", None)
        return cls(weights=weights, feature_names=feature_names, image_shape=image_shape).plot(ax=ax, **options)

    def plot(
        self, ax=None, *, kind="auto", max_units=36, max_features=30, cmap="RdBu_r", zero_color=PALE, im_kw=None,
        bar_kw=None,
    ):  # fmt: skip
        """Draw the weights.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw into. None makes a new figure.
        kind : {"auto", "image", "bar"}, default="auto"
            "image" draws the weights into each unit on a common scale. Units with the largest norm come first. "bar"
            draws the norm of the weights from each feature, or the weight itself if there is one unit. The longest bar
            comes first. "auto" draws images if there is an ``image_shape``, otherwise bars.
        max_units, max_features : int, default=36, 30
            Largest number of images and of bars.
        cmap : str or matplotlib.colors.Colormap, default="RdBu_r"
            Colours of the images. The middle of the scale is zero.
        zero_color : colour, default="#c9c9c9"
            Colour of exact zeros in images. Beside a bar, a text counts the weights that are not zero.
        im_kw, bar_kw : dict, default=None
            Arguments of matplotlib's ``imshow`` and ``barh``.

        Returns
        -------
        display : WeightsDisplay
            This object.

        Raises
        ------
        TypeError
            If ``ax`` is neither an Axes nor None.
        ValueError
            For an unknown ``kind``, a number below 1, or names or an image shape that do not fit the number of
            features.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        check_axes(ax)
        weights = np.asarray(self.weights, dtype=float)
        n_features = weights.shape[0]
        if kind not in ("auto", "image", "bar"):
            raise ValueError(f'kind must be "auto", "image" or "bar", got {kind!r}.')
        if kind == "image" and self.image_shape is None:
            raise ValueError(
                f'kind="image" needs image_shape. Give the rows and columns of the image of {n_features} pixels.'
            )
        if self.image_shape is not None and not _fits(self.image_shape, n_features):
            raise ValueError(
                f"image_shape must be (rows, columns) with {n_features} pixels, one per feature, got "
                f"{self.image_shape!r}."
            )
        for name, most in (("max_units", max_units), ("max_features", max_features)):
            if not isinstance(most, Integral) or most < 1:
                raise ValueError(f"{name} must be an int >= 1, got {most!r}.")
        if self.feature_names is not None and len(self.feature_names) != n_features:
            raise ValueError(
                f"feature_names must have {n_features} elements, one per feature, got {len(self.feature_names)}."
            )
        as_images = self.image_shape is not None if kind == "auto" else kind == "image"
        if ax is None:
            n_bars = min(n_features, max_features)
            size = (6.4, 5.2) if as_images else (6.4, 1.2 + 0.26 * n_bars)
            _, ax = plt.subplots(figsize=size, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self.images_, self.units_, self.bars_, self.features_ = [], np.array([], int), None, np.array([], int)
        if as_images:
            self._plot_images(weights, max_units, cmap, zero_color, im_kw or {})
        else:
            self._plot_bars(weights, max_features, zero_color, bar_kw or {})
        return self

    def _plot_images(self, weights, max_units, cmap, zero_color, im_kw):
        import matplotlib.pyplot as plt
        from matplotlib.patches import Patch

        n_rows, n_columns = self.image_shape
        self.units_ = np.argsort(-np.linalg.norm(weights, axis=0), kind="stable")[:max_units]
        per_row = int(np.ceil(np.sqrt(self.units_.size * n_rows / n_columns)))
        gap = 0.12 * max(n_rows, n_columns)
        limit = np.abs(weights).max() or 1.0
        colours = plt.get_cmap(cmap).with_extremes(bad=zero_color)
        style = {"cmap": colours, "vmin": -limit, "vmax": limit, "interpolation": "nearest"} | im_kw
        for place, unit in enumerate(self.units_):
            row, column = divmod(place, per_row)
            left, top = column * (n_columns + gap), row * (n_rows + gap)
            image = np.ma.masked_equal(weights[:, unit].reshape(n_rows, n_columns), 0)
            box = (left, left + n_columns, top + n_rows, top)
            self.images_.append(self.ax_.imshow(image, extent=box, **style))
        n_lines = -(-self.units_.size // per_row)
        width, height = min(per_row, self.units_.size) * (n_columns + gap), n_lines * (n_rows + gap)
        self.ax_.set(xlim=(-gap, width), ylim=(height, -gap), xticks=[], yticks=[], aspect="equal")
        self.ax_.spines[:].set_visible(False)
        self.ax_.set_title(_shown(self.units_.size, weights.shape[1], "unit"), fontsize="medium")
        self.figure_.colorbar(self.images_[0], ax=self.ax_, label="weight", shrink=0.8).outline.set(visible=False)
        n_zero = np.count_nonzero(weights == 0)
        if n_zero:
            patch = Patch(facecolor=zero_color, label=f"exactly 0: {n_zero / weights.size:.0%} of all weights")
            self.ax_.legend(handles=[patch], loc="upper center", bbox_to_anchor=(0.5, 0.0), frameon=False)

    def _plot_bars(self, weights, max_features, zero_color, bar_kw):
        n_features, n_units = weights.shape
        lengths = weights[:, 0] if n_units == 1 else np.linalg.norm(weights, axis=1)
        self.features_ = np.argsort(-np.abs(lengths), kind="stable")[:max_features]
        names = self.feature_names
        labels = [f"feature {j}" if names is None else str(names[j]) for j in self.features_]
        places, shown = np.arange(self.features_.size), lengths[self.features_]
        style = {"color": [BLUE if value > 0 else ORANGE for value in shown], "height": 0.7} | bar_kw
        self.bars_ = self.ax_.barh(places, shown, **style)
        for place, feature in zip(places, self.features_, strict=True):
            n_nonzero = np.count_nonzero(weights[feature])
            text = "exactly 0" if n_nonzero == 0 else f"{n_nonzero} of {n_units}" if n_nonzero < n_units else ""
            value = lengths[feature]
            self.ax_.annotate(
                text, (value, place), (-4 if value < 0 else 4, 0), textcoords="offset points", va="center",
                ha="right" if value < 0 else "left", fontsize="small", color=GREY,
            )  # fmt: skip
        self.ax_.set_yticks(places, labels)
        self.ax_.set_ylim(places.size - 0.4, -0.6)
        self.ax_.tick_params(axis="y", length=0)
        self.ax_.spines[["top", "right", "left"]].set_visible(False)
        self.ax_.axvline(0, color=GREY, linewidth=0.8)
        self.ax_.margins(x=0.12)
        self.ax_.set_xlabel("weight" if n_units == 1 else f"norm of the weights into {n_units} units")
        self.ax_.set_title(_shown(places.size, n_features, "feature"), fontsize="medium")


def _fitted_mlp(estimator):
    """Return the fitted MLP: of a pipeline its last step, of a cross-validated estimator ``best_estimator_``."""
    fitted = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(fitted, BaseMLP | BaseMLPCV):
        raise TypeError(
            "estimator must be an MLPClassifier, MLPRegressor, MLPClassifierCV or MLPRegressorCV, or a Pipeline that "
            f"ends with one, got {estimator!r}. If it is a search, pass its best_estimator_."
        )
    check_is_fitted(fitted)
    return fitted.best_estimator_ if isinstance(fitted, BaseMLPCV) else fitted


def _set_log_scale(ax):
    """Make the y axis logarithmic, with labels also between the powers of ten."""
    from matplotlib.ticker import LogLocator, NullFormatter

    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())


def _fits(image_shape, n_features):
    """Tell whether an image of this shape has ``n_features`` pixels."""
    return np.shape(image_shape) == (2,) and min(image_shape) > 0 and np.prod(image_shape) == n_features


def _shown(n_shown, n, what):
    if n_shown == n:
        return f"{n} {what}{'s' if n > 1 else ''}"
    return f"{n_shown} of {n} {what}s, those with the largest weights"
