"""Networks are trained side by side in threads, until the plan or the time is at its end, or the user interrupts.

Compiled loops do not hold Python's lock, and all networks read the same encoded table, each its own rows by index. What
a network becomes depends on its place in the plan alone, so that any number of threads gives the same bits.
"""

import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np
from sklearn import config_context, get_config

from .._estimators.fit import run_fit
from .._estimators.read import FitData
from .._estimators.resolve import watches_loss
from .._kernels import jit
from .._training.interruption import interruptible
from .._training.outcome import Ending
from .._training.time_limit import clock as thread_clock
from .folds import Fixed

LEAST_SHARE_OF_TIME = 0.25  # of the seconds of the longest network so far that another one needs to be worth a start
SECONDS_BETWEEN_LOOKS = 0.2  # for signals
RESERVE = 0.05  # share of the time for what comes after the last network


@dataclass(frozen=True, eq=False)
class Task:
    """One network to train.

    Attributes
    ----------
    network : MLPClassifier or MLPRegressor
        Unfitted.
    recipe : str
    train, held_out : ndarray of int
        Numbers of rows; ``held_out`` is None without rows to validate on, and where all networks have the same.
    """

    network: object
    recipe: str
    train: np.ndarray
    held_out: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Member:
    """A trained network.

    Attributes
    ----------
    network : MLPClassifier or MLPRegressor
    recipe : str
    held_out : ndarray of int or None
        As in :class:`Task`.
    predictions : ndarray of shape (n_held_out, n_outputs) or None
        Of the rows held out.
    n_iter : int
        Epochs.
    is_complete : bool
        False if the user has interrupted its training.
    """

    network: object
    recipe: str
    held_out: np.ndarray | None
    predictions: np.ndarray | None
    n_iter: int
    is_complete: bool


class Clock:
    """What is left of ``max_time``; counts from when it is created, and stands still while code is compiled.

    The threads that train are new, so that the seconds that they have waited for machine code are those of this fit.

    Parameters
    ----------
    max_time : float or None
        Seconds.
    """

    def __init__(self, max_time):
        self._end = None if max_time is None else time.perf_counter() + max_time * (1 - RESERVE)
        self._lock = threading.Lock()
        self._longest = 0.0

    def seconds_for_another(self, is_first):
        """Return the seconds that a network may take: None for any number, 0 if it should not be started."""
        if self._end is None:
            return None
        left = self._end - thread_clock()
        if is_first:  # at least one always comes back
            return max(left, 1e-3)
        with self._lock:
            return left if left > max(LEAST_SHARE_OF_TIME * self._longest, 1e-3) else 0.0

    def took(self, seconds):
        """Note how long a network took."""
        with self._lock:
            self._longest = max(self._longest, seconds)


def train_members(tasks, table, n_threads, clock, report=None, n_before=0):
    """Train networks; returns a list of :class:`Member` in the order of the tasks, at least one if none was before.

    Parameters
    ----------
    tasks : list of Task
    table : Table
    n_threads : int
    clock : Clock
    report : Report, default=None
        Is told of each member that is trained: its place, the member, and its seconds; and of compilation.
    n_before : int, default=0
        Networks that this fit has trained already.

    Returns
    -------
    members : list of Member
    is_interrupted : bool
        Whether the user has interrupted; members that are not complete are left out then, unless there are no others.

    Raises
    ------
    ValueError
        For training that diverged.
    """
    stop, config = threading.Event(), get_config()

    def run(place):
        is_first = n_before + place == 0
        seconds = clock.seconds_for_another(is_first)
        if seconds == 0.0 or (stop.is_set() and not is_first):
            return None
        started = thread_clock()
        # all of these belong to a thread
        with config_context(**config), interruptible(stop), jit.announcing(report and report.compiling):
            member = _train(tasks[place], table, seconds)
        took = thread_clock() - started
        clock.took(took)
        if not member.is_complete:
            stop.set()  # by the user's scorer, in this thread
        if report is not None:
            report.trained(n_before + place, member, took)
        return member

    with ThreadPoolExecutor(n_threads) as pool:
        futures = []
        try:
            futures.extend(pool.submit(run, place) for place in range(len(tasks)))
            if not _all_succeed(futures):  # the others need not go on
                stop.set()
        except KeyboardInterrupt:
            stop.set()  # networks end within half a second, and no other one begins
            wait(futures)
        except BaseException:
            stop.set()
            raise
    members = [member for member in (future.result() for future in futures) if member is not None]
    complete = [member for member in members if member.is_complete]
    return complete or (members if n_before == 0 else []), stop.is_set()


def _all_succeed(futures):
    """Wait until all futures are done, or one has failed; tells which of both."""
    done, unfinished = set(), futures
    while unfinished and not any(future.exception() for future in done):
        # a wait without an end may miss a signal that comes as it begins, and on Windows any
        done, unfinished = wait(futures, timeout=SECONDS_BETWEEN_LOOKS, return_when=FIRST_EXCEPTION)
    return not unfinished


def _train(task, table, seconds):
    network, validates = task.network, task.held_out is not None or table.validation is not None
    network.set_params(max_time=seconds, early_stopping=validates)
    data = FitData(table.X, table.y_of_networks, table.sample_weight)
    if task.held_out is not None:
        network.set_params(validation_fraction=Fixed(task.train, task.held_out))
    elif table.validation is not None:
        validation = table.validation
        data = FitData(
            *(table.X, table.y_of_networks, table.sample_weight),
            *(validation.X, validation.y_of_networks, validation.sample_weight),
        )
    scoring = network.scoring
    if validates and not watches_loss(scoring):
        network.set_params(scoring=table.scorer_of_networks(scoring, task.held_out))
    outcome = run_fit(network, data)
    # what the user sees, and pickles, holds no rows and no clock
    network.set_params(validation_fraction=0.1, scoring=scoring, max_time=None)
    predictions = None
    if task.held_out is not None:
        predictions = table.predictions_of(network, table.X[task.held_out])
    elif table.validation is not None:
        predictions = table.predictions_of(network, table.validation.X)
    is_complete = outcome.ending is not Ending.INTERRUPTED
    return Member(network, task.recipe, task.held_out, predictions, outcome.n_iter, is_complete)
