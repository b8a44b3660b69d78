"""``learning_rate_factors`` and ``parametrization``: what they do to every rule, and where they are refused.

Thirty steps against PyTorch are in ``test_rates.py``, fits against the naive twin in ``test_twin_table.py``, ``fit``
against ``partial_fit`` and several threads against one in the tables of those.
"""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.model_selection import GridSearchCV
from support.pairwise import covering, table
from support.processes import run
from support.states import plain, weights
from support.training_data import BOTH, make_data, small

from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import Tanh, Trainable
from skregopt.embeddings import PiecewiseLinear
from skregopt.optimizers import OPTIMIZERS, Adam, Muon, Nadam, Optimizer, RMSprop
from skregopt.penalties import GroupL1

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Restless(Optimizer):
    """A user's rule that divides by the rate, keeps numbers that depend on it, and moves even at a rate of 0."""

    n_slots = 1

    @staticmethod
    def prepare(lr, t, hyper, memory, scalars):
        memory[0] += lr
        scalars[0] = memory[0]
        scalars[1] = lr / max(lr, 1e-30)

    @staticmethod
    def step(weights, grad, average, slot_2, slot_3, slot_4, scalars, step_size):
        for i in range(weights.size):
            average[i] = 0.5 * average[i] + 0.5 * grad[i]
            weights[i] -= scalars[0] * average[i] + 1e-3 * (1 - scalars[1])
        for i in range(step_size.size):
            step_size[i] = scalars[0] + 1 - scalars[1]


class Shrinking(Optimizer):
    """A user's rule that reads the weights, and nothing else."""

    @staticmethod
    def prepare(lr, t, hyper, memory, scalars):
        scalars[0] = 1 - lr

    @staticmethod
    def step(weights, grad, slot_1, slot_2, slot_3, slot_4, scalars, step_size):
        for i in range(weights.size):
            weights[i] *= scalars[0]


class Fixed(PiecewiseLinear):
    """A user's embedding that stays as it starts."""

    vectors = tuple(vector._replace(trained=False) for vector in PiecewiseLinear.vectors)


RULES = {
    **{name: {"solver": name} for name in OPTIMIZERS},
    "amsgrad": {"solver": Adam(amsgrad=True)},
    "rmsprop with momentum": {"solver": RMSprop(momentum=0.8, centered=True)},
    "muon in AdamW's scale": {"solver": Muon(match_rms_adamw=True)},
    "of the user": {"solver": Restless()},
}
AROUND = {
    "step": {},
    "clip_norm": {"clip_norm": 0.1},
    "weight_decay": {"weight_decay": 0.5},
    "ema_decay": {"ema_decay": 0.7},
    "max_norm": {"max_norm": 0.6},
    "early stopping": {"early_stopping": True},
    "sparse": {},
}
PENALTIES = ["l2", "l1", "group_l1", "elasticnet"]
NETWORKS = {
    "two layers": {"hidden_layer_sizes": (5, 4)},
    "batch_norm": {"hidden_layer_sizes": (5, 4), "batch_norm": True},
    "layer_norm": {"hidden_layer_sizes": (5, 4), "layer_norm": True},
}


def make(rule, around="step", penalty="l2", network="two layers", **params):
    """Return a regressor, X and y."""
    X, y = make_data(MLPRegressor)
    given = RULES[rule] | AROUND[around] | NETWORKS[network] | {"penalty": penalty, "alpha": 0.01, "tol": 0}
    batch_size = "auto" if given["solver"] == "gd" else 16
    model = small(
        MLPRegressor, **given | {"max_iter": 4, "batch_size": batch_size, "learning_rate_init": 0.01} | params
    )
    return model, sp.csr_matrix(X) if around == "sparse" else X, y


def fits_together(rule=None, network=None, **_):
    return (rule, network) != ("sgd", "batch_norm")


# --- factors ----------------------------------------------------------------------------------------------------------


