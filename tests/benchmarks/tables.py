"""Measure estimators for tables against other libraries, on frames as they are.

    python tests/benchmarks/tables.py measure results.jsonl [--sets ...] [--models ...] [--splits 2] [--rows 10000]
    python tests/benchmarks/tables.py show results.jsonl    print tables
    python tests/benchmarks/tables.py write results.jsonl   write table and figure into the documentation

Models with their defaults, all with the same number of threads: skregopt's, scikit-learn's MLP behind the same encoder
(y standardised), HistGradientBoosting, and LightGBM, CatBoost, RealMLP-TD and RealMLP-TD-S (pytabkit) where they are
installed (``pip install "skregopt[bench]"``). Results are lines of JSON, so that a run can go on later, or in another
environment; what is there is not measured again. Seconds are those of a second fit: the first one, to a hundred rows,
compiles.

Error is 1 - accuracy (for labels the share of wrong ones) or 1 - R2, at least 0.002. Geometric means are of errors, and
of log losses, divided by those of scikit-learn's MLP.
"""

import argparse
import itertools
import json
import time
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import log_loss
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from table_sets import SETS

LEAST_ERROR = 0.002
REFERENCE = "scikit-learn's MLP"
N_CALIBRATION_BINS = 15


# --- models ----------------------------------------------------------------------------------------------------------


def _skregopt(n_estimators):
    def make(kind, seed, n_threads, categorical):
        from skregopt import TabularMLPClassifier, TabularMLPRegressor

        model = TabularMLPRegressor if kind == "numbers" else TabularMLPClassifier
        return model(n_estimators=n_estimators, n_jobs=n_threads, random_state=seed)

    return make


def _scikit_learn(kind, seed, n_threads, categorical):
    from skregopt.preprocessing import TabularEncoder

    if kind == "numbers":
        model = make_pipeline(TabularEncoder(), MLPRegressor(random_state=seed))
        return TransformedTargetRegressor(model, transformer=StandardScaler())
    return make_pipeline(TabularEncoder(), MLPClassifier(random_state=seed))


def _each_output(kind, model, n_outputs):
    if n_outputs == 1:
        return model
    return (MultiOutputRegressor if kind == "numbers" else MultiOutputClassifier)(model)


def _hist_gradient_boosting(kind, seed, n_threads, categorical):
    model = HistGradientBoostingRegressor if kind == "numbers" else HistGradientBoostingClassifier
    return model(categorical_features="from_dtype", random_state=seed)


def _lightgbm(kind, seed, n_threads, categorical):
    from lightgbm import LGBMClassifier, LGBMRegressor

    model = LGBMRegressor if kind == "numbers" else LGBMClassifier
    return model(random_state=seed, n_jobs=n_threads, verbose=-1)


def _catboost(kind, seed, n_threads, categorical):
    from catboost import CatBoostClassifier, CatBoostRegressor

    model = CatBoostRegressor if kind == "numbers" else CatBoostClassifier
    given = {"cat_features": categorical} if categorical else {}  # clone refuses an empty list
    return model(random_seed=seed, thread_count=n_threads, verbose=0, allow_writing_files=False, **given)


def _real_mlp(variant):
    def make(kind, seed, n_threads, categorical):
        import pytabkit

        target = "Regressor" if kind == "numbers" else "Classifier"
        model = getattr(pytabkit, f"RealMLP_{variant}_{target}")
        return model(random_state=seed, n_threads=n_threads, device="cpu", verbosity=0)

    return make


MODELS = {
    "TabularMLP": _skregopt(8),
    "TabularMLP, 4 networks": _skregopt(4),
    "TabularMLP, 2 networks": _skregopt(2),
    "TabularMLP, 1 network": _skregopt(1),
    REFERENCE: _scikit_learn,
    "HistGradientBoosting": _hist_gradient_boosting,
    "LightGBM": _lightgbm,
    "CatBoost": _catboost,
    "RealMLP-TD-S": _real_mlp("TD_S"),
    "RealMLP-TD": _real_mlp("TD"),
}
OF_SINGLE_OUTPUTS = ("HistGradientBoosting", "LightGBM", "CatBoost")


# --- measuring -------------------------------------------------------------------------------------------------------


