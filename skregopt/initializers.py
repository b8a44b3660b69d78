"""Initial weights, one class each.

``draw(rng, fan_in, fan_out, activation)`` returns the weights of one layer, of shape (fan_in, fan_out), and its
intercepts. ``activation`` acts on the outputs of the layer; the output layer gets the activation of the last hidden
layer, as in scikit-learn. All numbers are drawn in float64 and rounded afterwards, so they do not depend on the dtype
of the network. Layers are drawn in turn, the weights of each before its intercepts: scikit-learn's order.

A uniform distribution on [-b, b] has variance b^2 / 3. Normal distributions are not truncated, as in PyTorch (Keras
truncates them). Intercepts start at zero, as in Keras, except with :class:`GlorotUniform`, which is scikit-learn's, and
with :class:`Normal`.
"""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from ._kernels.component import Component, inner_component
from ._kernels.sklearn_internals import Interval
from ._kernels.typing import Float64s

if TYPE_CHECKING:
    from .activations import Activation


class Initializer(Component):
    """Family of initial weights."""

    family = "weight_init"

    def draw(
        self, rng: np.random.RandomState, fan_in: int, fan_out: int, activation: Activation
    ) -> tuple[Float64s, Float64s]:
        """Draw the initial weights and intercepts of one layer.

        Parameters
        ----------
        rng : numpy.random.RandomState
            Source of random numbers.
        fan_in, fan_out : int
            Number of units below and above.
        activation : Activation
            Activation of the layer's outputs.

        Returns
        -------
        coef : ndarray of shape (fan_in, fan_out), float64
            Weights.
        intercept : ndarray of shape (fan_out,), float64
            Intercepts.
        """
        return self._draw_coef(rng, fan_in, fan_out), np.zeros(fan_out)

    def draw_output(
        self, rng: np.random.RandomState, fan_in: int, fan_out: int, activation: Activation
    ) -> tuple[Float64s, Float64s]:
        """Draw the initial weights and intercepts of the output layer: like others, unless a rule says otherwise.

        Parameters and returns as in :meth:`draw`.
        """
        return self.draw(rng, fan_in, fan_out, activation)


class GlorotUniform(Initializer):
    """Uniform on [-b, b] with b = sqrt(6 gain / (fan_in + fan_out)), intercepts as well: scikit-learn's draw.

    The gain is the activation's ``glorot_gain``, 1/3 for 'logistic' and 1 for all others. With the same
    ``random_state``, training starts from the same network as in scikit-learn.

    Notes
    -----
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010,
    equation 16.

    Examples
    --------
    >>> import numpy as np
    >>> from skregopt.activations import Tanh
    >>> from skregopt.initializers import GlorotUniform
    >>> coef, intercept = GlorotUniform().draw(np.random.RandomState(0), 3, 2, Tanh())
    >>> coef.shape, intercept.shape
    ((3, 2), (2,))
    """

    def draw(
        self, rng: np.random.RandomState, fan_in: int, fan_out: int, activation: Activation
    ) -> tuple[Float64s, Float64s]:
        """Draw the initial weights and intercepts of one layer, see :meth:`Initializer.draw`."""
        bound = np.sqrt(6.0 * activation.glorot_gain / (fan_in + fan_out))
        return rng.uniform(-bound, bound, (fan_in, fan_out)), rng.uniform(-bound, bound, fan_out)


class GlorotNormal(Initializer):
    """Normal of variance 2 / (fan_in + fan_out), whatever the activation (as in PyTorch and Keras).

    Notes
    -----
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> from skregopt import MLPClassifier
    >>> from skregopt.initializers import GlorotNormal
    >>> MLPClassifier(weight_init=GlorotNormal()).get_params()["weight_init"]
    GlorotNormal()
    """

    def _draw_coef(self, rng, fan_in, fan_out):
        return rng.normal(0.0, np.sqrt(2.0 / (fan_in + fan_out)), (fan_in, fan_out))


class HeUniform(Initializer):
    """Uniform on [-b, b] with b = sqrt(6 / fan_in): of variance 2 / fan_in, for rectifiers.

    ``weight_init='auto'`` draws such weights for the relatives of relu (leaky_relu, elu, gelu, silu, mish, softplus).
    Of the two forms of He's rule this one has no outliers, and differs from scikit-learn's weights in the bound alone.

    Notes
    -----
    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers: surpassing human-level performance on ImageNet
    classification", ICCV 2015. PyTorch's ``kaiming_uniform_(nonlinearity='relu')``.

    Examples
    --------
    >>> from skregopt.initializers import HeUniform
    >>> HeUniform()
    HeUniform()
    """

    def _draw_coef(self, rng, fan_in, fan_out):
        bound = np.sqrt(6.0 / fan_in)
        return rng.uniform(-bound, bound, (fan_in, fan_out))


class HeNormal(Initializer):
    """Normal of variance 2 / fan_in, for rectifiers.

    Notes
    -----
    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers: surpassing human-level performance on ImageNet
    classification", ICCV 2015. PyTorch's ``kaiming_normal_(nonlinearity='relu')``.

    Examples
    --------
    >>> from skregopt.initializers import HeNormal
    >>> HeNormal()
    HeNormal()
    """

    def _draw_coef(self, rng, fan_in, fan_out):
        return rng.normal(0.0, np.sqrt(2.0 / fan_in), (fan_in, fan_out))


