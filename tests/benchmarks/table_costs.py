"""Measure what the parts of a network for tables cost, beside the same network without them.

    python tests/benchmarks/table_costs.py [rounds]    print the table
    python tests/benchmarks/table_costs.py --write     write it into doc/user_guide/table_networks.rst

Four epochs of 4096 rows in batches of 128, 128-128-128 silu, adam, float32, one thread. Fits take turns; ratios are
those of the fastest ones. A network with embeddings has 10 columns, the one beside it as many columns as the embeddings
have outputs.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning


def cases():
    """Return pairs of (parameters, columns of X) by title: with the part, and without it."""
    from skregopt.activations import Trainable

    plain = {"activation": "silu"}
    return {
        "`'periodic'`, 10 columns": ((plain | {"feature_embedding": "periodic"}, 10), (plain, 40)),
        "`'piecewise_linear'`, 10 columns": ((plain | {"feature_embedding": "piecewise_linear"}, 10), (plain, 80)),
        "`Trainable('silu')`": (({"activation": Trainable("silu")}, 40), (plain, 40)),
        "`Trainable('mish')`": (({"activation": Trainable("mish")}, 40), ({"activation": "mish"}, 40)),
        "`parametrization='ntp'`": ((plain | {"parametrization": "ntp"}, 40), (plain, 40)),
        "`learning_rate_factors`": ((plain | {"learning_rate_factors": {"intercepts": 0.1}}, 40), (plain, 40)),
        "`dropout_schedule`": (
            (plain | {"dropout": 0.15, "dropout_schedule": "flat_cosine"}, 40), (plain | {"dropout": 0.15}, 40)
        ),
        "`weight_decay_schedule`": (
            (plain | {"weight_decay": 0.02, "weight_decay_schedule": "flat_cosine"}, 40),
            (plain | {"weight_decay": 0.02}, 40),
        ),
    }  # fmt: skip


def ratio(with_part, without, n_rounds):
    """Return the fastest fit with a part over the fastest one without it."""
    from skregopt import MLPRegressor

    rng, models = np.random.default_rng(0), []
    for parameters, n_columns in (with_part, without):
        X = rng.normal(size=(4096, n_columns)).astype(np.float32)
        model = MLPRegressor((128, 128, 128), batch_size=128, max_iter=4, random_state=0, **parameters)
        models.append((model, X, (X[:, 0] + np.sin(3 * X[:, 1])).astype(np.float32)))
        model.fit(X, models[-1][2])  # compiles
    seconds = [[], []]
    for turn in range(n_rounds):
        for position in (0, 1) if turn % 2 else (1, 0):
            model, X, y = models[position]
            start = time.perf_counter()
            model.fit(X, y)
            seconds[position].append(time.perf_counter() - start)
    return min(seconds[0]) / min(seconds[1])


def main():
    """Print the table; write it where documentation shows it, if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rounds", nargs="?", type=int, default=40)
    parser.add_argument("--write", action="store_true", help="replace the table in the documentation")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows = [[title, f"{ratio(*pair, arguments.rounds):.2f}"] for title, pair in cases().items()]
    print(*map(" ".join, rows), sep="\n")
    if arguments.write:
        import publish

        page = publish.ROOT / "doc" / "user_guide" / "table_networks.rst"
        publish.replace_between(page, "costs-table", publish.list_table(["part", "seconds, times"], rows))


if __name__ == "__main__":
    main()
