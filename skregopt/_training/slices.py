"""Slices of time: how long compiled code runs at a stretch, and whether helper threads take part in it.

A slice ends after about half a second, because a signal (Ctrl-C) waits until compiled code returns, or earlier where
Python has to look at the clock. With ``n_jobs`` the
same slice can be computed by one thread or by several (see ``_engine/sharing.py``), with the same bits. Several are not
always faster: networks may be too small, and other processes may keep the processors busy, so that threads wait for
each other. So both are timed, and the faster one goes on; now and then the other is tried again.
"""

import copy
import math
import time
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from threading import Thread

import numpy as np

from .._engine.job import Job
from .._engine.loop import pass_rows
from .._engine.records import LOSS_ROWS
from .._engine.sharing import N_COUNTERS, OVER, help_leader
from .._engine.source import Source
from .._kernels.compiler import DISABLED
from .._kernels.memory import aligned_size, aligned_zeros
from .threads import fits_at_once
from .time_limit import LONGEST_SLICE

SLICE_SECONDS = 0.4
LEAST_SECONDS = 0.005  # of a slice, however short max_time is
TRIAL_SECONDS = 0.02
SLICES_BETWEEN_TRIALS = 8
MUCH_SLOWER = 0.7  # of the speed of the slice before: something has happened, and the other way is tried at once
SMALL_BATCH = 1 << 20  # multiplications that take less time than threads need to agree on who does what


class Budget:
    """How many tiles a slice may take, so that it lasts as long as it should on this machine."""

    def __init__(self, products_per_tile, wanted_seconds=None):
        self._wanted_seconds = SLICE_SECONDS if wanted_seconds is None else wanted_seconds
        # start from a speed that every machine reaches
        self.n_tiles = max(1, int(self._wanted_seconds * 2e8 / max(1, products_per_tile)))

    def of_trial(self):
        """Return how many tiles a trial may take."""
        return max(1, int(self.n_tiles * min(1.0, TRIAL_SECONDS / self._wanted_seconds)))

    def adapt(self, seconds):
        """Learn from a slice that has taken so many seconds."""
        ratio = self._wanted_seconds / max(seconds, 1e-4)
        self.n_tiles = int(min(max(1, self.n_tiles * min(ratio, 8.0)), 1 << 40))


