"""Mistakes that a type checker finds.

Each comment says which one; pyright also reports a comment on a line that it finds nothing wrong with.
"""

import numpy as np

from skregopt import (
    LossCurveDisplay,
    MLPClassifier,
    MLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
    WeightsDisplay,
)
from skregopt.activations import Activation
from skregopt.losses import Quantile
from skregopt.model_selection import MLPClassifierCV, param_distributions, regularization_path
from skregopt.optimizers import Adam
from skregopt.penalties import L1
from skregopt.schedules import Step

MLPClassifier(penalty=3)  # pyright: ignore[reportArgumentType]
MLPClassifier(penalty=Adam())  # pyright: ignore[reportArgumentType]
MLPClassifier(penalty=L1)  # pyright: ignore[reportArgumentType]  # the class, not an instance
MLPClassifier(solver=L1())  # pyright: ignore[reportArgumentType]
MLPClassifier(solver=None)  # pyright: ignore[reportArgumentType]
MLPClassifier(alpha="small")  # pyright: ignore[reportArgumentType]
MLPClassifier(hidden_layer_sizes="64")  # pyright: ignore[reportArgumentType]
MLPClassifier(hidden_layer_sizes=64.0)  # pyright: ignore[reportArgumentType]
MLPClassifier(activation=[0.5])  # pyright: ignore[reportArgumentType]
MLPClassifier(batch_size="all")  # pyright: ignore[reportArgumentType]
MLPClassifier(class_weight="equal")  # pyright: ignore[reportArgumentType]
MLPClassifier(feature_embedding=16)  # pyright: ignore[reportArgumentType]
MLPClassifier(dtype="float16")  # pyright: ignore[reportArgumentType]
MLPClassifier(dropout=("0.1", "0.2"))  # pyright: ignore[reportArgumentType]
MLPClassifier(learning_rate=0.01)  # pyright: ignore[reportArgumentType]
MLPClassifier(validation_fraction="10%")  # pyright: ignore[reportArgumentType]
MLPClassifier(scoring=np.mean(1))  # pyright: ignore[reportArgumentType]
MLPClassifier(64, "relu", 3)  # pyright: ignore[reportCallIssue]  # the others are keywords
MLPRegressor(class_weight="balanced")  # pyright: ignore[reportCallIssue]
MLPRegressor(hidden_layers=(64,))  # pyright: ignore[reportCallIssue]
MLPRegressor(loss=Quantile("0.5"))  # pyright: ignore[reportArgumentType]
MLPRegressor(learning_rate=Step(gama=0.5))  # pyright: ignore[reportCallIssue]
TabularMLPClassifier(8)  # pyright: ignore[reportCallIssue]  # all are keywords
TabularMLPClassifier(hidden_layer_sizes=64.0)  # pyright: ignore[reportArgumentType]
TabularMLPClassifier(max_iter="many")  # pyright: ignore[reportArgumentType]
TabularMLPClassifier(loss="focal")  # pyright: ignore[reportCallIssue]
TabularMLPRegressor(class_weight="balanced")  # pyright: ignore[reportCallIssue]
TabularMLPRegressor(max_time="1 h")  # pyright: ignore[reportArgumentType]
MLPClassifierCV(MLPRegressor())  # pyright: ignore[reportArgumentType]
MLPClassifierCV(selection="2se")  # pyright: ignore[reportArgumentType]


def fits(clf: MLPClassifier, reg: MLPRegressor, X: list[list[float]], y: list[int]) -> None:
    """Call methods with what they do not take, and use what they do not return."""
    clf.fit(object(), y)  # pyright: ignore[reportArgumentType]
    clf.fit(X)  # pyright: ignore[reportCallIssue]
    reg.partial_fit(X, y, classes=[0, 1])  # pyright: ignore[reportCallIssue]
    reg.predict_proba(X)  # pyright: ignore[reportAttributeAccessIssue]
    reg.predict(X, return_std=True).mean()  # pyright: ignore[reportAttributeAccessIssue]  # a tuple
    clf.predict(X, return_std=True)  # pyright: ignore[reportCallIssue]
    print(reg.coef_)  # pyright: ignore[reportAttributeAccessIssue]
    regularization_path(reg, X, y, n_alphas="many")  # pyright: ignore[reportArgumentType]
    regularization_path(reg, X, y).select()  # pyright: ignore[reportCallIssue]
    regularization_path(reg, X, y).select(max_features="6")  # pyright: ignore[reportArgumentType]
    param_distributions(X)  # pyright: ignore[reportArgumentType]
    LossCurveDisplay.from_estimator(X)  # pyright: ignore[reportArgumentType]
    WeightsDisplay.from_estimator(TabularMLPClassifier())  # pyright: ignore[reportArgumentType]
    WeightsDisplay.from_estimator(clf, image_shape=64)  # pyright: ignore[reportArgumentType]


def square(z, saved):
    """A kernel that lacks an argument."""
    z *= z


class Square(Activation):
    """An activation of the user's own."""

    activate = staticmethod(square)  # pyright: ignore[reportAssignmentType]
    saves = "no"  # pyright: ignore[reportAssignmentType]
