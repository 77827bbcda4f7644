"""Runs the step: `python -m components.split`."""

import sys

from components.split.step import main

if __name__ == "__main__":
    sys.exit(main())
