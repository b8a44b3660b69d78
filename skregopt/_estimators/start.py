"""Fourth stage of a fit: the network, its weights and the optimizer's memory that training starts from."""

from dataclasses import dataclass

import numpy as np

from .._engine.network import Network
from .._training.memory import OptimizerMemory, check_slots
from ..activations import Trainable
from .draws import check_size, draw_weights
from .embedded import attributes_of_embedding, begin_embedding, check_embedding, fitted_embedding
from .fitted import WEIGHTS, fitted_normalisation


@dataclass(frozen=True, eq=False)
class Beginning:
    """What training starts from.

    Attributes
    ----------
    network : Network
    theta : ndarray
        Weights; training overwrites them.
    memory : OptimizerMemory or None
        State of the optimizer; training overwrites it. None for L-BFGS.
    """

    network: Network
    theta: np.ndarray
    memory: OptimizerMemory | None


def start(resolved, inputs, split, data):
    """Return the :class:`Beginning` of a fit.

    Parameters
    ----------
    resolved : Resolved
    inputs : Inputs
    split : Split
    data : FitData

    Raises
    ------
    ValueError
        For arrays, given or of the network that this fit continues, that do not have the shapes of this network.
    """
    given, previous = resolved.given, inputs.previous
    embedding, arrays = _embedding_and_arrays(resolved, inputs, split.train.indices)
    units = inputs.units if embedding is None else [embedding.features.size, *inputs.units[1:]]
    network = Network(
        units,
        inputs.dtype,
        resolved.activations,
        inputs.loss,
        resolved.penalty,
        float(given["alpha"]),
        resolved.dropout,
        float(given["input_dropout"]),
        resolved.normalisation,
        embedding,
    )
    if previous:
        _check_normalisation(fitted_normalisation(arrays), network.normalisation)
        _carry_scales(arrays, previous.get("_rules", [network.activations])[0], network)
    given_as = {}
    for attribute, argument, values in (
        ("coefs_", "coef_init", data.coef_init), ("intercepts_", "intercept_init", data.intercept_init),
    ):  # fmt: skip
        if values is not None:
            arrays[attribute], given_as[attribute] = values, argument
    theta = network.layout.pack(arrays, network.dtype, given_as)
    memory = _starting_memory(resolved.optimizer, network, previous if resolved.incremental else {})
    return Beginning(network, theta, memory)


def _embedding_and_arrays(resolved, inputs, rows):
    """Return the embedding, or None, and all arrays that training starts from, by attribute."""
    rule, previous = resolved.embedding, inputs.previous
    if previous:
        check_embedding(previous, rule)
        names = (*WEIGHTS, *attributes_of_embedding(previous))
        return fitted_embedding(previous), {name: previous[name] for name in names if name in previous}
    if rule is None:
        return None, dict(inputs.drawn)
    rng = np.random.RandomState(inputs.seed)
    embedding, arrays = begin_embedding(rule, inputs, rows, rng)
    units = [embedding.features.size, *inputs.units[1:]]
    check_size(resolved, units, inputs.dtype)
    return embedding, arrays | draw_weights(resolved, units, rng)


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


def _carry_scales(arrays, fitted, network):
    """Give layers whose activations have become trainable scales of 1, with which they are as before.

    Parameters
    ----------
    arrays : dict
        Those that training starts from; changed.
    fitted : list of Activation
        Of the network that is continued.
    network : Network

    Raises
    ------
    ValueError
        For activations that are trainable no longer: without their scales, the network would be another one.
    """
    if len(fitted) != len(network.activations):
        return  # weights that do not fit either will say so
    scales = arrays.get("activation_scales_")
    for layer, (before, now) in enumerate(zip(fitted, network.activations, strict=True)):
        if isinstance(before, Trainable) and not isinstance(now, Trainable):
            raise ValueError(
                f"activation={now!r} in hidden layer {layer} would drop activation_scales_[{layer}] of the network "
                f"that warm_start and partial_fit continue with. Use {Trainable(now)!r} there, or fit a new estimator."
            )
        if isinstance(now, Trainable) and not isinstance(before, Trainable) and scales is not None:
            scales = arrays["activation_scales_"] = list(scales)
            scales[layer : layer + 1] = [np.ones(network.units[1 + layer])]


def _starting_memory(optimizer, network, previous):
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
    check_slots(optimizer)
    n_parameters, dtype = network.layout.n_parameters, network.dtype
    if "_optimizer_memory_" in previous:
        memory = OptimizerMemory(**previous["_optimizer_memory_"])
        if memory.fits(optimizer, n_parameters):
            return memory.copy(n_parameters, dtype)
    return OptimizerMemory.new(optimizer, n_parameters, dtype)
