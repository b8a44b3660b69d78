"""Kernels of users that look beyond the ends of their arrays: compiled, they crash the process, or read rubbish."""

from numbers import Real

import numpy as np
import pytest
from numba import njit
from sklearn.utils._param_validation import Interval

from skregopt import MLPClassifier, MLPRegressor
from skregopt._training import trial
from skregopt.activations import Activation, ReLU, Tanh, Trainable
from skregopt.embeddings import Embedding, EmbeddingVector, PiecewiseLinear
from skregopt.losses import Huber, SquaredError
from skregopt.optimizers import SGD, Adam, Muon, Optimizer
from skregopt.penalties import L1, L2, ElasticNet
from skregopt.schedules import Constant, Cosine, Plateau, Schedule, Warmup

pytestmark = [
    pytest.mark.nojit,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
SMALL = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}
POSITIVE = [Interval(Real, 0, None, closed="neither")]
X = np.random.RandomState(0).normal(size=(20, 4))
Y = X[:, 0]


def rule(base, **attributes):
    """Return a class with kernels."""
    is_kernel = {name: callable(value) and name in base.signatures for name, value in attributes.items()}
    return type("Mine", (base,), {n: staticmethod(v) if is_kernel[n] else v for n, v in attributes.items()})


def fit(**parameters):
    return MLPRegressor(**SMALL, **parameters).fit(X, Y)


def saves(z, saved, hyper):
    for i in range(z.size):
        saved[i] = 1.0


def by_saved(a, saved, delta, hyper):
    for i in range(delta.size):
        delta[i] *= saved[i]


def scaled(z, saved, numbers):
    for i in range(z.size):
        z[i] *= numbers[0]


@njit
def last(numbers):
    return numbers[numbers.size]


def by_helper(z, saved, hyper):
    z[0] = last(hyper)


def long_value(weights, row_length, layer, alpha, hyper):
    return hyper[3]


def long_gradient(weights, alpha, hyper, grad):
    grad[weights.size] = 0.0


def long_prox(weights, step_size, row_length, layer, alpha, hyper):
    for i in range(weights.size + 1):
        weights[i] = 0.0


def long_rate(peak, t, epoch, updates_per_epoch, max_iter, hyper, memory):
    for i in range(8, 5000):
        memory[i] = 1.0
    return peak


def long_end_epoch(exhausted, score, hyper, memory):
    if exhausted != 0:
        memory[100_000] = 1.0
    return 0


def next_output(raw_prediction, y, weights, scale, hyper):
    total = raw_prediction[0, 1] - y[0, 0]
    raw_prediction[:] = 0.0
    return total


def row_beyond(raw_prediction, hyper):
    raw_prediction[raw_prediction.shape[0], 0] = 0.0


def late_step(weights, grad, slot_1, slot_2, slot_3, slot_4, scalars, step_size):
    if scalars[0] > 1:
        scalars[16] = 0.0


def number_of_update(lr, t, hyper, memory, scalars):
    scalars[0] = t


def long_matrix(weights, grad, a, b, c, d, scratch, hyper, step_size, lr, t):
    b[0, weights.shape[1]] = 1.0


BEYOND = [
    ("activation", rule(Activation, activate=saves, differentiate=by_saved),
     "'activate' of the activation Mine .* beyond the end of saved: .* set saves = True"),
    ("activation", rule(ReLU, differentiate=by_saved), "'differentiate' of the activation Mine .* set saves = True"),
    ("activation", rule(ReLU, activate=scaled), r"numbers \(hyper\): .* the 0 number\(s\) of hyper_parameters\(\)"),
    ("activation", rule(ReLU, activate=by_helper), r"'activate' .* end of hyper"),
    ("activation", rule(Tanh, saves=True, hyper_parameters=lambda self: (1.0,), activate=by_helper), "with size 1"),
    ("penalty", rule(L2, value=long_value), "kernel 'value' of the penalty Mine .* end of hyper"),
    ("penalty", rule(L2, add_gradient=long_gradient), "kernel 'add_gradient' of the penalty Mine .* end of grad"),
    ("penalty", rule(L1, prox=long_prox), "'prox' of the penalty Mine .* end of weights"),
    ("learning_rate", rule(Constant, rate=long_rate), "kernel 'rate' of the schedule Mine .* memory has 8 numbers"),
    ("learning_rate", rule(Constant, end_epoch=long_end_epoch), "'end_epoch' of the schedule Mine .* memory has 8"),
    ("loss", rule(SquaredError, evaluate=next_output), "kernel 'evaluate' of the loss Mine .* end of raw_prediction"),
    ("loss", rule(SquaredError, invert_link=row_beyond), "'invert_link' .* end of raw"),
    ("solver", rule(SGD, prepare=number_of_update, step=late_step), "'step' of the optimizer Mine .* scalars has 16"),
    ("solver", rule(Muon, step_matrix=long_matrix), r"'step_matrix' of the optimizer Mine .* end of b \(slot_2\)"),
    ("solver", rule(Adam, n_slots=1), "'step' of the optimizer Mine .* n_slots=1 slots: set n_slots"),
    ("penalty", rule(ElasticNet, hyper_parameters=lambda self: ()), "'value' of the penalty Mine .* hyper_parameters"),
]  # fmt: skip


