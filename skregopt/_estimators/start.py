"""The weights and the optimizer's memory that training starts from: new, given, or of the network it continues."""

from contextlib import contextmanager, nullcontext

import numpy as np
from sklearn.utils import check_random_state

from .._training.memory import OptimizerMemory
from .._training.trial import try_out
from .fitted import WEIGHTS, fitted_normalisation

_LARGEST_SEED = np.iinfo(np.int32).max


def starting_point(resolved, network, previous, coef_init, intercept_init):
    """Return the seed of a fit and the weights it starts from.

    Parameters
    ----------
    resolved : Resolved
    network : Network
    previous : dict
        Fitted attributes of the network that this fit continues; empty for a new one.
    coef_init, intercept_init : list of array-like or None
        As given to ``fit``.

    Returns
    -------
    seed : int
        Key of all random numbers of the fit but the initial weights.
    theta : ndarray

    Raises
    ------
    ValueError
        For arrays that do not have the shapes of this network.
    """
    seed = previous.get("_seed")
    with nullcontext() if seed is not None else _generator(resolved.given["random_state"]) as rng:
        if previous:
            arrays = {name: previous[name] for name in WEIGHTS if name in previous}
            _check_normalisation(fitted_normalisation(arrays), network.normalisation)
        else:
            # the network's weights are drawn first, so that a seed gives scikit-learn's
            layers = zip(resolved.draws, network.units[:-1], network.units[1:], strict=True)
            drawn = [rule.draw(rng, fan_in, fan_out, activation) for (rule, activation), fan_in, fan_out in layers]
            arrays = dict(zip(("coefs_", "intercepts_"), map(list, zip(*drawn, strict=True)), strict=True))
        if seed is None:
            seed = int(rng.randint(_LARGEST_SEED))
    given_as = {}
    for attribute, argument, values in (
        ("coefs_", "coef_init", coef_init), ("intercepts_", "intercept_init", intercept_init),
    ):  # fmt: skip
        if values is not None:
            arrays[attribute], given_as[attribute] = values, argument
    return seed, network.layout.pack(arrays, network.dtype, given_as)


def _check_normalisation(fitted, wanted):
    """Raise ValueError if a fitted network, to be trained further, has another normalisation than is wanted."""
    if fitted is wanted:
        return
    if fitted is None:
        change, cure = f"{wanted.name}=True would put new steps between the fitted layers", f"{wanted.name}=False"
    else:
        vectors = ", ".join(vector.attribute for vector in fitted.vectors)
        change, cure = f"{fitted.name}=False would drop {vectors}", f"{fitted.name}=True"
        if wanted is not None:
            cure += f" and {wanted.name}=False"
    raise ValueError(
        f"{change} of the network that warm_start and partial_fit continue with. Set {cure}, or fit a new estimator."
    )


def starting_memory(optimizer, network, previous):
    """Return the memory that an optimizer starts with.

    Parameters
    ----------
    optimizer : Optimizer or None
    network : Network
    previous : dict
        Fitted attributes of the network that ``partial_fit`` continues; empty for a fit that starts anew. The memory in
        them is copied, so that a call that fails leaves it as it was. It is ignored if it is of another rule or size.

    Returns
    -------
    OptimizerMemory, or None without an optimizer
    """
    if optimizer is None:
        return None
    try_out(optimizer)
    n_parameters, dtype = network.layout.n_parameters, network.dtype
    if "_optimizer_memory_" in previous:
        memory = OptimizerMemory(**previous["_optimizer_memory_"])
        if memory.fits(optimizer, n_parameters):
            return memory.copy(n_parameters, dtype)
    return OptimizerMemory.new(optimizer, n_parameters, dtype)


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
