"""
Adult: from a raw frame to a reliability diagram
================================================

Who earns more than 50,000 dollars a year? The frame has eight columns of categories and many missing values, and goes
into `fit` as it is. The script compares :class:`~skregopt.TabularMLPClassifier` with scikit-learn's boosted trees, both
with their defaults, on the official test rows: accuracy, area under the ROC curve, log loss, and expected calibration
error. It shows the networks before and after their calibration, and draws how often they are right over how sure they
are::

    python examples/adult.py                            # downloads the data from OpenML once
    python examples/adult.py --folder data              # reads data/adult.npz, or set SKREGOPT_DATA
    python examples/adult.py --rows 2000 --networks 1   # a first look
    python examples/adult.py --figure reliability.svg --networks 4

.. image:: ../images/adult.svg
   :alt: Share of right predictions over their mean probability, of networks before and after calibration, and of
         boosted trees

The calibration error is the mean distance of the points from the diagonal, weighted by their rows
(:doc:`/user_guide/tables`).
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import fetch_openml
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from skregopt import TabularMLPClassifier

N_BINS = 15
N_TEST = 16_281


def from_file(path):
    """Return the frame, the classes, and the rows to train and to test on, of a file with codes of categories."""
    with np.load(path) as archive:
        data = {name: archive[name] for name in archive.files}
    X = pd.DataFrame(data["X"], columns=data["feature_names"])
    for name, levels in json.loads(str(data["cat_levels"])).items():
        codes = X[name].fillna(-1).astype(int)  # -1 is missing
        X[name] = pd.Categorical.from_codes(codes, levels)
    return X, data["class_names"][data["y"]], data["train_idx"], data["test_idx"]


def from_openml():
    """Return the same of OpenML's frame, in which the official test rows come first."""
    X, y = fetch_openml("adult", version=2, as_frame=True, return_X_y=True)
    if list(X["fnlwgt"].iloc[[0, N_TEST]]) != [226802, 77516]:  # the first test row, and the first row to train on
        raise ValueError(f"OpenML's first {N_TEST} rows are not the official test rows any more. Give SKREGOPT_DATA.")
    return X, np.asarray(y), np.arange(N_TEST, len(X)), np.arange(N_TEST)


def reliability(proba, y):
    """Return how sure predictions are, how often they are right, and the number of rows, of each bin that has rows.

    Parameters
    ----------
    proba : ndarray of shape (n_rows, n_classes)
    y : ndarray of int of shape (n_rows,)
        Columns of the classes.
    """
    sure, right = proba.max(axis=1), proba.argmax(axis=1) == y
    bins = np.minimum((sure * N_BINS).astype(int), N_BINS - 1)
    counts = np.bincount(bins, minlength=N_BINS)
    used = counts > 0
    sums = (np.bincount(bins, values, minlength=N_BINS)[used] for values in (sure, right))
    return *(total / counts[used] for total in sums), counts[used]


def calibration_error(proba, y):
    """Return the expected calibration error (Guo et al. 2017)."""
    sure, right, counts = reliability(proba, y)
    return np.abs(right - sure) @ counts / counts.sum()


def draw(predictions, y, path):
    """Draw the reliability diagram of predicted probabilities by name."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "skregopt"  # the same file from the same numbers
    figure, ax = plt.subplots(figsize=(5.6, 4.6), layout="constrained")
    ax.plot([0.5, 1], [0.5, 1], color="0.7", linewidth=1)
    styles = {"networks": ("#0072B2", "o-"), "networks, uncalibrated": ("#56B4E9", "o--"), "trees": ("#B24700", "s:")}
    for name, (colour, style) in styles.items():
        sure, right, _ = reliability(predictions[name], y)
        label = f"{name}: calibration error {calibration_error(predictions[name], y):.4f}"
        ax.plot(sure, right, style, color=colour, linewidth=1.2, markersize=4.5, label=label)
    ax.set(xlabel="mean probability of the predicted class", ylabel="share of rows that have it")
    ax.set(xlim=(0.48, 1.02), ylim=(0.42, 1.02))
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, loc="lower right", fontsize="small")
    figure.savefig(path, metadata={"Date": None} if Path(path).suffix == ".svg" else None)
    print(f"figure saved to {path}")


def main(folder, n_rows, n_networks, figure):
    """Fit both models, print their scores, and draw the diagram."""
    X, y, train, test = from_openml() if folder is None else from_file(folder / "adult.npz")
    train = train[:n_rows]
    print(f"{len(train)} rows to train on, {len(test)} to test on, {X.isna().sum().sum()} values missing")
    print(X.dtypes.to_string())

    model = TabularMLPClassifier(n_estimators=n_networks, n_jobs=-1, random_state=0)
    trees = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
    predictions = {}
    for name, estimator in (("networks", model), ("trees", trees)):
        began = time.perf_counter()
        estimator.fit(X.iloc[train], y[train])
        print(f"{name}: fitted in {time.perf_counter() - began:.1f} s")
        predictions[name] = estimator.predict_proba(X.iloc[test])
    print(f"temperature {model.temperature_:.3f}, weights {model.weights_.round(2)}")
    encoded = model.encoder_.transform(X.iloc[test])
    predictions["networks, uncalibrated"] = sum(
        weight * network.predict_proba(encoded)
        for weight, network in zip(model.weights_, model.estimators_, strict=True)
    )

    codes = np.searchsorted(model.classes_, y[test])
    for name, proba in predictions.items():
        print(
            f"{name:22}  accuracy {accuracy_score(codes, proba.argmax(axis=1)):.4f}"
            f"  AUC {roc_auc_score(codes, proba[:, 1]):.4f}  log loss {log_loss(codes, proba):.4f}"
            f"  calibration error {calibration_error(proba, codes):.4f}"
        )
    draw(predictions, codes, figure)
    return predictions, codes


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Fit networks and trees to the adult data.")
    folder = os.environ.get("SKREGOPT_DATA") or None
    parser.add_argument("--folder", type=Path, default=folder, help="where adult.npz is (default: SKREGOPT_DATA)")
    parser.add_argument("--rows", type=int, help="most rows to train on (default: all)")
    parser.add_argument("--networks", type=int, default=6, help="how many to train (default: 6)")
    parser.add_argument("--figure", default="adult.svg", help="where to draw (default: adult.svg)")
    arguments = parser.parse_args()
    main(arguments.folder, arguments.rows, arguments.networks, arguments.figure)
