"""Test accuracy on Fashion-MNIST (official split) of the setting in examples/plot_early_stopping.py.

    SKREGOPT_DATA=folder python tests/benchmarks/fashion_mnist.py

Published for scikit-learn's MLPClassifier with the same hidden layer (Xiao et al. 2017, table 3): 0.871.
"""

import os
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main():
    """Run the example on Fashion-MNIST and fail below 0.885."""
    os.environ.setdefault("SKREGOPT_DATA", str(ROOT.parent / "shared" / "data"))
    os.environ["MPLBACKEND"] = "svg"  # draws, but neither shows nor saves
    results = runpy.run_path(str(ROOT / "examples" / "plot_early_stopping.py"))
    if results["name"] != "Fashion-MNIST":
        sys.exit("SKREGOPT_DATA names no folder with fashion_mnist.npz")
    if results["accuracy"] < 0.885:
        sys.exit(f"test accuracy {results['accuracy']:.4f} is below 0.885")


if __name__ == "__main__":
    main()
