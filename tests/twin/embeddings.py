"""Embeddings of columns: the outputs of one column, gradients by its arrays, and where training starts."""

from fractions import Fraction

import numpy as np


class Periodic:
    """Cosines of trained frequencies; the arrays of a column: frequencies, phases, coefs, intercepts."""

    n_trained = 4

    def __init__(self, n_frequencies=16, frequency_scale=0.1, n_outputs=4, columns="auto"):
        self.n_frequencies, self.frequency_scale = n_frequencies, frequency_scale
        self.n_outputs, self.columns = n_outputs, columns

    def start(self, rng, values, weights):
        """Draw the arrays of a column."""
        K, m = self.n_frequencies, self.n_outputs - 1
        width = 1 / np.sqrt(K)
        return [
            rng.normal(0, self.frequency_scale, K),
            rng.uniform(-np.pi, np.pi, K),
            rng.uniform(-width, width, (K, m)),
            rng.uniform(-width, width, m),
        ]

    def outputs(self, x, arrays):
        """Return the outputs, of shape (n_rows, n_outputs)."""
        frequencies, phases, coefs, intercepts = arrays
        angles = 2 * np.pi * np.outer(x, frequencies) + phases
        return np.column_stack([x, np.cos(angles) @ coefs + intercepts])

    def gradients(self, x, arrays, deltas):
        """Return the gradients by the arrays, given the gradient by the outputs."""
        frequencies, phases, coefs, _ = arrays
        angles = 2 * np.pi * np.outer(x, frequencies) + phases
        by_angles = -np.sin(angles) * (deltas[:, 1:] @ coefs.T)
        by_frequencies = 2 * np.pi * x @ by_angles
        return [by_frequencies, by_angles.sum(axis=0), np.cos(angles).T @ deltas[:, 1:], deltas[:, 1:].sum(axis=0)]


def edges_of_bins(values, weights, n_bins):
    """Return quantiles of weighted values in order, where no value counts for more than one of the shares."""
    masses = {}
    for value, weight in zip(values, weights, strict=True):
        masses[value] = masses.get(value, 0) + Fraction(weight)
    lowest = min(masses)
    if len(masses) <= n_bins + 1:
        return sorted(masses)
    edges = _ends_of_shares(masses, n_bins)
    if lowest in edges:  # it is an edge in any case, so others need not make room
        del masses[lowest]
        edges = _ends_of_shares(masses, n_bins)
    return [lowest, *edges]


def _ends_of_shares(masses, n):
    """Return the values up to which there are 1, 2, ..., n shares."""
    frequent = {}
    while True:
        share = sum(mass for value, mass in masses.items() if value not in frequent) / (n - len(frequent))
        more = {value: share for value, mass in masses.items() if value not in frequent and mass > share}
        if not more:
            break
        frequent |= more
    total, ends = 0, []
    for value in sorted(masses):
        total += min(masses[value], share)
        if total >= (len(ends) + 1) * share:
            ends.append(value)
    return ends


class PiecewiseLinear:
    """Linear between quantiles; the arrays of a column: slopes, intercepts, coefs, and the edges, which stay."""

    n_trained = 3

    def __init__(self, n_bins=16, n_outputs=8, columns="auto"):
        self.n_bins, self.n_outputs, self.columns = n_bins, n_outputs, columns

    def start(self, rng, values, weights):
        """Draw the arrays of a column; its edges are weighted quantiles."""
        m, width = self.n_outputs, 1 / np.sqrt(self.n_outputs)
        edges = np.array(edges_of_bins(values, weights, self.n_bins))
        return [rng.uniform(-width, width, m), rng.uniform(-width, width, m), np.zeros((len(edges) - 1, m)), edges]

    def shares(self, x, edges):
        """Return which share of each bin is below x, of shape (n_rows, n_bins)."""
        return np.clip((x[:, None] - edges[:-1]) / np.diff(edges), 0, 1)

    def outputs(self, x, arrays):
        """Return the outputs, of shape (n_rows, n_outputs)."""
        slopes, intercepts, coefs, edges = arrays
        return np.outer(x, slopes) + intercepts + self.shares(x, edges) @ coefs

    def gradients(self, x, arrays, deltas):
        """Return the gradients by the trained arrays, given the gradient by the outputs."""
        return [x @ deltas, deltas.sum(axis=0), self.shares(x, arrays[3]).T @ deltas]


EMBEDDINGS = {"periodic": Periodic, "piecewise_linear": PiecewiseLinear}


class Columns:
    """An embedding of some columns of X; ``None`` as the rule leaves X as it is.

    Attributes
    ----------
    features : list of int
        The column of X that each input of the network is of.
    arrays : list of list of ndarray
        Of each embedded column.
    """

    def __init__(self, rule, X, weights, rng):
        self.rule = EMBEDDINGS[rule]() if isinstance(rule, str) else rule
        n_columns, chosen = X.shape[1], []
        if self.rule is not None:
            chosen = self.rule.columns
            if isinstance(chosen, str):
                chosen = [j for j in range(n_columns) if len(set(X[:, j])) > 2]
        self.passed, self.chosen = [j for j in range(n_columns) if j not in chosen], sorted(chosen)
        self.arrays = [self.rule.start(rng, X[:, j], weights) for j in self.chosen]
        self.features = self.passed + [j for j in self.chosen for _ in range(self.rule.n_outputs)]

    def trained(self):
        """Return the trained arrays, column by column, in one list."""
        return [array for arrays in self.arrays for array in arrays[: self.rule.n_trained]]

    def train(self, trained):
        """Take other trained arrays."""
        trained = list(trained)
        for arrays in self.arrays:
            n = self.rule.n_trained
            arrays[:n], trained = trained[:n], trained[n:]

    def inputs(self, X):
        """Return the inputs of the network."""
        parts = [self.rule.outputs(X[:, j], arrays) for j, arrays in zip(self.chosen, self.arrays, strict=True)]
        return np.hstack([X[:, self.passed], *parts])

    def gradients(self, X, by_inputs):
        """Return the gradients by the arrays of :meth:`trained`, given the gradient by the inputs of the network."""
        features, found = np.array(self.features), []
        for j, arrays in zip(self.chosen, self.arrays, strict=True):
            found += self.rule.gradients(X[:, j], arrays, by_inputs[:, features == j])
        return found
