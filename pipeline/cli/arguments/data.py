"""Arguments of the commands on data: PDFs taken in, datasets written out, lists of what to label."""

from pathlib import Path
from typing import Any

from pipeline.cli.arguments.shared import BUNDLE_HELP, add_runs
from pipeline.cli.command_parser import CommandParser, new_command


def add_commands(commands: Any) -> None:
    """Add the commands to `commands`."""
    _add_ingest(commands)
    _add_export(_group(commands, "dataset", "datasets for other tools"))
    below = _group(commands, "label", "what a person should look at, as a list for the labelling tool")
    _add_check(below)
    _add_next(below)


def _group(commands: Any, name: str, summary: str) -> Any:
    group = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    return group.add_subparsers(
        required=True, dest="subcommand", metavar="command", help="what to do", parser_class=CommandParser
    )


def _add_ingest(commands: Any) -> None:
    summary = "take the photos out of PDFs, for a labelling tool"
    command = new_command(commands, "ingest", summary, "pipeline.cli.ingest:ingest", ("pipeline",))
    command.add_argument("documents", metavar="SRC", help="folder or s3://bucket/prefix of the PDFs")
    command.add_argument("destination", metavar="DEST", help="folder or s3://bucket/prefix to write to")
    help_ = "embedded photos, or pages, each as a whole (embedded)"
    command.add_argument("--take", default="embedded", metavar="WHAT", help=help_)
    command.add_argument("--dpi", type=int, default=150, metavar="N", help="dots per inch of a page (150)")
    help_ = "documents that cannot be read: fail at the end, or drop and only name them (fail)"
    command.add_argument("--on-bad-document", default="fail", metavar="WHAT", help=help_)


def _add_export(below: Any) -> None:
    summary = "write a dataset as class folders, a Hugging Face ImageFolder or COCO"
    command = new_command(below, "export", summary, "pipeline.cli.dataset:export", ("train",))
    command.add_argument("dataset", metavar="DATA", help="the dataset's folder or URI, as a run's log ends extract")
    command.add_argument("destination", metavar="DEST", help="folder or s3://bucket/prefix where nothing lies yet")
    command.add_argument("--form", default="folders", metavar="FORM", help="folders, image-folder or coco (folders)")


def _add_check(below: Any) -> None:
    summary = "list the labels that the test of a run suspects"
    command = new_command(below, "check", summary, "pipeline.cli.label:check", ("pipeline",))
    command.add_argument("run", metavar="RUN", help="a run: its id, folder, or last")
    _add_list(command)


def _add_next(below: Any) -> None:
    summary = "list the images to label next: disputed ones, then those a bundle is least sure of"
    command = new_command(below, "next", summary, "pipeline.cli.label:next_images", ("serve|train",))
    command.add_argument("bundle", metavar="BUNDLE", help=BUNDLE_HELP)
    command.add_argument("images", metavar="IMAGES", help="a folder or s3://bucket/prefix")
    command.add_argument("--annotations", default="", metavar="FILE", help="what is labelled already, in any format")
    command.add_argument("--count", type=int, default=100, metavar="N", help="images at most (100)")
    _add_list(command)


def _add_list(command: Any) -> None:
    form = "label-studio, ecotag or csv (label-studio)"
    command.add_argument("--form", default="label-studio", metavar="FORM", help=form)
    command.add_argument("--output", type=Path, required=True, metavar="FILE", help="the file to write")
    add_runs(command)