def calibration_error(proba, y):
    """Return the expected calibration error of the most probable class, in bins of equal width."""
    sure, right = proba.max(axis=1), proba.argmax(axis=1) == y
    bins = np.minimum((sure * N_CALIBRATION_BINS).astype(int), N_CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, right - sure, minlength=N_CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(y))


def _without_missing_strings(X):
    """Return X as CatBoost takes it: a missing category is a category."""
    X = X.copy()
    for column in X.columns[X.dtypes == "category"]:
        X[column] = X[column].astype(object).where(X[column].notna(), "missing").astype(str)
    return X


def measure(model_name, set_name, split, most_rows, n_threads):
    """Return scores and seconds of a model on a split of a set as a dict."""
    kind = SETS[set_name].kind
    X, y, X_test, y_test = SETS[set_name].split(split, most_rows)
    if kind == "classes":
        classes, codes = np.unique(np.r_[y, y_test], return_inverse=True)
        y, y_test = np.split(codes, [len(y)])
    categorical = list(X.columns[X.dtypes == "category"])
    if model_name == "CatBoost":
        X, X_test = _without_missing_strings(X), _without_missing_strings(X_test)
    model = MODELS[model_name](kind, split, n_threads, categorical)
    if model_name in OF_SINGLE_OUTPUTS:
        model = _each_output(kind, model, 1 if y.ndim == 1 else y.shape[1])
    if "skregopt" in type(model).__module__:
        clone(model).set_params(max_iter=2).fit(X.iloc[:200], y[:200])  # compiles
    start = time.perf_counter()
    model.fit(X, y)
    fitted = time.perf_counter()
    predicted = model.predict(X_test) if kind == "numbers" else model.predict_proba(X_test)
    seconds = {"fit": fitted - start, "predict": time.perf_counter() - fitted}
    scores = {}
    if kind == "numbers":
        predicted = np.asarray(predicted).reshape(y_test.shape)
        squares = (predicted - y_test) ** 2
        scores["error"] = squares.sum() / ((y_test - y_test.mean(axis=0)) ** 2).sum()
        scores["rmse"] = float(np.sqrt(squares.mean()))
    elif kind == "labels":
        if isinstance(predicted, list):
            predicted = np.column_stack([of_label[:, 1] for of_label in predicted])
        scores["error"] = np.mean((predicted > 0.5) != y_test)
        clipped = np.clip(predicted, 1e-15, 1 - 1e-15)
        scores["log_loss"] = -np.log(np.where(y_test, clipped, 1 - clipped)).mean()
    else:
        present = np.unique(y)
        proba = np.zeros((len(y_test), len(classes)))
        proba[:, present] = np.clip(predicted, 1e-15, 1)
        scores["error"] = np.mean(proba.argmax(axis=1) != y_test)
        scores["log_loss"] = log_loss(y_test, proba / proba.sum(axis=1, keepdims=True), labels=np.arange(len(classes)))
        scores["calibration"] = calibration_error(proba, y_test)
        if hasattr(model, "temperature_"):
            encoded = model.encoder_.transform(X_test)
            mean = sum(w * m.predict_proba(encoded) for w, m in zip(model.weights_, model.estimators_, strict=True))
            scores["calibration_before"] = calibration_error(mean, y_test)
    return {name: float(value) for name, value in {**scores, **seconds}.items()}


