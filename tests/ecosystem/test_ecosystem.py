"""Working together with what stands around an estimator: one small case each, with a bar that can be missed.

``python tests/ecosystem/test_ecosystem.py`` runs them all and prints a table.
"""

import importlib.util
import time
import warnings
from functools import partial

import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import SelectFromModel, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import PartialDependenceDisplay, partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_validate,
    learning_curve,
    train_test_split,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils.fixes import parse_version

from skregopt import MLPClassifier, MLPRegressor

SMALL = {"learning_rate_init": 0.02, "batch_size": 16, "max_iter": 20, "random_state": 0}
CASES = {}


def case(name, *needs):
    """Enter a function into the table; it returns what it found. ``needs``: modules, or ``module>=version``."""

    def enter(function):
        CASES[name] = function, needs
        return function

    return enter


def classifier(**params):
    """Return a small network that learns iris."""
    return MLPClassifier(**{"hidden_layer_sizes": (10,), **SMALL, **params})


def regressor(**params):
    """Return a small network that learns :func:`curve`."""
    return MLPRegressor(**{"hidden_layer_sizes": (10,), **SMALL, **params})


def flowers():
    """Return rows of iris to train and to test on, standardised: X_train, X_test, y_train, y_test."""
    X, codes = load_iris(return_X_y=True)
    y = np.array(["setosa", "versicolor", "virginica"])[codes]
    return train_test_split(StandardScaler().fit_transform(X), y, random_state=0, stratify=y)


def two_kinds():
    """Return all rows of the two kinds of iris that overlap, standardised, and whether they are of the second."""
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X[y > 0]), y[y > 0] - 1


def curve():
    """Return features of which two of four count, and two targets."""
    X = np.random.RandomState(0).normal(size=(150, 4))
    return X, np.column_stack([X[:, 0] + X[:, 1] ** 2, np.tanh(X[:, 1])])


def score_of(model, bar=0.9):
    """Fit on iris, and return the accuracy on the other rows."""
    X_train, X_test, y_train, y_test = flowers()
    accuracy = accuracy_score(y_test, model.fit(X_train, y_train).predict(X_test))
    assert accuracy >= bar, accuracy
    return f"accuracy {accuracy:.2f}"


# --- pipelines and frames --------------------------------------------------------------------------------------------


def of_a_frame(library):
    """Fit numbers and categories of a frame; the same as from the transformed array."""
    frames = importlib.import_module(library)
    X, Y = curve()
    colour = np.where(X[:, 2] > 0, "red", "blue")
    frame = frames.DataFrame({"length": X[:, 0], "width": X[:, 1], "colour": colour})
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), ["length", "width"]), ("kinds", OneHotEncoder(sparse_output=False), ["colour"])]
    )
    model = make_pipeline(columns.set_output(transform=library), regressor()).fit(frame, Y[:, 0])
    network = model[-1]
    assert network.feature_names_in_[0] == "numbers__length" and network.n_features_in_ == 4
    array = np.asarray(model[:-1].transform(frame))
    np.testing.assert_array_equal(regressor().fit(array, Y[:, 0]).predict(array), model.predict(frame))
    assert model.score(frame, Y[:, 0]) > 0.8
    return f"{list(network.feature_names_in_[-2:])}"


case("Pipeline, ColumnTransformer, pandas", "pandas")(partial(of_a_frame, "pandas"))
# scikit-learn 1.6 and polars 2 do not go together
case("Pipeline, ColumnTransformer, polars", "polars", "sklearn>=1.7")(partial(of_a_frame, "polars"))


@case("Pipeline(transform_input=['X_val'])")
def validation_rows_through_a_pipeline():
    X_train, X_val, y_train, y_val = flowers()
    with sklearn.config_context(enable_metadata_routing=True):
        network = classifier(early_stopping=True).set_fit_request(X_val=True, y_val=True)
        model = Pipeline([("scale", StandardScaler()), ("network", network)], transform_input=["X_val"])
        model.fit(1000 * X_train, y_train, X_val=1000 * X_val, y_val=y_val)
    scale = StandardScaler().fit(1000 * X_train)
    direct = classifier(early_stopping=True).fit(
        scale.transform(1000 * X_train), y_train, X_val=scale.transform(1000 * X_val), y_val=y_val
    )
    assert model[-1].validation_scores_ == direct.validation_scores_
    return f"best epoch {direct.best_iter_}, as without the pipeline"


