"""An ONNX graph under construction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import DTypeLike

from .._kernels.typing import Array, OnnxOperator


class Graph:
    """An ONNX graph under construction: ``op.Relu(z)`` adds a Relu node and returns the name of its output.

    Every operator of ONNX is a method. Its positional arguments are the inputs: names of outputs, numbers, or arrays.
    Numbers get the network's dtype, arrays keep their own. Keyword arguments are the attributes of the operator, with
    two exceptions: ``outputs`` gives names to the outputs, and ``n_outputs``, 1 by default, is their number. With
    several outputs the method returns a list of names.

    Parameters
    ----------
    dtype : dtype
        Precision of the network, float32 or float64.
    new_name : callable
        ``new_name(operator)`` returns an unused name for an output.
    add_node : callable
        ``add_node(operator, inputs, outputs, **attributes)`` adds a node; inputs and outputs are names.
    add_constant : callable
        ``add_constant(name, array)`` adds a constant.

    Attributes
    ----------
    element_type : int
        ONNX's code of the network's dtype.
    FLOAT, INT64 : int
        ONNX's codes of other types, for Cast.
    eps, smallest_normal : float
        Machine epsilon, and smallest normal number, of the dtype.
    """

    FLOAT, INT64, _DOUBLE = 1, 7, 11  # onnx.TensorProto.DataType

    def __init__(
        self,
        dtype: DTypeLike,
        new_name: Callable[[str], str],
        add_node: Callable[..., None],
        add_constant: Callable[[str, Array], None],
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.element_type = self.FLOAT if self.dtype == np.float32 else self._DOUBLE
        limits = np.finfo(self.dtype)
        self.eps, self.smallest_normal = float(limits.eps), float(limits.smallest_normal)
        self._new_name, self._add_node, self._add_constant = new_name, add_node, add_constant

    def __getattr__(self, operator: str) -> OnnxOperator:
        """Return the function that adds a node of an operator."""
        if not operator[0].isupper():
            raise AttributeError(f"{operator!r} is no operator of ONNX: operator names begin with a capital letter.")

        def add(*inputs, n_outputs=1, outputs=None, **attributes):
            names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
            outputs = outputs or [self._new_name(operator) for _ in range(n_outputs)]
            self._add_node(operator, names, outputs, **attributes)
            return outputs if n_outputs > 1 else outputs[0]

        return add

    def _constant(self, value):
        name = self._new_name("constant")
        self._add_constant(name, value if isinstance(value, np.ndarray) else np.array(value, dtype=self.dtype))
        return name
