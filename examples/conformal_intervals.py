"""
Intervals that cover what they promise
======================================

Quantiles of a network are intervals for new rows, but nothing guarantees how many of them they cover. Conformal
prediction does, on average: it looks at the errors of rows that were not trained on, and widens or narrows intervals
accordingly. MAPIE has the methods. It wraps :class:`~skregopt.TabularMLPRegressor` as it is, data frame included::

    pip install mapie
    python examples/conformal_intervals.py

The script compares three kinds of intervals that are to cover nine rows of ten: quantiles as they are, the same
quantiles conformed, and predictions plus and minus the errors of other folds. The first two are as wide as the row
needs, the last one is as wide for all rows.
"""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from skregopt import TabularMLPRegressor
from skregopt.losses import Quantile

LEVEL = 0.9


class Column(RegressorMixin, BaseEstimator):
    """One quantile of a fitted model with several, as MAPIE wants them.

    Parameters
    ----------
    model : TabularMLPRegressor
        Fitted with ``loss=Quantile([...])``.
    column : int
        Which quantile.
    """

    fitted_ = True  # what MAPIE looks for

    def __init__(self, model, column):
        self.model = model
        self.column = column

    def fit(self, X, y):
        """Do nothing: the model is fitted."""
        return self

    def predict(self, X):
        """Return the quantile of each row."""
        return self.model.predict(X)[:, self.column]


def report(name, low, high, y):
    """Print how many rows intervals cover, and how wide they are; return the coverage."""
    width = high - low
    coverage = np.mean((low <= y) & (y <= high))
    print(f"{name:20} cover {coverage:.2f} of the rows, mean width {width.mean():.0f}, from {width.min():.0f} to "
          f"{width.max():.0f}")  # fmt: skip
    return coverage


def main(regression):
    """Compare the intervals; ``regression`` is the module of MAPIE."""
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    X["sex"] = X["sex"].astype("category")
    X_rest, X_test, y_rest, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
    X_train, X_conform, y_train, y_conform = train_test_split(X_rest, y_rest, test_size=0.4, random_state=0)

    levels = [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2]
    model = TabularMLPRegressor(n_estimators=4, loss=Quantile(levels), random_state=0).fit(X_train, y_train)
    low, _, high = model.predict(X_test).T
    coverages = [report("quantiles", low, high, y_test)]

    # the lower and the upper quantile, then the median
    quantiles = [Column(model, column) for column in (0, 2, 1)]
    conformed = regression.ConformalizedQuantileRegressor(quantiles, confidence_level=LEVEL, prefit=True)
    _, intervals = conformed.conformalize(X_conform, y_conform).predict_interval(X_test)
    coverages.append(report("conformed quantiles", *intervals[:, :, 0].T, y_test))

    # every row is in one of the folds, so none has to be set apart
    networks = TabularMLPRegressor(n_estimators=2, random_state=0)
    cross = regression.CrossConformalRegressor(networks, confidence_level=LEVEL, cv=5)
    _, intervals = cross.fit_conformalize(X_rest, y_rest).predict_interval(X_test)
    coverages.append(report("errors of folds", *intervals[:, :, 0].T, y_test))
    return coverages


if __name__ == "__main__":
    try:
        from mapie import regression
    except ImportError:
        print("This example needs MAPIE 1.0 or newer: pip install mapie")
    else:
        main(regression)
