"""The levels of one categorical column, and which output each of them has."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.preprocessing import OneHotEncoder

from .._kernels.typing import Array
from ._columns import Labels

_INFREQUENT = "infrequent_sklearn"  # as scikit-learn calls the output of infrequent levels


class Levels(NamedTuple):
    """The levels of a column in order, and the group of each; infrequent levels have one in common, the last one."""

    groups: dict[Any, int]

    @classmethod
    def of(cls, column: Labels, max_categories: int | None, min_frequency: float | None) -> Levels:
        """Find the levels of a column, grouped as :class:`~sklearn.preprocessing.OneHotEncoder` groups them."""
        seen = np.flatnonzero(np.bincount(column.codes[column.codes >= 0], minlength=len(column.labels)))
        order = sorted(seen, key=lambda position: column.labels[position])
        if not order:
            return cls({})
        ranks = np.full(len(column.labels) + 1, -1)
        ranks[order] = np.arange(len(order))
        encoder = OneHotEncoder(
            categories=[np.arange(len(order))],
            handle_unknown="ignore",  # missing values, -1, are no level
            max_categories=max_categories,
            min_frequency=min_frequency,
            dtype=np.float32,
        ).set_output(transform="default")  # whatever users want of their own transformers
        encoder.fit(ranks[column.codes][:, np.newaxis])
        one_hot = encoder.transform(np.arange(len(order))[:, np.newaxis])
        return cls(dict(zip((column.labels[i] for i in order), one_hot.indices.tolist(), strict=True)))

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return max(self.groups.values(), default=-1) + 1

    @property
    def n_outputs(self) -> int:
        """Number of columns that the column becomes."""
        return 1 if self.n_groups == 2 else self.n_groups

    def names(self) -> list[str]:
        """Return the names of the outputs; of two groups, which have one output, that of the second one."""
        members = [[label for label, group in self.groups.items() if group == g] for g in range(self.n_groups)]
        names = [str(group[0]) if len(group) == 1 else _INFREQUENT for group in members]
        return names[1:] if self.n_groups == 2 else names

    def write(self, column: Labels, outputs: Array) -> None:
        """Write the outputs of a column over zeros; labels that ``fit`` has not seen, and missing ones, leave zeros."""
        groups = np.array([*(self.groups.get(label, -1) for label in column.labels), -1], np.intp)[column.codes]
        if outputs.shape[1] > 1:
            known = np.flatnonzero(groups >= 0)
            outputs[known, groups[known]] = 1
        elif self.n_groups == 2:
            outputs[:, 0] = np.array([-1, 1, 0], np.float32)[groups]
