"""The ONNX twin of a network, for serving without TensorFlow."""

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from components.onnx_twin.ends import INPUT, OUTPUT, OUTPUTS
from components.onnx_twin.session import cpu_session

if TYPE_CHECKING:
    import keras

log = logging.getLogger("pawline")


def export_onnx(network: "keras.Model", path: Path) -> None:
    """Write `network` to `path` as ONNX, from `image`, uint8 `[batch, H, W, 3]`, to its one or two OUTPUTS, float32."""
    import onnx

    from components.onnx_twin.graph import to_onnx
    from components.onnx_twin.nodes import NoOnnxForm

    try:
        model = to_onnx(network, INPUT, OUTPUTS[: len(network.outputs)])
    except NoOnnxForm as reason:
        log.info("ONNX: Keras's own export, which takes longer, because of %s", reason)
        model = _exported_by_keras(network, path)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _exported_by_keras(network: "keras.Model", path: Path) -> "onnx.ModelProto":  # type: ignore[name-defined]  # noqa: F821
    import onnx

    height, width = network.input_shape[1:3]
    network(np.zeros((1, height, width, 3), np.uint8))  # Keras exports a network only after its first call.
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf2onnx uses names that newer numpy deprecates.
        network.export(path, format="onnx", verbose=False)
    model = onnx.load(path)
    _rename(model.graph, model.graph.input[0].name, INPUT)
    for value, name in zip(list(model.graph.output), OUTPUTS, strict=False):
        _rename(model.graph, value.name, name)
    _spell_out_erfc(model.graph)
    for value in (model.graph.input[0], *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    return model


def _rename(graph: "onnx.GraphProto", old: str, new: str) -> None:  # type: ignore[name-defined]  # noqa: F821
    for value in (*graph.input, *graph.output):
        value.name = new if value.name == old else value.name
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]


def _spell_out_erfc(graph: "onnx.GraphProto") -> None:  # type: ignore[name-defined]  # noqa: F821
    """Replace `Erfc`, which TensorFlow's GELU uses and ONNX does not have, by `1 - Erf`."""
    from onnx import helper

    nodes = list(graph.node)
    if not any(node.op_type == "Erfc" for node in nodes):
        return
    graph.initializer.append(helper.make_tensor("one_for_erfc", 1, [], [1.0]))  # 1: float32
    del graph.node[:]
    for node in nodes:
        if node.op_type == "Erfc":
            erf = f"{node.output[0]}/erf"
            graph.node.append(helper.make_node("Erf", [node.input[0]], [erf]))
            node = helper.make_node("Sub", ["one_for_erfc", erf], [node.output[0]])
        graph.node.append(node)


def run_onnx(path: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probabilities `[N, classes]` that the ONNX network at `path` gives for `images`, on the CPU."""
    return np.asarray(cpu_session(path).run([OUTPUT], {INPUT: images})[0], np.float32)
