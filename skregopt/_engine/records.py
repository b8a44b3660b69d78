"""What Python tells compiled code: one nested record, the job, of sizes, settings, flags and addresses.

A compiled function takes one pointer, to the job, so that calls are cheap and there is little to compile. Unmarked
fields are counts or flags. Fields marked ``->`` are addresses of arrays of the given type (T is the working precision),
of records, or of compiled kernels (see ``_kernels/calls.py``); an address that is not used is 0. Flags, not addresses,
say what is used: compiled code never tests an address for 0.
"""

import numpy as np
from numba import from_dtype, types

N_SCALARS = 16  # numbers that an optimizer prepares once per update, see optimizers
# groups of parameters that can have learning rates of their own; their numbers are piece.group and block.group
GROUPS = ("coefs", "intercepts", "norm", "embedding", "activation")
LOSS_ROWS = 64  # rows of a block whose losses are summed first; a strip of rows is a multiple of it

# what threads share (sharing.kind)
STRIP_TASK, GRADIENT_TASK, UPDATE_TASK = range(3)

_integer, _float = np.int64, np.float64


def _fields(*names, type=_integer):
    return [(name, type) for name in names]


def record_type(*fields):
    """Return the dtype of a record whose fields Python reads and writes as attributes.

    Parameters
    ----------
    *fields : str or (str, dtype)
        A bare name is an int64 field.
    """
    return np.dtype((np.record, [(field, _integer) if isinstance(field, str) else field for field in fields]))


# X for the loaders, see source.py
SOURCE = record_type(
    *_fields("is_sparse", "n_features"),
    *_fields("values"),  # -> elements, all of them or those that are stored
    *_fields("row_stride", "column_step"),  # dense: bytes from row to row, elements from column to column
    *_fields("n_rows", "n_stored"),  # sparse
    *_fields("indices", "indptr"),  # -> sparse: columns of the stored elements, where rows begin among them
)

# rows to train on, to validate on, or to predict
ROWS = record_type(
    ("source", SOURCE),
    *_fields("load"),  # -> kernel, see source.py
    *_fields("n_rows"),
    *_fields("rows"),  # -> int64, indices into X, y and weights
    *_fields("n_targets", "n_weights"),  # columns of y and of the weights
    *_fields("y", "weights"),  # -> T
    *_fields("scales_labels"),  # whether the gradient of each output is multiplied by
    *_fields("label_means"),  # -> T
    ("total_weight", _float),
)

# the rows of a tile that are passed through the network at once
STRIP = record_type(
    *_fields("first", "n_rows"),  # within the tile
    *_fields("positions"),  # -> int64, of these rows among those of the epoch, for the keys of random numbers
    *_fields("is_training", "is_sparse"),
    ("epoch_key", np.uint64),
    ("scale", _float),  # of the loss, for its gradient
)

# a layer: a product of matrices, in hidden layers followed by other blocks
LAYER = record_type(
    *_fields("index", "fan_in", "fan_out"),
    *_fields("coefs", "intercepts"),  # where they begin in theta
    *_fields("trains_intercepts"),  # not if a block takes out any constant
    *_fields("first_block", "end_block"),  # positions in network.blocks
    *_fields("activations"),  # -> T, (rows of a tile, units): pre-activations that become activations
    *_fields("outputs"),  # -> T, what the next layer reads in training: the activations, or what dropout leaves
    *_fields("deltas"),  # -> T, gradients with respect to pre-activations
)

# a step of a layer, see blocks
BLOCK = record_type(
    *_fields("forward", "backward", "gradient"),  # -> kernels
    *_fields("has_gradient"),  # whether it has parameters that are trained
    *_fields("group"),  # of these parameters
    *_fields("own"),  # -> record of the block's own type
)

# a piece of the parameters, see update.py
PIECE = record_type(
    *_fields("layer"),  # number of layers: whatever is not penalised
    *_fields("group"),
    *_fields("first", "stop"),  # rows
    *_fields("row_length"),
    *_fields("start"),  # where row 0 lies in theta
    *_fields("chunk"),  # rows of a chunk
    *_fields("rate"),  # which of the rates of an update
    *_fields("factor", type=_float),  # on the learning rate; 0 freezes
    *_fields("scale", type=_float),  # weights over what is trained in their place, see coordinates.py
)

