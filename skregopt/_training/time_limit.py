"""The end of training by the clock, ``max_time``: when it is, and how fast schedules have to go so that they end there.

Compiled code has no clock. Between its slices Python looks at the time that is left, and estimates how many epochs fit.
"""

import math
import time

from .._kernels.jit import seconds_waited

LONGEST_SLICE = 0.05  # of max_time, so that Python looks at the clock often enough
MOST_UPDATES = 1 << 52
TOO_SOON = 0.01  # of max_time, before which there is no estimate: the first batches take longer than others


def clock():
    """Return a time in seconds, which stands still while this thread waits for machine code."""
    return time.perf_counter() - seconds_waited()


class TimeLimit:
    """The time that training may take, from now on.

    Parameters
    ----------
    max_time : float or None
        Seconds; None: no limit.
    """

    def __init__(self, max_time):
        self.max_time = math.inf if max_time is None else max_time
        self._started = clock()

    def elapsed(self):
        """Return the seconds since training began."""
        return clock() - self._started

    def is_over(self):
        """Tell whether training has taken ``max_time`` or longer."""
        return self.elapsed() >= self.max_time


class EpochsInTime:
    """How many epochs fit in ``max_time``: at least one, and the last of them ends as near to it as an epoch can.

    Parameters
    ----------
    max_time : float
        Seconds from now on.
    job : Job
        It has not been trained with. Its schedules that follow time are told how fast to go.
    """

    def __init__(self, max_time, job):
        self._limit, self._progress = TimeLimit(max_time), job.progress
        settings, self._n_rows = job.array[0].settings, int(job.array[0].train.n_rows)
        self._updates_per_epoch = int(settings.updates_per_epoch)
        # nobody waits for so many updates, and all of them are exact as float64
        settings.max_iter = min(int(settings.max_iter), MOST_UPDATES // self._updates_per_epoch)
        self._max_iter = self._n_epochs = int(settings.max_iter)
        self._pace = job.array[0].pace
        self._pace.t, self._pace.position, self._pace.per_update = 1, 0.0, 1.0

    def plan(self):
        """Set the pace of schedules for the next slice; returns after how many more epochs to look at the clock."""
        epoch, elapsed = int(self._progress["epoch"]), self._limit.elapsed()
        done = epoch + int(self._progress["row"]) / self._n_rows
        self._n_epochs = self._max_iter
        if done > 0 and elapsed >= TOO_SOON * self._limit.max_time:
            fitting = done * max(self._limit.max_time / max(elapsed, 1e-9), 1.0)
            self._n_epochs = min(max(epoch + 1, math.floor(fitting + 0.5)), self._max_iter)
        self._set_pace(max(1, int(self._progress["t"])))
        return self._n_epochs - epoch

    def _set_pace(self, t):
        """Have schedules reach their last update with the last one of the epochs that fit, from update ``t`` on."""
        pace, n_updates = self._pace, float(self._max_iter) * self._updates_per_epoch
        position = float(pace.position) + (t - int(pace.t)) * float(pace.per_update)
        n_left = float(self._n_epochs) * self._updates_per_epoch - t
        # exactly 1 as long as all epochs fit; never so little that the epochs overtake
        pace.per_update = max(0.0, n_updates - (position + 1.0)) / max(1.0, n_left)
        pace.t, pace.position = t, position

    def are_over(self):
        """Tell whether an epoch is complete, and is the last one that fits."""
        epoch = int(self._progress["epoch"])
        if epoch == 0 or self._progress["row"] > 0:
            return False
        elapsed = self._limit.elapsed()
        # more than an epoch may be left where training has become faster than it was at the last look at the clock
        another_fits = elapsed * (epoch + 1) / epoch <= self._limit.max_time
        return elapsed >= self._limit.max_time or (epoch >= self._n_epochs and not another_fits)
