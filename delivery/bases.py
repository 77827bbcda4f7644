"""Base images by digest: the one line of each Dockerfile that names one, renewed from its registry.

`python -m delivery.bases` asks the registry what the tag is now and writes `name:tag@sha256:...`, for every platform
that the tag has. Without a registry nothing is changed, and a tag alone stays a tag alone: no digest is made up.
"""

import hashlib
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from components.step.errors import DataError, ServiceError, one_line
from components.step.files import write_text
from delivery.command import ended
from delivery.locks import ROOT
from pipeline.doctor.registries import Image, manifest_answer

DOCKERFILES = ("Dockerfile.train", "Dockerfile.serve")
_LINE = re.compile(r"^ARG BASE_IMAGE=(\S+)$", re.MULTILINE)


def base_of(dockerfile: Path) -> str:
    """Return the image that `dockerfile` builds on.

    Raises:
        DataError: it has no such line, or several.
    """
    found = _LINE.findall(dockerfile.read_text(encoding="utf-8"))
    if len(found) != 1:
        raise DataError(
            f"A Dockerfile must name its base in one line. Received: {dockerfile.name} with {len(found)}. Mend it."
        )
    return str(found[0])


def renew(dockerfiles: Iterable[Path]) -> dict[str, str]:
    """Write the digest that each base's tag has now into its Dockerfile; return them by file name.

    Raises:
        ServiceError: a registry does not answer, or not as one; no file was changed then.
    """
    files = list(dockerfiles)
    bases = {path: base_of(path).partition("@")[0] for path in files}
    digests = {base: digest_of(base) for base in set(bases.values())}
    for path, base in bases.items():
        text = path.read_text(encoding="utf-8")
        write_text(path, text.replace(f"ARG BASE_IMAGE={base_of(path)}\n", f"ARG BASE_IMAGE={base}@{digests[base]}\n"))
    return {path.name: f"{base}@{digests[base]}" for path, base in bases.items()}


def digest_of(name: str) -> str:
    """Return the digest of the image `name` in its registry: what the registry says, which its bytes must have.

    Raises:
        ServiceError: it does not answer, has no such image, or says another digest than its answer has.
    """
    try:
        answer = manifest_answer(Image.named(name), {})
    except ServiceError as error:
        raise _refusal(name, str(error)) from error
    if answer.status != 200 or not isinstance(answer.json(), dict):
        raise _refusal(name, f"status {answer.status}" if answer.status != 200 else "no manifest")
    found = f"sha256:{hashlib.sha256(answer.data).hexdigest()}"
    if (said := answer.headers.get("docker-content-digest")) and said != found:
        raise _refusal(name, f"a digest that is not its manifest's: {one_line(said, 80)}")
    return found


def _refusal(name: str, what: str) -> ServiceError:
    return ServiceError(
        f"A base image must be in its registry. Received: {one_line(name)}: {what}. Nothing was changed; try again."
    )


def main() -> None:
    """Renew the bases of both Dockerfiles and print them."""
    for name, base in renew(ROOT / dockerfile for dockerfile in DOCKERFILES).items():
        print(f"{name}: {base}")


if __name__ == "__main__":
    sys.exit(ended(main))
