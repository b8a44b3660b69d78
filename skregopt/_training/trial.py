"""A trial of a user's rules: their kernels run once as plain Python, which notices an index beyond an array.

Compiled code does not: it reads and writes whatever lies there. Results are wrong, or the process crashes. Nor does it
notice what a kernel leaves unwritten, which stays as it was for other rows.
"""

import inspect
import math
from functools import cache
from types import FunctionType

import numpy as np

from .._engine.records import N_SCALARS
from .._kernels.outside import is_own
from .._kernels.plain import BeyondEnd, plain, watched
from .memory import N_MEMORY, N_SLOTS

_SIZE = 6  # elements of the trial's vectors
_SHAPE = (2, 3)  # the same as a matrix
_LR, _ALPHA, _SCALE = np.float64(0.1), np.float64(0.01), np.float64(0.5)
_RAW_PREDICTION = 0.1234567  # unlike gradients
_UNWRITTEN = 1.2345e300  # in arrays that a kernel must write, where what is added to it does not count
_ONE, _TWO = np.int64(1), np.int64(2)

# attributes that decide about the sizes of arrays
_SIZING = (
    "hyper_parameters", "_parameter_constraints", "saves", "n_slots", "n_outputs", "n_saved", "vectors", "start",
)  # fmt: skip
_FAMILIES = {"solver": "optimizer", "learning_rate": "schedule", "feature_embedding": "embedding"}
_MOST_REMEMBERED = 1000
_passed = set()  # rules with the sizes and hyper-parameters that have passed


def try_out_rules(problem, optimizer, schedules):
    """Run the kernels of rules that are not of this package, once in a process for the same parameters.

    Parameters
    ----------
    problem : Problem
    optimizer : Optimizer or None
    schedules : list of Schedule

    Raises
    ------
    ValueError
        For a kernel that looks beyond the end of an array, or does not write all of its results.
    """
    network, train = problem.network, problem.train
    for activation in network.activations:
        _try_out(activation, _of_activation)
    sizes = (min(train.indices.size, 2), train.y.shape[1], train.weights.shape[1], network.layout.widths[-1])
    _try_out(network.loss, _of_loss, sizes, train)
    if network.embedding is not None and _is_foreign(type(network.embedding.rule)):
        numbers = [_numbers_of_first_column(problem, trained) for trained in (True, False)]
        rule = network.embedding.rule
        _try_out(rule, _of_embedding, (rule.n_outputs, rule.n_saved, *map(len, numbers)), *numbers)
    _try_out(network.penalty, _of_penalty, (network.layout.n_layers > 1, network.is_proximal))
    if optimizer is not None:
        _try_out(optimizer, _of_optimizer, (network.layout.n_layers > 1, network.is_proximal))
    for schedule in schedules:
        _try_out(schedule, _of_schedule)


def _numbers_of_first_column(problem, trained):
    """Return the parameters of the first embedded column, or its constants, of which there is at least one number."""
    network = problem.network
    shapes = network.embedding.shapes
    names = [vector.attribute for vector in network.embedding.rule.vectors if vector.trained is trained]
    if not names:
        return np.zeros(1)
    start = network.layout.starts[names[0]][0]
    return problem.theta[start : start + sum(math.prod(shapes[name][0]) for name in names)].astype(np.float64)


def _try_out(component, trial, sizes=(), *data):
    rule = component.kernel_owner()
    if not _is_foreign(type(rule)):
        return
    hyper = rule.hyper_vector(np.float64)[:-1]  # without the number behind them
    key = (type(rule), hyper.tobytes(), getattr(rule, "saves", None), getattr(rule, "n_slots", None), sizes)
    if key in _passed:
        return
    with np.errstate(all="ignore"):
        for name, arguments, *written in trial(rule, hyper, *sizes, *data):
            _run(rule, name, arguments, *written)
    if len(_passed) >= _MOST_REMEMBERED:
        _passed.clear()
    _passed.add(key)


@cache
def _is_foreign(kind):
    """Tell whether kernels of a rule, or what decides about the sizes of their arrays, are not of this package."""
    homes = (next((base for base in kind.__mro__ if name in vars(base)), None) for name in (*kind.signatures, *_SIZING))
    return not all(home is None or is_own(home) for home in homes)


def _run(rule, name, arguments, written=None):
    """Run a kernel on arguments by name, numbers of which are NumPy's: they divide by zero as compiled code does.

    ``written`` names the array of which it must change each number.
    """
    function = getattr(type(rule), name, None)
    if not isinstance(function, FunctionType):
        return  # compiling it says so
    given = [watched(role, value) if isinstance(value, np.ndarray) else value for role, value in arguments.items()]
    before = arguments[written].copy() if written else None
    kernel = f"The kernel {name!r} of the {_FAMILIES.get(rule.family, rule.family)} {type(rule).__name__}"
    try:
        plain(function)(*given)
    except BeyondEnd as error:
        raise ValueError(
            f"{kernel} looks beyond the end of {_own_name(function, error.role, arguments)}: {error}. "
            f"{_cure(rule, error.role, arguments)}"
        ) from error
    except Exception:  # a kernel may do what only compiled code can, or fail for the numbers of the trial
        return
    if written and (n_left := np.count_nonzero(arguments[written] == before)):
        raise ValueError(
            f"{kernel} leaves {n_left} of {before.size} numbers in {_own_name(function, written, arguments)} as they "
            f"were. {_what_to_write(rule, written)}"
        )


def _own_name(function, role, arguments):
    """Return what a kernel calls an argument, with our name where it is another one."""
    own = dict(zip(arguments, inspect.signature(function).parameters, strict=True))[role]
    return role if own == role else f"{own} ({role})"


