"""Multi-layer perceptrons for scikit-learn users: regularised, compiled, drop-in."""

from ._classifier import MLPClassifier
from ._displays import LossCurveDisplay, WeightsDisplay
from ._onnx import register_skl2onnx, to_onnx
from ._path_display import RegularizationPathDisplay
from ._regressor import MLPRegressor
from ._search_display import SearchResultsDisplay

__all__ = [
    "LossCurveDisplay",
    "MLPClassifier",
    "MLPRegressor",
    "RegularizationPathDisplay",
    "SearchResultsDisplay",
    "WeightsDisplay",
    "register_skl2onnx",
    "to_onnx",
]
__version__ = "0.1.0"
