"""Find the portfolio of the estimators for tables: train recipes on every fold, then compare mixtures of them.

    python tests/benchmarks/portfolio.py train results [--sets ...] [--splits 2] [--recipes ...]
    python tests/benchmarks/portfolio.py compare results

``train`` writes one file for each set, split and recipe: what its networks predict for the rows that they have held
out, and for the test rows. ``compare`` mixes them like the estimators do, without training anything, and prints the
geometric means of error and log loss relative to scikit-learn's MLP behind the same encoder. The sets are those of the
benchmark of tables, up to 10,000 training rows each.
"""

import argparse
import itertools
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.neural_network import MLPRegressor as SklearnRegressor
from table_sets import SETS

from skregopt import TabularMLPClassifier, TabularMLPRegressor
from skregopt._tabular.combination import combine
from skregopt._tabular.folds import random_folds
from skregopt._tabular.members import Clock, Task, train_members
from skregopt._tabular.portfolio import MOST_OF_A_RECIPE, PORTFOLIO, best_first, columns_to_embed, in_turn, network
from skregopt._tabular.read import TableData, read
from skregopt._tabular.weights import log_tempered

LEAST_ERROR = 0.002  # errors below differ by single rows


def candidates():
    """Return recipes by name: those of the portfolio, and what was tried beside them."""
    from skregopt.activations import Trainable

    own = {recipe.name: recipe for recipe in PORTFOLIO}
    periodic, plain, bins, regularised = PORTFOLIO
    dropout = {"dropout": 0.15, "dropout_schedule": "flat_cosine"}
    others = [
        replace(periodic, name="periodic selu", of_classes=periodic.of_classes | {"activation": Trainable("selu")}),
        replace(periodic, name="periodic dropout", parameters=periodic.parameters | dropout),
        replace(periodic, name="real plain", embedding=None),
        replace(regularised, name="real bins", parameters=periodic.parameters),
        replace(plain, name="one cycle periodic", embedding=periodic.embedding),
        replace(bins, name="bins dropout", parameters=bins.parameters | {"dropout": 0.1}),
    ]
    return own | {recipe.name: recipe for recipe in others}


@dataclass
class Problem:
    """A split of a set: the table to train on, and encoded test rows."""

    table: object
    X_test: np.ndarray
    y_test: np.ndarray
    embedded: list
    estimator: object


def problem_of(name, split, most_rows):
    """Return the :class:`Problem` of a set."""
    X, y, X_test, y_test = SETS[name].split(split, most_rows)
    estimator = TabularMLPRegressor() if SETS[name].kind == "numbers" else TabularMLPClassifier()
    encoder, table = read(estimator, TableData(X, y))
    test = type(table).of(estimator, encoder.transform(X_test), np.asarray(y_test), None, trained=table)
    return Problem(table, test.X, test.y, columns_to_embed(table.X, encoder.numeric_outputs_), estimator)


def train(recipe, problem, split):
    """Return members of a recipe, one for each fold, without their networks, and their test predictions."""
    table, estimator = problem.table, problem.estimator
    folds = random_folds(0.2, table.has_weight, table.strata, np.random.RandomState(split))
    given = {"hidden_layer_sizes": "auto", "n_bins": "auto"}
    given |= {"loss": "squared_error"} if isinstance(estimator, TabularMLPRegressor) else {}
    tasks = []
    for place, (rows, held_out) in enumerate(folds[:MOST_OF_A_RECIPE]):
        model = network(recipe, len(rows), problem.embedded, estimator._network_type, given)
        tasks.append(Task(model.set_params(random_state=100 * split + place), recipe.name, rows, held_out))
    start = time.process_time()
    members, _ = train_members(tasks, table, 1, Clock(None))
    seconds = (time.process_time() - start) / len(members)
    tests = [table.predictions_of(member.network, problem.X_test) for member in members]
    return [replace(member, network=None) for member in members], tests, seconds


def baseline(problem, split):
    """Return test predictions of scikit-learn's MLP behind the same encoder."""
    table = problem.table
    if isinstance(problem.estimator, TabularMLPClassifier):
        model = SklearnClassifier(random_state=split).fit(table.X, table.y_of_networks)
        return model.predict_proba(problem.X_test)
    model = SklearnRegressor(random_state=split).fit(table.X, table.y_of_networks)
    return table.scale.from_network(model.predict(problem.X_test).reshape(len(problem.X_test), -1))


def error(problem, predictions):
    """Return 1 minus accuracy (of labels: the share of wrong ones), or 1 minus R2."""
    y = problem.y_test
    if isinstance(problem.estimator, TabularMLPRegressor):
        return ((predictions - y) ** 2).sum() / ((y - y.mean(axis=0)) ** 2).sum()
    if problem.table.axis is None:
        return np.mean((predictions > 0.5) != y)
    return np.mean(predictions.argmax(axis=1) != y[:, 0])


