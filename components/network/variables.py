"""The variables of a network: which ones training moves, and how they are taken down and put back."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.network.keras_runtime import keras


def leaf_layers(network: "keras.Model") -> Iterator["keras.Layer"]:
    """Yield the layers of `network` in its order, those of nested models in place of these."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from leaf_layers(layer)
        else:
            yield layer


def moving_variables(network: "keras.Model") -> list[Any]:
    """Return every variable that training may change: those of the layers that are not frozen."""
    return [variable for layer in leaf_layers(network) if layer.trainable for variable in layer.variables]


def seed_states(network: "keras.Model") -> list[Any]:
    """Return the states of the random generators, e.g. of dropout."""
    variables = (variable for layer in leaf_layers(network) for variable in layer.variables)
    return [variable for variable in variables if variable.name == "seed_generator_state"]


def values_of(variables: Sequence[Any]) -> list[NDArray[Any]]:
    """Return copies of the variables' values."""
    return [np.array(variable.numpy()) for variable in variables]


def assign(variables: Sequence[Any], values: Sequence[NDArray[Any]]) -> None:
    """Set each variable to its value; ValueError if they do not fit."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def weights_digest(network: "keras.Model") -> str:
    """Return the sha256 over the kinds of the layers of `network` and the bytes of its weights."""
    digest = hashlib.sha256()
    for layer in leaf_layers(network):
        digest.update(type(layer).__name__.encode() + b"\n")
        for value in values_of(layer.weights):
            digest.update(f"{value.shape}{value.dtype}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()
