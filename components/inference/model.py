"""A model that answers: a verified bundle, compiled, with the answers it gives."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.bundle.boundary import sound
from components.bundle.golden import Golden
from components.bundle.manifest import ONNX_NETWORK, Manifest
from components.inference.engine import Engine, make_engine
from components.inference.verified import read_verified
from components.metrics.calibration import calibrated
from components.step.errors import DataError, one_line
from components.step.strict_json import read_json


@dataclass(frozen=True)
class Model:
    """A verified and compiled bundle under the `name` and `version` it is served by.

    `digest` is the sha256 of its manifest, which has those of all its files.
    """

    name: str
    version: str
    digest: str
    manifest: Manifest
    golden: Golden
    engine: Engine

    @property
    def class_names(self) -> list[str]:
        """The classes in the order of the outputs."""
        return self.manifest.class_names

    @cached_property
    def identity(self) -> dict[str, str]:
        """What every answer says of the model."""
        return {"name": self.name, "version": self.version, "digest": self.digest}

    def predict(self, image: NDArray[np.uint8], alone: bool) -> NDArray[np.float32]:
        """Return the network's probabilities, float32 `[classes]`, of `image`, uint8 RGB `[H, W, 3]`."""
        return self.engine.run(image, alone)

    def described(self, probabilities: NDArray[np.float32]) -> dict[str, Any]:
        """Return the class, its calibrated probability and all the network's own, as JSON."""
        best = int(np.argmax(probabilities))
        temperature = self.manifest.temperature
        confidence = calibrated(probabilities[None], temperature)[0, best] if temperature != 1 else probabilities[best]
        return {
            "class": self.class_names[best],
            "confidence": float(confidence),
            "probabilities": dict(zip(self.class_names, probabilities.tolist(), strict=True)),
        }


def load_model(directory: Path, name: str, version: str, workers: int) -> Model:
    """Return the model in the bundle `directory`, its digests verified before and its golden outputs after compiling.

    Nothing of `directory` is needed afterwards. `version` may be empty: the digest's first 12 digits then.

    Raises:
        DataError: the bundle is damaged, or gives other probabilities than it must.
    """
    bundle = read_verified(directory)
    _check_sayable({**bundle.manifest.as_json(), "name": name, "version": version})
    with sound(directory / ONNX_NETWORK):
        engine = make_engine(bundle.network, bundle.manifest.image_size, workers)
    for alone in (True, False):
        bundle.check(partial(_each, engine, alone))
    return Model(name, version or bundle.digest[:12], bundle.digest, bundle.manifest, bundle.golden, engine)


def _each(engine: Engine, alone: bool, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.stack([engine.run(image, alone) for image in images])


def _check_sayable(values: Mapping[str, Any]) -> None:
    try:
        read_json(json.dumps(values, ensure_ascii=False).encode(), parse_int=_of_64_bits)
    except (ValueError, TypeError) as error:  # Half a surrogate pair in a class name, a number of more than 64 bits.
        raise DataError(
            f"A bundle must hold what JSON answers can. Received: {one_line(error)}. Train again."
        ) from error


def _of_64_bits(digits: str) -> int:
    if -(2**63) <= (number := int(digits)) < 2**64:
        return number
    raise ValueError(f"{digits[:40]}, a number of more than 64 bits")