def log_loss(problem, predictions):
    """Return the log loss of probabilities; None for numbers."""
    if isinstance(problem.estimator, TabularMLPRegressor):
        return None
    judge = replace(problem.table, y=problem.y_test, weights=np.ones((len(problem.y_test), 1)))
    return judge.loss(predictions, np.arange(len(problem.y_test)))


def mixed(problem, stored, plan):
    """Return error and log loss of a mixture, a list of pairs of recipe and fold."""
    combination = combine([stored[recipe][0][fold] for recipe, fold in plan], problem.table)
    tests = [stored[recipe][1][fold] for recipe, fold in plan]
    mean = np.einsum("m,mij->ij", combination.weights, np.array(tests, dtype=float))
    if combination.temperature is not None:
        mean = np.exp(log_tempered(mean, combination.temperature, problem.table.axis))
    return error(problem, mean), log_loss(problem, mean)


def plans(names):
    """Return mixtures by title: each recipe alone, and some recipes with as many networks of each."""
    found = {f"{name}, {n}": [(name, fold) for fold in range(n)] for name in names for n in (1, 4)}
    for size in (2, 3, 4):
        for chosen in itertools.combinations(names, size):
            folds = range(8 // size)
            found[f"{' + '.join(chosen)}, {8 // size * size}"] = [(name, fold) for fold in folds for name in chosen]
    return found


def plans_of_estimators(problem, stored):
    """Return the mixtures that the estimators choose, by title."""
    first = in_turn(len(PORTFOLIO))
    members = [stored[recipe.name][0][fold] for recipe, fold in first]
    order = np.argsort(-combine(members, problem.table).weights, kind="stable")
    found = {}
    for n in (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20):
        plan = first[:n] + best_first(max(0, n - len(first)), order)
        found[f"portfolio, {n}"] = [(recipe.name, fold) for recipe, fold in plan]
    return found


def compare(folder, sets, n_splits, most_rows):
    """Print relative errors of mixtures, the best ones first."""
    losses, errors, seconds = {}, {}, {}
    for name, split in itertools.product(sets, range(n_splits)):
        stored = {}
        for path in folder.glob(f"{name}-{split}-*.npy"):
            stored[path.stem.split("-", 2)[2]] = np.load(path, allow_pickle=True)[()]
        if "baseline" not in stored:
            continue
        problem = problem_of(name, split, most_rows)
        predicted = stored.pop("baseline")
        reference = max(error(problem, predicted), LEAST_ERROR), log_loss(problem, predicted)
        parts = {recipe: (values["members"], values["tests"]) for recipe, values in stored.items()}
        for recipe, values in stored.items():
            seconds.setdefault(recipe, []).append(values["seconds"])
        own = plans_of_estimators(problem, parts) if all(recipe.name in parts for recipe in PORTFOLIO) else {}
        for title, plan in (plans(list(stored)) | own).items():
            found = mixed(problem, parts, plan)
            errors.setdefault(title, []).append(max(found[0], LEAST_ERROR) / reference[0])
            if found[1] is not None:
                losses.setdefault(title, []).append(found[1] / reference[1])
    most = max(map(len, errors.values()))
    rows = [
        (np.exp(np.mean(np.log(v))), np.exp(np.mean(np.log(losses[k]))), k) for k, v in errors.items() if len(v) == most
    ]
    for row in sorted(rows):
        print("error {:.3f}  log loss {:.3f}  {}".format(*row))
    for recipe, values in seconds.items():
        print(f"{recipe}: {np.mean(values):.2f} s a network")


def main():
    """Train or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["train", "compare"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS), metavar="SET")
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument(
        "--recipes", nargs="+", default=list(candidates()), choices=list(candidates()), metavar="RECIPE"
    )
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.action == "compare":
        compare(arguments.folder, arguments.sets, arguments.splits, arguments.rows)
        return
    for split, name in itertools.product(range(arguments.splits), arguments.sets):
        problem = None
        for recipe in ["baseline", *arguments.recipes]:
            path = arguments.folder / f"{name}-{split}-{recipe}.npy"
            if path.exists():
                continue
            problem = problem or problem_of(name, split, arguments.rows)
            if recipe == "baseline":
                np.save(path, baseline(problem, split))
                continue
            members, tests, seconds = train(candidates()[recipe], problem, split)
            errors = [error(problem, test) for test in tests]
            print(f"{name} {split} {recipe}: {np.mean(errors):.4f}, mean {error(problem, np.mean(tests, axis=0)):.4f}, "
                  f"{seconds:.2f} s", flush=True)  # fmt: skip
            np.save(path, {"members": members, "tests": tests, "seconds": seconds}, allow_pickle=True)


if __name__ == "__main__":
    main()
