"""Activation functions of the hidden layers, one class and two kernels each.

Shapes and conventions, on which the training loop relies:

* a kernel sees the values of one layer for one tile of rows as one flat vector ``z`` of ``n_rows * n_units`` elements;
* ``activate(z, saved, hyper)`` replaces the pre-activations in ``z`` by the activations; a rule with ``saves = True``
  may write to ``saved`` (same size as ``z``, otherwise empty) whatever its derivative needs besides the activation
  itself;
* ``differentiate(a, saved, delta, hyper)`` multiplies ``delta``, the gradient with respect to the activations, by the
  derivative at the pre-activations, ``a`` being the activations.

Rules whose derivative shares an exponential with the activation save the derivative itself.

``to_onnx(op, z)`` says the same as ``activate`` in operators of ONNX, see :class:`skregopt._onnx.Graph`. The forms keep
to operators that onnxruntime computes in float64 as well.
"""

from numbers import Real

from numba import types
from sklearn.utils._param_validation import StrOptions

from ._kernels import maths
from ._kernels.component import Component
from ._kernels.interval import Interval
from ._kernels.jit import jit, vector


class Activation(Component):
    """Family of activation functions.

    Attributes
    ----------
    saves : bool
        Whether the derivative needs more than the activation, see the conventions above.
    glorot_gain : float
        Factor on the variance of the initial weights that 'glorot_uniform' draws.
    default_initializer : str
        What ``weight_init='auto'`` stands for, a name in :mod:`skregopt.initializers`.
    """

    family = "activation"
    signatures = {
        "activate": lambda T: types.void(vector(T), vector(T), vector(T)),
        "differentiate": lambda T: types.void(vector(T), vector(T), vector(T), vector(T)),
    }
    saves = False
    glorot_gain = 1.0
    default_initializer = "glorot_uniform"

    def to_onnx(self, op, z):
        """Return the activations of the pre-activations ``z`` in operators of ONNX.

        Parameters
        ----------
        op : Graph
            ``op.Name(input, ..., attribute=...)`` adds a node of the operator of that name, and returns its output.
            Inputs are outputs, or numbers in the dtype of the network.
        z : str
            Output of the node before.

        Returns
        -------
        str
            Output of the last node.

        Raises
        ------
        NotImplementedError
            Unless a rule overrides this.
        """
        raise NotImplementedError


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


def _logistic_activate(z, saved, hyper):
    for i in range(z.size):
        z[i] = maths.logistic(z[i])


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

    def to_onnx(self, op, z):
        """Return ONNX's Sigmoid."""
        return op.Sigmoid(z)


def _tanh_activate(z, saved, hyper):
    for i in range(z.size):
        z[i] = maths.tanh(z[i])


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

    def to_onnx(self, op, z):
        """Return ONNX's Tanh."""
        return op.Tanh(z)


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

    Starts from scikit-learn's weights, 'glorot_uniform': with 'he_uniform' shallow networks on small data end worse.

    Examples
    --------
    >>> from skregopt.activations import ReLU
    >>> ReLU()
    ReLU()
    """

    activate = staticmethod(_relu_activate)
    differentiate = staticmethod(_relu_differentiate)

    def to_onnx(self, op, z):
        """Return ONNX's Relu."""
        return op.Relu(z)


def _leaky_relu_activate(z, saved, hyper):
    zero, slope = z.dtype.type(0), hyper[0]
    for i in range(z.size):
        z[i] = z[i] if z[i] > zero else slope * z[i]


def _leaky_relu_differentiate(a, saved, delta, hyper):
    zero, one, slope = a.dtype.type(0), a.dtype.type(1), hyper[0]
    for i in range(a.size):
        delta[i] *= slope if a[i] <= zero else one


