"""Compilation: the graph as one Kubeflow Pipelines YAML, byte for byte the same wherever it is compiled."""

import os
import re
from inspect import signature
from pathlib import Path
from urllib.parse import urlsplit

from components.step.errors import UsageError, one_line
from components.step.files import atomic_write

# The grammar of distribution/reference: host and port, lower-case path, tag, digest.
IMAGE = re.compile(
    r"([A-Za-z0-9.-]+(:[0-9]{1,5})?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
    r"(@sha256:[0-9a-f]{64})?"
)
COMPILED_PIPELINE = Path(__file__).with_name("pipeline.yaml")


def compile_pipeline(path: Path = COMPILED_PIPELINE) -> None:
    """Write the pipeline to `path`, complete or not at all.

    Only fields known to a KFP backend 2.5.0 are used; tests/whole/test_old_backend.py reads it with the protos of then.

    Raises:
        UsageError: the MLflow server that PAWLINE_MLFLOW_TRACKING_URI names would be written down with a password,
            PAWLINE_TRAIN_IMAGE names no image, or a parameter's default is not legal.
    """
    _check_tracking_uri(os.environ.get("PAWLINE_MLFLOW_TRACKING_URI", ""))
    _check_image(os.environ.get("PAWLINE_TRAIN_IMAGE", ""))
    # Imported here because kfp takes seconds, and what needs the compiled pipeline's place alone needs none of it.
    from kfp import dsl
    from kfp.compiler import Compiler

    from components.extract.parameters import check_parameters
    from pipeline.graph import image_classifier

    defaults = {name: parameter.default for name, parameter in signature(image_classifier).parameters.items()}
    check_parameters(defaults)
    with atomic_write(path) as temporary:
        Compiler().compile(dsl.pipeline(name="pawline")(image_classifier), str(temporary))


def _check_image(name: str) -> None:
    if name and not IMAGE.fullmatch(name):
        raise UsageError(
            "PAWLINE_TRAIN_IMAGE must be an image's name such as registry.example.org/pawline-train:0.1.0. "
            f"Received: PAWLINE_TRAIN_IMAGE={one_line(repr(name), 160)}. Correct it."
        )


def _check_tracking_uri(uri: str) -> None:
    parts = urlsplit(uri)
    if uri and (parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc):
        raise UsageError(
            "PAWLINE_MLFLOW_TRACKING_URI must be the http(s) address of an MLflow server, without user and password. "
            f"Received: {parts.scheme or 'no scheme'}://{parts.hostname or ''}. Correct it."
        )
