"""What holds for all tests."""

import os
import shutil
import signal
import tempfile

from joblib._parallel_backends import LokyBackend

# A shell makes the processes of its background ignore Ctrl-C, and those they start; tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Machine code of this run only, which the processes share that it starts. Whoever has set a folder keeps it.
_folder = None if "NUMBA_CACHE_DIR" in os.environ else tempfile.mkdtemp(prefix="skregopt_tests")
if _folder:
    os.environ["NUMBA_CACHE_DIR"] = _folder


def pytest_configure(config):
    """Let kernels overflow as plain Python as they do as machine code: without a warning."""
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":
        config.addinivalue_line("filterwarnings", "ignore:(overflow|invalid value|divide by zero) encountered")


def pytest_unconfigure():
    """Remove the folder, in the process that has made it."""
    if _folder:
        shutil.rmtree(_folder, ignore_errors=True)


# joblib's workers go away when they had nothing to do for five minutes. The joblib of the oldest supported dependencies
# has been seen to wait forever for one that went just when there was work again.
_configure = LokyBackend.configure


def _configure_with_patience(self, *arguments, **options):
    return _configure(self, *arguments, **{**options, "idle_worker_timeout": 3600})


LokyBackend.configure = _configure_with_patience
