"""What holds for all tests."""

import signal

# A shell makes the processes of its background ignore Ctrl-C, and those they start; tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)
