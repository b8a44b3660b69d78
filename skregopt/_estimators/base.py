"""What both estimators share: parameters, validation of input, fit, partial_fit, prediction, fitted attributes."""

import copy
from contextlib import contextmanager, nullcontext
from functools import cache, partial

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils.validation import check_X_y, validate_data

from .._engine.blocks import NORMALISATIONS
from .._engine.layout import Layout
from .._engine.network import Network, Rows, in_precision, relative_weights
from .._engine.source import SUPPORTED_DTYPES, Source
from .._kernels import jit
from .._kernels.component import build_component
from .._kernels.sklearn_internals import check_sample_weight
from .._kernels.threads import counted_fit, effective_n_threads, single_blas_thread
from .._training.first_order import train_first_order
from .._training.lbfgs import train_lbfgs
from .._training.memory import OptimizerMemory
from .._training.outcome import Ending
from .._training.problem import Observers, Options, Problem
from ..initializers import INITIALIZERS, Initializer
from ..losses import Loss
from ..optimizers import OPTIMIZERS, Optimizer
from ..penalties import PENALTIES, Penalty
from ..schedules import SCHEDULES, Schedule
from .arguments import (
    check_combinations,
    check_precision,
    check_size,
    decoupled_decay,
    dropout_rates,
    effective_batch_size,
    hidden_activations,
    hidden_units,
    initial_rate,
    parameter_constraints,
)
from .callbacks import CallbackSupportMixin, fit_tasks
from .fitted import FittedNetwork
from .holdout import split_rows
from .messages import advice_on_divergence, warn_about
from .scoring import check_scores, epoch_scorer, naming

_NON_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
)


