"""Predictions of a fitted network, whatever parameters the estimator has by now."""

import operator
from contextlib import suppress
from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._engine.blocks import NORMALISATIONS
from .._engine.layout import Layout
from .._engine.network import Network
from .._engine.prediction import Predictor, predictions, predictions_of_draws
from .._engine.source import Source
from .._kernels.threads import effective_n_threads
from ..penalties import PENALTIES

_VECTORS = tuple(vector.attribute for block in NORMALISATIONS.values() for vector in block.vectors)
_PARAMETERS = ("coefs_", "intercepts_", *_VECTORS)


class FittedNetwork:
    """What an estimator does with its fitted attributes, which users may have replaced."""

    def __getstate__(self):
        # _packed is the memory of coefs_ and intercepts_ once more, _targets what each fit makes anew
        return {name: value for name, value in super().__getstate__().items() if name not in ("_packed", "_targets")}

    def __setstate__(self, state):
        super().__setstate__(state)
        if "coefs_" in self.__dict__:
            # arrays may have been replaced by what is no network: the prediction will say so
            with suppress(ValueError, TypeError, AttributeError):
                self._set_theta(self._theta(), self._layout())

    def _parameter_arrays(self):
        """Return the fitted parameters by the names of their attributes."""
        return {name: self.__dict__[name] for name in _PARAMETERS if name in self.__dict__}

    def _layout(self):
        """Return the layout of the fitted network; ValueError for arrays, maybe replaced ones, that are no network."""
        shapes = [np.shape(coef) for coef in self.coefs_]
        if not shapes or any(len(shape) != 2 for shape in shapes):
            raise ValueError(f"coefs_ must be a list of matrices of shape (fan_in, fan_out), got shapes {shapes}.")
        normalisation = next((block for block in NORMALISATIONS.values() if block.scales in self.__dict__), None)
        return Layout([shapes[0][0], *(n_columns for _, n_columns in shapes)], normalisation)

    def _set_theta(self, theta, layout):
        """Set the fitted parameters, which share the memory of ``theta``."""
        self._forget_norms()
        views = layout.views(theta)
        self.__dict__.update(views)
        # and what was made of them for predictions
        self._packed = {"theta": theta, "views": {name: tuple(arrays) for name, arrays in views.items()}}

    def _forget_norms(self):
        for name in _VECTORS:
            self.__dict__.pop(name, None)

    def _current_packed(self):
        """Return what :meth:`_set_theta` packed; an empty dict if fitted arrays were replaced since."""
        fitted = self.__dict__
        packed = fitted.get("_packed")
        if packed is None:
            return {}
        views = packed["views"]
        is_current = all(_same_objects(fitted.get(name, ()), views.get(name, ())) for name in _PARAMETERS)
        return packed if is_current else {}

    def _theta(self):
        """Return the flat parameters, packed again only if fitted arrays were replaced."""
        packed = self._current_packed()
        if packed:
            return packed["theta"]
        if "intercepts_" not in self.__dict__:
            raise ValueError("intercepts_ is missing: it must be a list of one vector per layer.")
        single = all(np.asarray(coef).dtype == np.float32 for coef in self.coefs_)
        return self._layout().pack(self._parameter_arrays(), np.dtype(np.float32 if single else np.float64))

    def _network(self):
        """Return the fitted network for predictions, the same object until a fitted array is replaced."""
        packed = self._current_packed()
        if "network" not in packed:
            theta, (activations, loss) = self._theta(), self._rules
            model = Network(self._layout(), theta.dtype, activations, loss, PENALTIES[None]())
            packed["network"] = Predictor(model, theta)
        return packed["network"]

    def _check_fitted_widths(self, layout, activations, loss, n_features):
        """Raise ValueError unless the fitted arrays, which may have been replaced, are for these features and rules."""
        n_rows, n_outputs = int(layout.units[0]), int(layout.units[-1])
        if n_rows != n_features:
            raise ValueError(
                f"coefs_[0] must have one row for each of the {n_features} features of X, got shape "
                f"{self.coefs_[0].shape}."
            )
        if loss.n_outputs(1) not in (1, n_outputs):  # compiled code would look for columns that do not exist
            raise ValueError(f"coefs_[-1] must have {loss.n_outputs(1)} columns for {loss!r}, got {n_outputs}.")
        if len(activations) != layout.units.size - 2:
            raise ValueError(
                f"coefs_ must be a list of {len(activations) + 1} matrices, as fitted, got {layout.units.size - 1}."
            )

    def _with_network(self, X, predict, *arguments):
        """Return ``predict(network, source, n_threads, *arguments)`` for the fitted network and validated X."""
        self._check_is_fitted()
        X = self._checked_X(X, reset=False)
        network = self._network()
        model, dtype = network.network, network.theta.dtype
        self._check_fitted_widths(model.layout, model.activations, model.loss, X.shape[1])
        out = predict(network, Source(X), effective_n_threads(self.n_jobs), *arguments)
        if dtype == np.float32 and X.dtype == np.float64 and np.isnan(out).any():
            raise ValueError(f"X contains values too large for {dtype}, the precision of this model.")
        return out

    def _check_is_fitted(self):
        if "coefs_" not in self.__dict__:  # scikit-learn looks at all attributes, which takes a tenth of a prediction
            check_is_fitted(self)

    def _predict_outputs(self, X):
        """Return predictions after the inverse link, of shape (n_samples, n_outputs)."""
        return self._with_network(X, predictions)

    def _predict_draws(self, X, n_draws, fewest=1):
        """Return means and standard deviations of ``n_draws`` thinned networks, of shape (2, n_samples, n_outputs).

        ``fewest`` draws are needed.
        """
        self._check_is_fitted()
        if not isinstance(n_draws, Integral) or isinstance(n_draws, bool | np.bool_) or n_draws < fewest:
            needed = " for a standard deviation" if fewest > 1 else ""
            raise ValueError(f"n_draws must be an int >= {fewest}{needed}, got {n_draws!r}.")
        if not any(self._dropout_rates):
            raise ValueError(
                f"n_draws={n_draws!r} needs a network that was fitted with dropout, for without it all draws are the "
                "same. Fit with dropout > 0 or input_dropout > 0 (such as dropout=0.2)."
            )
        return self._with_network(X, predictions_of_draws, self._dropout_rates, self._seed, int(n_draws))


def _same_objects(first, second):
    return len(first) == len(second) and all(map(operator.is_, first, second))
