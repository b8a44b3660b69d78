"""Absolute error: the pinball loss of the median, doubled."""

from ._family import Loss, identity_invert_link, identity_to_onnx
from ._quantile import pinball_evaluate


class AbsoluteError(Loss):
    """Absolute error, ``|z - y|``, averaged over outputs; prediction z, which estimates the median.

    Examples
    --------
    >>> from skregopt.losses import AbsoluteError
    >>> AbsoluteError().out_activation
    'identity'
    """

    targets = ("continuous",)
    evaluate = staticmethod(pinball_evaluate)
    invert_link = staticmethod(identity_invert_link)
    to_onnx = staticmethod(identity_to_onnx)

    def hyper_parameters(self):
        """Return the numbers of :class:`Quantile`'s kernel: one level, with a loss of 1 per unit below and above y."""
        return (1.0, 1.0, 1.0)
