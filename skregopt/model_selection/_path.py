"""The regularisation path: one estimator for each strength of the penalty, each started from the one before."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array
from sklearn.utils.multiclass import unique_labels

from .._estimators.constraints import ScorerNames
from .._estimators.hints import explaining_values
from .._estimators.messages import warn_user
from .._estimators.read import FitData, rows_that_count
from .._estimators.scoring import RowsScorer, scorer_weights
from .._estimators.split import rows_of
from .._estimators.targets import read_numbers
from .._estimators.validation import (
    check_columns_of_y,
    checked_weights,
    checked_y,
    explaining,
    naming,
)
from .._kernels.columns import check_collected, check_no_times_in_X
from .._kernels.sklearn_internals import Interval, validate_parameter_constraints
from .._kernels.typing import MatrixLike, Scorer
from ._path_result import MLP, RegularizationPath
from ._plan import Plan, Strengths, follow

# parameters that the path shares with its cross-validation
PATH_CONSTRAINTS = {
    "alphas": ["array-like", None],
    "n_alphas": [Interval(Integral, 1, None, closed="left")],
    "eps": [Interval(Real, 0, 1, closed="neither")],
    "scoring": [ScorerNames(), callable, None],
    "max_iter": [Interval(Integral, 1, None, closed="left"), None],
    "tol": [Interval(Real, 0, None, closed="left"), None],
}
_BOUND = [Interval(Real, 0, None, closed="neither"), None]


def regularization_path(
    estimator: MLP,
    X: MatrixLike,
    y: MatrixLike,
    *,
    alphas: ArrayLike | None = None,
    n_alphas: int = 50,
    eps: float = 1e-3,
    alpha_min: float | None = None,
    alpha_max: float | None = None,
    sample_weight: ArrayLike | None = None,
    X_val: MatrixLike | None = None,
    y_val: MatrixLike | None = None,
    sample_weight_val: ArrayLike | None = None,
    scoring: str | Scorer | None = None,
    max_iter: int | None = None,
    tol: float | None = None,
) -> RegularizationPath[MLP]:
    r"""Fit an estimator along a sequence of strengths of its penalty, each fit started from the one before.

    Without hidden layers the path goes down from the strength at which all weights are zero. Let G be the gradient of
    the data term with respect to the weights, where all weights are zero and the intercepts are the best ones. Then::

        alpha_max = max |G| / l1_ratio                                  (l1: l1_ratio = 1; elasticnet)
        alpha_max = max_j ||G[j, :]||_2 / (sqrt(n_outputs) l1_ratio)    (group_l1)

    With ``input_dropout`` the gradient is random, so that a weight may differ from zero at this strength.

    With hidden layers, or with ``feature_embedding``, which counts as one here, no path can go down: where all weights
    are zero, the gradient is zero too, for every alpha. The path goes up, from dense to sparse, as in LassoNet
    (Lemhadri, Ruan, Abraham, Tibshirani, "LassoNet: a neural network with feature sparsity", JMLR 2021). The first fit
    starts from random weights at the smallest alpha. Larger alphas follow until all weights with a non-smooth penalty
    are exactly zero (for 'group_l1' those of the first layer).

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        An estimator with ``penalty`` 'l1', 'elasticnet' or 'group_l1' and ``early_stopping=False``. It is cloned; its
        own ``alpha`` is not used.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Training rows.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    alphas : array-like of float > 0, default=None
        Strengths in any order; the path sorts them. None makes a geometric sequence by the four parameters that follow;
        with given ``alphas`` they have no effect.
    n_alphas : int >= 1, default=50
        Number of strengths without hidden layers. With hidden layers the number between ``alpha_min`` and
        ``alpha_min / eps``: the path goes on in equal ratios until all penalised weights are zero.
    eps : float in (0, 1), default=1e-3
        Ratio of the smallest strength to the largest.
    alpha_min, alpha_max : float > 0, default=None
        The smallest and the largest strength. None for ``alpha_max`` is the value above; with hidden layers the path
        goes on until no penalised weight is left. None for ``alpha_min`` is ``eps`` times ``alpha_max``; with hidden
        layers ``eps`` times the value above for the same data without hidden layers.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the training rows, in the fits and in ``train_scores_``.
    X_val, y_val : array-like, default=None
        Validation rows, for ``val_scores_``.
    sample_weight_val : array-like of shape (n_val_samples,), default=None
        Weights of the validation rows.
    scoring : str or callable, default=None
        A scikit-learn scorer. None is the estimator's ``score``.
    max_iter : int >= 1, default=None
        Largest number of epochs for each alpha. With hidden layers the first fit keeps the estimator's ``max_iter``.
        None is the estimator's ``max_iter`` without hidden layers, and a quarter of it with them.
    tol : float >= 0, default=None
        ``tol`` of the fits. None is the estimator's; without hidden layers it is at most 1e-10 times the loss of the
        best constant, and ``n_iter_no_change`` is at least 100, because weights still move where the objective is flat.

    Returns
    -------
    path : RegularizationPath
        The fitted estimators, and their attributes as arrays.

    Raises
    ------
    TypeError
        For an estimator of another kind.
    InvalidParameterError
        For a parameter outside its domain.
    ValueError
        For a penalty that leaves no weight at zero or has no known ``alpha_max``; for X or y without variation, unless
        the strengths are given; for strengths that are not finite and above 0, or ``alpha_min`` above ``alpha_max``;
        for parameters that contradict each other, and for training that diverged.
    KeyboardInterrupt
        If the user interrupts before the first fit is complete. Later the complete fits are returned, with a
        UserWarning.

    Warns
    -----
    ConvergenceWarning
        If fits without hidden layers ended at ``max_iter``, or at ``max_time``, which is for each fit. With hidden
        layers this is usual; see ``converged_``.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skregopt import MLPRegressor
    >>> from skregopt.model_selection import regularization_path
    >>> X, y = load_diabetes(return_X_y=True)
    >>> X /= X.std(axis=0)
    >>> linear = MLPRegressor((), penalty="l1", solver="gd", learning_rate_init=0.2, max_iter=5000)
    >>> path = regularization_path(linear, X, y, n_alphas=5)
    >>> path.n_nonzero_
    array([ 0,  4,  7,  9, 10])
    """
    given = {
        "alphas": alphas, "n_alphas": n_alphas, "eps": eps, "alpha_min": alpha_min, "alpha_max": alpha_max,
        "scoring": scoring, "max_iter": max_iter, "tol": tol,
    }  # fmt: skip
    constraints = PATH_CONSTRAINTS | {"alpha_min": _BOUND, "alpha_max": _BOUND}
    with explaining_values(lambda: (constraints, given)):
        validate_parameter_constraints(constraints, given, caller_name="regularization_path")
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val belong together. Pass both, or neither.")
    if sample_weight_val is not None and X_val is None:
        raise ValueError("sample_weight_val was given without X_val and y_val. Pass all three.")
    strengths = Strengths(alphas, n_alphas, eps, alpha_min, alpha_max)
    plan = Plan.make(estimator, FitData(X, y, sample_weight), strengths, max_iter, tol)
    if X_val is not None:
        _check_validation(FitData(X, y, None, X_val, y_val, sample_weight_val), is_classifier(estimator))
    scored = _scored(estimator, scoring, X, y, sample_weight, y, "X")
    scored_val = None if X_val is None else _scored(estimator, scoring, X_val, y_val, sample_weight_val, y, "X_val")
    steps, train_scores, val_scores = [], [], []
    interrupted = False
    try:
        for step in follow(plan):
            train_score = RowsScorer(step[0], scoring, *scored)(step[0])
            if scored_val is not None:
                val_scores.append(RowsScorer(step[0], scoring, *scored_val)(step[0]))
            train_scores.append(train_score)
            steps.append(step)  # last: an interruption may come between the scores
    except KeyboardInterrupt:
        if not steps:
            raise
        interrupted = True
    n_complete = len(steps)
    path = finished(plan, steps, train_scores[:n_complete], val_scores[:n_complete] if X_val is not None else None)
    if interrupted:
        warn_user(
            f"Path interrupted by user. The fits that were complete are returned: {n_complete} alpha(s) from "
            f"{path.alphas_[0]:.3g} to {path.alphas_[-1]:.3g}."
        )
    else:
        warn_about_path(plan, path)
    return path


def _scored(estimator, scoring, X, y, sample_weight, y_train, name):
    """Return the rows that count for :class:`RowsScorer`: X, y, more arguments of the scorer, and their description."""
    if sample_weight is not None or getattr(estimator, "class_weight", None) is not None:
        targets = check_array(y, accept_sparse=True, ensure_2d=False, dtype=None)
        classes = unique_labels(y_train) if is_classifier(estimator) and targets.ndim == 1 else None
        rows = np.flatnonzero(rows_that_count(estimator, targets, sample_weight, classes))
        X, y = rows_of(rows, X, y)
        sample_weight = None if sample_weight is None else np.asarray(sample_weight)[rows]
    return X, y, scorer_weights(estimator, scoring, sample_weight), f"the rows of {name}"


def finished(plan, steps, train_scores=None, val_scores=None):
    """Return the path of what :func:`follow` yielded."""
    estimators, converged = zip(*steps, strict=True)
    alpha_max = plan.alpha_max
    if plan.hidden:
        alpha_max = next((fitted.alpha for fitted in estimators if plan.all_zero(fitted)), np.nan)
    return RegularizationPath(estimators, converged, alpha_max, train_scores, val_scores)


def warn_about_path(plan, path):
    """Warn if fits of a complete path did not converge, or weights are left at its end."""
    n_fits, n_converged = path.converged_.size, np.count_nonzero(path.converged_)
    if not plan.hidden and n_converged < n_fits:
        limit = f"max_iter={plan.max_iter}"
        if (max_time := plan.estimator.max_time) is not None:
            limit += f" or max_time={max_time!r} seconds"
        warn_user(
            f"{n_fits - n_converged} of {n_fits} fits of the path ended at {limit} before they converged. Increase "
            f"max_iter{'' if max_time is None else ', max_time'} or learning_rate_init, or standardise the features.",
            ConvergenceWarning,
        )
    elif plan.open_ended and np.isnan(path.alpha_max_):
        warn_user(
            f"The path ended at alpha={path.alphas_[-1]:.3g} with {path.n_nonzero_[-1]} weights that are not zero, "
            "although so large an alpha should leave none. Increase max_iter, or use larger batches.",
            ConvergenceWarning,
        )


def _check_validation(data, has_classes):
    """Raise for rows to validate on that cannot be scored, before the first fit and in their own names."""
    check_collected(data.X_val, "X_val")
    check_collected(data.y_val, "y_val")
    with naming("X_val"):
        X_val = check_array(data.X_val, accept_sparse="csr", dtype="numeric", input_name="X_val")
        check_no_times_in_X(data.X_val, says_how_to_encode=False)
        n_features = np.shape(data.X)[1]
        if X_val.shape[1] != n_features:
            raise ValueError(f"it has {X_val.shape[1]} features, and X has {n_features}.")
    with naming("y_val"), explaining(data.y_val, not has_classes, "y_val"):
        check_columns_of_y(data.y, data.y_val)
        y_val = checked_y(data.y_val, X_val, multi_output=True, y_numeric=not has_classes)
        if not has_classes:
            y_val, numbers = read_numbers(y_val)
            numbers.encode(y_val, np.float64, "y_val")
        unseen = np.setdiff1d(unique_labels(data.y_val), unique_labels(data.y)) if has_classes else []
        if len(unseen):
            raise ValueError(f"its labels {unseen.tolist()} are not in y.")
    checked_weights(data.sample_weight_val, X_val, "sample_weight_val", has_classes)
