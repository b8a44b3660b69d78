"""Machine code keeps to float32 and uses vector instructions."""

import inspect
import re

import numba
import pytest
from numba import types
from support.kernels import needs_compiler

from skregopt import activations, losses, optimizers, penalties
from skregopt._engine import declaration
from skregopt._kernels.compiler import OPTIONS
from skregopt.activations import Activation, Tanh
from skregopt.losses import Loss
from skregopt.optimizers import Optimizer
from skregopt.penalties import Penalty

# Sums of losses and penalties are float64 by design, and so is `prepare`, which runs once per update.

FAMILIES = {activations: Activation, losses: Loss, penalties: Penalty, optimizers: Optimizer}
IN_DOUBLE = {"prepare"}
SUMS_IN_DOUBLE = {"evaluate", "value"}


def single_kernels():
    """Return {name: (function, signature)} of all kernels for float32, each function once."""
    found = {}
    for module, base in FAMILIES.items():
        for rule in vars(module).values():
            if inspect.isclass(rule) and issubclass(rule, base) and rule is not base:
                for name, signature in rule.signatures.items():
                    if hasattr(rule, name):
                        function = getattr(rule, name)
                        found[function] = (f"{function.__name__}", name, function, signature(types.float32))
    return list(found.values())


def optimised_code(function, signature):
    """Return LLVM's optimised code of a function compiled as the package does, without declarations."""
    dispatcher = numba.njit(no_cpython_wrapper=True, **OPTIONS)(function)
    dispatcher.compile(signature)
    code = dispatcher.inspect_llvm(signature.args)
    return "\n".join(line for line in code.splitlines() if not line.startswith(("declare", ";", "source_filename")))


def count(pattern, code):
    return len(re.findall(pattern, code))


@needs_compiler
@pytest.mark.parametrize(("name", "role", "function", "signature"), single_kernels(), ids=lambda value: str(value)[:40])
def test_single_precision_kernels_stay_single(name, role, function, signature):
    code = optimised_code(function, signature)
    assert "define" in code and "@" in code
    if role in IN_DOUBLE:
        return
    if role in SUMS_IN_DOUBLE:
        # what is computed in float64 is summed up, and never rounded back into a gradient
        assert count(r"\bfptrunc\b", code) == 0
        return
    assert count(r"\b(fpext|fptrunc|double)\b", code) == 0


PASSES_THAT_SUM_IN_DOUBLE = {
    "batch_norm_forward", "batch_norm_backward", "layer_norm_forward", "layer_norm_backward", "clip_gradient",
    "loss_of_tile",
}  # fmt: skip
PASSES_THAT_ONLY_CALL = {
    "activation_forward", "activation_backward", "load_tile", "evaluate_rows", "train_rows", "forward", "backward",
    "gradient_of_vectors", "gradient_of_piece", "share", "data_loss",
}  # fmt: skip


@needs_compiler
@pytest.mark.parametrize("name", [name for name in declaration.PASSES if name not in PASSES_THAT_SUM_IN_DOUBLE])
def test_single_precision_passes_stay_single(name):
    function, signature = declaration.PASSES[name]
    code = optimised_code(function, signature(types.float32))
    assert count(r"\bfpext\b", code) == 0
    assert count(r"<\d+ x double>", code) == 0
    assert count(r"<\d+ x float>", code) > 0 or name in PASSES_THAT_ONLY_CALL


VECTORISED = (
    "_tanh_activate",
    "_logistic_activate",
    "_relu_activate",
    "_leaky_relu_activate",
    "_leaky_relu_differentiate",
    "_elu_activate",
    "_selu_activate",
    "_gelu_activate",
    "_silu_activate",
    "_mish_activate",
    "_softplus_activate",
    "_saved_differentiate",
    "_sgd_step",
    "_adam_step",
    "_adamax_step",
    "_nadam_step",
    "rmsprop_step",
    "muon_step_matrix",
    "_adagrad_step",
    "_adadelta_step",
    "_lion_step",
    "_l1_prox",
    "softmax_evaluate",
    "sigmoid_evaluate",
    "_squared_error_evaluate",
    "_huber_evaluate",
)


@needs_compiler
@pytest.mark.numerics  # the oldest compiler leaves tanh in double precision as it is
@pytest.mark.parametrize("name", VECTORISED)
@pytest.mark.parametrize("scalar", [types.float32, types.float64], ids=str)
def test_kernels_are_vectorised(name, scalar):
    by_name = {kernel: (role, function) for kernel, role, function, _ in single_kernels()}
    role, function = by_name[name]
    families = [base.signatures for base in FAMILIES.values()] + [Optimizer.matrix_signatures]
    (signature,) = [signatures[role] for signatures in families if role in signatures]
    code = optimised_code(function, signature(scalar))
    kind = "float" if scalar == types.float32 else "double"
    assert count(rf"<\d+ x {kind}>", code) > 10


@needs_compiler
def test_full_width_vectors_are_preferred():
    code = optimised_code(Tanh.activate, Activation.signatures["activate"](types.float32))
    assert '"prefer-vector-width"="512"' in code
