"""Runs the step: `python -m components.ingest`."""

import sys

from components.ingest.step import main

if __name__ == "__main__":
    sys.exit(main())
