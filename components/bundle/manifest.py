"""What a bundle is made of, and its manifest; neither Keras nor anything else of the network is imported.

`bundle.json` (written last) describes and seals the others: `model.keras`, its ONNX twin `model.onnx`, and
`golden.npz`, a few real images with the probabilities they must give.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from components.step.errors import DataError, one_line

FORMAT_VERSION = 2
MANIFEST, NETWORK, ONNX_NETWORK, GOLDEN = "bundle.json", "model.keras", "model.onnx", "golden.npz"
SEALED = (NETWORK, ONNX_NETWORK, GOLDEN)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a network came from and how it did.

    `class_names` is the order of the network's outputs, `image_size` pixels a side, `split_seed` the run's seed.
    `temperature` calibrates the network's probabilities (`components.metrics.calibration`); `data` says what it learnt
    from and how it did on the validation samples (`components.train.facts.data_facts`).
    """

    class_names: list[str]
    image_size: int
    backbone: str
    weights: str
    dataset_fingerprint: str
    split_seed: int
    training: dict[str, Any]
    metrics: dict[str, float]
    temperature: float = 1.0
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Provenance):
    """What `bundle.json` says; `files` has the sha256 of each sealed file by name."""

    library_versions: dict[str, str]
    files: dict[str, str]
    format_version: int = FORMAT_VERSION

    def as_json(self) -> dict[str, Any]:
        """Return the manifest as plain JSON values."""
        return asdict(self)


def read_manifest(directory: Path) -> Manifest:
    """Return what `bundle.json` in `directory` says; the other files are not looked at.

    Raises:
        DataError: there is none, it is damaged or of another format version.
    """
    path = directory / MANIFEST
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise damaged(path, getattr(error, "strerror", None) or error) from error
    version = values.get("format_version") if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise damaged(path, f"format_version={version}, this program reads {FORMAT_VERSION}")
    try:
        return _checked(values)
    except (TypeError, ValueError) as error:
        raise damaged(path, error) from error


def _checked(values: Mapping[str, Any]) -> Manifest:
    manifest = Manifest(**values)
    names, size = manifest.class_names, manifest.image_size
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names) or len(set(names)) != len(names) >= 2:
        raise ValueError("class_names must be two or more different names")
    if type(size) is not int or not 1 <= size <= 4096:
        raise ValueError(f"image_size={size}")
    if type(manifest.temperature) not in (int, float) or not 0 < manifest.temperature < math.inf:
        raise ValueError(f"temperature={manifest.temperature}")
    if not isinstance(manifest.data, dict):
        raise ValueError("data must be an object")
    if not isinstance(manifest.files, dict) or set(manifest.files) != set(SEALED):
        raise ValueError(f"files must be {', '.join(SEALED)}")
    return manifest


def verify_files(directory: Path, manifest: Manifest) -> None:
    """Check that each sealed file is there with the manifest's digest; nothing is loaded.

    Raises:
        DataError: a file is missing or another one.
    """
    for name in SEALED:
        verify_file(directory, manifest, name)


def verify_file(directory: Path, manifest: Manifest, name: str) -> None:
    """Check that the sealed file `name` is there with the manifest's digest.

    Raises:
        DataError: it is missing or another one.
    """
    try:
        found = sha256_of(directory / name)
    except OSError as error:
        raise damaged(directory / name, error.strerror or error) from error
    if found != manifest.files[name]:
        raise damaged(directory / name, f"sha256 {found}, the manifest says {manifest.files[name]}")


def sha256_of(path: Path) -> str:
    """Return the hex sha256 of the file at `path`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def damaged(path: Path, what: object) -> DataError:
    """Return the error that says `what` is wrong with the bundle's file at `path`."""
    received = f"{one_line(path)}: {one_line(what)}"
    return DataError(f"A bundle must be complete and unchanged. Received: {received}. Train again.")