@table(
    fits_together,
    rule=list(RULES),
    around=list(AROUND),
    penalty=PENALTIES,
    network=list(NETWORKS),
    parametrization=["standard", "ntp"],
    dtype=["float32", "float64"],
)
def test_factors_are_on_all_that_a_rate_decides(rule, around, penalty, network, parametrization, dtype):
    """Half of all rates is the rate's half bit for bit, proximal steps and decay included; and 1 is no factor."""
    model, X, y = make(rule, around, penalty, network, parametrization=parametrization, dtype=dtype)
    groups = ["coefs", "intercepts", *["norm"] * (network != "two layers")]
    half = weights(copy.deepcopy(model).set_params(learning_rate_init=0.005).fit(X, y))
    factors = dict.fromkeys(groups, 0.5)
    assert weights(copy.deepcopy(model).set_params(learning_rate_factors=factors).fit(X, y)) == half
    whole = weights(copy.deepcopy(model).fit(X, y))
    assert weights(copy.deepcopy(model).set_params(learning_rate_factors=dict.fromkeys(groups, 1)).fit(X, y)) == whole
    assert whole != half


@covering(
    lambda rule=None, network=None, around=None, group=None, penalty=None, **_: (
        fits_together(rule, network) and (group, around) not in (("coefs", "max_norm"), ("coefs", "weight_decay"))
        and (group != "norm" or network != "two layers") and (group != "coefs" or penalty in (None, "l2"))
    ),
    rule=list(RULES),
    group=["coefs", "intercepts", "norm"],
    network=list(NETWORKS),
    around=[name for name in AROUND if name != "ema_decay"],
    penalty=["l2", "l1", "group_l1"],
)  # fmt: skip
def test_a_factor_of_zero_freezes(rule, group, network, around, penalty):
    """Not a bit changes in the group, whatever the rule computes at a rate of 0; the others move."""
    model, X, y = make(rule, around, penalty, network, dtype="float32")  # in which the rate of the next line is 0
    start = copy.deepcopy(model).set_params(learning_rate_init=1e-300, max_iter=1, weight_decay=0, max_norm=None)
    start = start.set_params(penalty=None, solver="adam", early_stopping=False).fit(X, y)  # the initial weights
    if group == "coefs":  # whose penalty is at its default, which moves them as little as any other
        model.set_params(alpha=1e-4)
    model.set_params(learning_rate_factors={group: 0}).fit(X, y)
    attributes = {"coefs": ["coefs_"], "intercepts": ["intercepts_"], "norm": []}
    if network != "two layers":
        attributes["norm"] = [f"{network}_scales_", f"{network}_shifts_"]
    for name, arrays in ((name, arrays) for name, names in attributes.items() for arrays in names):
        same = plain(getattr(model, arrays)) == plain(getattr(start, arrays))
        assert same == (name == group), arrays


def test_groups_left_out_have_the_rate_itself():
    model, X, y = make("adam", network="layer_norm")
    one = copy.deepcopy(model).set_params(learning_rate_factors={"norm": 1}).fit(X, y)
    assert weights(one) == weights(copy.deepcopy(model).set_params(learning_rate_factors={}).fit(X, y))
    assert weights(one) == weights(model.fit(X, y))
    assert weights(one) != weights(copy.deepcopy(model).set_params(learning_rate_factors={"norm": 2}).fit(X, y))


def test_the_curve_shows_the_rate_without_factors():
    model, X, y = make("adam", learning_rate_factors={"coefs": 0.5})
    assert model.fit(X, y).learning_rate_curve_ == [0.01] * 4


def test_rates_that_a_rule_adds_up():
    """A rule's numbers between updates are of one group each."""
    model, X, y = make("of the user", learning_rate_factors={"coefs": 0.5, "intercepts": 0.1})
    model.partial_fit(X, y)
    memory = model._optimizer_memory_["memory"]
    np.testing.assert_allclose(memory[:2, 0], 5 * 0.01 * np.array([0.5, 0.1]))


