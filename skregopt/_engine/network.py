"""What is trained, and on which rows: the description that compiled code gets of both."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .blocks import blocks_of
from .blocks.block import Place
from .blocks.embedding import EmbeddedColumns
from .declaration import pass_address
from .layout import Arrays, Layout
from .records import BLOCK, GROUPS, LAYER


@dataclass
class Network:
    """Network, loss and penalty: components, sizes, and what compiled code needs of them.

    Parameters
    ----------
    units : list of int
        Layer widths from the inputs of the first product to the outputs.
    dtype : numpy.dtype
        Working precision.
    activations : list of Activation
        One for each hidden layer.
    loss, penalty : components
    dropout : sequence of float
        Rate of each hidden layer.
    input_dropout : float
    alpha : float
    normalisation : type or None
        The kind of block that normalises the hidden layers.
    embedding : EmbeddedColumns or None
    """

    units: list
    dtype: np.dtype
    activations: list
    loss: object
    penalty: object
    alpha: float = 0.0
    dropout: tuple = ()
    input_dropout: float = 0.0
    normalisation: type | None = None
    embedding: EmbeddedColumns | None = None

    @cached_property
    def blocks(self):
        """The blocks of each layer."""
        return [blocks_of(self, layer) for layer in range(len(self.units) - 1)]

    @cached_property
    def layout(self):
        """Where the parameters lie in theta."""
        hidden, found = self.units[1:-1], {}
        for layer, n_units in enumerate(hidden):
            for block in self.blocks[layer]:
                for vector in block.vectors:
                    shapes = found.setdefault((vector, block.group), [(0,)] * len(hidden))
                    shapes[layer] = (n_units,)
        bundles = [
            (Arrays(vector.attribute, tuple(shapes), vector.trained, group, vector.initial),)
            for (vector, group), shapes in found.items()
        ]
        if self.embedding is not None:
            bundles += self.embedding.bundles
        rows_per_feature = 1 if self.embedding is None else self.embedding.rule.n_outputs
        bundles.sort(key=lambda bundle: not bundle[0].trained)
        return Layout.of(tuple(self.units), tuple(bundles), rows_per_feature)

    @property
    def n_features(self):
        """Columns of X."""
        return self.units[0] if self.embedding is None else self.embedding.n_features

    @property
    def features(self):
        """The column of X that each input of the first product is of."""
        return np.arange(self.units[0]) if self.embedding is None else self.embedding.features

    @property
    def needs_whole_batch(self):
        """Whether a tile has to hold all rows of a batch."""
        return any(block.needs_whole_batch for layer in self.blocks for block in layer)

    def describe(self, job, is_sparse):
        """Fill a job's record of the network, with memory for the blocks.

        Parameters
        ----------
        job : Job
        is_sparse : bool
            Whether any rows are.
        """
        layers, blocks = self._describe_layers(job)
        loss_hyper, penalty_hyper = (part.hyper_vector(self.dtype) for part in (self.loss, self.penalty))
        # an embedding drops what features have become
        drops_inputs = self.input_dropout > 0 and self.embedding is None
        job.use("forward", *["sparse_product"] * is_sparse)
        if job.trains:
            job.use(
                "load_tile", "evaluate_rows", "loss_of_tile", "backward", "train_rows", "gradient_of_coefs",
                "gradient_of_vectors", *["transposed_sparse_product"] * is_sparse,
                *["drop_inputs"] * drops_inputs,
            )  # fmt: skip
        layout = self.layout
        job.set(
            "network",
            n_layers=layout.n_layers,
            n_features=self.n_features,
            n_outputs=layout.widths[-1],
            n_weights=layout.n_weights,
            n_parameters=layout.n_parameters,
            layers=layers,
            n_blocks=blocks.size,
            blocks=blocks,
            **self._embedded(job),
            joins_last_row=self.needs_whole_batch,
            n_loss_hyper=loss_hyper.size,
            loss_hyper=loss_hyper,
            n_penalty_hyper=penalty_hyper.size,
            penalty_hyper=penalty_hyper,
            drops_inputs=drops_inputs,
            alpha=self.alpha,
            input_dropout=self.input_dropout,
            **self._kernels(job.trains),
        )

    def _describe_layers(self, job):
        """Return arrays of LAYER and of BLOCK."""
        layout, dtype = self.layout, self.dtype
        layers, blocks = [], []
        starts = zip(layout.coef_starts.tolist(), layout.intercept_starts.tolist(), strict=True)
        for layer, (coefs, intercepts) in enumerate(starts):
            fan_in, fan_out = layout.widths[layer : layer + 2]
            place = Place(job, layer, fan_out)
            activations = outputs = deltas = job.layer_buffer(fan_out)
            if layer < layout.n_layers - 1:
                deltas = job.layer_buffer(fan_out) if job.trains else 0
            first_block, trains_intercepts = len(blocks), True
            for block in self.blocks[layer]:
                own = block.own(place)
                outputs = block.outputs(own) or outputs
                trains_intercepts &= not block.absorbs_intercepts
                names = block.passes if job.trains else {"forward": block.passes["forward"]}
                addresses = {name: pass_address(function, dtype) for name, function in names.items()}
                has_gradient = "gradient" in addresses
                blocks.append((
                    addresses["forward"], addresses.get("backward", 0), addresses.get("gradient", 0),
                    has_gradient, GROUPS.index(block.group) if has_gradient else 0,
                    0 if own is None else job.kept(own),
                ))  # fmt: skip
            layers.append((
                layer, fan_in, fan_out, coefs, intercepts, trains_intercepts, first_block, len(blocks),
                activations, outputs, deltas,
            ))  # fmt: skip
        return np.array(layers, LAYER), np.array(blocks, BLOCK)

    def _embedded(self, job):
        """Return the fields about the embedding."""
        if self.embedding is None:
            return {}
        width = self.units[0]
        deltas = job.layer_buffer(width) if job.trains else 0
        return {
            "embeds": True,
            "embedded": job.layer_buffer(width),
            "embedded_deltas": deltas,
            "n_passed": self.embedding.passed.size,
            "n_embedded_outputs": self.embedding.rule.n_outputs,
        }

    def _kernels(self, trains):
        """Return the kernels of loss and penalty by the names of their fields."""
        if not trains:
            return {"invert_link": self.loss.compiled("invert_link", self.dtype)}
        kernels = {"penalty_value": "value", "penalty_gradient": "add_gradient"}
        if self.is_proximal:
            kernels["prox"] = "prox"
        return {"evaluate": self.loss.compiled("evaluate", self.dtype)} | {
            field: self.penalty.compiled(name, self.dtype) for field, name in kernels.items()
        }

    @property
    def is_proximal(self):
        """Whether the penalty has a proximal step."""
        return not self.penalty.is_smooth and self.alpha > 0


@dataclass
class Rows:
    """Training or validation rows.

    Parameters
    ----------
    source : Source
    indices : ndarray of int64
        Which rows of the source.
    y : ndarray of shape (n_rows of the source, n_targets), working precision
    weights : ndarray of shape (n_rows of the source, 1 or n_outputs), working precision
    total_weight : float
        Sum of the weights of ``indices``.
    label_means : ndarray of shape (n_outputs,), working precision, default=None
        What the weights of each label have been divided by for the loss, and the gradient is multiplied by again.
    """

    source: object
    indices: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    total_weight: float
    label_means: np.ndarray = None

    def describe(self, job, record):
        """Fill a job's record of these rows, 'train' or 'held_out'."""
        scaling = {}
        if self.label_means is not None:
            scaling = {"label_means": self.label_means, "scales_labels": True}
            job.use("scale_labels")
        job.set(
            record,
            source=self.source.fields,
            load=self.source.loader(job.dtype),
            n_rows=self.indices.size,
            rows=self.indices,
            n_targets=self.y.shape[1],
            n_weights=self.weights.shape[1],
            y=self.y,
            weights=self.weights,
            total_weight=self.total_weight,
            **scaling,
        )


def relative_weights(weights, rows):
    """Return weights divided by the mean of those of ``rows``, by column: only ratios count, whatever their size."""
    relative = np.empty_like(weights)
    for j, column in enumerate(weights.T):
        largest = column[rows].max()
        if largest == 0:
            raise ValueError(
                f"All weights of label {j} are zero, its class_weight multiplied in: at least one row to train on, and "
                "one to validate on, needs a positive weight for each label."
            )
        column = column / largest
        relative[:, j] = column / column[rows].mean()
    return relative


def in_precision(weights, dtype):
    """Return weights in the working precision: positive ones stay positive, batch normalisation divides by them."""
    with np.errstate(over="ignore", under="ignore"):
        converted = weights.astype(dtype)
    if not np.all(np.isfinite(converted)):
        raise ValueError(f"sample_weight contains values too large for {dtype}. Scale them, or use dtype='float64'.")
    smallest = np.finfo(dtype).tiny
    converted[(weights > 0) & (converted < smallest)] = smallest
    return converted