def _what_to_write(rule, role):
    if role == "outputs":
        return (
            f"It must write output o of row i to outputs[o * n_rows + i], for all n_outputs={rule.n_outputs}. Does "
            "start return as many numbers as it reads?"
        )
    if role == "step_size":
        return "Where step_size is not empty, the kernel must write one for each weight: a proximal step follows."
    return "It must replace all of them by the gradient."


def _cure(rule, role, arguments):
    if role == "saved" and not getattr(rule, "saves", True):
        return "saved is empty: set saves = True in the class body, then it is as large as z."
    if role == "saved" and hasattr(rule, "n_saved"):
        return (
            f"saved has n_saved={rule.n_saved} numbers per row, and is empty in prediction: set n_saved, ask its size."
        )
    if role == "hyper":
        return (
            f"hyper has the {arguments['hyper'].size} number(s) of hyper_parameters(): let that method return all "
            "numbers that the kernels read, in their order. By default these are the parameters that "
            "_parameter_constraints names, if all are numbers."
        )
    if role.startswith("slot"):
        return f"step may use the first n_slots={rule.n_slots} slots: set n_slots in the class body."
    if role == "step_size":
        return "step_size is empty where no proximal step follows: loop over step_size.size."
    if role in ("memory", "scalars"):
        return f"{role} has {arguments[role].size} numbers."
    return f"{role} has the shape {arguments[role].shape}: take it from {role}.size or {role}.shape."


# --- one for each family: kernels and their arguments, in the order in which training calls them ----------------------


def _of_activation(rule, hyper):
    z, saved = np.linspace(-1, 1, _SIZE), np.zeros(_SIZE if rule.saves else 0)
    yield "activate", {"z": z, "saved": saved, "hyper": hyper}
    yield "differentiate", {"a": z, "saved": saved, "delta": np.ones(_SIZE), "hyper": hyper}


def _of_loss(rule, hyper, n_rows, n_targets, n_weights, n_outputs, train):
    raw_prediction, first = np.full((n_rows, n_outputs), _RAW_PREDICTION), train.indices[:n_rows]
    yield "invert_link", {"raw_prediction": raw_prediction.copy(), "hyper": hyper}
    y, weights = train.y[first].astype(np.float64), train.weights[first].astype(np.float64)
    yield (
        "evaluate",
        {"raw_prediction": raw_prediction, "y": y, "weights": weights, "scale": _SCALE, "hyper": hyper},
        "raw_prediction",
    )


def _of_embedding(rule, hyper, n_outputs, n_saved, n_parameters, n_constants, parameters, constants):
    x, saved, deltas = np.linspace(-1, 1, _SIZE), np.zeros(_SIZE * n_saved), np.ones(_SIZE * n_outputs)
    column = {"x": x, "parameters": parameters, "constants": constants}
    for of_saved in (np.zeros(0), saved):  # as in prediction, and in training
        outputs = np.full(_SIZE * n_outputs, _UNWRITTEN)
        yield "embed", {**column, "outputs": outputs, "saved": of_saved, "hyper": hyper}, "outputs"
    yield (
        "differentiate",
        {**column, "saved": saved, "deltas": deltas, "gradient": np.zeros(n_parameters), "hyper": hyper},
    )


def _of_penalty(rule, hyper, is_deep, is_proximal):
    weights, row_length = np.linspace(-1, 1, _SIZE), np.int64(_SHAPE[1])
    for layer in range(2 if is_deep else 1):
        place = {"row_length": row_length, "layer": np.int64(layer), "alpha": _ALPHA, "hyper": hyper}
        yield "value", {"weights": weights, **place}
        yield "add_gradient", {"weights": weights, "alpha": _ALPHA, "hyper": hyper, "grad": np.ones(_SIZE)}
        if is_proximal:
            yield "prox", {"weights": weights, "step_size": np.ones(_SIZE), **place}


def _of_optimizer(rule, hyper, is_deep, is_proximal):
    memory, scalars = np.zeros(N_MEMORY), np.zeros(N_SCALARS)
    slots = {f"slot_{k + 1}": np.zeros(_SIZE if k < rule.n_slots else 0) for k in range(N_SLOTS)}
    tables = {name: slot.reshape(_SHAPE if slot.size else (0, _SHAPE[1])) for name, slot in slots.items()}
    written = ["step_size"] * is_proximal
    for t, n_step_sizes in ((_ONE, 0), (_TWO, _SIZE)):
        yield "prepare", {"lr": _LR, "t": t, "hyper": hyper, "memory": memory, "scalars": scalars}
        weights, grad, step_size = np.ones(_SIZE), np.ones(_SIZE), np.full(n_step_sizes, _UNWRITTEN)
        yield "step", {"weights": weights, "grad": grad, **slots, "scalars": scalars, "step_size": step_size}, *written
        if is_deep and "step_matrix" in rule.signatures:
            step_size = np.full(n_step_sizes, _UNWRITTEN)
            yield (
                "step_matrix",
                {"weights": np.eye(*_SHAPE), "grad": np.eye(*_SHAPE), **tables, "scratch": np.zeros(4 * _SIZE),
                 "hyper": hyper, "step_size": step_size, "lr": _LR, "t": t},
                *written,
            )  # fmt: skip


def _of_schedule(rule, hyper):
    memory, score = np.zeros(N_MEMORY), np.float64(-1.0)
    for t, exhausted in ((_ONE, np.int64(0)), (_TWO, _ONE)):
        yield (
            "rate",
            {"peak": _LR, "t": t, "epoch": np.int64(0), "updates_per_epoch": _TWO, "max_iter": _ONE,
             "hyper": hyper, "memory": memory},
        )  # fmt: skip
        yield "end_epoch", {"exhausted": exhausted, "score": score, "hyper": hyper, "memory": memory}
