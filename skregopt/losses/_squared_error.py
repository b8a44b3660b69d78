"""Squared error."""

import numpy as np

from ._family import Loss, identity_invert_link, identity_to_onnx


def _squared_error_evaluate(raw_prediction, y, weights, scale, hyper):
    n_outputs = raw_prediction.shape[1]
    share = scale / raw_prediction.dtype.type(n_outputs)
    total = 0.0
    for i in range(raw_prediction.shape[0]):
        weight = weights[i, 0]
        squares = 0.0
        for k in range(n_outputs):
            residual = raw_prediction[i, k] - y[i, k]
            squares += np.float64(residual) * np.float64(residual)
            raw_prediction[i, k] = (share * weight) * residual
        total += weight * squares
    return 0.5 * total / n_outputs


class SquaredError(Loss):
    """Half the squared error, (z - y)^2 / 2, averaged over outputs; prediction z.

    Examples
    --------
    >>> from skregopt.losses import SquaredError
    >>> SquaredError().out_activation
    'identity'
    """

    targets = ("continuous",)
    evaluate = staticmethod(_squared_error_evaluate)
    invert_link = staticmethod(identity_invert_link)
    to_onnx = staticmethod(identity_to_onnx)
