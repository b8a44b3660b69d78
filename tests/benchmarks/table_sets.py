"""The sets of the benchmarks of tables: frames with categories, split into rows to train on and to test on."""

from dataclasses import dataclass

import numpy as np
from cases import DATA
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

_BUNDLED = {"breast_cancer": load_breast_cancer, "diabetes": load_diabetes, "digits": load_digits}


@dataclass(frozen=True)
class TableSet:
    """A set.

    Attributes
    ----------
    name : str
        Of its file in the folder of data, or of the set that scikit-learn ships.
    kind : {'classes', 'labels', 'numbers'}
        What is predicted.
    """

    name: str
    kind: str

    @property
    def is_there(self):
        """Whether its rows can be read on this machine."""
        return self.name in _BUNDLED or (DATA / f"{self.name}.npz").exists()

    def read(self):
        """Return X as a frame of pandas, whose categories have a dtype of their own, and y."""
        import pandas as pd

        if self.name in _BUNDLED:
            X, y = _BUNDLED[self.name](return_X_y=True, as_frame=True)
            return X, y.to_numpy()
        with np.load(DATA / f"{self.name}.npz") as archive:
            X, y = archive["X"], archive["y"]
            columns = archive["categorical"] if "categorical" in archive else []
        frame = pd.DataFrame(X, columns=[f"x{column}" for column in range(X.shape[1])])
        for column in map(int, columns):
            codes = frame[f"x{column}"]
            # strings, as in a raw table, so that no model takes the codes for numbers
            frame[f"x{column}"] = codes.map(lambda code: f"level {code:g}", na_action="ignore").astype("category")
        return frame, y

    def split(self, split, most_rows):
        """Return frames and targets to train on and to test on.

        Parameters
        ----------
        split : int
            Seeds the order of rows. A quarter of them, at most 10,000, is tested on.
        most_rows : int
            Largest number of rows to train on.
        """
        X, y = self.read()
        rows = np.random.RandomState(split).permutation(len(y))
        test, train = np.split(rows, [len(y) // 4])
        test, train = test[:10_000], train[:most_rows]
        if self.kind == "classes":  # a class that no training row has cannot be predicted
            test = test[np.isin(y[test], y[train])]
        return X.iloc[train], y[train], X.iloc[test], y[test]


SETS = {
    table.name: table
    for table in (
        TableSet("credit_g", "classes"),
        TableSet("mt_enb", "numbers"),
        TableSet("diabetes", "numbers"),
        TableSet("breast_cancer", "classes"),
        TableSet("digits", "classes"),
        TableSet("ml_scene", "labels"),
        TableSet("optdigits", "classes"),
        TableSet("mammography", "classes"),
        TableSet("california8", "numbers"),
        TableSet("bike", "numbers"),
        TableSet("diamonds", "numbers"),
        TableSet("letter", "classes"),
        TableSet("adult", "classes"),
        TableSet("shuttle", "classes"),
        TableSet("covertype93k", "classes"),
    )
}
