"""Activation functions of the hidden layers, one class and two kernels each.

Shapes and conventions, on which the training loop relies:

* a kernel sees the values of one layer for one tile of rows as one flat vector ``z`` of ``n_rows * n_units`` elements;
* ``activate(z, saved, hyper)`` replaces the pre-activations in ``z`` by the activations; a rule with ``saves = True``
  may write to ``saved`` (same size as ``z``, otherwise empty) whatever its derivative needs besides the activation
  itself;
* ``differentiate(a, saved, delta, hyper)`` multiplies ``delta``, the gradient with respect to the activations, by the
  derivative at the pre-activations, ``a`` being the activations.
"""

from numba import types

from . import _math
from ._component import Component
from ._jit import vector


class Activation(Component):
    """Family of activation functions.

    Attributes
    ----------
    saves : bool
        Whether the derivative needs more than the activation, see the conventions above.
    glorot_gain : float
        Factor on the variance of the initial weights.
    """

    family = "activation"
    signatures = {
        "activate": lambda T: types.void(vector(T), vector(T), vector(T)),
        "differentiate": lambda T: types.void(vector(T), vector(T), vector(T), vector(T)),
    }
    saves = False
    glorot_gain = 1.0


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


def _logistic_activate(z, saved, hyper):
    for i in range(z.size):
        z[i] = _math.logistic(z[i])


def _logistic_differentiate(a, saved, delta, hyper):
    one = a.dtype.type(1)
    for i in range(a.size):
        delta[i] *= a[i] * (one - a[i])


class Logistic(Activation):
    """Logistic sigmoid, f(z) = 1 / (1 + exp(-z)), f' = f (1 - f).

    Its derivative is at most 1/4, so gradients shrink with every layer below it.

    Examples
    --------
    >>> from skregopt.activations import Logistic
    >>> Logistic()
    Logistic()
    """

    glorot_gain = 1.0 / 3.0  # as in scikit-learn
    activate = staticmethod(_logistic_activate)
    differentiate = staticmethod(_logistic_differentiate)


def _tanh_activate(z, saved, hyper):
    for i in range(z.size):
        z[i] = _math.tanh(z[i])


def _tanh_differentiate(a, saved, delta, hyper):
    one = a.dtype.type(1)
    for i in range(a.size):
        delta[i] *= one - a[i] * a[i]


class Tanh(Activation):
    """Hyperbolic tangent, f(z) = tanh(z), f' = 1 - f^2.

    Examples
    --------
    >>> from skregopt.activations import Tanh
    >>> Tanh()
    Tanh()
    """

    activate = staticmethod(_tanh_activate)
    differentiate = staticmethod(_tanh_differentiate)


def _relu_activate(z, saved, hyper):
    zero = z.dtype.type(0)
    for i in range(z.size):
        # written so that NaN stays NaN
        z[i] = zero if z[i] < zero else z[i]


def _relu_differentiate(a, saved, delta, hyper):
    zero = a.dtype.type(0)
    for i in range(a.size):
        delta[i] = zero if a[i] <= zero else delta[i]


class ReLU(Activation):
    """Rectified linear unit, f(z) = max(0, z), f' = 1 for z > 0 and 0 otherwise.

    Examples
    --------
    >>> from skregopt.activations import ReLU
    >>> ReLU()
    ReLU()
    """

    activate = staticmethod(_relu_activate)
    differentiate = staticmethod(_relu_differentiate)


ACTIVATIONS = {
    "identity": Identity,
    "logistic": Logistic,
    "tanh": Tanh,
    "relu": ReLU,
}
