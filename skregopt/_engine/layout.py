"""The network as one flat vector ``theta``: weights of all layers first, intercepts behind them.

``[ W_1 | W_2 | ... | W_L | b_1 | ... | b_L ]``, each W_l of shape (fan_in, fan_out) in C order. Optimizers and
penalties work on runs of this vector; ``coefs_`` and ``intercepts_`` are views of it. The vectors of the hidden layers'
normalisation follow, kind by kind: first those that are trained, then, beyond ``n_parameters``, running statistics.
"""

from itertools import pairwise

import numpy as np

from .._kernels.memory import aligned_zeros


class Layout:
    """Where the parameters of a network lie in ``theta``.

    Parameters
    ----------
    units : sequence of int
        Layer widths from the input features to the outputs.
    normalisation : type or None, default=None
        The kind of block that normalises the hidden layers, see ``blocks``.

    Attributes
    ----------
    units : ndarray of int64
    widths : list of int
        The same.
    normalisation : type or None
    n_layers : int
        Weight matrices.
    coef_starts, intercept_starts : ndarray of int64, one element per weight matrix
    starts : dict of str to ndarray of int64, one element per hidden layer
        Of the normalisation's vectors, by their attributes.
    n_weights, n_parameters, size : int
        Elements of all weight matrices, of what is trained, and of theta.
    """

    def __init__(self, units, normalisation=None):
        self.units = np.array(units, dtype=np.int64)
        self.widths = self.units.tolist()
        self.normalisation = normalisation
        self.n_layers = self.units.size - 1
        sizes = self.units[:-1] * self.units[1:]
        self.n_weights = int(sizes.sum())
        self.coef_starts = np.cumsum([0, *sizes[:-1]]).astype(np.int64)
        widths = self.units[1:]
        self.intercept_starts = (self.n_weights + np.cumsum([0, *widths[:-1]])).astype(np.int64)
        self.n_parameters = self.size = self.n_weights + int(widths.sum())
        self.starts = {}
        hidden = widths[:-1]
        for vector in self.vectors:
            self.starts[vector.attribute] = self.size + np.cumsum(hidden) - hidden
            self.size += int(hidden.sum())
            if vector.trained:
                self.n_parameters = self.size

    @property
    def vectors(self):
        """The normalisation's vectors."""
        return () if self.normalisation is None else self.normalisation.vectors

    def views(self, theta):
        """Return lists of arrays that share the memory of ``theta`` by the name of the fitted attribute."""
        units = self.widths
        views = {
            "coefs_": [
                theta[start : start + fan_in * fan_out].reshape(fan_in, fan_out)
                for start, (fan_in, fan_out) in zip(self.coef_starts, pairwise(units), strict=True)
            ],
            "intercepts_": _pieces(theta, self.intercept_starts, units[1:]),
        }
        return views | {name: _pieces(theta, starts, units[1:-1]) for name, starts in self.starts.items()}

    def pack(self, arrays, dtype, given_as=None):
        """Return a new ``theta`` that holds copies of the given arrays.

        Parameters
        ----------
        arrays : dict of str to list of array-like
            By the names of :meth:`views`; vectors of a normalisation that are left out have their initial values.
        dtype : numpy.dtype
        given_as : dict of str to str, default=None
            What the user calls them, for error messages, where that is another name.

        Raises
        ------
        ValueError
            If the arrays do not have the shapes of this network, or are not finite numbers.
        """
        theta = aligned_zeros(self.size, dtype)
        initial = {vector.attribute: vector.initial for vector in self.vectors}
        for attribute, targets in self.views(theta).items():
            if attribute not in arrays:
                for target in targets:
                    target[...] = initial[attribute]
                continue
            given = arrays[attribute]
            name = (given_as or {}).get(attribute, attribute)
            of_network = f"of a network with layers of {self.widths} units (features, hidden_layer_sizes, outputs)"
            per_layer = "hidden layer" if attribute in self.starts else "layer"
            continued = ""
            if name == "coefs_":
                continued = (
                    " warm_start and partial_fit continue with the fitted network: give hidden_layer_sizes its former "
                    "value, or fit a new estimator."
                )
            if not isinstance(given, list | tuple) or len(given) != len(targets):
                found = f"{len(given)} elements" if hasattr(given, "__len__") else repr(given)
                raise ValueError(
                    f"{name} must be a list of {len(targets)} arrays, one per {per_layer} {of_network}, got "
                    f"{found}.{continued}"
                )
            for layer, (values, target) in enumerate(zip(given, targets, strict=True)):
                array = np.asarray(values)
                if array.shape != target.shape or array.dtype.kind not in "biuf":
                    raise ValueError(
                        f"{name}[{layer}] must be an array of numbers of shape {target.shape}, for a layer "
                        f"{of_network}, got shape {array.shape} and dtype {array.dtype}.{continued}"
                    )
                if not np.all(np.isfinite(array)):
                    raise ValueError(f"{name}[{layer}] contains NaN or infinity.")
                target[...] = array
        return theta


def _pieces(theta, starts, widths):
    return [theta[start : start + width] for start, width in zip(starts, widths, strict=True)]
