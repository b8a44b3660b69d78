"""The classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags

from .._kernels.parameters import arguments
from .._kernels.sklearn_internals import StrOptions, available_if
from .._kernels.typing import Array, ClassWeight, Floats, MatrixLike, Scorer, Splitter
from ..activations import Activation
from ..embeddings import Embedding
from ..initializers import Initializer
from ..losses import CLASSIFICATION_LOSSES, LogLoss, Loss
from ..losses._log_loss import LOG_PREDICTIONS
from ..optimizers import Optimizer
from ..penalties import Penalty
from ..schedules import Schedule
from .base import BaseMLP, trains_incrementally
from .hints import explains_keywords
from .read import FitData
from .targets import decode, read_classes, target_kind


class MLPClassifier(ClassifierMixin, BaseMLP):
    """Multi-layer perceptron classifier with regularisation, trained by compiled code.

    A drop-in replacement for ``sklearn.neural_network.MLPClassifier``. Minimises the weighted mean log loss plus
    ``alpha`` times the penalty of the weights. Binary, multiclass and multilabel targets.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Widths of the hidden layers. An int is one layer, () is none: a linear model.
    activation : {'identity', 'logistic', 'tanh', 'relu', 'leaky_relu', 'elu', 'selu', 'gelu', 'silu', 'mish', \
            'softplus'}, Activation or sequence of them, default='relu'
        Activation of all hidden layers, or one for each, see :mod:`skregopt.activations`. ``Trainable(activation)``
        adds a trained scale for each unit.
    n_hidden_layers : int in [0, 10000], default=None
        Number of hidden layers; each has ``hidden_layer_sizes`` units, which must be one int. Depth and width are then
        two numbers to search. 0 is a linear model.
    feature_embedding : {None, 'periodic', 'piecewise_linear'} or Embedding, default=None
        Replace numeric features by trained functions of them, see :mod:`skregopt.embeddings`: cosines, or functions
        that are linear between quantiles. Needs dense X. Penalty, ``weight_decay`` and ``max_norm`` act on ``coefs_``
        alone, not on the embedding.
    batch_norm : bool, default=False
        Normalise the pre-activations of the hidden layers over each batch, then scale and shift them by trained
        vectors; prediction uses running statistics (Ioffe and Szegedy 2015, PyTorch's conventions). Batches need at
        least two rows.
    layer_norm : bool, default=False
        Normalise the pre-activations of each row over the units of a hidden layer, then scale and shift them by trained
        vectors, in training and prediction alike (Ba et al. 2016, PyTorch's conventions). Not together with
        ``batch_norm``. Each hidden layer needs at least two units.
    weight_init : {'auto', 'glorot_uniform', 'glorot_normal', 'he_uniform', 'he_normal', 'lecun_uniform', \
            'lecun_normal', 'orthogonal', 'normal'} or Initializer, default='auto'
        Rule that draws the initial weights, see :mod:`skregopt.initializers`. 'auto' depends on the activation:
        'he_uniform' for leaky_relu, elu, gelu, silu, mish and softplus, 'lecun_normal' for selu, scikit-learn's
        'glorot_uniform' for the others.
    loss : {'log_loss', 'focal'} or Loss, default='log_loss'
        'log_loss' is the cross-entropy of a softmax; for a multilabel target the sum over labels of the cross-entropies
        of sigmoids. 'focal' gives well-fitted samples less weight. See :mod:`skregopt.losses`.
    class_weight : dict, list of dict, 'balanced' or None, default=None
        Weights of classes; they multiply ``sample_weight`` in training and in the validation loss. A class that a dict
        leaves out has the weight 1. 'balanced' is n_samples / (n_classes * np.bincount(y)) over the rows given to
        ``fit``, whatever their ``sample_weight``. A multilabel target takes 'balanced' or a list with one dict from 0
        and 1 to weight for each label; the weights of each label are then divided by their own mean.
    label_smoothing : float in [0, 1), default=0.0
        Share of the target that the loss spreads evenly over the classes; for a multilabel target over 0 and 1.
    penalty : {None, 'l2', 'l1', 'elasticnet', 'group_l1'} or Penalty, default='l2'
        Penalty on all ``coefs_``, never on ``intercepts_``. 'l1' and 'elasticnet' set single weights to exactly 0.0;
        'group_l1' sets all first-layer weights of an input feature to 0.0 together. See :mod:`skregopt.penalties`.
    alpha : float >= 0, default=1e-4
        Strength of the penalty. Its meaning depends neither on ``batch_size`` nor on the number of samples.
    l1_ratio : float in [0, 1], default=0.5
        Share of the non-smooth term in 'elasticnet' and 'group_l1': 0 is L2, 1 is L1 or the group term alone.
        Other names ignore it, so that a grid may hold penalties and ratios.
    weight_decay : float >= 0, default=None
        Decoupled weight decay (Loshchilov and Hutter 2019): each update multiplies ``coefs_`` by 1 - learning rate *
        weight_decay before its step. None is 0.01 for 'adamw', 0.1 for 'muon', otherwise 0. First-order
        solvers only.
    weight_decay_schedule : {'coslog', 'cosine', 'flat_cosine', 'one_cycle'} or Schedule, default=None
        Schedule that multiplies ``weight_decay``, with a peak of 1, besides the schedule of the learning rate. It has
        to end after ``max_iter`` epochs.
    dropout : float in [0, 1) or sequence of float, default=0.0
        Probability of dropping a hidden unit in a training step, for all hidden layers or one for each; kept units
        are scaled by 1 / (1 - dropout). Off in prediction.
    input_dropout : float in [0, 1), default=0.0
        Probability of dropping an input feature, with all that its embedding makes of it, in a training step.
    dropout_schedule : {'coslog', 'cosine', 'flat_cosine', 'one_cycle'} or Schedule, default=None
        Schedule that multiplies ``dropout`` and ``input_dropout``, with a peak of 1. It has to end after ``max_iter``
        epochs. ``n_draws`` of predictions drops with the rates themselves.
    max_norm : float > 0, default=None
        Largest Euclidean norm of a unit's incoming weights; longer vectors are scaled down after each update.
        First-order solvers only.
    clip_norm : float > 0, default=None
        Largest Euclidean norm of the gradient of the loss and the smooth penalty; a longer gradient is scaled down
        before each update. First-order solvers only.
    ema_decay : float in [0, 1), default=None
        Average the weights over updates, with exponentially decaying influence. The average is validated and becomes
        ``coefs_``; it is 0.0 wherever the current weight is 0.0. First-order solvers only.
    solver : {'gd', 'sgd', 'minibatch', 'rmsprop', 'adagrad', 'adadelta', 'adam', 'adamw', 'adamax', 'nadam', 'lion', \
            'muon', 'lbfgs'} or Optimizer, default='adam'
        'gd', 'sgd' and 'minibatch' are gradient descent with ``momentum``: on all samples, on one sample at a time, on
        batches. 'lbfgs' is SciPy's quasi-Newton method on all samples. 'muon' orthogonalises the steps of weight
        matrices. The others adapt the step of each weight. See :mod:`skregopt.optimizers`.
    batch_size : int or 'auto', default='auto'
        Samples per update. 'auto' is n_samples for 'gd', 1 for 'sgd', min(200, n_samples) otherwise. Ignored by
        'lbfgs'.
    learning_rate : {'constant', 'invscaling', 'adaptive', 'step', 'exponential', 'cosine', 'one_cycle', \
            'flat_cosine', 'coslog', 'plateau'} or Schedule, default='constant'
        Schedule of the learning rate, for every first-order solver, see :mod:`skregopt.schedules`. 'cosine',
        'one_cycle', 'flat_cosine' and 'coslog' end after ``max_iter`` epochs.
    learning_rate_init : float > 0 or 'auto', default='auto'
        Peak of the learning rate. 'auto' is 0.05 for 'gd', 0.01 for 'minibatch'; otherwise the default of the rule's
        reference: 1 for 'adadelta', 0.01 for 'rmsprop' and 'adagrad', 0.002 for 'adamax' and 'nadam', 0.001 for others.
    learning_rate_factors : dict of str to float, default=None
        Factors >= 0 on the learning rate of groups of parameters: 'coefs', 'intercepts', 'norm' (scales and shifts of
        ``batch_norm`` or ``layer_norm``), 'embedding', 'activation' (scales of ``Trainable``). A group that is left out
        has the factor 1; 0 freezes a group; one that the network lacks is ignored. First-order solvers only.
    parametrization : {'standard', 'ntp'}, default='standard'
        'ntp' trains sqrt(fan_in) times the weights of each layer, which the layer divides by sqrt(fan_in): the neural
        tangent parametrisation (Jacot et al. 2018). ``coefs_`` are the weights themselves. First-order solvers only.
    power_t : float >= 0, default=0.5
        Exponent of 'invscaling'.
    momentum : float in [0, 1], default=0.9
        Momentum of 'gd', 'sgd' and 'minibatch'.
    nesterovs_momentum : bool, default=True
        Whether the momentum is Nesterov's.
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        Decay rates of the moments of 'adam' and 'adamw'.
    epsilon : float > 0, default=1e-8
        Added to the denominator in 'adam' and 'adamw'.
    max_iter : int >= 1, default=200
        Largest number of epochs; for 'lbfgs' of iterations.
    max_time : float > 0 or inf, default=None
        Seconds, counted from the first epoch on and without compilation, after which training ends as after
        ``max_iter`` epochs: with the end of an epoch that is nearest, one at least, or with an iteration of 'lbfgs'. A
        schedule that ends after ``max_iter`` epochs ends with it, too. The only parameter whose results depend on the
        clock. Not with ``partial_fit``.
    max_fun : int >= 1, default=15000
        Largest number of evaluations of the objective by 'lbfgs'.
    shuffle : bool, default=True
        Whether to visit samples in a new order in each epoch.
    early_stopping : bool, default=False
        Whether to watch held-out rows, to stop when they stop improving, and to restore the weights of the best epoch.
        Otherwise the training objective is watched and the last weights are kept.
    validation_fraction : float in [0, 1) or CV splitter, default=0.1
        Share of rows to hold out with ``early_stopping=True`` and without ``X_val``, stratified except for a multilabel
        target. Of a splitter, which sees all rows as you pass them, the last split is used; without effect it raises.
    n_iter_no_change : int >= 1 or inf, default=10
        Training stops after more than this many epochs in a row without an improvement of at least ``tol``.
    tol : float >= 0, default=1e-4
        Smallest improvement that counts, in units of the loss or score that is watched. 'lbfgs' also converges once no
        gradient component is larger.
    scoring : str or callable, default='loss'
        Score of the held-out rows that ``early_stopping`` watches: 'loss' (without penalty), the name of a scikit-learn
        scorer, or a callable ``(estimator, X, y)``.
    random_state : int, RandomState or None, default=None
        Seed of the initial weights, the hold-out split, the order of samples, and dropout. The same int gives the same
        bits.
    warm_start : bool, default=False
        Whether ``fit`` starts from the weights of the previous fit.
    dtype : {'auto', 'float32', 'float64'}, default='auto'
        Working precision. 'auto' is float32 for X in float32, float64 for all other X. A network that ``partial_fit``
        or ``warm_start`` continues keeps its own.
    n_jobs : int or None, default=None
        Largest number of threads of a fit, and of a prediction of many rows. None is one; -1 is all processors, but one
        inside a joblib worker. While other fits run in the same process a fit has one thread. No bit of the result
        depends on it.
    verbose : bool, default=False
        Whether to print a line for each epoch: its number, losses or score, learning rate, seconds since the start; and
        at last why training ended, and which epoch was kept.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; column numbers for a multilabel target.
    coefs_ : list of ndarray of shape (fan_in, fan_out)
        Weights, one matrix per layer. With ``feature_embedding`` the first one has rows for the features that are left
        as they are, then the rows of each embedded feature, as many as the embedding has ``n_outputs``.
    intercepts_ : list of ndarray of shape (fan_out,)
        Intercepts, one vector per layer.
    batch_norm_scales_, batch_norm_shifts_, batch_norm_means_, batch_norm_variances_ : list of ndarray
        Trained scales and shifts, and running statistics, of shape (n_units,), for each hidden layer; only with
        ``batch_norm``.
    layer_norm_scales_, layer_norm_shifts_ : list of ndarray
        Trained scales and shifts, of shape (n_units,), for each hidden layer; only with ``layer_norm``.
    activation_scales_ : list of ndarray of shape (n_units,)
        Trained scales of each hidden layer, none for a layer without ``Trainable``; only with ``Trainable``.
    embedded_columns_ : ndarray of shape (n_embedded,)
        Indices of the embedded features in increasing order; only with ``feature_embedding``.
    embedding_coefs_, embedding_intercepts_ : list of ndarray
        Arrays of each embedded feature; only with ``feature_embedding``. There are more of them, such as
        ``embedding_frequencies_`` or ``embedding_bins_``: the class of the embedding names all.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if the columns of X have names.
    n_iter_ : int
        Epochs of the last call; iterations of 'lbfgs'.
    t_ : int
        Training samples seen in all epochs, of earlier calls too if the last one continued them.
    loss_ : float
        Last value of ``loss_curve_``; NaN if training was interrupted within the first epoch.
    loss_curve_ : list of float
        Objective of each epoch: mean loss during the epoch plus the penalty at its end.
    best_loss_ : float or None
        Smallest value of ``loss_curve_``, infinity if there is none; None with ``early_stopping``.
    learning_rate_curve_ : list of float
        Learning rate of the last update of each epoch.
    validation_loss_curve_ : list of float or None
        Mean loss of the validation rows after each epoch, without penalty and dropout; None without such rows.
    validation_scores_ : list of float or None
        Score that ``early_stopping`` watched after each epoch, higher is better (for 'loss' the negative loss); None
        without ``early_stopping``.
    best_validation_score_ : float or None
        Highest score of the last fit; None without ``early_stopping``.
    best_iter_ : int or None
        Epoch of the last fit whose weights were kept, counted from 1; 0 if the initial weights were. None without
        ``early_stopping``.
    n_layers_ : int
        Layers including input and output.
    n_outputs_ : int
        Width of the output layer.
    out_activation_ : str
        Inverse link of the output layer.
    n_nonzero_ : int
        Weights in ``coefs_`` that are not exactly zero.
    sparsity_ : float
        Share of weights in ``coefs_`` that are exactly zero.
    feature_importances_ : ndarray of shape (n_features,)
        Norm of the row of the first weight matrix that a feature feeds, for an embedded feature the root mean square
        over its rows, divided by their sum; 0.0 where all are zero.

    See Also
    --------
    MLPRegressor : The same for regression.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from skregopt import MLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    >>> clf = MLPClassifier(penalty="l1", alpha=1e-3, early_stopping=True, random_state=0)
    >>> bool(clf.fit(X_train, y_train).score(X_test, y_test) > 0.9)
    True
    >>> bool(clf.sparsity_ > 0.1)
    True
    """

    _losses = CLASSIFICATION_LOSSES
    _loss_family = Loss
    _y_options = {"multi_output": True}
    _rates_of_solvers = {"gd": 0.05, "minibatch": 0.01}  # with 0.001 they are far from done after 200 epochs

    class_weight: ClassWeight | None
    label_smoothing: float
    classes_: Array

    @explains_keywords
    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Activation | Sequence[str | Activation] = "relu",
        *,
        n_hidden_layers: int | None = None,
        feature_embedding: str | Embedding | None = None,
        batch_norm: bool = False,
        layer_norm: bool = False,
        weight_init: str | Initializer = "auto",
        loss: str | Loss = "log_loss",
        class_weight: ClassWeight | None = None,
        label_smoothing: float = 0.0,
        penalty: str | Penalty | None = "l2",
        alpha: float = 1e-4,
        l1_ratio: float = 0.5,
        weight_decay: float | None = None,
        weight_decay_schedule: str | Schedule | None = None,
        dropout: float | Sequence[float] = 0.0,
        input_dropout: float = 0.0,
        dropout_schedule: str | Schedule | None = None,
        max_norm: float | None = None,
        clip_norm: float | None = None,
        ema_decay: float | None = None,
        solver: str | Optimizer = "adam",
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: str | Schedule = "constant",
        learning_rate_init: float | Literal["auto"] = "auto",
        learning_rate_factors: dict[str, float] | None = None,
        parametrization: Literal["standard", "ntp"] = "standard",
        power_t: float = 0.5,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        max_iter: int = 200,
        max_time: float | None = None,
        max_fun: int = 15000,
        shuffle: bool = True,
        early_stopping: bool = False,
        validation_fraction: float | Splitter = 0.1,
        n_iter_no_change: float = 10,
        tol: float = 1e-4,
        scoring: str | Scorer = "loss",
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        dtype: Literal["auto", "float32", "float64"] = "auto",
        n_jobs: int | None = None,
        verbose: bool | int = False,
    ) -> None:
        super().__init__(**arguments(locals()))

    @property
    def _parameter_constraints(self):
        return super()._parameter_constraints | {
            "class_weight": [StrOptions({"balanced"}), dict, list, None],
            "label_smoothing": LogLoss._parameter_constraints["label_smoothing"],
        }

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
        coef_init: Sequence[Array] | None = None,
        intercept_init: Sequence[Array] | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite numbers. Copied only to convert lists, objects and sparse formats other than CSR.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels (numbers, strings, booleans), or an indicator matrix of labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0. Only their ratios count; a row of weight 0 counts as absent.
        X_val, y_val : array-like, default=None
            Validation rows. With ``early_stopping=True`` they take the place of held-out rows; otherwise
            ``validation_loss_curve_`` records their loss and nothing else depends on them. Searches and
            cross-validation cut an ``X_val`` with exactly as many rows as X by fold, like X.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the validation rows.
        groups : array-like of shape (n_samples,), default=None
            Groups for a CV splitter in ``validation_fraction``.
        coef_init : list of ndarray of shape (fan_in, fan_out), default=None
            Weights to start from.
        intercept_init : list of ndarray of shape (fan_out,), default=None
            Intercepts to start from.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        InvalidParameterError
            For a parameter outside its domain.
        ValueError
            For data that cannot be used, parameters that contradict each other, training that diverged, or early
            stopping without any finite score. A fitted estimator is left as it was.
        """
        return self._fit(
            FitData(X, y, sample_weight, X_val, y_val, sample_weight_val, groups, coef_init, intercept_init)
        )

    @available_if(trains_incrementally)
    @explains_keywords
    def partial_fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on the given rows, starting from the current weights.

        Not available for ``solver='lbfgs'``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0, taken as given, where ``fit`` divides them by their mean.
        classes : array-like of shape (n_classes,), default=None
            All classes that will occur; required in the first call.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            For a label that is not among ``classes``, ``early_stopping=True``, or ``class_weight='balanced'``.
        KeyboardInterrupt
            If the user interrupts, where ``fit`` warns. A fitted estimator is left as it was, as after any error.
        """
        return self._fit(FitData(X, y, sample_weight, classes=classes), incremental=True)

    def _read_targets(self, y, classes, previous, incremental):
        return read_classes(y, classes, previous, incremental, self.class_weight)

    def _target_kind(self):
        return target_kind(self.out_activation_, self.n_outputs_)

    def predict(self, X: MatrixLike) -> Array:
        """Predict class labels.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite numbers.

        Returns
        -------
        y : ndarray of shape (n_samples,), ndarray or CSR matrix of shape (n_samples, n_labels)
            The most probable class; for a multilabel target an indicator of probabilities above 0.5, sparse if y was.
        """
        if getattr(self, "_predicts_sparse", False):
            return self._predict_sparse(X)
        return decode(self._predict_outputs(X), self.classes_, self._target_kind())

    def predict_proba(self, X: MatrixLike, n_draws: int | None = None) -> Floats:
        """Predict probabilities, averaged over networks thinned by dropout if wanted.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite numbers.
        n_draws : int >= 1, default=None
            None predicts with all units. A number averages the probabilities of this many networks, thinned by dropout
            at the rates of the last fit; their masks are the same for all rows and in each call (Gal and Ghahramani
            2016, "Dropout as a Bayesian approximation"). Where the networks disagree, the average is less sure.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Probabilities in the order of ``classes_``. Rows sum to one, except for a multilabel target.

        Raises
        ------
        ValueError
            For X that does not fit the network, draws from a network without dropout, or ``n_draws`` below 1.
        """
        self._check_is_fitted()
        is_binary = self._target_kind() == "binary"
        both = is_binary and self._is_symmetric()
        y_pred = self._predict_outputs(X, both) if n_draws is None else self._predict_draws(X, n_draws, 1, both)[0]
        if len(self.classes_) == 1:
            return np.ones_like(y_pred[:, :1])
        return np.hstack([1 - y_pred, y_pred]) if is_binary and not both else y_pred

    def predict_log_proba(self, X: MatrixLike) -> Floats:
        """Return the logarithm of :meth:`predict_proba`, exact even where a probability is rounded to 0.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite numbers.

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Natural logarithms.
        """
        self._check_is_fitted()
        kind = self._target_kind()
        rule = LOG_PREDICTIONS.get((self._rules[1].invert_link, kind))
        if rule is None or len(self.classes_) == 1:
            y_prob = self.predict_proba(X)
            return np.log(y_prob, out=y_prob)
        return self._predict_outputs(X, kind == "binary", rule)

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's estimator tags."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
