"""Factors on the learning rate of groups of parameters, and what makes no sense beside them."""

from numbers import Real

import numpy as np

from .._engine.records import GROUPS
from .._kernels.sklearn_internals import StrOptions
from ..activations import Trainable
from .constraints import asks_for_something
from .hints import value_hint

# parameters that change coefs_, and nothing else; a penalty of strength 0 is none
_CHANGE_COEFS = ("max_norm", "weight_decay", "weight_decay_schedule", "parametrization")
_PENALISE_COEFS = ("penalty", "alpha")


def rate_factors(estimator, normalisation, embedding, activations):
    """Return the factors on the learning rate, one for each of ``GROUPS``; None for 1 everywhere.

    A factor for a group that the network has not is ignored, so that a grid may hold networks with and without it.

    Parameters
    ----------
    estimator : BaseMLP
    normalisation : type or None
        Kind of block that normalises the hidden layers.
    embedding : Embedding or None
    activations : list of Activation

    Raises
    ------
    ValueError
        For an unknown group, and for a factor that is no finite number >= 0. Where the factors freeze all weights, for
        parameters that change them; where they freeze everything, always.
    """
    given = estimator.learning_rate_factors
    if not given:
        return None
    present = {"coefs", "intercepts"}
    present.update(["norm"] * (normalisation is not None))
    present.update(["embedding"] * (embedding is not None and any(vector.trained for vector in embedding.vectors)))
    present.update(["activation"] * any(isinstance(activation, Trainable) for activation in activations))
    for name, factor in given.items():
        _check_factor(given, name, factor)
    if not present.intersection(given):
        return None
    if given.get("coefs") == 0:
        _check_frozen_coefs(estimator, given)
    if all(given.get(name) == 0 for name in present):
        raise ValueError(
            f"learning_rate_factors={given!r} freezes all parameters of the network, so that nothing is trained. Use a "
            f"factor above 0 for one of {', '.join(repr(name) for name in GROUPS if name in present)}, or leave one of "
            "them out."
        )
    return tuple(float(given.get(name, 1.0)) if name in present else 1.0 for name in GROUPS)


def _check_factor(given, name, factor):
    """Raise ValueError for a name that is no group of parameters, and for a factor outside its domain."""
    if name not in GROUPS:
        hint = value_hint("learning_rate_factors", name, [StrOptions(set(GROUPS))])
        raise ValueError(
            f"learning_rate_factors={given!r}: {name!r} is no group of parameters. The groups are "
            f"{', '.join(map(repr, GROUPS))}. {hint}".rstrip()
        )
    if not isinstance(factor, Real) or isinstance(factor, bool | np.bool_) or not 0 <= factor < np.inf:
        raise ValueError(
            f"learning_rate_factors={given!r}: the factor of {name!r} must be a finite number >= 0, got "
            f"{factor!r}. 1 leaves the learning rate as it is, 0 freezes the group."
        )


def _check_frozen_coefs(estimator, given):
    """Raise ValueError for a parameter that changes ``coefs_``, if it is not at its default."""
    penalises = estimator.penalty is not None and estimator.alpha > 0
    for name in (*_CHANGE_COEFS, *(_PENALISE_COEFS if penalises else ())):
        value, default = getattr(estimator, name), estimator._default_parameters()[name]
        if asks_for_something(value, default):
            raise ValueError(
                f"{name}={value!r} acts on updates of coefs_, which learning_rate_factors={given!r} freezes. Leave "
                f"{name} at its default, {default!r}, or use a factor above 0 for 'coefs'."
            )
