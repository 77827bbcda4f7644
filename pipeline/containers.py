"""A step's container: the command of its package; which image that is in is said where the step is placed."""

from kfp import dsl

EXECUTOR_INPUT = ("--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER)


def command(verb: str, *arguments: object) -> dsl.ContainerSpec:
    """Return the container that runs `python -m components.<verb>` with `arguments` and KFP's executor input."""
    return dsl.ContainerSpec(
        image="", command=["python", "-m", f"components.{verb}"], args=[*arguments, *EXECUTOR_INPUT]
    )
