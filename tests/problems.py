"""One small data set for each kind of target, as the estimators and as the naive twins take it."""

from dataclasses import dataclass

import numpy as np
import reference

from skregopt import MLPClassifier, MLPRegressor


@dataclass(frozen=True)
class Problem:
    """A task with data; ``Y`` is ``y`` in the twins' form, ``twin_loss`` the name of their loss."""

    estimator: type
    loss: str
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
        return reference.fit(self.X, self.Y, self.twin_loss, sample_weight=sample_weight, **params)


TASKS = (
    "multiclass",
    "binary",
    "multilabel",
    "regression",
    "multi-output regression",
    "poisson",
    "multi-output poisson",
)


def make_problem(task, n_samples=13, n_features=4, seed=0):
    """Draw a data set; about a third of X is exactly zero."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_samples, n_features)) * (rng.uniform(size=(n_samples, n_features)) > 0.3)
    signal = X @ rng.normal(size=(n_features, 3)) + 0.3 * rng.normal(size=(n_samples, 3))
    if task == "multiclass":
        codes = signal.argmax(axis=1)
        codes[:3] = 0, 1, 2
        y = np.array(["ash", "birch", "cedar"])[codes]
        return Problem(MLPClassifier, "log_loss", "softmax", X, y, np.eye(3)[codes])
    if task == "binary":
        codes = (signal[:, 0] > 0).astype(int)
        codes[:2] = 0, 1
        y = np.array(["no", "yes"])[codes]
        return Problem(MLPClassifier, "log_loss", "sigmoid", X, y, codes[:, None].astype(float))
    if task == "multilabel":
        y = (signal > 0).astype(int)
        return Problem(MLPClassifier, "log_loss", "sigmoid", X, y, y.astype(float))
    Y = signal[:, :2] if task.startswith("multi-output") else signal[:, :1]
    if "poisson" in task:
        Y = rng.poisson(np.exp(0.5 * Y)).astype(float)
        loss = "poisson"
    else:
        loss = "squared_error"
    y = Y if Y.shape[1] > 1 else Y.ravel()
    return Problem(MLPRegressor, loss, loss, X, y, Y)
