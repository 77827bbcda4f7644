"""How the commands of this package end: with one line and an exit code, as every command of Pawline."""

import sys
from collections.abc import Callable

from components.step.errors import PawlineError, one_line
from components.step.secrets import no_secrets_said


@no_secrets_said()
def ended(action: Callable[[], object]) -> int:
    """Return the exit code of `action`, 0 unless it raises an error that somebody can mend, which is printed."""
    try:
        action()
    except PawlineError as error:
        print(f"pawline: error: {one_line(error, 2000)}", file=sys.stderr)
        return error.exit_code
    return 0
