"""Machine code keeps to float32 and uses vector instructions."""

import inspect
import re
from functools import cache

import numba
import pytest
from numba import types
from support.kernels import needs_compiler
from support.pairwise import exhaustive

from skregopt import activations, embeddings, losses, optimizers, penalties
from skregopt._engine import declaration
from skregopt._kernels.compiler import KERNEL_OPTIONS
from skregopt.activations import Activation, Tanh
from skregopt.embeddings import Embedding
from skregopt.losses import Loss
from skregopt.optimizers import Optimizer
from skregopt.penalties import Penalty

FAMILIES = {
    activations: Activation, losses: Loss, penalties: Penalty, optimizers: Optimizer, embeddings: Embedding,
}  # fmt: skip
IN_DOUBLE = {"prepare"}  # once per update
SUMS_IN_DOUBLE = {"evaluate", "value"}


def kernels_of_rules():
    """Return {name: (function, role, signature by scalar type)} of all kernels, those that rules share once."""
    found = {}
    for module, base in FAMILIES.items():
        for rule in vars(module).values():
            if inspect.isclass(rule) and issubclass(rule, base) and rule is not base:
                for role in rule.signatures:
                    if hasattr(rule, role):
                        function = getattr(rule, role)
                        found[function.__name__.strip("_")] = (function, role, rule.signatures[role])
    return found


RULES = kernels_of_rules()


@cache
def optimised_code(function, signature):
    """Return LLVM's optimised code of a function compiled as the package does, without declarations."""
    dispatcher = numba.njit(no_cpython_wrapper=True, **KERNEL_OPTIONS)(function)
    dispatcher.compile(signature)
    code = dispatcher.inspect_llvm(signature.args)
    return "\n".join(line for line in code.splitlines() if not line.startswith(("declare", ";", "source_filename")))


def count(pattern, code):
    return len(re.findall(pattern, code))


@needs_compiler
@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [name for name, (_, role, _) in RULES.items() if role not in IN_DOUBLE])
def test_single_precision_kernels_stay_single(name):
    function, role, signature = RULES[name]
    code = optimised_code(function, signature(types.float32))
    assert "define" in code and "@" in code
    if role in SUMS_IN_DOUBLE:
        # what is computed in float64 is summed up, and never rounded back into a gradient
        assert count(r"\bfptrunc\b", code) == 0
    else:
        assert count(r"\b(fpext|fptrunc|double)\b", code) == 0


PASSES_THAT_SUM_IN_DOUBLE = {
    "batch_norm_forward", "batch_norm_backward", "layer_norm_forward", "layer_norm_backward", "clip_gradient",
    "loss_of_tile",
}  # fmt: skip
PASSES_THAT_ONLY_CALL = {
    "activation_forward", "activation_backward", "load_tile", "evaluate_rows", "train_rows", "forward", "backward",
    "gradient_of_vectors", "gradient_of_piece", "share", "data_loss", "follow_schedules",
}  # fmt: skip


@needs_compiler
@pytest.mark.parametrize("name", [name for name in declaration.PASSES if name not in PASSES_THAT_SUM_IN_DOUBLE])
def test_single_precision_passes_stay_single(name):
    function, signature = declaration.PASSES[name]
    code = optimised_code(function, signature(types.float32))
    assert count(r"\bfpext\b", code) == 0
    assert count(r"<\d+ x double>", code) == 0


@needs_compiler
@pytest.mark.numerics  # the oldest compiler leaves the sparse product as it is
@pytest.mark.parametrize("name", sorted(set(declaration.PASSES) - PASSES_THAT_ONLY_CALL - {"loss_of_tile"}))
def test_passes_are_vectorised(name):
    function, signature = declaration.PASSES[name]
    assert count(r"<\d+ x float>", optimised_code(function, signature(types.float32))) > 0


VECTORISED = (
    "tanh_activate",
    "logistic_activate",
    "relu_activate",
    "leaky_relu_activate",
    "leaky_relu_differentiate",
    "elu_activate",
    "selu_activate",
    "gelu_activate",
    "silu_activate",
    "mish_activate",
    "softplus_activate",
    "saved_differentiate",
    "sgd_step",
    "adam_step",
    "adamax_step",
    "nadam_step",
    "rmsprop_step",
    "muon_step_matrix",
    "adagrad_step",
    "adadelta_step",
    "lion_step",
    "l1_prox",
    "softmax_evaluate",
    "sigmoid_evaluate",
    "squared_error_evaluate",
    "huber_evaluate",
    "periodic_embed",
    "periodic_differentiate",
    "piecewise_linear_embed",
    "piecewise_linear_differentiate",
)


@needs_compiler
@pytest.mark.numerics  # the oldest compiler leaves tanh in double precision as it is
@pytest.mark.parametrize("name", VECTORISED)
@pytest.mark.parametrize("scalar", [types.float32, *exhaustive(types.float64)], ids=str)
def test_kernels_are_vectorised(name, scalar):
    function, _, signature = RULES[name]
    code = optimised_code(function, signature(scalar))
    kind = "float" if scalar == types.float32 else "double"
    assert count(rf"<\d+ x {kind}>", code) > 10


@needs_compiler
def test_full_width_vectors_are_preferred():
    code = optimised_code(Tanh.activate, Activation.signatures["activate"](types.float32))
    assert '"prefer-vector-width"="512"' in code
