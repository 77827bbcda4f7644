"""Arguments that several commands have, with one wording."""

import argparse
from pathlib import Path

BUNDLE_HELP = "a bundle's folder, a run's id or folder, last, s3://bucket/prefix or models:/name@alias"
RUN_HELP = "a run's id, its folder, or last"
CLUSTER_RUN_HELP = "the run's id on the cluster, its name there, or last"


def add_runs(command: argparse.ArgumentParser) -> None:
    """Add `--runs`."""
    command.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="where runs are kept (runs)")


def add_json(command: argparse.ArgumentParser, what: str = "print JSON instead of a table") -> None:
    """Add `--json`."""
    command.add_argument("--json", action="store_true", help=what)


def add_parameters(command: argparse.ArgumentParser) -> None:
    """Add `--param` and `--config`."""
    command.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="a pipeline parameter; may be repeated"
    )
    add_config(command)


def add_config(command: argparse.ArgumentParser) -> None:
    """Add `--config`."""
    config_help = "a YAML file of parameters; may be repeated, a later one goes before, --param before all"
    command.add_argument("--config", action="append", default=[], type=Path, metavar="FILE", help=config_help)


def add_run_anywhere(command: argparse.ArgumentParser) -> None:
    """Add RUN, one here or on a cluster, and what says where."""
    command.add_argument("run", metavar="RUN", help=f"{RUN_HELP}; or its id on a cluster")
    command.add_argument("--cluster", action="store_true", help="RUN is a run's name on the cluster, or its last")
    add_runs(command)
    add_server(command)


def add_server(command: argparse.ArgumentParser) -> None:
    """Add what names the KFP API."""
    command.add_argument("--host", metavar="URL", help="the KFP API's address (PAWLINE_KFP_HOST)")
    command.add_argument("--namespace", metavar="NAME", help="the runs' namespace (PAWLINE_KFP_NAMESPACE, or none)")
