"""The server's routes and metrics as tables, from its OpenAPI document and its registry.

A page says `{server-routes}` or `{server-metrics}` as a directive.
"""

from collections.abc import Iterator, Sequence

from docutils import nodes
from prometheus_client.parser import text_string_to_metric_families
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from components.serve.api.openapi import openapi_document
from components.serve.settings import Settings
from components.serve.work.metrics import Metrics
from components.serve.work.pool import Pool

Rows = Iterator[tuple[str, ...]]


def routes() -> Rows:
    """Yield each route of the server: method, path, what it does, and the codes of its answers."""
    for path, operations in openapi_document("", Settings())["paths"].items():
        for method, operation in operations.items():
            if isinstance(operation, dict):
                codes = ", ".join(sorted(map(str, operation["responses"])))
                yield f"{method.upper()} {path}", operation["summary"], codes


def metrics() -> Rows:
    """Yield each metric of the server: its name, kind, and what it counts."""
    text = Metrics(Pool(workers=1, queue=1, buffered_bytes=1)).text().decode()
    for family in text_string_to_metric_families(text):
        if not family.name.endswith("_created"):
            total = "_total" if family.type == "counter" else ""
            yield family.name + total, family.type, family.documentation


class RoutesTable(SphinxDirective):
    """The table of routes."""

    head, rows = ("route", "what it does", "answers with"), staticmethod(routes)

    def run(self) -> list[nodes.Node]:
        """Return the table; what is in its first column is code."""
        group = nodes.tgroup(cols=len(self.head))
        group += [nodes.colspec(colwidth=1) for _ in self.head]
        group += nodes.thead("", _row(self.head))
        group += nodes.tbody("", *(_row(row, coded=True) for row in self.rows()))
        return [nodes.table("", group)]


class MetricsTable(RoutesTable):
    """The table of metrics."""

    head, rows = ("metric", "kind", "what it counts"), staticmethod(metrics)


def _row(cells: Sequence[str], coded: bool = False) -> nodes.row:
    first, *others = cells
    content = [nodes.literal("", first) if coded else nodes.Text(first), *map(nodes.Text, others)]
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in content))


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives to Sphinx."""
    app.add_directive("server-routes", RoutesTable)
    app.add_directive("server-metrics", MetricsTable)
    return {"parallel_read_safe": True}