# the network, its loss and its penalty
NETWORK = record_type(
    *_fields("n_layers", "n_features", "n_outputs"),
    *_fields("n_weights", "n_parameters"),  # elements of all weight matrices, of all that is trained
    *_fields("layers"),  # -> LAYER
    *_fields("n_blocks"),
    *_fields("blocks"),  # -> BLOCK
    *_fields("embeds"),  # whether features are embedded
    *_fields("embedded", "embedded_deltas"),  # -> T, what the first product reads then, and its gradient
    *_fields("n_passed", "n_embedded_outputs"),  # columns that are not embedded, outputs of each of those that are
    *_fields("joins_last_row"),  # whether a last batch of one row joins the one before
    *_fields("evaluate", "invert_link"),  # -> kernels of the loss
    *_fields("n_loss_hyper", "loss_hyper"),  # -> T
    *_fields("penalty_value", "penalty_gradient", "prox"),  # -> kernels of the penalty
    *_fields("n_penalty_hyper", "penalty_hyper"),  # -> T
    *_fields("drops_inputs"),
    *_fields("alpha", "input_dropout", type=_float),
)

# buffers for the rows of one tile; nothing is allocated in the loop
BUFFERS = record_type(
    *_fields("tile_size"),  # rows
    *_fields("strips"),  # -> STRIP, one for each LOSS_ROWS rows
    *_fields("order"),  # -> int64, permutation of the rows for the current epoch
    *_fields("positions", "rows"),  # -> int64
    *_fields("n_inputs"),
    *_fields("inputs"),  # -> T, a dense tile, or the stored elements of a sparse one
    *_fields("n_stored"),
    *_fields("indices", "indptr"),  # -> int64, of a sparse tile
    *_fields("y", "weights"),  # -> T
    *_fields("n_weights"),  # columns of the weights
    *_fields("losses"),  # -> float64, of blocks of rows
    *_fields("transposed"),  # -> T, memory for a small transposed matrix for each LOSS_ROWS rows
)

# a schedule, and where it stands
SCHEDULE = record_type(
    *_fields("is_on"),  # whether there is one
    *_fields("rate", "end_epoch"),  # -> kernels
    *_fields("n_numbers"),
    *_fields("memory", "hyper"),  # -> float64, n_numbers each
    *_fields("warmup_epochs"),
    ("warmup_start", _float),
    *_fields("t_warmup"),  # updates of the warm-up so far
    ("refused", _float),  # the first factor outside [0, 1] of one of factors; 0 for none
    *_fields("follows_time"),  # whether it ends with max_time, if that comes before max_iter
    *_fields("position"),  # where it then stands: an update of those of max_iter epochs, counted from 0
)

# where schedules stand that follow time: at update t at a position, from where they go on by as much with each update
PACE = record_type(*_fields("t"), *_fields("position", "per_update", type=_float))

# what an update changes besides theta, and the rules that do it
UPDATE = record_type(
    *_fields("has_rules"),  # whether there is an optimizer, which L-BFGS does without
    *_fields("computes_gradient"),  # whether a gradient is computed where the update uses it
    *_fields("grad"),  # -> T
    *_fields("kept", "best"),  # -> T, the weights to validate and to keep, and the best of them so far
    *_fields("n_pieces"),
    *_fields("pieces"),  # -> PIECE
    *_fields("has_slots"),
    *_fields("slot_1", "slot_2", "slot_3", "slot_4"),  # -> T, state vectors as long as theta; the last one repeated
    *_fields("prepare", "step", "step_matrix"),  # -> kernels of the optimizer
    *_fields("by_matrix"),  # whether step_matrix updates every weight matrix but the last
    *_fields("n_scratch"),
    *_fields("scratch", "matrix_hyper"),  # -> T, what step_matrix needs; n_numbers of the latter
    *_fields("n_numbers"),
    *_fields("hyper"),  # -> float64, n_numbers
    *_fields("n_rates"),  # learning rates of different groups
    *_fields("factors"),  # -> float64, of these rates
    *_fields("memory"),  # -> float64, n_numbers for each rate
    *_fields("scalars"),  # -> T, N_SCALARS for each rate
    *_fields("n_workspace"),
    *_fields("workspace"),  # -> T, see update_pieces
    *_fields("follows_schedules"),  # whether dropout or the decay of the weights has one
    # of the update under way
    *_fields("n_batch_rows", "t"),
    *_fields("lr", "dropout_factor", "weight_decay", type=_float),
)

