"""Schedules of dropout and of weight decay beyond their end, and factors outside [0, 1]."""

import pickle
import warnings

import numpy as np
import pytest
from support.states import bits
from support.training_data import BOTH, make_data, small

from skregopt import MLPClassifier, MLPRegressor
from skregopt.schedules import Cosine, OneCycle, Schedule, Warmup
from skregopt.schedules._family import stop_when_exhausted

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DROPOUT, DECAY = "dropout_schedule", "weight_decay_schedule"


def partially(model, X, y):
    return model.partial_fit(X, y, **({"classes": np.unique(y)} if isinstance(model, MLPClassifier) else {}))


def both(schedule):
    return {"dropout": 0.4, "weight_decay": 0.3, DROPOUT: schedule, DECAY: schedule}


# --- beyond the end --------------------------------------------------------------------------------------------------


def told(model, n_calls, X, y):
    """Return what some calls said, counted from 1."""
    found = {}
    for call in range(1, n_calls + 1):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            partially(model, X, y)
        for one in caught:
            if "more than max_iter=" in str(one.message):
                found[call] = str(one.message)
    return found


@BOTH
@pytest.mark.parametrize("schedule", ["flat_cosine", Warmup("coslog", 1), OneCycle()], ids=str)
@pytest.mark.parametrize(
    "name, rate", [(DROPOUT, {"dropout": 0.4}), (DROPOUT, {"input_dropout": 0.2}), (DECAY, {"weight_decay": 0.1})]
)
def test_the_end_of_a_schedule_is_told_once(name, rate, schedule, kind):
    X, y = make_data(kind)
    model = small(kind, max_iter=3, **rate, **{name: schedule})
    said = told(model, 6, X, y)
    assert list(said) == [4] and f"after which {name}=" in said[4]
    assert f"leave {name} at its default, None" in said[4] and "learning_rate=" not in said[4]
    assert not told(pickle.loads(pickle.dumps(model)), 2, X, y)
    assert list(told(model.set_params(learning_rate="cosine"), 2, X, y)) == [1], "whenever another one ends"


@BOTH
def test_ends_of_several_schedules_are_one_warning(kind):
    X, y = make_data(kind)
    model = small(kind, max_iter=2, learning_rate="cosine", **both("coslog"))
    said = told(model, 4, X, y)
    assert list(said) == [3] and all(f"{name}=" in said[3] for name in (DROPOUT, DECAY, "learning_rate"))
    assert not told(small(kind, max_iter=2, **both(Cosine(floor=0.2))), 4, X, y), "a floor is no end"


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("flat_cosine", ["the network does not change", "nothing is dropped", "weights do not decay"]),
        ("one_cycle", ["the network hardly changes", "hardly anything is dropped", "weights hardly decay"]),
    ],
)
def test_an_end_at_zero_is_nothing_at_all(schedule, words):
    X, y = make_data(MLPRegressor)
    said = told(small(MLPRegressor, max_iter=2, learning_rate=schedule, **both(schedule)), 3, X, y)
    assert all(f"and {word}" in said[3] for word in words)


def test_what_older_versions_have_told():
    X, y = make_data(MLPRegressor)
    model = small(MLPRegressor, max_iter=2, learning_rate="cosine", **both("coslog"))
    told(model, 2, X, y)
    model._optimizer_memory_["told_of_horizon"] = True
    (said,) = told(model, 2, X, y).values()
    assert "learning_rate=" not in said and DROPOUT in said


# --- factors that are none --------------------------------------------------------------------------------------------


class Times(Schedule):
    """A user's rule: a peak that is a factor too high from the update after ``first`` on."""

    has_horizon = True

    def __init__(self, factor, first=0):
        self.factor = factor
        self.first = first

    def hyper_parameters(self):
        return self.factor, self.first

    @staticmethod
    def rate(peak, t, epoch, updates_per_epoch, n_epochs, hyper, memory):
        return peak * hyper[0] if t > hyper[1] else peak

    end_epoch = staticmethod(stop_when_exhausted)


@BOTH
@pytest.mark.nojit
@pytest.mark.parametrize("factor", [2.0, 1.001, -0.25, np.nan, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize("name, rate", [(DROPOUT, {"dropout": 0.6}), (DROPOUT, {"input_dropout": 0.6}),
                                        (DECAY, {"weight_decay": 0.1})])  # fmt: skip
def test_factors_outside_their_domain_are_refused(name, rate, factor, kind):
    """At the first update or later, and nothing is half fitted."""
    X, y = make_data(kind)
    for first in (0, 4):
        model = small(kind, max_iter=3, batch_size=16, **rate, **{name: Times(factor, first)})
        with pytest.raises(
            ValueError, match=rf"{name}=.* gave the factor {factor:g}, but a factor must be in \[0, 1\]"
        ):
            model.fit(X, y)
        assert not hasattr(model, "coefs_")


@pytest.mark.parametrize("factor, held", [(1.0 + 1e-12, 1.0), (-1e-12, 0.0)])
def test_factors_that_round_are_held(factor, held):
    X, y = make_data(MLPRegressor)
    found = [small(MLPRegressor, max_iter=2, **both(Times(one))).fit(X, y) for one in (factor, held)]
    assert bits(found[0], X) == bits(found[1], X)
