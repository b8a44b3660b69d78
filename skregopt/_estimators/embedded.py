"""Embedded features: which columns, their arrays at the start of training, and those of a fitted network."""

import numpy as np

from .._engine.blocks.embedding import EmbeddedColumns
from .._kernels.parameters import is_default


def begin_embedding(rule, inputs, rows, rng):
    """Return a new embedding, and its arrays at the start of training by attribute.

    Parameters
    ----------
    rule : Embedding
    inputs : Inputs
    rows : ndarray of int
        Rows to train on.
    rng : numpy.random.RandomState

    Returns
    -------
    embedding : EmbeddedColumns
    arrays : dict of str to list of ndarray

    Raises
    ------
    ValueError
        For columns that X has not, and for values that are too large for the working precision.
    """
    source, weights = inputs.examples.source, inputs.examples.sample_weight
    weights = np.ones(rows.size) if weights is None else weights[rows].astype(np.float64)
    names = inputs.attributes.get("feature_names_in_")
    # one column at a time, because all of them would be a copy of X; a second look at some is cheap
    columns = (_column(source, index, rows, inputs.dtype) for index in range(source.n_features))
    n_distinct = [_few_distinct(column) if rule.is_auto() else None for column in columns]
    embedded = rule.embedded_columns(names, source.n_features, n_distinct).astype(np.int64)
    try:
        started = [rule.start(rng, _column(source, index, rows, inputs.dtype), weights) for index in embedded]
    except MemoryError as error:
        raise ValueError(
            f"feature_embedding={rule!r} is too large for the memory ({error}). Use fewer "
            f"{' and '.join(name for name in rule.get_params(deep=False) if name.startswith('n_')) or 'numbers'}, or "
            "embed fewer columns."
        ) from None
    attributes = [vector.attribute for vector in rule.vectors]
    for arrays in started:
        if set(arrays) != set(attributes):
            raise ValueError(
                f"start of {type(rule).__name__} returned arrays named {sorted(arrays)}, but vectors names "
                f"{sorted(attributes)}. Return one array for each of vectors."
            )
    arrays = {attribute: [np.asarray(of_column[attribute]) for of_column in started] for attribute in attributes}
    shapes = {attribute: [np.shape(array) for array in of_columns] for attribute, of_columns in arrays.items()}
    return EmbeddedColumns(rule, embedded, source.n_features, shapes), arrays


def kept_of(embedding):
    """Return what ``_embedding``, an attribute of a fitted estimator, keeps: plain objects, of which pickles consist.

    The shapes are part of it, because no array that a user assigns instead of a fitted one may have another shape.
    """
    return {"rule": embedding.rule, "columns": embedding.columns, "shapes": embedding.shapes}


def fitted_embedding(attributes):
    """Return the embedding of the network with these fitted attributes, or None; ValueError if arrays are missing."""
    if "_embedding" not in attributes:
        return None
    for name in attributes_of_embedding(attributes):
        if name not in attributes:
            raise ValueError(f"{name} is missing: it must be a list of one array per embedded column.")
    return EmbeddedColumns(**attributes["_embedding"], n_features=attributes["n_features_in_"])


def attributes_of_embedding(attributes):
    """Return the names of the fitted attributes that are an embedding, of which there may be none."""
    if "_embedding" not in attributes:
        return ()
    return ("_embedding", *(vector.attribute for vector in attributes["_embedding"]["rule"].vectors))


def check_embedding(attributes, wanted):
    """Raise ValueError if a network, to be trained further, has another embedding than is wanted.

    Parameters
    ----------
    attributes : dict
        Fitted attributes of the network.
    wanted : Embedding or None
    """
    fitted = attributes["_embedding"]["rule"] if "_embedding" in attributes else None
    if fitted is None and wanted is None:
        return
    if type(fitted) is type(wanted):
        before, now = fitted.get_params(deep=False), wanted.get_params(deep=False)
        if all(is_default(now[name], before[name]) for name in now):
            return
    raise ValueError(
        f"feature_embedding={wanted!r} differs from {fitted!r} of the network that warm_start and partial_fit continue "
        "with. Give feature_embedding its former value, or fit a new estimator."
    )


def check_dense(embedding, source, argument="X"):
    """Raise ValueError for sparse rows of X and a network with an embedding.

    Parameters
    ----------
    embedding : object
        None without one.
    source : Source
    argument : str, default='X'
    """
    if embedding is not None and source.is_sparse:
        raise ValueError(
            f"feature_embedding needs dense rows, but {argument} is sparse: what becomes of a zero is not zero. Pass "
            f"{argument}.toarray(), or set feature_embedding=None. OneHotEncoder(sparse_output=False) makes dense rows."
        )


def _column(source, index, rows, dtype):
    """Return the values of a column in the rows to train on, rounded to the working precision, as float64."""
    values = source.column(index, rows)
    if values.dtype != dtype:
        with np.errstate(over="ignore"):
            values = values.astype(dtype)
        if not np.isfinite(values).all():
            raise ValueError(
                f"X contains values too large for {dtype}, in column {index}. Scale X, best with StandardScaler, or "
                "use dtype='float64'."
            )
    return values.astype(np.float64, copy=False)


def _few_distinct(values):
    """Return the number of distinct values, or 3 if there are more than two."""
    if len(set(values[:8].tolist())) > 2:  # as in most columns that have more than two
        return 3
    others = values[values != values[0]]
    if not others.size:
        return 1
    return 2 if (others == others[0]).all() else 3
