"""Tables of all pairs: each value of a parameter meets each value of every other one in some row.

Most mistakes show where two values meet. A table of all pairs has about as many rows as the two longest lists of values
make together, however many parameters there are; the product of all lists has thousands. Tests take the table; what is
left of the product has the marker ``exhaustive``.
"""

from itertools import combinations, product

import pytest


def pairwise(values, allows=lambda **row: True):
    """Return rows that hold all pairs of values; greedy, and the same each time.

    Parameters
    ----------
    values : dict
        The list of values of each parameter.
    allows : callable
        Tells of values by name, of some parameters or of all, whether they may meet. A row that allows all its pairs
        has to be allowed.

    Returns
    -------
    rows : list of dict
        Positions of values by name.
    """

    def allowed(row):
        return allows(**{name: values[name][position] for name, position in row.items()})

    missing = {}  # a set in the order of insertion
    for (first, firsts), (second, seconds) in combinations(values.items(), 2):
        for i, j in product(range(len(firsts)), range(len(seconds))):
            if allowed({first: i, second: j}):
                missing[(first, i), (second, j)] = None
    order, rows = list(values), []

    def n_new(row, name, position):
        """Return how many missing pairs a further value adds to a row."""
        pairs = (
            ((other, at), (name, position))
            if order.index(other) < order.index(name)
            else ((name, position), (other, at))
            for other, at in row.items()
        )
        return sum(pair in missing for pair in pairs)

    while missing:
        row = dict(next(iter(missing)))
        # long lists first, because their pairs take the most rows
        for name in sorted(set(order) - set(row), key=lambda name: (-len(values[name]), order.index(name))):
            # of equals the next in turn, so that no value is in most of the rows
            turn = [(len(rows) + k) % len(values[name]) for k in range(len(values[name]))]
            row[name] = max(
                (position for position in turn if allowed({**row, name: position})),
                key=lambda position, name=name: n_new(row, name, position),
            )
        for pair in combinations(((name, row[name]) for name in order), 2):
            missing.pop(pair, None)
        rows.append({name: row[name] for name in order})
    return rows


def _choices(values):
    """Return (id, value) pairs of a list, or of a dict whose keys are the ids."""
    return list(values.items()) if isinstance(values, dict) else [(str(value), value) for value in values]


def _parameter(choices, row, marks=()):
    chosen = [choices[name][position] for name, position in row.items()]
    return pytest.param(*(value for _, value in chosen), id="-".join(name[:50] for name, _ in chosen), marks=marks)


def table(allows=lambda **row: True, **values):
    """Run a test for a table of all pairs of values.

    Parameters
    ----------
    allows : callable
        See :func:`pairwise`.
    **values : list, or dict from id to value
        The values of each parameter of the test.

    Returns
    -------
    decorator : mark of pytest
    """
    choices = {name: _choices(given) for name, given in values.items()}
    plain = {name: [value for _, value in pairs] for name, pairs in choices.items()}
    return pytest.mark.parametrize(list(values), [_parameter(choices, row) for row in pairwise(plain, allows)])


def covering(allows=lambda **row: True, **values):
    """Run a test for all combinations of values: by default a table of all pairs, the others where ``exhaustive`` is.

    The parameters are those of :func:`table`.
    """
    choices = {name: _choices(given) for name, given in values.items()}
    plain = {name: [value for _, value in pairs] for name, pairs in choices.items()}
    in_table = {tuple(row.values()) for row in pairwise(plain, allows)}
    parameters = []
    for positions in product(*(range(len(pairs)) for pairs in choices.values())):
        row = dict(zip(values, positions, strict=True))
        if allows(**{name: plain[name][position] for name, position in row.items()}):
            marks = () if positions in in_table else pytest.mark.exhaustive
            parameters.append(_parameter(choices, row, marks))
    return pytest.mark.parametrize(list(values), parameters)


def exhaustive(*values):
    """Return values of one parameter that a test takes only where ``exhaustive`` is."""
    return [pytest.param(value, marks=pytest.mark.exhaustive) for value in values]
