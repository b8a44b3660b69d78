"""The portfolio: which networks the estimators for tables train, in order of usefulness, and how large and how long.

Recipes were found by ``tests/benchmarks/portfolio.py``.
"""

import itertools
import math
from dataclasses import dataclass, field

import numpy as np
from sklearn.base import clone

from .._estimators.classifier import MLPClassifier
from ..activations import Trainable
from ..embeddings import Embedding, Periodic, PiecewiseLinear
from ..initializers import ZeroOutput
from .read import FEWEST_ROWS_TO_HOLD_OUT

BATCH_SIZE = 128
FEWEST_EPOCHS, MOST_EPOCHS, ENOUGH_UPDATES = 60, 240, 3750
MANY_COLUMNS, OUTPUTS_OF_MANY_COLUMNS = 32, 2  # to embed; pixels and the like, which need little each
FEWEST_BINS, MOST_BINS, ROWS_OF_A_BIN = 16, 128, 50
MOST_OF_A_RECIPE = 5


@dataclass(frozen=True)
class Recipe:
    """One kind of network.

    Attributes
    ----------
    name : str
    parameters : dict
        Of the network, whatever the targets.
    of_classes, of_numbers : dict
        Of the network for targets of each kind.
    embedding : Embedding or None
        What becomes of columns of numbers.
    """

    name: str
    parameters: dict
    of_classes: dict = field(default_factory=dict)
    of_numbers: dict = field(default_factory=dict)
    embedding: Embedding | None = None


# Networks of RealMLP (Holzmueller et al., "Better by default: Strong pre-tuned MLPs and boosted trees on tabular data",
# NeurIPS 2024): neural tangent parametrisation, activations with trained scales, rates and regularisers that fade out.
_REAL = {
    "hidden_layer_sizes": (128, 128, 128),
    "activation": Trainable("mish"),
    "parametrization": "ntp",
    "weight_init": ZeroOutput("normal"),
    "learning_rate": "coslog",
    "learning_rate_factors": {"intercepts": 0.1, "activation": 0.1, "embedding": 0.1},
    "beta_2": 0.95,
    "weight_decay": 0.02,
    "weight_decay_schedule": "flat_cosine",
    "dropout": 0.0,
}
_FADING_DROPOUT = {"dropout": 0.15, "dropout_schedule": "flat_cosine"}
_REAL_OF_CLASSES = {"learning_rate_init": 0.04, "label_smoothing": 0.1}
_REAL_OF_NUMBERS = {"learning_rate_init": 0.2}
# Networks with the one-cycle policy (Smith and Topin 2018): quick, and smooth functions of their inputs.
_ONE_CYCLE = {
    "hidden_layer_sizes": (128, 128, 128),
    "activation": "silu",
    "learning_rate": "one_cycle",
    "learning_rate_init": 0.01,
    "weight_decay": 0.02,
    "dropout": 0.0,
}
_ONE_CYCLE_OF_CLASSES = {"label_smoothing": 0.1}

PERIODIC = Recipe("periodic", _REAL, _REAL_OF_CLASSES, _REAL_OF_NUMBERS, Periodic())
PLAIN = Recipe("plain", _ONE_CYCLE, _ONE_CYCLE_OF_CLASSES)
BINS = Recipe("bins", _ONE_CYCLE, _ONE_CYCLE_OF_CLASSES, {}, PiecewiseLinear(n_outputs=4))
REGULARISED = Recipe(
    "regularised", _REAL | _FADING_DROPOUT, _REAL_OF_CLASSES, _REAL_OF_NUMBERS, PiecewiseLinear(n_outputs=4)
)
PORTFOLIO = (PERIODIC, PLAIN, BINS, REGULARISED)
_OF_ALL = {"alpha": 0.0, "n_iter_no_change": math.inf, "tol": 0.0, "scoring": "loss"}


