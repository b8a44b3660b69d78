"""An ONNX graph under construction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count

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
    FLOAT, DOUBLE, INT64, STRING : int
        ONNX's codes of types, for Cast and for inputs.
    eps, smallest_normal : float
        Machine epsilon, and smallest normal number, of the dtype.
    """

    FLOAT, INT64, STRING, DOUBLE = 1, 7, 8, 11  # onnx.TensorProto.DataType

    def __init__(
        self,
        dtype: DTypeLike,
        new_name: Callable[[str], str],
        add_node: Callable[..., None],
        add_constant: Callable[[str, Array], None],
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.element_type = self.FLOAT if self.dtype == np.float32 else self.DOUBLE
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


class Parts:
    """Nodes and constants of a model, to which a :class:`Graph` of any precision adds.

    Parameters
    ----------
    taken : iterable of str
        Names that inputs have.

    Attributes
    ----------
    nodes : list of onnx.NodeProto
    constants : list of onnx.TensorProto
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self.nodes, self.constants = [], []
        self._taken, self._numbers = set(taken), count()

    def graph(self, dtype: DTypeLike) -> Graph:
        """Return a graph of a precision."""
        return Graph(dtype, self._new_name, self._add_node, self._add_constant)

    def output_name(self, name: str) -> str:
        """Return a name, with underscores at its end where an input has it already."""
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def _new_name(self, stem):
        return next(name for name in (f"{stem}_{number}" for number in self._numbers) if name not in self._taken)

    def _add_node(self, operator, inputs, outputs, **attributes):
        from onnx import helper

        name = f"{operator}_of_{outputs[0]}"
        self.nodes.append(helper.make_node(operator, inputs, outputs, name=name, **attributes))

    def _add_constant(self, name, array):
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
