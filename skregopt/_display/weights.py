"""Display of the weights of a fit, in the style of scikit-learn. Drawing imports matplotlib."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from .._estimators.embedded import fitted_embedding
from .._kernels.sklearn_internals import check_matplotlib_support
from .._kernels.typing import FeatureNames, Ints, MaybeNone
from .drawing import BLUE, GREY, ORANGE, PALE, Drawable, check_axes, fitted_mlp, input_names
from .labels import feature_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from matplotlib.typing import ColorType


class WeightsDisplay:
    """Weights of the first layer: one image per hidden unit, or one bar per feature. Exact zeros are marked.

    Create it with :meth:`from_estimator`. The constructor takes the weights directly.

    Parameters
    ----------
    weights : ndarray of shape (n_rows, n_units)
        Weights, for example ``coefs_[0]``.
    row_features : ndarray of int of shape (n_rows,), default=None
        Feature that each row of the weights is of, from 0, if an embedding makes several rows of a feature. Then the
        root mean square over its rows is drawn, of their norms, in images of the weights into a unit. So features with
        different numbers of rows can be compared. None stands for one row per feature, in their order.
    feature_names : sequence of str of length n_features, default=None
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
    >>> clf = MLPClassifier(16, penalty="l1", alpha=1e-3, max_iter=500, tol=1e-3, random_state=0)
    >>> clf = clf.fit(X / 16, y)
    >>> len(WeightsDisplay.from_estimator(clf, image_shape=(8, 8)).images_)
    16
    """

    figure_: Figure
    ax_: Axes
    images_: list[AxesImage]
    bars_: BarContainer | MaybeNone
    units_: Ints
    features_: Ints

    def __init__(
        self,
        *,
        weights: ArrayLike,
        row_features: ArrayLike | None = None,
        feature_names: FeatureNames | None = None,
        image_shape: tuple[int, int] | None = None,
    ) -> None:
        self.weights = weights
        self.row_features = row_features
        self.feature_names = feature_names
        self.image_shape = image_shape

    @classmethod
    def from_estimator(
        cls,
        estimator: Drawable,
        *,
        feature_names: FeatureNames | None = None,
        image_shape: tuple[int, int] | None = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw the first weight matrix of a fitted estimator.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor, MLPClassifierCV, MLPRegressorCV, or Pipeline that ends with one
            Fitted estimator. Of MLPClassifierCV and MLPRegressorCV, ``best_estimator_`` is drawn. With a
            ``feature_embedding`` a feature has all rows that its embedding feeds, and their root mean square is drawn.
        feature_names : sequence of str of length n_features, default=None
            Names of the features that the network sees. None uses its ``feature_names_in_`` if it has them, and in a
            Pipeline the names that the steps before it give out, ``pipeline[:-1].get_feature_names_out()``.
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
        fitted = fitted_mlp(estimator)
        weights = np.asarray(fitted.coefs_[0])
        if feature_names is None:
            feature_names = input_names(estimator)
        embedding = fitted_embedding(vars(fitted))
        return cls(
            weights=weights,
            row_features=None if embedding is None else embedding.features,
            feature_names=feature_names,
            image_shape=image_shape,
        ).plot(ax=ax, **options)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        kind: Literal["auto", "image", "bar"] = "auto",
        max_units: int = 36,
        max_features: int = 30,
        cmap: str | Colormap = "RdBu_r",
        zero_color: ColorType = PALE,
        im_kw: dict[str, Any] | None = None,
        bar_kw: dict[str, Any] | None = None,
    ) -> Self:
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
            For an unknown ``kind``, a number below 1, ``row_features`` that do not fit the rows of the weights, or
            names or an image shape that do not fit the number of features.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        check_axes(ax)
        weights = np.asarray(self.weights, dtype=float)
        row_features = _checked(self.row_features, len(weights))
        n_features = row_features.max() + 1
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
            self._plot_images(weights, row_features, max_units, cmap, zero_color, im_kw or {})
        else:
            self._plot_bars(weights, row_features, max_features, bar_kw or {})
        return self

    def _plot_images(self, weights, row_features, max_units, cmap, zero_color, im_kw):
        import matplotlib.pyplot as plt
        from matplotlib.patches import Patch

        n_rows, n_columns = self.image_shape
        pixels = weights if self.row_features is None else _root_mean_squares(weights, row_features)
        self.units_ = np.argsort(-np.linalg.norm(weights, axis=0), kind="stable")[:max_units]
        per_row = int(np.ceil(np.sqrt(self.units_.size * n_rows / n_columns)))
        gap = 0.12 * max(n_rows, n_columns)
        limit = np.abs(pixels).max() or 1.0
        colours = plt.get_cmap(cmap).with_extremes(bad=zero_color)
        style = {"cmap": colours, "vmin": -limit, "vmax": limit, "interpolation": "nearest"} | im_kw
        for place, unit in enumerate(self.units_):
            row, column = divmod(place, per_row)
            left, top = column * (n_columns + gap), row * (n_rows + gap)
            image = np.ma.masked_equal(pixels[:, unit].reshape(n_rows, n_columns), 0)
            box = (left, left + n_columns, top + n_rows, top)
            self.images_.append(self.ax_.imshow(image, extent=box, **style))
        n_lines = -(-self.units_.size // per_row)
        width, height = min(per_row, self.units_.size) * (n_columns + gap), n_lines * (n_rows + gap)
        self.ax_.set(xlim=(-gap, width), ylim=(height, -gap), xticks=[], yticks=[], aspect="equal")
        self.ax_.spines[:].set_visible(False)
        self.ax_.set_title(_shown(self.units_.size, weights.shape[1], "unit"), fontsize="medium")
        label = "weight" if self.row_features is None else "root mean square of the weights"
        self.figure_.colorbar(self.images_[0], ax=self.ax_, label=label, shrink=0.8).outline.set(visible=False)
        n_zero = np.count_nonzero(weights == 0)
        if n_zero:
            patch = Patch(facecolor=zero_color, label=f"exactly 0: {n_zero / weights.size:.0%} of all weights")
            self.ax_.legend(handles=[patch], loc="upper center", bbox_to_anchor=(0.5, 0.0), frameon=False)

    def _plot_bars(self, weights, row_features, max_features, bar_kw):
        n_units, with_signs = weights.shape[1], self.row_features is None and weights.shape[1] == 1
        lengths = weights[:, 0] if with_signs else np.linalg.norm(_root_mean_squares(weights, row_features), axis=1)
        n_features, n_weights = lengths.size, n_units * np.bincount(row_features)
        n_nonzero = np.bincount(row_features, np.count_nonzero(weights, axis=1)).astype(int)
        self.features_ = np.argsort(-np.abs(lengths), kind="stable")[:max_features]
        labels = [feature_label(self.feature_names, j) for j in self.features_]
        places, shown = np.arange(self.features_.size), lengths[self.features_]
        style = {"color": [BLUE if value > 0 else ORANGE for value in shown], "height": 0.7} | bar_kw
        self.bars_ = self.ax_.barh(places, shown, **style)
        for place, feature in zip(places, self.features_, strict=True):
            value, n_kept, n_all = lengths[feature], n_nonzero[feature], n_weights[feature]
            text = "exactly 0" if n_kept == 0 else f"{n_kept} of {n_all}" if n_kept < n_all else ""
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
        units = f"{n_units} unit{'s' * (n_units > 1)}"
        of_rows = "" if self.row_features is None else ", root mean square of rows"
        self.ax_.set_xlabel("weight" if with_signs else f"norm of the weights into {units}{of_rows}")
        self.ax_.set_title(_shown(places.size, n_features, "feature"), fontsize="medium")


def _checked(row_features, n_rows):
    """Return the feature of each row; ValueError if they are not 0, 1, ..., each at least once."""
    if row_features is None:
        return np.arange(n_rows)
    features = np.asarray(row_features)
    if features.shape != (n_rows,) or not np.array_equal(np.unique(features), np.arange(np.unique(features).size)):
        raise ValueError(
            f"row_features must hold the feature of each of the {n_rows} rows of the weights, from 0 without gaps, got "
            f"{row_features!r}. Leave it out if each row is of another feature."
        )
    return features.astype(np.intp)


def _root_mean_squares(weights, row_features):
    """Return root mean squares of the weights from each feature into each unit."""
    squares = np.zeros((row_features.max() + 1, weights.shape[1]))
    np.add.at(squares, row_features, weights**2)
    return np.sqrt(squares / np.bincount(row_features)[:, None])


def _fits(image_shape, n_features):
    """Tell whether an image of this shape has ``n_features`` pixels."""
    return np.shape(image_shape) == (2,) and min(image_shape) > 0 and np.prod(image_shape) == n_features


def _shown(n_shown, n, what):
    if n_shown == n:
        return f"{n} {what}{'s' if n > 1 else ''}"
    return f"{n_shown} of {n} {what}s, those with the largest weights"
