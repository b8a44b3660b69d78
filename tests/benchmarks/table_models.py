"""The models of the benchmark of tables, with their defaults: how each is made, and what it needs of a table."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec

from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


@dataclass(frozen=True)
class Model:
    """One line of the tables.

    Attributes
    ----------
    package : str
        Which it needs, as it is imported.
    make : callable
        Takes whether y holds numbers, a seed, a number of threads and the names of categorical columns. Returns an
        estimator.
    shortest : dict
        Parameters for a fit that only loads and compiles what fits need. Without them nothing of the kind is needed.
    takes_outputs : set
        Kinds of a target of several columns, 'labels' or 'numbers', that it takes. Otherwise each column gets a model.
    takes_missing_categories : bool
        Otherwise missing ones become a category.
    """

    package: str
    make: Callable
    shortest: dict = field(default_factory=dict)
    takes_outputs: frozenset = frozenset()
    takes_missing_categories: bool = True

    @property
    def is_installed(self):
        """Whether the package is."""
        return find_spec(self.package) is not None

    @property
    def version(self):
        """Of the package that is measured."""
        if self.package == "skregopt":  # in a checkout it need not be installed
            import skregopt

            return skregopt.__version__
        return version({"sklearn": "scikit-learn"}.get(self.package, self.package))

    def estimator(self, kind, n_outputs, seed, n_threads, categorical, is_short=False):
        """Return an unfitted estimator."""
        model = self.make(kind == "numbers", seed, n_threads, categorical)
        if is_short:
            model.set_params(**self.shortest)
        if n_outputs == 1 or kind in self.takes_outputs:
            return model
        return (MultiOutputRegressor if kind == "numbers" else MultiOutputClassifier)(model)

    def table(self, X):
        """Return the frame as the model takes it."""
        if self.takes_missing_categories:
            return X
        filled = {
            name: X[name].astype(object).where(X[name].notna(), "missing").astype(str)
            for name in X.columns[X.dtypes == "category"]
        }
        return X.assign(**filled)


def _skregopt(**parameters):
    def make(is_numbers, seed, n_threads, categorical):
        from skregopt import TabularMLPClassifier, TabularMLPRegressor

        model = TabularMLPRegressor if is_numbers else TabularMLPClassifier
        return model(n_jobs=n_threads, random_state=seed, **parameters)

    return Model("skregopt", make, {"max_iter": 2}, frozenset({"labels", "numbers"}))


def _scikit_learn(is_numbers, seed, n_threads, categorical):
    from skregopt.preprocessing import TabularEncoder

    if is_numbers:
        model = make_pipeline(TabularEncoder(), MLPRegressor(random_state=seed))
        return TransformedTargetRegressor(model, transformer=StandardScaler())
    return make_pipeline(TabularEncoder(), MLPClassifier(random_state=seed))


def _hist_gradient_boosting(is_numbers, seed, n_threads, categorical):
    model = HistGradientBoostingRegressor if is_numbers else HistGradientBoostingClassifier
    return model(categorical_features="from_dtype", random_state=seed)


def _lightgbm(is_numbers, seed, n_threads, categorical):
    from lightgbm import LGBMClassifier, LGBMRegressor

    model = LGBMRegressor if is_numbers else LGBMClassifier
    return model(random_state=seed, n_jobs=n_threads, verbose=-1)  # finds categories by their dtype


def _catboost(is_numbers, seed, n_threads, categorical):
    from catboost import CatBoostClassifier, CatBoostRegressor

    model = CatBoostRegressor if is_numbers else CatBoostClassifier
    names = categorical or None  # it copies a list, so that it could not be cloned for each of several targets
    return model(random_seed=seed, thread_count=n_threads, cat_features=names, verbose=0, allow_writing_files=False)


def _real_mlp(variant):
    def make(is_numbers, seed, n_threads, categorical):
        import pytabkit

        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # it greets at each fit
        model = getattr(pytabkit, f"RealMLP_{variant}_{'Regressor' if is_numbers else 'Classifier'}")
        return model(random_state=seed, n_threads=n_threads, device="cpu")  # finds categories by their dtype

    return Model("pytabkit", make, {"n_epochs": 1}, frozenset({"numbers"}))


REFERENCE = "scikit-learn's MLP"
MODELS = {
    "TabularMLP": _skregopt(),
    "TabularMLP, 4 networks": _skregopt(n_estimators=4),
    "TabularMLP, 2 networks": _skregopt(n_estimators=2),
    "TabularMLP, 1 network": _skregopt(n_estimators=1),
    REFERENCE: Model("sklearn", _scikit_learn, takes_outputs=frozenset({"labels", "numbers"})),
    "HistGradientBoosting": Model("sklearn", _hist_gradient_boosting),
    "LightGBM": Model("lightgbm", _lightgbm),
    "CatBoost": Model("catboost", _catboost, takes_missing_categories=False),
    "RealMLP-TD-S": _real_mlp("TD_S"),
    "RealMLP-TD": _real_mlp("TD"),
}
