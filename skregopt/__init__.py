"""Multi-layer perceptrons for scikit-learn users: regularised, compiled, drop-in."""

from ._classifier import MLPClassifier
from ._displays import LossCurveDisplay, WeightsDisplay
from ._regressor import MLPRegressor
from ._search_display import SearchResultsDisplay

__all__ = ["LossCurveDisplay", "MLPClassifier", "MLPRegressor", "SearchResultsDisplay", "WeightsDisplay"]
__version__ = "0.1.0"
