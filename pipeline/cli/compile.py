"""`pawline compile`: the graph as the Kubeflow Pipelines YAML."""

import argparse

from components.step.errors import UsageError, one_line
from pipeline.compilation import compile_pipeline
from pipeline.local.display import short_path


def compile_yaml(arguments: argparse.Namespace) -> None:
    """Write the YAML where the command line's `arguments` say, and print where that is.

    Raises:
        UsageError: --output is no YAML file, or as `compile_pipeline`.
        ServiceError: the file cannot be written.
    """
    if arguments.output.suffix != ".yaml":  # kfp refuses any other, late and with a traceback.
        raise UsageError(
            "--output must end with .yaml. "
            f"Received: --output {one_line(arguments.output)}. Name a file, such as pipeline.yaml."
        )
    compile_pipeline(arguments.output)
    print(short_path(arguments.output))
