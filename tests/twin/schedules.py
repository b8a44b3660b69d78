"""Learning rates of updates and epochs."""

import numpy as np


class Constant:
    """The same learning rate throughout."""

    def __init__(self, lr):
        self.lr = lr

    def rate(self, t, epoch):
        """Return the learning rate of update t, counted from 1, in an epoch, counted from 0."""
        return self.lr

    def goes_on(self, exhausted, score):
        """Take note of the end of an epoch; tell whether training goes on although progress stalled."""
        return False


class InvScaling(Constant):
    """lr / t^power_t."""

    def __init__(self, lr, power_t):
        super().__init__(lr)
        self.power_t = power_t

    def rate(self, t, epoch):
        """Return the learning rate of update t, counted from 1."""
        return self.lr / t**self.power_t


class Adaptive(Constant):
    """A fifth of the rate, instead of stopping, until it is 1e-6 or less."""

    def goes_on(self, exhausted, score):
        """Lower the rate, unless it is too low already."""
        if not exhausted or self.lr <= 1e-6:
            return False
        self.lr /= 5
        return True


class Step(Constant):
    """A tenth of the rate every 50 epochs."""

    step_size, gamma = 50, 0.1

    def rate(self, t, epoch):
        """Return the learning rate of an epoch, counted from 0."""
        return self.lr * self.gamma ** (epoch // self.step_size)


class Exponential(Step):
    """2 % less in each epoch."""

    step_size, gamma = 1, 0.98


class Cosine(Constant):
    """Half a cosine wave from lr to zero within n_epochs."""

    def __init__(self, lr, n_epochs):
        super().__init__(lr)
        self.n_epochs = n_epochs

    def rate(self, t, epoch):
        """Return the learning rate of an epoch, counted from 0."""
        return self.lr * (1 + np.cos(np.pi * min(epoch / self.n_epochs, 1))) / 2


class OneCycle(Constant):
    """Two half cosine waves: lr / 25 to lr in the first 30 % of the updates, then to lr / 250 000."""

    def __init__(self, lr, n_updates):
        super().__init__(lr)
        self.n_updates = n_updates

    def rate(self, t, epoch):
        """Return the learning rate of update t, counted from 1."""
        corners = [0, 0.3 * self.n_updates - 1, self.n_updates - 1]
        rates = [self.lr / 25, self.lr, self.lr / 25e4]
        piece = 0 if t - 1 <= corners[1] else 1
        share = (t - 1 - corners[piece]) / (corners[piece + 1] - corners[piece])
        start, end = rates[piece : piece + 2]
        return end + (start - end) / 2 * (1 + np.cos(np.pi * min(share, 1)))


class FlatCosine(OneCycle):
    """lr for half of the updates, then half a cosine wave to zero."""

    def rate(self, t, epoch):
        """Return the learning rate of update t, counted from 1."""
        share = min((t - 1) / self.n_updates, 1)
        return self.lr * (1 + np.cos(np.pi * (2 * max(share, 0.5) - 1))) / 2


class CosLog(OneCycle):
    """Four cosine waves from zero up to lr and back, each twice as long as the one before."""

    def rate(self, t, epoch):
        """Return the learning rate of update t, counted from 1."""
        return self.lr / 2 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * min((t - 1) / self.n_updates, 1))))


class Plateau(Constant):
    """A tenth of the rate after 11 epochs without relative improvement by 1e-4, or instead of stopping."""

    factor, patience, threshold = 0.1, 10, 1e-4

    def __init__(self, lr):
        super().__init__(lr)
        self.best, self.n_bad, self.age = -np.inf, 0, np.inf

    def goes_on(self, exhausted, score):
        """Count; a rate that was lowered within the last 10 epochs is left alone."""
        margin = self.threshold * abs(self.best) if np.isfinite(self.best) else 0
        improved = score > self.best + margin
        self.best = score if improved else self.best
        self.n_bad = 0 if improved else self.n_bad + 1
        self.age += 1
        if self.n_bad > self.patience or (exhausted and self.age > self.patience):
            self.n_bad = 0
            if self.lr * (1 - self.factor) > 1e-8:
                self.lr, self.age = self.lr * self.factor, 0
        return self.age <= self.patience


def make_schedule(name, lr, n_epochs, n_updates, power_t=0.5):
    """Return the schedule with a public name, whose highest rate is ``lr``."""
    by_updates = {"one_cycle": OneCycle, "flat_cosine": FlatCosine, "coslog": CosLog}
    others = {"constant": Constant, "adaptive": Adaptive, "step": Step, "exponential": Exponential, "plateau": Plateau}
    if name == "cosine":
        return Cosine(lr, n_epochs)
    if name == "invscaling":
        return InvScaling(lr, power_t)
    return by_updates[name](lr, n_updates) if name in by_updates else others[name](lr)