@case("imbalanced-learn's pipeline", "imblearn")
def resampling():
    from imblearn.over_sampling import SMOTE
    from imblearn.pipeline import make_pipeline as make_imbalanced_pipeline

    X, y = two_kinds()
    rows = np.r_[:50, 50:60]
    model = make_imbalanced_pipeline(SMOTE(random_state=0, k_neighbors=3), classifier()).fit(X[rows], y[rows])
    balanced = balanced_accuracy_score(y, model.predict(X))
    assert balanced > 0.85
    assert balanced >= balanced_accuracy_score(y, classifier().fit(X[rows], y[rows]).predict(X))
    return f"balanced accuracy {balanced:.2f}"


# --- ensembles and wrappers ------------------------------------------------------------------------------------------


@case("VotingClassifier")
def voting():
    X_train, X_test, y_train, _ = flowers()
    members = [classifier(random_state=seed) for seed in range(3)]
    model = VotingClassifier([(str(i), member) for i, member in enumerate(members)], voting="soft")
    probabilities = model.fit(X_train, y_train).predict_proba(X_test)
    direct = np.mean([member.fit(X_train, y_train).predict_proba(X_test) for member in members], axis=0)
    np.testing.assert_array_equal(probabilities, direct)
    return "the mean of its members"


@case("StackingClassifier")
def stacking():
    return score_of(StackingClassifier([("network", classifier()), ("line", LogisticRegression())], cv=3))


@case("BaggingClassifier")
def bagging():
    model = BaggingClassifier(classifier(), n_estimators=4, random_state=0)
    found = score_of(model)
    assert len({member.coefs_[0].tobytes() for member in model.estimators_}) == 4
    return found


@case("AdaBoostClassifier")
def boosting():
    model = AdaBoostClassifier(classifier(max_iter=10), n_estimators=4, random_state=0)
    found = score_of(model)
    assert len(model.estimators_) > 1
    return found


@case("CalibratedClassifierCV")
def calibration():
    X_train, X_test, y_train, y_test = flowers()
    model = CalibratedClassifierCV(classifier(), cv=3).fit(X_train, y_train)
    loss = log_loss(y_test, model.predict_proba(X_test))
    assert loss < 0.4
    return f"log loss {loss:.2f}"


@case("FrozenEstimator")
def frozen():
    X_train, X_test, y_train, y_test = flowers()
    fitted = classifier().fit(X_train, y_train)
    before = fitted.predict_proba(X_test)
    CalibratedClassifierCV(FrozenEstimator(fitted)).fit(X_test, y_test)
    np.testing.assert_array_equal(FrozenEstimator(fitted).fit(X_test, y_test).predict_proba(X_test), before)
    return "stays as it was"


@case("OneVsRestClassifier")
def one_against_the_rest():
    X_train, X_test, y_train, _ = flowers()
    model = OneVsRestClassifier(classifier()).fit(X_train, y_train)
    direct = classifier().fit(X_train, y_train == "setosa")
    np.testing.assert_array_equal(model.estimators_[0].predict_proba(X_test), direct.predict_proba(X_test))
    return score_of(model)


@case("MultiOutputRegressor")
def one_for_each_output():
    X, Y = curve()
    model = MultiOutputRegressor(regressor()).fit(X, Y)
    for column, target in zip(model.predict(X).T, Y.T, strict=True):
        np.testing.assert_array_equal(column, regressor().fit(X, target).predict(X))
    return "as one fit for each column"


@case("ClassifierChain")
def chain():
    X, Y = curve()
    labels = (Y > 0.5).astype(int)
    model = ClassifierChain(classifier(), order=[1, 0], random_state=0).fit(X, labels)
    assert model.estimators_[1].n_features_in_ == 5
    accuracy = np.mean(model.predict(X) == labels)
    assert accuracy > 0.9
    return f"accuracy {accuracy:.2f}"


@case("SelfTrainingClassifier")
def self_training():
    X, y = two_kinds()
    some = np.where(np.arange(y.size) % 10 == 0, y, -1)
    model = SelfTrainingClassifier(classifier(batch_size="auto", max_iter=60)).fit(X, some)
    assert (model.labeled_iter_ > 0).sum() > 30
    accuracy = model.score(X, y)
    assert accuracy > 0.8
    return f"accuracy {accuracy:.2f} from {np.sum(some >= 0)} labels"


