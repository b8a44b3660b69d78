"""The threads of a fit: how long a block of compiled code lasts, and whether helpers take part in it.

A block ends after about half a second, because a signal (Ctrl-C) waits until compiled code returns. With ``n_jobs`` the
same block can be computed by one thread or by a team (see ``_engine/sharing.py``), with the same bits. A team is not
always faster: networks may be too small, and other processes may keep the processors busy, so that threads wait for
each other. So both are timed, and the faster one goes on; now and then the other is tried again.
"""

import time
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from threading import Thread

import numpy as np

from .._engine import passes, sharing, workspace
from .._engine.declarations import compiled, compiled_pass
from .._engine.records import TEAM, Record
from .._engine.source import Source
from .._kernels.jit import DISABLED
from .._kernels.memory import aligned_size, aligned_zeros
from .._kernels.threads import fits_at_once

BLOCK_SECONDS = 0.4
TRIAL_SECONDS = 0.02
BLOCKS_BETWEEN_TRIALS = 8
MUCH_SLOWER = 0.7  # of the speed of the block before: something has happened, and the other way is tried at once
SMALL_BATCH = 1 << 20  # multiplications that take less time than threads need to agree on who does what


_NO_TEAM = Record(TEAM)  # nothing is shared


class Budget:
    """How many tiles a block may take, so that it lasts about half a second on this machine."""

    def __init__(self, products_per_tile):
        # start from a speed that every machine reaches
        self.n_tiles = max(1, int(BLOCK_SECONDS * 2e8 / max(1, products_per_tile)))

    def adapt(self, seconds):
        ratio = BLOCK_SECONDS / max(seconds, 1e-4)
        self.n_tiles = int(min(max(1, self.n_tiles * min(ratio, 8.0)), 1 << 40))


