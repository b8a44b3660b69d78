"""
Training on data larger than memory
===================================

`partial_fit` trains on the given rows and keeps the state of the optimizer. So the script reads a file block by
block. It maps one block into memory, trains on it, and releases it. It needs memory for one block, whatever the size
of the file::

    python examples/out_of_core.py                  # 100 MB, some seconds
    python examples/out_of_core.py --gigabytes 8    # writes 8 GB to the temporary folder first

After each pass over the file it prints the score on test rows and the peak of memory so far.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from skregopt import MLPRegressor

N_FEATURES = 50
ROW = np.dtype([("x", np.float32, N_FEATURES), ("y", np.float32)])


def make_rows(n_rows, seed):
    """Draw rows. The target is a sine wave plus a product of features plus noise."""
    rng = np.random.default_rng(seed)
    rows = np.empty(n_rows, ROW)
    rows["x"] = rng.standard_normal((n_rows, N_FEATURES), dtype=np.float32)
    signal = np.sin(2 * rows["x"][:, 0]) + rows["x"][:, 1] * rows["x"][:, 2]
    rows["y"] = signal + 0.1 * rng.standard_normal(n_rows, dtype=np.float32)
    return rows


def write(path, n_blocks, block_rows):
    """Write a file of rows, block by block."""
    with path.open("wb") as file:
        for block in range(n_blocks):
            file.write(make_rows(block_rows, seed=block).data)


def blocks(path, block_rows, order):
    """Map the blocks of the file into memory, one after the other, in the given order."""
    for block in order:
        rows = np.memmap(path, ROW, mode="r", offset=int(block) * block_rows * ROW.itemsize, shape=block_rows)
        yield np.ascontiguousarray(rows["x"]), np.ascontiguousarray(rows["y"])


def peak_megabytes():
    """Return the most memory that this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def main(gigabytes, passes, block_rows):
    """Write the file, train and report; return the last score and the growth of the peak in megabytes."""
    n_blocks = max(2, round(gigabytes * 1e9 / (block_rows * ROW.itemsize)))
    test = make_rows(20_000, seed=n_blocks)
    n_calls = passes * n_blocks  # the learning rate falls over all calls
    model = MLPRegressor((64, 32), activation="silu", learning_rate="cosine", max_iter=n_calls, random_state=0)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        write(path, n_blocks, block_rows)
        print(f"{path.stat().st_size / 1e9:.2f} GB, {n_blocks} blocks of {block_rows * ROW.itemsize / 1e6:.0f} MB")
        first = None
        for number in range(passes):
            began = time.perf_counter()
            for X, y in blocks(path, block_rows, rng.permutation(n_blocks)):
                model.partial_fit(X, y)
                first = first or peak_megabytes()
            score, seconds = model.score(test["x"], test["y"]), time.perf_counter() - began
            print(f"pass {number + 1}: R2 {score:.3f}, {seconds:.1f} s, peak of memory {peak_megabytes():.0f} MB")
    growth = peak_megabytes() - first
    print(f"the peak grew by {growth:.0f} MB after the first block")
    return score, growth


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train from a file that need not fit into memory.")
    parser.add_argument("--gigabytes", type=float, default=0.1, help="size of the file (default: 0.1)")
    parser.add_argument("--passes", type=int, default=3, help="how often to read it (default: 3)")
    parser.add_argument("--block-rows", type=int, default=50_000, help="rows per block (default: 50000)")
    arguments = parser.parse_args()
    main(arguments.gigabytes, arguments.passes, arguments.block_rows)
