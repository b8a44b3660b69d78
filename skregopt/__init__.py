"""Multi-layer perceptrons for scikit-learn users: regularised, compiled, drop-in."""

from ._classifier import MLPClassifier
from ._onnx import register_skl2onnx, to_onnx
from ._regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "register_skl2onnx", "to_onnx"]
__version__ = "0.1.0"
