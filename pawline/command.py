"""The way from the installed command to `pipeline.cli`."""

# PYTHON_ARGCOMPLETE_OK: says to argcomplete, which completes at the shell, that it may ask this command.

import sys
from pathlib import Path

_INSTALLED = Path(__file__).with_name("source")
# In the repository the two folders lie beside this package.
SOURCE = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[1]


def main() -> int:
    """Run the `pawline` command on this process's arguments; return its exit code."""
    # Before all others: in this process `components` is ours, whatever the user's folders are called.
    sys.path.insert(0, str(SOURCE))
    from pipeline.cli.main import main as run

    return run()
