"""What an ONNX graph is put together from: named values, nodes and constants.

Maps of features, `[N, H, W, C]` in Keras, are `[N, C, H, W]` in the graph, as ONNX's convolutions take them. Operators
are those of https://onnx.ai/onnx/operators/, version OPSET.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from components.network.keras_runtime import keras

OPSET = 17


class NoOnnxForm(Exception):
    """A layer that this module does not know, or one with an option that it does not know."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the graph by name, and its shape as Keras has it, `None` for the batch."""

    name: str
    shape: tuple[int | None, ...]

    @property
    def is_map(self) -> bool:
        """Whether it has height, width and channels, and so stands channels first in the graph."""
        return len(self.shape) == 4


@dataclass(slots=True)
class Graph:
    """Nodes and constants as they are added; names are their ranks, so that the same network gives the same bytes."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def constant(self, values: Any, kind: Any = np.float32) -> str:
        """Add a constant; return its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(onnx.numpy_helper.from_array(np.ascontiguousarray(values, kind), name))
        return name


# Adds what a layer computes of its inputs to the graph; returns the name of the result.
Emit = Callable[[Graph, Any, Sequence[Value]], str]


def weight(variable: Any) -> NDArray[Any]:
    """Return the values of a Keras variable."""
    return np.asarray(keras.ops.convert_to_numpy(variable))
