"""SBOMs: what is in each image and in the wheel, in CycloneDX, the same bytes each time. `python -m delivery.sbom`.

cyclonedx-bom lists a lock's packages with their hashes; to that come licences, the base image, and what was built.
"""

import hashlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from components import VERSION
from components.step.counts import counted
from components.step.errors import DataError, one_line
from components.step.files import json_text, write_text
from components.step.own_processes import own_environment
from components.step.strict_json import read_json
from delivery.bases import base_of
from delivery.command import ended
from delivery.licences import Policy, licence_of, read_policy
from delivery.locks import LOCKS, ROOT, normal_name

DIST = ROOT / "dist"
# The lock of each thing, and the Dockerfile of an image.
IMAGES = {
    "step": "Dockerfile.train",
    "train": "Dockerfile.train",
    "ray": "Dockerfile.train",
    "serve": "Dockerfile.serve",
}
WHEEL = "wheel"
SPEC = SchemaVersion.V1_6
_GENERATOR = (sys.executable, "-m", "cyclonedx_py", "requirements", "--no-validate")
_REPRODUCIBLE = ("--output-reproducible", "--short-PURLs")


def write_sboms(folder: Path = DIST) -> list[Path]:
    """Write the SBOM of each image, and of the wheel, to `folder`; return where they are.

    Raises:
        DataError: what was made does not fit CycloneDX's schema.
    """
    written = []
    for name in (*IMAGES, WHEEL):
        path = folder / f"pawline-{name}.cdx.json"
        text = sbom_of(name, sorted(folder.glob("*.whl")) if name == WHEEL else ())
        check_schema(path.name, text)
        write_text(path, text)
        written.append(path)
    return written


def sbom_of(name: str, built: Sequence[Path] = ()) -> str:
    """Return the SBOM of the image or wheel called `name` as JSON; `built` are the wheel's files."""
    command = [*_GENERATOR, *_REPRODUCIBLE, "--spec-version", SPEC.to_version(), "-o", "-", str(LOCKS / f"{name}.txt")]
    made = subprocess.run(command, capture_output=True, check=True, env=own_environment())
    bom = read_json(made.stdout)
    policy = read_policy()
    bom["components"] = [_described(component, policy) for component in bom["components"]]
    main = _main_component(name, built)
    bom["metadata"] = {**bom.get("metadata", {}), "component": main}
    direct = _direct(name)
    references = [each["bom-ref"] for each in bom["components"] if each["name"] in direct]
    if name in IMAGES:
        bom["components"].append(_base(IMAGES[name]))
        references.append("base")
    bom["dependencies"] = [{"ref": main["bom-ref"], "dependsOn": sorted(references)}]
    return json_text(bom)


def check_schema(name: str, text: str) -> None:
    """Check that `text` is CycloneDX, strictly.

    Raises:
        DataError: it is not.
    """
    error = JsonStrictValidator(SPEC).validate_str(text)
    if error is not None:
        said = one_line(getattr(error, "data", error), 200)
        raise DataError(f"An SBOM must fit CycloneDX's schema. Received: {one_line(name)}: {said}. Write it again.")


def _described(component: dict[str, Any], policy: Policy) -> dict[str, Any]:
    """Return `component` named by its package, with its licence; the line of the lock says nothing more."""
    name = normal_name(component["name"])
    kept = {key: value for key, value in component.items() if key != "description"}
    licence = licence_of(name, policy)
    kind = {"expression": licence} if policy.allows(licence) else {"license": {"name": policy.exception(name)}}
    return {**kept, "name": name, "bom-ref": component["purl"], "licenses": [kind]}


def _main_component(name: str, built: Sequence[Path]) -> dict[str, Any]:
    hashes = [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()} for path in built]
    return {
        "bom-ref": "pawline",
        "type": "container" if name in IMAGES else "application",
        "name": f"pawline-{name}" if name in IMAGES else "pawline",
        "version": VERSION,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        **({"hashes": hashes} if hashes else {}),
    }


def _base(dockerfile: str) -> dict[str, Any]:
    name, _, digest = base_of(ROOT / dockerfile).partition("@sha256:")
    hashes = {"hashes": [{"alg": "SHA-256", "content": digest}]} if digest else {}
    return {"bom-ref": "base", "type": "container", "name": name, **hashes}


def _direct(name: str) -> set[str]:
    """Return the names of the packages that pyproject.toml asks for by itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = {"train": ("train", "gpu"), "ray": ("train", "ray"), WHEEL: ("train", "serve", "pipeline", "sign")}.get(
        name, (name,)
    )
    texts = [*project["dependencies"], *(text for extra in wanted for text in extras[extra])]
    return {normal_name(re.split(r"[\[<>=!~; ]", text, maxsplit=1)[0]) for text in texts}


def main() -> None:
    """Write them all and print what each has."""
    for path in write_sboms():
        bom = read_json(path.read_bytes())
        print(f"{path.relative_to(ROOT)}: {counted(len(bom['components']), 'component')}")


if __name__ == "__main__":
    sys.exit(ended(main))
