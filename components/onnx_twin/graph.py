"""A Keras network as an ONNX model, layer by layer as Keras recorded their calls, without tracing it.

Keras's own export traces the network with TensorFlow and rewrites the trace with tf2onnx, which takes seconds and most
of a gigabyte and gives other bytes every time; it remains for networks with layers that `onnx_layers.py` lacks.
"""

from collections.abc import Sequence
from typing import Any

import onnx

from components.network.keras_runtime import keras
from components.onnx_twin.layers import emit
from components.onnx_twin.nodes import OPSET, Graph, NoOnnxForm, Value

# What OPSET came with, and so the oldest that a runtime must know (onnx/docs/Versioning.md).
IR_VERSION = 8


def to_onnx(network: "keras.Model", input_name: str, output_names: Sequence[str]) -> onnx.ModelProto:
    """Return `network`, from uint8 `[batch, H, W, 3]` to float32, as an ONNX model with these names at its ends.

    Raises:
        NoOnnxForm: it has a layer that is not known here.
    """
    graph = Graph()
    channels_first = graph.node("Transpose", input_name, perm=[0, 3, 1, 2])
    pixels = Value(graph.node("Cast", channels_first, to=onnx.TensorProto.FLOAT), tuple(network.input_shape))
    results = dict(zip(output_names, _network(graph, network, [pixels]), strict=True))
    graph.nodes += [_end(result, name) for name, result in results.items()]
    outputs = [_described(name, "FLOAT", result) for name, result in results.items()]
    return _model(graph, _described(input_name, "UINT8", pixels), outputs)


def _end(result: Value, name: str) -> onnx.NodeProto:
    if result.is_map:
        return onnx.helper.make_node("Transpose", [result.name], [name], perm=[0, 2, 3, 1])
    return onnx.helper.make_node("Identity", [result.name], [name])


def _described(name: str, kind: str, value: Value) -> onnx.ValueInfoProto:
    number = onnx.TensorProto.DataType.Value(kind)
    return onnx.helper.make_tensor_value_info(name, number, ["batch", *value.shape[1:]])


def _model(graph: Graph, first: onnx.ValueInfoProto, last: Sequence[onnx.ValueInfoProto]) -> onnx.ModelProto:
    proto = onnx.helper.make_graph(graph.nodes, "classifier", [first], last, initializer=graph.constants)
    opset = onnx.helper.make_opsetid("", OPSET)
    return onnx.helper.make_model(proto, opset_imports=[opset], ir_version=IR_VERSION, producer_name="pawline")


def _network(graph: Graph, network: "keras.Model", inputs: Sequence[Value]) -> list[Value]:
    kind = type(network)
    if kind is keras.Sequential:
        return _sequential(graph, network, inputs)
    if (kind.__module__.partition(".")[0], kind.__name__) == ("keras", "Functional"):
        return _functional(graph, network, inputs)
    raise NoOnnxForm(network.name)


def _sequential(graph: Graph, network: "keras.Model", inputs: Sequence[Value]) -> list[Value]:
    values = list(inputs)
    for layer in network.layers:
        values = _layer(graph, layer, values)
    return values


def _functional(graph: Graph, network: "keras.Model", inputs: Sequence[Value]) -> list[Value]:
    known = dict(zip(map(id, network.inputs), inputs, strict=True))
    waiting = list(network.outputs)
    while waiting:  # Not by recursion: networks are hundreds of layers deep.
        tensor = waiting.pop()
        if id(tensor) in known:
            continue
        node = _call_of(tensor)
        if missing := [needed for needed in node.input_tensors if id(needed) not in known]:
            waiting += [tensor, *missing]
        else:
            results = _layer(graph, node.operation, [known[id(needed)] for needed in node.input_tensors])
            known |= dict(zip(map(id, node.output_tensors), results, strict=True))
    return [known[id(tensor)] for tensor in network.outputs]


def _call_of(tensor: Any) -> Any:
    """Return the call of a layer that gave `tensor`, as Keras recorded it (keras/src/ops/node.py)."""
    layer, number, _ = tensor._keras_history
    node = layer._inbound_nodes[number]
    arguments = node.arguments
    options = [value for value in arguments.kwargs.values() if value is not None and value is not False]
    if not node.input_tensors or len(arguments.args) != 1 or options:  # `mask` and `training` may say nothing.
        raise NoOnnxForm(layer.name)
    return node


def _layer(graph: Graph, layer: "keras.Layer", inputs: list[Value]) -> list[Value]:
    if isinstance(layer, keras.Model):
        return _network(graph, layer, inputs)
    if isinstance(layer, keras.layers.InputLayer):
        return inputs
    shapes = [value.shape for value in inputs]
    name = emit(graph, layer, inputs)
    return [Value(name, tuple(layer.compute_output_shape(shapes[0] if len(shapes) == 1 else shapes)))]
