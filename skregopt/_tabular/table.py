"""What a fit is about: the encoded rows, and targets in the units of networks and of the user."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import check_scoring

from .._estimators.resolve import own_component
from .._estimators.scoring import scorer_weights
from .._estimators.targets import read_classes, read_numbers
from ..losses import REGRESSION_LOSSES, Loss
from .scale import TargetScale
from .weights import unsmoothed


@dataclass(frozen=True, eq=False)
class Table:
    """Encoded rows with targets.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_encoded)
        float32.
    y : ndarray of shape (n_rows, n_targets)
        Codes of classes, indicators of labels, or numbers in the user's unit; float64.
    y_of_networks : ndarray
        What networks are fitted to.
    sample_weight : ndarray of shape (n_rows,) or None
        None if the user gave none.
    weights : ndarray of shape (n_rows, 1 or n_labels)
        Weights of rows times weights of classes.
    targets : ClassTargets or NumberTargets
    validation : Table or None
        The rows of ``X_val``.
    """

    X: np.ndarray
    y: np.ndarray
    y_of_networks: np.ndarray
    sample_weight: np.ndarray | None
    weights: np.ndarray
    targets: object
    validation: Table | None = None

    @property
    def has_weight(self):
        """Which rows count: bool of shape (n_rows,)."""
        return self.weights.any(axis=1)

    @property
    def varies(self):
        """Which columns of X are not constant: bool of shape (n_encoded,)."""
        return self.X.min(axis=0) != self.X.max(axis=0)

    @property
    def strata(self):
        """What folds are stratified by, of shape (n_rows,); None for nothing."""
        return self.targets.strata(self.y)


def _row_weights(targets, sample_weight, y, name):
    given = np.ones(len(y)) if sample_weight is None else sample_weight
    return targets.row_weights(given, y, name)


def probabilities(network, X, axis, undoes_smoothing=True):
    """Return a network's probabilities in float64, which tells those apart that its float32 rounds to 0 or 1."""
    smoothed = np.exp(network.predict_log_proba(X).astype(np.float64))
    return unsmoothed(smoothed, network.label_smoothing, axis) if undoes_smoothing else smoothed


class ClassTable(Table):
    """Rows with classes or labels."""

    @classmethod
    def of(cls, estimator, X, y, sample_weight, trained=None):
        """Return a table.

        Parameters
        ----------
        estimator : TabularMLPClassifier
        X : ndarray of shape (n_rows, n_encoded)
        y : ndarray or sparse matrix
            As validated by scikit-learn.
        sample_weight : ndarray of shape (n_rows,) or None
        trained : ClassTable, default=None
            The table of the rows to train on, for rows to validate on.
        """
        if trained is None:
            y, targets = read_classes(y, None, {}, False, estimator.class_weight)
            encoded, targets = targets.encode(y, np.float64), targets.weighted(y)
        else:
            targets = trained.targets
            encoded = targets.encode_validation(y, np.float64)
        name = "sample_weight" if trained is None else "sample_weight_val"
        return cls(X, encoded, y, sample_weight, _row_weights(targets, sample_weight, encoded, name), targets)

    @property
    def axis(self):
        """The axis along which probabilities sum to 1; None for labels."""
        return None if self.targets.kind == "multilabel" else 1

    def predictions_of(self, network, X):
        """Return probabilities of shape (n_rows, n_classes or n_labels)."""
        return probabilities(network, X, self.axis)

    def scorer_of_networks(self, scoring, rows):
        """Return the user's scorer as it is: networks know the user's labels."""
        return scoring

    def loss(self, probabilities, rows, smoothing=0.0):
        """Return the weighted log loss of probabilities of some rows, averaged over labels.

        ``smoothing`` is the share of each target that goes to all classes alike.
        """
        y, weights = self.y[rows], self.weights[rows]
        logs = _logs(probabilities)
        if self.axis == 1:
            chosen = np.take_along_axis(logs, y.astype(np.intp), axis=1)
            means = logs.mean(axis=1, keepdims=True)
        else:
            others = _logs(1 - probabilities)
            chosen, means = np.where(y != 0, logs, others), (logs + others) / 2
        losses = -(1 - smoothing) * chosen - smoothing * means
        weights = np.broadcast_to(weights, losses.shape)
        totals = weights.sum(axis=0)
        return float(((losses * weights).sum(axis=0)[totals > 0] / totals[totals > 0]).mean())


