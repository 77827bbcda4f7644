"""The ONNX form of Keras layers. A layer is looked up by its exact class: a subclass may compute anything."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from components.network.keras_runtime import keras
from components.onnx_twin.activations import activated, clipped, relu
from components.onnx_twin.convolutions import convolution, depthwise_convolution, padded, pooling, separable_convolution
from components.onnx_twin.nodes import Emit, Graph, NoOnnxForm, Value, weight

layers = keras.layers


def emit(graph: Graph, layer: "keras.Layer", inputs: Sequence[Value]) -> str:
    """Add what `layer` computes of `inputs` to `graph`; return the name of the result.

    Raises:
        NoOnnxForm: it is not known here.
    """
    form = FORMS.get(type(layer))
    if form is None or getattr(layer, "data_format", "channels_last") != "channels_last":
        raise NoOnnxForm(layer.name)
    return form(graph, layer, inputs)


def _global_pooling(operator: str) -> Emit:
    def form(graph: Graph, layer: Any, inputs: Sequence[Value]) -> str:
        pooled = graph.node(operator, inputs[0].name)
        return pooled if layer.keepdims else graph.node("Flatten", pooled, axis=1)

    return form


def _normalised(graph: Graph, layer: Any, inputs: Sequence[Value]) -> str:
    [x] = inputs
    if layer.axis not in (-1, len(x.shape) - 1):
        raise NoOnnxForm(f"{layer.name}: axis {layer.axis}")
    moments = [weight(layer.moving_mean), weight(layer.moving_variance)]
    scale = weight(layer.gamma) if layer.scale else np.ones_like(moments[0])
    offset = weight(layer.beta) if layer.center else np.zeros_like(moments[0])
    names = [graph.constant(values) for values in (scale, offset, *moments)]
    return graph.node("BatchNormalization", x.name, *names, epsilon=layer.epsilon)


def _dense(graph: Graph, layer: Any, inputs: Sequence[Value]) -> str:
    [x] = inputs
    if len(x.shape) != 2:
        raise NoOnnxForm(f"{layer.name}: an input of {len(x.shape)} axes")
    weights = [graph.constant(weight(part)) for part in (layer.kernel, layer.bias) if part is not None]
    return activated(graph, layer.activation, graph.node("Gemm", x.name, *weights))


def _rescaled(graph: Graph, layer: Any, inputs: Sequence[Value]) -> str:
    [x] = inputs
    shape = (-1, 1, 1) if x.is_map else (-1,)
    scale, offset = (graph.constant(np.reshape(values, shape)) for values in (layer.scale, layer.offset))
    return graph.node("Add", graph.node("Mul", x.name, scale), offset)


def _rectified(graph: Graph, layer: Any, inputs: Sequence[Value]) -> str:
    if layer.negative_slope or layer.threshold:
        raise NoOnnxForm(layer.name)
    return relu(graph, inputs[0].name) if layer.max_value is None else clipped(graph, inputs[0].name, layer.max_value)


def _flattened(graph: Graph, layer: Any, inputs: Sequence[Value]) -> str:
    [x] = inputs
    name = graph.node("Transpose", x.name, perm=[0, 2, 3, 1]) if x.is_map else x.name
    return graph.node("Flatten", name, axis=1)


def _reshaped(graph: Graph, layer: Any, inputs: Sequence[Value]) -> str:
    [x] = inputs
    if len(x.shape) != 2 or tuple(layer.target_shape)[:2] != (1, 1):  # As squeeze-and-excite blocks use it.
        raise NoOnnxForm(f"{layer.name}: to {layer.target_shape}")
    return graph.node("Reshape", x.name, graph.constant([0, -1, 1, 1], np.int64))


def _merged(operator: str) -> Emit:
    def form(graph: Graph, layer: Any, inputs: Sequence[Value]) -> str:
        if len({len(x.shape) for x in inputs}) > 1:
            raise NoOnnxForm(f"{layer.name}: inputs of different numbers of axes")
        name = inputs[0].name
        for x in inputs[1:]:
            name = graph.node(operator, name, x.name)
        return name

    return form


def _concatenated(graph: Graph, layer: Any, inputs: Sequence[Value]) -> str:
    if layer.axis not in (-1, len(inputs[0].shape) - 1):
        raise NoOnnxForm(f"{layer.name}: axis {layer.axis}")
    return graph.node("Concat", *(x.name for x in inputs), axis=1)


def _unchanged(graph: Graph, layer: Any, inputs: Sequence[Value]) -> str:
    return inputs[0].name


FORMS: dict[type, Emit] = {
    layers.Conv2D: convolution,
    layers.DepthwiseConv2D: depthwise_convolution,
    layers.SeparableConv2D: separable_convolution,
    layers.MaxPooling2D: pooling("MaxPool"),
    layers.AveragePooling2D: pooling("AveragePool"),
    layers.GlobalAveragePooling2D: _global_pooling("GlobalAveragePool"),
    layers.GlobalMaxPooling2D: _global_pooling("GlobalMaxPool"),
    layers.BatchNormalization: _normalised,
    layers.Dense: _dense,
    layers.Rescaling: _rescaled,
    layers.ReLU: _rectified,
    layers.Activation: lambda graph, layer, inputs: activated(graph, layer.activation, inputs[0].name),
    layers.Flatten: _flattened,
    layers.Reshape: _reshaped,
    layers.ZeroPadding2D: padded,
    layers.Add: _merged("Add"),
    layers.Multiply: _merged("Mul"),
    layers.Concatenate: _concatenated,
    layers.Dropout: _unchanged,
    layers.SpatialDropout2D: _unchanged,
}