# --- going on ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["nadam", "of the user", "muon"])
def test_partial_fit_goes_on_with_other_factors(rule):
    """From one rate to several and back, an optimizer keeps its numbers."""
    model, X, y = make(rule)
    expected = copy.deepcopy(model).partial_fit(X, y).partial_fit(X, y).partial_fit(X, y)
    model.partial_fit(X, y).set_params(learning_rate_factors={"coefs": 1}).partial_fit(X, y)
    model = pickle.loads(pickle.dumps(model)).set_params(learning_rate_factors=None).partial_fit(X, y)
    assert weights(model) == weights(expected)


def test_numbers_of_an_optimizer_from_an_old_pickle():
    """Version 0.1.0 knew one rate, and a vector of its numbers."""
    model, X, y = make("of the user")
    model.partial_fit(X, y)
    expected = copy.deepcopy(model).partial_fit(X, y)
    state = model._optimizer_memory_
    assert state["memory"].shape == (1, 8)
    state["memory"] = state["memory"][0]
    assert weights(copy.deepcopy(model).partial_fit(X, y)) == weights(expected)
    several = copy.deepcopy(model).set_params(learning_rate_factors={"coefs": 1, "intercepts": 1})
    assert weights(several.partial_fit(X, y)) == weights(expected)


def test_moments_of_frozen_weights_go_on():
    """Weights that are set free do not jump as if the averages of their gradients were young."""
    model, X, y = make("adam", penalty=None, learning_rate_factors={"coefs": 0})
    for _ in range(20):
        model.partial_fit(X, y)
    before = [W.copy() for W in model.coefs_]
    model.set_params(learning_rate_factors=None, learning_rate_init=1e-4).partial_fit(X, y)
    for W, start in zip(model.coefs_, before, strict=True):
        assert 0 < np.abs(W - start).max() < 1.2 * 5e-4  # five updates


def test_warm_start_with_other_factors():
    model, X, y = make("adam", warm_start=True)
    before = plain(model.fit(X, y).coefs_)
    model.set_params(learning_rate_factors={"coefs": 0}, alpha=1e-4).fit(X, y)
    assert plain(model.coefs_) == before


# --- the neural tangent parametrisation -------------------------------------------------------------------------------


def test_ntp_of_adam_is_a_rate_over_the_root_and_an_epsilon_times_it():
    X, y = make_data(MLPRegressor)
    params = {"hidden_layer_sizes": (), "penalty": "l1", "alpha": 0.01, "max_iter": 20, "tol": 0}
    params |= {"learning_rate_factors": {"intercepts": 0}, "weight_decay": 0.1}
    ntp = small(MLPRegressor, **params, parametrization="ntp", epsilon=0.01).fit(X, y)
    params["learning_rate_factors"] = {"intercepts": 0, "coefs": 4**-0.5}
    params["weight_decay"] *= 4**0.5  # which acts by the rate itself
    plain_ = small(MLPRegressor, **params, epsilon=0.01 * 4**0.5).fit(X, y)
    np.testing.assert_allclose(ntp.coefs_[0], plain_.coefs_[0], rtol=0, atol=1e-13)
    assert 0 < ntp.n_nonzero_ < 4 or ntp.n_nonzero_ == plain_.n_nonzero_


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_ntp_moves_no_weight_without_a_gradient(dtype):
    X, y = make_data(MLPRegressor)
    X[:, 1] = 0
    params = {"penalty": None, "parametrization": "ntp", "dtype": dtype}
    start = small(MLPRegressor, **params, max_iter=1, learning_rate_init=1e-300).fit(X, y)
    model = small(MLPRegressor, **params, max_iter=9).fit(X, y)
    assert plain(model.coefs_[0][1]) == plain(start.coefs_[0][1])
    assert plain(model.coefs_[0][0]) != plain(start.coefs_[0][0])


def test_ntp_is_nothing_where_each_layer_has_one_unit_below():
    X, y = make_data(MLPRegressor)
    params = {"hidden_layer_sizes": (1, 1), "activation": Tanh()}
    model = small(MLPRegressor, **params).fit(X[:, :1], y)
    assert weights(small(MLPRegressor, **params, parametrization="ntp").fit(X[:, :1], y)) == weights(model)


