"""Runs the step: `python -m components.promote`."""

import sys

from components.promote.step import main

if __name__ == "__main__":
    sys.exit(main())
