"""The loader of a bundle logged to MLflow: `mlflow.pyfunc.load_model`, `mlflow models serve`.

MLflow imports this from the model's own `code` folder. The network runs from the bundle's ONNX twin.
"""

import base64
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.bundle.boundary import sound
from components.bundle.golden import check_golden, read_golden
from components.bundle.manifest import ONNX_NETWORK, read_manifest, verify_files
from components.dataset.images import to_model_input
from components.onnx_twin.session import cpu_session
from components.step.errors import DataError

BATCH_SIZE = 32


class BundleModel:
    """A verified bundle that classifies image files."""

    def __init__(self, directory: Path) -> None:
        """Load the bundle in `directory`.

        Raises:
            DataError: it is damaged, or does not give its golden probabilities here.
        """
        import onnxruntime

        self._manifest = read_manifest(directory)
        verify_files(directory, self._manifest)
        golden = read_golden(directory, self._manifest)
        with sound(directory / ONNX_NETWORK, f"ONNX Runtime {onnxruntime.__version__}"):
            self._session = cpu_session(directory / ONNX_NETWORK)
            outputs = self._probabilities(golden.images)
        check_golden(golden, outputs, ONNX_NETWORK)

    def predict(self, model_input: Any, params: Any = None) -> list[dict[str, Any]]:
        """Return for each image its `label`, that label's `probability`, and the `probabilities` of all classes.

        Args:
            model_input: a pandas DataFrame with a column `image`: the bytes of JPEG, PNG, … files, or those as base64
                text, which is how JSON carries them. A list of either will do.
            params: none are known.

        Raises:
            DataError: an image cannot be decoded.
        """
        files = [_bytes(value) for value in _column(model_input)]
        found: list[dict[str, Any]] = []
        for start in range(0, len(files), BATCH_SIZE):
            pixels = [to_model_input(file, self._manifest.image_size) for file in files[start : start + BATCH_SIZE]]
            found += [self._named(row) for row in self._probabilities(np.stack(pixels))]
        return found

    def _probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        [name] = [node.name for node in self._session.get_inputs()]
        return np.asarray(self._session.run(None, {name: images})[0], np.float32)

    def _named(self, probabilities: NDArray[np.float32]) -> dict[str, Any]:
        values = dict(zip(self._manifest.class_names, map(float, probabilities), strict=True))
        label = max(values, key=lambda name: values[name])
        return {"label": label, "probability": values[label], "probabilities": values}


def _load_pyfunc(path: str) -> BundleModel:
    """Return the model of the bundle at `path`; MLflow calls it by this name."""
    return BundleModel(Path(path))


def _column(model_input: Any) -> Iterable[object]:
    if isinstance(model_input, Sequence):
        return model_input
    try:
        column: Iterable[object] = model_input["image"]
        return list(column)
    except (KeyError, IndexError, TypeError) as error:
        raise DataError('The input must have a column "image". Received: none. See the model\'s signature.') from error


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return base64.b64decode(str(value), validate=True)
    except ValueError as error:
        raise DataError("An image must be its file's bytes, or those as base64. Received: another text.") from error
