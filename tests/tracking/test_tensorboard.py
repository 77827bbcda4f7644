"""TensorBoard's files are read back with TensorBoard's own readers."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.text_format import Parse
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig
from tensorboard.util.tensor_util import make_ndarray

from components.tracking.embeddings import THUMBNAIL, write_embeddings
from components.tracking.tensorboard import ScalarLog, Watched, write_tensorboard

ROOT = Path(__file__).parents[2]
RANDOM = np.random.default_rng(0)
WATCHED = Watched(
    RANDOM.integers(0, 256, (7, 20, 20, 3), np.uint8),
    RANDOM.normal(size=(7, 5)).astype(np.float32),
    np.array([0, 1, 0, 0, 1, 0, 0]),
    ["cat", "dog", "nothing"],
)


@pytest.fixture
def onnx_network(tmp_path):
    import onnx
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Cast", ["image"], ["x"], "net/cast", to=TensorProto.FLOAT),
        helper.make_node("Mul", ["x", "w"], ["y"]),
    ]
    values = [
        helper.make_tensor_value_info(name, kind, [1, 4])
        for name, kind in (("image", TensorProto.UINT8), ("y", TensorProto.FLOAT))
    ]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], [helper.make_tensor("w", 1, [1], [2.0])])
    onnx.save(helper.make_model(graph), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def read(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()


def values(folder: Path, tag: str) -> list[tuple[int, float]]:
    return [(event.step, round(float(make_ndarray(event.tensor_proto)), 5)) for event in read(folder).Tensors(tag)]


def test_each_epoch_can_be_read_as_soon_as_it_was_written(tmp_path):
    with ScalarLog(tmp_path) as scalars:
        for step in (1, 2):
            scalars.epoch(step, {"loss": 1 / step, "validation_loss": 2 / step})
            assert len(values(tmp_path / "train", "epoch/loss")) == step
    assert values(tmp_path / "train", "epoch/loss") == [(1, 1.0), (2, 0.5)]
    assert values(tmp_path / "validation", "epoch/loss") == [(1, 2.0), (2, 1.0)]


def test_a_resumed_training_goes_on_after_a_record_that_a_kill_cut(tmp_path):
    with ScalarLog(tmp_path) as scalars:
        scalars.epoch(1, {"loss": 1.0})
    [file] = (tmp_path / "train").iterdir()
    with file.open("ab") as cut:
        cut.write(b"\x10\x00\x00")
    with ScalarLog(tmp_path) as scalars:
        scalars.epoch(2, {"loss": 0.5})
    assert values(tmp_path / "train", "epoch/loss") == [(1, 1.0), (2, 0.5)]


def test_the_end_of_a_training_is_all_there(tmp_path, onnx_network):
    folder, weights = tmp_path / "tensorboard", RANDOM.normal(size=(5, 3))
    recipe = {"epochs": 3, "learning_rate": 0.1, "augment": "none", "balanced": True, "layers": [1, 2]}
    write_tensorboard(folder, onnx_network, {"head/kernel": weights}, WATCHED, recipe, {"validation_loss": 0.25})
    train = read(folder / "train")
    nodes = {node.name: list(node.input) for node in train.Graph().node}
    assert nodes == {"image": [], "net/cast": ["image"], "Mul_1": ["net/cast"]}
    assert set(train.Tags()["tensors"]) == {"weights/head/kernel", "samples/cat", "samples/dog"}
    histogram = make_ndarray(train.Tensors("weights/head/kernel")[0].tensor_proto)
    assert histogram[:, 2].sum() == weights.size
    width, height, png = make_ndarray(train.Tensors("samples/dog")[0].tensor_proto)
    assert (int(width), int(height)) == (40, 40)
    (tmp_path / "grid.png").write_bytes(png)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "grid.png"))[:20, 20:], WATCHED.pixels[4])
    assert values(folder, "result/validation_loss") == [(0, 0.25)]


def test_hyperparameters_are_as_the_plugin_reads_them(tmp_path, onnx_network):
    from tensorboard.plugins.hparams import metadata

    write_tensorboard(tmp_path / "logs", onnx_network, {}, WATCHED, {"epochs": 3, "augment": "none"}, {"loss": 1.0})
    content = read(tmp_path / "logs").PluginTagToContent(metadata.PLUGIN_NAME)
    found = metadata.parse_session_start_info_plugin_data(content[metadata.SESSION_START_INFO_TAG]).hparams
    assert (found["epochs"].number_value, found["augment"].string_value) == (3, "none")
    experiment = metadata.parse_experiment_plugin_data(content[metadata.EXPERIMENT_TAG])
    assert [info.name.tag for info in experiment.metric_infos] == ["result/loss"]


def test_the_projector_finds_vectors_labels_and_thumbnails(tmp_path):
    write_embeddings(tmp_path, WATCHED.pixels, WATCHED.features, ["a", "b\tb"] * 3 + ["a"])
    [embedding] = Parse((tmp_path / "projector_config.pbtxt").read_text(), ProjectorConfig()).embeddings
    np.testing.assert_allclose(np.loadtxt(tmp_path / embedding.tensor_path), WATCHED.features, rtol=1e-4)
    assert (tmp_path / embedding.metadata_path).read_text().splitlines() == ["a", "b b"] * 3 + ["a"]
    assert list(embedding.sprite.single_image_dim) == [THUMBNAIL, THUMBNAIL]
    sprite = np.asarray(Image.open(tmp_path / embedding.sprite.image_path))
    assert sprite.shape == (3 * THUMBNAIL, 3 * THUMBNAIL, 3)
    expected = np.asarray(Image.fromarray(WATCHED.pixels[5]).resize((THUMBNAIL, THUMBNAIL)))
    np.testing.assert_array_equal(sprite[THUMBNAIL : 2 * THUMBNAIL, 2 * THUMBNAIL :], expected)


def test_a_large_validation_set_is_cut(tmp_path, monkeypatch):
    monkeypatch.setattr("components.tracking.embeddings.MOST", 3)
    write_embeddings(tmp_path, WATCHED.pixels, WATCHED.features, list("abcdefg"))
    assert [len((tmp_path / name).read_text().splitlines()) for name in ("embeddings.tsv", "labels.tsv")] == [3, 3]


def test_scalars_need_no_tensorflow(tmp_path):
    code = (
        "import sys; from pathlib import Path; from components.tracking.tensorboard import ScalarLog\n"
        f"with ScalarLog(Path({str(tmp_path)!r})) as log: log.epoch(1, {{'loss': 1.0}})\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
