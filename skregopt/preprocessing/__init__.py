"""Transformers of tables, for networks and for all other estimators."""

from ._piecewise_linear_encoder import PiecewiseLinearEncoder
from ._smooth_clip_scaler import SmoothClipScaler
from ._tabular_encoder import TabularEncoder

__all__ = ["PiecewiseLinearEncoder", "SmoothClipScaler", "TabularEncoder"]

for _name in __all__:  # pickles name the public path, so that no later move breaks them
    globals()[_name].__module__ = __name__
