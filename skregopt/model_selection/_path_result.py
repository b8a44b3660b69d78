"""What a regularisation path returns: its networks, a table of them for people and programs, a choice of features."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from numbers import Integral
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._estimators.base import BaseMLP
from .._kernels.sklearn_internals import Interval, validate_parameter_constraints
from .._kernels.typing import Array, Float64s, Floats, Ints, MaybeNone

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.feature_selection import SelectFromModel

MLP = TypeVar("MLP", bound=BaseMLP)


class RegularizationPath(Generic[MLP]):
    """What :func:`regularization_path` returns: one fitted estimator for each alpha, and their attributes as arrays.

    Attributes of the estimators have the same names here, and one element for each alpha.

    Parameters
    ----------
    estimators : list of MLPClassifier or of MLPRegressor
        Fitted, in the order of the path.
    converged : sequence of bool
        Whether the training of each estimator ended before ``max_iter`` epochs, and before ``max_time``.
    alpha_max : float
        The smallest known alpha at which all penalised weights are zero.
    train_scores, val_scores : sequence of float, default=None
        Scores of the training rows and of the validation rows.

    Attributes
    ----------
    estimators_ : list of MLPClassifier or of MLPRegressor
        Fitted, in the order of the path: decreasing alpha without hidden layers, increasing alpha with them.
    alphas_ : ndarray of shape (n_alphas,)
        Strength of the penalty.
    alpha_max_ : float
        Without hidden layers the closed-form strength from which on all weights are zero, rounded up by a millionth.
        With hidden layers the first strength of the path at which all penalised weights were zero; NaN if there was
        none.
    coefs_, intercepts_ : list of list of ndarray
        Weights and intercepts, by alpha and layer.
    n_nonzero_ : ndarray of int of shape (n_alphas,)
        Number of weights that are not exactly zero.
    sparsity_ : ndarray of shape (n_alphas,)
        Share of weights that are exactly zero.
    feature_importances_ : ndarray of shape (n_alphas, n_features)
        Importances of the features; exactly 0.0 for a dropped feature.
    n_features_ : ndarray of int of shape (n_alphas,)
        Number of features with weights.
    loss_ : ndarray of shape (n_alphas,)
        Objective in the last epoch.
    n_iter_ : ndarray of int of shape (n_alphas,)
        Epochs.
    converged_ : ndarray of bool of shape (n_alphas,)
        Whether training ended before ``max_iter`` epochs, and before ``max_time``.
    train_scores_ : ndarray of shape (n_alphas,) or None
        Scores of the training rows.
    val_scores_ : ndarray of shape (n_alphas,) or None
        Scores of ``X_val, y_val``; None without them.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the features, if X had names.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skregopt import MLPRegressor
    >>> from skregopt.model_selection import regularization_path
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> X /= X.std()
    >>> linear = MLPRegressor((), penalty="l1", solver="gd", learning_rate_init=0.2, max_iter=5000)
    >>> path = regularization_path(linear, X, y, n_alphas=20)
    >>> path.to_frame()[["n_features", "sparsity"]].iloc[[0, 5, 19]]
        n_features  sparsity
    0            0       1.0
    5            4       0.6
    19          10       0.0
    >>> path.select(max_features=4).get_feature_names_out().tolist()
    ['bmi', 'bp', 's3', 's5']
    """

    estimators_: list[MLP]
    alpha_max_: float
    converged_: NDArray[np.bool_]
    train_scores_: Float64s | MaybeNone
    val_scores_: Float64s | MaybeNone

    def __init__(
        self,
        estimators: Iterable[MLP],
        converged: ArrayLike,
        alpha_max: float,
        train_scores: ArrayLike | None = None,
        val_scores: ArrayLike | None = None,
    ) -> None:
        self.estimators_ = list(estimators)
        self.converged_ = np.array(converged, dtype=bool)
        self.alpha_max_ = float(alpha_max)
        self.train_scores_ = None if train_scores is None else np.array(train_scores, dtype=np.float64)
        self.val_scores_ = None if val_scores is None else np.array(val_scores, dtype=np.float64)

    def __repr__(self) -> str:
        alphas = self.alphas_
        return f"RegularizationPath({alphas.size} alphas from {alphas[0]:.3g} to {alphas[-1]:.3g})"

    def _columns(self):
        """Return what the path tells about each alpha, by name."""
        columns = {
            "alpha": self.alphas_,
            "n_features": self.n_features_,
            "n_nonzero": self.n_nonzero_,
            "sparsity": self.sparsity_,
            "loss": self.loss_,
            "n_iter": self.n_iter_,
            "converged": self.converged_,
            "train_score": self.train_scores_,
            "val_score": self.val_scores_,
        }
        return {name: values for name, values in columns.items() if values is not None}

    def to_frame(self) -> pd.DataFrame:
        """Return the path as a table with one row for each alpha.

        Returns
        -------
        frame : pandas.DataFrame
            Rows in the order of ``estimators_``. The columns are "alpha", "n_features", "n_nonzero", "sparsity",
            "loss", "n_iter", "converged", and "train_score" and "val_score" if the path has these scores.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("RegularizationPath.to_frame needs pandas: pip install pandas.") from error
        return pd.DataFrame(self._columns())

    def _repr_html_(self) -> str:
        """Return the table of the path for a notebook."""
        columns = self._columns()
        cells = [[_as_cell(value) for value in row] for row in zip(*columns.values(), strict=True)]
        head = "".join(f"<th>{name}</th>" for name in columns)
        body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in cells)
        return (
            f'<div style="max-height: 24em; overflow: auto"><table><caption>{escape(repr(self))}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def select(self, max_features: int) -> SelectFromModel:
        """Select the features of a network of the path.

        The network is the one with the most features, but at most ``max_features``. Among several the best validation
        score decides, and without scores the smallest alpha.

        Parameters
        ----------
        max_features : int >= 1
            Largest number of features.

        Returns
        -------
        selector : SelectFromModel
            scikit-learn's selector, fitted. ``transform`` keeps the features that have a weight other than zero, and
            ``get_support`` and ``get_feature_names_out`` tell which. ``estimator_`` predicts like the network, from
            all features. Clones of the selector keep the network, so that it can be a step of a pipeline.

        Raises
        ------
        InvalidParameterError
            If ``max_features`` is not an int >= 1.
        ValueError
            If no network of the path has so few features and at least one.
        """
        from sklearn.feature_selection import SelectFromModel  # here, because it would make the package start later
        from sklearn.frozen import FrozenEstimator

        domain = {"max_features": [Interval(Integral, 1, None, closed="left")]}
        validate_parameter_constraints(domain, {"max_features": max_features}, caller_name="RegularizationPath.select")
        counts = self.n_features_
        few = counts[(counts > 0) & (counts <= max_features)]
        if not few.size:
            fewest = counts[counts > 0].min(initial=self.n_features_in_)
            raise ValueError(
                f"max_features={max_features!r}: no network of the path keeps so few features and at least one; the "
                f"fewest are {fewest}. Raise max_features, or follow a path with more or larger alphas."
            )
        rows = np.flatnonzero(counts == few.max())
        scores = -self.alphas_[rows]
        if self.val_scores_ is not None and not np.all(np.isnan(self.val_scores_[rows])):
            scores = self.val_scores_[rows]
        network = FrozenEstimator(self.estimators_[rows[np.nanargmax(scores)]])
        # a threshold of its own: the default is the mean importance, since only penalty='l1' is known to leave zeros
        selector = SelectFromModel(network, threshold=float(np.finfo(np.float64).tiny))
        return selector.fit(np.zeros((1, self.n_features_in_)))

    def _each(self, name):
        return [getattr(estimator, name) for estimator in self.estimators_]

    # documented above: numpydoc would replace the entries there by links to docstrings here, which have no page

    @property
    def alphas_(self) -> Float64s:
        return np.array(self._each("alpha"), dtype=np.float64)

    @property
    def coefs_(self) -> list[list[Floats]]:
        return self._each("coefs_")

    @property
    def intercepts_(self) -> list[list[Floats]]:
        return self._each("intercepts_")

    @property
    def n_nonzero_(self) -> Ints:
        return np.array(self._each("n_nonzero_"))

    @property
    def sparsity_(self) -> Float64s:
        return np.array(self._each("sparsity_"))

    @property
    def feature_importances_(self) -> Float64s:
        return np.array(self._each("feature_importances_"))

    @property
    def n_features_(self) -> Ints:
        return np.count_nonzero(self.feature_importances_, axis=1)

    @property
    def loss_(self) -> Float64s:
        return np.array(self._each("loss_"))

    @property
    def n_iter_(self) -> Ints:
        return np.array(self._each("n_iter_"))

    @property
    def n_features_in_(self) -> int:
        return self.estimators_[0].n_features_in_

    @property
    def feature_names_in_(self) -> Array:
        return self.estimators_[0].feature_names_in_


def _as_cell(value):
    """Return a value of the table as text: counts and truth values as they are, other numbers with four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
