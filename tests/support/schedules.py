"""The kernels of a schedule, called as the training loop calls them."""

import numpy as np
from numba import types

from skregopt._kernels.jit import entry_point
from skregopt.schedules import Schedule

PEAK = 0.3


class Driven:
    """The kernels of a schedule, called as the training loop calls them."""

    def __init__(self, schedule, peak=PEAK):
        float64 = np.dtype(float)
        self.kernels = {
            name: entry_point(getattr(schedule, name), signature(types.float64))
            for name, signature in Schedule.signatures.items()
        }
        self.hyper, self.memory, self.peak = schedule.hyper_vector(float64), np.zeros(8), peak

    def rate(self, t, epoch, updates_per_epoch, max_iter):
        return self.kernels["rate"](self.peak, t, epoch, updates_per_epoch, max_iter, self.hyper, self.memory)

    def end_epoch(self, score, exhausted=0):
        return self.kernels["end_epoch"](exhausted, score, self.hyper, self.memory)

    def rates(self, n_epochs, updates_per_epoch, max_iter, scores=None):
        """Return the rate of every update."""
        found = []
        for epoch in range(n_epochs):
            for i in range(updates_per_epoch):
                found.append(self.rate(epoch * updates_per_epoch + i + 1, epoch, updates_per_epoch, max_iter))
            self.end_epoch(0.0 if scores is None else scores[epoch])
        return np.array(found)
