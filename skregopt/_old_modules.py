"""Files pickled by skregopt 0.1.0 name modules that have moved since; here they find them.

Pickle imports a class by the module it was defined in. The modules below are registered under their names of 0.1.0,
with the classes that such files can hold.
"""

import sys
from types import ModuleType

from . import _training
from ._estimators.classifier import MLPClassifier
from ._estimators.regressor import MLPRegressor
from .model_selection._cross_validation import MLPClassifierCV, MLPRegressorCV
from .model_selection._path_result import RegularizationPath

_CLASSES = {
    "_classifier": [MLPClassifier],
    "_regressor": [MLPRegressor],
    "_path": [RegularizationPath],
    "_path_cv": [MLPClassifierCV, MLPRegressorCV],
}


class OptimizerMemory(dict):
    """The memory of an optimizer in files of 0.1.0, which kept it in a class of this name; now it is a plain dict."""

    def __setstate__(self, state):
        self.update(state)

    def __reduce__(self):
        return dict, (dict(self),)  # new files do not name this class


def register_old_modules():
    """Make files of skregopt 0.1.0 loadable; called once, when the package is imported."""
    for name, classes in _CLASSES.items():
        module = ModuleType(f"skregopt.{name}")
        vars(module).update((rule.__name__, rule) for rule in classes)
        sys.modules[module.__name__] = module
    _training.OptimizerMemory = OptimizerMemory
