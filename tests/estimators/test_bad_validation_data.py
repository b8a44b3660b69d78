"""Bad validation data, and hold-outs that cannot be made."""

import functools
import re
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from support.refusals import BOTH, assert_refused, make_data, train, with_value

from skregopt import MLPClassifier, MLPRegressor
from skregopt.model_selection import regularization_path

pytestmark = pytest.mark.nojit


@BOTH
@pytest.mark.parametrize("early_stopping", [False, True])
def test_bad_validation_data(kind, early_stopping):
    X, y = make_data(kind, n_samples=20, seed=2)

    def refused(names, **kwargs):
        assert_refused(kind, train(kind, "fit", **kwargs), ValueError, names, early_stopping=early_stopping)

    refused(("X_val", "without y_val"), X_val=X)
    refused(("y_val", "without X_val"), y_val=y)
    refused(("sample_weight_val", "without X_val"), sample_weight_val=np.ones(20))
    other = f"X has 3 features, but {kind.__name__} is expecting 4 features as input"
    refused(("X_val cannot be used", other), X_val=X[:, :3], y_val=y)
    refused(("y_val cannot be used", "inconsistent numbers of samples: [20, 19]"), X_val=X, y_val=y[:-1])
    refused(("X_val cannot be used", "NaN"), X_val=with_value(X, np.nan), y_val=y)
    for value, word in [(np.nan, "NaN"), (np.inf, "infinity")]:
        weights = with_value(np.ones(20), value)
        refused(("sample_weight", word), X_val=X, y_val=y, sample_weight_val=weights)
    refused(
        ("Negative values in data passed to `sample_weight_val`",),
        X_val=X, y_val=y, sample_weight_val=-np.ones(20),
    )  # fmt: skip
    refused(("sample_weight_val", "zero"), X_val=X, y_val=y, sample_weight_val=np.zeros(20))
    for weights, problem in [(np.ones(19), "sample_weight_val.shape == (19,)"), (np.ones((20, 1)), "must be 1D")]:
        names = (problem, "Give `sample_weight_val` one number for each of the 20 rows")
        refused(names, X_val=X, y_val=y, sample_weight_val=weights)
    if kind is MLPClassifier:
        y_other = np.where(y == "left", "above", y)
        refused(("y_val cannot be used: `y` has classes not in `self.classes_`", "above"), X_val=X, y_val=y_other)
    else:
        refused(("y_val cannot be used", "NaN"), X_val=X, y_val=with_value(y, np.nan))
        refused((), X_val=X, y_val=np.c_[y, y])


def test_too_few_rows_to_hold_out():
    """In words of this estimator: scikit-learn's split knows nothing of validation_fraction."""
    names = ("'validation_fraction'", "1 row(s) of n_samples=60, by validation_fraction=0.01", "X_val")
    for labels in (["a", "b"], ["a", "b", "c"]):
        call = train(MLPClassifier, "fit", y=np.resize(labels, 60))
        message = assert_refused(MLPClassifier, call, names=names, early_stopping=True, validation_fraction=0.01)
        assert message.startswith("The validation set is too small")
    call = train(MLPRegressor, "fit")
    assert_refused(MLPRegressor, call, names=names, early_stopping=True, validation_fraction=0.01)
    names = ("validation_fraction=0.999 makes 60 row(s) to validate on and 0 to train on", "X_val")
    message = assert_refused(
        MLPRegressor, train(MLPRegressor, "fit"), names=names, early_stopping=True, validation_fraction=0.999
    )
    assert "test_size" not in message and "class" not in message


@pytest.mark.parametrize("labels", [["ham", "spam"], [3, 7], [0, 1], ["ham", "spam", "more"]])
def test_a_class_of_one_row_beside_too_few_others(labels):
    """In scikit-learn's words, of which older versions name no label. Its tests want False and True for 0 and 1."""
    X, _ = make_data(MLPClassifier)
    y = np.r_[labels[:1], np.resize(labels[1:], 5)]
    with pytest.raises(
        ValueError, match=r"^The least populated class.* only 1 member.*The validation set is"
    ) as caught:
        MLPClassifier(3, early_stopping=True).fit(X[:6], y)
    message = str(caught.value)
    assert f"['{labels[0]}']. The validation" in message or f"Of one row: {labels[0]!r}. The validation" in message
    assert ("False" in message) <= (labels == [0, 1]) and ".." not in message


