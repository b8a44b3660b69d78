"""The classifier for tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags

from .._estimators.classifier import MLPClassifier
from .._estimators.hints import explains_keywords
from .._kernels.parameters import arguments
from .._kernels.typing import Array, ClassWeight, Floats, MatrixLike, Scorer, Splitter
from .base import BaseTabularMLP
from .read import TableData
from .table import ClassTable, probabilities
from .weights import log_tempered


class TabularMLPClassifier(ClassifierMixin, BaseTabularMLP):
    """Classifier for tables: encodes a frame, trains a few networks of different recipes, calibrates their average.

    Takes a frame with numbers, categories, strings, booleans and missing values as it is. The recipes follow RealMLP
    (Holzmueller et al. 2024); predictions are averaged with weights from held-out rows, which a temperature then
    calibrates.

    Parameters
    ----------
    n_estimators : int >= 1, default=6
        Number of networks: one of each of the four recipes, then more of the best ones. One is the quickest, for
        searches; see :doc:`/user_guide/tables` for what more of them add.
    max_time : float > 0 or inf, default=None
        Seconds for the whole fit, without compilation. Networks are started in the order of their usefulness as long as
        time is left, and the schedules of the last ones end with it. At least one network is trained, for at least one
        epoch. Results depend on the clock then, and otherwise on ``random_state`` alone.
    max_iter : int >= 1 or 'auto', default='auto'
        Epochs of each network, after which its schedules end. 'auto' is 60 for large tables, and up to 240 for small
        ones, which have few updates in an epoch.
    hidden_layer_sizes : int, sequence of int or 'auto', default='auto'
        Widths of the hidden layers of all networks. 'auto' is what the recipe of a network says.
    learning_rate_init : float > 0 or 'auto', default='auto'
        Peak of the learning rate of the hidden layers' weights. 'auto' is what the recipe of a network says.
    dropout : float in [0, 1) or 'auto', default='auto'
        Probability of dropping a hidden unit in a training step. 'auto' is what the recipe of a network says.
    categorical_features : 'from_dtype', array-like or None, default='from_dtype'
        Columns that hold categories: names, indices or a boolean mask of all of them. 'from_dtype' takes those of a
        frame that hold categories or strings, and none of an array. See
        :class:`skregopt.preprocessing.TabularEncoder`.
    n_bins : int >= 2 or 'auto', default='auto'
        Bins of each number in the networks that embed numbers piecewise linearly. 'auto' is one for every 50 rows that
        a network trains on, at least 16 and at most 128.
    validation_fraction : float in (0, 0.5] or CV splitter, default=0.2
        Share of the rows that a network holds out to choose its best epoch; others hold out other rows. It is rounded
        up to one of a whole number of folds: 0.3 to a third, 0.4 to a half. Of fewer than 50 rows none are held out. Of
        a splitter, networks take the splits in turn, the last one first, and no network is trained on rows that no
        split trains on. Not together with ``X_val``.
    scoring : 'auto', 'loss', str or callable, default='auto'
        What chooses the best epoch of a network on the rows that it holds out. 'auto' is what the recipe of a network
        says. A scorer of scikit-learn sees encoded columns.
    class_weight : dict, list of dict or 'balanced', default=None
        Weights of classes, as in :class:`skregopt.MLPClassifier`. Probabilities are those of the weighted classes then.
    n_jobs : int, default=None
        Networks that are trained side by side, in threads. None is one, -1 all processors. Results do not depend on it.
    random_state : int, RandomState instance or None, default=None
        Decides about the rows that are held out, and about the random numbers of all networks.
    verbose : bool or int, default=False
        Whether to print a line for each network.

    Attributes
    ----------
    encoder_ : TabularEncoder
        Makes the networks' inputs of X.
    estimators_ : list of MLPClassifier
        The networks, which see encoded rows; fewer than ``n_estimators`` where time was up or the user interrupted.
    recipes_ : list of str
        Names of their recipes: 'periodic', 'plain', 'bins' or 'regularised'.
    weights_ : ndarray of shape (n_networks,)
        Weights of the networks' predictions; they sum to 1.
    temperature_ : float
        Probabilities are to the power ``1 / temperature_``, normalised.
    validation_score_ : float or None
        Minus the log loss of the rows that were held out. It is optimistic: weights and temperature were chosen on the
        same rows. None where no rows were held out.
    classes_ : ndarray of shape (n_classes,)
        Sorted labels; column numbers for a multilabel target.
    feature_importances_ : ndarray of shape (n_features,)
        By columns of X.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if X had some.
    n_iter_ : int
        Largest number of epochs of a network.

    See Also
    --------
    TabularMLPRegressor : The same for numbers.
    MLPClassifier : One network, with all parameters.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skregopt import TabularMLPClassifier
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = TabularMLPClassifier(n_estimators=2, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _table_type = ClassTable
    _network_type = MLPClassifier
    _y_options = {"multi_output": True}
    _parameter_constraints = BaseTabularMLP._parameter_constraints | {
        "class_weight": MLPClassifier()._parameter_constraints["class_weight"],
    }

    class_weight: ClassWeight | None
    temperature_: float
    classes_: Array

    @explains_keywords
    def __init__(
        self,
        *,
        n_estimators: int = 6,
        max_time: float | None = None,
        max_iter: int | Literal["auto"] = "auto",
        hidden_layer_sizes: int | Sequence[int] | Literal["auto"] = "auto",
        learning_rate_init: float | Literal["auto"] = "auto",
        dropout: float | Literal["auto"] = "auto",
        categorical_features: Any = "from_dtype",
        n_bins: int | Literal["auto"] = "auto",
        validation_fraction: float | Splitter = 0.2,
        scoring: str | Scorer = "auto",
        class_weight: ClassWeight | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int = False,
    ) -> None:
        super().__init__(**arguments(locals()))

    @explains_keywords
    def fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: MatrixLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Train the networks.

        Parameters
        ----------
        X : frame or array-like of shape (n_samples, n_features)
            A frame of pandas or polars, or an array. Numbers, booleans, categories and strings; any may be missing.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels (numbers, strings, booleans), or an indicator matrix of labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0. Only their ratios count; a row of weight 0 counts as absent, except for the encoder, which
            takes no weights.
        X_val, y_val : frame or array-like, default=None
            Rows to validate on, in place of rows that are held out: all networks train on all rows of X.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the validation rows.
        groups : array-like of shape (n_samples,), default=None
            Groups for a CV splitter in ``validation_fraction``.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        InvalidParameterError
            For a parameter outside its domain.
        ValueError
            For data that cannot be used, or training that diverged. A fitted estimator is left as it was.
        """
        return self._fit(TableData(X, y, sample_weight, X_val, y_val, sample_weight_val, groups))

    def _fitted_to(self, table, combination):
        score = None
        if combination.held_out is not None:
            score = -combination.judged.loss(combination.held_out, combination.rows)
        return {
            "temperature_": combination.temperature,
            "validation_score_": score,
            "_axis": table.axis,
            "_undoes_smoothing": combination.held_out is not None,  # else no temperature checks how sure they become
            **table.targets.attributes,
        }

    def _predict_one(self, model, X):
        return probabilities(model, X, self._axis, self._undoes_smoothing)

    def predict(self, X: MatrixLike) -> Array:
        """Predict class labels.

        Parameters
        ----------
        X : frame or array-like of shape (n_samples, n_features)
            Columns are those of ``fit``; of a frame they are found by name if names are strings.

        Returns
        -------
        y : ndarray of shape (n_samples,), ndarray or CSR matrix of shape (n_samples, n_labels)
            The most probable class; for a multilabel target an indicator of probabilities above 0.5, sparse if y was.
        """
        y_prob = self.predict_proba(X)
        if self._axis is not None:
            return self.classes_[y_prob.argmax(axis=1)]
        labels = (y_prob > 0.5).astype(int)
        return sp.csr_matrix(labels) if self._predicts_sparse else labels

    def predict_proba(self, X: MatrixLike) -> Floats:
        r"""Predict probabilities.

        Parameters
        ----------
        X : frame or array-like of shape (n_samples, n_features)
            Columns are those of ``fit``; of a frame they are found by name if names are strings.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Probabilities in the order of ``classes_``. Rows sum to one, except for a multilabel target.

        Notes
        -----
        With the probabilities :math:`p_{mk}` of class k by network m, for which label smoothing is undone, its weight
        :math:`w_m` and the temperature T:

        .. math::

            p_k = \frac{\bar p_k^{1/T}}{\sum_j \bar p_j^{1/T}}, \qquad \bar p_k = \sum_m w_m p_{mk} .
        """
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: MatrixLike) -> Floats:
        """Return the logarithm of :meth:`predict_proba`, exact also where a probability is rounded to 0.

        Parameters
        ----------
        X : frame or array-like of shape (n_samples, n_features)
            Columns are those of ``fit``; of a frame they are found by name if names are strings.

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Natural logarithms.
        """
        return log_tempered(self._predictions(X), self.temperature_, self._axis)

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's estimator tags."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