@case("TransformedTargetRegressor")
def transformed_target():
    X, Y = curve()
    y = np.exp(Y[:, 1])
    model = TransformedTargetRegressor(regressor(), func=np.log, inverse_func=np.exp).fit(X, y)
    direct = np.exp(regressor().fit(X, np.log(y)).predict(X))
    np.testing.assert_allclose(model.predict(X), direct, rtol=1e-12)
    return "as by hand"


@case("TunedThresholdClassifierCV")
def threshold():
    X, y = two_kinds()
    model = TunedThresholdClassifierCV(classifier(), scoring="balanced_accuracy", cv=3).fit(X, y)
    assert 0 < model.best_threshold_ < 1 and model.best_score_ > 0.85
    return f"threshold {model.best_threshold_:.2f}"


# --- features --------------------------------------------------------------------------------------------------------


@case("SelectFromModel")
def select_by_weights():
    X, Y = curve()
    selector = SelectFromModel(regressor(penalty="group_l1", alpha=0.1, max_iter=300), threshold=1e-9)
    kept = selector.fit(X, Y[:, 1]).get_support()
    assert kept.tolist() == [False, True, False, False]
    return "the one feature that counts"


@case("SequentialFeatureSelector")
def select_one_by_one():
    X, Y = curve()
    selector = SequentialFeatureSelector(regressor(max_iter=10), n_features_to_select=1, cv=2).fit(X, Y[:, 1])
    assert selector.get_support().tolist() == [False, True, False, False]
    return "the one feature that counts"


@case("permutation_importance")
def permutation():
    X, Y = curve()
    found = permutation_importance(regressor().fit(X, Y[:, 1]), X, Y[:, 1], n_repeats=3, random_state=0)
    assert found.importances_mean.argmax() == 1
    return f"{found.importances_mean[1]:.2f}, others below {np.sort(found.importances_mean)[-2] + 0.01:.2f}"


@case("PartialDependenceDisplay", "matplotlib")
def dependence():
    import matplotlib

    matplotlib.use("agg")
    X, Y = curve()
    model = regressor(max_iter=60).fit(X, Y[:, 1])
    display = PartialDependenceDisplay.from_estimator(model, X, [1], grid_resolution=7)
    matplotlib.pyplot.close(display.figure_)
    found = partial_dependence(model, X, [1], grid_resolution=7)
    line, grid = found["average"][0], found["grid_values"][0]
    np.testing.assert_array_equal(display.lines_[0, 0].get_ydata(), line)
    error = np.abs(line - np.tanh(grid)).max()
    assert error < 0.3
    return f"within {error:.2f} of the true curve"


@case("shap", "shap")
def additive_explanations():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it imports
        import shap

    X, Y = curve()
    model = regressor().fit(X, Y[:, 1])
    explainer = shap.KernelExplainer(model.predict, X[:30])
    values = explainer.shap_values(X[:5], silent=True)
    np.testing.assert_allclose(explainer.expected_value + values.sum(axis=1), model.predict(X[:5]), atol=1e-9)
    assert np.abs(values).mean(axis=0).argmax() == 1
    return "values add up to predictions"


# --- searches --------------------------------------------------------------------------------------------------------

FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)


@case("cross_validate")
def validation_in_folds():
    X, _, y, _ = flowers()
    found = cross_validate(classifier(), X, y, cv=FOLDS, return_estimator=True)["test_score"]
    direct = [classifier().fit(X[train], y[train]).score(X[test], y[test]) for train, test in FOLDS.split(X, y)]
    assert found.tolist() == direct
    return f"accuracy {found.mean():.2f}, as by hand"


@case("learning_curve")
def more_rows():
    X, _, y, _ = flowers()
    shuffled = {"train_sizes": [20, 40, 74], "shuffle": True, "random_state": 0}
    sizes, _, scores = learning_curve(classifier(), X, y, cv=FOLDS, **shuffled)
    assert sizes.tolist() == [20, 40, 74] and scores.mean(axis=1)[-1] > 0.9
    _, _, by_parts = learning_curve(classifier(), X, y, cv=FOLDS, exploit_incremental_learning=True, **shuffled)
    assert by_parts.mean(axis=1)[-1] > by_parts.mean(axis=1)[0]
    return f"accuracy {scores.mean(axis=1)[0]:.2f} to {scores.mean(axis=1)[-1]:.2f}"


@case("validation_curve")
def one_parameter():
    X, _, y, _ = flowers()
    _, scores = validation_curve(classifier(), X, y, param_name="alpha", param_range=[1e-3, 10.0], cv=FOLDS)
    assert scores.mean(axis=1)[0] > scores.mean(axis=1)[1] + 0.1
    return f"accuracy {scores.mean(axis=1)[0]:.2f}, {scores.mean(axis=1)[1]:.2f}"


