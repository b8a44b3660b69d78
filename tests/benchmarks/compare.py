"""Measure skregopt side by side with scikit-learn (and PyTorch where it is installed), on one thread.

    python tests/benchmarks/compare.py                 print the table
    python tests/benchmarks/compare.py --readme        write it into README.md as well

All libraries run in one process, in turn, several times; a figure is the ratio of the medians of whole fits, float32,
after one fit that loads or compiles. Run nothing else meanwhile. The Fashion-MNIST images are read from the folder
that SKREGOPT_DATA names (``fashion_mnist.npz``); without it, images of the same shape are made up.
"""

import argparse
import os
import platform
import re
import statistics
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sklearn.neural_network
from peers import PEERS
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import skregopt

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Case:
    """One row of the table."""

    name: str
    data: str
    hidden: tuple
    batch_size: int
    solver: str
    epochs: int
    repeats: int = 5


CASES = [
    Case("digits 1797x64, (64,), batch 64, adam", "digits", (64,), 64, "adam", 20),
    Case("digits, one example per update, sgd", "digits", (64,), 1, "sgd", 10, 3),
    Case("breast cancer 569x30, (100,), batch 32, adam", "breast_cancer", (100,), 32, "adam", 20),
    Case("images 60000x784, (256, 128), batch 128, adam", "images", (256, 128), 128, "adam", 1, 3),
]


def load(name):
    """Return standardised float32 X and integer y."""
    if name == "digits":
        X, y = load_digits(return_X_y=True)
    elif name == "breast_cancer":
        X, y = load_breast_cancer(return_X_y=True)
    else:
        X, y = _images()
    return StandardScaler().fit_transform(X).astype(np.float32), np.asarray(y, dtype=np.int64)


def _images():
    path = Path(os.environ.get("SKREGOPT_DATA", ROOT.parent / "shared" / "data")) / "fashion_mnist.npz"
    if path.exists():
        with np.load(path) as archive:
            rows = archive["train_idx"]
            return archive["X"].reshape(len(archive["y"]), -1)[rows].astype(np.float32), archive["y"][rows]
    print(f"no {path.name} in SKREGOPT_DATA: images of the same shape are made up")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 60000)
    prototypes = rng.random((10, 784), dtype=np.float32)
    return prototypes[y] + rng.standard_normal((60000, 784), dtype=np.float32), y


def gemm_peak():
    """Return the GFLOP/s of one thread on a float32 product of 512 x 512 matrices."""
    a = np.random.default_rng(0).random((512, 512), dtype=np.float32)
    out = np.empty_like(a)
    with threadpool_limits(1):
        times = []
        for _ in range(20):
            start = time.perf_counter()
            np.dot(a, a, out=out)
            times.append(time.perf_counter() - start)
    return 2 * 512**3 / min(times) / 1e9


def measure(case):
    """Return seconds per epoch by library: the median over interleaved fits."""
    X, y = load(case.data)
    PEERS["skregopt"](case, X[:500], y[:500])  # loads or compiles
    times = {name: [] for name in PEERS}
    for _ in range(case.repeats):
        for name, fit in PEERS.items():
            times[name].append(fit(case, X, y) / case.epochs)
    return {name: statistics.median(values) for name, values in times.items()}


def measure_grid_search():
    """Return seconds of the 24-fit grid search on digits by library, n_jobs=1."""
    X, y = load("digits")
    grid = {"batch_size": [32, 64], "max_iter": [10, 20], "learning_rate_init": [0.001, 0.01]}
    estimators = {"skregopt": skregopt.MLPClassifier, "scikit-learn": sklearn.neural_network.MLPClassifier}
    times = {name: [] for name in estimators}
    for _ in range(3):
        for name, estimator in estimators.items():
            search = GridSearchCV(estimator(hidden_layer_sizes=(64,), random_state=0), grid, cv=3, n_jobs=1)
            with threadpool_limits(1), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                start = time.perf_counter()
                search.fit(X, y)
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def row(name, seconds, unit="epoch"):
    """Return one line of the Markdown table."""
    ours = seconds["skregopt"]
    cells = [name, f"{1000 * ours:.3g} ms per {unit}"]
    for peer in ("scikit-learn", "PyTorch"):
        cells.append(f"{seconds[peer] / ours:.1f} x" if peer in seconds else "-")
    return "| " + " | ".join(cells) + " |"


def table(pattern=""):
    """Measure everything whose name matches and return the Markdown table."""
    lines = [
        "| work (float32, one thread, whole fits) | skregopt | scikit-learn takes | PyTorch takes |",
        "|---|---|---|---|",
    ]
    print("\n".join(lines))
    for case in CASES:
        if re.search(pattern, case.name):
            lines.append(row(case.name, measure(case)))
            print(lines[-1], flush=True)
    name = "grid search on digits, 24 fits and a refit"
    if re.search(pattern, name):
        lines.append(row(name, measure_grid_search(), unit="search"))
        print(lines[-1], flush=True)
    return "\n".join(lines)


def main():
    """Print the table; write it to README.md if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="regular expression on the names of the rows")
    parser.add_argument("--readme", action="store_true", help="replace the table in README.md")
    arguments = parser.parse_args()
    peak = gemm_peak()
    print(f"{platform.machine()}, Python {platform.python_version()}, one core multiplies at {peak:.0f} GFLOP/s\n")
    markdown = table(arguments.only)
    if arguments.readme:
        path = ROOT / "README.md"
        text = path.read_text(encoding="utf-8")
        start, end = "<!-- benchmark-table:start -->", "<!-- benchmark-table:end -->"
        head, rest = text.split(start)
        path.write_text(f"{head}{start}\n{markdown}\n{end}{rest.split(end)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
