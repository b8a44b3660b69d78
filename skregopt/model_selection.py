"""Choosing parameters: the regularisation path, alpha by cross-validation along it, and spaces for searches."""

from ._path import RegularizationPath, regularization_path
from ._path_cv import MLPClassifierCV, MLPRegressorCV
from ._search_space import param_distributions

__all__ = ["MLPClassifierCV", "MLPRegressorCV", "RegularizationPath", "param_distributions", "regularization_path"]