class LeakyReLU(Activation):
    """Leaky rectified linear unit, f(z) = z for z > 0 and negative_slope z otherwise; f' = 1 or negative_slope.

    Parameters
    ----------
    negative_slope : float >= 0, default=0.01
        Slope below 0, small so that a unit that is off still learns. The default is PyTorch's.

    Notes
    -----
    A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.

    Examples
    --------
    >>> from skregopt.activations import LeakyReLU
    >>> LeakyReLU(negative_slope=0.2)
    LeakyReLU(negative_slope=0.2)
    """

    _parameter_constraints = {"negative_slope": [Interval(Real, 0, None, closed="left")]}
    default_initializer = "he_uniform"
    activate = staticmethod(_leaky_relu_activate)
    differentiate = staticmethod(_leaky_relu_differentiate)

    def __init__(self, negative_slope=0.01):
        self.negative_slope = negative_slope

    def hyper_parameters(self):
        """Return the slope below 0."""
        return (self.negative_slope,)

    def to_onnx(self, op, z):
        """Return ``z`` above 0, a multiple below."""
        return op.Where(op.Greater(z, 0.0), z, op.Mul(z, self.negative_slope))


@jit
def _scaled_elu(z, derivatives, upper, lower):
    """Replace z by upper z above 0 and by lower (exp(z) - 1) below."""
    zero = z.dtype.type(0)
    for i in range(z.size):
        x = z[i]
        is_positive = x > zero
        below = zero if is_positive else x
        derivatives[i] = upper if is_positive else lower * maths.exp(below)
        z[i] = upper * x if is_positive else lower * maths.expm1(below)


def _scaled_elu_to_onnx(op, z, upper, lower):
    below = op.Mul(op.Sub(op.Exp(op.Min(z, 0.0)), 1.0), lower)
    return op.Where(op.Greater(z, 0.0), op.Mul(z, upper), below)


def _elu_activate(z, saved, hyper):
    _scaled_elu(z, saved, z.dtype.type(1), hyper[0])


def _saved_differentiate(a, saved, delta, hyper):
    for i in range(delta.size):
        delta[i] *= saved[i]


class ELU(Activation):
    """Exponential linear unit, f(z) = z for z > 0 and negative_scale (exp(z) - 1) otherwise.

    f' = 1 for z > 0 and negative_scale exp(z) otherwise.

    Parameters
    ----------
    negative_scale : float >= 0, default=1.0
        Minus the value that f approaches at minus infinity; the kink at 0 vanishes for 1. PyTorch and Keras call it
        alpha, which here is the strength of the penalty.

    Notes
    -----
    D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by exponential linear units
    (ELUs)", ICLR 2016.

    Examples
    --------
    >>> from skregopt.activations import ELU
    >>> ELU(negative_scale=0.5)
    ELU(negative_scale=0.5)
    """

    _parameter_constraints = {"negative_scale": [Interval(Real, 0, None, closed="left")]}
    saves = True
    default_initializer = "he_uniform"
    activate = staticmethod(_elu_activate)
    differentiate = staticmethod(_saved_differentiate)

    def __init__(self, negative_scale=1.0):
        self.negative_scale = negative_scale

    def hyper_parameters(self):
        """Return minus the value at minus infinity."""
        return (self.negative_scale,)

    def to_onnx(self, op, z):
        """Return ``z`` above 0, an exponential below."""
        return _scaled_elu_to_onnx(op, z, 1.0, self.negative_scale)


def _selu_activate(z, saved, hyper):
    # the product of the two constants of the paper is the second factor
    _scaled_elu(z, saved, z.dtype.type(1.0507009873554804934), z.dtype.type(1.7580993408473768599))


class SELU(Activation):
    """Scaled exponential linear unit, f(z) = scale z for z > 0 and scale alpha (exp(z) - 1) otherwise.

    With scale = 1.0507009873554805, alpha = 1.6732632423543772 and initial weights of variance 1 / fan_in (what
    ``weight_init='auto'`` draws), activations of any depth keep mean 0 and variance 1.

    Notes
    -----
    G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, "Self-normalizing neural networks", NeurIPS 2017.

    Examples
    --------
    >>> from skregopt.activations import SELU
    >>> SELU().default_initializer
    'lecun_normal'
    """

    saves = True
    default_initializer = "lecun_normal"
    activate = staticmethod(_selu_activate)
    differentiate = staticmethod(_saved_differentiate)

    def to_onnx(self, op, z):
        """Return a multiple of ``z`` above 0, an exponential below."""
        return _scaled_elu_to_onnx(op, z, 1.0507009873554804934, 1.7580993408473768599)


