"""Compilation: the graph as one Kubeflow Pipelines YAML, byte for byte the same wherever it is compiled."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from components.step.errors import UsageError
from components.step.files import atomic_write

COMPILED_PIPELINE = Path(__file__).with_name("pipeline.yaml")


def compile_pipeline(path: Path = COMPILED_PIPELINE) -> None:
    """Write the pipeline to `path`, complete or not at all.

    Only fields known to a KFP backend 2.5.0 are used; tests/whole/test_old_backend.py reads it with the protos of then.

    Raises:
        UsageError: the MLflow server that PAWLINE_MLFLOW_TRACKING_URI names would be written down with a password.
    """
    _check_tracking_uri(os.environ.get("PAWLINE_MLFLOW_TRACKING_URI", ""))
    # Imported here because kfp takes seconds, and running the compiled pipeline needs none of it.
    from kfp import dsl
    from kfp.compiler import Compiler

    from pipeline.graph import image_classifier

    with atomic_write(path) as temporary:
        Compiler().compile(dsl.pipeline(name="pawline")(image_classifier), str(temporary))


def _check_tracking_uri(uri: str) -> None:
    parts = urlsplit(uri)
    if uri and (parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc):
        raise UsageError(
            "PAWLINE_MLFLOW_TRACKING_URI must be the http(s) address of an MLflow server, without user and password. "
            f"Received: {parts.scheme or 'no scheme'}://{parts.hostname or ''}. Correct it."
        )
