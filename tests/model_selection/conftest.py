"""Data of the paths."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.preprocessing import scale


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return scale(X), scale(y)


@pytest.fixture(scope="module")
def cancer():
    """Standardised measurements, and after them as many columns of noise."""
    X, y = load_breast_cancer(return_X_y=True)
    noise = np.random.RandomState(0).normal(size=X.shape)
    return np.hstack([scale(X), noise]), y
