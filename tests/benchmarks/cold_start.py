"""Measure what compilation costs: first fit on an empty cache, other rules, and the first fit of a later process.

    python tests/benchmarks/cold_start.py

Each figure is the wall time of ``fit`` alone in a process of its own, imports not counted.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import time, warnings
import numpy as np
from {module} import MLPClassifier
warnings.simplefilter("ignore")
X = np.random.default_rng(0).random((200, 20)); y = np.arange(200) % 3
start = time.perf_counter()
MLPClassifier((16,), max_iter=3, **{parameters!r}).fit(X, y)
print(time.perf_counter() - start)
"""


def first_fit(cache, module="skregopt", **parameters):
    """Return the seconds of the first fit of a new process."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(ROOT)}
    code = PROGRAM.format(module=module, parameters=parameters)
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return float(run.stdout)


def main():
    """Print the table."""
    with tempfile.TemporaryDirectory() as cache:
        print(f"first fit, empty cache               {first_fit(cache):6.2f} s")
        other = {"activation": "tanh", "penalty": "l1", "solver": "sgd"}
        print(f"another combination of rules, cold   {first_fit(cache, **other):6.2f} s")
        print(f"first fit of a later process         {min(first_fit(cache) for _ in range(5)):6.2f} s")
    print(f"scikit-learn, for comparison         {first_fit('', module='sklearn.neural_network'):6.2f} s")


if __name__ == "__main__":
    main()
