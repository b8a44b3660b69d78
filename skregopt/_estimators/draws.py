"""The random numbers that a fit starts with: its seed and its initial weights."""

import math
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
from sklearn.utils import check_random_state

_LARGEST_SEED = np.iinfo(np.int32).max


def draw(resolved, units, dtype, previous):
    """Return the seed of a fit and the weights that its network starts from.

    Parameters
    ----------
    resolved : Resolved
    units : list of int
        Numbers of features, hidden units, and outputs.
    dtype : numpy.dtype
        Working precision.
    previous : dict
        Fitted attributes of the network that this fit continues; empty for a new one.

    Returns
    -------
    seed : int
        Key of all random numbers of the fit but the initial weights.
    drawn : dict
        ``coefs_`` and ``intercepts_`` of a new network; empty for one that is continued, and for one with an embedding
        of features, which is known when the rows to train on are.

    Raises
    ------
    ValueError
        For a network that is too large for the memory.
    """
    check_size(resolved, units, dtype)
    if previous or resolved.embedding is not None:
        return previous["_seed"] if "_seed" in previous else _new_seed(resolved), {}
    with _generator(resolved.given["random_state"]) as rng:
        # the network's weights are drawn first, so that a seed gives scikit-learn's
        drawn = draw_weights(resolved, units, rng)
        return int(rng.randint(_LARGEST_SEED)), drawn


def draw_weights(resolved, units, rng):
    """Return ``coefs_`` and ``intercepts_`` of a new network by name. Parameters as in :func:`draw`."""
    *hidden, output = zip(resolved.draws, pairwise(units), strict=True)
    drawn = [rule.draw(rng, *fans, activation) for (rule, activation), fans in hidden]
    (rule, activation), fans = output
    drawn.append(rule.draw_output(rng, *fans, activation))
    return dict(zip(("coefs_", "intercepts_"), map(list, zip(*drawn, strict=True)), strict=True))


def check_size(resolved, units, dtype):
    """Raise ValueError for layers of so many units that memory for their weights cannot even be reserved."""
    n_parameters = sum(fan_out * (fan_in + 1) for fan_in, fan_out in pairwise(units))
    try:
        np.empty(n_parameters, dtype)  # costs nothing: no page is touched
    except (MemoryError, OverflowError, ValueError):
        size = math.log10(n_parameters * dtype.itemsize) - math.log10(2**30)
        raise ValueError(
            f"{resolved.depth} makes a network with layers of {units} units (features, hidden layers, outputs): "
            f"10^{math.log10(n_parameters):.1f} parameters in 10^{size:.1f} GiB, more than can be allocated here. Use "
            "narrower or fewer layers."
        ) from None


def _new_seed(resolved):
    with _generator(resolved.given["random_state"]) as rng:
        return int(rng.randint(_LARGEST_SEED))


_idle_generators = []  # creating one takes longer than drawing the weights of a small network


@contextmanager
def _generator(random_state):
    """Yield the ``RandomState`` that scikit-learn's ``check_random_state`` would return."""
    if isinstance(random_state, np.random.RandomState):
        yield random_state
        return
    if random_state is None:  # NumPy's global generator is drawn from once, however large the network
        random_state = check_random_state(None).randint(_LARGEST_SEED)
    rng = _idle_generators.pop() if _idle_generators else np.random.RandomState(0)
    rng.seed(random_state)
    yield rng
    _idle_generators.append(rng)