@pytest.mark.parametrize(("parameter", "mine", "message"), BEYOND)
def test_beyond_the_end(parameter, mine, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        fit(**{parameter: mine()})


def embeds(x, parameters, constants, outputs, saved, hyper):
    for i in range(x.size):
        outputs[i] = x[i] * parameters[0]
        saved[i] = 1.0


def adds(x, parameters, constants, saved, deltas, gradient, hyper):
    gradient[0] += deltas[0] * constants[0]


def adds_to_the_next(x, parameters, constants, saved, deltas, gradient, hyper):
    gradient[1] += deltas[0]


def embeds_without_saving(x, parameters, constants, outputs, saved, hyper):
    for i in range(x.size):
        outputs[i] = x[i] * parameters[0]


class OneFactor(Embedding):
    vectors = (EmbeddingVector("factors_", trained=True),)
    n_outputs = 1
    embed = staticmethod(embeds_without_saving)
    differentiate = staticmethod(adds)

    def start(self, rng, values, weights):
        return {"factors_": np.ones(1)}


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"embed": embeds}, "'embed' of the embedding Mine .* end of saved: .* n_saved=0"),
        ({"differentiate": adds_to_the_next}, "'differentiate' of the embedding Mine .* end of gradient"),
    ],
)
def test_embeddings_beyond_the_end(attributes, message):
    with pytest.raises(ValueError, match=message):
        fit(feature_embedding=rule(OneFactor, **attributes)())
    fit(feature_embedding=OneFactor())


def embeds_as_many_as_there_are(x, parameters, constants, outputs, saved, hyper):
    for j in range(parameters.size):
        for i in range(x.size):
            outputs[j * x.size + i] = x[i] * parameters[j]


def embeds_on_top(x, parameters, constants, outputs, saved, hyper):
    for i in range(x.size):
        outputs[i] += x[i] * parameters[0]


def first_output(raw_prediction, y, weights, scale, hyper):
    for i in range(raw_prediction.shape[0]):
        raw_prediction[i, 0] = scale * weights[i, 0] * (raw_prediction[i, 0] - y[i, 0])
    return 1.0


def no_step_size(weights, grad, slot_1, slot_2, slot_3, slot_4, scalars, step_size):
    for i in range(weights.size):
        weights[i] -= 0.01 * grad[i]


def no_step_size_of_matrices(weights, grad, a, b, c, d, scratch, hyper, step_size, lr, t):
    weights[0, 0] -= lr * grad[0, 0]


Y2 = np.c_[Y, Y]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"feature_embedding": rule(OneFactor, embed=embeds_as_many_as_there_are, n_outputs=3)()},
            "'embed' of the embedding Mine leaves 12 of 18 numbers in outputs .*n_outputs=3",
        ),
        ({"feature_embedding": rule(OneFactor, embed=embeds_on_top)()}, "leaves 6 of 6 numbers in outputs"),
        (
            {"loss": rule(SquaredError, evaluate=first_output)()},
            "'evaluate' of the loss Mine leaves 2 of 4 .* gradient",
        ),
        ({"solver": rule(SGD, step=no_step_size)(), "penalty": "l1"}, "'step' .* leaves 6 of 6 .* step_size"),
        ({"solver": rule(Muon, step_matrix=no_step_size_of_matrices)(), "penalty": "l1"}, "'step_matrix' .* step_size"),
    ],
)
def test_results_that_are_not_written(parameters, message):
    with pytest.raises(ValueError, match=message):
        MLPRegressor(**SMALL, **parameters).fit(X, Y2)
    if "penalty" in parameters:  # without a proximal step nobody reads them
        MLPRegressor(**SMALL, **parameters | {"penalty": "l2"}).fit(X, Y2)


def test_beyond_the_end_in_other_places():
    """Wrapped, behind a warm-up, in one of several layers, by name, with L-BFGS, and of a classifier."""
    late = rule(Constant, end_epoch=long_end_epoch)
    with pytest.raises(ValueError, match="end of memory"):
        fit(learning_rate=Warmup(late()))
    with pytest.raises(ValueError, match="end of memory"):
        fit(dropout=0.5, dropout_schedule=rule(Constant, rate=long_rate, has_horizon=True)())
    mine = rule(ReLU, activate=scaled)
    with pytest.raises(ValueError, match="end of numbers"):
        fit(activation=Trainable(mine()))
    with pytest.raises(ValueError, match="end of numbers"):
        MLPRegressor((3, 3), activation=["relu", mine()], solver="lbfgs").fit(X, Y)
    with pytest.raises(ValueError, match="end of numbers"):
        MLPClassifier(activation=mine()).partial_fit(X, Y > 0, classes=[False, True])
    next_one = rule(SquaredError, evaluate=next_output)
    MLPRegressor(loss=next_one(), **SMALL).fit(X, np.c_[Y, Y])  # of two outputs there is a next one


