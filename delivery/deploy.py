"""From pushed images to a running cluster: `python -m delivery.deploy compile|upload|schedules|rollout`.

Each takes what the one before has written to dist/, and runs by hand as it does in CI.
"""

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from components.step.errors import ServiceError, UsageError, one_line
from delivery.command import ended
from delivery.images import pushed_images
from delivery.locks import ROOT
from delivery.sbom import DIST
from pipeline.cli.main import main as pawline
from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.named import named_server
from pipeline.cluster.pipeline_versions import find_version, uploaded_version

COMPILED = DIST / "pawline.yaml"
OPTIONS, SCHEDULES = "PAWLINE_COMPILE_OPTIONS", "PAWLINE_SCHEDULES"
SERVER, CONTAINER = "deployment/pawline-serve", "serve"


def compile_command(images: Mapping[str, str], options: str) -> list[str]:
    """Return the words of `pawline compile` for the pushed `images`, by digest, and further `options`.

    Raises:
        UsageError: the images of steps are not among them.
    """
    if missing := [name for name in ("step", "train") if name not in images]:
        raise UsageError(f"Both images of the steps must be pushed. Received: no {', '.join(missing)}. Push them.")
    named = ["--image", images["step"], "--train-image", images["train"]]
    return ["compile", *named, "--output", str(COMPILED), *shlex.split(options)]


def compile_for_cluster() -> None:
    """Write dist/pawline.yaml, with the options that PAWLINE_COMPILE_OPTIONS has."""
    _pawline(compile_command(pushed_images(), os.environ.get(OPTIONS, "")))


def upload() -> None:
    """Upload dist/pawline.yaml as a version of the pipeline, unless it is there; print its name."""
    kfp = KfpApi(named_server(None, None))
    version = uploaded_version(kfp, "pawline", COMPILED, find_version(kfp, "pawline", COMPILED))
    print(version.name)


def reconcile() -> None:
    """Make the cluster's schedules those of the file that PAWLINE_SCHEDULES names (schedules.yaml)."""
    file = Path(os.environ.get(SCHEDULES, "schedules.yaml"))
    if not file.is_file():
        print(f"{file}: no such file, so no schedule is touched")
        return
    _pawline(["schedule", "apply", str(file), "--pipeline", str(COMPILED)])


def rollout_commands(images: Mapping[str, str]) -> list[list[str]]:
    """Return the commands that put the pushed server into service and wait for it.

    Raises:
        UsageError: it was not pushed.
    """
    if "serve" not in images:
        raise UsageError("The server's image must be pushed. Received: no serve. Push it.")
    return [
        ["kubectl", "set", "image", SERVER, f"{CONTAINER}={images['serve']}"],
        ["kubectl", "rollout", "status", SERVER, "--timeout=10m"],
    ]


def roll_out() -> None:
    """Put the pushed server into service."""
    for command in rollout_commands(pushed_images()):
        try:
            done = subprocess.run(command, cwd=ROOT, check=False).returncode
        except OSError as error:
            raise UsageError(f"kubectl must be installed. Received: {one_line(error)}. Install it.") from error
        if done:
            raise ServiceError(f"kubectl must succeed. Received: exit code {done} of {' '.join(command[1:])}.")


def _pawline(words: list[str]) -> None:
    if code := pawline(words):
        sys.exit(code)


ACTIONS = {"compile": compile_for_cluster, "upload": upload, "schedules": reconcile, "rollout": roll_out}


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=tuple(ACTIONS))
    ACTIONS[parser.parse_args().action]()


if __name__ == "__main__":
    sys.exit(ended(main))