# Beyond this, a gate is exactly 0 or 1 and the derivative a constant: what stands for z in a product with 0.
_BOUND = 1000


@jit
def _above(x, lower):
    """Return max(x, lower); NaN stays NaN."""
    return lower if x < lower else x


@jit
def _within(x, bound):
    """Return x within [-bound, bound]; NaN stays NaN."""
    return -bound if x < -bound else (bound if x > bound else x)


@jit
def _two_sided_logistic(x, zero, one):
    """Return 1 / (1 + exp(-x)) and 1 / (1 + exp(x)), the smaller one not as a difference."""
    e = maths.exp(-abs(x))
    larger = one / (one + e)
    smaller = e * larger
    is_negative = x < zero
    return smaller if is_negative else larger, larger if is_negative else smaller


def _gelu_activate(z, saved, hyper):
    dtype = z.dtype.type
    zero, one, three, bound = dtype(0), dtype(1), dtype(3), dtype(_BOUND)
    linear, cubic = dtype(1.5957691216057308), dtype(0.071354816272600243)  # 2 sqrt(2 / pi) (1, 0.044715)
    density_at_0 = dtype(0.39894228040143268)
    if hyper[0] > zero:
        for i in range(z.size):
            x = _within(z[i], bound)
            square = x * x
            gate, rest = _two_sided_logistic(x * (linear + cubic * square), zero, one)
            saved[i] = gate * (one + x * rest * (linear + three * cubic * square))
            z[i] = _above(z[i], -bound) * gate
    else:
        for i in range(z.size):
            bell = maths.gaussian(z[i])
            gate = maths.normal_cdf(z[i], bell)
            saved[i] = gate + _within(z[i], bound) * (density_at_0 * bell)
            z[i] = _above(z[i], -bound) * gate


class GELU(Activation):
    """Gaussian error linear unit, f(z) = z P(z) with P the distribution function of the standard normal.

    f' = P(z) + z exp(-z^2 / 2) / sqrt(2 pi).

    Parameters
    ----------
    approximate : {'none', 'tanh'}, default='none'
        'tanh' replaces P(z) by (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2, as PyTorch's parameter does.

    Notes
    -----
    D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415, 2016.

    Examples
    --------
    >>> from skregopt.activations import GELU
    >>> GELU(approximate="tanh")
    GELU(approximate='tanh')
    """

    _parameter_constraints = {"approximate": [StrOptions({"none", "tanh"})]}
    saves = True
    default_initializer = "he_uniform"
    activate = staticmethod(_gelu_activate)
    differentiate = staticmethod(_saved_differentiate)

    def __init__(self, approximate="none"):
        self.approximate = approximate

    def hyper_parameters(self):
        """Return 1 for the approximation by tanh, else 0."""
        return (float(self.approximate == "tanh"),)

    def to_onnx(self, op, z):
        """Return ``z`` times a gate, whose Erf is in float32: onnxruntime has no other."""
        if self.approximate == "tanh":
            cube = op.Mul(z, op.Mul(z, z))
            gate = op.Sigmoid(op.Mul(op.Add(z, op.Mul(cube, 0.044715)), 1.5957691216057308))
        else:
            error = op.Erf(op.Cast(op.Mul(z, 0.70710678118654752), to=op.FLOAT))
            gate = op.Mul(op.Add(op.Cast(error, to=op.element_type), 1.0), 0.5)
        return op.Mul(z, gate)


