"""`pawline compile`: the graph as the Kubeflow Pipelines YAML."""

import argparse

from pipeline.compilation import compile_pipeline
from pipeline.local.display import short_path


def compile_yaml(arguments: argparse.Namespace) -> None:
    """Write the YAML where the command line's `arguments` say, and print where that is.

    Raises:
        UsageError: PAWLINE_MLFLOW_TRACKING_URI is not legal.
        ServiceError: the file cannot be written.
    """
    compile_pipeline(arguments.output)
    print(short_path(arguments.output))
