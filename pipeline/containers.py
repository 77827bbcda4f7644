"""A step's container: the command of its package in the one image, which is fixed when compiling.

PAWLINE_TRAIN_IMAGE names it.
"""

import os

from kfp import dsl

IMAGE = os.environ.get("PAWLINE_TRAIN_IMAGE") or "pawline/train:0.1.0"
EXECUTOR_INPUT = ("--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER)


def command(verb: str, *arguments: object) -> dsl.ContainerSpec:
    """Return the container that runs `python -m components.<verb>` with `arguments` and KFP's executor input."""
    return dsl.ContainerSpec(
        image=IMAGE, command=["python", "-m", f"components.{verb}"], args=[*arguments, *EXECUTOR_INPUT]
    )
