"""Runs the step: `python -m components.extract`."""

import sys

from components.extract.step import main

if __name__ == "__main__":
    sys.exit(main())
