"""Estimators for paths, and scorers that press Ctrl-C."""

import threading
from _thread import interrupt_main

import numpy as np

LINEAR = {
    "hidden_layer_sizes": (), "solver": "gd", "learning_rate_init": 0.2, "momentum": 0.5, "max_iter": 20_000,
    "n_iter_no_change": 100,
}  # fmt: skip


class Interrupting:
    """A scorer that presses Ctrl-C: at its n-th call, or in the middle of the fit after its first call."""

    def __init__(self, at_call=None):
        self.at_call, self.n_calls = at_call, 0

    def __call__(self, estimator, X, y):
        self.n_calls += 1
        if self.n_calls == self.at_call:
            raise KeyboardInterrupt
        if self.at_call is None and self.n_calls == 1:
            threading.Timer(0.3, interrupt_main).start()
        return 0.0


ENDLESS = {"max_iter": 100_000_000, "tol": 0.0}

NETWORK = {"penalty": "l1", "max_iter": 2, "n_iter_no_change": np.inf, "random_state": 0}
