"""Without hidden layers: the best constant prediction, and the penalty that leaves all weights at zero."""

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from sklearn.utils.sparsefuncs import min_max_axis

from .._estimators.base import public_class
from .._estimators.fit import run_fit
from .._kernels.component import build_component
from ..penalties import L1, PENALTIES, ElasticNet, GroupL1, Penalty

_STATIONARY = 1e-7  # a slope of the intercepts, relative to the slope of the weights, that counts as zero
_KEPT = ("loss", "class_weight", "label_smoothing")  # the data term depends on these parameters


@dataclass
class NullModel:
    """The minimum of the data term over the intercepts alone, all weights zero.

    Attributes
    ----------
    intercept : ndarray of shape (n_outputs,)
    gradient : ndarray of shape (n_features, n_outputs)
        Gradient of the data term with respect to the weights. Where the data term has kinks, the subgradient whose
        part for the intercepts is zero.
    loss : float
        The data term.
    """

    intercept: np.ndarray
    gradient: np.ndarray
    loss: float

    def alpha_max(self, penalty):
        """Return the smallest alpha at which zero weights are stationary; NaN for an unknown penalty."""
        if isinstance(penalty, GroupL1):
            norms = np.linalg.norm(self.gradient, axis=1) / np.sqrt(self.gradient.shape[1])
            return float(norms.max() / penalty.l1_ratio)
        if isinstance(penalty, L1 | ElasticNet):
            return float(np.abs(self.gradient).max() / getattr(penalty, "l1_ratio", 1.0))
        return np.nan


def null_model(estimator, data):
    """Return the :class:`NullModel` of an estimator for training data.

    The gradient comes from the estimator's own code: it is the step of gradient descent at learning rate one.

    Parameters
    ----------
    estimator : BaseMLP
        Its loss, class weights and label smoothing are used; not changed.
    data : FitData
    """
    kept = {name: getattr(estimator, name) for name in _KEPT if hasattr(estimator, name)}
    nothing = np.zeros((np.shape(data.X)[0], 1))

    def fitted(features, start, **parameters):
        """Return a linear model, fitted without a warning that it has not converged."""
        linear = public_class(type(estimator))((), penalty=None, dtype="float64", random_state=0, **kept, **parameters)
        run_fit(linear, replace(data, X=features, **start))
        return linear

    def gradient(features, intercept):
        """Return the data term, and its gradients with respect to weights and intercepts, at zero weights."""
        start = {"coef_init": [np.zeros((features.shape[1], intercept.size))], "intercept_init": [intercept]}
        step = fitted(features, start, solver="gd", momentum=0.0, learning_rate_init=1.0, max_iter=1)
        return step.loss_, -step.coefs_[0], intercept - step.intercepts_[0]

    features = data.X if hasattr(data.X, "shape") else np.asarray(data.X)
    first = fitted(nothing, {}, solver="lbfgs", tol=1e-12, max_iter=1000)
    intercept = first.intercepts_[0]
    loss, of_weights, of_intercepts = gradient(features, intercept)
    smooth = np.abs(of_intercepts).max() <= _STATIONARY * np.abs(of_weights).max()
    if smooth or first.out_activation_ == "softmax":  # the search below takes outputs one by one; softmax couples them
        return NullModel(intercept, of_weights, loss)
    # the minimum is at a kink of the data term
    low, high = _bracket(lambda intercept: gradient(nothing, intercept)[2], first.n_outputs_)
    loss, of_weights_low, below = gradient(features, low)
    _, of_weights_high, above = gradient(features, high)
    # at a kink the gradient jumps between two neighbouring numbers; all values in between are subgradients
    share = np.where(above > below, above / np.where(above > below, above - below, 1.0), 0.5)
    return NullModel(low, share * of_weights_low + (1.0 - share) * of_weights_high, loss)


def _bracket(slope, n_outputs):
    """Return neighbouring numbers, by output, between which a non-decreasing function passes zero."""
    low, high = -np.ones(n_outputs), np.ones(n_outputs)
    for bound, sign in ((low, 1.0), (high, -1.0)):
        for _ in range(60):
            outside = sign * slope(bound) > 0
            if not outside.any():
                break
            bound[outside] *= 2
    while True:
        middle = low + 0.5 * (high - low)
        if np.all((middle == low) | (middle == high) | (high - low < 1e-14)):
            return low, high
        rising = slope(middle) > 0
        low, high = np.where(rising, low, middle), np.where(rising, middle, high)


def check_variation(X, y):
    """Raise ValueError for data that leave all weights at zero for every alpha: ``alpha_max`` would be rounding."""
    for name, values, what in (("y", y, "value or class"), ("X", X, "row")):
        if sp.issparse(values):
            low, high = min_max_axis(sp.csr_matrix(values), axis=0)
        else:
            high = np.asarray(values)
            low = high[:1]
        if np.all(low == high):
            raise ValueError(
                f"{name} is one {what} over and over, so that all weights are zero for every alpha, and there is no "
                "alpha_max for a path to begin at. Look at the data, or give alphas."
            )


def build_penalty(estimator):
    """Return the penalty of an estimator.

    Raises
    ------
    ValueError
        For a penalty that leaves no weight at zero, or has no known ``alpha_max``.
    """
    penalty = build_component(Penalty, PENALTIES, estimator.penalty, estimator)
    if penalty.is_smooth:
        ratio = f" with l1_ratio={penalty.l1_ratio!r}" if hasattr(penalty, "l1_ratio") else ""
        raise ValueError(
            f"penalty={estimator.penalty!r}{ratio} leaves no weight at exactly zero, so that it has no path. Use "
            "penalty='l1', 'elasticnet' or 'group_l1' with l1_ratio above 0."
        )
    if not isinstance(penalty, L1 | ElasticNet | GroupL1):
        raise ValueError(
            f"penalty={estimator.penalty!r}: the strength at which its weights are zero is not known. A path needs "
            "penalty='l1', 'elasticnet' or 'group_l1'."
        )
    return penalty
