"""The plan of a regularisation path: which strengths in which order, from which weights, with which settings."""

from dataclasses import dataclass, replace
from itertools import count, takewhile

import numpy as np
from sklearn.base import is_classifier

from .._estimators.base import BaseMLP
from .._estimators.fit import run_fit
from .._estimators.fitted import with_attributes
from .._estimators.read import FitData
from .._estimators.resolve import hidden_units
from .._estimators.validation import explaining
from .._kernels.parameters import unfitted
from .._training.outcome import Ending
from ..penalties import GroupL1
from ._alpha_max import build_penalty, check_variation, null_model

# Without hidden layers the weights at each alpha are unique or nearly so, and worth finding exactly. Where the
# objective is flat, weights move although it hardly changes, and with momentum it rises before it falls.
_SHARE_OF_NULL_LOSS = 1e-10
_PATIENCE = 100
_SHORTER = 4  # a fit that starts from the previous alpha needs a quarter of the epochs
_ROUNDING = 1e-6  # relative margin of the closed form, so that rounding leaves no weight, in float32 neither
_FARTHEST = 1e4  # an increasing path gives up at this many times the scale of alpha


@dataclass(frozen=True)
class Strengths:
    """The strengths of a path; fields as the parameters of :func:`regularization_path`."""

    alphas: object = None
    n_alphas: int = 50
    eps: float = 1e-3
    alpha_min: float | None = None
    alpha_max: float | None = None

    def given(self):
        """Return given strengths in increasing order, or None; ValueError for numbers that cannot be used."""
        if self.alphas is not None:
            try:
                given = np.asarray(self.alphas, dtype=np.float64)
            except (TypeError, ValueError, OverflowError):
                given = np.array(np.nan)
            if given.ndim != 1 or given.size == 0 or not np.all((given > 0) & np.isfinite(given)):
                raise ValueError(
                    f"alphas must be a sequence of finite numbers above 0, at least one, got {self.alphas!r}."
                )
            if self.alpha_min is not None or self.alpha_max is not None:
                raise ValueError("alpha_min and alpha_max have no effect with alphas. Give either.")
            return np.unique(given)
        if self.alpha_min is not None and self.alpha_max is not None and self.alpha_min > self.alpha_max:
            raise ValueError(f"alpha_min={self.alpha_min!r} is above alpha_max={self.alpha_max!r}. Swap them.")
        return None

    def sequence(self, scale, hidden):
        """Return the strengths in the order of the path.

        Parameters
        ----------
        scale : float
            The strength at which, without hidden layers, all weights are zero.
        hidden : bool
            Whether there are hidden layers, so that the path goes up.

        Returns
        -------
        iterable of float

        Raises
        ------
        ValueError
            If the smallest strength is above the largest.
        """
        given = self.given()
        largest = self.alpha_max
        if largest is None:
            largest = _FARTHEST * scale if hidden else scale
        smallest = self.alpha_min
        if smallest is None:
            smallest = self.eps * (scale if self.alpha_max is None else self.alpha_max)
        if given is not None:
            return given if hidden else given[::-1]
        if smallest > largest:
            raise ValueError(
                f"alpha_min={smallest:.4g} is above the strength at which all weights are zero, {largest:.4g}. Lower "
                "alpha_min, or give alpha_max too."
            )
        if not hidden:
            return np.geomspace(largest, smallest, self.n_alphas)
        ratio = self.eps ** (-1.0 / max(self.n_alphas - 1, 1))
        return takewhile(lambda alpha: alpha <= largest * (1 + 1e-12), (smallest * ratio**k for k in count()))


