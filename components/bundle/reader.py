"""The bundle: a model folder that needs nothing else. This module reads one; `bundle_writer` writes it.

`bundle.json` (written last) describes and seals the others: `model.keras`, its ONNX twin `model.onnx`, and
`golden.npz`, a few real images with the probabilities they must give. Reading the manifest imports no Keras.
"""

import hashlib
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from components.step.errors import DataError, one_line

if TYPE_CHECKING:
    import keras

FORMAT_VERSION = 2
MANIFEST, NETWORK, ONNX_NETWORK, GOLDEN = "bundle.json", "model.keras", "model.onnx", "golden.npz"
SEALED = (NETWORK, ONNX_NETWORK, GOLDEN)
TOLERANCE = 1e-4


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


@dataclass(frozen=True, slots=True)
class Golden:
    """Real images, uint8 `[K, H, W, 3]`, and the probabilities they must give, float32 `[K, classes]`."""

    images: NDArray[np.uint8]
    probabilities: NDArray[np.float32]


@dataclass(frozen=True)
class Bundle:
    """A loaded and verified bundle."""

    directory: Path
    manifest: Manifest
    network: "keras.Model"

    @property
    def class_names(self) -> list[str]:
        """The classes in the order of the outputs."""
        return self.manifest.class_names

    @property
    def image_size(self) -> int:
        """Pixels a side of the network's input."""
        return self.manifest.image_size

    def predict(self, images: NDArray[np.uint8], batch_size: int = 32) -> NDArray[np.float32]:
        """Return the probabilities, float32 `[N, classes]`, of `images`, uint8 RGB `[N, H, W, 3]`, batch by batch."""
        return self.predict_with_features(images, batch_size)[0]

    def predict_with_features(
        self, images: NDArray[np.uint8], batch_size: int = 32
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the probabilities, `[N, classes]`, and what the head sees, `[N, D]`; both float32; as `predict`."""
        from components.network.classifier import run_batches

        probabilities, features = run_batches(self._observed, images, batch_size)
        return probabilities, features

    @cached_property
    def _observed(self) -> "keras.Model":
        from components.network.classifier import observed

        return observed(self.network)


def load_bundle(directory: Path) -> Bundle:
    """Return the bundle in `directory`: digests verified before anything is loaded, golden examples after.

    Raises:
        DataError: no bundle, a damaged one, or one whose network does not give what it must.
    """
    manifest = read_manifest(directory)
    verify_files(directory, manifest)
    golden = read_golden(directory)
    network = load_network(directory)
    check_golden(golden, run_network(network, golden.images), NETWORK)
    return Bundle(directory, manifest, network)


def load_network(directory: Path) -> "keras.Model":
    """Return the Keras network in `directory`, whose digest has been verified before.

    Raises:
        DataError: Keras refuses it.
    """
    from components.network.keras_runtime import keras

    try:
        return keras.models.load_model(directory / NETWORK, compile=False, safe_mode=True)
    except (ValueError, TypeError, KeyError, OSError) as error:  # What Keras raises on another version's network.
        raise DataError(_received(directory / NETWORK, f"Keras {keras.__version__} refuses it: {error}")) from error


def run_network(network: "keras.Model", images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what `network` gives for a few `images`, in one batch and without compiling."""
    from components.network.keras_runtime import keras

    return np.asarray(keras.ops.convert_to_numpy(network(images, training=False)), np.float32)


def read_manifest(directory: Path) -> Manifest:
    """Return what `bundle.json` in `directory` says; the other files are not looked at.

    Raises:
        DataError: there is none, it is damaged or of another format version.
    """
    path = directory / MANIFEST
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(_received(path, getattr(error, "strerror", None) or error)) from error
    version = values.get("format_version") if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise DataError(_received(path, f"format_version={version}, this program reads {FORMAT_VERSION}"))
    try:
        return _checked(values)
    except (TypeError, ValueError) as error:
        raise DataError(_received(path, error)) from error


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
        raise DataError(_received(directory / name, error.strerror or error)) from error
    if found != manifest.files[name]:
        raise DataError(_received(directory / name, f"sha256 {found}, the manifest says {manifest.files[name]}"))


def sha256_of(path: Path) -> str:
    """Return the hex sha256 of the file at `path`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_golden(directory: Path) -> Golden:
    """Return the golden examples in `directory`.

    Raises:
        DataError: the file holds something else.
    """
    try:
        with np.load(directory / GOLDEN, allow_pickle=False) as arrays:
            return Golden(arrays["images"], arrays["probabilities"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(_received(directory / GOLDEN, error)) from error


def check_golden(golden: Golden, probabilities: NDArray[np.float32], network: str) -> None:
    """Check what `network`, a file's name, gave for the golden images, within TOLERANCE.

    Raises:
        DataError: it gave something else.
    """
    same_shape = probabilities.shape == golden.probabilities.shape
    difference = float(np.abs(probabilities - golden.probabilities).max()) if same_shape else float("inf")
    if not difference <= TOLERANCE:
        raise DataError(
            f"The network must give its golden probabilities within {TOLERANCE}. "
            f"Received: {network} off by {difference:.2g}. Train again, or use the library versions in {MANIFEST}."
        )


def _received(path: Path, what: object) -> str:
    return f"A bundle must be complete and unchanged. Received: {one_line(path)}: {one_line(what)}. Train again."
