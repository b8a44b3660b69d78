"""Measure grid searches side by side with scikit-learn: in one process, in a pool of two, and with two threads.

    python tests/benchmarks/search.py                  print the table
    python tests/benchmarks/search.py --write          write it into doc/performance.rst

The small search is that of compare.py, 24 fits on digits and a refit; the large one has 4 fits and a refit on
100000x100. The workers of the pool are warm: a search before has started them. The last row is what a fit takes beside
its epochs: twice the time of a fit, less that of one of twice as many epochs.
"""

import argparse

from compare import pin

HEADINGS = ["work", "skregopt", "scikit-learn takes"]
JOBS = {
    "n_jobs=1": ("loky", 1),
    "2 warm workers (loky)": ("loky", 2),
    "2 threads (threading)": ("threading", 2),
}


def _searches(data, hidden, grid, cv, **parameters):
    """Return {(jobs, library): a function that searches}."""
    import sklearn.neural_network
    from cases import load
    from joblib import parallel_config
    from sklearn.model_selection import GridSearchCV

    import skregopt

    X, y = load(data)

    def search(estimator, backend, n_jobs):
        model = estimator(hidden_layer_sizes=hidden, random_state=0, **parameters)

        def run():
            with parallel_config(backend=backend):
                GridSearchCV(model, grid, cv=cv, n_jobs=n_jobs).fit(X, y)

        return run

    libraries = {"skregopt": skregopt.MLPClassifier, "scikit-learn": sklearn.neural_network.MLPClassifier}
    return {
        (name, library): search(estimator, *jobs)
        for name, jobs in JOBS.items()
        for library, estimator in libraries.items()
    }


def _rows(title, searches, repeats):
    from cases import interleaved

    interleaved(searches, 1)
    seconds = interleaved(searches, repeats)
    rows = []
    for name in JOBS:
        ours, theirs = (seconds[name, library] for library in ("skregopt", "scikit-learn"))
        time = f"{ours:.3g} s" if ours >= 1 else f"{1000 * ours:.3g} ms"
        rows.append([f"{title}, {name}", time, f"{theirs / ours:.1f} x"])
    return rows


def set_up():
    """Return the row of what a fit takes beside its epochs."""
    import sklearn.neural_network
    from cases import interleaved, load

    import skregopt

    X, y = load("digits")

    def fit(estimator, epochs):
        model = estimator(
            (64,), batch_size=64, max_iter=epochs, random_state=0, tol=0.0, n_iter_no_change=1000
        )  # fmt: skip
        return lambda: model.fit(X, y)

    estimators = {"skregopt": skregopt.MLPClassifier, "scikit-learn": sklearn.neural_network.MLPClassifier}
    fits = {(name, epochs): fit(estimator, epochs) for name, estimator in estimators.items() for epochs in (3, 6)}
    seconds = interleaved(fits, 60)
    ours, theirs = (2 * seconds[name, 3] - seconds[name, 6] for name in estimators)
    return ["a fit on digits beside its epochs", f"{1000 * ours:.2g} ms", f"{theirs / ours:.1f} x"]


def main():
    """Print the table; write it where documentation shows it, if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="replace the table in the documentation")
    arguments = parser.parse_args()
    pin(2)
    import os

    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a search has all processors: neither library's fits get more than one
    small = {"batch_size": [32, 64], "max_iter": [10, 20], "learning_rate_init": [0.001, 0.01]}
    rows = _rows("24 fits on digits", _searches("digits", (64,), small, 3), 3)
    large = {"learning_rate_init": [0.001, 0.01]}
    rows += _rows("4 fits on 100000x100", _searches("blobs", (64,), large, 2, batch_size=128, max_iter=1), 3)
    rows.append(set_up())
    for cells in [HEADINGS, *rows]:
        print(("{:50}" + "{:>20}" * 2).format(*cells))
    if arguments.write:
        import publish

        publish.page("search-table", HEADINGS, rows)


if __name__ == "__main__":
    main()
