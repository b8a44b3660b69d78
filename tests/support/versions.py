"""Tests that need more than the oldest supported dependencies."""

import pytest
import sklearn
from sklearn.utils.fixes import parse_version

needs_newer_metrics = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.7"),
    reason="scikit-learn 1.6 has other metrics of several classes, other messages, and labels of bytes",
)