def read_results(path):
    """Return the results of a file by model, set and split."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = [json.loads(line) for line in lines]
    return {(line["model"], line["set"], line["split"]): line for line in found}


def measure_all(arguments):
    """Measure what the file of results lacks."""
    done = read_results(arguments.results)
    for split, set_name, model in itertools.product(range(arguments.splits), arguments.sets, arguments.models):
        if (model, set_name, split) in done:
            continue
        try:
            values = measure(model, set_name, split, arguments.rows, arguments.threads)
        except ImportError as error:
            print(f"{model}: not installed ({error})")
            continue
        line = {"model": model, "set": set_name, "split": split, **values}
        with arguments.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(f"{set_name} {split} {model}: error {values['error']:.4f}, {values['fit']:.1f} s", flush=True)


# --- tables and figure -----------------------------------------------------------------------------------------------


def summary(results):
    """Return the models that have been measured on all splits, and their means: dict of dict."""
    sets = sorted({(of_set, split) for _, of_set, split in results})
    models = [name for name in MODELS if all((name, *part) in results for part in sets)]

    def errors(name):
        return np.array([max(results[(name, *part)]["error"], LEAST_ERROR) for part in sets])

    def losses(name):
        return np.array([results[(name, *part)].get("log_loss", np.nan) for part in sets])

    def total(name, what):
        return sum(results[(name, *part)][what] for part in sets)

    ranks = np.argsort(np.argsort([errors(name) for name in models], axis=0), axis=0) + 1.0
    means = {}
    for place, name in enumerate(models):
        ratios = losses(name) / losses(REFERENCE)
        parts = [results[(name, *part)] for part in sets]
        means[name] = {
            "error": float(np.exp(np.mean(np.log(errors(name) / errors(REFERENCE))))),
            "log_loss": float(np.exp(np.nanmean(np.log(ratios)))),
            "rank": float(ranks[place].mean()),
            "calibration": float(np.nanmean([part.get("calibration", np.nan) for part in parts])),
            "calibration_before": float(
                np.nanmean([part.get("calibration_before", np.nan) for part in parts] + [np.nan])
            )
            if any("calibration_before" in part for part in parts)
            else None,
            "fit": total(name, "fit"),
            "predict": total(name, "predict"),
        }
    return means, sets


def rows_of(results):
    """Return headings and rows of the table for the documentation."""
    means, sets = summary(results)
    headings = ["model", "error", "log loss", "calibration error", "mean rank", "fit, s", "predict, s"]
    rows = []
    for name, values in sorted(means.items(), key=lambda item: item[1]["error"]):
        rows.append([
            name, f"{values['error']:.3f}", f"{values['log_loss']:.3f}", f"{values['calibration']:.3f}",
            f"{values['rank']:.1f}", f"{values['fit']:.0f}", f"{values['predict']:.1f}",
        ])  # fmt: skip
    return headings, rows, sets


def show(arguments):
    """Print each set, and the means."""
    results = read_results(arguments.results)
    means, sets = summary(results)
    for of_set in dict.fromkeys(part[0] for part in sets):
        parts = [part for part in sets if part[0] == of_set]
        shown = [
            f"{name} {np.mean([results[(name, *part)]['error'] for part in parts]):.4f} "
            f"({np.mean([results[(name, *part)]['fit'] for part in parts]):.1f} s)"
            for name in means
        ]
        print(f"{of_set}: {'; '.join(shown)}")
    for name, values in sorted(means.items(), key=lambda item: item[1]["error"]):
        print(name, {key: value if value is None else round(value, 3) for key, value in values.items()})


def write(arguments):
    """Write table and figure into the documentation."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt
    import publish

    matplotlib.rcParams["svg.hashsalt"] = "skregopt"  # the same file from the same numbers
    results = read_results(arguments.results)
    headings, rows, sets = rows_of(results)
    publish.replace_between(
        publish.ROOT / "doc" / "user_guide" / "tables.rst", "tables-peers", publish.list_table(headings, rows)
    )
    figure, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    for name, values in summary(results)[0].items():
        ours = name.startswith("TabularMLP")
        ax.plot(values["fit"], values["error"], "o" if ours else "s", color="#1f5fa8" if ours else "#8a8a8a")
        ax.annotate(f" {name} ", (values["fit"], values["error"]), xytext=(0, 6), textcoords="offset points",
                    fontsize=8, ha="center", color="#1f5fa8" if ours else "#444444")  # fmt: skip
    ax.set_xscale("log")
    ax.margins(0.15)
    ax.set_xlabel(f"seconds for all {len(sets)} fits")
    ax.set_ylabel("error / error of scikit-learn's MLP")
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(publish.ROOT / "doc" / "images" / "tables.svg", metadata={"Date": None})


def main():
    """Measure, show or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["measure", "show", "write"])
    parser.add_argument("results", type=Path)
    there = [name for name, table in SETS.items() if table.is_there]
    default = [name for name in there if SETS[name].kind != "labels"]  # which not every library takes
    parser.add_argument("--sets", nargs="+", default=default, choices=there, metavar="SET")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS), metavar="MODEL")
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    {"measure": measure_all, "show": show, "write": write}[arguments.action](arguments)


if __name__ == "__main__":
    main()
