"""Measure the estimators for tables and those of other libraries on frames as they are.

    python tests/benchmarks/tables.py measure results.jsonl    measure what the file lacks
    python tests/benchmarks/tables.py show results.jsonl       print tables
    python tests/benchmarks/tables.py write results.jsonl      write table and figure into doc/user_guide/tables.rst

All have ``--sets``, ``--models``, ``--splits``, ``--rows`` and ``--threads``. Models have their defaults and the same
number of threads. Those that are not installed (extra ``bench``) are left out. Results are lines of JSON, so that a run
can be continued, and peers can be measured in another environment or at another time. 'show' and 'write' take several
files; a later line replaces an earlier one. Run nothing else meanwhile: HistGradientBoosting, whose threads wait for
each other actively, has taken up to a hundred times as long beside another program.

The sets are in table_sets.py, the models in table_models.py. A quarter of the rows is held out, at most 10,000.

* error: 1 - accuracy, for labels the share of wrong ones; 1 - R2 for numbers, the mean of all targets.
* log loss: of probabilities of at least 1e-15, for labels the mean of all.
* calibration error: the expected one of the most probable class, in 15 bins of equal width.
* seconds: of one fit, and of one prediction for the rows that are held out (probabilities, where y holds classes). A
  short fit before loads libraries and compiles, where there is something to load or to compile.

Geometric means are those of all sets and splits, of errors and log losses divided by those of scikit-learn's MLP.
Errors below 0.002 count as 0.002, because single rows decide about them.
"""

import argparse
import itertools
import json
import time
import warnings
from pathlib import Path

import numpy as np
from compare import pin
from scipy.stats import rankdata
from sklearn.metrics import log_loss
from table_models import MODELS, REFERENCE
from table_sets import SETS
from threadpoolctl import threadpool_limits

LEAST_ERROR, LEAST_PROBABILITY, N_CALIBRATION_BINS, N_ROWS_TO_COMPILE = 0.002, 1e-15, 15, 500


# --- scores of predictions -------------------------------------------------------------------------------------------


def _of_rows(losses):
    """Return mean and standard error of losses of rows."""
    return {"error": np.mean(losses), "standard_error": np.std(losses) / np.sqrt(len(losses))}


def scores_of_numbers(predicted, y):
    """Return error, its standard error, and root mean squared error."""
    squares = (predicted.reshape(y.shape) - y).astype(np.float64) ** 2
    relative = (squares / y.var(axis=0, dtype=np.float64)).reshape(len(y), -1).mean(axis=1)
    return {**_of_rows(relative), "rmse": np.sqrt(squares.mean())}


