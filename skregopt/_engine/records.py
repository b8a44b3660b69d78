"""What Python tells compiled code: records of sizes, settings and addresses.

One record per idea instead of many arguments: a compiled function takes a pointer to it, whatever it has, so that
calls are cheap and there is little to compile. Fields that end in no unit are counts or flags; those marked ``->`` are
addresses, of arrays of the given type (T is the working precision) or of compiled kernels (see ``_jit.kernel``), 0 for
what is not used.
"""

import numpy as np

DESCRIPTOR_SIZE = 7  # numbers that describe X, see source.py
N_SCALARS = 8  # numbers that an optimizer prepares once per update, see optimizers.py

_integer, _float = np.int64, np.float64


def _fields(*names, type=_integer):
    return [(name, type) for name in names]


def _record(fields):
    """Return the dtype of a record, whose fields Python reads and writes as attributes."""
    return np.dtype((np.record, fields))


# the network, its loss and its penalty
MODEL = _record(
    [
        *_fields("n_layers", "n_weights"),  # weight matrices; elements of all of them
        *_fields("n_parameters"),  # elements of theta that are trained
        *_fields("units"),  # -> int64, widths of the layers from the features to the outputs
        *_fields("coef_starts", "intercept_starts"),  # -> int64, where those of a layer begin in theta
        *_fields("unit_starts"),  # -> int64, how many units the layers before have
        *_fields("n_hyper"),  # length of each vector of hyper-parameters
        *_fields("activate", "differentiate"),  # -> int64, addresses of the kernels of each hidden layer
        *_fields("saves"),  # -> int64, whether the activation of a hidden layer saves values for its derivative
        *_fields("activation_hyper"),  # -> T, (hidden layers, n_hyper)
        *_fields("dropout"),  # -> float64, rate of each hidden layer
        *_fields("evaluate", "invert_link"),  # -> kernels of the loss
        *_fields("loss_hyper"),  # -> T
        *_fields("penalty_value", "penalty_gradient", "prox"),  # -> kernels of the penalty
        *_fields("penalty_hyper"),  # -> T
        # -> kernels of passes.py and of loop.py
        *_fields("load_tile", "drop_inputs", "drop_units", "sparse_product", "transposed_sparse_product"),
        *_fields("forward", "evaluate_rows", "backward", "train_rows", "gradient_rows", "data_loss"),
        *_fields("normalise", "normalise_backward"),  # -> kernels of batch_norm.py
        *_fields("norm_starts"),  # -> int64, (4, hidden layers): of scales, shifts, means, variances in theta
        *_fields("alpha", "input_dropout", type=_float),
    ]
)

# rows to train or validate on
DATA = _record(
    [
        *_fields("n_rows", "is_sparse"),
        *_fields("descriptor"),  # -> int64, see source.py
        *_fields("load"),  # -> kernel, see source.py
        *_fields("rows"),  # -> int64, indices into X, y and weights
        *_fields("n_targets", "n_weights"),  # columns of y and of the weights
        *_fields("y", "weights"),  # -> T
        *_fields("label_means"),  # -> T, factors of the gradient by output
        *_fields("scale_labels"),  # -> kernel that multiplies by them, if there are any
        *_fields("total_weight", type=_float),
    ]
)

# buffers for the rows of one tile; nothing is allocated in the loop
WORK = _record(
    [
        *_fields("tile_size"),  # rows
        *_fields("order"),  # -> int64, permutation of the rows for the current epoch
        *_fields("positions", "rows"),  # -> int64
        *_fields("n_inputs"),
        *_fields("inputs"),  # -> T, a dense tile, or the stored elements of a sparse one
        *_fields("n_stored"),
        *_fields("indices", "indptr"),  # -> int64, of a sparse tile
        *_fields("y", "weights"),  # -> T
        *_fields("n_weights"),  # columns of the weights
        *_fields("normalised", "inverse_deviations"),  # -> T, what batch normalisation keeps for the gradient
        *_fields("norm_gradients"),  # -> T, of its scales and shifts, in their order in theta
        *_fields("sums"),  # -> float64, (2, units of the widest layer)
        *_fields("losses"),  # -> float64, of blocks of rows
        # -> T, (rows of a tile) x (units of a layer) for one layer after the other:
        *_fields("activations", "saved"),  # outputs of layers; what activations save
        *_fields("multipliers", "dropped"),  # dropout's 0 or 1 / (1 - rate); outputs times that
        *_fields("deltas"),  # gradients with respect to pre-activations
        *_fields("transposed"),  # -> T, memory for a small transposed matrix for each strip of rows
    ]
)

