"""Where arrays lie changes no bit: compiled loops may check for overlaps, but must not sum in another order."""

import math

import numpy as np
import pytest
from sklearn.datasets import load_iris

from skregopt import MLPClassifier
from skregopt._engine import job
from skregopt._engine.blocks import block
from skregopt._training import job as training_job

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NETWORKS = {
    "layer norm": {"layer_norm": True},
    "batch norm": {"batch_norm": True, "solver": "minibatch", "batch_size": 8},
    "dropout": {"dropout": 0.2, "activation": "gelu"},
    "l1": {"penalty": "l1", "alpha": 0.01, "solver": "adam", "batch_size": 8},
    "group_l1, max_norm": {"penalty": "group_l1", "alpha": 0.01, "max_norm": 0.5, "solver": "rmsprop"},
    "focal, clip_norm": {"loss": "focal", "clip_norm": 0.1},
    "muon": {"solver": "muon"},
}


class Arena:
    """Memory in which arrays lie one behind the other, with gaps of some bytes."""

    def __init__(self, gap):
        memory = np.zeros(1 << 22, dtype=np.uint8)
        self.memory = memory[-memory.__array_interface__["data"][0] % 4096 :]
        self.gap, self.end = gap, 0

    def zeros(self, shape, dtype):
        dtype = np.dtype(dtype)
        size = (math.prod(shape) if isinstance(shape, tuple) else shape) * dtype.itemsize
        start = self.end
        self.end += -(-size // 64) * 64 + self.gap
        return self.memory[start : start + size].view(dtype).reshape(shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_distance_of_arrays_changes_no_bit(name, dtype, monkeypatch):
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier(
        (6, 5),
        **{"solver": "sgd", "learning_rate_init": 0.05} | NETWORKS[name],
        max_iter=3,
        random_state=3,
        dtype=dtype,
    )
    found = set()
    for gap in (0, 64, 256, 4096):
        arena = Arena(gap)
        for module in (block, job, training_job):
            monkeypatch.setattr(module, "aligned_zeros", arena.zeros)
        model.fit(X - X.mean(axis=0), y)
        assert arena.end > 1000
        found.add(b"".join(array.tobytes() for array in (*model.coefs_, *model.intercepts_)))
    assert len(found) == 1
