"""Every pair of parameters: it fits and both have an effect, or it is refused with a message that names both.

A parameter of scikit-learn's may be ignored where IGNORED says so, as it is there and as the docstrings do. What
scikit-learn does not have is never ignored.
"""

import contextlib
import inspect
import io
import itertools
import re
import warnings
from functools import lru_cache

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.model_selection import ShuffleSplit
from support.pairwise import exhaustive
from support.states import plain

from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import Trainable
from skregopt.embeddings import Periodic
from skregopt.losses import Huber, LogLoss
from skregopt.optimizers import Adam, RMSprop
from skregopt.penalties import ElasticNet, GroupL1
from skregopt.schedules import Cosine, Warmup

pytestmark = pytest.mark.numerics

BOTH = [MLPClassifier, MLPRegressor]
BASE = {"hidden_layer_sizes": (4,), "max_iter": 4, "random_state": 0, "learning_rate_init": 0.013}

# one or several values for each parameter, none of them the default
VALUES = {
    "hidden_layer_sizes": [3, (4, 3), ()],
    "n_hidden_layers": [0, 2],
    "activation": ["tanh", ["gelu"], Trainable("mish")],
    "feature_embedding": ["periodic", Periodic(n_frequencies=3, columns=[1])],
    "batch_norm": [True],
    "layer_norm": [True],
    "weight_init": ["orthogonal"],
    "loss": {MLPClassifier: ["focal", LogLoss(0.1)], MLPRegressor: ["absolute_error", Huber(0.3)]},
    "class_weight": ["balanced", {0: 3.0}],
    "label_smoothing": [0.2],
    "penalty": [None, "l1", "group_l1", ElasticNet(0.7), GroupL1(0.3)],
    "alpha": [0.05],
    "l1_ratio": [0.9],
    "weight_decay": [0.3],
    "weight_decay_schedule": ["cosine", Warmup("cosine", 1)],
    "dropout": [0.4, [0.4]],
    "input_dropout": [0.4],
    "dropout_schedule": ["one_cycle", Cosine(floor=0.2)],
    "max_norm": [0.3],
    "clip_norm": [0.1],
    "ema_decay": [0.5],
    "solver": ["gd", "sgd", "minibatch", "rmsprop", "adamw", Adam(), RMSprop(momentum=0.5), "lbfgs"],
    "batch_size": [7],
    "learning_rate": ["invscaling", "exponential", Cosine(floor=0.005), Warmup("constant"), Cosine(floor=0.5)],
    "learning_rate_init": [0.02, "auto"],
    "learning_rate_factors": [{"coefs": 0.5}, {"norm": 0.5}, {"coefs": 0}],
    "parametrization": ["ntp"],
    "power_t": [0.9],
    "momentum": [0.3],
    "nesterovs_momentum": [False],
    "beta_1": [0.5],
    "beta_2": [0.5],
    "epsilon": [0.1],
    "max_iter": [2],
    "max_time": [1e6],
    "max_fun": [3],
    "shuffle": [False],
    "early_stopping": [True],
    "validation_fraction": [0.4, ShuffleSplit(2, test_size=0.3, random_state=0)],
    "n_iter_no_change": [1],
    "tol": [1e3],
    "scoring": ["explained_variance"],
    "random_state": [3],
    "warm_start": [True],
    "dtype": ["float32"],
    "n_jobs": [2],
    "verbose": [True],
}
OF_CLASSIFIERS = {"class_weight", "label_smoothing"}
# what never changes the numbers of a first fit
WITHOUT_NUMBERS = {"warm_start", "n_jobs", "verbose", "max_time"}  # the last one where there is time enough


def values_of(kind, name):
    values = VALUES[name]
    values = values[kind] if isinstance(values, dict) else values
    return ["accuracy"] if name == "scoring" and kind is MLPClassifier else values


def items(kind):
    return [(n, v) for n in VALUES if n in inspect.signature(kind).parameters for v in values_of(kind, n)]


def is_one(value, *rules):
    """Tell whether a solver, penalty or schedule is one of the names or classes."""
    return any(isinstance(value, rule) if isinstance(rule, type) else isinstance(value, str) and value == rule
               for rule in rules)  # fmt: skip


def is_lbfgs(p):
    return is_one(p["solver"], "lbfgs")


def no_descent(p):
    return not is_one(p["solver"], "gd", "sgd", "minibatch")


def no_adam(p):
    return not is_one(p["solver"], "adam", "adamw")


def has_no_default_decay(p):
    return p["weight_decay"] is not None or (p["learning_rate_factors"] or {}).get("coefs") == 0


def no_hidden_layer(p):
    return p["n_hidden_layers"] == 0 or (np.ndim(p["hidden_layer_sizes"]) == 1 and len(p["hidden_layer_sizes"]) == 0)


def has_norm(p):
    return p["batch_norm"] or p["layer_norm"]


