"""Runs the step: `python -m components.train`."""

import sys

from components.train.step import main

if __name__ == "__main__":
    sys.exit(main())
