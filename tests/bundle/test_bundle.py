"""Bundles: what is written loads again and predicts the same; what was changed is refused before it is loaded."""

import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from components.bundle.golden import read_golden
from components.bundle.manifest import Manifest, Provenance, read_manifest, sha256_of, verify_files
from components.bundle.reader import load_bundle, whole_batches
from components.bundle.writer import save_bundle, save_network
from components.network.classifier import join
from components.network.keras_runtime import keras
from components.onnx_twin.export import run_onnx
from components.step.errors import DataError, ServiceError
from tests.support.flips import flipped
from tests.support.sealed_files import seal_again

ROOT = Path(__file__).parents[2]
CLASS_NAMES = ["cat", "dog", "other"]
PIXELS = np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), dtype=np.uint8)


def small_network(seed: int = 0) -> keras.Model:
    """Return a network of the bundle's shape whose probabilities differ from image to image."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((16, 16, 3), dtype="uint8", name="image")
    x = keras.layers.Rescaling(1 / 64, -2.0)(inputs)
    x = keras.layers.Conv2D(6, 3, activation="relu", name="convolution")(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x), name="classifier")


PROVENANCE = Provenance(CLASS_NAMES, 16, "mobilenet", "none", "f" * 64, 3, {"epochs": 2}, {"validation_loss": 0.5})


@pytest.fixture
def bundle(tmp_path):
    save_bundle(tmp_path / "bundle", small_network(), PIXELS[:4], PROVENANCE)
    return tmp_path / "bundle"


def test_a_bundle_loads_again_and_predicts_the_same(bundle):
    loaded = load_bundle(bundle)
    assert (loaded.class_names, loaded.image_size) == (CLASS_NAMES, 16)
    expected = keras.ops.convert_to_numpy(small_network()(PIXELS))
    assert expected.std(axis=0).min() > 0.01
    np.testing.assert_allclose(loaded.predict(PIXELS), expected, atol=1e-6)
    assert loaded.predict(PIXELS[:0]).shape == (0, 3)


PLACES = """
import sys
from pathlib import Path
import numpy as np
from components.bundle.reader import load_bundle
loaded, random = load_bundle(Path(sys.argv[1])), np.random.default_rng(0)
images = random.integers(0, 256, (40, 16, 16, 3), np.uint8)
expected = loaded.predict_with_features(images)
for order in [random.permutation(40)[: 1 + 3 * count] for count in range(14)]:
    for found, known in zip(loaded.predict_with_features(images[order]), expected, strict=True):
        np.testing.assert_array_equal(found, known[order])
