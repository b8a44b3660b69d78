"""Directive ``words``: tables of what other libraries call parameters, arguments of ``fit`` and values.

The tables are those that the errors of the estimators read: ``skregopt._kernels.words``.
"""

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

from skregopt._kernels import words


def _code(names):
    return ", ".join(f"`{name}`" for name in sorted(names, key=str.lower))


def rows():
    """Return (words elsewhere, word here) of all tables, as cells of a table."""
    for name, elsewhere in sorted(words.PARAMETERS.items()):
        yield _code(elsewhere.split(", ")), f"`{name}`"
    for name, elsewhere in sorted(words.OF_TABLES.items()):
        yield _code(elsewhere.split(", ")), f"`{name}` of the estimators for tables"
    for name, elsewhere in words.ARGUMENTS.items():
        yield _code(elsewhere.split(", ")), f"{name} of `fit`"
    for name, cure in words.OTHERWISE.items():
        yield f"`{name}`", cure
    for parameter, values in words.VALUES.items():
        for value, elsewhere in values.items():
            yield _code(map(repr, elsewhere.split(", "))), f"`{parameter}={value!r}`"
    for parameter, instances in words.INSTANCES.items():
        for call, elsewhere in instances.items():
            yield _code(map(repr, elsewhere.split(", "))), f"`{parameter}={call}`"


class WordsTable(Directive):
    def run(self):
        lines = [
            ".. list-table::",
            "   :header-rows: 1",
            "   :widths: 64 36",
            "",
            "   * - elsewhere",
            "     - skregopt",
        ]
        for elsewhere, here in rows():
            lines += [f"   * - {elsewhere}", f"     - {here}"]
        container = nodes.container()
        self.state.nested_parse(StringList(lines, source="words"), self.content_offset, container)
        return container.children


def setup(app):
    app.add_directive("words", WordsTable)
    return {"parallel_read_safe": True}
