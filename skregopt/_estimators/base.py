"""What both estimators share: parameters, fit, partial_fit, and attributes that are computed when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal

import numpy as np
from sklearn.utils import Tags

from .._kernels.documentation_link import DocumentationLinkMixin
from .._kernels.parameters import all_parameters, default_parameters
from .._kernels.typing import Array, Float64s, Floats, Ints, MaybeNone, Scorer, Splitter
from ..activations import Activation
from ..embeddings import Embedding
from ..initializers import Initializer
from ..losses import Loss
from ..optimizers import Optimizer
from ..penalties import Penalty
from ..schedules import Schedule
from .callbacks import CallbackSupportMixin
from .constraints import parameter_constraints, registries
from .embedded import fitted_embedding
from .fit import run_fit
from .fitted import CURVES, FittedMixin, fitted_normalisation
from .hints import ExplainedParametersMixin
from .messages import warn_about, warn_about_horizon, warn_about_validation_rows


class BaseMLP(CallbackSupportMixin, FittedMixin, DocumentationLinkMixin, ExplainedParametersMixin):
    """Shared implementation of :class:`MLPClassifier` and :class:`MLPRegressor`; not for direct use.

    Attributes
    ----------
    _losses : dict
        The losses of the estimator by name.
    _loss_family : type
        Family of loss instances.
    _y_options : dict
        How scikit-learn validates y.
    _to_standardise : str
        What to standardise against divergence, for messages.
    _rates_of_solvers : dict of str to float
        ``learning_rate_init='auto'`` of solvers by name, where it is another than the rule's own default.
    """

    _to_standardise = "the features (StandardScaler)"
    _rates_of_solvers = {}

    # parameters, which the constructor sets by name
    hidden_layer_sizes: int | Sequence[int]
    activation: str | Activation | Sequence[str | Activation]
    n_hidden_layers: int | None
    feature_embedding: str | Embedding | None
    batch_norm: bool
    layer_norm: bool
    weight_init: str | Initializer
    loss: str | Loss
    penalty: str | Penalty | None
    alpha: float
    l1_ratio: float
    weight_decay: float | None
    weight_decay_schedule: str | Schedule | None
    dropout: float | Sequence[float]
    input_dropout: float
    dropout_schedule: str | Schedule | None
    max_norm: float | None
    clip_norm: float | None
    ema_decay: float | None
    solver: str | Optimizer
    batch_size: int | Literal["auto"]
    learning_rate: str | Schedule
    learning_rate_init: float | Literal["auto"]
    learning_rate_factors: dict[str, float] | None
    parametrization: Literal["standard", "ntp"]
    power_t: float
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    max_iter: int
    max_time: float | None
    max_fun: int
    shuffle: bool
    early_stopping: bool
    validation_fraction: float | Splitter
    n_iter_no_change: float
    tol: float
    scoring: str | Scorer
    random_state: int | np.random.RandomState | None
    warm_start: bool
    dtype: Literal["auto", "float32", "float64"]
    n_jobs: int | None
    verbose: bool | int

    # fitted attributes
    coefs_: list[Floats]
    intercepts_: list[Floats]
    batch_norm_scales_: list[Floats]
    batch_norm_shifts_: list[Floats]
    batch_norm_means_: list[Floats]
    batch_norm_variances_: list[Floats]
    layer_norm_scales_: list[Floats]
    layer_norm_shifts_: list[Floats]
    activation_scales_: list[Floats]
    embedding_frequencies_: list[Floats]
    embedding_phases_: list[Floats]
    embedding_slopes_: list[Floats]
    embedding_coefs_: list[Floats]
    embedding_intercepts_: list[Floats]
    embedding_bins_: list[Floats]
    n_features_in_: int
    feature_names_in_: Array
    n_iter_: int
    t_: int
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | MaybeNone
    learning_rate_curve_: list[float]
    validation_loss_curve_: list[float] | MaybeNone
    validation_scores_: list[float] | MaybeNone
    best_validation_score_: float | MaybeNone
    best_iter_: int | MaybeNone
    n_layers_: int
    n_outputs_: int
    out_activation_: str

    @property
    def _parameter_constraints(self):
        # a property, because the registries may have been extended since import
        return parameter_constraints(self._losses, self._loss_family)

    def __init__(self, **parameters: Any) -> None:
        for name, value in parameters.items():
            setattr(self, name, value)

    def _parameters_to_validate(self):
        # not those that nobody has set, most of forty, which scikit-learn looks at as long as a small epoch takes
        defaults = self._default_parameters()
        return {name: value for name, value in all_parameters(self).items() if value is not defaults.get(name, self)}

    def _registries(self):
        return registries(self._losses)

    @classmethod
    def _default_parameters(cls):
        """Return the parameters of the public class by name with their defaults, whatever a subclass takes."""
        return default_parameters(public_class(cls))

    @classmethod
    def _get_param_names(cls):
        # scikit-learn inspects the constructor each time, in every fit and clone
        return list(_parameter_names(cls))

    def _fit(self, data, incremental=False):
        """Fit to :class:`FitData`, and warn about how training ended; a failure changes nothing."""
        with self._unchanged_on_failure() as before:
            outcome = run_fit(self, data, incremental)
            if outcome.passed_horizons:
                # but this: where warnings are errors, this call fails, and not each one after it
                told = {"told_of_horizon": self._optimizer_memory_["told_of_horizon"]}
                before["_optimizer_memory_"] = before["_optimizer_memory_"] | told
                warn_about_horizon(outcome, all_parameters(self))
            if not incremental:
                given = all_parameters(self)
                warn_about(outcome, given, self._to_standardise)
                begins_anew = data.coef_init is None and data.intercept_init is None and not given["warm_start"]
                if data.X_val is not None and begins_anew:
                    warn_about_validation_rows(outcome)
        return self

    @contextmanager
    def _unchanged_on_failure(self):
        """Yield the attributes that a failure within the block brings back."""
        before = self.__dict__.copy()
        lengths = [(before[name], len(before[name])) for name in CURVES if isinstance(before.get(name), list)]
        try:
            yield before
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            for curve, length in lengths:
                del curve[length:]
            raise

    @property
    def n_nonzero_(self) -> int:
        """Number of weights in ``coefs_`` that are not exactly zero."""
        self._raise_attribute_error_unless_fitted("n_nonzero_")
        return int(sum(np.count_nonzero(coef) for coef in self.coefs_))

    @property
    def sparsity_(self) -> float:
        """Share of weights in ``coefs_`` that are exactly zero, in [0, 1]."""
        self._raise_attribute_error_unless_fitted("sparsity_")
        return 1.0 - self.n_nonzero_ / sum(coef.size for coef in self.coefs_)

    @property
    def embedded_columns_(self) -> Ints:
        """Indices of the columns of X that ``feature_embedding`` embeds, in increasing order, of shape (n_columns,)."""
        self._raise_attribute_error_unless_fitted("embedded_columns_")
        if "_embedding" not in self.__dict__:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute 'embedded_columns_' without embedding"
            )
        return self._embedding["columns"].copy()

    @property
    def feature_importances_(self) -> Float64s:
        """Euclidean norms of the rows of the first weight matrix, divided by their sum, of shape (n_features,).

        With a normalisation the columns are multiplied by the scales of their units first.
        An embedded feature has all rows that its embedding feeds; the root mean square of their norms counts, so that
        the number of rows does not.
        Exactly 0.0 for a feature with only zero weights. ``SelectFromModel(..., threshold=1e-12)`` drops these
        features; its default threshold is the mean for every penalty but 'l1'.
        """
        self._raise_attribute_error_unless_fitted("feature_importances_")
        weights = self.coefs_[0].astype(np.float64)
        normalisation = fitted_normalisation(vars(self))
        if normalisation is not None:
            weights = weights * np.abs(getattr(self, normalisation.scales)[0])
        norms = np.linalg.norm(weights, axis=1)
        if (embedding := fitted_embedding(vars(self))) is not None:
            squares, n_rows = np.bincount(embedding.features, norms**2), np.bincount(embedding.features)
            norms = np.sqrt(squares / n_rows)
        total = norms.sum()
        return norms / total if total > 0 else norms

    def _raise_attribute_error_unless_fitted(self, name):
        if "coefs_" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r} before it is fitted")

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's estimator tags."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.feature_embedding is None
        return tags


@cache
def public_class(estimator_class):
    """Return the class of this package that an estimator's class is, or is derived from."""
    return next(base for base in estimator_class.__mro__ if BaseMLP in base.__bases__)


@cache
def _parameter_names(estimator_class):
    return super(BaseMLP, estimator_class)._get_param_names()


def trains_incrementally(estimator):
    """Tell whether ``partial_fit`` exists; AttributeError for L-BFGS, as in scikit-learn."""
    if isinstance(estimator.solver, str) and estimator.solver == "lbfgs":
        raise AttributeError("partial_fit is only available for first-order solvers. 'lbfgs' uses all samples at once.")
    return True
