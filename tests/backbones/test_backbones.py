"""Backbones: every application of Keras with its own preprocessing, and where weights come from."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import h5py
import numpy as np
import pytest
from sklearn.datasets import load_digits

from components.backbones import applications
from components.backbones.by_name import build_feature_extractor, find_backbone
from components.network.keras_runtime import keras
from components.parameters.networks import APPLICATIONS, backbone_names
from components.step.errors import DataError, ServiceError, UsageError

ROOT = Path(__file__).parents[2]
NAMES = sorted(applications.applications())


class _Sizes(Exception):
    """Thrown in place of building a network: its default and smallest image size."""


def test_the_course_s_backbone_and_the_default_are_known():
    assert {"vgg16", "efficientnet_lite0", "small_cnn", "convnexttiny", "mobilenetv3small"} <= set(backbone_names())
    assert sorted(APPLICATIONS) == NAMES
    assert len(NAMES) >= 38


# MobileNetV3 alone does not ask `obtain_input_shape`; it is built by other tests.
@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("mobilenetv3")])
def test_image_sizes_are_keras_s_own(name, monkeypatch):
    def reveal(input_shape, default_size, min_size, *_, **__):
        raise _Sizes(default_size, min_size)

    monkeypatch.setattr(keras.src.applications.imagenet_utils, "obtain_input_shape", reveal)
    with pytest.raises(_Sizes) as revealed:
        applications.applications()[name](include_top=False, weights=None)
    backbone = find_backbone(name)
    assert (backbone.image_size, backbone.minimum_size) == revealed.value.args


@pytest.mark.parametrize("name", NAMES)
def test_preprocessing_is_keras_s_own(name):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), dtype=np.uint8)
    x = pixels
    for layer in applications.preprocessing_layers(*applications.channel_transform(name)):
        x = layer(x)
    module = sys.modules[applications.applications()[name].__module__]
    expected = module.preprocess_input(pixels.astype(np.float32))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(x), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["mobilenet", "vgg16", "mobilenetv3small"])
def test_an_extractor_saved_and_loaded_takes_pixels_and_gives_the_application_s_features(name, tmp_path):
    keras.utils.set_random_seed(0)
    extractor = build_feature_extractor(find_backbone(name), 32, "none")
    extractor.save(tmp_path / "extractor.keras")
    loaded = keras.models.load_model(tmp_path / "extractor.keras", safe_mode=True)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    [network] = [layer for layer in extractor.layers if isinstance(layer, keras.Model)]
    module = sys.modules[applications.applications()[name].__module__]
    expected = network.predict(module.preprocess_input(pixels.astype(np.float32)), verbose=0).mean((1, 2))
    assert expected.std() > 0
    np.testing.assert_allclose(loaded.predict(pixels, verbose=0), expected, rtol=1e-3, atol=1e-5)
    assert loaded.trainable_weights == []


@pytest.mark.parametrize("name", ["mobilenet_v2", "MobileNetV2", "mobilenet-v2"])
def test_case_and_dashes_do_not_matter(name):
    assert find_backbone(name).name == "mobilenetv2"


@pytest.mark.parametrize("size", [8, 28, 33])
def test_small_cnn_is_trained_whole_whatever_weights_are_asked_for(size, tmp_path):
    backbone = find_backbone("small-cnn")
    keras.utils.set_random_seed(3)
    extractor = build_feature_extractor(backbone, size, "imagenet")
    assert backbone.trained_from_scratch
    assert not any(find_backbone(name).trained_from_scratch for name in ("efficientnet_lite0", "vgg16"))
    assert extractor.output_shape == (None, 64)
    assert len(extractor.trainable_weights) == 15
    keras.utils.set_random_seed(3)
    for one, other in zip(
        extractor.get_weights(), build_feature_extractor(backbone, size, "none").get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_small_cnn_goes_on_from_a_file(tmp_path):
    backbone = find_backbone("small_cnn")
    _, network = backbone.build(16, "none")
    network.save_weights(tmp_path / "mine.weights.h5")
    loaded = build_feature_extractor(backbone, 32, str(tmp_path / "mine.weights.h5"))
    for one, other in zip(loaded.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_small_cnn_learns_digits():
    digits = load_digits()
    pixels = np.repeat(np.kron(digits.images, np.ones((1, 4, 4)))[..., None] * 15.9, 3, -1).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(pixels))
    train, test = np.split(order, [len(order) * 9 // 10])
    keras.utils.set_random_seed(0)
    extractor = build_feature_extractor(find_backbone("small_cnn"), 32, "none")
    classifier = keras.Model(extractor.input, keras.layers.Dense(10, activation="softmax")(extractor.output))
    rate = keras.optimizers.schedules.CosineDecay(0.002, 8 * -(-len(train) // 32))
    classifier.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    classifier.fit(pixels[train], digits.target[train], epochs=8, batch_size=32, verbose=0)
    assert classifier.evaluate(pixels[test], digits.target[test], verbose=0)[1] >= 0.97


@pytest.mark.parametrize(("name", "nearest"), [("efficientnet_b0", ""), ("vgg61", "vgg16"), ("resnet", "resnet50")])
def test_an_unknown_backbone_is_refused_with_the_nearest(name, nearest):
    if not nearest:
        assert find_backbone(name).name == "efficientnetb0"
        return
    with pytest.raises(UsageError, match=f"Received: --backbone {name}. Did you mean .*{nearest}"):
        find_backbone(name)


@pytest.mark.parametrize(
    ("name", "size"), [("efficientnet_lite0", 31), ("small_cnn", 7), ("xception", 70), ("inceptionv3", -1)]
)
def test_too_small_an_image_is_refused(name, size):
    with pytest.raises(UsageError, match=f"Received: --image-size {size}"):
        build_feature_extractor(find_backbone(name), size, "none")


@pytest.mark.parametrize("weights", ["", "imagenett", "s3://bucket/model.keras", "model.pkl", "lite0.pth"])
def test_other_files_than_hdf5_are_refused(weights):
    with pytest.raises(UsageError, match="--weights must be imagenet, none or the URI"):
        build_feature_extractor(find_backbone("mobilenet"), 32, weights)


@pytest.fixture
def mobilenet_file(tmp_path):
    """Weights as Keras publishes them: `.h5` in the older layout."""
    keras.utils.set_random_seed(1)
    network = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(32, 32, 3))
    path = tmp_path / "mobilenet_notop.h5"
    network.save(path)
    return path, network


def test_weights_come_from_a_file_or_a_bucket(mobilenet_file, bucket):
    path, network = mobilenet_file
    bucket.put({"w/mobilenet_notop.h5": path.read_bytes()})
    for uri in (str(path), f"file://{path}", bucket.uri("w/mobilenet_notop.h5")):
        built = build_feature_extractor(find_backbone("mobilenet"), 32, uri)
        for one, other in zip(built.get_weights(), network.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_another_network_s_weights_are_refused(mobilenet_file):
    with pytest.raises(DataError, match=r"must be those of mobilenetv2.* Received: mobilenet_notop\.h5"):
        build_feature_extractor(find_backbone("mobilenetv2"), 32, str(mobilenet_file[0]))


def test_a_damaged_weights_file_is_refused(tmp_path):
    path = tmp_path / "broken.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(DataError, match=r"Received: broken\.h5"):
        build_feature_extractor(find_backbone("mobilenet"), 32, str(path))


def test_a_weights_file_that_points_elsewhere_is_refused(mobilenet_file, tmp_path):
    path, _ = mobilenet_file
    hostile = tmp_path / "hostile.h5"
    with h5py.File(hostile, "w") as file:
        file["model_weights"] = h5py.ExternalLink(str(path), "/model_weights")
    with pytest.raises(DataError, match=r"Received: hostile\.h5"):
        build_feature_extractor(find_backbone("mobilenet"), 32, str(hostile))


def test_a_missing_weights_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="must exist"):
        build_feature_extractor(find_backbone("mobilenet"), 32, str(tmp_path / "absent.h5"))


def test_a_failed_download_says_so_and_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras.src.backend.config, "_KERAS_DIR", str(tmp_path), raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)  # It remembers the proxies of its first use, also for others.
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # The discard port: nobody listens.
    with pytest.raises(ServiceError) as failed:
        build_feature_extractor(find_backbone("mobilenet"), 224, "imagenet")
    message = str(failed.value)
    assert "must be downloaded and were not" in message
    assert "https://storage.googleapis.com/" in message
    assert "pass its URI as --weights" in message
    assert "\n" not in message


@pytest.mark.parametrize(("name", "build"), [("efficientnetb0", "EfficientNetB0"), ("mobilenet", "MobileNet")])
def test_a_published_file_by_uri_gives_what_keras_s_own_download_gives(name, build, tmp_path, monkeypatch):
    keras.utils.set_random_seed(2)
    published = getattr(keras.applications, build)(include_top=False, weights=None, input_shape=(32, 32, 3))
    for layer in published.layers:
        if isinstance(layer, keras.layers.Normalization):  # The published files carry ImageNet's moments.
            layer.set_weights(
                [np.array(v, "f4") for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])] + [np.array(0)]
            )
    path = tmp_path / "published_notop.h5"
    published.save(path)
    by_uri = build_feature_extractor(find_backbone(name), 32, str(path))
    monkeypatch.setattr(keras.src.utils.file_utils, "get_file", lambda *_, **__: str(path))
    downloaded = build_feature_extractor(find_backbone(name), 32, "imagenet")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    one, other = (network.predict(pixels, verbose=0) for network in (by_uri, downloaded))
    assert other.std() > 0
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5 * np.abs(other).max())


def test_the_names_that_need_no_keras_are_those_that_keras_has():
    assert set(NAMES) <= set(backbone_names())
    assert set(backbone_names()) - set(NAMES) >= {"efficientnet_lite0", "small_cnn"}
    assert all(find_backbone(name) for name in backbone_names())


def test_listing_the_names_imports_no_keras():
    code = "import sys; from pipeline.cli.main import main; main(['check-backbone', '--json']); print([*sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    names, _, modules = done.stdout.rpartition("\n[")
    assert json.loads(names) == backbone_names()
    assert "'keras'" not in modules
    assert "'tensorflow'" not in modules
