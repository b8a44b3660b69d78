"""Pieces of Python in processes of their own: what a later session, or a user elsewhere, would see."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import skregopt

PACKAGE = Path(skregopt.__file__).parent

# Before anything else: record what numba compiles (loading from the cache is not compiling). `result` goes back.
_BEGIN = """
import hashlib, json, sys, time, warnings
from numba.core import event

class Recorder(event.Listener):
    def on_start(self, ev):
        function = ev.data["dispatcher"].py_func
        compilations.append(f"{function.__module__}.{function.__qualname__}")

    def on_end(self, ev):
        pass

compilations, result = [], {}
event.register("numba:compile", Recorder())

def bits(*arrays):
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
"""
_END = """
print()
print(json.dumps({**result, "compiled": compilations}))
"""

# Small enough to train in no time, with everything in it: three classes, zeros in X, weights.
DATA = """
import numpy as np, scipy.sparse as sp
from skregopt import MLPClassifier, MLPRegressor
warnings.simplefilter("ignore")
rng = np.random.RandomState(0)
X = rng.normal(size=(40, 6)) * (rng.uniform(size=(40, 6)) > 0.3)
classes = np.argmax(X[:, :3], axis=1)
counts = rng.poisson(np.exp(0.3 * X[:, 0])).astype(float)
weights = rng.uniform(0.5, 2, size=40)
"""


class Child:
    """A Python process that has been started; ``result()`` waits for it."""

    def __init__(self, code, *, path=PACKAGE.parent, cache=None, env=(), **options):
        kept = {name for name in os.environ if not name.startswith("NUMBA") or name == "NUMBA_CACHE_DIR"}
        variables = {name: os.environ[name] for name in kept}
        variables |= {"PYTHONPATH": str(path), **dict(env)}
        if cache is not None:
            variables["NUMBA_CACHE_DIR"] = str(cache)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BEGIN + textwrap.dedent(code) + _END],
            env={name: str(value) for name, value in variables.items() if value is not None},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **{"cwd": "/", **options},
        )

    def result(self, timeout=400):
        """Return the process's ``result``, with ``compiled`` (names of functions) and ``printed``."""
        try:
            out, error = self._process.communicate(timeout=timeout)
        except BaseException:
            os.killpg(self._process.pid, signal.SIGKILL)  # with the processes that it has started
            self._process.communicate()
            raise
        assert self._process.returncode == 0, error
        *printed, last = out.strip().splitlines()
        return {**json.loads(last), "printed": "\n".join(printed), "stderr": error}


def run(code, **options):
    """Run ``code``, which fills the dict ``result``, to its end; see :class:`Child`."""
    return Child(code, **options).result()
