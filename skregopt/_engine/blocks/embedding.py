"""The embedding of features in front of the first product, by a rule of :mod:`skregopt.embeddings`.

Inputs of the first product are the columns that are left as they are, in their order, then the outputs of each embedded
column. A rule sees a column of one block of rows at a time. What a rule saves lies where the gradient looks for it,
whatever strips threads make: its blocks are of ``LOSS_ROWS`` rows. Other rules get more at once, which takes less time.
The gradient is computed from the first row of a tile on, so that sums have one order.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..._kernels import maths
from ..._kernels.calls import caller
from ..._kernels.jit import jit
from ..._kernels.views import array_at, flat_view, matrix_at
from ...embeddings import Embedding
from ..declaration import compiled_pass
from ..layout import Arrays
from ..records import LOSS_ROWS, address, filled, record_type
from .block import Block, of_parameters, on_strip

ROWS_AT_ONCE = 256  # of a column; with its outputs they stay in the first cache level
OWN = record_type(
    "embed", "differentiate",  # -> kernels of the rule
    "n_hyper", "hyper",  # -> T
    "n_passed", "passed",  # -> int64, columns that are left as they are
    "n_columns", "columns",  # -> int64, columns that are embedded
    "n_outputs", "n_saved",  # of a column, for each row
    "n_rows",  # of a block
    "parameters", "constants",  # -> int64, where those of each column begin in theta, and how many they are
    "n_theta", "theta",  # -> T, for the gradient
    "x",  # -> T, (embedded columns, rows of a tile)
    "saved",  # -> T, (embedded columns, rows of a tile, n_saved) in blocks of rows
    "outputs",  # -> T, (rows of a tile, n_outputs), memory for those of a column
    "drops", "features",  # whether features are dropped; -> int64, which one each input of the first product is of
)  # fmt: skip
_embed, _differentiate = (caller(name, Embedding.signatures[name]) for name in ("embed", "differentiate"))


@jit
def _interleave(outputs, first, n_outputs, embedded):
    """Write the outputs of a column to ``embedded``, from its column ``first`` on; four at a time take less time."""
    n_rows = embedded.shape[0]
    whole = n_outputs - n_outputs % 4
    for j in range(0, whole, 4):
        a, b = flat_view(outputs, j * n_rows, n_rows), flat_view(outputs, (j + 1) * n_rows, n_rows)
        c, d = flat_view(outputs, (j + 2) * n_rows, n_rows), flat_view(outputs, (j + 3) * n_rows, n_rows)
        place = first + j
        for i in range(n_rows):
            embedded[i, place], embedded[i, place + 1] = a[i], b[i]
            embedded[i, place + 2], embedded[i, place + 3] = c[i], d[i]
    for j in range(whole, n_outputs):
        output = flat_view(outputs, j * n_rows, n_rows)
        for i in range(n_rows):
            embedded[i, first + j] = output[i]


@jit
def _separate(embedded_deltas, first, n_outputs, deltas):
    """Gather what :func:`_interleave` has written, or its gradient, output by output."""
    n_rows = embedded_deltas.shape[0]
    whole = n_outputs - n_outputs % 4
    for j in range(0, whole, 4):
        a, b = flat_view(deltas, j * n_rows, n_rows), flat_view(deltas, (j + 1) * n_rows, n_rows)
        c, d = flat_view(deltas, (j + 2) * n_rows, n_rows), flat_view(deltas, (j + 3) * n_rows, n_rows)
        place = first + j
        for i in range(n_rows):
            a[i], b[i] = embedded_deltas[i, place], embedded_deltas[i, place + 1]
            c[i], d[i] = embedded_deltas[i, place + 2], embedded_deltas[i, place + 3]
    for j in range(whole, n_outputs):
        delta = flat_view(deltas, j * n_rows, n_rows)
        for i in range(n_rows):
            delta[i] = embedded_deltas[i, first + j]


@jit
def _drop_features(theta, job, layer, own, strip, values):
    """Multiply what each feature has become by 0 or 1 / (1 - rate), in a strip of a tile at an address."""
    width, rate = layer.fan_in, job.network.input_dropout * job.update.dropout_factor
    features = array_at(own.features, width, np.int64)
    positions = array_at(strip.positions, strip.n_rows, np.int64)
    rows = matrix_at(values, strip.first * width, strip.n_rows, width, theta)
    keep, zero = theta.dtype.type(1.0 / (1.0 - rate)), theta.dtype.type(0)
    threshold = np.uint32(min(rate * 4294967296.0, 4294967295.0))
    for i in range(strip.n_rows):
        key = maths.mix(maths.mix(strip.epoch_key, positions[i]), 0)
        for j in range(width):
            rows[i, j] *= zero if maths.random_bits(key, features[j]) < threshold else keep


@compiled_pass(on_strip)
def embedding_forward(theta, job, layer, block, strip):
    """Write the inputs of the first product."""
    own = array_at(block.own, 1, OWN)[0]
    n_features, width, n_outputs = job.network.n_features, layer.fan_in, own.n_outputs
    tile_size, end = job.buffers.tile_size, strip.first + strip.n_rows
    passed = array_at(own.passed, own.n_passed, np.int64)
    columns = array_at(own.columns, own.n_columns, np.int64)
    parameters = array_at(own.parameters, 2 * own.n_columns, np.int64)
    constants = array_at(own.constants, 2 * own.n_columns, np.int64)
    hyper = array_at(own.hyper, own.n_hyper, theta)
    all_x = array_at(own.x, own.n_columns * tile_size, theta)
    all_saved = array_at(own.saved, own.n_columns * tile_size * own.n_saved, theta)
    for start in range(strip.first, end, own.n_rows):
        n_rows = end - start if end - start < own.n_rows else own.n_rows
        inputs = matrix_at(job.buffers.inputs, start * n_features, n_rows, n_features, theta)
        embedded = matrix_at(job.network.embedded, start * width, n_rows, width, theta)
        first_output = strip.first * n_outputs  # for each block, so that the memory stays in the cache
        outputs = flat_view(array_at(own.outputs, end * n_outputs, theta), first_output, n_rows * n_outputs)
        for k in range(own.n_passed):
            for i in range(n_rows):
                embedded[i, k] = inputs[i, passed[k]]
        for k in range(own.n_columns):
            x = flat_view(all_x, k * tile_size + start, n_rows)
            for i in range(n_rows):
                x[i] = inputs[i, columns[k]]
            n_saved = own.n_saved * n_rows if strip.is_training else 0
            _embed(
                own.embed,
                x,
                flat_view(theta, parameters[2 * k], parameters[2 * k + 1]),
                flat_view(theta, constants[2 * k], constants[2 * k + 1]),
                outputs,
                flat_view(all_saved, (k * tile_size + start) * own.n_saved, n_saved),
                hyper,
            )
            first = own.n_passed + k * n_outputs
            _interleave(outputs, first, n_outputs, embedded)
    if own.drops and strip.is_training:
        _drop_features(theta, job, layer, own, strip, job.network.embedded)


@compiled_pass(on_strip)
def embedding_backward(theta, job, layer, block, strip):
    """Multiply the gradient with respect to the inputs of the first product like them."""
    own = array_at(block.own, 1, OWN)[0]
    if own.drops:
        _drop_features(theta, job, layer, own, strip, job.network.embedded_deltas)


@compiled_pass(of_parameters)
def embedding_gradient(job, layer, block, n_tile_rows, accumulate, grad):
    """Write, or add, the gradient with respect to the parameters of the embedding."""
    own = array_at(block.own, 1, OWN)[0]
    width, n_outputs, tile_size = layer.fan_in, own.n_outputs, job.buffers.tile_size
    theta = array_at(own.theta, own.n_theta, grad)
    parameters = array_at(own.parameters, 2 * own.n_columns, np.int64)
    constants = array_at(own.constants, 2 * own.n_columns, np.int64)
    hyper = array_at(own.hyper, own.n_hyper, grad)
    all_x = array_at(own.x, own.n_columns * tile_size, grad)
    all_saved = array_at(own.saved, own.n_columns * tile_size * own.n_saved, grad)
    n_weights = job.network.n_weights
    if not accumulate:
        for k in range(own.n_columns):
            gradient = flat_view(grad, parameters[2 * k] - n_weights, parameters[2 * k + 1])
            for j in range(gradient.size):
                gradient[j] = 0
    for start in range(0, n_tile_rows, own.n_rows):
        n_rows = n_tile_rows - start if n_tile_rows - start < own.n_rows else own.n_rows
        embedded_deltas = matrix_at(job.network.embedded_deltas, start * width, n_rows, width, grad)
        deltas = flat_view(array_at(own.outputs, n_rows * n_outputs, grad), 0, n_rows * n_outputs)
        for k in range(own.n_columns):
            first = own.n_passed + k * n_outputs
            _separate(embedded_deltas, first, n_outputs, deltas)
            _differentiate(
                own.differentiate,
                flat_view(all_x, k * tile_size + start, n_rows),
                flat_view(theta, parameters[2 * k], parameters[2 * k + 1]),
                flat_view(theta, constants[2 * k], constants[2 * k + 1]),
                flat_view(all_saved, (k * tile_size + start) * own.n_saved, own.n_saved * n_rows),
                deltas,
                flat_view(grad, parameters[2 * k] - n_weights, parameters[2 * k + 1]),
                hyper,
            )


@dataclass(frozen=True, eq=False)
class EmbeddedColumns:
    """An embedding, and the columns that it embeds.

    Attributes
    ----------
    rule : Embedding
    columns : ndarray of int64
        In increasing order.
    n_features : int
        Columns of X.
    shapes : dict of str to list of tuple
        Shape of the array of each column by attribute, for each of the vectors of the rule.
    """

    rule: Embedding
    columns: np.ndarray
    n_features: int
    shapes: dict

    @cached_property
    def passed(self):
        """The columns that are left as they are."""
        is_passed = np.ones(self.n_features, dtype=bool)
        is_passed[self.columns] = False
        return np.flatnonzero(is_passed).astype(np.int64, copy=False)

    @cached_property
    def features(self):
        """The column of X that each input of the first product is of."""
        return np.concatenate([self.passed, np.repeat(self.columns, self.rule.n_outputs)]).astype(np.int64)

    @property
    def bundles(self):
        """What the embedding keeps in theta: parameters, and constants if there are some."""
        arrays = [
            Arrays(name, tuple(self.shapes[name]), trained, "embedding", per="embedded column")
            for name, trained in self.rule.vectors
        ]
        bundles = [tuple(each for each in arrays if each.trained is trained) for trained in (True, False)]
        return [bundle for bundle in bundles if bundle]


class EmbeddingBlock(Block):
    """The embedding of features in front of the product of the first layer.

    Parameters
    ----------
    embedding : EmbeddedColumns
    input_dropout : float
    """

    group = "embedding"
    passes = {"forward": "embedding_forward", "backward": "embedding_backward", "gradient": "embedding_gradient"}

    def __init__(self, embedding, input_dropout):
        self.embedding, self.input_dropout = embedding, input_dropout

    @classmethod
    def of(cls, network, layer):
        return cls(network.embedding, network.input_dropout) if layer == 0 and network.embedding else None

    def own(self, place):
        embedding, job = self.embedding, place.job
        rule, tile_size, n_columns = embedding.rule, job.tile_size, embedding.columns.size
        hyper = rule.hyper_vector(place.dtype)
        training = {}
        if job.trains:
            training = {
                "differentiate": rule.compiled("differentiate", place.dtype),
                "n_theta": job.theta.size,
                "theta": address(job.theta),
                "saved": place.memory(n_columns * tile_size * rule.n_saved),
                "drops": self.input_dropout > 0,
                "features": job.kept(embedding.features),
            }
        parameters, constants = (self._places(job.network.layout, trained) for trained in (True, False))
        return filled(
            OWN,
            embed=rule.compiled("embed", place.dtype),
            n_hyper=hyper.size,
            hyper=job.kept(hyper),
            n_passed=embedding.passed.size,
            passed=job.kept(embedding.passed),
            n_columns=n_columns,
            columns=job.kept(embedding.columns),
            n_outputs=rule.n_outputs,
            n_saved=rule.n_saved,
            n_rows=LOSS_ROWS if rule.n_saved else ROWS_AT_ONCE,
            parameters=job.kept(parameters),
            constants=job.kept(constants),
            x=place.memory(n_columns * tile_size),
            outputs=place.memory(tile_size * rule.n_outputs),
            **training,
        )

    def _places(self, layout, trained):
        """Return where the numbers of each column begin in theta, and how many they are; any one if there are none."""
        found = [arrays for bundle in self.embedding.bundles for arrays in bundle if arrays.trained is trained]
        if not found:
            return np.tile(np.array([0, 1]), self.embedding.columns.size)
        starts = layout.starts[found[0].attribute]
        sizes = [sum(map(math.prod, shapes)) for shapes in zip(*(arrays.shapes for arrays in found), strict=True)]
        return np.array([starts, sizes], dtype=np.int64).T.ravel()

    def bound(self, norm, n_units, trained, running):
        return norm + self.embedding.rule.bound(norm, self.embedding.columns.size, trained)

    def to_onnx(self, op, z, vectors):
        embedding = self.embedding
        embedded = embedding.rule.to_onnx(op, op.Gather(z, embedding.columns, axis=1), vectors)
        if not embedding.passed.size:
            return embedded
        return op.Concat(op.Gather(z, embedding.passed, axis=1), embedded, axis=1)
