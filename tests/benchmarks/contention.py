"""Measure what threads inside a fit gain, on an idle machine and on one whose processors are busy.

    python tests/benchmarks/contention.py              print the table
    python tests/benchmarks/contention.py --write      write it into doc/performance.rst

Busy means one process more on every processor, which multiplies numbers in registers all the time. The time is the
median of fits with n_jobs=None over that of fits with n_jobs=2, in turn.
"""

import argparse
import multiprocessing
import os
import statistics
import time

HEADINGS = ["work", "2 threads on an idle machine", "with every processor busy"]


def _keep_busy():
    x = 1.0
    while True:
        for _ in range(1_000_000):
            x = x * 1.0000001 % 2.0


def _gain(case, X, y):
    """Return how many times as fast two threads are."""
    from cases import interleaved

    from skregopt import MLPClassifier

    def fit(n_jobs):
        return lambda: MLPClassifier(
            case.hidden, solver=case.solver, batch_size=case.batch_size, max_iter=case.epochs, tol=0,
            n_iter_no_change=case.epochs + 1, random_state=0, n_jobs=n_jobs,
        ).fit(X, y)  # fmt: skip

    fits = {"alone": fit(None), "team": fit(2)}
    interleaved(fits, 1)
    seconds = interleaved(fits, max(5, case.repeats), statistics.median)  # waiting for each other counts
    return seconds["alone"] / seconds["team"]


def measure():
    """Return the rows of the table."""
    from cases import CASES, load

    rows = []
    for case in CASES:
        if case.data not in ("images", "blobs"):
            continue  # one thread in any case: their batches are too small, or sparse
        X, y = load(case.data)
        idle = _gain(case, X, y)
        context = multiprocessing.get_context("spawn")
        processes = [context.Process(target=_keep_busy, daemon=True) for _ in range(os.cpu_count())]
        for process in processes:
            process.start()
        time.sleep(2.0)
        try:
            busy = _gain(case, X, y)
        finally:
            for process in processes:
                process.terminate()
        rows.append([case.name, f"{idle:.2f} x as fast", f"{busy:.2f} x as fast"])
        print(" | ".join(rows[-1]), flush=True)
    return rows


def main():
    """Print the table; write it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="replace the table in the documentation")
    arguments = parser.parse_args()
    rows = measure()
    if arguments.write:
        import publish

        publish.page("contention-table", HEADINGS, rows)


if __name__ == "__main__":
    main()