def test_ntp_hands_a_rule_the_weights_that_are_trained():
    """They are what a rule shrinks, or takes the norm of."""
    X, y = make_data(MLPRegressor)
    params = {"solver": Shrinking(), "learning_rate_init": 0.01, "penalty": None}
    expected = small(MLPRegressor, **params).fit(X, y)
    ntp = small(MLPRegressor, **params, parametrization="ntp").fit(X, y)
    for actual, wanted in zip(ntp.coefs_, expected.coefs_, strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=1e-12)


@pytest.mark.parametrize("rate", [{}, {"learning_rate_factors": {"norm": 0.3}}, {"parametrization": "ntp"}], ids=str)
def test_batches_of_several_tiles(rate):
    """Gradients of each group are summed over tiles of 512 rows."""
    X, y = make_data(MLPRegressor, n_samples=1300)
    params = {"layer_norm": True, "batch_size": 1300, "max_iter": 3} | rate
    whole = small(MLPRegressor, **params).fit(X, y)
    doubled = np.repeat(X, 2, axis=0), np.repeat(y, 2)  # as the mean over the same rows twice
    twice = small(MLPRegressor, **params | {"batch_size": 2600}).fit(*doubled)
    for name in ("coefs_", "intercepts_", "layer_norm_scales_", "layer_norm_shifts_"):
        for actual, wanted in zip(getattr(whole, name), getattr(twice, name), strict=True):
            np.testing.assert_allclose(actual, wanted, rtol=0, atol=1e-9)


@BOTH
def test_single_precision_is_close_to_double(kind):
    X, y = make_data(kind)
    params = {"parametrization": "ntp", "learning_rate_factors": {"intercepts": 0.1}, "penalty": "l1", "max_iter": 9}
    found = [small(kind, **params, dtype=dtype).fit(X, y) for dtype in ("float32", "float64")]
    for single, double in zip(*(model.coefs_ for model in found), strict=True):
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, double, rtol=0, atol=2e-4)


FITS = """
import numpy as np
from skregopt import MLPRegressor
X = np.random.RandomState(0).normal(size=(30, 3))
params = {"hidden_layer_sizes": 4, "max_iter": 3, "random_state": 0, "penalty": "l1", "layer_norm": True}
params |= {"learning_rate_factors": {"coefs": 0.5, "intercepts": 0}}
result["predictions"] = {}
for more in ({}, {"parametrization": "ntp"}, {"parametrization": "ntp", "clip_norm": 0.1, "solver": "muon"}):
    result["predictions"][str(more)] = MLPRegressor(**params | more).fit(X, X[:, 0]).predict(X).tolist()
"""


@pytest.mark.exhaustive
def test_without_compilation():
    compiled, as_python = (run(FITS, env=env)["predictions"] for env in ({}, {"NUMBA_DISABLE_JIT": "1"}))
    for name, expected in compiled.items():
        np.testing.assert_allclose(as_python[name], expected, rtol=1e-9, err_msg=name)


