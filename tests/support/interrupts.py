"""Ctrl-C while a test runs."""

import os
import signal
import threading
import time


class Interrupt:
    """Ctrl-C, sent to this process after some seconds.

    How long the process goes on is counted in its own seconds on a processor, all threads together: those that a busy
    machine gives to others say nothing about the package.
    """

    def __init__(self, after):
        self._sent = None
        threading.Timer(after, self._send).start()

    def _send(self):
        self._sent = time.process_time()
        os.kill(os.getpid(), signal.SIGINT)

    def seconds(self):
        """Return how long the processor has worked since."""
        assert self._sent is not None, "what was to be interrupted has ended before"
        return time.process_time() - self._sent