class LecunUniform(Initializer):
    """Uniform on [-b, b] with b = sqrt(3 / fan_in): of variance 1 / fan_in.

    Notes
    -----
    Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller, "Efficient backprop", 1998.

    Examples
    --------
    >>> from skregopt.initializers import LecunUniform
    >>> LecunUniform()
    LecunUniform()
    """

    def _draw_coef(self, rng, fan_in, fan_out):
        bound = np.sqrt(3.0 / fan_in)
        return rng.uniform(-bound, bound, (fan_in, fan_out))


class LecunNormal(Initializer):
    """Normal of variance 1 / fan_in, for which 'selu' is made.

    Notes
    -----
    Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller, "Efficient backprop", 1998.

    Examples
    --------
    >>> from skregopt.initializers import LecunNormal
    >>> LecunNormal()
    LecunNormal()
    """

    def _draw_coef(self, rng, fan_in, fan_out):
        return rng.normal(0.0, np.sqrt(1.0 / fan_in), (fan_in, fan_out))


class Orthogonal(Initializer):
    """A random matrix with orthonormal columns, or rows if there are fewer of them, times ``gain``.

    It is the orthogonal factor Q of a normal matrix. The signs of its columns are chosen so that the diagonal of the
    triangular factor is positive; this makes Q uniformly distributed.

    Parameters
    ----------
    gain : float > 0, default=1.0
        Factor on the weights; sqrt(2) makes up for the half that relu cuts off.

    Notes
    -----
    A. M. Saxe, J. L. McClelland, S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks", ICLR 2014. PyTorch's ``orthogonal_``.

    Examples
    --------
    >>> import numpy as np
    >>> from skregopt.activations import Tanh
    >>> from skregopt.initializers import Orthogonal
    >>> coef, _ = Orthogonal().draw(np.random.RandomState(0), 5, 3, Tanh())
    >>> bool(np.allclose(coef.T @ coef, np.eye(3)))
    True
    """

    _parameter_constraints = {"gain": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def _draw_coef(self, rng, fan_in, fan_out):
        longer, shorter = max(fan_in, fan_out), min(fan_in, fan_out)
        q, r = np.linalg.qr(rng.normal(size=(longer, shorter)))
        q *= np.where(np.diag(r) < 0, -1.0, 1.0)
        return self.gain * (q if fan_in >= fan_out else q.T)


class Normal(Initializer):
    """Weights normal of variance 1 / fan_in, intercepts standard normal.

    With the matrix ``V = sqrt(fan_in) coefs_``, which ``parametrization='ntp'`` trains, all parameters are standard
    normal: the start of the neural tangent parametrisation. Kinks of hidden units are spread over the data at once.

    Notes
    -----
    A. Jacot, F. Gabriel, C. Hongler, "Neural tangent kernel: convergence and generalization in neural networks",
    NeurIPS 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from skregopt.activations import Tanh
    >>> from skregopt.initializers import Normal
    >>> _, intercept = Normal().draw(np.random.RandomState(0), 5, 3, Tanh())
    >>> bool(intercept.any())
    True
    """

    def draw(
        self, rng: np.random.RandomState, fan_in: int, fan_out: int, activation: Activation
    ) -> tuple[Float64s, Float64s]:
        """Draw the initial weights and intercepts of one layer, see :meth:`Initializer.draw`."""
        return rng.normal(0.0, np.sqrt(1.0 / fan_in), (fan_in, fan_out)), rng.normal(size=fan_out)


class ZeroOutput(Initializer):
    """Another rule for the hidden layers; weights and intercepts of the output layer start at zero.

    Training begins with the prediction 0: equal probabilities of the classes, or for numbers the inverse link of 0.
    Before the first update of the output layer, no gradient reaches the hidden layers.

    Parameters
    ----------
    initializer : str or Initializer, default='auto'
        Name or instance of the rule for the hidden layers; 'auto' depends on the activation.

    Examples
    --------
    >>> from skregopt import MLPRegressor
    >>> from skregopt.initializers import ZeroOutput
    >>> MLPRegressor(weight_init=ZeroOutput("normal")).get_params()["weight_init__initializer"]
    'normal'
    """

    _parameter_constraints = {"initializer": [str, Initializer]}

    def __init__(self, initializer: str | Initializer = "auto") -> None:
        self.initializer = initializer

    def _validate_params(self):
        super()._validate_params()
        if not self._depends_on_activation:
            self._given()._validate_params()

    @property
    def _depends_on_activation(self):
        return isinstance(self.initializer, str) and self.initializer == "auto"

    def _given(self):
        return inner_component(self, ZeroOutput, "initializer", INITIALIZERS, ["auto"])

    def _registries(self):
        return {"initializer": INITIALIZERS}

    def draw(
        self, rng: np.random.RandomState, fan_in: int, fan_out: int, activation: Activation
    ) -> tuple[Float64s, Float64s]:
        """Draw the initial weights and intercepts of a hidden layer, see :meth:`Initializer.draw`."""
        rule = INITIALIZERS[activation.default_initializer]() if self._depends_on_activation else self._given()
        return rule.draw(rng, fan_in, fan_out, activation)

    def draw_output(
        self, rng: np.random.RandomState, fan_in: int, fan_out: int, activation: Activation
    ) -> tuple[Float64s, Float64s]:
        """Return zeros, without a draw from ``rng``; see :meth:`Initializer.draw`."""
        return np.zeros((fan_in, fan_out)), np.zeros(fan_out)


INITIALIZERS: dict[str, type[Initializer]] = {
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
    "orthogonal": Orthogonal,
    "normal": Normal,
}