class Crew:
    """Runs the blocks of a fit, by one thread or several.

    Parameters
    ----------
    n_threads : int
        Most threads.
    model : Network
    theta : ndarray
    network, train, state, settings, work : Record of MODEL, DATA, STATE, SETTINGS, WORK
        What a block works on.
    """

    def __init__(self, n_threads, model, theta, network, train, state, settings, work):
        tile_size = int(work.array[0].tile_size)
        self._team, self._helpers = None, 0
        products = model.layout.n_weights * tile_size
        self._budgets = {False: Budget(products), True: Budget(products)}
        self._speeds = {}  # with the team (True) and without
        self._n_blocks = 0  # since both were known; a multiple of BLOCKS_BETWEEN_TRIALS is a trial
        if n_threads > 1 and products >= SMALL_BATCH and not DISABLED:
            # a sparse tile is loaded at once, and batch normalisation needs all of its rows
            shares_rows = not train.array[0].is_sparse and not model.layout.batch_norm
            self._team = _new_team(n_threads, model, state, tile_size if shares_rows else 0)
        if self._team is not None:
            self._helpers = n_threads - 1
            self._help = partial(
                compiled(sharing.help_leader, model.dtype), theta,
                *(record.array for record in (network, train, state, settings, work, self._team)),
            )  # fmt: skip

    def run_block(self, compute):
        """Compute a block.

        Parameters
        ----------
        compute : callable
            ``compute(team, n_tiles) -> amount`` works on that many tiles at most, with the array of TEAM that it is
            given, and returns how much it did, in any unit.
        """
        with_team, is_trial = self._choice()
        budget = self._budgets[with_team]
        n_tiles = max(1, int(budget.n_tiles * TRIAL_SECONDS / BLOCK_SECONDS)) if is_trial else budget.n_tiles
        started = time.perf_counter()
        with self._helping() if with_team else nullcontext():
            amount = compute((self._team if with_team else _NO_TEAM).array, n_tiles)
        seconds = time.perf_counter() - started
        if amount > 0:
            speed = amount / max(seconds, 1e-9)
            if not is_trial and speed < MUCH_SLOWER * self._speeds.get(with_team, 0.0):
                self._n_blocks = -1
            self._speeds[with_team] = speed
        if not is_trial:
            budget.adapt(seconds)

    def _choice(self):
        """Return whether the team computes the next block, and whether that is to try only."""
        if self._team is None or fits_at_once() > 1:
            return False, False
        for with_team in (True, False):
            if with_team not in self._speeds:
                return with_team, False
        self._n_blocks += 1
        team_is_faster = self._speeds[True] > self._speeds[False]
        if self._n_blocks % BLOCKS_BETWEEN_TRIALS == 0:
            return not team_is_faster, True
        return team_is_faster, False

    @contextmanager
    def _helping(self):
        over = self._team["counters"][sharing.OVER // 8 :]
        over[0] = 0
        threads = [Thread(target=self._help, args=(member,)) for member in range(1, self._helpers + 1)]
        try:
            for thread in threads:
                thread.start()
            yield
        finally:
            over[0] = 1
            for thread in threads:
                if thread.ident is not None:
                    thread.join()


def _new_team(n_threads, model, state, n_rows):
    """Return the record of TEAM, or None if there is nothing to share; ``n_rows`` of a tile are 0 if they cannot be."""
    dtype, layout, kernels = model.dtype, model.layout, {}
    strip = next(filter(partial(_strips_agree, model, n_rows), _strips(n_rows, n_threads)), n_rows)
    n_strips = -(-n_rows // strip) if strip else 0
    if n_strips > 1:
        kernels["share_rows"] = compiled_pass("share_rows", dtype)
    fields = state.array[0]
    if not fields.computes_gradient:
        kernels["share_gradients"] = compiled_pass("share_gradients", dtype)
    if fields.update_pieces and not fields.step_matrix:  # there is one scratch memory for matrices
        kernels["share_pieces"] = compiled_pass("share_pieces", dtype)
    if not kernels:
        return None
    stride = aligned_size(layout.size, dtype)
    return Record(
        TEAM,
        n_rows=n_rows,
        n_strips=n_strips,
        strip=strip,
        counters=np.zeros(sharing.N_COUNTERS, dtype=np.int64),
        grads=aligned_zeros(n_threads * stride, dtype),
        grad_stride=stride,
        step_sizes=aligned_zeros(n_threads * int(fields.n_step_sizes), dtype),
        **kernels,
    )


def _strips(n_rows, n_threads):
    """Yield numbers of rows that divide a tile for at most so many threads, the smallest first."""
    for n_strips in range(min(n_threads, n_rows // passes.LOSS_ROWS), 1, -1):
        yield -(-n_rows // (n_strips * passes.LOSS_ROWS)) * passes.LOSS_ROWS


_agreements = {}  # by what they depend on


def _strips_agree(model, n_rows, strip):
    """Tell whether the products of strips of rows have the bits of those of the whole tile.

    BLAS sums in an order that depends on the sizes of the matrices, not on their elements. Whether a strip is
    computed in the order of the whole is found out once for each network and kind of processor, with random numbers.
    """
    dtype, units = model.dtype, tuple(model.layout.units.tolist())
    key = (units, dtype, n_rows, strip)
    if key not in _agreements:
        rng = np.random.RandomState(0)
        theta = rng.standard_normal(model.layout.size).astype(dtype)
        inputs = rng.standard_normal((n_rows, units[0])).astype(dtype)
        bare = replace(model, dropout=(), input_dropout=0.0).record(False, "backward")
        pass_rows = compiled(sharing.pass_rows, dtype)
        sources = [(Source(inputs), None)]
        whole, parts = (workspace.new_workspace(units, dtype, n_rows, sources) for _ in range(2))
        for work, size in ((whole, n_rows), (parts, strip)):
            work["inputs"][: inputs.size] = inputs.ravel()
            for first in range(0, n_rows, size):
                pass_rows(theta, bare.array, work.array, first, min(size, n_rows - first))
        names = ("activations", "deltas")
        _agreements[key] = all(whole[name].tobytes() == parts[name].tobytes() for name in names)
    return _agreements[key]
