"""What is measured: networks, data, and how a ratio is taken."""

import os
import time
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SKREGOPT_DATA", ROOT.parent / "shared" / "data"))


@dataclass(frozen=True)
class Case:
    """One network on one data set."""

    name: str
    data: str
    hidden: tuple
    batch_size: int
    solver: str
    epochs: int
    repeats: int = 5
    dtype: type = np.float32

    def flops(self, n_rows, units):
        """Return those that somebody needs in an epoch: nobody computes the gradient by the inputs."""
        sizes = [a * b for a, b in zip(units[:-1], units[1:], strict=True)]
        return n_rows * (4 * sum(sizes) + 2 * sum(sizes[1:]))


CASES = [
    Case("digits 1797x64, (64,), batch 64, adam", "digits", (64,), 64, "adam", 20, 9),
    Case("digits, one example per update, sgd", "digits", (64,), 1, "sgd", 10, 3),
    Case("breast cancer 569x30, (100,), batch 32, adam", "breast cancer", (100,), 32, "adam", 20, 9),
    Case("images 60000x784, (256, 128), batch 128, adam", "images", (256, 128), 128, "adam", 1),
    Case("blobs 100000x100, (128, 128), batch 256, adam", "blobs", (128, 128), 256, "adam", 1),
    Case("blobs 100000x100, (512, 512, 512), batch 256, adam", "blobs", (512, 512, 512), 256, "adam", 1, 3),
    Case("text 7674x7522 CSR, (100,), batch 64, adam", "text", (100,), 64, "adam", 2, 3),
    Case("digits, (64,), batch 64, adam, float64", "digits", (64,), 64, "adam", 20, 9, dtype=np.float64),
]


@cache
def load(name):
    """Return standardised float32 X (CSR for text, scaled) and integer y."""
    X, y = {
        "digits": lambda: load_digits(return_X_y=True),
        "breast cancer": lambda: load_breast_cancer(return_X_y=True),
        "images": _images,
        "blobs": _blobs,
        "text": _text,
    }[name]()
    if sp.issparse(X):
        return MaxAbsScaler().fit_transform(X).astype(np.float32), np.asarray(y, dtype=np.int64)
    return StandardScaler().fit_transform(X).astype(np.float32), np.asarray(y, dtype=np.int64)


def _stored(name):
    path = DATA / f"{name}.npz"
    if path.exists():
        return np.load(path, allow_pickle=True)
    print(f"no {path.name} in SKREGOPT_DATA: data of the same shape are made up")
    return None


def _images():
    archive = _stored("fashion_mnist")
    if archive is not None:
        rows = archive["train_idx"]
        return archive["X"].reshape(len(archive["y"]), -1)[rows].astype(np.float32), archive["y"][rows]
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 60000)
    prototypes = rng.random((10, 784), dtype=np.float32)
    return prototypes[y] + rng.standard_normal((60000, 784), dtype=np.float32), y


def _blobs():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 100_000)
    centres = rng.standard_normal((10, 100), dtype=np.float32)
    return centres[y] + 2 * rng.standard_normal((100_000, 100), dtype=np.float32), y


def _text():
    archive = _stored("r8")
    if archive is not None:
        X = sp.csr_matrix((archive["data"], archive["indices"], archive["indptr"]), tuple(archive["shape"]))
        return X, np.unique(archive["y"], return_inverse=True)[1]
    rng = np.random.default_rng(0)
    y = rng.integers(0, 8, 7674)
    X = sp.random(7674, 7522, density=0.006, format="csr", random_state=0)
    return X + sp.csr_matrix((np.ones(7674), (np.arange(7674), y)), X.shape), y


def gemm_peak(dtype=np.float32):
    """Return the GFLOP/s of products of 512 x 512 and 1024 x 1024 matrices, the better of the two."""
    best = 0.0
    for size, repeats in ((512, 20), (1024, 8)):
        a = np.random.default_rng(0).random((size, size)).astype(dtype)
        out = np.empty_like(a)
        for _ in range(repeats):
            start = time.perf_counter()
            np.dot(a, a, out=out)
            best = max(best, 2 * size**3 / (time.perf_counter() - start) / 1e9)
    return best


def interleaved(functions, repeats, summary=min):
    """Call all functions in turn, several times; return the least of the seconds of each (or another summary), by name.

    What others do on the machine only adds to a time, and not the same to all.
    """
    seconds = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # every library says that so few epochs are not enough
                start = time.perf_counter()
                function()
                seconds[name].append(time.perf_counter() - start)
    return {name: summary(values) for name, values in seconds.items()}
