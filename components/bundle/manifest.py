"""What a bundle is made of, and its manifest; neither Keras nor anything else of the network is imported.

`bundle.json` (written last) describes and seals the others: `model.keras`, its ONNX twin `model.onnx`, and
`golden.npz`, a few real images with the probabilities they must give.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from components.bundle.boundary import MIB, check_file, damaged, sound
from components.step.errors import DataError, one_line
from components.step.regular_files import open_regular
from components.step.sealed_json import unsealed
from components.storage.names import is_label

FORMAT_VERSION = 3
READ_VERSIONS = (1, 2, 3)  # For ever; docs/compatibility.md says what each has.
MANIFEST, NETWORK, ONNX_NETWORK, GOLDEN = "bundle.json", "model.keras", "model.onnx", "golden.npz"
SEALED = (NETWORK, ONNX_NETWORK, GOLDEN)
# The manifest has a table of classes by classes. A zip archive of 4 GiB and an ONNX file of 2 GiB need other formats.
MOST_BYTES = {MANIFEST: 64 * MIB, NETWORK: 4095 * MIB, ONNX_NETWORK: 2047 * MIB, GOLDEN: 256 * MIB}
MOST_OBJECTS = 20_000  # Objects and lists of a manifest, which take more memory than text; its tables have one a class.
MOST_LEVELS = 32
_TEXTS = ("backbone", "weights", "dataset_fingerprint")
_OBJECTS = ("training", "metrics", "data", "build", "library_versions", "files")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a network came from and how it did.

    `class_names` is the order of the network's outputs, `image_size` pixels a side, `split_seed` the run's seed.
    `temperature` calibrates the network's probabilities (`components.metrics.calibration`); `data` says what it learnt
    from and how it did on the validation samples (`components.train.facts.data_facts`), `build` what it was trained by
    (`components.step.program.program_facts`). A bundle of format 1 has none of these three, one of format 2 no `build`.
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
    build: dict[str, str] = field(default_factory=dict)


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
    with sound(path):
        check_file(path, MOST_BYTES[MANIFEST])
        values = _parsed(path.read_text(encoding="utf-8"))
        _check_version(path, values.get("format_version"))
        return _checked(values)


def _check_version(path: Path, version: object) -> None:
    if type(version) is int and version > FORMAT_VERSION:
        raise DataError(
            f"A bundle must be of a format that this program reads, 1 to {FORMAT_VERSION}. "
            f"Received: {one_line(path)}: format_version={version}. Update Pawline: a newer one wrote it."
        )
    if type(version) is not int or version not in READ_VERSIONS:
        raise damaged(path, f"format_version={one_line(version, 40)}, this program reads 1 to {FORMAT_VERSION}")


def _parsed(text: str) -> dict[str, Any]:
    if text.count("[") + text.count("{") > MOST_OBJECTS:
        raise ValueError(f"more than {MOST_OBJECTS} objects and lists")
    values = unsealed(text, {field.name for field in fields(Manifest)})
    level: list[Any] = [values]
    for _ in range(MOST_LEVELS):
        level = [child for value in level for child in _children(value)]
    if level:
        raise ValueError(f"more than {MOST_LEVELS} levels of objects and lists")
    return values


def _children(value: Any) -> Iterable[Any]:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [child for child in children if isinstance(child, dict | list)]


def _checked(values: Mapping[str, Any]) -> Manifest:
    manifest = Manifest(**values)
    names, size = manifest.class_names, manifest.image_size
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names) or len(set(names)) != len(names) >= 2:
        raise ValueError("class_names must be two or more different names")
    if not all(map(is_label, names)):
        raise ValueError("class_names must be labels as extract takes them: short, without control characters")
    if type(size) is not int or not 1 <= size <= 4096:
        raise ValueError(f"image_size={size}")
    if type(manifest.temperature) not in (int, float) or not 0 < manifest.temperature < math.inf:
        raise ValueError(f"temperature={manifest.temperature}")
    if type(manifest.split_seed) is not int:
        raise ValueError(f"split_seed={manifest.split_seed}")
    for kind, what, names_of_kind in ((str, "a text", _TEXTS), (dict, "an object", _OBJECTS)):
        if wrong := [name for name in names_of_kind if not isinstance(getattr(manifest, name), kind)]:
            raise ValueError(f"{wrong[0]} must be {what}")
    if set(manifest.files) != set(SEALED):
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
    with sound(directory / name):
        check_file(directory / name, MOST_BYTES[name])
        found = sha256_of(directory / name)
    if found != manifest.files[name]:
        raise damaged(directory / name, f"sha256 {found}, the manifest says {manifest.files[name]}")


def sha256_of(path: Path) -> str:
    """Return the hex sha256 of the file at `path`."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