@case("GridSearchCV over a solver's own parameter")
def nested_parameter():
    from skregopt.optimizers import Adam

    grid = {"solver__beta_1": [0.5, 0.9], "n_hidden_layers": [1, 2]}
    search = GridSearchCV(classifier(solver=Adam(), hidden_layer_sizes=10), grid, cv=FOLDS)
    found = score_of(search)
    assert set(search.best_params_) == {"solver__beta_1", "n_hidden_layers"}
    return found


def halving(search, options):
    """Search with epochs as the resource."""
    model = search(
        classifier(tol=0.0), {"alpha": [1e-4, 1e-2, 1.0, 100.0]}, resource="max_iter", min_resources=4,
        max_resources=32, factor=2, cv=FOLDS, random_state=0, **options,
    )  # fmt: skip
    found = score_of(model)
    assert model.n_resources_ == [4, 8, 16][: model.n_iterations_] and model.best_params_["alpha"] < 100
    return f"{found}, alpha {model.best_params_['alpha']:g}"


case("HalvingGridSearchCV(resource='max_iter')")(partial(halving, HalvingGridSearchCV, {}))
case("HalvingRandomSearchCV(resource='max_iter')")(partial(halving, HalvingRandomSearchCV, {"n_candidates": 4}))


@case("optuna", "optuna")
def study():
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    X, X_test, y, y_test = flowers()

    def objective(trial):
        model = classifier(alpha=trial.suggest_float("alpha", 1e-4, 10, log=True))
        for epoch in range(15):
            model.partial_fit(X, y, classes=np.unique(y))
            trial.report(model.score(X_test, y_test), epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return model.score(X_test, y_test)

    found = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=0), pruner=optuna.pruners.MedianPruner(3)
    )
    found.optimize(objective, n_trials=8)
    assert found.best_value > 0.85
    pruned = sum(trial.state == optuna.trial.TrialState.PRUNED for trial in found.trials)
    return f"accuracy {found.best_value:.2f}, {pruned} of 8 trials pruned"


@case("optuna's OptunaSearchCV", "optuna", "optuna_integration")
def optuna_search():
    import optuna
    from optuna_integration import OptunaSearchCV

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = {"alpha": optuna.distributions.FloatDistribution(1e-4, 10, log=True)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it calls of optuna is experimental, or deprecated
        search = OptunaSearchCV(classifier(), space, cv=FOLDS, n_trials=4, random_state=0)
        found = score_of(search)
    assert search.best_params_["alpha"] < 1
    return found


@case("mlflow's sklearn flavour", "mlflow")
def mlflow_model():
    import tempfile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about type hints of its own
        import mlflow.sklearn

    X_train, X_test, y_train, _ = flowers()
    model = classifier().fit(X_train, y_train)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.sklearn.save_model(model, f"{folder}/model", serialization_format="cloudpickle")
        loaded = mlflow.sklearn.load_model(f"{folder}/model")
        np.testing.assert_array_equal(loaded.predict(X_test), model.predict(X_test))
    return "saved, loaded, the same labels"


# --- the table -------------------------------------------------------------------------------------------------------


def missing_of(needs):
    """Return the first of ``needs`` that is not installed, or None."""
    for need in needs:
        module, _, version = need.partition(">=")
        if importlib.util.find_spec(module) is None:
            return need
        if version and parse_version(importlib.import_module(module).__version__) < parse_version(version):
            return need
    return None


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", CASES)
def test_together_with(name):
    function, needs = CASES[name]
    if missing := missing_of(needs):
        pytest.skip(f"needs {missing}, see the extras in pyproject.toml")
    assert function()


def print_table():
    """Run all cases; returns whether none failed."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    results = {}
    for name, (function, needs) in CASES.items():
        began = time.perf_counter()
        try:
            missing = missing_of(needs)
            outcome = f"left out, needs {missing}" if missing else function()
        except Exception as error:  # whatever it is, it belongs in the table, and the cases after it run
            outcome = f"FAILED: {type(error).__name__} {error}"
        results[name] = outcome
        print(f"{name:<44} {time.perf_counter() - began:6.2f} s  {outcome}", flush=True)
    return not any(outcome.startswith("FAILED") for outcome in results.values())


if __name__ == "__main__":
    raise SystemExit(not print_table())
