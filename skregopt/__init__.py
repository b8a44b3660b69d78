"""Multi-layer perceptrons for scikit-learn users: regularised, compiled, drop-in."""

from ._classifier import MLPClassifier
from ._path_display import RegularizationPathDisplay
from ._regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "RegularizationPathDisplay"]
__version__ = "0.1.0"
