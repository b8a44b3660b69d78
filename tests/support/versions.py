"""Tests that need more than the oldest supported dependencies."""

import pytest
import sklearn
from sklearn.utils.fixes import parse_version

needs_newer_metrics = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.7"),
    reason="metrics of scikit-learn 1.6 do not know several classes, or splitters say otherwise what they miss",
)
