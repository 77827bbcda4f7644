"""Runs the step: `python -m components.promote`."""

import sys

from components.promote.step import main
from components.step.left_out import UNUSED, left_out

if __name__ == "__main__":
    with left_out(*UNUSED):
        sys.exit(main())
