"""Measure training side by side with scikit-learn, and with PyTorch, JAX and Keras where they are installed.

    python tests/benchmarks/compare.py                 print the table
    python tests/benchmarks/compare.py --threads 2     the same on two processors
    python tests/benchmarks/compare.py --write         write it into README.md and doc/performance.rst, and the figure

All libraries run in one process, in turn, several times; a figure is the ratio of the fastest whole fits, after one
fit that loads or compiles. The process is pinned to one processor, or to as many as ``--threads`` says. Run nothing
else meanwhile. Data that is not bundled with scikit-learn is read from the folder that SKREGOPT_DATA names, or made up.
"""

import argparse
import os
import platform
import re

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def pin(n_threads):
    """Give this process ``n_threads`` processors; before the libraries are imported, which count them then."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n_threads])
    for name in THREAD_VARIABLES:
        os.environ[name] = str(n_threads)


def measure(case):
    """Return seconds per epoch by library, and the GFLOP/s of products of matrices, measured in turn with the fits."""
    from cases import gemm_peak, interleaved, load
    from peers import PEERS, installed

    X, y = load(case.data)
    X = X.astype(case.dtype)
    fits = {name: PEERS[name](case, X, y) for name in installed(case, X)}
    interleaved(fits, 1)  # loads or compiles
    peaks = []
    seconds = interleaved({**fits, "products": lambda: peaks.append(gemm_peak(case.dtype))}, case.repeats)
    return {name: seconds[name] / case.epochs for name in fits}, max(peaks)


def measure_grid_search():
    """Return seconds of the 24-fit grid search on digits by library, n_jobs=1."""
    import sklearn.neural_network
    from cases import interleaved, load
    from sklearn.model_selection import GridSearchCV

    import skregopt

    X, y = load("digits")
    grid = {"batch_size": [32, 64], "max_iter": [10, 20], "learning_rate_init": [0.001, 0.01]}
    estimators = {"skregopt": skregopt.MLPClassifier, "scikit-learn": sklearn.neural_network.MLPClassifier}
    searches = {
        name: GridSearchCV(estimator(hidden_layer_sizes=(64,), random_state=0), grid, cv=3)
        for name, estimator in estimators.items()
    }
    fits = {name: lambda search=search: search.fit(X, y) for name, search in searches.items()}
    return interleaved(fits, 3)


def table(pattern, n_threads):
    """Measure everything whose name matches; returns rows (name, seconds by library, unit, share of the peak)."""
    from cases import CASES, load

    rows = []
    for case in CASES:
        if not re.search(pattern, case.name):
            continue
        X, y = load(case.data)
        seconds, peak = measure(case)
        share = None
        if not hasattr(X, "indptr") and case.batch_size > 1:
            units = [X.shape[1], *case.hidden, int(y.max()) + 1]
            share = case.flops(X.shape[0], units) / seconds["skregopt"] / 1e9 / peak
        rows.append((case.name, seconds, "epoch", share))
        print(line(rows[-1]), flush=True)
    name = "grid search on digits, 24 fits and a refit"
    if re.search(pattern, name) and n_threads == 1:
        rows.append((name, measure_grid_search(), "search", None))
        print(line(rows[-1]), flush=True)
    return rows


COLUMNS = ("scikit-learn", "PyTorch", "JAX", "Keras")


def cells(row):
    """Return the cells of a row of the table."""
    name, seconds, unit, share = row
    ours = seconds["skregopt"]
    ratios = [f"{seconds[peer] / ours:.1f} x" if peer in seconds else "-" for peer in COLUMNS]
    time = f"{ours:.3g} s" if ours >= 1 else f"{1000 * ours:.3g} ms"
    return [name, f"{time} per {unit}", *ratios, f"{share:.0%}" if share else "-"]


HEADINGS = ["work", "skregopt", *(f"{peer} takes" for peer in COLUMNS), "share of the GEMM peak"]


def line(row):
    """Return a row of the Markdown table."""
    return "| " + " | ".join(cells(row)) + " |"


def main():
    """Print the table; write it where documentation shows it, if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="regular expression on the names of the rows")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="replace the tables and the figure in the documentation")
    arguments = parser.parse_args()
    pin(arguments.threads)
    from cases import gemm_peak

    where = f"{platform.machine()}, Python {platform.python_version()}, {arguments.threads} thread(s)"
    print(f"{where}, products at {gemm_peak():.0f} GFLOP/s\n")
    print("| " + " | ".join(HEADINGS) + " |\n" + "|---" * len(HEADINGS) + "|")
    rows = table(arguments.only, arguments.threads)
    if arguments.write:
        import publish

        publish.training(rows, HEADINGS, [cells(row) for row in rows], arguments.threads)


if __name__ == "__main__":
    main()
