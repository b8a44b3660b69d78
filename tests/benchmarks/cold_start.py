"""Measure what compilation costs: first fit on an empty cache, other rules, and the first fit of a later process.

    python tests/benchmarks/cold_start.py              print the table
    python tests/benchmarks/cold_start.py --write      write it into doc/performance.rst

Each figure is the wall time of ``fit`` alone in a process of its own, imports not counted, or of the import alone.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADINGS = ["in a process of its own", "takes"]

PROGRAM = """
import time, warnings
import numpy as np
from skregopt import MLPClassifier
warnings.simplefilter("ignore")
X = np.random.default_rng(0).random((200, 20)); y = np.arange(200) % 3
start = time.perf_counter()
MLPClassifier((16,), max_iter=3, **{parameters!r}).fit(X, y)
print(time.perf_counter() - start)
"""


def first_fit(cache, **parameters):
    """Return the seconds of the first fit of a new process."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(ROOT)}
    code = PROGRAM.format(parameters=parameters)
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return float(run.stdout)


def import_time(cache):
    """Return the seconds that the import takes beyond those of scikit-learn's networks and of numba's modules."""
    code = (
        "import time, numba.np.arrayobj, sklearn.neural_network; start = time.perf_counter(); import skregopt; "
        "print(time.perf_counter() - start)"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return float(run.stdout)


def measure():
    """Return the rows of the table."""
    with tempfile.TemporaryDirectory() as cache:
        return [
            [name, f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"]
            for name, seconds in (
                ("first fit, empty cache", first_fit(cache)),
                (
                    "first fit with other rules (tanh, l1, sgd)",
                    first_fit(cache, activation="tanh", penalty="l1", solver="sgd"),
                ),
                ("first fit of a later process", min(first_fit(cache) for _ in range(5))),
                ("import, beyond numba's and scikit-learn's own", min(import_time(cache) for _ in range(5))),
            )
        ]


def main():
    """Print the table; write it where documentation shows it, if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="replace the table in the documentation")
    arguments = parser.parse_args()
    rows = measure()
    for cells in rows:
        print("{:50}{:>10}".format(*cells))
    if arguments.write:
        import publish

        publish.page("start-table", HEADINGS, rows)


if __name__ == "__main__":
    main()
