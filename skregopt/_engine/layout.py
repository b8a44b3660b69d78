"""The network as one flat vector ``theta``: weights of all layers first, intercepts behind them.

``[ W_1 | W_2 | ... | W_L | b_1 | ... | b_L ]``, each W_l of shape (fan_in, fan_out) in C order. Optimizers and
penalties work on runs of this vector; ``coefs_`` and ``intercepts_`` are views of it. The arrays of the blocks follow,
kind by kind: first those that are trained, then, beyond ``n_parameters``, those that the optimizer leaves alone.
"""

import math
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from .._kernels.memory import aligned_zeros


class Arrays(NamedTuple):
    """The arrays of a fitted attribute that blocks keep in theta.

    Attributes
    ----------
    attribute : str
        Of a fitted estimator: the list of these arrays.
    shapes : tuple of tuple of int
        One for each array.
    trained : bool
        Whether the optimizer moves them.
    group : str
        Group of parameters that they belong to, see ``learning_rate_factors``.
    initial : float
        What their elements are before training, where nothing else is said.
    per : str
        What there is one array of, for messages.
    """

    attribute: str
    shapes: tuple
    trained: bool
    group: str
    initial: float = 0.0
    per: str = "hidden layer"


class Layout:
    """Where the parameters of a network lie in ``theta``.

    Parameters
    ----------
    units : sequence of int
        Layer widths from the inputs of the first product to the outputs.
    bundles : sequence of tuple of Arrays, default=()
        What follows the intercepts, trained bundles first. The arrays of a bundle have equal numbers of shapes and
        are laid out position by position: the first array of each attribute, then the second one of each.
    rows_per_feature : int, default=1
        Rows of the first matrix that belong to an embedded feature.

    Attributes
    ----------
    units : ndarray of int64
    widths : list of int
        The same.
    rows_per_feature : int
    arrays : dict of str to Arrays
        By attribute.
    n_layers : int
        Weight matrices.
    coef_starts, intercept_starts : ndarray of int64, one element per weight matrix
    starts : dict of str to list of int
        Where the arrays of each attribute begin.
    spans : dict of str to (int, int)
        Where the trained parameters of each group begin and end, in their order behind the weights.
    n_weights, n_parameters, size : int
        Elements of all weight matrices, of what is trained, and of theta.
    """

    def __init__(self, units, bundles=(), rows_per_feature=1):
        self.rows_per_feature = rows_per_feature
        self.units = np.array(units, dtype=np.int64)
        self.widths = self.units.tolist()
        self.n_layers = self.units.size - 1
        sizes = self.units[:-1] * self.units[1:]
        self.n_weights = int(sizes.sum())
        self.coef_starts = np.cumsum([0, *sizes[:-1]]).astype(np.int64)
        widths = self.units[1:]
        self.intercept_starts = (self.n_weights + np.cumsum([0, *widths[:-1]])).astype(np.int64)
        self.n_parameters = self.size = self.n_weights + int(widths.sum())
        self.arrays, self.starts = {}, {}
        self.spans = {"intercepts": (self.n_weights, self.size)}
        for bundle in bundles:
            self._lay_out(bundle)

    @classmethod
    @lru_cache(maxsize=64)  # searches fit the same network again and again, and a small one is quicker to train
    def of(cls, units, bundles, rows_per_feature):
        """Return a layout that many fits may share; parameters as tuples."""
        return cls(units, bundles, rows_per_feature)

    def _lay_out(self, bundle):
        start = self.size
        starts = {arrays.attribute: [] for arrays in bundle}
        for shapes in zip(*(arrays.shapes for arrays in bundle), strict=True):
            for arrays, shape in zip(bundle, shapes, strict=True):
                starts[arrays.attribute].append(self.size)
                self.size += math.prod(shape)
        self.starts |= starts
        self.arrays |= {arrays.attribute: arrays for arrays in bundle}
        if bundle[0].trained:
            first, _ = self.spans.get(bundle[0].group, (start, start))
            self.spans[bundle[0].group] = first, self.size
            self.n_parameters = self.size

    def views(self, theta):
        """Return lists of arrays that share the memory of ``theta`` by the name of the fitted attribute."""
        units = self.widths
        views = {
            "coefs_": [
                theta[start : start + fan_in * fan_out].reshape(fan_in, fan_out)
                for start, (fan_in, fan_out) in zip(self.coef_starts, pairwise(units), strict=True)
            ],
            "intercepts_": [
                theta[start : start + width] for start, width in zip(self.intercept_starts, units[1:], strict=True)
            ],
        }
        for name, starts in self.starts.items():
            places = zip(starts, self.arrays[name].shapes, strict=True)
            views[name] = [theta[start : start + math.prod(shape)].reshape(shape) for start, shape in places]
        return views

    def pack(self, arrays, dtype, given_as=None):
        """Return a new ``theta`` that holds copies of the given arrays.

        Parameters
        ----------
        arrays : dict of str to list of array-like
            By the names of :meth:`views`; arrays of blocks that are left out have their initial values.
        dtype : numpy.dtype
        given_as : dict of str to str, default=None
            What the user calls them, for error messages, where that is another name.

        Raises
        ------
        ValueError
            If the arrays do not have the shapes of this network, or are not finite numbers.
        """
        theta = aligned_zeros(self.size, dtype)
        for attribute, targets in self.views(theta).items():
            of_blocks = self.arrays.get(attribute)
            if attribute not in arrays:
                for target in targets:
                    target[...] = of_blocks.initial
                continue
            given = arrays[attribute]
            name = (given_as or {}).get(attribute, attribute)
            of_network = f"of a network with layers of {self.widths} units (features, hidden_layer_sizes, outputs)"
            per = of_blocks.per if of_blocks else "layer"
            continued = ""
            if name == "coefs_":
                continued = (
                    " warm_start and partial_fit continue with the fitted network: give hidden_layer_sizes its former "
                    "value, or fit a new estimator."
                )
            if not isinstance(given, list | tuple) or len(given) != len(targets):
                found = f"{len(given)} elements" if hasattr(given, "__len__") else repr(given)
                raise ValueError(
                    f"{name} must be a list of {len(targets)} arrays, one per {per} {of_network}, got "
                    f"{found}.{continued}"
                )
            for position, (values, target) in enumerate(zip(given, targets, strict=True)):
                try:
                    array = np.asarray(values)
                except ValueError:  # rows of different lengths
                    array = np.asarray(values, dtype=object)
                if array.shape != target.shape or array.dtype.kind not in "biuf":
                    raise ValueError(
                        f"{name}[{position}] must be an array of numbers of shape {target.shape}, one per {per} "
                        f"{of_network}, got shape {array.shape} and dtype {array.dtype}.{continued}"
                    )
                if not np.isfinite(array).all():
                    raise ValueError(f"{name}[{position}] contains NaN or infinity.")
                target[...] = array
        return theta
