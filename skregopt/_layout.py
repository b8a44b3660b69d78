"""The network as one flat vector ``theta``: weights of all layers first, intercepts behind them.

``[ W_1 | W_2 | ... | W_L | b_1 | ... | b_L ]``, each W_l of shape (fan_in, fan_out) in C order. Optimizers and
penalties work on runs of this vector; ``coefs_`` and ``intercepts_`` are views of it.
"""

from itertools import pairwise

import numpy as np

from ._memory import aligned_zeros


class Layout:
    """Where the parameters of a network lie in ``theta``.

    Parameters
    ----------
    units : sequence of int
        Layer widths from the input features to the outputs.

    Attributes
    ----------
    units : ndarray of int64
    coef_starts, intercept_starts : ndarray of int64, one element per weight matrix
    n_weights, n_parameters : int
    """

    def __init__(self, units):
        self.units = np.array(units, dtype=np.int64)
        sizes = self.units[:-1] * self.units[1:]
        self.n_weights = int(sizes.sum())
        self.coef_starts = np.cumsum([0, *sizes[:-1]]).astype(np.int64)
        widths = self.units[1:]
        self.intercept_starts = (self.n_weights + np.cumsum([0, *widths[:-1]])).astype(np.int64)
        self.n_parameters = self.n_weights + int(widths.sum())

    def views(self, theta):
        """Return (coefs, intercepts), lists of arrays that share the memory of ``theta``."""
        coefs = [
            theta[start : start + fan_in * fan_out].reshape(fan_in, fan_out)
            for start, (fan_in, fan_out) in zip(self.coef_starts, pairwise(self.units.tolist()), strict=True)
        ]
        intercepts = [
            theta[start : start + width]
            for start, width in zip(self.intercept_starts, self.units[1:].tolist(), strict=True)
        ]
        return coefs, intercepts

    def pack(self, coefs, intercepts, dtype, names=("coefs_", "intercepts_")):
        """Return a new ``theta`` that holds copies of the given arrays.

        Parameters
        ----------
        coefs, intercepts : list of array-like
        dtype : numpy.dtype
        names : pair of str
            What the user calls them, for error messages.

        Raises
        ------
        ValueError
            If the arrays do not have the shapes of this network, or are not finite numbers.
        """
        theta = aligned_zeros(self.n_parameters, dtype)
        continued = " warm_start and partial_fit continue with the fitted network." if names[0] == "coefs_" else ""
        for name, given, targets in zip(names, (coefs, intercepts), self.views(theta), strict=True):
            if not isinstance(given, list | tuple) or len(given) != len(targets):
                found = f"{len(given)} elements" if hasattr(given, "__len__") else repr(given)
                raise ValueError(
                    f"{name} must be a list of {len(targets)} arrays, one per layer of a network with layers of "
                    f"{self.units.tolist()} units (features, hidden_layer_sizes, outputs), got {found}.{continued}"
                )
            for layer, (values, target) in enumerate(zip(given, targets, strict=True)):
                array = np.asarray(values)
                if array.shape != target.shape or array.dtype.kind not in "biuf":
                    raise ValueError(
                        f"{name}[{layer}] must be an array of numbers of shape {target.shape} for a network with "
                        f"layers of {self.units.tolist()} units (features, hidden_layer_sizes, outputs), got shape "
                        f"{array.shape} and dtype {array.dtype}.{continued}"
                    )
                if not np.all(np.isfinite(array)):
                    raise ValueError(f"{name}[{layer}] contains NaN or infinity.")
                target[...] = array
        return theta
