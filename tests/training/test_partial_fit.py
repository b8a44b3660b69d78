"""partial_fit: an epoch at a time, from where the last one ended or from weights that the user assigned."""

import copy
import inspect
import pickle
import tracemalloc
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import InvalidParameterError
from support.pairwise import table
from support.states import plain, weights
from support.training_data import BOTH, FIRST_ORDER, make_data, small

from skregopt import MLPClassifier, MLPRegressor
from skregopt.activations import Trainable
from skregopt.embeddings import PiecewiseLinear
from skregopt.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, Muon, RMSprop
from skregopt.penalties import PENALTIES
from skregopt.schedules import SCHEDULES, Cosine, OneCycle, Plateau, Warmup

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# --- k calls are a fit ------------------------------------------------------------------------------------------------

SOLVERS = {
    **{name: {"solver": name} for name in OPTIMIZERS},
    "rmsprop with momentum": {"solver": RMSprop(momentum=0.8, centered=True)},
    "adagrad with decay": {"solver": Adagrad(lr_decay=0.01, initial_accumulator_value=0.3)},
    "amsgrad": {"solver": Adam(amsgrad=True)},
    "muon with amsgrad": {"solver": Muon(amsgrad=True)},
}
SCHEDULERS = [
    *SCHEDULES,
    Plateau(factor=0.5, patience=0, threshold=0.2),
    Cosine(0.001, 2, 2),
    Warmup("cosine", n_epochs=2),
    Warmup("invscaling", n_epochs=2),
    Warmup("adaptive", n_epochs=1),
]
AROUND = {
    "step": {},
    "clip_norm": {"clip_norm": 0.1},
    "weight_decay": {"weight_decay": 0.5},
    "scheduled decay": {"weight_decay": 0.5, "weight_decay_schedule": Warmup("coslog", n_epochs=2)},
    "max_norm": {"max_norm": 0.8},
    "ema_decay": {"ema_decay": 0.7},
    "everything": {"clip_norm": 0.4, "weight_decay": 0.5, "max_norm": 0.8, "ema_decay": 0.7},
}
LAYERS = {
    "one": {"hidden_layer_sizes": (6,)},
    "two": {"hidden_layer_sizes": (5, 4), "activation": ["tanh", "gelu"]},
    "batch_norm": {"hidden_layer_sizes": (5, 4), "batch_norm": True},
    "layer_norm": {"hidden_layer_sizes": (5, 4), "layer_norm": True},
    "dropout": {"dropout": 0.5, "input_dropout": 0.2},
    "scheduled dropout": {"dropout": 0.5, "input_dropout": 0.2, "dropout_schedule": "one_cycle"},
    "periodic": {"feature_embedding": "periodic", "activation": Trainable("mish"), "input_dropout": 0.3},
    "piecewise_linear": {
        "feature_embedding": PiecewiseLinear(columns=[1, 3]),
        "hidden_layer_sizes": (5, 4),
        "activation": ["relu", Trainable("tanh")],
        "layer_norm": True,
    },
}
RATES_OF_GROUPS = {
    "one rate": {},
    "factors": {"learning_rate_factors": {"coefs": 0.3, "intercepts": 2.0}},
    "frozen intercepts": {"learning_rate_factors": {"intercepts": 0}},
    "ntp": {"parametrization": "ntp"},
    "ntp with factors": {"parametrization": "ntp", "learning_rate_factors": {"intercepts": 0.1}},
}
TARGETS = ("classes", "labels", "numbers")


def fits_together(solver=None, layers=None, batch_size=None, **_):
    of_one_row = (solver or {}).get("solver") == "sgd" or batch_size == 1
    return not (of_one_row and "batch_norm" in (layers or {}))


