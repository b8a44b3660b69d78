"""Fitted attributes: arrays that users may replace, packed for predictions; pickles; and predictions themselves."""

from __future__ import annotations

import math
import operator
from contextlib import suppress
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from .._engine.blocks import NORMALISATIONS
from .._engine.network import Network
from .._engine.prediction import Predictor, predictions, predictions_of_draws
from .._engine.source import Source
from .._kernels.parameters import default_parameters
from .._training.threads import effective_n_threads
from ..losses._log_loss import sigmoid_invert_link
from ..penalties import PENALTIES
from .embedded import check_dense, fitted_embedding
from .validation import checked_X

OF_NORMALISATIONS = tuple(vector.attribute for block in NORMALISATIONS.values() for vector in block.vectors)
# attributes that together are a network, with those of an embedding
WEIGHTS = ("coefs_", "intercepts_", *OF_NORMALISATIONS, "activation_scales_")
CURVES = ("loss_curve_", "learning_rate_curve_", "validation_loss_curve_", "validation_scores_")  # by epoch
_BLOCK_ELEMENTS = 1 << 22  # of predictions that become sparse
_FEW = 16  # numbers that Python looks at more quickly than NumPy
OF_FEATURES = ("n_features_in_", "feature_names_in_")  # attributes that scikit-learn's validation sets


def with_attributes(estimator, **attributes):
    """Return a copy of an estimator that shares all attributes with it but the given ones."""
    view = object.__new__(type(estimator))
    view.__dict__.update(vars(estimator), **attributes)
    return view


def without_names(estimator):
    """Return a copy of an estimator that does not know the names of the features, for an X that has none."""
    view = with_attributes(estimator)
    vars(view).pop("feature_names_in_", None)
    return view


def weight_attributes(theta, layout):
    """Return the fitted attributes that hold the weights; they share the memory of ``theta``."""
    views = layout.views(theta)
    # ._packed remembers the flat vector, and what predictions make of it, while the arrays are these ones
    packed = {"theta": theta, "views": {name: tuple(arrays) for name, arrays in views.items()}}
    packed["names"] = tuple(dict.fromkeys((*WEIGHTS, *views)))
    return views | {"_packed": packed}


def precision_of(coefs):
    """Return the working precision of a network with these weight matrices, which users may have assigned."""
    is_single = isinstance(coefs, list | tuple) and all(getattr(coef, "dtype", None) == np.float32 for coef in coefs)
    return np.dtype(np.float32 if is_single else np.float64)


def fitted_normalisation(attributes):
    """Return the kind of block that normalises the hidden layers of a network with these fitted attributes, or None."""
    return next((block for block in NORMALISATIONS.values() if block.scales in attributes), None)


def add_missing_parameters(estimator):
    """Give an estimator from a file of an earlier version the defaults of parameters that are younger."""
    for name, default in default_parameters(type(estimator)).items():
        if not hasattr(estimator, name):
            setattr(estimator, name, default)


