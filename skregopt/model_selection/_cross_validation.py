"""Estimators that choose the strength of their penalty by cross-validation along the regularisation path."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from numbers import Integral
from typing import Any, Generic, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    RegressorMixin,
    clone,
    is_classifier,
)
from sklearn.model_selection import check_cv
from sklearn.utils import Tags, check_consistent_length, check_random_state, indexable
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.parallel import Parallel, delayed

from .._estimators.classifier import MLPClassifier
from .._estimators.fitted import add_missing_parameters
from .._estimators.hints import explaining_values, explains_keywords
from .._estimators.read import FitData, rows_that_count
from .._estimators.regressor import MLPRegressor
from .._estimators.scoring import RowsScorer
from .._estimators.split import parts_that_count
from .._estimators.targets import checked_labels, read_numbers
from .._estimators.validation import asking_for_groups, checked_weights, checked_X, explaining, naming
from .._kernels.documentation_link import DocumentationLinkMixin
from .._kernels.sklearn_internals import Interval, StrOptions, check_method_params, fit_context, safe_indexing
from .._kernels.typing import Array, Float64s, Floats, MatrixLike, Scorer, Splitter
from ._best_network import BestNetworkMixin
from ._path import PATH_CONSTRAINTS, finished, warn_about_path
from ._path_result import MLP, RegularizationPath
from ._plan import Plan, Strengths, follow

_LONGEST = 100  # characters of ``cv`` in a message: it may list all rows


class BaseMLPCV(MetaEstimatorMixin, DocumentationLinkMixin, BaseEstimator, Generic[MLP]):
    """Shared implementation of :class:`MLPClassifierCV` and :class:`MLPRegressorCV`; not for direct use."""

    _parameter_constraints = PATH_CONSTRAINTS | {
        "cv": ["cv_object"],
        "selection": [StrOptions({"best", "1se"})],
        "n_jobs": [None, Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, None, closed="left")],
    }

    alpha_: float
    alphas_: Float64s
    cv_scores_: Float64s
    mean_cv_scores_: Float64s
    best_index_: int
    best_estimator_: MLP
    path_: RegularizationPath[MLP]
    n_features_in_: int
    feature_names_in_: Array

    @explains_keywords
    def __init__(
        self,
        estimator: MLP | None = None,
        *,
        alphas: ArrayLike | None = None,
        n_alphas: int = 50,
        eps: float = 1e-3,
        cv: int | Splitter | Iterable[tuple[ArrayLike, ArrayLike]] | None = None,
        scoring: str | Scorer | None = None,
        selection: Literal["best", "1se"] = "best",
        max_iter: int | None = None,
        tol: float | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.alphas = alphas
        self.n_alphas = n_alphas
        self.eps = eps
        self.cv = cv
        self.scoring = scoring
        self.selection = selection
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs

    def _validate_params(self):
        with explaining_values(lambda: (self._parameter_constraints, self.get_params(deep=False))):
            super()._validate_params()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        add_missing_parameters(self)

    @explains_keywords
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Choose alpha by cross-validation, and keep the network of the path of all rows with this alpha.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0 of the rows, in training and in the scores of held-out rows. ``cv`` splits all rows; those of
            weight zero are then left out of both parts.
        groups : array-like of shape (n_samples,), default=None
            Groups for ``cv``.
        **params
            More metadata for ``cv`` and ``scoring``; only with scikit-learn's metadata routing.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            For the reasons of :func:`skregopt.model_selection.regularization_path`, or a score that is not finite.
        KeyboardInterrupt
            If the user interrupts, because an unfinished path has no alpha to choose. A fitted estimator is left as it
            was, as after any error.
        """
        fitted = copy.copy(self)  # so that a failure changes nothing
        fitted._choose(X, y, self._routed("fit", sample_weight, groups=groups, **params))
        self.__dict__ = fitted.__dict__
        return self

    def _choose(self, X, y, routed):
        are_numbers = not is_classifier(self)
        with explaining(y, are_numbers):
            _, targets = checked_X(self, X, reset=True, y=y, multi_output=True, y_numeric=are_numbers)
            if are_numbers:
                classes, (targets, numbers) = None, read_numbers(targets)
                numbers.encode(targets, np.float64)
            else:
                targets, is_multilabel, _ = checked_labels(targets)
                classes = None if is_multilabel else unique_labels(targets)
        # splitter, networks and scorer get what cross_val_score would hand them: rows as the user passed them
        X, y = indexable(X, y)
        estimator = clone(self._estimator())
        if not isinstance(estimator.random_state, Integral):  # the same draws in all folds, whoever computes them
            rng = check_random_state(estimator.random_state)
            estimator.random_state = int(rng.randint(np.iinfo(np.int32).max))
        sample_weight = routed.estimator.fit.get("sample_weight")
        if sample_weight is not None:
            sample_weight = checked_weights(sample_weight, X, has_classes=is_classifier(self))
        splitter = check_cv(self.cv, y, classifier=is_classifier(self))
        groups = routed.splitter.split.get("groups")
        with naming("groups"):
            check_consistent_length(X, groups)
        with asking_for_groups(groups, splitter):
            folds = list(splitter.split(X, y, **routed.splitter.split))
        if not folds:
            raise ValueError(f"cv={self.cv!r} made no split of the {targets.shape[0]} rows.")
        # splitters know all rows; those of weight zero are as good as absent from what they make
        has_weight = rows_that_count(estimator, targets, sample_weight, classes)
        cv = " ".join(repr(self.cv).split())
        cv = cv if len(cv) <= _LONGEST else f"{cv[:_LONGEST]}..."
        folds = [parts_that_count(fold, has_weight, f"fold {k} of cv={cv}") for k, fold in enumerate(folds)]
        strengths = Strengths(self.alphas, self.n_alphas, self.eps)
        data = FitData(X, targets, sample_weight, classes=classes)
        plan = Plan.make(estimator, data, strengths, self.max_iter, self.tol)
        self.path_ = finished(plan, list(follow(plan)))
        warn_about_path(plan, self.path_)
        self.alphas_ = self.path_.alphas_
        scores = Parallel(n_jobs=self.n_jobs)(
            delayed(self._held_out_scores)(estimator, data, y, routed.scorer.score, fold, *parts)
            for fold, parts in enumerate(folds)
        )
        self.cv_scores_ = np.array(scores, dtype=np.float64)
        self.mean_cv_scores_ = self.cv_scores_.mean(axis=0)
        self.best_index_ = _chosen(self.cv_scores_, self.alphas_, self.selection)
        self.alpha_ = float(self.alphas_[self.best_index_])
        self.best_estimator_ = self.path_.estimators_[self.best_index_]

    def _held_out_scores(self, estimator, data, y, scorer_params, fold, train, test):
        """Return the scores of the rows ``test`` along the path of the rows ``train``.

        Networks have an output for each class of ``data``, whether the rows ``train`` have it or not.
        """
        scorer_params = check_method_params(data.X, scorer_params, indices=test)
        X_train, X_test = (safe_indexing(data.X, rows) for rows in (train, test))
        weights = None if data.sample_weight is None else data.sample_weight[train]
        part = replace(data, X=X_train, y=safe_indexing(data.y, train), sample_weight=weights)
        plan = Plan.make(estimator, part, Strengths(self.alphas_), self.max_iter, self.tol)
        scorer, scores = None, []
        for fitted, _ in follow(plan):
            if scorer is None:
                rows = f"the held-out rows of fold {fold}"
                scorer = RowsScorer(fitted, self.scoring, X_test, safe_indexing(y, test), scorer_params, rows)
            scores.append(scorer(fitted))
        if not np.all(np.isfinite(scores)):
            raise ValueError(
                f"scoring={self.scoring!r} gave scores that are not finite on {scorer.rows}: {scores}. Use larger "
                "folds, or another scorer."
            )
        return scores

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's estimator tags."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _chosen(scores, alphas, selection):
    """Return the index of the alpha to choose by scores of shape (n_folds, n_alphas); the largest alpha of equals."""
    mean = scores.mean(axis=0)
    best = np.argmax(mean)
    least = mean[best]
    if selection == "1se":
        least = least - scores[:, best].std(ddof=1) / np.sqrt(len(scores)) if len(scores) > 1 else least
    good = np.flatnonzero(mean >= least)
    return int(good[np.argmax(alphas[good])])


