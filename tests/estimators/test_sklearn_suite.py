"""scikit-learn's own tests of its multi-layer perceptrons, with the two classes swapped in.

The source of the installed ``sklearn/neural_network/tests/test_mlp.py`` is loaded with its import of the estimators
replaced; each of its tests appears here under its own name.
"""

import ast
import types
from pathlib import Path

import pytest
import sklearn

import skregopt

pytestmark = [
    # scikit-learn's runs report these and go on
    pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("default:Got `batch_size` less than 1:UserWarning"),
]

# they read private attributes of scikit-learn's implementation
PRIVATE = {
    "test_gradient",
    "test_learning_rate_warmstart",
    "test_adaptive_learning_rate",
    "test_n_iter_no_change",
    "test_n_iter_no_change_inf",
}
# they rely on scikit-learn's defaults for what solver='sgd' and early stopping mean
OTHER_DEFAULTS = {
    "test_partial_fit_classification",
    "test_multilabel_classification",
    "test_preserve_feature_names",
}


class _SklearnDefaults:
    """The two defaults that mean something else in scikit-learn: batches for 'sgd', scores for early stopping."""

    def _as_in_sklearn(self, method, X, *args, **kwargs):
        changed = {}
        if self.solver == "sgd" and self.batch_size == "auto":
            changed["batch_size"] = min(200, len(X))
        if self.early_stopping and self.scoring == "loss":
            changed["scoring"] = self.sklearn_scoring
        before = self.get_params()
        self.set_params(**changed)
        try:
            return method(X, *args, **kwargs)
        finally:
            self.set_params(**{name: before[name] for name in changed})

    def fit(self, X, *args, **kwargs):
        return self._as_in_sklearn(super().fit, X, *args, **kwargs)

    def partial_fit(self, X, *args, **kwargs):
        return self._as_in_sklearn(super().partial_fit, X, *args, **kwargs)


class ClassifierWithSklearnDefaults(_SklearnDefaults, skregopt.MLPClassifier):
    sklearn_scoring = "accuracy"


class RegressorWithSklearnDefaults(_SklearnDefaults, skregopt.MLPRegressor):
    sklearn_scoring = "r2"


def load_suite(classifier, regressor):
    """Return the installed test module, its estimators replaced by the given classes."""
    folder = Path(sklearn.__file__).parent / "neural_network" / "tests"
    path = folder / "test_mlp.py"
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    estimators = {"MLPClassifier": classifier, "MLPRegressor": regressor}
    replaced = [
        node
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        and node.module == "sklearn.neural_network"
        and {alias.name for alias in node.names} == set(estimators)
    ]
    assert len(replaced) == 1, f"{path} no longer imports its estimators in one line"
    tree.body.remove(replaced[0])
    name = f"sklearn_suite_{classifier.__name__}"
    suite = types.ModuleType(name)
    vars(suite).update(estimators, __file__=str(path), __package__="sklearn.neural_network.tests")
    exec(compile(tree, str(path), "exec"), vars(suite))
    return suite


def suite_tests(suite):
    return {name: test for name, test in vars(suite).items() if name.startswith("test_")}


_suite = load_suite(skregopt.MLPClassifier, skregopt.MLPRegressor)
_with_defaults = load_suite(ClassifierWithSklearnDefaults, RegressorWithSklearnDefaults)
for _name, _test in suite_tests(_suite).items():
    if _name in OTHER_DEFAULTS:
        globals()[_name] = suite_tests(_with_defaults)[_name]
    elif _name not in PRIVATE:
        globals()[_name] = _test
del _name, _test


@pytest.fixture
def global_random_seed():
    """Return the seed that scikit-learn's own runs use by default."""
    return 42


def test_suite_is_complete():
    names = set(suite_tests(_suite))
    assert PRIVATE | OTHER_DEFAULTS <= names
    collected = {name for name in globals() if name in names}
    assert collected == names - PRIVATE
    assert len(collected) >= 30


@pytest.mark.parametrize("name", sorted(PRIVATE))
def test_excluded_tests_read_private_attributes(name):
    """An excluded test belongs to the list only as long as it looks inside scikit-learn's estimators."""
    source = Path(_suite.__file__).read_text(encoding="utf-8")
    function = next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == name)
    private = {
        node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute) and node.attr.startswith("_")
    }
    assert private
