"""Several threads that share the work of one batch, in compiled code.

The thread that runs the training loop, the *leader*, publishes tasks: first the strips of rows of a tile (forward and
backward pass), then the pieces of the parameters (gradient and update, see ``update.py``). Whoever is free takes the
next one, the leader, too, so that a helper that gets no processor delays nothing but the task it has begun. Tasks
write to different places, and who does which changes no bit.

A single number, changed atomically, says which tasks are left: its lower half counts them, its upper half counts the
publications, so that a helper that was asleep meanwhile cannot take a task of a publication that is over.
"""

import numpy as np
from numba import types

from .._kernels.atomics import add, give_way, load, pause, replace, store
from .._kernels.denormals import denormals_as, denormals_off
from .._kernels.jit import jit, vector
from .._kernels.views import array_at, flat_view
from .declaration import compiled_pass, entry
from .passes import train_rows
from .records import GRADIENT_TASK, STRIP_TASK, job_array, job_type
from .update import gradient_of_piece, update_pieces

LEFT, DONE, OVER = 0, 64, 128  # bytes from sharing.counters: each has a cache line of its own
N_COUNTERS = 24
_SPINS = 1 << 10  # pauses, some ten microseconds, before a thread that waits gives way


@jit
def _take(sharing):
    """Return the number of a task, or -1 if none is left."""
    left = load(sharing.counters + LEFT)
    while left & 0xFFFFFFFF > 0:
        if replace(sharing.counters + LEFT, left, left - 1):
            return sharing.n_tasks - (left & 0xFFFFFFFF)
        left = load(sharing.counters + LEFT)
    return -1


@jit
def _do(task, member, theta, job):
    sharing, update = job.sharing, job.update
    if sharing.kind == STRIP_TASK:
        first = task * sharing.strip
        n_left = sharing.n_rows - first
        n_rows = n_left if n_left < sharing.strip else sharing.strip
        positions = flat_view(array_at(sharing.positions, sharing.n_rows, np.int64), first, n_rows)
        train_rows(theta, job, positions, first, sharing.epoch_key, sharing.scale)
    elif sharing.kind == GRADIENT_TASK:
        grad = array_at(update.grad, theta.size, theta)
        gradient_of_piece(job, task, sharing.n_tile_rows, sharing.accumulate != 0, grad)
    else:
        grad = array_at(update.grad, theta.size, theta)
        if update.computes_gradient:
            grads = array_at(sharing.grads, (member + 1) * sharing.grad_stride, theta)
            grad = flat_view(grads, member * sharing.grad_stride, sharing.grad_stride)
        workspaces = array_at(sharing.workspaces, (member + 1) * update.n_workspace, theta)
        workspace = flat_view(workspaces, member * update.n_workspace, update.n_workspace)
        update_pieces(theta, job, task, task + 1, grad, workspace)
    add(sharing.counters + DONE, 1)


@compiled_pass(lambda T: types.void(vector(T), job_type, types.int64, types.int64))
def share(theta, job, kind, n_tasks):
    """Publish tasks, take part in them, and return when all are done. For the leader."""
    sharing = job.sharing
    sharing.kind, sharing.n_tasks = kind, n_tasks
    store(sharing.counters + DONE, 0)
    publication = (load(sharing.counters + LEFT) >> 32) + 1
    store(sharing.counters + LEFT, (publication & 0x7FFFFFFF) << 32 | n_tasks)
    task = _take(sharing)
    while task >= 0:
        _do(task, 0, theta, job)
        task = _take(sharing)
    spins = 0
    while load(sharing.counters + DONE) < n_tasks:
        spins += 1
        if spins < _SPINS:
            pause()
        else:
            give_way()


@entry(lambda T, v: types.void(v, job_array, types.int64))
def help_leader(theta, jobs, member):
    """Take tasks until the leader's slice of time is over. For a helper, the ``member`` with that number."""
    before = denormals_off()
    job = jobs[0]
    spins = 0
    while load(job.sharing.counters + OVER) == 0:
        task = _take(job.sharing)
        if task >= 0:
            _do(task, member, theta, job)
            spins = 0
            continue
        spins += 1
        if spins < _SPINS:
            pause()
        else:
            give_way()
    denormals_as(before)
