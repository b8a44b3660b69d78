"""Spaces for searches: every draw can be fitted, and what has no effect is left out."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ParameterSampler, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skregopt import MLPClassifier, MLPRegressor, TabularMLPClassifier, TabularMLPRegressor
from skregopt.model_selection import param_distributions
from skregopt.penalties import GroupL1

CASES = [
    MLPClassifier(),
    MLPRegressor(penalty="elasticnet"),
    MLPClassifier(penalty="group_l1", dropout=[0.1, 0.2], hidden_layer_sizes=(8, 4)),
    MLPRegressor(penalty=None, activation=("tanh", "relu"), hidden_layer_sizes=(8, 4)),
    MLPRegressor(penalty=GroupL1(0.9), solver="minibatch", batch_size=10),
    MLPClassifier(solver="lbfgs", hidden_layer_sizes=8, n_hidden_layers=2),
    MLPClassifier((), penalty="l1", solver="gd"),
    MLPClassifier(batch_norm=True, solver="sgd", batch_size=2, learning_rate="cosine"),
    MLPRegressor(solver="adadelta", alpha=0.3, max_norm=2.0),
    MLPClassifier(4, layer_norm=True),  # whose layers need two units
    MLPRegressor(dropout_schedule="cosine"),  # which needs a rate above 0
]


def draws(space, n):
    return ParameterSampler(space, n, random_state=0)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_every_draw_can_be_fitted(case):
    """Validation and the check of combinations come first in a fit; an epoch on a few rows shows that both pass."""
    estimator = CASES[case]
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(256, 3)), np.arange(256) % 2
    space = param_distributions(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for number, draw in enumerate(draws(space, 200)):
            drawn = clone(estimator).set_params(max_iter=1, random_state=0, **draw)
            drawn._validate_params()
            if number < 25:
                drawn.fit(X, y)


@pytest.mark.nojit
def test_a_schedule_of_dropout_has_something_to_multiply():
    assert param_distributions(MLPRegressor(dropout_schedule="cosine"))["dropout"].support() == (0.05, 0.5)
    assert param_distributions(MLPRegressor(dropout=0.2))["dropout"].support() == (0.0, 0.5)


@pytest.mark.nojit
def test_a_space_has_what_has_an_effect():
    names = {case: set(param_distributions(estimator)) for case, estimator in enumerate(CASES)}
    network = {"hidden_layer_sizes", "n_hidden_layers", "activation"}
    adam = {"solver", "learning_rate_init", "batch_size"}
    assert names[0] == network | adam | {"dropout", "alpha"}
    assert names[1] == network | adam | {"dropout", "alpha", "l1_ratio"}
    assert names[2] == network | adam | {"alpha", "l1_ratio"}
    assert names[3] == network - {"activation"} | adam | {"dropout"}
    assert names[4] == network | {"learning_rate_init", "momentum", "batch_size", "dropout", "alpha"}
    assert names[5] == network | {"alpha"}
    assert names[6] == {"learning_rate_init", "momentum", "alpha"}
    assert param_distributions(CASES[2])["n_hidden_layers"] == [2]
    assert param_distributions(CASES[4])["batch_size"] == [5, 10, 20]
    assert param_distributions(CASES[8])["alpha"].support() == pytest.approx((0.003, 30.0))
    assert param_distributions(CASES[8])["learning_rate_init"].support() == pytest.approx((0.1, 10.0))
    assert set(param_distributions(CASES[0], prefix="mlp__")) == {f"mlp__{name}" for name in names[0]}
    with pytest.raises(TypeError, match="prefix must be a str, .*, got 3"):
        param_distributions(CASES[0], prefix=3)


@pytest.mark.nojit
def test_a_space_is_log_uniform():
    rates = param_distributions(MLPClassifier())["learning_rate_init"]
    assert rates.support() == pytest.approx((1e-4, 1e-2))
    assert rates.median() == pytest.approx(1e-3)
    widths = param_distributions(MLPClassifier())["hidden_layer_sizes"]
    assert widths[0] == 16 and widths[-1] == 256 and all(type(width) is int for width in widths)


def test_random_search_over_a_pipeline(diabetes):
    pipeline = make_pipeline(StandardScaler(), MLPRegressor(max_iter=3, random_state=0))
    space = param_distributions(pipeline[-1], prefix="mlpregressor__")
    search = RandomizedSearchCV(pipeline, space, n_iter=4, cv=2, random_state=0, error_score="raise")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(*diabetes)
    assert set(search.best_params_) == set(space)


@pytest.mark.nojit
def test_optuna_draws_from_the_same_space():
    optuna = pytest.importorskip("optuna", reason="optuna is not installed: pip install skregopt[optuna]")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for estimator in CASES:
        space, scipy_space = param_distributions(estimator, style="optuna"), param_distributions(estimator)
        assert set(space) == set(scipy_space)
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
        for _ in range(20):
            draw = study.ask(space).params
            clone(estimator).set_params(**draw)._validate_params()
            for name, value in draw.items():
                if hasattr(scipy_space[name], "support"):
                    low, high = scipy_space[name].support()
                    assert low <= value <= high
                elif name != "hidden_layer_sizes":
                    assert value in scipy_space[name]
                else:
                    assert min(scipy_space[name]) <= value <= max(scipy_space[name])


@pytest.mark.nojit
def test_without_optuna_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna.distributions", None)
    with pytest.raises(ImportError, match=r"pip install 'skregopt\[optuna\]'"):
        param_distributions(MLPClassifier(), style="optuna")
    with pytest.raises(ValueError, match="style must be 'scipy' or 'optuna', got 'hyperopt'"):
        param_distributions(MLPClassifier(), style="hyperopt")


# --- estimators for tables -------------------------------------------------------------------------------------------

TABLES = [
    TabularMLPClassifier(n_estimators=1),
    TabularMLPRegressor(n_estimators=3, loss="huber", scoring="r2"),
    TabularMLPClassifier(n_estimators=3, hidden_layer_sizes=(6, 1), learning_rate_init=0.001, n_bins=3, dropout=0.1),
    TabularMLPRegressor(n_estimators=3, hidden_layer_sizes=np.array([5])),
]


@pytest.mark.parametrize("style", ["scipy", "optuna"])
@pytest.mark.parametrize("case", range(len(TABLES)))
def test_every_draw_of_a_table_can_be_fitted(case, style):
    estimator = TABLES[case]
    space = param_distributions(estimator, "scipy")
    sampled = list(draws(space, 6))
    if style == "optuna":
        optuna = pytest.importorskip("optuna", reason="optuna is not installed: pip install skregopt[optuna]")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            space_of_optuna = param_distributions(estimator, "optuna")
            study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
            sampled = [study.ask(space_of_optuna).params for _ in range(6)]
        assert set(space_of_optuna) == set(space) - {"hidden_layer_sizes"}
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(256, 3)), np.arange(256) % 2
    for draw in sampled:
        drawn = clone(estimator).set_params(max_iter=2, random_state=0, **draw)
        assert np.isfinite(drawn.fit(X, y).predict(X)).all()
        for network in drawn.estimators_:
            assert network.hidden_layer_sizes == draw.get("hidden_layer_sizes", network.hidden_layer_sizes)


@pytest.mark.nojit
def test_a_space_of_a_table_has_what_has_an_effect():
    spaces = [param_distributions(estimator) for estimator in TABLES]
    recipe = {"learning_rate_init", "dropout", "hidden_layer_sizes"}
    assert [set(space) for space in spaces] == [recipe, *[recipe | {"n_bins"}] * 3]
    assert set(param_distributions(TabularMLPRegressor(n_estimators=1, hidden_layer_sizes=()))) == {
        "learning_rate_init"
    }
    assert spaces[0]["learning_rate_init"].support() == pytest.approx((0.001, 0.03))
    assert spaces[2]["learning_rate_init"].support() == pytest.approx((0.0001, 0.01))
    assert spaces[1]["n_bins"] == [16, 32, 64, 128] and spaces[2]["n_bins"] == [2, 3, 6]
    assert spaces[2]["hidden_layer_sizes"] == [(3, 1), (6, 1), (12, 2)]
    assert spaces[3]["hidden_layer_sizes"] == [(2,), (5,), (10,)]
    assert all(len(set(layers)) == 1 for layers in spaces[0]["hidden_layer_sizes"])
    assert set(param_distributions(TABLES[0], prefix="model__")) == {f"model__{name}" for name in spaces[0]}
    with pytest.raises(
        TypeError, match="must be an MLPClassifier, .* or TabularMLPRegressor of skregopt, got Pipeline"
    ):
        param_distributions(make_pipeline(StandardScaler()))


@pytest.mark.nojit
def test_a_space_of_a_table_skips_what_a_subclass_hides():
    class Small(TabularMLPClassifier):
        """Fixes the layers."""

        def __init__(self, *, n_estimators=1, dropout=0.0):
            super().__init__(n_estimators=n_estimators, dropout=dropout, hidden_layer_sizes=4)

    assert set(param_distributions(Small())) == {"dropout"}
    assert set(param_distributions(TabularMLPRegressor(), "scipy")) > {"n_bins"}