@table(
    fits_together,
    solver=SOLVERS,
    learning_rate=SCHEDULERS,
    penalty=PENALTIES.keys(),
    around=AROUND,
    groups=RATES_OF_GROUPS,
    layers=LAYERS,
    target=TARGETS,
    batch_size=["auto", 1, 11],
    dtype=["float32", "float64"],
    shuffle=[False, True],
    # a tol so large that schedules have to act
    tol=[0.0, 1e9],
    pickled=[False, True],
)
def test_k_calls_of_partial_fit_equal_one_fit(
    solver, learning_rate, penalty, around, groups, layers, target, batch_size, dtype, shuffle, tol, pickled
):
    """The bold sentence of the contract, bit for bit."""
    k = 5
    kind = MLPRegressor if target == "numbers" else MLPClassifier
    X, y = make_data(kind)
    classes = {"classes": np.unique(y)} if target == "classes" else {}
    if target == "labels":
        y, classes = (X[:, :3] > 0).astype(int), {"classes": [0, 1, 2]}
    params = solver | around | groups | layers
    params |= {"learning_rate": learning_rate, "penalty": penalty, "dtype": dtype, "shuffle": shuffle, "alpha": 1e-3}
    params |= {"batch_size": "auto" if solver["solver"] == "gd" else batch_size, "learning_rate_init": 0.003}
    lowers_by_itself = "adaptive" in str(learning_rate) or "plateau" in str(learning_rate).lower()
    params |= {"tol": tol, "n_iter_no_change": 1 if tol and lowers_by_itself else np.inf}
    model = kind(**{"hidden_layer_sizes": 6, "random_state": 0, "max_iter": k} | params)
    fitted = copy.deepcopy(model).fit(X, y)
    assert fitted.n_iter_ == k
    for _ in range(k):
        model.partial_fit(X, y, **classes)
        assert model.n_iter_ == 1
        if pickled:
            model = pickle.loads(pickle.dumps(model))
    assert weights(model) == weights(fitted)
    assert plain(model.loss_curve_) == plain(fitted.loss_curve_)
    assert plain(model.learning_rate_curve_) == plain(fitted.learning_rate_curve_)
    assert model.t_ == fitted.t_ == k * len(X)
    assert plain(model.predict(X)) == plain(fitted.predict(X))


@pytest.mark.nojit
@pytest.mark.parametrize("solver", OPTIMIZERS)
@BOTH
def test_k_calls_of_partial_fit_equal_one_fit_in_plain_python(kind, solver):
    X, y = make_data(kind, n_samples=20)
    model = kind(3, solver=solver, penalty="l1", ema_decay=0.5, max_iter=3, tol=0, n_iter_no_change=9, random_state=0)
    fitted = copy.deepcopy(model).fit(X, y)
    for _ in range(3):
        model.partial_fit(X, y, **({"classes": np.unique(y)} if kind is MLPClassifier else {}))
        model = pickle.loads(pickle.dumps(model))
    assert weights(model) == weights(fitted)


# --- from where a call starts -----------------------------------------------------------------------------------------


@BOTH
def test_deepcopy_continues_on_its_own(kind):
    X, y = make_data(kind)
    model = small(kind).fit(X, y).partial_fit(X, y)
    twin = copy.deepcopy(model)
    before = plain(vars(model))
    twin.partial_fit(X, y)
    assert plain(vars(model)) == before
    model.partial_fit(X, y)
    assert weights(model) == weights(twin)


@BOTH
@pytest.mark.parametrize("solver", FIRST_ORDER)
def test_fit_drops_the_state_of_the_optimizer(kind, solver):
    X, y = make_data(kind)
    fitted = small(kind, solver=solver, max_iter=5).fit(X, y)
    continued = copy.deepcopy(fitted).partial_fit(X, y)
    # warm_start starts the optimizer anew
    fresh = copy.deepcopy(fitted).set_params(warm_start=True, max_iter=1).fit(X, y)
    assert weights(continued) == weights(fresh)
    assert len(pickle.dumps(fitted)) < len(pickle.dumps(continued))


@BOTH
def test_state_of_another_rule_is_dropped(kind):
    """Adamax and Nadam keep as many numbers for each weight, which mean something else."""
    X, y = make_data(kind)
    model = small(kind, solver="adamax", max_iter=2).fit(X, y).partial_fit(X, y).set_params(solver="nadam")
    # warm_start starts the optimizer anew
    fresh = copy.deepcopy(model).set_params(warm_start=True, max_iter=1).fit(X, y)
    assert weights(model.partial_fit(X, y)) == weights(fresh)


