"""The identity."""

from ._family import Activation


def _identity_activate(z, saved, hyper):
    pass


def _identity_differentiate(a, saved, delta, hyper):
    pass


class Identity(Activation):
    """Identity, f(z) = z: a network without a non-linearity.

    Examples
    --------
    >>> from skregopt import MLPRegressor
    >>> MLPRegressor(activation="identity").get_params()["activation"]
    'identity'
    """

    activate = staticmethod(_identity_activate)
    differentiate = staticmethod(_identity_differentiate)

    def to_onnx(self, op, z):
        """Return ``z``."""
        return z
