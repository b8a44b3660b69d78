"""Measure how the time of an epoch grows with rows, width and depth.

    python tests/benchmarks/scaling.py                 print the tables
    python tests/benchmarks/scaling.py --write         write them into doc/performance.rst

Rows: 100 features, (64,), batch 128, X memory-mapped, one thread. The time of an epoch is the difference between fits
of more and of fewer of them; what comes on top, validation and encoding, is counted once per fit. Width and depth:
20000x100, batch 256, one and two threads, as shares of the peak that products of matrices on as many reach meanwhile.
"""

import argparse
import resource
import tempfile
from pathlib import Path

from compare import pin

ROW_HEADINGS = [
    "rows", "µs per row and epoch", "the same, not shuffled", "µs per row, once per fit", "peak memory, MiB beyond X",
]  # fmt: skip
SIZE_HEADINGS = ["hidden layers", "ms per epoch", "share of the GEMM peak", "two threads, ms", "share of their peak"]


def _mapped(path, n_rows):
    """Return a memory-mapped X of ``n_rows`` rows, none of them in memory, and y."""
    import numpy as np

    X = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n_rows, 100))
    rng = np.random.default_rng(0)
    for start in range(0, n_rows, 100_000):
        X[start : start + 100_000] = rng.standard_normal((min(100_000, n_rows), 100), dtype=np.float32)
    y = np.asarray(X[:, 0] > 0)
    X.flush()
    return np.load(path, mmap_mode="r"), y


def by_rows():
    """Return the table of epochs against rows."""
    from cases import interleaved

    from skregopt import MLPClassifier

    def fit(X, y, epochs, shuffle=True):
        model = MLPClassifier(
            64, batch_size=128, max_iter=epochs, shuffle=shuffle, tol=0, n_iter_no_change=1000, random_state=0
        )  # fmt: skip
        return lambda: model.fit(X, y)

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for n_rows in (1_000, 10_000, 100_000, 1_000_000):
            X, y = _mapped(Path(folder) / "X.npy", n_rows)
            epochs = max(1, 200_000 // n_rows)
            fit(X[:1000], y[:1000], 1)()
            before = _resident()
            fits = {}
            for shuffle in (True, False):
                fits |= {(shuffle, n): fit(X, y, n, shuffle) for n in (epochs, 3 * epochs)}
            seconds = interleaved(fits, 3 if n_rows == 1_000_000 else 9)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before - X.nbytes / 2**20
            shuffled, ordered = ((seconds[s, 3 * epochs] - seconds[s, epochs]) / 2 for s in (True, False))
            once = max(0.0, seconds[True, epochs] - shuffled)
            times = [f"{1e6 * part / n_rows:.3f}" for part in (shuffled / epochs, ordered / epochs, once)]
            rows.append([f"{n_rows}", *times, f"{max(0.0, peak):.0f}"])
            del X, fits
    return rows


def _resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def by_size():
    """Return the table of epochs against width and depth."""
    from cases import Case, gemm_peak, interleaved, load
    from threadpoolctl import threadpool_limits

    from skregopt import MLPClassifier

    X, y = (part[:20_000] for part in load("blobs"))
    rows = []
    for hidden in [(2**k,) * 2 for k in range(4, 12)] + [(256,) * depth for depth in (1, 2, 4, 8)]:
        flops = Case("", "blobs", hidden, 256, "adam", 1).flops(X.shape[0], [X.shape[1], *hidden, 10])
        peaks = {1: [], 2: []}

        def fit(n_threads, hidden=hidden):
            model = MLPClassifier(hidden, batch_size=256, max_iter=1, tol=0, random_state=0, n_jobs=n_threads)
            return lambda: model.fit(X, y)

        def multiply(n_threads, peaks=peaks):
            with threadpool_limits(n_threads):
                peaks[n_threads].append(gemm_peak())

        measured = {n: fit(n) for n in peaks} | {f"peak {n}": lambda n=n: multiply(n) for n in peaks}
        seconds = interleaved(measured, 2 if hidden[0] > 1000 else 5)
        cells = [f"{len(hidden)} x {hidden[0]}"]
        for n in peaks:
            cells += [f"{1000 * seconds[n]:.4g}", f"{flops / seconds[n] / 1e9 / max(peaks[n]):.0%}"]
        rows.append(cells)
        print(cells, flush=True)
    return rows


def main():
    """Print the tables; write them where documentation shows them, if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="replace the tables in the documentation")
    arguments = parser.parse_args()
    pin(2)
    import warnings

    warnings.simplefilter("ignore")
    for mark, headings, measure in (
        ("rows-table", ROW_HEADINGS, by_rows), ("size-table", SIZE_HEADINGS, by_size),
    ):  # fmt: skip
        rows = measure()
        for cells in [headings, *rows]:
            print(("{:>28}" * len(headings)).format(*cells))
        if arguments.write:
            import publish

            publish.page(mark, headings, rows)


if __name__ == "__main__":
    main()
