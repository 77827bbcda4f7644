"""The commands of `pawline`.

What a command does is named, `module:function`, and imported only when it is asked for, so that help needs nothing that
is installed beside Python and answers at once.
"""

import argparse

from pipeline.cli.arguments import cluster, data, looking, running, store, using
from pipeline.cli.command_parser import CommandParser, ShowVersion


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; what it parses has `action`, what to call, and `extras`, what must be installed for it."""
    description = "Train an image classifier on this machine or a cluster, look at what came out, use it."
    parser = CommandParser(prog="pawline", description=description)
    parser.add_argument("--version", action=ShowVersion)
    commands = parser.add_subparsers(required=True, dest="command", metavar="command", parser_class=CommandParser)
    running.add_commands(commands)
    looking.add_commands(commands)
    using.add_commands(commands)
    data.add_commands(commands)
    cluster.add_commands(commands)
    store.add_commands(commands)
    return parser
