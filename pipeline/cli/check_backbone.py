"""`pawline check-backbone`: what a run is to be built upon."""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from components.parameters.networks import backbone_names, facts_of
from components.step.errors import DataError, one_line
from components.step.files import json_text

if TYPE_CHECKING:
    from components.step.findings import Finding


def check_backbone(arguments: argparse.Namespace) -> None:
    """Print a table of the rules that a backbone keeps and breaks, or every backbone's name if none is given.

    Raises:
        UsageError: there is no such backbone, or it cannot be built.
        DataError: it breaks a rule.
    """
    if arguments.name is None:
        names = backbone_names()
        print(json_text(names) if arguments.json else "\n".join(names), end="" if arguments.json else "\n")
        return
    facts_of(arguments.name)  # A name that is not known is refused at once.
    # Keras takes seconds to import; the other commands do without, and so do the names.
    from components.backbones.by_name import find_backbone
    from components.backbones.conformance import check_backbone as findings

    backbone = find_backbone(arguments.name)
    show_findings("backbone", backbone.name, findings(backbone, arguments.image_size), arguments.json)


def show_findings(kind: str, name: str, findings: "Iterable[Finding]", as_json: bool) -> None:
    """Print what was found of the `kind` of function called `name`, as a table or `as_json`.

    Raises:
        DataError: a rule is broken.
    """
    found = list(findings)
    if as_json:
        print(json_text({kind: name, "rules": [asdict(finding) for finding in found]}), end="")
    else:
        _print_table(Console(highlight=False), f"{kind} {name}", found)
    if broken := sum(not finding.kept for finding in found):
        article = "An" if kind[0] in "ae" else "A"
        raise DataError(
            f"{article} {kind} must keep every rule. Received: {one_line(name, 120)}, broken={broken}. Correct it."
        )


def _print_table(console: Console, title: str, found: "Sequence[Finding]") -> None:
    table = Table("rule", "kept", "found", title=escape(title), title_justify="left")
    for finding in found:
        sign = Text("yes", "green") if finding.kept else Text("no", "bold red")
        table.add_row(finding.rule, sign, Text(one_line(finding.found, 500)))
    console.print(table)
