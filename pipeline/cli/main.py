"""The `pawline` command: finds out what is asked for, runs it, and says in one line what went wrong."""

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

from components.step.errors import PawlineError, one_line
from components.step.secrets import no_secrets_said
from pipeline.cli.extras import check_extras
from pipeline.cli.parser import build_parser

INTERRUPTED = 128 + signal.SIGINT
PIPE_CLOSED = 128 + signal.SIGPIPE


@no_secrets_said()
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv`; return its exit code.

    0: done; 1: bad data or a failed service; 2: bad usage; 130: Ctrl-C; 141: its output was closed; else a failed
    step's own.
    """
    parser = build_parser()
    if "_ARGCOMPLETE" in os.environ:
        from pipeline.cli.completion import complete

        complete(parser)
    arguments = parser.parse_args(argv)
    # Where whoever starts this ignores the end of children, exit codes are lost, and every step would have succeeded.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        check_extras(arguments.extras)
        module, _, function = arguments.action.partition(":")
        getattr(import_module(module), function)(arguments)
        sys.stdout.flush()
    except PawlineError as error:
        print(f"pawline: error: {one_line(error, 2000)}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("pawline: stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # Whoever read what we print has had enough, as `head` has.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return 0