class FittedMixin:
    """Predictions from fitted attributes, whatever parameters the estimator has by now."""

    def __getstate__(self) -> dict[str, Any]:
        # _packed is the memory of coefs_ and intercepts_ once more
        return {name: value for name, value in super().__getstate__().items() if name != "_packed"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        add_missing_parameters(self)
        for name in CURVES:  # which fits extend in place: a copy has lists of its own
            if isinstance(self.__dict__.get(name), list):
                self.__dict__[name] = self.__dict__[name].copy()
        if "coefs_" in self.__dict__:
            # arrays may have been replaced by others that are no network: the prediction will say so
            with suppress(ValueError, TypeError, AttributeError):
                self.__dict__.update(weight_attributes(self._theta(), self._network().layout))

    def _network(self, rule=None):
        """Return the fitted network; ValueError for arrays, maybe replaced ones, that are none.

        ``rule`` is the class of a loss whose inverse link takes the place of the link of the fitted loss.
        """
        shapes = [np.shape(coef) for coef in self.coefs_]
        if not shapes or any(len(shape) != 2 for shape in shapes):
            raise ValueError(f"coefs_ must be a list of matrices of shape (fan_in, fan_out), got shapes {shapes}.")
        activations, loss = self._rules
        if len(activations) != len(shapes) - 1:
            raise ValueError(f"coefs_ must be a list of {len(activations) + 1} matrices, as fitted, got {len(shapes)}.")
        units = [shapes[0][0], *(n_columns for _, n_columns in shapes)]
        return Network(
            units,
            precision_of(self.coefs_),
            activations,
            rule() if rule else loss,
            PENALTIES[None](),
            normalisation=fitted_normalisation(vars(self)),
            embedding=fitted_embedding(vars(self)),
        )

    def _current_packed(self):
        """Return ``_packed`` of :func:`weight_attributes`; an empty dict if fitted arrays were replaced since."""
        fitted = self.__dict__
        packed = fitted.get("_packed")
        if packed is None:
            return {}
        views = packed["views"]
        for name in packed["names"]:
            if not _same_objects(fitted.get(name, ()), views.get(name, ())):
                return {}
        return packed

    def _theta(self):
        """Return the flat weights, packed again only if fitted arrays were replaced."""
        packed = self._current_packed()
        if packed:
            return packed["theta"]
        if "intercepts_" not in self.__dict__:
            raise ValueError("intercepts_ is missing: it must be a list of one vector per layer.")
        network = self._network()
        names = ("coefs_", "intercepts_", *network.layout.arrays)
        arrays = {name: self.__dict__[name] for name in names if name in self.__dict__}
        for name, of_blocks in network.layout.arrays.items():
            if name not in arrays:
                raise ValueError(f"{name} is missing: it must be a list of one array per {of_blocks.per}.")
        return network.layout.pack(arrays, network.dtype)

    def _predictor(self, rule=None):
        """Return the fitted network for predictions, the same object until a fitted array is replaced.

        ``rule`` as in :meth:`_network`.
        """
        packed, name = self._current_packed(), rule or "predictor"
        if name not in packed:
            packed[name] = Predictor(self._network(rule), self._theta())
        return packed[name]

    def _check_fitted_widths(self, network, n_features):
        """Raise ValueError unless the fitted arrays, which may have been replaced, are for these features and rules."""
        n_rows, n_outputs, loss = network.units[0], network.units[-1], self._rules[1]
        if network.embedding is not None:
            if n_rows != network.features.size:
                raise ValueError(
                    f"coefs_[0] must have one row for each of the {network.features.size} numbers that the embedding "
                    f"makes of a row of X, got shape {self.coefs_[0].shape}."
                )
        elif n_rows != n_features:
            raise ValueError(
                f"coefs_[0] must have one row for each of the {n_features} features of X, got shape "
                f"{self.coefs_[0].shape}."
            )
        if loss.n_outputs(1) not in (1, n_outputs):  # compiled code would look for columns that do not exist
            raise ValueError(f"coefs_[-1] must have {loss.n_outputs(1)} columns for {loss!r}, got {n_outputs}.")

    def _is_symmetric(self):
        """Tell whether the prediction for minus a raw prediction is 1 minus the prediction for it."""
        return self._rules[1].invert_link is sigmoid_invert_link

    def _predict_with(self, predict, X, *arguments, rule=None):
        """Return ``predict(predictor, source, n_threads, *arguments)`` for the fitted network and validated X."""
        self._check_is_fitted()
        X = checked_X(self, X, reset=False)
        predictor = self._predictor(rule)
        network, dtype = predictor.network, predictor.theta.dtype
        self._check_fitted_widths(network, X.shape[1])
        source = Source(X)
        check_dense(network.embedding, source)
        out = predict(predictor, source, effective_n_threads(self.n_jobs), *arguments)
        if not _all_finite(out):
            raise ValueError(_too_large(dtype))
        return out

    def _check_is_fitted(self):
        if "coefs_" not in self.__dict__:  # scikit-learn looks at all attributes: a tenth of the time of a prediction
            check_is_fitted(self)

    def _predict_outputs(self, X, both_sides=False, rule=None):
        """Return predictions after the inverse link, of shape (n_samples, n_outputs).

        ``both_sides`` as in :func:`predictions`, ``rule`` as in :meth:`_predictor`.
        """
        return self._predict_with(predictions, X, both_sides, rule=rule)

    def _predict_sparse(self, X):
        """Return a sparse indicator of the predictions above 0.5, from blocks of rows: there is no whole dense one."""
        self._check_is_fitted()
        X = checked_X(self, X, reset=False)
        view = without_names(self)  # which a validated X has lost
        batches = gen_batches(X.shape[0], max(1, _BLOCK_ELEMENTS // len(self.classes_)))
        blocks = [sp.csr_matrix(view._predict_outputs(X[rows]) > 0.5, dtype=int) for rows in batches]
        return sp.vstack(blocks, format="csr")

    def _predict_draws(self, X, n_draws, fewest=1, both_sides=False):
        """Return means and standard deviations of ``n_draws`` thinned networks, of shape (2, n_samples, n_outputs).

        ``fewest`` draws are needed; ``both_sides`` as in :func:`predictions`.
        """
        self._check_is_fitted()
        if not isinstance(n_draws, Integral) or isinstance(n_draws, bool | np.bool_) or n_draws < fewest:
            needed = " for a standard deviation" if fewest > 1 else ""
            raise ValueError(f"n_draws must be an int >= {fewest}{needed}, got {n_draws!r}.")
        if not any(self._dropout_rates):
            asked = "return_std=True" if fewest > 1 else f"n_draws={n_draws!r}"
            raise ValueError(
                f"{asked} needs a network that was fitted with dropout, for without it all draws are the "
                "same. Fit with dropout > 0 or input_dropout > 0 (such as dropout=0.2)."
            )
        return self._predict_with(predictions_of_draws, X, both_sides, self._dropout_rates, self._seed, int(n_draws))


def _all_finite(out):
    if out.size < _FEW:
        return all(map(math.isfinite, out.ravel().tolist()))
    return bool(np.isfinite(out).all())


def _too_large(dtype):
    """Return the message for predictions that are not finite."""
    wider = ", or fit with dtype='float64'" if dtype == np.float32 else ""
    return (
        f"X contains values too large for {dtype}, the precision of this model: predictions overflow. Scale X like the "
        f"rows that the model was fitted to, best with StandardScaler in front of it{wider}."
    )


def _same_objects(first, second):
    if first is second:
        return True
    return isinstance(first, list | tuple) and len(first) == len(second) and all(map(operator.is_, first, second))
