"""Serves a bundle over HTTP: `python -m components.serve BUNDLE`; settings are environment, `PAWLINE_SERVE_*`."""

import argparse
import sys
from collections.abc import Sequence

from components.serve.command import add_arguments, run
from components.step.errors import PawlineError, one_line
from components.step.left_out import UNUSED, left_out
from components.step.secrets import no_secrets_said


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = argparse.ArgumentParser(prog="python -m components.serve", description=__doc__, allow_abbrev=False)
    add_arguments(parser)
    return parser


@no_secrets_said()
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv`; return its exit code: 0 drained, 1 bad data or a failed service, 2 bad usage."""
    try:
        run(build_parser().parse_args(argv))
    except PawlineError as error:
        print(f"pawline serve: error: {one_line(error, 2000)}", file=sys.stderr, flush=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    with left_out(*UNUSED):
        sys.exit(main())
