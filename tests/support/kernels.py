"""Kernels to compile, here or in processes of their own."""

import shutil
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from skregopt._kernels import jit as _jit
from skregopt._kernels.compiler import DISABLED

from .processes import PACKAGE

DTYPES = [np.float32, np.float64]
needs_compiler = pytest.mark.skipif(DISABLED, reason="without the JIT there is nothing to compile or to cache")


# compiles four functions of four files, and says what they compute
KERNELS = """
import numpy as np
from skregopt._kernels import jit as _jit
from skregopt.activations import Tanh
from skregopt.penalties import L1, L2
from skregopt.schedules import InvScaling

def call(rule, name, dtype, *arguments):
    signature = rule.signatures[name](_jit.scalar_type(np.dtype(dtype)))
    return _jit.entry_point(getattr(rule, name), signature)(*arguments)

def kernels(dtype):
    z, nothing, memory = np.array([0.5, -2.0], dtype), np.zeros(1, dtype), np.zeros(1)
    call(Tanh, "activate", dtype, z, nothing, nothing)
    value = call(L2, "value", dtype, z, 1, 0, np.dtype(dtype).type(2), nothing)
    w = np.array([0.75, -0.125], dtype)
    call(L1, "prox", dtype, w, np.ones(2, dtype), 1, 0, np.dtype(dtype).type(0.25), np.ones(1, dtype))
    rate = call(InvScaling, "rate", dtype, 3.0, 4, 0, 1, 1, np.array([0.5]), memory)
    return [*z.tolist(), value, *w.tolist(), rate]
"""
KERNEL_NAMES = {"_tanh_activate", "_l2_value", "_l1_prox", "_inv_scaling_rate"}
KERNEL_RESULTS = [
    np.tanh(0.5), np.tanh(-2.0), np.tanh(0.5) ** 2 + np.tanh(-2.0) ** 2, 0.5, 0.0, 1.5,
]  # fmt: skip


def kernels_in(compiled):
    """Return which of the four functions are among the full names of what a child has compiled, and how often."""
    names = (name.rpartition(".")[2] for name in compiled)
    return Counter(name for name in names if name in KERNEL_NAMES)


def copied_package(folder):
    """Return the path of a copy of the package in a folder."""
    return Path(shutil.copytree(PACKAGE, folder / "skregopt", ignore=shutil.ignore_patterns("__pycache__")))


def zipped(folder):
    """Return a path to the package in a zip archive."""
    path = folder / "library.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in PACKAGE.rglob("*.py"):
            archive.write(file, Path("skregopt", file.relative_to(PACKAGE)))
    return path


def call(rule, name, dtype, *arguments):
    """Call a kernel as compiled for ``dtype``."""
    signature = rule.signatures[name](_jit.scalar_type(np.dtype(dtype)))
    return _jit.entry_point(getattr(rule, name), signature)(*arguments)


SIZE = 37  # vector instructions and a remainder


def vector_with(dtype, place=None, value=np.nan, size=SIZE):
    x = np.linspace(-1.5, 1.5, size).astype(dtype) + np.dtype(dtype).type(0.01)
    if place is not None:
        x[place] = value
    return x


def is_only_at(mask, place):
    return np.flatnonzero(mask).tolist() == [place]