# --- refusals ---------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "params, words",
    [
        ({"learning_rate_factors": {"bias": 0.1}}, ["'bias'", "Did you mean 'intercepts'?", "'coefs', 'intercepts'"]),
        ({"learning_rate_factors": {"coef": 0.1}}, ["'coef'", "Did you mean 'coefs'?"]),
        ({"learning_rate_factors": {0: 0.1}}, ["0 is no group"]),
        ({"learning_rate_factors": {"norm": -1}}, ["factor of 'norm'", ">= 0"]),
        *(({"learning_rate_factors": {"coefs": bad}}, ["factor of 'coefs'", ">= 0", repr(bad)])
          for bad in (-0.1, np.nan, np.inf, "1", None, True, [0.1])),
        ({"learning_rate_factors": {"coefs": 0}, "max_norm": 1.0}, ["max_norm=1.0", "freezes"]),
        ({"learning_rate_factors": {"coefs": 0}, "weight_decay": 0.1}, ["weight_decay=0.1", "freezes"]),
        ({"learning_rate_factors": {"coefs": 0}, "parametrization": "ntp"}, ["parametrization='ntp'", "freezes"]),
        ({"learning_rate_factors": {"coefs": 0.5}, "solver": "lbfgs"}, ["solver='lbfgs'", "None", "'adam'"]),
        ({"parametrization": "ntp", "solver": "lbfgs"}, ["solver='lbfgs'", "'standard'", "'adam'"]),
        ({"learning_rate_factors": {"coefs": 0}, "penalty": "l1"}, ["penalty='l1'", "freezes", "'l2'"]),
        ({"learning_rate_factors": {"coefs": 0}, "penalty": GroupL1(0.5)}, ["penalty=GroupL1(", "freezes"]),
        ({"learning_rate_factors": {"coefs": 0}, "alpha": 0.1}, ["alpha=0.1", "freezes", "0.0001"]),
        ({"learning_rate_factors": {"coefs": 0, "intercepts": 0.0}}, ["nothing is trained", "'coefs', 'intercepts'"]),
        ({"learning_rate_factors": {"coefs": 0, "intercepts": 0, "norm": 0}, "layer_norm": True},
         ["nothing is trained", "'coefs', 'intercepts', 'norm'"]),
        ({"learning_rate_factors": dict.fromkeys(("coefs", "intercepts", "embedding", "activation"), 0),
          "feature_embedding": "periodic", "activation": Trainable("relu")}, ["nothing is trained"]),
        ({"learning_rate_factors": {"coefs": 0, "intercepts": 0}, "feature_embedding": Fixed()},
         ["nothing is trained"]),
        ({"parametrization": "ntk"}, ["Did you mean 'ntp'?"]),
    ],
)  # fmt: skip
def test_refusals(kind, params, words):
    X, y = make_data(kind)
    with pytest.raises(ValueError) as error:
        kind(**params).fit(X, y)
    assert all(word in str(error.value) for word in words), error.value
    shared = {"solver"} if "nothing is trained" not in words else {"solver", *params} - {"learning_rate_factors"}
    assert all(name in str(error.value) for name in params if name not in shared)


@BOTH
@pytest.mark.parametrize("penalty", [{}, {"penalty": None, "alpha": 0.1}, {"penalty": "l1", "alpha": 0}], ids=str)
def test_frozen_weights_go_with_a_penalty_that_nobody_asked_for(kind, penalty):
    X, y = make_data(kind)
    small(kind, max_iter=1, learning_rate_factors={"coefs": 0}, **penalty).fit(X, y)


@pytest.mark.parametrize("factor", [0, 2, np.float32(0.5), np.int64(0), np.array(0.25)[()]])
def test_numbers_of_all_kinds(factor):
    X, y = make_data(MLPClassifier)
    small(MLPClassifier, max_iter=2, learning_rate_factors={"coefs": factor}).fit(X, y)
    small(MLPClassifier, max_iter=2, solver=Nadam(), learning_rate_factors={"intercepts": factor}).fit(X, y)


@BOTH
@pytest.mark.parametrize(
    "factors", [{"norm": 0.1}, {"embedding": 0}, {"activation": 3.0}, dict.fromkeys(("norm", "activation"), 0)], ids=str
)
def test_factors_of_groups_that_the_network_has_not_are_ignored(kind, factors):
    X, y = make_data(kind)
    for more in ({}, {"intercepts": 0.1}):
        expected = small(kind, max_iter=2, learning_rate_factors=more or None).fit(X, y)
        model = small(kind, max_iter=2, learning_rate_factors=factors | more).fit(X, y)
        assert weights(model) == weights(expected)
    small(kind, max_iter=1, feature_embedding=Fixed(), learning_rate_factors={"embedding": 0.1}).fit(X, y)


def test_a_grid_over_networks_with_and_without_groups():
    X, y = make_data(MLPRegressor)
    factors = {"intercepts": 0.1, "embedding": 0.1, "activation": 0.1, "norm": 0.1}
    grid = {
        "feature_embedding": [None, "periodic"],
        "activation": ["mish", Trainable("mish")],
        "layer_norm": [False, True],
    }
    search = GridSearchCV(small(MLPRegressor, learning_rate_factors=factors), grid, cv=2, error_score="raise")
    assert np.isfinite(search.fit(X, y).cv_results_["mean_test_score"]).all()
