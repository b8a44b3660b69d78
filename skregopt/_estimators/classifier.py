"""The classifier."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from .._kernels.sklearn_internals import StrOptions
from ..losses import CLASSIFICATION_LOSSES, LogLoss, Loss
from .base import BaseMLP, trains_incrementally
from .read import FitData
from .targets import ClassTargets, read_classes, target_kind


class MLPClassifier(ClassifierMixin, BaseMLP):
    """Multi-layer perceptron classifier with regularisation, trained by compiled code.

    A drop-in replacement for ``sklearn.neural_network.MLPClassifier``. Minimises the weighted mean log loss plus
    ``alpha`` times the penalty of the weights. Binary, multiclass and multilabel targets.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Widths of the hidden layers; an int is one layer, () none (a linear model).
    activation : {'identity', 'logistic', 'tanh', 'relu', 'leaky_relu', 'elu', 'selu', 'gelu', 'silu', 'mish', \
            'softplus'}, Activation or sequence of them, default='relu'
        Activation of the hidden layers, or one for each, see :mod:`skregopt.activations`.
    n_hidden_layers : int in [0, 10000], default=None
        Number of hidden layers, all as wide as ``hidden_layer_sizes``, an int, says, so that depth and width are two
        numbers to search. 0 is a linear model.
    batch_norm : bool, default=False
        Normalise the pre-activations of the hidden layers over each batch, with trained scales and shifts; prediction
        uses running statistics (Ioffe and Szegedy 2015, PyTorch's conventions). Needs batches of two rows at least.
    layer_norm : bool, default=False
        Normalise the pre-activations of each row over the units of a hidden layer, with trained scales and shifts, in
        training and prediction alike (Ba et al. 2016, PyTorch's conventions). Not together with ``batch_norm``. Each
        hidden layer needs at least two units.
    weight_init : {'auto', 'glorot_uniform', 'glorot_normal', 'he_uniform', 'he_normal', 'lecun_uniform', \
            'lecun_normal', 'orthogonal'} or Initializer, default='auto'
        Initial weights, see :mod:`skregopt.initializers`. 'auto' goes by the activation: 'he_uniform' for leaky_relu,
        elu, gelu, silu, mish and softplus, 'lecun_normal' for selu, 'glorot_uniform', scikit-learn's, for the others.
    loss : {'log_loss', 'focal'} or Loss, default='log_loss'
        'log_loss' is softmax cross-entropy; the sum over labels of sigmoid cross-entropies for a multilabel target.
        'focal' counts examples less the better they are fitted. See :mod:`skregopt.losses`.
    class_weight : dict, list of dict, 'balanced' or None, default=None
        Weights of classes, by which ``sample_weight`` is multiplied, in training and in the validation loss; 1 for
        classes that a dict leaves out. 'balanced' is n_samples / (n_classes * np.bincount(y)) over the rows given to
        ``fit``, whatever their ``sample_weight``. For a multilabel target 'balanced' or a list of dicts from 0 and 1 to
        weight, one per label; the weights of each label are then divided by their own mean.
    label_smoothing : float in [0, 1), default=0.0
        Share of the target that the loss spreads evenly over the classes, or over yes and no of each label.
    penalty : {None, 'l2', 'l1', 'elasticnet', 'group_l1'} or Penalty, default='l2'
        Penalty on all ``coefs_``, never on ``intercepts_``. 'l1' and 'elasticnet' set weights to exactly 0.0,
        'group_l1' all first-layer weights of an input feature together, see :mod:`skregopt.penalties`.
    alpha : float >= 0, default=1e-4
        Strength of the penalty, if there is one. Its meaning depends neither on ``batch_size`` nor on the number of
        samples.
    l1_ratio : float in [0, 1], default=0.5
        Share of the non-smooth term in 'elasticnet' and 'group_l1': 0 is L2, 1 is L1 or the group term alone.
    weight_decay : float >= 0, default=None
        Decoupled weight decay (Loshchilov and Hutter 2019): each update multiplies ``coefs_`` by 1 - learning rate *
        weight_decay before its step. None is 0.01 for 'adamw', 0.1 for 'muon', otherwise 0. First-order
        solvers only.
    dropout : float in [0, 1) or sequence of float, default=0.0
        Probability with which a hidden unit is dropped in a training step, for all hidden layers or one for
        each; kept units are scaled by 1 / (1 - dropout). Off in prediction.
    input_dropout : float in [0, 1), default=0.0
        The same for the input features.
    max_norm : float > 0, default=None
        Largest Euclidean norm of the incoming weights of a unit; longer ones are scaled down after each update.
        First-order solvers only.
    clip_norm : float > 0, default=None
        Largest Euclidean norm of the gradient of all parameters, of data and smooth penalty together; a longer one is
        scaled down. First-order solvers only.
    ema_decay : float in [0, 1), default=None
        Keep an exponential moving average of the weights over updates: it is what is validated, and what ``coefs_``
        holds in the end; 0.0 wherever the weight is 0.0. First-order solvers only.
    solver : {'gd', 'sgd', 'minibatch', 'rmsprop', 'adagrad', 'adadelta', 'adam', 'adamw', 'adamax', 'nadam', 'lion', \
            'muon', 'lbfgs'} or Optimizer, default='adam'
        'gd' is gradient descent on all samples, 'sgd' on one example at a time, 'minibatch' on batches, all with
        ``momentum``; 'lbfgs' is SciPy's quasi-Newton method on all samples; 'muon' orthogonalises the steps of weight
        matrices; the others adapt the step of each weight, see :mod:`skregopt.optimizers`.
    batch_size : int or 'auto', default='auto'
        Samples per update. 'auto' is all of them for 'gd', 1 for 'sgd', min(200, n_samples) otherwise. Ignored by
        'lbfgs'.
    learning_rate : {'constant', 'invscaling', 'adaptive', 'step', 'exponential', 'cosine', 'one_cycle', 'plateau'} \
            or Schedule, default='constant'
        Schedule of the learning rate, with every first-order solver, see :mod:`skregopt.schedules`. 'cosine' and
        'one_cycle' end after ``max_iter`` epochs.
    learning_rate_init : float > 0 or 'auto', default='auto'
        Learning rate at the start (its peak). 'auto' is the default of the rule's reference: 1 for 'adadelta', 0.01
        for 'rmsprop' and 'adagrad', 0.002 for 'adamax' and 'nadam', else 0.001.
    power_t : float >= 0, default=0.5
        Exponent of 'invscaling'.
    momentum : float in [0, 1], default=0.9
        Momentum of 'gd', 'sgd' and 'minibatch'.
    nesterovs_momentum : bool, default=True
        Whether that momentum is Nesterov's.
    beta_1, beta_2 : float in [0, 1), default=0.9 and 0.999
        Decay rates of the moments of 'adam' and 'adamw'.
    epsilon : float > 0, default=1e-8
        Added to the denominator in 'adam' and 'adamw'.
    max_iter : int >= 1, default=200
        Most epochs; most iterations of 'lbfgs'.
    max_fun : int >= 1, default=15000
        Most evaluations of the objective by 'lbfgs'.
    shuffle : bool, default=True
        Whether to visit samples in a new order in each epoch.
    early_stopping : bool, default=False
        Whether to watch held-out rows, stop when they stop improving, and restore the weights of the best epoch.
        Otherwise the training objective is watched and the last weights are kept.
    validation_fraction : float in [0, 1) or CV splitter, default=0.1
        Rows to hold out when ``early_stopping=True`` and no ``X_val`` is given (stratified, except for a multilabel
        target); of a splitter its last split.
    n_iter_no_change : int >= 1 or inf, default=10
        Training stops after more than that many epochs in a row without an improvement of at least ``tol``.
    tol : float >= 0, default=1e-4
        What counts as an improvement, in units of what is watched. For 'lbfgs' also the largest gradient component at
        which it has converged.
    scoring : str or callable, default='loss'
        What ``early_stopping`` watches: 'loss' (of the held-out rows, without penalty), the name of a scikit-learn
        scorer, or a callable ``(estimator, X, y)``.
    random_state : int, RandomState or None, default=None
        Seed of the initial weights, hold-out split, order of samples and dropout. The same int gives the same bits.
    warm_start : bool, default=False
        Whether ``fit`` starts from the weights of the fit before.
    dtype : {'auto', 'float32', 'float64'}, default='auto'
        Working precision. 'auto' keeps float32 and computes in float64 for everything else.
    n_jobs : int or None, default=None
        Most threads of one fit, and of a prediction of many rows. None is one, -1 all processors (one inside a joblib
        worker); while other fits run in the process it is one. No bit of the result depends on it.
    verbose : bool, default=False
        Whether to print the loss of each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; column numbers for a multilabel target.
    coefs_ : list of ndarray of shape (fan_in, fan_out)
        Weights, one matrix per layer.
    intercepts_ : list of ndarray of shape (fan_out,)
        Intercepts, one vector per layer.
    batch_norm_scales_, batch_norm_shifts_, batch_norm_means_, batch_norm_variances_ : list of ndarray
        Trained scales and shifts, and running statistics, of shape (n_units,), for each hidden layer; only with
        ``batch_norm``.
    layer_norm_scales_, layer_norm_shifts_ : list of ndarray
        Trained scales and shifts, of shape (n_units,), for each hidden layer; only with ``layer_norm``.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, when X has string column names.
    n_iter_ : int
        Epochs (iterations of 'lbfgs') of the last call.
    t_ : int
        Training samples seen, over all epochs and calls that continue each other.
    loss_ : float
        Last value of ``loss_curve_``; NaN if training was interrupted before the first epoch was complete.
    loss_curve_ : list of float
        Objective of each epoch: mean loss met during the epoch plus the penalty at its end.
    best_loss_ : float or None
        Smallest value of ``loss_curve_``, infinity if that is empty; None with ``early_stopping``.
    learning_rate_curve_ : list of float
        Learning rate at the end of each epoch.
    validation_loss_curve_ : list of float or None
        Mean loss of the held-out rows after each epoch, without penalty and dropout; None without such rows.
    validation_scores_ : list of float or None
        What ``early_stopping`` watched, higher is better ('loss': the negative loss); None without it.
    best_validation_score_ : float or None
        Highest of them in the last fit.
    best_iter_ : int or None
        Epoch of the last fit, counted from 1, whose weights were kept; None without ``early_stopping``.
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
        Norms of the rows of the first weight matrix, divided by their sum; 0.0 for a dropped feature.

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

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        n_hidden_layers=None,
        batch_norm=False,
        layer_norm=False,
        weight_init="auto",
        loss="log_loss",
        class_weight=None,
        label_smoothing=0.0,
        penalty="l2",
        alpha=1e-4,
        l1_ratio=0.5,
        weight_decay=None,
        dropout=0.0,
        input_dropout=0.0,
        max_norm=None,
        clip_norm=None,
        ema_decay=None,
        solver="adam",
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init="auto",
        power_t=0.5,
        momentum=0.9,
        nesterovs_momentum=True,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        max_iter=200,
        max_fun=15000,
        shuffle=True,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-4,
        scoring="loss",
        random_state=None,
        warm_start=False,
        dtype="auto",
        n_jobs=None,
        verbose=False,
    ):
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            n_hidden_layers=n_hidden_layers,
            batch_norm=batch_norm,
            layer_norm=layer_norm,
            weight_init=weight_init,
            loss=loss,
            class_weight=class_weight,
            label_smoothing=label_smoothing,
            penalty=penalty,
            alpha=alpha,
            l1_ratio=l1_ratio,
            weight_decay=weight_decay,
            dropout=dropout,
            input_dropout=input_dropout,
            max_norm=max_norm,
            clip_norm=clip_norm,
            ema_decay=ema_decay,
            solver=solver,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            max_iter=max_iter,
            max_fun=max_fun,
            shuffle=shuffle,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            scoring=scoring,
            random_state=random_state,
            warm_start=warm_start,
            dtype=dtype,
            n_jobs=n_jobs,
            verbose=verbose,
        )

    @property
    def _parameter_constraints(self):
        return super()._parameter_constraints | {
            "class_weight": [StrOptions({"balanced"}), dict, list, None],
            "label_smoothing": LogLoss._parameter_constraints["label_smoothing"],
        }

    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        groups=None,
        coef_init=None,
        intercept_init=None,
    ):
        """Train the network.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite numbers. Never copied whole, except to convert lists, objects and sparse formats other than CSR.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels (numbers, strings, booleans), or an indicator matrix of labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0, relative to each other; a row of weight 0 is as good as absent.
        X_val, y_val : array-like, default=None
            Rows to validate on. With ``early_stopping=True`` they take the place of held-out rows, otherwise their loss
            is only recorded in ``validation_loss_curve_``.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of these rows.
        groups : array-like of shape (n_samples,), default=None
            Given to a CV splitter in ``validation_fraction``.
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
            stopping without a single finite score. A fitted estimator is left as it was.
        """
        return self._fit(
            FitData(X, y, sample_weight, X_val, y_val, sample_weight_val, groups, coef_init, intercept_init)
        )

    @available_if(trains_incrementally)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Train for one epoch on the given rows, starting from the current weights.

        Not available for ``solver='lbfgs'``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0, taken as given (``fit`` divides them by their mean).
        classes : array-like of shape (n_classes,), default=None
            All classes that will occur; required in the first call.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            For a class that is not among ``classes``, or with ``early_stopping=True`` or ``class_weight='balanced'``.
        KeyboardInterrupt
            If the user interrupts (``fit`` warns instead). A fitted estimator is left as it was, as after any error.
        """
        return self._fit(FitData(X, y, sample_weight, classes=classes), incremental=True)

    def _read_targets(self, y, classes, previous, incremental):
        return read_classes(y, classes, previous, incremental, self.class_weight)

    def _target_kind(self):
        return target_kind(self.out_activation_, self.n_outputs_)

    def predict(self, X):
        """Predict class labels.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite numbers.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            The most probable class; for a multilabel target an indicator of probabilities above 0.5.
        """
        y_pred = self._predict_outputs(X)
        return ClassTargets(self.classes_, self._target_kind() == "multilabel").decode(y_pred)

    def predict_proba(self, X, n_draws=None):
        """Predict probabilities, averaged over networks thinned by dropout if wanted.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Finite numbers.
        n_draws : int >= 1, default=None
            None predicts with all units. A number averages the probabilities of so many networks that dropout has
            thinned, at the rates of the last fit, with masks that are the same for all rows and in each call (Gal and
            Ghahramani 2016, "Dropout as a Bayesian approximation"). Where these disagree, the average is less sure.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            In the order of ``classes_``. Rows sum to one, except for a multilabel target.

        Raises
        ------
        ValueError
            For X that does not fit the network, draws from one fitted without dropout, or ``n_draws`` below 1.
        """
        y_pred = self._predict_outputs(X) if n_draws is None else self._predict_draws(X, n_draws)[0]
        if self._target_kind() != "binary":
            return y_pred
        if len(self.classes_) == 1:
            return np.ones_like(y_pred)
        return np.hstack([1 - y_pred, y_pred])

    def predict_log_proba(self, X):
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
        y_prob = self.predict_proba(X)
        return np.log(y_prob, out=y_prob)

    def __sklearn_tags__(self):
        """Return scikit-learn's estimator tags."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
