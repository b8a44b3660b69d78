"""Directive ``registry``: a table of the components of one family, from its registry.

``.. registry:: optimizers OPTIMIZERS`` makes one row for each class: its names in the registry, the first line of its
docstring, and its parameters. ``:columns:`` adds columns, as ``attribute=title`` separated by semicolons.
"""

import importlib
import inspect

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.statemachine import StringList


def _description(module, component):
    """Return the text of a row: a link, a summary, and the parameters with their defaults."""
    summary = inspect.getdoc(component).split("\n\n")[0].replace("\n", " ")
    text = f":class:`~skregopt.{module}.{component.__name__}`: {summary}"
    parameters = inspect.signature(component).parameters.values()
    if parameters:
        text += "\n\nParameters: " + ", ".join(f"`{p.name}={p.default!r}`" for p in parameters)
    return text


def _value(component, attribute):
    value = getattr(component, attribute)
    return f"`{value!r}`" if isinstance(value, str) else f"{value:g}"


class RegistryTable(Directive):
    required_arguments = 2
    option_spec = {"columns": directives.unchanged, "widths": directives.unchanged}

    def run(self):
        module, registry = self.arguments
        components = getattr(importlib.import_module(f"skregopt.{module}"), registry)
        columns = [column.strip().split("=", 1) for column in self.options.get("columns", "").split(";") if column]
        names = {}  # of each class
        for name, component in components.items():
            names.setdefault(component, []).append(f"`{name!r}`")
        rows = [["name", "rule", *[title for _, title in columns]]]
        for component, known_as in names.items():
            values = [_value(component(), attribute) for attribute, _ in columns]
            rows.append([", ".join(known_as), _description(module, component), *values])
        widths = self.options.get("widths", " ".join(["20", "80", *["20"] * len(columns)]))
        lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
        for row in rows:
            for i, cell in enumerate(row):
                first, *more = cell.split("\n")
                lines += [
                    f"   {'* -' if i == 0 else '  -'} {first}".rstrip(),
                    *(f"       {line}".rstrip() for line in more),
                ]
        container = nodes.container()
        self.state.nested_parse(StringList(lines, source="registry"), self.content_offset, container)
        return container.children


def setup(app):
    app.add_directive("registry", RegistryTable)
    return {"parallel_read_safe": True}
