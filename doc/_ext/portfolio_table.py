"""Directive ``portfolio``: a table of the recipes of the estimators for tables, from the portfolio itself.

One row for the parameters that all recipes set alike, and one row for each recipe, in the order in which networks are
trained.
"""

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

from skregopt._tabular import portfolio


def _parameters(recipe):
    """Return what a recipe says, as a list of texts."""
    kinds = {"classes": recipe.of_classes, "numbers": recipe.of_numbers}
    texts = [] if recipe.embedding is None else [f"`feature_embedding={recipe.embedding!r}`"]
    texts += [
        f"`{name}={value!r}`"
        for name, value in recipe.parameters.items()
        if not any(name in of_kind for of_kind in kinds.values())
    ]
    for kind, of_kind in kinds.items():
        texts += [f"`{name}={value!r}` for {kind}" for name, value in of_kind.items()]
    return texts


def rows():
    """Return the rows of the table: a name, and texts of parameters."""
    texts = {recipe.name: _parameters(recipe) for recipe in portfolio.PORTFOLIO}
    first, *others = texts.values()
    common = [text for text in first if all(text in other for other in others)]
    yield "all of them", common
    for name, own in texts.items():
        yield name, [text for text in own if text not in common]


def sentence():
    """Return what all networks have in common besides."""
    return (
        f"All networks train in batches of {portfolio.BATCH_SIZE} rows, for as many epochs as "
        f"{portfolio.ENOUGH_UPDATES} updates take, but at least {portfolio.FEWEST_EPOCHS} and at most "
        f"{portfolio.MOST_EPOCHS}."
    )


class PortfolioTable(Directive):
    def run(self):
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 18 82", "", "   * - recipe", "     - parameters"]
        for name, texts in rows():
            lines += [f"   * - {name}", f"     - {', '.join(texts)}"]
        lines += ["", sentence()]
        container = nodes.container()
        self.state.nested_parse(StringList(lines, source="portfolio"), self.content_offset, container)
        return container.children


def setup(app):
    app.add_directive("portfolio", PortfolioTable)
    return {"parallel_read_safe": True}