def in_turn(n_networks):
    """Return networks of all recipes in turn: pairs of a :class:`Recipe` and the number of the fold to hold out.

    The first one of each recipe holds out the same fold, so that recipes can be compared.
    """
    n_recipes = len(PORTFOLIO)
    return [(PORTFOLIO[place % n_recipes], place // n_recipes) for place in range(n_networks)]


def best_first(n_networks, order):
    """Return the networks to train when recipes have been compared; pairs as in :func:`in_turn`.

    The best recipe gets them, each with a fold of its own, until it has ``MOST_OF_A_RECIPE``, then the next one.

    Parameters
    ----------
    n_networks : int
    order : sequence of int
        Places of recipes in the portfolio, the best one first.
    """
    recipes = [PORTFOLIO[place] for place in order]
    chosen = [(recipe, fold) for recipe in recipes for fold in range(1, MOST_OF_A_RECIPE)]
    others = ((recipe, fold) for fold in itertools.count(MOST_OF_A_RECIPE) for recipe in recipes)
    return list(itertools.islice(itertools.chain(chosen, others), n_networks))


def n_epochs(n_rows, batch_size):
    """Return for how many epochs to train: small tables have few updates in each."""
    updates = math.ceil(n_rows / batch_size)
    return min(max(math.ceil(ENOUGH_UPDATES / updates), FEWEST_EPOCHS), MOST_EPOCHS)


def n_bins(n_rows):
    """Return how many bins each number has: many of them show where a target jumps, and each needs some rows."""
    return min(max(n_rows // ROWS_OF_A_BIN, FEWEST_BINS), MOST_BINS)


def columns_to_embed(X, numeric_outputs):
    """Return the columns of the encoded table that hold more than two distinct numbers, as a list of int."""
    found = []
    for column in numeric_outputs:
        values = X[:, column]
        if np.any((values > values.min()) & (values < values.max())):
            found.append(int(column))
    return found


def network(recipe, n_rows, embedded, network_type, given):
    """Return an unfitted network.

    Parameters
    ----------
    recipe : Recipe
    n_rows : int
        To train on.
    embedded : list of int
        The columns of the encoded table to embed, if the recipe embeds some.
    network_type : type
        Class of the network.
    given : dict
        Parameters of the estimator by name, 'auto' where the recipe decides.

    Raises
    ------
    ValueError
        For no hidden layer.
    """
    is_small = n_rows < FEWEST_ROWS_TO_HOLD_OUT
    batch_size = n_rows if is_small else min(BATCH_SIZE, n_rows)
    of_kind = recipe.of_classes if network_type is MLPClassifier else recipe.of_numbers
    parameters = _OF_ALL | recipe.parameters | of_kind
    parameters |= {"max_iter": n_epochs(n_rows, batch_size), "batch_size": batch_size}
    if is_small:  # nothing is random, see read.py, and seconds are few
        parameters |= {"dropout": 0.0, "dtype": "float64"}
    asked = {name: value for name, value in given.items() if name != "n_bins" and not _is_auto(value)}
    parameters |= asked
    if "learning_rate_init" in asked and parameters.get("parametrization") == "ntp":
        parameters["learning_rate_init"] *= math.sqrt(_first(parameters["hidden_layer_sizes"]))
    if not np.size(parameters["hidden_layer_sizes"]):
        raise ValueError(
            f"hidden_layer_sizes={given['hidden_layer_sizes']!r} has no hidden layer, and the networks of tables need "
            f"one. Give at least one width, or use {network_type.__name__}(())."
        )
    if not parameters["dropout"]:
        parameters.pop("dropout_schedule", None)
    if recipe.embedding is not None and embedded:
        embedding = clone(recipe.embedding).set_params(columns=embedded)
        if len(embedded) > MANY_COLUMNS:
            embedding.set_params(n_outputs=OUTPUTS_OF_MANY_COLUMNS)
        if "n_bins" in embedding.get_params():
            embedding.set_params(n_bins=n_bins(n_rows) if _is_auto(given["n_bins"]) else given["n_bins"])
        parameters["feature_embedding"] = embedding
    return network_type(**parameters)


def _is_auto(value):
    return isinstance(value, str) and value == "auto"


def _first(sizes):
    """Return the width of the first hidden layer."""
    return next(iter(sizes)) if hasattr(sizes, "__iter__") else sizes
