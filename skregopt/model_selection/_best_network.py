"""What an estimator that chose a network does with it: predict, score, show its weights."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from .._estimators.fitted import without_names
from .._estimators.scoring import RowsScorer
from .._estimators.validation import checked_X
from .._kernels.typing import Array, Float64s, Floats, MatrixLike
from ._routing import RoutingMixin


class BestNetworkMixin(RoutingMixin):
    """Predictions, score and weights of ``best_estimator_``; stands before scikit-learn's mixins, which have a score.

    Attributes
    ----------
    best_estimator_ : MLPClassifier or MLPRegressor
        The network chosen.
    scoring : str, callable or None
        What scores it.
    """

    def _predict(self, method, X):
        X = self._checked(X)
        return getattr(self._network_for(X), method)(X)

    def _checked(self, X):
        check_is_fitted(self)
        return checked_X(self, X, reset=False)

    def _network_for(self, X):
        """Return the chosen network, without names of features if X has none: :meth:`_checked` warns about them."""
        return self.best_estimator_ if hasattr(X, "columns") else without_names(self.best_estimator_)

    def predict(self, X: MatrixLike) -> Array:
        """Predict with the chosen network.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite numbers.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions.
        """
        return self._predict("predict", X)

    def score(self, X: MatrixLike, y: MatrixLike, sample_weight: ArrayLike | None = None, **params: Any) -> float:
        """Return the score of the chosen network by ``scoring``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        **params
            More metadata for the scorer; only with scikit-learn's metadata routing.

        Returns
        -------
        score : float
            Higher is better.
        """
        self._checked(X)
        routed = self._routed("score", sample_weight, **params)
        network = self._network_for(X)
        return RowsScorer(network, self.scoring, X, y, routed.scorer.score, "the rows of X")(network)

    @property
    def coefs_(self) -> list[Floats]:
        """Weights of the chosen network, by layer."""
        return self.best_estimator_.coefs_

    @property
    def intercepts_(self) -> list[Floats]:
        """Intercepts of the chosen network."""
        return self.best_estimator_.intercepts_

    @property
    def n_iter_(self) -> int:
        """Epochs of the chosen network's fit."""
        return self.best_estimator_.n_iter_

    @property
    def n_nonzero_(self) -> int:
        """Number of weights that are not 0.0."""
        return self.best_estimator_.n_nonzero_

    @property
    def sparsity_(self) -> float:
        """Share of weights that are 0.0."""
        return self.best_estimator_.sparsity_

    @property
    def feature_importances_(self) -> Float64s:
        """Importance of each feature; 0.0 if dropped."""
        return self.best_estimator_.feature_importances_
