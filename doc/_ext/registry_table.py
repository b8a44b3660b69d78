"""Directive ``registry``: a table of the rules of one family, from its registry.

``.. registry:: optimizers OPTIMIZERS`` lists each name with the first line of its class's docstring. ``:columns:`` adds
columns, ``attribute=title`` separated by semicolons; ``parameters=title`` are the constructor's.
"""

import importlib
import inspect

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.statemachine import StringList


def _cell(component, attribute):
    if attribute == "parameters":
        parameters = inspect.signature(type(component)).parameters.values()
        return ", ".join(f"`{p.name}={p.default!r}`" for p in parameters)
    value = getattr(component, attribute)
    return f"`{value!r}`" if isinstance(value, str) else f"{value:g}"


class RegistryTable(Directive):
    required_arguments = 2
    option_spec = {"columns": directives.unchanged, "widths": directives.unchanged}

    def run(self):
        module, registry = self.arguments
        rules = getattr(importlib.import_module(f"skregopt.{module}"), registry)
        columns = [column.strip().split("=", 1) for column in self.options.get("columns", "").split(";") if column]
        rows = [["name", "rule", *[title for _, title in columns]]]
        for name, rule in rules.items():
            summary = inspect.getdoc(rule).split("\n\n")[0].replace("\n", " ")
            link = f":class:`~skregopt.{module}.{rule.__name__}`"
            rows.append([f"`{name!r}`", f"{link}: {summary}", *[_cell(rule(), attribute) for attribute, _ in columns]])
        widths = self.options.get("widths", " ".join(["15", "55", *["15"] * len(columns)]))
        lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
        for row in rows:
            lines += [f"   {'* -' if i == 0 else '  -'} {cell}".rstrip() for i, cell in enumerate(row)]
        container = nodes.container()
        self.state.nested_parse(StringList(lines, source="registry"), self.content_offset, container)
        return container.children


def setup(app):
    app.add_directive("registry", RegistryTable)
    return {"parallel_read_safe": True}
