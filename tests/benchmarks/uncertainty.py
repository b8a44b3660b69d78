"""Measure what the deviation of Monte Carlo dropout and what Quantile say about errors, on five regression sets.

    python tests/benchmarks/uncertainty.py [folder]    print the table
    python tests/benchmarks/uncertainty.py --write     write it into doc/user_guide/uncertainty.rst

The folder holds california8.npz, bike.npz, diamonds.npz and mt_enb.npz (two targets, taken one by one), by default the
one that SKREGOPT_DATA names. Features and y are standardised, categories are one-hot. Of at most 20,000 rows, 60 %
train, 20 % estimate the scatter that the interval of dropout needs, and 20 % test. Numbers are means of three splits.
"""

import argparse
from pathlib import Path

import numpy as np
from cases import DATA
from scipy.stats import norm, spearmanr
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

SETS = {
    "california": ("california8", 0), "bike": ("bike", 0), "diamonds": ("diamonds", 0),
    "energy, heating": ("mt_enb", 0), "energy, cooling": ("mt_enb", 1),
}  # fmt: skip
HEADINGS = [
    "data, rows to train on",
    "rank correlation, :math:`s`",
    "rank correlation, quantiles",
    "coverage, :math:`s` alone",
    "coverage, :math:`s` and scatter",
    "coverage, quantiles",
    "width, :math:`s` and scatter",
    "width, quantiles",
]
MOST_ROWS, N_SPLITS, LEVEL = 20_000, 3, 0.9
NETWORK = {
    "hidden_layer_sizes": (100, 100), "early_stopping": True, "max_iter": 500, "dtype": "float32",
}  # fmt: skip


def split(folder, name, target, seed):
    """Return X and standardised y of the rows to train on, to estimate scatter from, and to test on."""
    with np.load(folder / f"{name}.npz") as archive:
        X, y, categorical = archive["X"], archive["y"].reshape(len(archive["X"]), -1)[:, target], archive["categorical"]
    rows = np.random.RandomState(seed).permutation(len(y))[:MOST_ROWS]
    parts = np.split(rows, [int(0.6 * rows.size), int(0.8 * rows.size)])
    encoder = make_column_transformer(
        (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), categorical), remainder=StandardScaler()
    )
    encoder.fit(X[parts[0]])
    mean, scale = y[parts[0]].mean(), y[parts[0]].std()
    return [(encoder.transform(X[part]), (y[part] - mean) / scale) for part in parts]


def measured(train, held_out, test, seed):
    """Return the numbers of one split, in the order of the headings."""
    from skregopt import MLPRegressor
    from skregopt.losses import Quantile

    (X, y), z, tail = test, norm.ppf(0.5 + LEVEL / 2), (1 - LEVEL) / 2
    dropout = MLPRegressor(dropout=0.1, random_state=seed, **NETWORK).fit(*train)
    mean, deviation = dropout.predict(held_out[0], return_std=True, n_draws=200)
    scatter = max(0.0, np.mean((held_out[1] - mean) ** 2 - deviation**2))
    mean, deviation = dropout.predict(X, return_std=True, n_draws=200)
    error, both = np.abs(y - mean), np.sqrt(deviation**2 + scatter)
    quantile = MLPRegressor(loss=Quantile([tail, 0.5, 1 - tail]), random_state=seed, **NETWORK).fit(*train)
    low, median, high = quantile.predict(X).T
    return [
        spearmanr(error, deviation).statistic,
        spearmanr(np.abs(y - median), high - low).statistic,
        np.mean(error <= z * deviation),
        np.mean(error <= z * both),
        np.mean((low <= y) & (y <= high)),
        np.mean(2 * z * both),
        np.mean(high - low),
    ]


def main():
    """Print the table; write it where documentation shows it, if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=DATA, help="where the data sets are")
    parser.add_argument("--write", action="store_true", help="replace the table in the documentation")
    arguments = parser.parse_args()
    rows = []
    for title, (name, target) in SETS.items():
        if not (arguments.folder / f"{name}.npz").exists():
            parser.error(f"{arguments.folder} has no {name}.npz: give the folder with the data sets, or SKREGOPT_DATA")
        splits = [split(arguments.folder, name, target, seed) for seed in range(N_SPLITS)]
        numbers = np.array([measured(*parts, seed) for seed, parts in enumerate(splits)])
        print(f"{title}:", *(f"{column.min():.3f}..{column.max():.3f}" for column in numbers.T), flush=True)
        n_rows = len(splits[0][0][1])
        rows.append([f"{title}, {n_rows:,}", *(f"{number:.2f}" for number in numbers.mean(axis=0))])
    for heading, *cells in zip(HEADINGS, *rows, strict=True):
        print(f"{heading:34}", *(f"{cell:>24}" for cell in cells))
    if arguments.write:
        import publish

        page = publish.ROOT / "doc" / "user_guide" / "uncertainty.rst"
        publish.replace_between(page, "intervals-table", publish.list_table(HEADINGS, rows))


if __name__ == "__main__":
    main()
