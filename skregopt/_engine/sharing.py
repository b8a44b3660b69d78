"""Several threads that share the work of one batch, in compiled code.

The thread that runs the training loop, the *leader*, publishes tasks: first the strips of rows of a tile (forward and
backward pass), then the pieces of the parameters (gradient and update, see ``update.py``). Whoever is free takes the
next one, the leader, too, so that a helper that gets no processor delays nothing but the task it has begun. Tasks
write to different places, and who does which changes no bit.

A single number, changed atomically, says which tasks are left: its lower half counts them, its upper half counts the
publications, so that a helper that was asleep meanwhile cannot take a task of a publication that is over.
"""

import numpy as np
from numba import from_dtype, types

from .._kernels.atomics import add, give_way, load, pause, replace, store
from .._kernels.denormals import denormals_as, denormals_off
from .._kernels.jit import caller, jit, vector
from .._kernels.views import array_at, flat_view
from .passes import SIGNATURES as PASSES
from .passes import data_type, model_type, work_type
from .records import SETTINGS, STATE, TEAM
from .update import SIGNATURES as PIECES

STRIP, GRADIENT, UPDATE = range(3)  # kinds of tasks
LEFT, DONE, OVER = 0, 64, 128  # bytes from team.counters: each has a cache line of its own
N_COUNTERS = 24
_SPINS = 1 << 10  # pauses, some ten microseconds, before a thread that waits gives way

_count = types.int64
team_type = from_dtype(TEAM)
_records = (model_type, data_type, from_dtype(STATE), from_dtype(SETTINGS), work_type, team_type)
_shared = lambda T: types.void(vector(T), *_records)  # noqa: E731
SIGNATURES = {"share_rows": _shared, "share_gradients": _shared, "share_pieces": _shared}
_train_rows = caller("train_rows", PASSES["train_rows"])
_forward, _backward = (caller(name, PASSES[name]) for name in ("forward", "backward"))
_gradient_of_piece = caller("gradient_of_piece", PIECES["gradient_of_piece"])
_update_pieces = caller("update_pieces", PIECES["update_pieces"])


@jit
def _take(team):
    """Return the number of a task, or -1 if none is left."""
    left = load(team.counters + LEFT)
    while left & 0xFFFFFFFF > 0:
        if replace(team.counters + LEFT, left, left - 1):
            return team.n_tasks - (left & 0xFFFFFFFF)
        left = load(team.counters + LEFT)
    return -1


@jit
def _do(task, member, theta, model, data, state, settings, work, team):
    if team.kind == STRIP:
        first = task * team.strip
        n_rows = min(team.strip, team.n_rows - first)
        positions = array_at(team.positions, team.n_rows, np.int64)
        scale = theta.dtype.type(team.scale)
        _train_rows(model.train_rows, theta, model, data, positions, first, n_rows, scale, team.epoch_key, work)
    elif team.kind == GRADIENT:
        grad = array_at(state.grad, theta.size, theta)
        _gradient_of_piece(
            state.gradient_of_piece, model, state, work, data.is_sparse != 0, task, team.n_tile_rows,
            team.accumulate != 0, grad,
        )  # fmt: skip
    else:
        grad = array_at(state.grad, theta.size, theta)
        if state.computes_gradient != 0:
            grads = array_at(team.grads, (member + 1) * team.grad_stride, theta)
            grad = flat_view(grads, member * team.grad_stride, team.grad_stride)
        step_sizes = array_at(team.step_sizes, (member + 1) * state.n_step_sizes, theta)
        _update_pieces(
            state.update_pieces, theta, model, state, settings, work, task, task + 1, team.n_batch_rows,
            team.lr, team.t, grad,
            flat_view(step_sizes, member * state.n_step_sizes, state.n_step_sizes),
        )  # fmt: skip
    add(team.counters + DONE, 1)


@jit
def _share(theta, model, data, state, settings, work, team, kind, n_tasks):
    """Publish tasks, take part in them, and return when all are done. For the leader."""
    team.kind, team.n_tasks = kind, n_tasks
    store(team.counters + DONE, 0)
    publication = (load(team.counters + LEFT) >> 32) + 1
    store(team.counters + LEFT, (publication & 0x7FFFFFFF) << 32 | n_tasks)
    task = _take(team)
    while task >= 0:
        _do(task, 0, theta, model, data, state, settings, work, team)
        task = _take(team)
    spins = 0
    while load(team.counters + DONE) < n_tasks:
        spins += 1
        if spins < _SPINS:
            pause()
        else:
            give_way()


def share_rows(theta, model, data, state, settings, work, team):
    """Do with the helpers what ``train_rows`` does for a batch."""
    _share(theta, model, data, state, settings, work, team, STRIP, team.n_strips)


def share_gradients(theta, model, data, state, settings, work, team):
    """Do with the helpers what ``gradient_of_piece`` does for all pieces."""
    _share(theta, model, data, state, settings, work, team, GRADIENT, state.n_pieces)


def share_pieces(theta, model, data, state, settings, work, team):
    """Do with the helpers what ``update_pieces`` does for all pieces."""
    _share(theta, model, data, state, settings, work, team, UPDATE, state.n_pieces)


def help_leader(
    theta, model_array, train_array, state_array, settings_array, work_array, team_array, member
):  # fmt: skip
    """Take tasks until the leader's block is over. For a helper, the ``member`` of the team with that number."""
    before = denormals_off()
    team = team_array[0]
    spins = 0
    while load(team.counters + OVER) == 0:
        task = _take(team)
        if task >= 0:
            _do(
                task, member, theta, model_array[0], train_array[0], state_array[0], settings_array[0], work_array[0],
                team,
            )  # fmt: skip
            spins = 0
            continue
        spins += 1
        if spins < _SPINS:
            pause()
        else:
            give_way()
    denormals_as(before)


def pass_rows(theta, model_array, work_array, first, n_rows):
    """Forward and backward pass of loaded rows; raw predictions stand for the gradient of a loss."""
    model, work = model_array[0], work_array[0]
    nothing = array_at(work.positions, 0, np.int64)
    _forward(model.forward, model, theta, False, first, n_rows, work, np.uint64(0), nothing)
    _backward(model.backward, model, theta, first, n_rows, work)
