"""Write the models that test_persistence.py loads: ``python tests/data/make.py``, once for each version.

Run with the oldest supported dependencies, whose pickles every later version of NumPy reads. Files are never written
again: they stand for what users of a released version have on disk.
"""

import pickle
from pathlib import Path

import numpy as np

import skregopt
from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import ELU
from skregopt.losses import Quantile
from skregopt.optimizers import Adam
from skregopt.penalties import GroupL1

HERE = Path(__file__).parent


def models():
    """Return {name: (fitted estimator, X)}."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(80, 4))
    kinds = np.array(["ash", "birch", "cedar"])[X[:, :3].argmax(axis=1)]
    small = {"hidden_layer_sizes": (5, 4), "max_iter": 10, "random_state": 0, "tol": 0}
    started = MLPClassifier(solver="adamw", **small)
    for _ in range(3):
        started.partial_fit(X, kinds, classes=np.unique(kinds))
    return {
        "classifier": (
            MLPClassifier(activation=["gelu", ELU(0.5)], batch_norm=True, early_stopping=True, **small).fit(X, kinds),
            X,
        ),
        "multilabel": (MLPClassifier(class_weight="balanced", **small).fit(X, (X[:, :2] > 0).astype(int)), X),
        "partial_fit": (started, X),
        "regressor": (
            MLPRegressor(dtype="float32", solver=Adam(beta_1=0.8), penalty=GroupL1(), **small).fit(X, X[:, :2]),
            X.astype(np.float32),
        ),
        "quantiles": (MLPRegressor(loss=Quantile((0.9, 0.1)), solver="lion", **small).fit(X, X[:, 0]), X),
    }


def outputs(model, X):
    """Return the predictions of a model by the name of the method."""
    methods = ("predict", "predict_proba")
    return {name: getattr(model, name)(X) for name in methods if hasattr(model, name)}


if __name__ == "__main__":
    for name, (model, X) in models().items():
        path = HERE / f"{skregopt.__version__}-{name}.pkl"
        stored = {"model": model, "X": X[:20], "outputs": outputs(model, X[:20])}
        path.write_bytes(pickle.dumps(stored, protocol=4))
        print(path, path.stat().st_size)
