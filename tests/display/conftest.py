"""No test of a picture opens a window."""

import pytest


@pytest.fixture(autouse=True)
def _no_windows():
    plt = pytest.importorskip("matplotlib.pyplot", reason="needs the extra plot")
    backend = plt.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(backend)
