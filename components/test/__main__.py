"""Runs the step: `python -m components.test`."""

import sys

from components.test.step import main

if __name__ == "__main__":
    sys.exit(main())