def scores_of_labels(proba, y):
    """Return error, its standard error, and log loss; of the classes that several models predict, one by one, too."""
    if isinstance(proba, list):
        proba = np.column_stack([of_label[:, 1] for of_label in proba])
    proba = np.clip(proba.astype(np.float64), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    losses = -np.log(np.where(y, proba, 1 - proba))
    return {**_of_rows(((proba > 0.5) != y).mean(axis=1)), "log_loss": losses.mean()}


def scores_of_classes(proba, y):
    """Return error, its standard error, log loss, and calibration error; y holds columns of ``proba``."""
    proba = np.clip(proba.astype(np.float64), LEAST_PROBABILITY, 1)
    proba /= proba.sum(axis=1, keepdims=True)
    losses = log_loss(y, proba, labels=np.arange(proba.shape[1]))
    return {**_of_rows(proba.argmax(axis=1) != y), "log_loss": losses, "calibration": calibration_error(proba, y)}


def calibration_error(proba, y):
    """Return the expected calibration error of the most probable class."""
    confidence, is_right = proba.max(axis=1), proba.argmax(axis=1) == y
    bins = np.minimum((confidence * N_CALIBRATION_BINS).astype(int), N_CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, is_right - confidence, minlength=N_CALIBRATION_BINS)
    return np.abs(gaps).sum() / len(y)


SCORES = {"numbers": scores_of_numbers, "labels": scores_of_labels, "classes": scores_of_classes}


# --- measuring -------------------------------------------------------------------------------------------------------


def measure(model, table, split, most_rows, n_threads):
    """Return scores and seconds of a model on a split of a table."""
    X, y, X_test, y_test = table.split(split, most_rows)
    if table.kind == "classes":
        classes = np.unique(y)
        y, y_test = np.searchsorted(classes, y), np.searchsorted(classes, y_test)
    categorical = list(X.columns[X.dtypes == "category"])
    X, X_test = model.table(X), model.table(X_test)
    made = table.kind, 1 if y.ndim == 1 else y.shape[1], split, n_threads, categorical

    def predictions(fitted, X):
        return fitted.predict(X) if table.kind == "numbers" else fitted.predict_proba(X)

    with threadpool_limits(n_threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's MLP says that it has not converged, others what they rename
        estimator = model.estimator(*made)
        if model.shortest:
            few = slice(N_ROWS_TO_COMPILE)
            predictions(model.estimator(*made, is_short=True).fit(X.iloc[few], y[few]), X.iloc[few])
        start = time.perf_counter()
        estimator.fit(X, y)
        fitted = time.perf_counter()
        predicted = predictions(estimator, X_test)
        end = time.perf_counter()
    values = SCORES[table.kind](predicted, y_test)
    if table.kind == "classes" and model.package == "skregopt":
        values["calibration_before"] = calibration_error(_before_temperature(estimator, X_test), y_test)
    values |= {"fit": fitted - start, "predict": end - fitted}
    return {name: float(value) for name, value in values.items()}


def _before_temperature(model, X):
    """Return the weighted mean of the networks' probabilities as they are."""
    encoded = model.encoder_.transform(X)
    return sum(
        weight * network.predict_proba(encoded)
        for weight, network in zip(model.weights_, model.estimators_, strict=True)
    )


def _key(line):
    return tuple(line[name] for name in ("model", "set", "split", "rows", "threads"))


def read_results(paths):
    """Return the lines of files, by what was measured."""
    lines = itertools.chain.from_iterable(
        path.read_text(encoding="utf-8").splitlines() for path in paths if path.exists()
    )
    return {_key(line): line for line in map(json.loads, lines)}


def measure_all(arguments):
    """Measure what the file of results lacks."""
    (path,) = arguments.results
    done = read_results([path])
    for name in arguments.models:
        if not MODELS[name].is_installed:
            print(f"{name} is left out: {MODELS[name].package} is not installed")
    installed = [name for name in arguments.models if MODELS[name].is_installed]
    for split, set_name, name in itertools.product(range(arguments.splits), arguments.sets, installed):
        line = {"model": name, "set": set_name, "split": split, "rows": arguments.rows, "threads": arguments.threads}
        if _key(line) in done:
            continue
        values = measure(MODELS[name], SETS[set_name], split, arguments.rows, arguments.threads)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**line, "version": MODELS[name].version, **values}) + "\n")
        print(f"{set_name}, split {split}, {name}: error {values['error']:.4f}, {values['fit']:.2f} s", flush=True)


# --- tables ----------------------------------------------------------------------------------------------------------


class Results:
    """Results of all models on the sets and splits on which scikit-learn's MLP was measured, with means.

    Parameters
    ----------
    lines : dict
        Of ``read_results``.
    arguments : Namespace
        What is asked for.

    Attributes
    ----------
    parts : list of (set, split)
    names : list of str
        Of the models that were measured on all parts.
    """

    def __init__(self, lines, arguments):
        self._lines = lines
        self._setting = arguments.rows, arguments.threads
        asked = itertools.product(arguments.sets, range(arguments.splits))
        self.parts = [part for part in asked if self._is_measured(REFERENCE, part)]
        if not self.parts:
            raise SystemExit(f"The files have no results of {REFERENCE} with --rows and --threads {self._setting}")
        n_missing = {
            name: sum(not self._is_measured(name, part) for part in self.parts)
            for name in dict.fromkeys([REFERENCE, *arguments.models])
        }
        self.names = [name for name in MODELS if n_missing.get(name) == 0]
        for name, n in n_missing.items():
            if n:
                print(f"{name} is left out: {n} of {len(self.parts)} sets and splits are not measured")

    def _is_measured(self, name, part):
        return (name, *part, *self._setting) in self._lines

    def values(self, name, what, kinds=tuple(SCORES), parts=None):
        """Return an array of what was measured on the parts with targets of some kinds; NaN where it was not."""
        parts = [part for part in parts or self.parts if SETS[part[0]].kind in kinds]
        return np.array([self._lines[(name, *part, *self._setting)].get(what, np.nan) for part in parts])

    def relative(self, name, what, least=0.0):
        """Return the geometric mean of what was measured, divided by that of scikit-learn's MLP."""
        own, reference = (np.maximum(self.values(model, what), least) for model in (name, REFERENCE))
        return np.exp(_mean(np.log(own / reference)))

    def means(self):
        """Return the means of each model, the one with the least error first."""
        ranks = rankdata([self.values(name, "error") for name in self.names], axis=0).mean(axis=1)
        found = {
            name: {
                "error": self.relative(name, "error", LEAST_ERROR),
                "accuracy": 1 - _mean(self.values(name, "error", ("classes", "labels"))),
                "R2": 1 - _mean(self.values(name, "error", ("numbers",))),
                "log_loss": self.relative(name, "log_loss"),
                "calibration": _mean(self.values(name, "calibration")),
                "calibration_before": _mean(self.values(name, "calibration_before")),
                "rank": rank,
                "fit": self.values(name, "fit").sum(),
                "predict": self.values(name, "predict").sum(),
            }
            for name, rank in zip(self.names, ranks, strict=True)
        }
        return dict(sorted(found.items(), key=lambda item: item[1]["error"]))

    def of_set(self, name, set_name):
        """Return means over the splits of a set, and the standard error of the error's mean."""
        parts = [part for part in self.parts if part[0] == set_name]
        found = {what: _mean(self.values(name, what, parts=parts)) for what in OF_SETS if what != "standard_error"}
        errors = self.values(name, "standard_error", parts=parts)
        return found | {"standard_error": np.sqrt((errors**2).sum()) / len(parts)}


