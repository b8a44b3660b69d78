"""Huber's loss."""

from numbers import Real

import numpy as np

from .._kernels.sklearn_internals import Interval
from ._family import Loss, identity_invert_link, identity_to_onnx

DELTA = 0  # place in `hyper`


def _huber_evaluate(raw_prediction, y, weights, scale, hyper):
    n_outputs = raw_prediction.shape[1]
    share = scale / raw_prediction.dtype.type(n_outputs)
    delta, half = hyper[DELTA], raw_prediction.dtype.type(0.5)
    total = 0.0
    for i in range(raw_prediction.shape[0]):
        weight = weights[i, 0]
        losses = 0.0
        for k in range(n_outputs):
            residual = raw_prediction[i, k] - y[i, k]
            magnitude = abs(residual)
            clipped = min(magnitude, delta)
            losses += np.float64(clipped * (magnitude - half * clipped))
            slope = clipped if residual > 0 else -clipped
            raw_prediction[i, k] = (share * weight) * (slope if residual == residual else residual)
        total += weight * losses
    return total / n_outputs


class Huber(Loss):
    """Huber's loss of the residual r = z - y, averaged over outputs; prediction z.

    ``r^2 / 2`` where ``|r| <= delta``, else ``delta (|r| - delta / 2)``, as PyTorch's ``HuberLoss``.

    Parameters
    ----------
    delta : float > 0, default=1.0
        Residual beyond which the loss grows linearly, in units of y.

    Examples
    --------
    >>> from skregopt.losses import Huber
    >>> Huber(delta=2.0)
    Huber(delta=2.0)
    """

    targets = ("continuous",)
    _parameter_constraints = {"delta": [Interval(Real, 0, None, closed="neither")]}
    evaluate = staticmethod(_huber_evaluate)
    invert_link = staticmethod(identity_invert_link)
    to_onnx = staticmethod(identity_to_onnx)

    def __init__(self, delta=1.0):
        self.delta = delta

    def hyper_parameters(self):
        """Return ``delta``."""
        return (self.delta,)
