"""TensorBoard's files: scalars while a person watches, and at the end graph, images, histograms and embeddings.

Written with TensorBoard's own protos and no TensorFlow, whatever Keras' backend is; `tensorboard --logdir FOLDER` shows
them. Every record is complete on disk when its call returns.
"""

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from components.step.left_out import left_out
from components.tracking.embeddings import png, write_embeddings

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.compat.proto.summary_pb2 import Summary

GRID_SIDE = 5


class EventFile:
    """A new event file in `folder`, which is one "run" to TensorBoard.

    The format is that of TensorFlow's core/util/event.proto in records as in core/lib/io/record_writer.h.
    """

    def __init__(self, folder: Path) -> None:
        """Make the file; a training that is resumed adds one to those there are, which TensorBoard reads in order."""
        with left_out("boto3", "botocore"):  # For files in S3, of which none is written here.
            from tensorboard.compat.proto.event_pb2 import Event
            from tensorboard.summary.writer.record_writer import RecordWriter

        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{time.time_ns() / 1e9:020.9f}.{os.getpid()}"
        self._file = (folder / name).open("xb", buffering=0)
        self._records, self._event = RecordWriter(self._file), Event
        self._write(file_version="brain.Event:2")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def summary(self, summary: "Summary", step: int = 0) -> None:
        """Write one summary of `step`."""
        self._write(summary=summary, step=step)

    def graph(self, graph: "GraphDef") -> None:
        """Write the network's graph."""
        self._write(graph_def=graph.SerializeToString())

    def _write(self, **values: Any) -> None:
        self._records.write(self._event(wall_time=time.time(), **values).SerializeToString())


class ScalarLog:
    """The scalars of each epoch, training and validation as two runs, so that TensorBoard draws them in one chart."""

    def __init__(self, folder: Path) -> None:
        """Write below `folder`."""
        self._stack = ExitStack()
        self._files = {run: self._stack.enter_context(EventFile(folder / run)) for run in ("train", "validation")}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def epoch(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write the metrics of epoch `step`; those called "validation_…" go to the validation's run."""
        from tensorboard.plugins.scalar.summary_v2 import scalar_pb

        for name, value in metrics.items():
            run = "validation" if name.startswith("validation_") else "train"
            self._files[run].summary(scalar_pb(f"epoch/{name.removeprefix('validation_')}", value), step)


@dataclass(frozen=True, slots=True)
class Watched:
    """Samples to look at, of the validation set.

    `pixels` uint8 `[N, H, W, 3]`; `features` float32 `[N, D]`; `labels` indices into `class_names`, int64 `[N]`.
    """

    pixels: NDArray[np.uint8]
    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    class_names: list[str]


def write_tensorboard(
    folder: Path,
    onnx_network: Path,
    head_weights: Mapping[str, NDArray[Any]],
    watched: Watched,
    recipe: Mapping[str, object],
    metrics: Mapping[str, float],
) -> None:
    """Write below `folder` what is known at the end of a training; ScalarLog has written its epochs there.

    Args:
        folder: TensorBoard's log folder, beside the bundle.
        onnx_network: the bundle's `model.onnx`, whose graph is shown.
        head_weights: arrays by name, e.g. `{weight.path: weight.numpy() for weight in head.weights}`.
        watched: a few hundred samples; embeddings are written for the first 2000.
        recipe: the hyperparameters.
        metrics: of the whole run, compared with those of other runs.
    """
    from tensorboard.plugins.histogram.summary_v2 import histogram_pb

    with EventFile(folder / "train") as file:
        file.graph(graph_of(onnx_network))
        for name, weights in head_weights.items():
            file.summary(histogram_pb(f"weights/{name}", np.asarray(weights, np.float64)))
        for name, pixels in zip(watched.class_names, _grids(watched), strict=True):
            if pixels is not None:
                file.summary(_image_summary(f"samples/{name}", pixels))
    with EventFile(folder) as file:
        _write_hyperparameters(file, recipe, metrics)
    write_embeddings(folder, watched.pixels, watched.features, [watched.class_names[i] for i in watched.labels])


def graph_of(onnx_network: Path) -> "GraphDef":
    """Return the graph of the network at `onnx_network`: operations and their edges, without weights."""
    import onnx
    from tensorboard.compat.proto.graph_pb2 import GraphDef
    from tensorboard.compat.proto.node_def_pb2 import NodeDef

    graph = onnx.load(onnx_network, load_external_data=False).graph
    names = {value.name: value.name for value in graph.input}
    nodes = [NodeDef(name=value.name, op="Input") for value in graph.input]
    for number, node in enumerate(graph.node):
        name = node.name or f"{node.op_type}_{number}"
        names |= dict.fromkeys(node.output, name)
        nodes.append(NodeDef(name=name, op=node.op_type, input=[names[i] for i in node.input if i in names]))
    return GraphDef(node=nodes)


def _grids(watched: Watched) -> list[NDArray[np.uint8] | None]:
    """Return a square of images for each class, at most GRID_SIDE a side, None for a class without samples."""
    classes = range(len(watched.class_names))
    return [_grid(watched.pixels[watched.labels == number][: GRID_SIDE**2]) for number in classes]


def _grid(pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    if not len(pixels):
        return None
    side = int(np.ceil(np.sqrt(len(pixels))))
    padded = np.full((side * side, *pixels.shape[1:]), 255, np.uint8)
    padded[: len(pixels)] = pixels
    rows = padded.reshape(side, side, *pixels.shape[1:]).swapaxes(1, 2)
    return rows.reshape(side * pixels.shape[1], side * pixels.shape[2], 3)


def _image_summary(name: str, pixels: NDArray[np.uint8]) -> "Summary":
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.image.metadata import create_summary_metadata
    from tensorboard.util.tensor_util import make_tensor_proto

    height, width = pixels.shape[:2]
    tensor = make_tensor_proto([str(width).encode(), str(height).encode(), png(pixels)])
    metadata = create_summary_metadata(display_name=name, description="")
    return Summary(value=[Summary.Value(tag=name, metadata=metadata, tensor=tensor)])


def _write_hyperparameters(file: EventFile, recipe: Mapping[str, object], metrics: Mapping[str, float]) -> None:
    from tensorboard.plugins.hparams.summary_v2 import Metric, hparams_config_pb, hparams_pb
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb

    values = {name: value if isinstance(value, bool | int | float) else str(value) for name, value in recipe.items()}
    file.summary(hparams_config_pb([], [Metric(f"result/{name}", display_name=name) for name in metrics]))
    file.summary(hparams_pb(values))
    for name, value in metrics.items():
        file.summary(scalar_pb(f"result/{name}", value))
