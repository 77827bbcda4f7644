"""The ONNX form of Keras's convolutions and poolings, and of the pads around their maps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.onnx_twin.activations import activated
from components.onnx_twin.nodes import Emit, Graph, NoOnnxForm, Value, weight


def convolution(graph: Graph, layer: Any, inputs: Sequence[Value]) -> str:
    """Add a convolution; return the name of the result."""
    [x] = inputs
    kernel = weight(layer.kernel).transpose(3, 2, 0, 1)  # H, W, I, O -> O, I, H, W
    return _biased(graph, layer, _convolved(graph, layer, x, kernel, layer.groups))


def depthwise_convolution(graph: Graph, layer: Any, inputs: Sequence[Value]) -> str:
    """Add a depthwise convolution; return the name of the result."""
    [x] = inputs
    return _biased(graph, layer, _convolved(graph, layer, x, _by_channel(layer.kernel), layer.kernel.shape[2]))


def separable_convolution(graph: Graph, layer: Any, inputs: Sequence[Value]) -> str:
    """Add a separable convolution: a depthwise one and one of 1 x 1; return the name of the result."""
    [x] = inputs
    each = _convolved(graph, layer, x, _by_channel(layer.depthwise_kernel), layer.depthwise_kernel.shape[2])
    mixing = graph.constant(weight(layer.pointwise_kernel).transpose(3, 2, 0, 1))
    return _biased(graph, layer, graph.node("Conv", each, mixing, kernel_shape=[1, 1]))


def _by_channel(kernel: Any) -> NDArray[Any]:
    """Return a depthwise kernel, `[H, W, C, M]`, as ONNX has it: `[C * M, 1, H, W]`."""
    height, width, channels, multiplier = kernel.shape
    return weight(kernel).transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)


def _biased(graph: Graph, layer: Any, name: str) -> str:
    if layer.use_bias:
        name = graph.node("Add", name, graph.constant(weight(layer.bias).reshape(-1, 1, 1)))
    return activated(graph, layer.activation, name)


def _convolved(graph: Graph, layer: Any, x: Value, kernel: NDArray[Any], groups: int) -> str:
    size, dilation = kernel.shape[2:], layer.dilation_rate
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    pads = _pads(layer, x, reach)
    options = {"kernel_shape": size, "strides": layer.strides, "dilations": dilation, "group": groups, "pads": pads}
    return graph.node("Conv", x.name, graph.constant(kernel), **options)


def _pads(layer: Any, x: Value, reach: Sequence[int]) -> list[int]:
    """Return the pads of top, left, bottom and right; of an odd number "same" puts the larger part at the end."""
    if layer.padding == "valid":
        return [0, 0, 0, 0]
    if layer.padding != "same" or None in x.shape[1:3]:
        raise NoOnnxForm(f"{layer.name}: padding {layer.padding}")
    sides = [(side or 0, stride) for side, stride in zip(x.shape[1:3], layer.strides, strict=True)]
    totals = [max((-(-n // s) - 1) * s + r - n, 0) for (n, s), r in zip(sides, reach, strict=True)]
    return [*(total // 2 for total in totals), *(total - total // 2 for total in totals)]


def pooling(operator: str) -> Emit:
    """Return what adds the pooling `operator`."""

    def form(graph: Graph, layer: Any, inputs: Sequence[Value]) -> str:
        [x] = inputs
        options = {"kernel_shape": layer.pool_size, "strides": layer.strides, "pads": _pads(layer, x, layer.pool_size)}
        return graph.node(operator, x.name, **options)

    return form


def padded(graph: Graph, layer: Any, inputs: Sequence[Value]) -> str:
    """Add zeros around a map; return the name of the result."""
    (top, bottom), (left, right) = layer.padding
    pads = graph.constant([0, 0, top, left, 0, 0, bottom, right], np.int64)
    return graph.node("Pad", inputs[0].name, pads)
