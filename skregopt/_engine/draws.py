"""Networks that dropout has thinned, for predictions with their uncertainty.

To drop a unit for all rows is to multiply its row of the weight matrix behind it by 0, to keep it is to multiply that
row by 1 / (1 - rate). A thinned network therefore is an ordinary network with other weights, and predicts as such.
"""

import numpy as np

from .._kernels import maths
from .._kernels.views import flat_view


def thin(theta, units, coef_starts, rates, seed, draw, thinned):
    """Fill ``thinned`` with the parameters of the network of a draw.

    Masks are keyed by seed, draw, layer and unit. The keys are those that a row numbered ``draw`` would have in epoch
    -1, which there is not, so that no mask of the training is met again.

    Parameters
    ----------
    theta, thinned : vector of T
    units, coef_starts : int64 vector
        As in ``Layout``.
    rates : float64 vector, one element for each weight matrix
        Rates of dropout of what enters it: the features, the units of each hidden layer.
    seed : uint64
    draw : int64
    """
    key = maths.mix(maths.mix(seed, -1), draw)
    zero = theta.dtype.type(0)
    for i in range(theta.size):
        thinned[i] = theta[i]
    for layer in range(rates.size):
        if rates[layer] > 0.0:
            fan_in, fan_out = units[layer], units[layer + 1]
            layer_key = maths.mix(key, layer)
            keep = theta.dtype.type(1.0 / (1.0 - rates[layer]))
            threshold = np.uint32(min(rates[layer] * 4294967296.0, 4294967295.0))
            for j in range(fan_in):
                factor = zero if maths.random_bits(layer_key, j) < threshold else keep
                row = flat_view(thinned, coef_starts[layer] + j * fan_out, fan_out)
                for k in range(fan_out):
                    row[k] *= factor