@BOTH
@pytest.mark.parametrize("solver", FIRST_ORDER)
def test_partial_fit_starts_from_assigned_weights(kind, solver):
    X, y = make_data(kind)
    model = small(kind, solver=solver).fit(X, y)
    other = small(kind, solver=solver, random_state=9).fit(X, y)
    init = {"coef_init": other.coefs_, "intercept_init": other.intercepts_}
    expected = small(kind, solver=solver, max_iter=1).fit(X, y, **init)
    model.coefs_, model.intercepts_ = other.coefs_, other.intercepts_
    assert plain(model.predict(X)) == plain(other.predict(X))
    kept = weights(other)
    model.partial_fit(X, y)
    assert weights(other) == kept, "the arrays that were assigned are the user's"
    if solver == "gd":  # no order of rows to differ
        assert_allclose(model.coefs_[0], expected.coefs_[0])
    moved = max(np.abs(a - b).max() for a, b in zip(model.coefs_, other.coefs_, strict=True))
    assert 0 < moved < 0.5


@BOTH
def test_weights_assigned_in_place_count(kind):
    X, y = make_data(kind)
    model = small(kind).fit(X, y)
    for array in (*model.coefs_, *model.intercepts_):
        array[...] = 0
    raw = model.predict_proba(X) if kind is MLPClassifier else model.predict(X)
    assert len(np.unique(raw)) == 1
    model.coefs_[0] = np.ones_like(model.coefs_[0])
    model.partial_fit(X, y)
    assert_allclose(model.coefs_[0], 1, atol=0.2)


