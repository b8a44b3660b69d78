"""Dates, durations and times of day are no numbers, in whatever container: NumPy makes numbers of some of them."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from support.refusals import BOTH, METHODS, assert_refused, make_data, train

from skregopt import MLPClassifier, MLPRegressor
from skregopt.model_selection import MLPRegressorCV, regularization_path

pytestmark = pytest.mark.nojit

N = 60
DAYS = pd.date_range("2020", periods=N)
HOURS = pd.timedelta_range("1h", periods=N, freq="h")
DAY, HOUR = np.datetime64("2020-01-01"), np.timedelta64(1, "h")
ONES = np.ones(N)
NOON = datetime.time(12)

X_OF_TIMES = {
    "pandas dates": (pd.DataFrame({"a": DAYS}), "'a'", "dates"),
    "pandas dates and numbers": (pd.DataFrame({"b": ONES, "a": DAYS}), "'a'", "dates"),
    "pandas dates with a zone": (pd.DataFrame({"a": DAYS.tz_localize("UTC")}), "'a'", "dates"),
    "pandas categories of dates": (pd.DataFrame({"a": pd.Categorical(DAYS)}), "'a'", "dates"),
    "pandas durations": (pd.DataFrame({"a": HOURS}), "'a'", "durations"),
    "pandas objects": (pd.DataFrame({"a": pd.Series([HOUR, 1.0] * 30, dtype=object)}), "'a'", "durations"),
    "missing dates": (pd.DataFrame({"a": [pd.NaT] + [DAY] * (N - 1)}), "'a'", "dates"),
    "polars dates": (pl.DataFrame({"a": DAYS.to_numpy()}), "'a'", "dates"),
    "polars dates and numbers": (pl.DataFrame({"b": ONES, "a": DAYS.to_numpy()}), "'a'", "dates"),
    "polars durations": (pl.DataFrame({"a": HOURS.to_numpy()}), "'a'", "durations"),
    "polars durations and numbers": (pl.DataFrame({"b": ONES, "a": HOURS.to_numpy()}), "'a'", "durations"),
    "polars times of day": (pl.DataFrame({"b": ONES, "a": [NOON] * N}), "'a'", "times of day"),
    "dates": (np.full((N, 2), DAY), "0 .*1", "dates"),
    "durations": (np.full((N, 2), HOUR), "0 .*1", "durations"),
    "objects": (np.array([[1.0, HOUR]] * N, dtype=object), "1", "durations"),
    "lists of dates": ([[DAY, DAY]] * N, "0 .*1", "dates"),
    "lists of durations and numbers": ([[HOUR, 1.0]] * N, "0", "durations"),
}


@pytest.mark.parametrize("form", X_OF_TIMES)
@BOTH
@METHODS
def test_X(kind, method, form):
    X, names, cure = X_OF_TIMES[form]
    y = make_data(kind)[1]
    more = {"classes": np.unique(y)} if (kind, method) == (MLPClassifier, "partial_fit") else {}
    with pytest.raises(TypeError, match=rf"(?s)column\(s\) {names} \(such as .* Make numbers of {cure}"):
        getattr(kind(3), method)(X, y, **more)


@pytest.mark.parametrize("form", X_OF_TIMES)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sklearn.exceptions.ConvergenceWarning")
def test_rows_to_predict_and_to_validate_on(form):
    X, names, cure = X_OF_TIMES[form]
    y, numbers = make_data(MLPRegressor)[1], np.ones(np.shape(X))
    if hasattr(X, "columns"):
        numbers = type(X)(dict.fromkeys(X.columns, ONES))
    model = MLPRegressor(3, max_iter=2, dropout=0.1)
    with pytest.raises(TypeError, match=rf"(?s)X_val cannot be used: .*column\(s\) {names} \(such as "):
        model.fit(numbers, y, X_val=X, y_val=y)
    model.fit(numbers, y)
    for predict in (model.predict, lambda X: model.predict(X, return_std=True), lambda X: model.score(X, y)):
        with pytest.raises(TypeError, match=rf"(?s)column\(s\) {names} \(such as .* Make numbers of {cure}"):
            predict(X)


def test_along_a_path():
    y = make_data(MLPRegressor)[1]
    dates = pd.DataFrame({"a": DAYS})
    for fit in (MLPRegressorCV().fit, lambda *data: regularization_path(MLPRegressor(3, penalty="l1"), *data)):
        with pytest.raises(TypeError, match="Make numbers of dates"):
            fit(dates, y)
    with pytest.raises(TypeError, match="X_val cannot be used: X must hold numbers"):
        regularization_path(MLPRegressor((), penalty="l1"), make_data(MLPRegressor)[0][:, :1], y, X_val=dates, y_val=y)


Y_OF_TIMES = {
    "polars dates and numbers": (pl.DataFrame({"b": ONES, "a": DAYS.to_numpy()}), r"\['a'\]", "dates"),
    "polars durations and numbers": (pl.DataFrame({"b": ONES, "a": HOURS.to_numpy()}), r"\['a'\]", "durations"),
    "polars times of day": (pl.Series([NOON] * N), "", "times of day"),
    "objects": (np.array([[1.0, HOUR]] * N, dtype=object), "", "durations"),
    "durations": (HOURS, "", "durations"),
}


@pytest.mark.parametrize("form", Y_OF_TIMES)
def test_y(form):
    values, column, cure = Y_OF_TIMES[form]
    X, y = make_data(MLPRegressor)
    for fit in (MLPRegressor(3).fit, MLPRegressor(3).partial_fit, MLPRegressorCV().fit):
        with pytest.raises(ValueError, match=rf"^y{column} must hold real numbers\. Convert {cure}"):
            fit(X, values)
    y = y if np.ndim(values) == 1 else np.c_[y, y]
    with pytest.raises(ValueError, match=rf"^y_val cannot be used: y_val{column} must .* Convert {cure}"):
        MLPRegressor(3).fit(X, y, X_val=X, y_val=values)


@pytest.mark.parametrize(
    "values",
    [DAYS, HOURS, DAYS.to_numpy(), [HOUR] * N, pl.Series(HOURS.to_numpy()), np.array([HOUR] * N, dtype=object)],
)
@BOTH
def test_weights(kind, values):
    X, y = make_data(kind)
    assert_refused(
        kind, train(kind, "fit", sample_weight=values), ValueError, ("sample_weight must hold real numbers",)
    )
    validation = {"X_val": X, "y_val": y, "sample_weight_val": values}
    assert_refused(kind, train(kind, "fit", **validation), ValueError, ("sample_weight_val must hold real numbers",))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_dates_are_labels():
    X, _ = make_data(MLPClassifier)
    labels = np.array(["2020-01-01", "2021-01-01"] * 30, dtype="datetime64[D]")
    assert MLPClassifier(3, max_iter=2).fit(X, labels).predict(X).dtype == labels.dtype


@pytest.mark.filterwarnings("error", "ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("argument", ["X", "y", "sample_weight", "X_val", "y_val", "sample_weight_val"])
@BOTH
def test_lazy_frames_are_to_be_collected(kind, argument):
    X, y = make_data(kind)
    given = {"X": X, "y": y, "sample_weight": ONES, "X_val": X, "y_val": y, "sample_weight_val": ONES}
    given[argument] = pl.DataFrame(np.abs(X)).lazy()
    with pytest.raises(
        TypeError, match=rf"{argument} is a LazyFrame, which has no rows yet. Pass {argument}.collect\(\)"
    ):
        kind(3, max_iter=2).fit(**given)
    if argument == "X":
        with pytest.raises(TypeError, match=r"Pass X.collect\(\)"):
            kind(3, max_iter=2).fit(X, y).predict(given["X"])
    elif argument in ("X_val", "y_val"):
        with pytest.raises(TypeError, match=rf"{argument} is a LazyFrame"):
            regularization_path(kind((), penalty="l1"), X, y, X_val=given["X_val"], y_val=given["y_val"])


def test_arrays_of_numbers_are_not_looked_at(monkeypatch):
    """Predictions of one row stay quick: nothing is looked for that its dtype excludes."""
    from skregopt._kernels import columns

    X, y = make_data(MLPRegressor)
    model = MLPRegressor(3, solver="lbfgs", max_iter=2000, random_state=0).fit(X, y)

    def never(*_):
        raise AssertionError

    monkeypatch.setattr(columns, "columns_of_times", never)
    for rows in (X[:1], X[:1].astype(np.float32), X[:1].astype(int)):
        model.predict(rows)
    with pytest.raises(AssertionError):
        model.predict(X[:1].tolist())
