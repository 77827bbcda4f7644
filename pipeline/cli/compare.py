"""`pawline compare`: runs on one test set side by side, in the terminal, as HTML and as JSON."""

import argparse
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console

from pipeline.local.display import short_path


def compare_command(arguments: argparse.Namespace) -> None:
    """Compare the runs that the command line's `arguments` name.

    Raises:
        UsageError: fewer than two runs, one twice, or one that is not there.
        DataError: a run has not been tested, is damaged, or was tested on other samples.
        ServiceError: a file cannot be written.
    """
    html = arguments.html or _new_html(arguments.runs)
    latency = not arguments.no_latency
    show_comparison(
        arguments.run, arguments.runs, html, arguments.output, with_latency=latency, as_table=not arguments.json
    )


def _new_html(runs: Path) -> Path:
    now = f"comparison-{datetime.now():%Y%m%d-%H%M%S}"
    names = (now, *(f"{now}-{number}" for number in range(2, 100)))
    places = [runs / f"{name}.html" for name in names]
    return next((place for place in places if not place.exists()), places[0])


def show_comparison(
    names: Sequence[str],
    runs: Path,
    html: Path,
    output: Path | None,
    with_latency: bool = True,
    failed: Mapping[str, str] | None = None,
    as_table: bool = True,
) -> None:
    """Print the comparison of the runs called `names`, write it to `html`, and to `output` as JSON.

    Where it is not to be printed `as_table`, it is printed as JSON. `failed` says why other candidates of a sweep are
    not among them, by what was their own. The errors are those of `compare_command`.
    """
    # numpy and what it takes to read bundles are not needed by the other commands.
    from components.step.files import json_text, write_json, write_text
    from pipeline.compare.comparison import as_json, compare
    from pipeline.compare.report import render_comparison
    from pipeline.compare.runs import read_runs
    from pipeline.compare.table import print_comparison

    comparison = compare(read_runs(names, runs), with_latency)
    figures = as_json(comparison) | {"failed": failed or {}}
    write_text(html, render_comparison(comparison, failed or {}))
    if output:
        write_json(output, figures)
    if not as_table:
        print(json_text(figures), end="")
        return
    console = Console(highlight=False)
    print_comparison(console, comparison)
    console.print(f"comparison  {short_path(html.absolute())}", markup=False, soft_wrap=True)
    if output:
        console.print(f"figures     {short_path(output.absolute())}", markup=False, soft_wrap=True)
