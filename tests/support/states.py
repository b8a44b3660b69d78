"""What an estimator remembers, as plain values that compare bit for bit and that later training cannot change."""

import hashlib

import numpy as np
import scipy.sparse as sp


def plain(value):
    """Return ``value`` with arrays, numbers and objects inside it replaced by comparable, immutable ones."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        return "array", value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, (list, tuple, np.ndarray)):
        return type(value).__name__, tuple(plain(item) for item in value)
    if isinstance(value, dict):
        return "dict", tuple((key, plain(value[key])) for key in sorted(value, key=repr))
    if sp.issparse(value):
        return "sparse", value.format, plain(value.toarray())
    if isinstance(value, np.random.RandomState):
        return "RandomState", plain(value.get_state())
    if isinstance(value, (float, np.floating)):
        return type(value).__name__, float(value).hex()
    if hasattr(value, "__dict__") and not callable(value):
        return type(value).__name__, plain(vars(value))
    return type(value).__name__, value


def state(estimator):
    """Return all that ``estimator`` holds: parameters, fitted attributes, private ones."""
    # _packed is the memory of the fitted arrays once more, and what was made of it for predictions
    return dict(plain({name: value for name, value in vars(estimator).items() if name != "_packed"})[1])


def trained_embedding(estimator):
    """Return the arrays of the embedding that are trained, column by column; nothing without an embedding."""
    if "_embedding" not in vars(estimator):
        return []
    vectors = estimator._embedding["rule"].vectors
    trained = [getattr(estimator, vector.attribute) for vector in vectors if vector.trained]
    return [array for of_column in zip(*trained, strict=True) for array in of_column]


def parameters(estimator):
    """Return all arrays that a fit has trained, or whose elements never change."""
    names = ["coefs_", "intercepts_", "activation_scales_"]
    names += [name for name in sorted(vars(estimator)) if name.startswith(("embedding_", "batch_norm_", "layer_norm_"))]
    return [array for name in names for array in getattr(estimator, name, [])]


def weights(estimator):
    """Return the network's parameters, bit for bit."""
    return plain(parameters(estimator))


def fitted_state(estimator):
    """Return the public fitted attributes."""
    attributes = vars(estimator)
    return {name: plain(attributes[name]) for name in attributes if name.endswith("_") and not name.startswith("_")}


def bits(model, X):
    """Return a digest of everything that a fit has learnt."""
    arrays = [*parameters(model), np.array(model.loss_curve_), model.predict(X)]
    if getattr(model, "validation_scores_", None):
        arrays.append(np.array(model.validation_scores_))
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()
