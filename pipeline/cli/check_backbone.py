"""`pawline check-backbone`: what a run is to be built upon."""

import argparse

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from components.step.errors import DataError, one_line


def check_backbone(arguments: argparse.Namespace) -> None:
    """Print a table of the rules that a backbone keeps and breaks, or every backbone's name if none is given.

    Raises:
        UsageError: there is no such backbone, or it cannot be built.
        DataError: it breaks a rule.
    """
    # Keras takes seconds to import; the other commands do without.
    from components.backbones.by_name import find_backbone
    from components.backbones.conformance import check_backbone as findings
    from components.parameters.networks import backbone_names

    if arguments.name is None:
        print("\n".join(backbone_names()))
        return
    backbone = find_backbone(arguments.name)
    table = Table("rule", "kept", "found", title=f"backbone {escape(backbone.name)}", title_justify="left")
    broken = 0
    for finding in findings(backbone, arguments.image_size):
        broken += not finding.kept
        sign = Text("yes", "green") if finding.kept else Text("no", "bold red")
        table.add_row(finding.rule, sign, Text(one_line(finding.found, 500)))
    Console(highlight=False).print(table)
    if broken:
        raise DataError(f"A backbone must keep every rule. Received: {backbone.name}, broken={broken}. Correct it.")
