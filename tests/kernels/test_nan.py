"""A diverged fit is recognised by NaN, so no kernel may lose one. 37 elements: vector instructions and a remainder."""

import numba
import numpy as np
import pytest
from support.kernels import DTYPES, call, is_only_at, needs_compiler, vector_with

from skregopt._engine import loop
from skregopt._kernels.compiler import KERNEL_OPTIONS
from skregopt.activations import ACTIVATIONS
from skregopt.losses import REGRESSION_LOSSES, FocalSigmoid, FocalSoftmax, SigmoidLogLoss, SoftmaxLogLoss
from skregopt.penalties import PENALTIES

SIZE = 37
PLACES = [0, 5, 18, SIZE - 1]
BAD = [np.nan, np.inf, -np.inf]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_activations_keep_nan(rule, dtype):
    nothing, hyper = np.zeros(0, dtype), rule().hyper_vector(dtype)
    for place in PLACES:
        z = vector_with(dtype, place)
        call(rule, "activate", dtype, z, z.copy() if rule.saves else nothing, hyper)
        assert is_only_at(np.isnan(z), place)
        a, delta = z, vector_with(dtype)
        a[place] = a[place - 1]
        delta[place] = np.nan
        call(rule, "differentiate", dtype, a, a.copy() if rule.saves else nothing, delta, hyper)
        if a[place] > 0:  # relu's derivative is zero elsewhere, and zero times NaN may be zero
            assert is_only_at(np.isnan(delta), place)


LOSSES = {
    "softmax": (SoftmaxLogLoss, 4),
    "sigmoid": (SigmoidLogLoss, 4),
    "focal softmax": (FocalSoftmax, 4),
    "focal sigmoid": (FocalSigmoid, 4),
    **{name: (rule, 4) for name, rule in REGRESSION_LOSSES.items()},
}


@pytest.mark.nojit
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
def test_losses_keep_nan(name, dtype):
    rule, n_outputs = LOSSES[name]
    n_rows = 9
    for bad in BAD:
        for row in (0, 4, n_rows - 1):
            raw = vector_with(dtype, size=n_rows * n_outputs).reshape(n_rows, n_outputs)
            raw[row, row % n_outputs] = bad
            y = np.ones((n_rows, 1 if "softmax" in name else n_outputs), dtype)
            hyper = rule().hyper_vector(dtype)
            arguments = (y, np.ones((n_rows, 1), dtype), np.dtype(dtype).type(0.5), hyper)
            gradient, y_pred = raw.copy(), raw.copy()
            with np.errstate(all="ignore"):
                loss = call(rule, "evaluate", dtype, gradient, *arguments)
                call(rule, "invert_link", dtype, y_pred, hyper)
            if not ("softmax" in name and bad == -np.inf):  # that is a probability of zero
                assert not np.isfinite(loss)
            if np.isnan(bad):
                assert np.isnan(loss) and np.isnan(gradient[row]).any() and np.isnan(y_pred[row]).any()
            others = np.arange(n_rows) != row
            assert np.isfinite(gradient[others]).all() and np.isfinite(y_pred[others]).all()


@pytest.mark.nojit
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in PENALTIES if name])
@np.errstate(all="ignore")  # as plain Python the kernels warn of NaN and infinity
def test_penalties_keep_nan(name, dtype, bad):
    component = PENALTIES[name]()
    rule, hyper, alpha = type(component), component.hyper_vector(dtype), np.dtype(dtype).type(0.25)
    for place in PLACES:
        weights, grad = vector_with(dtype, place, bad), np.zeros(SIZE, dtype)
        assert not np.isfinite(call(rule, "value", dtype, weights, 1, 0, alpha, hyper))
        call(rule, "add_gradient", dtype, weights, alpha, hyper, grad)
        assert name == "l1" or is_only_at(~np.isfinite(grad), place)
        if not component.is_smooth:
            call(rule, "prox", dtype, weights, np.ones(SIZE, dtype), 1, 0, alpha, hyper)
            assert is_only_at(~np.isfinite(weights), place)
            assert np.any(weights == 0)
        # an infinite step size with a finite weight gives zero, and NaN in the step size is not lost
        weights, step_size = vector_with(dtype), vector_with(dtype, place, np.nan) ** 2
        call(rule, "prox", dtype, weights, step_size, 1, 0, alpha, hyper)
        assert component.is_smooth or is_only_at(np.isnan(weights), place)


@needs_compiler
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("dtype", DTYPES)
def test_divergence_is_seen_in_every_element(dtype, bad):
    def is_finite(theta, largest):
        return loop._is_finite(theta, largest)

    check, largest = numba.njit(**KERNEL_OPTIONS)(is_finite), np.finfo(dtype).max
    assert check(vector_with(dtype), largest)
    assert check(np.full(SIZE, largest), largest)
    for place in range(SIZE):
        assert not check(vector_with(dtype, place, bad), largest)
