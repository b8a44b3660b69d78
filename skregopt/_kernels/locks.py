"""One compilation at a time: among the threads of a process, and among processes that share a cache."""

import os
import threading
import time
from contextlib import contextmanager, suppress
from functools import lru_cache, wraps
from pathlib import Path

_compiling = threading.RLock()


def _after_fork():
    # a thread that compiles does not go on here, and would keep the lock forever
    global _compiling
    _compiling = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def once(compile_function):
    """Cache per argument, and let only one thread compile."""
    cached = lru_cache(maxsize=None)(compile_function)

    @wraps(compile_function)
    def locked(*arguments):
        with _compiling:
            return cached(*arguments)

    return locked


@contextmanager
def folder_lock(directory, timeout=120.0):
    """Hold a lock file in ``directory``: cold processes compile in turn, and all but the first one load.

    Without it, two processes that save different signatures of one function can leave an index that names the
    wrong code. Where no lock can be had (read-only folder, a process that hangs), work goes on without it.
    """
    try:
        handle = open(Path(directory) / "skregopt.lock", "a+b")
    except OSError:
        yield
        return
    try:
        deadline = time.monotonic() + timeout
        while not _try_lock(handle) and time.monotonic() < deadline:
            time.sleep(0.02)
        yield
    finally:
        _unlock(handle)  # closing is not enough: a process that was forked meanwhile has the file open, too
        handle.close()


if os.name == "nt":
    import msvcrt

    def _try_lock(handle):
        handle.seek(0)
        try:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(handle):
        pass  # there is no fork
else:
    import fcntl

    def _try_lock(handle):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks: nothing to wait for
            return True
        return True

    def _unlock(handle):
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
