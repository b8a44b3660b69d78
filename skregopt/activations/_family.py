"""The family of activations; its conventions are in the docstring of the package."""

from __future__ import annotations

from typing import ClassVar

from numba import types

from .._kernels.component import Component
from .._kernels.jit import vector
from .._kernels.typing import Array, OnnxGraph, Signatures


class Activation(Component):
    """Family of activation functions.

    Attributes
    ----------
    saves : bool
        Whether the derivative needs more than the activation, see the conventions of the module.
    glorot_gain : float
        Factor on the variance of the initial weights that 'glorot_uniform' draws.
    default_initializer : str
        Name in :mod:`skregopt.initializers` for which ``weight_init='auto'`` stands.
    linear_bound : (float, float) or None
        Slope and offset with ``|f(z)| <= slope |z| + offset``. A fit needs it to know that no prediction overflows; if
        it is None, unknown, each fit and ``partial_fit`` evaluates the loss of its rows once more at the end.
    """

    family = "activation"
    signatures: ClassVar[Signatures] = {
        "activate": lambda T: types.void(vector(T), vector(T), vector(T)),
        "differentiate": lambda T: types.void(vector(T), vector(T), vector(T), vector(T)),
    }
    saves: bool = False
    glorot_gain: float = 1.0
    default_initializer: str = "glorot_uniform"
    linear_bound: tuple[float, float] | None = None
    activate: staticmethod[[Array, Array, Array], None]
    differentiate: staticmethod[[Array, Array, Array, Array], None]

    def to_onnx(self, op: OnnxGraph, z: str) -> str:
        """Return the activations of the pre-activations ``z`` in operators of ONNX.

        Parameters
        ----------
        op : Graph
            ``op.Name(input, ..., attribute=...)`` adds a node of the operator of that name, and returns its output.
            Inputs are outputs of other nodes, or numbers in the dtype of the network.
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


def saved_differentiate(a, saved, delta, hyper):
    """Multiply by the derivative, which ``activate`` has saved."""
    for i in range(delta.size):
        delta[i] *= saved[i]