# scikit-learn's parameters, and some of those for grids -> where they are without effect, in terms of all parameters
IGNORED = {
    "hidden_layer_sizes": lambda p: p["n_hidden_layers"] == 0,
    "activation": no_hidden_layer,
    "alpha": lambda p: p["penalty"] is None,
    "l1_ratio": lambda p: isinstance(p["penalty"], str | None) and p["penalty"] not in ("elasticnet", "group_l1"),
    "batch_size": is_lbfgs,
    "learning_rate": is_lbfgs,
    "learning_rate_init": is_lbfgs,
    "power_t": lambda p: is_lbfgs(p) or not is_one(p["learning_rate"], "invscaling"),
    "momentum": no_descent,
    "nesterovs_momentum": no_descent,
    "beta_1": no_adam,
    "beta_2": no_adam,
    "epsilon": no_adam,
    "max_iter": lambda p: is_lbfgs(p),  # which may have converged
    "max_fun": lambda p: not is_lbfgs(p) or p["max_iter"] < 3 or p["tol"] > 1,
    "shuffle": lambda p: is_lbfgs(p) or (p["batch_size"] == "auto" and not is_one(p["solver"], "sgd")),
    "validation_fraction": lambda p: not p["early_stopping"],
    # act only where progress stalls
    "n_iter_no_change": lambda p: True,
    "tol": lambda p: True,
    # a factor of parameters that the network does not have
    "learning_rate_factors": lambda p: p["learning_rate_factors"] == {"norm": 0.5} and not has_norm(p),
    # another name for the same rule
    "solver": lambda p: is_one(p["solver"], Adam) or (is_one(p["solver"], "adamw") and has_no_default_decay(p)),
}
# what has to go with a parameter, unless the pair says otherwise
NEEDS = {
    "scoring": ("early_stopping", True),
    "l1_ratio": ("penalty", "elasticnet"),
    "weight_decay_schedule": ("weight_decay", 0.5),
    "dropout_schedule": ("input_dropout", 0.3),
}
ADVICE = r"\b(Use|Leave|Set|Give|Lower|use|leave|set|raise|Standardise) "


@lru_cache
def data(kind):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(40, 5))
    signal = X[:, 0] + 0.5 * X[:, 1] * X[:, 2]
    if kind is MLPRegressor:
        return X, signal
    return X, np.digitize(signal, [-0.7, 0.9])


class Outcomes:
    """What fits with parameters come to, each tried once."""

    def __init__(self, kind):
        self.kind, self.known = kind, {}

    def __call__(self, *pairs):
        """Return the fitted arrays, or the error, of the estimator with the parameters ``pairs``."""
        key = tuple(sorted((name, repr(value)) for name, value in pairs))
        if key not in self.known:
            self.known[key] = self._fit(BASE | dict(pairs))
        return self.known[key]

    def _fit(self, params):
        model = self.kind(**params)
        before = repr(model), vars(model).copy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    model.fit(*data(self.kind))
            except Exception as error:
                assert (repr(model), vars(model)) == before
                return error
        X = data(self.kind)[0]
        output = model.predict(X) if self.kind is MLPRegressor else model.predict_proba(X)
        assert np.isfinite(output).all() and all(np.isfinite(coef).all() for coef in model.coefs_)
        curves = model.loss_curve_, model.learning_rate_curve_, model.validation_loss_curve_, model.validation_scores_
        return plain([*model.coefs_, *model.intercepts_, output, *curves, model.best_iter_])


@lru_cache
def outcomes(kind):
    return Outcomes(kind)


def may_be_ignored(kind, name, pairs):
    defaults = {n: p.default for n, p in inspect.signature(kind).parameters.items()}
    return name in WITHOUT_NUMBERS or (name in IGNORED and IGNORED[name](defaults | BASE | dict(pairs)))


def is_refused(outcome):
    return isinstance(outcome, Exception)


def assert_good_refusal(error, *names):
    assert type(error) is ValueError, error
    message = str(error)
    assert all(re.search(rf"\b{name}\b", message) for name in names), (names, message)
    assert re.search(ADVICE, message), message


def test_table_is_complete():
    for kind in BOTH:
        names = set(inspect.signature(kind).parameters)
        assert set(VALUES) - (OF_CLASSIFIERS if kind is MLPRegressor else set()) == names
    ours = set(VALUES) - set(inspect.signature(sklearn.neural_network.MLPClassifier).parameters)
    # grids over penalties and networks have to work; nothing else that scikit-learn does not have is ever ignored
    assert (ours - WITHOUT_NUMBERS) & set(IGNORED) == {"l1_ratio", "learning_rate_factors"}


@pytest.mark.parametrize("kind", BOTH)
def test_single_parameters(kind):
    """Each has an effect on its own, or says what it wants beside it, or is one of scikit-learn's."""
    get = outcomes(kind)
    for name, value in items(kind):
        outcome = get((name, value))
        if is_refused(outcome):
            assert_good_refusal(outcome, name)
        else:
            assert outcome != get() or may_be_ignored(kind, name, [(name, value)]), (name, value)


@pytest.mark.parametrize("kind", [MLPClassifier, *exhaustive(MLPRegressor)])
@pytest.mark.parametrize("name", VALUES)
def test_pairs(kind, name):
    get, found = outcomes(kind), {"fits": 0, "refused": 0}
    later = list(VALUES)[list(VALUES).index(name) + 1 :]
    firsts = [item for item in items(kind) if item[0] == name]
    for first, second in itertools.product(firsts, [item for item in items(kind) if item[0] in later]):
        names = first[0], second[0]
        context = [NEEDS[n] for n in names if n in NEEDS and NEEDS[n][0] not in names]
        both, of_first, of_second = get(first, second, *context), get(first, *context), get(second, *context)
        if is_refused(both):
            found["refused"] += 1
            # one of them needs a third parameter anyway; otherwise it is about these two
            alone = [n for n, outcome in zip(names, (of_first, of_second), strict=True) if is_refused(outcome)]
            if alone:
                assert any(n in str(both) for n in alone), (alone, both)
                assert_good_refusal(both)
            else:
                assert_good_refusal(both, *names)
            continue
        found["fits"] += 1
        for item, without in ((first, of_second), (second, of_first)):
            ignored = may_be_ignored(kind, item[0], [*context, first, second])
            assert both != without or ignored, f"{item} is accepted and ignored beside {first}, {second}"
    assert found["fits"] or not firsts or not later
