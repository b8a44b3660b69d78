"""What holds for all tests."""

import signal

from joblib._parallel_backends import LokyBackend

# A shell makes the processes of its background ignore Ctrl-C, and those they start; tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# joblib's workers go away when they had nothing to do for five minutes. The joblib of the oldest supported dependencies
# has been seen to wait forever for one that went just when there was work again.
_configure = LokyBackend.configure


def _configure_with_patience(self, *arguments, **options):
    return _configure(self, *arguments, **{**options, "idle_worker_timeout": 3600})


LokyBackend.configure = _configure_with_patience
