"""The exponential moving average of the weights, which ``ema_decay`` keeps in place of the last weights."""

from numba import types

from .._kernels.jit import vector
from .._kernels.views import array_at
from .declaration import compiled_pass
from .records import job_type


@compiled_pass(lambda T: types.void(vector(T), job_type))
def average_weights(theta, job):
    """Move the exponential moving average towards the weights after update ``t`` (1-based).

    ``average_t = decay average_{t-1} + (1 - decay) theta_t`` with ``average_1 = theta_1``, as in PyTorch's
    ``AveragedModel`` with ``get_ema_multi_avg_fn``; 0.0 wherever the weight is 0.0, so that zeros stay exact.
    """
    decay, t, n_parameters = job.settings.ema_decay, job.update.t, job.network.n_parameters
    average = array_at(job.update.kept, theta.size, theta)
    keep = theta.dtype.type(decay if t > 1 else 0.0)
    rest = theta.dtype.type(1.0 - decay if t > 1 else 1.0)
    zero = theta.dtype.type(0)
    for i in range(n_parameters):
        moved = keep * average[i] + rest * theta[i]
        average[i] = zero if theta[i] == zero else moved
    for i in range(n_parameters, theta.size):  # running statistics are averages already
        average[i] = theta[i]