@pytest.fixture
def tried(monkeypatch):
    """The kernels that trials have run."""
    names = []
    run = trial._run

    def recorded(rule, name, *arguments):
        names.append(name)
        run(rule, name, *arguments)

    monkeypatch.setattr(trial, "_run", recorded)
    return names


def test_once_in_a_process(tried):
    mine = rule(ReLU, activate=saves, saves=True)
    model = MLPRegressor(**SMALL, activation=mine())
    for _ in range(2):
        model.fit(X, Y).partial_fit(X, Y)
    MLPRegressor(**SMALL, activation=mine()).fit(X, Y)
    assert tried == ["activate", "differentiate"]


def test_rules_of_the_package_are_never_tried(tried):
    """Nor are subclasses of them without kernels of their own."""
    rules = {"activation": Tanh, "penalty": L1, "solver": Muon, "learning_rate": Plateau, "loss": Huber}
    rules["feature_embedding"] = PiecewiseLinear
    fit(**{name: base() for name, base in rules.items()})
    fit(**{name: rule(base, own=1)() for name, base in rules.items()})
    fit(learning_rate=Warmup(Cosine()))
    assert tried == []


TABLE = (0.1, 0.2)


def fails_in_python(z, saved, hyper):
    for i in range(z.size):
        z[i] = TABLE[min(int(z[i] * 0), 1)]
    [][0]  # an error of plain Python that has nothing to do with arguments


def divides(z, saved, hyper):
    for i in range(z.size):
        z[i] = 1.0 / (z.size - z.size)


def needs_negative_numbers(z, saved, hyper):
    z[z.size - 1] = z[-1]


@pytest.mark.parametrize("kernel", [fails_in_python, divides, needs_negative_numbers])
def test_kernels_that_fail_otherwise_are_not_refused(kernel, tried):
    mine = rule(ReLU, activate=kernel)()
    arguments = {"z": np.ones(3), "saved": np.zeros(0), "hyper": np.zeros(0)}
    assert trial._run(mine, "activate", arguments) is None


# --- hyper_parameters() ----------------------------------------------------------------------------------------------


def in_order(self, first=2.0, second=3):
    self.second, self.first = second, first


@pytest.mark.parametrize("base", [ReLU, SquaredError, L2, SGD, Constant, Optimizer, Schedule])
def test_one_default_for_all_families(base):
    constraints = {"second": POSITIVE, "first": POSITIVE}
    mine = rule(base, __init__=in_order, _parameter_constraints=constraints)
    assert mine().hyper_parameters() == (3.0, 2.0)
    assert mine(True, np.float32(0.5)).hyper_parameters() == (0.5, 1.0)
    assert mine("a word").hyper_parameters() == mine(None).hyper_parameters() == ()
    np.testing.assert_array_equal(mine().hyper_vector(np.float32), np.float32([3, 2, 0]))


@pytest.mark.parametrize("columns", ["auto", [1, 3], np.array([True, False, False, True])], ids=str)
def test_columns_of_an_embedding_are_not_for_kernels(columns):
    constraints = {"columns": Embedding.columns_constraint, "second": POSITIVE, "first": POSITIVE}

    def init(self, columns="auto", first=2.0, second=3):
        self.columns, self.second, self.first = columns, second, first

    mine = rule(OneFactor, __init__=init, _parameter_constraints=constraints)
    assert mine(columns).hyper_parameters() == (3.0, 2.0)
    assert fit(feature_embedding=mine(columns)).embedded_columns_.size == (4 if isinstance(columns, str) else 2)


@pytest.mark.parametrize("wrong", [2.0, "12", None, ("1", 2.0), (None,), ((1.0, 2.0), 3.0), {"k"}, 1j])
def test_anything_but_numbers(wrong):
    mine = rule(ReLU, hyper_parameters=lambda self: wrong)
    message = r"hyper_parameters\(\) of the activation Mine must return a tuple of numbers, got .*\(self.name,\)\.$"
    with pytest.raises(TypeError, match=message):
        fit(activation=mine())


@pytest.mark.parametrize("numbers", [[1.0, 2.0], np.array([1, 2]), iter((1, np.float32(2)))])
def test_other_sequences_of_numbers(numbers):
    mine = rule(ReLU, hyper_parameters=lambda self: numbers)
    np.testing.assert_array_equal(mine().hyper_vector(float), [1.0, 2.0, 0.0])
