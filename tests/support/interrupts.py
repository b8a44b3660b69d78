"""Ctrl-C while a test runs."""

import os
import signal
import threading
import time


def interrupt_after(seconds):
    """Send Ctrl-C to this process later; returns a list that will hold the time of sending."""
    sent = []

    def send():
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Timer(seconds, send).start()
    return sent
