"""Every documented form of the estimators' parameters, data and results, as a user writes them."""

from collections.abc import Iterator
from math import inf
from typing import Any, assert_type

import numpy as np
import pandas as pd
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GroupKFold, KFold, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline

from skregopt import MLPClassifier, MLPRegressor, TabularMLPClassifier, TabularMLPRegressor
from skregopt.activations import ELU, GELU, LeakyReLU, Trainable
from skregopt.embeddings import Periodic, PiecewiseLinear
from skregopt.initializers import Orthogonal, ZeroOutput
from skregopt.losses import Focal, Huber, LogLoss, Quantile
from skregopt.optimizers import SGD, Adam, Muon
from skregopt.penalties import ElasticNet, GroupL1
from skregopt.preprocessing import PiecewiseLinearEncoder, SmoothClipScaler, TabularEncoder
from skregopt.schedules import Cosine, OneCycle, Step, Warmup


class LastRows:
    """A splitter of the user's own."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Hold out the last ten rows."""
        rows = np.arange(len(X))
        yield rows[:-10], rows[-10:]

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return 1."""
        return 1


def worst_class(estimator: MLPClassifier, X: Any, y: Any) -> float:
    """Return the accuracy on the class that is predicted worst."""
    hits = estimator.predict(X) == y
    return min(float(hits[y == label].mean()) for label in estimator.classes_)


CLASSIFIERS = [
    MLPClassifier(),
    MLPClassifier(64),
    MLPClassifier((64, 32), ["relu", ELU(0.5)]),
    MLPClassifier([64, 32], ("gelu", GELU("tanh")), dropout=(0.1, 0.2), input_dropout=0.1),
    MLPClassifier((), penalty=None),
    MLPClassifier(hidden_layer_sizes=32, n_hidden_layers=3, activation=LeakyReLU(), dropout=0.2, batch_norm=True),
    MLPClassifier(layer_norm=True, weight_init="he_normal"),
    MLPClassifier(weight_init=Orthogonal(gain=1.4)),
    MLPClassifier(weight_init=ZeroOutput(Orthogonal(gain=1.4))),
    MLPClassifier(weight_init=ZeroOutput("normal")),
    MLPClassifier(loss="focal", label_smoothing=0.1),
    MLPClassifier(loss=Focal(gamma=1)),
    MLPClassifier(loss=LogLoss(label_smoothing=0.1)),
    MLPClassifier(class_weight="balanced"),
    MLPClassifier(class_weight={"a": 1, "b": 2.5}),
    MLPClassifier(class_weight={0: 1, 1: 10}),
    MLPClassifier(class_weight=[{0: 1, 1: 2}, {0: 1, 1: 5.5}]),
    MLPClassifier(penalty="elasticnet", alpha=1e-3, l1_ratio=0.9),
    MLPClassifier(penalty=GroupL1(l1_ratio=0.5), weight_decay=0.01, max_norm=3, clip_norm=1.0, ema_decay=0.99),
    MLPClassifier(solver="lbfgs", max_iter=1000, max_time=60, max_fun=20_000, tol=0),
    MLPClassifier(solver=Adam(), batch_size=32, learning_rate_init=0.01, shuffle=False),
    MLPClassifier(solver="adam", beta_1=0.8, beta_2=0.99, epsilon=1e-7, batch_size="auto", learning_rate_init="auto"),
    MLPClassifier(solver="minibatch", momentum=0.5, nesterovs_momentum=False, learning_rate="invscaling", power_t=0.3),
    MLPClassifier(learning_rate_factors={"coefs": 0.5, "intercepts": 0}, parametrization="ntp"),
    MLPClassifier(feature_embedding="periodic", activation=Trainable("mish")),
    MLPClassifier((8, 8), activation=["relu", Trainable(ELU())], feature_embedding=PiecewiseLinear(n_bins=8)),
    MLPClassifier(feature_embedding=Periodic(frequency_scale=0.3, columns=["age", "income"])),
    MLPClassifier(feature_embedding=PiecewiseLinear(columns=np.array([0, 2])), n_iter_no_change=inf),
    MLPClassifier(early_stopping=True, n_iter_no_change=20, scoring="roc_auc", validation_fraction=0.2),
    MLPClassifier(early_stopping=True, scoring=make_scorer(accuracy_score), validation_fraction=GroupKFold(5)),
    MLPClassifier(early_stopping=True, scoring=worst_class, validation_fraction=LastRows()),
    MLPClassifier(early_stopping=True, validation_fraction=StratifiedShuffleSplit(1, random_state=0)),
    MLPClassifier(random_state=0, warm_start=True, dtype="float32", n_jobs=-1, verbose=True),
    MLPClassifier(random_state=np.random.RandomState(0)),
    MLPClassifier(random_state=None, n_jobs=None, dtype="auto", verbose=1),
]

REGRESSORS = [
    MLPRegressor(),
    MLPRegressor((64, 32), "tanh", layer_norm=True),
    MLPRegressor(loss="huber", penalty=ElasticNet(0.9)),
    MLPRegressor(loss=Huber(delta=2)),
    MLPRegressor(loss="quantile"),
    MLPRegressor(loss=Quantile(0.9)),
    MLPRegressor(loss=Quantile([0.05, 0.95])),
    MLPRegressor(loss=Quantile(quantile=(0.05, 0.5, 0.95))),
    MLPRegressor(solver=SGD(momentum=0.5), learning_rate="cosine"),
    MLPRegressor(solver=Muon(n_steps=3), learning_rate=Cosine(restart_every=10, restart_factor=2)),
    MLPRegressor(learning_rate=Step(step_size=10, gamma=0.5), learning_rate_init=1),
    MLPRegressor(learning_rate=OneCycle(), max_iter=30),
    MLPRegressor(dropout=0.2, dropout_schedule="flat_cosine", weight_decay=0.1, weight_decay_schedule=Cosine()),
    MLPRegressor(learning_rate=Warmup("cosine", n_epochs=3)),
    MLPRegressor(learning_rate=Warmup(Cosine(floor=1e-5))),
    MLPRegressor(early_stopping=True, scoring="neg_median_absolute_error", validation_fraction=KFold(5)),
]

FOR_TABLES = [
    TabularMLPClassifier(),
    TabularMLPClassifier(n_estimators=1, max_time=60, max_iter=32, hidden_layer_sizes=64, n_bins=32),
    TabularMLPClassifier(hidden_layer_sizes=(64, 32), learning_rate_init=0.01, dropout=0.1, n_jobs=-1, verbose=True),
    TabularMLPClassifier(categorical_features=["city"], class_weight="balanced", scoring="roc_auc", random_state=0),
    TabularMLPClassifier(categorical_features=[0, 3], class_weight={"a": 1, "b": 2.5}, validation_fraction=0.1),
    TabularMLPClassifier(categorical_features=np.array([True, False]), max_time=0.5, scoring="loss"),
    TabularMLPClassifier(categorical_features=None, validation_fraction=GroupKFold(5), scoring=worst_class),
    TabularMLPRegressor(),
    TabularMLPRegressor(max_iter="auto", hidden_layer_sizes="auto", learning_rate_init="auto", dropout="auto"),
    TabularMLPRegressor(loss="poisson", max_time=None, random_state=np.random.RandomState(0), n_jobs=2),
    TabularMLPRegressor(loss=Quantile([0.05, 0.95]), validation_fraction=LastRows(), verbose=1),
]


def data(X: NDArray[np.float32], y: NDArray[np.int64]) -> None:
    """Fit to what is accepted as X and y."""
    clf = MLPClassifier()
    clf.fit(X, y)
    clf.fit([[0.0, 1.0], [1.0, 0.0]], ["no", "yes"])
    clf.fit(sp.csr_matrix(X), y)
    clf.fit(sp.csc_array(X), y)
    clf.fit(sp.random(20, 5), y)
    frame = pd.DataFrame({"age": [20, 30], "class": ["a", "b"]})
    clf.fit(frame[["age"]], frame["class"])
    table = pl.DataFrame({"age": [20, 30], "class": ["a", "b"]})
    clf.fit(table.select("age"), table["class"])
    clf.fit(X, sp.csr_matrix(y.reshape(-1, 1)))  # an indicator of labels
    clf.fit(X, y, np.ones(len(y)), X_val=X, y_val=y, sample_weight_val=[1.0] * len(y))
    clf.fit(X, y, groups=np.arange(len(y)) // 5)
    clf.fit(X, y, coef_init=clf.coefs_, intercept_init=clf.intercepts_)
    clf.partial_fit(X, y, classes=[0, 1])
    clf.partial_fit(X, y, sample_weight=np.ones(len(y)), classes=np.unique(y)).partial_fit(X, y)
    reg = MLPRegressor()
    reg.fit(X, y).partial_fit(X, y)
    reg.fit(frame[["age"]], frame["age"], sample_weight=pd.Series([1.0, 2.0]))
    reg.fit(X, np.column_stack([y, y]), X_val=sp.csr_array(X), y_val=np.column_stack([y, y]))
    make_pipeline(MLPClassifier()).fit(X, y)


def results(X: NDArray[np.float32], y: NDArray[np.int64], deviation: bool) -> None:
    """Use what estimators return."""
    clf = MLPClassifier(32).fit(X, y)
    assert_type(clf, MLPClassifier)
    assert_type(clf.predict(X), NDArray[Any])
    assert_type(clf.predict_proba(X), NDArray[np.floating[Any]])
    clf.predict_proba(X, n_draws=50).max(axis=1)
    clf.predict_log_proba(X).mean()
    assert_type(clf.score(X, y), float)
    assert_type(clf.classes_, NDArray[Any])
    reg = MLPRegressor().fit(X, y)
    assert_type(reg, MLPRegressor)
    assert_type(reg.predict(X), NDArray[np.floating[Any]])
    mean, std = reg.predict(X, return_std=True)
    assert_type(std, NDArray[np.floating[Any]])
    mean, std = reg.predict(X, True, 20)
    reg.predict(X, return_std=deviation)
    (mean / std).sum()
    assert_type(reg.score(X, y, sample_weight=np.ones(len(y))), float)


def attributes(clf: MLPClassifier, reg: MLPRegressor) -> None:
    """Read parameters and fitted attributes."""
    assert_type(clf.alpha, float)
    assert_type(reg.max_iter, int)
    reg.alpha = 0.01
    clf.set_params(alpha=0.1).get_params()["alpha"]
    for coef, intercept in zip(clf.coefs_, clf.intercepts_, strict=True):
        assert coef.shape[1] == intercept.size
    assert_type(reg.loss_curve_[-1], float)
    assert_type(reg.best_iter_, int | Any)  # None without early stopping, which the user knows
    max(clf.validation_scores_)
    assert_type(reg.embedding_bins_, list[NDArray[np.floating[Any]]])
    assert_type(clf.activation_scales_, list[NDArray[np.floating[Any]]])
    dict(zip(clf.embedded_columns_.tolist(), clf.embedding_frequencies_, strict=True))
    assert_type(reg.n_nonzero_, int)
    assert_type(clf.sparsity_, float)
    names: list[str] = clf.feature_names_in_.tolist()
    dict(zip(names, clf.feature_importances_, strict=True))
    assert clf.n_features_in_ + clf.n_layers_ + clf.n_outputs_ + clf.n_iter_ + clf.t_ > 0
    assert clf.out_activation_.startswith("soft")
    assert reg.batch_norm_scales_ and reg.layer_norm_shifts_


def tables(frame: pd.DataFrame, table: pl.DataFrame, X: NDArray[np.float32], y: NDArray[np.int64]) -> None:
    """Fit to frames of both libraries, and to arrays; use what comes back."""
    clf = TabularMLPClassifier().fit(frame, frame["class"])
    assert_type(clf, TabularMLPClassifier)
    assert_type(clf.predict(frame), NDArray[Any])
    assert_type(clf.predict_proba(frame), NDArray[np.floating[Any]])
    clf.predict_log_proba(frame[:5]).mean()
    clf.predict(table)
    assert_type(clf.score(frame, frame["class"]), float)
    assert_type(clf.temperature_, float)
    clf.predict_proba(frame)[:, clf.classes_ == "yes"]
    clf.fit(table, table["class"]).fit(table.select("age"), table.select("a", "b"))
    clf.fit(frame, frame["class"], X_val=frame, y_val=frame["class"], sample_weight_val=pd.Series([1.0, 2.0]))
    clf.fit(X, y, np.ones(len(y)), groups=np.arange(len(y)))
    clf.fit([["a", 1.0], ["b", None]], ["no", "yes"])
    clf.fit(X, sp.csr_matrix(y.reshape(-1, 1)))  # an indicator of labels
    reg = TabularMLPRegressor(n_estimators=4).fit(frame, frame["price"], sample_weight=frame["weight"])
    assert_type(reg, TabularMLPRegressor)
    assert_type(reg.predict(table), NDArray[np.floating[Any]])
    assert_type(reg.score(table, table["price"]), float)
    reg.fit(table, table["price"], X_val=table, y_val=table["price"])
    names: list[str] = reg.feature_names_in_.tolist()
    dict(zip(names, reg.feature_importances_, strict=True))
    assert_type(reg.encoder_, TabularEncoder)
    reg.encoder_.transform(frame)
    assert_type(reg.recipes_, list[str])
    assert_type(reg.weights_, NDArray[np.float64])
    for network in reg.estimators_:
        network.predict(X)
    assert reg.n_features_in_ + reg.n_iter_ > 0
    reg.set_params(max_time=3.0).get_params()["max_time"]
    make_pipeline(TabularMLPRegressor()).fit(X, y)


def encoders(frame: pd.DataFrame, table: pl.DataFrame, X: NDArray[np.float32]) -> None:
    """Encode frames and arrays."""
    encoder = TabularEncoder(["city"], n_bins=8, max_categories=None, min_frequency=5).fit(frame)
    assert_type(encoder, TabularEncoder)
    encoder.transform(table)[:, encoder.numeric_outputs_].mean()
    encoder.get_feature_names_out()[encoder.input_columns_ == 0].tolist()
    assert_type(encoder.scaler_, SmoothClipScaler | Any)  # None without numbers, which the user knows
    (SmoothClipScaler().fit(X).center_ * 2).sum()
    edges = PiecewiseLinearEncoder(8, extrapolation="linear").fit(X).bin_edges_
    assert_type(edges[0], NDArray[np.float64])
