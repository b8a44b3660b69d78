"""Multi-layer perceptrons for scikit-learn users: regularised, compiled, drop-in."""

from ._display.loss_curves import LossCurveDisplay
from ._display.paths import RegularizationPathDisplay
from ._display.searches import SearchResultsDisplay
from ._display.weights import WeightsDisplay
from ._estimators.classifier import MLPClassifier
from ._estimators.regressor import MLPRegressor
from ._old_modules import register_old_modules as _register_old_modules
from ._onnx.models import to_onnx
from ._onnx.pipelines import register_skl2onnx
from ._tabular.classifier import TabularMLPClassifier
from ._tabular.regressor import TabularMLPRegressor

__all__ = [
    "LossCurveDisplay",
    "MLPClassifier",
    "MLPRegressor",
    "RegularizationPathDisplay",
    "SearchResultsDisplay",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
    "WeightsDisplay",
    "register_skl2onnx",
    "to_onnx",
]
__version__ = "0.2.0.dev0"

for _name in __all__:  # pickles name the public path, so that no later move breaks them
    globals()[_name].__module__ = __name__
_register_old_modules()
