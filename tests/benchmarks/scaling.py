"""Measure how the time of an epoch grows with rows, width and depth, one thread.

    python tests/benchmarks/scaling.py                 print the tables
    python tests/benchmarks/scaling.py --write         write them into doc/performance.rst

Rows: 100 features, (64,), batch 128, X memory-mapped, with the memory beyond X. Width and depth: 20000x100, batch 256,
as GFLOP/s in the share of the peak that products of matrices reach in the same minute.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from compare import pin

ROW_HEADINGS = ["rows", "µs per row and epoch", "peak memory beyond before, MiB"]
SIZE_HEADINGS = ["hidden layers", "ms per epoch", "GFLOP/s", "share of the GEMM peak"]


def _best(model, X, y, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        model.fit(X, y)
        times.append(time.perf_counter() - start)
    return min(times) / model.max_iter


def by_rows():
    """Return the table of epochs against rows."""
    import numpy as np

    from skregopt import MLPClassifier

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for n_rows in (1_000, 10_000, 100_000, 1_000_000):
            path = Path(folder) / "X.npy"
            X = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n_rows, 100))
            rng = np.random.default_rng(0)
            for start in range(0, n_rows, 100_000):
                X[start : start + 100_000] = rng.standard_normal((min(100_000, n_rows), 100), dtype=np.float32)
            y = np.asarray(X[:, 0] > 0)
            X.flush()
            X = np.load(path, mmap_mode="r")
            epochs = max(1, 200_000 // n_rows)
            model = MLPClassifier(64, batch_size=128, max_iter=epochs, tol=0, n_iter_no_change=1000, random_state=0)
            model.fit(X[:1000], y[:1000])
            before = _resident()
            seconds = _best(model, X, y, 3 if n_rows < 1_000_000 else 1)
            beyond = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before - X.nbytes / 2**20
            rows.append([f"{n_rows}", f"{1e6 * seconds / n_rows:.3f}", f"{max(0.0, beyond):.0f}"])
            del X
    return rows


def _resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def by_size():
    """Return the table of epochs against width and depth."""
    from cases import Case, gemm_peak, load

    from skregopt import MLPClassifier

    X, y = (part[:20_000] for part in load("blobs"))
    rows = []
    for hidden in [(2**k,) * 2 for k in range(4, 12)] + [(256,) * depth for depth in (1, 2, 4, 8)]:
        case = Case("", "blobs", hidden, 256, "adam", 1)
        model = MLPClassifier(hidden, batch_size=256, max_iter=1, tol=0, random_state=0)
        seconds = _best(model, X, y, 3)
        speed = case.flops(X.shape[0], [X.shape[1], *hidden, 10]) / seconds / 1e9
        name = f"{len(hidden)} x {hidden[0]}"
        rows.append([name, f"{1000 * seconds:.4g}", f"{speed:.0f}", f"{speed / gemm_peak():.0%}"])
    return rows


def main():
    """Print the tables; write them where documentation shows them, if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="replace the tables in the documentation")
    arguments = parser.parse_args()
    pin(1)
    import warnings

    warnings.simplefilter("ignore")
    for mark, headings, measure in (
        ("rows-table", ROW_HEADINGS, by_rows), ("size-table", SIZE_HEADINGS, by_size),
    ):  # fmt: skip
        rows = measure()
        for cells in [headings, *rows]:
            print(("{:>24}" * len(headings)).format(*cells))
        if arguments.write:
            import publish

            publish.page(mark, headings, rows)


if __name__ == "__main__":
    main()
