"""Tables of all pairs hold all pairs, and little else."""

from itertools import combinations, product

import pytest
from support.pairwise import covering, pairwise, table

VALUES = {"a": list("pqrstuv"), "b": [1, 2, 3], "c": [True, False], "d": [1, 2, 3, 4], "e": [0.1, 0.2, 0.3]}


def not_together(a=None, b=None, c=None, **_):
    return not (a in ("q", "r") and b == 2) and not (b == 3 and c)


def pairs_of(rows):
    return {pair for row in rows for pair in combinations(sorted(row.items()), 2)}


@pytest.mark.parametrize("allows", [lambda **row: True, not_together], ids=["all", "some"])
def test_every_pair_is_in_some_row(allows):
    rows = [{name: VALUES[name][position] for name, position in row.items()} for row in pairwise(VALUES, allows)]
    everything = [dict(zip(VALUES, row, strict=True)) for row in product(*VALUES.values())]
    assert pairs_of(rows) == pairs_of(row for row in everything if allows(**row))
    assert all(allows(**row) for row in rows)
    assert 28 <= len(rows) <= 34 < len(everything) / 10
    assert pairwise(VALUES, allows) == pairwise(VALUES, allows)


def test_two_parameters_are_a_product():
    assert len(pairwise({"a": VALUES["a"], "d": VALUES["d"]})) == 28


def test_no_value_is_in_most_of_the_rows():
    rows = pairwise({name: range(5) for name in "abcdefgh"})
    assert len(rows) < 60
    for name in "abcdefgh":
        counts = [sum(row[name] == value for row in rows) for value in range(5)]
        assert max(counts) < len(rows) / 2


def test_marks():
    formats = {"dense": list, "sparse": tuple}
    mark = covering(not_together, **VALUES, f=formats)
    names, parameters = mark.args
    assert names == [*VALUES, "f"]
    rows = [dict(zip(names, parameter.values, strict=True)) for parameter in parameters]
    assert len(rows) == sum(not_together(*row[:3]) for row in product(*VALUES.values(), formats))
    by_default = [row for row, parameter in zip(rows, parameters, strict=True) if not parameter.marks]
    assert by_default == sorted(
        (
            dict(zip(names, parameter.values, strict=True))
            for parameter in table(not_together, **VALUES, f=formats).args[1]
        ),
        key=rows.index,
    )
    assert {mark.name for parameter in parameters for mark in parameter.marks} == {"exhaustive"}
    assert parameters[0].id == "p-1-True-1-0.1-dense" and parameters[0].values[-1] is list
