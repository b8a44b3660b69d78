"""One compilation at a time: among the threads of a process, and of each function among processes with one cache."""

import os
import threading
import time
from contextlib import contextmanager
from functools import lru_cache, wraps
from zlib import crc32

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
def process_lock(path, timeout=120.0):
    """Hold a lock on a name: cold processes compile the same function in turn, and all but the first one load.

    The lock is one byte of a file ``lock`` in the folder, so that processes can compile different functions at the same
    time. It saves work and protects nothing: where it cannot be had (a folder to read only, a file system without
    locks, a process that hangs), work goes on without it.

    Parameters
    ----------
    path : pathlib.Path
        The folder, and the name to lock.
    timeout : float
        Seconds to wait at most.
    """
    try:
        file = open(path.with_name("lock"), "ab")
    except OSError:
        yield
        return
    with file:
        byte = crc32(path.name.encode())
        deadline = time.monotonic() + timeout
        while not _try_lock(file, byte) and time.monotonic() < deadline:
            time.sleep(0.02)
        yield  # the end of the file, or of the process, is the end of the lock


if os.name == "nt":
    import msvcrt

    def _try_lock(file, byte):
        file.seek(byte)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(file, byte):
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):  # which of them depends on the system
            return False
        except OSError:  # a file system without locks: nothing to wait for
            return True
        return True
