"""Runs the `pawline` command: `python -m pawline`."""

import sys

from pawline.command import main

if __name__ == "__main__":
    sys.exit(main())
