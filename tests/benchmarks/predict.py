"""Measure predictions side by side with scikit-learn, one thread: one row, and 100000 rows.

python tests/benchmarks/predict.py                 print the table
python tests/benchmarks/predict.py --write         write it into doc/performance.rst
"""

import argparse

from compare import pin

HEADINGS = ["predict_proba, (100,), 64 features, float32", "skregopt", "scikit-learn takes"]


def main():
    """Print the table; write it where documentation shows it, if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="replace the table in the documentation")
    arguments = parser.parse_args()
    pin(1)
    import numpy as np
    import sklearn.neural_network
    from cases import interleaved, load

    import skregopt

    X, y = load("digits")
    estimators = {"skregopt": skregopt.MLPClassifier, "scikit-learn": sklearn.neural_network.MLPClassifier}
    models = {name: estimator(max_iter=300, random_state=0).fit(X, y) for name, estimator in estimators.items()}
    rows = []
    for n_rows, calls in ((1, 2000), (1000, 200), (100_000, 1)):
        data = np.resize(X, (n_rows, X.shape[1]))

        def predict(model, data=data, calls=calls):
            for _ in range(calls):
                model.predict_proba(data)

        seconds = interleaved({name: lambda model=model: predict(model) for name, model in models.items()}, 7)
        ours = seconds["skregopt"]
        time = f"{1e6 * ours / calls:.0f} µs" if ours < 1e-3 * calls else f"{1e3 * ours / calls:.3g} ms"
        rows.append([f"{n_rows} row" + "s" * (n_rows > 1), time, f"{seconds['scikit-learn'] / ours:.2f} x"])
    for cells in [HEADINGS, *rows]:
        print(("{:46}" + "{:>20}" * 2).format(*cells))
    if arguments.write:
        import publish

        publish.page("prediction-table", HEADINGS, rows)


if __name__ == "__main__":
    main()
