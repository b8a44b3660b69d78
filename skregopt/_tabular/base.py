"""What both estimators for tables share: parameters, fit, predictions of all networks, importances."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted

from .._estimators.constraints import ScorerNames, Seconds
from .._estimators.hints import ExplainedParametersMixin
from .._estimators.messages import warn_user
from .._estimators.verbose import say_what_compiles
from .._kernels.documentation_link import DocumentationLinkMixin
from .._kernels.parameters import all_parameters, default_parameters
from .._kernels.sklearn_internals import HasMethods, Interval, Options, StrOptions, fit_context
from .._kernels.typing import Array, Float64s, Scorer, Splitter
from .._training.threads import effective_n_threads
from ..preprocessing import TabularEncoder
from .combination import combine
from .folds import folds_of_splitter, random_folds
from .members import Clock, Task, train_members
from .portfolio import PORTFOLIO, best_first, columns_to_embed, in_turn, network
from .read import FEWEST_ROWS_TO_HOLD_OUT, encoded_by, read
from .table import Table

_MOST_SEEDS = np.iinfo(np.int32).max
_POSITIVE_COUNT = Interval(Integral, 1, None, closed="left")


class BaseTabularMLP(DocumentationLinkMixin, ExplainedParametersMixin):
    """Shared implementation of the estimators for tables; not for direct use.

    Attributes
    ----------
    _table_type : type
        Kind of :class:`Table`.
    _y_options : dict
        How scikit-learn validates y.
    """

    _table_type: ClassVar[type[Table]]
    _y_options: ClassVar[dict[str, bool]]

    n_estimators: int
    max_time: float | None
    max_iter: int | Literal["auto"]
    hidden_layer_sizes: int | Sequence[int] | Literal["auto"]
    learning_rate_init: float | Literal["auto"]
    dropout: float | Literal["auto"]
    categorical_features: Any
    n_bins: int | Literal["auto"]
    validation_fraction: float | Splitter
    scoring: str | Scorer
    n_jobs: int | None
    random_state: int | np.random.RandomState | None
    verbose: bool | int

    encoder_: TabularEncoder
    estimators_: list[Any]
    recipes_: list[str]
    weights_: Float64s
    temperature_: float
    validation_score_: float | None
    n_features_in_: int
    feature_names_in_: Array
    n_iter_: int

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_estimators": [_POSITIVE_COUNT],
        "max_time": [None, Seconds(), Options(Real, {np.inf})],
        "max_iter": [StrOptions({"auto"}), _POSITIVE_COUNT],
        "hidden_layer_sizes": [StrOptions({"auto"}), "array-like", _POSITIVE_COUNT],
        "learning_rate_init": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "dropout": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="left")],
        "categorical_features": TabularEncoder._parameter_constraints["categorical_features"],
        "n_bins": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 0.5, closed="right"), HasMethods(["split", "get_n_splits"])],
        "scoring": [ScorerNames("auto", "loss"), callable],
        "n_jobs": [None, Interval(Integral, None, -1, closed="right"), _POSITIVE_COUNT],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(self, **parameters: Any) -> None:
        for name, value in parameters.items():
            setattr(self, name, value)

    @classmethod
    def _default_parameters(cls):
        """Return the parameters by name with their defaults."""
        return default_parameters(cls)

    @fit_context(prefer_skip_nested_validation=True)
    def _fit(self, data):
        """Fit to :class:`TableData`; a failure changes nothing."""
        clock = Clock(self.max_time)
        encoder, table = read(self, data)
        members, is_interrupted = self._trained(encoder, table, data, clock)
        combination = combine(members, table)
        fitted = {
            "encoder_": encoder,
            "estimators_": [member.network for member in members],
            "recipes_": [member.recipe for member in members],
            "weights_": combination.weights,
            "n_iter_": max(member.n_iter for member in members),
            "n_features_in_": encoder.n_features_in_,
            "_varies": table.varies,
            **self._fitted_to(table, combination),
        }
        names = getattr(encoder, "feature_names_in_", None)
        if names is not None:
            fitted["feature_names_in_"] = names
        vars(self).pop("feature_names_in_", None)
        vars(self).update(fitted)
        if is_interrupted:
            warn_user(
                f"Training interrupted by user: {len(members)} of {self.n_estimators} networks are kept"
                + ("." if members[0].is_complete else ", with its best weights so far.")
            )
        return self

    def _generator(self):
        """Return the generator of this fit; of NumPy's global one a single number is drawn."""
        seed = self.random_state
        if seed is None:
            seed = check_random_state(None).randint(_MOST_SEEDS)
        return check_random_state(seed)

    def _trained(self, encoder, table, data, clock):
        """Train one network of each recipe, then more of the best recipes.

        Returns
        -------
        members : list of Member
        is_interrupted : bool
            Whether by the user.
        """
        random_state = self._generator()
        folds = self._folds(table, data, random_state)
        seeds = random_state.randint(_MOST_SEEDS, size=self.n_estimators)
        given = {name: value for name, value in all_parameters(self).items() if name in _OF_NETWORKS}
        embedded = columns_to_embed(table.X, encoder.numeric_outputs_)
        report = Report(self.n_estimators) if self.verbose else None
        n_threads = effective_n_threads(self.n_jobs)

        def task(seed, recipe, fold):
            train, held_out = folds[fold % len(folds)]
            model = network(recipe, len(train), embedded, self._network_type, given)
            return Task(model.set_params(random_state=int(seed)), recipe.name, train, held_out)

        def trained(planned, n_before=0):
            tasks = [task(seed, *each) for seed, each in zip(seeds[n_before:], planned, strict=False)]
            return train_members(tasks, table, min(n_threads, len(tasks)), clock, report, n_before)

        can_compare = folds[0][1] is not None or table.validation is not None
        n_first = min(self.n_estimators, len(PORTFOLIO)) if can_compare else self.n_estimators
        members, is_interrupted = trained(in_turn(n_first))
        if n_first < self.n_estimators and len(members) == n_first and not is_interrupted:
            try:
                order = np.argsort(-combine(members, table).weights, kind="stable")
            except KeyboardInterrupt:
                return members, True
            more, is_interrupted = trained(best_first(self.n_estimators - n_first, order), n_first)
            members += more
        if report is not None and len(members) < self.n_estimators and not is_interrupted:
            report.time_is_up(len(members))
        return members, is_interrupted

    def _folds(self, table, data, random_state):
        """Return pairs of the rows to train on and the rows to hold out; None where none are."""
        if table.validation is not None:
            return [(np.flatnonzero(table.has_weight), None)]
        if hasattr(self.validation_fraction, "split"):
            return folds_of_splitter(self.validation_fraction, data, table.has_weight)
        if np.count_nonzero(table.has_weight) < FEWEST_ROWS_TO_HOLD_OUT:
            return [(np.flatnonzero(table.has_weight), None)]
        return random_folds(self.validation_fraction, table.has_weight, table.strata, random_state)

    def _predictions(self, X):
        """Return the weighted mean of all networks' predictions, of shape (n_rows, n_outputs), in float64."""
        check_is_fitted(self)
        encoded = encoded_by(self.encoder_, X)
        total = 0.0
        for weight, model in zip(self.weights_, self.estimators_, strict=True):
            if weight > 0:
                total = total + weight * self._predict_one(model, encoded).astype(np.float64)
        return total

    @property
    def feature_importances_(self) -> Float64s:
        """Importance of each column of X in the networks' first layers, of shape (n_features,); they sum to 1.

        The weighted mean over networks of the root mean square of :attr:`skregopt.MLPClassifier.feature_importances_`
        over what the encoder makes of a column, so that a category with many levels counts for no more. A column that
        is constant in the rows of ``fit`` has the importance 0.
        """
        if "estimators_" not in vars(self):
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute 'feature_importances_' before it is fitted"
            )
        columns, n_features = self.encoder_.input_columns_, self.n_features_in_
        total, n_outputs = np.zeros(n_features), np.maximum(np.bincount(columns, minlength=n_features), 1)
        for weight, model in zip(self.weights_, self.estimators_, strict=True):
            squares = np.where(self._varies, model.feature_importances_**2, 0.0)
            total += weight * np.sqrt(np.bincount(columns, squares, minlength=n_features) / n_outputs)
        return total / total.sum() if total.sum() > 0 else total

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's estimator tags."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


_OF_NETWORKS = ("max_iter", "hidden_layer_sizes", "learning_rate_init", "dropout", "n_bins", "scoring", "loss")
_OF_NETWORKS += ("class_weight",)


class Report:
    """Prints a line for each network that is trained, and one if something has to be compiled first.

    Parameters
    ----------
    n_networks : int
    """

    def __init__(self, n_networks):
        self._n_networks = n_networks
        self._has_compiled = False

    def compiling(self, folder):
        """Print that code is compiled, the first time; ``folder`` as in :func:`say_what_compiles`."""
        if not self._has_compiled:
            self._has_compiled = True
            say_what_compiles(folder)

    def time_is_up(self, n_trained):
        """Print why there are fewer networks than wanted."""
        print(f"No time is left for another network: {n_trained} of {self._n_networks} are trained.")

    def trained(self, place, member, seconds):
        """Print the line of a network."""
        best = member.network.best_iter_
        kept = "" if best is None else f", best epoch {best}"
        print(
            f"Network {place + 1} of {self._n_networks} ({member.recipe}): {member.n_iter} epochs{kept}, "
            f"{seconds:.1f} s\n",
            end="",  # in one piece, whatever other threads print
        )
