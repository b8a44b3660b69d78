"""Trained embeddings of numeric features, one class and two kernels each.

An embedding replaces each of the columns that it embeds by several numbers, functions of the column that are trained
with the network. Shapes and conventions, on which the training loop relies:

* a kernel sees one column for up to a few hundred rows. Its inner loops go over the rows, so that they vectorise;
* all parameters of a column lie one behind the other in one vector, ``parameters``, in the order of ``vectors``; what
  is not trained lies in ``constants`` in the same way, with at least one number there;
* ``embed(x, parameters, constants, outputs, saved, hyper)`` writes output o of row i to ``outputs[o * n_rows + i]``.
  ``saved`` has room for ``n_saved`` numbers per row, laid out like the outputs. It is empty in prediction, which
  computes the same outputs bit for bit;
* ``differentiate(x, parameters, constants, saved, deltas, gradient, hyper)`` adds to ``gradient``, a vector like
  ``parameters``, the sums over the rows of the gradients, given ``deltas``, the gradient with respect to the outputs.
  There is none with respect to ``x``. It may overwrite ``saved``;
* a loop that sums over rows must not write to an array.

``start`` draws the parameters of a column, given its training values. ``bound`` says how large outputs get. With it a
fit knows, without a look at its rows, that no prediction overflows.

``to_onnx(op, x, arrays)`` says the same as ``embed`` in operators of ONNX, see :class:`skregopt._onnx.Graph`.
"""

from ._family import Embedding, EmbeddingVector
from ._periodic import Periodic
from ._piecewise_linear import PiecewiseLinear

__all__ = ["EMBEDDINGS", "Embedding", "EmbeddingVector", "Periodic", "PiecewiseLinear"]

for _class in [value for value in vars().values() if isinstance(value, type)]:
    _class.__module__ = __name__  # pickles name the public path, so that no later move breaks them

EMBEDDINGS: dict[str, type[Embedding]] = {
    "periodic": Periodic,
    "piecewise_linear": PiecewiseLinear,
}