class BaseMLP(CallbackSupportMixin, FittedNetwork, BaseEstimator):
    """Shared implementation of :class:`MLPClassifier` and :class:`MLPRegressor`; not for direct use."""

    _to_standardise = "the features (StandardScaler)"
    _conclude = warn_about  # a path, which makes many fits, listens here instead

    @property
    def _parameter_constraints(self):
        # a property, because the registries may have been extended since import
        return parameter_constraints(self._losses, self._loss_family)

    def __init__(self, **parameters):
        for name, value in parameters.items():
            setattr(self, name, value)

    @classmethod
    def _get_param_names(cls):
        # scikit-learn inspects the constructor each time, in every fit and clone
        return list(_parameter_names(cls))

    # --- input -------------------------------------------------------------------------------------------------------

    def _checked_X(self, X, reset, **with_y):
        """Validate X (and y) without converting or copying an X that can be read as it is."""
        return validate_data(self, X, reset=reset, accept_sparse="csr", dtype=SUPPORTED_DTYPES, **with_y)

    def _working_dtype(self, X):
        if self.dtype != "auto":
            return np.dtype(self.dtype)
        return np.dtype(np.float32 if X.dtype == np.float32 else np.float64)

    def _checked_weights(self, sample_weight, X, name="sample_weight"):
        """Return float64 weights, one per row."""
        if sample_weight is not None:
            weights = np.asarray(sample_weight)
            if np.iscomplexobj(weights):
                raise ValueError(f"Complex data not supported in `{name}`: weights must be real.")
            try:
                weights = weights.astype(np.float64)
            except (TypeError, ValueError) as error:
                hint = " Weights of classes are the parameter class_weight." if hasattr(self, "class_weight") else ""
                raise ValueError(f"`{name}` must be None or one number for each row: {error}.{hint}") from error
            assert_all_finite(weights, input_name=name)
            if np.any(weights < 0):
                raise ValueError(f"Negative values in data passed to `{name}`: weights must be >= 0.")
            if not np.any(weights):
                raise ValueError(f"All values of `{name}` are zero: at least one row needs a positive weight.")
        return check_sample_weight(sample_weight, X, dtype=np.float64)

    def _row_weights(self, weights, y, name):
        """Return weights of shape (n_rows, 1 or n_outputs) from those of rows, called ``name``, and encoded y."""
        return weights.reshape(-1, 1)

    def _training_rows(self, source, y, weights, rows, dtype, normalise):
        """Bundle rows to train on, weights divided by their mean unless they are to be taken as given."""
        if normalise:
            return Rows(source, rows, y, in_precision(relative_weights(weights, rows), dtype), float(rows.size))
        if weights.shape[1] > 1:
            # the loss is the sum of the labels' weighted means, in which only ratios count
            means = weights[rows].mean(axis=0)
            means[means == 0] = 1.0  # a label that no row of these has a weight for
            relative, means = in_precision(weights / means, dtype), in_precision(means, dtype)
            return Rows(source, rows, y, relative, float(rows.size), means)
        weights = in_precision(weights, dtype)
        return Rows(source, rows, y, weights, float(weights[rows].sum(dtype=np.float64) / weights.shape[1]))

    def _build_loss(self, target):
        """Return the loss for a kind of target; ValueError for one that it is not for."""
        if isinstance(self.loss, Loss) and target not in self.loss.targets:
            raise ValueError(
                f"loss={self.loss!r} is for {' and '.join(self.loss.targets)} targets, not for {target} ones. Use one "
                f"of those for {type(self).__name__}: {', '.join(map(repr, self._losses))}, or their classes."
            )
        loss = build_component(self._loss_family, self._losses, self.loss, self)
        smoothing = getattr(self, "label_smoothing", 0.0)
        if smoothing and not hasattr(loss, "label_smoothing"):
            raise ValueError(
                f"label_smoothing={smoothing!r} has no effect with loss={self.loss!r}, which has no such parameter. "
                "Use loss='log_loss' or loss='focal', or leave label_smoothing at its default, 0.0."
            )
        return loss.for_target(target)

    # --- fit ---------------------------------------------------------------------------------------------------------

    @contextmanager
    def _unchanged_on_failure(self):
        before = self.__dict__.copy()
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _fit(
        self, X, y, sample_weight=None, X_val=None, y_val=None, sample_weight_val=None, groups=None,
        coef_init=None, intercept_init=None, classes=None, incremental=False,
    ):  # fmt: skip
        if incremental:
            self._validate_params()  # scikit-learn leaves this out in partial_fit of a fitted estimator
        method, max_epochs = ("partial_fit", 1) if incremental else ("fit", int(self.max_iter))
        tasks = fit_tasks(self, method, max_epochs, X, y, sample_weight)
        with (
            self._unchanged_on_failure(),
            single_blas_thread(),
            counted_fit(),
            jit.announcing(self._announcement()),
        ):
            if tasks is not None:
                tasks.begin()
            self._fit_unprotected(
                X, y, sample_weight, X_val, y_val, sample_weight_val, groups, coef_init, intercept_init,
                classes, incremental, tasks,
            )  # fmt: skip
            if tasks is not None:
                tasks.end()
        return self

    def _announcement(self):
        if not self.verbose:
            return None
        return partial(print, "Compiling the training loop; its machine code is kept for later fits and processes.")

    def _fit_unprotected(
        self, X, y, sample_weight, X_val, y_val, sample_weight_val, groups, coef_init, intercept_init,
        classes, incremental, tasks,
    ):  # fmt: skip
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        hidden = hidden_units(self)
        activations, activation_for_output = hidden_activations(self, len(hidden))
        dropout = dropout_rates(self, hidden)
        penalty = build_component(Penalty, PENALTIES, self.penalty, self)
        optimizer = None if self.solver == "lbfgs" else build_component(Optimizer, OPTIMIZERS, self.solver, self)
        schedule = build_component(Schedule, SCHEDULES, self.learning_rate, self)
        check_combinations(self, hidden, penalty, dropout, optimizer, schedule)
        if coef_init is not None and self.weight_init != "auto":
            raise ValueError(
                f"weight_init={self.weight_init!r} has no effect with coef_init, which gives the initial weights. "
                "Leave weight_init at its default, 'auto', or coef_init at None."
            )
        self._check_validation_arguments(X_val, y_val, sample_weight_val, groups)

        continuing = hasattr(self, "coefs_") and (self.warm_start or incremental)
        X, y = self._checked_X(X, reset=not continuing, y=y, **self._y_options)
        dtype = self._working_dtype(X)
        if optimizer is not None:
            check_precision(optimizer, dtype)
        y, target, y_strata = self._encode_y(y, classes, continuing, incremental, dtype)
        loss = self._build_loss(target)
        loss.check_y(y)
        given_weights = self._checked_weights(sample_weight, X)
        weights = self._row_weights(given_weights, y, "sample_weight")
        # a row of weight zero is as good as absent
        rows = np.flatnonzero(weights.max(axis=1) > 0)
        source = Source(X)
        units = [source.n_features, *hidden, loss.n_outputs(self._n_outputs(y))]
        check_size(self, units, dtype)
        layout = Layout(units, NORMALISATIONS["batch_norm"] if self.batch_norm else None)
        network = Network(
            layout, dtype, activations, loss, penalty, float(self.alpha), dropout, float(self.input_dropout),
        )  # fmt: skip
        seed, theta = self._starting_point(
            layout, dtype, [*activations, activation_for_output], coef_init, intercept_init, continuing
        )

        train_rows, validation = rows, None
        if X_val is not None:
            validation = self._given_validation(X_val, y_val, sample_weight_val, y.shape[1], loss, dtype)
            held_out = (X_val, y_val, sample_weight_val)
        elif self.early_stopping:
            train_rows, val_rows = split_rows(self.validation_fraction, rows, X, y_strata[0], y_strata[1], groups, seed)
            validation = self._held_out_rows(source, y, weights, val_rows, dtype)
            if self.scoring != "loss":
                held_out = (
                    X[val_rows], y_strata[0][val_rows], None if sample_weight is None else given_weights[val_rows]
                )  # fmt: skip
        train = self._training_rows(source, y, weights, train_rows, dtype, normalise=not incremental)

        structure = {
            "n_layers_": layout.units.size,
            "n_outputs_": int(layout.units[-1]),
            "out_activation_": loss.out_activation,
            # what predictions need, so that set_params afterwards does not change them
            "_rules": copy.deepcopy((activations, loss)),
            "_dropout_rates": (network.input_dropout, *dropout),
            "_seed": seed,
        }
        score = None
        if self.early_stopping and self.scoring != "loss":
            score = epoch_scorer(self, structure, lambda view, theta: view._set_theta(theta, layout), *held_out)
        options = Options(
            batch_size=effective_batch_size(self, train_rows.size),
            max_iter=min(int(self.max_iter), np.iinfo(np.int64).max),
            tol=float(self.tol),
            n_iter_no_change=float(self.n_iter_no_change),
            shuffle=self.shuffle,
            seed=seed,
            first_epoch=len(self._previous("loss_curve_", continuing)),
            early_stopping=self.early_stopping,
            incremental=incremental,
            learning_rate_init=0.0 if optimizer is None else initial_rate(self, optimizer),
            weight_decay=0.0 if optimizer is None else decoupled_decay(self, optimizer),
            clip_norm=self.clip_norm,
            max_norm=self.max_norm,
            ema_decay=self.ema_decay,
            n_threads=effective_n_threads(self.n_jobs),
        )
        if tasks is not None:
            if not continuing:
                self._forget_norms()  # those of an earlier fit are none of the attributes so far
            tasks.fitted_attributes = partial(
                self._fitted_attributes, structure=structure, layout=layout, n_rows=train_rows.size,
                continuing=continuing,
            )  # fmt: skip
        problem, observers = Problem(network, theta, train, validation), Observers(score, self._report(), tasks)
        memory = None
        if optimizer is None:
            outcome = train_lbfgs(problem, options, int(self.max_fun), observers)
        else:
            memory = self._optimizer_memory(optimizer, layout, dtype, incremental)
            outcome = train_first_order(problem, options, optimizer, schedule, memory, observers)
        if incremental and outcome.ending is Ending.INTERRUPTED:
            raise KeyboardInterrupt  # half an epoch is none: everything stays as it was before the call
        self._check_finite(outcome)
        if self.early_stopping:
            check_scores(self, outcome, validation.indices.size, given=X_val is not None)
        self._commit(outcome, structure, layout, train_rows.size, continuing)
        if incremental:
            self._optimizer_memory_ = memory
        else:
            self.__dict__.pop("_optimizer_memory_", None)
            self._conclude(outcome)

    def _check_validation_arguments(self, X_val, y_val, sample_weight_val, groups):
        if (X_val is None) != (y_val is None):
            given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
            raise ValueError(f"{given} was given without {missing}. Pass both, or neither.")
        if sample_weight_val is not None and X_val is None:
            raise ValueError("sample_weight_val was given without X_val and y_val. Pass all three.")
        if groups is not None and not (
            self.early_stopping and X_val is None and hasattr(self.validation_fraction, "split")
        ):
            raise ValueError(
                "groups has no effect: it is used with early_stopping=True and a CV splitter as validation_fraction "
                f"(got validation_fraction={self.validation_fraction!r}), without X_val."
            )

    def _previous(self, name, continuing):
        """Return a curve of the fits before, empty when starting anew."""
        return (getattr(self, name, None) or []) if continuing else []

    def _starting_point(self, layout, dtype, activations, coef_init, intercept_init, continuing):
        """Return the seed of this fit and the weights it starts from."""
        seed = getattr(self, "_seed", None) if continuing else None
        given = None if self.weight_init == "auto" else self.weight_init
        names = [given or activation.default_initializer for activation in activations]
        initializers = [build_component(Initializer, INITIALIZERS, name, self) for name in names]
        with nullcontext() if seed is not None else _generator(self.random_state) as rng:
            if continuing:
                arrays = self._parameter_arrays()
                if "batch_norm_scales_" in arrays and layout.normalisation is None:
                    raise ValueError(
                        "batch_norm=False would drop the scales, shifts and running statistics of the fitted network "
                        "that warm_start and partial_fit continue with. Set batch_norm=True, or fit a new estimator."
                    )
            else:
                # the network's weights are drawn first, so that a seed gives scikit-learn's
                layers = zip(initializers, layout.units[:-1], layout.units[1:], activations, strict=True)
                drawn = [rule.draw(rng, fan_in, fan_out, activation) for rule, fan_in, fan_out, activation in layers]
                arrays = dict(zip(("coefs_", "intercepts_"), map(list, zip(*drawn, strict=True)), strict=True))
            if seed is None:
                seed = int(rng.randint(np.iinfo(np.int32).max))
        given_as = {}
        for attribute, argument, values in (
            ("coefs_", "coef_init", coef_init), ("intercepts_", "intercept_init", intercept_init),
        ):  # fmt: skip
            if values is not None:
                arrays[attribute], given_as[attribute] = values, argument
        return seed, layout.pack(arrays, dtype, given_as)

    def _optimizer_memory(self, optimizer, layout, dtype, incremental):
        memory = getattr(self, "_optimizer_memory_", None)
        new = OptimizerMemory.new(optimizer, layout.n_parameters, dtype)
        return memory.copy() if incremental and memory is not None and memory.fits(new) else new

    def _given_validation(self, X_val, y_val, sample_weight_val, n_targets, loss, dtype):
        with naming("X_val"):
            X_val = self._checked_X(X_val, reset=False)
        with naming("y_val"):
            y_val = self._encode_validation_y(y_val, X_val, dtype)
        if y_val.shape != (X_val.shape[0], n_targets):
            raise ValueError(f"y_val must have {n_targets} column(s) like y, got shape {y_val.shape}.")
        with naming("y_val"):
            loss.check_y(y_val)
        weights = self._checked_weights(sample_weight_val, X_val, "sample_weight_val")
        weights = self._row_weights(weights, y_val, "sample_weight_val")
        return self._held_out_rows(Source(X_val), y_val, weights, np.arange(X_val.shape[0]), dtype)

    def _held_out_rows(self, source, y, weights, rows, dtype):
        if not np.any(weights[rows] > 0):
            raise ValueError("All sample weights of the validation rows are zero.")
        return Rows(source, rows, y, in_precision(relative_weights(weights, rows), dtype), float(rows.size))

    # --- scoring and reporting ---------------------------------------------------------------------------------------

    def _report(self):
        if not self.verbose:
            return None

        def report(iteration, loss, score):
            print(f"Iteration {iteration}, loss = {loss:.8f}")
            if score is not None:
                print(f"Validation score: {score:f}")

        return report

    def _check_finite(self, outcome):
        # L-BFGS stops where it is when the objective is not finite; other rules may stand still
        losses = [] if self.early_stopping else outcome.loss_curve[-1:]
        if np.all(np.isfinite(outcome.theta)) and np.all(np.isfinite(losses)):
            return
        advice = " " + advice_on_divergence(self)
        if self.solver == "sgd" and self.batch_size == "auto":
            advice += ". solver='sgd' updates on one example at a time; solver='minibatch' averages over a batch"
        raise ValueError(_NON_FINITE + advice + ".")

    # --- fitted attributes -------------------------------------------------------------------------------------------

    def _commit(self, outcome, structure, layout, n_rows, continuing):
        """Set all fitted attributes at once, after everything that can fail."""
        self.__dict__.update(structure)
        self._set_theta(np.array(outcome.theta), layout)
        scores = outcome.validation_scores
        validates = bool(outcome.validation_loss_curve)
        self.n_iter_ = outcome.n_iter
        self.t_ = (getattr(self, "t_", 0) if continuing else 0) + outcome.n_iter * n_rows
        self.loss_curve_ = [*self._previous("loss_curve_", continuing), *outcome.loss_curve]
        self.learning_rate_curve_ = [
            *self._previous("learning_rate_curve_", continuing), *outcome.learning_rate_curve,
        ]  # fmt: skip
        previous = self._previous("validation_loss_curve_", continuing)
        self.validation_loss_curve_ = [*previous, *outcome.validation_loss_curve] if validates or previous else None
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else np.nan
        if self.early_stopping:
            self.validation_scores_ = [*self._previous("validation_scores_", continuing), *scores]
            self.best_validation_score_ = outcome.best_score
            self.best_iter_ = outcome.best_epoch
            self.best_loss_ = None
        else:
            self.validation_scores_ = self.best_validation_score_ = self.best_iter_ = None
            self.best_loss_ = min(self.loss_curve_, default=np.inf)

    def _fitted_attributes(self, outcome, **fit):
        """Return what :meth:`_commit` would set, without setting it."""
        view = copy.copy(self)
        view._commit(outcome, **fit)
        return {name: value for name, value in vars(view).items() if value is not vars(self).get(name, view)}

    @property
    def n_nonzero_(self):
        """Number of weights in ``coefs_`` that are not exactly zero."""
        self._raise_attribute_error_unless_fitted("n_nonzero_")
        return int(sum(np.count_nonzero(coef) for coef in self.coefs_))

    @property
    def sparsity_(self):
        """Share of weights in ``coefs_`` that are exactly zero, in [0, 1]."""
        self._raise_attribute_error_unless_fitted("sparsity_")
        return 1.0 - self.n_nonzero_ / sum(coef.size for coef in self.coefs_)

    @property
    def feature_importances_(self):
        """Euclidean norms of the rows of the first weight matrix, divided by their sum, of shape (n_features,).

        With batch normalisation the columns are multiplied by the scales of their units first.
        Exactly 0.0 for a feature all of whose weights are zero.
        """
        self._raise_attribute_error_unless_fitted("feature_importances_")
        weights = self.coefs_[0].astype(np.float64)
        normalisation = self._layout().normalisation
        if normalisation is not None:
            weights = weights * np.abs(getattr(self, normalisation.scales)[0])
        norms = np.linalg.norm(weights, axis=1)
        total = norms.sum()
        return norms / total if total > 0 else norms

    def _raise_attribute_error_unless_fitted(self, name):
        if "coefs_" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r} before it is fitted")

    def __sklearn_tags__(self):
        """Return scikit-learn's estimator tags."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@cache
def _parameter_names(estimator_class):
    return super(BaseMLP, estimator_class)._get_param_names()


_generators = []  # that nobody uses: to make one takes longer than to draw the weights of a small network


@contextmanager
def _generator(random_state):
    """Yield the ``RandomState`` that scikit-learn's ``check_random_state`` would return."""
    if isinstance(random_state, np.random.RandomState):
        yield random_state
        return
    if random_state is None:  # NumPy's global generator is drawn from once, however large the network
        random_state = check_random_state(None).randint(np.iinfo(np.int32).max)
    rng = _generators.pop() if _generators else np.random.RandomState(0)
    rng.seed(random_state)
    yield rng
    _generators.append(rng)


def trains_incrementally(estimator):
    """Tell whether ``partial_fit`` exists; AttributeError for L-BFGS, as in scikit-learn."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit is only available for first-order solvers. 'lbfgs' uses all samples at once.")
    return True


def checked_y(y_val, X_val, **options):
    """Validate ``y_val`` and its length."""
    _, y_val = check_X_y(np.zeros((X_val.shape[0], 1)), y_val, estimator="y_val", **options)
    return y_val