SETTINGS = record_type(
    ("seed", np.uint64),
    *_fields("first_epoch"),  # number of epochs before this fit, for the keys of random numbers
    *_fields("max_iter", "batch_size", "shuffle"),
    *_fields("updates_per_epoch"),
    *_fields("proximal"),  # whether a proximal operator follows each step
    *_fields("watch", "validates", "stops"),  # see loop.py; whether lack of improvement ends training
    *_fields("keeps_best"),
    *_fields("clips_gradient", "limits_norms", "averages_weights"),
    *_fields("learning_rate_init", "tol", "n_iter_no_change", type=_float),
    *_fields("weight_decay", "clip_norm", "max_norm", "ema_decay", type=_float),
    *_fields("largest", type=_float),  # finite number in the working precision
)

# several threads that share the work of a batch, see sharing.py
SHARING = record_type(
    *_fields("is_on"),  # during a slice of time
    *_fields("shares_rows", "shares_gradients", "shares_pieces"),
    *_fields("n_rows"),  # of the tiles whose rows are shared
    *_fields("n_strips", "strip"),  # their number, rows of one
    *_fields("counters"),  # -> int64, atomic
    *_fields("grads", "workspaces"),  # -> T, memory of each thread for update_pieces
    *_fields("grad_stride"),
    # of what is being done
    *_fields("kind", "n_tasks"),
    *_fields("positions"),  # -> int64, rows of the tile
    *_fields("n_tile_rows", "accumulate"),
    ("epoch_key", np.uint64),
    ("scale", _float),
)

PROGRESS = record_type(
    *_fields("epoch", "row"),  # epochs completed in this fit, rows of the current one that are done
    *_fields("t"),  # updates since the optimizer's state was new
    *_fields("n_curve"),  # epochs recorded in the curves of this slice
    *_fields("best_epoch", "no_improvement", "status"),
    *_fields("loss_sum", "learning_rate", "best_score", type=_float),
)

JOB = record_type(
    *_fields("passes"),  # -> int64, addresses of the compiled passes, see declaration.py
    ("network", NETWORK),
    ("train", ROWS),
    ("held_out", ROWS),
    ("buffers", BUFFERS),
    ("update", UPDATE),
    ("learning_rate", SCHEDULE),
    ("dropout_schedule", SCHEDULE),  # of a factor on all rates of dropout
    ("weight_decay_schedule", SCHEDULE),  # of a factor on the decay
    ("pace", PACE),
    ("settings", SETTINGS),
    ("sharing", SHARING),
    ("progress", PROGRESS),
)

job_type, rows_type, strip_type, layer_type, block_type, source_type = map(
    from_dtype, (JOB, ROWS, STRIP, LAYER, BLOCK, SOURCE)
)
job_array = types.Array(job_type, 1, "C")


def address(array):
    """Return where the elements of an array lie."""
    if array.dtype.names is not None:  # whose interface takes long to describe
        array = array.view(np.uint8)
    return array.__array_interface__["data"][0]


def filled(dtype, **values):
    """Return an array of one record, its fields given by name, the others 0."""
    return np.array([ordered(dtype, values)], dtype)


def ordered(dtype, values):
    """Return the values of a record's fields in their order, 0 for those that are not given."""
    fields = dict.fromkeys(dtype.names, 0) | values
    if len(fields) > len(dtype.names):
        raise TypeError(f"no such fields: {sorted(values.keys() - dtype.names)}")
    return tuple(fields.values())
