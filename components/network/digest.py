"""The digest of a network: equal for networks that compute the same, whatever their layers happen to be called."""

import hashlib
import inspect
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.network.keras_runtime import keras

# Where a layer's configuration names layers; Keras numbers the names by what the process built before.
_NAMING = ("name", "keras_history", "input_layers", "output_layers")


def network_digest(network: "keras.Model") -> str:
    """Return the hex sha256 over the layers' configuration, their code where it is not Keras's, and every weight."""
    digest = hashlib.sha256()
    names = {layer.name: f"layer {index}" for index, layer in enumerate(_layers(network))}
    config = _renamed(network.get_config(), names)
    digest.update(json.dumps(config, sort_keys=True, default=repr).encode())
    for source in sorted({_source(type(layer)) for layer in _layers(network)}):
        digest.update(source.encode())
    for weight in network.weights:
        values = keras.ops.convert_to_numpy(weight)
        digest.update(f"{values.shape} {weight.dtype}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def _layers(network: "keras.Model") -> Iterator["keras.Layer"]:
    yield network
    for layer in getattr(network, "layers", []):
        yield from _layers(layer)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _named(part, names) if key in _NAMING else _renamed(part, names) for key, part in value.items()}
    return [_renamed(part, names) for part in value] if isinstance(value, list | tuple) else value


def _named(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list | tuple):
        return [_named(part, names) for part in value]
    return names.get(value, value) if isinstance(value, str) else _renamed(value, names)


def _source(layer: type) -> str:
    """Return the source of the module of `layer`, nothing for Keras's own layers: their version is in the key."""
    if layer.__module__.partition(".")[0] == "keras":
        return ""
    try:
        return Path(inspect.getfile(layer)).read_text(encoding="utf-8")
    except (TypeError, OSError, ValueError):  # Typed at a prompt: nothing tells one version from another.
        return uuid.uuid4().hex