@BOTH
def test_partial_fit_is_absent_for_lbfgs(kind):
    assert hasattr(kind(), "partial_fit")
    assert all(hasattr(kind(solver=solver), "partial_fit") for solver in [*OPTIMIZERS, Adam(), SGD()])
    assert not hasattr(kind(solver="lbfgs"), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        kind(solver="lbfgs").partial_fit  # noqa: B018
    classes = "classes" in inspect.signature(kind.partial_fit).parameters
    assert classes == (kind is MLPClassifier)


# --- a long stream ----------------------------------------------------------------------------------------------------


@BOTH
def test_a_call_copies_no_curve_of_the_calls_before(kind):
    """Constant time and memory, as in scikit-learn: counted, not timed."""
    X, y = make_data(kind)
    model = small(kind).fit(X, y)
    for name in ("loss_curve_", "learning_rate_curve_"):
        setattr(model, name, [0.5] * 1_000_000)
    model.best_loss_ = 0.25
    model.partial_fit(X, y)  # the lists grow, by a share of their length
    curves = model.loss_curve_, model.learning_rate_curve_
    tracemalloc.start()
    for _ in range(3):
        model.partial_fit(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000, "a copy of a curve has 8 MB"
    assert (model.loss_curve_, model.learning_rate_curve_) == curves and model.loss_curve_ is curves[0]
    assert len(model.loss_curve_) == 1_000_004 and model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ == min(0.25, *model.loss_curve_)


@BOTH
def test_best_loss_of_all_calls(kind):
    X, y = make_data(kind)
    model = small(kind, learning_rate_init=0.2, early_stopping=True).fit(X, y)
    model.set_params(early_stopping=False)
    for _ in range(8):
        model.partial_fit(X, y)
        assert model.best_loss_ == min(model.loss_curve_) and model.loss_ == model.loss_curve_[-1]
    model.set_params(warm_start=True, max_iter=2).fit(X, y)
    assert model.best_loss_ == min(model.loss_curve_)
    model.loss_curve_ = []
    model.partial_fit(X, y)
    assert model.best_loss_ == model.loss_


@BOTH
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("continued", ["partial_fit", "warm_start"])
def test_copies_share_no_curve(kind, copied, continued):
    X, y = make_data(kind)
    model = small(kind, warm_start=True).fit(X, y, X_val=X, y_val=y)
    twin = copied(model)
    before = plain({name: value for name, value in vars(twin).items() if name != "_packed"})
    model.partial_fit(X, y) if continued == "partial_fit" else model.fit(X, y, X_val=X, y_val=y)
    assert plain({name: value for name, value in vars(twin).items() if name != "_packed"}) == before


@BOTH
def test_curves_are_as_they_were_after_a_failure_at_the_very_end(kind):
    X, y = make_data(kind)
    model = small(kind, warm_start=True, max_iter=2).fit(X, y)
    before = plain(vars(model))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning):
            model.fit(X, y)
    assert plain(vars(model)) == before


# --- behind the end of a schedule -------------------------------------------------------------------------------------


def _told(model, n_calls, X, y):
    """Return in which of some calls, counted from 1, the user was told that the schedule has ended."""
    told = []
    for call in range(1, n_calls + 1):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.partial_fit(X, y, **({"classes": np.unique(y)} if isinstance(model, MLPClassifier) else {}))
        told += [call] * any(f"max_iter={model.max_iter}" in str(warning.message) for warning in caught)
    return told


@BOTH
@pytest.mark.parametrize("schedule", ["cosine", "one_cycle", Warmup("cosine", 2), OneCycle(0.1)], ids=str)
def test_the_end_of_a_schedule_is_told_once(kind, schedule):
    X, y = make_data(kind)
    model = small(kind, learning_rate=schedule, max_iter=4)
    assert _told(model, 4, X, y) == []
    assert _told(copy.deepcopy(model), 3, X, y) == [1]
    model = pickle.loads(pickle.dumps(model))
    assert _told(model, 2, X, y) == [1]
    assert _told(pickle.loads(pickle.dumps(model)), 3, X, y) == []
    assert _told(small(kind, learning_rate=schedule, max_iter=3).fit(X, y), 5, X, y) == [4]
    model = small(kind, max_iter=4)
    assert _told(model, 6, X, y) == []
    assert _told(model.set_params(learning_rate=schedule), 2, X, y) == [1], "whenever the schedule is chosen"


@BOTH
def test_the_end_of_a_schedule_is_one_error(kind):
    """Where warnings are errors, the call that tells changes nothing else, and the next one goes on."""
    X, y = make_data(kind)
    model, expected = (small(kind, learning_rate="cosine", max_iter=2) for _ in range(2))
    _told(model, 2, X, y)
    before, sibling = plain(vars(model)), copy.copy(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="more than max_iter=2 times"):
            model.partial_fit(X, y)
        after = vars(model) | {"_optimizer_memory_": vars(model)["_optimizer_memory_"] | {"told_of_horizon": ()}}
        assert plain(after) == before == plain(vars(sibling)) and model._optimizer_memory_["told_of_horizon"]
        for _ in range(3):
            model.partial_fit(X, y)
    assert _told(expected, 5, X, y) == [3]
    assert weights(model) == weights(expected) and model.loss_curve_ == expected.loss_curve_


@BOTH
@pytest.mark.parametrize("schedule", ["constant", "step", Cosine(floor=1e-3), Cosine(restart_every=2)], ids=str)
def test_a_rate_that_goes_on_is_no_end(kind, schedule):
    X, y = make_data(kind)
    assert _told(small(kind, learning_rate=schedule, max_iter=2), 7, X, y) == []


# --- the precision is the network's -----------------------------------------------------------------------------------


def _stream(kind, dtypes, steps=9, **params):
    """Return an estimator after calls on the same numbers in these dtypes, in turn."""
    X, y = make_data(kind)
    X = np.round(4 * X)  # numbers that every dtype has
    model = small(kind, learning_rate="cosine", learning_rate_init=0.05, max_iter=steps, **params)
    for step in range(steps):
        first = {"classes": np.unique(y)} if kind is MLPClassifier else {}
        model.partial_fit(X.astype(dtypes[step % len(dtypes)]), y, **first)
    return model


@BOTH
@pytest.mark.parametrize("params", [{"solver": "adam"}, {"solver": "minibatch"}, {"ema_decay": 0.7}], ids=str)
@pytest.mark.parametrize("dtypes", [("f4", "f8"), ("f8", "f4"), ("i1", "f4", "f8"), ("f4", "i8")], ids=str)
def test_dtype_of_a_chunk_changes_nothing(kind, params, dtypes):
    one, several = _stream(kind, dtypes[:1], **params), _stream(kind, dtypes, **params)
    assert weights(several) == weights(one)
    assert plain(several.learning_rate_curve_) == plain(one.learning_rate_curve_)


@BOTH
@pytest.mark.parametrize(("given", "then"), [("f4", "f8"), ("f8", "f4")])
@pytest.mark.parametrize("how", ["fit", "warm_start", "assigned", "pickled"])
def test_network_keeps_its_precision(kind, given, then, how):
    X, y = make_data(kind)
    model = small(kind).fit(X.astype(given), y)
    if how == "warm_start":
        model.set_params(warm_start=True).fit(X.astype(then), y)
    else:
        model.partial_fit(X.astype(given), y)
        if how == "pickled":
            model = pickle.loads(pickle.dumps(model))
        if how == "assigned":  # an average of several networks, say
            model.coefs_ = [coef.astype(then) for coef in model.coefs_]
        model.partial_fit(X.astype(then), y)
    assert all(coef.dtype == given for coef in model.coefs_) and model.predict(X).size == len(X)
    assert small(kind).fit(X.astype(then), y).coefs_[0].dtype == then


@BOTH
@pytest.mark.parametrize("params", [{}, {"ema_decay": 0.7}, {"solver": "minibatch"}], ids=str)
def test_another_dtype_by_parameter_converts_the_state_of_the_optimizer(kind, params):
    X, y = make_data(kind)
    first = {"classes": np.unique(y)} if kind is MLPClassifier else {}
    expected = small(kind, dtype="float64", **params).partial_fit(X, y, **first)
    model = copy.deepcopy(expected)
    for dtype in ("float32", "float64"):
        model.set_params(dtype=dtype).partial_fit(X, y)
        assert model.coefs_[0].dtype == dtype
        expected.partial_fit(X, y)
    assert_allclose(model.coefs_[0], expected.coefs_[0], rtol=1e-3, atol=1e-6)
    assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=1e-5)