def _silu_activate(z, saved, hyper):
    zero, one, bound = z.dtype.type(0), z.dtype.type(1), z.dtype.type(_BOUND)
    for i in range(z.size):
        gate, rest = _two_sided_logistic(z[i], zero, one)
        saved[i] = gate * (one + _within(z[i], bound) * rest)
        z[i] = _above(z[i], -bound) * gate


class SiLU(Activation):
    """Sigmoid linear unit or swish, f(z) = z s(z) with s(z) = 1 / (1 + exp(-z)), f' = s (1 + z (1 - s)).

    Notes
    -----
    S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning", Neural Networks 107, 2018.

    Examples
    --------
    >>> from skregopt.activations import SiLU
    >>> SiLU()
    SiLU()
    """

    saves = True
    default_initializer = "he_uniform"
    activate = staticmethod(_silu_activate)
    differentiate = staticmethod(_saved_differentiate)

    def to_onnx(self, op, z):
        """Return ``z`` times its Sigmoid."""
        return op.Mul(z, op.Sigmoid(z))


def _softplus_to_onnx(op, z):
    return op.Add(op.Max(z, 0.0), op.Log(op.Add(op.Exp(op.Neg(op.Abs(z))), 1.0)))


def _mish_activate(z, saved, hyper):
    # tanh(log(1 + exp(z))) as a ratio of polynomials in e = exp(-|z|), and its derivative
    dtype = z.dtype.type
    zero, one, two, four, bound = dtype(0), dtype(1), dtype(2), dtype(4), dtype(_BOUND)
    for i in range(z.size):
        x = z[i]
        is_negative = x < zero
        e = maths.exp(-abs(x))
        numerator = e * (e + two) if is_negative else one + two * e
        ratio = one / (numerator + (two if is_negative else two * e * e))
        gate = numerator * ratio
        slope = four * e * (one + e) * (one if is_negative else e) * ratio * ratio
        saved[i] = gate + _within(x, bound) * slope
        z[i] = _above(x, -bound) * gate


class Mish(Activation):
    """Mish, f(z) = z t(z) with t(z) = tanh(log(1 + exp(z))), f' = t + z (1 - t^2) / (1 + exp(-z)).

    Notes
    -----
    D. Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020.

    Examples
    --------
    >>> from skregopt.activations import Mish
    >>> Mish()
    Mish()
    """

    saves = True
    default_initializer = "he_uniform"
    activate = staticmethod(_mish_activate)
    differentiate = staticmethod(_saved_differentiate)

    def to_onnx(self, op, z):
        """Return ``z`` times the Tanh of its softplus."""
        return op.Mul(z, op.Tanh(_softplus_to_onnx(op, z)))


def _softplus_activate(z, saved, hyper):
    zero, one = z.dtype.type(0), z.dtype.type(1)
    for i in range(z.size):
        x = z[i]
        e = maths.exp(-abs(x))
        saved[i] = (e if x < zero else one) / (one + e)
        z[i] = (x if x > zero else zero) + maths.log1p(e)


class Softplus(Activation):
    """Softplus, f(z) = log(1 + exp(z)), a smooth rectifier; f' = 1 / (1 + exp(-z)).

    PyTorch's with beta 1, without its threshold of 20, above which PyTorch returns z (wrong by 2e-9 there).

    Notes
    -----
    C. Dugas, Y. Bengio, F. Belisle, C. Nadeau, R. Garcia, "Incorporating second-order functional knowledge for better
    option pricing", NeurIPS 2000.

    Examples
    --------
    >>> from skregopt.activations import Softplus
    >>> Softplus()
    Softplus()
    """

    saves = True
    default_initializer = "he_uniform"
    activate = staticmethod(_softplus_activate)
    differentiate = staticmethod(_saved_differentiate)

    def to_onnx(self, op, z):
        """Return the softplus without overflow."""
        return _softplus_to_onnx(op, z)


ACTIVATIONS = {
    "identity": Identity,
    "logistic": Logistic,
    "tanh": Tanh,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SiLU,
    "mish": Mish,
    "softplus": Softplus,
}
