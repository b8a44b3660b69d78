"""What the blocks of a layer have in common.

A layer is a list of blocks: a product with the weights, and in hidden layers what follows it, such as a normalisation,
an activation, dropout. Each block is a file with its compiled passes and with a class that says the rest:

* ``forward(theta, job, layer, block, strip)`` computes its output for the rows of a strip. The pre-activations and
  activations of a layer share one buffer, ``layer.activations``, which blocks change in place; a block that leaves it
  as it is for its own gradient writes ``layer.outputs``, which the next layer reads in training.
* ``backward`` of the same arguments turns the gradient with respect to its outputs into the gradient with respect to
  its inputs, in place in ``layer.deltas``.
* ``gradient(job, layer, block, n_tile_rows, accumulate, grad)`` writes, or adds, the gradient of the block's own
  vectors of parameters by all rows of a tile to its place in ``grad``, the gradient of everything behind the
  coefficients. A block without such vectors has none.

A loop that sums over units or rows must not write to another array. LLVM vectorises such a loop behind a check, at run
time, that the arrays are far enough apart; arrays that happen to lie close together would be summed in another order.

What a block needs beyond the records of ``records.py`` stands in a record of its own type at the address
``block.own``.
"""

from typing import NamedTuple

from numba import types

from ..._kernels.jit import vector
from ..._kernels.memory import aligned_zeros
from ..records import block_type, job_type, layer_type, strip_type

_count = types.int64


def on_strip(T):
    """Return the signature of ``forward`` and ``backward`` for the working precision T."""
    return types.void(vector(T), job_type, layer_type, block_type, strip_type)


def of_parameters(T):
    """Return the signature of ``gradient`` for the working precision T."""
    return types.void(job_type, layer_type, block_type, _count, types.boolean, vector(T))


class Vector(NamedTuple):
    """Parameters of a block, one for each unit of the layer.

    Attributes
    ----------
    attribute : str
        Of a fitted estimator: a list with one vector for each hidden layer.
    initial : float
        What each parameter is before training.
    trained : bool
        Whether the optimizer moves it; if not, the block itself does.
    """

    attribute: str
    initial: float
    trained: bool


class Block:
    """A step of a layer.

    Attributes
    ----------
    group : str
        Group of parameters, see ``learning_rate_factors``, of the vectors that are trained.
    vectors : tuple of Vector
    scales : str or None
        The vector by which the outputs are multiplied, if there is one: importances of features are, too.
    passes : dict of str to str
        'forward', 'backward' and, for vectors of parameters, 'gradient' -> name of the compiled pass.
    needs_whole_batch : bool
        Whether a tile has to hold all rows of a batch.
    least_units : int
        Units that a layer needs: with fewer the block's outputs would be constant.
    absorbs_intercepts : bool
        Whether a constant that is added to its inputs changes nothing.
    """

    group = ""
    vectors = ()
    scales = None
    passes = {}
    needs_whole_batch = False
    least_units = 1
    absorbs_intercepts = False

    @classmethod
    def of(cls, network, layer):
        """Return the block of a layer of a network, or None if the layer has no such block.

        Parameters
        ----------
        network : Network
        layer : int
        """
        raise NotImplementedError

    def own(self, place):
        """Return the record of the block's own type as an array of one element; None for a block without.

        Parameters
        ----------
        place : Place
        """
        return None

    def outputs(self, own):
        """Return the address of what the next layer reads in training, given :meth:`own`; None for the activations."""
        return None

    def bound(self, norm, n_units, trained, running):
        """Return a number that the Euclidean norm of the outputs of no row exceeds; NaN or infinity if there is none.

        Parameters
        ----------
        norm : float
            Such a number for the inputs.
        n_units : int
            Outputs.
        trained, running : float
            Euclidean norms of all parameters that are trained, and of all running statistics.
        """
        raise NotImplementedError

    def affine(self, vectors):
        """Return (factor, offset) by unit if predictions are ``factor * inputs + offset``, else None.

        Parameters
        ----------
        vectors : dict of str to ndarray
            The fitted vectors of the layer by name of the attribute.
        """
        return None

    def to_onnx(self, op, z, vectors):
        """Return the block's outputs for its inputs ``z`` in operators of ONNX.

        Parameters
        ----------
        op : Graph
        z : str
            Output of the node before.
        vectors : dict of str to ndarray
            The fitted vectors of the layer by name of the attribute.
        """
        return z


class Place:
    """Where a block stands: its layer, and memory for it.

    Parameters
    ----------
    job : Job
        Keeps the memory alive.
    layer : int
    n_units : int
    """

    def __init__(self, job, layer, n_units):
        self.job, self.layer, self.n_units = job, layer, n_units

    @property
    def dtype(self):
        return self.job.dtype

    def per_row(self):
        """Return the address of memory for one number of each unit and row of a tile."""
        return self.job.kept(aligned_zeros(self.job.tile_size * self.n_units, self.dtype))

    def memory(self, size):
        """Return the address of memory for so many numbers."""
        return self.job.kept(aligned_zeros(size, self.dtype))

    def once_per_row(self):
        """Return the address of memory for one number of each row of a tile."""
        return self.job.kept(aligned_zeros(self.job.tile_size, self.dtype))

    def per_unit(self, n=1, dtype=None):
        """Return the address of memory for ``n`` numbers of each unit."""
        return self.job.kept(aligned_zeros(n * self.n_units, self.dtype if dtype is None else dtype))

    def start(self, attribute):
        """Return where the vector of a fitted attribute begins in theta."""
        return int(self.job.network.layout.starts[attribute][self.layer])