@BOTH
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"early_stopping": True},
        {"validation_fraction": GroupKFold(2)},
    ],
)
def test_groups_without_a_splitter_that_is_used(kind, params):
    call = train(kind, "fit", groups=np.arange(60) % 3)
    assert_refused(kind, call, ValueError, ("groups", "early_stopping=True", "validation_fraction"), **params)


@BOTH
def test_groups_with_given_validation_data(kind):
    X, y = make_data(kind)
    call = train(kind, "fit", groups=np.arange(60) % 3, X_val=X, y_val=y)
    params = {"early_stopping": True, "validation_fraction": GroupKFold(3)}
    assert_refused(kind, call, ValueError, ("groups", "X_val"), **params)


@BOTH
def test_a_splitter_without_effect(kind):
    """A number is ignored, as in scikit-learn."""
    X, y = make_data(kind)
    params = {"validation_fraction": KFold(3)}
    for method in ("fit", "partial_fit"):
        names = ("validation_fraction=KFold", "no effect with early_stopping=False", "Set early_stopping=True")
        assert_refused(kind, train(kind, method), ValueError, names, **params)
    names = ("validation_fraction=KFold", "no effect with X_val and y_val", "Leave them out")
    call = train(kind, "fit", X_val=X, y_val=y)
    assert_refused(kind, call, ValueError, names, early_stopping=True, **params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        kind(3, max_iter=2, validation_fraction=0.3).fit(X, y)
        kind(3, max_iter=2, validation_fraction=0.3, early_stopping=True).fit(X, y, X_val=X, y_val=y)
        # a search over both
        grid = [{"early_stopping": [True], "validation_fraction": [KFold(3)]}, {"early_stopping": [False]}]
        GridSearchCV(kind(3, max_iter=2), grid, cv=2, error_score="raise").fit(X, y)


@BOTH
def test_splitter_that_needs_groups(kind):
    params = {"early_stopping": True, "validation_fraction": GroupKFold(3)}
    assert_refused(kind, train(kind, "fit"), ValueError, ("groups",), **params)
    call = train(kind, "fit", groups=np.arange(59))
    assert_refused(kind, call, ValueError, ("groups cannot be used", "inconsistent numbers of samples"), **params)


@BOTH
@pytest.mark.parametrize("n_samples", [1, 2, 3])
def test_too_few_rows_to_hold_any_out(kind, n_samples):
    X, y = make_data(kind)
    call = train(kind, "fit", X=X[:n_samples], y=y[:n_samples])
    assert_refused(kind, call, ValueError, early_stopping=True)


@pytest.mark.parametrize("argument", ["y_val", "sample_weight_val"])
def test_nan_is_called_by_its_name(argument):
    X, y = make_data(MLPRegressor)
    data = {"X_val": X, "y_val": y, "sample_weight_val": np.ones(60)}
    data[argument] = np.full(60, np.nan)
    with pytest.raises(ValueError, match=f"{argument} .*contain"):
        MLPRegressor(4, max_iter=2).fit(X, y, **data)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_validation_rows_that_a_pipeline_has_not_transformed():
    X, y = make_data(MLPRegressor)
    model = MLPRegressor(3, max_iter=2)
    with sklearn.config_context(enable_metadata_routing=True):
        model.set_fit_request(X_val=True, y_val=True)
        steps = [("encode", PolynomialFeatures()), ("network", model)]
        with pytest.raises(ValueError, match=r"(?s)X_val cannot be used: X has 4 .*transform_input=\['X_val'\]"):
            Pipeline(steps).fit(X, y, X_val=X, y_val=y)
        Pipeline(steps, transform_input=["X_val"]).fit(X, y, X_val=X, y_val=y)


@pytest.mark.filterwarnings("ignore:X(_val)? has (feature )?names")
def test_the_cure_is_whole_and_runs():
    """Each part that the message names, typed in as it stands; the guide has the same code."""
    X, y = make_data(MLPClassifier)
    frame = pd.DataFrame(X, columns=list("abcd")).assign(a=["u", "v"] * 30)
    encode = make_column_transformer((OneHotEncoder(), ["a"]), remainder="passthrough")
    network = MLPClassifier(3, max_iter=2)
    plain = Pipeline([("encode", encode), ("network", network)])
    with pytest.raises(ValueError, match=r"column\(s\) 'a'") as caught:
        plain.fit(frame, y, network__X_val=frame, network__y_val=y)
    message = str(caught.value)
    assert "Encode categories" not in message
    parts = (
        r"(sklearn\.set_config\(.*?\)), (\.set_fit_request\(.*?\)) of .* (Pipeline\(.*?\)) and (pipeline\.fit\(.*?\))"
    )
    config, request, made, fit = re.search(parts, message).groups()
    names = {"sklearn": sklearn, "Pipeline": Pipeline, "network": network, "steps": plain.steps}
    names |= {"X": frame, "y": y, "X_val": frame[:20], "y_val": y[:20]}
    with sklearn.config_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for code in (config, f"network{request}", "pipeline = " + made.replace("...", "steps"), fit):
            exec(code, names)
    assert len(network.validation_loss_curve_) == 2


def test_the_code_of_the_guide_runs():
    page = (Path(__file__).parents[2] / "doc/user_guide/early_stopping.rst").read_text(encoding="utf-8")
    section = page.split("Validation rows in a pipeline\n")[1].split("\n\nTwo traps")[0]
    X, y = make_data(MLPClassifier)
    names = {"X_train": X, "y_train": y, "X_val": X[:20], "y_val": y[:20]}
    with sklearn.config_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        exec(textwrap.dedent(section.split("::\n")[1]), names)
    assert names["pipeline"][-1].validation_scores_


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:X has feature names, but MLPRegressor was fitted without:UserWarning")
def test_validation_rows_with_names_beside_rows_that_have_lost_them():
    """As many columns as X, so that nothing else shows that only X has been transformed."""
    X, y = make_data(MLPRegressor)
    frame = pd.DataFrame(X, columns=list("abcd"))
    with sklearn.config_context(enable_metadata_routing=True):
        model = MLPRegressor(3, max_iter=2).set_fit_request(X_val=True, y_val=True)
        steps = [("scale", StandardScaler()), ("network", model)]
        with pytest.warns(UserWarning, match=r"(?s)X_val has names of columns, and X has none.*transform_input="):
            Pipeline(steps).fit(frame, y, X_val=frame, y_val=y)
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)
            Pipeline(steps, transform_input=["X_val"]).fit(frame, y, X_val=frame, y_val=y)
            for rows in (frame, pd.DataFrame(X)):
                MLPRegressor(3, max_iter=2).fit(rows, y, X_val=rows, y_val=y)


