"""Writes bundles; `components/bundle/reader.py` has the format."""

import io
import json
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.bundle.golden import Golden, check_golden
from components.bundle.manifest import GOLDEN, MANIFEST, NETWORK, ONNX_NETWORK, SEALED, Manifest, Provenance, sha256_of
from components.network.classifier import with_features
from components.network.keras_runtime import keras
from components.onnx_twin.export import export_onnx, run_onnx
from components.step.files import atomic_directory, atomic_write, write_json
from components.step.sealed_json import sealed
from components.step.strict_json import read_json

LIBRARIES = ("keras", "tensorflow", "numpy", "pillow", "onnx", "onnxruntime")
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def save_bundle(
    directory: Path, network: "keras.Model", golden_images: NDArray[np.uint8], provenance: Provenance
) -> Manifest:
    """Write the bundle of `network` to `directory`, complete or not at all; return its manifest.

    Args:
        directory: new, or an empty folder.
        network: uint8 RGB `[N, H, W, 3]` to probabilities `[N, classes]`; its last layer is the head.
        golden_images: a few real images, uint8 `[K, H, W, 3]`.
        provenance: what the manifest says beside the files.

    Raises:
        DataError: the ONNX twin gives other probabilities.
        ServiceError: `directory` cannot be written or holds files.
    """
    golden = Golden(golden_images, keras.ops.convert_to_numpy(network(golden_images, training=False)))
    with atomic_directory(directory) as folder:
        save_network(network, folder / NETWORK)
        export_onnx(with_features(network), folder / ONNX_NETWORK)
        check_golden(golden, run_onnx(folder / ONNX_NETWORK, golden.images), ONNX_NETWORK)
        _save_golden(golden, folder / GOLDEN)
        manifest = _manifest(provenance, {name: sha256_of(folder / name) for name in SEALED})
        write_json(folder / MANIFEST, sealed(manifest.as_json()))
    return manifest


def _manifest(provenance: Provenance, files: dict[str, str]) -> Manifest:
    values = {name: getattr(provenance, name) for name in Provenance.__slots__}
    return Manifest(**values, library_versions={name: version(name) for name in LIBRARIES}, files=files)


def save_network(network: "keras.Model", path: Path) -> None:
    """Write `network` as `.keras`, the same network giving the same bytes; Keras writes times and memory addresses."""
    with atomic_write(path) as temporary:
        network.save(temporary)
        with zipfile.ZipFile(temporary) as archive:
            members = {name: archive.read(name) for name in sorted(archive.namelist())}
        members["config.json"] = _with_numbered_objects(members["config.json"])
        members["metadata.json"] = json.dumps({"keras_version": keras.__version__}).encode()
        temporary.write_bytes(_archive(members))


def _with_numbered_objects(config: bytes) -> bytes:
    """Return Keras's JSON with each `shared_object_id`, an address, replaced by the rank of its first appearance."""
    ranks: dict[int, int] = {}

    def numbered(values: dict[str, Any]) -> dict[str, Any]:
        if isinstance(address := values.get("shared_object_id"), int):
            values["shared_object_id"] = ranks.setdefault(address, len(ranks))
        return values

    return json.dumps(read_json(config, numbered)).encode()


def _save_golden(golden: Golden, path: Path) -> None:
    members = {"images.npy": _npy(golden.images), "probabilities.npy": _npy(golden.probabilities)}
    path.write_bytes(_archive(members))


def _npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_EPOCH), data)
    return buffer.getvalue()
