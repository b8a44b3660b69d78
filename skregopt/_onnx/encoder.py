"""A fitted :class:`~skregopt.preprocessing.TabularEncoder` as operators of ONNX.

Numbers come in float64, like in Python, so that columns with a large offset keep their digits. NaN is a missing number.
ONNX has no missing strings: an empty one stands for them.
"""

import numpy as np

from ..preprocessing._categories import Levels
from ..preprocessing._columns import Labels
from ..preprocessing._smooth_clip_scaler import BOUND, FAR
from .graph import Graph

_MISSING_TEXT = ""


def encoder_inputs(encoder):
    """Return the inputs of a model by name, in the order of columns: ONNX's code of their type, and their shape.

    One for each column, unless all columns are numbers without names: these are one matrix, "X".
    """
    texts = [_is_text(groups) for groups in _groups_by_column(encoder)]
    if not hasattr(encoder, "feature_names_in_") and not any(texts):
        return {"X": (Graph.DOUBLE, ["n_samples", len(texts)])}
    return {
        name: (Graph.STRING if is_text else Graph.DOUBLE, ["n_samples", 1])
        for name, is_text in zip(_names(encoder), texts, strict=True)
    }


def add_encoder(op, encoder, inputs):
    """Add an encoder to a graph. Return the name of its outputs, of shape (n_samples, n_outputs) and in float32.

    Parameters
    ----------
    op : Graph
        In float64.
    encoder : TabularEncoder
        Without bins.
    inputs : list of str
        Names of the inputs, as in :func:`encoder_inputs`.

    Raises
    ------
    ValueError
        For categories that an input of ONNX cannot hold.
    """
    n_features = encoder.n_features_in_
    columns = inputs if len(inputs) == n_features else op.Split(inputs[0], axis=1, n_outputs=n_features)
    outputs, is_missing = [], {}
    if encoder.scaler_ is not None:
        numeric = np.flatnonzero(~encoder.is_categorical_)
        numbers = op.Concat(*(columns[index] for index in numeric), axis=1)
        missing = op.IsNaN(numbers)
        outputs.append(_scaled(op, encoder.scaler_, op.Where(missing, encoder.scaler_.center_, numbers)))
        is_missing = {
            index: op.Gather(missing, np.array([place]), axis=1)
            for place, index in enumerate(numeric)
            if index in encoder.missing_columns_
        }
    for index, groups in enumerate(_groups_by_column(encoder)):
        has_indicator = index in encoder.missing_columns_
        if groups or (has_indicator and groups is not None):  # a category without levels alone says nothing
            add_codes = _codes_of_texts if _is_text(groups) else _codes_of_numbers
            codes, missing = add_codes(op, columns[index], groups, _names(encoder)[index], has_indicator)
            table = _one_hot_table(groups)
            outputs += [op.Gather(table, op.Reshape(codes, np.array([-1])), axis=0)] if table.size else []
            is_missing |= {index: missing} if has_indicator else {}
    indicators = [op.Cast(is_missing[index], to=op.FLOAT) for index in encoder.missing_columns_]
    return op.Concat(*outputs, *indicators, axis=1)


def _groups_by_column(encoder):
    """Return the groups of levels of each column that is a category, None for numbers."""
    groups = iter(encoder.category_groups_)
    return [next(groups) if is_category else None for is_category in encoder.is_categorical_]


def _is_text(groups):
    """Tell whether the input of a column is a string; so is that of a category without levels."""
    return groups is not None and isinstance(next(iter(groups), ""), str)


def _names(encoder):
    """Return the names of columns; ``x0``, ``x1``, ... of those without one."""
    names = getattr(encoder, "feature_names_in_", None)
    names = [""] * encoder.n_features_in_ if names is None else names
    return [str(name) or f"x{index}" for index, name in enumerate(names)]


def _scaled(op, scaler, numbers):
    """Add what ``SmoothClipScaler`` does to a graph."""
    varies = scaler.scale_ > 0
    z = op.Div(op.Sub(numbers, scaler.center_), np.where(varies, scaler.scale_, 1.0))
    z = op.Min(op.Max(op.Mul(z, varies.astype(np.float64)), -FAR), FAR)
    share = op.Div(z, BOUND)
    return op.Cast(op.Div(z, op.Sqrt(op.Add(1.0, op.Mul(share, share)))), to=op.FLOAT)


def _codes_of_texts(op, column, groups, name, has_indicator):
    """Add the code of each string to a graph, see :func:`_one_hot_table`. Return its name, and of what is missing."""
    levels, codes, missing = list(groups), [1 + group for group in groups.values()], 1 + Levels(groups).n_groups
    if has_indicator:
        if _MISSING_TEXT in groups:
            raise ValueError(
                f"Column {name!r} has missing values and the category '' in fit. In ONNX an empty string stands for "
                "a missing one, so it cannot be both. Replace either of them before fit."
            )
        levels, codes = [*levels, _MISSING_TEXT], [*codes, missing]
    found = op.LabelEncoder(column, domain="ai.onnx.ml", keys_strings=levels, values_int64s=codes, default_int64=0)
    return found, op.Equal(found, np.array(missing))


def _codes_of_numbers(op, column, groups, name, has_indicator):
    """Add the code of each number to a graph, as :func:`_codes_of_texts` does."""
    levels = np.array(list(groups), dtype=np.float64)
    rounded = [level for level, as_float in zip(groups, levels.tolist(), strict=True) if level != as_float]
    if rounded:
        raise ValueError(
            f"Column {name!r} has the category {rounded[0]!r}. Numbers are float64 in ONNX, and none of them is equal "
            "to it. Make its categories strings before fit."
        )
    is_level = op.Cast(op.Equal(column, levels), to=op.FLOAT)
    codes = op.MatMul(is_level, 1 + np.array(list(groups.values()), np.float32)[:, np.newaxis])
    return op.Cast(codes, to=op.INT64), op.IsNaN(column)


def _one_hot_table(groups):
    """Return what an encoder writes for each code: 0 for unknown levels, then each group, then missing values."""
    levels = Levels(groups)
    table = np.zeros((levels.n_groups + 2, levels.n_outputs), np.float32)
    one_of_each = {group: level for level, group in groups.items()}
    labels = [one_of_each[group] for group in range(levels.n_groups)]
    levels.write(Labels(labels, np.arange(levels.n_groups), True), table[1:-1])
    return table
