"""Transformers of tables, as a user writes them."""

from typing import Any, assert_type

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from skregopt.preprocessing import PiecewiseLinearEncoder, SmoothClipScaler, TabularEncoder

X, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
frame = pd.DataFrame({"age": [31.0, None], "color": ["red", "blue"]})

ENCODERS = [
    TabularEncoder(),
    TabularEncoder(None),
    TabularEncoder(["color"], n_bins=16),
    TabularEncoder([1], max_categories=None, min_frequency=5),
    TabularEncoder(np.array([False, True]), min_frequency=0.01),
]
assert_type(SmoothClipScaler().fit(X), SmoothClipScaler)
assert_type(SmoothClipScaler().fit(X).transform(X), NDArray[Any])
assert_type(SmoothClipScaler().fit(X).scale_, NDArray[np.float64])
assert_type(PiecewiseLinearEncoder(8, extrapolation="linear").fit(X, y).bin_edges_, list[NDArray[np.float64]])
assert_type(TabularEncoder().fit(frame), TabularEncoder)
assert_type(TabularEncoder().fit(pl.DataFrame({"a": ["u", "v"]})).input_columns_, NDArray[np.intp])
assert_type(TabularEncoder().fit([["u", 1.0], ["v", None]]).get_feature_names_out(), NDArray[Any])