OF_SETS = ("error", "standard_error", "log_loss", "rmse", "calibration", "calibration_before", "fit", "predict")


def _mean(values):
    """Return the mean of the values that are there, NaN if none is."""
    values = values[~np.isnan(values)]
    return values.mean() if values.size else np.nan


def _number(value, digits):
    return "-" if np.isnan(value) else f"{value:,.{digits}f}"


HEADINGS = [
    "model", "error", "accuracy", "R2", "log loss", "ECE", "rank", "fit, s", "predict, s",
]  # fmt: skip


def rows_of(results):
    """Return the rows of the table of means."""
    rows = []
    for name, mean in results.means().items():
        calibration = _number(mean["calibration"], 3)
        if not np.isnan(mean["calibration_before"]):
            calibration += f" ({_number(mean['calibration_before'], 3)})"
        scores = [_number(mean[what], 3) for what in ("error", "accuracy", "R2", "log_loss")]
        last = [_number(mean[what], digits) for what, digits in (("rank", 1), ("fit", 0), ("predict", 1))]
        rows.append([name, *scores, calibration, *last])
    return rows


def show(results):
    """Print the results of each set, then the means."""
    worse = []
    for set_name in dict.fromkeys(name for name, _ in results.parts):
        print(f"\n{set_name:26}" + "".join(f"{what.replace('_', ' '):>20}" for what in OF_SETS))
        reference = results.of_set(REFERENCE, set_name)
        for name in results.names:
            own = results.of_set(name, set_name)
            print(f"{name:26}" + "".join(f"{_number(own[what], 4):>20}" for what in OF_SETS))
            if own["error"] > reference["error"] + reference["standard_error"]:
                worse.append(f"{name} on {set_name}")
    print("\n" + "\n".join("".join(f"{cell:>26}" for cell in row) for row in [HEADINGS, *rows_of(results)]))
    print(f"\nWorse than {REFERENCE} by more than a standard error: {'; '.join(worse) or 'none'}.")


def write(results):
    """Write table and figure into the documentation."""
    import publish

    publish.tables(HEADINGS, rows_of(results), results.means(), len(results.parts))


def main():
    """Measure, show or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["measure", "show", "write"])
    parser.add_argument("results", nargs="+", type=Path, help="lines of JSON; one file to measure")
    there = [name for name, table in SETS.items() if table.is_there]
    parser.add_argument("--sets", nargs="+", default=there, choices=there, metavar="SET")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS), metavar="MODEL")
    parser.add_argument("--splits", type=int, default=2, help="number of splits")
    parser.add_argument("--rows", type=int, default=10_000, help="largest number of rows to train on")
    parser.add_argument("--threads", type=int, default=2, help="threads and processors of every model")
    arguments = parser.parse_args()
    if len(there) < len(SETS):
        print(f"not in SKREGOPT_DATA: {', '.join(name for name in SETS if name not in there)}")
    if arguments.action == "measure":
        if len(arguments.results) > 1:
            parser.error("results go into one file")
        pin(arguments.threads)
        measure_all(arguments)
        return
    results = Results(read_results(arguments.results), arguments)
    {"show": show, "write": write}[arguments.action](results)


if __name__ == "__main__":
    main()
