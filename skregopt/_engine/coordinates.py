"""Steps that a rule makes on a copy of the weights, which are then moved as the copy has been, in compiled code.

With ``parametrization='ntp'``, the neural tangent parametrisation, a layer computes ``z = h V / sqrt(fan_in) + b`` (A.
Jacot, F. Gabriel, C. Hongler, "Neural tangent kernel: convergence and generalization in neural networks", NeurIPS
2018). The network multiplies by ``W = s V`` with ``s = 1 / sqrt(fan_in)`` as ever, and only the update knows V:

* the gradient with respect to V is s times the gradient with respect to W, of loss and penalty alike;
* the rule steps V = W / s, to V', and W moves by s (V' - V), so that a step of zero changes no bit;
* a proximal step of V with step sizes tau, for a penalty of W, is a proximal step of W with step sizes s^2 tau;
* a decoupled decay multiplies V and W alike.

A group of parameters whose factor on the learning rate is 0 is stepped in such a copy, too (s is 1), and the copy is
thrown away. The state of the rule goes on, and no rule, whatever it computes at a rate of 0, moves a weight.
"""

from numba import types

from .._kernels.jit import vector
from .._kernels.views import flat_view
from .declaration import compiled_pass
from .records import job_type


@compiled_pass(lambda T: types.void(job_type, types.float64, *[vector(T)] * 3))
def to_coordinates(job, scale, weights, gradient, copies):
    """Write two copies of the weights in the coordinates to step in, and turn the gradient to them."""
    moved, before = flat_view(copies, 0, weights.size), flat_view(copies, weights.size, weights.size)
    factor, inverse = weights.dtype.type(scale), weights.dtype.type(1.0 / scale)
    for i in range(weights.size):
        value = weights[i] * inverse
        before[i] = value
        moved[i] = value
    if not job.settings.clips_gradient:  # which has done it
        for i in range(weights.size):
            gradient[i] *= factor


@compiled_pass(lambda T: types.void(job_type, types.float64, *[vector(T)] * 3))
def from_coordinates(job, scale, copies, step_size, weights):
    """Move the weights as their first copy differs from the second, and turn the step sizes back."""
    moved, before = flat_view(copies, 0, weights.size), flat_view(copies, weights.size, weights.size)
    factor = weights.dtype.type(scale)
    for i in range(weights.size):
        weights[i] += factor * (moved[i] - before[i])
    for i in range(step_size.size):
        step_size[i] *= factor * factor
