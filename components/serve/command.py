"""The command that serves a bundle: its arguments and what it does, for the image and for `pawline serve` alike."""

import argparse
import os
from typing import TYPE_CHECKING

from components.step.errors import UsageError

if TYPE_CHECKING:
    from components.serve.settings import Settings


BUNDLE_HELP = "a folder, s3://bucket/prefix, models:/name@alias or models:/name/version"


def add_arguments(parser: argparse.ArgumentParser, bundle_help: str = BUNDLE_HELP) -> None:
    """Add the arguments of serving to `parser`; each stands for a setting of the environment and goes before it."""
    parser.add_argument("bundle", nargs="?", metavar="BUNDLE", help=f"{bundle_help} (PAWLINE_SERVE_MODEL)")
    parser.add_argument("--watch", metavar="SECONDS", help="look for a changed bundle this often (never)")
    parser.add_argument("--host", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", help="the port to listen on, 0 for a free one (8080)")


def run(arguments: argparse.Namespace) -> None:
    """Serve until told to end.

    Raises:
        PawlineError: a wrong setting, no bundle or a damaged one, a port that is taken.
    """
    # `pawline` has these arguments in its help; what serving needs takes long to import.
    import uvloop

    from components.inference.source import open_source
    from components.serve.auth.authorization import authorization_from
    from components.serve.server import serve
    from components.serve.work.pool import end_without_hanging_workers
    from components.serve.work.service import Service
    from components.signing.trust import trust_from

    settings = _settings(arguments)
    authorization = authorization_from(os.environ)
    source = open_source(settings.model, trust_from(os.environ))
    uvloop.run(serve(Service(settings), source, authorization))
    end_without_hanging_workers()


def _settings(arguments: argparse.Namespace) -> "Settings":
    from components.serve.settings import PREFIX, settings_from

    flags = {"MODEL": arguments.bundle, "WATCH": arguments.watch, "HOST": arguments.host, "PORT": arguments.port}
    given = {f"{PREFIX}{name}": value for name, value in flags.items() if value is not None}
    settings = settings_from({**os.environ, **given})
    if not settings.model:
        raise UsageError(f"A bundle must be named. Received: neither BUNDLE nor {PREFIX}MODEL. Name one.")
    return settings