def _logs(probabilities):
    return np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))


@dataclass(frozen=True, eq=False)
class NumberTable(Table):
    """Rows with numbers.

    Attributes
    ----------
    scale : TargetScale
    rule : Loss
    """

    scale: TargetScale | None = None
    rule: Loss | None = None

    @classmethod
    def of(cls, estimator, X, y, sample_weight, trained=None):
        """Return a table; parameters as in :meth:`ClassTable.of`."""
        y, targets = read_numbers(y)
        encoded = (targets.encode if trained is None else targets.encode_validation)(y, np.float64)
        name = "sample_weight" if trained is None else "sample_weight_val"
        weights = _row_weights(targets, sample_weight, encoded, name)
        if trained is None:
            rule = own_component(Loss, REGRESSION_LOSSES, estimator.loss, estimator).for_target("continuous")
            scale = TargetScale.of(encoded, weights[:, 0], is_positive=rule.out_activation == "exp")
        else:
            rule, scale = trained.rule, trained.scale
            if encoded.shape[1] != trained.y.shape[1]:
                raise ValueError(f"y_val must have {trained.y.shape[1]} column(s) like y, got {encoded.shape[1]}.")
        rule.check_y(encoded)
        of_networks = scale.to_network(encoded).reshape(y.shape)
        return cls(X, encoded, of_networks, sample_weight, weights, targets, None, scale, rule)

    def predictions_of(self, network, X):
        """Return predictions of shape (n_rows, n_outputs) in the user's unit."""
        return self.scale.from_network(network.predict(X).reshape(X.shape[0], -1))

    def scorer_of_networks(self, scoring, rows):
        """Return the user's scorer in the user's unit, for rows that are held out; None for those of ``X_val``."""
        judged = self if rows is not None else self.validation
        rows = np.flatnonzero(judged.has_weight) if rows is None else rows
        return InUnitOfTargets(scoring, self.scale, self.rule, judged.y[rows])

    def loss(self, predictions, rows):
        """Return 1 minus the score of predictions of some rows; NaN for a single row, of which there is no score."""
        if rows.size < 2:
            return np.nan
        y, weights = self.y[rows], self.weights[rows, 0]
        return 1 - self.rule.score(like_y(y), like_y(predictions, self.rule), weights)


def like_y(values, rule=None):
    """Return values of shape (n_rows, n_outputs) in the shape that targets have, or predictions of a loss."""
    keeps_columns = rule is not None and rule.keeps_columns
    return values.ravel() if values.shape[1] == 1 and not keeps_columns else values


class InUnitOfTargets:
    """A scorer of networks whose targets have another unit than the user's.

    Parameters
    ----------
    scoring : str or callable
        The user's.
    scale : TargetScale
    rule : Loss
    y : ndarray of shape (n_scored, n_targets)
        The targets of the rows that are scored, in the user's unit: made of those of the networks, rounding could make
        a negative number of a zero.
    """

    def __init__(self, scoring, scale, rule, y):
        self.scoring, self.scale, self.rule, self.y = scoring, scale, rule, like_y(y)

    def __repr__(self):
        return repr(self.scoring)  # in messages

    def __call__(self, network, X, y, sample_weight=None):
        """Return the score of the network's predictions in the user's unit; ``y`` is in that of the network."""
        view = _Predictions(network, self.scale, self.rule)
        scorer = check_scoring(view, scoring=self.scoring)
        return scorer(view, X, self.y, **scorer_weights(view, self.scoring, sample_weight))


class _Predictions:
    """A network that predicts in the user's unit, for scorers."""

    _estimator_type = "regressor"

    def __init__(self, network, scale, rule):
        self._network, self._scale, self._rule = network, scale, rule

    def __sklearn_tags__(self):
        return self._network.__sklearn_tags__()

    def fit(self, X, y):
        """Raise: scikit-learn asks for this method, and nobody calls it."""
        raise NotImplementedError

    def score(self, X, y, sample_weight=None):
        """Return the score of the loss, as the estimator does."""
        return self._rule.score(y, self.predict(X), sample_weight)

    def predict(self, X):
        """Return predictions in the user's unit."""
        predictions = self._network.predict(X)
        return like_y(self._scale.from_network(predictions.reshape(len(predictions), -1)), self._rule)
