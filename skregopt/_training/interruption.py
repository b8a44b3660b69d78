"""How another thread interrupts training: signals reach Python's main thread alone, which may only wait for a fit."""

import threading
from contextlib import contextmanager

_of_thread = threading.local()


@contextmanager
def interruptible(event):
    """Let fits of this thread within the block end, as if the user had interrupted them, once an event is set.

    Parameters
    ----------
    event : threading.Event
    """
    before = getattr(_of_thread, "event", None)
    _of_thread.event = event
    try:
        yield
    finally:
        _of_thread.event = before


def check_interruption():
    """Raise KeyboardInterrupt if another thread wants the training of this one to end."""
    event = getattr(_of_thread, "event", None)
    if event is not None and event.is_set():
        raise KeyboardInterrupt
