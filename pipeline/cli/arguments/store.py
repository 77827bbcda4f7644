"""Arguments of `pawline store`."""

from pathlib import Path
from typing import Any

from pipeline.cli.arguments.shared import add_json, add_parameters
from pipeline.cli.command_parser import CommandParser, new_command


def add_commands(commands: Any) -> None:
    """Add the command to `commands`."""
    summary = "the S3 store of runs on a cluster"
    store = commands.add_parser("store", help=summary, description="The S3 store of runs on a cluster.")
    below = store.add_subparsers(
        required=True, dest="subcommand", metavar="command", help="what to do", parser_class=CommandParser
    )
    _add_init(below)


def _add_init(below: Any) -> None:
    summary = "make buckets, their rules, and a key for runs with the least rights; done twice, it changes nothing"
    command = new_command(below, "init", summary, "pipeline.cli.store:init", ("pipeline",))
    add = command.add_argument
    add_parameters(command)
    add(
        "--artifacts",
        action="append",
        default=[],
        metavar="URI",
        help="where KFP or MLflow keep artifacts with the same key; may be repeated (PAWLINE_PIPELINE_ROOT)",
    )
    add("--policy", default="pawline-runs", metavar="NAME", help="the policy on MinIO (pawline-runs)")
    add("--secret", metavar="NAME", help="the Kubernetes secret for the key (s3_secret of the parameters)")
    add("--namespace", metavar="NAME", help="the runs' namespace (PAWLINE_KFP_NAMESPACE, or that of the kubeconfig)")
    add("--address", default="", metavar="URL", help="the store's address for runs (as in the secret, or as here)")
    instead = command.add_mutually_exclusive_group()
    instead.add_argument("--env-file", type=Path, metavar="FILE", help="a new file for the key, instead of a secret")
    instead.add_argument("--no-key", action="store_true", help="make no key, as with workload identity")
    add("--new-key", action="store_true", help="make another key though there is one")
    add("--dry-run", action="store_true", help="only show what would change")
    add_json(command, "print what changes, and the rights, as JSON")
