"""Directive ``portfolio``: a table of the recipes of the estimators for tables, from the portfolio itself.

One column for each recipe, in the order in which networks are trained, one row for each parameter that a recipe sets.
"""

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

from skregopt._tabular import portfolio

_ABSENT = "\N{EN DASH}"


def _cell(recipe, name):
    """Return what a recipe says about a parameter."""
    values = {
        "classes": recipe.parameters | recipe.of_classes,
        "numbers": recipe.parameters | recipe.of_numbers,
    }
    texts = {kind: f"`{parameters[name]!r}`" if name in parameters else _ABSENT for kind, parameters in values.items()}
    if texts["classes"] == texts["numbers"]:
        return texts["classes"]
    return ", ".join(f"{text} for {kind}" for kind, text in texts.items() if text != _ABSENT)


def rows():
    """Return the rows of the table as lists of cells."""
    recipes = portfolio.PORTFOLIO
    names = {}  # in the order in which recipes name them
    for recipe in recipes:
        names |= dict.fromkeys(recipe.parameters | recipe.of_classes | recipe.of_numbers)
    yield ["", *(recipe.name for recipe in recipes)]
    embeddings = (_ABSENT if recipe.embedding is None else f"`{recipe.embedding!r}`" for recipe in recipes)
    yield ["`feature_embedding`", *embeddings]
    for name in names:
        yield [f"`{name}`", *(_cell(recipe, name) for recipe in recipes)]


def sentence():
    """Return what all networks have in common."""
    return (
        f"All networks train in batches of {portfolio.BATCH_SIZE} rows, for as many epochs as "
        f"{portfolio.ENOUGH_UPDATES} updates take, but at least {portfolio.FEWEST_EPOCHS} and at most "
        f"{portfolio.MOST_EPOCHS}."
    )


class PortfolioTable(Directive):
    def run(self):
        table = list(rows())
        widths = " ".join(["24", *["19"] * (len(table[0]) - 1)])
        lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
        for cells in table:
            lines += [f"   {'* -' if i == 0 else '  -'} {cell}".rstrip() for i, cell in enumerate(cells)]
        lines += ["", sentence()]
        container = nodes.container()
        self.state.nested_parse(StringList(lines, source="portfolio"), self.content_offset, container)
        return container.children


def setup(app):
    app.add_directive("portfolio", PortfolioTable)
    return {"parallel_read_safe": True}
