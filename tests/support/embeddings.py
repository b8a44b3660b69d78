"""Embeddings outside a network: arrays, kernels, and the same in plain NumPy."""

from typing import NamedTuple

import numpy as np

from skregopt._kernels import jit as _jit


class Column(NamedTuple):
    """Parameters and constants of one embedded column, as vectors and by name."""

    parameters: np.ndarray
    constants: np.ndarray
    arrays: dict

    @classmethod
    def of(cls, component, arrays, dtype):
        """Lay out arrays by name; constants have a number too many, which no kernel may mind."""

        def joined(is_trained):
            return [arrays[v.attribute].ravel() for v in component.vectors if v.trained == is_trained]

        constants = np.concatenate([*joined(False), [np.nan]])
        return cls(np.concatenate(joined(True)).astype(dtype), constants.astype(dtype), arrays)

    @classmethod
    def random(cls, component, dtype, values=None, seed=0):
        """Start as training does, then change every parameter: some of them start at zero."""
        rng = np.random.RandomState(seed)
        values = rng.normal(size=200) if values is None else values
        arrays = component.start(rng, values, np.ones(len(values)))
        for vector in component.vectors:
            if vector.trained:
                array = arrays[vector.attribute]
                arrays[vector.attribute] = array + rng.normal(size=array.shape)
        return cls.of(component, arrays, dtype)

    def by_name(self, component, parameters):
        """Return all arrays by name, the trained ones from another vector: an array, or a tensor of PyTorch."""
        arrays, start = dict(self.arrays), 0
        for vector in component.vectors:
            if vector.trained:
                shape = self.arrays[vector.attribute].shape
                size = int(np.prod(shape))
                arrays[vector.attribute] = parameters[start : start + size].reshape(shape)
                start += size
        assert start == len(parameters)
        return arrays


def call(component, name, *arguments):
    """Call a kernel as compiled for the dtype of its first argument."""
    signature = component.signatures[name](_jit.scalar_type(arguments[0].dtype))
    _jit.entry_point(getattr(type(component), name), signature)(*arguments)


def embedded(component, column, x, is_training=False):
    """Return the outputs, of shape (n_outputs, n_rows), and what is saved."""
    saved = np.full(component.n_saved * x.size if is_training else 0, np.nan, x.dtype)
    outputs = np.full((component.n_outputs, x.size), np.nan, x.dtype)
    hyper = component.hyper_vector(x.dtype)
    with np.errstate(all="ignore"):
        call(component, "embed", x, column.parameters, column.constants, outputs.reshape(-1), saved, hyper)
    return outputs, saved


def gradient_of(component, column, x, deltas):
    """Return the gradient with respect to the parameters, given that with respect to the outputs."""
    _, saved = embedded(component, column, x, is_training=True)
    before = np.linspace(-1, 1, column.parameters.size).astype(x.dtype)  # the kernel adds to it
    gradient, hyper, given = before.copy(), component.hyper_vector(x.dtype), deltas.copy()
    arguments = (x, column.parameters, column.constants, saved, given.reshape(-1), gradient, hyper)
    with np.errstate(all="ignore"):
        call(component, "differentiate", *arguments)
    np.testing.assert_array_equal(given, deltas)
    return gradient - before


def periodic(x, arrays):
    """Return the outputs, of shape (n_rows, n_outputs), by NumPy or PyTorch."""
    frequencies, phases, coefs, intercepts = arrays.values()
    library = np if isinstance(frequencies, np.ndarray) else __import__("torch")
    cosines = library.cos(2 * np.pi * x[:, None] * frequencies + phases)
    return library.concatenate([x[:, None], cosines @ coefs + intercepts], 1)


def piecewise_linear(x, arrays):
    """Return the outputs, of shape (n_rows, n_outputs), by NumPy or PyTorch."""
    slopes, intercepts, coefs, edges = arrays.values()
    outputs = x[:, None] * slopes + intercepts
    for low, high, coef in zip(edges[:-1], edges[1:], coefs, strict=True):
        outputs = outputs + ((x - low) / (high - low)).clip(0, 1)[:, None] * coef
    return outputs


FORMULAS = {"periodic": periodic, "piecewise_linear": piecewise_linear}