"""


@pytest.mark.parametrize("instructions", ["DEFAULT", "AVX2"])
def test_an_image_gives_the_same_bits_wherever_it_stands_among_others(bundle, instructions):
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": instructions}  # TensorFlow's kernels obey it.
    subprocess.run([sys.executable, "-c", PLACES, str(bundle)], cwd=ROOT, env=environment, check=True)


def test_the_head_sees_what_a_bare_operation_gives(tmp_path):
    image, features = keras.Input((16, 16, 3), dtype="uint8"), keras.Input((3,))
    extractor = keras.Model(image, keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image)) * 20)
    head = keras.Model(features, keras.layers.Dense(3, activation="softmax")(features))
    network = join(extractor, head)
    save_bundle(tmp_path / "bundle", network, PIXELS[:4], PROVENANCE)
    found = load_bundle(tmp_path / "bundle").predict_with_features(PIXELS)
    for values, part in zip(found, (network, extractor), strict=True):
        np.testing.assert_allclose(values, keras.ops.convert_to_numpy(part(PIXELS)), rtol=1e-5)


@pytest.mark.parametrize(("batch_size", "whole"), [(1, 8), (5, 8), (8, 8), (9, 16), (32, 32)])
def test_samples_are_read_in_whole_batches_of_the_network(batch_size, whole):
    assert whole_batches(batch_size) == whole


def test_the_onnx_twin_takes_uint8_and_agrees(bundle):
    import onnx

    graph = onnx.load(bundle / "model.onnx").graph
    [given], [made, seen] = graph.input, graph.output
    assert (given.name, given.type.tensor_type.elem_type) == ("image", onnx.TensorProto.UINT8)
    assert [dim.dim_param or dim.dim_value for dim in given.type.tensor_type.shape.dim] == ["batch", 16, 16, 3]
    assert (made.name, seen.name) == ("probabilities", "features")  # A runtime that takes one takes the first.
    np.testing.assert_allclose(
        run_onnx(bundle / "model.onnx", PIXELS), keras.ops.convert_to_numpy(small_network()(PIXELS)), atol=1e-4
    )


def test_the_manifest_says_what_the_bundle_is(bundle):
    manifest = read_manifest(bundle)
    assert manifest.split_seed == 3
    assert manifest.metrics == {"validation_loss": 0.5}
    assert manifest.library_versions["keras"] == keras.__version__
    assert manifest.files == {name: sha256_of(bundle / name) for name in ("model.keras", "model.onnx", "golden.npz")}
    golden = read_golden(bundle)
    np.testing.assert_array_equal(golden.images, PIXELS[:4])


def test_reading_and_verifying_needs_no_keras(bundle):
    code = (
        "import sys; from pathlib import Path; from components.bundle import reader as bundle\n"
        f"d = Path({str(bundle)!r}); bundle.verify_files(d, bundle.read_manifest(d)); bundle.read_golden(d)\n"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_same_network_gives_the_same_bytes_in_another_process(tmp_path):
    code = (
        "from pathlib import Path; from tests.bundle.test_bundle import *\n"
        f"save_network(small_network(), Path({str(tmp_path)!r}) / 'other.keras')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    keras.backend.clear_session()  # As at the start of a process: names are counted.
    save_network(small_network(), tmp_path / "one.keras")
    assert (tmp_path / "one.keras").read_bytes() == (tmp_path / "other.keras").read_bytes()


def _rewrite(bundle: Path, **changes: object) -> None:
    seal_again(bundle / "bundle.json", lambda values: values | changes)


def _sealed_again(bundle: Path) -> None:
    _rewrite(bundle, files={name: sha256_of(bundle / name) for name in read_manifest(bundle).files})


@pytest.mark.parametrize("name", ["model.keras", "model.onnx", "golden.npz"])
def test_a_changed_file_is_refused_before_anything_is_loaded(bundle, name, monkeypatch):
    data = bytearray((bundle / name).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / name).write_bytes(data)
    monkeypatch.setattr(keras.models, "load_model", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(DataError, match=rf"{name}: sha256 \w+, the manifest says"):
        load_bundle(bundle)


@pytest.mark.parametrize("name", ["model.keras", "model.onnx", "golden.npz", "bundle.json"])
def test_a_missing_file_is_refused(bundle, name):
    (bundle / name).unlink()
    with pytest.raises(DataError, match=rf"complete and unchanged. Received: .*{name}: No such file"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"format_version": 0}, "format_version=0, this program reads 1 to 3"),
        ({"format_version": None}, "format_version=None"),
        ({"format_version": True}, "format_version=True"),
        ({"format_version": [3]}, r"format_version=\[3\]"),
        ({"class_names": ["cat", "cat"]}, "class_names must be"),
        ({"class_names": "cats"}, "class_names must be"),
        ({"image_size": True}, "image_size=True"),
        ({"image_size": 10**9}, "image_size=1000000000"),
        ({"files": {"../model.keras": "0"}}, "files must be model.keras"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(bundle, changes, received):
    _rewrite(bundle, **changes)
    with pytest.raises(DataError, match=received) as refused:
        read_manifest(bundle)
    assert "\n" not in str(refused.value)


def test_every_flipped_bit_of_the_manifest_is_refused(bundle):
    path = bundle / "bundle.json"
    for damaged in flipped(path.read_bytes(), step=7):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"bundle\.json"):
            read_manifest(bundle)


def test_a_manifest_of_before_it_had_a_digest_is_read(bundle):
    expected = read_manifest(bundle)
    values = json.loads((bundle / "bundle.json").read_text())
    del values["digest"]
    (bundle / "bundle.json").write_text(json.dumps(values))
    assert read_manifest(bundle) == expected


@pytest.mark.parametrize("text", ["", "[]", "{", "1", "\0"])
def test_a_manifest_that_is_no_json_object_is_refused(bundle, text):
    (bundle / "bundle.json").write_text(text)
    with pytest.raises(DataError, match=r"bundle\.json"):
        read_manifest(bundle)


def test_a_network_that_misses_its_golden_probabilities_is_refused(bundle):
    save_network(small_network(seed=1), bundle / "model.keras")
    _sealed_again(bundle)
    with pytest.raises(DataError, match=r"golden probabilities within 0\.0001\. Received: model\.keras off by 0\."):
        load_bundle(bundle)


def test_pickled_golden_examples_are_refused(bundle):
    with (bundle / "golden.npz").open("wb") as file:
        np.savez(file, images=np.array([{"a": 1}], dtype=object), probabilities=np.zeros((1, 3)))
    _sealed_again(bundle)
    with pytest.raises(DataError, match="allow_pickle"):
        load_bundle(bundle)


def test_code_in_a_network_is_refused(tmp_path, bundle):
    inputs = keras.Input((16, 16, 3), dtype="uint8")
    x = keras.layers.Lambda(lambda x: x * 1.0)(inputs)
    outputs = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(x))
    keras.Model(inputs, outputs).save(bundle / "model.keras")
    _sealed_again(bundle)
    with pytest.raises(DataError, match=r"Keras .* refuses it"):
        load_bundle(bundle)


def test_a_folder_with_files_is_not_written_over(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(ServiceError, match="must be writable"):
        save_bundle(tmp_path, small_network(), PIXELS[:1], PROVENANCE)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_failed_export_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("components.bundle.writer.run_onnx", lambda path, images: np.full((len(images), 3), 0.9, "f4"))
    with pytest.raises(DataError, match=r"Received: model\.onnx off by"):
        save_bundle(tmp_path / "bundle", small_network(), PIXELS[:4], PROVENANCE)
    assert list(tmp_path.iterdir()) == []


def test_the_archive_carries_no_time(tmp_path):
    save_network(small_network(), tmp_path / "one.keras")
    with zipfile.ZipFile(io.BytesIO((tmp_path / "one.keras").read_bytes())) as archive:
        assert {member.date_time[0] for member in archive.infolist()} == {1980}
        assert json.loads(archive.read("metadata.json")) == {"keras_version": keras.__version__}


def test_the_manifest_keeps_its_fields(bundle):
    names = [*(field.name for field in fields(Manifest)), "digest"]
    assert sorted(json.loads((bundle / "bundle.json").read_text())) == sorted(names)
    verify_files(bundle, read_manifest(bundle))
