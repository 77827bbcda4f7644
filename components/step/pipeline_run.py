"""The pipeline run that a step belongs to, as the environment names it: `pawline run` does, or a label of the pod."""

import os
from collections.abc import Mapping

# What tells the run from all others, and what a person calls it.
RUN, NAME = "PAWLINE_RUN", "PAWLINE_RUN_NAME"


def run_name(environment: Mapping[str, str] = os.environ) -> str:
    """Return what a person calls the pipeline run, "" if the environment names none."""
    return environment.get(NAME) or environment.get(RUN) or ""
