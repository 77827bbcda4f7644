"""`pawline serve`: the server of the serving image, on the author's machine."""

from typing import Any

from components.serve.command import add_arguments, run


def add_serve(commands: Any) -> None:
    """Add the command to `commands`, the subparsers of `pawline`."""
    command = commands.add_parser("serve", help="serve a bundle over HTTP, with a page to try it", allow_abbrev=False)
    add_arguments(command)
    command.set_defaults(action=run)