@BOTH
def test_partial_fit_on_chunks_of_all_sizes(kind):
    X, y = make_data(kind, n_samples=60)
    model = small(kind)
    first = {"classes": np.unique(y)} if kind is MLPClassifier else {}
    model.partial_fit(X[:1], y[:1], **first)
    sizes = [20, 1, 38]
    start = 1
    for size in sizes:
        model.partial_fit(X[start : start + size], y[start : start + size])
        start += size
    assert model.t_ == 60 and len(model.loss_curve_) == 4
    if kind is MLPClassifier:
        assert model.predict_proba(X).shape == (60, 3)


# --- changes between calls --------------------------------------------------------------------------------------------


def test_an_indicator_after_labels():
    X, y = make_data(MLPClassifier)
    clf = small(MLPClassifier).partial_fit(X, y, classes=np.unique(y))
    with pytest.raises(ValueError, match="y must be one column of labels"):
        clf.partial_fit(X, np.c_[y == "ash", y != "ash"])


def test_class_weight_as_an_array():
    X, y = make_data(MLPClassifier)
    clf = small(MLPClassifier).partial_fit(X, y, classes=np.unique(y)).set_params(class_weight=np.ones(3))
    with pytest.raises(InvalidParameterError, match="'class_weight' parameter"):
        clf.partial_fit(X, y)


def test_several_labels_of_which_a_chunk_has_one_value_only():
    X, _ = make_data(MLPClassifier)
    model = small(MLPClassifier).partial_fit(X, (X[:, :3] > 0).astype(int), classes=[0, 1, 2])
    model.partial_fit(X[:2], np.ones((2, 3), dtype=int))
    assert model.predict(X).shape == (80, 3)
