"""Choosing parameters: the regularisation path, alpha by cross-validation along it, and spaces for searches."""

from ._cross_validation import MLPClassifierCV, MLPRegressorCV
from ._path import regularization_path
from ._path_result import RegularizationPath
from ._search_space import param_distributions

__all__ = ["MLPClassifierCV", "MLPRegressorCV", "RegularizationPath", "param_distributions", "regularization_path"]

for _name in __all__:  # pickles name the public path, so that no later move breaks them
    globals()[_name].__module__ = __name__
