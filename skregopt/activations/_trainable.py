"""A trained scale for each unit around another activation."""

from __future__ import annotations

from .. import activations  # for the registry, which is complete only after this file has been imported
from .._kernels.component import inner_component
from ._family import Activation


class Trainable(Activation):
    """Another activation with a scale for each unit, which is trained with the weights.

    With a rule f and the scale s of the unit::

        a(z) = z + s (f(z) - z)

    s = 1 is f itself, where training starts, and s = 0 the identity: each unit finds out how nonlinear it is to be. The
    fitted estimator has the scales as ``activation_scales_``, a list with one vector for each hidden layer, which is
    empty for a layer with another activation. Penalties and weight decay do not act on them.

    Parameters
    ----------
    activation : str or Activation, default='silu'
        Name or instance of the activation f, which must not be the identity.

    Notes
    -----
    D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular
    data", NeurIPS 2024, where it is called a parametric activation. It is a relative of PReLU (K. He, X. Zhang, S. Ren,
    J. Sun, "Delving deep into rectifiers", ICCV 2015), ``Trainable("relu")``, whose slope below zero is 1 - s; but here
    the slope above zero is 1 whatever s.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skregopt import MLPClassifier
    >>> from skregopt.activations import Trainable
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(20, activation=Trainable("mish"), learning_rate="one_cycle", random_state=0).fit(X, y)
    >>> clf.activation_scales_[0].shape
    (20,)
    """

    _parameter_constraints = {"activation": [str, Activation]}

    def __init__(self, activation: str | Activation = "silu") -> None:
        self.activation = activation

    @property
    def glorot_gain(self) -> float:
        """Factor on the variance of the initial weights: of the wrapped activation."""
        return self.wrapped().glorot_gain

    @property
    def default_initializer(self) -> str:
        """Name of the initial weights for ``weight_init='auto'``: of the wrapped activation."""
        return self.wrapped().default_initializer

    def wrapped(self) -> Activation:
        """Return the wrapped activation.

        Raises
        ------
        ValueError
            If ``activation`` is neither a name nor an instance of one, or is itself a :class:`Trainable`.
        """
        is_identity = isinstance(self.activation, str) and self.activation == "identity"  # refused, and never offered
        rules = {n: rule for n, rule in activations.ACTIVATIONS.items() if n != "identity" or is_identity}
        return inner_component(self, Trainable, "activation", rules)

    def _registries(self):
        return {"activation": activations.ACTIVATIONS}

    def kernel_owner(self) -> Activation:
        """Return the wrapped activation."""
        return self.wrapped()

    def _validate_params(self):
        super()._validate_params()
        wrapped = self.wrapped()
        wrapped._validate_params()
        if isinstance(wrapped, activations.ACTIVATIONS["identity"]):
            raise ValueError(
                f"activation={self.activation!r} of Trainable is the identity, between which and itself no scale makes "
                "a difference. Use activation='identity' for the layer, or another activation in Trainable."
            )
