"""One small data set for each kind of target, as the estimators and as the naive twins take it."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from twin.training import fit

from skregopt import MLPClassifier, MLPRegressor
from skregopt.losses import Focal, LogLoss, Quantile


@dataclass(frozen=True)
class Problem:
    """A task with data; ``Y`` is ``y`` in the twins' form, ``twin_loss`` the name of their loss."""

    estimator: type
    loss: object
    twin_loss: str
    X: np.ndarray
    y: np.ndarray
    Y: np.ndarray

    def make(self, **params):
        """Return the estimator, unfitted."""
        return self.estimator(loss=self.loss, **params)

    def part(self, rows):
        """Return the same problem with some of the rows."""
        parts = (values[rows] for values in (self.X, self.y, self.Y))
        return Problem(self.estimator, self.loss, self.twin_loss, *parts)

    def fit_twin(self, sample_weight=None, **params):
        """Train the naive twin."""
        return fit(self.X, self.Y, self.twin_loss, sample_weight=sample_weight, **params)


TASKS = (
    "multiclass",
    "binary",
    "multilabel",
    "regression",
    "multi-output regression",
    "poisson",
    "multi-output poisson",
    "multiclass focal",
    "binary focal",
    "multilabel focal",
    "multiclass smoothed",
    "multilabel smoothed",
    "multiclass focal smoothed",
    "absolute_error",
    "huber",
    "multi-output huber",
    "multi-output quantile",
    "quantiles",
    "multi-output gamma",
)
QUANTILES = (0.8, 0.3, 0.5)
FORMATS = {"dense": np.asarray, "csr": sp.csr_array, "csc": sp.csc_matrix}


def row_weights(n_samples):
    """Draw weights of rows, none of them zero."""
    return np.random.RandomState(3).uniform(0.2, 3, n_samples)


def make_problem(task, n_samples=13, n_features=4, seed=0):
    """Draw a data set; about a third of X is exactly zero."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_samples, n_features)) * (rng.uniform(size=(n_samples, n_features)) > 0.3)
    signal = X @ rng.normal(size=(n_features, 3)) + 0.3 * rng.normal(size=(n_samples, 3))
    classes, _, rule = task.partition(" ")
    label_smoothing = 0.2 if "smoothed" in task else 0.0
    twin = "focal" if rule.startswith("focal") else ""
    loss = "log_loss"
    if twin:
        loss = Focal(label_smoothing=label_smoothing) if label_smoothing else "focal"
    elif label_smoothing:
        loss = LogLoss(label_smoothing)

    def smoothed(one_hot, n_classes):
        return (1 - label_smoothing) * one_hot + label_smoothing / n_classes

    if classes == "multiclass":
        codes = signal.argmax(axis=1)
        codes[:3] = 0, 1, 2
        y = np.array(["ash", "birch", "cedar"])[codes]
        return Problem(MLPClassifier, loss, twin + "softmax", X, y, smoothed(np.eye(3)[codes], 3))
    if classes == "binary":
        codes = (signal[:, 0] > 0).astype(int)
        codes[:2] = 0, 1
        y = np.array(["no", "yes"])[codes]
        return Problem(MLPClassifier, loss, twin + "sigmoid", X, y, smoothed(codes[:, None], 2.0))
    if classes == "multilabel":
        y = (signal > 0).astype(int)
        return Problem(MLPClassifier, loss, twin + "sigmoid", X, y, smoothed(y, 2.0))
    Y = signal[:, :2] if task.startswith("multi-output") else signal[:, :1]
    loss = task.removeprefix("multi-output ")
    if loss == "regression":
        loss = "squared_error"
    if loss == "poisson":
        Y = rng.poisson(np.exp(0.5 * Y)).astype(float)
    if loss == "gamma":
        Y = np.exp(0.5 * Y)
    if loss == "quantile":
        return Problem(MLPRegressor, Quantile(0.3), "quantile", X, Y, Y)
    if loss == "quantiles":
        return Problem(MLPRegressor, Quantile(QUANTILES), "quantiles", X, Y.ravel(), np.repeat(Y, 3, axis=1))
    y = Y if Y.shape[1] > 1 else Y.ravel()
    return Problem(MLPRegressor, loss, loss, X, y, Y)