class Slices:
    """Runs the slices of a fit, with helper threads or without.

    Parameters
    ----------
    n_threads : int
        Largest number of threads.
    job : Job
        What a slice works on.
    max_time : float, default=None
        Seconds that the fit may take: slices are short beside it.
    """

    def __init__(self, n_threads, job, max_time=None):
        self._job, self._helpers, self._can_share = job, 0, False
        products = job.network.layout.n_weights * job.tile_size
        budget = Budget(products)
        if max_time is not None:  # whose first slice is a single tile
            budget = Budget(math.inf, max(LEAST_SECONDS, min(SLICE_SECONDS, LONGEST_SLICE * max_time)))
        self._budgets = {False: budget, True: copy.copy(budget)}
        self._speeds = {}  # with helpers (True) and without
        self._n_slices = 0  # since both were known; a multiple of SLICES_BETWEEN_TRIALS is a trial
        if n_threads > 1 and products >= SMALL_BATCH and not DISABLED:
            self._helpers = n_threads - 1
            self._can_share = _prepare_sharing(job, n_threads)

    def run(self, compute):
        """Compute a slice.

        Parameters
        ----------
        compute : callable
            ``compute(n_tiles) -> amount`` works on that many tiles at most, and returns how much it did, in any unit.
        """
        with_helpers, is_trial = self._choice()
        budget = self._budgets[with_helpers]
        n_tiles = budget.of_trial() if is_trial else budget.n_tiles
        started = time.perf_counter()
        with self._helping() if with_helpers else nullcontext():
            amount = compute(n_tiles)
        seconds = time.perf_counter() - started
        if amount > 0:
            speed = amount / max(seconds, 1e-9)
            if not is_trial and speed < MUCH_SLOWER * self._speeds.get(with_helpers, 0.0):
                self._n_slices = -1
            self._speeds[with_helpers] = speed
        if not is_trial:
            budget.adapt(seconds)

    def _choice(self):
        """Return whether helpers take part in the next slice, and whether that slice is only a trial."""
        if not self._can_share or fits_at_once() > 1:
            return False, False
        for with_helpers in (True, False):
            if with_helpers not in self._speeds:
                return with_helpers, False
        self._n_slices += 1
        helpers_are_faster = self._speeds[True] > self._speeds[False]
        if self._n_slices % SLICES_BETWEEN_TRIALS == 0:
            return not helpers_are_faster, True
        return helpers_are_faster, False

    @contextmanager
    def _helping(self):
        job = self._job
        over = job["sharing", "counters"][OVER // 8 :]
        over[0] = 0
        job.array[0].sharing.is_on = True
        help = partial(help_leader, job.theta, job.array)
        threads = [Thread(target=help, args=(member,)) for member in range(1, self._helpers + 1)]
        try:
            for thread in threads:
                thread.start()
            yield
        finally:
            over[0] = 1
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
            job.array[0].sharing.is_on = False


def _prepare_sharing(job, n_threads):
    """Fill the job's record of sharing; returns whether there is anything to share."""
    fields, source = job.array[0], job.array[0].train.source
    # a sparse tile is loaded at once, and some blocks need all rows of a batch
    n_rows = 0 if source.is_sparse or job.network.needs_whole_batch else job.tile_size
    strip = next(filter(partial(_strips_agree, job.network, n_rows), _strips(n_rows, n_threads)), n_rows)
    n_strips = -(-n_rows // strip) if strip else 0
    shares = {
        "shares_rows": n_strips > 1,
        "shares_gradients": not fields.update.computes_gradient,
        # there is one scratch memory for matrices
        "shares_pieces": bool(fields.update.has_rules and not fields.update.by_matrix),
    }
    if not any(shares.values()):
        return False
    job.use("share")
    help_leader.compiled(job.dtype)  # here, not by a helper within a slice, which is timed
    stride = aligned_size(job.network.layout.size, job.dtype)
    job.set(
        "sharing",
        n_rows=n_rows,
        n_strips=n_strips,
        strip=strip,
        counters=np.zeros(N_COUNTERS, dtype=np.int64),
        grads=aligned_zeros(n_threads * stride, job.dtype),
        grad_stride=stride,
        workspaces=aligned_zeros(n_threads * int(fields.update.n_workspace), job.dtype),
        **shares,
    )
    return True


def _strips(n_rows, n_threads):
    """Yield how many rows a strip can have, so that at most ``n_threads`` strips make up a tile; the smallest first."""
    for n_strips in range(min(n_threads, n_rows // LOSS_ROWS), 1, -1):
        yield -(-n_rows // (n_strips * LOSS_ROWS)) * LOSS_ROWS


_agreements = {}  # by what they depend on


def _strips_agree(network, n_rows, strip):
    """Tell whether multiplying strip by strip gives the same bits as multiplying the whole tile.

    BLAS sums in an order that depends on the sizes of the matrices, not on their elements. Whether a strip is
    computed in the order of the whole is found out once for each network and kind of processor, with random numbers.
    """
    dtype, units = network.dtype, tuple(network.layout.widths)
    key = (units, dtype, n_rows, strip)
    if key not in _agreements:
        rng = np.random.RandomState(0)
        theta = rng.standard_normal(network.layout.size).astype(dtype)
        inputs = rng.standard_normal((n_rows, units[0])).astype(dtype)
        bare = replace(network, dropout=(), input_dropout=0.0)
        outputs = []
        for size in (n_rows, strip):
            job = Job(bare, theta, n_rows, trains=True)
            bare.describe(job, is_sparse=False)
            job.add_buffers([(Source(inputs), None)])
            job["buffers", "inputs"][: inputs.size] = inputs.ravel()
            for first in range(0, n_rows, size):
                pass_rows(theta, job.array, first, min(size, n_rows - first))
            outputs.append([values.tobytes() for values in job.layer_buffers])
        _agreements[key] = outputs[0] == outputs[1]
    return _agreements[key]