class MLPClassifierCV(BestNetworkMixin, ClassifierMixin, BaseMLPCV[MLPClassifier]):
    """Multi-layer perceptron classifier whose ``alpha`` is chosen by cross-validation along its path.

    Works like ``sklearn.linear_model.LogisticRegressionCV``. The path of all rows gives the strengths, see
    :func:`regularization_path`. Each fold follows these strengths on its training rows and is scored on its held-out
    rows. The network with the chosen strength is taken from the path of all rows.

    Parameters
    ----------
    estimator : MLPClassifier, default=None
        The estimator whose alpha is chosen; all other parameters are used. ``penalty`` must be 'l1', 'elasticnet' or
        'group_l1'. None is ``MLPClassifier(penalty='l1')``. It is cloned.
    alphas : array-like of float > 0, default=None
        Strengths to choose from. None takes the strengths of the path of all rows, by ``n_alphas`` and ``eps``.
    n_alphas : int >= 1, default=50
        Number of strengths without hidden layers. With hidden layers the number for each factor of 1 / ``eps``; the
        path goes on until all penalised weights are zero.
    eps : float in (0, 1), default=1e-3
        Ratio of the smallest strength to the strength at which, without hidden layers, all weights are zero.
    cv : int, CV splitter or iterable, default=None
        Folds, as everywhere in scikit-learn. None is five folds, stratified for classes.
    scoring : str or callable, default=None
        A scikit-learn scorer. None is the estimator's ``score``.
    selection : {'best', '1se'}, default='best'
        'best' is the alpha with the highest mean score, the largest of several. '1se' is the largest alpha with a mean
        score within one standard error of the highest: a sparser network that is not measurably worse (Hastie,
        Tibshirani, Friedman, "The elements of statistical learning", 2009, section 7.10).
    max_iter : int >= 1, default=None
        Largest number of epochs for each alpha, see :func:`regularization_path`.
    tol : float >= 0, default=None
        ``tol`` of the fits, see :func:`regularization_path`.
    n_jobs : int, default=None
        Number of folds that joblib computes at the same time. The result does not depend on it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    alpha_ : float
        The chosen strength.
    alphas_ : ndarray of shape (n_alphas,)
        Strengths, in the order of the path.
    cv_scores_ : ndarray of shape (n_folds, n_alphas)
        Scores of the held-out rows.
    mean_cv_scores_ : ndarray of shape (n_alphas,)
        Means of ``cv_scores_`` over folds.
    best_index_ : int
        Position of ``alpha_`` in ``alphas_``.
    best_estimator_ : estimator
        The fitted estimator of ``path_`` with the chosen strength.
    path_ : RegularizationPath
        The path of all rows.
    coefs_, intercepts_, n_iter_, n_nonzero_, sparsity_, feature_importances_
        Attributes of ``best_estimator_``.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the features, if the columns of X have names.

    See Also
    --------
    MLPRegressorCV : The same for regression.
    regularization_path : The path alone.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from skregopt import MLPClassifier
    >>> from skregopt.model_selection import MLPClassifierCV
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> network = MLPClassifier(8, penalty="group_l1", max_iter=100, random_state=0)
    >>> clf = MLPClassifierCV(network, n_alphas=10, cv=3, selection="1se").fit(scale(X), y)
    >>> clf.cv_scores_.shape == (3, clf.alphas_.size)
    True
    >>> clf.path_.estimators_[clf.best_index_].alpha == clf.alpha_
    True
    """

    _parameter_constraints = BaseMLPCV._parameter_constraints | {"estimator": [MLPClassifier, None]}
    _default_class = MLPClassifier

    @property
    def classes_(self) -> Array:
        """Class labels."""
        return self.best_estimator_.classes_

    def predict_proba(self, X: MatrixLike) -> Floats:
        """Predict probabilities.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite numbers.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            In the order of ``classes_``.
        """
        return self._predict("predict_proba", X)

    def predict_log_proba(self, X: MatrixLike) -> Floats:
        """Return the logarithm of :meth:`predict_proba`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite numbers.

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Natural logarithms.
        """
        return self._predict("predict_log_proba", X)

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's estimator tags."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class MLPRegressorCV(BestNetworkMixin, RegressorMixin, BaseMLPCV[MLPRegressor]):
    """Multi-layer perceptron regressor whose ``alpha`` is chosen by cross-validation along its path.

    Works like ``sklearn.linear_model.LassoCV``. The path of all rows gives the strengths, see
    :func:`regularization_path`. Each fold follows these strengths on its training rows and is scored on its held-out
    rows. The network with the chosen strength is taken from the path of all rows.

    Parameters
    ----------
    estimator : MLPRegressor, default=None
        The estimator whose alpha is chosen; all other parameters are used. ``penalty`` must be 'l1', 'elasticnet' or
        'group_l1'. None is ``MLPRegressor(penalty='l1')``. It is cloned.
    alphas : array-like of float > 0, default=None
        Strengths to choose from. None takes the strengths of the path of all rows, by ``n_alphas`` and ``eps``.
    n_alphas : int >= 1, default=50
        Number of strengths without hidden layers. With hidden layers the number for each factor of 1 / ``eps``; the
        path goes on until all penalised weights are zero.
    eps : float in (0, 1), default=1e-3
        Ratio of the smallest strength to the strength at which, without hidden layers, all weights are zero.
    cv : int, CV splitter or iterable, default=None
        Folds, as everywhere in scikit-learn. None is five folds, stratified for classes.
    scoring : str or callable, default=None
        A scikit-learn scorer. None is the estimator's ``score``.
    selection : {'best', '1se'}, default='best'
        'best' is the alpha with the highest mean score, the largest of several. '1se' is the largest alpha with a mean
        score within one standard error of the highest: a sparser network that is not measurably worse (Hastie,
        Tibshirani, Friedman, "The elements of statistical learning", 2009, section 7.10).
    max_iter : int >= 1, default=None
        Largest number of epochs for each alpha, see :func:`regularization_path`.
    tol : float >= 0, default=None
        ``tol`` of the fits, see :func:`regularization_path`.
    n_jobs : int, default=None
        Number of folds that joblib computes at the same time. The result does not depend on it.

    Attributes
    ----------
    alpha_ : float
        The chosen strength.
    alphas_ : ndarray of shape (n_alphas,)
        Strengths, in the order of the path.
    cv_scores_ : ndarray of shape (n_folds, n_alphas)
        Scores of the held-out rows.
    mean_cv_scores_ : ndarray of shape (n_alphas,)
        Means of ``cv_scores_`` over folds.
    best_index_ : int
        Position of ``alpha_`` in ``alphas_``.
    best_estimator_ : estimator
        The fitted estimator of ``path_`` with the chosen strength.
    path_ : RegularizationPath
        The path of all rows.
    coefs_, intercepts_, n_iter_, n_nonzero_, sparsity_, feature_importances_
        Attributes of ``best_estimator_``.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the features, if the columns of X have names.

    See Also
    --------
    MLPClassifierCV : The same for classification.
    regularization_path : The path alone.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> from skregopt import MLPRegressor
    >>> from skregopt.model_selection import MLPRegressorCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> lasso = MLPRegressor((), penalty="l1", solver="gd", learning_rate_init=0.2, max_iter=2000)
    >>> reg = MLPRegressorCV(lasso, n_alphas=20).fit(scale(X), scale(y))
    >>> reg.n_nonzero_
    9
    """

    _parameter_constraints = BaseMLPCV._parameter_constraints | {"estimator": [MLPRegressor, None]}
    _default_class = MLPRegressor

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's estimator tags."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