# what an update changes besides theta, and the kernels that do it
STATE = _record(
    [
        *_fields("grad"),  # -> T
        *_fields("kept", "best"),  # -> T, the weights to validate and to keep, and the best of them so far
        *_fields("n_slots", "slot_stride"),
        *_fields("slots"),  # -> T, (n_slots, slot_stride)
        *_fields("prepare", "step", "rate", "end_epoch"),  # -> kernels of the optimizer and of the schedule
        *_fields("step_matrix"),  # -> kernel, if set, for every weight matrix but the last
        *_fields("computes_gradient"),  # whether a gradient is computed where the update uses it
        *_fields("gradient_of_piece", "update_pieces"),  # -> kernels, see update.py
        *_fields("n_pieces"),
        *_fields("pieces"),  # -> int64, (n_pieces, 5)
        *_fields("n_scratch"),
        *_fields("scratch", "matrix_hyper"),  # -> T, what it needs; n_numbers of the latter
        *_fields("clip_gradient", "limit_norms", "average_weights"),  # -> kernels of clipping.py
        *_fields("n_numbers"),
        *_fields("memory", "schedule_memory", "hyper", "schedule_hyper"),  # -> float64, n_numbers each
        *_fields("scalars"),  # -> T, optimizers.N_SCALARS
        *_fields("n_step_sizes"),
        *_fields("step_size"),  # -> T, of a chunk
    ]
)

SETTINGS = _record(
    [
        ("seed", np.uint64),
        *_fields("first_epoch"),  # number of epochs before this fit, for the keys of random numbers
        *_fields("max_iter", "batch_size", "shuffle"),
        *_fields("proximal"),  # whether a proximal operator follows each step
        *_fields("watch", "validates", "stops"),  # see loop.py; whether lack of improvement ends training
        *_fields("keeps_best"),
        *_fields("warmup_epochs"),
        *_fields("learning_rate_init", "warmup_start", "tol", "n_iter_no_change", type=_float),
        *_fields("weight_decay", "clip_norm", "max_norm", "ema_decay", type=_float),
    ]
)

# several threads that share the work of a batch, see sharing.py
TEAM = _record(
    [
        *_fields("share_rows", "share_gradients", "share_pieces"),  # -> kernels; not set: the leader alone does that
        *_fields("n_rows"),  # of the tiles whose rows are shared
        *_fields("n_strips", "strip"),  # their number, rows of one
        *_fields("counters"),  # -> int64, atomic
        *_fields("grads", "step_sizes"),  # -> T, memory of each member for update_pieces
        *_fields("grad_stride"),
        *_fields("kind", "n_tasks"),  # what is being done
        *_fields("positions"),  # -> int64, rows of the tile
        *_fields("n_tile_rows", "accumulate", "n_batch_rows", "t"),
        ("epoch_key", np.uint64),
        *_fields("scale", "lr", type=_float),
    ]
)

PROGRESS = _record(
    [
        *_fields("epoch", "row"),  # epochs completed in this fit, rows of the current one that are done
        *_fields("t", "t_warmup"),  # updates since the optimizer's state was new, and those of them in the warm-up
        *_fields("n_curve"),  # epochs recorded in the curves of this block
        *_fields("best_epoch", "no_improvement", "status"),
        *_fields("loss_sum", "learning_rate", "best_score", type=_float),
    ]
)


class Record:
    """A record for compiled code, and the arrays whose addresses it holds.

    Parameters
    ----------
    dtype : numpy.dtype
        One of those above.
    **values : number or ndarray
        Of an array the address is stored, and the array kept alive. Fields that are not given are 0.

    Attributes
    ----------
    array : ndarray of one record
        What compiled code takes.
    """

    def __init__(self, dtype, **values):
        self._kept = {}
        fields = []
        for name in dtype.names:
            value = values.pop(name, 0)
            if isinstance(value, np.ndarray):
                self._kept[name] = value
                value = value.__array_interface__["data"][0]
            fields.append(value)
        if values:
            raise TypeError(f"no such fields: {sorted(values)}")
        self.array = np.zeros(1, dtype=dtype)
        self.array[0] = tuple(fields)

    def __getitem__(self, name):
        """Return the array of a field."""
        return self._kept[name]
