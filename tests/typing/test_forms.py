"""What the scripts of this folder build is valid at run time, too: a type that accepts too much would go unnoticed."""

import runpy
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator, clone

from skregopt import activations, embeddings, initializers, losses, optimizers, penalties

REGISTRIES = (
    activations.ACTIVATIONS, embeddings.EMBEDDINGS, initializers.INITIALIZERS, losses.LOSSES, losses.REGRESSION_LOSSES,
    optimizers.OPTIMIZERS, penalties.PENALTIES,
)  # fmt: skip


@pytest.fixture
def registries():
    """Take back what a script registers."""
    before = [registry.copy() for registry in REGISTRIES]
    yield
    for registry, contents in zip(REGISTRIES, before, strict=True):
        registry.clear()
        registry.update(contents)


@pytest.mark.parametrize("script", ["estimators", "model_selection", "components", "preprocessing"])
def test_forms_that_types_accept_are_valid(script, registries):
    names = runpy.run_path(str(Path(__file__).with_name(f"{script}.py")))
    lists = [value for value in names.values() if isinstance(value, list)]
    estimators = [value for values in lists for value in values if isinstance(value, BaseEstimator)]
    assert estimators
    for estimator in estimators:
        clone(estimator)._validate_params()
