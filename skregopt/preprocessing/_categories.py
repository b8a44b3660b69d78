"""The levels of one categorical column, and which output each of them has."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.preprocessing import OneHotEncoder

from .._kernels.typing import Array, Ints
from ._columns import Labels

_INFREQUENT = "infrequent_sklearn"  # as scikit-learn calls the output of infrequent levels


class Levels(NamedTuple):
    """The levels of a column, and the group of each; the infrequent ones have a group in common, the last one."""

    labels: list[Any]  # sorted
    groups: Ints

    @classmethod
    def of(cls, column: Labels, max_categories: int | None, min_frequency: float | None) -> Levels:
        """Find the levels of a column, grouped as :class:`~sklearn.preprocessing.OneHotEncoder` groups them."""
        seen = np.flatnonzero(np.bincount(column.codes[column.codes >= 0], minlength=len(column.labels)))
        order = sorted(seen, key=lambda position: column.labels[position])
        if not order:
            return cls([], np.empty(0, np.intp))
        ranks = np.full(len(column.labels) + 1, -1)
        ranks[order] = np.arange(len(order))
        encoder = OneHotEncoder(
            categories=[np.arange(len(order))],
            handle_unknown="ignore",  # missing values, -1, are no level
            max_categories=max_categories,
            min_frequency=min_frequency,
            dtype=np.float32,
        )
        encoder.fit(ranks[column.codes][:, np.newaxis])
        one_hot = encoder.transform(np.arange(len(order))[:, np.newaxis])
        return cls([column.labels[i] for i in order], one_hot.indices.astype(np.intp))

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.groups.max(initial=-1)) + 1

    @property
    def n_outputs(self) -> int:
        """Number of columns that the column becomes."""
        return 1 if self.n_groups == 2 else self.n_groups

    def names(self) -> list[str]:
        """Return the names of the outputs; of two groups, which have one output, that of the second one."""
        n_members = np.bincount(self.groups, minlength=self.n_groups)
        first = {group: i for i, group in reversed(list(enumerate(self.groups.tolist())))}
        grouped = [_INFREQUENT if n_members[g] > 1 else str(self.labels[first[g]]) for g in range(self.n_groups)]
        return grouped[1:] if self.n_groups == 2 else grouped

    def table(self) -> dict[Any, int]:
        """Return the group of each label."""
        return dict(zip(self.labels, self.groups.tolist(), strict=True))

    def write(self, column: Labels, table: dict[Any, int], outputs: Array) -> None:
        """Write the outputs of a column over zeros; labels that ``fit`` has not seen, and missing ones, leave zeros."""
        groups = np.array([*(table.get(label, -1) for label in column.labels), -1], np.intp)[column.codes]
        if self.n_groups == 2:
            outputs[:, 0] = np.array([-1, 1, 0], np.float32)[groups]
        elif self.n_groups > 2:
            known = np.flatnonzero(groups >= 0)
            outputs[known, groups[known]] = 1
