"""The images: built without a daemon by buildah where that is installed, by docker otherwise; pushed; named by digest.

`python -m delivery.images build|push REGISTRY`. Files and configuration are stamped with one time, so that the same
sources on the same base are the same image. `dist/images.json` has what was pushed, each by its digest.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from components import VERSION
from components.step.errors import ServiceError, UsageError, one_line
from components.step.files import write_json
from components.step.program import REVISION
from components.step.strict_json import read_json
from delivery.command import ended
from delivery.locks import ROOT
from delivery.sbom import DIST, IMAGES
from delivery.wheel import EPOCH
from pipeline.destination import check_image

PUSHED = "images.json"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def build_command(builder: str, name: str, registry: str, revision: str) -> list[str]:
    """Return how `builder` builds the image called `name` of the source `revision`."""
    dockerfile = IMAGES[name]
    target = ["--target", name] if dockerfile == "Dockerfile.train" else []
    named = ["--file", dockerfile, *target, "--build-arg", f"SOURCE_REVISION={revision}", "--tag", tag(name, registry)]
    if builder == "buildah":
        return ["buildah", "build", "--format", "oci", "--layers", "--timestamp", EPOCH, *named, "."]
    stamped = ["--build-arg", f"SOURCE_DATE_EPOCH={EPOCH}", "--output", "type=docker,rewrite-timestamp=true"]
    return ["docker", "buildx", "build", "--provenance=false", *stamped, *named, "."]


def tag(name: str, registry: str) -> str:
    """Return what the image called `name` is called in `registry`.

    Raises:
        UsageError: that is no name of an image.
    """
    found = f"{registry}/pawline-{name}:{VERSION}"
    check_image("REGISTRY", found)
    return found


def builder_here() -> str:
    """Return the builder that is installed.

    Raises:
        UsageError: none is.
    """
    for name in ("buildah", "docker"):
        if shutil.which(name):
            return name
    raise UsageError("Images need a builder. Received: neither buildah nor docker. Install one of them.")


def build(registry: str, names: Sequence[str], revision: str) -> None:
    """Build the images called `names`.

    Raises:
        ServiceError: one does not build.
    """
    for name in names:
        _run(build_command(builder_here(), name, registry, revision or "unknown"))


def push(registry: str, names: Sequence[str]) -> None:
    """Push the images called `names` and write down by which digests they are to be had.

    Raises:
        ServiceError: the registry refuses one, or says no digest.
    """
    builder = builder_here()
    pushed = {name: f"{tag(name, registry).rpartition(':')[0]}@{_push(builder, name, registry)}" for name in names}
    write_json(DIST / PUSHED, pushed)
    for reference in pushed.values():
        print(reference)


def _push(builder: str, name: str, registry: str) -> str:
    image, noted = tag(name, registry), DIST / f".{name}.digest"
    DIST.mkdir(parents=True, exist_ok=True)
    if builder == "buildah":
        _run(["buildah", "push", "--digestfile", str(noted), image])
        said = noted.read_text(encoding="utf-8")
        noted.unlink()
    else:
        _run(["docker", "push", "--quiet", image])
        said = _run(["docker", "inspect", "--format", "{{json .RepoDigests}}", image])
    if not (found := DIGEST.search(said)):
        raise ServiceError(f"A pushed image must have a digest. Received: {one_line(image)}: none. Push it again.")
    return found[0]


def pushed_images(folder: Path = DIST) -> dict[str, str]:
    """Return what was pushed, each image by its digest.

    Raises:
        UsageError: nothing was, or something else is written there.
    """
    try:
        found = read_json((folder / PUSHED).read_bytes())
        if set(found) <= set(IMAGES) and all(DIGEST.fullmatch(str(name).rpartition("@")[2]) for name in found.values()):
            return dict(found)
    except (OSError, ValueError, TypeError, AttributeError):
        pass
    raise UsageError(
        f"Images must have been pushed. Received: no {one_line(folder / PUSHED)}. `make push REGISTRY=...`."
    )


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise ServiceError(
            f"{command[0]} must succeed. Received: exit code {done.returncode} of {one_line(' '.join(command), 200)}. "
            "What it says is above."
        )
    return done.stdout


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("build", "push"))
    parser.add_argument("registry", help="where images go, as registry.example.org/team")
    parser.add_argument("--only", action="append", choices=tuple(IMAGES), help="one image; may be repeated")
    given = parser.parse_args()
    names = given.only or ("step", "train", "serve")
    if given.action == "build":
        build(given.registry, names, os.environ.get(REVISION, ""))
    else:
        push(given.registry, names)


if __name__ == "__main__":
    sys.exit(ended(main))
