"""`pawline compile`: the graph as the Kubeflow Pipelines YAML for one cluster."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from components.step.errors import UsageError, one_line
from components.step.regular_files import open_regular
from pipeline.compilation import COMPILED_INGEST, COMPILED_PIPELINE, compile_ingest, compile_pipeline
from pipeline.destination import Destination, check_image, check_mlflow, refusal
from pipeline.local.display import short_path

# How what we compile begins; another file of that name is somebody's own.
OURS = (b"# PIPELINE DEFINITION\n# Name: pawline\n", b"# PIPELINE DEFINITION\n# Name: pawline-ingest\n")


def compile_yaml(arguments: argparse.Namespace) -> None:
    """Write the YAML where the command line's `arguments` say, and print where that is.

    Raises:
        UsageError: no image is named, an argument is not legal, or the file is no YAML, the packaged one or not ours.
        ServiceError: the file cannot be written.
    """
    _check_output(arguments.output)
    image, train_image = _images(arguments.image, arguments.train_image, os.environ.get("PAWLINE_TRAIN_IMAGE", ""))
    mlflow = os.environ.get("PAWLINE_MLFLOW_TRACKING_URI", "")
    check_mlflow("PAWLINE_MLFLOW_TRACKING_URI", mlflow)
    destination = Destination(
        image=image,
        train_image=train_image,
        pull_secrets=tuple(arguments.pull_secret),
        mlflow=arguments.mlflow or mlflow,
        mlflow_secret=arguments.mlflow_secret,
        ray_secret=arguments.ray_secret,
        ca_bundle=arguments.ca_bundle,
        signing_secret=arguments.signing_secret,
        trusted_key=arguments.trusted_key,
        scratch=arguments.scratch,
        storage_class=arguments.storage_class,
        labels=_labels(arguments.label),
        retries=arguments.retries,
        timeout_minutes=arguments.timeout_minutes,
        old_backend=arguments.old_backend,
    )
    (compile_ingest if arguments.ingest else compile_pipeline)(arguments.output, destination)
    print(short_path(arguments.output))


def _images(image: str, train_image: str, from_environment: str) -> tuple[str, str]:
    given = {"--image": image, "--train-image": train_image, "PAWLINE_TRAIN_IMAGE": from_environment}
    for where, name in given.items():
        if name:
            check_image(where, name)
    train_image = train_image or image or from_environment
    if not train_image:
        raise UsageError(
            "The steps' image must be named. Received: neither --image nor PAWLINE_TRAIN_IMAGE. Build it from "
            "Dockerfile.train, push it, and write --image registry.example.org/pawline-train:0.1.0."
        )
    return image or train_image, train_image


def _labels(texts: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if wrong := [text for text, (_, equals, _) in zip(texts, pairs, strict=True) if not equals]:
        raise refusal("--label", "KEY=VALUE such as team=vision", wrong[0])
    labels = {key: value for key, _, value in pairs}
    if len(labels) < len(texts):
        raise refusal("--label", "given once for a key", " ".join(texts))
    return labels


def _check_output(path: Path) -> None:
    if path.suffix != ".yaml":  # kfp refuses any other, late and with a traceback.
        raise UsageError(
            f"--output must end with .yaml. Received: --output {one_line(path)}. Name a file, such as pipeline.yaml."
        )
    if path.exists() and any(map(path.samefile, (COMPILED_PIPELINE, COMPILED_INGEST))):
        raise _kept("The packaged pipeline is what this machine runs, and stays", path)
    if path.exists() and not _is_ours(path):
        raise _kept("A file that is no pipeline of ours is not overwritten", path)


def _is_ours(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            return file.read(max(map(len, OURS))).startswith(OURS)
    except OSError:
        return False


def _kept(rule: str, path: Path) -> UsageError:
    return UsageError(f"{rule}. Received: --output {one_line(path)}. Name another file.")
