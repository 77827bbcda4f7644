"""The ONNX form of Keras's activations."""

from collections.abc import Callable
from typing import Any

from components.network.keras_runtime import keras
from components.onnx_twin.nodes import Graph, NoOnnxForm

activations = keras.activations


def activated(graph: Graph, function: Any, name: str) -> str:
    """Add the activation `function` of the value `name`; return the name of the result.

    Raises:
        NoOnnxForm: it is not known here.
    """
    if function not in ACTIVATIONS:
        raise NoOnnxForm(str(function))
    return ACTIVATIONS[function](graph, name)


def relu(graph: Graph, x: str) -> str:
    """Add the value `x` kept at or above 0; return the name of the result."""
    return graph.node("Relu", x)


def clipped(graph: Graph, x: str, highest: float) -> str:
    """Add the value `x` kept between 0 and `highest`; return the name of the result."""
    return graph.node("Clip", x, graph.constant(0.0), graph.constant(highest))


ACTIVATIONS: dict[Any, Callable[[Graph, str], str]] = {
    activations.linear: lambda graph, x: x,
    activations.relu: relu,
    activations.relu6: lambda graph, x: clipped(graph, x, 6.0),
    activations.softmax: lambda graph, x: graph.node("Softmax", x, axis=1),  # The channels, with or without a map.
    activations.sigmoid: lambda graph, x: graph.node("Sigmoid", x),
    activations.silu: lambda graph, x: graph.node("Mul", x, graph.node("Sigmoid", x)),
    activations.softsign: lambda graph, x: graph.node("Softsign", x),
    activations.tanh: lambda graph, x: graph.node("Tanh", x),
}
