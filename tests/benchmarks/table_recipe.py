"""Measure the recipe for tables of the user guide, and what each of its parts adds, on four sets.

    python tests/benchmarks/table_recipe.py [folder]    print the table
    python tests/benchmarks/table_recipe.py --write     write it into doc/user_guide/table_networks.rst

The folder holds california8.npz, bike.npz, diamonds.npz and letter.npz, by default the one that SKREGOPT_DATA names. A
quarter of the rows is held out for the score. Of the others, 10,000 at most are given to ``fit``. Numbers are means of
two splits. Seconds are those of the processor, one thread, in proportion to those of the recipe.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from cases import DATA
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, RobustScaler, StandardScaler

# name of the file -> title, whether y holds classes
SETS = {
    "california8": ("california", False), "bike": ("bike", False), "diamonds": ("diamonds", False),
    "letter": ("letter", True),
}  # fmt: skip
MOST_ROWS, N_SPLITS = 10_000, 2


def squash(X):
    """Draw in outliers: no value is beyond -3 and 3."""
    return X / np.sqrt(1 + (X / 3) ** 2)


def recipe(is_classifier):
    """Return the estimator of the user guide."""
    from skregopt import MLPClassifier, MLPRegressor
    from skregopt.activations import Trainable
    from skregopt.embeddings import Periodic
    from skregopt.initializers import ZeroOutput

    parameters = {
        "hidden_layer_sizes": (128, 128, 128), "feature_embedding": Periodic(), "weight_init": ZeroOutput("normal"),
        "alpha": 0, "weight_decay": 0.02, "weight_decay_schedule": "flat_cosine", "dropout": 0.15,
        "dropout_schedule": "flat_cosine", "beta_2": 0.95, "batch_size": 128, "learning_rate": "coslog",
        "learning_rate_factors": {"intercepts": 0.1, "embedding": 0.1, "activation": 0.1}, "parametrization": "ntp",
        "max_iter": 64, "early_stopping": True, "validation_fraction": 0.2, "n_iter_no_change": 64,
    }  # fmt: skip
    if is_classifier:
        return MLPClassifier(
            activation=Trainable("selu"), learning_rate_init=0.04, label_smoothing=0.1, scoring="accuracy", **parameters
        )
    return MLPRegressor(activation=Trainable("mish"), learning_rate_init=0.2, **parameters)


def variants(is_classifier):
    """Return estimators by what differs from the recipe."""
    from skregopt import MLPClassifier, MLPRegressor
    from skregopt.embeddings import PiecewiseLinear

    plain = {
        "hidden_layer_sizes": (256, 256, 256), "dropout": 0.15, "batch_size": 128, "learning_rate": "one_cycle",
        "learning_rate_init": 0.005, "max_iter": 64, "early_stopping": True, "validation_fraction": 0.2,
        "n_iter_no_change": 64,
    }  # fmt: skip
    rates = {"intercepts": 0.1, "embedding": 0.1}
    activation = "selu" if is_classifier else "mish"
    return {
        "the recipe": recipe(is_classifier),
        "`PiecewiseLinear()` in place of `Periodic()`": recipe(is_classifier).set_params(
            feature_embedding=PiecewiseLinear()
        ),
        "without an embedding": recipe(is_classifier).set_params(
            feature_embedding=None, learning_rate_factors={"intercepts": 0.1, "activation": 0.1}
        ),
        "without trained scales": recipe(is_classifier).set_params(activation=activation, learning_rate_factors=rates),
        "none of it: 256-256-256 relu, `'one_cycle'`": MLPClassifier(label_smoothing=0.1, scoring="accuracy", **plain)
        if is_classifier
        else MLPRegressor(**plain),
    }


def measured(folder, name, is_classifier, seed):
    """Return the score of each variant on held-out rows, and the seconds of its fit."""
    with np.load(folder / f"{name}.npz") as archive:
        X, y, categorical = archive["X"], archive["y"], archive["categorical"]
    rows = np.random.RandomState(seed).permutation(len(y))
    test, train = np.split(rows, [len(y) // 4])
    train = train[:MOST_ROWS]
    encoder = make_column_transformer(
        (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), categorical),
        remainder=make_pipeline(RobustScaler(), FunctionTransformer(squash)),
    ).fit(X[train])
    X_train, X_test = (encoder.transform(X[part]).astype(np.float32) for part in (train, test))
    scores, seconds = [], []
    for model in variants(is_classifier).values():
        model.set_params(random_state=seed)
        clone(model).set_params(max_iter=1).fit(X_train[:1000], y[train[:1000]])  # compiles
        if not is_classifier:
            model = TransformedTargetRegressor(model, transformer=StandardScaler())
        start = time.process_time()
        model.fit(X_train, y[train])
        seconds.append(time.process_time() - start)
        scores.append(model.score(X_test, y[test]))
    return scores, seconds


def main():
    """Print the table; write it where documentation shows it, if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=DATA, help="where the data sets are")
    parser.add_argument("--write", action="store_true", help="replace the table in the documentation")
    arguments = parser.parse_args()
    columns = []
    for name, (title, is_classifier) in SETS.items():
        if not (arguments.folder / f"{name}.npz").exists():
            parser.error(f"{arguments.folder} has no {name}.npz: give the folder with the data sets, or SKREGOPT_DATA")
        measured(arguments.folder, name, is_classifier, 0) if not columns else None  # compiles
        numbers = np.array([measured(arguments.folder, name, is_classifier, seed) for seed in range(N_SPLITS)])
        scores, seconds = numbers.mean(axis=0)
        columns.append(scores)
        lows, highs = numbers[:, 0].min(axis=0), numbers[:, 0].max(axis=0)
        for row in zip(variants(is_classifier), scores, lows, highs, seconds / seconds[0], strict=True):
            print("{:12} {:50} {:.4f} ({:.4f} to {:.4f})  x {:.2f}".format(title, *row), flush=True)
    headings = ["network", *(f"{title}, {'accuracy' if is_classes else 'R2'}" for title, is_classes in SETS.values())]
    rows = [
        [variant, *(f"{score:.3f}" for score in scores)]
        for variant, scores in zip(variants(True), np.transpose(columns), strict=True)
    ]
    if arguments.write:
        import publish

        page = publish.ROOT / "doc" / "user_guide" / "table_networks.rst"
        publish.replace_between(page, "tables-table", publish.list_table(headings, rows))


if __name__ == "__main__":
    main()
