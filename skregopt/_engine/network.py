"""What is trained, and on which rows: the description that compiled code gets of both."""

from dataclasses import dataclass

import numpy as np

from . import workspace
from .declarations import compiled_pass
from .layout import Layout
from .records import MODEL, Record


@dataclass
class Network:
    """Network, loss and penalty of one fit: components, sizes, and what compiled code needs of them.

    Parameters
    ----------
    layout : Layout
    dtype : numpy.dtype
        Working precision.
    activations : list of Activation
        One for each hidden layer.
    loss, penalty : components
    dropout : sequence of float
        Rate of each hidden layer.
    input_dropout : float
    alpha : float
    """

    layout: Layout
    dtype: np.dtype
    activations: list
    loss: object
    penalty: object
    alpha: float = 0.0
    dropout: tuple = ()
    input_dropout: float = 0.0

    def record(self, is_sparse, *uses):
        """Return the compiled code's description of this model.

        Parameters
        ----------
        is_sparse : bool
            Whether any rows are.
        *uses : str
            What is needed besides the forward pass, so that nothing else is compiled: 'backward', 'validation',
            'invert_link', 'prox'.
        """
        layout, dtype = self.layout, self.dtype
        widths = layout.units[1:]
        hidden = self.activations
        vectors = [part.hyper_vector(dtype) for part in (self.loss, self.penalty, *hidden)]
        hyper = workspace.stacked(vectors, dtype)
        kernels = {"activate": _addresses(hidden, "activate", dtype)}
        passes = ["forward"] + ["normalise"] * layout.batch_norm
        if is_sparse:
            passes.append("sparse_product")
        if "backward" in uses:
            kernels["differentiate"] = _addresses(hidden, "differentiate", dtype)
            kernels["evaluate"] = self.loss.compiled("evaluate", dtype)
            kernels["penalty_value"] = self.penalty.compiled("value", dtype)
            kernels["penalty_gradient"] = self.penalty.compiled("add_gradient", dtype)
            passes += ["load_tile", "evaluate_rows", "backward", "train_rows", "gradient_rows"]
            passes += ["normalise_backward"] * layout.batch_norm
            passes += ["transposed_sparse_product"] * is_sparse
            passes += ["drop_units"] * any(self.dropout)
            passes += ["drop_inputs"] * (self.input_dropout > 0)
        passes += ["data_loss"] * ("validation" in uses)
        if "invert_link" in uses:
            kernels["invert_link"] = self.loss.compiled("invert_link", dtype)
        if "prox" in uses:
            kernels["prox"] = self.penalty.compiled("prox", dtype)
        kernels.update((name, compiled_pass(name, dtype)) for name in passes)
        return Record(
            MODEL,
            n_layers=len(widths),
            n_weights=layout.n_weights,
            n_parameters=layout.n_parameters,
            norm_starts=layout.norm_starts,
            units=layout.units,
            coef_starts=layout.coef_starts,
            intercept_starts=layout.intercept_starts,
            unit_starts=np.cumsum(widths) - widths,
            n_hyper=hyper.shape[1],
            saves=np.array([part.saves for part in hidden], dtype=np.int64),  # in prediction, too: kernels write to it
            loss_hyper=hyper[0],
            penalty_hyper=hyper[1],
            activation_hyper=hyper[2:],
            dropout=np.array(self.dropout or [0.0] * len(hidden), dtype=np.float64),
            alpha=self.alpha,
            input_dropout=self.input_dropout,
            **kernels,
        )


def _addresses(parts, name, dtype):
    return np.array([part.compiled(name, dtype) for part in parts], dtype=np.int64)


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

    def record(self, dtype):
        """Return the compiled code's description of these rows."""
        scaling = {}
        if self.label_means is not None:
            scaling = {"label_means": self.label_means, "scale_labels": compiled_pass("scale_labels", dtype)}
        return self.source.record(
            dtype,
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