@dataclass(frozen=True, eq=False)
class Plan:
    """All that a path needs before its first fit.

    Attributes
    ----------
    estimator : BaseMLP
        An unfitted clone with the settings of the path's fits.
    data : FitData
        Of each fit.
    start : dict
        Initial weights of the first fit, as fields of ``data``.
    penalty : Penalty
    alphas : iterable of float
        In the order of the path.
    hidden : bool
        Whether there are hidden layers, or an embedding of features, so that the path goes up.
    alpha_max : float
        Closed form for the data without hidden layers.
    max_iter : int
        Most epochs of a fit that starts from the one before.
    open_ended : bool
        Whether the path ends where all penalised weights are zero.
    given : dict
        All parameters of the estimator as the user gave them.
    """

    estimator: BaseMLP
    data: FitData
    start: dict
    penalty: object
    alphas: object
    hidden: bool
    alpha_max: float
    max_iter: int
    open_ended: bool
    given: dict

    @classmethod
    def make(cls, estimator, data, strengths, max_iter=None, tol=None):
        """Look at the arguments of :func:`regularization_path`, raising its errors."""
        estimator = _checked_clone(estimator)
        given = vars(unfitted(estimator))
        penalty = build_penalty(estimator)
        # what an embedding makes of the features changes in training, like the outputs of a hidden layer
        hidden = bool(hidden_units(estimator)) or estimator.feature_embedding is not None
        are_given = strengths.given() is not None
        if not are_given and (strengths.alpha_min is None or strengths.alpha_max is None):
            with explaining(data.y, not is_classifier(estimator)):
                check_variation(data.X, data.y)
        null = null_model(estimator, data)
        scale = null.alpha_max(penalty)
        if not scale > 0:
            scale = np.finfo(np.float64).eps  # features or targets are constant: any alpha does
        scale *= 1 + _ROUNDING
        alphas = strengths.sequence(scale, hidden)
        start = {}
        if max_iter is None:
            max_iter = -(-estimator.max_iter // _SHORTER) if hidden else estimator.max_iter
        if not hidden:
            patience = max(estimator.n_iter_no_change, _PATIENCE)
            vars(estimator).update(max_iter=max_iter, weight_init="auto", n_iter_no_change=patience)
            start = {"coef_init": [np.zeros_like(null.gradient)], "intercept_init": [null.intercept]}
            if tol is None:
                # above 0, or a loss that stays at 0 would improve in each epoch
                share = max(_SHARE_OF_NULL_LOSS * abs(null.loss), np.finfo(np.float64).tiny)
                tol = min(estimator.tol, share)
        vars(estimator).update(warm_start=True, verbose=False, tol=estimator.tol if tol is None else tol)
        open_ended = hidden and not are_given and strengths.alpha_max is None
        return cls(estimator, data, start, penalty, alphas, hidden, scale, max_iter, open_ended, given)

    def all_zero(self, fitted):
        """Tell whether all weights with a non-smooth penalty are exactly zero."""
        penalised = fitted.coefs_[:1] if isinstance(self.penalty, GroupL1) else fitted.coefs_
        return not any(np.any(coef) for coef in penalised)


def follow(plan):
    """Yield (fitted estimator, whether it converged) for each alpha.

    Raises
    ------
    KeyboardInterrupt
        If the user interrupts a fit, which ``fit`` itself would only warn about.
    """
    estimator, data = unfitted(plan.estimator), replace(plan.data, **plan.start)
    for alpha in plan.alphas:
        estimator.alpha = float(alpha)
        try:
            outcome = run_fit(estimator, data)
        except ValueError as error:
            error.add_note(f"This happened on a regularisation path at alpha={alpha:.4g}.")
            raise
        if outcome.ending is Ending.INTERRUPTED:
            raise KeyboardInterrupt
        fitted = with_attributes(estimator, **plan.given | {"alpha": float(alpha)})
        for name in ("loss_curve_", "learning_rate_curve_"):
            setattr(fitted, name, getattr(estimator, name)[-outcome.n_iter :])
        yield fitted, not outcome.is_cut_short
        if plan.hidden and plan.all_zero(fitted) and plan.open_ended:
            return
        estimator.max_iter = plan.max_iter
        data = plan.data


def _checked_clone(estimator):
    if not isinstance(estimator, BaseMLP):
        raise TypeError(
            f"estimator must be an MLPClassifier or an MLPRegressor of skregopt, got {estimator!r}. In a Pipeline, "
            "transform the data first, or put MLPClassifierCV or MLPRegressorCV at its end."
        )
    estimator = unfitted(estimator)
    estimator._validate_params()
    if estimator.solver == "lbfgs":
        raise ValueError(
            "solver='lbfgs' needs a differentiable penalty, which leaves no weight at zero. A path needs a "
            "first-order solver, such as solver='adam'."
        )
    if (estimator.learning_rate_factors or {}).get("coefs") == 0:
        raise ValueError(
            f"learning_rate_factors={estimator.learning_rate_factors!r} freezes the weights, which a path sets to "
            "zero one by one. Use a factor above 0 for 'coefs'."
        )
    if estimator.early_stopping:
        raise ValueError(
            "early_stopping=True restores the weights of an earlier epoch, and with them those that the penalty has "
            "set to zero. Leave early_stopping=False; what alpha is best can be told from X_val and y_val, or by "
            "MLPClassifierCV and MLPRegressorCV."
        )
    return estimator
