"""What is made of trained networks: their weights, a temperature, and the score of the rows that were held out."""

from dataclasses import dataclass

import numpy as np

from .weights import best_temperature, greedy_weights, log_tempered

ROWS_OF_DOUBT = 0.25  # as many held-out rows have unknown classes to the temperature


@dataclass(frozen=True, eq=False)
class Combination:
    """How networks predict together.

    Attributes
    ----------
    weights : ndarray of shape (n_members,)
        Of their predictions; they sum to 1.
    temperature : float or None
        None for numbers.
    held_out : ndarray of shape (n_held_out, n_outputs) or None
        Predictions of the rows that were held out, or of ``X_val``, by the networks that were not trained on them.
    rows : ndarray of int of shape (n_held_out,) or None
        Which rows these are.
    judged : Table or None
        The table that they are rows of.
    """

    weights: np.ndarray
    temperature: float | None
    held_out: np.ndarray | None
    rows: np.ndarray | None
    judged: object


class _OutOfFold:
    """Predictions of a recipe for rows that its networks have held out, averaged where several have held out a row."""

    def __init__(self, members, n_rows):
        every_row = np.arange(n_rows)
        self.counts = np.zeros(n_rows, dtype=np.intp)
        self.sums = np.zeros((n_rows, members[0].predictions.shape[1]))
        for member in members:
            rows = every_row if member.held_out is None else member.held_out
            self.counts[rows] += 1
            self.sums[rows] += member.predictions

    def of(self, rows):
        """Return the predictions of rows, all of which have been held out."""
        return self.sums[rows] / self.counts[rows, None]


def combine(members, table):
    """Return the :class:`Combination` of networks.

    Recipes are weighed on the rows that all of them have predicted without having been trained on them, and the
    networks of a recipe equally. The temperature is fitted last, on all rows that any network has held out.

    Parameters
    ----------
    members : list of Member
    table : Table
    """
    recipes = list(dict.fromkeys(member.recipe for member in members))
    groups = [[member for member in members if member.recipe == recipe] for recipe in recipes]
    shares = np.array([len(group) for group in groups]) / len(members)
    is_classifier = hasattr(table, "axis")
    if members[0].predictions is None:
        equal = np.full(len(members), 1 / len(members))
        return Combination(equal, 1.0 if is_classifier else None, None, None, None)
    judged = table if table.validation is None else table.validation
    out_of_fold = [_OutOfFold(group, len(judged.y)) for group in groups]
    common = np.flatnonzero(np.all([part.counts > 0 for part in out_of_fold], axis=0) & judged.has_weight)
    if len(recipes) > 1 and common.size:
        shares = _selected(out_of_fold, judged, common, shares)
    weights = np.array([shares[recipes.index(m.recipe)] / len(groups[recipes.index(m.recipe)]) for m in members])
    rows = np.flatnonzero(np.any([part.counts > 0 for part in out_of_fold], axis=0) & judged.has_weight)
    held_out = np.zeros((rows.size, out_of_fold[0].sums.shape[1]))
    total = np.zeros((rows.size, 1))
    for share, part in zip(shares, out_of_fold, strict=True):
        known = part.counts[rows] > 0
        held_out[known] += share * part.of(rows[known])
        total[known] += share
    if np.any(total == 0):  # of recipes without weight alone
        rows, held_out, total = rows[total[:, 0] > 0], held_out[total[:, 0] > 0], total[total[:, 0] > 0]
    held_out /= total
    if not is_classifier:
        return Combination(weights, None, held_out, rows, judged)
    temperature = _temperature(held_out, judged, rows)
    return Combination(weights, temperature, np.exp(log_tempered(held_out, temperature, table.axis)), rows, judged)


def _selected(out_of_fold, judged, rows, prior):
    """Return the weights of recipes by what they predict for rows.

    Recipes for classes differ in how sure they are, by label smoothing for one. A temperature sets that right in the
    end, so that they are compared at their best ones.
    """

    def loss(values):
        return judged.loss(values, rows)

    predictions = [part.of(rows) for part in out_of_fold]
    if hasattr(judged, "axis"):
        temperatures = [_temperature(values, judged, rows) for values in predictions]
        pairs = zip(predictions, temperatures, strict=True)
        predictions = [np.exp(log_tempered(values, temperature, judged.axis)) for values, temperature in pairs]
    return greedy_weights(predictions, loss, rows.size, prior)


def _temperature(predictions, judged, rows):
    """Return the temperature for predictions of some rows.

    Where all of a few rows are predicted rightly, it would be as low as it can be. So a little of each target goes to
    the other classes, as in J. Platt, "Probabilistic outputs for support vector machines", 1999.
    """
    smoothing = ROWS_OF_DOUBT / (rows.size + ROWS_OF_DOUBT)
    return best_temperature(predictions, lambda values: judged.loss(values, rows, smoothing), judged.axis)