# --- columns of y_val -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", [pd, pl])
@BOTH
def test_columns_of_targets_in_another_order(kind, library):
    X, _ = make_data(kind)
    y = library.DataFrame({"a": np.arange(60) % 2, "b": np.arange(60) // 30, "c": np.ones(60, dtype=int)})
    order = r"its columns must be the columns of y in the same order, \['a', 'b'\], got"
    train, path = y[["a", "b"]], functools.partial(regularization_path, kind((), penalty="l1"))
    for columns, cure in [
        ("ba", r"Pass y_val\[list\(y.columns\)\]"),
        ("abc", r"Pass y_val\[list\(y.columns\)\]"),
        ("ac", "Rename"),
    ]:
        for fit in [kind(3).fit] + [path] * (kind is MLPRegressor):
            with pytest.raises(
                ValueError, match=rf"^y_val cannot be used: {order} \[{', '.join(map(repr, columns))}.*{cure}"
            ):
                fit(X, train, X_val=X, y_val=y[list(columns)])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_columns_of_targets_without_names_on_both_sides():
    X, y = make_data(MLPRegressor)
    Y = np.c_[y, y]
    named = pd.DataFrame(Y, columns=["a", "b"])
    for first, second in [(named, named), (named, Y), (Y, named), (named, pd.DataFrame(Y)), (pd.DataFrame(Y), named)]:
        MLPRegressor(3, max_iter=2).fit(X, first, X_val=X, y_val=second)
    series = pd.Series(y, name="a")
    MLPRegressor(3, max_iter=2).fit(X, series, X_val=X, y_val=series.rename("b"))


# --- rows of another scale -------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
class TestRowsOfAnotherScale:
    X, y = make_data(MLPRegressor)
    far = 1e4 * make_data(MLPRegressor)[1]
    causes = r"(?s)validation loss.* 1e\+04 times.*TransformedTargetRegressor.*as many rows as X.*transform_input"

    @pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"solver": "lbfgs"}])
    def test_a_target_that_is_not_transformed(self, params):
        network = MLPRegressor(3, max_iter=2, random_state=0, **params)
        wrapped = TransformedTargetRegressor(network, transformer=StandardScaler())
        with pytest.warns(UserWarning, match=self.causes):
            wrapped.fit(self.X, self.far, X_val=self.X, y_val=self.far)

    def test_features_that_are_not_transformed(self):
        with pytest.warns(UserWarning, match=self.causes):
            MLPRegressor(3, max_iter=2, random_state=0).fit(self.X, self.y, X_val=1e4 * self.X, y_val=self.y)

    @pytest.mark.parametrize("times", [1.0, 50.0])
    def test_no_warning_for_honest_rows(self, times):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = MLPRegressor(3, max_iter=2, random_state=0)
            model.fit(self.X, self.y, X_val=times * self.X, y_val=times * self.y)

    @pytest.mark.parametrize("max_iter", [1, 2, 20])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_no_warning_where_training_explodes(self, early_stopping, max_iter):
        """The first training loss is met before the updates that the first validation loss comes after."""
        X = np.random.RandomState(0).randn(200, 5) * 20
        model = MLPRegressor(4, solver="gd", learning_rate_init=1, max_iter=max_iter, random_state=0)
        model.set_params(early_stopping=early_stopping)
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)
            if max_iter == 20 and not early_stopping:
                with pytest.raises(ValueError, match="^Solver produced non-finite"):
                    model.fit(X, X[:, 0], X_val=X[:50], y_val=X[:50, 0])
                return
            model.fit(X, X[:, 0], X_val=X[:50], y_val=X[:50, 0])
        assert model.validation_loss_curve_[0] > 1e9 * model.loss_curve_[0]

    def test_divergence_is_told_alone(self):
        X = np.random.RandomState(0).randn(200, 5) * 20
        model = MLPRegressor(4, solver="gd", learning_rate_init=1, max_iter=20, random_state=0, early_stopping=True)
        with pytest.warns(ConvergenceWarning, match="diverged") as caught:
            model.fit(X, X[:, 0], X_val=1e12 * X[:50], y_val=X[:50, 0])
        told = [warning for warning in caught if issubclass(warning.category, UserWarning)]  # plain Python overflows
        assert len(told) == 1 and model.validation_loss_curve_[0] > 1e9 * max(model.loss_curve_[:2])

    @pytest.mark.parametrize("max_iter", [1, 50])
    def test_the_training_loss_that_is_named(self, max_iter):
        model = MLPRegressor(3, max_iter=max_iter, random_state=0, alpha=0.0)
        with pytest.warns(UserWarning, match=self.causes) as caught:
            model.fit(self.X, self.y, X_val=self.X, y_val=self.far)
        after = model.loss_curve_[0] if max_iter > 1 else np.mean((model.predict(self.X) - self.y) ** 2) / 2
        assert f" training loss, {after:.3g}. " in str(caught[-1].message)

    def test_no_warning_where_training_has_begun_before(self):
        """A good start may have a loss near zero on the rows that it has learnt."""
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = MLPRegressor(3, max_iter=2, random_state=0, warm_start=True)
            model.fit(self.X, self.y, X_val=self.X, y_val=self.far)
            cold = MLPRegressor(3, max_iter=2, random_state=0)
            start = {"coef_init": model.coefs_, "intercept_init": model.intercepts_}
            for given in (start, dict([*start.items()][:1]), dict([*start.items()][1:])):
                cold.fit(self.X, self.y, X_val=self.X, y_val=self.far, **given)
            cold.fit(self.X, self.y)
